/*
 * Proves src/stages/judgement.c: what is read of an answer before it is checked, whatever its endpoint, and how sure its model was.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_fixture.h"

#include "../../src/stages/judgement.h"

static struct config *config;
static struct escalate_conf conf;

static int
set_up(void **state)
{
	clean_environment(state);
	config = good("{}");
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	config_drop(&config);
	return 0;
}

/* Everything is checked, and confidence where it is above 0. */
static void
expect(double confidence)
{
	conf = config->routing.escalate;
	conf.confidence = confidence;
}

static struct judgement
judge_at(enum endpoint endpoint, const char *request, const char *body, bool at_limit)
{
	struct request_context context = {
		.config = config, .scope = "local", .directives = "", .task = "default"
	};
	struct request r = { 0 };
	struct buf bytes = { 0 };
	struct judgement j;
	struct err e;
	assert_int_equal(buf_add(&bytes, str_from(request)), 0);
	if (request_read(&r, endpoint, &bytes, &context, &e) != 0)
		fail_msg("%s", e.text);
	judgement_of(&r, str_from(body), at_limit, &conf, &j);
	request_free(&r);
	buf_free(&bytes);
	return j;
}

static struct judgement
judge(const char *request, const char *body)
{
	return judge_at(ENDPOINT_CHAT, request, body, false);
}

#define CHAT(more) \
	"{\"model\":\"auto\",\"messages\":[{\"role\":\"user\",\"content\":\"What is a farthing?\"}]" more "}"
#define IN_JSON CHAT(",\"response_format\":{\"type\":\"json_object\"}")
#define SAID(message, more) "{\"choices\":[{\"index\":0,\"message\":{" message "}" more "}]}"
#define TEXT(content) \
	SAID("\"role\":\"assistant\",\"content\":\"" content "\"", ",\"finish_reason\":\"stop\"")
#define REFUSED "I'm sorry, but I can't help with that request."

/* ---- what is read ---- */

static void
text_is_checked_without_the_escapes_of_the_body_around_it(void **state)
{
	(void)state;
	expect(0);
	assert_int_equal(judge(IN_JSON, TEXT("{\\\"a\\\": [1, \\\"\\u00e9\\\"]}")).fault, FAULT_NONE);
	assert_int_equal(judge(IN_JSON, TEXT("{\\\"a\\\": [1, \\\"")).fault, fault_of(DEMAND_JSON));
}

static void
content_may_be_a_list_of_parts(void **state)
{
	(void)state;
	expect(0);
	struct judgement j = judge(IN_JSON,
	    SAID("\"content\":[{\"type\":\"text\",\"text\":\"{\"},{\"type\":\"text\",\"text\":\"}\"}]", ""));
	assert_true(j.given);
	assert_int_equal(j.fault, FAULT_NONE);
}

static void
only_demands_of_the_request_make_passing_tell_something(void **state)
{
	(void)state;
	expect(0);
	assert_true(judge(IN_JSON, TEXT("{}")).telling);
	struct judgement plain = judge(CHAT(""), TEXT("A quarter of a penny."));
	assert_true(plain.given);
	assert_false(plain.telling);
	assert_int_equal(plain.fault, FAULT_NONE);
}

static void
every_way_to_refuse_is_seen(void **state)
{
	(void)state;
	expect(0);
	assert_int_equal(judge(CHAT(""), TEXT(REFUSED)).fault, fault_of(DEMAND_REFUSAL));
	assert_int_equal(
	    judge(CHAT(""), SAID("\"content\":null,\"refusal\":\"No.\"", ",\"finish_reason\":\"stop\""))
		.fault,
	    fault_of(DEMAND_REFUSAL));
	assert_int_equal(
	    judge(CHAT(""), SAID("\"content\":\"A\"", ",\"finish_reason\":\"content_filter\"")).fault,
	    fault_of(DEMAND_REFUSAL));
}

static void
end_that_was_cut_is_a_fault_unless_a_limit_was_reached(void **state)
{
	(void)state;
	expect(0);
	const char *cut = SAID("\"content\":\"A quarter of\"", ",\"finish_reason\":\"length\"");
	assert_int_equal(judge_at(ENDPOINT_CHAT, CHAT(""), cut, false).fault, fault_of(DEMAND_WHOLE));
	assert_int_equal(judge_at(ENDPOINT_CHAT, CHAT(""), cut, true).fault, FAULT_NONE);
	/* whoever cut it, broken JSON is then no wonder, and says nothing for the model either */
	const char *half = SAID("\"content\":\"{\"", ",\"finish_reason\":\"length\"");
	struct judgement j = judge_at(ENDPOINT_CHAT, IN_JSON, half, true);
	assert_int_equal(j.fault, FAULT_NONE);
	assert_false(j.telling);
}

