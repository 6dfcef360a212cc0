/*
 * Proves src/stages/keyring.c and src/server/admit.c: who is known by which secret, and what they may do.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger_help.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/money.h"
#include "server/admit.h"

#define NOW_US INT64_C(1700000000000000)
#define A_DAY_US (INT64_C(86400) * 1000000)

static struct err e;
static struct keys *keys; /* the hand that changes them */
static struct keyring *ring;
static char thawed[ACCOUNT_NAME], changed[ACCOUNT_NAME];
static int thaws, changes;

static void
on_thaw(void *context, const char *name)
{
	(void)context;
	thaws++;
	str_copy(thawed, sizeof thawed, str_from(name));
}

static void
on_change(void *context, const struct key *k)
{
	(void)context;
	changes++;
	str_copy(changed, sizeof changed, str_from(k->name));
}

static const struct keyring_events events = { on_thaw, on_change, NULL };

static int
begin(void **state)
{
	log_setup(LOG_SILENT, false);
	clock_fake(1000000, NOW_US);
	if (make_folder(state) != 0)
		return -1;
	e = (struct err){ 0 };
	thaws = changes = 0;
	keys = keys_open(path, KEYS_CREATE, &e);
	ring = keyring_new(NULL, path, &events, &e);
	return keys != NULL && ring != NULL ? 0 : -1;
}

static int
end(void **state)
{
	keyring_free(&ring);
	keys_close(&keys);
	clock_fake(-1, -1);
	return remove_folder(state);
}

struct made {
	char secret[KEY_SECRET];
};

static struct made
make(struct key like)
{
	struct made m;
	assert_int_equal(keys_add(keys, &like, NOW_US, m.secret, &e), 0);
	keyring_look(ring);
	return m;
}

static struct made
make_plain(const char *name)
{
	struct key like = { .limits = ACCOUNT_UNLIMITED };
	str_copy(like.name, sizeof like.name, str_from(name));
	return make(like);
}

static struct key *
find(const char *secret, int64_t at_us)
{
	return keyring_find(ring, str_from(secret), at_us);
}

static void
no_key_is_required_until_there_is_one(void **state)
{
	(void)state;
	assert_false(keyring_required(ring));
	struct made a = make_plain("a");
	assert_true(keyring_required(ring));
	assert_int_equal(keyring_count(ring), 1);
	/* revoking the last one does not open the door */
	assert_int_equal(keys_revoke(keys, "a", NOW_US, &e), 0);
	keyring_look(ring);
	assert_true(keyring_required(ring));
	assert_null(find(a.secret, NOW_US));
}

static void
insisting_outlives_the_keys(void **state)
{
	(void)state;
	keyring_insist(ring);
	assert_true(keyring_required(ring));
	make_plain("a");
	change("DELETE FROM keys; UPDATE meta SET value='77' WHERE key='keys_version'");
	keyring_look(ring);
	assert_int_equal(keyring_count(ring), 0);
	assert_true(keyring_required(ring));
}

static void
keys_are_found_by_their_secrets_alone(void **state)
{
	(void)state;
	struct made a = make_plain("a"), b = make_plain("b");
	assert_string_equal(find(a.secret, NOW_US)->name, "a");
	assert_string_equal(find(b.secret, NOW_US)->name, "b");
	struct made almost = a;
	almost.secret[KEY_SECRET - 2] = (char)(almost.secret[KEY_SECRET - 2] == 'x' ? 'y' : 'x');
	assert_null(find(almost.secret, NOW_US));
	assert_null(find("", NOW_US));
	assert_null(find("a", NOW_US));
	assert_null(find("sk-anything", NOW_US));
	assert_null(keyring_find(ring, (struct str){ a.secret, KEY_SECRET }, NOW_US));
}

static void
key_ends_at_the_instant_it_expires(void **state)
{
	(void)state;
	struct made a =
	    make((struct key){ .name = "a", .limits = ACCOUNT_UNLIMITED, .expires_us = NOW_US + A_DAY_US });
	assert_non_null(find(a.secret, NOW_US + A_DAY_US - 1));
	assert_null(find(a.secret, NOW_US + A_DAY_US));
}

