/*
 * Proves src/core/usage.c: what each dialect of usage means, and what it costs.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/usage.h"

/* Reads TEXT as the usage of a reply; it stands behind another member, since node 0 means absent. */
static bool
read_text(const char *text, struct usage *u)
{
	struct json j = { 0 };
	struct json_fault fault;
	struct buf reply = { 0 };
	assert_int_equal(buf_printf(&reply, "{\"id\":1,\"usage\":%s}", text), 0);
	if (json_scan(&j, buf_str(&reply), JSON_LIMITS, &fault) != 0)
		fail_msg("%s: %s", text, fault.text);
	uint32_t node = json_member(&j, 0, "usage");
	assert_true(node != 0);
	bool known = usage_read(&j, node, u);
	json_free(&j);
	buf_free(&reply);
	return known;
}

struct row {
	const char *text;
	int64_t input, cached, write, output, reasoning;
};

static void
check_rows(const struct row *rows, size_t count, bool estimated)
{
	for (size_t i = 0; i < count; i++) {
		const struct row *r = &rows[i];
		struct usage u = { 0 };
		if (!read_text(r->text, &u))
			fail_msg("not read: %s", r->text);
		bool same = u.known && u.input == r->input && u.cached_input == r->cached &&
			    u.cache_write == r->write && u.output == r->output &&
			    u.reasoning == r->reasoning && u.estimated == estimated;
		if (!same)
			fail_msg("%s: %sinput %lld cached %lld write %lld output %lld reasoning %lld",
			    r->text, u.estimated ? "estimated, " : "", (long long)u.input,
			    (long long)u.cached_input, (long long)u.cache_write, (long long)u.output,
			    (long long)u.reasoning);
	}
}

#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof *(rows), false)
#define CHECK_DOUBTED(rows) check_rows(rows, sizeof(rows) / sizeof *(rows), true)

static void
openai_dialects_are_read(void **state)
{
	(void)state;
	static const struct row rows[] = {
		/* chat and completions */
		{ "{\"prompt_tokens\":19,\"completion_tokens\":10,\"total_tokens\":29}", 19, 0, 0, 10, 0 },
		{ "{\"prompt_tokens\":2006,\"completion_tokens\":300,\"total_tokens\":2306,"
		  "\"prompt_tokens_details\":{\"cached_tokens\":1920,\"audio_tokens\":0,\"cache_write_"
		  "tokens\":50},"
		  "\"completion_tokens_details\":{\"reasoning_tokens\":256,\"accepted_prediction_tokens\":0}"
		  "}",
		    2006, 1920, 50, 300, 256 },
		{ "{\"prompt_tokens\":5,\"completion_tokens\":7,\"prompt_tokens_details\":null,"
		  "\"completion_tokens_details\":null}",
		    5, 0, 0, 7, 0 },
		{ "{\"prompt_tokens\":5,\"completion_tokens\":7,\"prompt_tokens_details\":{\"cached_tokens\":"
		  "null}}",
		    5, 0, 0, 7, 0 },
		/* zero is a value */
		{ "{\"prompt_tokens\":0,\"completion_tokens\":0,\"total_tokens\":0}", 0, 0, 0, 0, 0 },
		/* members nobody knows yet */
		{ "{\"prompt_tokens\":10,\"completion_tokens\":5,\"cost\":0.5,\"x\":{\"cached_tokens\":3}}",
		    10, 0, 0, 5, 0 },
		/* responses */
		{ "{\"input_tokens\":36,\"input_tokens_details\":{\"cached_tokens\":30,\"cache_write_"
		  "tokens\":4},"
		  "\"output_tokens\":87,\"output_tokens_details\":{\"reasoning_tokens\":80},\"total_tokens\":"
		  "123}",
		    36, 30, 4, 87, 80 },
		/* embeddings */
		{ "{\"prompt_tokens\":8,\"total_tokens\":8}", 8, 0, 0, 0, 0 },
		{ "{\"prompt_tokens\":8}", 8, 0, 0, 0, 0 },
		/* the largest number of all */
		{ "{\"prompt_tokens\":9007199254740992,\"completion_tokens\":1}", INT64_C(9007199254740992),
		    0, 0, 1, 0 },
	};
	CHECK_ROWS(rows);
}

