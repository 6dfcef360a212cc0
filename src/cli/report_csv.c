/*
 * The report as CSV: a record for each group, or one for all.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/csv.h"
#include "base/money.h"
#include "ledger/report_fields.h"
#include "report_show.h"

static void
head(struct buf *b, const char *first, const struct field *fields, size_t count)
{
	char name[64];
	csv_text(b, str_from(first));
	for (size_t i = 0; i < count; i++) {
		const struct field *f = &fields[i];
		snprintf(name, sizeof name, f->kind == FIELD_MONEY ? "%s_usd" : "%s", f->name);
		csv_text(b, str_from(name));
		if (f->kind != FIELD_MONEY)
			continue;
		snprintf(name, sizeof name, "%s_picousd", f->name);
		csv_text(b, str_from(name));
	}
	csv_end(b);
}

static void
record(struct buf *b, const char *first, const struct field *fields, size_t count)
{
	char text[48];
	csv_text(b, str_from(first));
	for (size_t i = 0; i < count; i++) {
		const struct field *f = &fields[i];
		if (f->unknown) {
			csv_text(b, STR(""));
			if (f->kind == FIELD_MONEY)
				csv_text(b, STR(""));
			continue;
		}
		if (f->kind == FIELD_MONEY)
			csv_text(b, str_from(money_format(f->value, text)));
		if (f->kind == FIELD_SHARE) {
			csv_text(b, str_from(share_text(f->value, text)));
		} else {
			csv_number(b, f->value);
		}
	}
	csv_end(b);
}

static void
add_prices(struct buf *b, const struct report_prices *p)
{
	struct field fields[FIELDS_MOST];
	head(b, "model", fields, fields_of_price(&p->total, fields));
	for (size_t i = 0; i < p->count; i++)
		record(b, p->models[i].model, fields, fields_of_price(&p->models[i], fields));
}

static void
add_causes(struct buf *b, const struct report_sums *s)
{
	struct field fields[FIELDS_MOST];
	head(b, "cause", fields, fields_of_cause(s, CAUSE_ROUTED, fields));
	for (int c = 0; c < CAUSES; c++)
		record(b, cause_name((enum cause)c), fields, fields_of_cause(s, (enum cause)c, fields));
}

static void
add_similar(struct buf *b, const struct report_similars *s)
{
	struct field fields[FIELDS_MOST];
	head(b, "task", fields, fields_of_similar(&s->total, fields));
	for (size_t i = 0; i < s->count; i++)
		record(b, s->tasks[i].task, fields, fields_of_similar(&s->tasks[i], fields));
}

static void
add_batches(struct buf *b, const struct report_batches *all)
{
	struct field fields[FIELDS_MOST];
	head(b, "task", fields, fields_of_batched(&all->total, fields));
	for (size_t i = 0; i < all->count; i++)
		record(b, all->tasks[i].task, fields, fields_of_batched(&all->tasks[i], fields));
}

static void
add_groups(struct buf *b, const struct report_view *v)
{
	struct field fields[FIELDS_MOST];
	char text[40];
	head(b, v->by != NULL ? v->by : "all", fields, fields_of_sums(&v->spending.total, fields));
	for (size_t i = 0; i < v->spending.count && v->by != NULL; i++) {
		const struct report_group *group = &v->spending.groups[i];
		const char *name =
		    v->by_time && !v->by_day ? rfc3339(group->start_us, text) : group_name(v, group, text);
		record(b, name, fields, fields_of_sums(&group->sums, fields));
	}
	if (v->by == NULL)
		record(b, "all", fields, fields_of_sums(&v->spending.total, fields));
}

void
view_csv(const struct report_view *v, FILE *to)
{
	struct buf b = { 0 };
	if (v->repriced)
		add_prices(&b, &v->prices);
	else if (v->by_similarity)
		add_similar(&b, &v->similar);
	else if (v->by_batches)
		add_batches(&b, &v->batches);
	else if (v->by_cause)
		add_causes(&b, &v->spending.total);
	else
		add_groups(&b, v);
	fwrite(b.p, 1, b.n, to);
	buf_free(&b);
}
