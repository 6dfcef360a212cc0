/*
 * Where we listen and where upstreams are: addresses and URLs of a configuration, taken apart and checked. Pure.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_CONFIG_ADDRESS_H
#define FARTHING_CORE_CONFIG_ADDRESS_H

#include "base/str.h"

/* HOST:PORT with an IP literal, [V6]:PORT, localhost:PORT; :PORT and PORT are 127.0.0.1. 0, or -1 with the reason. */
int address_listen(struct str text, char host[64], int *port, char *why, size_t size);

struct url_parts {
	struct str clean; /* within the text: without slashes at the end */
	struct str host;  /* without brackets */
	int port;
	bool tls;
	bool loopback; /* localhost, 127/8 or ::1 */
};

/* An http or https URL with a host, without credentials, query or fragment. The reason never quotes the text. */
int address_url(struct str text, struct url_parts *out, char *why, size_t size);

bool address_host_ok(struct str host); /* a name or literal as it may stand in a Host header, without port */

#endif
