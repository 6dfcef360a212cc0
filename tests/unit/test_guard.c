/*
 * Proves src/server/guard.c: the rows of requests that mean different things to different readers.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/guard.h"

#define GIB (INT64_C(1) << 30)

/* Header lines "name: value" one after the other; NULL ends them. */
static struct door_head
take(const char *const *lines)
{
	struct door_head h = { 0 };
	for (; *lines != NULL; lines++) {
		struct str value = str_from(*lines), name;
		assert_true(str_cut(&value, ':', &name));
		guard_take(&h, name, str_trim(value));
	}
	return h;
}

#define HEAD(...) take((const char *const[]){ __VA_ARGS__, NULL })

/* ---- names and values (C30, C50) ---- */

static void
headers_are_known_in_any_case(void **state)
{
	(void)state;
	struct door_head h = HEAD("HOST: a", "Content-Length: 5", "TRANSFER-encoding: chunked",
	    "x-API-key: k", "X-Farthing-Task: t", "X-Unknown: v", "Idempotency-Key: i");
	assert_true(str_eq(h.host, STR("a")));
	assert_true(str_eq(h.content_length, STR("5")));
	assert_true(str_eq(h.transfer_encoding, STR("chunked")));
	assert_true(str_eq(h.api_key, STR("k")));
	assert_true(str_eq(h.task, STR("t")));
	assert_true(str_eq(h.idempotency_key, STR("i")));
	assert_null(h.authorization.p);
	assert_int_equal(h.repeated, 0);
	assert_false(h.malformed);
}

static void
header_that_is_there_but_empty_is_not_absent(void **state)
{
	(void)state;
	struct door_head h = { 0 };
	guard_take(&h, STR("Authorization"), (struct str){ NULL, 0 });
	assert_non_null(h.authorization.p);
	guard_take(&h, STR("authorization"), (struct str){ NULL, 0 });
	assert_true(h.repeated_key);
}

static void
folded_framing_glued_to_a_name_is_malformed(void **state)
{
	(void)state;
	static const char *const glued[] = { "Transfer-Encodingchunked", "content-length 5",
		"Content-Length5", "AuthorizationBearer" };
	for (size_t i = 0; i < sizeof glued / sizeof *glued; i++) {
		struct door_head h = { 0 };
		guard_take(&h, str_from(glued[i]), STR(""));
		assert_true(h.malformed);
	}
	struct door_head h = { 0 };
	guard_take(&h, STR("content"), STR("a"));
	guard_take(&h, STR("host-of"), STR("b"));
	assert_false(h.malformed);
}

static void
unknown_headers_may_repeat(void **state)
{
	(void)state;
	struct door_head h = HEAD("Accept: a", "Accept: b", "X: 1", "X: 2");
	assert_int_equal(h.repeated, 0);
}

static void
malformed_names_and_values_end_the_request(void **state)
{
	(void)state;
	static const struct str names[] = { { "", 0 }, { "Host ", 5 }, { " Host", 5 }, { "Ho st", 5 },
		{ "Host\t", 5 }, { "Host\0", 5 }, { "Host\r", 5 }, { "H\xc3\xb6st", 5 },
		{ "Content-Length\v", 15 }, { "a:b", 3 }, { "a/b", 3 }, { "{a}", 3 } };
	static const struct str values[] = { { "a\0b", 3 }, { "a\rb", 3 }, { "a\nb", 3 }, { "a\r\n b", 5 },
		{ "\x1b[31m", 5 }, { "a\x7f", 2 }, { "\x01", 1 } };
	for (size_t i = 0; i < sizeof names / sizeof *names + sizeof values / sizeof *values; i++) {
		struct door_head h = { 0 };
		struct door_pass pass;
		struct err e;
		bool name = i < sizeof names / sizeof *names;
		if (name)
			guard_take(&h, names[i], STR("v"));
		else
			guard_take(&h, STR("X-Any"), values[i - sizeof names / sizeof *names]);
		assert_true(h.malformed);
		guard_take(&h, STR("Host"), STR("localhost")); /* a good one behind it heals nothing */
		assert_int_equal(guard_framing(&h, true, GIB, &pass, &e), -1);
		assert_int_equal(e.status, 400);
		assert_string_equal(e.code, "invalid_header");
	}
	struct door_head good = HEAD("X-Any: a\tb c");
	assert_false(good.malformed);
}

