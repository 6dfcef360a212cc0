/*
 * What reading demands of a prompt and judging an answer cost: a question, a prompt of 1.5 KB, an answer of 1.5 KB for each kind of
 * check, a schema, and the worst that a prompt can hold.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "cpu_us.h"
#include "text/demand.h"

static const bool every_check[DEMAND_KINDS] = { [0 ... DEMAND_KINDS - 1] = true };

static void
measure(const char *name, const struct demand_source *source, struct str text, int times)
{
	enum demand_kind kind = DEMAND_KINDS;
	struct demand_answer answer = { .text = text };
	double start = cpu_us();
	for (int i = 0; i < times; i++) {
		struct demands *d = demands_of(source);
		demands_free(&d);
	}
	double read = (cpu_us() - start) / times;
	struct demands *d = demands_of(source);
	struct buf out = { 0 };
	demands_print(d, &out);
	start = cpu_us();
	int met = 0;
	for (int i = 0; i < times; i++)
		met += demands_met(d, &answer, every_check, &kind, NULL);
	printf("%-12s prompt %6zu bytes %9.2f us   answer %6zu bytes %8.2f us  %-10s %.*s\n", name,
	    source->last.n, read, text.n, (cpu_us() - start) / times, met > 0 ? "met" : demand_name(kind),
	    STR_FMT(buf_str(&out)));
	buf_free(&out);
	demands_free(&d);
}

/* Text of n bytes made of a piece, over and over */
static struct str
filled(const char *piece, size_t n)
{
	char *p = malloc(n);
	size_t m = strlen(piece);
	if (p == NULL)
		abort();
	for (size_t i = 0; i < n; i++)
		p[i] = piece[i % m];
	return (struct str){ p, n };
}

static struct str
joined(const char *before, struct str middle, const char *after)
{
	struct buf b = { 0 };
	buf_add(&b, str_from(before));
	buf_add(&b, middle);
	buf_add(&b, str_from(after));
	return buf_str(&b);
}

int
main(void)
{
	static const char prose[] = "The garden behind the old house grows wild, and every summer the bees "
				    "of the valley come to its roses. ";
	struct str text = filled(prose, 1500);
	struct str json = joined("{\"items\":[{\"name\":\"", filled("x", 700),
	    joined("\",\"price\":3}, {\"name\":\"", filled("y", 700), "\",\"price\":4}]}").p);
	struct demand_source source = { .last = STR("What is a garden?") };
	measure("question", &source, text, 20000);
	source.last = joined("", text, "\n\nSummarize it in at most 300 words.");
	measure("words", &source, text, 5000);
	source.last = joined("", text, "\n\nSummarize it in 20 sentences.");
	measure("sentences", &source, text, 5000);
	source.last = joined("", text, "\n\nAnswer in French.");
	measure("language", &source, text, 5000);
	source.last = STR("Write a Python function that waters the garden.");
	measure("code", &source,
	    joined("```python\n", filled("def water(x):\n    return [x, (1, \"two\")]\n", 1500), "\n```\n"),
	    5000);
	source.last = joined("", text, "\n\nRespond only with a JSON object.");
	measure("json", &source, json, 5000);
	source = (struct demand_source){ .last = text,
		.json = true,
		.schema = STR(
		    "{\"type\":\"object\",\"properties\":{\"items\":{\"type\":\"array\",\"items\":{\"$ref\":"
		    "\"#/$defs/item\"}}},\"required\":[\"items\"],"
		    "\"additionalProperties\":false,\"$defs\":{\"item\":{\"type\":\"object\",\"properties\":{"
		    "\"name\":{\"type\":\"string\",\"pattern\":\"^x|y\"},"
		    "\"price\":{\"type\":\"number\",\"minimum\":0}},\"required\":[\"name\",\"price\"]}}}") };
	measure("schema", &source, json, 5000);
	static const char *const pieces[] = { "json ", "return json ", "respond in json, ", "word ",
		"5 words ", "in at most 5 words ", "list 5 ", "write code ", "write python code ",
		"in french ", "answer in french ", "\"a ", "`", "<a>", "[a]", ": ", "text: ", "\xE2\x80\x9C ",
		"a.\n\n", "1,", "\xFF", "日本語で答え" };
	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
		source = (struct demand_source){ .last = filled(pieces[i], 16 * 1024) };
		measure(pieces[i][0] == '\xFF' ? "no UTF-8" : pieces[i], &source,
		    filled(pieces[i], 64 * 1024), 5);
	}
	return 0;
}
