/*
 * The pipeline from inside: shared by pipeline.c (its life, and the ends of exchanges) and arrive.c (how an exchange finds its
 * answer).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_PIPELINE_PRIVATE_H
#define FARTHING_SRC_STAGES_PIPELINE_PRIVATE_H

#include "batch.h"
#include "embedder.h"
#include "keep.h"
#include "shadow.h"
#include "stages/dedup.h"
#include "stages/deferred.h"
#include "stages/learned.h"
#include "stages/pipeline.h"
#include "stages/route.h"
#include "strangers.h"
#include "vectors.h"

struct pipeline {
	struct ask_house house;
	struct dedup dedup;
	struct cache *cache;
	struct keep keep;
	struct similar *similar;
	struct shadows shadows;
	struct vectors *vectors;
	struct embedder embedder;
	struct batch_quality *batch_quality;
	struct batcher *batcher;
	struct strangers strangers;
	struct learned *learned;
	struct router *router;
	struct alerts *alerts; /* NULL: none */
	struct depot *depot;   /* NULL: nothing is deferred */
	struct timer save, restore;
	const struct config *config; /* in force */
};

#endif
