/*
 * Proves src/stages/{cache,entry}.c: what is found and for how long, who has to go, what an entry takes, and that a reader never
 * loses its answer. A fake clock; no shelf.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <malloc.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/table.h"
#include "stages/cache.h"

#define S INT64_C(1000000)
#define DAY (86400 * S)
#define NOW (1000 * DAY)
#define BODY                                                                                        \
	"{\"id\":\"c\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m\",\"choices\":[{" \
	"\"index\":0,"                                                                              \
	"\"message\":{\"role\":\"assistant\",\"content\":\"yes\"},\"finish_reason\":\"stop\"}]}"

static struct cache *cache;
static int gone;

static void
on_gone(void *context, struct entry *e)
{
	assert_ptr_equal(context, &gone);
	assert_non_null(e->tenant);
	gone++;
}

static void
begin_with(int64_t entries, int64_t bytes, int64_t entry)
{
	struct cache_options options = {
		.limits = { entries, bytes, entry }, .on_gone = on_gone, .context = &gone
	};
	cache_free(&cache);
	cache = cache_new(&options);
	gone = 0;
}

static int
begin(void **state)
{
	(void)state;
	clock_fake(DAY, NOW);
	begin_with(1000, 1 << 20, 1 << 16);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	cache_free(&cache);
	clock_fake(-1, -1);
	return 0;
}

static struct digest
key(int n)
{
	return digest_of((struct str){ (const char *)&n, sizeof n });
}

static struct shelf_item
item(int n, const char *scope)
{
	return (struct shelf_item){ .key = key(n),
		.body = STR(BODY),
		.scope = str_from(scope),
		.account = str_from(scope),
		.task = STR("default"),
		.endpoint = STR("chat"),
		.tier = STR("pinned"),
		.model = STR("gpt-4o-mini-2024-07-18"),
		.upstream = STR("openai"),
		.asker_id = STR("req_0123456789ABCDEFGHIJKLMN"),
		.usage = { .known = true, .input = 11, .output = 7 },
		.cost_pico = 42,
		.basis = COST_EXACT,
		.kept_us = clock_wall_us(),
		.expires_us = clock_wall_us() + 3600 * S };
}

static struct entry *
keep(int n, const char *scope)
{
	struct shelf_item i = item(n, scope);
	return cache_keep(cache, &i);
}

static struct entry *
find(int n)
{
	struct digest k = key(n);
	return cache_find(cache, &k, clock_wall_us(), INT64_MAX);
}

static int
count_of(int from, int to)
{
	int found = 0;
	for (int n = from; n < to; n++)
		found += find(n) != NULL;
	return found;
}

static uint64_t
entries(void)
{
	struct cache_stats s;
	cache_stats(cache, &s);
	return s.entries;
}

static uint64_t
bytes(void)
{
	struct cache_stats s;
	cache_stats(cache, &s);
	return s.bytes;
}

static void
on_wake(struct reader *r)
{
	(void)r;
}

/* ---- finding ---- */

static void
entry_tells_what_its_answer_cost_and_who_gave_it(void **state)
{
	(void)state;
	assert_null(find(1));
	struct entry *e = keep(1, "a");
	assert_ptr_equal(find(1), e);
	struct answer_facts f;
	entry_facts(e, &f);
	assert_int_equal(f.cost_pico, 42);
	assert_int_equal(f.usage.output, 7);
	assert_string_equal(f.asker_id, "req_0123456789ABCDEFGHIJKLMN");
	assert_string_equal(f.model, "gpt-4o-mini-2024-07-18");
	assert_string_equal(f.upstream, "openai");
	assert_string_equal(f.tier, "pinned");
	assert_string_equal(entry_scope(e), "a");
	assert_string_equal(entry_task(e), "default");
	assert_true(str_eq(entry_body(e), STR(BODY)));
}

static void
entry_is_found_until_it_expires_and_not_by_those_who_want_it_younger(void **state)
{
	(void)state;
	struct digest k = key(1);
	keep(1, "a");
	clock_fake(DAY, NOW + 10 * S);
	assert_null(cache_find(cache, &k, clock_wall_us(), 10 * S));
	assert_non_null(cache_find(cache, &k, clock_wall_us(), 10 * S + 1));
	clock_fake(DAY, NOW + 3600 * S - 1);
	assert_non_null(find(1));
	clock_fake(DAY, NOW + 3600 * S);
	assert_null(find(1));
	assert_int_equal(entries(), 0);
	assert_int_equal(gone, 1);
}

static void
clock_that_is_set_back_brings_no_answer_from_the_future(void **state)
{
	(void)state;
	struct entry *e = keep(1, "a");
	clock_fake(DAY, NOW - 2 * S);
	assert_ptr_equal(find(1), e);
	assert_int_equal(entry_age_us(e, clock_wall_us()), 0);
	clock_fake(DAY, NOW - 2 * DAY);
	assert_null(find(1));
}

