/*
 * The report as one JSON object. Its keys are described in docs/report.md and do not change.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/money.h"
#include "ledger/report_fields.h"

static void
add_name(struct buf *b, const char *key, const char *value)
{
	buf_printf(b, "\"%s\":\"", key);
	buf_add_json(b, str_from(value));
	buf_add(b, STR("\""));
}

/* null: it is not there */
static void
add_money(struct buf *b, const char *name, int64_t pico, bool unknown)
{
	char text[32];
	if (unknown)
		buf_printf(b, "\"%s_usd\":null,\"%s_picousd\":null", name, name);
	else
		buf_printf(b, "\"%s_usd\":%s,\"%s_picousd\":%lld", name, money_format(pico, text), name,
		    (long long)pico);
}

static void
add_fields(struct buf *b, const struct field *fields, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct field *f = &fields[i];
		char text[32];
		if (i > 0)
			buf_add_c(b, ',');
		if (f->kind == FIELD_MONEY)
			add_money(b, f->name, f->value, f->unknown);
		else if (f->unknown)
			buf_printf(b, "\"%s\":null", f->name);
		else if (f->kind == FIELD_SHARE)
			buf_printf(b, "\"%s\":%s", f->name, share_text(f->value, text));
		else
			buf_printf(b, "\"%s\":%lld", f->name, (long long)f->value);
	}
}

static void
add_sums(struct buf *b, const struct report_sums *s)
{
	struct field fields[FIELDS_MOST];
	add_fields(b, fields, fields_of_sums(s, fields));
}

/* Each on a line of its own. */
static void
next_line(struct buf *b, size_t index)
{
	buf_printf(b, "%s\n  {", index > 0 ? "," : "");
}

static void
add_causes(struct buf *b, const char *key, const struct report_sums *s)
{
	struct field fields[FIELDS_MOST];
	buf_printf(b, "\"%s\":[", key);
	for (int c = 0; c < CAUSES; c++) {
		next_line(b, (size_t)c);
		add_name(b, "name", cause_name((enum cause)c));
		buf_add_c(b, ',');
		add_fields(b, fields, fields_of_cause(s, (enum cause)c, fields));
		buf_add_c(b, '}');
	}
	buf_add_c(b, ']');
}

static void
add_groups(struct buf *b, const struct report_view *v)
{
	char text[40];
	buf_add(b, STR("\"groups\":["));
	for (size_t i = 0; i < v->spending.count; i++) {
		const struct report_group *group = &v->spending.groups[i];
		next_line(b, i);
		add_name(b, "name", group_name(v, group, text));
		if (v->by_time) {
			buf_add_c(b, ',');
			add_name(b, "starts_at", rfc3339(group->start_us, text));
		}
		buf_add_c(b, ',');
		add_sums(b, &group->sums);
		buf_add_c(b, '}');
	}
	buf_add_c(b, ']');
}

static void
add_time_or_null(struct buf *b, const char *key, int64_t at_us)
{
	char text[40];
	if (at_us == 0)
		buf_printf(b, "\"%s\":null", key);
	else
		add_name(b, key, rfc3339(at_us, text));
}

static void
add_budgets(struct buf *b, const struct report_view *v)
{
	buf_add(b, STR("\"budgets\":["));
	for (size_t i = 0; i < v->budget_count; i++) {
		const struct budget_use *u = &v->budgets[i];
		const struct field money[] = {
			{ "limit", FIELD_MONEY, false, u->limit_pico },
			{ "spent", FIELD_MONEY, false, u->spent_pico },
			{ "left", FIELD_MONEY, false,
			    u->spent_pico < u->limit_pico ? u->limit_pico - u->spent_pico : 0 },
			{ "forecast", FIELD_MONEY, u->forecast.at_end_pico < 0, u->forecast.at_end_pico },
		};
		next_line(b, i);
		add_name(b, "kind", account_kind_name(u->kind));
		buf_add_c(b, ',');
		add_name(b, "account", u->account);
		buf_add_c(b, ',');
		add_name(b, "window", window_kind_name(u->window));
		buf_add_c(b, ',');
		add_fields(b, money, sizeof money / sizeof *money);
		buf_add_c(b, ',');
		add_time_or_null(b, "starts_at", u->span.start_us);
		buf_add_c(b, ',');
		add_time_or_null(b, "resets_at", u->span.end_us);
		buf_add_c(b, ',');
		add_time_or_null(b, "limit_reached_at", u->forecast.reached_us);
		buf_printf(b, ",\"frozen\":%s}", u->frozen ? "true" : "false");
	}
	buf_add_c(b, ']');
}

