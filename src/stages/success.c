/*
 * Learning which model is good enough: tasks, and the choice that each of their tiers has made.
 *
 *     believed   the tier's model and dearer ones, until refuted; the choice, until refuted
 *     certain    the lower bound meets the target
 *     refuted    the upper bound is below it, or a stretch of the latest answers is: until certain again
 *
 * The choice is the cheapest that is believed or certain. In between nothing changes: that is the hysteresis.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "success_private.h"

/* How much is believed beforehand: as many observations. */
static const double prior_worth = 4;
/* Of the best of those that miss the target another one takes its place only where it is so much better. */
static const double better_by = 0.03;
/* A choice that costs so much less is worth a change. */
static const double cheaper_by = 0.03;
static const double known_from = 8; /* observations */
static const double weights[SUCCESS_SOURCES] = { 0.5, 1, 0.7, 0.7 };

static const char *const tier_names[] = { "simple", "moderate", "complex" };

/* ---- tasks ---- */

struct success *
success_new(void)
{
	struct success *s = must_alloc(sizeof *s);
	list_init(&s->by_use);
	return s;
}

static void
task_free(struct success *s, struct task *t)
{
	table_remove(&s->tasks, str_from(t->name));
	list_leave(&t->link);
	free(t);
}

void
success_free(struct success **sp)
{
	struct success *s = *sp;
	if (s == NULL)
		return;
	while (!list_empty(&s->by_use))
		task_free(s, LIST_ENTRY(s->by_use.next, struct task, link));
	table_free(&s->tasks);
	free(s);
	*sp = NULL;
}

struct task *
success_task(const struct success *s, struct str name)
{
	return table_get(&s->tasks, name);
}

static bool
has_learned(const struct task *t)
{
	for (int r = 0; r < SUCCESS_TIERS; r++)
		if (t->rows[r].outcomes > 0)
			return true;
	return false;
}

/* Of those nobody configured: the least used of the first few that have learned nothing, else the least used. So names that are
 * made up do not push out what was learned unless their answers are judged, too. */
static void
make_room(struct success *s)
{
	enum { LOOKED_AT = 64 };
	struct task *leaves = NULL;
	size_t free_ones = 0;
	for (struct link *l = s->by_use.next; l != &s->by_use; l = l->next) {
		struct task *t = LIST_ENTRY(l, struct task, link);
		if (t->kept)
			continue;
		free_ones++;
		if (free_ones <= LOOKED_AT && (leaves == NULL || (has_learned(leaves) && !has_learned(t))))
			leaves = t;
	}
	if (free_ones < SUCCESS_TASKS_MAX)
		return;
	task_free(s, leaves);
	s->totals.forgotten++;
}

struct task *
success_task_at(struct success *s, struct str name, int64_t now_ms)
{
	struct task *t = success_task(s, name);
	if (t == NULL) {
		make_room(s);
		t = must_alloc(sizeof *t);
		str_copy(t->name, sizeof t->name, name);
		list_init(&t->link);
		for (int r = 0; r < SUCCESS_TIERS; r++)
			t->rows[r].choice = t->rows[r].standing = -1;
		t->faded_ms = now_ms;
		table_put(&s->tasks, str_from(t->name), t);
	}
	list_leave(&t->link);
	list_push(&s->by_use, &t->link);
	task_fade(t, now_ms);
	return t;
}

void
success_keep(struct success *s, struct str task)
{
	success_task_at(s, task, 0)->kept = true;
}

static void
all_stale(struct task *t)
{
	for (int r = 0; r < SUCCESS_TIERS; r++)
		t->rows[r].stale = true;
}

