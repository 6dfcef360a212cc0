/*
 * Kinds of days.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "day.h"

/* apart, tilt, shift: see day.h */
#define USUAL(judged, separation, slope, height)                                                         \
	.judged_from = (judged), .requests = { 120000, 60000, 18000, 2000 }, .topics = 120,              \
	.topics_in_bucket = 2, .apart = (separation), .topics_differ = 0.3, .drift = 0.3, .births = 0.3, \
	.tilt = (slope), .shift = (height), .conf = { 0.01, 0.95, 0.02 }

const struct day_kind day_kinds[] = {
	{ .name = "drift", .says = "topics come, go and change", USUAL(10000, 4.2, 1, 0) },
	{ .name = "bold", .says = "the verifier is far too sure", USUAL(50000, 4.2, 1.8, 2) },
	{ .name = "shy", .says = "the verifier is far too careful", USUAL(50000, 4.2, 0.5, -1.5) },
	{ .name = "templates",
	    .says = "some topics look alike, and differ",
	    USUAL(50000, 4.2, 1, 0),
	    .templates = 0.04 },
	{ .name = "noon",
	    .says = "from noon on a third of the topics is far worse",
	    USUAL(50000, 4.2, 1, 0),
	    .noon = 2.5,
	    .noon_topics = 0.35 },
	{ .name = "bursts",
	    .says = "half of a topic comes within five minutes",
	    USUAL(50000, 4.2, 1, 0),
	    .bursts = 0.4 },
	{ .name = "noise",
	    .says = "comparisons of answers err",
	    USUAL(50000, 4.2, 1, 0),
	    .false_wrong = 0.002,
	    .false_right = 0.03 },
	{ .name = "hard", .says = "right and wrong are hard to tell apart", USUAL(50000, 2.6, 1, 0) },
};
const int day_kind_count = sizeof(day_kinds) / sizeof(day_kinds[0]);
