/*
 * What the score of a request sees, as a table for training: requests in, a line of values each out.
 *
 *   score_features < REQUESTS.jsonl > TABLE.tsv
 *
 * A line of input is a JSON object with the member "prompt", and any of system, earlier (texts), turns, tools, images, max_output
 * (integers) and format ("json" or "schema"). The first line of output names the columns, parted by tabs: the features by name, then
 * subject (128 integers, a space between), grams (indices below 2^14, each once), sum and score.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "text/score_features.h"

static struct str
text_of(const json_t *line, const char *name)
{
	const json_t *text = json_object_get(line, name);
	if (!json_is_string(text))
		return (struct str){ "", 0 };
	return (struct str){ json_string_value(text), json_string_length(text) };
}

static int64_t
number_of(const json_t *line, const char *name, int64_t otherwise)
{
	const json_t *number = json_object_get(line, name);
	return json_is_integer(number) ? json_integer_value(number) : otherwise;
}

static void
print_line(const json_t *line)
{
	static struct score_features f;
	struct str format = text_of(line, "format");
	struct score_input in = {
		.system = text_of(line, "system"),
		.earlier = text_of(line, "earlier"),
		.last = text_of(line, "prompt"),
		.turns = (int)number_of(line, "turns", 1),
		.tools = (int)number_of(line, "tools", 0),
		.images = (int)number_of(line, "images", 0),
		.format = str_eq(format, STR("json"))     ? SCORE_JSON
			  : str_eq(format, STR("schema")) ? SCORE_SCHEMA
							  : SCORE_FREE,
		.max_output = number_of(line, "max_output", -1),
	};
	in.bytes = in.system.n + in.earlier.n + in.last.n;
	struct score s;
	score_features_of(&in, &f);
	score_explain(&in, &s);
	for (size_t i = 0; i < FEATURE_COUNT; i++)
		printf("%.6g\t", (double)f.values[i]);
	for (size_t i = 0; i < EMBED_DIMS; i++)
		printf("%s%d", i > 0 ? " " : "", f.subject.v[i]);
	putchar('\t');
	for (size_t i = 0; i < f.grams; i++)
		printf("%s%u", i > 0 ? " " : "", f.gram[i]);
	printf("\t%.7f\t%.7f\n", s.sum, s.score);
}

int
main(void)
{
	char *line = NULL;
	size_t cap = 0, number = 0;
	for (size_t i = 0; i < FEATURE_COUNT; i++)
		printf("%s\t", score_feature_names[i].name);
	puts("subject\tgrams\tsum\tscore");
	for (ssize_t n; (n = getline(&line, &cap, stdin)) > 0;) {
		json_error_t e;
		json_t *object = json_loadb(line, (size_t)n, 0, &e);
		number++;
		if (!json_is_object(object)) {
			fprintf(stderr, "line %zu: %s\n", number, object == NULL ? e.text : "no object");
			return 1;
		}
		print_line(object);
		json_decref(object);
	}
	free(line);
	return 0;
}
