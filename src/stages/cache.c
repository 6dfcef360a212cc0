/*
 * The exact cache: what is kept, for whom, and who has to go.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stages/cache.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cache_private.h"

enum {
	STEP_MS = 1000,
	STEP_SLOTS = 1024, /* looked at each second: some tens of microseconds */
	KEEP_SLOTS =
	    16, /* ... and at each insertion, so that a table that fills fast is looked through as fast */
	SHRINK = 64, /* go at once at the most: after narrower limits there may be many */
	SHRINK_MS = 20,
	LOOK_FOR_LARGE = 32,      /* entries that are asked whether their tenant holds too much */
	CLOCK_SLACK_US = 5000000, /* the wall clock is set back a little now and then */
	SHARES = 5,               /* no tenant with less than 1/SHARES is pushed out by one with more */
};

struct cache {
	struct table entries; /* by key */
	struct table tenants; /* by scope */
	struct link used;     /* oldest use first */
	size_t bytes, hand;   /* hand: the next slot to be looked at for what has expired */
	uint64_t evictions, expired, purges;
	struct cache_options options;
	struct timer timer;
};

/* ---- tenants ---- */

static struct tenant *
tenant_of(struct cache *c, struct str scope)
{
	struct tenant *t = table_get(&c->tenants, scope);
	if (t != NULL)
		return t;
	t = must_alloc(sizeof *t + scope.n + 1);
	memcpy(t->scope, scope.p, scope.n);
	list_init(&t->entries);
	table_put(&c->tenants, (struct str){ t->scope, scope.n }, t);
	return t;
}

static bool
is_large(const struct cache *c, const struct tenant *t)
{
	const struct cache_limits *l = &c->options.limits;
	return (int64_t)t->bytes > l->max_bytes / SHARES || (int64_t)t->count > l->max_entries / SHARES;
}

bool
cache_takes(const struct cache *c, size_t body_bytes)
{
	const struct cache_limits *l = &c->options.limits;
	return body_bytes > 0 && (int64_t)body_bytes <= l->max_entry_bytes &&
	       (int64_t)body_bytes <= l->max_bytes;
}

/* ---- in and out ---- */

static void
weigh(struct cache *c, struct entry *e)
{
	size_t now = entry_weigh(e);
	c->bytes += now - e->bytes;
	e->tenant->bytes += now - e->bytes;
	e->bytes = now;
}

static void
enter(struct cache *c, struct entry *e, struct str scope)
{
	e->tenant = tenant_of(c, scope);
	e->tenant->count++;
	table_put(&c->entries, digest_str(&e->key), e);
	list_push(&c->used, &e->used);
	list_push(&e->tenant->entries, &e->beside);
	weigh(c, e);
}

/* From memory alone. */
static void
forget(struct cache *c, struct entry *e)
{
	struct tenant *t = e->tenant;
	if (c->options.on_gone != NULL)
		c->options.on_gone(c->options.context, e);
	table_remove(&c->entries, digest_str(&e->key));
	list_leave(&e->used);
	list_leave(&e->beside);
	c->bytes -= e->bytes;
	t->bytes -= e->bytes;
	entry_free(e);
	if (--t->count > 0)
		return;
	table_remove(&c->tenants, str_from(t->scope));
	free(t);
}

static void
drop(struct cache *c, struct entry *e)
{
	shelf_drop(c->options.shelf, &e->key);
	forget(c, e);
}

void
cache_drop(struct cache *c, struct entry **e)
{
	if (*e != NULL)
		drop(c, *e);
	*e = NULL;
}

/* ---- room ---- */

static bool
is_over(const struct cache *c)
{
	const struct cache_limits *l = &c->options.limits;
	return (int64_t)c->bytes > l->max_bytes || (int64_t)c->entries.count > l->max_entries;
}

/* Who goes to make room for something of this one; never e itself. NULL: nobody is left. */
static struct entry *
victim(struct cache *c, const struct entry *e)
{
	struct link *at;
	if (is_large(c, e->tenant)) {
		at = e->tenant->entries.next;
		at = at == &e->beside ? at->next : at;
		if (at != &e->tenant->entries)
			return LIST_ENTRY(at, struct entry, beside);
	}
	struct entry *oldest = NULL;
	int looked = 0;
	for (at = c->used.next; at != &c->used && looked < LOOK_FOR_LARGE; at = at->next, looked++) {
		struct entry *other = LIST_ENTRY(at, struct entry, used);
		if (other == e)
			continue;
		if (is_large(c, other->tenant))
			return other;
		oldest = oldest != NULL ? oldest : other;
	}
	return oldest;
}

static void
make_room(struct cache *c, const struct entry *e)
{
	for (int i = 0; i < SHRINK && is_over(c); i++) {
		struct entry *goes = victim(c, e);
		if (goes == NULL)
			return;
		c->evictions++;
		drop(c, goes);
	}
}

/* A few slots further: what has expired in them goes. */
static void
step(struct cache *c, int slots, int64_t now_us)
{
	for (; slots > 0 && c->entries.count > 0; slots--) {
		if (c->hand >= c->entries.cap)
			c->hand = 0;
		struct entry *e = c->entries.slots[c->hand].value;
		if (e == NULL || e->expires_us > now_us) {
			c->hand++;
			continue;
		}
		c->expired++;
		drop(c, e); /* another one may have moved into its slot */
	}
}