/* What is older than a fortnight counts half, however little came since. */
void
task_fade(struct task *t, int64_t now_ms)
{
	enum { HOUR_MS = 3600 * 1000 };
	const double half_life_ms = 14.0 * 24 * HOUR_MS;
	if (now_ms < t->faded_ms || t->faded_ms == 0)
		t->faded_ms = now_ms; /* a clock that was set back */
	if (now_ms - t->faded_ms < HOUR_MS)
		return;
	double by = exp2(-(double)(now_ms - t->faded_ms) / half_life_ms);
	t->faded_ms = now_ms;
	t->requests *= by;
	t->blind *= by;
	t->spent_pico *= by;
	t->extra_pico *= by;
	for (int i = 0; i < GIVERS; i++) {
		t->givers[i].good *= by;
		t->givers[i].bad *= by;
	}
	for (int r = 0; r < SUCCESS_TIERS; r++) {
		for (int m = 0; m < SUCCESS_MODELS_MAX; m++) {
			struct cell *c = &t->rows[r].cells[m];
			for (int k = 0; k < KINDS; k++)
				count_fade(&c->counts[k], by);
			c->tried *= by;
			c->heard *= by;
		}
	}
	all_stale(t);
}

/* ---- models ---- */

static int
model_find(const struct task *t, struct str name)
{
	for (int m = 0; m < SUCCESS_MODELS_MAX; m++)
		if (t->models[m].name[0] != '\0' && str_eq(str_from(t->models[m].name), name))
			return m;
	return -1;
}

static void
model_forget(struct task *t, int m)
{
	t->models[m] = (struct model){ 0 };
	for (int r = 0; r < SUCCESS_TIERS; r++) {
		struct row *row = &t->rows[r];
		memset(&row->cells[m], 0, sizeof row->cells[m]); /* what pads it, too: it is saved */
		row->cells[m].sums.high = 1;
		row->choice = row->choice == m ? -1 : row->choice;
		row->standing = row->standing == m ? -1 : row->standing;
		row->stale = true;
	}
}

/* A new one takes the place of the one that was no candidate for longest; those of the mask stay. */
static int
model_at(struct task *t, struct str name, uint32_t stay, int64_t now_ms)
{
	int m = model_find(t, name), oldest = -1;
	for (int i = 0; i < SUCCESS_MODELS_MAX && m < 0; i++)
		if ((stay & 1U << i) == 0 && (oldest < 0 || t->models[i].used_ms < t->models[oldest].used_ms))
			oldest = i;
	if (m < 0) {
		m = oldest;
		model_forget(t, m);
		str_copy(t->models[m].name, NAME_SIZE, name);
	}
	t->models[m].used_ms = now_ms;
	return m;
}

/* ---- observing ---- */

void
success_observe(struct success *s, const struct success_seen *seen)
{
	bool is_share = seen->good >= 0 && seen->good <= 1; /* false for what is no number */
	if (!is_share || seen->tier > TIER_COMPLEX || seen->source >= SUCCESS_SOURCES || seen->model.n == 0)
		return;
	struct task *t = success_task_at(s, seen->task, seen->now_ms);
	struct row *row = &t->rows[seen->tier];
	int m = model_find(t, seen->model);
	if (m < 0 && seen->withdrawn)
		return;
	m = m >= 0 ? m : model_at(t, seen->model, 0, seen->now_ms);
	struct cell *c = &row->cells[m];
	struct count *count = &c->counts[seen->source == SUCCESS_CHECK ? KIND_FORM : KIND_WORTH];
	double weight = weights[seen->source] * giver_weight(t, seen->giver, seen->good, seen->withdrawn);
	all_stale(t);
	if (seen->withdrawn) {
		count_take_back(count, seen->good, weight);
		return;
	}
	count_add(count, seen->good, weight, row->target > 0 ? row->target : 0.8);
	c->heard++;
	row->outcomes++;
	s->totals.outcomes[seen->source][seen->good >= 0.5]++;
}

/* ---- what is believed ---- */

