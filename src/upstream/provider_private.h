/*
 * What call.c needs of a provider: curl's header lists and a stack of warm easy handles.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_UPSTREAM_PROVIDER_PRIVATE_H
#define FARTHING_UPSTREAM_PROVIDER_PRIVATE_H

#include <curl/curl.h>

#include "core/request.h"
#include "upstream/provider.h"

enum { WARM_MAX = 256, ENDPOINTS = ENDPOINT_RESPONSES + 1 };

struct provider {
	const struct upstream_conf *conf;
	struct circuit circuit;
	int active;
	bool literal; /* the operator wrote an address or localhost: no rebinding to guard against */
	struct curl_slist *json;        /* request headers for a JSON body ... */
	struct curl_slist *json_stream; /* ... and for one that asks for an event stream */
	CURLU *urls[ENDPOINTS];         /* read once: curl parses a text again for every call */
	CURL *warm[WARM_MAX];
	int warm_count;
};

/* NULL: not an endpoint's path, or curl cannot read it */
CURLU *provider_url(const struct provider *p, const char *path);
/* The caller gives them back with provider_wipe: there is a key in them. */
struct curl_slist *provider_headers(const struct provider *p, const char *content_type, bool stream);
void provider_wipe(struct curl_slist **headers);

#endif
