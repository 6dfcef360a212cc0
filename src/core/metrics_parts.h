/*
 * What src/core/metrics*.c share: how a registry is built. Nobody else includes it.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_METRICS_PARTS_H
#define FARTHING_CORE_METRICS_PARTS_H

#include <stdatomic.h>

#include "base/table.h"
#include "core/metrics.h"

enum kind { COUNTER, GAUGE, MONEY_COUNTER, MONEY_GAUGE, HISTOGRAM };

struct metric {
	_Atomic int64_t value;
	bool rises; /* a counter */
};

struct histogram {
	size_t bounds;
	int64_t *bounds_us;
	_Atomic int64_t *counts; /* one a bound and one for infinity, not cumulative */
	_Atomic int64_t sum_us;
};

struct series {
	char *key; /* NAME{LABELS} */
	struct str labels;
	struct metric metric;
	struct histogram histogram;
	struct series *next;
};

struct family {
	char *name, *help;
	enum kind kind;
	struct series *first, *last;
	struct family *next;
};

struct metrics {
	struct family *first, *last;
	struct table families; /* by name */
	struct table series;   /* by key */
	size_t max_series;
	struct metric *refused;
	struct metric nowhere[2]; /* a gauge and a counter for those beyond the limit */
	struct histogram no_histogram;
};

static inline bool
is_counter(enum kind kind)
{
	return kind == COUNTER || kind == MONEY_COUNTER;
}

bool metrics_is_name(const char *name); /* of a metric or a label */

#endif
