/*
 * The page a scraper reads: text format 0.0.4. Readers see each number whole, though not all numbers of one instant.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/metrics.h"

#include <assert.h>
#include <stdio.h>

#include "base/money.h"
#include "base/utf8.h"
#include "metrics_parts.h"

bool
metrics_is_name(const char *name)
{
	if (name[0] >= '0' && name[0] <= '9')
		return false;
	return name[0] != '\0' &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] == '\0';
}

/* Appends text with what the format gives a meaning escaped; NUL and what is no UTF-8 is
 * replaced, or no scraper reads the page. */
static int
add_escaped(struct buf *out, struct str text, bool quoted)
{
	int rc = 0;
	for (size_t i = 0; i < text.n && rc == 0;) {
		char c = text.p[i];
		size_t step = utf8_step(text, i);
		if (step == 0 || c == '\0')
			rc = buf_add(out, STR("\xef\xbf\xbd"));
		else if (c == '\n')
			rc = buf_add(out, STR("\\n"));
		else if (c == '\\' || (c == '"' && quoted))
			rc = buf_add(out, (struct str){ (char[]){ '\\', c }, 2 });
		else
			rc = buf_add(out, (struct str){ text.p + i, step });
		i += step > 0 ? step : 1;
	}
	return rc;
}

int
metrics_label(struct buf *labels, const char *key, struct str value)
{
	assert(metrics_is_name(key));
	size_t before = labels->n;
	bool whole = (before == 0 || buf_add_c(labels, ',') == 0) && buf_add(labels, str_from(key)) == 0 &&
		     buf_add(labels, STR("=\"")) == 0 && add_escaped(labels, value, true) == 0 &&
		     buf_add_c(labels, '"') == 0;
	if (!whole)
		labels->n = before;
	return whole ? 0 : -1;
}

static int
add_line(struct buf *out, struct str head, const char *value)
{
	bool whole = buf_add(out, head) == 0 && buf_add_c(out, ' ') == 0 &&
		     buf_add(out, str_from(value)) == 0 && buf_add_c(out, '\n') == 0;
	return whole ? 0 : -1;
}

static int
render_metric(const struct family *f, const struct series *s, struct buf *out)
{
	char value[32];
	int64_t now = metric_get(&s->metric);
	if (f->kind == MONEY_COUNTER || f->kind == MONEY_GAUGE)
		money_format(now, value);
	else
		snprintf(value, sizeof value, "%lld", (long long)now);
	struct str head = s->labels.n > 0 ? str_from(s->key) : str_from(f->name);
	return add_line(out, head, value);
}

/* Microseconds as seconds without a rounding: 1500000 is 1.5. */
static void
format_seconds(int64_t us, char out[32])
{
	int n = snprintf(out, 32, "%lld.%06lld", (long long)(us / 1000000), (long long)(us % 1000000));
	while (out[n - 1] == '0')
		out[--n] = '\0';
	if (out[n - 1] == '.')
		out[n - 1] = '\0';
}

/* NAME_bucket{LABELS,le="BOUND"}, or NAME_sum{LABELS} without a bound. */
static int
render_part(const struct family *f, const struct series *s, const char *part, const char *le,
    const char *value, struct buf *out)
{
	struct buf head = { 0 };
	struct str all = s->labels;
	int rc = buf_printf(&head, "%s_%s", f->name, part);
	if (rc == 0 && (all.n > 0 || le != NULL))
		rc = buf_add_c(&head, '{');
	if (rc == 0)
		rc = buf_add(&head, all);
	if (rc == 0 && le != NULL)
		rc = buf_printf(&head, "%sle=\"%s\"", all.n > 0 ? "," : "", le);
	if (rc == 0 && (all.n > 0 || le != NULL))
		rc = buf_add_c(&head, '}');
	if (rc == 0)
		rc = add_line(out, buf_str(&head), value);
	buf_free(&head);
	return rc;
}

static int
render_histogram(const struct family *f, const struct series *s, struct buf *out)
{
	const struct histogram *h = &s->histogram;
	char le[32] = "+Inf", value[32];
	/* The count is the sum of what was read here: a count read by itself could be ahead of the last bucket. */
	long long count = 0;
	for (size_t i = 0; i <= h->bounds; i++) {
		if (i < h->bounds)
			format_seconds(h->bounds_us[i], le);
		else
			str_copy(le, sizeof le, STR("+Inf"));
		count += atomic_load_explicit(&h->counts[i], memory_order_relaxed);
		snprintf(value, sizeof value, "%lld", count);
		if (render_part(f, s, "bucket", le, value, out) != 0)
			return -1;
	}
	char sum[32];
	format_seconds(atomic_load_explicit(&h->sum_us, memory_order_relaxed), sum);
	return render_part(f, s, "sum", NULL, sum, out) == 0 ? render_part(f, s, "count", NULL, value, out)
							     : -1;
}

static int
render_head(const struct family *f, struct buf *out)
{
	const char *type = is_counter(f->kind) ? "counter" : f->kind == HISTOGRAM ? "histogram" : "gauge";
	int rc = buf_printf(out, "# HELP %s ", f->name);
	if (rc == 0)
		rc = add_escaped(out, str_from(f->help), false);
	return rc == 0 ? buf_printf(out, "\n# TYPE %s %s\n", f->name, type) : -1;
}

int
metrics_render(const struct metrics *m, struct buf *out)
{
	size_t before = out->n;
	int rc = 0;
	for (const struct family *f = m->first; f != NULL && rc == 0; f = f->next) {
		rc = render_head(f, out);
		for (const struct series *s = f->first; s != NULL && rc == 0; s = s->next)
			rc = f->kind == HISTOGRAM ? render_histogram(f, s, out) : render_metric(f, s, out);
	}
	if (rc != 0)
		out->n = before;
	return rc;
}
