/*
 * The auditor of the books: the file itself, and the rules that are a query for the rows that break them.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger/check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check_parts.h"
#include "rollup.h"
#include "schema.h"

enum { SHOWN_MOST = 20, BUSY_MS = 5000 };

/* clang-format off */
#define NEGATIVE_IN_BOTH \
	"at_us < 0 OR status < 0 OR cost_pico < 0 OR first_byte_us < 0 OR total_us < 0 OR input_tokens < 0" \
	" OR cached_input_tokens < 0 OR cache_write_tokens < 0 OR output_tokens < 0 OR reasoning_tokens < 0"

#define TWO_DAYS "172800000000"

/* The attempts of each call, summed. */
#define SHARES \
	"WITH shares AS (SELECT batch, sum(cost_pico) AS cost, count(*) - count(cost_pico) AS unknown, sum(outcome = 0) AS good, sum(outcome = 4) AS left_early," \
	" sum(input_tokens) AS input_tokens, sum(cached_input_tokens) AS cached_input_tokens, sum(cache_write_tokens) AS" \
	" cache_write_tokens, sum(output_tokens) AS output_tokens, sum(reasoning_tokens) AS reasoning_tokens" \
	" FROM attempts WHERE batch IS NOT NULL GROUP BY batch) "
#define TOKENS(of) of ".input_tokens || '+' || " of ".output_tokens"

