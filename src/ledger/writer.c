/*
 * The ledger thread: takes what is queued, writes it as one transaction, and looks after the file in between.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "writer.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "deferred_rows.h"
#include "holds.h"
#include "rollup.h"

#define DAY_US (INT64_C(86400) * 1000000)

enum {
	GATHER_US = 20 * 1000, /* how long a group may wait for company */
	RETRY_FIRST_US = 100 * 1000,
	RETRY_LAST_US = 5 * 1000 * 1000,
	IDLE_US = 1000 * 1000,      /* quiet for so long: empty the log, give pages back */
	LOOK_US = 60 * 1000 * 1000, /* how often the file and the limits are looked at */
	PRUNE_SLICE = 200,          /* requests a transaction: 10 to 20 ms with random ids, see the bench */
	WAL_MOVE_BYTES = 4 * 1024 * 1024,
	WAL_ALARM_BYTES = 64 * 1024 * 1024,
	BETWEEN_SLICES_US = 10 * 1000,
};

/* One turn of the thread, as it was asked for. */
struct round {
	uint64_t number, entries, tend_number;
	bool closing, tend, limits_changed;
	int64_t forget_before_us;
	int keep_days;
	int64_t keep_bytes;
};

/* ---- Waiting; the thread, with the mutex held ---- */

/* Real time, whatever the tests' clock says: this is about waiting, not about records. */
int64_t
writer_now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void
wait_until(struct ledger *l, int64_t at_us)
{
	struct timespec t = { .tv_sec = at_us / 1000000, .tv_nsec = at_us % 1000000 * 1000 };
	pthread_cond_timedwait(&l->wake, &l->mutex, &t);
}

static int64_t
next_alarm(const struct ledger *l)
{
	int64_t at = l->look_at_us;
	if (atomic_load(&l->stalled) && !l->dead && l->retry_at_us < at)
		at = l->retry_at_us;
	if (l->quiet_at_us != 0 && l->quiet_at_us < at)
		at = l->quiet_at_us;
	return at;
}

static bool
wants_tending(const struct ledger *l)
{
	return l->tended < l->tend_wanted;
}

static bool
is_wanted(const struct ledger *l)
{
	bool has_entries = l->incoming.count > 0 && !atomic_load(&l->stalled);
	return has_entries || l->closing || l->hurry || wants_tending(l) || l->limits_changed;
}

/* After a sync that failed nobody knows what is on the disk. */
static void
give_up(struct ledger *l, const char *what)
{
	l->dead = true;
	log_line(LOG_ERROR, "gave_up", "ledger=%s why=%q", what,
	    "the disk did not confirm a write; restart farthing when the disk is well again");
}

/* One sync for all that wait. Those who come while it runs wait for the next: their holds may have missed this one. */
void
writer_keep_promises(struct ledger *l)
{
	while (l->unsafe != NULL) {
		struct safety *first = l->unsafe;
		struct holds_range range;
		bool touched = holds_touched(l->holds, &range);
		l->unsafe = NULL;
		l->unsafe_end = &l->unsafe;
		pthread_mutex_unlock(&l->mutex);
		bool fails = touched && (atomic_load(&l->unsynced) || holds_sync(&range) != 0);
		if (fails && !l->dead) {
			give_up(l, "holds");
			l->stalled_at_us = writer_now_us();
			atomic_store(&l->stalled, true);
		}
		for (struct safety *s = first, *next; s != NULL; s = next) {
			next = s->next;
			s->on_safe(s->context, !l->dead);
			free(s);
		}
		pthread_mutex_lock(&l->mutex);
	}
}

static void
await_work(struct ledger *l)
{
	writer_keep_promises(l);
	while (!is_wanted(l) && writer_now_us() < next_alarm(l)) {
		l->asleep = !atomic_load(&l->stalled); /* while stalled, new entries wait for the retry */
		wait_until(l, next_alarm(l));
		l->asleep = false;
		writer_keep_promises(l);
	}
	int64_t until = writer_now_us() + GATHER_US;
	while (l->incoming.count > 0 && l->incoming.count < GROUP_ENTRIES && !l->closing && !l->hurry &&
	       !wants_tending(l) && writer_now_us() < until) {
		wait_until(l, until);
		writer_keep_promises(l);
	}
}

