/*
 * What happened to a request that was served, and why: the ledger's rows of it, for people and as JSON.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/money.h"
#include "cli.h"
#include "core/config.h"
#include "explain.h"
#include "grid.h"
#include "ledger/report.h"
#include "stages/escalate.h"

enum { CHECKS_MOST = 8, CALLS_MOST = 8 };

/* All that is known of it. */
struct story {
	struct ledger_request row;
	struct ledger_attempt *attempts;
	size_t attempt_count;
	struct ledger_check checks[CHECKS_MOST];
	size_t check_count;
	/* The calls that its attempts shared with others, in their order */
	struct ledger_batch calls[CALLS_MOST];
	size_t call_count;
};

/* ---- For people ---- */

/* "$0.05", "unknown", "nothing" */
static const char *
money(int64_t pico, char out[40])
{
	char text[32];
	if (pico == 0)
		return "nothing";
	if (pico < 0)
		return "unknown";
	snprintf(out, 40, "$%s", money_format(pico, text));
	return out;
}

static const char *
span(int64_t us, char out[40])
{
	if (us < 0)
		return "never";
	if (us < 1000 * 1000)
		snprintf(out, 40, "%.1f ms", (double)us / 1000);
	else
		snprintf(out, 40, "%.2f s", (double)us / 1000000);
	return out;
}

static const char *
or_none(const char *text)
{
	return text[0] != '\0' ? text : "none";
}

/* What a kind of answer means, in words. */
static const char *
meaning(enum cache_kind kind)
{
	switch (kind) {
	case CACHE_MISS:
		return "no answer was known, so the provider was asked";
	case CACHE_EXACT:
		return "an equal request had been answered before";
	case CACHE_SIMILAR:
		return "a similar request had been answered before";
	case CACHE_COALESCED:
		return "an equal or similar request was being answered at that moment";
	case CACHE_BYPASS:
		return "it asked for an answer of its own, or could not share one";
	}
	return "";
}

static void
line(struct grid *g, const char *label, const char *text)
{
	grid_cell(g, "%s", label);
	grid_cell(g, "%s", text);
}

static void
who_lines(struct grid *g, const struct ledger_request *r)
{
	char at[CLOCK_TEXT];
	line(g, "request", r->id);
	line(g, "arrived", clock_text(r->at_us, at));
	line(g, "account", r->account);
	if (r->project[0] != '\0')
		line(g, "project", r->project);
	if (r->run[0] != '\0')
		line(g, "run", r->run);
	line(g, "task", r->task);
	grid_cell(g, "endpoint");
	grid_cell(g, "%s%s", r->endpoint, r->stream ? ", as a stream" : "");
	grid_cell(g, "model");
	grid_cell(g, "%s asked for, %s answered", or_none(r->model_asked), or_none(r->model_served));
	if (r->tier[0] != '\0')
		line(g, "tier", r->tier);
	if (r->route[0] != '\0')
		line(g, "route", r->route);
	if (r->escalated != 0) {
		grid_cell(g, "escalated");
		grid_cell(g, "the cheap answer failed its check (%s), and the dear model was asked",
		    fault_name(r->escalated));
	}
	line(g, "upstream", or_none(r->upstream));
}

static void
answer_lines(struct grid *g, const struct ledger_request *r)
{
	grid_cell(g, "cache");
	grid_cell(g, "%s: %s", cache_kind_name(r->cache), meaning(r->cache));
	if (r->answer_id[0] != '\0')
		line(g, "answer of", r->answer_id);
	if (r->similarity > 0) {
		grid_cell(g, "similarity");
		grid_cell(g, "%.4f", r->similarity);
	}
	if (r->decision[0] != '\0')
		line(g, "decision", r->decision);
	grid_cell(g, "ended");
	grid_cell(g, "%d, %s%s%s", r->status, r->why, r->error_code[0] != '\0' ? ", " : "", r->error_code);
	if (r->usage.known) {
		grid_cell(g, "tokens");
		grid_cell(g, "%lld in (%lld cached), %lld out (%lld reasoning)", (long long)r->usage.input,
		    (long long)r->usage.cached_input, (long long)r->usage.output,
		    (long long)r->usage.reasoning);
	}
}

/* "20.1 %" */
static const char *
part_of(int64_t part, int64_t whole, char out[40])
{
	snprintf(out, 40, "%.1f %%", 100.0 * (double)part / (double)whole);
	return out;
}

