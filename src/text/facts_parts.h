/*
 * What a text is read into, for the files of facts: its words, its numbers, its quotes and a few things said of the whole.
 *
 *   text -> facts_fold -> facts_split (words) -> lists (what each word belongs to) -> numbers, quotes, the whole
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TEXT_FACTS_PARTS_H
#define FARTHING_TEXT_FACTS_PARTS_H

#include "text/facts.h"

enum word_flag {
	WORD_CAPITAL = 1 << 0, /* begins with one */
	WORD_CAPS = 1 << 1,    /* two letters or more, all capitals */
	WORD_MIXED = 1 << 2,   /* a capital inside: iPhone */
	WORD_MODEL = 1 << 3,   /* letters and digits: A52s, H2O */
	WORD_FIRST = 1 << 4,   /* of a sentence, so its capital says nothing */
	WORD_NUMBER = 1 << 5,  /* read into a number */
	WORD_FOREIGN = 1 << 7, /* letters of another script, or bytes that are no UTF-8 */
	WORD_VAGUE = 1 << 6,   /* says little without a thing it is said of: benefits, explain */
	WORD_CODE = 1 << 8,    /* in a code span, or an identifier, path, address: compared as it stands */
	WORD_SIGN = 1 << 10,   /* an operator: + = < */
	WORD_KNOWN = 1 << 11,  /* a dictionary has it as a common word */
	WORD_LOOSE = 1 << 12,  /* spelled so perhaps no member of its groups: "may" */
	WORD_MUTUAL = 1 << 13, /* says of two things what holds both ways: difference, compare */
	WORD_COUNT = 1 << 14,  /* may be a number or a part of one: two, third, million, IV */
	WORD_BACK = 1 << 15,   /* says where in what was said before: previous, former */
};

/* Function words, by what they do in a question. */
enum role {
	ROLE_NONE, /* a word with a content of its own */
	ROLE_STOP, /* any that has no other role here */
	ROLE_ARTICLE,
	ROLE_NOT,
	ROLE_WHAT,
	ROLE_WHICH,
	ROLE_HOW,
	ROLE_WHY,
	ROLE_WHO,
	ROLE_WHEN,
	ROLE_WHERE,
	ROLE_BE,
	ROLE_DO,
	ROLE_HAVE,
	ROLE_CAN,
	ROLE_SHOULD,
	ROLE_MUST,
	ROLE_WILL,
	ROLE_I,
	ROLE_MY,
	ROLE_YOU,
	ROLE_YOUR,
	ROLE_IT,
	ROLE_THIS,
	ROLE_THEY,
	ROLE_ONE,
	ROLE_TO,
	ROLE_FROM,
	ROLE_THAN,
	ROLE_AND,
	ROLE_OF, /* and every other preposition */
	ROLE_MUCH,
	ROLE_ALSO, /* joins on to what was said before */
	ROLE_POLITE,
};

struct word {
	uint64_t is;       /* spelling, in lower case */
	uint64_t stem;     /* what is compared: without inflection, or one name for several spellings */
	uint32_t at, n;    /* in the folded text */
	uint32_t sentence; /* counted from 0 */
	uint16_t flags;
	uint16_t member; /* first of its memberships, 0: in no list */
	uint8_t role;    /* enum role */
};

/* A number: equal when the keys are, or one's key is the other's second reading. */
struct number {
	uint64_t key, other;
	uint64_t bare;         /* of money: the key without the currency, for who leaves it out */
	uint32_t word;         /* where it stands */
	uint32_t unit, unit_n; /* its unit as it is written, in the text; 0 long without one */
	bool date;             /* part of one, so its place says little */
};

enum asks {
	ASKS_NOTHING, /* a statement, an order */
	ASKS_WHAT,
	ASKS_HOW,
	ASKS_WHY,
	ASKS_WHO,
	ASKS_WHEN,
	ASKS_WHERE,
	ASKS_QUANTITY,
	ASKS_CAN,    /* yes or no: is it possible */
	ASKS_SHOULD, /* is it advisable */
	ASKS_MUST,   /* is it needed */
	ASKS_WILL,   /* is it to come */
	ASKS_IS,     /* any other yes or no */
};

