/*
 * The ledger's file as the tools for keys open it: beside a gateway that may be running.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "keys_private.h"
#include "ledger/ledger.h"
#include "schema.h"

enum { BUSY_MS = 5000 };

int
keys_failed(struct keys *k, struct err *e)
{
	return err_set(e, 503, "ledger_unavailable", "The ledger %s cannot be used: %s.", k->path,
	    sqlite3_errmsg(k->db));
}

sqlite3_stmt *
keys_prepare(struct keys *k, const char *sql, struct err *e)
{
	sqlite3_stmt *statement = NULL;
	if (sqlite3_prepare_v2(k->db, sql, -1, &statement, NULL) != SQLITE_OK)
		keys_failed(k, e);
	return statement;
}

/* Makes or upgrades the file as the gateway does, which takes the lock for that moment. */
static int
prepare_file(const char *path, bool create, struct err *e)
{
	struct ledger_options options = { .path = path, .create = create };
	struct ledger *l = ledger_open(&options, e);
	if (l == NULL)
		return -1;
	if (ledger_close(&l) != 0)
		return err_set(e, 503, "ledger_unavailable", "The ledger %s cannot be written.", path);
	return 0;
}

/* The schema's version, or -1 with *e when it is no ledger that can be used. */
static int64_t
version_of(struct keys *k, struct err *e)
{
	int64_t application = 0, version = 0;
	if (schema_number(k->db, "PRAGMA application_id", &application) != 0 ||
	    schema_number(k->db, "PRAGMA user_version", &version) != 0)
		return keys_failed(k, e);
	if (application != SCHEMA_APPLICATION)
		return err_set(e, 503, "ledger_foreign", "%s is not a farthing ledger.", k->path);
	if (version > SCHEMA_VERSION)
		return err_set(e, 503, "ledger_newer",
		    "%s was written by a newer farthing (schema %lld, this one knows %d).", k->path,
		    (long long)version, SCHEMA_VERSION);
	return version;
}

static int
connect(struct keys *k, enum keys_use use, struct err *e)
{
	int flags = use == KEYS_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
	sqlite3_close(k->db);
	k->db = NULL;
	if (sqlite3_open_v2(k->path, &k->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, NULL) !=
	    SQLITE_OK)
		return keys_failed(k, e);
	sqlite3_busy_timeout(k->db, BUSY_MS);
	sqlite3_db_config(k->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(k->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	/* The ledger thread is the only one that moves the log; the last to close the file may. */
	if (sqlite3_exec(k->db, "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA mmap_size=0",
		NULL, NULL, NULL) != SQLITE_OK)
		return keys_failed(k, e);
	return 0;
}

static int
older(const struct keys *k, int64_t version, struct err *e)
{
	return err_set(e, 503, "ledger_older",
	    "%s has schema %lld, from before there were keys; `farthing serve` or `farthing keys add` brings "
	    "it "
	    "up to schema %d.",
	    k->path, (long long)version, SCHEMA_VERSION);
}

static int
open_file(struct keys *k, enum keys_use use, struct err *e)
{
	bool missing = access(k->path, F_OK) != 0 && errno == ENOENT;
	if (missing && use != KEYS_CREATE)
		return err_set(e, 503, "ledger_missing", "There is no ledger at %s.", k->path);
	/* Whoever else is making it at this moment makes it for us too. */
	if (missing && prepare_file(k->path, true, e) != 0 &&
	    (strcmp(e->code, "ledger_in_use") != 0 || access(k->path, F_OK) != 0))
		return -1;
	if (connect(k, use, e) != 0)
		return -1;
	int64_t version = version_of(k, e);
	if (version < 0)
		return -1;
	if (version == SCHEMA_VERSION)
		return 0;
	if (use == KEYS_READ)
		return older(k, version, e);
	sqlite3_close(k->db);
	k->db = NULL;
	return prepare_file(k->path, false, e) == 0 ? connect(k, use, e) : -1;
}

struct keys *
keys_open(const char *path, enum keys_use use, struct err *e)
{
	struct keys *k = must_alloc(sizeof *k);
	k->path = str_dup(str_from(path));
	k->seen_keys = -1;
	if (open_file(k, use, e) != 0)
		goto fail;
	if ((k->data_version = keys_prepare(k, "PRAGMA data_version", e)) == NULL)
		goto fail;
	if ((k->keys_version = keys_prepare(k, "SELECT value FROM meta WHERE key = 'keys_version'", e)) ==
	    NULL)
		goto fail;
	return k;
fail:
	keys_close(&k);
	return NULL;
}

void
keys_close(struct keys **kp)
{
	struct keys *k = *kp;
	if (k == NULL)
		return;
	sqlite3_finalize(k->data_version);
	sqlite3_finalize(k->keys_version);
	sqlite3_close(k->db);
	free(k->path);
	free(k);
	*kp = NULL;
}