/* ---- framing (C12, C27, C28, C35) ---- */

static void
body_lengths_are_understood(void **state)
{
	(void)state;
	struct door_pass pass;
	struct err e;
	struct door_head none = { 0 }, five = HEAD("Content-Length: 5"), zero = HEAD("Content-Length: 0"),
			 padded = HEAD("Content-Length: 0005"), chunked = HEAD("Transfer-Encoding: Chunked"),
			 waits = HEAD("Content-Length: 5", "Expect: 100-Continue");
	assert_int_equal(guard_framing(&none, true, 10, &pass, &e), 0);
	assert_int_equal(pass.body_bytes, 0);
	assert_int_equal(guard_framing(&five, false, 10, &pass, &e), 0);
	assert_int_equal(pass.body_bytes, 5);
	assert_int_equal(guard_framing(&five, true, 5, &pass, &e), 0);
	assert_int_equal(guard_framing(&zero, true, 10, &pass, &e), 0);
	assert_int_equal(pass.body_bytes, 0);
	assert_int_equal(guard_framing(&padded, true, 10, &pass, &e), 0);
	assert_int_equal(pass.body_bytes, 5);
	assert_int_equal(guard_framing(&chunked, true, 10, &pass, &e), 0);
	assert_int_equal(pass.body_bytes, -1);
	assert_int_equal(guard_framing(&waits, true, 10, &pass, &e), 0);
}

static void
ambiguous_framing_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *lines[4];
		bool http_1_0;
		int status;
		const char *code;
	} rows[] = {
		{ { "Content-Length: 5", "Transfer-Encoding: chunked" }, false, 400, "ambiguous_framing" },
		{ { "Transfer-Encoding: chunked", "Content-Length: 0" }, false, 400, "ambiguous_framing" },
		{ { "Transfer-Encoding: chunked", "Transfer-Encoding: chunked" }, false, 400,
		    "ambiguous_headers" },
		{ { "Transfer-Encoding: chunked", "Transfer-Encoding: identity" }, false, 400,
		    "ambiguous_headers" },
		{ { "Content-Length: 5", "Content-Length: 5" }, false, 400, "ambiguous_headers" },
		{ { "Content-Length: 5", "content-length: 6" }, false, 400, "ambiguous_headers" },
		{ { "Host: a", "Host: b" }, false, 400, "ambiguous_headers" },
		{ { "Transfer-Encoding: chunked" }, true, 400, "invalid_framing" },
		{ { "Transfer-Encoding: xchunked" }, false, 400, "invalid_framing" },
		{ { "Transfer-Encoding: gzip, chunked" }, false, 400, "invalid_framing" },
		{ { "Transfer-Encoding: chunked, chunked" }, false, 400, "invalid_framing" },
		{ { "Transfer-Encoding: identity" }, false, 400, "invalid_framing" },
		{ { "Transfer-Encoding:" }, false, 400, "invalid_framing" },
		{ { "Content-Length: 5, 5" }, false, 400, "invalid_framing" },
		{ { "Content-Length: +5" }, false, 400, "invalid_framing" },
		{ { "Content-Length: -1" }, false, 400, "invalid_framing" },
		{ { "Content-Length: 0x5" }, false, 400, "invalid_framing" },
		{ { "Content-Length: 5 5" }, false, 400, "invalid_framing" },
		{ { "Content-Length: 5.0" }, false, 400, "invalid_framing" },
		{ { "Content-Length: 1e3" }, false, 400, "invalid_framing" },
		{ { "Content-Length:" }, false, 400, "invalid_framing" },
		{ { "Content-Length: 1001" }, false, 413, "request_too_large" },
		{ { "Content-Length: 1000000000000" }, false, 413, "request_too_large" },
		{ { "Content-Length: 9223372036854775807" }, false, 413, "request_too_large" },
		{ { "Content-Length: 9223372036854775808" }, false, 413, "request_too_large" },
		{ { "Content-Length: 18446744073709551615" }, false, 413, "request_too_large" },
		{ { "Content-Length: 18446744073709551616" }, false, 413, "request_too_large" },
		{ { "Content-Length: 18446744073709551621" }, false, 413, "request_too_large" },
		{ { "Expect: 200-ok" }, false, 417, "expectation_failed" },
		{ { "Expect:" }, false, 417, "expectation_failed" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct door_head h = take(rows[i].lines);
		struct door_pass pass;
		struct err e = { 0 };
		if (guard_framing(&h, !rows[i].http_1_0, 1000, &pass, &e) != -1)
			fail_msg("row %zu passes", i);
		assert_int_equal(e.status, rows[i].status);
		assert_string_equal(e.code, rows[i].code);
	}
}

