/*
 * The shelf as the loop knows it: the queue, opening and closing.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger/shelf.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "hooks.h"
#include "shelf_private.h"
#include "shelf_record.h"

enum {
	QUEUE_COUNT = 8192,             /* items that may wait */
	QUEUE_BYTES = 32 * 1024 * 1024, /* ... and what they may take; a larger one waits alone */
	FORGETS_MOST = 64 * 1024,       /* beyond so many it is simpler to forget all */
	RETRY_US = 1000 * 1000,         /* the first time; then twice as long, up to a minute */
	SPARE_BYTES = 32 * 1024 * 1024, /* of the disk, which are left to the books */
	CLOSE_US = 1000 * 1000,
	FIRST_PRUNE_US = 10 * 1000 * 1000, /* not while the gateway starts */
};

int64_t
shelf_now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- What a purge means ---- */

static const struct digest any_key;

bool
shelf_purge_is_all(const struct shelf_purge *what)
{
	return digest_equal(&what->key, &any_key) && what->account.n == 0 && what->task.n == 0 &&
	       what->scope.n == 0 && what->before_us == 0;
}

bool
shelf_purge_fits(const struct shelf_purge *what, const struct digest *key, struct str account,
    struct str task, struct str scope, int64_t kept_us)
{
	return (digest_equal(&what->key, &any_key) || digest_equal(&what->key, key)) &&
	       (what->account.n == 0 || str_eq(what->account, account)) &&
	       (what->task.n == 0 || str_eq(what->task, task)) &&
	       (what->scope.n == 0 || str_eq(what->scope, scope)) &&
	       (what->before_us == 0 || kept_us < what->before_us);
}

/* ---- The queue ---- */

static bool
is_forget(const struct shelf_op *op)
{
	return op->kind != SHELF_PUT && op->kind != SHELF_MEMO;
}

static void
push(struct shelf_queue *q, struct shelf_op *op)
{
	op->next = NULL;
	if (q->last != NULL)
		q->last->next = op;
	else
		q->first = op;
	q->last = op;
	q->count++;
	q->bytes += op->n;
	q->forgets += is_forget(op);
}

static struct shelf_op *
shift(struct shelf_queue *q)
{
	struct shelf_op *op = q->first;
	if (op == NULL)
		return NULL;
	q->first = op->next;
	if (q->first == NULL)
		q->last = NULL;
	q->count--;
	q->bytes -= op->n;
	q->forgets -= is_forget(op);
	return op;
}

void
shelf_queue_free(struct shelf_queue *q)
{
	for (struct shelf_op *op; (op = shift(q)) != NULL;)
		free(op);
}

uint64_t
shelf_queue_keep_forgets(struct shelf_queue *group)
{
	struct shelf_queue kept = { 0 };
	uint64_t lost = 0;
	for (struct shelf_op *op; (op = shift(group)) != NULL;) {
		if (is_forget(op)) {
			push(&kept, op);
		} else {
			lost += op->kind == SHELF_PUT;
			free(op);
		}
	}
	*group = kept;
	return lost;
}

void
shelf_queue_join(struct shelf_queue *to, struct shelf_queue *from)
{
	for (struct shelf_op *op; (op = shift(from)) != NULL;)
		push(to, op);
}

/* With the mutex held, which it gives up. Takes op. */
static void
add(struct shelf *s, struct shelf_op *op)
{
	assert(atomic_load(&s->close_by_us) == 0);
	if (is_forget(op) && s->incoming.forgets >= FORGETS_MOST) {
		s->dealt += s->incoming.count;
		shelf_queue_free(&s->incoming);
		op->kind = SHELF_FORGET;
	}
	bool first = s->incoming.first == NULL;
	push(&s->incoming, op);
	s->accepted++;
	if (first || s->incoming.bytes > QUEUE_BYTES / 2)
		pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->mutex);
}

