/*
 * Bundles: which requests may travel together at all, and which of those with which.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "envelope_help.h"

enum { LARGEST = 4096 };

#define HI "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"
#define CHAT(members) "{\"model\":\"m\"," HI members "}"
#define SYSTEM "{\"role\":\"system\",\"content\":\"You write titles.\"},"
#define ASK(text) "{\"model\":\"m\",\"messages\":[" SYSTEM "{\"role\":\"user\",\"content\":\"" text "\"}]}"
#define MESSAGES(list) "{\"model\":\"m\",\"messages\":[" list "]}"
#define SCHEMA(schema)                                                                         \
	CHAT(",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\"," \
	     "\"schema\":" schema "}}")

#define RESPONSE(members) "{\"model\":\"m\",\"store\":false,\"input\":\"hi\"" members "}"
#define INPUT(list) "{\"model\":\"m\",\"store\":false,\"input\":[" list "]}"
#define FLAT(members) RESPONSE(",\"text\":{\"format\":{" members "}}")

static void
must_read(struct request *r, enum endpoint endpoint, const char *text)
{
	struct err e;
	if (help_read(r, endpoint, str_from(text), &e) != 0)
		fail_msg("refused %s: %s %s", text, e.code, e.text);
}

/* By what stands in it. */
static enum endpoint
endpoint_of(const char *text)
{
	return strstr(text, "\"input\":") != NULL ? ENDPOINT_RESPONSES : ENDPOINT_CHAT;
}

static const char *
veto_of(const char *text)
{
	struct request r;
	struct bundle b;
	must_read(&r, endpoint_of(text), text);
	bundle_read(&r, LARGEST, &b);
	request_free(&r);
	return b.veto;
}

static void
goes_alone(const char *text, const char *why)
{
	const char *veto = veto_of(text);
	if (veto == NULL || strcmp(veto, why) != 0)
		fail_msg("%s: \"%s\", not \"%s\"", text, veto != NULL ? veto : "no veto", why);
}

static void
may_travel(const char *text)
{
	const char *veto = veto_of(text);
	if (veto != NULL)
		fail_msg("%s: \"%s\"", text, veto);
}

static bool
same_key(const char *one, const char *other)
{
	const char *texts[2] = { one, other };
	struct bundle b[2];
	for (int i = 0; i < 2; i++) {
		struct request r;
		must_read(&r, endpoint_of(texts[i]), texts[i]);
		bundle_read(&r, LARGEST, &b[i]);
		if (b[i].veto != NULL)
			fail_msg("%s: \"%s\"", texts[i], b[i].veto);
		request_free(&r);
	}
	return digest_equal(&b[0].key, &b[1].key);
}

static void
only_chats_and_responses_travel_together(void **state)
{
	(void)state;
	static const struct {
		enum endpoint endpoint;
		const char *text;
	} others[] = {
		{ ENDPOINT_COMPLETIONS, "{\"model\":\"m\",\"prompt\":\"hi\"}" },
		{ ENDPOINT_EMBEDDINGS, "{\"model\":\"m\",\"input\":\"hi\"}" },
	};
	for (size_t i = 0; i < 2; i++) {
		struct request r;
		struct bundle b;
		must_read(&r, others[i].endpoint, others[i].text);
		bundle_read(&r, LARGEST, &b);
		assert_string_equal(b.veto, "only chats and responses travel together");
		request_free(&r);
	}
	may_travel(CHAT(""));
	may_travel(RESPONSE(""));
}

static void
a_response_that_is_more_than_its_text_goes_alone(void **state)
{
	(void)state;
	const char *kept = "the provider keeps or looks up something for it";
	goes_alone("{\"model\":\"m\",\"input\":\"hi\"}", kept);
	goes_alone("{\"model\":\"m\",\"input\":\"hi\",\"store\":true}", "its answer is to be stored");
	goes_alone(RESPONSE(",\"previous_response_id\":\"resp_1\""), kept);
	goes_alone(RESPONSE(",\"conversation\":\"conv_1\""), kept);
	goes_alone(RESPONSE(",\"background\":true"), "it costs more than its tokens");
	goes_alone(RESPONSE(",\"prompt\":{\"id\":\"pmpt_1\"}"), "its prompt is kept by the provider");
	goes_alone(RESPONSE(",\"include\":[\"message.output_text.logprobs\"]"), "it wants more than text");
	goes_alone(RESPONSE(",\"truncation\":\"auto\""), "its input may be shortened");
	goes_alone(RESPONSE(",\"tools\":[{\"type\":\"function\",\"name\":\"f\"}]"), "it has tools");
	goes_alone(RESPONSE(",\"reasoning\":{\"effort\":\"low\"}"), "it reasons");
	goes_alone(RESPONSE(",\"reasoning\":{\"effort\":\"none\",\"summary\":\"auto\"}"), "it reasons");
	may_travel(
	    RESPONSE(",\"reasoning\":{\"effort\":\"none\",\"summary\":null},\"truncation\":\"disabled\","
		     "\"include\":[],\"tools\":[],\"background\":false,\"previous_response_id\":null"));
	may_travel(RESPONSE(",\"max_output_tokens\":50,\"temperature\":0,\"instructions\":\"Titles.\""));
}

