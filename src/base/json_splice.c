/*
 * Edits: byte ranges replaced, everything else as the client wrote it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>

#include "json_parts.h"

int
json_splice(struct str text, const struct json_edit *edits, size_t count, struct buf *out)
{
	size_t need = text.n, from = 0;
	for (size_t i = 0; i < count; i++) {
		assert(edits[i].at >= from && edits[i].end >= edits[i].at && edits[i].end <= text.n);
		from = edits[i].end;
		need = need - (edits[i].end - edits[i].at) + edits[i].with.n;
	}
	if (buf_reserve(out, need) != 0)
		return -1;
	from = 0;
	for (size_t i = 0; i < count; i++) {
		buf_add(out, (struct str){ text.p + from, edits[i].at - from });
		buf_add(out, edits[i].with);
		from = edits[i].end;
	}
	return buf_add(out, (struct str){ text.p + from, text.n - from });
}

/* Points the edit at what was added to the store since `start`. */
static void
edit_range(struct json_edit *edit, uint32_t at, uint32_t end, const struct buf *store, size_t start)
{
	*edit = (struct json_edit){ .at = at, .end = end, .with = { store->p + start, store->n - start } };
}

int
json_set(const struct json *j, const char *name, struct str value, struct buf *store, struct json_edit *edit)
{
	assert(j->count > 0 && j->nodes[0].type == JSON_OBJECT);
	size_t start = store->n;
	uint32_t old = json_member(j, 0, name);
	if (old != 0) {
		if (buf_add(store, value) != 0)
			return -1;
		edit_range(edit, j->nodes[old].at, j->nodes[old].end, store, start);
		return 0;
	}
	uint32_t last = 0;
	for (uint32_t key = json_first(j, 0); key != 0; key = json_next(j, 0, key + 1))
		last = key + 1;
	if (buf_add(store, last != 0 ? STR(",\"") : STR("\"")) != 0 ||
	    buf_add_json(store, str_from(name)) != 0 || buf_add(store, STR("\":")) != 0 ||
	    buf_add(store, value) != 0) {
		store->n = start;
		return -1;
	}
	uint32_t at = last != 0 ? j->nodes[last].end : j->nodes[0].at + 1;
	edit_range(edit, at, at, store, start);
	return 0;
}
