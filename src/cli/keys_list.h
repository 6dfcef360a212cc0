/*
 * How `farthing keys list` shows keys, on stdout.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_CLI_KEYS_LIST_H
#define FARTHING_SRC_CLI_KEYS_LIST_H

#include "ledger/keys.h"

/* -1 when it could not be written */
int keys_print_table(const struct key_row *rows, size_t count, int64_t now_us);
int keys_print_json(const struct key_row *rows, size_t count, int64_t now_us); /* a list of objects */

#endif
