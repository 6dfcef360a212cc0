/*
 * The auditor's look at the holds file, beside a gateway that may be running.
 *
 * The gateway commits rows, gives their slots back, and then publishes the number of commits in the header. So if the header, read
 * after our transaction began, has reached the number that the transaction sees, no slot of any row in it may be live any more.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "check_parts.h"
#include "schema.h"

static bool
is_booked(sqlite3_stmt *query, const struct ledger_hold *hold)
{
	sqlite3_bind_text(query, 1, hold->request_id, -1, SQLITE_STATIC);
	sqlite3_bind_int(query, 2, hold->number);
	bool found = sqlite3_step(query) == SQLITE_ROW;
	sqlite3_reset(query);
	return found;
}

static int
check_slots(struct audit *a)
{
	struct rule_count rule = { "hold is still there though its attempt has a row", 0 };
	struct err e;
	sqlite3_stmt *query = NULL;
	if (sqlite3_prepare_v2(a->db, "SELECT 1 FROM attempts WHERE request_id = ?1 AND number = ?2", -1,
		&query, NULL) != SQLITE_OK)
		return -1;
	struct holds_reader *r = holds_read(a->holds_path, &e);
	struct ledger_hold hold;
	int slot;
	enum holds_found found;
	while (r != NULL && (found = holds_next(r, &hold, &slot)) != HOLDS_END)
		if (found == HOLDS_LIVE && is_booked(query, &hold))
			audit_breach(a, &rule, "'%s' number=%d slot=%d", hold.request_id, hold.number, slot);
	holds_read_end(&r);
	sqlite3_finalize(query);
	audit_close_rule(a, &rule);
	return 0;
}

int
check_holds(struct audit *a)
{
	struct rule_count foreign = { "holds file belongs to other books", 0 };
	struct rule_count older = { "books are older than their holds file", 0 };
	struct holds_mark after;
	struct err e;
	char ledger[HOLDS_LEDGER] = "";
	int64_t commits = 0;
	if (!a->before.present) /* a copy of the books: nothing runs on it */
		return 0;
	sqlite3_stmt *query = NULL;
	if (sqlite3_prepare_v2(a->db, "SELECT value FROM meta WHERE key = 'ledger_id'", -1, &query, NULL) !=
		SQLITE_OK ||
	    schema_number(a->db, "SELECT commits FROM mark", &commits) != 0) {
		sqlite3_finalize(query);
		return -1;
	}
	if (sqlite3_step(query) == SQLITE_ROW)
		str_copy(ledger, sizeof ledger, str_from((const char *)sqlite3_column_text(query, 0)));
	sqlite3_finalize(query);
	if (strcmp(ledger, a->before.ledger) != 0) {
		audit_breach(a, &foreign, "'%s', not '%s'", a->before.ledger, ledger);
		return 0;
	}
	if ((uint64_t)commits < a->before.commits)
		audit_breach(a, &older, "commits=%lld marked=%llu", (long long)commits,
		    (unsigned long long)a->before.commits);
	bool has_settled =
	    holds_look(a->holds_path, &after, &e) == 0 && after.present && after.commits >= (uint64_t)commits;
	return has_settled ? check_slots(a) : 0;
}