static void
an_input_is_a_text_or_messages_whose_last_is_one(void **state)
{
	(void)state;
	const char *not_users = "its last message is not a user's",
		   *not_one = "its last message is not one text", *more = "it has more than messages";
	goes_alone("{\"model\":\"m\",\"store\":false,\"input\":\" \\n\"}", "its text is empty");
	goes_alone(INPUT("{\"role\":\"developer\",\"content\":\"a\"}"), not_users);
	goes_alone(INPUT("{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"a\"},"
			 "{\"type\":\"input_text\",\"text\":\"b\"}]}"),
	    not_one);
	goes_alone(INPUT("{\"role\":\"user\",\"content\":[{\"type\":\"input_image\",\"image_url\":\"u\"}]}"),
	    "it has images, sounds or files");
	goes_alone(INPUT("{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\",\"arguments\":\"{}\"},"
			 "{\"role\":\"user\",\"content\":\"a\"}"),
	    more);
	goes_alone(
	    INPUT("{\"type\":\"item_reference\",\"id\":\"msg_1\"},{\"role\":\"user\",\"content\":\"a\"}"),
	    more);
	may_travel(INPUT("{\"role\":\"user\",\"content\":\"a\"},{\"type\":\"message\",\"role\":\"assistant\","
			 "\"content\":[{\"type\":\"output_text\",\"text\":\"b\"}]},"
			 "{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"c\"}]}"));
}

static void
a_form_of_a_response_is_flat(void **state)
{
	(void)state;
	struct request r;
	struct bundle b;
	const char *foreign = "its form cannot stand in another";
	must_read(&r, ENDPOINT_RESPONSES,
	    FLAT("\"type\":\"json_schema\",\"name\":\"n\",\"schema\":{\"type\":\"object\"}"));
	bundle_read(&r, LARGEST, &b);
	assert_null(b.veto);
	assert_int_equal(b.form, BUNDLE_SCHEMA);
	assert_int_equal(b.message, 0);
	assert_true(json_is(&r.json, b.text, "hi"));
	assert_true(str_eq(json_raw(&r.json, b.schema), STR("{\"type\":\"object\"}")));
	assert_true(json_is(&r.json, json_member(&r.json, b.format, "name"), "n"));
	request_free(&r);
	must_read(&r, ENDPOINT_RESPONSES, FLAT("\"type\":\"json_object\""));
	bundle_read(&r, LARGEST, &b);
	assert_int_equal(b.form, BUNDLE_OBJECT);
	request_free(&r);
	may_travel(RESPONSE(",\"text\":{\"verbosity\":\"low\"}"));
	may_travel(FLAT("\"type\":\"text\""));
	goes_alone(FLAT("\"type\":\"json_schema\",\"name\":\"n\""), foreign);
	goes_alone(FLAT("\"type\":\"json_schema\",\"schema\":{}"), foreign);
	goes_alone(FLAT("\"type\":\"json_schema\",\"name\":\"n\",\"schema\":5"), foreign);
	goes_alone(FLAT("\"type\":\"json_schema\",\"name\":\"n\",\"schema\":{},\"more\":1"), foreign);
	goes_alone(FLAT("\"type\":\"grammar\""), foreign);
	goes_alone(FLAT("\"type\":\"json_schema\",\"name\":\"n\",\"schema\":{\"items\":{\"$ref\":\"#\"}}"),
	    "its schema refers to itself");
}