/* One attempt that travelled with others. */
static void
together_line(struct grid *g, const struct ledger_request *r, const struct ledger_attempt *a,
    const struct ledger_batch *call)
{
	char cost[40], share[40];
	bool answered = a->outcome == ATTEMPT_OK && r->batch_size > 0;
	grid_cell(g, "together");
	if (!answered)
		grid_cell(g, "with %d others in one call (%s), which brought no answer for it: %s",
		    call->members - 1, call->id, a->why);
	else if (a->cost_pico > 0 && call->cost_pico > 0)
		grid_cell(g, "travelled as %d of %d in one call (%s), share %s of %s", r->batch_place,
		    r->batch_size, call->id, part_of(a->cost_pico, call->cost_pico, share),
		    money(call->cost_pico, cost));
	else
		grid_cell(
		    g, "travelled as %d of %d in one call (%s)", r->batch_place, r->batch_size, call->id);
}

static void
together_lines(struct grid *g, const struct story *s)
{
	for (size_t c = 0; c < s->call_count; c++)
		for (size_t i = 0; i < s->attempt_count; i++)
			if (strcmp(s->attempts[i].batch, s->calls[c].id) == 0)
				together_line(g, &s->row, &s->attempts[i], &s->calls[c]);
}

static void
saved_line(struct grid *g, const char *label, int64_t pico)
{
	char text[40];
	if (pico != 0)
		line(g, label, money(pico, text));
}

static void
money_lines(struct grid *g, const struct ledger_request *r)
{
	char text[40], other[40];
	grid_cell(g, "cost");
	grid_cell(g, "%s%s%s", money(r->cost_pico, text), r->basis == COST_NONE ? "" : ", ",
	    r->basis == COST_NONE ? "" : cost_basis_name(r->basis));
	saved_line(g, "saved", r->saved_pico);
	saved_line(g, "saved by routing", r->saved_routed_pico);
	saved_line(g, "saved by batching", r->saved_batched_pico);
	saved_line(g, "lost by batching", r->lost_batched_pico);
	saved_line(g, "saved by the provider's cache", r->saved_prompt_pico);
	if (r->clamped_to > 0) {
		grid_cell(g, "clamped");
		grid_cell(g, "to %lld output tokens, by a budget", (long long)r->clamped_to);
	}
	grid_cell(g, "time");
	grid_cell(g, "first byte: %s, all: %s", span(r->first_byte_us, text), span(r->total_us, other));
	grid_cell(g, "bytes");
	grid_cell(g, "%lld in, %lld out", (long long)r->bytes_in, (long long)r->bytes_out);
}

static void
print_attempts(const struct story *s)
{
	struct grid g;
	char text[40];
	if (s->attempt_count == 0)
		return;
	grid_head(&g, "attempt|<upstream|<model|<outcome|status|<why|input|output|cost|<basis|held|time");
	for (size_t i = 0; i < s->attempt_count; i++) {
		const struct ledger_attempt *a = &s->attempts[i];
		grid_cell(&g, "%d", a->number);
		grid_cell(&g, "%s", a->upstream);
		grid_cell(&g, "%s", a->model);
		grid_cell(&g, "%s", attempt_outcome_name(a->outcome));
		grid_cell(&g, "%d", a->status);
		grid_cell(&g, "%s", a->why);
		grid_cell(&g, "%lld", (long long)a->usage.input);
		grid_cell(&g, "%lld", (long long)a->usage.output);
		grid_cell(&g, "%s", money(a->cost_pico, text));
		grid_cell(&g, "%s", cost_basis_name(a->basis));
		grid_cell(&g, "%s", money(a->held_pico, text));
		grid_cell(&g, "%s", span(a->total_us, text));
	}
	putchar('\n');
	grid_print(&g, stdout);
}

static void
print_checks(const struct story *s)
{
	for (size_t i = 0; i < s->check_count; i++) {
		const struct ledger_check *c = &s->checks[i];
		printf("%s  The answer %s compared with that of %s, at a probability of %.4f: %s.\n",
		    i == 0 ? "\n" : "", c->served ? "that was served was" : "was", c->answer_id,
		    c->probability,
		    !c->right   ? c->served ? "they differ, so the hit was wrong" : "they differ"
		    : c->served ? "they agree"
				: "they agree, so it need not have been asked");
	}
}

static void
print_table(const struct story *s)
{
	struct grid g;
	grid_columns(&g, "<label|<text");
	who_lines(&g, &s->row);
	answer_lines(&g, &s->row);
	together_lines(&g, s);
	money_lines(&g, &s->row);
	grid_print(&g, stdout);
	print_attempts(s);
	print_checks(s);
}

/* ---- For programs ---- */