static void
newer_answer_takes_the_place_of_the_older_one(void **state)
{
	(void)state;
	struct shelf_item i = item(1, "a");
	keep(1, "a");
	i.cost_pico = 43;
	cache_keep(cache, &i);
	assert_int_equal(find(1)->cost_pico, 43);
	assert_int_equal(entries(), 1);
	/* when the newer one cannot be kept, the older one is not served either */
	char *large = calloc(1, (1 << 16) + 1);
	i.body = (struct str){ large, (1 << 16) + 1 };
	assert_null(cache_keep(cache, &i));
	assert_null(find(1));
	free(large);
}

/* ---- forms ---- */

static void
forms_are_made_once_and_counted(void **state)
{
	(void)state;
	struct entry *e = keep(1, "a");
	uint64_t bare = bytes();
	struct answer *whole = cache_answer(cache, e, FORM_BODY),
		      *events = cache_answer(cache, e, FORM_EVENTS);
	assert_int_equal(whole->state, ANSWER_WHOLE);
	assert_int_equal(events->form, ANSWER_EVENTS);
	assert_ptr_equal(cache_answer(cache, e, FORM_BODY), whole);
	assert_ptr_equal(cache_answer(cache, e, FORM_EVENTS), events);
	assert_true(str_eq(buf_str(&whole->body), STR(BODY)));
	/* the body is not there twice */
	assert_null(e->own.p);
	assert_true(str_eq(entry_body(e), STR(BODY)));
	assert_true(bytes() >= bare + 2 * sizeof(struct answer) + events->body.n);
	assert_true(bytes() <= bare + 2 * sizeof(struct answer) + events->body.cap + 1024);
	assert_int_equal(bytes(), e->bytes);
}

static void
form_says_how_old_it_is(void **state)
{
	(void)state;
	struct entry *e = keep(1, "a");
	clock_fake(DAY + 7 * S, NOW + 7 * S);
	struct answer *a = cache_answer(cache, e, FORM_BODY);
	assert_int_equal((clock_ms() - a->born_ms) / 1000, 7);
}

static void
reader_keeps_its_answer_when_the_entry_is_gone(void **state)
{
	(void)state;
	struct reader r = { .wake = on_wake };
	char got[sizeof BODY];
	struct entry *e = keep(1, "a");
	answer_join(cache_answer(cache, e, FORM_BODY), &r);
	assert_int_equal(answer_read(&r, got, 10), 10);
	cache_drop(cache, &e);
	assert_int_equal(bytes(), 0);
	assert_int_equal(answer_read(&r, got + 10, sizeof got - 10), sizeof BODY - 1 - 10);
	assert_memory_equal(got, BODY, sizeof BODY - 1);
	assert_int_equal(answer_read(&r, got, sizeof got), ANSWER_END);
	answer_part(&r);
}

static void
reply_to_an_idempotency_key_is_given_as_it_was_sent(void **state)
{
	(void)state;
	struct shelf_item i = item(1, "a");
	i.check = key(2);
	i.body = STR(": x\n\ndata: 1\n\n");
	struct answer *a = cache_answer(cache, cache_keep(cache, &i), FORM_EVENTS);
	assert_int_equal(a->form, ANSWER_EVENTS);
	assert_true(str_eq(buf_str(&a->body), i.body));
	i.key = key(3);
	i.body = STR(" {}");
	a = cache_answer(cache, cache_keep(cache, &i), FORM_BODY);
	assert_int_equal(a->form, ANSWER_BODY);
	assert_true(str_eq(buf_str(&a->body), i.body));
}

static void
form_that_cannot_be_made_is_none(void **state)
{
	(void)state;
	struct shelf_item i = item(1, "a");
	i.body = STR("[]");
	struct entry *e = cache_keep(cache, &i);
	assert_null(cache_answer(cache, e, FORM_EVENTS));
	assert_ptr_equal(find(1), e);
}

/* ---- room ---- */

static void
least_recently_used_goes_first(void **state)
{
	(void)state;
	begin_with(3, 1 << 20, 1 << 16);
	for (int n = 0; n < 3; n++)
		keep(n, "a");
	assert_non_null(find(0));
	keep(3, "a");
	assert_null(find(1));
	assert_int_equal(count_of(0, 4), 3);
	struct cache_stats s;
	cache_stats(cache, &s);
	assert_int_equal(s.evictions, 1);
	assert_int_equal(gone, 1);
}

static void
bytes_never_exceed_the_limit(void **state)
{
	(void)state;
	begin_with(1000000, 1 << 16, 1 << 15);
	for (int n = 0; n < 1000; n++) {
		struct entry *e = keep(n, n % 2 == 0 ? "a" : "b");
		assert_non_null(e);
		if (n % 3 == 0)
			assert_non_null(cache_answer(cache, e, FORM_EVENTS));
		assert_true(bytes() <= 1 << 16);
	}
	assert_true(entries() > 10);
}