/* ---- hosts and origins (C31) ---- */

static const char *own_names[] = { "gateway.example" };

static struct config
a_config(void)
{
	return (struct config){ .hosts = own_names, .host_count = 1 };
}

static int
host(const char *value, const char *origin, struct err *e)
{
	struct config config = a_config();
	struct door_head h = { 0 };
	*e = (struct err){ 0 };
	if (value != NULL)
		guard_take(&h, STR("Host"), str_from(value));
	if (origin != NULL)
		guard_take(&h, STR("Origin"), str_from(origin));
	return guard_host(&h, &config, true, e);
}

static void
own_hosts_pass(void **state)
{
	(void)state;
	static const char *const own[] = { "localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:1",
		"10.1.2.3:65535", "[::1]", "[::1]:8080", "[fe80::1]", "gateway.example",
		"Gateway.Example:443", "localhost:" };
	struct err e;
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		if (host(own[i], NULL, &e) != 0)
			fail_msg("%s: %s", own[i], e.code);
}

static void
foreign_and_malformed_hosts_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *host;
		int status;
		const char *code;
	} rows[] = {
		{ NULL, 400, "missing_host" },
		{ "", 400, "invalid_host" },
		{ "evil.com", 421, "misdirected_request" },
		{ "localhost.evil.com", 421, "misdirected_request" },
		{ "gateway.example.evil.com:80", 421, "misdirected_request" },
		{ "127.0.0.1.evil.com", 421, "misdirected_request" },
		{ "localhost.", 421, "misdirected_request" },
		{ "127.1", 421, "misdirected_request" },
		{ "2130706433", 421, "misdirected_request" },
		{ "0x7f.0.0.1", 421, "misdirected_request" },
		{ "a?b", 400, "invalid_host" },
		{ "localhost/x", 400, "invalid_host" },
		{ "user@localhost", 400, "invalid_host" },
		{ "localhost, localhost", 400, "invalid_host" },
		{ "localhost:0", 400, "invalid_host" },
		{ "localhost:65536", 400, "invalid_host" },
		{ "localhost:-1", 400, "invalid_host" },
		{ "localhost:80:80", 400, "invalid_host" },
		{ "localhost:x", 400, "invalid_host" },
		{ ":8080", 400, "invalid_host" },
		{ "::1", 400, "invalid_host" },
		{ "[::1", 400, "invalid_host" },
		{ "[]", 400, "invalid_host" },
		{ "[::1]x", 400, "invalid_host" },
		{ "[::1]8080", 400, "invalid_host" },
		{ "[::1]]", 400, "invalid_host" },
		{ "[evil.com]", 421, "misdirected_request" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err e;
		if (host(rows[i].host, NULL, &e) != -1 || e.status != rows[i].status)
			fail_msg("%s: %d %s", rows[i].host, e.status, e.code);
		assert_string_equal(e.code, rows[i].code);
	}
	/* HTTP/1.0 knows no Host */
	struct config config = a_config();
	struct door_head none = { 0 };
	struct err e;
	assert_int_equal(guard_host(&none, &config, false, &e), 0);
}

static void
pages_of_other_sites_are_refused(void **state)
{
	(void)state;
	static const char *const own[] = { "http://localhost:8080", "http://127.0.0.1",
		"https://gateway.example", "http://[::1]:8080" };
	static const char *const foreign[] = { "https://evil.com", "null", "", "http://", "localhost",
		"http://localhost@evil.com", "http://localhost.evil.com",
		"https://evil.com/http://localhost" };
	struct err e;
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		if (host("localhost", own[i], &e) != 0)
			fail_msg("%s: %s", own[i], e.code);
	for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
		if (host("localhost", foreign[i], &e) != -1)
			fail_msg("%s passes", foreign[i]);
		assert_int_equal(e.status, 403);
		assert_string_equal(e.code, "forbidden_origin");
	}
}

