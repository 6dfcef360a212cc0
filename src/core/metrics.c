/*
 * The registry: families in the order they came, each with its series.
 *
 *     family  farthing_requests_total  "Requests answered." counter
 *       series  path="/v1/chat/completions",status="200"   ──> struct metric
 *       series  path="/v1/embeddings",status="200"         ──> struct metric
 *
 * Counting touches the metric alone. metrics_text.c writes the page.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/metrics.h"

#include <assert.h>
#include <stdlib.h>

#include "metrics_parts.h"

struct metrics *
metrics_new(size_t max_series)
{
	assert(max_series > 0);
	struct metrics *m = must_alloc(sizeof *m);
	m->max_series = max_series;
	m->nowhere[true].rises = true;
	m->no_histogram.counts = must_alloc(sizeof *m->no_histogram.counts);
	m->refused = metrics_counter(m, "farthing_metrics_refused_total",
	    "Registrations of series refused because there are too many.", STR(""));
	return m;
}

static void
family_free(struct family *f)
{
	while (f->first != NULL) {
		struct series *s = f->first;
		f->first = s->next;
		free(s->histogram.bounds_us);
		free(s->histogram.counts);
		free(s->key);
		free(s);
	}
	free(f->name);
	free(f->help);
	free(f);
}

void
metrics_free(struct metrics **m)
{
	if (*m == NULL)
		return;
	while ((*m)->first != NULL) {
		struct family *f = (*m)->first;
		(*m)->first = f->next;
		family_free(f);
	}
	table_free(&(*m)->families);
	table_free(&(*m)->series);
	free((*m)->no_histogram.counts);
	free(*m);
	*m = NULL;
}

/* The unit stands in the name: whoever reads a graph has nothing else. */
static bool
name_fits(const char *name, enum kind kind)
{
	struct str n = str_from(name);
	switch (kind) {
	case COUNTER:
		return str_ends(n, STR("_total")) && !str_ends(n, STR("_usd_total"));
	case GAUGE:
		return !str_ends(n, STR("_total")) && !str_ends(n, STR("_usd"));
	case MONEY_COUNTER:
		return str_ends(n, STR("_usd_total"));
	case MONEY_GAUGE:
		return str_ends(n, STR("_usd"));
	case HISTOGRAM:
		return str_ends(n, STR("_seconds"));
	}
	return false;
}

static struct family *
find_family(struct metrics *m, const char *name, const char *help, enum kind kind)
{
	struct family *f = table_get(&m->families, str_from(name));
	if (f != NULL) {
		assert(f->kind == kind);
		return f;
	}
	assert(metrics_is_name(name) && name_fits(name, kind));
	f = must_alloc(sizeof *f);
	f->name = str_dup(str_from(name));
	f->help = str_dup(str_from(help));
	f->kind = kind;
	if (m->last != NULL)
		m->last->next = f;
	else
		m->first = f;
	m->last = f;
	table_put(&m->families, str_from(f->name), f);
	return f;
}

static struct series *
series_new(const char *key, struct str labels, enum kind kind)
{
	struct series *s = must_alloc(sizeof *s);
	s->key = str_dup(str_from(key));
	s->labels = (struct str){ s->key + strlen(s->key) - 1 - labels.n, labels.n };
	s->metric.rises = is_counter(kind);
	return s;
}

static void
family_add(struct family *f, struct series *s)
{
	if (f->last != NULL)
		f->last->next = s;
	else
		f->first = s;
	f->last = s;
}

