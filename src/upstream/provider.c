/*
 * A provider.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "upstream/provider.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "provider_private.h"

static struct curl_slist *
with(struct curl_slist *list, const char *name, const char *value)
{
	char line[4400];
	int n = snprintf(line, sizeof line, "%s: %s", name, value);
	struct curl_slist *longer = n < (int)sizeof line ? curl_slist_append(list, line) : NULL;
	explicit_bzero(line, sizeof line); /* one of them carries the key */
	return longer != NULL ? longer : list;
}

struct curl_slist *
provider_headers(const struct provider *p, const char *content_type, bool stream)
{
	struct curl_slist *list = NULL;
	char bearer[4200];
	if (content_type != NULL)
		list = with(list, "Content-Type", content_type);
	list = with(list, "Accept", stream ? "text/event-stream" : "application/json");
	list = with(list, "Accept-Encoding", "identity");
	list = with(list, "User-Agent", "farthing/" FARTHING_VERSION);
	if (p->conf->api_key[0] != '\0') {
		snprintf(bearer, sizeof bearer, "Bearer %s", p->conf->api_key);
		list = with(list, "Authorization", bearer);
		explicit_bzero(bearer, sizeof bearer);
	}
	if (p->conf->organization[0] != '\0')
		list = with(list, "OpenAI-Organization", p->conf->organization);
	if (p->conf->project[0] != '\0')
		list = with(list, "OpenAI-Project", p->conf->project);
	/* curl would wait a second for "100 Continue" before larger bodies. */
	struct curl_slist *quiet = curl_slist_append(list, "Expect:");
	return quiet != NULL ? quiet : list;
}

/* Was the host written as an address (or localhost) in the configuration? */
static bool
host_is_literal(const char *base_url)
{
	assert(base_url != NULL);
	struct str rest = str_from(base_url), host;
	ptrdiff_t at = str_find(rest, STR("://"));
	if (at >= 0) {
		rest.p += at + 3;
		rest.n -= (size_t)at + 3;
	}
	if (rest.n > 0 && rest.p[0] == '[')
		return true;
	if (!str_cut(&rest, '/', &host))
		return false;
	struct str name, port = host;
	if (!str_cut(&port, ':', &name))
		return false;
	char text[256];
	struct in_addr address;
	str_copy(text, sizeof text, name);
	return str_eq_nocase(name, STR("localhost")) || inet_pton(AF_INET, text, &address) == 1;
}

static CURLU *
read_url(const char *base, const char *path)
{
	char text[2048];
	CURLU *url = curl_url();
	bool whole = snprintf(text, sizeof text, "%s%s", base, path) < (int)sizeof text;
	if (url != NULL && whole && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK)
		return url;
	curl_url_cleanup(url);
	return NULL;
}

/* Paths of endpoints are static, so it is enough to compare where they lie; what is forwarded lies elsewhere. */
CURLU *
provider_url(const struct provider *p, const char *path)
{
	for (int e = 0; e < ENDPOINTS; e++)
		if (path == endpoint_path((enum endpoint)e))
			return p->urls[e];
	return NULL;
}

struct provider *
provider_new(const struct upstream_conf *conf)
{
	struct provider *p = must_alloc(sizeof *p);
	p->conf = conf;
	p->literal = host_is_literal(conf->base_url);
	circuit_init(&p->circuit, conf->circuit_failures, conf->circuit_window_ms, conf->circuit_open_ms);
	for (int i = 0; i < ENDPOINTS; i++)
		p->urls[i] = read_url(conf->base_url, endpoint_path((enum endpoint)i));
	p->json = provider_headers(p, "application/json", false);
	p->json_stream = provider_headers(p, "application/json", true);
	return p;
}

void
provider_wipe(struct curl_slist **list)
{
	for (struct curl_slist *at = *list; at != NULL; at = at->next)
		explicit_bzero(at->data, strlen(at->data));
	curl_slist_free_all(*list);
	*list = NULL;
}

void
provider_free(struct provider **pp)
{
	struct provider *p = *pp;
	if (p == NULL)
		return;
	assert(p->active == 0);
	while (p->warm_count > 0)
		curl_easy_cleanup(p->warm[--p->warm_count]);
	for (int i = 0; i < ENDPOINTS; i++)
		curl_url_cleanup(p->urls[i]);
	provider_wipe(&p->json);
	provider_wipe(&p->json_stream);
	free(p);
	*pp = NULL;
}

const struct upstream_conf *
provider_conf(const struct provider *p)
{
	return p->conf;
}

struct circuit *
provider_circuit(struct provider *p)
{
	return &p->circuit;
}

int *
provider_active(struct provider *p)
{
	return &p->active;
}
