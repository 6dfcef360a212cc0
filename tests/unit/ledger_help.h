/*
 * What the tests of the books share: a folder of their own, rows, one-number queries, and a disk that fails on demand.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TESTS_LEDGER_HELP_H
#define FARTHING_TESTS_LEDGER_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ledger/ledger.h"

static char folder[64];
static char path[96];

/* ---- A folder ---- */

static inline int
make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/farthing-ledger-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/books.db", folder);
	return 0;
}

static inline int
remove_folder(void **state)
{
	(void)state;
	DIR *d = opendir(folder);
	for (struct dirent *f; d != NULL && (f = readdir(d)) != NULL;) {
		char name[400];
		snprintf(name, sizeof name, "%s/%s", folder, f->d_name);
		unlink(name);
	}
	if (d != NULL)
		closedir(d);
	return rmdir(folder);
}

/* With their mark, as if they had never been. */
static inline void
remove_books(void)
{
	char name[112];
	snprintf(name, sizeof name, "%s.holds", path);
	unlink(path);
	unlink(name);
}

/* ---- Rows ---- */

static inline struct ledger_request
a_request(const char *id)
{
	struct ledger_request r = { .at_us = 1700000000000000,
		.account = "team",
		.task = "default",
		.endpoint = "chat",
		.model_asked = "gpt-4o",
		.model_served = "gpt-4o-mini",
		.upstream = "openai",
		.why = "served",
		.usage = { true, 100, 20, 0, 50, 5 },
		.cost_pico = 42000000,
		.saved_pico = 7,
		.basis = COST_EXACT,
		.cache = CACHE_MISS,
		.status = 200,
		.stream = true,
		.attempts = 1,
		.first_byte_us = 1000,
		.total_us = 2000,
		.bytes_in = 300,
		.bytes_out = 400 };
	str_copy(r.id, sizeof r.id, str_from(id));
	return r;
}

static inline struct ledger_attempt
an_attempt(const char *id)
{
	struct ledger_attempt a = { .at_us = 1700000000000100,
		.number = 1,
		.upstream = "openai",
		.model = "gpt-4o-mini",
		.outcome = ATTEMPT_OK,
		.status = 200,
		.why = "served",
		.usage = { true, 100, 20, 0, 50, 5 },
		.cost_pico = 42000000,
		.basis = COST_EXACT,
		.first_byte_us = 900,
		.total_us = 1900,
		.slot = -1 };
	str_copy(a.request_id, sizeof a.request_id, str_from(id));
	return a;
}

#define DAY_US 1699920000000000  /* 2023-11-14 */
#define WEEK_US 1699833600000000 /* Monday the 13th */
#define MONTH_US 1698796800000000

/* The same, admitted by the guard: its price makes its cost, less was spent than held. */
static inline struct ledger_attempt
a_paid_attempt(const char *id)
{
	struct ledger_attempt a = an_attempt(id);
	a.payer = (struct payer){ "shop", "team", "titles", "run-1" };
	a.windows[WINDOW_DAY] = (struct window){ DAY_US, DAY_US + INT64_C(86400) * 1000000 };
	a.windows[WINDOW_WEEK] = (struct window){ WEEK_US, WEEK_US + INT64_C(7) * 86400 * 1000000 };
	a.windows[WINDOW_MONTH] = (struct window){ MONTH_US, MONTH_US + INT64_C(30) * 86400 * 1000000 };
	a.held_pico = 50000000;
	a.price = (struct price){ .known = true,
		.input = 100000,
		.cached_input = 50000,
		.cache_write = 100000,
		.output = 660000,
		.reasoning = 660000 };
	a.slot = -1;
	return a;
}

/* What lies in the holds file while it runs. */
static inline struct ledger_hold
a_hold(const char *id)
{
	struct ledger_attempt a = a_paid_attempt(id);
	struct ledger_hold h = { .at_us = a.at_us,
		.number = 1,
		.upstream = "openai",
		.model = "gpt-4o-mini",
		.endpoint = "chat",
		.payer = a.payer,
		.held_pico = a.held_pico,
		.price = a.price };
	memcpy(h.windows, a.windows, sizeof h.windows);
	memcpy(h.request_id, a.request_id, sizeof h.request_id);
	return h;
}

/* ---- Looking ---- */

static inline int64_t
number(const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *query = NULL;
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	sqlite3_busy_timeout(db, 1000);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &query, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(query), SQLITE_ROW);
	int64_t value = sqlite3_column_int64(query, 0);
	sqlite3_finalize(query);
	sqlite3_close(db);
	return value;
}

static inline void
change(const char *sql)
{
	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		print_error("%s: %s\n", sql, sqlite3_errmsg(db));
	assert_int_equal(rc, SQLITE_OK);
	sqlite3_close(db);
}

static inline struct buf
content_of(const char *name)
{
	struct buf b;
	buf_init(&b, 0);
	FILE *f = fopen(name, "rb");
	assert_non_null(f);
	char block[4096];
	for (size_t n; (n = fread(block, 1, sizeof block, f)) > 0;)
		buf_add(&b, (struct str){ block, n });
	fclose(f);
	return b;
}

static inline struct buf
content(void)
{
	return content_of(path);
}

/* ---- A disk that fails: the default VFS with the log's writes and syncs in our hands ---- */

static _Atomic int fail_writes;             /* an SQLite code for every write to a log; 0: none */
static const char *_Atomic full_until_gone; /* while this file exists the disk is full */
static _Atomic int writes_to_live;          /* the process is killed at that write to a log; 0: it is not */
static _Atomic int fail_syncs;
static _Atomic int syncs_seen;
static const sqlite3_io_methods *real_methods;
static sqlite3_io_methods log_methods;
static sqlite3_vfs faulty;
static sqlite3_vfs *real_vfs;

static int
faulty_write(sqlite3_file *f, const void *bytes, int n, sqlite3_int64 at)
{
	int fail = atomic_load(&fail_writes);
	const char *ballast = atomic_load(&full_until_gone);
	if (ballast != NULL && access(ballast, F_OK) == 0)
		fail = SQLITE_FULL;
	if (atomic_load(&writes_to_live) > 0 && atomic_fetch_sub(&writes_to_live, 1) == 1)
		raise(SIGKILL);
	return fail != 0 ? fail : real_methods->xWrite(f, bytes, n, at);
}

static int
faulty_sync(sqlite3_file *f, int flags)
{
	int fail = atomic_load(&fail_syncs);
	atomic_fetch_add(&syncs_seen, 1);
	return fail != 0 ? fail : real_methods->xSync(f, flags);
}

/* The real file is opened in place, and only its method table is exchanged, so the real methods still fit it. */
static int
faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
	(void)vfs;
	int rc = real_vfs->xOpen(real_vfs, name, f, flags, out);
	if (rc == SQLITE_OK && (flags & SQLITE_OPEN_WAL) != 0) {
		real_methods = f->pMethods;
		log_methods = *f->pMethods;
		log_methods.xWrite = faulty_write;
		log_methods.xSync = faulty_sync;
		f->pMethods = &log_methods;
	}
	return rc;
}

static inline int
install_faulty_disk(void **state)
{
	(void)state;
	real_vfs = sqlite3_vfs_find(NULL);
	faulty = *real_vfs;
	faulty.zName = "faulty";
	faulty.xOpen = faulty_open;
	return sqlite3_vfs_register(&faulty, 1);
}

static inline int
remove_faulty_disk(void **state)
{
	(void)state;
	atomic_store(&fail_writes, 0);
	atomic_store(&fail_syncs, 0);
	return sqlite3_vfs_unregister(&faulty);
}

#endif
