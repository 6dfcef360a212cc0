/*
 * Proves src/stages/{deferred_batch,deferred_line,deferred_upload}.c: what is sent to a provider's batch interface, and what is read of
 * what it says.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../src/stages/deferred_line.h"
#include "../../src/stages/deferred_upload.h"

/* ---- objects ---- */

static void
batch_says_how_it_ended_and_where_its_files_are(void **state)
{
	(void)state;
	struct batch b;
	assert_int_equal(
	    batch_read(
		STR("{\"id\":\"batch_1\",\"object\":\"batch\",\"status\":\"completed\",\"errors\":null,"
		    "\"output_file_id\":\"file-o\",\"error_file_id\":null,\"created_at\":17,"
		    "\"request_counts\":{\"total\":3,\"completed\":2,\"failed\":1},"
		    "\"metadata\":{\"farthing_job\":\"fj_1\"}}"),
		&b),
	    0);
	assert_string_equal(b.id, "batch_1");
	assert_int_equal(b.state, BATCH_COMPLETED);
	assert_string_equal(b.output, "file-o");
	assert_string_equal(b.errors, "");
	assert_string_equal(b.name, "fj_1");
	assert_int_equal(b.completed, 2);
	assert_int_equal(b.created_s, 17);
}

static void
batch_that_failed_says_why(void **state)
{
	(void)state;
	struct batch b;
	assert_int_equal(
	    batch_read(STR("{\"id\":\"b\",\"status\":\"failed\",\"errors\":{\"object\":\"list\",\"data\":["
			   "{\"code\":\"invalid_json_line\",\"line\":1,\"message\":\"No JSON.\"}]}}"),
		&b),
	    0);
	assert_int_equal(b.state, BATCH_FAILED);
	assert_string_equal(b.error_text, "No JSON.");
	assert_string_equal(b.error_code, "invalid_json_line");
	assert_int_equal(b.completed, -1);
}

static void
words_nobody_knows_mean_that_it_runs(void **state)
{
	(void)state;
	struct batch b;
	static const char *const words[] = { "validating", "in_progress", "finalizing", "cancelling",
		"pondering" };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		struct buf text = { 0 };
		buf_printf(&text, "{\"id\":\"b\",\"status\":\"%s\"}", words[i]);
		assert_int_equal(batch_read(buf_str(&text), &b), 0);
		assert_int_equal(b.state, BATCH_RUNS);
		buf_free(&text);
	}
}

static void
what_is_no_batch_is_refused(void **state)
{
	(void)state;
	struct batch b;
	char id[REMOTE_ID];
	static const char *const texts[] = { "", "[]", "{}", "{\"id\":\"b\"}", "{\"status\":\"completed\"}",
		"{\"id\":1,\"status\":\"completed\"}", "{\"id\":\"a/../b\",\"status\":\"completed\"}",
		"{\"id\":\"..\",\"status\":\"completed\"}", "{\"id\":\"a?b\",\"status\":\"failed\"}",
		"{\"id\":\"\",\"status\":\"completed\"}", "<html>",
		"{\"id\":\"b\",\"status\":\"completed\"" };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		assert_int_equal(batch_read(str_from(texts[i]), &b), -1);
	assert_int_equal(batch_file_read(STR("{\"id\":\"file-1\"}"), id), 0);
	assert_string_equal(id, "file-1");
	assert_int_equal(batch_file_read(STR("{\"id\":\"file 1\"}"), id), -1);
	/* A file with a name for another path is none. */
	assert_int_equal(
	    batch_read(STR("{\"id\":\"b\",\"status\":\"completed\",\"output_file_id\":\"../keys\"}"), &b), 0);
	assert_string_equal(b.output, "");
}

static void
list_is_searched_for_a_name(void **state)
{
	(void)state;
	struct batch b;
	char last[REMOTE_ID];
	int64_t oldest;
	struct str page =
	    STR("{\"object\":\"list\",\"data\":["
		"{\"id\":\"b3\",\"status\":\"failed\",\"created_at\":30,\"metadata\":null},"
		"{\"id\":\"b2\",\"status\":\"in_progress\",\"created_at\":20,\"metadata\":{\"farthing_job\":"
		"\"fj_2\"}},"
		"\"odd\",{\"id\":\"b1\",\"status\":\"completed\",\"created_at\":10}],\"has_more\":true}");
	assert_int_equal(batch_page_find(page, "fj_2", &b, last, &oldest), 1);
	assert_string_equal(b.id, "b2");
	assert_int_equal(batch_page_find(page, "fj_9", &b, last, &oldest), 0);
	assert_string_equal(last, "b1");
	assert_int_equal(oldest, 10);
	/* The last page has no cursor; those without a name are nobody's. */
	assert_int_equal(
	    batch_page_find(STR("{\"data\":[{\"id\":\"b1\",\"status\":\"completed\"}],\"has_more\":false}"),
		"", &b, last, &oldest),
	    0);
	assert_string_equal(last, "");
	assert_int_equal(batch_page_find(STR("{\"data\":null}"), "fj_1", &b, last, &oldest), -1);
	assert_int_equal(batch_page_find(STR("nonsense"), "fj_1", &b, last, &oldest), -1);
}