void
shelf_put(struct shelf *s, const struct shelf_item *item)
{
	size_t n = s != NULL ? shelf_record_size(item) : 0;
	bool fits =
	    item->account.n < SHELF_LABEL && item->task.n < SHELF_LABEL && item->scope.n < SHELF_LABEL;
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->mutex);
	const struct shelf_queue *q = &s->incoming;
	bool has_room = q->count - q->forgets < QUEUE_COUNT && (q->bytes + n <= QUEUE_BYTES || q->bytes == 0);
	bool is_small = n > 0 && (int64_t)n <= s->max_bytes / 4;
	pthread_mutex_unlock(&s->mutex);
	/* Only the loop adds to the queue, so room that was there is there still. */
	struct shelf_op *op = NULL;
	if (fits && has_room && is_small && !atomic_load(&s->failing))
		op = malloc(sizeof *op + n);
	if (op == NULL) {
		atomic_fetch_add(&s->dropped, 1);
		shelf_drop(s, &item->key); /* what was kept under it is not the answer any more */
		return;
	}
	*op = (struct shelf_op){
		.kind = SHELF_PUT, .key = item->key, .us = item->kept_us, .until_us = item->expires_us, .n = n
	};
	str_copy(op->account, sizeof op->account, item->account);
	str_copy(op->task, sizeof op->task, item->task);
	str_copy(op->scope, sizeof op->scope, item->scope);
	shelf_record_write(item, op->record);
	pthread_mutex_lock(&s->mutex);
	add(s, op);
}

void
shelf_memo_put(struct shelf *s, struct str name, struct str bytes)
{
	if (s == NULL || name.n >= SHELF_NAME || atomic_load(&s->failing))
		return;
	struct shelf_op *op = malloc(sizeof *op + bytes.n);
	if (op == NULL)
		return;
	*op = (struct shelf_op){ .kind = SHELF_MEMO, .n = bytes.n };
	str_copy(op->task, sizeof op->task, name);
	memcpy(op->record, bytes.p, bytes.n);
	pthread_mutex_lock(&s->mutex);
	if (bytes.n <= QUEUE_BYTES - s->incoming.bytes && (int64_t)bytes.n <= s->max_bytes / 4) {
		add(s, op);
		return;
	}
	pthread_mutex_unlock(&s->mutex);
	free(op);
}

int
shelf_memo_get(const struct shelf *s, struct str name, struct buf *out)
{
	return s != NULL ? shelf_memo_read(s->file.path, name, out) : -1;
}

static struct shelf_op *
an_op(enum shelf_op_kind kind)
{
	struct shelf_op *op = must_alloc(sizeof *op);
	op->kind = kind;
	return op;
}

void
shelf_drop(struct shelf *s, const struct digest *key)
{
	if (s == NULL)
		return;
	struct shelf_op *op = an_op(SHELF_DROP);
	op->key = *key;
	pthread_mutex_lock(&s->mutex);
	add(s, op);
}

void
shelf_purge(struct shelf *s, const struct shelf_purge *what)
{
	if (s == NULL)
		return;
	struct shelf_op *op = an_op(shelf_purge_is_all(what) ? SHELF_FORGET : SHELF_PURGE);
	op->key = what->key;
	op->us = what->before_us;
	str_copy(op->account, sizeof op->account, what->account);
	str_copy(op->task, sizeof op->task, what->task);
	str_copy(op->scope, sizeof op->scope, what->scope);
	pthread_mutex_lock(&s->mutex);
	add(s, op);
}

void
shelf_limit(struct shelf *s, int64_t max_bytes)
{
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->mutex);
	s->max_bytes = max_bytes;
	s->prune_at_us = 0;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->mutex);
}

int
shelf_sync(struct shelf *s)
{
	if (s == NULL)
		return 0;
	pthread_mutex_lock(&s->mutex);
	uint64_t first = s->dealt + 1, target = s->accepted;
	while (s->dealt < target) {
		s->hurry = true;
		pthread_cond_signal(&s->wake);
		pthread_cond_wait(&s->done, &s->mutex);
	}
	bool refused = target >= first && s->last_refused >= first;
	pthread_mutex_unlock(&s->mutex);
	return refused ? -1 : 0;
}

