/*
 * Values of keys.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_scalar.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/money.h"
#include "config_address.h"
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

static bool
refuse(struct reader *r, const struct scalar *s, const char *why)
{
	problem_add(r->problems, s->line, s->path, "%s", why);
	return false;
}

static bool
not_wanted(struct reader *r, const struct scalar *s, const char *wanted)
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
		return money_parse_usd(text, out) == 0;
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
		return not_wanted(r, s, scalar_wanted(k->type));
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
		return refuse(r, s, "must not be negative; off means no limit");
	return read_integer(r, k, s, slot);
}

/* Below this, a price per million tokens is a price per token, or per thousand, in the wrong place. */
#define LEAST_PRICE_PICO 100

static bool
read_price(struct reader *r, const struct config_key *k, const struct scalar *s, void *slot)
{
	int64_t value;
	if (s->text.n > 1 && s->text.p[0] == '-')
		return refuse(r, s, "must not be negative");
	bool exponent = s->text.n > 0 && memchr(s->text.p, 'e', s->text.n) != NULL;
	if (exponent)
		return refuse(
		    r, s, "needs a plain decimal number; prices are per million tokens, such as 0.15");
	if (!parse_integer(KEY_PRICE, s->text, &value))
		return not_wanted(r, s, scalar_wanted(KEY_PRICE));
	if (value > 0 && value < LEAST_PRICE_PICO)
		return refuse(r, s, "is too low to be true: prices are per million tokens, such as 0.15");
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
		return not_wanted(r, s, scalar_wanted(k->type));
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
	return value_bool(s->text, slot) || not_wanted(r, s, scalar_wanted(KEY_BOOL));
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
	return not_wanted(r, s, wanted);
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
		*(int *)slot =
		    index; /* gcc and clang make these enums unsigned int: same size, no negative values */
	return true;
}

static bool
keep(struct reader *r, struct str text, void *slot)
{
	*(const char **)slot = config_memory_text(r->memory, text);
	return true;
}

/* What may stand in an HTTP field: a line break in a key would write further fields. */
static bool
printable(struct str s, unsigned char least)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < least || (unsigned char)s.p[i] > 0x7e)
			return false;
	return true;
}

static bool
read_secret(struct reader *r, const struct scalar *s, void *slot)
{
	char why[300];
	if (value_secret(s->text, &r->secret, why, sizeof why) != 0)
		return refuse(r, s, why);
	struct str secret = buf_str(&r->secret);
	if (!printable(secret, 0x21))
		return refuse(r, s, "holds a space or another character that cannot be in a key");
	return keep(r, secret, slot);
}

static bool
read_file(struct reader *r, const struct scalar *s, void *slot)
{
	if (!keep(r, s->text, slot) || s->text.n == 0)
		return true;
	if (access(*(const char **)slot, R_OK) != 0)
		return refuse(r, s, "names a file that cannot be read");
	return true;
}

static bool
read_proxy(struct reader *r, const struct scalar *s, void *slot)
{
	static const char *const schemes[] = { "http://", "https://", "socks5://", "socks5h://" };
	bool good = s->text.n == 0;
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
		good = good || (str_starts(s->text, str_from(schemes[i])) && s->text.n > strlen(schemes[i]));
	if (!good || !printable(s->text, 0x21))
		return refuse(
		    r, s, "needs a URL that begins with http://, https://, socks5:// or socks5h://");
	return keep(r, s->text, slot);
}

static bool
read_url(struct reader *r, const struct scalar *s, void *slot)
{
	struct url_parts parts;
	char why[200];
	if (address_url(s->text, &parts, why, sizeof why) != 0)
		return refuse(r, s, why);
	return keep(r, parts.clean, slot);
}

static bool
read_listen(struct reader *r, const struct scalar *s)
{
	char host[64], why[200];
	if (address_listen(s->text, host, &r->config->listen_port, why, sizeof why) != 0)
		return refuse(r, s, why);
	return keep(r, str_from(host), &r->config->listen_host);
}