static void
answer_that_calls_tools_need_say_nothing(void **state)
{
	(void)state;
	expect(0);
	const char *calls =
	    SAID("\"content\":null,\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\",\"function\":"
		 "{\"name\":\"look\",\"arguments\":\"{}\"}}]",
		",\"finish_reason\":\"tool_calls\"");
	struct judgement j = judge(IN_JSON, calls);
	assert_int_equal(j.fault, FAULT_NONE);
	assert_false(j.telling);
	assert_int_equal(
	    judge(IN_JSON, SAID("\"content\":null,\"function_call\":{\"name\":\"look\"}", "")).fault,
	    FAULT_NONE);
	/* none is called by an empty list */
	assert_int_equal(
	    judge(IN_JSON, SAID("\"content\":\"\",\"tool_calls\":[]", "")).fault != FAULT_NONE, true);
}

static void
completions_and_responses_are_read_too(void **state)
{
	(void)state;
	expect(0);
	const char *prompt = "{\"model\":\"gpt-3.5-turbo-instruct\",\"prompt\":\"What is a farthing?\"}";
	const char *input = "{\"model\":\"auto\",\"input\":\"What is a farthing?\"}";
#define RESPONSE(status, items) "{\"object\":\"response\",\"status\":\"" status "\",\"output\":[" items "]"
#define OUTPUT(part) "{\"type\":\"message\",\"content\":[" part "]}"
	assert_int_equal(
	    judge_at(ENDPOINT_COMPLETIONS, prompt, "{\"choices\":[{\"text\":\"" REFUSED "\"}]}", false).fault,
	    fault_of(DEMAND_REFUSAL));
	assert_int_equal(
	    judge_at(ENDPOINT_RESPONSES, input,
		RESPONSE("completed", OUTPUT("{\"type\":\"output_text\",\"text\":\"" REFUSED "\"}")) "}",
		false)
		.fault,
	    fault_of(DEMAND_REFUSAL));
	assert_int_equal(
	    judge_at(ENDPOINT_RESPONSES, input,
		RESPONSE("completed", OUTPUT("{\"type\":\"refusal\",\"refusal\":\"No.\"}")) "}", false)
		.fault,
	    fault_of(DEMAND_REFUSAL));
	assert_int_equal(
	    judge_at(ENDPOINT_RESPONSES, input,
		RESPONSE("incomplete",
		    OUTPUT("{\"type\":\"output_text\",\"text\":\"A quarter\"}")) ",\"incomplete_details\":{"
										 "\"reason\":\"max_output_"
										 "tokens\"}}",
		false)
		.fault,
	    fault_of(DEMAND_WHOLE));
	assert_int_equal(
	    judge_at(ENDPOINT_RESPONSES, input,
		RESPONSE("completed", "{\"type\":\"function_call\",\"name\":\"look\"}") "}", false)
		.fault,
	    FAULT_NONE);
	assert_false(judge_at(ENDPOINT_RESPONSES, input, RESPONSE("failed", "") "}", false).given);
}

static void
what_is_no_answer_is_not_judged(void **state)
{
	(void)state;
	expect(0.9);
	static const char *const none[] = { "", "nonsense", "{}", "[]", "{\"choices\":[]}", "{\"choices\":1}",
		"{\"choices\":{\"message\":1}}" };
	for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
		struct judgement j = judge(CHAT(""), none[i]);
		assert_false(j.given);
		assert_int_equal(j.fault, FAULT_NONE);
	}
	assert_false(judge(CHAT(",\"n\":2"), TEXT(REFUSED)).given);
}

static void
answer_too_large_for_the_loop_is_not_judged(void **state)
{
	(void)state;
	expect(0);
	size_t size = JUDGEMENT_MAX + 1;
	char *large = malloc(size + 1);
	memset(large, ' ', size);
	memcpy(large, TEXT(REFUSED), sizeof TEXT(REFUSED) - 1);
	large[size] = '\0';
	assert_false(judge(CHAT(""), large).given);
	large[size - 1] = '\0';
	assert_true(judge(CHAT(""), large).given);
	free(large);
}