/* What the task has evidence of at all; where checks mend what fails them, it costs money and is no failure. */
static void
kinds_of(const struct task *t, bool escalates, bool judged[KINDS])
{
	double seen[KINDS] = { 0 };
	for (int r = 0; r < SUCCESS_TIERS; r++)
		for (int m = 0; m < SUCCESS_MODELS_MAX; m++)
			for (int k = 0; k < KINDS; k++)
				seen[k] += count_seen(&t->rows[r].cells[m].counts[k]);
	judged[KIND_FORM] = seen[KIND_FORM] >= 2 && !escalates;
	judged[KIND_WORTH] = seen[KIND_WORTH] >= 2;
}

/* What is known of a model in its other tiers and, of a task that is new, in `default`. A harder tier's success speaks for it, an
 * easier one's failure against it; the other way round they say little. */
struct lent {
	double good, bad;           /* for the lower bound, and for what is believed */
	double high_good, high_bad; /* for the upper one */
};

static struct lent
borrow(const struct task *t, const struct task *common, int tier, int m, enum success_kind kind)
{
	static const double harder[] = { 0, 12, 6 }, easier[] = { 0, 5, 3 }, against[] = { 0, 8, 4 };
	static const double keeps = 0.95, of_default = 4;
	struct lent v = { 0 };
	for (int r = 0; r < SUCCESS_TIERS; r++) {
		const struct count *c = &t->rows[r].cells[m].counts[kind];
		int steps = abs(r - tier);
		if (r > tier)
			count_lend(c, harder[steps], 1, &v.good, &v.bad);
		if (r < tier) {
			count_lend(c, easier[steps], keeps, &v.good, &v.bad);
			count_lend(c, against[steps], 1, &v.high_good, &v.high_bad);
		}
	}
	int other = common != NULL ? model_find(common, str_from(t->models[m].name)) : -1;
	if (other >= 0)
		count_lend(&common->rows[tier].cells[other].counts[kind], of_default, 1, &v.good, &v.bad);
	return v;
}

static void
cell_look(struct task *t, const struct task *common, int tier, int m, const bool judged[KINDS])
{
	struct row *row = &t->rows[tier];
	struct cell *c = &row->cells[m];
	struct sums *v = &c->sums;
	bool refuted = false, any = false;
	*v = (struct sums){ .low = 0, .high = 1 };
	for (int k = 0; k < KINDS; k++) {
		struct count *own = &c->counts[k];
		struct lent lent = borrow(t, common, tier, m, (enum success_kind)k);
		if (k == KIND_FORM)
			v->passed = own->good + lent.good, v->failed = own->bad + lent.bad;
		if (!judged[k])
			continue;
		bool enough = count_seen(own) >= known_from / 2;
		if (enough && count_alarms(own)) {
			refuted = true;
			count_forget(own);
		}
		double good = own->good + lent.good, bad = own->bad + lent.bad;
		double low = count_interval(good, bad).low;
		double high = count_interval(own->good + lent.high_good, own->bad + lent.high_bad).high;
		refuted = refuted || (enough && high < row->target);
		bool worse = !any || good * (v->good + v->bad) < v->good * (good + bad);
		v->low = !any || low < v->low ? low : v->low;
		v->high = high < v->high ? high : v->high;
		if (worse)
			v->good = good, v->bad = bad;
		v->seen = !any || count_seen(own) < v->seen ? count_seen(own) : v->seen;
		any = true;
	}
	if (refuted)
		c->refuted = true;
	else if (any && v->low >= row->target)
		c->refuted = false;
}

void
row_look(struct task *t, const struct task *common, int tier, bool escalates)
{
	bool judged[KINDS];
	kinds_of(t, escalates, judged);
	for (int m = 0; m < SUCCESS_MODELS_MAX; m++)
		if (t->models[m].name[0] != '\0')
			cell_look(t, common, tier, m, judged);
	t->rows[tier].escalates = escalates;
	t->rows[tier].stale = false;
}

/* ---- choosing ---- */