/* ---- Writing; the thread, without the mutex ---- */

static int
write_entry(struct store *s, const struct entry *entry)
{
	switch (entry->kind) {
	case ENTRY_REQUEST:
		return store_request(s, &entry->row.request);
	case ENTRY_ATTEMPT:
		return store_attempt(s, &entry->row.attempt);
	case ENTRY_BATCH:
		return store_batch(s, &entry->row.batch);
	case ENTRY_CHECK:
		return store_check(s, &entry->row.check);
	case ENTRY_OUTCOME:
		return store_outcome(s, &entry->row.outcome);
	case ENTRY_PURGED:
		return store_purged(
		    s, entry->row.purged.seq, entry->row.purged.entries, entry->row.purged.at_us);
	case ENTRY_DEFERRED:
		return store_deferred(s, entry->row.deferred);
	case ENTRY_NONE:
		return 0;
	}
	return -1;
}

static int
write_entries(struct store *s, const struct chunk *c)
{
	for (int i = 0; i < c->count; i++)
		if (write_entry(s, &c->entries[i]) != 0)
			return -1;
	return 0;
}

/* Freeing another attempt's hold would lose money at the next crash; a slot too many is only a slot. */
static bool
give_slot_back(struct ledger *l, const struct entry *entry)
{
	const struct ledger_attempt *a = &entry->row.attempt;
	if (entry->kind != ENTRY_ATTEMPT || a->slot < 0)
		return true;
	if (!holds_is(l->holds, a->slot, a->request_id, a->number))
		return false;
	holds_drop(l->holds, a->slot);
	return true;
}

/* The rows are on the disk, so their holds need not be there any more. A chunk at a time, so that callers wait for no more. */
static void
give_slots_back(struct ledger *l, int chunks)
{
	int wrong = 0;
	for (const struct chunk *c = l->pending.first; chunks > 0; c = c->next, chunks--) {
		pthread_mutex_lock(&l->mutex);
		for (int i = 0; i < c->count; i++)
			wrong += !give_slot_back(l, &c->entries[i]);
		pthread_mutex_unlock(&l->mutex);
	}
	if (wrong > 0)
		log_line(LOG_ERROR, "wrong_slots", "rows=%d why=%q", wrong,
		    "they named the hold of another attempt, which was kept");
}

static void
answer_deferred(struct ledger *l, struct entry *entry, bool ok)
{
	struct deferred_op *op = entry->row.deferred;
	bool is_put = op->step == STEP_PUT;
	if (ok != is_put)
		atomic_fetch_add(&l->deferred_bytes, ok ? op->bytes : -(int64_t)op->row.body.n);
	if (op->on_done != NULL)
		op->on_done(op->context, ok);
	deferred_op_free(&entry->row.deferred);
	entry->kind = ENTRY_NONE;
}

/* They are on the disk, or did not fit what is there. */
static void
answer_all_deferred(struct ledger *l, int chunks)
{
	for (struct chunk *c = l->pending.first; chunks > 0; c = c->next, chunks--)
		for (int i = 0; i < c->count; i++)
			if (c->entries[i].kind == ENTRY_DEFERRED)
				answer_deferred(l, &c->entries[i], c->entries[i].row.deferred->ok);
}

/* Clients wait for theirs: what cannot be written now is taken back, so that it does not appear later either. How many */
static int
refuse_puts(struct ledger *l)
{
	int count = 0;
	for (struct chunk *c = l->pending.first; c != NULL; c = c->next) {
		for (int i = 0; i < c->count; i++) {
			struct entry *entry = &c->entries[i];
			if (entry->kind != ENTRY_DEFERRED || entry->row.deferred->step != STEP_PUT)
				continue;
			answer_deferred(l, entry, false);
			count++;
		}
	}
	return count;
}