struct facts {
	char *text; /* folded */
	size_t length;
	struct word *words;
	uint32_t count, room;
	uint32_t *by_stem; /* indices of words, by stem and place */
	struct number *numbers;
	uint32_t number_count;
	struct quote *quotes;
	uint32_t quote_count;
	enum asks asks;
	bool outside;              /* it points at something that is not in it */
	bool shouting;             /* nearly all words are capitalised: capitals say nothing */
	bool loud;                 /* nearly all are in capitals */
	bool mutual;               /* a word of it is */
	bool too_long;             /* nothing was read */
	size_t code_from, code_to; /* what is code, in the text; code_to is 0 without any */
	uint32_t wound;            /* where it points outside, a word */
};

/* Words [from, to) stood in double quotes or between backticks. */
struct quote {
	uint32_t from, to;
	bool code;
};

/* Lists. A word's memberships: consecutive, the last one has `last` set. */
struct membership {
	uint16_t group, sense;
	bool last;
};

struct group {
	enum veto_kind kind;
	bool alone;         /* a member without counterpart is a difference too */
	const char *senses; /* "usd dollar / eur euro": senses that exclude each other, each with its words */
};
/* facts_tables.c */
extern const struct group fact_groups[];
extern const size_t fact_group_count;
extern const char *const fact_aliases; /* "js=javascript ..." and for two words "united_states=usa" */
extern const struct role_words {
	enum role role;
	const char *words;
} fact_roles[];
extern const size_t fact_role_count;
extern const char *const fact_modern;
/* Words that have a flag */
extern const struct flag_words {
	uint16_t flag;
	const char *words;
} fact_flags[];
extern const size_t fact_flag_count;

/* facts_fold.c: out has room for FACTS_FOLD_MAX(text.n); returns the length */
#define FACTS_FOLD_MAX(n) (5 * (n) + 16)
size_t facts_fold(struct str text, char *out);

/* facts_split.c */
int facts_split(struct facts *f); /* -1: out of memory */

/* facts_code.c */
void facts_code(struct facts *f);
bool codes_differ(const struct facts *a, const struct facts *b, struct veto *v);

/* facts_person.c: who does it to whom */
bool persons_differ(const struct facts *a, const struct facts *b, struct veto *v);

/* facts_stem.c */
uint64_t word_hash(const char *p, size_t n);
uint64_t word_stem(const char *p, size_t n);

/* facts_lists.c */
void lists_read(struct facts *f); /* names, roles and memberships of all words */
const struct membership *lists_membership(const struct word *w); /* NULL: in no list */
struct group lists_group(uint16_t group);
bool lists_share(const struct word *a, const struct word *b); /* a sense */

/* facts_number.c */
int facts_numbers(struct facts *f);
/* facts_quantity.c */
bool numbers_differ(const struct facts *a, const struct facts *b, struct veto *v);

/* facts_ask.c: what it asks, and whether it points outside itself */
void facts_ask(struct facts *f);
bool asks_differ(const struct facts *a, const struct facts *b, struct veto *v);

/* A comparison at work: for each word whether the other text has it. */
struct match {
	const struct facts *a, *b;
	uint8_t *in_b; /* for each word of a */
	uint8_t *in_a; /* for each word of b */
};

/* facts_common.c: whether a word is ordinary English, by its stem */
bool common_word(uint64_t stem);

/* facts_words.c: negation, opposites, groups */
bool negations_differ(const struct match *m, struct veto *v);
bool groups_differ(const struct match *m, struct veto *v);
/* Whether the other text has a word of the same sense: India, Indian */
bool word_answered(const struct word *w, const struct facts *other);
/* facts_name.c: names, codes, quotes */
void names_meet(struct match *m); /* marks what is one name in two spellings */
bool names_differ(const struct match *m, struct veto *v);
bool quotes_differ(const struct match *m, struct veto *v);
/* facts_order.c: direction */
bool orders_differ(const struct match *m, struct veto *v);

bool veto_say(struct veto *v, enum veto_kind kind, const struct facts *a, const struct word *x,
    const struct facts *b, const struct word *y); /* true; x and y may be NULL */
bool veto_turn(struct veto *v);                   /* true: what was said of b and a is said of a and b */

#endif
