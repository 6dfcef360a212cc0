/*
 * Those who pay besides tasks, and who is told: projects and alerts.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_CONFIG_ACCOUNT_H
#define FARTHING_CORE_CONFIG_ACCOUNT_H

#include "config_read.h"

void projects_read(struct reader *r, const struct node *root);
void alerts_defaults(struct alerts_conf *a); /* before the file's sections, which may switch them off */
void alerts_read(struct reader *r, const struct node *root);

#endif