static void
responses_have_keys_of_their_own(void **state)
{
	(void)state;
	assert_true(same_key(RESPONSE(",\"temperature\":0.5"),
	    "{\"model\":\"m\",\"store\":false,\"input\":\"socks\",\"temperature\":0.50,\"stream\":true,"
	    "\"metadata\":{\"row\":\"17\"}}"));
	assert_false(same_key(RESPONSE(""), RESPONSE(",\"instructions\":\"Titles.\"")));
	assert_false(same_key(RESPONSE(""), RESPONSE(",\"max_output_tokens\":50")));
	assert_false(same_key(RESPONSE(""), INPUT("{\"role\":\"user\",\"content\":\"hi\"}")));
	assert_false(same_key(FLAT("\"type\":\"text\""), FLAT("\"type\":\"json_object\"")));
	/* Alike to the last byte but for the texts, in one of them the messages, in the other the input. */
	struct request chat, response;
	struct bundle one, other;
	must_read(&chat, ENDPOINT_CHAT,
	    "{\"model\":\"m\",\"store\":false,\"input\":null,\"messages\":[{\"role\":\"user\",\"content\":"
	    "\"hi\"}]}");
	must_read(&response, ENDPOINT_RESPONSES,
	    "{\"model\":\"m\",\"store\":false,\"input\":\"hi\",\"messages\":[{\"role\":\"user\",\"content\":"
	    "null}]}");
	bundle_read(&chat, LARGEST, &one);
	bundle_read(&response, LARGEST, &other);
	assert_true(one.veto == NULL && other.veto == NULL);
	assert_false(digest_equal(&one.key, &other.key));
	request_free(&chat);
	request_free(&response);
}

static void
what_cannot_be_shared_goes_alone(void **state)
{
	(void)state;
	goes_alone(
	    CHAT(",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]"), "it has tools");
	goes_alone(CHAT(",\"functions\":[{\"name\":\"f\"}]"), "it has tools");
	goes_alone(CHAT(",\"tool_choice\":\"none\""), "it has tools");
	goes_alone(CHAT(",\"n\":2"), "it wants several answers");
	goes_alone(CHAT(",\"logprobs\":true"), "it wants probabilities");
	goes_alone(CHAT(",\"top_logprobs\":2"), "it wants probabilities");
	goes_alone(CHAT(",\"modalities\":[\"text\",\"audio\"]"), "it costs more than its tokens");
	goes_alone(CHAT(",\"audio\":{\"voice\":\"v\"}"), "it wants more than text");
	goes_alone(CHAT(",\"prediction\":{\"type\":\"content\",\"content\":\"x\"}"), "it has a prediction");
	goes_alone(CHAT(",\"store\":true"), "its answer is to be stored");
	goes_alone(CHAT(",\"service_tier\":\"priority\""), "it costs more than its tokens");
	goes_alone(CHAT(",\"web_search_options\":{\"search_context_size\":\"low\"}"), "it searches");
	goes_alone(CHAT(",\"web_search_options\":{}"), "it costs more than its tokens");
	goes_alone(CHAT(",\"stop\":\"x\""), "it has stop sequences");
	goes_alone(CHAT(",\"stop\":[\"x\"]"), "it has stop sequences");
	goes_alone(CHAT(",\"logit_bias\":{\"5\":1}"), "it has a bias");
	goes_alone(CHAT(",\"frequency_penalty\":0.5"), "it has penalties");
	goes_alone(CHAT(",\"presence_penalty\":-0.5"), "it has penalties");
	goes_alone(CHAT(",\"repetition_penalty\":1.1"), "it has penalties");
	goes_alone(CHAT(",\"seed\":0"), "it has a seed");
	goes_alone(CHAT(",\"guided_regex\":\"a+\""), "its form cannot stand in another");
	goes_alone(CHAT(",\"reasoning_effort\":\"low\""), "it reasons");
}

static void
what_says_nothing_is_no_reason(void **state)
{
	(void)state;
	may_travel(CHAT(",\"tools\":[],\"stop\":null,\"n\":1,\"logprobs\":false,\"top_logprobs\":null"));
	may_travel(CHAT(",\"store\":false,\"logit_bias\":{},\"seed\":null,\"stop\":[]"));
	may_travel(CHAT(",\"frequency_penalty\":0,\"presence_penalty\":0.0,\"repetition_penalty\":1.0"));
	may_travel(
	    CHAT(",\"modalities\":[\"text\"],\"service_tier\":\"flex\",\"reasoning_effort\":\"none\""));
	may_travel(CHAT(",\"temperature\":0,\"top_p\":1,\"max_tokens\":5,\"verbosity\":\"low\",\"top_k\":3"));
}

static void
large_requests_go_alone(void **state)
{
	(void)state;
	struct request r;
	struct bundle b;
	must_read(&r, ENDPOINT_CHAT, CHAT(""));
	bundle_read(&r, r.body.n - 1, &b);
	assert_string_equal(b.veto, "it is too large");
	bundle_read(&r, r.body.n, &b);
	assert_null(b.veto);
	r.max_output = 0;
	bundle_read(&r, r.body.n, &b);
	assert_string_equal(b.veto, "it has no room for an answer");
	request_free(&r);
}

