/*
 * Adding up. Every addition is a line of the explanation, so that the lines add up to the sum: the score without an explanation is
 * the same walk with nobody to write to.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "text/score.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "nearest_dot.h"
#include "score_model.h"

enum { CLUSTERS_TOLD = 3, CLUSTERS_MAX = 512 };
_Static_assert(
    FEATURE_COUNT + CLUSTERS_TOLD + 8 <= SCORE_PARTS_MAX, "an explanation has a line for everything");
_Static_assert(
    sizeof router_clusters / sizeof *router_clusters <= CLUSTERS_MAX, "there is room for every cluster");

struct adding {
	double sum;
	struct score *out; /* NULL: nobody asked for an explanation */
};

static void
add(struct adding *a, const char *name, double value, double weight)
{
	double contribution = value * weight;
	a->sum += contribution;
	if (a->out == NULL || contribution == 0)
		return;
	assert(a->out->count < SCORE_PARTS_MAX);
	a->out->parts[a->out->count++] = (struct score_part){ name, value, weight, contribution, false };
}

static double
within(double v, double limit)
{
	return v > limit ? limit : v < -limit ? -limit : v;
}

/* What hinges add to each value, and in all */
static double
bend(const struct score_features *f, int side, double *bent)
{
	double sum = (double)router_base[side];
	for (size_t i = 0; i < router_hinge_count; i++) {
		const struct router_hinge *h = &router_hinges[i];
		double over = (double)f->values[h->feature] - (double)h->knot;
		double more = over > 0 ? over * (double)h->weights[side] : 0;
		bent[h->feature] += more;
		sum += more;
	}
	return sum;
}

/* A line for each value: its weight is what it was given and, of what hinges have added, the share of a unit of it. */
static void
add_values(struct adding *a, const struct score_features *f, int side, double gate)
{
	double bent[FEATURE_COUNT] = { 0 }, sum = gate > 0 ? bend(f, side, bent) : 0;
	double kept = sum != 0 ? gate * within(sum, (double)router_limit) / sum : 0;
	add(a, side == SIDE_OPTIONS ? "every request with options" : "every request", 1,
	    (double)router_bias[side] + (gate > 0 ? kept * (double)router_base[side] : 0));
	if (a->out != NULL && a->out->count > 0)
		a->out->parts[0].always = true;
	for (size_t i = 0; i < FEATURE_COUNT; i++) {
		double value = (double)f->values[i];
		if (value > 0)
			add(a, score_feature_names[i].text, value,
			    (double)router_weights[side][i] + kept * bent[i] / value);
	}
}

/* How near each cluster is; the nearest one's cosine */
static double
measure(const struct score_features *f, float *cosines)
{
	if (router_cluster_count == 0)
		return -1;
	double square = nearest_dot(f->subject.v, f->subject.v, EMBED_DIMS);
	float own = square > 0 ? (float)(1 / sqrt(square)) : 0;
	float best = nearest_scores(
	    f->subject.v, router_centres[0], router_scales, router_cluster_count, EMBED_DIMS, cosines);
	for (size_t i = 0; i < router_cluster_count; i++)
		cosines[i] *= own;
	return (double)(best * own);
}

static double
gate_of(const struct score_features *f, double best)
{
	double open = 1, low = (double)router_gate[0], high = (double)router_gate[1];
	if (high > low)
		open = best <= low ? 0 : best >= high ? 1 : (best - low) / (high - low);
	double study = (double)f->values[FEATURE_thing_study];
	if (f->values[FEATURE_options] <= 0) /* no outcome is of a text that asks for a study */
		open *= study < 1 ? 1 - study : 0;
	return open * (1 - (double)f->values[FEATURE_foreign]);
}

static void
add_linear(struct adding *a, const struct score_features *f, int side, double gate)
{
	double sum = 0;
	for (size_t i = 0; i < EMBED_DIMS; i++)
		sum += (double)router_linear[side][i] * f->subject.v[i];
	add(a, "the subject's direction", within(sum / 127, (double)router_limit), gate);
}

