/*
 * What the simulator reads from the wire: heads, chunks, forms.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../src/sim/http.c"
#include "../../src/sim/multipart.c"

static void
a_head_is_read_when_it_is_whole(void **state)
{
	(void)state;
	struct str whole =
	    STR("POST /v1/files?limit=2&after=file%2D1 HTTP/1.1\r\nHost: x\r\ncontent-LENGTH: 12\r\n"
		"Authorization:  Bearer k \r\nExpect: 100-continue\r\n\r\nbody");
	struct sim_request r;
	char value[16];
	for (size_t n = 0; n < whole.n - 4; n++)
		assert_int_equal(sim_http_head((struct str){ whole.p, n }, &r), 0);
	assert_int_equal(sim_http_head(whole, &r), (ptrdiff_t)whole.n - 4);
	assert_true(str_eq(r.method, STR("POST")) && str_eq(r.path, STR("/v1/files")));
	assert_int_equal(r.length, 12);
	assert_true(r.keep_alive && r.expects && !r.chunked);
	assert_true(str_eq(r.authorization, STR("Bearer k")));
	assert_true(sim_query(r.query, "after", value, sizeof value));
	assert_string_equal(value, "file-1");
	assert_false(sim_query(r.query, "order", value, sizeof value));
}

static void
broken_heads_are_refused(void **state)
{
	(void)state;
	static const char *const heads[] = { "nonsense\r\n\r\n", "GET / SMTP\r\n\r\n",
		"GET / HTTP/1.1\r\nno colon\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
		"GET / HTTP/1.1\r\nContent-Length: 1x\r\n\r\n" };
	struct sim_request r;
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
		assert_int_equal(sim_http_head(str_from(heads[i]), &r), -1);
}

static void
a_chunked_body_comes_out_however_it_is_cut(void **state)
{
	(void)state;
	struct str wire = STR("4;ext=1\r\nWiki\r\nA\r\npedia in c\r\n0\r\nTrailer: 1\r\n\r\nnext");
	for (size_t cut = 0; cut < wire.n; cut++) {
		struct sim_chunks c = { 0 };
		struct buf out = { 0 };
		ptrdiff_t first = sim_chunks_eat(&c, (struct str){ wire.p, cut }, &out);
		assert_true(first >= 0);
		ptrdiff_t rest =
		    sim_chunks_eat(&c, (struct str){ wire.p + first, wire.n - (size_t)first }, &out);
		assert_int_equal(first + rest, wire.n - 4);
		assert_int_equal(c.phase, SIM_CHUNK_WHOLE);
		assert_true(str_eq(buf_str(&out), STR("Wikipedia in c")));
		buf_free(&out);
	}
}

static void
broken_chunks_are_refused(void **state)
{
	(void)state;
	static const char *const bodies[] = { "x\r\n", "\r\n", "2\r\nabc\r\n", "fffffffffffffffff\r\n" };
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		struct sim_chunks c = { 0 };
		struct buf out = { 0 };
		assert_int_equal(sim_chunks_eat(&c, str_from(bodies[i]), &out), -1);
		buf_free(&out);
	}
}

static void
a_form_gives_its_parts_in_order(void **state)
{
	(void)state;
	char boundary[80];
	struct sim_part part;
	struct str body =
	    STR("--B\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n"
		"--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a b.jsonl\"\r\n"
		"Content-Type: application/octet-stream\r\n\r\nline\r\n--\r\n\r\n--B--\r\n");
	assert_true(sim_multipart_boundary(STR("multipart/form-data; boundary=\"B\""), boundary));
	assert_string_equal(boundary, "B");
	assert_true(sim_multipart_next(&body, boundary, &part));
	assert_string_equal(part.name, "purpose");
	assert_true(str_eq(part.content, STR("batch")));
	assert_true(sim_multipart_next(&body, boundary, &part));
	assert_string_equal(part.name, "file");
	assert_string_equal(part.filename, "a b.jsonl");
	assert_true(str_eq(part.content, STR("line\r\n--\r\n")));
	assert_false(sim_multipart_next(&body, boundary, &part));
}

static void
what_is_no_form_is_refused(void **state)
{
	(void)state;
	char boundary[80];
	struct sim_part part;
	assert_false(sim_multipart_boundary(STR("application/json"), boundary));
	assert_false(sim_multipart_boundary(STR("multipart/form-data"), boundary));
	static const char *const bodies[] = { "", "--B", "--B\r\nno end of fields",
		"--B\r\na: b\r\n\r\nno end of content" };
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		struct str body = str_from(bodies[i]);
		assert_false(sim_multipart_next(&body, "B", &part));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_head_is_read_when_it_is_whole),
		cmocka_unit_test(broken_heads_are_refused),
		cmocka_unit_test(a_chunked_body_comes_out_however_it_is_cut),
		cmocka_unit_test(broken_chunks_are_refused),
		cmocka_unit_test(a_form_gives_its_parts_in_order),
		cmocka_unit_test(what_is_no_form_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