/* A question beside what is known of its candidates. */
struct judging {
	struct task *t;
	struct row *row;
	const struct success_question *q;
	int model[SUCCESS_MODELS_MAX];
	double cost[SUCCESS_MODELS_MAX]; /* what is asked again counted in */
	struct success_view views[SUCCESS_MODELS_MAX];
	int current; /* candidate that is the row's choice; -1: it is none of them, or there is no choice yet */
};

/* The tier's model and dearer ones are thought to meet the target, a cheaper one so much the less the harder the request. */
static double
prior_of(const struct success_question *q, size_t i)
{
	double score = q->score >= 0 && q->score <= 1 ? q->score : 0.5;
	return i >= q->standing ? (1 + q->target) / 2 : 0.95 - 0.6 * score;
}

struct success_view
success_view_of(const struct cell *c, double prior)
{
	const struct sums *v = &c->sums;
	double n = v->good + v->bad, checked = v->passed + v->failed;
	return (struct success_view){
		.mean = (prior_worth * prior + v->good) / (prior_worth + n),
		.low = v->low,
		.high = v->high,
		.seen = v->seen,
		.passed = (prior_worth + v->passed) / (prior_worth + checked),
		.refuted = c->refuted,
	};
}

static void
judging_open(struct judging *j, struct task *t, const struct task *common, const struct success_question *q)
{
	uint32_t stay = 0;
	*j = (struct judging){ .t = t, .row = &t->rows[q->tier], .q = q, .current = -1 };
	for (size_t i = 0; i < q->count; i++) {
		int m = model_find(t, str_from(q->candidates[i].model));
		stay |= m >= 0 ? 1U << m : 0;
	}
	for (size_t i = 0; i < q->count; i++) {
		j->model[i] = model_at(t, str_from(q->candidates[i].model), stay, q->now_ms);
		stay |= 1U << j->model[i];
	}
	struct row *row = j->row;
	/* Another one was configured for the tier: it is believed, and only what is certain stands against it. */
	if (row->standing != j->model[q->standing]) {
		row->standing = j->model[q->standing];
		row->choice = -1;
	}
	if (row->target != q->target || row->escalates != q->escalates)
		row->stale = true;
	row->target = q->target;
	if (row->stale)
		row_look(t, common, (int)q->tier, q->escalates), row->stale = true;
	double dearest = (double)q->candidates[q->count - 1].cost_pico;
	for (size_t i = 0; i < q->count; i++) {
		j->views[i] = success_view_of(&row->cells[j->model[i]], prior_of(q, i));
		j->cost[i] = (double)q->candidates[i].cost_pico;
		if (q->escalates && i + 1 < q->count)
			j->cost[i] += (1 - j->views[i].passed) * dearest;
		if (j->model[i] == row->choice)
			j->current = (int)i;
	}
}

/* Where all were refuted: the best of those that are known. */
static size_t
best_of(const struct judging *j)
{
	int best = j->current >= 0 ? j->current : (int)j->q->standing;
	for (size_t i = 0; i < j->q->count; i++)
		if (j->views[i].seen >= known_from && j->views[i].mean > j->views[best].mean + better_by)
			best = (int)i;
	return (size_t)best;
}

static size_t
want(const struct judging *j, const char **why)
{
	const struct success_question *q = j->q;
	int best = -1;
	bool fell_short = false;
	for (size_t i = 0; i < q->count; i++) {
		const struct success_view *v = &j->views[i];
		bool certain = v->low >= q->target;
		bool believed = !v->refuted && (i >= q->standing || (int)i == j->current);
		fell_short = fell_short || (v->refuted && i >= q->standing);
		if (!certain && !believed)
			continue;
		double than = best >= 0 ? j->cost[best] : 0;
		double by = best == j->current ? cheaper_by : (int)i == j->current ? -cheaper_by : 0;
		if (best < 0 || j->cost[i] < than * (1 - by))
			best = (int)i;
	}
	if (best < 0) {
		*why = "none meets the target: the best";
		return best_of(j);
	}
	size_t i = (size_t)best;
	*why = i == q->standing  ? "the tier's model"
	       : i < q->standing ? "the cheapest that meets the target"
	       : fell_short      ? "what is cheaper fell short of the target"
				 : "what is cheaper is asked again too often";
	return i;
}