static void
tenant_that_asks_much_pushes_out_nobody_but_itself(void **state)
{
	(void)state;
	begin_with(1000, 1 << 24, 1 << 16);
	for (int n = 0; n < 150; n++)
		keep(n, "small");
	for (int n = 1000; n < 5000; n++)
		keep(n, "large");
	assert_int_equal(entries(), 1000);
	assert_int_equal(count_of(0, 150), 150);
	/* and a small one that needs room has it from the large one */
	for (int n = 150; n < 200; n++)
		keep(n, "small");
	assert_int_equal(count_of(0, 200), 200);
	assert_int_equal(count_of(1000, 5000), 800);
}

static void
lone_tenant_may_have_it_all(void **state)
{
	(void)state;
	begin_with(100, 1 << 20, 1 << 16);
	for (int n = 0; n < 100; n++)
		keep(n, "a");
	assert_int_equal(count_of(0, 100), 100);
}

static void
narrower_limits_hold_from_the_next_answer_on(void **state)
{
	(void)state;
	for (int n = 0; n < 100; n++)
		keep(n, "a");
	cache_limit(cache, &(struct cache_limits){ 10, 1 << 20, 1 << 16 });
	/* some at a time: nobody should wait for a hundred thousand */
	keep(100, "a");
	assert_in_range(entries(), 11, 99);
	keep(101, "a");
	assert_int_equal(entries(), 10);
	assert_int_equal(count_of(92, 102), 10);
}

static void
what_has_expired_goes_while_others_come(void **state)
{
	(void)state;
	begin_with(1000, 1 << 22, 1 << 16);
	for (int n = 0; n < 500; n++)
		keep(n, "a");
	clock_fake(DAY, NOW + DAY);
	/* sixteen slots of a table of at most 2048 with each */
	for (int n = 500; n < 500 + 2048 / 16 + 1; n++)
		keep(n, "a");
	assert_int_equal(entries(), 2048 / 16 + 1);
	struct cache_stats s;
	cache_stats(cache, &s);
	assert_int_equal(s.expired, 500);
	assert_int_equal(s.evictions, 0);
}

/* What an entry takes beside its answer, in truth and as it is counted. */
static void
entry_takes_at_most_500_bytes_beside_its_answer(void **state)
{
	(void)state;
	enum { MANY = 20000 };
	begin_with(MANY, INT64_C(1) << 40, 1 << 16);
	size_t before = mallinfo2().uordblks;
	for (int n = 0; n < MANY; n++)
		keep(n, "team.a");
	size_t took = mallinfo2().uordblks - before, counted = bytes();
	size_t beside = took / MANY - (sizeof BODY - 1), said = counted / MANY - (sizeof BODY - 1);
	assert_true(said <= 500);
	if (took == 0)
		return; /* a sanitizer's allocator, which does not tell */
	print_message("%zu bytes beside an answer, %zu counted\n", beside, said);
	assert_true(beside <= 500);
	assert_true(counted >= took * 85 / 100 && counted <= took * 115 / 100);
}

/* ---- forgetting ---- */

static void
purge_forgets_what_fits_all_that_is_said(void **state)
{
	(void)state;
	keep(1, "a");
	keep(2, "b");
	clock_fake(DAY, NOW + 10 * S);
	keep(3, "a");
	struct shelf_item i = item(4, "b");
	i.task = STR("t");
	cache_keep(cache, &i);
	assert_int_equal(
	    cache_purge(cache, &(struct shelf_purge){ .scope = STR("a"), .before_us = NOW + 5 * S }), 1);
	assert_null(find(1));
	assert_int_equal(
	    cache_purge(cache, &(struct shelf_purge){ .task = STR("t"), .account = STR("a") }), 0);
	assert_int_equal(cache_purge(cache, &(struct shelf_purge){ .task = STR("t") }), 1);
	assert_int_equal(cache_purge(cache, &(struct shelf_purge){ .key = key(2) }), 1);
	assert_int_equal(cache_purge(cache, &(struct shelf_purge){ .account = STR("a") }), 1);
	keep(5, "c");
	assert_int_equal(cache_purge(cache, &(struct shelf_purge){ 0 }), 1);
	assert_int_equal(entries(), 0);
	assert_int_equal(gone, 5);
}

int
main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, begin, end)
	const struct CMUnitTest tests[] = {
		T(entry_tells_what_its_answer_cost_and_who_gave_it),
		T(entry_is_found_until_it_expires_and_not_by_those_who_want_it_younger),
		T(clock_that_is_set_back_brings_no_answer_from_the_future),
		T(newer_answer_takes_the_place_of_the_older_one),
		T(forms_are_made_once_and_counted),
		T(form_says_how_old_it_is),
		T(reader_keeps_its_answer_when_the_entry_is_gone),
		T(reply_to_an_idempotency_key_is_given_as_it_was_sent),
		T(form_that_cannot_be_made_is_none),
		T(least_recently_used_goes_first),
		T(bytes_never_exceed_the_limit),
		T(tenant_that_asks_much_pushes_out_nobody_but_itself),
		T(lone_tenant_may_have_it_all),
		T(narrower_limits_hold_from_the_next_answer_on),
		T(what_has_expired_goes_while_others_come),
		T(entry_takes_at_most_500_bytes_beside_its_answer),
		T(purge_forgets_what_fits_all_that_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