static void
dialects_of_others_come_to_the_same(void **state)
{
	(void)state;
	static const struct row rows[] = {
		/* Anthropic: the cached tokens are not in input_tokens */
		{ "{\"input_tokens\":10,\"cache_read_input_tokens\":100,\"cache_creation_input_tokens\":20,"
		  "\"output_tokens\":5}",
		    130, 100, 20, 5, 0 },
		{ "{\"input_tokens\":0,\"cache_read_input_tokens\":100,\"cache_creation_input_tokens\":null,"
		  "\"output_tokens\":5}",
		    100, 100, 0, 5, 0 },
		{ "{\"input_tokens\":10,\"input_tokens_details\":null,\"cache_read_input_tokens\":3,"
		  "\"output_tokens\":5}",
		    13, 3, 0, 5, 0 },
		/* the same names beside OpenAI's, which include them already */
		{ "{\"prompt_tokens\":130,\"completion_tokens\":5,\"cache_read_input_tokens\":100,"
		  "\"cache_creation_input_tokens\":20}",
		    130, 100, 20, 5, 0 },
		{ "{\"input_tokens\":130,\"input_tokens_details\":{\"cached_tokens\":90},\"output_tokens\":5,"
		  "\"cache_read_input_tokens\":100}",
		    130, 90, 0, 5, 0 },
		/* DeepSeek */
		{ "{\"prompt_tokens\":100,\"completion_tokens\":9,\"total_tokens\":109,"
		  "\"prompt_cache_hit_tokens\":64,\"prompt_cache_miss_tokens\":36}",
		    100, 64, 0, 9, 0 },
		{ "{\"prompt_cache_hit_tokens\":64,\"prompt_cache_miss_tokens\":36,\"completion_tokens\":9}",
		    100, 64, 0, 9, 0 },
		/* Anthropic with a total, and behind a translation that leaves the cached tokens beside the others */
		{ "{\"input_tokens\":10,\"cache_read_input_tokens\":100,\"output_tokens\":5,\"total_tokens\":"
		  "15}",
		    110, 100, 0, 5, 0 },
		{ "{\"input_tokens\":10,\"cache_read_input_tokens\":100,\"output_tokens\":5,\"total_tokens\":"
		  "115,"
		  "\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,\"ephemeral_1h_input_tokens\":0},"
		  "\"server_tool_use\":{\"web_search_requests\":0},\"service_tier\":\"standard\"}",
		    110, 100, 0, 5, 0 },
		{ "{\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":135,"
		  "\"prompt_tokens_details\":{\"cached_tokens\":100,\"cache_creation_tokens\":20}}",
		    130, 100, 20, 5, 0 },
		/* both beside, and the total says so */
		{ "{\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":122,"
		  "\"prompt_tokens_details\":{\"cached_tokens\":100},\"completion_tokens_details\":{"
		  "\"reasoning_tokens\":7}}",
		    110, 100, 0, 12, 7 },
		/* as many cached as reasoned: one of them stands beside, and that is the dearer one */
		{ "{\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":19,"
		  "\"prompt_tokens_details\":{\"cached_tokens\":4},\"completion_tokens_details\":{"
		  "\"reasoning_tokens\":4}}",
		    10, 4, 0, 9, 4 },
		/* Moonshot, Together */
		{ "{\"prompt_tokens\":100,\"completion_tokens\":9,\"total_tokens\":109,\"cached_tokens\":64}",
		    100, 64, 0, 9, 0 },
		/* Mistral */
		{ "{\"prompt_tokens\":100,\"completion_tokens\":9,\"total_tokens\":109,\"prompt_audio_"
		  "seconds\":null,"
		  "\"num_cached_tokens\":64}",
		    100, 64, 0, 9, 0 },
		/* Groq: times */
		{ "{\"queue_time\":0.02,\"prompt_tokens\":18,\"prompt_time\":0.001,\"completion_tokens\":20,"
		  "\"completion_time\":0.05,\"total_tokens\":38,\"total_time\":0.051}",
		    18, 0, 0, 20, 0 },
		/* OpenRouter: a price of its own, in credits */
		{ "{\"prompt_tokens\":194,\"completion_tokens\":2,\"total_tokens\":196,\"cost\":0.95,\"is_"
		  "byok\":false,"
		  "\"cost_details\":{\"upstream_inference_cost\":19},\"prompt_tokens_details\":{\"cached_"
		  "tokens\":3,"
		  "\"cache_write_tokens\":100,\"audio_tokens\":0,\"video_tokens\":0},"
		  "\"completion_tokens_details\":{\"reasoning_tokens\":1,\"image_tokens\":0}}",
		    194, 3, 100, 2, 1 },
		/* both names, and 0 under the one that is not meant */
		{ "{\"prompt_tokens\":30,\"completion_tokens\":7,\"total_tokens\":37,\"input_tokens\":0,"
		  "\"output_tokens\":0}",
		    30, 0, 0, 7, 0 },
		{ "{\"prompt_tokens\":0,\"completion_tokens\":0,\"input_tokens\":30,\"output_tokens\":7,"
		  "\"input_tokens_details\":{\"cached_tokens\":4}}",
		    30, 4, 0, 7, 0 },
		/* images that were read */
		{ "{\"prompt_tokens\":300,\"completion_tokens\":7,\"total_tokens\":307,"
		  "\"prompt_tokens_details\":{\"text_tokens\":44,\"image_tokens\":256}}",
		    300, 0, 0, 7, 0 },
		/* a prediction is in the completion */
		{ "{\"prompt_tokens\":30,\"completion_tokens\":70,\"total_tokens\":100,"
		  "\"completion_tokens_details\":{\"accepted_prediction_tokens\":9,\"rejected_prediction_"
		  "tokens\":40}}",
		    30, 0, 0, 70, 0 },
		/* xAI: reasoning is not in completion_tokens, as the total proves */
		{ "{\"prompt_tokens\":32,\"completion_tokens\":9,\"total_tokens\":341,"
		  "\"completion_tokens_details\":{\"reasoning_tokens\":300}}",
		    32, 0, 0, 309, 300 },
	};
	CHECK_ROWS(rows);
}

