/*
 * Upstreams and models: the two maps whose entries name each other.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_CONFIG_MODEL_H
#define FARTHING_CORE_CONFIG_MODEL_H

#include "config_read.h"

/* First; the built-in one when the file has none */
void upstreams_read(struct reader *r, const struct node *root);
/* When listen is known too: none of them may lead back here */
void upstreams_check(struct reader *r, const struct node *root);
/* After the upstreams; the catalogue's included */
void models_read(struct reader *r, const struct node *root);

#endif
