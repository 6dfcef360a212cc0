/*
 * The subcommands. Each takes argv from its own name on and returns the exit status: 0 good, 1 bad, 2 usage.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_CLI_CLI_H
#define FARTHING_SRC_CLI_CLI_H

int cmd_ledger(int argc, char **argv);

#endif
