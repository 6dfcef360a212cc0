/*
 * Looking words up: the lists of facts_tables.c as sorted tables, made once when the first word is looked up and never
 * changed after it. Each lookup starts at a place found by the upper bits of the hash.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "facts_parts.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

enum { MEMBERS_MAX = 8192, NAMES_MAX = 1024, INDEX_BITS = 12, INDEX_SIZE = 1 << INDEX_BITS };

/* One entry of a sorted table: what a word, or two in a row, is. */
struct entry {
	uint64_t key, value;
};

struct sorted {
	struct entry *entries;
	size_t count, cap;
	uint16_t index[INDEX_SIZE + 1];
};

static struct entry role_entries[NAMES_MAX], alias_entries[NAMES_MAX], flag_entries[NAMES_MAX],
    pair_entries[NAMES_MAX], member_entries[MEMBERS_MAX];
static struct sorted roles = { .entries = role_entries, .cap = NAMES_MAX };
static struct sorted aliases = { .entries = alias_entries, .cap = NAMES_MAX };
static struct sorted flags = { .entries = flag_entries, .cap = NAMES_MAX };
static struct sorted pairs = { .entries = pair_entries, .cap = NAMES_MAX };
static struct sorted members = { .entries = member_entries, .cap = MEMBERS_MAX };
static struct membership memberships[MEMBERS_MAX + 1];

static void
put(struct sorted *t, uint64_t key, uint64_t value)
{
	assert(t->count < t->cap);
	t->entries[t->count++] = (struct entry){ key, value };
}

static int
by_key(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->value < y->value ? -1 : x->value > y->value;
}

static void
sort(struct sorted *t)
{
	qsort(t->entries, t->count, sizeof(*t->entries), by_key);
	size_t at = 0;
	for (size_t i = 0; i <= INDEX_SIZE; i++) {
		while (at < t->count && t->entries[at].key >> (64 - INDEX_BITS) < i)
			at++;
		t->index[i] = (uint16_t)at;
	}
}

/* The first entry of a key, or -1 */
static ptrdiff_t
find(const struct sorted *t, uint64_t key)
{
	size_t slot = key >> (64 - INDEX_BITS);
	for (size_t i = t->index[slot]; i < t->index[slot + 1]; i++) {
		if (t->entries[i].key == key)
			return (ptrdiff_t)i;
	}
	return -1;
}

static uint64_t
both(uint64_t first, uint64_t second)
{
	uint64_t h = (first ^ second >> 7) * 0x9E3779B97F4A7C15u + second;
	return (h ^ h >> 31) * 0x100000001b3u;
}

/* Eats the next word, up to a space */
static bool
next_word(struct str *from, struct str *out)
{
	return str_cut(from, ' ', out);
}

/* What a word in a list is compared by, as if it had been read from a text. */
static uint64_t
stem_of(struct str s)
{
	ptrdiff_t at = find(&aliases, word_hash(s.p, s.n));
	return at >= 0 ? aliases.entries[at].value : word_stem(s.p, s.n);
}

static void
make_roles(void)
{
	for (size_t i = 0; i < fact_role_count; i++) {
		struct str words = str_from(fact_roles[i].words), w;
		while (next_word(&words, &w))
			put(&roles, word_hash(w.p, w.n), fact_roles[i].role);
	}
	sort(&roles);
}

static void
make_aliases(void)
{
	struct str words = str_from(fact_aliases), w, name;
	while (next_word(&words, &w)) {
		struct str left, second;
		bool ok = str_cut(&w, '=', &left);
		assert(ok);
		name = w;
		uint64_t is = word_stem(name.p, name.n);
		if (str_find(left, STR("_")) < 0) {
			/* also its plural */
			char plural[32];
			put(&aliases, word_hash(left.p, left.n), is);
			if (left.n + 1 < sizeof(plural) && left.n > 3 && left.p[left.n - 1] != 's') {
				memcpy(plural, left.p, left.n);
				plural[left.n] = 's';
				put(&aliases, word_hash(plural, left.n + 1), is);
			}
			continue;
		}
		second = left;
		ok = str_cut(&second, '_', &left);
		assert(ok);
		put(&pairs, both(word_hash(left.p, left.n), word_hash(second.p, second.n)), is);
	}
	sort(&aliases);
	sort(&pairs);
}

static void
make_members(void)
{
	for (size_t g = 0; g < fact_group_count; g++) {
		struct str words = str_from(fact_groups[g].senses), w;
		uint64_t sense = 0;
		while (next_word(&words, &w)) {
			if (str_eq(w, STR("/")))
				sense++;
			else
				put(&members, stem_of(w), g << 16 | sense);
		}
	}
	sort(&members);
	for (size_t i = 0; i < members.count; i++) {
		bool last = i + 1 == members.count || members.entries[i + 1].key != members.entries[i].key;
		memberships[i + 1] = (struct membership){ (uint16_t)(members.entries[i].value >> 16),
			(uint16_t)members.entries[i].value, last };
	}
}

