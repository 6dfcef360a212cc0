/*
 * Proves src/ledger/keys*.c: keys in the ledger's file, beside a ledger that is open.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger_help.h"

#include "../../src/ledger/schema.h"
#include "ledger/keys.h"

#define NOW_US INT64_C(1700000000000000)
#define A_DAY_US (INT64_C(86400) * 1000000)

static struct err e;
static char secret[KEY_SECRET];

static struct keys *
open_keys(enum keys_use use)
{
	e = (struct err){ 0 };
	struct keys *k = keys_open(path, use, &e);
	if (k == NULL)
		print_error("%s\n", e.text);
	assert_non_null(k);
	return k;
}

static struct key
a_key(const char *name)
{
	struct key k = { .limits = ACCOUNT_UNLIMITED };
	str_copy(k.name, sizeof k.name, str_from(name));
	return k;
}

static void
add(struct keys *k, const char *name)
{
	struct key key = a_key(name);
	assert_int_equal(keys_add(k, &key, NOW_US, secret, &e), 0);
}

/* The row at `at` of `want`; none of none */
static struct key_row
row_at(struct keys *k, size_t at, size_t want, int64_t now_us)
{
	struct key_row *rows;
	size_t count;
	assert_int_equal(keys_list(k, now_us, &rows, &count, &e), 0);
	assert_int_equal(count, want);
	struct key_row row = count > 0 ? rows[at] : (struct key_row){ 0 };
	free(rows);
	return row;
}

static int
set(struct keys *k, struct key_wish wish)
{
	e = (struct err){ 0 };
	return keys_set(k, &wish, NULL, NOW_US, &e);
}

static void
first_key_makes_the_ledger(void **state)
{
	(void)state;
	assert_null(keys_open(path, KEYS_CHANGE, &e));
	assert_string_equal(e.code, "ledger_missing");
	assert_int_not_equal(access(path, F_OK), 0);
	struct keys *k = open_keys(KEYS_CREATE);
	add(k, "a");
	keys_close(&k);
	assert_int_equal(number("PRAGMA user_version"), SCHEMA_VERSION);
	assert_int_equal(number("SELECT count(*) FROM keys"), 1);
}

static void
key_comes_back_as_it_was_made(void **state)
{
	(void)state;
	struct keys *k = open_keys(KEYS_CREATE);
	struct key key = a_key("team.a");
	str_copy(key.project, sizeof key.project, STR("shop"));
	str_copy(key.models, sizeof key.models, STR("auto,gpt-4o"));
	key.limits = (struct account_limits){ 1, -1, 0, INT64_MAX };
	key.concurrent = 3;
	key.expires_us = NOW_US + A_DAY_US;
	assert_int_equal(keys_add(k, &key, NOW_US, secret, &e), 0);
	struct key_row row = row_at(k, 0, 1, NOW_US);
	assert_string_equal(row.key.name, "team.a");
	assert_string_equal(row.key.project, "shop");
	assert_string_equal(row.key.models, "auto,gpt-4o");
	assert_memory_equal(&row.key.limits, &key.limits, sizeof key.limits);
	assert_int_equal(row.key.concurrent, 3);
	assert_int_equal(row.key.expires_us, NOW_US + A_DAY_US);
	assert_int_equal(row.created_us, NOW_US);
	assert_false(row.key.revoked);
	assert_string_equal(row.hint, secret + KEY_SECRET - KEY_HINT);
	keys_close(&k);
}

