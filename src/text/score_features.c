/*
 * From counts to values, and what the text is about.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "score_features.h"

#include <math.h>

#include "text/wordpiece.h"

#define SCORE_NAMED(name, cap, text) { #name, text, cap },
const struct score_feature_name score_feature_names[FEATURE_COUNT] = { SCORE_ASKED(SCORE_NAMED)
	    SCORE_COUNTED(SCORE_NAMED) };

/* How much of each text is read: its head and its tail, as 3 to 1 */
enum { SYSTEM_READ = SCORE_TEXT_MAX / 4, LAST_READ = SCORE_TEXT_MAX - SYSTEM_READ };
/* ... and embedded */
enum { SYSTEM_SUBJECT = 512, LAST_SUBJECT = 1024, SUBJECT_PIECES = SYSTEM_SUBJECT + LAST_SUBJECT };

static float
log_of(double n)
{
	return log2f(1 + (float)n);
}

/* 0: head and tail are the whole text, which is in *head */
static size_t
cut_text(struct str text, size_t most, struct str *head, struct str *tail)
{
	*head = text;
	*tail = (struct str){ text.p, 0 };
	if (text.n <= most)
		return 0;
	size_t back = most / 4;
	*head = (struct str){ text.p, most - back };
	*tail = (struct str){ text.p + text.n - back, back };
	return text.n - most;
}

static void
read_text(struct score_counts *c, struct str text, size_t most)
{
	struct str head, tail;
	size_t left_out = cut_text(text, most, &head, &tail);
	score_read(c, head);
	if (left_out > 0)
		score_read(c, tail);
}

/* The subject in the making. */
struct pieces {
	uint16_t ids[SUBJECT_PIECES];
	size_t n;
	uint32_t words, cut; /* cut: known only in pieces */
	float rarity;
};

static void
end_word(struct pieces *p, const struct embed_place *first, size_t pieces)
{
	struct embed_pieces word;
	if (pieces == 0)
		return;
	p->words++;
	p->cut += pieces > 1 || first->id == WORDPIECE_UNKNOWN ? 1 : 0;
	if (pieces > 1) {
		p->rarity++; /* as rare as can be */
		return;
	}
	embed_take(first, 1, &word);
	p->rarity += word.rarity;
}

static void
add_pieces(struct pieces *p, struct str text)
{
	struct wordpieces w;
	struct wordpiece piece;
	struct embed_place first = { 0 };
	size_t in_word = 0;
	if (text.n == 0) /* it may be nowhere */
		return;
	for (wordpieces_start(&w, text); p->n < SUBJECT_PIECES && wordpieces_next(&w, &piece);) {
		p->ids[p->n++] = piece.id;
		if (piece.first) {
			end_word(p, &first, in_word);
			in_word = 0;
			first.id = piece.id;
		}
		in_word += piece.sign ? 0 : 1;
	}
	end_word(p, &first, in_word);
}

/* By the letters, by the small words (English ones against those of its neighbours), or, where there are hardly any English ones, by
 * how many of its words the vocabulary has only in pieces. */
static float
foreign_share(const struct score_counts *c, const struct pieces *p)
{
	float english = c->classes[CLASS_is_english], others = c->classes[CLASS_is_foreign];
	float by_words = others > english ? (others - english) / (others + english + 1) : 0;
	float by_letters = c->letters > 0 ? 2 * (float)c->abroad / (float)c->letters : 0;
	float cut = p->words > 0 ? (float)p->cut / (float)p->words : 0, by_pieces = 0;
	if (p->words >= 3 && english * 20 < (float)c->words && cut > 0.4f)
		by_pieces = (cut - 0.4f) * 4;
	float most = by_words > by_letters ? by_words : by_letters;
	most = by_pieces > most ? by_pieces : most;
	return most < 1 ? most : 1;
}

static void
find_subject(const struct score_input *in, const struct score_counts *c, struct score_features *out)
{
	struct pieces p;
	struct str head, tail;
	p.n = p.words = p.cut = 0;
	p.rarity = 0;
	cut_text(in->system, SYSTEM_SUBJECT, &head, &tail);
	add_pieces(&p, head);
	if (cut_text(in->last, LAST_SUBJECT, &head, &tail) > 0)
		add_pieces(&p, tail);
	add_pieces(&p, head);
	out->has_subject = embed_sum(p.ids, p.n, &out->subject);
	float foreign = out->values[FEATURE_foreign] = foreign_share(c, &p);
	if (p.words > 0) {
		out->values[FEATURE_rare_words] = (1 - foreign) * (float)p.cut / (float)p.words;
		out->values[FEATURE_rarity] = (1 - foreign) * p.rarity / (float)p.words;
	}
}

