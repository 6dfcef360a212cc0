/*
 * The memory of one configuration: an arena that everything in the tree points into, and the tables that find
 * models and tasks by name. It may hold secrets, so it is wiped before it is given back.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_CONFIG_MEMORY_H
#define FARTHING_CORE_CONFIG_MEMORY_H

#include "base/str.h"
#include "base/table.h"
#include "config_pattern.h"

struct config_memory {
	struct config_chunk *chunks; /* the newest first */
	struct table models;         /* struct model_conf by name */
	struct table tasks;          /* struct task_conf by name */
	struct table projects;       /* struct project_conf by name */
	struct pattern *patterns;    /* of all tasks: they hold memory of their own */
};

struct config_memory *config_memory_new(void);
void config_memory_free(struct config_memory **m);              /* wipes all of it */
void *config_memory_take(struct config_memory *m, size_t size); /* zeroed, aligned for anything; never NULL */
char *config_memory_text(struct config_memory *m, struct str text); /* a terminated copy */

#endif
