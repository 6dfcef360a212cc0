/*
 * Proves src/core/key_wish.c and src/core/key.c: what a new key may be, and what a key may ask for.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_fixture.h"

#include "core/key_wish.h"

#define NOW INT64_C(1700000000000000)
#define DAY_US (INT64_C(86400) * 1000000)

static struct key key;
static struct err e;

static int
read_wish(struct key_wish wish)
{
	e = (struct err){ 0 };
	return key_wish_read(&wish, NULL, NOW, &key, &e);
}

static void
wish_becomes_a_key(void **state)
{
	(void)state;
	struct key_wish wish = { .name = STR("team.a:1"),
		.project = STR("shop"),
		.models = STR("gpt-4o-mini, auto"),
		.request_usd = STR("0.05"),
		.daily_usd = STR("2"),
		.weekly_usd = STR("0"),
		.concurrent = STR("8"),
		.expires = STR("30d") };
	assert_int_equal(read_wish(wish), 0);
	assert_string_equal(key.name, "team.a:1");
	assert_string_equal(key.project, "shop");
	assert_string_equal(key.models, "gpt-4o-mini,auto");
	assert_int_equal(key.limits.request_pico, PICO_PER_USD / 20);
	assert_int_equal(key.limits.daily_pico, 2 * PICO_PER_USD);
	assert_int_equal(key.limits.weekly_pico, 0);
	assert_int_equal(key.limits.monthly_pico, -1);
	assert_int_equal(key.concurrent, 8);
	assert_int_equal(key.expires_us, NOW + 30 * DAY_US);
	assert_false(key.revoked);
}

static void
wish_for_a_name_alone_has_no_limits(void **state)
{
	(void)state;
	assert_int_equal(read_wish((struct key_wish){ .name = STR("a") }), 0);
	struct account_limits none = ACCOUNT_UNLIMITED;
	assert_memory_equal(&key.limits, &none, sizeof none);
	assert_string_equal(key.models, "");
	assert_int_equal(key.concurrent, 0);
	assert_int_equal(key.expires_us, 0);
}

static void
refuse(struct key_wish wish, const char *param)
{
	if (read_wish(wish) != -1)
		fail_msg("a bad %s passes", param);
	assert_int_equal(e.status, 400);
	assert_string_equal(e.code, "invalid_value");
	assert_string_equal(e.param, param);
}

static void
names_are_labels_and_mean_nobody_else(void **state)
{
	(void)state;
	static const struct str bad[] = { { NULL, 0 }, { "", 0 }, { "a b", 3 }, { "a\nb", 3 }, { "a\0b", 3 },
		{ "\x1b[31m", 5 }, { "a/b", 3 }, { "k\xc3\xb6", 3 }, { "local", 5 }, { "unknown", 7 },
		{ "1234567890123456789012345678901234567890123456789012345678901234", 64 } };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		refuse((struct key_wish){ .name = bad[i] }, "name");
	refuse((struct key_wish){ .name = STR("a"), .project = STR("") }, "project");
	refuse((struct key_wish){ .name = STR("a"), .project = STR("b/c") }, "project");
}

static void
money_is_plain_decimal_and_not_negative(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "-1", "-0", "much", "1e3", "1,5", " 2", "0x10", "nan", "inf",
		"$2", "10000000", "99999999999999999999" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct str text = str_from(bad[i]);
		refuse((struct key_wish){ .name = STR("a"), .request_usd = text }, "request_usd");
		refuse((struct key_wish){ .name = STR("a"), .daily_usd = text }, "daily_usd");
		refuse((struct key_wish){ .name = STR("a"), .weekly_usd = text }, "weekly_usd");
		refuse((struct key_wish){ .name = STR("a"), .monthly_usd = text }, "monthly_usd");
	}
}

static void
counts_and_times_have_a_range(void **state)
{
	(void)state;
	static const char *const counts[] = { "", "0", "-1", "65537", "1.5", "many", "99999999999999999999" };
	static const char *const times[] = { "", "0", "0d", "-1d", "yesterday", "30", "d", "36501d",
		"2020-01-01" };
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		refuse(
		    (struct key_wish){ .name = STR("a"), .concurrent = str_from(counts[i]) }, "concurrent");
	for (size_t i = 0; i < sizeof times / sizeof *times; i++)
		refuse((struct key_wish){ .name = STR("a"), .expires = str_from(times[i]) }, "expires");
}

static void
models_are_those_that_are_served(void **state)
{
	(void)state;
	struct config *config = good("models:\n  house/one: { as: gpt-4o }\n");
	struct key_wish wish = { .name = STR("a"), .models = STR("auto,house/one,gpt-4o-mini") };
	assert_int_equal(key_wish_read(&wish, config, NOW, &key, &e), 0);
	assert_string_equal(key.models, "auto,house/one,gpt-4o-mini");
	static const char *const bad[] = { "", ",", "gpt-4o,", ",gpt-4o", "gpt-4o,,auto", "no-such-model",
		"gpt-4o auto" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		wish.models = str_from(bad[i]);
		assert_int_equal(key_wish_read(&wish, config, NOW, &key, &e), -1);
		assert_string_equal(e.param, "models");
	}
	config_drop(&config);
}

static void
list_of_models_is_never_cut(void **state)
{
	(void)state;
	struct buf list = { 0 };
	while (list.n + 10 < sizeof key.models)
		assert_int_equal(buf_add(&list, list.n > 0 ? STR(",model-abc") : STR("model-abc")), 0);
	struct key_wish wish = { .name = STR("a"), .models = buf_str(&list) };
	assert_int_equal(read_wish(wish), 0);
	assert_true(str_eq(str_from(key.models), buf_str(&list)));
	assert_int_equal(buf_add(&list, STR(",model-abc")), 0);
	wish.models = buf_str(&list);
	refuse(wish, "models");
	buf_free(&list);
}

static void
key_with_a_list_asks_for_nothing_else(void **state)
{
	(void)state;
	struct key all = { 0 }, some = { .models = "gpt-4o-mini,auto" };
	assert_true(key_allows(&all, STR("gpt-4o")) && key_allows(&all, STR("auto")));
	assert_true(key_allows(&some, STR("gpt-4o-mini")) && key_allows(&some, STR("auto")));
	static const char *const others[] = { "", "gpt-4o", "gpt", "gpt-4o-mini,auto", "AUTO", "mini",
		"auto,", "gpt-4o-mini-2024-07-18" };
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		assert_false(key_allows(&some, str_from(others[i])));
}

static void
key_lives_as_long_as_somebody_holds_it(void **state)
{
	(void)state;
	struct key like = { .name = "a", .in_flight = 5, .holders = 7 }, *none = NULL;
	struct key *k = key_new(&like), *other = k;
	assert_int_equal(k->in_flight, 0);
	key_hold(k);
	key_drop(&k);
	assert_null(k);
	assert_string_equal(other->name, "a");
	key_drop(&other); /* the address sanitizer sees whether it was freed */
	key_drop(&none);
}