static void
take_counts(const struct score_counts *c, float *v)
{
	uint32_t words = c->words - c->system_words, sentences = c->sentences > 0 ? c->sentences : 1;
	v[FEATURE_words] = log_of(words);
	v[FEATURE_sentences] = log_of(c->sentences);
	v[FEATURE_sentence_length] = log_of((double)c->words / sentences);
	v[FEATURE_word_length] = c->words > 0 ? (float)c->word_letters / (float)c->words : 0;
	if (c->words > 0) {
		v[FEATURE_long_words] = (float)c->long_words / (float)c->words;
		v[FEATURE_distinct] = (float)c->distinct / sqrtf((float)c->words);
		v[FEATURE_commas] = 4 * (float)c->commas / (float)c->words;
	}
	v[FEATURE_lines] = log_of(c->lines);
	v[FEATURE_questions] = log_of(c->questions);
	v[FEATURE_names] = log_of(c->names);
	v[FEATURE_acronyms] = log_of(c->acronyms);
	v[FEATURE_quotes] = log_of(c->quotes);
	v[FEATURE_numbers] = log_of(c->numbers);
	v[FEATURE_big_numbers] = log_of(c->big_numbers);
	v[FEATURE_number_size] = (float)c->longest_number;
	v[FEATURE_decimals] = log_of(c->decimals);
	v[FEATURE_digit_share] = c->bytes > 0 ? 4 * (float)c->digits / (float)c->bytes : 0;
	v[FEATURE_money] = log_of(c->money);
	v[FEATURE_operators] = log_of(c->operators);
	v[FEATURE_latex] = log_of(c->latex);
	v[FEATURE_equations] = log_of(c->equations);
	v[FEATURE_variables] = log_of(c->variables);
	v[FEATURE_fences] = (float)c->fences;
	v[FEATURE_identifiers] = log_of(c->identifiers);
	v[FEATURE_calls] = log_of(c->calls);
	v[FEATURE_methods] = log_of(c->methods);
	v[FEATURE_brackets] = log_of(c->brackets);
	v[FEATURE_bracket_depth] = (float)c->depth_most;
	v[FEATURE_indent] = log_of(c->indents);
	v[FEATURE_indent_depth] = (float)c->indent_most / 4;
	v[FEATURE_code_signs] = log_of(c->code_signs);
	v[FEATURE_list_items] = log_of(c->list_items);
	v[FEATURE_options] = c->options >= 3 ? 1 : 0;
	struct score_options options = score_options_of(c);
	v[FEATURE_option_words] = log_of((double)options.words);
	v[FEATURE_option_overlap] = options.overlap;
	v[FEATURE_option_stem] = options.known;
	v[FEATURE_option_numbers] = options.numbers;
	v[FEATURE_option_spread] = log_of((double)options.spread);
	v[FEATURE_blanks] = log_of(c->blanks);
	v[FEATURE_output_words] = log_of((double)c->output_words);
	v[FEATURE_system] = log_of(c->system_words);
}

static void
take_classes(const struct score_counts *c, float *v)
{
#define SCORE_CLASS(name, cap, text)                                                    \
	v[FEATURE_##name] = CLASS_##name <= CLASS_ask_decide ? c->classes[CLASS_##name] \
							     : log_of((double)c->classes[CLASS_##name]);
	SCORE_ASKED(SCORE_CLASS)
#undef SCORE_CLASS
}

static void
take_request(const struct score_input *in, float *v)
{
	enum { USUAL_OUTPUT = 8 }; /* the logarithm of 256 */
	if (in->max_output > 0) {
		float length = log2f((float)in->max_output) - USUAL_OUTPUT;
		v[FEATURE_short_output] = length < 0 ? -length : 0;
		v[FEATURE_long_output] = length > 0 ? length : 0;
	}
	v[FEATURE_json_format] = in->format == SCORE_JSON ? 1 : 0;
	v[FEATURE_schema_format] = in->format == SCORE_SCHEMA ? 1 : 0;
	v[FEATURE_tools] = log_of(in->tools > 0 ? in->tools : 0);
	v[FEATURE_images] = log_of(in->images > 0 ? in->images : 0);
	v[FEATURE_turns] = log_of(in->turns > 1 ? in->turns - 1 : 0);
	v[FEATURE_earlier] = log_of((double)in->earlier.n / 64);
	v[FEATURE_whole] = log_of((double)in->bytes / 1024);
}

void
score_features_of(const struct score_input *in, struct score_features *out)
{
	struct score_counts c;
	memset(&c, 0, offsetof(struct score_counts, gram));
	memset(out->values, 0, sizeof out->values);
	read_text(&c, in->system, SYSTEM_READ);
	c.system_words = c.words;
	read_text(&c, in->last, LAST_READ);
	take_classes(&c, out->values);
	take_counts(&c, out->values);
	take_request(in, out->values);
	find_subject(in, &c, out);
	out->grams = c.grams;
	for (size_t i = 0; i < c.grams; i++)
		out->gram[i] = (uint16_t)(c.gram[i] + (out->values[FEATURE_options] > 0 ? SCORE_GRAMS : 0));
	for (size_t i = 0; i < FEATURE_COUNT; i++)
		if (out->values[i] > score_feature_names[i].cap)
			out->values[i] = score_feature_names[i].cap;
}