/* At the end of the thread: what is left will not be written. */
static void
refuse_all_deferred(struct ledger *l)
{
	for (struct chunk *c = l->pending.first; c != NULL; c = c->next) {
		for (int i = 0; i < c->count; i++) {
			struct entry *entry = &c->entries[i];
			if (entry->kind != ENTRY_DEFERRED)
				continue;
			const struct deferred_op *op = entry->row.deferred;
			if (op->step == STEP_END && op->row.billed)
				log_line(LOG_ERROR, "unwritten", "request=%q attempt=%d cost_pico=%lld",
				    op->attempt.request_id, op->attempt.number,
				    (long long)op->attempt.cost_pico);
			answer_deferred(l, entry, false);
		}
	}
}

/* One transaction from the front of pending. The entries stay until the commit has come back from the disk. */
static int
write_group(struct ledger *l)
{
	int64_t began = writer_now_us();
	int chunks = 0;
	bool joined = false;
	if (store_begin(l->store) != 0)
		return -1;
	for (const struct chunk *c = l->pending.first; c != NULL && (chunks < GROUP_CHUNKS || joined);
	     c = c->next, chunks++) {
		if (write_entries(l->store, c) != 0)
			goto fail;
		joined = c->joined;
	}
	if (store_commit(l->store) != 0)
		goto fail;
	uint64_t before = l->pending.count;
	give_slots_back(l, chunks);
	store_publish(l->store);
	answer_all_deferred(l, chunks);
	for (; chunks > 0; chunks--)
		queue_drop(&l->pending, &l->written);
	atomic_fetch_add(&l->committed, before - l->pending.count);
	atomic_fetch_add(&l->commits, 1);
	atomic_store(&l->last_commit_us, writer_now_us() - began);
	return 0;
fail:
	store_rollback(l->store);
	return -1;
}

static const char *
fault_name(enum store_fault fault)
{
	switch (fault) {
	case STORE_FINE:
		return "none";
	case STORE_FULL:
		return "full";
	case STORE_BUSY:
		return "busy";
	case STORE_IO:
		return "io";
	case STORE_SYNC:
		return "sync";
	}
	return "unknown";
}

/* One line when it begins; the retries between are counted, not told. */
static void
stall(struct ledger *l)
{
	enum store_fault fault = store_fault(l->store);
	atomic_fetch_add(&l->failures, 1);
	if (!atomic_load(&l->stalled)) {
		log_line(LOG_ERROR, "stalled", "ledger=%s why=%q queued=%lld", fault_name(fault),
		    store_problem(l->store), (long long)writer_queued(l));
		l->stalled_at_us = writer_now_us();
		l->retry_us = RETRY_FIRST_US;
		atomic_store(&l->stalled, true);
	} else if (l->retry_us < RETRY_LAST_US) {
		l->retry_us *= 2;
	}
	l->retry_at_us = writer_now_us() + l->retry_us;
	if (fault == STORE_SYNC && !l->dead)
		give_up(l, "sync");
}

/* Tries to have the ballast, and says so when that changes. */
void
writer_take_ballast(struct ledger *l)
{
	bool lacking = store_take_ballast(l->store) != 0;
	if (lacking != atomic_load(&l->starved))
		log_line(lacking ? LOG_ERROR : LOG_WARN, lacking ? "starved" : "fed", "ledger=%s why=%q",
		    "full",
		    lacking ? "the disk is almost full: nothing new is admitted"
			    : "there is space on the disk again");
	atomic_store(&l->starved, lacking);
}

/* True: there is space now that was not there before, so the same transaction is worth another try at once. */
static bool
spend_ballast(struct ledger *l)
{
	if (store_fault(l->store) != STORE_FULL || !store_release_ballast(l->store))
		return false;
	atomic_store(&l->starved, true);
	log_line(LOG_ERROR, "starved", "ledger=full why=%q",
	    "the disk is full: the ballast was given up, nothing new is admitted");
	return true;
}

