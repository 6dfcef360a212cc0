/*
 * How rows of the table of keys are written. A line is: name, type, place, default, least, most, meaning.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_CONFIG_SCHEMA_ROWS_H
#define FARTHING_CORE_CONFIG_SCHEMA_ROWS_H

#include "config_schema.h"

/* clang-format off */
#define AT(type, field) offsetof(struct type, field)
/* A list and its count are read as one: the count must stand right behind, else this divides by zero. */
#define LIST_AT(type, list, count) (AT(type, list) + 0 / (AT(type, count) == AT(type, list) + sizeof(const char **)))
#define END { .name = NULL }
/* clang-format on */

/* Most rows end with their meaning; the fields behind it are named where they are set. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* The sections that stand at the root, or of a task */
extern const struct config_section config_routing_keys, config_cache_keys, config_dedup_keys,
    config_batch_keys, config_deferred_keys, config_budget_keys, config_quality_keys, config_alert_keys,
    config_capture_keys, config_limit_keys, config_retention_keys;

#endif