static void
strange_members_are_no_harm(void **state)
{
	(void)state;
	expect(0.5);
	static const char *const strange[] = { SAID("\"content\":7", ""),
		SAID("\"content\":{\"text\":1}", ""), SAID("\"content\":[1,\"a\",{\"text\":[]},null]", ""),
		"{\"choices\":[3]}", "{\"choices\":[{\"message\":\"a\",\"text\":{}}]}",
		SAID("\"content\":\"A\",\"tool_calls\":{},\"refusal\":{}", ",\"finish_reason\":[1]"),
		SAID("\"content\":\"A\"", ",\"logprobs\":[]"),
		SAID("\"content\":\"A\"", ",\"logprobs\":{\"content\":{}}"),
		SAID("\"content\":\"A\"", ",\"logprobs\":{\"content\":[1,{\"logprob\":\"x\"}]}") };
	for (size_t i = 0; i < sizeof strange / sizeof *strange; i++)
		judge(CHAT(""), strange[i]);
	judge_at(ENDPOINT_RESPONSES, "{\"model\":\"auto\",\"input\":\"Hi\"}",
	    "{\"status\":\"completed\",\"output\":[1,null,{\"type\":[]},{\"type\":\"message\",\"content\":{}}"
	    ","
	    "{\"type\":\"message\",\"content\":[2]}],\"incomplete_details\":[]}",
	    false);
}

/* ---- how sure its model was ---- */

#define SURE(numbers)                    \
	SAID("\"content\":\"A penny.\"", \
	    ",\"finish_reason\":\"stop\",\"logprobs\":{\"content\":[" numbers "]}")

static void
mean_probability_is_that_of_the_mean_logarithm(void **state)
{
	(void)state;
	/* exp((-0.1 - 0.9) / 2) = 0.6065: of single probabilities the mean would be 0.6557 */
	const char *body = SURE("{\"token\":\"A\",\"logprob\":-0.1},{\"token\":\" penny\",\"logprob\":-0.9}");
	expect(0.606);
	assert_int_equal(judge(CHAT(""), body).fault, FAULT_NONE);
	assert_true(judge(CHAT(""), body).telling);
	expect(0.607);
	assert_int_equal(judge(CHAT(""), body).fault, FAULT_CONFIDENCE);
	expect(0);
	assert_int_equal(judge(CHAT(""), body).fault, FAULT_NONE);
	assert_false(judge(CHAT(""), body).telling);
}

static void
model_that_does_not_say_how_sure_it_was_is_believed(void **state)
{
	(void)state;
	expect(1);
	static const char *const silent[] = { TEXT("A penny."), SURE(""), SURE("{\"token\":\"A\"}"),
		SAID("\"content\":\"A\"", ",\"logprobs\":null") };
	for (size_t i = 0; i < sizeof silent / sizeof *silent; i++)
		assert_int_equal(judge(CHAT(""), silent[i]).fault, FAULT_NONE);
}

static void
broken_demand_is_told_before_doubt(void **state)
{
	(void)state;
	expect(0.9);
	assert_int_equal(
	    judge(IN_JSON, SURE("{\"token\":\"A\",\"logprob\":-3}")).fault, fault_of(DEMAND_JSON));
}

static void
probabilities_are_stripped_and_every_other_byte_stays(void **state)
{
	(void)state;
	struct buf out = { 0 };
	assert_int_equal(
	    judgement_strip(STR("{ \"id\":1, \"choices\":[ {\"logprobs\": {\"content\":[{}]} ,\"x\":2}, "
				"{\"logprobs\":null}, {}],\"logprobs\":[3] }"),
		&out),
	    0);
	assert_true(str_eq(buf_str(&out), STR("{ \"id\":1, \"choices\":[ {\"logprobs\": null ,\"x\":2}, "
					      "{\"logprobs\":null}, {}],\"logprobs\":[3] }")));
	buf_clear(&out);
	assert_int_equal(judgement_strip(STR("{\"choices\":"), &out), -1);
	assert_int_equal(out.n, 0);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_checked_without_the_escapes_of_the_body_around_it),
		cmocka_unit_test(content_may_be_a_list_of_parts),
		cmocka_unit_test(only_demands_of_the_request_make_passing_tell_something),
		cmocka_unit_test(every_way_to_refuse_is_seen),
		cmocka_unit_test(end_that_was_cut_is_a_fault_unless_a_limit_was_reached),
		cmocka_unit_test(answer_that_calls_tools_need_say_nothing),
		cmocka_unit_test(completions_and_responses_are_read_too),
		cmocka_unit_test(what_is_no_answer_is_not_judged),
		cmocka_unit_test(answer_too_large_for_the_loop_is_not_judged),
		cmocka_unit_test(strange_members_are_no_harm),
		cmocka_unit_test(mean_probability_is_that_of_the_mean_logarithm),
		cmocka_unit_test(model_that_does_not_say_how_sure_it_was_is_believed),
		cmocka_unit_test(broken_demand_is_told_before_doubt),
		cmocka_unit_test(probabilities_are_stripped_and_every_other_byte_stays),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