static void
the_last_message_must_be_one_text_of_a_user(void **state)
{
	(void)state;
	const char *not_users = "its last message is not a user's",
		   *not_one = "its last message is not one text";
	goes_alone(
	    MESSAGES("{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\"}"),
	    not_users);
	goes_alone(MESSAGES("{\"role\":\"system\",\"content\":\"a\"}"), not_users);
	goes_alone(MESSAGES("{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},"
			    "{\"type\":\"text\",\"text\":\"b\"}]}"),
	    not_one);
	goes_alone(MESSAGES("{\"role\":\"user\",\"content\":[]}"), not_one);
	goes_alone(
	    MESSAGES(
		"{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"u\"}}]}"),
	    "it has images, sounds or files");
	goes_alone(
	    MESSAGES(
		"{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"u\"}}]},"
		"{\"role\":\"user\",\"content\":\"a\"}"),
	    "it has images, sounds or files");
	goes_alone(MESSAGES("{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"tool\",\"tool_call_id\":\"t\","
			    "\"content\":\"b\"},{\"role\":\"user\",\"content\":\"a\"}"),
	    "it has tools");
	goes_alone(MESSAGES("{\"role\":\"user\",\"content\":\"\"}"), "its text is empty");
	goes_alone(MESSAGES("{\"role\":\"user\",\"content\":\" \\n\\t\"}"), "its text is empty");
	may_travel(MESSAGES("{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}"));
	may_travel(
	    MESSAGES("{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\"},"
		     "{\"role\":\"user\",\"content\":\"c\"}"));
}

static void
a_text_is_all_that_may_differ(void **state)
{
	(void)state;
	assert_true(same_key(ASK("red shoes"), ASK("blue \\u0022socks\\\\\\n")));
	assert_false(same_key(ASK("a"), MESSAGES("{\"role\":\"user\",\"content\":\"a\"}")));
	assert_false(same_key(ASK("a"), MESSAGES("{\"role\":\"system\",\"content\":\"You write titles!\"},"
						 "{\"role\":\"user\",\"content\":\"a\"}")));
	assert_false(same_key(MESSAGES("{\"role\":\"user\",\"content\":\"a\",\"name\":\"eve\"}"),
	    MESSAGES("{\"role\":\"user\",\"content\":\"a\",\"name\":\"adam\"}")));
	assert_false(
	    same_key(MESSAGES("{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"user\",\"content\":\"b\"}"),
		MESSAGES("{\"role\":\"user\",\"content\":\"c\"},{\"role\":\"user\",\"content\":\"b\"}")));
	static const char *const differing[] = { ",\"temperature\":0.5", ",\"max_tokens\":5",
		",\"user\":\"eve\"", ",\"safety_identifier\":\"s\"", ",\"prompt_cache_key\":\"k\"",
		",\"response_format\":{\"type\":\"json_object\"}", ",\"unheard_of\":1", ",\"top_p\":0.5" };
	for (size_t i = 0; i < sizeof differing / sizeof *differing; i++) {
		char text[256];
		snprintf(text, sizeof text, "{\"model\":\"m\"," HI "%s}", differing[i]);
		if (same_key(text, CHAT("")))
			fail_msg("%s makes no difference", differing[i]);
	}
}

static void
how_an_answer_is_delivered_makes_no_difference(void **state)
{
	(void)state;
	const char *plain = CHAT(",\"temperature\":0.5");
	assert_true(same_key(plain, CHAT(",\"stream\":true,\"temperature\":0.5")));
	assert_true(same_key(
	    plain, CHAT(",\"stream\":true,\"stream_options\":{\"include_usage\":true},\"temperature\":0.5")));
	assert_true(same_key(plain, CHAT(",\"metadata\":{\"row\":\"17\"},\"temperature\":0.50")));
	assert_true(same_key(plain, "{ \"temperature\" : 5e-1, " HI " , \"model\" : \"\\u006d\" }"));
}

static void
finds_the_text_and_the_form(void **state)
{
	(void)state;
	struct request r;
	struct bundle b;
	must_read(&r, ENDPOINT_CHAT, SCHEMA("{\"type\":\"object\"}"));
	bundle_read(&r, LARGEST, &b);
	assert_null(b.veto);
	assert_int_equal(b.form, BUNDLE_SCHEMA);
	assert_true(json_is(&r.json, b.text, "hi"));
	assert_int_equal(json_type(&r.json, b.message), JSON_OBJECT);
	assert_true(str_eq(json_raw(&r.json, b.schema), STR("{\"type\":\"object\"}")));
	request_free(&r);
	must_read(&r, ENDPOINT_CHAT, CHAT(",\"response_format\":{\"type\":\"json_object\"}"));
	bundle_read(&r, LARGEST, &b);
	assert_int_equal(b.form, BUNDLE_OBJECT);
	request_free(&r);
	must_read(&r, ENDPOINT_CHAT, CHAT(",\"response_format\":{\"type\":\"text\"}"));
	bundle_read(&r, LARGEST, &b);
	assert_int_equal(b.form, BUNDLE_TEXT);
	request_free(&r);
}

