/*
 * farthing: finds the subcommand.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *does;
} commands[] = {
	{ "serve", cmd_serve, "run the gateway" },
	{ "check", cmd_check, "validate the configuration" },
	{ "keys", cmd_keys, "make, list and revoke virtual keys" },
	{ "ledger", cmd_ledger, "check the books" },
	{ "tokens", cmd_tokens, "count the tokens of a text or a chat" },
	{ "report", cmd_report, "spending, savings, budgets" },
	{ "cache", cmd_cache, "look at and purge the answers that are kept" },
	{ "explain", cmd_explain, "why a request got the answer it got" },
	{ "route-eval", cmd_route_eval, "how good the router is on requests whose outcomes are known" },
	{ "version", cmd_version, "version and linked libraries" },
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void
usage(FILE *to)
{
	fputs("usage: farthing COMMAND [OPTIONS]\n\nAn LLM gateway between your agents and a model "
	      "provider.\n\n",
	    to);
	for (int i = 0; i < COMMANDS; i++)
		fprintf(to, "  %-11s %s\n", commands[i].name, commands[i].does);
	fputs("\n`farthing COMMAND --help` tells more.\n", to);
}

int
main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	for (int i = 0; i < COMMANDS; i++)
		if (strcmp(name, commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	bool help = strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0;
	if (strcmp(name, "--version") == 0)
		return cmd_version(1, argv);
	if (!help && name[0] != '\0')
		fprintf(stderr, "farthing: there is no command '%s'\n\n", name);
	usage(help ? stdout : stderr);
	return help ? 0 : 2;
}
