/*
 * What the demand_*.c files share. Each of them reads one kind of demand from the words of a prompt and judges an answer by it:
 *
 *   prompt -> asked (words of which some cannot demand anything: quotes, code, data) -> X_of   struct X
 *   answer, struct X -> X_fault: what is certainly wrong, in words that quote nothing; NULL for nothing
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TEXT_DEMAND_PARTS_H
#define FARTHING_TEXT_DEMAND_PARTS_H

#include "base/json.h"
#include "base/pattern.h"
#include "text/demand.h"

enum { WHY_SIZE = 96 };

/* The first place of needle in s from `from` on, or s.n. Unlike memmem it reads no further than to there under any sanitizer, so that
 * a text may be searched piece by piece in linear time. */
static inline size_t
find_from(struct str s, size_t from, struct str needle)
{
	while (from + needle.n <= s.n) {
		const char *at = memchr(s.p + from, needle.p[0], s.n - needle.n + 1 - from);
		if (at == NULL)
			break;
		if (memcmp(at, needle.p, needle.n) == 0)
			return (size_t)(at - s.p);
		from = (size_t)(at - s.p) + 1;
	}
	return s.n;
}

/* ---- demand_asked.c: the words of a prompt; demand_order.c: what they say ---- */

enum asked_flag {
	ASKED_FIRST = 1 << 0,  /* of a sentence */
	ASKED_QUOTED = 1 << 1, /* stands in quotes, backticks, a fence, a tag, or in data behind a colon */
	ASKED_COMMA = 1 << 2,  /* a comma, a dash or a bracket stands before it */
	ASKED_NUMBER = 1 << 3, /* digits, or a word for a number up to a hundred */
	ASKED_LINE = 1 << 4,   /* of a line */
	ASKED_JOINED = 1 << 5, /* a hyphen stands before it */
	ASKED_COLON = 1 << 6,  /* a colon stands before it */
};

/* Where each kind of demand is looked for (demand_trigger.c) */
enum trigger {
	TRIGGER_JSON = 1 << 0,
	TRIGGER_LENGTH = 1 << 1,
	TRIGGER_CODE = 1 << 2,
	TRIGGER_LANGUAGE = 1 << 3,
	TRIGGER_SPELLING = 1 << 4, /* of a language in another script */
	TRIGGER_REFUSAL =
	    1 << 5,             /* the prompt speaks of refusing: an answer that does may be what it wants */
	TRIGGER_NAMES = 1 << 6, /* what looks like a number may be the name of a version, a chapter */
};
enum {
	TRIES_MAX = 32
}; /* triggers of a kind that are looked at, the last ones of the text first: orders stand at its end */
uint16_t trigger_of(struct str word, int32_t *number); /* *number: what a word for a number says, else -1 */

struct asked_word {
	uint32_t at, n; /* in `text`, in lower case */
	uint32_t first; /* index of the first word of its sentence */
	uint16_t flags;
	uint16_t triggers;
	int32_t number; /* its value where it is a number */
};

struct asked {
	struct str whole; /* the text as it came; borrowed */
	char *text;       /* in lower case (ASCII, Latin-1, Greek and Cyrillic), of the same length */
	struct asked_word *words;
	uint32_t count;
	uint16_t triggers; /* of all words that are not quoted */
};

/* False: out of memory. Only the head and the tail of a long text are read. To be freed either way. */
bool asked_read(struct asked *a, struct str text);
void asked_free(struct asked *a);
struct str asked_word(const struct asked *a, uint32_t i);
/* Whether word i is one of these: "at|no|under". False beyond the end. */
bool asked_in(const struct asked *a, uint32_t i, const char *words);
/* How many words from i on match: alternatives parted by '|', words by ' ', '?' behind a word that may be left out, '#' a number.
 * Within one sentence. 0: they do not. *number is that of the '#', and may be NULL. */
uint32_t asked_match(const struct asked *a, uint32_t i, const char *pattern, int32_t *number);
/* Whether one of these stands in the sentence of i, in words [from, to) where to is cut at the sentence's end */
bool asked_has(const struct asked *a, uint32_t from, uint32_t to, const char *words);
uint32_t asked_end(const struct asked *a, uint32_t i); /* of the sentence: the word behind it */
/* The sentence says of the answer what it must be: it is an order, no question and under no condition. *verb: where the order is;
 * equal to the first word of the sentence where that begins with the demand itself ("At most 50 words"). */
bool asked_orders(const struct asked *a, uint32_t i, uint32_t *verb);

/* ---- demand_json.c reads it, demand_json_answer.c judges ---- */

enum { JSON_KEYS_MAX = 24 };

