/*
 * The books as callers know them: adding to the queue, waiting for the disk, opening and closing.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger/ledger.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "holds.h"
#include "hooks.h"
#include "windows.h"
#include "writer.h"

enum {
	QUEUE_BOUND = 100 * 1000, /* entries, about 90 MB; beyond it the gateway must stop admitting */
	/* the file is looked after soon, but not while the gateway starts */
	FIRST_LOOK_US = 10 * 1000 * 1000,
};

const char *
cache_kind_name(enum cache_kind kind)
{
	switch (kind) {
	case CACHE_MISS:
		return "miss";
	case CACHE_EXACT:
		return "exact";
	case CACHE_SIMILAR:
		return "similar";
	case CACHE_COALESCED:
		return "coalesced";
	case CACHE_BYPASS:
		return "bypass";
	}
	return "unknown";
}

bool
cache_kind_shares(enum cache_kind kind)
{
	return kind == CACHE_EXACT || kind == CACHE_SIMILAR || kind == CACHE_COALESCED;
}

const char *
attempt_outcome_name(enum attempt_outcome outcome)
{
	switch (outcome) {
	case ATTEMPT_OK:
		return "ok";
	case ATTEMPT_REFUSED:
		return "refused";
	case ATTEMPT_UNREACHED:
		return "unreached";
	case ATTEMPT_BROKEN:
		return "broken";
	case ATTEMPT_CANCELLED:
		return "cancelled";
	case ATTEMPT_LOST:
		return "lost";
	}
	return "unknown";
}

/* ---- The callers' side ---- */

/* Called with the mutex held, and keeps it. */
static struct entry *
add_entry(struct ledger *l, enum entry_kind kind)
{
	assert(!l->closing);
	struct entry *entry = queue_add(&l->incoming);
	entry->kind = kind;
	atomic_fetch_add_explicit(&l->accepted, 1, memory_order_relaxed);
	return entry;
}

/* A signal is a system call, so there is one a group: for the first entry, or when the group is full. */
static void
added(struct ledger *l, uint64_t entries)
{
	bool filled = l->incoming.count >= GROUP_ENTRIES && l->incoming.count - entries < GROUP_ENTRIES;
	bool wake = l->asleep || filled;
	l->asleep = false;
	if (wake)
		pthread_cond_signal(&l->wake);
	pthread_mutex_unlock(&l->mutex);
}

void
ledger_request(struct ledger *l, const struct ledger_request *row)
{
	pthread_mutex_lock(&l->mutex);
	if (train_board_request(l->trains, row)) {
		pthread_mutex_unlock(&l->mutex);
		return;
	}
	add_entry(l, ENTRY_REQUEST)->row.request = *row;
	added(l, 1);
}

void
ledger_attempt(struct ledger *l, const struct ledger_attempt *row)
{
	pthread_mutex_lock(&l->mutex);
	if (row->batch[0] != '\0') {
		train_board(&l->trains, row);
		pthread_mutex_unlock(&l->mutex);
		return;
	}
	add_entry(l, ENTRY_ATTEMPT)->row.attempt = *row;
	added(l, 1);
}

/* All that waited for this row of a call, in its transaction. With the mutex held; how many entries. */
static uint64_t
unload(struct ledger *l, const struct train *t)
{
	for (const struct chunk *c = t->rows.first; c != NULL; c = c->next)
		for (int i = 0; i < c->count; i++)
			*queue_add_joined(&l->incoming) = c->entries[i];
	atomic_fetch_add_explicit(&l->accepted, t->rows.count, memory_order_relaxed);
	return t->rows.count;
}

void
ledger_batch(struct ledger *l, const struct ledger_batch *row)
{
	pthread_mutex_lock(&l->mutex);
	struct train *t = train_leave(&l->trains, row->id);
	add_entry(l, ENTRY_BATCH)->row.batch = *row;
	added(l, 1 + (t != NULL ? unload(l, t) : 0));
	train_free(&t);
}