static void
revoked_key_stays_with_those_who_hold_it(void **state)
{
	(void)state;
	struct made a = make_plain("a");
	struct key *held = find(a.secret, NOW_US);
	key_hold(held);
	held->in_flight++;
	assert_int_equal(keys_revoke(keys, "a", NOW_US, &e), 0);
	keyring_look(ring);
	assert_null(find(a.secret, NOW_US));
	assert_true(held->revoked);
	assert_string_equal(held->name, "a");
	held->in_flight--;
	key_drop(&held);
}

static void
reload_keeps_the_count_of_requests_in_flight(void **state)
{
	(void)state;
	struct made a = make_plain("a");
	find(a.secret, NOW_US)->in_flight = 3;
	make_plain("b");
	assert_int_equal(find(a.secret, NOW_US)->in_flight, 3);
	find(a.secret, NOW_US)->in_flight = 0;
}

static void
changed_limits_are_in_force_for_the_same_key(void **state)
{
	(void)state;
	struct made a = make_plain("a");
	struct key *before = find(a.secret, NOW_US);
	change("UPDATE keys SET daily_pico=5, models='gpt-4o', project='p', concurrent=2;"
	       "UPDATE meta SET value='77' WHERE key='keys_version'");
	keyring_look(ring);
	struct key *after = find(a.secret, NOW_US);
	assert_ptr_equal(before, after);
	assert_int_equal(after->limits.daily_pico, 5);
	assert_int_equal(after->concurrent, 2);
	assert_string_equal(after->models, "gpt-4o");
	assert_string_equal(after->project, "p");
}

static void
change_is_told_once_and_of_the_key_alone_that_changed(void **state)
{
	(void)state;
	make_plain("a");
	struct made b = make_plain("b");
	struct key_wish wish = { .name = STR("b"), .daily_usd = STR("3") };
	assert_int_equal(keys_set(keys, &wish, NULL, NOW_US, &e), 0);
	keyring_look(ring);
	keyring_look(ring);
	assert_int_equal(changes, 1);
	assert_string_equal(changed, "b");
	assert_int_equal(find(b.secret, NOW_US)->limits.daily_pico, 3 * PICO_PER_USD);
	/* what it is already changes nothing; a thaw and a revocation are told by their own names */
	assert_int_equal(keys_set(keys, &wish, NULL, NOW_US, &e), 0);
	assert_int_equal(keys_thaw(keys, "a", NOW_US + 5, &e), 0);
	assert_int_equal(keys_revoke(keys, "b", NOW_US, &e), 0);
	keyring_look(ring);
	assert_int_equal(changes, 1);
}

/* A gateway without keys can be frozen as well: whoever runs it must be able to let it go on. */
static void
clients_without_a_key_can_be_thawed(void **state)
{
	(void)state;
	assert_int_equal(keys_thaw(keys, "local", NOW_US + 5, &e), 0);
	keyring_look(ring);
	keyring_look(ring);
	assert_int_equal(thaws, 1);
	assert_string_equal(thawed, "local");
	assert_false(keyring_required(ring));
}

static void
thaw_is_told_once(void **state)
{
	(void)state;
	make_plain("a");
	make_plain("b");
	assert_int_equal(keys_thaw(keys, "b", NOW_US + 5, &e), 0);
	keyring_look(ring);
	keyring_look(ring);
	assert_int_equal(thaws, 1);
	assert_string_equal(thawed, "b");
	assert_int_equal(keys_thaw(keys, "b", NOW_US + 6, &e), 0);
	keyring_look(ring);
	assert_int_equal(thaws, 2);
	make_plain("c"); /* another change tells of no thaw again */
	assert_int_equal(thaws, 2);
	/* what was thawed before the gateway began is in the windows it begins with */
	keyring_free(&ring);
	ring = keyring_new(NULL, path, &events, &e);
	assert_non_null(ring);
	assert_int_equal(thaws, 2);
}

