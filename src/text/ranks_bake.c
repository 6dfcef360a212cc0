/*
 * A tool of the build, no part of the programs: ranks_bake IN.ranks OUT makes the table of text/ranks.h from what
 * scripts/make-ranks wrote, for the machine it runs on.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "ranks.h"

static unsigned char *
read_whole(const char *path, size_t *n)
{
	enum { MOST = 16 << 20 };
	unsigned char *p = malloc(MOST);
	FILE *f = fopen(path, "rb");
	if (p == NULL || f == NULL) {
		perror(path);
		exit(1);
	}
	*n = fread(p, 1, MOST, f);
	fclose(f);
	return p;
}

static void
put_slot(struct ranks_slot *slots, uint32_t count, const unsigned char *p, struct ranks_slot slot)
{
	size_t n = slot.span >> 24;
	uint32_t at = ranks_place(ranks_hash(p, n), count);
	while (slots[at].rank != RANKS_NONE)
		at = at + 1 < count ? at + 1 : 0;
	slot.head = ranks_load(p, n);
	slots[at] = slot;
}

int
main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	size_t n;
	unsigned char *in = read_whole(argv[1], &n);
	uint32_t tokens = in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
	if (n < 4 || tokens > n - 4) {
		fprintf(stderr, "%s: is no list of ranks\n", argv[1]);
		return 1;
	}
	const unsigned char *lengths = in + 4, *p = lengths + tokens, *end = in + n;
	struct ranks_head head = { RANKS_MAGIC, tokens + tokens / 2, 0, 1 };
	while (head.filter * 32 < tokens * 8)
		head.filter *= 2;

	struct ranks_slot *slots = calloc(head.slots, sizeof *slots);
	uint32_t *filter = calloc(head.filter, sizeof *filter);
	unsigned char *bytes = malloc(n);
	if (slots == NULL || bytes == NULL || filter == NULL)
		return 1;
	for (uint32_t i = 0; i < head.slots; i++)
		slots[i].rank = RANKS_NONE;
	for (uint32_t rank = 0; rank < tokens; p += lengths[rank++]) {
		uint32_t length = lengths[rank];
		if (length == 0 || length > RANKS_LONGEST || length > (size_t)(end - p))
			return 1;
		uint64_t hash = ranks_hash(p, length);
		filter[ranks_filter_word(hash, head.filter - 1)] |= ranks_filter_bit(hash);
		put_slot(slots, head.slots, p, (struct ranks_slot){ 0, head.bytes | length << 24, rank });
		if (length > 8) {
			memcpy(bytes + head.bytes, p, length);
			head.bytes += length;
		}
	}
	FILE *f = fopen(argv[2], "wb");
	if (f == NULL || fwrite(&head, sizeof head, 1, f) != 1 ||
	    fwrite(slots, sizeof *slots, head.slots, f) != head.slots ||
	    fwrite(filter, sizeof *filter, head.filter, f) != head.filter ||
	    fwrite(bytes, 1, head.bytes, f) != head.bytes || fclose(f) != 0) {
		perror(argv[2]);
		return 1;
	}
	free(in);
	free(slots);
	free(filter);
	free(bytes);
	return 0;
}
