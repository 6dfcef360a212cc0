/*
 * The reference of all keys, out of the table that the reader follows: what docs/configuration.md holds and
 * `farthing check --keys` prints.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_CONFIG_REFERENCE_H
#define FARTHING_CORE_CONFIG_REFERENCE_H

#include "base/str.h"

/* Appends a Markdown table, a row for each key; -1 when out has no room */
int config_reference(struct buf *out);

#endif
