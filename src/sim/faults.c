/*
 * The fault reader. Words without a value and words with a number are two tables; the rest is a chain of ifs.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "faults.h"

#define AT(field) offsetof(struct sim_fault, field)

static const struct {
	const char *name;
	size_t at;
} flags[] = {
	{ "reset", AT(reset) },
	{ "hang", AT(hang) },
	{ "garbage", AT(garbage) },
	{ "html", AT(html) },
	{ "empty", AT(empty) },
	{ "no-usage", AT(no_usage) },
	{ "no-done", AT(no_done) },
	{ "no-finish", AT(no_finish) },
	{ "endless", AT(endless) },
	{ "error-event", AT(error_event) },
	{ "crlf", AT(crlf) },
	{ "cr", AT(cr) },
	{ "comments", AT(comments) },
	{ "no-space", AT(no_space) },
	{ "multiline", AT(multiline) },
	{ "one-chunk", AT(one_chunk) },
	{ "junk", AT(junk) },
	{ "retry-lines", AT(retry_lines) },
	{ "truncate", AT(truncate) },
	{ "close-delimited", AT(close_delimited) },
	{ "gzip", AT(gzip) },
	{ "linger", AT(linger) },
	{ "bad-chunk", AT(bad_chunk) },
	{ "bad-utf8", AT(bad_utf8) },
	{ "close", AT(close) },
	{ "hard", AT(hard) },
	{ "refuse", AT(refuse) },
	{ "tool", AT(tools) },
};

static const struct {
	const char *name;
	size_t at;
} numbers[] = {
	{ "tokens", AT(tokens) },
	{ "big", AT(big) },
	{ "reset-after", AT(reset_after) },
	{ "split", AT(split) },
	{ "interim", AT(interim) },
	{ "header-bytes", AT(header_bytes) },
};

static const struct {
	const char *name;
	size_t at, size;
} labels[] = {
	{ "retry-after", AT(retry_after), 48 },
	{ "retry-after-ms", AT(retry_after_ms), 24 },
	{ "code", AT(code), 40 },
	{ "redirect", AT(redirect), 160 },
	{ "finish", AT(finish), 24 },
	{ "model", AT(model), 64 },
	{ "id", AT(id), 48 },
	{ "tool", AT(tool), 64 },
	{ "header", AT(header), 160 },
};

static const char *const usage_names[] = { "true", "negative", "strings", "huge", "zero", "null", "sum",
	"cached", "twice", "every" };
static const char *const body_names[] = { "json", "html", "empty", "string", "detail", "text" };

static const char *const batch_names[] = { "missing", "extra", "twice", "reorder", "refuse", "foreign", "cut",
	"prose", "fenced", "wrong-type", "worse", "obey" };

enum { MOST_BYTES = 512 * 1024 * 1024 };

void
sim_fault_clear(struct sim_fault *f)
{
	*f = (struct sim_fault){ .tokens = -1, .big = -1, .reset_after = -1 };
}

bool
sim_duration_us(struct str text, int64_t *us)
{
	static const struct {
		const char *unit;
		int64_t us;
	} units[] = { { "ms", 1000 }, { "us", 1 }, { "s", 1000000 }, { "m", 60000000 }, { "", 1000 } };
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		struct str unit = str_from(units[i].unit);
		if (!str_ends(text, unit))
			continue;
		int64_t n;
		if (!str_int((struct str){ text.p, text.n - unit.n }, &n) || n < 0 || n > INT64_C(1000000000))
			return false;
		*us = n * units[i].us;
		return true;
	}
	return false;
}

static int
place_of(struct str value, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(value, str_from(names[i])))
			return (int)i;
	return -1;
}

static bool
read_choice(struct sim_fault *f, struct str name, struct str value, bool *good)
{
	*good = true;
	if (str_eq(name, STR("body"))) {
		int i = place_of(value, body_names, sizeof body_names / sizeof *body_names);
		*good = i >= 0;
		f->body = i >= 0 ? (enum sim_error_body)i : SIM_BODY_JSON;
		return true;
	}
	if (str_eq(name, STR("usage"))) {
		int i = place_of(value, usage_names, sizeof usage_names / sizeof *usage_names);
		*good = i >= 0 || str_eq(value, STR("bad"));
		f->usage = i >= 0 ? (enum sim_bad_usage)i : SIM_USAGE_NEGATIVE;
		return true;
	}
	return false;
}

static bool
read_value(struct sim_fault *f, struct str name, struct str value)
{
	int64_t n;
	bool good;
	if (str_eq(name, STR("status"))) {
		if (!str_int(value, &n) || n < 100 || n > 999)
			return false;
		f->status = (int)n;
		return true;
	}
	if (str_eq(name, STR("delay")))
		return sim_duration_us(value, &f->delay_us);
	if (str_eq(name, STR("drip")))
		return sim_duration_us(value, &f->drip_us);
	if (read_choice(f, name, value, &good))
		return good;
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		if (!str_eq(name, str_from(numbers[i].name)))
			continue;
		if (!str_int(value, &n) || n < 0 || n > MOST_BYTES)
			return false;
		memcpy((char *)f + numbers[i].at, &n, sizeof n);
		return true;
	}
	for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
		if (!str_eq(name, str_from(labels[i].name)))
			continue;
		str_copy((char *)f + labels[i].at, labels[i].size, value);
		f->tools = f->tools || f->tool[0] != '\0';
		return true;
	}
	return false;
}

static bool
read_flag(struct sim_fault *f, struct str name)
{
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
		if (!str_eq(name, str_from(flags[i].name)))
			continue;
		*(bool *)((char *)f + flags[i].at) = true;
		return true;
	}
	if (str_eq(name, STR("redirect")))
		return read_value(f, name, STR("http://127.0.0.1:1/stolen"));
	return false;
}

/* Eats one word: NAME, NAME:VALUE or NAME:"VALUE". */
static bool
word_cut(struct str *from, struct str *name, struct str *value, bool *has_value)
{
	*from = str_trim(*from);
	if (from->n == 0)
		return false;
	size_t i = 0;
	while (i < from->n && from->p[i] != ' ' && from->p[i] != '\t' && from->p[i] != ':')
		i++;
	*name = (struct str){ from->p, i };
	*has_value = i < from->n && from->p[i] == ':';
	*value = (struct str){ from->p + i, 0 };
	if (*has_value) {
		size_t at = ++i;
		bool quoted = at < from->n && from->p[at] == '"';
		for (i += quoted; i < from->n && (quoted ? from->p[i] != '"' : from->p[i] != ' '); i++)
			continue;
		*value = (struct str){ from->p + at + quoted, i - at - quoted };
		i += quoted && i < from->n;
	}
	from->p += i;
	from->n -= i;
	return true;
}

