/*
 * Places for the entries that a start finds on the shelf. To compare and to index each takes a fraction of a millisecond, thousands
 * take seconds: so they wait, and are seen to a few at a time while the gateway serves. Until then their answers are given to equal
 * questions only.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/clock.h"
#include "similar_private.h"

enum { AT_ONCE = 64, AT_ONCE_US = 2000 }; /* in one call: whichever comes first */

struct waiting {
	struct link link;
	struct digest key, bucket;
	int64_t kept_us;
	uint32_t length;
	char text[];
};

void
similar_restore(struct similar *s, const struct config *config, struct entry *e, const struct digest *bucket,
    struct str text)
{
	struct similar_look look = { .say = TRUST_ASK };
	const struct task_conf *task = config_task(config, str_from(entry_task(e)));
	if (!is_set(bucket) || task->cache.similarity <= 0 || text.n > LIKENESS_TEXT_MAX)
		return;
	if (task->cache.embedding.model != NULL)
		return; /* its vector would have to be paid for again: it comes with the next question that is like it */
	struct bucket *b = bucket_at(s, bucket);
	if (similar_place_text(s, b, &task->cache, text, &look) == 0) {
		similar_forget(s, e);
		e->place = place_new(s, b, &look.drawer, buf_str(&look.text), &look.vector);
		if (e->place != NULL)
			e->place->entry = e;
	}
	similar_look_free(&look);
	bucket_shrink(s);
}

static size_t
bytes_of(const struct waiting *w)
{
	return sizeof *w + w->length + 16;
}

static void
end_waiting(struct similar *s, struct waiting *w)
{
	s->waiting_count--;
	s->waiting_bytes -= bytes_of(w);
	list_leave(&w->link);
	free(w);
}

void
similar_restore_none(struct similar *s)
{
	while (!list_empty(&s->waiting))
		end_waiting(s, LIST_ENTRY(s->waiting.next, struct waiting, link));
}

void
similar_restore_later(struct similar *s, const struct entry *e, const struct digest *bucket, struct str text)
{
	if (!is_set(bucket) || text.n > LIKENESS_TEXT_MAX || s->waiting_bytes >= s->max_bytes)
		return;
	struct waiting *w = malloc(sizeof *w + text.n);
	if (w == NULL)
		return;
	*w = (struct waiting){
		.key = e->key, .bucket = *bucket, .kept_us = e->kept_us, .length = (uint32_t)text.n
	};
	memcpy(w->text, text.p, text.n);
	list_init(&w->link);
	list_push(&s->waiting, &w->link);
	s->waiting_count++;
	s->waiting_bytes += bytes_of(w);
}

bool
similar_restore_some(struct similar *s, const struct config *config)
{
	int64_t until_us = clock_us() + AT_ONCE_US;
	for (int i = 0; i < AT_ONCE && !list_empty(&s->waiting) && clock_us() <= until_us; i++) {
		struct waiting *w = LIST_ENTRY(s->waiting.next, struct waiting, link);
		struct entry *e = cache_look(s->cache, &w->key);
		/* One that was replaced or found its place meanwhile is newer than what waits. */
		if (e != NULL && e->kept_us == w->kept_us && e->place == NULL)
			similar_restore(s, config, e, &w->bucket, (struct str){ w->text, w->length });
		end_waiting(s, w);
		/* What comes now is older than what is there: it must not push that out. */
		if (s->bytes >= s->max_bytes || s->buckets.count >= SIMILAR_BUCKETS)
			similar_restore_none(s);
	}
	return !list_empty(&s->waiting);
}
