/*
 * The keyring.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stages/keyring.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/table.h"

enum { LOOK_MS = 250 };

/* A key, and what of its row is no business of those who hold it. */
struct entry {
	struct key *key; /* held */
	int64_t thawed_us;
};

struct keyring {
	struct keys *keys;
	struct digest pepper;
	struct table by_mac; /* of entries */
	bool insists, loaded, failing;
	int64_t local_thawed_us; /* those without a key can be frozen too */
	struct loop *loop;
	struct timer timer;
	struct keyring_events events;
};

static struct str
mac_of(const struct key *k)
{
	return (struct str){ (const char *)k->mac, sizeof k->mac };
}

static void
let_go(struct table *t)
{
	size_t at = 0;
	for (struct entry *entry; (entry = table_next(t, &at)) != NULL;) {
		key_drop(&entry->key);
		free(entry);
	}
	table_free(t);
}

static void
tell(const struct keyring *r, const char *verb, const char *name)
{
	if (r->loaded)
		log_line(LOG_INFO, verb, "key=%s", name);
}

static bool
same_terms(const struct key *a, const struct key *b)
{
	return memcmp(&a->limits, &b->limits, sizeof a->limits) == 0 && a->concurrent == b->concurrent &&
	       a->expires_us == b->expires_us && strcmp(a->project, b->project) == 0 &&
	       strcmp(a->models, b->models) == 0;
}

/* A key that was known stays the same thing, with its count of requests in flight, whatever has changed about it. */
static struct key *
keep_or_make(struct keyring *r, const struct key_row *row, const struct entry *before)
{
	if (before == NULL || strcmp(before->key->name, row->key.name) != 0) {
		tell(r, "key_added", row->key.name);
		return key_new(&row->key);
	}
	struct key *k = before->key;
	bool changed = !same_terms(k, &row->key);
	if (row->key.revoked && !k->revoked)
		tell(r, "key_revoked", k->name);
	str_copy(k->project, sizeof k->project, str_from(row->key.project));
	str_copy(k->models, sizeof k->models, str_from(row->key.models));
	k->limits = row->key.limits;
	k->concurrent = row->key.concurrent;
	k->expires_us = row->key.expires_us;
	k->revoked = row->key.revoked;
	key_hold(k);
	if (changed) {
		tell(r, "key_changed", k->name);
		r->events.on_change(r->events.context, k);
	}
	return k;
}

static void
take_rows(struct keyring *r, const struct key_row *rows, size_t count)
{
	struct table fresh = { 0 };
	for (size_t i = 0; i < count; i++) {
		const struct entry *before = table_get(&r->by_mac, mac_of(&rows[i].key));
		bool thawed = before != NULL && rows[i].thawed_us > before->thawed_us;
		struct entry *entry = must_alloc(sizeof *entry);
		entry->key = keep_or_make(r, &rows[i], before);
		entry->thawed_us = rows[i].thawed_us;
		table_put(&fresh, mac_of(entry->key), entry);
		if (!thawed)
			continue;
		tell(r, "key_thawed", entry->key->name);
		r->events.on_thaw(r->events.context, entry->key->name);
	}
	let_go(&r->by_mac);
	r->by_mac = fresh;
	r->loaded = true;
}

static void
take_local(struct keyring *r, int64_t thawed_us)
{
	bool thawed = r->loaded && thawed_us > r->local_thawed_us;
	r->local_thawed_us = thawed_us;
	if (!thawed)
		return;
	tell(r, "key_thawed", "local");
	r->events.on_thaw(r->events.context, "local");
}

static int
load(struct keyring *r, struct err *e)
{
	struct key_row *rows;
	size_t count;
	int64_t thawed_us;
	if (keys_thawed(r->keys, "local", &thawed_us, e) != 0)
		return -1;
	if (keys_list(r->keys, clock_wall_us(), &rows, &count, e) != 0)
		return -1;
	/* After the rows: the secret is made with the first of them, and never again. */
	int rc = keys_pepper(r->keys, &r->pepper, e);
	if (rc == 0) {
		take_local(r, thawed_us);
		take_rows(r, rows, count);
	}
	free(rows);
	return rc;
}

/* What cannot be read now is tried again at every look; what was known stays in force, and that is said once. */
void
keyring_look(struct keyring *r)
{
	struct err e = { 0 };
	int changed = keys_changed(r->keys, &e);
	bool failed = changed < 0 || (changed > 0 && load(r, &e) != 0);
	if (failed && !r->failing)
		log_line(LOG_ERROR, "keys_unread", "why=%q", e.text);
	r->failing = failed;
}

static void
on_time(struct timer *t)
{
	struct keyring *r = LIST_ENTRY(t, struct keyring, timer);
	keyring_look(r);
	loop_timer_set(r->loop, t, clock_ms() + LOOK_MS);
}

struct keyring *
keyring_new(struct loop *loop, const char *database, const struct keyring_events *events, struct err *e)
{
	struct keyring *r = must_alloc(sizeof *r);
	r->events = *events;
	r->loop = loop;
	r->timer.on_due = on_time;
	if ((r->keys = keys_open(database, KEYS_READ, e)) == NULL || load(r, e) != 0) {
		keyring_free(&r);
		return NULL;
	}
	if (loop != NULL)
		loop_timer_set(loop, &r->timer, clock_ms() + LOOK_MS);
	return r;
}

void
keyring_free(struct keyring **rp)
{
	struct keyring *r = *rp;
	if (r == NULL)
		return;
	if (r->loop != NULL)
		loop_timer_clear(r->loop, &r->timer);
	let_go(&r->by_mac);
	keys_close(&r->keys);
	explicit_bzero(&r->pepper, sizeof r->pepper);
	free(r);
	*rp = NULL;
}

void
keyring_insist(struct keyring *r)
{
	r->insists = true;
}

bool
keyring_required(const struct keyring *r)
{
	return r->insists || r->by_mac.count > 0;
}

size_t
keyring_count(const struct keyring *r)
{
	return r->by_mac.count;
}

struct key *
keyring_find(struct keyring *r, struct str secret, int64_t wall_us)
{
	struct digest mac = digest_keyed(&r->pepper, secret), found = { 0 };
	const struct entry *entry = table_get(&r->by_mac, digest_str(&mac));
	if (entry != NULL)
		memcpy(found.b, entry->key->mac, sizeof found.b);
	bool same = digest_equal(&mac, &found);
	bool good = entry != NULL && same && !entry->key->revoked &&
		    (entry->key->expires_us == 0 || wall_us < entry->key->expires_us);
	return good ? entry->key : NULL;
}
