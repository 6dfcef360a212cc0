/*
 * The head of a provider's reply.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "head.h"

#include <curl/curl.h>
#include <time.h>

#include "base/clock.h"

enum {
	HEADERS_MAX = 8 * 1024, /* of those kept for the client */
	HEADERS_USUAL = 512,    /* what they take with OpenAI, so that the buffer grows once */
	NAME_MAX_BYTES = 128,
};

/* Nothing that could end a header, or a string, before its time. */
static bool
is_clean(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

static bool
may_reach_client(struct str name)
{
	return str_starts(name, STR("x-ratelimit-")) || str_starts(name, STR("openai-"));
}

static const int64_t SANE_WAIT_S = INT64_C(10) * 365 * 86400; /* what is beyond it is no advice */

static int64_t
read_retry_after_ms(struct str value)
{
	int64_t ms;
	return str_int(value, &ms) && ms >= 0 && ms <= SANE_WAIT_S * 1000 ? ms : -1;
}

static int64_t
read_retry_after(struct str value)
{
	int64_t seconds;
	if (str_int(value, &seconds))
		return seconds >= 0 && seconds <= SANE_WAIT_S ? seconds * 1000 : -1;
	char date[64];
	str_copy(date, sizeof date, value);
	time_t at = curl_getdate(date, NULL);
	if (at < 0 || (int64_t)at > clock_wall_us() / 1000000 + SANE_WAIT_S)
		return -1;
	int64_t wait_ms = (int64_t)at * 1000 - clock_wall_us() / 1000;
	return wait_ms > 0 ? wait_ms : 0;
}

static void
read_header(struct call_head *head, struct str name, struct str value)
{
	if (str_eq(name, STR("content-type"))) {
		str_copy(head->content_type, sizeof head->content_type, value);
		for (char *c = head->content_type; *c != '\0'; c++)
			if (*c >= 'A' && *c <= 'Z')
				*c = (char)(*c + 32);
	} else if (str_eq(name, STR("content-encoding"))) {
		head->encoded = !str_eq_nocase(value, STR("identity"));
	} else if (str_eq(name, STR("retry-after-ms"))) {
		head->retry_after_ms = read_retry_after_ms(value);
	} else if (str_eq(name, STR("retry-after")) && head->retry_after_ms < 0) {
		head->retry_after_ms = read_retry_after(value);
	} else if (may_reach_client(name) && is_clean(name) && is_clean(value)) {
		/* Too many of them are left out, never cut: they are only courtesy. */
		size_t need = name.n + value.n + 2;
		if (buf_reserve(&head->headers,
			head->headers.n == 0 && need < HEADERS_USUAL ? HEADERS_USUAL : need) == 0) {
			buf_add(&head->headers, name);
			buf_add_c(&head->headers, '\0');
			buf_add(&head->headers, value);
			buf_add_c(&head->headers, '\0');
		}
	}
}

void
head_reset(struct call_head *head)
{
	buf_clear(&head->headers);
	head->headers.max = HEADERS_MAX;
	head->status = 0;
	head->content_type[0] = '\0';
	head->retry_after_ms = -1;
	head->encoded = false;
}

void
head_take(struct call_head *head, struct str line)
{
	/* All that are of interest begin with one of these; most of the others are known by their first letter. */
	if (line.n == 0 || memchr("cCoOrRxX", line.p[0], 8) == NULL)
		return;
	struct str name, value = line;
	if (!str_cut(&value, ':', &name) || value.p == NULL || name.n > NAME_MAX_BYTES)
		return;
	char lower[NAME_MAX_BYTES];
	for (size_t i = 0; i < name.n; i++)
		lower[i] = name.p[i] >= 'A' && name.p[i] <= 'Z' ? (char)(name.p[i] + 32) : name.p[i];
	read_header(head, (struct str){ lower, name.n }, str_trim(value));
}