static void
change(struct success *s, struct judging *j, size_t to, bool quiet)
{
	struct row *row = j->row;
	const struct success_view *b = &j->views[to], *a = j->current >= 0 ? &j->views[j->current] : NULL;
	bool first = row->choice < 0;
	const char *from = first ? "" : j->t->models[row->choice].name;
	if (!quiet && (!first || to != j->q->standing)) {
		char were[64] = "", are[64];
		if (a != NULL)
			snprintf(were, sizeof were, "%.3f..%.3f", a->low, a->high);
		snprintf(are, sizeof are, "%.3f..%.3f", b->low, b->high);
		log_line(LOG_INFO, "rerouted", "task=%q tier=%s from=%q to=%q from_share=%s to_share=%s",
		    j->t->name, tier_names[j->q->tier], first ? j->q->candidates[j->q->standing].model : from,
		    j->q->candidates[to].model, were, are);
		row->changes++;
		s->totals.changes++;
	}
	row->choice = j->model[to];
	j->current = (int)to;
}

/* ---- trying others ---- */

/*
 * While a share e of the requests tries a model of which no more is certain than that it is good in `low` of them, and the choice is
 * good in `choice`, (1 - e) choice + e low of the answers are good. That stays above target - SUCCESS_BOUND up to this e.
 */
static double
safe_share(double choice, double low, double target)
{
	double floor = target - SUCCESS_BOUND;
	return low >= floor ? 1 : (choice - floor) / (choice - low);
}

static double
known(const struct cell *c)
{
	return c->sums.good + c->sums.bad;
}

/* The cheapest that is likely to do, else the likeliest; -1: there is none. */
static int
trial_of(const struct judging *j, size_t chosen)
{
	int best = -1;
	for (size_t i = 0; i < j->q->count; i++) {
		const struct success_view *v = &j->views[i];
		if (j->cost[i] >= j->cost[chosen] || v->high < j->q->target)
			continue;
		if (!v->refuted && v->mean >= j->q->target - SUCCESS_BOUND)
			return (int)i;
		if (best < 0 || v->mean > j->views[best].mean)
			best = (int)i;
	}
	return best;
}

/* Share of requests that try a cheaper model. */
static double
trial_share(const struct judging *j, size_t chosen, int trial, bool *blind)
{
	static const double most = 0.5;      /* the choice is observed as well */
	static const double at_once = 20000; /* a young task tries as much as one that is so much older */
	static const double unheard =
	    60; /* tries, and tries for each outcome: nobody tells, nothing is learned */
	const struct success_question *q = j->q;
	const struct cell *c = &j->row->cells[j->model[trial]];
	const struct success_view *v = &j->views[trial], *now = &j->views[chosen];
	*blind = known(c) < known_from;
	if (c->tried > unheard * (1 + c->heard))
		return 0;
	double choice = now->low > q->target ? now->low : q->target;
	double share = safe_share(choice, v->low, q->target);
	share = share < most ? share : most;
	bool credit = *blind && j->t->blind < q->explore * (j->t->requests + at_once);
	bool does_well = !*blind && !v->refuted && v->mean >= q->target;
	return credit || does_well || share < q->explore ? share : q->explore;
}

