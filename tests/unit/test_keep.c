/*
 * Proves src/stages/keep.c: what becomes of long answers while a worker puts them together. A fake ask and workers that do
 * nothing until they are told to.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "../../src/stages/keep.h"
#include "base/clock.h"

#define S INT64_C(1000000)
#define NOW (INT64_C(1000) * 86400 * S)

struct ask {
	struct request request;
	struct answer *answer;
	void *memo;
	bool fell_back, fails, rejected;
};

static struct ask asks[3];
static struct task *given[3];
static int asked_count, given_count;
static struct loop *loop;
static struct cache *cache;
static struct keep keep;

/* ---- fakes of the neighbours ---- */

void
ask_remember(struct ask *a, void *memo)
{
	a->memo = memo;
}

void *
ask_memo(const struct ask *a)
{
	return a->memo;
}

struct answer *
ask_answer(struct ask *a)
{
	return a->answer;
}

const struct request *
ask_request(const struct ask *a)
{
	return &a->request;
}

bool
ask_fails(const struct ask *a)
{
	return a->fails;
}

bool
ask_fell_back(const struct ask *a)
{
	return a->fell_back;
}

bool
ask_was_rejected(const struct ask *a)
{
	return a->rejected;
}

void
workers_give(struct workers *w, struct task *task)
{
	(void)w;
	given[given_count++] = task;
}

bool
similar_describe(const struct similar *s, const struct digest *key, struct digest *bucket, struct str *text)
{
	(void)s, (void)key, (void)bucket, (void)text;
	return false;
}

void
similar_keep(struct similar *s, const struct digest *key, struct entry *e)
{
	(void)s, (void)key, (void)e;
}

static void
work(int n)
{
	given[n]->work(given[n]);
}

/* ... as the loop does, when the worker has put it there */
static void
finish(int n)
{
	work(n);
	given[n]->done(given[n]);
}

/* ---- the stage ---- */

static int
begin(void **state)
{
	static char some;
	struct cache_options options = { .limits = { 100, 1 << 22, 1 << 20 } };
	(void)state;
	clock_fake(1000, NOW);
	loop = loop_new();
	cache = cache_new(&options);
	keep_open(&keep, cache, NULL, loop, (struct workers *)(void *)&some);
	asked_count = given_count = 0;
	return 0;
}

static int
end(void **state)
{
	(void)state;
	for (int i = 0; i < asked_count; i++)
		answer_leave(&asks[i].answer);
	if (keep.cache != NULL)
		keep_close(&keep);
	cache_free(&cache);
	loop_free(&loop);
	clock_fake(-1, -1);
	return 0;
}

static struct digest
key_of(int n)
{
	return digest_of((struct str){ (const char *)&n, sizeof n });
}

/* A long answer to that question, just landed; text is what it is full of. */
static struct ask *
lands(int question, char text)
{
	struct ask *a = &asks[asked_count++];
	struct buf none = { 0 }, body = { 0 };
	char *words = calloc(1, 40001);
	memset(words, text, 40000);
	assert_int_equal(
	    buf_printf(&body,
		"{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"%s\"},"
		"\"finish_reason\":\"stop\"}]}",
		words),
	    0);
	free(words);
	*a = (struct ask){ .request = { .endpoint = ENDPOINT_CHAT,
			       .question = key_of(question),
			       .key = key_of(-question) } };
	a->answer = answer_new(ANSWER_BODY, 0, 0, NULL, NULL);
	answer_head(a->answer, 200, "application/json", &none);
	answer_take(a->answer, &body);
	answer_whole(a->answer);
	struct memo *memo = calloc(1, sizeof *memo);
	*memo = (struct memo){
		.keep = true, .ttl_us = 3600 * S, .account = "a", .task = "default", .scope = "a"
	};
	list_init(&memo->pledges);
	a->memo = memo;
	return a;
}

static struct answer *
found(int question)
{
	struct digest key = key_of(-question);
	return keep_find(&keep, &key);
}

/* What the kept answer to that question is full of; 0: there is none */
static char
kept(int question)
{
	struct digest key = key_of(question);
	struct entry *e = cache_find(cache, &key, clock_wall_us(), INT64_MAX);
	return e != NULL ? entry_body(e).p[1000] : '\0';
}

/* ---- the tests ---- */

static void
a_long_answer_is_found_until_it_is_kept(void **state)
{
	(void)state;
	struct ask *a = lands(1, 'x');
	keep_landed(&keep, a, true);
	assert_int_equal(given_count, 1);
	assert_ptr_equal(found(1), a->answer);
	assert_null(found(2));
	assert_int_equal(kept(1), '\0');
	finish(0);
	assert_null(found(1));
	assert_int_equal(kept(1), 'x');
}

static void
one_that_a_budget_limited_is_not_found_before_it_is_looked_at(void **state)
{
	(void)state;
	struct ask *a = lands(1, 'x');
	a->answer->facts.clamped_to = 5;
	keep_landed(&keep, a, true);
	assert_null(found(1));
	finish(0);
	assert_int_equal(kept(1), 'x');
}

static void
what_is_forgotten_meanwhile_does_not_come_back(void **state)
{
	(void)state;
	struct shelf_purge all = { 0 };
	keep_landed(&keep, lands(1, 'x'), true);
	cache_purge(cache, &all);
	assert_null(found(1));
	finish(0);
	assert_int_equal(kept(1), '\0');
}

static void
an_older_answer_never_takes_the_place_of_a_newer_one(void **state)
{
	(void)state;
	keep_landed(&keep, lands(1, 'x'), true);
	clock_fake(2000, NOW + S);
	struct ask *newer = lands(1, 'y');
	keep_landed(&keep, newer, true);
	assert_ptr_equal(found(1), newer->answer);
	finish(1);
	finish(0);
	assert_int_equal(kept(1), 'y');
}

static void
it_is_as_old_as_its_end(void **state)
{
	(void)state;
	keep_landed(&keep, lands(1, 'x'), true);
	clock_fake(11000, NOW + 10 * S);
	finish(0);
	struct digest key = key_of(1);
	assert_null(cache_find(cache, &key, NOW + 10 * S, 10 * S));
	assert_non_null(cache_find(cache, &key, NOW + 10 * S, 11 * S));
}

static void
what_a_worker_has_finished_at_the_end_is_kept(void **state)
{
	(void)state;
	keep_landed(&keep, lands(1, 'x'), true);
	work(0);
	keep_close(&keep);
	keep.cache = NULL;
	assert_int_equal(kept(1), 'x');
}

static void
what_another_model_or_nobody_has_answered_is_not_kept(void **state)
{
	(void)state;
	struct ask *a = lands(1, 'x');
	a->fell_back = true;
	keep_landed(&keep, a, true);
	a = lands(2, 'x');
	a->fails = true;
	keep_landed(&keep, a, true);
	assert_int_equal(given_count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_long_answer_is_found_until_it_is_kept, begin, end),
		cmocka_unit_test_setup_teardown(
		    one_that_a_budget_limited_is_not_found_before_it_is_looked_at, begin, end),
		cmocka_unit_test_setup_teardown(what_is_forgotten_meanwhile_does_not_come_back, begin, end),
		cmocka_unit_test_setup_teardown(
		    an_older_answer_never_takes_the_place_of_a_newer_one, begin, end),
		cmocka_unit_test_setup_teardown(it_is_as_old_as_its_end, begin, end),
		cmocka_unit_test_setup_teardown(what_a_worker_has_finished_at_the_end_is_kept, begin, end),
		cmocka_unit_test_setup_teardown(
		    what_another_model_or_nobody_has_answered_is_not_kept, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
