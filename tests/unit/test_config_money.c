/*
 * What a configuration says of money: prices and their history, budgets, projects, alerts.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_fixture.h"

#include "base/clock.h"

#define USD(cents) ((int64_t)(cents) * (PICO_PER_USD / 100))
#define DAY_US (INT64_C(86400) * 1000000)
#define NEW_YEAR_2026_US (INT64_C(1767225600) * 1000000)

static const struct model_conf *
model(const struct config *c, const char *name)
{
	const struct model_conf *m = config_model(c, str_from(name));
	assert_non_null(m);
	return m;
}

static void
model_has_a_price_of_every_kind(void **state)
{
	(void)state;
	struct config *c =
	    good("models:\n"
		 "  m: { input_usd: 2, cached_input_usd: 0.5, cache_write_usd: 2.5, output_usd: 8,\n"
		 "       reasoning_usd: 9, batch_input_usd: 1, batch_output_usd: 4, training_usd: 25,\n"
		 "       fee_usd: 0.01 }\n");
	const struct price *p = &model(c, "m")->price;
	assert_true(p->known);
	assert_int_equal(p->input, 2000000);
	assert_int_equal(p->cached_input, 500000);
	assert_int_equal(p->cache_write, 2500000);
	assert_int_equal(p->output, 8000000);
	assert_int_equal(p->reasoning, 9000000);
	assert_int_equal(p->batch_input, 1000000);
	assert_int_equal(p->batch_output, 4000000);
	assert_int_equal(p->training, 25000000);
	assert_int_equal(p->fee, USD(1));
	config_drop(&c);
}

static void
price_left_out_is_never_the_cheaper_one(void **state)
{
	(void)state;
	struct config *c = good("models:\n"
				"  m: { input_usd: 2, output_usd: 8 }\n"
				"  gpt-4o: { input_usd: 1, output_usd: 20 }\n");
	const struct price *p = &model(c, "m")->price;
	assert_int_equal(p->cached_input, 2000000);
	assert_int_equal(p->cache_write, 2000000);
	assert_int_equal(p->reasoning, 8000000);
	assert_int_equal(p->batch_input, 0);
	assert_int_equal(p->fee, 0);
	/* The catalogue's discounts stay only as long as they are discounts. */
	p = &model(c, "gpt-4o")->price;
	assert_int_equal(p->cached_input, 1000000);
	assert_int_equal(p->reasoning, 20000000);
	assert_true(p->batch_input <= 1000000 && p->batch_output <= 20000000);
	config_drop(&c);
}

static void
history_prices_every_time_by_what_was_in_force(void **state)
{
	(void)state;
	clock_fake(0, NEW_YEAR_2026_US + DAY_US);
	struct config *c = good(
	    "models:\n"
	    "  m:\n"
	    "    input_usd: 4\n"
	    "    output_usd: 16\n"
	    "    prices:\n"
	    "      - { from: 2027-01-01, input_usd: 1, output_usd: 4 }\n"
	    "      - { from: 2026-01-01T00:00:00Z, input_usd: 2, output_usd: 8, cached_input_usd: 1 }\n");
	const struct model_conf *m = model(c, "m");
	assert_int_equal(m->history_count, 3);
	assert_int_equal(m->price.input, 2000000);
	assert_int_equal(config_price_at(m, 0)->input, 4000000);
	assert_int_equal(config_price_at(m, NEW_YEAR_2026_US - 1)->input, 4000000);
	assert_int_equal(config_price_at(m, NEW_YEAR_2026_US)->input, 2000000);
	assert_int_equal(config_price_at(m, NEW_YEAR_2026_US)->cached_input, 1000000);
	assert_int_equal(config_price_at(m, NEW_YEAR_2026_US + 365 * DAY_US)->input, 1000000);
	assert_int_equal(config_price_at(m, NEW_YEAR_2026_US + 365 * DAY_US)->cached_input, 1000000);
	assert_int_equal(config_price_at(m, INT64_MAX)->output, 4000000);
	config_drop(&c);
	clock_fake(-1, -1);
}

static void
time_before_all_prices_is_unpriced(void **state)
{
	(void)state;
	clock_fake(0, NEW_YEAR_2026_US + DAY_US);
	struct config *c =
	    good("models: { m: { prices: [{ from: 2026-01-01, input_usd: 2, output_usd: 8 }] } }");
	const struct model_conf *m = model(c, "m");
	assert_true(m->price.known);
	assert_false(config_price_at(m, NEW_YEAR_2026_US - 1)->known);
	assert_true(config_price_at(m, NEW_YEAR_2026_US)->known);
	config_drop(&c);
	clock_fake(-1, -1);
}

