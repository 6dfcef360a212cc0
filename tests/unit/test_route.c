/*
 * Proves src/server/route.c: the fixed list of paths, and that nothing else is one.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/route.h"

struct found {
	struct route route;
	const char *allow;
	struct err e;
	int rc;
};

static const struct upstream_conf other = { .name = "other" };
static struct path_conf rules[] = {
	{ .path = "/v1/moderations", .free = true },
	{ .path = "/v1/batches", .usd_pico = 7, .upstream = &other },
	{ .path = "/v1/vector_stores", .usd_pico = 1 },
	{ .path = "/v1/vector_stores/search", .usd_pico = 2 },
	{ .path = "/v1/fine_tuning", .free = true },
};
static const struct config config = { .paths = rules, .path_count = sizeof rules / sizeof *rules };

/* The address sanitizer sees a read behind the target. */
static struct found
find(const char *method, struct str uri)
{
	struct found f = { 0 };
	char *copy = malloc(uri.n > 0 ? uri.n : 1);
	assert_non_null(copy);
	if (uri.n > 0)
		memcpy(copy, uri.p, uri.n);
	f.rc = route_find(&config, str_from(method), (struct str){ copy, uri.n }, &f.route, &f.allow, &f.e);
	free(copy);
	return f;
}

static struct found
find_text(const char *method, const char *uri)
{
	return find(method, str_from(uri));
}

static void
questions_are_posted_json(void **state)
{
	(void)state;
	static const struct {
		const char *uri;
		enum endpoint endpoint;
	} rows[] = {
		{ "/v1/chat/completions", ENDPOINT_CHAT },
		{ "/v1/completions", ENDPOINT_COMPLETIONS },
		{ "/v1/embeddings", ENDPOINT_EMBEDDINGS },
		{ "/v1/responses", ENDPOINT_RESPONSES },
		{ "/v1/chat/completions?x=1", ENDPOINT_CHAT },
		{ "/v1/chat/completions?", ENDPOINT_CHAT },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct found f = find_text("POST", rows[i].uri);
		assert_int_equal(f.rc, 0);
		assert_int_equal(f.route.kind, ROUTE_ASK);
		assert_int_equal(f.route.endpoint, rows[i].endpoint);
		assert_true(f.route.wants_json && !f.route.wants_form);
	}
}

static void
pages_are_got(void **state)
{
	(void)state;
	static const struct {
		const char *uri;
		enum route_kind kind;
	} rows[] = {
		{ "/", ROUTE_HOME },
		{ "/v1/models", ROUTE_MODELS },
		{ "/healthz", ROUTE_HEALTHZ },
		{ "/readyz", ROUTE_READYZ },
		{ "/metrics", ROUTE_METRICS },
		{ "/metrics?x=y", ROUTE_METRICS },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct found f = find_text("GET", rows[i].uri);
		assert_int_equal(f.rc, 0);
		assert_int_equal(f.route.kind, rows[i].kind);
		assert_false(f.route.wants_json || f.route.wants_form);
	}
}

/* C25 */
static void
wrong_method_is_told_the_right_ones(void **state)
{
	(void)state;
	static const char *const bad[] = { "get", "post", "TRACE", "CONNECT", "PUT", "PATCH", "HEAD",
		"OPTIONS", "", "GETT", "GET " };
	static const struct {
		const char *uri, *allow;
	} rows[] = {
		{ "/v1/chat/completions", "POST" },
		{ "/v1/embeddings", "POST" },
		{ "/v1/models", "GET" },
		{ "/v1/models/gpt-4o", "GET" },
		{ "/healthz", "GET" },
		{ "/", "GET" },
		{ "/v1/files", "GET, POST, DELETE" },
		{ "/v1/batches/b_1/cancel", "GET, POST, DELETE" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		for (size_t m = 0; m < sizeof bad / sizeof *bad; m++) {
			struct found f = find_text(bad[m], rows[i].uri);
			assert_int_equal(f.rc, -1);
			assert_int_equal(f.e.status, 405);
			assert_string_equal(f.e.code, "method_not_allowed");
			assert_string_equal(f.allow, rows[i].allow);
		}
	}
	assert_int_equal(find_text("GET", "/v1/chat/completions").e.status, 405);
	assert_int_equal(find_text("DELETE", "/v1/chat/completions").e.status, 405);
	assert_int_equal(find_text("POST", "/v1/models").e.status, 405);
	assert_int_equal(find_text("DELETE", "/healthz").e.status, 405);
}

/* C26 */
static void
unknown_paths_are_not_found(void **state)
{
	(void)state;
	static const char *const unknown[] = { "/v1", "/v1/", "/v2/chat/completions", "/chat/completions",
		"/v1/chat/completions/", "/V1/chat/completions", "/healthz/", "/metricsx", "/v1/models/",
		"/v1/files/", "/v1/files/a/", "/v1/files/a*b", "/v1/moderations/", "/v1x", "/farthing/api",
		"/admin", "/favicon.ico", "/.", "/v1/files/a,b", "/v1/a,b" };
	for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
		for (int post = 0; post < 2; post++) {
			struct found f = find_text(post ? "POST" : "GET", unknown[i]);
			if (f.rc != -1 || f.e.status != 404)
				fail_msg("%s: %d", unknown[i], f.e.status);
			assert_string_equal(f.e.code, "unknown_path");
			assert_null(f.allow);
		}
	}
}

