/*
 * What a report shows, found out before a byte of it is written: for `farthing report`, and for programs over HTTP.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_LEDGER_REPORT_VIEW_H
#define FARTHING_LEDGER_REPORT_VIEW_H

#include "core/forecast.h"
#include "ledger/report.h"

/* One window of one account that has a limit. */
struct budget_use {
	enum account_kind kind;
	char account[ACCOUNT_NAME];
	enum window_kind window;
	struct window span;
	int64_t limit_pico, spent_pico;
	bool frozen;
	struct forecast forecast;
};

/* Savings each have one cause. REQUESTS of a cause are known where a request has no other. */
enum cause {
	CAUSE_ROUTED,
	CAUSE_CACHE_EXACT,
	CAUSE_CACHE_SIMILAR,
	CAUSE_COALESCED,
	CAUSE_BATCHED,
	CAUSE_PROVIDER_CACHE,
	CAUSES
};
const char *cause_name(enum cause cause);                              /* "routed", "cache_exact", ... */
int64_t cause_saved(const struct report_sums *s, enum cause cause);    /* batching may have lost: below 0 */
int64_t cause_requests(const struct report_sums *s, enum cause cause); /* -1: not known */
int64_t saved_in_all(const struct report_sums *s);
int64_t hits(const struct report_sums *s); /* requests that needed no call of their own */

struct report_view {
	const char *timezone;
	int64_t now_us, since_us, until_us;
	const char *by; /* "model", "cause", ...; NULL: totals only */
	bool by_cause, by_time, by_day;
	bool by_similarity; /* what is known of the similarity cache, by task */
	bool by_batches;    /* requests that travelled together, by task */
	bool repriced;      /* `prices` instead of groups */
	struct report_spending spending;
	struct report_prices prices;
	struct report_similars similar;
	struct report_outcomes outcomes;
	struct report_batches batches;
	int64_t oldest_row_us;
	struct budget_use *budgets;
	size_t budget_count;
};

/* Local time: "2026-11-26 05:20", with the offset behind it where `zoned`; and as RFC 3339. */
char *local_time(int64_t at_us, bool zoned, char out[40]);
char *rfc3339(int64_t at_us, char out[40]);
/* "2026-11-26" of a day, "2026-11-26 05:00 +0100" of an hour, else its name */
const char *group_name(const struct report_view *v, const struct report_group *group, char out[40]);

/* Opens the books of c, and fills the view between its since_us and until_us, from what is set of it. 0, or -1 with *e; to be freed
 * either way. */
int view_find(struct report_view *v, const struct config *c, enum report_by by, struct err *e);
void view_free(struct report_view *v);
/* As one object, the keys of which are described in docs/report.md and do not change; -1: out has no room */
int view_json(const struct report_view *v, struct buf *out);

#endif