static void
model_without_history_has_one_price_for_all_times(void **state)
{
	(void)state;
	struct config *c = good("");
	const struct model_conf *m = model(c, "gpt-4o");
	assert_ptr_equal(config_price_at(m, 0), &m->price);
	assert_ptr_equal(config_price_at(m, INT64_MAX), &m->price);
	config_drop(&c);
}

static void
tuned_model_has_the_price_of_its_family(void **state)
{
	(void)state;
	const struct catalogue_model *family = catalogue_find(STR("ft:gpt-4o-mini-2024-07-18"));
	assert_non_null(family);
	const char *tuned = "ft:gpt-4o-mini-2024-07-18:acme:shop:abc123";
	struct config *c = good("models: { mine: { as: 'ft:gpt-4o-mini-2024-07-18:acme:shop:abc123' } }");
	const struct model_conf *m = model(c, tuned);
	assert_true(m->family && m->price.known);
	assert_int_equal(m->price.input, family->price.input);
	assert_true(m->price.input > model(c, "gpt-4o-mini-2024-07-18")->price.input);
	assert_int_equal(model(c, "mine")->price.input, family->price.input);
	assert_false(model(c, "mine")->family);
	/* Of a family that is not in the catalogue nothing is known, least of all that it costs what its base does. */
	assert_null(config_model(c, STR("ft:gpt-9:acme::x")));
	assert_null(config_model(c, STR("ft:")));
	assert_null(config_model(c, STR("ft::acme::x")));
	assert_null(config_model(c, STR("ft:gpt-4o-mini:acme::x")));
	config_drop(&c);
}

static void
listed_tuned_model_comes_before_its_family(void **state)
{
	(void)state;
	struct config *c = good("models:\n"
				"  'ft:gpt-4o-mini-2024-07-18:acme::a': { input_usd: 7, output_usd: 9 }\n"
				"  'ft:gpt-4o-2024-08-06': { as: 'ft:gpt-4o-2024-08-06:acme::b' }\n");
	assert_int_equal(model(c, "ft:gpt-4o-mini-2024-07-18:acme::a")->price.input, 7000000);
	/* A family's name that stands in the file is a model like any other: it serves nobody else. */
	assert_null(config_model(c, STR("ft:gpt-4o-2024-08-06:other::c")));
	config_drop(&c);
	c = good("catalogue: false\nmodels: { m: { free: true } }\n");
	assert_null(config_model(c, STR("ft:gpt-4o-2024-08-06:acme::a")));
	config_drop(&c);
}

static void
guard_has_times_and_a_durability(void **state)
{
	(void)state;
	struct config *c = good("");
	assert_int_equal(c->budget.drain_ms, 30000);
	assert_int_equal(c->budget.wait_ms, 2000);
	assert_false(c->budget.power_safe);
	config_drop(&c);
	c = good("budget: { drain: 0, wait: 0, durability: power }\n"
		 "tasks: { t: { budget: { drain: 5s } } }\n");
	assert_int_equal(c->budget.drain_ms, 0);
	assert_int_equal(c->budget.wait_ms, 0);
	assert_true(c->budget.power_safe);
	assert_int_equal(config_task(c, STR("t"))->budget.drain_ms, 5000);
	assert_true(config_task(c, STR("t"))->budget.power_safe);
	config_drop(&c);
}

static void
limit_of_zero_is_a_limit(void **state)
{
	(void)state;
	struct config *c = good("budget: { request_usd: 0, daily_usd: 0.00, weekly_usd: 0, monthly_usd: 0 }");
	assert_int_equal(c->budget.request_pico, 0);
	assert_int_equal(c->budget.daily_pico, 0);
	assert_int_equal(c->budget.weekly_pico, 0);
	assert_int_equal(c->budget.monthly_pico, 0);
	config_drop(&c);
}