/* ---- the body's type (C24) ---- */

static void
body_types_are_checked(void **state)
{
	(void)state;
	static const struct {
		const char *type;
		bool json, form;
	} rows[] = {
		{ "Content-Type: application/json", true, false },
		{ "Content-Type: Application/JSON", true, false },
		{ "Content-Type: application/json;charset=utf-8", true, false },
		{ "Content-Type: application/json ; Charset=UTF-8", true, false },
		{ "Content-Type: application/json; charset=\"utf-8\"", true, false },
		{ "Content-Type: application/json; x", true, false },
		{ "Content-Type: application/json;", true, false },
		{ "Content-Type: application/json; charset=utf-16", false, false },
		{ "Content-Type: application/json; x=y; charset=latin1", false, false },
		{ "Content-Type: application/json; charset=", false, false },
		{ "Content-Type: application/jsonx", false, false },
		{ "Content-Type: text/plain", false, false },
		{ "Content-Type: text/plain; application/json", false, false },
		{ "Content-Type: application/x-www-form-urlencoded", false, false },
		{ "Content-Type: multipart/form-data; boundary=x", false, true },
		{ "Content-Type:", false, false },
		{ "X-None: x", false, false },
	};
	struct route json = { .kind = ROUTE_ASK, .wants_json = true };
	struct route form = { .kind = ROUTE_FORWARD, .wants_form = true };
	struct route any = { .kind = ROUTE_MODELS };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct door_head h = HEAD(rows[i].type, "Content-Length: 2");
		struct err e = { 0 };
		if (guard_body_type(&h, &json, &e) != (rows[i].json ? 0 : -1))
			fail_msg("%s", rows[i].type);
		assert_int_equal(e.status, rows[i].json ? 0 : 415);
		assert_int_equal(guard_body_type(&h, &form, &e), rows[i].form ? 0 : -1);
		assert_int_equal(guard_body_type(&h, &any, &e), 0);
	}
}

static void
question_without_a_body_needs_its_type_too(void **state)
{
	(void)state;
	struct route ask = { .kind = ROUTE_ASK, .wants_json = true };
	struct route forward = { .kind = ROUTE_FORWARD, .wants_json = true };
	struct door_head none = { 0 }, zero = HEAD("Content-Length: 0"), some = HEAD("Content-Length: 1"),
			 chunked = HEAD("Transfer-Encoding: chunked");
	struct err e;
	assert_int_equal(guard_body_type(&none, &ask, &e), -1);
	assert_int_equal(guard_body_type(&zero, &ask, &e), -1);
	/* "cancel this job" has no body and no type */
	assert_int_equal(guard_body_type(&none, &forward, &e), 0);
	assert_int_equal(guard_body_type(&zero, &forward, &e), 0);
	assert_int_equal(guard_body_type(&some, &forward, &e), -1);
	assert_int_equal(guard_body_type(&chunked, &forward, &e), -1);
	/* and where a rule admits a path, a form is as good as JSON */
	struct route priced = { .kind = ROUTE_FORWARD, .wants_json = true, .wants_form = true };
	struct door_head form = some, json = some, text = some;
	form.content_type = STR("multipart/form-data; boundary=x");
	json.content_type = STR("application/json");
	text.content_type = STR("text/plain");
	assert_int_equal(guard_body_type(&none, &priced, &e), 0);
	assert_int_equal(guard_body_type(&form, &priced, &e), 0);
	assert_int_equal(guard_body_type(&json, &priced, &e), 0);
	assert_int_equal(guard_body_type(&some, &priced, &e), -1);
	assert_int_equal(guard_body_type(&text, &priced, &e), -1);
	assert_int_equal(e.status, 415);
}

