/*
 * Numbers, words and names of models; texts of all kinds are in config_scalar_text.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_scalar.h"

#include <assert.h>
#include <stdio.h>

#include "base/money.h"
#include "config_value.h"

const char *
scalar_wanted(enum key_type type)
{
	switch (type) {
	case KEY_BOOL:
		return "true or false";
	case KEY_INT:
	case KEY_COUNT:
		return "a whole number";
	case KEY_SIZE:
		return "a size such as 8MiB";
	case KEY_DURATION:
		return "a duration with its unit, such as 300ms, 5s or 1h";
	case KEY_USD:
		return "an amount in dollars such as 2.00, or off";
	case KEY_PRICE:
		return "a price in dollars per million tokens, such as 0.15";
	case KEY_FEE:
		return "an amount in dollars such as 0.01";
	case KEY_DATE:
		return "a date such as 2026-01-31, or 2026-01-31T12:00:00Z";
	case KEY_SHARE:
		return "a number such as 0.85";
	case KEY_CHOICE:
	case KEY_SWITCH:
		return "a word";
	case KEY_MODEL:
		return "the name of a model";
	case KEY_UPSTREAM:
		return "the name of an upstream";
	case KEY_LISTEN:
		return "an address such as 127.0.0.1:8080";
	case KEY_WEBHOOK:
		return "a URL such as https://hooks.example.com/budget";
	case KEY_URL:
		return "a URL such as https://api.openai.com/v1";
	case KEY_PATH:
	case KEY_FILE:
		return "the name of a file";
	default:
		return "a text";
	}
}

/* A key of the provider's pasted into the wrong line, or a URL with a password, is not repeated. */
static bool
may_be_shown(struct str raw)
{
	return raw.n > 0 && raw.n <= 40 && !str_starts(raw, STR("sk-")) && memchr(raw.p, '@', raw.n) == NULL;
}

bool
scalar_refuse(struct reader *r, const struct scalar *s, const char *why)
{
	problem_add(r->problems, s->line, s->path, "%s", why);
	return false;
}

bool
scalar_not_wanted(struct reader *r, const struct scalar *s, const char *wanted)
{
	if (may_be_shown(s->raw))
		problem_add(r->problems, s->line, s->path, "needs %s, not \"%.*s\"", wanted, STR_FMT(s->raw));
	else
		problem_add(r->problems, s->line, s->path, "needs %s", wanted);
	return false;
}

static bool
out_of_range(struct reader *r, const struct config_key *k, const struct scalar *s)
{
	problem_add(r->problems, s->line, s->path, "must be %sfrom %s to %s",
	    k->flags & KEY_OR_ZERO ? "0 or " : "", k->least, k->most);
	return false;
}

static bool
parse_integer(enum key_type type, struct str text, int64_t *out)
{
	switch (type) {
	case KEY_SIZE:
		return value_size(text, out);
	case KEY_DURATION:
		return value_duration(text, out);
	case KEY_PRICE:
		return money_parse_per_million(text, out) == 0;
	case KEY_USD:
	case KEY_FEE:
		return money_parse_usd(text, out) == 0;
	case KEY_DATE:
		return value_date(text, out);
	default:
		return str_int(text, out);
	}
}

static bool
in_range(const struct config_key *k, int64_t value)
{
	if (k->least == NULL || (value == 0 && k->flags & KEY_OR_ZERO))
		return true;
	int64_t least, most;
	bool parsed = parse_integer(k->type, str_from(k->least), &least) &&
		      parse_integer(k->type, str_from(k->most), &most);
	assert(parsed); /* the table is ours */
	return value >= least && value <= most;
}

static bool
read_integer(struct reader *r, const struct config_key *k, const struct scalar *s, void *slot)
{
	int64_t value;
	if (!parse_integer(k->type, s->text, &value))
		return scalar_not_wanted(r, s, scalar_wanted(k->type));
	if (!in_range(k, value))
		return out_of_range(r, k, s);
	if (k->type != KEY_INT) {
		*(int64_t *)slot = value;
		return true;
	}
	*(int *)slot = (int)value;
	return true;
}

static bool
read_usd(struct reader *r, const struct config_key *k, const struct scalar *s, void *slot)
{
	bool on;
	if (value_bool(s->text, &on) && !on) {
		*(int64_t *)slot = -1;
		return true;
	}
	if (s->text.n > 1 && s->text.p[0] == '-')
		return scalar_refuse(r, s, "must not be negative; off means no limit");
	return read_integer(r, k, s, slot);
}

static bool
read_fee(struct reader *r, const struct config_key *k, const struct scalar *s, void *slot)
{
	if (s->text.n > 1 && s->text.p[0] == '-')
		return scalar_refuse(r, s, "must not be negative");
	return read_integer(r, k, s, slot);
}

/* Below this, a price per million tokens is a price per token, or per thousand, in the wrong place. */
#define LEAST_PRICE_PICO 100

