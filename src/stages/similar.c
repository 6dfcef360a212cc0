/*
 * Finding the answer of a question that is like another, and saying why.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "similar_private.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "stages/ask.h"
#include "vectors.h"

/* ---- birth and death ---- */

struct similar *
similar_new(const struct similar_options *options)
{
	struct similar *s = must_alloc(sizeof *s);
	s->cache = options->cache;
	s->ledger = options->ledger;
	s->metrics = options->metrics;
	s->shelf = options->shelf;
	s->max_bytes = options->max_bytes;
	s->vectors = options->vectors;
	list_init(&s->used);
	list_init(&s->waiting);
	return s;
}

/* Its places go with it; what is asked for it goes on without one. */
static void
bucket_free(struct similar *s, struct bucket *b)
{
	while (!list_empty(&b->drawers))
		drawer_empty(s, LIST_ENTRY(b->drawers.next, struct drawer, link));
	list_leave(&b->used);
	table_remove(&s->buckets, digest_str(&b->key));
	s->bytes -= b->bytes;
	templates_free(&b->templates);
	free(b);
}

void
similar_free(struct similar **sp)
{
	struct similar *s = *sp;
	struct question *q;
	if (s == NULL)
		return;
	while (!list_empty(&s->used))
		bucket_free(s, LIST_ENTRY(s->used.next, struct bucket, used));
	assert(s->places == 0 && s->bytes == 0);
	for (size_t at = 0; (q = table_next(&s->questions, &at)) != NULL;) {
		buf_free(&q->text);
		free(q);
	}
	errors_free_all(s);
	similar_restore_none(s);
	table_free(&s->questions);
	table_free(&s->drawers);
	table_free(&s->buckets);
	free(s);
	*sp = NULL;
}

/* ---- buckets ---- */

static void
count_bytes(struct similar *s, struct bucket *b)
{
	s->bytes -= b->bytes;
	b->bytes = sizeof *b + 64 + b->templates.bytes;
	s->bytes += b->bytes;
}

struct bucket *
bucket_at(struct similar *s, const struct digest *key)
{
	struct bucket *b = table_get(&s->buckets, digest_str(key));
	if (b == NULL) {
		b = must_alloc(sizeof *b);
		b->key = *key;
		b->born = s->born++;
		list_init(&b->drawers);
		list_init(&b->used);
		table_put(&s->buckets, digest_str(&b->key), b);
	}
	list_leave(&b->used);
	list_push(&s->used, &b->used);
	count_bytes(s, b);
	return b;
}

/* The newest is what the caller holds: it stays. */
void
bucket_shrink(struct similar *s)
{
	while (
	    (s->bytes > s->max_bytes || s->buckets.count > SIMILAR_BUCKETS) && s->used.next != s->used.prev)
		bucket_free(s, LIST_ENTRY(s->used.next, struct bucket, used));
}

/* ---- what is compared ---- */

static int
take_apart(struct bucket *b, const struct fields_conf *fields, struct str text, struct record *r,
    struct similar_look *look)
{
	struct words words;
	if (record_of(text, fields, r) != 0 || !words_split(buf_str(&r->around), &words))
		return -1;
	if (templates_fit(&b->templates, &words, r->objects > 0, &look->fit, &look->text) != 0)
		return -1;
	for (size_t i = 0; i < look->text.n; i++)
		if (look->text.p[i] == RECORD_SEPARATOR)
			look->text.p[i] = ' ';
	look->objects = r->objects;
	return buf_add(&look->text, buf_str(&r->texts));
}

static struct digest
drawer_key(const struct bucket *b, const struct cache_conf *conf, const struct record *r,
    const struct similar_look *look)
{
	const struct model_conf *model = conf->embedding.model;
	struct {
		struct digest bucket, fields, model;
		uint64_t born;
		uint32_t template, objects, dims, unused;
	} key = { .bucket = b->key,
		.fields = r->key,
		.born = b->born,
		.template = look->fit.id,
		.objects = r->objects };
	/* Vectors of different models, or sizes, never meet. */
	if (model != NULL) {
		key.model = digest_of(str_from(model->name));
		key.dims = (uint32_t)conf->embedding.dimensions;
	}
	return digest_of((struct str){ (const char *)&key, sizeof key });
}

static int
embed(const struct cache_conf *conf, struct similar_look *look)
{
	bool own = conf->embedding.model == NULL;
	struct embedding e;
	bool any = own ? embed_text(buf_str(&look->text), &e) : str_trim(buf_str(&look->text)).n > 0;
	look->wants_vector = any && !own;
	if (look->wants_vector)
		return 0;
	look->vector.dims = own ? EMBED_DIMS : (uint32_t)conf->embedding.dimensions;
	if (any)
		memcpy(look->vector.v, e.v, sizeof e.v);
	else /* where only JSON differs, and all of that is in the key, there is nothing to embed */
		look->vector.v[0] = INT8_MAX;
	return any || look->objects > 0 ? 0 : -1;
}