static void
only_the_keyed_digest_of_a_secret_is_kept(void **state)
{
	(void)state;
	struct keys *k = open_keys(KEYS_CREATE);
	struct digest pepper, none = { 0 };
	assert_int_equal(keys_pepper(k, &pepper, &e), 0);
	assert_true(digest_equal(&pepper, &none));
	add(k, "a");
	char first[KEY_SECRET];
	memcpy(first, secret, sizeof first);
	add(k, "b");
	assert_int_equal(strlen(secret), KEY_SECRET - 1);
	assert_true(str_starts(str_from(secret), STR("sk-farthing-")));
	assert_int_equal(
	    strspn(secret + 12, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"), 43);
	assert_string_not_equal(first, secret);
	assert_int_equal(keys_pepper(k, &pepper, &e), 0);
	assert_false(digest_equal(&pepper, &none));
	struct digest mac = digest_keyed(&pepper, str_from(first));
	struct key_row row = row_at(k, 0, 2, NOW_US);
	assert_memory_equal(row.key.mac, mac.b, sizeof mac.b);
	keys_close(&k);
	struct buf file = content();
	assert_true(str_find(buf_str(&file), str_from(first)) < 0);
	assert_true(str_find(buf_str(&file), (struct str){ first + 12, 39 }) < 0);
	buf_free(&file);
}

static void
name_is_never_given_twice(void **state)
{
	(void)state;
	struct keys *k = open_keys(KEYS_CREATE);
	struct key key = a_key("a");
	add(k, "a");
	assert_int_equal(keys_add(k, &key, NOW_US, secret, &e), -1);
	assert_int_equal(e.status, 409);
	assert_string_equal(e.code, "key_exists");
	assert_int_equal(keys_revoke(k, "a", NOW_US + 1, &e), 0);
	assert_int_equal(keys_add(k, &key, NOW_US, secret, &e), -1);
	add(k, "A"); /* another name */
	keys_close(&k);
}

static void
revoked_once_is_revoked_then(void **state)
{
	(void)state;
	struct keys *k = open_keys(KEYS_CREATE);
	add(k, "a");
	add(k, "b");
	assert_int_equal(keys_revoke(k, "a", NOW_US + 5, &e), 0);
	assert_int_equal(keys_revoke(k, "a", NOW_US + 9, &e), 0);
	struct key_row a = row_at(k, 0, 2, NOW_US), b = row_at(k, 1, 2, NOW_US);
	assert_true(a.key.revoked);
	assert_int_equal(a.revoked_us, NOW_US + 5);
	assert_false(b.key.revoked);
	assert_int_equal(keys_revoke(k, "nobody", NOW_US, &e), -1);
	assert_int_equal(e.status, 404);
	assert_string_equal(e.code, "key_not_found");
	assert_int_equal(keys_thaw(k, "nobody", NOW_US, &e), -1);
	assert_int_equal(e.status, 404);
	keys_close(&k);
}

static void
add_window(int kind, int window, int64_t start_us, int settled_pico)
{
	char sql[256];
	snprintf(sql, sizeof sql,
	    "INSERT INTO windows(kind, account, window, start_us, end_us, settled_pico, pruned_pico, frozen)"
	    " VALUES(%d, 'a', %d, %lld, %lld, %d, 0, 1)",
	    kind, window, (long long)start_us, (long long)(start_us + A_DAY_US), settled_pico);
	change(sql);
}

static void
thawed_key_is_frozen_no_more_today(void **state)
{
	(void)state;
	struct keys *k = open_keys(KEYS_CREATE);
	add(k, "a");
	add_window(2, 0, NOW_US - A_DAY_US, 9); /* yesterday */
	add_window(2, 0, NOW_US, 7);
	add_window(2, 1, NOW_US, 6); /* a week */
	add_window(3, 0, NOW_US, 8); /* a task of that name */
	struct key_row row = row_at(k, 0, 1, NOW_US);
	assert_true(row.frozen);
	assert_int_equal(row.spent_today_pico, 7);
	assert_int_equal(row.thawed_us, 0);
	assert_string_equal(key_row_state(&row, NOW_US), "frozen");
	assert_int_equal(keys_thaw(k, "a", NOW_US + 5, &e), 0);
	row = row_at(k, 0, 1, NOW_US);
	assert_false(row.frozen);
	assert_int_equal(row.thawed_us, NOW_US + 5);
	assert_int_equal(row.spent_today_pico, 7);
	assert_int_equal(number("SELECT count(*) FROM windows WHERE frozen"), 3);
	row = row_at(k, 0, 1, NOW_US + 2 * A_DAY_US);
	assert_int_equal(row.spent_today_pico, 0);
	keys_close(&k);
}

static void
states_are_told_in_a_word(void **state)
{
	(void)state;
	struct key_row row = { .key = { .expires_us = NOW_US } };
	assert_string_equal(key_row_state(&row, NOW_US - 1), "active");
	assert_string_equal(key_row_state(&row, NOW_US), "expired");
	row.frozen = true;
	assert_string_equal(key_row_state(&row, NOW_US - 1), "frozen");
	row.key.revoked = true;
	assert_string_equal(key_row_state(&row, NOW_US - 1), "revoked");
}

static void
change_of_keys_is_told_from_other_commits(void **state)
{
	(void)state;
	struct keys *writer = open_keys(KEYS_CREATE), *looker = open_keys(KEYS_READ);
	assert_int_equal(keys_changed(looker, &e), 1); /* nothing was listed yet */
	row_at(looker, 0, 0, NOW_US);
	assert_int_equal(keys_changed(looker, &e), 0);
	change("INSERT INTO meta VALUES('anything', 'else')");
	assert_int_equal(keys_changed(looker, &e), 0);
	add(writer, "a");
	assert_int_equal(keys_changed(looker, &e), 1);
	assert_int_equal(keys_changed(looker, &e), 1); /* until they are listed */
	row_at(looker, 0, 1, NOW_US);
	assert_int_equal(keys_changed(looker, &e), 0);
	assert_int_equal(keys_revoke(writer, "a", NOW_US, &e), 0);
	assert_int_equal(keys_changed(looker, &e), 1);
	row_at(looker, 0, 1, NOW_US);
	assert_int_equal(keys_thaw(writer, "a", NOW_US, &e), 0);
	assert_int_equal(keys_changed(looker, &e), 1);
	keys_close(&writer);
	keys_close(&looker);
}

static void
failed_change_changes_nothing(void **state)
{
	(void)state;
	struct keys *k = open_keys(KEYS_CREATE);
	add(k, "a");
	row_at(k, 0, 1, NOW_US);
	struct key key = a_key("a");
	assert_int_equal(keys_add(k, &key, NOW_US, secret, &e), -1);
	assert_int_equal(keys_revoke(k, "b", NOW_US, &e), -1);
	assert_int_equal(keys_changed(k, &e), 0);
	add(k, "b"); /* no transaction was left open */
	keys_close(&k);
}

/* The ledger keeps its lock and its rows; keys go in beside it. */
static void
keys_are_changed_while_the_ledger_is_in_use(void **state)
{
	(void)state;
	struct ledger_options options = { .path = path, .create = true };
	struct ledger *l = ledger_open(&options, &e);
	assert_non_null(l);
	struct keys *looker = open_keys(KEYS_READ), *k = open_keys(KEYS_CHANGE);
	for (int i = 0; i < 50; i++) {
		char id[16];
		snprintf(id, sizeof id, "req_%d", i);
		struct ledger_request r = a_request(id);
		struct ledger_attempt a = an_attempt(id);
		ledger_attempt(l, &a);
		ledger_request(l, &r);
		add(k, id);
		assert_int_equal(keys_changed(looker, &e), 1);
		row_at(looker, (size_t)i, (size_t)i + 1, NOW_US);
	}
	assert_int_equal(ledger_sync(l), 0);
	keys_close(&k);
	keys_close(&looker);
	assert_int_equal(ledger_close(&l), 0);
	assert_int_equal(number("SELECT count(*) FROM requests"), 50);
	assert_int_equal(number("SELECT count(*) FROM keys"), 50);
}

static void
older_ledger_is_brought_up_to_date_first(void **state)
{
	(void)state;
	struct keys *k = open_keys(KEYS_CREATE);
	keys_close(&k);
	change("PRAGMA user_version=99");
	assert_null(keys_open(path, KEYS_CHANGE, &e));
	assert_string_equal(e.code, "ledger_newer");
	change("PRAGMA user_version=1");
	assert_null(keys_open(path, KEYS_READ, &e));
	assert_string_equal(e.code, "ledger_older");
	change("PRAGMA application_id=7");
	assert_null(keys_open(path, KEYS_CHANGE, &e));
	assert_string_equal(e.code, "ledger_foreign");
}

static void
lost_pepper_is_told_and_not_replaced(void **state)
{
	(void)state;
	struct keys *k = open_keys(KEYS_CREATE);
	add(k, "a");
	change("UPDATE meta SET value='short' WHERE key='key_secret'");
	struct digest pepper;
	struct key key = a_key("b");
	assert_int_equal(keys_pepper(k, &pepper, &e), -1);
	assert_string_equal(e.code, "ledger_unavailable");
	assert_non_null(strstr(e.text, "has lost the secret"));
	assert_int_equal(keys_add(k, &key, NOW_US, secret, &e), -1);
	change("DELETE FROM meta WHERE key='key_secret'");
	assert_int_equal(keys_add(k, &key, NOW_US, secret, &e), -1);
	assert_non_null(strstr(e.text, "has lost the secret"));
	assert_int_equal(number("SELECT count(*) FROM keys"), 1);
	keys_close(&k);
}

static void
json_shows_all_but_the_mac(void **state)
{
	(void)state;
	struct key_row row = { .key = { .name = "a",
				   .models = "auto,x\"y",
				   .limits = { -1, 50000000000, 0, 2000000000000 },
				   .concurrent = 4,
				   .expires_us = NOW_US },
		.hint = "wxyz",
		.created_us = NOW_US - A_DAY_US,
		.spent_today_pico = 1 };
	struct buf out = { 0 };
	assert_int_equal(key_row_json(&row, NOW_US, &out), 0);
	assert_string_equal(buf_text(&out),
	    "\"name\":\"a\",\"state\":\"expired\",\"hint\":\"wxyz\",\"project\":null,\"models\":[\"auto\","
	    "\"x\\\"y\"],"
	    "\"request_usd\":null,\"daily_usd\":0.05,\"weekly_usd\":0.00,\"monthly_usd\":2.00,"
	    "\"spent_today_usd\":0.000000000001,\"concurrent\":4,\"created\":\"2023-11-13T22:13:20Z\","
	    "\"expires\":\"2023-11-14T22:13:20Z\",\"revoked\":null");
	buf_free(&out);
}

static void
set_changes_what_is_said_and_leaves_the_rest(void **state)
{
	(void)state;
	struct keys *k = open_keys(KEYS_CREATE);
	struct key key = { .limits = { 1, 2, 3, 4 }, .concurrent = 5, .expires_us = NOW_US + A_DAY_US };
	str_copy(key.name, sizeof key.name, STR("a"));
	str_copy(key.project, sizeof key.project, STR("shop"));
	str_copy(key.models, sizeof key.models, STR("auto"));
	assert_int_equal(keys_add(k, &key, NOW_US, secret, &e), 0);
	add(k, "b");
	struct key_row before = row_at(k, 0, 2, NOW_US), other = row_at(k, 1, 2, NOW_US);
	assert_int_equal(set(k, (struct key_wish){ .name = STR("a"), .daily_usd = STR("2") }), 0);
	struct key_row after = row_at(k, 0, 2, NOW_US);
	before.key.limits.daily_pico = INT64_C(2000000000000);
	assert_memory_equal(&after, &before, sizeof after);
	assert_int_equal(set(k, (struct key_wish){ .name = STR("a"),
				    .weekly_usd = STR("off"),
				    .project = STR("none"),
				    .expires = STR("never") }),
	    0);
	after = row_at(k, 0, 2, NOW_US);
	struct account_limits limits = { 1, INT64_C(2000000000000), -1, 4 };
	assert_memory_equal(&after.key.limits, &limits, sizeof limits);
	assert_string_equal(after.key.project, "");
	assert_string_equal(after.key.models, "auto");
	assert_int_equal(after.key.expires_us, 0);
	struct key_row untouched = row_at(k, 1, 2, NOW_US);
	assert_memory_equal(&untouched, &other, sizeof other);
	keys_close(&k);
}

static void
set_refuses_what_it_cannot_change(void **state)
{
	(void)state;
	struct keys *k = open_keys(KEYS_CREATE);
	add(k, "a");
	int64_t version = number("SELECT value FROM meta WHERE key='keys_version'");
	/* all or nothing: the good half of a bad wish is not done */
	assert_int_equal(
	    set(k, (struct key_wish){ .name = STR("a"), .daily_usd = STR("2"), .expires = STR("0") }), -1);
	assert_string_equal(e.param, "expires");
	assert_int_equal(row_at(k, 0, 1, NOW_US).key.limits.daily_pico, -1);
	assert_int_equal(set(k, (struct key_wish){ .name = STR("z"), .daily_usd = STR("2") }), -1);
	assert_string_equal(e.code, "key_not_found");
	assert_int_equal(number("SELECT value FROM meta WHERE key='keys_version'"), version);
	assert_int_equal(keys_revoke(k, "a", NOW_US, &e), 0);
	assert_int_equal(set(k, (struct key_wish){ .name = STR("a"), .daily_usd = STR("2") }), -1);
	assert_int_equal(e.status, 409);
	assert_string_equal(e.code, "key_revoked");
	keys_close(&k);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_FOLDER(first_key_makes_the_ledger),
		IN_A_FOLDER(key_comes_back_as_it_was_made),
		IN_A_FOLDER(only_the_keyed_digest_of_a_secret_is_kept),
		IN_A_FOLDER(name_is_never_given_twice),
		IN_A_FOLDER(revoked_once_is_revoked_then),
		IN_A_FOLDER(set_changes_what_is_said_and_leaves_the_rest),
		IN_A_FOLDER(set_refuses_what_it_cannot_change),
		IN_A_FOLDER(thawed_key_is_frozen_no_more_today),
		cmocka_unit_test(states_are_told_in_a_word),
		IN_A_FOLDER(change_of_keys_is_told_from_other_commits),
		IN_A_FOLDER(failed_change_changes_nothing),
		IN_A_FOLDER(keys_are_changed_while_the_ledger_is_in_use),
		IN_A_FOLDER(older_ledger_is_brought_up_to_date_first),
		IN_A_FOLDER(lost_pepper_is_told_and_not_replaced),
		cmocka_unit_test(json_shows_all_but_the_mac),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