void
shelf_stats(const struct shelf *s, struct shelf_stats *out)
{
	*out = (struct shelf_stats){ 0 };
	if (s == NULL)
		return;
	*out = (struct shelf_stats){ .items = atomic_load(&s->items),
		.bytes = atomic_load(&s->bytes),
		.dropped = atomic_load(&s->dropped),
		.damaged = atomic_load(&s->damaged),
		.failures = atomic_load(&s->failures),
		.failing = atomic_load(&s->failing) };
}

/* ---- What tests may ask ---- */

void
shelf_retry_after(struct shelf *s, int64_t us)
{
	atomic_store(&s->retry_us, us);
}

void
shelf_spare(struct shelf *s, int64_t bytes)
{
	atomic_store(&s->spare_bytes, bytes);
}

/* ---- Reading at the start ---- */

struct reading {
	struct shelf *shelf;
	bool (*each)(void *context, const struct shelf_item *item);
	void *context;
};

static bool
on_item(void *context, const struct shelf_item *item)
{
	const struct reading *r = context;
	return r->each(r->context, item);
}

static void
on_damaged(void *context, int64_t row)
{
	const struct reading *r = context;
	struct shelf_op *op = an_op(SHELF_DROP_ROW);
	op->us = row;
	atomic_fetch_add(&r->shelf->damaged, 1);
	pthread_mutex_lock(&r->shelf->mutex);
	add(r->shelf, op);
}

void
shelf_each(struct shelf *s, int64_t now_us, bool (*each)(void *context, const struct shelf_item *item),
    void *context)
{
	if (s == NULL || atomic_load(&s->failing))
		return;
	struct reading r = { s, each, context };
	uint64_t damaged = atomic_load(&s->damaged);
	int rc = shelf_file_each(s->file.path, now_us, on_item, on_damaged, &r);
	damaged = atomic_load(&s->damaged) - damaged;
	if (damaged > 0)
		log_line(LOG_WARN, "damaged_answers", "rows=%lld file=%q why=%q", (long long)damaged,
		    s->file.path, "they are not what was written, and were deleted");
	if (rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB) {
		pthread_mutex_lock(&s->mutex);
		add(s, an_op(SHELF_RENEW));
	}
}

/* ---- Birth and death ---- */

static int
start_thread(struct shelf *s, struct err *e)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(&s->thread, NULL, shelf_run, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0)
		return err_set(
		    e, 503, "shelf_unavailable", "cannot start the shelf's thread: %s", strerror(rc));
	pthread_setname_np(s->thread, "shelf");
	return 0;
}

static void
release(struct shelf *s)
{
	shelf_queue_free(&s->incoming);
	shelf_queue_free(&s->group);
	shelf_file_close(&s->file);
	free(s->file.path);
	pthread_cond_destroy(&s->wake);
	pthread_cond_destroy(&s->done);
	pthread_mutex_destroy(&s->mutex);
	free(s);
}

struct shelf *
shelf_open(const struct shelf_options *options, struct err *e)
{
	struct shelf *s = must_alloc(sizeof *s);
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&s->mutex, NULL);
	pthread_cond_init(&s->wake, &monotonic);
	pthread_cond_init(&s->done, NULL);
	pthread_condattr_destroy(&monotonic);
	s->max_bytes = options->max_bytes;
	s->prune_at_us = shelf_now_us() + FIRST_PRUNE_US;
	atomic_init(&s->retry_us, RETRY_US);
	atomic_init(&s->spare_bytes, SPARE_BYTES);
	if (shelf_file_name(&s->file, options->database, e) != 0) {
		release(s);
		return NULL;
	}
	if (shelf_file_open(&s->file) != 0)
		shelf_failed(s);
	shelf_look(s);
	if (start_thread(s, e) != 0) {
		release(s);
		return NULL;
	}
	return s;
}

void
shelf_close(struct shelf **sp)
{
	struct shelf *s = *sp;
	if (s == NULL)
		return;
	*sp = NULL;
	pthread_mutex_lock(&s->mutex);
	atomic_store(&s->close_by_us, shelf_now_us() + CLOSE_US);
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->mutex);
	pthread_join(s->thread, NULL);
	release(s);
}