static void
add_text(struct buf *b, const char *key, const char *text)
{
	buf_printf(b, ",\"%s\":", key);
	if (text[0] == '\0') {
		buf_add(b, STR("null"));
		return;
	}
	buf_add_c(b, '"');
	buf_add_json(b, str_from(text));
	buf_add_c(b, '"');
}

/* Less than 0 is unknown. */
static void
add_number(struct buf *b, const char *key, int64_t value)
{
	if (value < 0)
		buf_printf(b, ",\"%s\":null", key);
	else
		buf_printf(b, ",\"%s\":%lld", key, (long long)value);
}

static void
add_money(struct buf *b, const char *key, int64_t pico)
{
	char text[32], name[48];
	if (pico < 0)
		buf_printf(b, ",\"%s_usd\":null", key);
	else
		buf_printf(b, ",\"%s_usd\":%s", key, money_format(pico, text));
	snprintf(name, sizeof name, "%s_picousd", key);
	add_number(b, name, pico);
}

static void
add_usage(struct buf *b, const struct usage *u)
{
	add_number(b, "input_tokens", u->known ? u->input : -1);
	add_number(b, "cached_input_tokens", u->known ? u->cached_input : -1);
	add_number(b, "cache_write_tokens", u->known ? u->cache_write : -1);
	add_number(b, "output_tokens", u->known ? u->output : -1);
	add_number(b, "reasoning_tokens", u->known ? u->reasoning : -1);
}

static void
add_request(struct buf *b, const struct ledger_request *r)
{
	char at[CLOCK_TEXT];
	buf_printf(b, "\"at\":\"%s\"", clock_text(r->at_us, at));
	add_text(b, "id", r->id);
	add_text(b, "account", r->account);
	add_text(b, "project", r->project);
	add_text(b, "run", r->run);
	add_text(b, "task", r->task);
	add_text(b, "endpoint", r->endpoint);
	buf_printf(b, ",\"stream\":%s", r->stream ? "true" : "false");
	add_text(b, "model_asked", r->model_asked);
	add_text(b, "model_served", r->model_served);
	add_text(b, "tier", r->tier);
	add_text(b, "upstream", r->upstream);
	add_text(b, "cache", cache_kind_name(r->cache));
	add_text(b, "answer_id", r->answer_id);
	if (r->similarity > 0)
		buf_printf(b, ",\"similarity\":%.4f", r->similarity);
	else
		buf_add(b, STR(",\"similarity\":null"));
	add_text(b, "decision", r->decision);
	if (r->score >= 0)
		buf_printf(b, ",\"score\":%.4f", r->score);
	else
		buf_add(b, STR(",\"score\":null"));
	add_text(b, "route", r->route);
	add_text(b, "escalated", fault_name(r->escalated));
	add_number(b, "status", r->status);
	add_text(b, "why", r->why);
	add_text(b, "error_code", r->error_code);
	add_usage(b, &r->usage);
	add_money(b, "cost", r->cost_pico);
	add_text(b, "basis", cost_basis_name(r->basis));
	add_money(b, "saved", r->saved_pico);
	add_money(b, "saved_routed", r->saved_routed_pico);
	add_money(b, "saved_batched", r->saved_batched_pico);
	add_money(b, "saved_provider_cache", r->saved_prompt_pico);
	add_money(b, "lost_batched", r->lost_batched_pico);
	add_number(b, "batch_place", r->batch_size > 0 ? r->batch_place : -1);
	add_number(b, "batch_size", r->batch_size > 0 ? r->batch_size : -1);
	add_number(b, "clamped_to", r->clamped_to > 0 ? r->clamped_to : -1);
	add_number(b, "first_byte_us", r->first_byte_us);
	add_number(b, "total_us", r->total_us);
	add_number(b, "bytes_in", r->bytes_in);
	add_number(b, "bytes_out", r->bytes_out);
}

static void
add_attempt(struct buf *b, const struct ledger_attempt *a)
{
	char at[CLOCK_TEXT];
	buf_printf(b, "{\"at\":\"%s\",\"number\":%d", clock_text(a->at_us, at), a->number);
	add_text(b, "upstream", a->upstream);
	add_text(b, "model", a->model);
	add_text(b, "batch", a->batch);
	add_text(b, "outcome", attempt_outcome_name(a->outcome));
	add_number(b, "status", a->status);
	add_text(b, "why", a->why);
	add_usage(b, &a->usage);
	add_money(b, "cost", a->cost_pico);
	add_money(b, "held", a->held_pico);
	add_text(b, "basis", cost_basis_name(a->basis));
	buf_printf(b, ",\"overrun\":%s", a->overrun ? "true" : "false");
	add_number(b, "first_byte_us", a->first_byte_us);
	add_number(b, "total_us", a->total_us);
	buf_add_c(b, '}');
}

