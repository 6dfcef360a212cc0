/*
 * The shelf's thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/log.h"
#include "shelf_private.h"
#include "shelf_record.h"

enum {
	GATHER_US = 100 * 1000,
	GATHER_BYTES = 4 * 1024 * 1024, /* what is worth a transaction at once */
	RETRY_LAST_US = 60 * 1000 * 1000,
	PRUNE_US = 30 * 1000 * 1000, /* how often those that have expired leave */
};

/* ---- Failing ---- */

void
shelf_look(struct shelf *s)
{
	atomic_store(&s->items, s->file.items > 0 ? (uint64_t)s->file.items : 0);
	atomic_store(&s->bytes, (uint64_t)shelf_file_bytes(&s->file));
}

/* One line when it begins; the tries between are counted, not told. */
void
shelf_failed(struct shelf *s)
{
	atomic_fetch_add(&s->failures, 1);
	if (!atomic_load(&s->failing)) {
		log_line(LOG_WARN, "shelf_failed", "file=%q why=%q effect=%q", s->file.path, s->file.problem,
		    "answers are not kept for a restart; it is tried again");
		s->wait_us = atomic_load(&s->retry_us);
		s->failing_at_us = shelf_now_us();
		atomic_store(&s->failing, true);
	} else if (s->wait_us < RETRY_LAST_US) {
		s->wait_us *= 2;
	}
	s->retry_at_us = shelf_now_us() + s->wait_us;
}

static void
well_again(struct shelf *s)
{
	if (!atomic_load(&s->failing))
		return;
	atomic_store(&s->failing, false);
	log_line(LOG_INFO, "shelf_recovered", "file=%q failing_ms=%lld", s->file.path,
	    (long long)(shelf_now_us() - s->failing_at_us) / 1000);
}

/* The last of the disk belongs to the books. */
static bool
has_space(struct shelf *s)
{
	struct statvfs disk;
	int64_t spare = atomic_load(&s->spare_bytes);
	if (statvfs(s->file.path, &disk) != 0 || (int64_t)disk.f_bavail * (int64_t)disk.f_frsize >= spare)
		return true;
	s->file.fault = SHELF_TRY_LATER;
	snprintf(s->file.problem, sizeof s->file.problem,
	    "less than %lld bytes are free on the disk, which are left to the books", (long long)spare);
	return false;
}

/* ---- Writing ---- */

static bool
is_closing(const struct shelf *s)
{
	return atomic_load(&s->close_by_us) != 0;
}

static bool
is_late(const struct shelf *s)
{
	return is_closing(s) && shelf_now_us() > atomic_load(&s->close_by_us);
}

static int
put(struct shelf *s, struct shelf_op *op)
{
	struct shelf_item labels = { .key = op->key,
		.account = str_from(op->account),
		.task = str_from(op->task),
		.scope = str_from(op->scope),
		.kept_us = op->us,
		.expires_us = op->until_us };
	shelf_record_seal(op->record, op->n);
	return shelf_file_put(&s->file, &labels, (struct str){ op->record, op->n });
}

static int
purge(struct shelf *s, const struct shelf_op *op)
{
	struct shelf_purge what = { .key = op->key,
		.account = str_from(op->account),
		.task = str_from(op->task),
		.scope = str_from(op->scope),
		.before_us = op->us };
	bool more = true;
	while (more)
		if (shelf_file_purge(&s->file, &what, &more) != 0)
			return -1;
	return shelf_file_checkpoint(&s->file); /* what was overwritten stands in the log, too */
}

/* Those that need transactions of their own. */
static bool
stands_alone(const struct shelf_op *op)
{
	return op->kind == SHELF_PURGE || op->kind == SHELF_FORGET || op->kind == SHELF_RENEW;
}

static int
do_alone(struct shelf *s, const struct shelf_op *op)
{
	if (op->kind == SHELF_PURGE)
		return purge(s, op);
	if (op->kind == SHELF_FORGET)
		return shelf_file_forget(&s->file);
	snprintf(s->file.problem, sizeof s->file.problem, "it could not be read to its end");
	return shelf_file_renew(&s->file);
}

static int
do_one(struct shelf *s, struct shelf_op *op)
{
	switch (op->kind) {
	case SHELF_PUT:
		return is_late(s) ? 0 : put(s, op);
	case SHELF_MEMO:
		return shelf_file_memo(&s->file, str_from(op->task), (struct str){ op->record, op->n });
	case SHELF_DROP:
		return shelf_file_drop(&s->file, &op->key);
	default:
		return shelf_file_drop_row(&s->file, op->us);
	}
}

/* Operations from the front up to `end`, in one transaction. */
static int
write_run(struct shelf *s, struct shelf_op *first, const struct shelf_op *end)
{
	if (first == end)
		return 0;
	int rc = shelf_file_begin(&s->file);
	for (struct shelf_op *op = first; op != end && rc == 0; op = op->next)
		rc = do_one(s, op);
	if (rc == 0)
		rc = shelf_file_commit(&s->file);
	if (rc != 0)
		shelf_file_rollback(&s->file);
	return rc;
}