static void
change_leaves_what_is_not_said(void **state)
{
	(void)state;
	struct key_wish all = { .name = STR("a"),
		.project = STR("p"),
		.models = STR("auto"),
		.request_usd = STR("1"),
		.daily_usd = STR("2"),
		.weekly_usd = STR("3"),
		.monthly_usd = STR("4"),
		.concurrent = STR("5"),
		.expires = STR("1d") };
	assert_int_equal(read_wish(all), 0);
	struct key before = key;
	struct key_wish none = { .name = STR("a") };
	assert_true(key_wish_is_empty(&none));
	assert_int_equal(key_wish_change(&none, NULL, NOW + 7, &key, &e), 0);
	assert_memory_equal(&key, &before, sizeof key);
	struct key_wish longer = { .expires = STR("2d") };
	assert_false(key_wish_is_empty(&longer));
	assert_int_equal(key_wish_change(&longer, NULL, NOW + 7, &key, &e), 0);
	before.expires_us = NOW + 7 + 2 * DAY_US;
	assert_memory_equal(&key, &before, sizeof key);
}

static void
every_limit_has_a_word_for_none(void **state)
{
	(void)state;
	struct key_wish all = { .name = STR("a"),
		.project = STR("p"),
		.models = STR("auto"),
		.request_usd = STR("1"),
		.daily_usd = STR("2"),
		.weekly_usd = STR("3"),
		.monthly_usd = STR("4"),
		.concurrent = STR("5"),
		.expires = STR("1d") };
	struct key_wish lift = { .name = STR("a"),
		.project = STR("none"),
		.models = STR("all"),
		.request_usd = STR("off"),
		.daily_usd = STR("off"),
		.weekly_usd = STR("off"),
		.monthly_usd = STR("off"),
		.concurrent = STR("default"),
		.expires = STR("never") };
	struct key plain;
	assert_int_equal(read_wish(lift), 0);
	plain = key;
	assert_int_equal(read_wish(all), 0);
	assert_int_equal(key_wish_change(&lift, NULL, NOW, &key, &e), 0);
	struct account_limits unlimited = ACCOUNT_UNLIMITED;
	assert_memory_equal(&key.limits, &unlimited, sizeof unlimited);
	assert_string_equal(key.project, "");
	assert_string_equal(key.models, "");
	assert_int_equal(key.concurrent, 0);
	assert_int_equal(key.expires_us, 0);
	assert_memory_equal(&plain.limits, &unlimited, sizeof unlimited);
	assert_string_equal(plain.project, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wish_becomes_a_key),
		cmocka_unit_test(wish_for_a_name_alone_has_no_limits),
		cmocka_unit_test(names_are_labels_and_mean_nobody_else),
		cmocka_unit_test(money_is_plain_decimal_and_not_negative),
		cmocka_unit_test(counts_and_times_have_a_range),
		cmocka_unit_test_setup(models_are_those_that_are_served, clean_environment),
		cmocka_unit_test(list_of_models_is_never_cut),
		cmocka_unit_test(change_leaves_what_is_not_said),
		cmocka_unit_test(every_limit_has_a_word_for_none),
		cmocka_unit_test(key_with_a_list_asks_for_nothing_else),
		cmocka_unit_test(key_lives_as_long_as_somebody_holds_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
