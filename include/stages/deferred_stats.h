/*
 * The depot in numbers, for metrics.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_DEFERRED_STATS_H
#define FARTHING_STAGES_DEFERRED_STATS_H

#include <stdint.h>

struct depot_stats {
	int queued, sent;  /* requests that wait here, and with the provider */
	int shipments;     /* jobs that are not over */
	int64_t held_pico; /* for all of them */
	int64_t bytes;     /* of bodies and answers on the disk */
	uint64_t answered, failed, cancelled,
	    expired; /* since the start; expired: went back into the queue */
	uint64_t
	    foreign_lines; /* of result files: about nobody here, or about somebody who had a line already */
};

#endif