/* ---- lines ---- */

static struct ending e;
static struct json tape;

static int
judge(const char *line)
{
	ending_free(&e);
	e = (struct ending){ 0 };
	return line_judge(&tape, str_from(line), ENDPOINT_CHAT, 200, &e);
}

static int
forget(void **state)
{
	(void)state;
	ending_free(&e);
	e = (struct ending){ 0 };
	json_free(&tape);
	return 0;
}

static void
answer_comes_with_its_usage_and_its_very_bytes(void **state)
{
	(void)state;
	assert_int_equal(
	    judge("{\"id\":\"batch_req_1\",\"custom_id\":\"req_1\",\"response\":{\"status_code\":200,"
		  "\"request_id\":\"r\",\"body\":{\"model\":\"m-1\", \"choices\":[],\"usage\":"
		  "{\"prompt_tokens\":3,\"completion_tokens\":4}}},\"error\":null}"),
	    0);
	assert_string_equal(e.id, "req_1");
	assert_int_equal(e.billed, BILLED_AS_TOLD);
	assert_int_equal(e.state, DEFERRED_DONE);
	assert_int_equal(e.err.status, 0);
	assert_true(e.usage.known);
	assert_int_equal(e.usage.input, 3);
	assert_int_equal(e.usage.output, 4);
	assert_string_equal(e.model, "m-1");
	assert_true(str_eq(buf_str(&e.answer), STR("{\"model\":\"m-1\", \"choices\":[],\"usage\":"
						   "{\"prompt_tokens\":3,\"completion_tokens\":4}}")));
}

static void
answer_without_usage_is_delivered_and_its_cost_is_not_known(void **state)
{
	(void)state;
	assert_int_equal(
	    judge("{\"custom_id\":\"r\",\"response\":{\"status_code\":200,\"body\":{\"choices\":[]}}}"), 0);
	assert_int_equal(e.state, DEFERRED_DONE);
	assert_int_equal(e.billed, BILLED_AS_TOLD);
	assert_false(e.usage.known);
}

static void
refused_line_is_not_billed_and_says_what_the_provider_said(void **state)
{
	(void)state;
	assert_int_equal(
	    judge("{\"custom_id\":\"r\",\"response\":{\"status_code\":400,\"body\":{\"error\":{\"message\":"
		  "\"Bad tool.\",\"param\":\"tools\",\"code\":\"bad\"}}},\"error\":null}"),
	    0);
	assert_int_equal(e.billed, BILLED_NOT);
	assert_int_equal(e.state, DEFERRED_FAILED);
	assert_int_equal(e.err.status, 400);
	assert_string_equal(e.err.text, "Bad tool.");
	assert_string_equal(e.err.param, "tools");
	assert_int_equal(judge("{\"custom_id\":\"r\",\"response\":{\"status_code\":429,\"body\":{}}}"), 0);
	assert_int_equal(e.billed, BILLED_NOT);
	assert_int_equal(e.err.status, 429);
}

static void
line_whose_outcome_nobody_knows_costs_what_was_held(void **state)
{
	(void)state;
	static const char *const lines[] = {
		"{\"custom_id\":\"r\",\"response\":{\"status_code\":504,\"body\":{}}}",
		"{\"custom_id\":\"r\",\"response\":{\"status_code\":524,\"body\":null}}",
		"{\"custom_id\":\"r\",\"response\":{\"status_code\":200,\"body\":\"text\"}}",
		"{\"custom_id\":\"r\",\"response\":{\"status_code\":200}}",
		"{\"custom_id\":\"r\",\"response\":{\"status_code\":200,\"body\":{\"error\":{\"message\":"
		"\"x\"}}}}",
		"{\"custom_id\":\"r\",\"response\":{\"status_code\":204,\"body\":{}}}",
		"{\"custom_id\":\"r\",\"response\":null,\"error\":null}",
		"{\"custom_id\":\"r\"}",
	};
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		assert_int_equal(judge(lines[i]), 0);
		assert_int_equal(e.billed, BILLED_UNKNOWN);
		assert_int_equal(e.state, DEFERRED_FAILED);
		assert_in_range(e.err.status, 500, 599);
	}
}

static void
expired_line_is_unprocessed_and_others_are_void(void **state)
{
	(void)state;
	assert_int_equal(judge("{\"custom_id\":\"r\",\"response\":null,\"error\":{\"code\":\"batch_expired\","
			       "\"message\":\"m\"}}"),
	    0);
	assert_true(e.unprocessed);
	assert_int_equal(e.billed, BILLED_NOT);
	assert_int_equal(e.provider_status, 0);
	assert_int_equal(judge("{\"custom_id\":\"r\",\"response\":null,\"error\":{\"code\":\"batch_"
			       "cancelled\",\"message\":\"m\"}}"),
	    0);
	assert_false(e.unprocessed);
	assert_int_equal(e.billed, BILLED_NOT);
	assert_int_equal(e.err.status, 502);
}