static bool
read_price(struct reader *r, const struct config_key *k, const struct scalar *s, void *slot)
{
	int64_t value;
	if (s->text.n > 1 && s->text.p[0] == '-')
		return scalar_refuse(r, s, "must not be negative");
	bool digit = s->text.n > 0 && s->text.p[0] >= '0' && s->text.p[0] <= '9';
	bool exponent = digit && (str_find(s->text, STR("e")) > 0 || str_find(s->text, STR("E")) > 0);
	if (exponent)
		return scalar_refuse(
		    r, s, "needs a plain decimal number; prices are per million tokens, such as 0.15");
	if (!parse_integer(KEY_PRICE, s->text, &value))
		return scalar_not_wanted(r, s, scalar_wanted(KEY_PRICE));
	if (value > 0 && value < LEAST_PRICE_PICO)
		return scalar_refuse(
		    r, s, "is too low to be true: prices are per million tokens, such as 0.15");
	if (!in_range(k, value)) {
		problem_add(r->problems, s->line, s->path,
		    "is too high to be true: prices are per million tokens, up to %s", k->most);
		return false;
	}
	*(int64_t *)slot = value;
	return true;
}

static bool
read_share(struct reader *r, const struct config_key *k, const struct scalar *s, void *slot)
{
	double value, least, most;
	if (!value_share(s->text, &value))
		return scalar_not_wanted(r, s, scalar_wanted(k->type));
	bool parsed = value_share(str_from(k->least), &least) && value_share(str_from(k->most), &most);
	assert(parsed); /* the table is ours */
	bool none = value == 0 && k->flags & KEY_OR_ZERO;
	if (!none && (value < least || value > most))
		return out_of_range(r, k, s);
	*(double *)slot = value;
	return true;
}

static bool
read_bool(struct reader *r, const struct scalar *s, void *slot)
{
	return value_bool(s->text, slot) || scalar_not_wanted(r, s, scalar_wanted(KEY_BOOL));
}

static bool
not_a_choice(struct reader *r, const struct config_key *k, const struct scalar *s)
{
	char wanted[120] = "one of ";
	size_t n = strlen(wanted);
	struct str rest = str_from(k->choices), one;
	for (int i = 0; str_cut(&rest, '|', &one) && n < sizeof wanted; i++)
		n += (size_t)snprintf(
		    wanted + n, sizeof wanted - n, "%s%.*s", i > 0 ? ", " : "", STR_FMT(one));
	return scalar_not_wanted(r, s, wanted);
}

static bool
read_choice(struct reader *r, const struct config_key *k, const struct scalar *s, void *slot)
{
	int index;
	if (!value_choice(s->text, k->choices, &index))
		return not_a_choice(r, k, s);
	if (k->type == KEY_SWITCH)
		*(bool *)slot = index == 1;
	else
		/* gcc and clang make these enums unsigned int: same size, no negative values */
		*(int *)slot = index;
	return true;
}

static bool
read_model_name(struct reader *r, const struct config_key *k, const struct scalar *s, void *slot)
{
	const struct model_conf *m = read_model(r, s->text, s->line, s->path);
	bool embeds = (k->flags & KEY_EMBEDS) != 0;
	if (m != NULL && m->kind != (embeds ? MODEL_EMBEDDING : MODEL_CHAT))
		return scalar_refuse(r, s,
		    embeds ? "names a model that makes no embeddings" : "names a model that does not chat");
	if (m != NULL)
		*(const struct model_conf **)slot = m;
	return m != NULL;
}

static bool
read_upstream_name(struct reader *r, const struct scalar *s, void *slot)
{
	struct nearest near = { .wanted = s->text };
	for (size_t i = 0; i < r->config->upstream_count; i++) {
		const struct upstream_conf *u = &r->config->upstreams[i];
		if (str_eq(str_from(u->name), s->text)) {
			*(const struct upstream_conf **)slot = u;
			return true;
		}
		nearest_try(&near, u->name);
	}
	if (near.best != NULL)
		problem_add(
		    r->problems, s->line, s->path, "names an unknown upstream; did you mean %s?", near.best);
	else
		problem_add(r->problems, s->line, s->path, "names an unknown upstream");
	return false;
}

bool
scalar_read(struct reader *r, const struct config_key *k, const struct scalar *s, void *slot)
{
	switch (k->type) {
	case KEY_BOOL:
		return read_bool(r, s, slot);
	case KEY_INT:
	case KEY_COUNT:
	case KEY_SIZE:
	case KEY_DURATION:
	case KEY_DATE:
		return read_integer(r, k, s, slot);
	case KEY_FEE:
		return read_fee(r, k, s, slot);
	case KEY_USD:
		return read_usd(r, k, s, slot);
	case KEY_PRICE:
		return read_price(r, k, s, slot);
	case KEY_SHARE:
		return read_share(r, k, s, slot);
	case KEY_CHOICE:
	case KEY_SWITCH:
		return read_choice(r, k, s, slot);
	case KEY_TEXT:
	case KEY_LABEL:
	case KEY_SECRET:
	case KEY_PATH:
	case KEY_FILE:
	case KEY_PROXY:
	case KEY_URL:
	case KEY_WEBHOOK:
	case KEY_LISTEN:
	case KEY_ZONE:
	case KEY_HOSTS:
	case KEY_NAMES:
	case KEY_PATTERNS:
		return scalar_read_text(r, k, s, slot);
	case KEY_MODEL:
		return read_model_name(r, k, s, slot);
	case KEY_UPSTREAM:
		return read_upstream_name(r, s, slot);
	case KEY_SECTION:
	case KEY_ELSEWHERE:
		break;
	}
	assert(!"a section is no scalar");
	return false;
}
