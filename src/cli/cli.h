/*
 * The subcommands: one file each. A command gets its own name as argv[0] and returns the exit status: 0 good, 1 bad, 2 usage.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CLI_CLI_H
#define FARTHING_CLI_CLI_H

enum { GOOD = 0, BAD = 1, USAGE = 2 };

int cmd_serve(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_keys(int argc, char **argv);
int cmd_ledger(int argc, char **argv);
int cmd_tokens(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_cache(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_route_eval(int argc, char **argv);
int cmd_version(int argc, char **argv);

struct config_problem;
struct err;
int print_err(const struct err *e); /* its text on stderr; BAD */
/* Each on a line of stderr: FILE:LINE: KEY: TEXT, without what is not known */
void print_problems(const struct config_problem *problems);

#endif