/* The shares of clusters, in place of their cosines */
static void
weigh(float *shares, const float *cosines, double best)
{
	double sum = 0;
	for (size_t i = 0; i < router_cluster_count; i++) {
		double far = (double)cosines[i] - (router_kernel == KERNEL_BELLS ? 1 : best);
		shares[i] = router_kernel == KERNEL_NEAREST ? far >= 0 && sum == 0
							    : expf((float)far * router_sharpness);
		sum += (double)shares[i];
	}
	for (size_t i = 0; router_kernel == KERNEL_SHARES && i < router_cluster_count; i++)
		shares[i] = (float)((double)shares[i] / sum);
}

static size_t
largest(const double *parts)
{
	size_t best = 0;
	for (size_t i = 1; i < router_cluster_count; i++)
		best = fabs(parts[i]) > fabs(parts[best]) ? i : best;
	return best;
}

static void
add_clusters(struct adding *a, const float *cosines, double best, double gate)
{
	float shares[CLUSTERS_MAX];
	double parts[CLUSTERS_MAX], sum = 0;
	if (router_cluster_count == 0)
		return;
	weigh(shares, cosines, best);
	for (size_t i = 0; i < router_cluster_count; i++)
		sum += parts[i] = (double)shares[i] * (double)router_clusters[i].weight;
	double kept = sum != 0 ? within(sum, (double)router_limit) / sum : 1, rest = sum;
	for (size_t told = 0; a->out != NULL && told < CLUSTERS_TOLD; told++) {
		size_t i = largest(parts);
		add(a, router_clusters[i].name, (double)shares[i] * kept,
		    gate * (double)router_clusters[i].weight);
		rest -= parts[i];
		parts[i] = 0;
	}
	add(a, "other subjects", rest * kept, gate);
}

static void
add_grams(struct adding *a, const struct score_features *f, double gate)
{
	int sum = 0;
	for (size_t i = 0; router_gram_count > 0 && i < f->grams; i++)
		sum += router_grams[f->gram[i]];
	double norm = router_grams_rooted && f->grams > 0 ? 1 / sqrt((double)f->grams) : 1;
	add(a, "the wording", within((double)router_gram_scale * sum * norm, (double)router_limit), gate);
}

static float
input_of(const struct score_features *f, const float *cosines, unsigned input)
{
	if (input < TREE_SUBJECT)
		return f->values[input];
	if (input < TREE_CLUSTERS)
		return (float)f->subject.v[input - TREE_SUBJECT] / 127;
	return cosines[input - TREE_CLUSTERS];
}

static void
add_trees(struct adding *a, const struct score_features *f, const float *cosines, double gate)
{
	double sum = 0;
	for (size_t t = 0; t < router_tree_count; t++) {
		const struct router_node *n = &router_nodes[router_roots[t]];
		while (n->below != 0)
			n = &router_nodes[input_of(f, cosines, n->input) <= n->at ? n->below : n->above];
		sum += (double)n->value;
	}
	add(a, "what goes together", within(sum, (double)router_limit), gate);
}

static double
add_up(const struct score_input *in, struct score *out)
{
	struct score_features f;
	struct adding a = { 0, out };
	float cosines[CLUSTERS_MAX];
	score_features_of(in, &f);
	int side = f.values[FEATURE_options] > 0 ? SIDE_OPTIONS : SIDE_FREE;
	double best = measure(&f, cosines), gate = gate_of(&f, best);
	add_values(&a, &f, side, gate);
	if (gate > 0) {
		add_linear(&a, &f, side, gate);
		add_clusters(&a, cosines, best, gate);
		add_grams(&a, &f, gate);
		add_trees(&a, &f, cosines, gate);
	}
	return a.sum;
}

static double
squeeze(double sum)
{
	return 1 / (1 + exp(-sum));
}

double
score_of(const struct score_input *in)
{
	return squeeze(add_up(in, NULL));
}

static int
by_contribution(const void *a, const void *b)
{
	double x = fabs(((const struct score_part *)a)->contribution);
	double y = fabs(((const struct score_part *)b)->contribution);
	return (x < y) - (x > y);
}

void
score_explain(const struct score_input *in, struct score *out)
{
	out->count = 0;
	out->sum = add_up(in, out);
	out->score = squeeze(out->sum);
	qsort(out->parts, out->count, sizeof *out->parts, by_contribution);
}