/* `once`, `once:WORD` and `times:N` say how often a block holds, not what it does. */
static bool
is_limit(struct str name)
{
	return str_eq(name, STR("once")) || str_eq(name, STR("times"));
}

static bool
read_word(struct sim_fault *f, struct str name, struct str value, bool has_value)
{
	if (str_eq(name, STR("once")) && has_value)
		return sim_fault_read(f, value);
	if (is_limit(name))
		return true;
	if (str_eq(name, STR("batch"))) {
		int i = place_of(value, batch_names, sizeof batch_names / sizeof *batch_names);
		f->batch |= i >= 0 ? 1u << i : 0;
		return i >= 0;
	}
	f->any = true;
	return has_value ? read_value(f, name, value) : read_flag(f, name);
}

bool
sim_fault_read(struct sim_fault *f, struct str words)
{
	struct str name, value;
	bool has_value;
	while (word_cut(&words, &name, &value, &has_value)) {
		bool any = f->any;
		if (!read_word(f, name, value, has_value)) {
			f->any = any;
			return false;
		}
	}
	return true;
}

/* For how many requests with the same body the block holds. */
static uint32_t
limit_of(struct str words)
{
	struct str name, value;
	bool has_value;
	int64_t n;
	while (word_cut(&words, &name, &value, &has_value)) {
		if (str_eq(name, STR("once")))
			return 1;
		if (str_eq(name, STR("times")) && str_int(value, &n) && n >= 0 && n <= 1000000)
			return (uint32_t)n;
	}
	return UINT32_MAX;
}

void
sim_fault_find(struct sim_fault *f, struct str text, uint32_t served)
{
	ptrdiff_t at;
	while ((at = str_find(text, STR("[["))) >= 0) {
		text.p += at + 2;
		text.n -= (size_t)at + 2;
		ptrdiff_t end = str_find(text, STR("]]"));
		if (end < 0)
			return;
		struct str words = { text.p, (size_t)end };
		if (served < limit_of(words))
			sim_fault_read(f, words);
		text.p += end + 2;
		text.n -= (size_t)end + 2;
	}
}