static void
add_prices(struct buf *b, const struct report_view *v)
{
	struct field fields[FIELDS_MOST];
	buf_add(b, STR("\"totals\":{"));
	add_fields(b, fields, fields_of_price(&v->prices.total, fields));
	buf_add(b, STR("},\n\"groups\":["));
	for (size_t i = 0; i < v->prices.count; i++) {
		next_line(b, i);
		add_name(b, "name", v->prices.models[i].model);
		buf_add_c(b, ',');
		add_fields(b, fields, fields_of_price(&v->prices.models[i], fields));
		buf_add_c(b, '}');
	}
	buf_add_c(b, ']');
}

static void
add_similar(struct buf *b, const char *key, const struct report_similars *s)
{
	struct field fields[FIELDS_MOST];
	buf_printf(b, "\"%s\":[", key);
	for (size_t i = 0; i < s->count; i++) {
		next_line(b, i);
		add_name(b, "name", s->tasks[i].task);
		buf_add_c(b, ',');
		add_fields(b, fields, fields_of_similar(&s->tasks[i], fields));
		buf_add_c(b, '}');
	}
	buf_add_c(b, ']');
}

static void
add_batches(struct buf *b, const char *key, const struct report_batches *all)
{
	struct field fields[FIELDS_MOST];
	buf_printf(b, "\"%s\":[", key);
	for (size_t i = 0; i < all->count; i++) {
		next_line(b, i);
		add_name(b, "name", all->tasks[i].task);
		buf_add_c(b, ',');
		add_fields(b, fields, fields_of_batched(&all->tasks[i], fields));
		buf_add_c(b, '}');
	}
	buf_add_c(b, ']');
}

static void
add_outcomes(struct buf *b, const struct report_outcomes *o)
{
	struct field fields[FIELDS_MOST];
	buf_add(b, STR("\"outcomes\":["));
	for (size_t i = 0; i < o->count; i++) {
		const struct report_outcome *row = &o->rows[i];
		next_line(b, i);
		add_name(b, "task", row->task);
		buf_add_c(b, ',');
		add_name(b, "tier", row->tier);
		buf_add_c(b, ',');
		add_name(b, "model", row->model);
		buf_add_c(b, ',');
		add_fields(b, fields, fields_of_outcome(row, fields));
		buf_add_c(b, '}');
	}
	buf_add_c(b, ']');
}

int
view_json(const struct report_view *v, struct buf *b)
{
	char text[40];
	buf_add_c(b, '{');
	add_name(b, "since", rfc3339(v->since_us, text));
	buf_add_c(b, ',');
	add_name(b, "until", rfc3339(v->until_us, text));
	buf_add_c(b, ',');
	add_name(b, "timezone", v->timezone);
	buf_add_c(b, ',');
	if (v->by == NULL)
		buf_add(b, STR("\"by\":null"));
	else
		add_name(b, "by", v->by);
	buf_printf(b, ",\"prices\":\"%s\",\"rough_hours\":%lld,\n", v->repriced ? "now" : "recorded",
	    (long long)v->spending.rough);
	if (v->repriced) {
		add_prices(b, v);
	} else {
		buf_add(b, STR("\"totals\":{"));
		add_sums(b, &v->spending.total);
		buf_add(b, STR("},\n"));
		if (v->by_similarity)
			add_similar(b, "groups", &v->similar);
		else if (v->by_batches)
			add_batches(b, "groups", &v->batches);
		else if (v->by_cause)
			add_causes(b, "groups", &v->spending.total);
		else if (v->by == NULL)
			buf_add(b, STR("\"groups\":[]"));
		else
			add_groups(b, v);
		buf_add(b, STR(",\n"));
		add_causes(b, "savings", &v->spending.total);
		buf_add(b, STR(",\n"));
		add_similar(b, "similarity_cache", &v->similar);
		buf_add(b, STR(",\n"));
		add_outcomes(b, &v->outcomes);
		buf_add(b, STR(",\n"));
		add_batches(b, "batches", &v->batches);
		buf_add(b, STR(",\n"));
		add_budgets(b, v);
	}
	return buf_add(b, STR("}\n"));
}