struct json_demand {
	bool asked;
	bool by_format; /* by response_format: then nothing may stand around it */
	bool only;      /* by words that nothing may stand around it, but for a fence */
	bool object;    /* an object, no other value */
	bool array;
	struct str keys[JSON_KEYS_MAX]; /* that must be in it; owned by `names` */
	size_t key_count;
	char *names;
};

bool json_demand_of(
    struct json_demand *d, const struct asked *a); /* adds to what was found; false: out of memory */
/* NULL: none found. The tape is of the answer's JSON, empty where that was not looked for or could not be told. */
const char *json_demand_fault(const struct json_demand *d, struct str answer, struct json *tape);
void json_demand_free(struct json_demand *d);

/* ---- demand_schema.c, with demand_schema_read.c and demand_schema_value.c ---- */

struct schema;
struct schema *schema_new(struct str text); /* NULL: it cannot be understood, or no memory */
void schema_free(struct schema **s);
/* True: the value certainly breaks it, why in words of the schema's keywords alone */
bool schema_broken(const struct schema *s, const struct json *value, char why[WHY_SIZE]);

/* ---- demand_length.c reads them, demand_count.c counts ---- */

enum { LENGTHS_MAX = 6 };

enum length_unit {
	LENGTH_NONE,
	LENGTH_WORDS,
	LENGTH_CHARACTERS,
	LENGTH_SENTENCES,
	LENGTH_PARAGRAPHS,
	LENGTH_BULLETS,
	LENGTH_ITEMS /* of a list, whatever form it has: only fewer is a fault */
};

struct length_demand {
	enum length_unit unit;
	int32_t min, max;  /* -1: none */
	bool contradicted; /* two that differ were read: neither is certain */
};

struct length_demands {
	struct length_demand list[LENGTHS_MAX];
	size_t count;
};

void length_demands_of(struct length_demands *d, const struct asked *a); /* adds to what was found */
void length_demand_print(const struct length_demand *d, struct buf *out);
/* beginning: the client cut it: only upper bounds count */
const char *length_demands_fault(const struct length_demands *d, struct str answer, bool beginning);

/* ---- demand_code.c, with the lexers of demand_lex.c ---- */

enum code_language {
	CODE_UNKNOWN,
	CODE_PYTHON,
	CODE_JAVASCRIPT,
	CODE_JAVA,
	CODE_C, /* and C++ */
	CODE_CSHARP,
	CODE_GO,
	CODE_RUST,
	CODE_KOTLIN, /* Swift, Dart, Scala */
	CODE_SQL,
	CODE_SHELL,
	CODE_HTML
};

struct code_demand {
	bool asked;
	bool only; /* code and nothing around it */
	enum code_language language;
};

void code_demand_of(struct code_demand *d, const struct asked *a); /* adds to what was found */
const char *code_demand_fault(const struct code_demand *d, struct str answer);
const char *code_language_name(enum code_language language);
/* What no reader of the language accepts; NULL: nothing, or it cannot be told */
const char *code_fault(struct str code, enum code_language language);
/* demand_indent.c: the same of Python's blocks alone */
const char *indent_fault(struct str code);

/* ---- demand_language.c reads it, demand_speech.c knows it ---- */

enum speech {
	SPEECH_ENGLISH,
	SPEECH_FRENCH,
	SPEECH_GERMAN,
	SPEECH_SPANISH,
	SPEECH_ITALIAN,
	SPEECH_PORTUGUESE,
	SPEECH_DUTCH,
	SPEECH_POLISH,
	SPEECH_SWEDISH,
	SPEECH_DANISH, /* and Norwegian */
	SPEECH_FINNISH,
	SPEECH_CZECH,
	SPEECH_TURKISH,
	SPEECH_ROMANIAN,
	SPEECH_HUNGARIAN,
	SPEECH_LATIN, /* those before are told by their words, the others by their script */
	SPEECH_RUSSIAN = SPEECH_LATIN,
	SPEECH_GREEK,
	SPEECH_ARABIC,
	SPEECH_HEBREW,
	SPEECH_HINDI,
	SPEECH_BENGALI,
	SPEECH_TAMIL,
	SPEECH_THAI,
	SPEECH_CHINESE,
	SPEECH_JAPANESE,
	SPEECH_KOREAN,
	SPEECHES
};

struct language_demand {
	bool asked;
	bool several; /* or none that can be told */
	enum speech language;
};

const char *speech_name(enum speech language);
/* The text is long enough to say, and in another language */
bool speech_is_not(struct str text, enum speech language);
void language_demand_of(struct language_demand *d, const struct asked *a); /* adds to what was found */
const char *language_demand_fault(const struct language_demand *d, struct str answer);

/* ---- demand_numbers.c ---- */

const char *numbers_fault(struct str answer);

/* ---- demand_refusal.c ---- */

bool is_refusal(struct str answer);

#endif