static void
path_without_a_price_is_told_where_to_state_it(void **state)
{
	(void)state;
	static const char *const unpriced[] = { "/v1/chat", "/v1/chat/completionsx", "/v1/Chat/completions",
		"/v1/filesx", "/v1/moderationsx", "/v1/images/generations", "/v1/v1/chat/completions",
		"/v1/responses/resp_1", "/v1/images/generations?a=b" };
	for (size_t i = 0; i < sizeof unpriced / sizeof *unpriced; i++) {
		for (int post = 0; post < 2; post++) {
			struct found f = find_text(post ? "POST" : "GET", unpriced[i]);
			assert_int_equal(f.rc, -1);
			assert_int_equal(f.e.status, 404);
			assert_string_equal(f.e.code, "path_not_priced");
			assert_non_null(strstr(f.e.text, "paths"));
			assert_null(f.allow);
		}
	}
}

static void
rule_admits_a_path_and_what_is_below_it(void **state)
{
	(void)state;
	static const struct {
		const char *method, *uri, *name;
		int rule; /* -1: none */
		bool costs, json, form;
	} rows[] = {
		{ "POST", "/v1/moderations", "moderations", 0, false, true, true },
		{ "POST", "/v1/vector_stores", "vector_stores", 2, true, true, true },
		{ "GET", "/v1/vector_stores?limit=1", "vector_stores", 2, false, false, false },
		{ "DELETE", "/v1/vector_stores/vs_1", "vector_stores", 2, false, false, false },
		{ "POST", "/v1/vector_stores/vs_1/files", "vector_stores", 2, true, true, true },
		{ "POST", "/v1/vector_stores/vs_1/batches/b/cancel", "vector_stores", 2, false, true, true },
		/* the longest one says what it costs */
		{ "POST", "/v1/vector_stores/search", "vector_stores/search", 3, true, true, true },
		/* what is forwarded without a rule keeps its name, and is not drawn into a wider rule */
		{ "POST", "/v1/batches", "batches", 1, true, true, false },
		{ "POST", "/v1/fine_tuning/jobs", "fine_tuning", -1, true, true, false },
		{ "POST", "/v1/fine_tuning/jobsx", "fine_tuning", 4, false, true, true },
		{ "POST", "/v1/files", "files", -1, false, false, true },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct found f = find_text(rows[i].method, rows[i].uri);
		const struct forward *to = &f.route.forward;
		assert_int_equal(f.rc, 0);
		assert_int_equal(f.route.kind, ROUTE_FORWARD);
		assert_ptr_equal(to->rule, rows[i].rule < 0 ? NULL : &rules[rows[i].rule]);
		assert_string_equal(to->name, rows[i].name);
		assert_string_equal(to->path, rows[i].uri + 3);
		assert_int_equal(to->costs, rows[i].costs);
		assert_int_equal(f.route.wants_json, rows[i].json);
		assert_int_equal(f.route.wants_form, rows[i].form);
	}
}

static void
only_what_makes_something_costs_money(void **state)
{
	(void)state;
	static const struct {
		const char *method, *uri;
		bool costs;
	} rows[] = {
		{ "POST", "/v1/fine_tuning/jobs", true },
		{ "POST", "/v1/fine_tuning/jobs?x=cancel", true },
		{ "GET", "/v1/fine_tuning/jobs", false },
		{ "POST", "/v1/fine_tuning/jobs/j/cancel", false },
		{ "POST", "/v1/fine_tuning/jobs/j/pause", false },
		{ "POST", "/v1/fine_tuning/jobs/j/resume", true },
		{ "POST", "/v1/fine_tuning/jobs/cancel", true },
		{ "POST", "/v1/fine_tuning/jobs/pause", true },
		{ "POST", "/v1/fine_tuning/jobs/j/cancelx", true },
		{ "POST", "/v1/batches/b/cancel/x", true },
		{ "DELETE", "/v1/batches/b", false },
		{ "POST", "/v1/files", false },
		{ "DELETE", "/v1/files/f", false },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct found f = find_text(rows[i].method, rows[i].uri);
		assert_int_equal(f.rc, 0);
		if (f.route.forward.costs != rows[i].costs)
			fail_msg("%s %s", rows[i].method, rows[i].uri);
	}
}