/* Whether the system has a file of rules for it; the first four bytes tell it from zone.tab and its like. */
static bool
zone_exists(struct str name)
{
	char path[200], magic[4];
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!letter && (c == '\0' || strchr("_+-/", c) == NULL))
			return false;
	}
	if (name.n == 0 || name.n > 100 || name.p[0] == '/')
		return false;
	snprintf(path, sizeof path, "/usr/share/zoneinfo/%.*s", STR_FMT(name));
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
	bool good = read(fd, magic, sizeof magic) == sizeof magic && memcmp(magic, "TZif", sizeof magic) == 0;
	close(fd);
	return good;
}

static bool
read_zone(struct reader *r, const struct scalar *s, void *slot)
{
	/* A machine without the rules still knows when it is UTC. */
	if (!str_eq(s->text, STR("UTC")) && !zone_exists(s->text))
		return refuse(r, s,
		    "is no time zone of this system; names look like Europe/Berlin (see "
		    "/usr/share/zoneinfo)");
	return keep(r, s->text, slot);
}

static bool
pattern_ok(struct reader *r, const struct scalar *s)
{
	int code;
	PCRE2_SIZE at;
	pcre2_code *compiled =
	    pcre2_compile((PCRE2_SPTR)s->text.p, s->text.n, PCRE2_UTF | PCRE2_UCP, &code, &at, NULL);
	if (compiled != NULL) {
		pcre2_code_free(compiled);
		return true;
	}
	char why[160];
	if (pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof why) < 0)
		str_copy(why, sizeof why, STR("unreadable"));
	problem_add(
	    r->problems, s->line, s->path, "is no valid pattern: %s (at character %zu)", why, (size_t)at + 1);
	return false;
}

struct string_list
string_list_at(void *slot)
{
	return (struct string_list){ slot, (size_t *)(void *)((char *)slot + sizeof(const char **)) };
}

/* Appends to the list, whose room the caller made. */
static bool
read_item(struct reader *r, const struct config_key *k, const struct scalar *s, void *slot)
{
	struct string_list list = string_list_at(slot);
	if (k->type == KEY_HOSTS && !address_host_ok(s->text))
		return refuse(r, s, "needs names of hosts, without scheme and port");
	if (k->type == KEY_NAMES && !read_name_ok(r, s->text, s->line, s->path))
		return false;
	if (k->type == KEY_PATTERNS && !pattern_ok(r, s))
		return false;
	keep(r, s->text, &(*list.items)[*list.count]);
	(*list.count)++;
	return true;
}

void
string_list_split(struct reader *r, struct str commas, void *slot)
{
	struct string_list list = string_list_at(slot);
	struct str one;
	*list.items = config_memory_take(r->memory, (commas.n + 1) * sizeof **list.items);
	*list.count = 0;
	while (str_cut(&commas, ',', &one))
		(*list.items)[(*list.count)++] = config_memory_text(r->memory, str_trim(one));
}

static bool
read_model_name(struct reader *r, const struct scalar *s, void *slot)
{
	const struct model_conf *m = read_model(r, s->text, s->line, s->path);
	if (m != NULL && m->kind != MODEL_CHAT)
		return refuse(r, s, "names a model that does not chat");
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
		return read_integer(r, k, s, slot);
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
		return keep(r, s->text, slot);
	case KEY_LABEL:
		return printable(s->text, 0x20)
			   ? keep(r, s->text, slot)
			   : refuse(r, s, "holds a character that cannot be sent in a header");
	case KEY_SECRET:
		return read_secret(r, s, slot);
	case KEY_PATH:
		return s->text.n > 0 ? keep(r, s->text, slot) : not_wanted(r, s, scalar_wanted(k->type));
	case KEY_FILE:
		return read_file(r, s, slot);
	case KEY_PROXY:
		return read_proxy(r, s, slot);
	case KEY_URL:
		return read_url(r, s, slot);
	case KEY_LISTEN:
		return read_listen(r, s);
	case KEY_ZONE:
		return read_zone(r, s, slot);
	case KEY_HOSTS:
	case KEY_NAMES:
	case KEY_PATTERNS:
		return read_item(r, k, s, slot);
	case KEY_MODEL:
		return read_model_name(r, s, slot);
	case KEY_UPSTREAM:
		return read_upstream_name(r, s, slot);
	case KEY_SECTION:
	case KEY_ELSEWHERE:
		break;
	}
	assert(!"a section is no scalar");
	return false;
}
