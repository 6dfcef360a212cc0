/*
 * A tool of the build, no part of the programs: ranks_bake IN.ranks OUT BITS makes the table of text/ranks.h from what
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
put_slot(uint32_t *slots, unsigned bits, const unsigned char *p, size_t n, uint32_t rank)
{
	uint64_t h = ranks_hash(p, n);
	uint32_t at = (uint32_t)(h >> (64 - bits));
	while (slots[at] != UINT32_MAX)
		at = (at + 1) & ((UINT32_C(1) << bits) - 1);
	slots[at] = (uint32_t)h << 18 | rank;
}

int
main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	size_t n;
	unsigned char *in = read_whole(argv[1], &n);
	unsigned bits = (unsigned)atoi(argv[3]);
	uint32_t count = in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
	const unsigned char *lengths = in + 4, *bytes = lengths + count;
	size_t size = sizeof(uint32_t) << bits;
	if (n < 4 || count >= RANKS_MASK || n < 4 + (size_t)count || bits > 24 ||
	    count > (UINT32_C(1) << bits) / 4 * 3) {
		fprintf(stderr, "%s: is no list of ranks that fits %u bits\n", argv[1], bits);
		return 1;
	}
	uint32_t *slots = malloc(size), *spans = calloc(count, sizeof *spans);
	if (slots == NULL || spans == NULL)
		return 1;
	memset(slots, 0xff, size);
	uint32_t at = 0;
	for (uint32_t rank = 0; rank < count; at += lengths[rank++]) {
		if (lengths[rank] == 0 || lengths[rank] > RANKS_LONGEST || at + lengths[rank] > n - 4 - count)
			return 1;
		spans[rank] = at | (uint32_t)lengths[rank] << 24;
		put_slot(slots, bits, bytes + at, lengths[rank], rank);
	}
	struct ranks_head head = { RANKS_MAGIC, bits, count, at };
	FILE *f = fopen(argv[2], "wb");
	if (f == NULL || fwrite(&head, sizeof head, 1, f) != 1 || fwrite(slots, size, 1, f) != 1 ||
	    fwrite(spans, sizeof *spans, count, f) != count || fwrite(bytes, at, 1, f) != 1 ||
	    fclose(f) != 0) {
		perror(argv[2]);
		return 1;
	}
	free(in);
	free(slots);
	free(spans);
	return 0;
}
