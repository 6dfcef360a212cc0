/*
 * A provider's bytes as a body that is played, or as events that are put together. The first byte chooses endpoint and form. What
 * ended as it should can be played, and what was played can be put together again, unless it holds what only a body can say.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>

#include "../../src/stages/message.h"
#include "base/json.h"
#include "stages/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct answer_facts facts = { .cost_pico = 12345, .basis = COST_EXACT };

static void
on_wake(struct reader *r)
{
	(void)r;
}

static struct buf
seen(struct answer *a, enum view view)
{
	struct reader r = { .view = view, .wake = on_wake };
	struct buf out = { 0 };
	char part[4096];
	answer_join(a, &r);
	for (long n; (n = answer_read(&r, part, sizeof part)) > 0;)
		buf_add(&out, (struct str){ part, (size_t)n });
	answer_part(&r);
	return out;
}

/* A message that is said at all is said in what ended as it should, or was cut off. */
static void
read_message(enum endpoint endpoint, struct str body)
{
	struct buf text = { 0 };
	bool cut;
	if (message_read(endpoint, body, &text, &cut) == NULL && text.n > 0 && !cut)
		assert(str_find(body, endpoint == ENDPOINT_RESPONSES ? STR("output") : STR("choices")) >= 0 ||
		       str_find(body, STR("\\u")) >= 0);
	buf_free(&text);
}

/* Every event is one line of data, so what the body said is all in it. */
static void
play(enum endpoint endpoint, struct str body)
{
	struct answer *a = replay_answer(endpoint, ANSWER_EVENTS, false, body, &facts);
	if (endpoint == ENDPOINT_CHAT || endpoint == ENDPOINT_RESPONSES)
		read_message(endpoint, body);
	if (a == NULL) {
		assert(!replay_is_normal(endpoint, body));
		return;
	}
	struct buf joined = seen(a, VIEW_JOINED), plain = seen(a, VIEW_PLAIN), again = { 0 };
	assert(endpoint == ENDPOINT_RESPONSES || plain.n <= joined.n);
	if (replay_assemble(endpoint, buf_str(&joined), &again) == 0) {
		struct json j = { 0 };
		struct json_fault fault;
		assert(json_scan(&j, buf_str(&again), JSON_LIMITS, &fault) == 0);
		json_free(&j);
	}
	answer_leave(&a);
	buf_free(&joined);
	buf_free(&plain);
	buf_free(&again);
}

static void
recode(struct str body, bool base64)
{
	struct answer *a = replay_answer(ENDPOINT_EMBEDDINGS, ANSWER_BODY, base64, body, &facts);
	if (a == NULL)
		return;
	struct buf once = seen(a, VIEW_ASKED);
	answer_leave(&a);
	/* Infinite numbers are the one thing that base64 can say and JSON cannot. */
	a = replay_answer(ENDPOINT_EMBEDDINGS, ANSWER_BODY, !base64, buf_str(&once), &facts);
	if (a != NULL)
		answer_leave(&a);
	buf_free(&once);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	enum endpoint endpoint = (enum endpoint)(data[0] & 3);
	struct str input = { (const char *)data + 1, size - 1 };
	struct buf out = { 0 };
	if (endpoint == ENDPOINT_EMBEDDINGS)
		recode(input, (data[0] & 4) != 0);
	else if ((data[0] & 4) != 0)
		play(endpoint, input);
	else
		replay_assemble(endpoint, input, &out);
	buf_free(&out);
	return 0;
}