int
similar_place_text(struct similar *s, struct bucket *b, const struct cache_conf *conf, struct str text,
    struct similar_look *look)
{
	struct record r = { 0 };
	int rc = take_apart(b, &conf->fields, text, &r, look);
	if (rc == 0 && look->text.n > SIMILAR_TEXT_MAX) {
		look->why_not = "too much of it would have to be compared";
		rc = -1;
	}
	if (rc == 0) {
		look->drawer = drawer_key(b, conf, &r, look);
		rc = embed(conf, look);
	}
	record_free(&r);
	count_bytes(s, b);
	return rc;
}

/* ---- looking ---- */

static void
decide(struct similar_look *look, const char *outcome, const char *step)
{
	const struct similar_candidate *c = look->best;
	char odds[64] = "";
	if (c != NULL && c->alike.probability > 0)
		snprintf(
		    odds, sizeof odds, ", probability %.3f of %.3f", c->alike.probability, look->threshold);
	if (c != NULL)
		snprintf(look->decision, sizeof look->decision, "%s: %s, cosine %.3f%s", outcome, step,
		    c->cosine, odds);
	else
		snprintf(look->decision, sizeof look->decision, "%s: %s", outcome, step);
}

static const char *
step_of(const struct alike *a)
{
	switch (a->step) {
	case ALIKE_EQUAL:
		return "what counts is equal";
	case ALIKE_PARTS:
		return "their parts differ";
	case ALIKE_SHARED:
		return "most of both is the same words";
	case ALIKE_VETO:
		return "a fact differs";
	case ALIKE_VERIFIED:
		return "verified";
	}
	assert(!"a step");
	return NULL;
}

/* Whether its answer may be had in the first place. */
static bool
is_open(const struct exchange *x, const struct similar_wish *wish, const struct similar_look *look,
    const struct similar_candidate *c)
{
	const struct entry *e = c->place->entry;
	if (e != NULL)
		return look->cosine_at_least > 0 && c->cosine >= look->cosine_at_least &&
		       e->expires_us > wish->now_us && wish->now_us - e->kept_us < wish->younger_us;
	const struct ask *ask = c->place->running != NULL ? c->place->running->ask : NULL;
	if (ask == NULL || wish->payer == NULL || look->running_at_least <= 0 ||
	    c->cosine < look->running_at_least)
		return false;
	const struct request *r = ask_request(ask);
	return r->stream == x->request.stream && r->base64 == x->request.base64 && !ask_fails(ask) &&
	       ask_suits(ask, wish->payer);
}

/* One that is asked must be more alike than one that was answered: nobody can look at its answer yet. */
static double
probability_at_least(const struct similar_look *look, const struct similar_place *place)
{
	double p = place->entry == NULL ? look->running_at_least : 0;
	return p > look->threshold ? p : look->threshold;
}

/* Short ones are all judged; of long ones the nearest, for the loop has others to wait for. */
static void
verify_candidates(struct similar *s, const struct exchange *x, const struct similar_wish *wish,
    struct similar_look *look, size_t found)
{
	struct similar_candidate all[SIMILAR_CANDIDATES];
	struct alike_asked *asked = found > 0 ? alike_read(buf_str(&look->text)) : NULL;
	size_t judged = 0;
	if (asked == NULL)
		return;
	memcpy(all, look->candidates, found * sizeof *all);
	for (size_t i = 0; i < found; i++) {
		if (!is_open(x, wish, look, &all[i]))
			continue;
		judged += look->text.n + all[i].place->length;
		if (judged > SIMILAR_JUDGED_MAX)
			break;
		struct similar_candidate *c = &look->candidates[look->count++];
		*c = all[i];
		alike_compare(asked, similar_text(c->place), &c->alike, NULL);
		if (c->alike.step == ALIKE_VETO)
			s->vetoed[c->alike.veto.kind]++;
		if (look->best == NULL || c->alike.probability > look->best->alike.probability)
			look->best = c;
		if (c->alike.probability >= probability_at_least(look, c->place) && c->alike.probability > 0)
			break;
	}
	alike_free(&asked);
}

static void
choose(struct similar *s, const struct exchange *x, struct similar_look *look)
{
	const struct similar_candidate *c = look->best;
	struct trust *trust = similar_errors(s, x->task);
	char veto[64];
	if (c == NULL) {
		decide(look, "miss", "no question is near enough");
		return;
	}
	if (c->alike.step == ALIKE_VETO) {
		snprintf(veto, sizeof veto, "veto %s", veto_name(c->alike.veto.kind));
		decide(look, "miss", veto);
		return;
	}
	if (c->alike.step != ALIKE_EQUAL && c->alike.step != ALIKE_VERIFIED) {
		decide(look, "miss", step_of(&c->alike));
		return;
	}
	look->candidate = c->place->entry != NULL ? c->place->entry->key : c->place->running->key;
	look->probability = c->alike.probability;
	look->cosine = c->cosine;
	/* Below what a running ask needs, its answer is still one to learn from. */
	bool enough = c->place->entry != NULL || c->alike.probability >= look->running_at_least;
	if (enough)
		look->say = trust_decide(trust, &look->likeness.bucket, c->alike.probability,
		    clock_wall_us() / 1000, random_u64());
	if (look->say == TRUST_ASK) {
		decide(look, "miss", "not sure enough");
		return;
	}
	look->entry = c->place->entry;
	look->ask = c->place->running != NULL ? c->place->running->ask : NULL;
	decide(look, look->entry != NULL ? "similar" : "joined", step_of(&c->alike));
}

