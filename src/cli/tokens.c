/*
 * farthing tokens: counts the tokens of a text, of many texts, or of a chat request's body.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

#include "cli.h"
#include "text/prompt.h"

static const char default_model[] = "gpt-4o-mini";

static void
usage(FILE *to)
{
	fputs("usage: farthing tokens [--model NAME] [--chat | -0] [FILE]\n"
	      "\n"
	      "Prints how many tokens FILE, or the standard input, has for a model.\n"
	      "\n"
	      "      --model NAME   the model, gpt-4o-mini by default\n"
	      "      --chat         the file is the body of a chat request; its model counts unless\n"
	      "                     --model names another\n"
	      "  -0, --null         many texts, each ended by a NUL byte; one number a line\n"
	      "  -h, --help         prints this\n"
	      "\n"
	      "Exit status: 0 counted, 1 the file cannot be read or is no chat request, 2 wrong usage.\n",
	    to);
}

static int
read_all(const char *path, struct buf *text)
{
	FILE *f = path != NULL ? fopen(path, "rb") : stdin;
	const char *name = path != NULL ? path : "standard input";
	enum { STEP = 1 << 16 };
	size_t got = 1;
	int rc = 0;
	if (f == NULL) {
		fprintf(stderr, "farthing: %s: %s\n", name, strerror(errno));
		return -1;
	}
	buf_init(text, (size_t)1 << 30);
	while (rc == 0 && got > 0 && (rc = buf_reserve(text, STEP)) == 0) {
		got = fread(text->p + text->n, 1, STEP, f);
		text->n += got;
	}
	if (rc != 0 || ferror(f)) {
		fprintf(stderr, "farthing: %s: %s\n", name, rc != 0 ? "is too large" : strerror(errno));
		rc = -1;
	}
	if (path != NULL)
		fclose(f);
	return rc;
}

static enum tokens_encoding
encoding_of(const char *model)
{
	enum tokens_encoding e = tokens_encoding_of(str_from(model));
	if (e == TOKENS_BYTES)
		fprintf(stderr,
		    "farthing: the tokens of %s are not known; this is an upper bound, a token a byte\n",
		    model);
	return e;
}

static void
print_each(enum tokens_encoding e, struct str texts)
{
	struct str text;
	while (texts.n > 0 && str_cut(&texts, '\0', &text))
		printf("%" PRId64 "\n", tokens_count(e, text));
}

/* The standard output has the best count; what may differ from it is said aside. */
static void
print_prompt(const struct prompt_count *count)
{
	printf("%" PRId64 "\n", count->input);
	if (count->unbounded != NULL)
		fprintf(stderr, "farthing: '%s' cannot be counted and comes on top\n", count->unbounded);
	else if (!count->exact)
		fprintf(stderr, "farthing: not exact; at most %" PRId64 "\n", count->input_bound);
	if (count->output_extra > 0)
		fprintf(stderr,
		    "farthing: a rejected prediction may be billed as %" PRId64 " output tokens\n",
		    count->output_extra);
}

static int
count_chat(const char *model, struct str body)
{
	struct request r = { .endpoint = ENDPOINT_CHAT };
	struct json_fault fault;
	struct prompt_count count;
	char asked[96] = "";
	int rc = BAD;
	if (json_scan(&r.json, body, JSON_LIMITS, &fault) != 0) {
		fprintf(stderr, "farthing: not valid JSON: %s (at byte %u)\n", fault.text, fault.at);
	} else if (json_type(&r.json, 0) != JSON_OBJECT || json_member(&r.json, 0, "messages") == 0) {
		fputs("farthing: no chat request: 'messages' is missing\n", stderr);
	} else {
		uint32_t named = json_member(&r.json, 0, "model");
		if (named != 0 && json_type(&r.json, named) == JSON_STRING)
			json_label(&r.json, named, asked, sizeof asked);
		if (model == NULL)
			model = asked[0] != '\0' ? asked : default_model;
		encoding_of(model);
		prompt_count(&r, &(struct model_conf){ .name = model, .upstream_model = model }, &count);
		print_prompt(&count);
		rc = GOOD;
	}
	json_free(&r.json);
	return rc;
}

int
cmd_tokens(int argc, char **argv)
{
	static const struct option options[] = { { "model", required_argument, NULL, 'm' },
		{ "chat", no_argument, NULL, 'c' }, { "null", no_argument, NULL, '0' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
	const char *model = NULL;
	bool chat = false, each = false;
	optind = 0; /* main has looked at the options before the subcommand; glibc starts again at 0 */
	for (int o; (o = getopt_long(argc, argv, "0h", options, NULL)) != -1;) {
		switch (o) {
		case 'm':
			model = optarg;
			break;
		case 'c':
			chat = true;
			break;
		case '0':
			each = true;
			break;
		case 'h':
			usage(stdout);
			return GOOD;
		default:
			usage(stderr);
			return USAGE;
		}
	}
	if (argc - optind > 1 || (chat && each)) {
		usage(stderr);
		return USAGE;
	}
	struct buf text = { 0 };
	int rc = read_all(optind < argc ? argv[optind] : NULL, &text) == 0 ? GOOD : BAD;
	if (rc == GOOD && chat) {
		rc = count_chat(model, buf_str(&text));
	} else if (rc == GOOD) {
		enum tokens_encoding e = encoding_of(model != NULL ? model : default_model);
		if (each)
			print_each(e, buf_str(&text));
		else
			printf("%" PRId64 "\n", tokens_count(e, buf_str(&text)));
	}
	buf_free(&text);
	return rc;
}
