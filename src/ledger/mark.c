/*
 * The mark of the books: which ledger they are and how far they have come, beside what the holds file has seen of them.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "mark.h"

#include "schema.h"

void
mark_text(sqlite3 *db, const char *key, char *out, size_t size)
{
	sqlite3_stmt *query = NULL;
	out[0] = '\0';
	if (sqlite3_prepare_v2(db, "SELECT value FROM meta WHERE key = ?1", -1, &query, NULL) == SQLITE_OK &&
	    sqlite3_bind_text(query, 1, key, -1, SQLITE_STATIC) == SQLITE_OK &&
	    sqlite3_step(query) == SQLITE_ROW)
		str_copy(out, size, str_from((const char *)sqlite3_column_text(query, 0)));
	sqlite3_finalize(query);
}

int
mark_identify(sqlite3 *db, const char *path, struct identity *id, struct err *e)
{
	char state[80];
	int64_t version = 0;
	*id = (struct identity){ 0 };
	mark_text(db, "state", state, sizeof state);
	id->was_open = str_starts(str_from(state), STR("open "));
	id->was_closed = strcmp(state, "closed") == 0;
	if (schema_number(db, "PRAGMA user_version", &version) != 0 || version < 2)
		return 0;
	mark_text(db, "ledger_id", id->ledger, sizeof id->ledger);
	id->known = id->ledger[0] != '\0' && schema_number(db, "SELECT commits FROM mark", &id->commits) == 0;
	return id->known
		   ? 0
		   : err_set(e, 503, "ledger_damaged",
			 "%s does not say which ledger it is; it was left untouched; restore a backup", path);
}

/*
 * Whether these books are those that the holds file has seen last. Books that are missing, older or others would be a fresh budget,
 * and so would be a holds file that is gone while something was running.
 */
int
mark_compare(const char *path, const char *holds_path, const struct ledger_options *options,
    const struct holds_mark *mark, const struct identity *id, struct err *e)
{
	if (options->init && !mark->present)
		return 0;
	if (!mark->present && id->known && id->was_open && !options->accept_rollback)
		return err_set(e, 503, "ledger_holds_missing",
		    "%s is missing and %s was not closed, so what was being spent is not known; put it back, "
		    "or start once with --accept-rollback to do without",
		    holds_path, path);
	if (!mark->present)
		return 0;
	bool is_same = id->known && strcmp(id->ledger, mark->ledger) == 0;
	if (id->known && !is_same && !options->init)
		return err_set(e, 503, "ledger_holds_foreign",
		    "%s belongs to other books than %s; name the right database, or start once with --init "
		    "to "
		    "go on with these",
		    holds_path, path);
	bool is_older = id->known ? is_same && (uint64_t)id->commits < mark->commits : !options->init;
	if (is_older && !options->accept_rollback)
		return err_set(e, 503, "ledger_rolled_back",
		    "%s is older than its state marker %s: what was spent since would be spent again; put "
		    "the "
		    "newest copy in place, or start once with --accept-rollback to go on with this one",
		    path, holds_path);
	return 0;
}

int
mark_adopt(sqlite3 *db, const char *ledger)
{
	sqlite3_stmt *update = NULL;
	int rc =
	    sqlite3_prepare_v2(db, "UPDATE meta SET value = ?1 WHERE key = 'ledger_id'", -1, &update, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_bind_text(update, 1, ledger, -1, SQLITE_STATIC);
		rc = sqlite3_step(update);
	}
	sqlite3_finalize(update);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}
