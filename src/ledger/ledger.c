/*
 * The books: callers add to a queue, one thread writes it to the disk in groups.
 *
 *     asleep ── first entry ──> gathering (20 ms) ──> writing ──> upkeep ──> asleep
 *        ^                                              │ a commit fails
 *        └── retry time, sync or close ── stalled <─────┘
 *
 * The mutex is a leaf: under it entries are copied and chains are linked. `incoming` is shared under it; `pending`,
 * the store and everything about retries and upkeep belong to the thread alone.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger/ledger.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "hooks.h"
#include "queue.h"
#include "store.h"

enum {
	GATHER_US = 20 * 1000, /* how long a group may wait for company */
	GROUP_CHUNKS = 128,    /* chunks in one transaction: 8,192 entries, some 30 ms of work */
	GROUP_ENTRIES = GROUP_CHUNKS * QUEUE_CHUNK,
	QUEUE_BOUND = 100 * 1000, /* entries, about 80 MB; beyond it the gateway must stop admitting */
	RETRY_FIRST_US = 100 * 1000,
	RETRY_LAST_US = 5 * 1000 * 1000,
	IDLE_US = 1000 * 1000,      /* quiet for so long: empty the log, give pages back */
	LOOK_US = 60 * 1000 * 1000, /* how often the file and the limits are looked at */
	PRUNE_SLICE = 500,          /* requests a transaction; see the bench for what that costs */
	WAL_MOVE_BYTES = 4 * 1024 * 1024,
	WAL_ALARM_BYTES = 64 * 1024 * 1024,
	BETWEEN_SLICES_US = 10 * 1000,
};

struct ledger {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t wake; /* for the thread */
	pthread_cond_t done; /* for those in ledger_sync */

	/* Under the mutex. */
	struct queue incoming;
	bool asleep; /* waiting for a first entry: the one who adds it signals */
	bool hurry;  /* somebody waits in ledger_sync */
	bool closing;
	bool tend;           /* a test wants upkeep now */
	uint64_t tries;      /* rounds of writing begun */
	uint64_t failed_try; /* the last of them that failed */
	uint64_t tended;
	int keep_days;
	int64_t keep_bytes;
	bool limits_changed;

	/* Written under the mutex or by the thread, read by anyone. */
	_Atomic uint64_t accepted, committed, commits, failures, bound;
	_Atomic int64_t last_commit_us, wal_bytes, file_bytes;
	_Atomic bool stalled;

	/* The thread's own. */
	struct store *store;
	struct queue pending;  /* taken from incoming, not yet on disk */
	struct chunk *written; /* empty ones on their way back to incoming */
	bool dead;             /* an fsync failed: nothing more is claimed to be on disk */
	int64_t stalled_at_us, retry_at_us, retry_us;
	int64_t quiet_at_us, look_at_us;
	int64_t moved_wal_bytes; /* log length at the last passive checkpoint */
	bool wal_alarm, pruning;
	struct store_pruned pruned; /* in this run of slices */
};

/* One turn of the thread, as it was asked for. */
struct round {
	uint64_t number, entries;
	bool closing, tend, limits_changed;
	int keep_days;
	int64_t keep_bytes;
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
added(struct ledger *l)
{
	bool wake = l->asleep || l->incoming.count == GROUP_ENTRIES;
	l->asleep = false;
	if (wake)
		pthread_cond_signal(&l->wake);
	pthread_mutex_unlock(&l->mutex);
}

void
ledger_request(struct ledger *l, const struct ledger_request *row)
{
	pthread_mutex_lock(&l->mutex);
	add_entry(l, ENTRY_REQUEST)->row.request = *row;
	added(l);
}

void
ledger_attempt(struct ledger *l, const struct ledger_attempt *row)
{
	pthread_mutex_lock(&l->mutex);
	add_entry(l, ENTRY_ATTEMPT)->row.attempt = *row;
	added(l);
}

static uint64_t
queued(const struct ledger *l)
{
	/* committed first: read the other way round, a commit in between would make it negative. */
	uint64_t committed = atomic_load(&l->committed);
	return atomic_load(&l->accepted) - committed;
}

bool
ledger_ready(const struct ledger *l)
{
	return !atomic_load(&l->stalled) && queued(l) <= atomic_load(&l->bound);
}

void
ledger_stats(const struct ledger *l, struct ledger_stats *out)
{
	*out = (struct ledger_stats){
		.committed = atomic_load(&l->committed),
		.queued = queued(l),
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
	uint64_t before = l->tended;
	while (l->tended == before) {
		l->tend = true;
		pthread_cond_signal(&l->wake);
		pthread_cond_wait(&l->done, &l->mutex);
	}
	pthread_mutex_unlock(&l->mutex);
}

void
ledger_bound(struct ledger *l, uint64_t entries)
{
	atomic_store(&l->bound, entries);
}

/* ---- Waiting; the thread, with the mutex held ---- */

/* Real time, whatever the tests' clock says: this is about waiting, not about records. */
static int64_t
now_us(void)
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
is_wanted(const struct ledger *l)
{
	bool has_entries = l->incoming.count > 0 && !atomic_load(&l->stalled);
	return has_entries || l->closing || l->hurry || l->tend || l->limits_changed;
}

static void
await_work(struct ledger *l)
{
	while (!is_wanted(l) && now_us() < next_alarm(l)) {
		l->asleep = !atomic_load(&l->stalled); /* while stalled, new entries wait for the retry */
		wait_until(l, next_alarm(l));
		l->asleep = false;
	}
	int64_t until = now_us() + GATHER_US;
	while (l->incoming.count > 0 && l->incoming.count < GROUP_ENTRIES && !l->closing && !l->hurry &&
	       !l->tend && now_us() < until)
		wait_until(l, until);
}

/* ---- Writing; the thread, without the mutex ---- */

static int
write_entries(struct store *s, const struct chunk *c)
{
	for (int i = 0; i < c->count; i++) {
		const struct entry *entry = &c->entries[i];
		int rc = entry->kind == ENTRY_REQUEST ? store_request(s, &entry->row.request)
						      : store_attempt(s, &entry->row.attempt);
		if (rc != 0)
			return -1;
	}
	return 0;
}

/* One transaction from the front of pending. The entries stay until the commit has come back from the disk. */
static int
write_group(struct ledger *l)
{
	int64_t began = now_us();
	int chunks = 0;
	if (store_begin(l->store) != 0)
		return -1;
	for (const struct chunk *c = l->pending.first; c != NULL && chunks < GROUP_CHUNKS;
	     c = c->next, chunks++) {
		if (write_entries(l->store, c) != 0)
			goto fail;
	}
	if (store_commit(l->store) != 0)
		goto fail;
	uint64_t before = l->pending.count;
	for (; chunks > 0; chunks--)
		queue_drop(&l->pending, &l->written);
	atomic_fetch_add(&l->committed, before - l->pending.count);
	atomic_fetch_add(&l->commits, 1);
	atomic_store(&l->last_commit_us, now_us() - began);
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
		    store_problem(l->store), (long long)queued(l));
		l->stalled_at_us = now_us();
		l->retry_us = RETRY_FIRST_US;
		atomic_store(&l->stalled, true);
	} else if (l->retry_us < RETRY_LAST_US) {
		l->retry_us *= 2;
	}
	l->retry_at_us = now_us() + l->retry_us;
	if (fault == STORE_SYNC && !l->dead) {
		l->dead = true;
		log_line(LOG_ERROR, "gave_up", "ledger=sync why=%q",
		    "the disk did not confirm a write; restart farthing when the disk is well again");
	}
}

