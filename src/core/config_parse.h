/*
 * The configuration out of bytes in memory: what config_load does behind the file, for tests and the fuzzer.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_CONFIG_PARSE_H
#define FARTHING_CORE_CONFIG_PARSE_H

#include "core/config.h"

/* label: the file's name in problems and config.path; "" with an empty text: the built-in defaults. */
struct config *config_parse(
    const char *label, struct str text, const char *database, struct config_problem **problems);

#endif