static void
answer_beyond_the_limit_is_paid_for_and_not_kept(void **state)
{
	(void)state;
	struct buf line = { 0 };
	buf_add(&line, STR("{\"custom_id\":\"r\",\"response\":{\"status_code\":200,\"body\":{\"usage\":{"
			   "\"prompt_tokens\":1,"
			   "\"completion_tokens\":2},\"x\":\""));
	for (int i = 0; i < 300; i++)
		buf_add_c(&line, 'x');
	buf_add(&line, STR("\"}}}"));
	assert_int_equal(judge(buf_text(&line)), 0);
	assert_int_equal(e.state, DEFERRED_FAILED);
	assert_string_equal(e.err.code, "upstream_too_large");
	assert_int_equal(e.billed, BILLED_AS_TOLD);
	assert_int_equal(e.usage.output, 2);
	assert_int_equal(e.answer.n, 0);
	buf_free(&line);
}

static void
what_is_no_line_is_nobodys(void **state)
{
	(void)state;
	static const char *const lines[] = { "", "[]", "{}", "{\"custom_id\":7}", "{\"custom_id\":\"\"}",
		"{\"custom_id\":\"r\"", "{\"custom_id\":\"r\",\"response\":{}}",
		"{\"custom_id\":\"r\",\"response\":{\"status_code\":\"200\"}}",
		"{\"custom_id\":\"r\",\"response\":{\"status_code\":99}}",
		"{\"custom_id\":\"r\",\"response\":{\"status_code\":600}}",
		"{\"custom_id\":\"r\",\"custom_id\":\"s\",\"response\":{\"status_code\":200,\"body\":{}}}" };
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		assert_int_equal(judge(lines[i]), -1);
}

/* ---- the upload ---- */

static void
file_has_a_line_for_each_request_whatever_its_body_looks_like(void **state)
{
	(void)state;
	struct buf out = { 0 };
	char boundary[BOUNDARY_SIZE];
	assert_int_equal(upload_begin(&out, "fj_1", boundary), 0);
	assert_int_equal(upload_line(&out, "req_1", "/v1/chat/completions",
			     STR("{\n  \"model\": \"m\",\r\n \"x\":\"a\\nb\"}")),
	    0);
	assert_int_equal(upload_line(&out, "req_2", "/v1/chat/completions", STR("{}")), 0);
	assert_int_equal(upload_end(&out, boundary), 0);
	struct str text = buf_str(&out);
	assert_true(str_starts(text,
	    STR("--farthing-fj_1\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n")));
	assert_true(str_find(text, STR("filename=\"fj_1.jsonl\"")) > 0);
	assert_true(
	    str_find(text,
		STR("\r\n\r\n{\"custom_id\":\"req_1\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\","
		    "\"body\":{   \"model\": \"m\",   \"x\":\"a\\nb\"}}\n"
		    "{\"custom_id\":\"req_2\",\"method\":\"POST\",\"url\":\"/v1/chat/"
		    "completions\",\"body\":{}}\n"
		    "\r\n--farthing-fj_1--\r\n")) > 0);
	buf_free(&out);
}

static void
line_that_does_not_fit_leaves_nothing_behind(void **state)
{
	(void)state;
	struct buf out = { 0 };
	buf_init(&out, 100);
	assert_int_equal(upload_line(&out, "r", "/v1/embeddings", STR("{}")), 0);
	size_t n = out.n;
	assert_int_equal(upload_line(&out, "s", "/v1/embeddings", STR("{\"input\":\"text\"}")), -1);
	assert_int_equal(out.n, n);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batch_says_how_it_ended_and_where_its_files_are),
		cmocka_unit_test(batch_that_failed_says_why),
		cmocka_unit_test(words_nobody_knows_mean_that_it_runs),
		cmocka_unit_test(what_is_no_batch_is_refused),
		cmocka_unit_test(list_is_searched_for_a_name),
		cmocka_unit_test_teardown(answer_comes_with_its_usage_and_its_very_bytes, forget),
		cmocka_unit_test_teardown(
		    answer_without_usage_is_delivered_and_its_cost_is_not_known, forget),
		cmocka_unit_test_teardown(refused_line_is_not_billed_and_says_what_the_provider_said, forget),
		cmocka_unit_test_teardown(line_whose_outcome_nobody_knows_costs_what_was_held, forget),
		cmocka_unit_test_teardown(expired_line_is_unprocessed_and_others_are_void, forget),
		cmocka_unit_test_teardown(answer_beyond_the_limit_is_paid_for_and_not_kept, forget),
		cmocka_unit_test_teardown(what_is_no_line_is_nobodys, forget),
		cmocka_unit_test(file_has_a_line_for_each_request_whatever_its_body_looks_like),
		cmocka_unit_test(line_that_does_not_fit_leaves_nothing_behind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