/* C26 */
static void
paths_that_others_read_differently_are_refused(void **state)
{
	(void)state;
	static const char *const odd[] = { "", "*", "v1/models", "http://localhost/v1/models", "//v1/models",
		"/v1//models", "/v1/models//", "/v1/../healthz", "/..", "/v1/files/..",
		"/v1/chat/completions;x", "/healthz;", "/healthz#a", "/v1\\models", "/v1/chat%2fcompletions",
		"/v1%2Fmodels", "/%68ealthz", "/healthz%00", "/healthz%", "/v1/models/%00", "/v1/models/a%2e",
		"/v1/models/a%2", "/v1/models/%", "/v1/models/a%2f..%2fb", "/v1/models/a b", "/healthz ",
		" /healthz", "/health\tz", "/health\x7fz", "/health\xc3\xa9", "/healthz?a b", "/healthz?\x01",
		"/healthz?a\x80", "/v1/files?a=%41", "/v1/files?a;b", "/v1/files/a?x=<", "/v1/models/a\"b",
		"/v1/models/a?b c" };
	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
		struct found f = find_text("GET", odd[i]);
		if (f.rc != -1 || f.e.status != 400)
			fail_msg("%s: %d", odd[i], f.e.status);
		assert_string_equal(f.e.code, "invalid_path");
	}
	assert_int_equal(find("GET", STR("/healthz\0")).e.status, 400);
	assert_int_equal(find("GET", STR("/healthz?\0")).e.status, 400);
}

static void
every_byte_that_no_path_has_is_refused(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		bool refused = c <= 0x20 || c >= 0x7f || c == '\\' || c == ';' || c == '#';
		char uri[] = { '/', 'x', (char)c, 'y' };
		struct found f = find("GET", (struct str){ uri, 4 });
		assert_int_equal(f.rc, -1);
		assert_int_equal(f.e.status, refused || c == '%' ? 400 : 404);
		/* and in the query, where only the percent sign is nobody's business here */
		char query[] = { '/', '?', 'a', (char)c };
		f = find("GET", (struct str){ query, 4 });
		assert_int_equal(f.rc, refused ? -1 : 0);
	}
}