/* With the mutex held: a call that nobody wrote a row of leaves attempts that were alone, as far as the books go. */
static void
unload_stranded(struct ledger *l)
{
	while (l->trains != NULL) {
		struct train *t = train_leave(&l->trains, l->trains->batch);
		log_line(LOG_ERROR, "unbatched", "batch=%q rows=%lld why=%q", t->batch,
		    (long long)t->rows.count, "no row of the call came before the ledger was closed");
		for (struct chunk *c = t->rows.first; c != NULL; c = c->next)
			for (int i = 0; i < c->count; i++) {
				struct entry *entry = &c->entries[i];
				if (entry->kind == ENTRY_ATTEMPT)
					entry->row.attempt.batch[0] = '\0';
				else
					entry->row.request.batch_place = entry->row.request.batch_size = 0;
			}
		unload(l, t);
		train_free(&t);
	}
}

void
ledger_outcome(struct ledger *l, const struct ledger_outcome *row)
{
	pthread_mutex_lock(&l->mutex);
	add_entry(l, ENTRY_OUTCOME)->row.outcome = *row;
	added(l, 1);
}

void
ledger_cache_check(struct ledger *l, const struct ledger_check *row)
{
	pthread_mutex_lock(&l->mutex);
	add_entry(l, ENTRY_CHECK)->row.check = *row;
	added(l, 1);
}

void
ledger_purged(struct ledger *l, int64_t seq, int64_t entries)
{
	pthread_mutex_lock(&l->mutex);
	struct entry *entry = add_entry(l, ENTRY_PURGED);
	entry->row.purged.seq = seq;
	entry->row.purged.entries = entries;
	entry->row.purged.at_us = clock_wall_us();
	added(l, 1);
}

void
ledger_defer(struct ledger *l, struct deferred_op *op)
{
	pthread_mutex_lock(&l->mutex);
	add_entry(l, ENTRY_DEFERRED)->row.deferred = op;
	added(l, 1);
}

int
ledger_hold(struct ledger *l, const struct ledger_hold *hold)
{
	if (!ledger_ready(l))
		return -1;
	pthread_mutex_lock(&l->mutex);
	int slot = holds_put(l->holds, hold);
	pthread_mutex_unlock(&l->mutex);
	return slot;
}

void
ledger_settled(struct ledger *l, int slot, int64_t cost_pico, enum cost_basis basis)
{
	holds_settle(
	    l->holds, slot, cost_pico, basis); /* no lock: the slot is the caller's until its row comes */
}

void
ledger_unhold(struct ledger *l, int slot)
{
	pthread_mutex_lock(&l->mutex);
	holds_drop(l->holds, slot);
	pthread_mutex_unlock(&l->mutex);
}

void
ledger_hold_sync(struct ledger *l, void (*on_safe)(void *context, bool safe), void *context)
{
	struct safety *s = must_alloc(sizeof *s);
	*s = (struct safety){ .on_safe = on_safe, .context = context };
	pthread_mutex_lock(&l->mutex);
	assert(!l->closing);
	*l->unsafe_end = s;
	l->unsafe_end = &s->next;
	pthread_cond_signal(&l->wake);
	pthread_mutex_unlock(&l->mutex);
}

bool
ledger_ready(const struct ledger *l)
{
	return !atomic_load(&l->stalled) && !atomic_load(&l->starved) &&
	       writer_queued(l) <= atomic_load(&l->bound);
}

void
ledger_stats(const struct ledger *l, struct ledger_stats *out)
{
	*out = (struct ledger_stats){
		.committed = atomic_load(&l->committed),
		.queued = writer_queued(l),
		.commits = atomic_load(&l->commits),
		.failures = atomic_load(&l->failures),
		.last_commit_us = atomic_load(&l->last_commit_us),
		.wal_bytes = atomic_load(&l->wal_bytes),
		.file_bytes = atomic_load(&l->file_bytes),
	};
}

void
ledger_retention(struct ledger *l, int keep_days, int64_t keep_bytes)
{
	pthread_mutex_lock(&l->mutex);
	l->keep_days = keep_days;
	l->keep_bytes = keep_bytes;
	l->limits_changed = true;
	pthread_cond_signal(&l->wake);
	pthread_mutex_unlock(&l->mutex);
}

int
ledger_sync(struct ledger *l)
{
	pthread_mutex_lock(&l->mutex);
	uint64_t target = atomic_load(&l->accepted);
	uint64_t own_try = l->tries + 1; /* one that is running now may have begun without our entries */
	while (atomic_load(&l->committed) < target && l->failed_try < own_try) {
		l->hurry = true;
		pthread_cond_signal(&l->wake);
		pthread_cond_wait(&l->done, &l->mutex);
	}
	bool on_disk = atomic_load(&l->committed) >= target;
	pthread_mutex_unlock(&l->mutex);
	return on_disk ? 0 : -1;
}