static void
task_has_a_limit_of_its_own_for_a_request(void **state)
{
	(void)state;
	struct config *c =
	    good("budget: { request_usd: 0.10 }\n"
		 "tasks: { a: { budget: { request_usd: 0.50 } }, b: { budget: off }, c: {} }\n");
	assert_int_equal(config_task(c, STR("a"))->budget.request_pico, USD(50));
	assert_int_equal(config_task(c, STR("b"))->budget.request_pico, -1);
	assert_int_equal(config_task(c, STR("c"))->budget.request_pico, USD(10));
	assert_int_equal(config_task(c, STR("a"))->budget.daily_pico, -1);
	config_drop(&c);
}

static void
project_has_four_limits(void **state)
{
	(void)state;
	struct config *c =
	    good("projects:\n"
		 "  shop: { budget: { request_usd: 0.01, daily_usd: 1, weekly_usd: 5, monthly_usd: 10 } }\n"
		 "  a.b:c_d-1: {}\n"
		 "  closed: { budget: { daily_usd: 0 } }\n"
		 "  open: { budget: off }\n");
	assert_int_equal(c->project_count, 4);
	const struct project_conf *shop = config_project(c, STR("shop"));
	assert_non_null(shop);
	assert_string_equal(shop->name, "shop");
	assert_int_equal(shop->budget.request_pico, USD(1));
	assert_int_equal(shop->budget.daily_pico, USD(100));
	assert_int_equal(shop->budget.weekly_pico, USD(500));
	assert_int_equal(shop->budget.monthly_pico, USD(1000));
	/* The gateway's own limits are not repeated in each project. */
	const struct project_conf *bare = config_project(c, STR("a.b:c_d-1"));
	assert_int_equal(bare->budget.request_pico, -1);
	assert_int_equal(bare->budget.daily_pico, -1);
	assert_int_equal(config_project(c, STR("closed"))->budget.daily_pico, 0);
	assert_int_equal(config_project(c, STR("open"))->budget.monthly_pico, -1);
	assert_null(config_project(c, STR("nobody")));
	assert_null(config_project(c, STR("")));
	config_drop(&c);
}

static void
alerts_have_shares_and_a_webhook(void **state)
{
	(void)state;
	struct config *c = good("");
	assert_int_equal(c->alerts.share_count, 3);
	assert_int_equal(c->alerts.shares[0], 50);
	assert_int_equal(c->alerts.shares[1], 80);
	assert_int_equal(c->alerts.shares[2], 95);
	assert_string_equal(c->alerts.webhook, "");
	config_drop(&c);
	c = good("alerts: { at: [1, 100], webhook: 'https://hooks.example.com/T0/B0/?a=b' }");
	assert_int_equal(c->alerts.share_count, 2);
	assert_int_equal(c->alerts.shares[1], 100);
	assert_string_equal(c->alerts.webhook, "https://hooks.example.com/T0/B0/?a=b");
	config_drop(&c);
	c = good("alerts: { at: [], webhook: null }");
	assert_int_equal(c->alerts.share_count, 0);
	assert_string_equal(c->alerts.webhook, "");
	config_drop(&c);
	c = good("alerts: off");
	assert_int_equal(c->alerts.share_count, 0);
	config_drop(&c);
}

static void
webhook_may_stand_in_a_file_and_is_never_shown(void **state)
{
	(void)state;
	char path[64], text[200];
	write_file(path, "https://hooks.example.com/verysecret\n");
	snprintf(text, sizeof text, "alerts: { webhook: 'file:%s' }\n", path);
	struct config *c = good(text);
	assert_string_equal(c->alerts.webhook, "https://hooks.example.com/verysecret");
	config_drop(&c);
	unlink(path);
	struct config_problem *problems = bad("alerts: { webhook: 'hooks.example.com/verysecret' }\n");
	assert_null(strstr(problems->text, "verysecret"));
	config_problems_free(&problems);
}

#define T(name) cmocka_unit_test_setup_teardown(name, clean_environment, clean_environment)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(model_has_a_price_of_every_kind),
		T(price_left_out_is_never_the_cheaper_one),
		T(history_prices_every_time_by_what_was_in_force),
		T(time_before_all_prices_is_unpriced),
		T(model_without_history_has_one_price_for_all_times),
		T(tuned_model_has_the_price_of_its_family),
		T(listed_tuned_model_comes_before_its_family),
		T(guard_has_times_and_a_durability),
		T(limit_of_zero_is_a_limit),
		T(task_has_a_limit_of_its_own_for_a_request),
		T(project_has_four_limits),
		T(alerts_have_shares_and_a_webhook),
		T(webhook_may_stand_in_a_file_and_is_never_shown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