static void
names_of_models_may_hold_a_slash(void **state)
{
	(void)state;
	static const struct {
		const char *uri, *model;
	} rows[] = {
		{ "/v1/models/gpt-4o", "gpt-4o" },
		{ "/v1/models/org%2Fmodel", "org/model" },
		{ "/v1/models/org%2fmodel%2Fv1.5:free", "org/model/v1.5:free" },
		{ "/v1/models/org/model", "org/model" },
		{ "/v1/models/%2F", "/" },
		{ "/v1/models/a?x=1", "a" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct found f = find_text("GET", rows[i].uri);
		assert_int_equal(f.rc, 0);
		assert_int_equal(f.route.kind, ROUTE_MODEL);
		assert_string_equal(f.route.model, rows[i].model);
	}
}

static void
forwarded_paths_keep_their_rest_and_query(void **state)
{
	(void)state;
	static const struct {
		const char *method, *uri, *name, *path;
		bool json, form;
	} rows[] = {
		{ "POST", "/v1/files", "files", "/files", false, true },
		{ "GET", "/v1/files?purpose=batch&limit=10", "files", "/files?purpose=batch&limit=10", false,
		    false },
		{ "GET", "/v1/files/file-1/content", "files", "/files/file-1/content", false, false },
		{ "DELETE", "/v1/files/file-1", "files", "/files/file-1", false, false },
		{ "POST", "/v1/fine_tuning/jobs", "fine_tuning", "/fine_tuning/jobs", true, false },
		{ "POST", "/v1/fine_tuning/jobs/j/cancel", "fine_tuning", "/fine_tuning/jobs/j/cancel", true,
		    false },
		{ "POST", "/v1/batches", "batches", "/batches", true, false },
		{ "GET", "/v1/batches?after=b_1", "batches", "/batches?after=b_1", false, false },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct found f = find_text(rows[i].method, rows[i].uri);
		assert_int_equal(f.rc, 0);
		assert_int_equal(f.route.kind, ROUTE_FORWARD);
		assert_string_equal(f.route.forward.name, rows[i].name);
		assert_string_equal(f.route.forward.method, rows[i].method);
		assert_string_equal(f.route.forward.path, rows[i].path);
		assert_int_equal(f.route.wants_json, rows[i].json);
		assert_int_equal(f.route.wants_form, rows[i].form);
	}
}

static void
forwarded_path_is_never_cut(void **state)
{
	(void)state;
	size_t most = sizeof(struct forward){ 0 }.path - 1;
	struct buf uri = { 0 };
	assert_int_equal(buf_add(&uri, STR("/v1/files/")), 0);
	while (uri.n < most + 3)
		assert_int_equal(buf_add_c(&uri, 'a'), 0);
	struct found f = find("GET", buf_str(&uri));
	assert_int_equal(f.rc, 0);
	assert_int_equal(strlen(f.route.forward.path), most);
	assert_int_equal(buf_add_c(&uri, 'a'), 0);
	f = find("GET", buf_str(&uri));
	assert_int_equal(f.rc, -1);
	assert_int_equal(f.e.status, 414);
	buf_free(&uri);
}

static void
name_beyond_any_model_is_not_found_by_its_beginning(void **state)
{
	(void)state;
	struct buf uri = { 0 };
	assert_int_equal(buf_add(&uri, STR("/v1/models/")), 0);
	for (size_t i = 0; i + 1 < sizeof(struct route){ 0 }.model; i++)
		assert_int_equal(buf_add_c(&uri, 'a'), 0);
	assert_int_equal(find("GET", buf_str(&uri)).rc, 0);
	assert_int_equal(buf_add_c(&uri, 'a'), 0);
	struct found f = find("GET", buf_str(&uri));
	assert_int_equal(f.rc, -1);
	assert_int_equal(f.e.status, 404);
	buf_free(&uri);
}

static void
keys_are_administered_by_path_and_method(void **state)
{
	(void)state;
	static const struct {
		const char *method, *uri;
		enum keys_action action;
		const char *name;
		bool json;
	} rows[] = {
		{ "GET", "/farthing/api/keys", KEYS_ACT_LIST, "", false },
		{ "POST", "/farthing/api/keys", KEYS_ACT_ADD, "", true },
		{ "DELETE", "/farthing/api/keys/team.a:1", KEYS_ACT_REVOKE, "team.a:1", false },
		{ "POST", "/farthing/api/keys/team.a:1", KEYS_ACT_SET, "team.a:1", true },
		{ "POST", "/farthing/api/keys/a/revoke", KEYS_ACT_REVOKE, "a", true },
		{ "POST", "/farthing/api/keys/a/thaw", KEYS_ACT_THAW, "a", true },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct found f = find_text(rows[i].method, rows[i].uri);
		assert_int_equal(f.rc, 0);
		assert_int_equal(f.route.kind, ROUTE_KEYS);
		assert_int_equal(f.route.keys, rows[i].action);
		assert_string_equal(f.route.name, rows[i].name);
		assert_int_equal(f.route.wants_json, rows[i].json);
	}
	static const struct {
		const char *method, *uri;
		int status;
		const char *allow;
	} bad[] = {
		{ "DELETE", "/farthing/api/keys", 405, "GET, POST" },
		{ "GET", "/farthing/api/keys/a", 405, "POST, DELETE" },
		{ "GET", "/farthing/api/keys/a/revoke", 405, "POST" },
		{ "GET", "/farthing/api/keys/a/thaw", 405, "POST" },
		{ "GET", "/farthing/api/keys/", 404, NULL },
		{ "POST", "/farthing/api/keys/a/", 404, NULL },
		{ "POST", "/farthing/api/keys/a/thaw/", 404, NULL },
		{ "POST", "/farthing/api/keys/a/melt", 404, NULL },
		{ "GET", "/farthing/api/keysx", 404, NULL },
		{ "DELETE", "/farthing/api/keys/a,b", 404, NULL },
		{ "DELETE", "/farthing/api/keys/a%2Fb", 400, NULL },
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct found f = find_text(bad[i].method, bad[i].uri);
		assert_int_equal(f.rc, -1);
		assert_int_equal(f.e.status, bad[i].status);
		assert_int_equal(f.allow != NULL, bad[i].allow != NULL);
		if (f.allow != NULL)
			assert_string_equal(f.allow, bad[i].allow);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(questions_are_posted_json),
		cmocka_unit_test(pages_are_got),
		cmocka_unit_test(wrong_method_is_told_the_right_ones),
		cmocka_unit_test(unknown_paths_are_not_found),
		cmocka_unit_test(path_without_a_price_is_told_where_to_state_it),
		cmocka_unit_test(rule_admits_a_path_and_what_is_below_it),
		cmocka_unit_test(only_what_makes_something_costs_money),
		cmocka_unit_test(paths_that_others_read_differently_are_refused),
		cmocka_unit_test(every_byte_that_no_path_has_is_refused),
		cmocka_unit_test(names_of_models_may_hold_a_slash),
		cmocka_unit_test(forwarded_paths_keep_their_rest_and_query),
		cmocka_unit_test(forwarded_path_is_never_cut),
		cmocka_unit_test(keys_are_administered_by_path_and_method),
		cmocka_unit_test(name_beyond_any_model_is_not_found_by_its_beginning),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