static void
on_time(struct timer *t)
{
	struct cache *c = LIST_ENTRY(t, struct cache, timer);
	step(c, STEP_SLOTS, clock_wall_us());
	for (int i = 0; i < SHRINK && is_over(c) && !list_empty(&c->used); i++) {
		c->evictions++;
		drop(c, LIST_ENTRY(c->used.next, struct entry, used));
	}
	loop_timer_set(c->options.loop, t, clock_ms() + (is_over(c) ? SHRINK_MS : STEP_MS));
}

/* ---- birth and death ---- */

struct cache *
cache_new(const struct cache_options *options)
{
	struct cache *c = must_alloc(sizeof *c);
	c->options = *options;
	c->timer.on_due = on_time;
	list_init(&c->used);
	if (options->loop != NULL)
		loop_timer_set(options->loop, &c->timer, clock_ms() + STEP_MS);
	return c;
}

void
cache_free(struct cache **cp)
{
	struct cache *c = *cp;
	if (c == NULL)
		return;
	if (c->options.loop != NULL)
		loop_timer_clear(c->options.loop, &c->timer);
	while (!list_empty(&c->used))
		forget(c, LIST_ENTRY(c->used.next, struct entry, used));
	assert(c->entries.count == 0 && c->tenants.count == 0 && c->bytes == 0);
	table_free(&c->entries);
	table_free(&c->tenants);
	free(c);
	*cp = NULL;
}

void
cache_limit(struct cache *c, const struct cache_limits *limits)
{
	c->options.limits = *limits;
}

struct loading {
	struct cache *cache;
	int64_t now_us;
	void (*each)(void *context, struct entry *e, const struct shelf_item *item);
	void *context;
};

/* The newest come first, so each goes before those that are there. */
static bool
on_item(void *context, const struct shelf_item *item)
{
	struct loading *l = context;
	struct cache *c = l->cache;
	if (!cache_takes(c, item->body.n) || item->expires_us <= l->now_us ||
	    table_get(&c->entries, digest_str(&item->key)) != NULL)
		return true;
	struct entry *e = entry_new(item);
	if (e == NULL)
		return false;
	enter(c, e, item->scope);
	list_leave(&e->used);
	list_push(c->used.next, &e->used);
	list_leave(&e->beside);
	list_push(e->tenant->entries.next, &e->beside);
	if (is_over(c)) {
		forget(c, e);
		return false;
	}
	if (l->each != NULL)
		l->each(l->context, e, item);
	return true;
}

void
cache_load(struct cache *c, int64_t now_us,
    void (*each)(void *context, struct entry *e, const struct shelf_item *item), void *context)
{
	struct loading loading = { c, now_us, each, context };
	if (c->options.shelf != NULL)
		shelf_each(c->options.shelf, now_us, on_item, &loading);
}

/* ---- use ---- */

struct entry *
cache_find(struct cache *c, const struct digest *key, int64_t now_us, int64_t younger_us)
{
	struct entry *e = table_get(&c->entries, digest_str(key));
	if (e == NULL)
		return NULL;
	if (e->expires_us <= now_us || e->kept_us > now_us + CLOCK_SLACK_US) {
		c->expired++;
		drop(c, e);
		return NULL;
	}
	if (entry_age_us(e, now_us) >= younger_us)
		return NULL;
	list_leave(&e->used);
	list_push(&c->used, &e->used);
	list_leave(&e->beside);
	list_push(&e->tenant->entries, &e->beside);
	return e;
}

struct entry *
cache_look(const struct cache *c, const struct digest *key)
{
	return table_get(&c->entries, digest_str(key));
}

struct entry *
cache_keep(struct cache *c, const struct shelf_item *item)
{
	struct entry *old = table_get(&c->entries, digest_str(&item->key));
	if (old != NULL)
		drop(c, old);
	step(c, KEEP_SLOTS, item->kept_us);
	if (!cache_takes(c, item->body.n))
		return NULL;
	struct entry *e = entry_new(item);
	if (e == NULL)
		return NULL;
	enter(c, e, item->scope);
	if ((int64_t)e->bytes > c->options.limits.max_bytes) { /* even alone: nobody need go for it */
		forget(c, e);
		return NULL;
	}
	make_room(c, e);
	if (!item->fleeting)
		shelf_put(c->options.shelf, item);
	else if (old == NULL) /* what did not come into memory at the start may lie there */
		shelf_drop(c->options.shelf, &item->key);
	return e;
}

struct answer *
cache_answer(struct cache *c, struct entry *e, enum entry_form form)
{
	struct answer *a = entry_form(e, form);
	weigh(c, e);
	make_room(c, e);
	return a;
}

/* ---- forgetting ---- */

size_t
cache_purge(struct cache *c, const struct shelf_purge *what)
{
	size_t gone = 0;
	c->purges++;
	shelf_purge(c->options.shelf, what);
	for (struct link *at = c->used.next, *next; at != &c->used; at = next) {
		struct entry *e = LIST_ENTRY(at, struct entry, used);
		next = at->next;
		if (!shelf_purge_fits(what, &e->key, str_from(entry_account(e)), str_from(entry_task(e)),
			str_from(entry_scope(e)), e->kept_us))
			continue;
		forget(c, e);
		gone++;
	}
	return gone;
}

uint64_t
cache_purges(const struct cache *c)
{
	return c->purges;
}

void
cache_stats(const struct cache *c, struct cache_stats *out)
{
	*out = (struct cache_stats){ c->entries.count, c->bytes, c->evictions, c->expired };
}
