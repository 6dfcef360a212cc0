/*
 * The scanner against jansson: both accept or both refuse, the canonical form is its own canonical form and means what
 * the text meant, and a spliced member is the member that was set.
 *
 * Agreed differences: jansson's nesting limit (skipped here); its integer range (turned off by reading all numbers as
 * reals); it overlooks a NUL behind a number, which no JSON text may hold.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"

/* jansson names its types as we do: it gets other names in this file, the only one that sees both. */
#define json_type jansson_type
#define JSON_OBJECT JANSSON_OBJECT
#define JSON_ARRAY JANSSON_ARRAY
#define JSON_STRING JANSSON_STRING
#define JSON_INTEGER JANSSON_INTEGER
#define JSON_REAL JANSSON_REAL
#define JSON_TRUE JANSSON_TRUE
#define JSON_FALSE JANSSON_FALSE
#define JSON_NULL JANSSON_NULL
#include <jansson.h>
#undef json_type
#undef JSON_OBJECT
#undef JSON_ARRAY
#undef JSON_STRING
#undef JSON_TRUE
#undef JSON_FALSE
#undef JSON_NULL

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ORACLE = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL };

#define MUST(condition) must((condition), #condition, __LINE__)

static void
must(bool condition, const char *text, int line)
{
	if (condition)
		return;
	fprintf(stderr, "fuzz_json.c:%d: not true: %s\n", line, text);
	abort();
}

static void
check_tape(const struct json *j)
{
	bool numbers_read = true;
	for (uint32_t i = 0; i < j->count; i++) {
		const struct json_node *x = &j->nodes[i];
		MUST(x->at < x->end && x->end <= j->text.n && x->after > i && x->after <= j->count);
		double value;
		char label[9];
		json_label(j, i, label, sizeof label);
		numbers_read = numbers_read && json_double(j, i, &value) == (x->type == JSON_NUMBER);
	}
	MUST(numbers_read);
}

static void
canonical(struct str text, struct buf *out)
{
	struct json j = { 0 };
	struct json_fault fault;
	MUST(json_scan(&j, text, (struct json_limits){ 4096, 1 << 20 }, &fault) == 0);
	MUST(json_canonical(&j, 0, NULL, NULL, out) == 0);
	json_free(&j);
}

static bool
has_number(const struct json *j)
{
	for (uint32_t i = 0; i < j->count; i++)
		if (j->nodes[i].type == JSON_NUMBER)
			return true;
	return false;
}

static void
check_canonical(const struct json *j, const json_t *meaning)
{
	struct buf once = { 0 }, twice = { 0 }, other = { 0 };
	MUST(json_canonical(j, 0, NULL, NULL, &once) == 0);
	canonical(buf_str(&once), &twice);
	MUST(str_eq(buf_str(&once), buf_str(&twice)));
	json_t *again = json_loadb(once.p, once.n, ORACLE, NULL);
	MUST(again != NULL && json_equal(again, meaning));
	json_decref(again);
	/* Another writer's text of the same value; its numbers are rounded, so only without them. */
	if (!has_number(j)) {
		char *dump = json_dumps(
		    meaning, JSON_ENCODE_ANY | JSON_ENSURE_ASCII | JSON_SORT_KEYS | JSON_INDENT(2));
		MUST(dump != NULL);
		canonical(str_from(dump), &other);
		MUST(str_eq(buf_str(&once), buf_str(&other)));
		free(dump);
	}
	buf_free(&once);
	buf_free(&twice);
	buf_free(&other);
}

static void
check_set(const struct json *j, json_t *meaning)
{
	struct buf store = { 0 }, out = { 0 };
	struct json_edit edit;
	MUST(json_set(j, "model", STR("[true]"), &store, &edit) == 0);
	MUST(json_splice(j->text, &edit, 1, &out) == 0);
	json_t *spliced = json_loadb(out.p, out.n, ORACLE, NULL);
	MUST(spliced != NULL);
	json_object_set_new(meaning, "model", json_pack("[b]", 1));
	MUST(json_equal(spliced, meaning));
	json_decref(spliced);
	buf_free(&store);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json j = { 0 };
	struct json_fault fault;
	json_error_t error = { 0 };
	int rc = json_scan(
	    &j, (struct str){ (const char *)data, size }, (struct json_limits){ 4096, 1 << 20 }, &fault);
	if (size > 0 && memchr(data, 0, size) != NULL) {
		MUST(rc == -1 && fault.code != JSON_OK);
		json_free(&j);
		return 0;
	}
	json_t *meaning = json_loadb((const char *)data, size, ORACLE, &error);
	if (meaning == NULL && json_error_code(&error) == json_error_stack_overflow) {
		json_free(&j);
		return 0;
	}
	MUST((rc == 0) == (meaning != NULL));
	MUST((rc == 0) == (fault.code == JSON_OK) && (rc == 0 || fault.at <= size));
	if (rc == 0) {
		check_tape(&j);
		check_canonical(&j, meaning);
		if (json_type(&j, 0) == JSON_OBJECT)
			check_set(&j, meaning);
	}
	json_decref(meaning);
	json_free(&j);
	return 0;
}