static void
row_that_is_no_key_opens_nothing(void **state)
{
	(void)state;
	make_plain("a");
	change("INSERT INTO keys(name, mac, hint, project, models) VALUES('bad', x'00', '', '', '');"
	       "INSERT INTO keys(name, mac, hint) VALUES('worse', x'', NULL);"
	       "UPDATE meta SET value='77' WHERE key='keys_version'");
	keyring_look(ring);
	assert_int_equal(keyring_count(ring), 1);
}

/* ---- at the door ---- */

static struct exchange
an_exchange(void)
{
	return (struct exchange){ .account = "local", .wall_us = NOW_US, .run_budget_pico = -1 };
}

static void
client_without_keys_is_local(void **state)
{
	(void)state;
	struct exchange x = an_exchange();
	assert_int_equal(admit_client(ring, STR("sk-anything"), &x, &e), 0);
	assert_null(x.key);
	assert_string_equal(x.account, "local");
	assert_int_equal(admit_client(ring, (struct str){ 0 }, &x, &e), 0);
}

static void
client_with_a_key_pays_by_its_name(void **state)
{
	(void)state;
	struct made a = make((struct key){ .name = "a", .project = "shop", .limits = ACCOUNT_UNLIMITED });
	struct exchange x = an_exchange();
	assert_int_equal(admit_client(ring, str_from(a.secret), &x, &e), 0);
	assert_string_equal(x.key->name, "a");
	assert_string_equal(x.account, "a");
	assert_string_equal(x.project, "shop");
	assert_int_equal(x.key->holders, 2);
	key_drop(&x.key);
}

/* C41 */
static void
bad_keys_are_not_told_apart(void **state)
{
	(void)state;
	struct made gone = make_plain("gone"),
		    old = make(
			(struct key){ .name = "old", .limits = ACCOUNT_UNLIMITED, .expires_us = NOW_US });
	assert_int_equal(keys_revoke(keys, "gone", NOW_US, &e), 0);
	keyring_look(ring);
	const char *const secrets[] = { gone.secret, old.secret, "sk-farthing-wrong", "x" };
	struct err first = { 0 };
	for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
		struct exchange x = an_exchange();
		struct err said = { 0 };
		assert_int_equal(admit_client(ring, str_from(secrets[i]), &x, &said), -1);
		assert_int_equal(said.status, 401);
		assert_string_equal(said.code, "invalid_api_key");
		assert_null(x.key);
		assert_string_equal(x.account, "unknown");
		if (i == 0)
			first = said;
		assert_memory_equal(&said, &first, sizeof said);
	}
	struct exchange x = an_exchange();
	assert_int_equal(admit_client(ring, (struct str){ 0 }, &x, &e), -1);
	assert_int_equal(e.status, 401);
}

static void
key_asks_for_what_is_on_its_list(void **state)
{
	(void)state;
	struct key some = { .models = "gpt-4o-mini" }, all = { 0 };
	assert_int_equal(admit_model(NULL, STR("gpt-4o"), &e), 0);
	assert_int_equal(admit_model(&all, STR("auto"), &e), 0);
	assert_int_equal(admit_model(&some, STR("gpt-4o-mini"), &e), 0);
	assert_int_equal(admit_model(&some, STR("auto"), &e), -1);
	assert_int_equal(e.status, 403);
	assert_string_equal(e.code, "model_not_allowed");
	assert_string_equal(e.param, "model");
	assert_true(str_find(str_from(e.text), STR("auto")) < 0);
}

static void
jobs_need_a_key_for_all_models(void **state)
{
	(void)state;
	struct key some = { .models = "gpt-4o-mini" }, all = { 0 };
	struct forward post = { .name = "fine_tuning", .method = "POST" },
		       get = { .name = "batches", .method = "GET" },
		       file = { .name = "files", .method = "POST" };
	assert_int_equal(admit_forward(&some, &post, &e), -1);
	assert_string_equal(e.code, "model_not_allowed");
	assert_int_equal(admit_forward(&some, &get, &e), 0);
	assert_int_equal(admit_forward(&some, &file, &e), 0);
	assert_int_equal(admit_forward(&all, &post, &e), 0);
	assert_int_equal(admit_forward(NULL, &post, &e), 0);
}

