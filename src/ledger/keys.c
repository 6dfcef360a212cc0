/*
 * Virtual keys in the ledger's file: making and changing them.
 *
 * Besides the table there are rows in meta: key_secret, what secrets are keyed with; keys_version, a count of changes, so
 * that a gateway can tell a change of keys from the many commits of its own ledger; thawed:NAME, when a key was last let go
 * on, so that a gateway which holds it frozen in memory learns of it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "keys_private.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- Statements ---- */

/* One statement with up to two texts and an instant, in this order: ?1, ?2, ?3. -1 with *e. */
static int
run(struct keys *k, const char *sql, const char *text, const char *other, int64_t us, struct err *e)
{
	sqlite3_stmt *s = keys_prepare(k, sql, e);
	if (s == NULL)
		return -1;
	/* Those that a statement does not have are refused by bind, which does no harm. */
	sqlite3_bind_text(s, 1, text, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 2, other, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 3, us);
	int rc = sqlite3_step(s);
	if (rc != SQLITE_DONE && rc != SQLITE_ROW)
		keys_failed(k, e);
	sqlite3_finalize(s);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? 0 : -1;
}

static int
begin(struct keys *k, struct err *e)
{
	return sqlite3_exec(k->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK ? 0 : keys_failed(k, e);
}

static int
roll_back(struct keys *k)
{
	if (!sqlite3_get_autocommit(k->db))
		sqlite3_exec(k->db, "ROLLBACK", NULL, NULL, NULL);
	return -1;
}

/* With the change counted: that is what a running gateway looks at. */
static int
commit(struct keys *k, struct err *e)
{
	static const char count[] = "INSERT INTO meta(key, value) VALUES('keys_version', '1')"
				    " ON CONFLICT(key) DO UPDATE SET value = CAST(value AS INTEGER) + 1";
	if (sqlite3_exec(k->db, count, NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_exec(k->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
		keys_failed(k, e);
		return roll_back(k);
	}
	return 0;
}

/* 1 or 0, or -1 with *e */
static int
exists(struct keys *k, const char *name, struct err *e)
{
	sqlite3_stmt *s = keys_prepare(k, "SELECT 1 FROM keys WHERE name = ?1", e);
	if (s == NULL)
		return -1;
	sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
	int rc = sqlite3_step(s);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		keys_failed(k, e);
	sqlite3_finalize(s);
	return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : -1;
}

/* ---- Secrets ---- */

static int
lost_pepper(struct keys *k, struct err *e)
{
	return err_set(e, 503, "ledger_unavailable",
	    "%s has lost the secret that its keys were stored with; restore a backup.", k->path);
}

int
keys_pepper(struct keys *k, struct digest *pepper, struct err *e)
{
	*pepper = (struct digest){ 0 };
	sqlite3_stmt *s = keys_prepare(k, "SELECT value FROM meta WHERE key = 'key_secret'", e);
	if (s == NULL)
		return -1;
	int rc = sqlite3_step(s);
	bool good = rc == SQLITE_DONE;
	if (rc == SQLITE_ROW)
		good = digest_parse(str_from((const char *)sqlite3_column_text(s, 0)), pepper);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		keys_failed(k, e);
	else if (!good)
		lost_pepper(k, e);
	sqlite3_finalize(s);
	return good ? 0 : -1;
}

/* Inside the caller's transaction. Made with the first key only: with another one none would be known any more. */
static int
make_pepper(struct keys *k, struct digest *pepper, struct err *e)
{
	static const char insert[] = "INSERT OR IGNORE INTO meta(key, value) SELECT 'key_secret', ?1"
				     " WHERE NOT EXISTS (SELECT 1 FROM keys)";
	static const struct digest none;
	char hex[65];
	random_bytes(pepper->b, sizeof pepper->b);
	digest_hex(pepper, hex);
	int rc = run(k, insert, hex, NULL, 0, e);
	explicit_bzero(hex, sizeof hex);
	if (rc != 0 || keys_pepper(k, pepper, e) != 0)
		return -1;
	return digest_equal(pepper, &none) ? lost_pepper(k, e) : 0;
}

static void
make_secret(char secret[KEY_SECRET])
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	static const char prefix[] = "sk-farthing-";
	size_t n = sizeof prefix - 1;
	memcpy(secret, prefix, n);
	while (n < KEY_SECRET - 1) {
		unsigned char byte;
		random_bytes(&byte, sizeof byte);
		if (byte < 4 * 62) /* the rest would make some digits likelier than others */
			secret[n++] = digits[byte % 62];
	}
	secret[n] = '\0';
}

/* ---- Changes ---- */

static void
bind_amount(sqlite3_stmt *s, int at, int64_t amount, int64_t none)
{
	if (amount == none)
		sqlite3_bind_null(s, at);
	else
		sqlite3_bind_int64(s, at, amount);
}

/* ?1 to ?9 of both statements that write a key: what may be changed about it, and its name. */
static void
bind_key(sqlite3_stmt *s, const struct key *key)
{
	sqlite3_bind_text(s, 1, key->name, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 2, key->project, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 3, key->models, -1, SQLITE_STATIC);
	bind_amount(s, 4, key->limits.request_pico, -1);
	bind_amount(s, 5, key->limits.daily_pico, -1);
	bind_amount(s, 6, key->limits.weekly_pico, -1);
	bind_amount(s, 7, key->limits.monthly_pico, -1);
	sqlite3_bind_int(s, 8, key->concurrent);
	bind_amount(s, 9, key->expires_us, 0);
}

static int
insert(struct keys *k, const struct key *like, const struct digest *mac, const char *hint, int64_t now_us,
    struct err *e)
{
	sqlite3_stmt *s = keys_prepare(k,
	    "INSERT INTO keys(name, project, models, request_pico, daily_pico, weekly_pico, monthly_pico,"
	    " concurrent, expires_us, mac, hint, created_us)"
	    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
	    e);
	if (s == NULL)
		return -1;
	bind_key(s, like);
	sqlite3_bind_blob(s, 10, mac->b, sizeof mac->b, SQLITE_STATIC);
	sqlite3_bind_text(s, 11, hint, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 12, now_us);
	int rc = sqlite3_step(s);
	if (rc != SQLITE_DONE)
		keys_failed(k, e);
	sqlite3_finalize(s);
	return rc == SQLITE_DONE ? 0 : -1;
}

int
keys_add(struct keys *k, const struct key *like, int64_t now_us, char secret[KEY_SECRET], struct err *e)
{
	struct digest pepper = { 0 };
	if (begin(k, e) != 0)
		return -1;
	int found = exists(k, like->name, e);
	if (found == 1) {
		err_set(e, 409, "key_exists",
		    "There is a key of that name already, or was: names stand in the books and are not given "
		    "twice.");
		e->should_retry = -1;
	}
	if (found != 0 || make_pepper(k, &pepper, e) != 0)
		return roll_back(k);
	make_secret(secret);
	struct digest mac = digest_keyed(&pepper, str_from(secret));
	explicit_bzero(&pepper, sizeof pepper);
	const char *hint = secret + KEY_SECRET - KEY_HINT;
	if (insert(k, like, &mac, hint, now_us, e) != 0)
		return roll_back(k);
	return commit(k, e);
}

static int
not_found(struct err *e)
{
	return err_set(e, 404, "key_not_found", "There is no key of that name.");
}

/* Inside the caller's transaction: what it was when nobody else can change it any more. */
static int
find(struct keys *k, struct str name, int64_t now_us, struct key *key, struct err *e)
{
	struct key_row *rows;
	size_t count, i = 0;
	if (keys_list(k, now_us, &rows, &count, e) != 0)
		return -1;
	while (i < count && !str_eq(str_from(rows[i].key.name), name))
		i++;
	bool found = i < count;
	if (found)
		*key = rows[i].key;
	free(rows);
	return found ? 0 : not_found(e);
}

static int
update(struct keys *k, const struct key *key, struct err *e)
{
	sqlite3_stmt *s = keys_prepare(k,
	    "UPDATE keys SET project = ?2, models = ?3, request_pico = ?4, daily_pico = ?5, weekly_pico = ?6,"
	    " monthly_pico = ?7, concurrent = ?8, expires_us = ?9 WHERE name = ?1",
	    e);
	if (s == NULL)
		return -1;
	bind_key(s, key);
	int rc = sqlite3_step(s);
	if (rc != SQLITE_DONE)
		keys_failed(k, e);
	sqlite3_finalize(s);
	return rc == SQLITE_DONE ? 0 : -1;
}

static int
refuse_revoked(struct err *e)
{
	err_set(e, 409, "key_revoked", "The key is revoked, which is for good: make a new one.");
	e->should_retry = -1;
	return -1;
}

int
keys_set(
    struct keys *k, const struct key_wish *wish, const struct config *config, int64_t now_us, struct err *e)
{
	struct key key = { 0 };
	if (begin(k, e) != 0)
		return -1;
	if (find(k, wish->name, now_us, &key, e) != 0 || (key.revoked && refuse_revoked(e) != 0) ||
	    key_wish_change(wish, config, now_us, &key, e) != 0 || update(k, &key, e) != 0)
		return roll_back(k);
	return commit(k, e);
}

int
keys_revoke(struct keys *k, const char *name, int64_t now_us, struct err *e)
{
	if (begin(k, e) != 0)
		return -1;
	int found = exists(k, name, e);
	if (found == 0)
		not_found(e);
	if (found != 1 ||
	    run(k, "UPDATE keys SET revoked_us = ?3 WHERE name = ?1 AND ifnull(revoked_us, 0) = 0", name,
		NULL, now_us, e) != 0)
		return roll_back(k);
	return commit(k, e);
}

/* The mark in meta is how a gateway that holds the account frozen in memory learns of it. */
int
keys_thaw(struct keys *k, const char *name, int64_t now_us, struct err *e)
{
	static const char thaw[] =
	    "UPDATE windows SET frozen = 0 WHERE kind = 2 AND account = ?1 AND window = 0 AND end_us > ?3";
	static const char mark[] = "INSERT OR REPLACE INTO meta(key, value) VALUES('thawed:' || ?1, ?2)";
	char at[32];
	snprintf(at, sizeof at, "%lld", (long long)now_us);
	if (begin(k, e) != 0)
		return -1;
	int found = strcmp(name, "local") == 0 ? 1 : exists(k, name, e);
	if (found == 0)
		not_found(e);
	if (found != 1 || run(k, thaw, name, NULL, now_us, e) != 0 || run(k, mark, name, at, 0, e) != 0)
		return roll_back(k);
	return commit(k, e);
}
