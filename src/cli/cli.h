/*
 * The subcommands: each takes its own argv (argv[0] is the subcommand's name) and returns the exit status:
 * 0 good, 1 bad, 2 usage.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CLI_CLI_H
#define FARTHING_CLI_CLI_H

int cmd_check(int argc, char **argv);

#endif
