/*
 * What a provider says, as a stream or as a body: any bytes in any pieces. The first byte chooses the endpoint, the form and the size
 * of the pieces. A reader that sees everything gets a beginning of the input (and at most a [DONE] or a line end behind it); one
 * that hides the usage event gets no more than that.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>

#include "stages/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
on_wake(struct reader *r)
{
	(void)r;
}

static void
on_deserted(void *context)
{
	(void)context;
}

static void
on_lag(void *context, bool behind)
{
	(void)context, (void)behind;
}

static const struct answer_writer writer = { .on_deserted = on_deserted, .on_lag = on_lag };

static void
read_all(struct reader *r, struct buf *out)
{
	char piece[4096];
	for (long n = answer_read(r, piece, sizeof piece); n > 0; n = answer_read(r, piece, sizeof piece))
		buf_add(out, (struct str){ piece, (size_t)n });
}

/* Line feeds apart: that of a CRLF which is cut in two is passed on before it comes, and may then never come. */
static void
assert_beginning(struct str seen, struct str input)
{
	size_t s = 0, i = 0;
	for (;;) {
		while (s < seen.n && seen.p[s] == '\n')
			s++;
		while (i < input.n && input.p[i] == '\n')
			i++;
		if (s == seen.n || i == input.n || seen.p[s] != input.p[i])
			break;
		s++, i++;
	}
	assert(seen.n - s <= sizeof "data: [DONE]\n\n");
}

static const struct price price = { .known = true, .input = 3, .output = 7 };

static void
play_stream(enum endpoint endpoint, size_t step, struct str input)
{
	struct answer *a = answer_new(ANSWER_EVENTS, 1 << 20, 1 << 18, &writer, NULL);
	struct reader sees = { .wake = on_wake }, hides = { .wake = on_wake, .view = VIEW_PLAIN };
	struct buf seen = { 0 }, rest = { 0 }, headers = { 0 };
	struct reply r;
	struct err e;
	answer_join(a, &sees);
	answer_join(a, &hides);
	reply_start(&r, endpoint, a);
	bool billed = (input.n & 1) != 0;
	if (billed)
		reply_price(&r, &price, false, 5);
	reply_meter(&r, TOKENS_O200K, 1000, 1);
	reply_stream(&r, 64 * 1024, 200, "", &headers);
	int rc = 0;
	for (size_t at = 0; at < input.n && rc == 0 && !r.done; at += step) {
		size_t n = input.n - at < step ? input.n - at : step;
		rc = reply_events(&r, (struct str){ input.p + at, n });
	}
	if (rc == 0)
		rc = reply_events_end(&r);
	assert(rc == 0 || r.err.status >= 500);
	err_set(&e, 502, "end", "The input is over.");
	answer_break(a, &e);
	answer_leave(&a);
	read_all(&sees, &seen);
	read_all(&hides, &rest);
	/* With a bill in it, more is seen than was said. */
	if (!billed)
		assert_beginning(buf_str(&seen), input);
	if (endpoint == ENDPOINT_RESPONSES)
		assert_beginning(buf_str(&rest), input);
	assert(rest.n <= seen.n || billed);
	answer_part(&sees);
	answer_part(&hides);
	reply_free(&r);
	buf_free(&seen);
	buf_free(&rest);
}

static void
play_body(enum endpoint endpoint, struct str input)
{
	struct reply r;
	struct err e = { 0 };
	bool final;
	reply_start(&r, endpoint, NULL);
	assert(reply_body(&r, input, &e) == 0 || e.status == 502);
	if (r.usage.known)
		assert(r.usage.input >= r.usage.cached_input && r.usage.output >= r.usage.reasoning);
	reply_free(&r);
	reply_error(400 + (int)(input.n % 200), input, -1, &e, &final);
	assert(e.status >= 400 && e.code[0] != '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	enum endpoint endpoint = (enum endpoint)(data[0] & 3);
	size_t step = (size_t)(data[0] >> 3) + 1;
	struct str input = { (const char *)data + 1, size - 1 };
	if (data[0] & 4)
		play_stream(endpoint, step, input);
	else
		play_body(endpoint, input);
	return 0;
}