static void
parts_are_cut_to_their_whole_and_doubted(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "{\"prompt_tokens\":10,\"completion_tokens\":5,\"prompt_tokens_details\":{\"cached_"
		  "tokens\":11}}",
		    10, 10, 0, 5, 0 },
		{ "{\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":15,\"completion_tokens_"
		  "details\":"
		  "{\"reasoning_tokens\":6}}",
		    10, 0, 0, 5, 5 },
		/* without a total, more reasoning than answer can only stand beside it */
		{ "{\"prompt_tokens\":10,\"completion_tokens\":5,\"completion_tokens_details\":{\"reasoning_"
		  "tokens\":6}}",
		    10, 0, 0, 11, 6 },
		{ "{\"prompt_tokens\":10,\"completion_tokens\":5,"
		  "\"prompt_tokens_details\":{\"cached_tokens\":8,\"cache_write_tokens\":4}}",
		    10, 6, 4, 5, 0 },
		{ "{\"prompt_tokens\":10,\"completion_tokens\":5,\"prompt_tokens_details\":{\"cache_write_"
		  "tokens\":40}}",
		    10, 0, 10, 5, 0 },
		{ "{\"prompt_tokens\":1,\"completion_tokens\":5,\"prompt_cache_hit_tokens\":64,"
		  "\"prompt_cache_miss_tokens\":0}",
		    1, 1, 0, 5, 0 },
	};
	CHECK_DOUBTED(rows);
}

static void
total_that_is_no_sum_is_doubted(void **state)
{
	(void)state;
	static const struct row rows[] = {
		/* Gemini's thoughts: output that is named nowhere */
		{ "{\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":99}", 10, 0, 0, 89, 0 },
		{ "{\"prompt_tokens\":10,\"completion_tokens\":0,\"total_tokens\":60}", 10, 0, 0, 50, 0 },
		{ "{\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":3}", 10, 0, 0, 5, 0 },
		{ "{\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":0}", 10, 0, 0, 5, 0 },
		{ "{\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":-10}", 10, 0, 0, 5, 0 },
		{ "{\"input_tokens\":10,\"output_tokens\":5,\"total_tokens\":\"15\"}", 10, 0, 0, 5, 0 },
	};
	CHECK_DOUBTED(rows);
}

static void
nonsense_in_a_part_is_doubted(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "{\"prompt_tokens\":5,\"completion_tokens\":6,\"prompt_tokens_details\":{\"cached_tokens\":"
		  "-5}}",
		    5, 0, 0, 6, 0 },
		{ "{\"prompt_tokens\":5,\"completion_tokens\":6,\"prompt_tokens_details\":{\"cached_tokens\":"
		  "9007199254740993}}",
		    5, 0, 0, 6, 0 },
		{ "{\"prompt_tokens\":5,\"completion_tokens\":6,\"completion_tokens_details\":{\"reasoning_"
		  "tokens\":\"\"}}",
		    5, 0, 0, 6, 0 },
		{ "{\"input_tokens\":5,\"output_tokens\":6,\"cache_creation_input_tokens\":1.5}", 5, 0, 0, 6,
		    0 },
	};
	CHECK_DOUBTED(rows);
}

