/*
 * The batcher from inside: shared by batch.c (its life, and what is remembered of answers), batch_board.c (who may wait for others) and
 * batch_room.c (rooms, and how they are left).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_BATCH_PRIVATE_H
#define FARTHING_SRC_STAGES_BATCH_PRIVATE_H

#include "ask_private.h"
#include "base/lru.h"
#include "base/table.h"
#include "batch.h"
#include "batch_fit.h"
#include "batch_pace.h"

/* Of requests that would share a room. */
struct batch_kind {
	struct batch_pace pace;
	int64_t alone_until_ms; /* clock_ms(): its provider refused what was put together */
};

struct batcher {
	struct ask_house *house;
	struct batch_quality *quality;
	struct table rooms;        /* by kind */
	struct lru *kinds, *pasts; /* of what may come, of answers that came: by account, task and model */
	int waiting;
	bool drains;
};

/* batch.c */
struct batch_past *batch_past_of(struct batcher *b, const struct ask *a); /* until it is called again */
/* The seat's ask, as one of many like it; likewise */
struct batch_like batch_like_of(struct batcher *b, const struct seat *s, enum envelope_shape shape);

static inline const struct batch_conf *
batch_conf_of(const struct ask *a)
{
	return &config_task(site_config(a->site), str_from(a->task))->batch;
}

/* batch_room.c */
/* Takes the seat into the room of its kind, which may leave at once. most: may leave together */
void room_enter(struct batcher *b, struct seat *s, enum envelope_shape shape, size_t most);
void room_leave(struct batcher *b, struct seat **s); /* its ask lands: the seat is empty */
void room_depart(struct room *m);                    /* together, or each by itself */
/* Who waits for others of that kind waits no longer: each goes alone. text: why, static */
void room_disband(struct batcher *b, const struct digest *kind, const char *text);

#endif
