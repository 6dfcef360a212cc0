/*
 * How fast tokens are counted: every text of a file (texts end in NUL bytes), and the prompt of a chat request with all
 * rules. Prints one line of JSON; tests/bench/tokens compares it with tiktoken.
 *
 *   bench_tokens ENCODING TEXTS [REQUEST.json]
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "text/prompt.h"

enum { REPEAT_US = 200000 }; /* each figure is the best round within that time */

static struct str
read_file(const char *path)
{
	struct buf b = { 0 };
	FILE *f = fopen(path, "rb");
	size_t got = 1;
	while (f != NULL && got > 0 && buf_reserve(&b, 1 << 20) == 0) {
		got = fread(b.p + b.n, 1, 1 << 20, f);
		b.n += got;
	}
	if (f == NULL || b.n == 0) {
		perror(path);
		exit(1);
	}
	fclose(f);
	return buf_str(&b);
}

static int64_t
count_all(enum tokens_encoding e, struct str texts)
{
	struct str text;
	int64_t tokens = 0;
	while (texts.n > 0 && str_cut(&texts, '\0', &text))
		tokens += tokens_count(e, text);
	return tokens;
}

static int64_t
count_request(struct str body, const char *model)
{
	struct request r = { .endpoint = ENDPOINT_CHAT };
	struct json_fault fault;
	struct prompt_count count;
	if (json_scan(&r.json, body, JSON_LIMITS, &fault) != 0)
		exit(1);
	int64_t best = INT64_MAX;
	for (int64_t end = clock_us() + REPEAT_US; clock_us() < end;) {
		enum { BATCH = 100 };
		int64_t from = clock_us();
		for (int i = 0; i < BATCH; i++)
			prompt_count(
			    &r, &(struct model_conf){ .name = model, .upstream_model = model }, &count);
		int64_t took = (clock_us() - from) * 1000 / BATCH;
		best = took < best ? took : best;
	}
	json_free(&r.json);
	printf(",\"request_bytes\":%zu,\"request_tokens\":%" PRId64 ",\"request_ns\":%" PRId64, body.n,
	    count.input, best);
	return best;
}

int
main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: bench_tokens o200k|cl100k TEXTS [REQUEST.json]\n");
		return 2;
	}
	enum tokens_encoding e = strcmp(argv[1], "o200k") == 0 ? TOKENS_O200K : TOKENS_CL100K;
	struct str texts = read_file(argv[2]);
	int64_t tokens = 0, best = INT64_MAX;
	for (int64_t end = clock_us() + REPEAT_US; clock_us() < end;) {
		int64_t from = clock_us();
		tokens = count_all(e, texts);
		int64_t took = clock_us() - from;
		best = took < best ? took : best;
	}
	printf("{\"bytes\":%zu,\"tokens\":%" PRId64 ",\"us\":%" PRId64, texts.n, tokens, best);
	if (argc > 3)
		count_request(read_file(argv[3]), e == TOKENS_O200K ? "gpt-4o-mini" : "gpt-4");
	puts("}");
	return 0;
}