/* All of the group, in its order. Done twice, it leaves the same. */
static int
write_group(struct shelf *s)
{
	bool puts = s->group.count > s->group.forgets, probes = s->group.count == 0;
	if (s->file.db == NULL && shelf_file_open(&s->file) != 0)
		return -1;
	if ((puts || probes) && !has_space(s))
		return -1;
	if (probes)
		return shelf_file_probe(&s->file);
	struct shelf_op *first = s->group.first;
	for (struct shelf_op *op = first; op != NULL; op = op->next) {
		if (!stands_alone(op))
			continue;
		if (write_run(s, first, op) != 0 || do_alone(s, op) != 0)
			return -1;
		first = op->next;
	}
	return write_run(s, first, NULL);
}

/* A file that was taken away, or is damaged, is not the end of it: a new one is as good. */
static int
write_somehow(struct shelf *s)
{
	bool gone = s->file.db != NULL && !shelf_file_in_place(&s->file);
	if (gone)
		shelf_file_close(&s->file);
	if (write_group(s) == 0)
		return 0;
	if (s->file.fault != SHELF_DAMAGED)
		return -1;
	return shelf_file_renew(&s->file) == 0 ? write_group(s) : -1;
}

/* What must be forgotten and cannot be taken out of the file takes the file with it: to delete one needs no space. */
static void
forget_with_the_file(struct shelf *s)
{
	log_line(LOG_WARN, "shelf_deleted", "file=%q why=%q", s->file.path,
	    "answers that were to be forgotten could not be taken out of it");
	shelf_file_remove(&s->file);
}

static void
write_out(struct shelf *s, bool last)
{
	uint64_t handled = s->group.count;
	if (write_somehow(s) == 0) {
		well_again(s);
		shelf_queue_free(&s->group);
		pthread_mutex_lock(&s->mutex);
	} else {
		shelf_failed(s);
		uint64_t lost = shelf_queue_keep_forgets(&s->group);
		atomic_fetch_add(&s->dropped, lost);
		if (last && s->group.count > 0) {
			forget_with_the_file(s);
			shelf_queue_free(&s->group);
		}
		pthread_mutex_lock(&s->mutex);
		s->last_refused = s->dealt + handled;
		/* They go back to before what came meanwhile, to be counted again. */
		s->accepted += s->group.count;
		shelf_queue_join(&s->group, &s->incoming);
		s->incoming = s->group;
		s->group = (struct shelf_queue){ 0 };
	}
	s->dealt += handled;
	pthread_mutex_unlock(&s->mutex);
}

static void
prune(struct shelf *s, int64_t max_bytes)
{
	bool more = s->file.db != NULL && !atomic_load(&s->failing);
	while (more && !is_closing(s))
		if (shelf_file_prune(&s->file, clock_wall_us(), max_bytes, &more) != 0) {
			if (s->file.fault == SHELF_DAMAGED && shelf_file_renew(&s->file) == 0)
				return;
			shelf_failed(s);
			return;
		}
}

/* ---- The thread ---- */

static void
wait_until(struct shelf *s, int64_t at_us)
{
	struct timespec t = { .tv_sec = at_us / 1000000, .tv_nsec = at_us % 1000000 * 1000 };
	pthread_cond_timedwait(&s->wake, &s->mutex, &t);
}

/* With the mutex held. While failing nothing is tried before its time, but for somebody who waits. */
static bool
is_wanted(const struct shelf *s)
{
	int64_t now = shelf_now_us();
	if (is_closing(s) || s->hurry || now >= s->prune_at_us)
		return true;
	return atomic_load(&s->failing) ? now >= s->retry_at_us : s->incoming.count > 0;
}

static void
await_work(struct shelf *s)
{
	while (!is_wanted(s)) {
		bool failing = atomic_load(&s->failing);
		bool sooner = failing && s->retry_at_us < s->prune_at_us;
		wait_until(s, sooner ? s->retry_at_us : s->prune_at_us);
	}
	int64_t until = shelf_now_us() + GATHER_US;
	while (s->incoming.count > 0 && s->incoming.bytes < GATHER_BYTES && !is_closing(s) && !s->hurry &&
	       shelf_now_us() < until)
		wait_until(s, until);
}

void *
shelf_run(void *context)
{
	struct shelf *s = context;
	bool closing = false;
	while (!closing) {
		pthread_mutex_lock(&s->mutex);
		await_work(s);
		closing = is_closing(s);
		bool hurry = s->hurry, due = shelf_now_us() >= s->prune_at_us;
		bool wait = atomic_load(&s->failing) && !closing && !hurry && shelf_now_us() < s->retry_at_us;
		int64_t max_bytes = s->max_bytes;
		s->hurry = false;
		if (due)
			s->prune_at_us = shelf_now_us() + PRUNE_US;
		if (!wait)
			shelf_queue_join(&s->group, &s->incoming);
		pthread_mutex_unlock(&s->mutex);

		bool probes = atomic_load(&s->failing) && !wait;
		if (s->group.count > 0 || probes)
			write_out(s, closing);
		if (due || shelf_file_bytes(&s->file) > max_bytes)
			prune(s, max_bytes);
		shelf_look(s);
		pthread_mutex_lock(&s->mutex);
		pthread_cond_broadcast(&s->done);
		pthread_mutex_unlock(&s->mutex);
	}
	return NULL;
}