/* A client may only tighten; what is switched off stays off. */
static double
tightened(double configured, double at_least)
{
	return configured > 0 && at_least > configured ? at_least : configured;
}

static void
look_at_candidates(
    struct similar *s, const struct exchange *x, const struct similar_wish *wish, struct similar_look *look)
{
	struct drawer *d = drawer_find(s, &look->drawer);
	double lowest = look->cosine_at_least > 0 ? look->cosine_at_least : look->running_at_least;
	if (look->running_at_least > 0 && look->running_at_least < lowest)
		lowest = look->running_at_least;
	size_t found =
	    d == NULL ? 0 : drawer_nearest(d, &look->vector, lowest, look->candidates, SIMILAR_CANDIDATES);
	verify_candidates(s, x, wish, look, found);
	choose(s, x, look);
}

static bool
has_vector(
    struct similar *s, const struct exchange *x, const struct cache_conf *conf, struct similar_look *look)
{
	char scope[SCOPE_SIZE];
	if (!look->wants_vector)
		return true;
	exchange_scope(x, scope);
	look->vector_key = vectors_key(scope, &conf->embedding, buf_str(&look->text));
	look->wants_vector =
	    s->vectors != NULL && !vectors_find(s->vectors, &look->vector_key, &look->vector);
	if (look->vector.dims == 0)
		look->why_not = "its embedding is a provider's, and not known here";
	return look->vector.dims > 0;
}

static void
look_for(
    struct similar *s, const struct exchange *x, const struct similar_wish *wish, struct similar_look *look)
{
	const struct task_conf *task = config_task(site_config(x->site), str_from(x->task));
	struct bucket *b = bucket_at(s, &look->likeness.bucket);
	bucket_shrink(s);
	look->cosine_at_least = tightened(task->cache.similarity, x->similarity_at_least);
	look->running_at_least =
	    task->dedup.on ? tightened(task->dedup.similarity, x->similarity_at_least) : 0;
	look->threshold = trust_threshold(similar_errors(s, x->task), &look->likeness.bucket);
	if (similar_place_text(s, b, &task->cache, buf_str(&look->likeness.text), look) != 0)
		look->why_not = look->why_not != NULL ? look->why_not : "there is nothing to compare";
	else if (!has_vector(s, x, &task->cache, look))
		return;
	else if (look->fit.id != 0 && !look->fit.known)
		decide(look, "miss", "its template is not known yet");
	else
		look_at_candidates(s, x, wish, look);
}

void
similar_find_with(
    struct similar *s, const struct exchange *x, const struct similar_wish *wish, struct similar_look *look)
{
	assert(look->wants_vector && look->vector.dims > 0);
	look->wants_vector = false;
	look->why_not = NULL;
	/* Meanwhile it may have learned. */
	look->threshold = trust_threshold(similar_errors(s, x->task), &look->likeness.bucket);
	if (look->fit.id != 0 && !look->fit.known)
		decide(look, "miss", "its template is not known yet");
	else
		look_at_candidates(s, x, wish, look);
}

static const char *
read_likeness(const struct exchange *x, struct likeness *l)
{
	const struct task_conf *task = config_task(site_config(x->site), str_from(x->task));
	char scope[SCOPE_SIZE];
	if (task->cache.similarity <= 0 && (task->dedup.similarity <= 0 || !task->dedup.on))
		return "similarity is switched off";
	exchange_scope(x, scope);
	struct likeness_context context = { scope, x->directives, x->task, task->cache.conversations };
	if (likeness_of(&x->request, &context, l) != 0)
		return "there is no memory for it";
	return l->why_not;
}

void
similar_find(
    struct similar *s, const struct exchange *x, const struct similar_wish *wish, struct similar_look *look)
{
	*look = (struct similar_look){ .say = TRUST_ASK };
	look->why_not = read_likeness(x, &look->likeness);
	if (look->why_not == NULL)
		look_for(s, x, wish, look);
	if (look->why_not != NULL)
		similar_find_without(look, look->why_not);
}

void
similar_find_without(struct similar_look *look, const char *why_not)
{
	look->why_not = why_not;
	snprintf(look->decision, sizeof look->decision, "like nothing: %s", why_not);
}

void
similar_look_free(struct similar_look *look)
{
	likeness_free(&look->likeness);
	buf_free(&look->text);
}

struct str
similar_text(const struct similar_place *p)
{
	return (struct str){ p->text, p->length };
}

void
similar_stats(const struct similar *s, struct similar_stats *out)
{
	*out = (struct similar_stats){ .buckets = s->buckets.count,
		.drawers = s->drawers.count,
		.places = s->places,
		.bytes = s->bytes,
		.waiting = s->waiting_count,
		.running = s->questions.count };
	memcpy(out->vetoed, s->vetoed, sizeof out->vetoed);
}