static const struct rule rules[] = {
	{ "row was refused by the schema",
	    "SELECT kind || ' ' || quote(id) || ' ' || why FROM refused" },
	{ "request counts other attempts than there are rows",
	    "SELECT quote(id) || ' counts=' || attempts || ' rows=' || n FROM (SELECT id, attempts,"
	    " (SELECT count(*) FROM attempts a WHERE a.request_id = r.id) AS n FROM requests r) WHERE attempts <> n" },
	/* One attempt whose cost is unknown makes that of its request unknown. */
	{ "request costs something else than its attempts",
	    "SELECT quote(id) || ' cost_pico=' || ifnull(cost_pico, 'unknown') || ' attempts=' || ifnull(total, 0) ||"
	    " ' unknown=' || unknown FROM (SELECT id, cost_pico,"
	    " (SELECT sum(a.cost_pico) FROM attempts a WHERE a.request_id = r.id) AS total,"
	    " (SELECT count(*) FROM attempts a WHERE a.request_id = r.id AND a.cost_pico IS NULL) AS unknown"
	    " FROM requests r WHERE answer_id = '')"
	    " WHERE cost_pico IS NOT iif(unknown > 0, NULL, ifnull(total, 0))" },
	{ "follower of another request's answer costs money",
	    "SELECT quote(id) || ' cost_pico=' || ifnull(cost_pico, 'unknown') FROM requests"
	    " WHERE answer_id <> '' AND cost_pico IS NOT 0" },
	{ "shared answer costs money or names nobody who asked",
	    "SELECT quote(id) || ' cache=' || cache || ' answer_id=' || quote(answer_id) || ' cost_pico=' ||"
	    " ifnull(cost_pico, 'unknown') FROM requests"
	    " WHERE cache IN (1, 2, 3) AND (answer_id = '' OR cost_pico IS NOT 0)" },
	{ "similarity is no share of one, or belongs to another kind of answer",
	    "SELECT quote(id) || ' cache=' || cache || ' similarity=' || similarity FROM requests"
	    " WHERE similarity IS NOT NULL AND (similarity NOT BETWEEN 0 AND 1 OR cache NOT IN (2, 3))" },
	{ "check of the similarity cache is impossible",
	    "SELECT quote(request_id) || ' answer_id=' || quote(answer_id) || ' probability=' || probability FROM checks"
	    " WHERE at_us < 0 OR probability NOT BETWEEN 0 AND 1 OR served NOT IN (0, 1) OR agreed NOT IN (0, 1)"
	    " OR request_id = '' OR answer_id = '' OR request_id = answer_id" },
	{ "outcome is impossible",
	    "SELECT quote(request_id) || ' source=' || quote(source) || ' tier=' || quote(tier) || ' good=' || good FROM outcomes"
	    " WHERE at_us < 0 OR good NOT BETWEEN 0 AND 1 OR request_id = ''"
	    " OR tier NOT IN ('', 'simple', 'moderate', 'complex', 'pinned')"
	    " OR source NOT IN ('check', 'feedback', 'shadow', 'judge') OR (source = 'feedback') <> (giver <> '')" },
	/* The gateway's finding may be on the disk before the row of its request, which may take as long as limits.total_timeout (a day at
	 * most); and of requests that were pruned the findings of their last day may still be there. Feedback may come much later. */
	{ "check of an answer belongs to no request",
	    "SELECT quote(request_id) || ' model=' || quote(model) FROM outcomes o, (SELECT min(at_us) AS first, max(at_us) AS last"
	    " FROM requests) WHERE source = 'check' AND at_us BETWEEN first + " TWO_DAYS " AND last - " TWO_DAYS
	    " AND NOT EXISTS (SELECT 1 FROM requests r WHERE r.id = o.request_id)"
	    " AND NOT EXISTS (SELECT 1 FROM refused f WHERE f.id = o.request_id)" },
	{ "request's cost is unknown but not called unpriced",
	    "SELECT quote(id) FROM requests WHERE cost_pico IS NULL AND basis <> 4" },
	{ "attempt's cost is unknown but not called unpriced",
	    "SELECT quote(request_id) || ' number=' || number FROM attempts WHERE cost_pico IS NULL AND basis <> 4" },
	{ "request without a billed attempt costs money",
	    "SELECT quote(id) || ' cost_pico=' || cost_pico FROM requests WHERE basis = 0 AND cost_pico <> 0" },
	{ "attempt that was not billed costs money",
	    "SELECT quote(request_id) || ' number=' || number FROM attempts WHERE basis = 0 AND cost_pico <> 0" },
	/* It belongs to no model: it was forwarded, at a price for all of it. */
	{ "attempt at a stated price was held or charged something else",
	    "SELECT quote(request_id) || ' number=' || number || ' cost_pico=' || ifnull(cost_pico, 'unknown') || ' price_fee=' ||"
	    " ifnull(price_fee, 'unknown') FROM attempts WHERE model = '' AND day_us IS NOT NULL AND"
	    " (held_pico <> ifnull(price_fee, 0) OR (basis <> 0 AND cost_pico IS NOT price_fee))" },
	{ "request has a negative number",
	    "SELECT quote(id) FROM requests WHERE saved_pico < 0 OR saved_routed_pico < 0 OR saved_batched_pico < 0 OR"
	    " saved_prompt_pico < 0 OR lost_batched_pico < 0 OR clamped_to < 0 OR attempts < 0 OR bytes_in < 0 OR bytes_out < 0 OR "
	    NEGATIVE_IN_BOTH },
	{ "attempt has a negative number",
	    "SELECT quote(request_id) || ' number=' || number FROM attempts WHERE number < 1 OR held_pico < 0 OR price_input < 0"
	    " OR price_cached_input < 0 OR price_cache_write < 0 OR price_output < 0 OR price_reasoning < 0 OR price_fee < 0 OR "
	    NEGATIVE_IN_BOTH },
	{ "request has an unknown kind",
	    "SELECT quote(id) || ' basis=' || basis || ' cache=' || cache FROM requests"
	    " WHERE basis NOT BETWEEN 0 AND 4 OR cache NOT BETWEEN 0 AND 4 OR stream NOT IN (0, 1)" },
	{ "attempt has an unknown kind",
	    "SELECT quote(request_id) || ' number=' || number || ' basis=' || basis || ' outcome=' || outcome FROM attempts"
	    " WHERE basis NOT BETWEEN 0 AND 4 OR outcome NOT BETWEEN 0 AND 5 OR overrun NOT IN (0, 1)" },
	{ "window is impossible",
	    "SELECT 'kind=' || kind || ' ' || quote(account) || ' window=' || window || ' start_us=' || start_us FROM windows"
	    " WHERE kind NOT BETWEEN 0 AND 4 OR window NOT BETWEEN 0 AND 3 OR (kind = 4) <> (window = 3) OR end_us <= start_us"
	    " OR settled_pico < 0 OR pruned_pico < 0 OR pruned_pico > settled_pico OR (kind = 0) <> (account = '')"
	    " OR NOT (frozen = 0 OR (frozen = 1 AND kind = 2 AND window = 0))" },
	{ "call has other attempts than members",
	    "SELECT quote(id) || ' members=' || members || ' rows=' || n || ' pruned=' || pruned FROM (SELECT id, members, pruned,"
	    " (SELECT count(*) FROM attempts a WHERE a.batch = b.id) AS n FROM batches b) WHERE n + pruned <> members" },
	{ "attempt travelled in a call that is not there",
	    "SELECT quote(request_id) || ' number=' || number || ' batch=' || quote(batch) FROM attempts a"
	    " WHERE batch IS NOT NULL AND NOT EXISTS (SELECT 1 FROM batches b WHERE b.id = a.batch)" },
	/* To the last token and the last pico-dollar. One share whose cost is unknown makes that of the call unknown. */
	{ "call is something else than its shares",
	    SHARES "SELECT quote(id) || ' cost_pico=' || ifnull(cost_pico, 'unknown') || ' shares=' || ifnull(cost, 0) || ' unknown=' ||"
	    " unknown || ' tokens=' || ifnull(" TOKENS("b") ", 'unknown') || ' shares=' || ifnull(" TOKENS("s") ", 'unknown')"
	    " || ' answered=' || answered || ' shares=' || good FROM batches b JOIN shares s ON s.batch = b.id"
	    " WHERE pruned = 0 AND (cost_pico IS NOT iif(unknown > 0, NULL, cost) OR answered NOT BETWEEN good AND good + left_early"
	    " OR b.input_tokens IS NOT s.input_tokens OR b.cached_input_tokens IS NOT s.cached_input_tokens"
	    " OR b.cache_write_tokens IS NOT s.cache_write_tokens OR b.output_tokens IS NOT s.output_tokens"
	    " OR b.reasoning_tokens IS NOT s.reasoning_tokens)" },
	{ "shares that are left are more than their call",
	    SHARES "SELECT quote(id) FROM batches b JOIN shares s ON s.batch = b.id WHERE pruned > 0 AND (cost > cost_pico OR"
	    " good > answered OR s.input_tokens > b.input_tokens OR s.output_tokens > b.output_tokens)" },
	{ "call was shared by several payers, or is at another model than its shares",
	    "SELECT quote(id) || ' ' || quote(b.model) FROM batches b WHERE (SELECT count(*) FROM (SELECT DISTINCT project, account,"
	    " task, run FROM attempts a WHERE a.batch = b.id)) > 1 OR EXISTS (SELECT 1 FROM attempts a WHERE a.batch = b.id AND"
	    " (a.model <> b.model OR a.upstream <> b.upstream))" },
	{ "call is impossible",
	    "SELECT quote(id) FROM batches WHERE at_us < 0 OR id = '' OR members < 1 OR answered NOT BETWEEN 0 AND members"
	    " OR (answered > 0 AND outcome <> 0) OR pruned NOT BETWEEN 0 AND members - 1 OR outcome NOT BETWEEN 0 AND 5 OR"
	    " basis NOT BETWEEN 0 AND 4 OR (cost_pico IS NULL) <> (basis = 4) OR (basis = 0 AND cost_pico <> 0)" },
	{ "request says that it travelled with others, and none of its attempts did",
	    "SELECT quote(id) || ' ' || batch_place || '/' || batch_size FROM requests r WHERE (batch_place, batch_size) <> (0, 0)"
	    " AND (batch_place NOT BETWEEN 1 AND batch_size OR (answer_id = '' AND NOT EXISTS (SELECT 1 FROM attempts a, batches b"
	    " WHERE a.request_id = r.id AND a.outcome = 0 AND b.id = a.batch AND b.outcome = 0 AND b.members = r.batch_size)))" },
	{ "hourly sum differs from its rows", rollup_rule },
	{ "mark of the books is missing",
	    "SELECT 'ledger_id or commits' WHERE NOT EXISTS (SELECT 1 FROM mark WHERE commits >= 0)"
	    " OR NOT EXISTS (SELECT 1 FROM meta WHERE key = 'ledger_id' AND length(value) > 0)" },
};
/* clang-format on */