static void
a_form_that_would_be_lost_goes_alone(void **state)
{
	(void)state;
	const char *foreign = "its form cannot stand in another";
	goes_alone(CHAT(",\"response_format\":{\"type\":\"grammar\"}"), foreign);
	goes_alone(CHAT(",\"response_format\":{\"type\":\"json_object\",\"schema\":{}}"), foreign);
	goes_alone(CHAT(",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\"}}"),
	    foreign);
	goes_alone(CHAT(",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\","
			"\"schema\":{},\"unheard_of\":1}}"),
	    foreign);
}

static void
a_schema_that_would_mean_another_thing_goes_alone(void **state)
{
	(void)state;
	const char *itself = "its schema refers to itself";
	goes_alone(SCHEMA("{\"properties\":{\"next\":{\"$ref\":\"#\"}}}"), itself);
	goes_alone(SCHEMA("{\"properties\":{\"next\":{\"\\u0024ref\":\"\\u0023\"}}}"), itself);
	goes_alone(SCHEMA("{\"properties\":{\"a\":{},\"b\":{\"$ref\":\"#/properties/a\"}}}"), itself);
	goes_alone(SCHEMA("{\"properties\":{\"a\":{\"$ref\":\"other.json\"}}}"), itself);
	goes_alone(SCHEMA("{\"$defs\":{\"a\":{\"$anchor\":\"x\"}}}"), itself);
	goes_alone(SCHEMA("{\"$id\":\"https://example.com/s\"}"), itself);
	may_travel(
	    SCHEMA("{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"items\":{\"$ref\":\"#/definitions/b\"}}},"
		   "\"definitions\":{\"b\":{}}}"));
	may_travel(SCHEMA("{\"properties\":{\"$ref\":{\"type\":\"string\"},\"$id\":{\"type\":\"string\"}}}"));
	goes_alone(SCHEMA("{\"a\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}"), "its schema is nested too deeply");
	may_travel(SCHEMA("{\"a\":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]}"));
}

static void
models_that_reason_go_alone_unless_told_not_to(void **state)
{
	(void)state;
	struct request r;
	must_read(&r, ENDPOINT_CHAT, CHAT(""));
	assert_null(bundle_veto(&r, &help_models[0]));
	assert_string_equal(bundle_veto(&r, &help_models[2]), "its model reasons");
	request_free(&r);
	must_read(&r, ENDPOINT_CHAT, CHAT(",\"reasoning_effort\":\"none\""));
	assert_null(bundle_veto(&r, &help_models[2]));
	request_free(&r);
	must_read(&r, ENDPOINT_RESPONSES, RESPONSE(",\"reasoning\":{\"effort\":\"none\"}"));
	assert_null(bundle_veto(&r, &help_models[2]));
	request_free(&r);
	must_read(&r, ENDPOINT_RESPONSES, RESPONSE(",\"reasoning\":{\"effort\":null}"));
	assert_string_equal(bundle_veto(&r, &help_models[2]), "its model reasons");
	request_free(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_chats_and_responses_travel_together),
		cmocka_unit_test(a_response_that_is_more_than_its_text_goes_alone),
		cmocka_unit_test(an_input_is_a_text_or_messages_whose_last_is_one),
		cmocka_unit_test(a_form_of_a_response_is_flat),
		cmocka_unit_test(responses_have_keys_of_their_own),
		cmocka_unit_test(what_cannot_be_shared_goes_alone),
		cmocka_unit_test(what_says_nothing_is_no_reason),
		cmocka_unit_test(large_requests_go_alone),
		cmocka_unit_test(the_last_message_must_be_one_text_of_a_user),
		cmocka_unit_test(a_text_is_all_that_may_differ),
		cmocka_unit_test(how_an_answer_is_delivered_makes_no_difference),
		cmocka_unit_test(finds_the_text_and_the_form),
		cmocka_unit_test(a_form_that_would_be_lost_goes_alone),
		cmocka_unit_test(a_schema_that_would_mean_another_thing_goes_alone),
		cmocka_unit_test(models_that_reason_go_alone_unless_told_not_to),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