static void
compressed_bodies_are_refused(void **state)
{
	(void)state;
	struct route ask = { .kind = ROUTE_ASK, .wants_json = true };
	struct err e;
	static const char *const bad[] = { "gzip", "br", "identity, gzip", "" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct door_head h = HEAD("Content-Type: application/json");
		guard_take(&h, STR("Content-Encoding"), str_from(bad[i]));
		assert_int_equal(guard_body_type(&h, &ask, &e), -1);
		assert_int_equal(e.status, 415);
		assert_string_equal(e.code, "unsupported_media_type");
	}
	struct door_head plain = HEAD("Content-Type: application/json", "Content-Encoding: Identity");
	assert_int_equal(guard_body_type(&plain, &ask, &e), 0);
}

/* ---- credentials (C32) ---- */

static struct str secret;

static void
credentials_come_once_and_in_one_way(void **state)
{
	(void)state;
	static const struct {
		const char *lines[3];
		int status;
		const char *code;
		const char *secret;
	} rows[] = {
		{ { "X-None: x" }, 0, "", NULL },
		{ { "Authorization: Bearer sk-key" }, 0, "", "sk-key" },
		{ { "Authorization: bearer sk-key" }, 0, "", "sk-key" },
		{ { "Authorization: Bearer   sk-key  " }, 0, "", "sk-key" },
		{ { "X-Api-Key: sk-key" }, 0, "", "sk-key" },
		{ { "X-Api-Key:" }, 0, "", NULL },
		{ { "Authorization: Bearer a", "X-Api-Key: b" }, 400, "ambiguous_credentials", NULL },
		{ { "Authorization: Bearer a", "X-Api-Key:" }, 400, "ambiguous_credentials", NULL },
		{ { "Authorization:" }, 401, "invalid_api_key", NULL },
		{ { "Authorization: Basic dTpw" }, 401, "invalid_api_key", NULL },
		{ { "Authorization: Bearersk-key" }, 401, "invalid_api_key", NULL },
		{ { "Authorization: sk-key" }, 401, "invalid_api_key", NULL },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct door_head h = take(rows[i].lines);
		struct err e = { 0 };
		assert_int_equal(guard_credentials(&h, &secret, &e), rows[i].status == 0 ? 0 : -1);
		assert_int_equal(e.status, rows[i].status);
		assert_string_equal(e.code, rows[i].code);
		assert_true(e.status != 0 || (secret.p == NULL) == (rows[i].secret == NULL));
		if (e.status == 0)
			assert_true(str_eq(secret, str_from(rows[i].secret)));
		/* whatever went wrong, the answer never repeats the key */
		assert_true(str_find(str_from(e.text), STR("sk-")) < 0);
	}
}

static void
two_authorizations_are_refused(void **state)
{
	(void)state;
	struct door_head h = HEAD("Authorization: Bearer a", "authorization: Bearer a");
	struct err e;
	assert_int_equal(guard_credentials(&h, &secret, &e), -1);
	assert_int_equal(e.status, 400);
	assert_string_equal(e.code, "ambiguous_credentials");
}

static void
endless_key_is_refused(void **state)
{
	(void)state;
	struct buf b = { 0 };
	struct err e;
	assert_int_equal(buf_add(&b, STR("Bearer ")), 0);
	while (b.n < 16384)
		assert_int_equal(buf_add_c(&b, 'k'), 0);
	struct door_head h = { 0 };
	guard_take(&h, STR("Authorization"), buf_str(&b));
	assert_int_equal(guard_credentials(&h, &secret, &e), -1);
	assert_int_equal(e.status, 401);
	buf_free(&b);
}

/* ---- directives ---- */

static void
directives_reach_the_exchange(void **state)
{
	(void)state;
	struct exchange x = { 0 };
	struct err e;
	struct door_head h = HEAD("X-Farthing-Task: product_title.v2:a-b", "X-Farthing-Route: cheap",
	    "X-Farthing-Batch: off", "Cache-Control: max-age=5, No-Cache");
	assert_int_equal(guard_directives(&h, &x, &e), 0);
	assert_string_equal(x.task, "product_title.v2:a-b");
	assert_string_equal(x.directives, "cheap");
	assert_true(x.fresh);
	struct exchange none = { 0 };
	struct door_head nothing = { 0 };
	assert_int_equal(guard_directives(&nothing, &none, &e), 0);
	assert_string_equal(none.task, "");
	assert_string_equal(none.directives, "");
	assert_false(none.fresh);
}