static void
add_check(struct buf *b, const struct ledger_check *c)
{
	char at[CLOCK_TEXT];
	buf_printf(b, "{\"at\":\"%s\",\"of\":\"%s\"", clock_text(c->at_us, at), c->served ? "hit" : "miss");
	add_text(b, "answer_id", c->answer_id);
	buf_printf(b, ",\"probability\":%.4f,\"agreed\":%s}", c->probability, c->right ? "true" : "false");
}

static void
add_call(struct buf *b, const struct ledger_batch *call)
{
	char at[CLOCK_TEXT];
	buf_printf(b, "{\"at\":\"%s\"", clock_text(call->at_us, at));
	add_text(b, "id", call->id);
	add_number(b, "members", call->members);
	add_number(b, "answered", call->answered);
	add_text(b, "outcome", attempt_outcome_name(call->outcome));
	add_text(b, "why", call->why);
	add_usage(b, &call->usage);
	add_money(b, "cost", call->cost_pico);
	add_text(b, "basis", cost_basis_name(call->basis));
	buf_add_c(b, '}');
}

static void
print_json(const struct story *s)
{
	struct buf b = { 0 };
	buf_add_c(&b, '{');
	add_request(&b, &s->row);
	buf_add(&b, STR(",\n\"attempts\":["));
	for (size_t i = 0; i < s->attempt_count; i++) {
		buf_add(&b, i > 0 ? STR(",\n  ") : STR("\n  "));
		add_attempt(&b, &s->attempts[i]);
	}
	buf_add(&b, STR("],\n\"batches\":["));
	for (size_t i = 0; i < s->call_count; i++) {
		buf_add(&b, i > 0 ? STR(",\n  ") : STR("\n  "));
		add_call(&b, &s->calls[i]);
	}
	buf_add(&b, STR("],\n\"checks\":["));
	for (size_t i = 0; i < s->check_count; i++) {
		buf_add(&b, i > 0 ? STR(",\n  ") : STR("\n  "));
		add_check(&b, &s->checks[i]);
	}
	buf_add(&b, STR("]}\n"));
	fwrite(b.p, 1, b.n, stdout);
	buf_free(&b);
}

/* ---- Finding it ---- */

static int
find_calls(struct report *r, struct story *s, struct err *e)
{
	for (size_t i = 0; i < s->attempt_count && s->call_count < CALLS_MOST; i++) {
		if (s->attempts[i].batch[0] == '\0')
			continue;
		int found = report_batch(r, s->attempts[i].batch, &s->calls[s->call_count], e);
		if (found < 0)
			return -1;
		s->call_count += (size_t)found;
	}
	return 0;
}

static int
find(const char *database, const char *id, struct story *s, struct err *e)
{
	struct report *r = report_open(database, e);
	if (r == NULL)
		return -1;
	int rc = report_request(r, id, &s->row, e) < 0 ? -1 : 0;
	if (rc == 0 && s->row.id[0] == '\0')
		rc = err_set(e, 404, "request_not_found",
		    "the ledger %s has no request %s; it may be on its way, or older than what is kept",
		    database, id);
	if (rc == 0)
		rc = report_attempts(r, id, &s->attempts, &s->attempt_count, e);
	if (rc == 0)
		rc = find_calls(r, s, e);
	if (rc == 0)
		rc = report_checks(r, id, s->checks, CHECKS_MOST, &s->check_count, e);
	report_close(&r);
	return rc;
}

static int
explain(const char *database, const struct explain_options *o)
{
	struct story s = { 0 };
	struct err e = { 0 };
	int rc = find(database, o->id, &s, &e);
	if (rc != 0)
		print_err(&e);
	else if (o->json)
		print_json(&s);
	else
		print_table(&s);
	free(s.attempts);
	return rc == 0 ? 0 : 1;
}

int
explain_row(const struct explain_options *o)
{
	if (o->database != NULL)
		return explain(o->database, o); /* needs no configuration, so a broken one is no hindrance */
	struct config_problem *problems = NULL;
	struct config *config = config_load_without_secrets(o->config_path, NULL, &problems);
	if (config == NULL)
		print_problems(problems);
	config_problems_free(&problems);
	if (config == NULL)
		return 1;
	int status = explain(config->database, o);
	config_drop(&config);
	return status;
}