static void
recover(struct ledger *l)
{
	if (!atomic_load(&l->stalled))
		return;
	atomic_store(&l->stalled, false);
	log_line(LOG_WARN, "recovered", "ledger=ok stalled_ms=%lld queued=%lld",
	    (long long)(writer_now_us() - l->stalled_at_us) / 1000, (long long)writer_queued(l));
	if (atomic_load(&l->starved))
		writer_take_ballast(l);
}

/* With nothing to write, the way out of a stall is to see whether a transaction could begin. */
static int
probe(struct ledger *l)
{
	if (store_begin(l->store) != 0) {
		stall(l);
		return -1;
	}
	store_rollback(l->store);
	recover(l);
	return 0;
}

static bool
has_rows(const struct queue *q)
{
	for (const struct chunk *c = q->first; c != NULL; c = c->next)
		for (int i = 0; i < c->count; i++)
			if (c->entries[i].kind != ENTRY_NONE)
				return true;
	return false;
}

/* A group, by all means there are: first without what clients still wait for, then with the space that was kept for rows. */
static int
write_front(struct ledger *l)
{
	if (write_group(l) == 0)
		return 0;
	bool is_lighter = refuse_puts(l) > 0;
	if (is_lighter && !has_rows(&l->pending))
		return -1;
	if (is_lighter && store_fault(l->store) == STORE_FULL && write_group(l) == 0)
		return 0;
	return spend_ballast(l) ? write_group(l) : -1;
}

static int
write_pending(struct ledger *l)
{
	/* The last of the space is for what runs already. */
	if (l->dead || atomic_load(&l->starved))
		refuse_puts(l);
	if (l->dead)
		return -1;
	if (l->pending.count == 0)
		return atomic_load(&l->stalled) ? probe(l) : 0;
	while (l->pending.count > 0) {
		if (write_front(l) != 0) {
			stall(l);
			return -1;
		}
		recover(l);
	}
	return 0;
}

/* ---- Upkeep; the thread, without the mutex ---- */

/* Upkeep that fails costs nothing and is tried again later, unless it shows that the disk cannot be trusted. */
static void
upkeep_failed(struct ledger *l)
{
	if (store_fault(l->store) == STORE_SYNC)
		stall(l);
}

static void
tend_log(struct ledger *l, bool idle)
{
	int64_t wal = store_wal_bytes(l->store);
	if (wal < l->moved_wal_bytes)
		l->moved_wal_bytes = 0; /* the log began again from its start */
	if (idle && wal > 0) {
		if (store_checkpoint(l->store, true) != 0)
			upkeep_failed(l);
		else
			l->moved_wal_bytes = 0;
	} else if (wal - l->moved_wal_bytes > WAL_MOVE_BYTES) {
		/* Every 4 MiB again, not at every commit: a reader may hold the log open for long. */
		l->moved_wal_bytes = wal;
		if (store_checkpoint(l->store, false) != 0)
			upkeep_failed(l);
	}
	wal = store_wal_bytes(l->store);
	if (!l->wal_alarm && wal > WAL_ALARM_BYTES)
		log_line(LOG_WARN, "grew", "wal_bytes=%lld why=%q", (long long)wal,
		    "a reader keeps the ledger's log from being emptied");
	l->wal_alarm = wal > WAL_ALARM_BYTES;
	atomic_store(&l->wal_bytes, wal);
}

static void
prune_slice(struct ledger *l, const struct round *round)
{
	struct store_limits limits = { .keep_bytes = round->keep_bytes };
	struct store_pruned slice;
	if (round->keep_days > 0) {
		int sums_days = round->keep_days > ROLLUP_KEEP_DAYS ? round->keep_days : ROLLUP_KEEP_DAYS;
		limits.before_us = clock_wall_us() - round->keep_days * DAY_US;
		limits.sums_before_us = clock_wall_us() - sums_days * DAY_US;
	}
	if (store_prune(l->store, &limits, PRUNE_SLICE, &slice) != 0) {
		upkeep_failed(l);
		slice = (struct store_pruned){ 0 };
	}
	l->pruned.requests += slice.requests;
	l->pruned.attempts += slice.attempts;
	l->pruning = slice.more;
	if (slice.more || l->pruned.requests + l->pruned.attempts == 0)
		return;
	log_line(LOG_INFO, "pruned", "requests=%lld attempts=%lld file_bytes=%lld",
	    (long long)l->pruned.requests, (long long)l->pruned.attempts,
	    (long long)store_file_bytes(l->store));
	l->pruned = (struct store_pruned){ 0 };
}

