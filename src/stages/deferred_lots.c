/*
 * The queue of the depot.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "deferred_lots.h"

#include <assert.h>
#include <stdlib.h>

void
lots_open(struct lots *l)
{
	list_init(&l->all);
}

void
lots_close(struct lots *l)
{
	assert(list_empty(&l->all));
	(void)l;
}

static struct lot *
find(struct lots *l, const char *upstream, const char *model, const char *path)
{
	for (struct link *at = l->all.next; at != &l->all; at = at->next) {
		struct lot *lot = LIST_ENTRY(at, struct lot, link);
		if (strcmp(lot->upstream, upstream) == 0 && strcmp(lot->model, model) == 0 &&
		    strcmp(lot->path, path) == 0)
			return lot;
	}
	return NULL;
}

void
lot_enter(struct lots *l, struct parcel *p, const char *upstream, const char *model, const char *path,
    int64_t now_ms)
{
	assert(p->lot == NULL && p->shipment == NULL);
	struct lot *lot = find(l, upstream, model, path);
	if (lot == NULL) {
		lot = must_alloc(sizeof *lot);
		str_copy(lot->upstream, sizeof lot->upstream, str_from(upstream));
		str_copy(lot->model, sizeof lot->model, str_from(model));
		str_copy(lot->path, sizeof lot->path, str_from(path));
		list_init(&lot->parcels);
		lot->since_ms = now_ms;
		list_push(&l->all, &lot->link);
	}
	list_push(&lot->parcels, &p->link);
	lot->count++;
	lot->bytes += p->bytes + LINE_AROUND;
	p->lot = lot;
}

/* Out of the lot, which the caller looks after. */
static void
part(struct lot *lot, struct parcel *p)
{
	list_leave(&p->link);
	lot->count--;
	lot->bytes -= p->bytes + LINE_AROUND;
	p->lot = NULL;
}

static void
free_if_empty(struct lot *lot)
{
	if (lot->count > 0)
		return;
	assert(list_empty(&lot->parcels) && lot->bytes == 0);
	list_leave(&lot->link);
	free(lot);
}

void
lot_leave(struct parcel *p)
{
	struct lot *lot = p->lot;
	if (lot == NULL)
		return;
	part(lot, p);
	free_if_empty(lot);
}

struct lot *
lots_ripe(const struct lots *l, const struct deferred_conf *conf, int64_t now_ms)
{
	struct lot *oldest = NULL;
	for (struct link *at = l->all.next; at != &l->all; at = at->next) {
		struct lot *lot = LIST_ENTRY(at, struct lot, link);
		bool ripe = lot->count >= conf->requests || now_ms - lot->since_ms >= conf->collect_ms;
		if (ripe && (oldest == NULL || lot->since_ms < oldest->since_ms))
			oldest = lot;
	}
	return oldest;
}

int64_t
lots_due_ms(const struct lots *l, const struct deferred_conf *conf)
{
	int64_t due_ms = -1;
	for (struct link *at = l->all.next; at != &l->all; at = at->next) {
		int64_t ms = LIST_ENTRY(at, struct lot, link)->since_ms + conf->collect_ms;
		due_ms = due_ms < 0 || ms < due_ms ? ms : due_ms;
	}
	return due_ms;
}

int
lot_take(struct lot *lot, const struct deferred_conf *conf, const struct lot_limits *most, struct link *to)
{
	size_t bytes = 0;
	int count = 0, inputs = 0;
	assert(lot->count > 0);
	while (!list_empty(&lot->parcels)) {
		struct parcel *p = LIST_ENTRY(lot->parcels.next, struct parcel, link);
		bool room = count < conf->requests && count < most->requests &&
			    inputs + p->inputs <= most->requests &&
			    bytes + p->bytes + LINE_AROUND <= most->bytes;
		if (count > 0 && !room)
			break;
		bytes += p->bytes + LINE_AROUND;
		inputs += p->inputs;
		count++;
		part(lot, p);
		list_push(to, &p->link);
	}
	free_if_empty(lot);
	return count;
}