static void
make_flags(void)
{
	for (size_t i = 0; i < fact_flag_count; i++) {
		struct str words = str_from(fact_flags[i].words), w;
		while (next_word(&words, &w)) {
			bool exactly = fact_flags[i].flag == WORD_LOOSE || fact_flags[i].flag == WORD_COUNT;
			put(&flags, exactly ? word_hash(w.p, w.n) : stem_of(w), fact_flags[i].flag);
		}
	}
	sort(&flags);
}

/* The flags of all entries of a key */
static uint16_t
flags_of(uint64_t key)
{
	uint64_t all = 0;
	for (ptrdiff_t at = find(&flags, key);
	     at >= 0 && at < (ptrdiff_t)flags.count && flags.entries[at].key == key; at++)
		all |= flags.entries[at].value;
	return (uint16_t)all;
}

static void
make(void)
{
	make_roles();
	make_aliases();
	make_members();
	make_flags();
}

static pthread_once_t made = PTHREAD_ONCE_INIT;

/* Two words that are one name become one: the second stays, in code and between numbers nothing is joined. */
static void
join(struct facts *f)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < f->count; i++) {
		struct word *w = &f->words[i];
		if (kept > 0 && ((w->flags | f->words[kept - 1].flags) & (WORD_SIGN | WORD_NUMBER)) == 0) {
			struct word *before = &f->words[kept - 1];
			ptrdiff_t at = find(&pairs, both(before->is, w->is));
			if (at >= 0 && before->sentence == w->sentence) {
				before->n = w->at + w->n - before->at;
				before->is = before->stem = pairs.entries[at].value;
				continue;
			}
		}
		for (uint32_t q = 0; kept != i && q < f->quote_count; q++) {
			if (f->quotes[q].from == i)
				f->quotes[q].from = kept;
			if (f->quotes[q].to == i)
				f->quotes[q].to = kept;
		}
		f->words[kept++] = *w;
	}
	for (uint32_t q = 0; q < f->quote_count; q++) {
		if (f->quotes[q].to > kept)
			f->quotes[q].to = kept;
	}
	f->count = kept;
}

static enum role
roles_of(ptrdiff_t at)
{
	return at >= 0 ? (enum role)roles.entries[at].value : ROLE_NONE;
}

void
lists_read(struct facts *f)
{
	pthread_once(&made, make);
	join(f);
	for (uint32_t i = 0; i < f->count; i++) {
		struct word *w = &f->words[i];
		if ((w->flags & WORD_SIGN) != 0)
			continue;
		ptrdiff_t at = find(&roles, w->is);
		bool capitals = (w->flags & WORD_CAPS) != 0 && !f->loud;
		/* IT and US are no pronouns, but NOT is a denial all the same */
		bool short_form =
		    capitals && w->n <= 3 &&
		    (roles_of(at) == ROLE_IT || roles_of(at) == ROLE_I || roles_of(at) == ROLE_WHO);
		if (at >= 0 && !short_form)
			w->role = (uint8_t)roles.entries[at].value;
		if ((at = find(&aliases, w->is)) >= 0)
			w->stem = aliases.entries[at].value;
		if (w->is == word_hash("us", 2) && capitals)
			w->stem = word_stem("usa", 3);
		if (w->role != ROLE_NONE || common_word(w->stem))
			w->flags |= WORD_KNOWN;
		const uint16_t by_spelling = WORD_LOOSE | WORD_COUNT;
		w->flags |= (flags_of(w->is) & by_spelling) | (flags_of(w->stem) & (uint16_t)~by_spelling);
		f->mutual = f->mutual || (w->flags & WORD_MUTUAL) != 0;
		if ((at = find(&members, w->stem)) >= 0)
			w->member = (uint16_t)(at + 1);
		if ((w->flags & (WORD_CAPITAL | WORD_MODEL)) != 0)
			w->flags &= (uint16_t)~WORD_LOOSE;
	}
}

const struct membership *
lists_membership(const struct word *w)
{
	return w->member != 0 ? &memberships[w->member] : NULL;
}

bool
lists_share(const struct word *a, const struct word *b)
{
	for (const struct membership *m = lists_membership(a); m != NULL; m = m->last ? NULL : m + 1) {
		for (const struct membership *o = lists_membership(b); o != NULL;
		     o = o->last ? NULL : o + 1) {
			if (o->group == m->group && o->sense == m->sense)
				return true;
		}
	}
	return false;
}

struct group
lists_group(uint16_t group)
{
	assert(group < fact_group_count);
	return fact_groups[group];
}
