/*
 * What is foretold of a request that might travel: why it goes alone, or how many like it would travel, and what that saves.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_fixture.h"
#include "core/request.h"
#include "stages/batch_foresee.h"

/* What is said to be the tokens of its input is the test's: what counts is how much of that is not its own text. */
#define ASK(more)                                                                                           \
	"{\"model\":\"gpt-4o-mini\",\"messages\":[{\"role\":\"system\",\"content\":\"You write titles.\"}," \
	"{\"role\":\"user\",\"content\":\"a red mug\"}]" more "}"
#define JSON ",\"response_format\":{\"type\":\"json_object\"}"

static struct batch_foresight
foresee(const char *yaml, const char *text, int64_t input)
{
	struct config *c = good(yaml);
	struct batch_foresight f;
	struct request r;
	struct buf body = { 0 };
	struct err e;
	struct request_context context = { c, "scope", "", "default", "" };
	assert_int_equal(buf_add(&body, str_from(text)), 0);
	if (request_read(&r, ENDPOINT_CHAT, &body, &context, &e) != 0)
		fail_msg("%s: %s", text, e.text);
	batch_foresee(&r, r.model, &config_task(c, STR("default"))->batch, input, &f);
	request_free(&r);
	config_drop(&c);
	return f;
}

static void
much_that_is_shared_is_worth_travelling_for(void **state)
{
	(void)state;
	struct batch_foresight f = foresee("{}", ASK(",\"max_tokens\":20"), 1003);
	assert_null(f.alone);
	assert_true(f.foretold);
	assert_int_equal(f.shape, ENVELOPE_SCHEMA);
	assert_int_equal(f.most, 5);
	assert_non_null(strstr(f.saving, "together saves"));
	assert_non_null(strstr(f.saving, "for 5: shared 1000, own 15,"));
	assert_string_equal(f.assumed, "answers of 20 tokens, 2 % of them asked again, 0 tokens of each "
				       "single call's input cached by the "
				       "provider, none of a batch's");
}

static void
little_that_is_shared_is_not_and_the_loss_is_shown(void **state)
{
	(void)state;
	struct batch_foresight f = foresee("{}", ASK(""), 23);
	assert_string_equal(f.alone, "together would not be cheaper");
	assert_true(f.foretold);
	assert_non_null(strstr(f.saving, "together loses"));
	assert_non_null(strstr(f.assumed, "answers of 256 tokens"));
}

static void
what_the_provider_is_thought_to_cache_is_told(void **state)
{
	(void)state;
	struct batch_foresight f = foresee("{}", ASK(""), 2003);
	assert_non_null(strstr(f.assumed, ", 1920 tokens of each single call's input cached"));
}

static void
what_cannot_travel_has_the_batchers_reason_and_no_figures(void **state)
{
	(void)state;
	struct batch_foresight f = foresee("{}", ASK(",\"seed\":1"), 1003);
	assert_string_equal(f.alone, "it has a seed");
	assert_false(f.foretold);
	f = foresee("models: { gpt-4o-mini: { free: true } }", ASK(""), 1003);
	assert_string_equal(f.alone, "nothing can be saved");
	assert_false(f.foretold);
	f = foresee("batch: { max_body: 1KiB }", ASK(""), 1003);
	assert_null(f.alone);
}

static void
task_says_how_many_and_how_long(void **state)
{
	(void)state;
	assert_int_equal(foresee("batch: { size: 3 }", ASK(""), 1003).most, 3);
	/* Answers of 64 tokens, and some around each, 50 a second */
	struct batch_foresight f = foresee("batch: { size: 8, max_time: 1s }", ASK(""), 1003);
	assert_int_equal(f.most, 1);
	assert_string_equal(f.alone, "answers of its kind are too long");
	f = foresee("batch: { size: 8, max_time: 5s }", ASK(""), 1003);
	assert_int_equal(f.most, 3);
	assert_null(f.alone);
}

static void
shape_is_what_form_and_model_allow(void **state)
{
	(void)state;
	assert_int_equal(foresee("{}", ASK(JSON), 1003).shape, ENVELOPE_OBJECT);
	assert_int_equal(
	    foresee("models: { gpt-4o-mini: { json_schema: false } }", ASK(""), 1003).shape, ENVELOPE_MARKS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(much_that_is_shared_is_worth_travelling_for),
		cmocka_unit_test(little_that_is_shared_is_not_and_the_loss_is_shown),
		cmocka_unit_test(what_the_provider_is_thought_to_cache_is_told),
		cmocka_unit_test(what_cannot_travel_has_the_batchers_reason_and_no_figures),
		cmocka_unit_test(task_says_how_many_and_how_long),
		cmocka_unit_test(shape_is_what_form_and_model_allow),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
