/*
 * Addresses and URLs.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_address.h"

#include <arpa/inet.h>
#include <stdio.h>

static int
because(char *why, size_t size, const char *text)
{
	snprintf(why, size, "%s", text);
	return -1;
}

static bool
port_of(struct str text, int64_t least, int *port)
{
	int64_t value;
	if (text.n == 0 || text.n > 5 || text.p[0] == '-' || !str_int(text, &value) || value < least ||
	    value > 65535)
		return false;
	*port = (int)value;
	return true;
}

/* Cuts "HOST:PORT" and "[V6]:PORT"; the brackets go. *port is empty when there is none. */
static bool
cut_port(struct str text, struct str *host, struct str *port)
{
	*port = (struct str){ NULL, 0 };
	if (text.n > 0 && text.p[0] == '[') {
		const char *end = memchr(text.p, ']', text.n);
		if (end == NULL)
			return false;
		*host = (struct str){ text.p + 1, (size_t)(end - text.p) - 1 };
		struct str rest = { end + 1, text.n - host->n - 2 };
		if (rest.n == 0)
			return true;
		*port = (struct str){ rest.p + 1, rest.n - 1 };
		return rest.p[0] == ':' && port->n > 0;
	}
	const char *colon = text.n > 0 ? memchr(text.p, ':', text.n) : NULL;
	*host = text;
	if (colon == NULL)
		return true;
	host->n = (size_t)(colon - text.p);
	*port = (struct str){ colon + 1, text.n - host->n - 1 };
	return port->n > 0;
}

static bool
is_address(int family, struct str s, void *out)
{
	char text[INET6_ADDRSTRLEN]; /* the longer of the two */
	if (s.n == 0 || s.n >= sizeof text)
		return false;
	str_copy(text, sizeof text, s);
	return inet_pton(family, text, out) == 1;
}

static bool
is_v4(struct str s, unsigned char out[4])
{
	return is_address(AF_INET, s, out);
}

static bool
is_v6(struct str s, unsigned char out[16])
{
	return is_address(AF_INET6, s, out);
}

int
address_listen(struct str text, char host[64], int *port, char *why, size_t size)
{
	unsigned char raw[16];
	struct str name, number;
	bool bracket = text.n > 0 && text.p[0] == '[';
	if (port_of(text, 0, port)) {
		str_copy(host, 64, STR("127.0.0.1"));
		return 0;
	}
	if (is_v6(text, raw))
		return because(why, size, "needs brackets around an IPv6 address: \"[::1]:8080\"");
	if (!cut_port(text, &name, &number) || number.n == 0)
		return because(why, size, "needs an address and a port: 127.0.0.1:8080");
	if (!port_of(number, 0, port))
		return because(why, size, "has a port that is no number from 0 to 65535");
	if (!bracket && (name.n == 0 || str_eq_nocase(name, STR("localhost"))))
		name = STR("127.0.0.1");
	if (!bracket && str_eq(name, STR("*")))
		return because(why, size, "needs an address: 0.0.0.0 for all of IPv4, [::] for all of IPv6");
	if (bracket ? !is_v6(name, raw) : !is_v4(name, raw))
		return because(why, size, "needs an IP address, no name: 127.0.0.1:8080 or \"[::1]:8080\"");
	str_copy(host, 64, name);
	return 0;
}

bool
address_host_ok(struct str host)
{
	unsigned char raw[16];
	if (is_v6(host, raw))
		return true;
	if (host.n == 0 || host.n > 253 || host.p[0] == '-' || host.p[0] == '.')
		return false;
	for (size_t i = 0; i < host.n; i++) {
		char c = host.p[i];
		bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    c == '-' || c == '.' || c == '_';
		if (!good || (c == '.' && host.p[i - 1] == '.'))
			return false;
	}
	return true;
}

static bool
is_loopback(struct str host)
{
	static const unsigned char one[16] = { [15] = 1 };
	unsigned char raw[16];
	if (str_eq_nocase(host, STR("localhost")))
		return true;
	if (is_v4(host, raw))
		return raw[0] == 127;
	return is_v6(host, raw) && memcmp(raw, one, sizeof one) == 0;
}

/* The path of a base: what would be decoded, resolved or cut somewhere on the way is not for us to guess. */
static bool
path_ok(struct str path)
{
	for (size_t i = 0; i < path.n; i++) {
		unsigned char c = (unsigned char)path.p[i];
		if (c <= 0x20 || c >= 0x7f || strchr("\\%\"<>^`{|}", c) != NULL)
			return false;
	}
	return str_find(path, STR("/../")) < 0 && !str_ends(path, STR("/..")) &&
	       str_find(path, STR("//")) < 0;
}

int
address_url(struct str text, struct url_parts *out, char *why, size_t size)
{
	struct str http = STR("http://"), https = STR("https://");
	out->tls = str_starts(text, https);
	if (!out->tls && !str_starts(text, http))
		return because(why, size, "must begin with https:// (or http://)");
	if (memchr(text.p, '?', text.n) != NULL || memchr(text.p, '#', text.n) != NULL)
		return because(why, size, "must have no query and no fragment");
	out->clean = text;
	size_t scheme = out->tls ? https.n : http.n;
	while (out->clean.n > scheme && out->clean.p[out->clean.n - 1] == '/')
		out->clean.n--;
	struct str rest = { text.p + scheme, out->clean.n - scheme }, authority = rest, host, port;
	const char *slash = rest.n > 0 ? memchr(rest.p, '/', rest.n) : NULL;
	if (slash != NULL)
		authority.n = (size_t)(slash - rest.p);
	struct str path = { rest.p + authority.n, rest.n - authority.n };
	if (authority.n > 0 && memchr(authority.p, '@', authority.n) != NULL)
		return because(why, size, "must have no user name or password; use api_key");
	int number = out->tls ? 443 : 80;
	bool host_ok = cut_port(authority, &host, &port) && address_host_ok(host);
	if (!host_ok || (port.n > 0 && !port_of(port, 1, &number)))
		return because(why, size, "needs a host, and may have a port: https://api.openai.com/v1");
	if (!path_ok(path))
		return because(why, size, "has a path with //, .. or characters that do not belong there");
	if (str_ends(path, STR("/chat/completions")))
		return because(why, size, "ends too late: leave out /chat/completions");
	out->loopback = is_loopback(host);
	out->host = host;
	out->port = number;
	return 0;
}