#define WITH(members) "{\"prompt_tokens\":9,\"completion_tokens\":6,\"total_tokens\":15," members "}"

static void
what_the_prices_do_not_cover_is_doubted(void **state)
{
	(void)state;
	static const char *const texts[] = {
		WITH("\"prompt_tokens_details\":{\"audio_tokens\":3}"),
		WITH("\"completion_tokens_details\":{\"audio_tokens\":3}"),
		WITH("\"completion_tokens_details\":{\"image_tokens\":3}"),
		WITH("\"prompt_tokens_details\":{\"video_tokens\":1.5}"),
		WITH("\"prompt_audio_seconds\":7"),
		WITH("\"server_tool_use\":{\"web_search_requests\":1}"),
		WITH("\"tool_usage\":{\"web\":1}"),
		WITH("\"tool_use_prompt_tokens\":1"),
		WITH("\"num_search_queries\":2"),
		WITH("\"num_sources_used\":2"),
		WITH("\"citation_tokens\":2"),
		WITH("\"cache_creation\":{\"ephemeral_1h_input_tokens\":5}"),
		WITH("\"tokens_of_tomorrow\":{\"dream_tokens\":5}"),
		WITH("\"dream_t\\u006fkens\":5"),
		WITH("\"service_tier\":\"priority\""),
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct row row = { texts[i], 9, 0, 0, 6, 0 };
		check_rows(&row, 1, true);
	}
	static const char *const harmless[] = {
		WITH("\"prompt_tokens_details\":{\"audio_tokens\":0,\"video_tokens\":null}"),
		WITH("\"num_search_queries\":0"),
		WITH("\"service_tier\":\"default\""),
		WITH("\"tps\":120.5,\"latency\":3,\"cost\":{\"total_cost\":1}"),
		WITH("\"search_context_size\":\"low\""),
	};
	for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++) {
		struct row row = { harmless[i], 9, 0, 0, 6, 0 };
		check_rows(&row, 1, false);
	}
}

static void
nonsense_is_unknown_and_changes_nothing(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"null",
		"[]",
		"7",
		"\"12\"",
		"true",
		"{}",
		"{\"total_tokens\":12}",
		"{\"completion_tokens\":12}",
		"{\"prompt_tokens\":null,\"completion_tokens\":5}",
		"{\"prompt_tokens\":5,\"completion_tokens\":null}",
		"{\"prompt_tokens\":-1,\"completion_tokens\":5}",
		"{\"prompt_tokens\":5,\"completion_tokens\":-1}",
		"{\"prompt_tokens\":\"5\",\"completion_tokens\":5}",
		"{\"prompt_tokens\":5,\"completion_tokens\":[5]}",
		"{\"prompt_tokens\":5.5,\"completion_tokens\":5}",
		"{\"prompt_tokens\":1e3,\"completion_tokens\":5}",
		"{\"prompt_tokens\":9007199254740993,\"completion_tokens\":5}",
		"{\"prompt_tokens\":9223372036854775808,\"completion_tokens\":5}",
		"{\"prompt_tokens\":5,\"completion_tokens\":18446744073709551616}",
		"{\"input_tokens\":9007199254740992,\"cache_read_input_tokens\":1,\"output_tokens\":5}",
		/* something came out, and nobody says how much */
		"{\"prompt_tokens\":8,\"total_tokens\":20}",
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct usage u = { .known = true, .input = 77, .output = 78 };
		if (read_text(texts[i], &u))
			fail_msg("read: %s", texts[i]);
		assert_true(u.known && u.input == 77 && u.output == 78);
	}
}

static void
absent_usage_is_unknown(void **state)
{
	(void)state;
	struct json j = { 0 };
	struct json_fault fault;
	struct usage u = { 0 };
	assert_int_equal(
	    json_scan(&j, STR("{\"prompt_tokens\":1,\"completion_tokens\":1}"), JSON_LIMITS, &fault), 0);
	assert_false(usage_read(&j, json_member(&j, 0, "usage"), &u));
	assert_false(u.known);
	json_free(&j);
}

static void
cost_counts_every_token_once(void **state)
{
	(void)state;
	/* given 1000 input tokens, 600 of them cached and 100 written to the cache */
	struct price price = { .known = true,
		.input = 5,
		.cached_input = 2,
		.cache_write = 7,
		.output = 11,
		.reasoning = 13,
		.fee = 100000 };
	struct usage u = { .known = true,
		.input = 1000,
		.cached_input = 600,
		.cache_write = 100,
		.output = 50,
		.reasoning = 40 };
	int64_t pico = -1;
	/* when, then */
	assert_true(usage_cost(&u, &price, &pico));
	assert_int_equal(pico, 300 * 5 + 600 * 2 + 100 * 7 + 10 * 11 + 40 * 13 + 100000);
}

