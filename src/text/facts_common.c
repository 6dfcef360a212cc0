/*
 * Ordinary words: a set of stems, made once from assets/common.words and fact_modern when the first text is read, and never changed
 * after it. Open addressing, at most half full.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "facts_parts.h"

#include <assert.h>
#include <pthread.h>

enum { SLOTS = 1 << 16 };

__asm__(".pushsection .rodata\n\t.globl common_words\n\t.hidden common_words\ncommon_words:\n\t.incbin "
	"\"" FACTS_COMMON "\"\n\t.byte 0\n\t.popsection\n");
extern const char common_words[] __attribute__((visibility("hidden")));

static uint64_t slots[SLOTS];
static pthread_once_t made = PTHREAD_ONCE_INIT;

static uint64_t *
slot(uint64_t stem)
{
	size_t i = (stem >> 20) & (SLOTS - 1);
	while (slots[i] != 0 && slots[i] != stem)
		i = (i + 1) & (SLOTS - 1);
	return &slots[i];
}

static void
add_all(struct str words, char between)
{
	struct str w;
	size_t count = 0;
	while (str_cut(&words, between, &w)) {
		if (w.n == 0 || w.p[0] == '#')
			continue;
		uint64_t stem = word_stem(w.p, w.n);
		*slot(stem) = stem;
		count++;
	}
	assert(count < SLOTS / 4 * 2);
}

static void
make(void)
{
	add_all(str_from(common_words), '\n');
	add_all(str_from(fact_modern), ' ');
}

bool
common_word(uint64_t stem)
{
	pthread_once(&made, make);
	return *slot(stem) == stem;
}
