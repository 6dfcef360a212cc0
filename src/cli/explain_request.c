/*
 * What would happen to a request on stdin, and why: what was understood of it, what was learned of its task when that was last
 * saved, and what the answers on the shelf are to it.
 * The error budget is the running gateway's own matter; here it is one that is new, and so the strictest.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cli.h"
#include "explain.h"
#include "explain_alike.h"
#include "explain_batch.h"
#include "explain_route.h"
#include "ledger/keys.h"
#include "stages/learned.h"
#include "stages/pipeline.h"
#include "stages/route.h"
#include "stages/similar.h"

enum { ITEMS_MOST = 20000 }; /* of the bucket */

struct study {
	struct exchange x;
	struct cache *cache;
	struct similar *similar;
	struct likeness likeness;
	struct success *success;
	struct budget *budget; /* of which nothing is spent */
	struct router *router;
	struct route_choice route; /* of a request that the router decides */
	int items;
	bool kept; /* an equal question has an answer on the shelf */
};

static enum endpoint
endpoint_of(struct str body)
{
	struct json j = { 0 };
	struct json_fault fault;
	enum endpoint e = ENDPOINT_CHAT;
	if (json_scan(&j, body, JSON_LIMITS, &fault) == 0 && json_type(&j, 0) == JSON_OBJECT &&
	    json_member(&j, 0, "messages") == 0) {
		if (json_member(&j, 0, "input") != 0)
			e = ENDPOINT_RESPONSES;
		else if (json_member(&j, 0, "prompt") != 0)
			e = ENDPOINT_COMPLETIONS;
	}
	json_free(&j);
	return e;
}

static bool
on_item(void *context, const struct shelf_item *item)
{
	struct study *s = context;
	s->kept = s->kept || digest_equal(&item->key, &s->x.request.question);
	if (s->likeness.why_not != NULL || !digest_equal(&item->bucket, &s->likeness.bucket))
		return true;
	struct entry *e = cache_keep(s->cache, item);
	if (e != NULL)
		similar_restore(s->similar, site_config(s->x.site), e, &item->bucket, item->text);
	return ++s->items < ITEMS_MOST;
}

static void
on_gone(void *context, struct entry *e)
{
	struct study *s = context;
	similar_forget(s->similar, e);
}

static void
say_request(struct page *p, struct study *s)
{
	struct exchange *x = &s->x;
	char hex[65];
	const struct model_conf *model = x->model != NULL ? x->model : s->route.model;
	struct prompt_count count = *exchange_count_for(x, model);
	page_text(p, "endpoint", str_from(endpoint_name(x->request.endpoint)));
	page_text(p, "task", str_from(x->task));
	page_text(p, "model_asked", str_from(x->request.model_asked));
	page_text(p, "model", str_from(model->name));
	page_text(p, "tier", str_from(x->model != NULL ? x->tier : tier_name(s->route.tier)));
	page_number(p, "input_tokens", (double)count.input, 0);
	page_bool(p, "exact_count", count.exact);
	if (count.unbounded != NULL)
		page_text(p, "unbounded", str_from(count.unbounded));
	else
		page_number(p, "input_bound", (double)count.input_bound, 0);
	if (x->request.max_output >= 0)
		page_number(p, "output_limit", (double)x->request.max_output, 0);
	digest_hex(&x->request.question, hex);
	page_text(p, "question", str_from(hex));
	page_bool(p, "shareable", x->request.shareable);
	page_bool(p, "kept", s->kept);
	if (x->model == NULL)
		page_route(p, x, &s->route);
	else
		page_pinned(p, x);
	page_batch(p, x, model, x->model == NULL ? s->route.stronger : NULL, count.input);
}

static void
say_likeness(struct page *p, const struct similar_look *look)
{
	char hex[65];
	digest_hex(&look->likeness.bucket, hex);
	page_text(p, "bucket", str_from(hex));
	page_number(p, "template_words", look->fit.words, 0);
	page_bool(p, "template_known", look->fit.known);
	page_number(p, "json_objects", look->objects, 0);
	page_text(p, "compared", buf_str(&look->text));
	page_number(p, "cosine_at_least", look->cosine_at_least, 3);
	page_number(p, "probability_at_least", look->threshold, 3);
	page_list(p, "candidates");
	for (size_t i = 0; i < look->count; i++) {
		const struct similar_candidate *c = &look->candidates[i];
		page_group(p);
		page_text(p, "text", similar_text(c->place));
		page_number(p, "cosine", c->cosine, 4);
		page_alike(p, buf_str(&look->text), similar_text(c->place));
		page_group_end(p);
	}
	page_list_end(p);
}