/* NULL beyond the limit. *born: it is new, and its owner has to finish it. */
static struct series *
find_series(
    struct metrics *m, const char *name, const char *help, struct str labels, enum kind kind, bool *born)
{
	assert(labels.n == 0 || memchr(labels.p, '\0', labels.n) == NULL);
	struct buf key = { 0 };
	const char *text = NULL;
	if (buf_printf(&key, "%s{", name) == 0 && buf_add(&key, labels) == 0 && buf_add_c(&key, '}') == 0)
		text = buf_text(&key);
	struct series *s = text != NULL ? table_get(&m->series, buf_str(&key)) : NULL;
	*born = s == NULL && text != NULL && m->series.count < m->max_series;
	if (s != NULL) {
		/* The same name and labels always mean the same kind of thing. */
		assert(((struct family *)table_get(&m->families, str_from(name)))->kind == kind);
	} else if (*born) {
		s = series_new(text, labels, kind);
		family_add(find_family(m, name, help, kind), s);
		table_put(&m->series, str_from(s->key), s);
	} else {
		metric_add(m->refused, 1);
	}
	buf_free(&key);
	return s;
}

static struct metric *
find_metric(struct metrics *m, const char *name, const char *help, struct str labels, enum kind kind)
{
	bool born;
	struct series *s = find_series(m, name, help, labels, kind, &born);
	return s != NULL ? &s->metric : &m->nowhere[is_counter(kind)];
}

struct metric *
metrics_counter(struct metrics *m, const char *name, const char *help, struct str labels)
{
	return find_metric(m, name, help, labels, COUNTER);
}

struct metric *
metrics_gauge(struct metrics *m, const char *name, const char *help, struct str labels)
{
	return find_metric(m, name, help, labels, GAUGE);
}

struct metric *
metrics_money_counter(struct metrics *m, const char *name, const char *help, struct str labels)
{
	return find_metric(m, name, help, labels, MONEY_COUNTER);
}

struct metric *
metrics_money_gauge(struct metrics *m, const char *name, const char *help, struct str labels)
{
	return find_metric(m, name, help, labels, MONEY_GAUGE);
}

struct histogram *
metrics_histogram(struct metrics *m, const char *name, const char *help, struct str labels,
    const int64_t *bounds_us, size_t bounds)
{
	for (size_t i = 1; i < bounds; i++)
		assert(bounds_us[i - 1] < bounds_us[i]);
	bool born;
	struct series *s = find_series(m, name, help, labels, HISTOGRAM, &born);
	if (s == NULL)
		return &m->no_histogram;
	struct histogram *h = &s->histogram;
	if (born) {
		h->bounds = bounds;
		h->bounds_us = must_alloc(bounds * sizeof *h->bounds_us);
		h->counts = must_alloc((bounds + 1) * sizeof *h->counts);
		for (size_t i = 0; i < bounds; i++)
			h->bounds_us[i] = bounds_us[i];
	}
	assert(h->bounds == bounds &&
	       (bounds == 0 || memcmp(h->bounds_us, bounds_us, bounds * sizeof *bounds_us) == 0));
	return h;
}

void
metric_add(struct metric *m, int64_t n)
{
	assert(!m->rises || n >= 0);
	int64_t before = atomic_fetch_add_explicit(&m->value, n, memory_order_relaxed);
	int64_t sum;
	/* A counter that wrapped would be negative for ever; it takes nine million dollars, or centuries of requests. */
	if (__builtin_expect(m->rises && __builtin_add_overflow(before, n, &sum), 0))
		atomic_store_explicit(&m->value, INT64_MAX, memory_order_relaxed);
}

void
metric_bring_up(struct metric *m, uint64_t value)
{
	int64_t more = (int64_t)value - metric_get(m);
	if (more > 0)
		metric_add(m, more);
}

void
metric_set(struct metric *m, int64_t value)
{
	assert(!m->rises);
	atomic_store_explicit(&m->value, value, memory_order_relaxed);
}

int64_t
metric_get(const struct metric *m)
{
	return atomic_load_explicit(&m->value, memory_order_relaxed);
}

void
histogram_observe_us(struct histogram *h, int64_t us)
{
	if (us < 0)
		us = 0;
	/* A dozen bounds: walking them is as fast as halving, and most observations are short. */
	size_t i = 0;
	while (i < h->bounds && us > h->bounds_us[i])
		i++;
	atomic_fetch_add_explicit(&h->counts[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&h->sum_us, us, memory_order_relaxed);
}