static void
forget_slice(struct ledger *l, const struct round *round)
{
	int64_t bytes;
	bool more;
	l->forgetting = false; /* the next look tries again what fails now */
	if (store_forget(l->store, round->forget_before_us, &bytes, &more) != 0) {
		upkeep_failed(l);
		return;
	}
	atomic_fetch_sub(&l->deferred_bytes, bytes);
	l->forgetting = more;
}

/* One slice a round, so that new rows never wait for more than that; a test's round takes them all. */
static void
look_after(struct ledger *l, const struct round *round)
{
	bool stalled = atomic_load(&l->stalled);
	bool due = writer_now_us() >= l->look_at_us || round->tend || round->limits_changed;
	if (due) {
		if (!stalled && atomic_load(&l->starved))
			writer_take_ballast(l);
		l->look_at_us = writer_now_us() + (atomic_load(&l->starved) ? RETRY_LAST_US : LOOK_US);
		l->pruning = true;
		l->forgetting = round->forget_before_us > 0;
		if (!stalled)
			probe(l); /* finds out that the file is gone even when nothing is written */
	}
	bool idle =
	    round->entries == 0 && (due || (l->quiet_at_us != 0 && writer_now_us() >= l->quiet_at_us));
	do {
		if (l->pruning && !atomic_load(&l->stalled))
			prune_slice(l, round);
		if (l->forgetting && !atomic_load(&l->stalled))
			forget_slice(l, round);
	} while (round->tend && (l->pruning || l->forgetting) && !atomic_load(&l->stalled));
	if (!atomic_load(&l->stalled))
		tend_log(l, (idle && !l->pruning && !l->forgetting) || round->tend);
	if (round->entries > 0)
		l->quiet_at_us = writer_now_us() + IDLE_US;
	else if (idle)
		l->quiet_at_us = 0;
	if ((l->pruning || l->forgetting) && !atomic_load(&l->stalled))
		l->quiet_at_us = writer_now_us() + BETWEEN_SLICES_US;
	atomic_store(&l->file_bytes, store_file_bytes(l->store));
}

/* ---- The thread ---- */

/* With the mutex held: what this round is to do. */
static void
take_round(struct ledger *l, struct round *round)
{
	*round = (struct round){
		.number = ++l->tries,
		.entries = l->incoming.count,
		.closing = l->closing,
		.tend = wants_tending(l),
		.tend_number = l->tend_wanted,
		.limits_changed = l->limits_changed,
		.keep_days = l->keep_days,
		.keep_bytes = l->keep_bytes,
		.forget_before_us = l->forget_before_us,
	};
	l->hurry = l->limits_changed = false;
	queue_move(&l->pending, &l->incoming);
}

void *
writer_run(void *context)
{
	struct ledger *l = context;
	struct round round = { 0 };
	while (!round.closing) {
		pthread_mutex_lock(&l->mutex);
		await_work(l);
		take_round(l, &round);
		pthread_mutex_unlock(&l->mutex);

		int written = write_pending(l);

		pthread_mutex_lock(&l->mutex);
		if (written != 0)
			l->failed_try = round.number;
		queue_recycle(&l->incoming, &l->written);
		pthread_cond_broadcast(&l->done);
		pthread_mutex_unlock(&l->mutex);
		queue_discard(&l->written);

		look_after(l, &round);
		if (round.tend) {
			pthread_mutex_lock(&l->mutex);
			l->tended = round.tend_number;
			pthread_cond_broadcast(&l->done);
			pthread_mutex_unlock(&l->mutex);
		}
	}
	pthread_mutex_lock(&l->mutex);
	writer_keep_promises(l);
	pthread_mutex_unlock(&l->mutex);
	refuse_all_deferred(l);
	return NULL;
}
