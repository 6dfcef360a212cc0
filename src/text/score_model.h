/*
 * The trained model: assets/router.inc fills these tables (scripts/router/asset.py writes it). A score is a sum of
 *
 *     bias
 *     + values x weights                       what was counted
 *     + gate x ( base + hinges                 weight x what a value has above a knot
 *              + subject . linear              the embedding by a vector of weights
 *              + clusters                      how near the subject is to each of some, by its weight
 *              + grams                         words, by hash
 *              + trees )                       over all of these
 *
 * Weights come in pairs: requests with options to choose from are another kind of question than all others, and have the second.
 * What stands in brackets was learned from texts of some kinds only. The gate closes where the text is like none of them: it is 0
 * where the nearest cluster is as far as gate[0] or farther, 1 from gate[1] on, and less by what is in another language. Without
 * options it is shut to a text that names an analysis or a strategy (thing_study), for no outcome is of those. Each of the five terms
 * in brackets is kept within +-limit, so that none of them decides alone.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TEXT_SCORE_MODEL_H
#define FARTHING_TEXT_SCORE_MODEL_H

#include "score_features.h"

enum { SIDE_FREE, SIDE_OPTIONS, SIDES };

enum router_kernel {
	KERNEL_NEAREST, /* the nearest cluster alone, by 1 */
	KERNEL_SHARES,  /* each by its share of all e^(sharpness x cosine) */
	KERNEL_BELLS    /* each by e^(sharpness x (cosine - 1)) */
};

struct router_cluster {
	const char *name; /* "subject: ..." */
	float weight;
};

struct router_hinge {
	uint16_t feature;
	float knot;
	float weights[SIDES];
};

/* Inputs of trees: values as numbered, then the subject's dimensions (each / 127), then the cosines of the clusters. */
enum { TREE_SUBJECT = FEATURE_COUNT, TREE_CLUSTERS = FEATURE_COUNT + EMBED_DIMS };

/* at: an input of at most this goes below. value: what the texts that come here have on average; of a leaf, what it adds */
struct router_node {
	float at, value;
	uint16_t input, below, above; /* below is 0 in leaves */
};

#include "assets/router.inc"

#endif