static int
explain(struct study *s, const char *database, bool json)
{
	struct similar_wish wish = { .now_us = clock_wall_us(), .younger_us = INT64_MAX };
	struct similar_look look;
	struct page p;
	bool looks = s->x.request.shareable && site_config(s->x.site)->mode != MODE_OBSERVE;
	similar_find(s->similar, &s->x, &wish, &look);
	s->likeness.why_not = look.why_not;
	s->likeness.bucket = look.likeness.bucket;
	similar_look_free(&look);
	int shelf = shelf_peek(database, wish.now_us, on_item, s);
	similar_find(s->similar, &s->x, &wish, &look);
	page_begin(&p, json);
	say_request(&p, s);
	page_bool(&p, "shelf", shelf == 0);
	page_number(&p, "answers_in_bucket", s->items, 0);
	if (look.why_not == NULL)
		say_likeness(&p, &look);
	page_text(&p, "decision",
	    !looks    ? STR("bypass: not shared")
	    : s->kept ? STR("exact: an equal question was answered")
		      : str_from(look.decision));
	similar_look_free(&look);
	return page_print(&p);
}

/* The key as the ledger has it: what it may use, and whose answers are its own. */
static int
find_key(struct exchange *x, const char *name, const char *database)
{
	struct err e;
	struct key_row *rows = NULL;
	size_t count = 0;
	struct keys *k = keys_open(database, KEYS_READ, &e);
	int rc = k != NULL ? keys_list(k, clock_wall_us(), &rows, &count, &e) : -1;
	for (size_t i = 0; i < count && x->key == NULL; i++)
		if (strcmp(rows[i].key.name, name) == 0)
			x->key = key_new(&rows[i].key);
	if (rc == 0 && x->key == NULL)
		rc = err_set(&e, 404, "key_not_found", "there is no virtual key %s", name);
	if (rc != 0)
		print_err(&e);
	else
		str_copy(x->project, sizeof x->project, str_from(x->key->project));
	free(rows);
	keys_close(&k);
	return rc;
}

static int
study(struct study *s, const struct explain_options *o, struct buf *body, const char *database)
{
	struct err e;
	struct exchange *x = &s->x;
	str_copy(x->account, sizeof x->account, str_from(o->key != NULL ? o->key : "local"));
	str_copy(x->task, sizeof x->task, str_from(o->task != NULL ? o->task : "default"));
	str_copy(x->directives, sizeof x->directives, str_from(o->route != NULL ? o->route : ""));
	x->batch_wish = o->batch == NULL ? 0 : strcmp(o->batch, "on") == 0 ? 1 : -1;
	x->max_age_s = -1;
	if (o->key != NULL && find_key(x, o->key, database) != 0)
		return 1;
	enum endpoint endpoint = endpoint_of(buf_str(body));
	x->body = *body;
	*body = (struct buf){ 0 };
	static const struct budget_events nobody_listens;
	s->success = success_new();
	s->budget = budget_new(&nobody_listens);
	s->router = router_new(s->success, s->budget, NULL);
	int rc = pipeline_read(x, endpoint, &e);
	if (rc == 0) { /* a task that has nothing of its own borrows from `default` */
		learned_peek(s->success, database, "default");
		learned_peek(s->success, database, x->task);
	}
	if (rc != 0 || route_admit(x, &e) != 0 ||
	    (x->model == NULL && route_foresee(s->router, x, &s->route, &e) != 0)) {
		fprintf(
		    stderr, "farthing: the request would be refused: %d %s: %s\n", e.status, e.code, e.text);
		return 1;
	}
	struct cache_options kept = {
		.limits = { ITEMS_MOST, (int64_t)1 << 30, (int64_t)1 << 30 }, .on_gone = on_gone, .context = s
	};
	s->cache = cache_new(&kept);
	struct similar_options alike = { .cache = s->cache, .max_bytes = (size_t)1 << 30 };
	s->similar = similar_new(&alike);
	similar_use(s->similar, site_config(x->site));
	rc = explain(s, database, o->json);
	similar_free(&s->similar);
	cache_free(&s->cache);
	return rc;
}

int
explain_request(const struct explain_options *o)
{
	struct config_problem *problems = NULL;
	struct config *config = config_load_without_secrets(o->config_path, o->database, &problems);
	struct study s = { .items = 0 };
	struct buf body = { 0 };
	int rc = 1;
	print_problems(problems);
	config_problems_free(&problems);
	if (config == NULL)
		return 1;
	s.x.site = site_new(config);
	if (explain_read_all(NULL, (size_t)config->limits.body, &body) == 0)
		rc = study(&s, o, &body, config->database);
	exchange_free_request(&s.x);
	key_drop(&s.x.key);
	buf_free(&body);
	router_free(&s.router);
	budget_free(&s.budget);
	success_free(&s.success);
	site_drop(&s.x.site);
	return rc;
}
