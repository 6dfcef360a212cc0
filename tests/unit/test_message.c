/*
 * Messages of replies: what is said, what was cut off, and what is no message at all.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../src/stages/message.h"

#define CHAT(message, finish) "{\"choices\":[{\"message\":" message ",\"finish_reason\":" finish "}]}"
#define RESPONSE(status, output) \
	"{\"status\":\"" status "\",\"incomplete_details\":null,\"output\":[" output "]}"
#define MESSAGE(parts) "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[" parts "]}"
#define TEXT(text) "{\"type\":\"output_text\",\"text\":\"" text "\"}"

static enum endpoint
endpoint_of(const char *body)
{
	return strstr(body, "choices") != NULL ? ENDPOINT_CHAT : ENDPOINT_RESPONSES;
}

static void
says(const char *body, const char *said, bool is_cut)
{
	struct buf text = { 0 };
	bool cut = !is_cut;
	const char *why = message_read(endpoint_of(body), str_from(body), &text, &cut);
	if (why != NULL)
		fail_msg("%s: %s", body, why);
	if (!str_eq(buf_str(&text), str_from(said)) || cut != is_cut)
		fail_msg("%s: \"%.*s\"%s", body, STR_FMT(buf_str(&text)), cut ? ", cut off" : "");
	buf_free(&text);
}

static void
says_nothing(const char *body, const char *why)
{
	struct buf text = { 0 };
	bool cut;
	const char *is = message_read(endpoint_of(body), str_from(body), &text, &cut);
	if (is == NULL || strcmp(is, why) != 0)
		fail_msg("%s: \"%s\", not \"%s\"", body, is != NULL ? is : "a message", why);
	buf_free(&text);
}

static const char none[] = "the reply has no message", stopped[] = "the reply was stopped";

static void
a_chat_says_its_content(void **state)
{
	(void)state;
	says(CHAT("{\"content\":\"a\\nb\"}", "\"stop\""), "a\nb", false);
	says(CHAT("{\"content\":\"a\"}", "\"length\""), "a", true);
	says(CHAT("{\"content\":\"\"}", "\"stop\""), "", false);
	says_nothing(CHAT("{\"content\":\"a\"}", "\"content_filter\""), stopped);
	says_nothing(CHAT("{\"content\":\"a\"}", "null"), stopped);
	says_nothing(CHAT("{\"content\":null,\"refusal\":\"no\"}", "\"stop\""), none);
	says_nothing("{\"choices\":[{\"message\":{\"content\":\"a\"}}]}", none);
	says_nothing("{\"choices\":[]}", none);
	says_nothing("{\"choices\":{}}", none);
	says_nothing("{\"choices\":[", none);
}

static void
a_response_says_all_texts_of_its_messages(void **state)
{
	(void)state;
	says(RESPONSE("completed", MESSAGE(TEXT("a\\nb"))), "a\nb", false);
	says(RESPONSE(
		 "completed", "{\"type\":\"reasoning\",\"summary\":[{\"text\":\"hm\"}],\"content\":[" TEXT(
				  "hm") "]}," MESSAGE(TEXT("a") "," TEXT("b")) "," MESSAGE(TEXT("c"))),
	    "abc", false);
	says_nothing(RESPONSE("completed", ""), none);
	says_nothing(RESPONSE("completed", MESSAGE("")), none);
	says_nothing(RESPONSE("completed", "{\"type\":\"function_call\",\"arguments\":\"{}\"}"), none);
	says_nothing(RESPONSE("completed", MESSAGE("{\"type\":\"other\",\"text\":\"a\"}")), none);
	says_nothing(RESPONSE("completed", MESSAGE("{\"type\":\"output_text\",\"text\":1}")), none);
	says_nothing("{\"output\":[" MESSAGE(TEXT("a")) "]}", none);
	says_nothing("[\"output\",3]", none);
}

static void
a_response_that_did_not_end_as_it_should_says_nothing(void **state)
{
	(void)state;
	says_nothing(RESPONSE("failed", MESSAGE(TEXT("a"))), stopped);
	says_nothing(RESPONSE("in_progress", MESSAGE(TEXT("a"))), stopped);
	says_nothing(RESPONSE("cancelled", MESSAGE(TEXT("a"))), stopped);
	says_nothing(RESPONSE("incomplete", MESSAGE(TEXT("a"))), stopped);
	says_nothing("{\"status\":\"incomplete\",\"incomplete_details\":{\"reason\":\"content_filter\"},"
		     "\"output\":[" MESSAGE(TEXT("a")) "]}",
	    stopped);
	says_nothing(
	    RESPONSE("completed", MESSAGE("{\"type\":\"refusal\",\"refusal\":\"no\"}")), "the model refused");
	says_nothing(RESPONSE("completed", MESSAGE(TEXT("a") ",{\"type\":\"refusal\",\"refusal\":\"no\"}")),
	    "the model refused");
}

static void
a_response_at_its_limit_was_cut_off(void **state)
{
	(void)state;
	says("{\"status\":\"incomplete\",\"incomplete_details\":{\"reason\":\"max_output_tokens\"},"
	     "\"output\":[" MESSAGE(TEXT("a")) "]}",
	    "a", true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_chat_says_its_content),
		cmocka_unit_test(a_response_says_all_texts_of_its_messages),
		cmocka_unit_test(a_response_that_did_not_end_as_it_should_says_nothing),
		cmocka_unit_test(a_response_at_its_limit_was_cut_off),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