static void
run_and_its_budget_reach_the_exchange(void **state)
{
	(void)state;
	struct exchange x = { 0 };
	struct err e;
	struct door_head both = HEAD("X-Farthing-Run: nightly.7", "X-Farthing-Run-Budget-USD: 0.25");
	assert_int_equal(guard_directives(&both, &x, &e), 0);
	assert_string_equal(x.run, "nightly.7");
	assert_int_equal(x.run_budget_pico, 250000000000);
	struct door_head named = HEAD("X-Farthing-Run: r"), none = { 0 },
			 nothing_to_spend = HEAD("X-Farthing-Run: r", "X-Farthing-Run-Budget-USD: 0");
	assert_int_equal(guard_directives(&named, &x, &e), 0);
	assert_int_equal(x.run_budget_pico, -1);
	assert_int_equal(guard_directives(&nothing_to_spend, &x, &e), 0);
	assert_int_equal(x.run_budget_pico, 0);
	assert_int_equal(guard_directives(&none, &x, &e), 0);
	assert_string_equal(x.run, "");
	assert_int_equal(x.run_budget_pico, -1);
}

static void
bad_run_names_its_header(void **state)
{
	(void)state;
	static const struct {
		const char *lines[3];
		const char *param;
	} rows[] = {
		{ { "X-Farthing-Run:" }, "x-farthing-run" },
		{ { "X-Farthing-Run: a b" }, "x-farthing-run" },
		{ { "X-Farthing-Run: a/b" }, "x-farthing-run" },
		{ { "X-Farthing-Run-Budget-USD: 1" }, "x-farthing-run-budget-usd" },
		{ { "X-Farthing-Run: r", "X-Farthing-Run-Budget-USD: -1" }, "x-farthing-run-budget-usd" },
		{ { "X-Farthing-Run: r", "X-Farthing-Run-Budget-USD:" }, "x-farthing-run-budget-usd" },
		{ { "X-Farthing-Run: r", "X-Farthing-Run-Budget-USD: 1e3" }, "x-farthing-run-budget-usd" },
		{ { "X-Farthing-Run: r", "X-Farthing-Run-Budget-USD: $1" }, "x-farthing-run-budget-usd" },
		{ { "X-Farthing-Run: r", "X-Farthing-Run-Budget-USD: 99999999999" },
		    "x-farthing-run-budget-usd" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct door_head h = take(rows[i].lines);
		struct exchange x = { 0 };
		struct err e = { 0 };
		if (guard_directives(&h, &x, &e) != -1)
			fail_msg("row %zu passes", i);
		assert_int_equal(e.status, 400);
		assert_string_equal(e.code, "invalid_value");
		assert_string_equal(e.param, rows[i].param);
	}
}

static void
only_no_cache_and_no_store_ask_for_a_fresh_answer(void **state)
{
	(void)state;
	static const struct {
		const char *value;
		bool fresh;
	} rows[] = { { "no-cache", true }, { "no-store", true }, { " NO-STORE ", true },
		{ "max-age=0,no-cache", true }, { "", false }, { "max-age=3", false }, { "no-cachex", false },
		{ "x-no-cache", false }, { "only-if-cached", false }, { ",,", false } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct exchange x = { 0 };
		struct door_head h = { 0 };
		struct err e;
		guard_take(&h, STR("Cache-Control"), str_from(rows[i].value));
		assert_int_equal(guard_directives(&h, &x, &e), 0);
		assert_int_equal(x.fresh, rows[i].fresh);
	}
}

static void
cache_control_is_a_list_in_one_header_or_several(void **state)
{
	(void)state;
	struct exchange x = { 0 };
	struct err e;
	struct door_head h = HEAD("Cache-Control: max-age=\"60\" , x=\"no-store, \\\" no-cache\"",
	    "Cache-Control: Only-If-Cached", "Cache-Control: MAX-AGE = 30");
	assert_int_equal(h.repeated, 0);
	assert_int_equal(guard_directives(&h, &x, &e), 0);
	assert_false(x.no_cache || x.no_store || x.fresh);
	assert_true(x.only_if_cached);
	assert_int_equal(x.max_age_s, 30);
	struct door_head none = { 0 };
	assert_int_equal(guard_directives(&none, &x, &e), 0);
	assert_false(x.only_if_cached);
	assert_int_equal(x.max_age_s, -1);
	/* an end within a quoted string is an end */
	struct door_head open = HEAD("Cache-Control: a=\"b, no-cache", "Cache-Control: c=\"\\");
	assert_int_equal(guard_directives(&open, &x, &e), 0);
	assert_false(x.no_cache);
	for (int i = 0; i < 3; i++)
		guard_take(&open, STR("cache-control"), STR("a"));
	assert_int_equal(open.repeated, 1);
}

static void
idempotency_key_and_similarity_reach_the_exchange(void **state)
{
	(void)state;
	struct exchange x = { 0 };
	struct err e;
	struct door_head h = HEAD("Idempotency-Key: order 17/b", "X-Farthing-Similarity: 0.93");
	assert_int_equal(guard_directives(&h, &x, &e), 0);
	assert_string_equal(x.idempotency, "order 17/b");
	assert_true(x.similarity_at_least > 0.9299 && x.similarity_at_least < 0.9301);
	struct door_head none = { 0 };
	assert_int_equal(guard_directives(&none, &x, &e), 0);
	assert_string_equal(x.idempotency, "");
	assert_true(x.similarity_at_least <= 0);
}

static void
unknown_directives_are_refused_by_name(void **state)
{
	(void)state;
	static const struct {
		const char *line, *param;
	} rows[] = {
		{ "Cache-Control: max-age=1x", "cache-control" },
		{ "Cache-Control: no-cache, max-age", "cache-control" },
		{ "X-Farthing-Similarity: 1.01", "x-farthing-similarity" },
		{ "X-Farthing-Similarity: inf", "x-farthing-similarity" },
		{ "Idempotency-Key:", "idempotency-key" },
		{ "Idempotency-Key: \xc3\xa4", "idempotency-key" },
		{ "X-Farthing-Route: fast", "x-farthing-route" },
		{ "X-Farthing-Route: AUTO", "x-farthing-route" },
		{ "X-Farthing-Route:", "x-farthing-route" },
		{ "X-Farthing-Batch: yes", "x-farthing-batch" },
		{ "X-Farthing-Task:", "x-farthing-task" },
		{ "X-Farthing-Task: a b", "x-farthing-task" },
		{ "X-Farthing-Task: \"a\"", "x-farthing-task" },
		{ "X-Farthing-Task: 1234567890123456789012345678901234567890123456789012345678901234",
		    "x-farthing-task" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct exchange x = { 0 };
		struct err e;
		struct door_head h = HEAD(rows[i].line);
		assert_int_equal(guard_directives(&h, &x, &e), -1);
		assert_int_equal(e.status, 400);
		assert_string_equal(e.param, rows[i].param);
		assert_string_equal(e.code, "invalid_value");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_known_in_any_case),
		cmocka_unit_test(header_that_is_there_but_empty_is_not_absent),
		cmocka_unit_test(folded_framing_glued_to_a_name_is_malformed),
		cmocka_unit_test(unknown_headers_may_repeat),
		cmocka_unit_test(malformed_names_and_values_end_the_request),
		cmocka_unit_test(body_lengths_are_understood),
		cmocka_unit_test(ambiguous_framing_is_refused),
		cmocka_unit_test(own_hosts_pass),
		cmocka_unit_test(foreign_and_malformed_hosts_are_refused),
		cmocka_unit_test(pages_of_other_sites_are_refused),
		cmocka_unit_test(body_types_are_checked),
		cmocka_unit_test(question_without_a_body_needs_its_type_too),
		cmocka_unit_test(compressed_bodies_are_refused),
		cmocka_unit_test(credentials_come_once_and_in_one_way),
		cmocka_unit_test(two_authorizations_are_refused),
		cmocka_unit_test(endless_key_is_refused),
		cmocka_unit_test(directives_reach_the_exchange),
		cmocka_unit_test(run_and_its_budget_reach_the_exchange),
		cmocka_unit_test(bad_run_names_its_header),
		cmocka_unit_test(only_no_cache_and_no_store_ask_for_a_fresh_answer),
		cmocka_unit_test(cache_control_is_a_list_in_one_header_or_several),
		cmocka_unit_test(idempotency_key_and_similarity_reach_the_exchange),
		cmocka_unit_test(unknown_directives_are_refused_by_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