static void
estimated_usage_costs_the_most_it_can(void **state)
{
	(void)state;
	struct price price = { .known = true,
		.input = 5,
		.cached_input = 2,
		.cache_write = 7,
		.output = 11,
		.reasoning = 13,
		.fee = 100000 };
	struct usage u = {
		.known = true, .estimated = true, .input = 1000, .cached_input = 600, .output = 50
	};
	int64_t pico = -1;
	assert_true(usage_cost(&u, &price, &pico));
	assert_int_equal(pico, 1000 * 7 + 50 * 13 + 100000);
	/* and never less than the same usage taken at its word */
	int64_t exact;
	u.estimated = false;
	assert_true(usage_cost(&u, &price, &exact));
	assert_true(exact <= pico);
	u.estimated = true;
	price.fee = INT64_MAX - 7000;
	exact = 77;
	assert_false(usage_cost(&u, &price, &exact));
	assert_int_equal(exact, 77);
}

static void
cost_of_a_real_call_is_exact(void **state)
{
	(void)state;
	struct usage u;
	int64_t pico = -1;
	assert_true(read_text("{\"prompt_tokens\":19,\"completion_tokens\":10,\"total_tokens\":29}", &u));
	assert_true(usage_cost(&u, &catalogue_find(STR("gpt-4o-mini"))->price, &pico));
	assert_int_equal(pico, 19 * 150000 + 10 * 600000);
	assert_true(read_text("{\"prompt_tokens\":0,\"completion_tokens\":0}", &u));
	assert_true(usage_cost(&u, &catalogue_find(STR("gpt-4o-mini"))->price, &pico));
	assert_int_equal(pico, 0);
}

static void
unknown_is_never_free(void **state)
{
	(void)state;
	struct price price = { .known = true, .input = 5, .output = 11 }, none = { 0 };
	struct usage u = { .known = true, .input = 1000 }, unknown = { 0 };
	int64_t pico = -1;
	assert_false(usage_cost(&u, &none, &pico));
	assert_false(usage_cost(&unknown, &price, &pico));
	assert_int_equal(pico, -1);
}

static void
cost_that_overflows_is_unknown(void **state)
{
	(void)state;
	struct price price = { .known = true, .input = 1000, .cached_input = 1000, .output = 1000 };
	struct usage most = { .known = true, .input = INT64_C(9007199254740992), .output = 216172782113783 };
	int64_t pico = -1;
	/* One product that fits, and two of which the sum does not. */
	assert_true(usage_cost(&most, &price, &pico));
	assert_int_equal(pico, INT64_C(9223372036854775000));
	most.output += 1;
	pico = -1;
	assert_false(usage_cost(&most, &price, &pico));
	price.input = 1025;
	assert_false(usage_cost(&most, &price, &pico));
	assert_int_equal(pico, -1);
}

static void
basis_has_a_name(void **state)
{
	(void)state;
	assert_string_equal(cost_basis_name(COST_NONE), "none");
	assert_string_equal(cost_basis_name(COST_EXACT), "exact");
	assert_string_equal(cost_basis_name(COST_ESTIMATED), "estimated");
	assert_string_equal(cost_basis_name(COST_HELD), "held");
	assert_string_equal(cost_basis_name(COST_UNPRICED), "unpriced");
	assert_string_equal(cost_basis_name((enum cost_basis)99), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(openai_dialects_are_read),
		cmocka_unit_test(dialects_of_others_come_to_the_same),
		cmocka_unit_test(parts_are_cut_to_their_whole_and_doubted),
		cmocka_unit_test(total_that_is_no_sum_is_doubted),
		cmocka_unit_test(nonsense_in_a_part_is_doubted),
		cmocka_unit_test(what_the_prices_do_not_cover_is_doubted),
		cmocka_unit_test(nonsense_is_unknown_and_changes_nothing),
		cmocka_unit_test(absent_usage_is_unknown),
		cmocka_unit_test(cost_counts_every_token_once),
		cmocka_unit_test(estimated_usage_costs_the_most_it_can),
		cmocka_unit_test(cost_of_a_real_call_is_exact),
		cmocka_unit_test(unknown_is_never_free),
		cmocka_unit_test(cost_that_overflows_is_unknown),
		cmocka_unit_test(basis_has_a_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
