/*
 * Scalars that stay texts: secrets, files, addresses, time zones, patterns, and the items of lists.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_scalar.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "config_address.h"
#include "config_value.h"

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
read_secret(struct reader *r, const struct config_key *k, const struct scalar *s, void *slot)
{
	char why[300];
	int rc = value_secret(s->text, &r->secret, why, sizeof why);
	if (read_is_left_out(r, k, rc))
		return keep(r, STR(""), slot);
	if (rc != 0)
		return scalar_refuse(r, s, why);
	struct str secret = buf_str(&r->secret);
	if (!printable(secret, 0x21))
		return scalar_refuse(r, s, "holds a space or another character that cannot be in a key");
	return keep(r, secret, slot);
}

static bool
read_file(struct reader *r, const struct scalar *s, void *slot)
{
	if (!keep(r, s->text, slot) || s->text.n == 0)
		return true;
	if (access(*(const char **)slot, R_OK) != 0)
		return scalar_refuse(r, s, "names a file that cannot be read");
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
		return scalar_refuse(
		    r, s, "needs a URL that begins with http://, https://, socks5:// or socks5h://");
	return keep(r, s->text, slot);
}

static bool
read_url(struct reader *r, const struct scalar *s, void *slot)
{
	struct url_parts parts;
	char why[200];
	if (address_url(s->text, &parts, why, sizeof why) != 0)
		return scalar_refuse(r, s, why);
	return keep(r, parts.clean, slot);
}

/* Those of the services that take them end in a token, and some have a query. */
static bool
read_webhook(struct reader *r, const struct config_key *k, const struct scalar *s, void *slot)
{
	struct url_parts parts;
	char why[300];
	int rc = value_secret(s->text, &r->secret, why, sizeof why);
	if (read_is_left_out(r, k, rc))
		return keep(r, STR(""), slot);
	if (rc != 0)
		return scalar_refuse(r, s, why);
	struct str url = buf_str(&r->secret), before = url;
	const char *query = url.n > 0 ? memchr(url.p, '?', url.n) : NULL;
	if (query != NULL)
		before.n = (size_t)(query - url.p);
	if (!printable(url, 0x21))
		return scalar_refuse(r, s, "holds a space or another character that cannot be in a URL");
	if (url.n > 0 && address_url(before, &parts, why, sizeof why) != 0)
		return scalar_refuse(r, s, why);
	return keep(r, url, slot);
}

static bool
read_listen(struct reader *r, const struct scalar *s)
{
	char host[64], why[200];
	if (address_listen(s->text, host, &r->config->listen_port, why, sizeof why) != 0)
		return scalar_refuse(r, s, why);
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
		return scalar_refuse(r, s,
		    "is no time zone of this system; names look like Europe/Berlin (see "
		    "/usr/share/zoneinfo)");
	return keep(r, s->text, slot);
}

static bool
pattern_ok(struct reader *r, const struct scalar *s)
{
	struct pattern *one = NULL;
	char why[160];
	size_t at;
	bool good = pattern_new(s->text, &one, why, sizeof why, &at);
	patterns_free(one);
	if (!good)
		problem_add(
		    r->problems, s->line, s->path, "is no valid pattern: %s (at character %zu)", why, at);
	return good;
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
		return scalar_refuse(r, s, "needs names of hosts, without scheme and port");
	if (k->type == KEY_NAMES && !read_name_ok(r, s->text, NAME_OF_MODEL, s->line, s->path))
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
read_label(struct reader *r, const struct scalar *s, void *slot)
{
	if (!printable(s->text, 0x20))
		return scalar_refuse(r, s, "holds a character that cannot be sent in a header");
	return keep(r, s->text, slot);
}

static bool
read_path(struct reader *r, const struct scalar *s, void *slot)
{
	if (s->text.n == 0)
		return scalar_not_wanted(r, s, scalar_wanted(KEY_PATH));
	return keep(r, s->text, slot);
}

bool
scalar_read_text(struct reader *r, const struct config_key *k, const struct scalar *s, void *slot)
{
	switch (k->type) {
	case KEY_TEXT:
		return keep(r, s->text, slot);
	case KEY_LABEL:
		return read_label(r, s, slot);
	case KEY_SECRET:
		return read_secret(r, k, s, slot);
	case KEY_PATH:
		return read_path(r, s, slot);
	case KEY_FILE:
		return read_file(r, s, slot);
	case KEY_PROXY:
		return read_proxy(r, s, slot);
	case KEY_URL:
		return read_url(r, s, slot);
	case KEY_WEBHOOK:
		return read_webhook(r, k, s, slot);
	case KEY_LISTEN:
		return read_listen(r, s);
	case KEY_ZONE:
		return read_zone(r, s, slot);
	case KEY_HOSTS:
	case KEY_NAMES:
	case KEY_PATTERNS:
		return read_item(r, k, s, slot);
	default:
		break;
	}
	assert(!"a key that is no text");
	return false;
}
