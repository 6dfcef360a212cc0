/*
 * Price rules for paths that are forwarded without being understood.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_CONFIG_PATH_H
#define FARTHING_CORE_CONFIG_PATH_H

#include "config_read.h"

void paths_read(struct reader *r, const struct node *root); /* upstreams are there */

#endif