static void
recover(struct ledger *l)
{
	if (!atomic_load(&l->stalled))
		return;
	atomic_store(&l->stalled, false);
	log_line(LOG_WARN, "recovered", "ledger=ok stalled_ms=%lld queued=%lld",
	    (long long)(now_us() - l->stalled_at_us) / 1000, (long long)queued(l));
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

static int
write_pending(struct ledger *l)
{
	if (l->dead)
		return -1;
	if (l->pending.count == 0)
		return atomic_load(&l->stalled) ? probe(l) : 0;
	while (l->pending.count > 0) {
		if (write_group(l) != 0) {
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
	if (round->keep_days > 0)
		limits.before_us = clock_wall_us() - (int64_t)round->keep_days * 86400 * 1000000;
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

/* One slice a round, so that new rows never wait for more than that; a test's round takes them all. */
static void
look_after(struct ledger *l, const struct round *round)
{
	bool stalled = atomic_load(&l->stalled);
	bool due = now_us() >= l->look_at_us || round->tend || round->limits_changed;
	if (due) {
		l->look_at_us = now_us() + LOOK_US;
		l->pruning = true;
		if (!stalled)
			probe(l); /* finds out that the file is gone even when nothing is written */
	}
	bool idle = round->entries == 0 && (due || (l->quiet_at_us != 0 && now_us() >= l->quiet_at_us));
	do {
		if (l->pruning && !atomic_load(&l->stalled))
			prune_slice(l, round);
	} while (round->tend && l->pruning && !atomic_load(&l->stalled));
	if (!atomic_load(&l->stalled))
		tend_log(l, (idle && !l->pruning) || round->tend);
	if (round->entries > 0)
		l->quiet_at_us = now_us() + IDLE_US;
	else if (idle)
		l->quiet_at_us = 0;
	if (l->pruning && !atomic_load(&l->stalled))
		l->quiet_at_us = now_us() + BETWEEN_SLICES_US;
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
		.tend = l->tend,
		.limits_changed = l->limits_changed,
		.keep_days = l->keep_days,
		.keep_bytes = l->keep_bytes,
	};
	l->hurry = l->tend = l->limits_changed = false;
	queue_move(&l->pending, &l->incoming);
}

static void *
run(void *context)
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
			l->tended++;
			pthread_cond_broadcast(&l->done);
			pthread_mutex_unlock(&l->mutex);
		}
	}
	return NULL;
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
	int rc = pthread_create(&l->thread, NULL, run, l);
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
	struct store *store = store_open(options->path, options->create, e);
	if (store == NULL)
		return NULL;
	struct ledger *l = must_alloc(sizeof *l);
	l->store = store;
	l->keep_days = options->keep_days;
	l->keep_bytes = options->keep_bytes;
	l->look_at_us = now_us() + IDLE_US; /* the first look soon, but not while the gateway starts */
	atomic_init(&l->bound, QUEUE_BOUND);
	atomic_init(&l->file_bytes, store_file_bytes(store));
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
	l->closing = true;
	pthread_cond_signal(&l->wake);
	pthread_mutex_unlock(&l->mutex);
	pthread_join(l->thread, NULL);

	int rc = l->pending.count == 0 ? 0 : -1;
	tell_unwritten(&l->pending);
	store_close(&l->store, rc == 0 && !l->dead);
	queue_free(&l->pending);
	queue_free(&l->incoming);
	pthread_cond_destroy(&l->wake);
	pthread_cond_destroy(&l->done);
	pthread_mutex_destroy(&l->mutex);
	free(l);
	return rc;
}