void
ledger_tend(struct ledger *l)
{
	pthread_mutex_lock(&l->mutex);
	uint64_t own = ++l->tend_wanted;
	pthread_cond_signal(&l->wake);
	while (l->tended < own)
		pthread_cond_wait(&l->done, &l->mutex);
	pthread_mutex_unlock(&l->mutex);
}

void
ledger_bound(struct ledger *l, uint64_t entries)
{
	atomic_store(&l->bound, entries);
}

void
ledger_fail_hold_sync(struct ledger *l)
{
	atomic_store(&l->unsynced, true);
}

int
ledger_recovered(const struct ledger *l)
{
	return l->recovered;
}

int64_t
ledger_newest_window_us(const struct ledger *l)
{
	return l->newest_window_us;
}

/* Asked over a connection of its own: the store's belongs to the thread. */
int
ledger_windows(const struct ledger *l, int64_t after_us, struct ledger_window **rows, size_t *count)
{
	return windows_list(store_path(l->store), after_us, rows, count);
}

/* ---- Birth and death ---- */

static int
start_thread(struct ledger *l, struct err *e)
{
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&l->mutex, NULL);
	pthread_cond_init(&l->wake, &monotonic);
	pthread_cond_init(&l->done, NULL);
	pthread_condattr_destroy(&monotonic);
	/* Signals are for the main thread. */
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(&l->thread, NULL, writer_run, l);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0)
		return err_set(
		    e, 503, "ledger_unavailable", "cannot start the ledger's thread: %s", strerror(rc));
	pthread_setname_np(l->thread, "ledger");
	return 0;
}

struct ledger *
ledger_open(const struct ledger_options *options, struct err *e)
{
	struct store *store = store_open(options, e);
	int recovered = 0;
	if (store == NULL)
		return NULL;
	if (store_recover(store, &recovered, e) != 0) {
		store_close(&store, false);
		return NULL;
	}
	struct ledger *l = must_alloc(sizeof *l);
	l->store = store;
	l->holds = store_holds(store);
	l->unsafe_end = &l->unsafe;
	l->recovered = recovered;
	l->newest_window_us = store_newest_window_us(store);
	l->keep_days = options->keep_days;
	l->keep_bytes = options->keep_bytes;
	l->look_at_us = writer_now_us() + FIRST_LOOK_US;
	atomic_init(&l->bound, QUEUE_BOUND);
	atomic_init(&l->file_bytes, store_file_bytes(store));
	atomic_init(&l->deferred_bytes, store_deferred_bytes(store));
	writer_take_ballast(l);
	if (start_thread(l, e) != 0) {
		store_close(&store, true);
		free(l);
		return NULL;
	}
	return l;
}

/* The last resort for rows that cannot be written: what they cost goes to the log, whence the books can be mended. */
static void
tell_unwritten(const struct queue *q)
{
	for (const struct chunk *c = q->first; c != NULL; c = c->next) {
		for (int i = 0; i < c->count; i++) {
			const struct ledger_attempt *a = &c->entries[i].row.attempt;
			if (c->entries[i].kind != ENTRY_ATTEMPT)
				continue;
			char id[sizeof a->request_id + 1];
			str_copy(id, sizeof id,
			    (struct str){ a->request_id, strnlen(a->request_id, sizeof a->request_id) });
			log_line(LOG_ERROR, "unwritten", "request=%q attempt=%d cost_pico=%lld", id,
			    a->number, (long long)a->cost_pico);
		}
	}
}

int
ledger_close(struct ledger **ledger)
{
	struct ledger *l = *ledger;
	if (l == NULL)
		return 0;
	*ledger = NULL;
	pthread_mutex_lock(&l->mutex);
	unload_stranded(l);
	l->closing = true;
	pthread_cond_signal(&l->wake);
	pthread_mutex_unlock(&l->mutex);
	pthread_join(l->thread, NULL);

	int rc = l->pending.count == 0 && !l->dead ? 0 : -1;
	tell_unwritten(&l->pending);
	store_close(&l->store, rc == 0);
	queue_free(&l->pending);
	queue_free(&l->incoming);
	pthread_cond_destroy(&l->wake);
	pthread_cond_destroy(&l->done);
	pthread_mutex_destroy(&l->mutex);
	free(l);
	return rc;
}
