/*
 * A line of a result file.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "deferred_line.h"

#include "stages/reply.h"

static bool
is_object(const struct json *j, uint32_t node)
{
	return node != 0 && json_type(j, node) == JSON_OBJECT;
}

static void
fail(struct ending *e, enum billed billed, const char *code, const char *text)
{
	e->billed = billed;
	e->state = DEFERRED_FAILED;
	err_set(&e->err, 502, code, "%s", text);
}

static void
say_void_answer(struct ending *e)
{
	fail(e, BILLED_UNKNOWN, "upstream_invalid_response", "The provider answered without an answer.");
}

/* A body under a success status; its tape is used for it. */
static void
judge_body(struct json *tape, struct str body, enum endpoint endpoint, size_t max_answer, struct ending *e)
{
	struct json_fault fault;
	if (json_scan(tape, body, JSON_LIMITS, &fault) != 0 || json_type(tape, 0) != JSON_OBJECT) {
		say_void_answer(e);
		return;
	}
	bool error = is_object(tape, json_member(tape, 0, "error")) && json_member(tape, 0, "choices") == 0 &&
		     endpoint != ENDPOINT_RESPONSES;
	if (error) {
		say_void_answer(e);
		return;
	}
	uint32_t model = json_member(tape, 0, "model");
	if (model != 0 && json_type(tape, model) == JSON_STRING)
		json_label(tape, model, e->model, sizeof e->model);
	usage_read(tape, json_member(tape, 0, "usage"), &e->usage);
	e->billed = BILLED_AS_TOLD;
	e->state = DEFERRED_DONE;
	if (body.n > max_answer)
		fail(e, BILLED_AS_TOLD, "upstream_too_large",
		    "The provider's answer is larger than the gateway passes on.");
	else if (buf_add(&e->answer, body) != 0)
		fail(e, BILLED_AS_TOLD, "overloaded", "No memory for the answer.");
}

static void
judge_error(const struct batch_line *line, struct ending *e)
{
	bool final;
	bool gave_up = line->status == 504 || (line->status >= 520 && line->status <= 527);
	reply_error(line->status, line->body, -1, &e->err, &final);
	e->err.retry_after_s = 0;
	e->state = DEFERRED_FAILED;
	e->billed = line->status >= 300 && !gave_up ? BILLED_NOT : BILLED_UNKNOWN;
}

int
line_judge(struct json *tape, struct str text, enum endpoint endpoint, size_t max_answer, struct ending *e)
{
	struct batch_line line;
	if (batch_line_read(tape, text, &line) != 0)
		return -1;
	str_copy(e->id, sizeof e->id, str_from(line.id));
	e->provider_status = line.status;
	if (line.status == 200 && line.body.p != NULL)
		judge_body(tape, line.body, endpoint, max_answer, e);
	else if (line.status != 0)
		judge_error(&line, e);
	else if (line.failed && strcmp(line.error_code, "batch_expired") == 0)
		e->unprocessed = true,
		fail(e, BILLED_NOT, "deadline_exceeded", "The provider did not come to it.");
	else if (line.failed)
		fail(e, BILLED_NOT, "upstream_error", "The provider's job did not carry the request out.");
	else
		say_void_answer(e);
	return 0;
}