/* C40 */
static void
key_has_its_own_number_in_flight(void **state)
{
	(void)state;
	struct key plain = { .in_flight = 63 }, narrow = { .in_flight = 2, .concurrent = 2 },
		   wide = { .in_flight = 100, .concurrent = 101 };
	assert_int_equal(admit_one_more(NULL, 64, &e), 0);
	assert_int_equal(admit_one_more(&plain, 64, &e), 0);
	assert_int_equal(admit_one_more(&wide, 64, &e), 0);
	assert_int_equal(admit_one_more(&narrow, 64, &e), -1);
	assert_int_equal(e.status, 429);
	assert_string_equal(e.code, "rate_limit_exceeded");
	assert_in_range(e.retry_after_s, 1, 2);
	plain.in_flight++;
	assert_int_equal(admit_one_more(&plain, 64, &e), -1);
}

/* C49 */
static void
administration_asks_for_the_admin_key(void **state)
{
	(void)state;
	struct made a = make_plain("a");
	struct str none = { 0 }, client = str_from(a.secret);
	static const struct str wrong[] = { { "adminx", 6 }, { "admi", 4 }, { "", 0 }, { "ADMIN", 5 } };
	assert_int_equal(admit_admin(ring, "admin", STR("admin"), false, NOW_US, &e), 0);
	assert_int_equal(admit_admin(ring, "admin", none, true, NOW_US, &e), -1);
	assert_int_equal(e.status, 401);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		assert_int_equal(admit_admin(ring, "admin", wrong[i], true, NOW_US, &e), -1);
		assert_int_equal(e.status, 401);
	}
	assert_int_equal(admit_admin(ring, "admin", client, true, NOW_US, &e), -1);
	assert_int_equal(e.status, 403);
	assert_string_equal(e.code, "not_admin");
}

static void
administration_without_an_admin_key_is_for_this_machine(void **state)
{
	(void)state;
	struct made a = make_plain("a");
	struct str none = { 0 };
	assert_int_equal(admit_admin(ring, "", none, true, NOW_US, &e), 0);
	assert_int_equal(admit_admin(ring, "", STR("sk-anything"), true, NOW_US, &e), 0);
	assert_int_equal(admit_admin(ring, "", none, false, NOW_US, &e), -1);
	assert_int_equal(e.status, 403);
	assert_int_equal(admit_admin(ring, "", STR(""), false, NOW_US, &e), -1);
	assert_int_equal(e.status, 403);
	assert_int_equal(admit_admin(ring, "", str_from(a.secret), true, NOW_US, &e), -1);
	assert_int_equal(e.status, 403);
}

#define WITH_RING(test) cmocka_unit_test_setup_teardown(test, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RING(no_key_is_required_until_there_is_one),
		WITH_RING(insisting_outlives_the_keys),
		WITH_RING(keys_are_found_by_their_secrets_alone),
		WITH_RING(key_ends_at_the_instant_it_expires),
		WITH_RING(revoked_key_stays_with_those_who_hold_it),
		WITH_RING(reload_keeps_the_count_of_requests_in_flight),
		WITH_RING(changed_limits_are_in_force_for_the_same_key),
		WITH_RING(change_is_told_once_and_of_the_key_alone_that_changed),
		WITH_RING(clients_without_a_key_can_be_thawed),
		WITH_RING(thaw_is_told_once),
		WITH_RING(row_that_is_no_key_opens_nothing),
		WITH_RING(client_without_keys_is_local),
		WITH_RING(client_with_a_key_pays_by_its_name),
		WITH_RING(bad_keys_are_not_told_apart),
		cmocka_unit_test(key_asks_for_what_is_on_its_list),
		cmocka_unit_test(jobs_need_a_key_for_all_models),
		cmocka_unit_test(key_has_its_own_number_in_flight),
		WITH_RING(administration_asks_for_the_admin_key),
		WITH_RING(administration_without_an_admin_key_is_for_this_machine),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
