/*
 * Tasks: each a copy of the global settings with its own over them.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_CONFIG_TASK_H
#define FARTHING_CORE_CONFIG_TASK_H

#include "config_read.h"

void tasks_read(struct reader *r, const struct node *root); /* after everything else */

#endif
