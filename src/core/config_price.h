/*
 * What a listed model costs: the prices of the file over those of the catalogue, and their history.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_CONFIG_PRICE_H
#define FARTHING_CORE_CONFIG_PRICE_H

#include "config_read.h"

/* After the model's section: fills what the file left open, and refuses what cannot be true. facts NULL: not in the catalogue. */
void prices_complete(struct reader *r, struct model_conf *m, const struct node *n,
    const struct catalogue_model *facts, const char *path);

#endif