static int
cannot_check(sqlite3 *db, const char *path, struct err *e)
{
	return err_set(e, 503, "ledger_unavailable", "cannot check %s: %s", path, sqlite3_errmsg(db));
}

void
audit_breach(struct audit *a, struct rule_count *rule, const char *format, ...)
{
	char text[400];
	va_list args;
	a->breaches++;
	if (rule->found++ >= SHOWN_MOST)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	buf_printf(a->report, "%s: %s\n", rule->says, text);
}

void
audit_close_rule(struct audit *a, const struct rule_count *rule)
{
	if (rule->found > SHOWN_MOST)
		buf_printf(a->report, "%s: %lld more\n", rule->says, (long long)(rule->found - SHOWN_MOST));
}

int
audit_apply(struct audit *a, const struct rule *rule)
{
	struct rule_count count = { rule->says, 0 };
	sqlite3_stmt *query = NULL;
	int rc = sqlite3_prepare_v2(a->db, rule->rows, -1, &query, NULL);
	if (rc != SQLITE_OK)
		return -1;
	while ((rc = sqlite3_step(query)) == SQLITE_ROW)
		audit_breach(a, &count, "%s", (const char *)sqlite3_column_text(query, 0));
	sqlite3_finalize(query);
	audit_close_rule(a, &count);
	return rc == SQLITE_DONE ? 0 : -1;
}