/* A dearer model, where the choice seems to miss the target and nothing is certain: within the money. -1: none */
static int
dearer_of(const struct judging *j, size_t chosen)
{
	const struct success_view *now = &j->views[chosen];
	if (now->seen < known_from || now->mean >= j->q->target)
		return -1;
	for (size_t i = 0; i < j->q->count; i++) {
		double more = j->cost[i] - j->cost[chosen];
		if (more > 0 && !j->views[i].refuted &&
		    j->t->extra_pico + more <= j->q->explore_spend * j->t->spent_pico)
			return (int)i;
	}
	return -1;
}

static void
explore(struct judging *j, struct success_pick *out)
{
	double u = (double)(j->q->draw >> 11) * 0x1p-53;
	bool blind = false;
	int trial = trial_of(j, out->chosen);
	double share = trial >= 0 ? trial_share(j, out->chosen, trial, &blind) : 0;
	if (u < share) {
		out->why = "tried: a cheaper model may do";
	} else {
		blind = false;
		trial = u < share + j->q->explore ? dearer_of(j, out->chosen) : -1;
		if (trial < 0)
			return;
		j->t->extra_pico += j->cost[trial] - j->cost[out->chosen];
		out->why = "tried: a dearer model may do better";
	}
	j->row->cells[j->model[trial]].tried++;
	j->t->blind += blind;
	out->chosen = (size_t)trial;
	out->explores = true;
}

static void
check_question(const struct success_question *q)
{
	assert(q->count >= 1 && q->count <= SUCCESS_MODELS_MAX && q->standing < q->count);
	assert(q->tier <= TIER_COMPLEX);
}

/* s NULL: quietly, on a copy of the task. */
static void
choose(struct success *s, struct task *t, const struct task *common, const struct success_question *q,
    struct success_pick *out)
{
	enum { HOUR_MS = 3600 * 1000 };
	struct judging j;
	judging_open(&j, t, common, q);
	struct row *row = j.row;
	size_t wanted = j.current >= 0 ? (size_t)j.current : 0;
	out->explores = false;
	bool looks = row->stale || j.current < 0;
	size_t best = want(&j, &out->why);
	/* Costs differ from request to request, so a choice is looked at when something was observed, and not each time. */
	if (looks)
		wanted = best;
	else if (best != wanted)
		out->why = "the task's choice";
	/* A choice that is no candidate may be one for the next request; one that is none for an hour has left. */
	bool has_left = row->choice >= 0 && q->now_ms - t->models[row->choice].used_ms > HOUR_MS;
	if (j.current != (int)wanted && (row->choice < 0 || j.current >= 0 || has_left))
		change(s, &j, wanted, s == NULL);
	row->stale = false;
	out->chosen = wanted;
	for (size_t i = 0; i < q->count; i++)
		out->views[i] = j.views[i];
	if (s == NULL)
		return;
	if (q->may_explore && q->explore > 0)
		explore(&j, out);
	struct cell *c = &row->cells[j.model[out->chosen]];
	c->chosen++;
	c->explored += out->explores;
	row->requests++;
	row->explored += out->explores;
	t->requests++;
	t->spent_pico += j.cost[out->chosen] > 0 ? j.cost[out->chosen] : 0;
	s->totals.requests++;
	s->totals.explored += out->explores;
}

void
success_choose(struct success *s, const struct success_question *q, struct success_pick *out)
{
	check_question(q);
	struct task *t = success_task_at(s, q->task, q->now_ms);
	const struct task *common = success_task(s, STR("default"));
	choose(s, t, common != t ? common : NULL, q, out);
}

void
success_foresee(const struct success *s, const struct success_question *q, struct success_pick *out)
{
	check_question(q);
	struct task *known_one = success_task(s, q->task), *copy = must_alloc(sizeof *copy);
	if (known_one != NULL) {
		*copy = *known_one;
	} else {
		for (int r = 0; r < SUCCESS_TIERS; r++)
			copy->rows[r].choice = copy->rows[r].standing = -1;
	}
	const struct task *common = success_task(s, STR("default"));
	choose(NULL, copy, common != known_one ? common : NULL, q, out);
	free(copy);
}