static int
check_pages(struct audit *a)
{
	sqlite3_stmt *query = NULL;
	int rc = sqlite3_prepare_v2(a->db, "PRAGMA integrity_check(20)", -1, &query, NULL);
	while (rc == SQLITE_OK && (rc = sqlite3_step(query)) == SQLITE_ROW) {
		const char *line = (const char *)sqlite3_column_text(query, 0);
		if (line != NULL && strcmp(line, "ok") != 0) {
			buf_printf(a->report, "file is damaged: %s\n", line);
			a->breaches++;
		}
		rc = SQLITE_OK;
	}
	sqlite3_finalize(query);
	return rc == SQLITE_DONE ? 0 : -1;
}

static int
check_kind(sqlite3 *db, const char *path, struct err *e)
{
	int64_t application = 0, version = 0;
	if (schema_number(db, "PRAGMA application_id", &application) != 0 ||
	    schema_number(db, "PRAGMA user_version", &version) != 0)
		return cannot_check(db, path, e);
	if (application != SCHEMA_APPLICATION)
		return err_set(e, 503, "ledger_foreign", "%s is not a farthing ledger", path);
	if (version != SCHEMA_VERSION)
		return err_set(e, 503, version > SCHEMA_VERSION ? "ledger_newer" : "ledger_older",
		    "%s has schema %lld, this farthing checks schema %d", path, (long long)version,
		    SCHEMA_VERSION);
	return 0;
}

static int
apply_all(struct audit *a)
{
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		if (audit_apply(a, &rules[i]) != 0)
			return -1;
	return check_attempts(a) == 0 && check_deferred(a) == 0 ? check_holds(a) : -1;
}

static int
audit(struct audit *a, const char *path, struct err *e)
{
	int64_t requests = 0, attempts = 0;
	struct err damage = { 0 };
	if (check_kind(a->db, path, e) != 0)
		return -1;
	if (holds_look(a->holds_path, &a->before, &damage) != 0) {
		buf_printf(a->report, "%s\n", damage.text);
		a->before.present = false;
		a->breaches++;
	}
	/* One transaction: all rules see the same moment. */
	if (sqlite3_exec(a->db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK || check_pages(a) != 0)
		return cannot_check(a->db, path, e);
	bool is_sound = a->breaches == (damage.status != 0);
	/* On a damaged file the rows prove nothing, and asking for them may fail in confusing ways. */
	if (is_sound &&
	    (apply_all(a) != 0 || schema_number(a->db, "SELECT count(*) FROM requests", &requests) != 0 ||
		schema_number(a->db, "SELECT count(*) FROM attempts", &attempts) != 0))
		return cannot_check(a->db, path, e);
	buf_printf(a->report, "%lld requests, %lld attempts, %lld faults\n", (long long)requests,
	    (long long)attempts, (long long)a->breaches);
	if (a->breaches > 0)
		return err_set(e, 500, "ledger_wrong", "%s: %lld faults", path, (long long)a->breaches);
	return 0;
}

/* Beside the file itself, not beside a link to it. */
static char *
holds_beside(const char *path)
{
	char *real = realpath(path, NULL);
	struct buf name = { 0 };
	buf_printf(&name, "%s.holds", real != NULL ? real : path);
	char *out = str_dup(buf_str(&name));
	buf_free(&name);
	free(real);
	return out;
}

int
ledger_check(const char *path, struct buf *report, struct err *e)
{
	struct audit a = { .report = report };
	if (access(path, R_OK) != 0)
		return err_set(e, 503, "ledger_unavailable", "cannot read %s: %s", path, strerror(errno));
	a.holds_path = holds_beside(path);
	int rc = sqlite3_open_v2(path, &a.db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
	sqlite3_busy_timeout(a.db, BUSY_MS);
	rc = rc == SQLITE_OK ? audit(&a, path, e) : cannot_check(a.db, path, e);
	sqlite3_close(a.db);
	free(a.holds_path);
	return rc;
}
