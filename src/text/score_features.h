/*
 * What of a request is counted for its score, and what it is about. Every feature has a name, a cap that no text can exceed, and a
 * line that explains it; zero means that there is nothing of it. Logarithms are to the base 2, of one more than the count.
 *
 *     text ── score_read ──> counts ── score_features_of ──> values, each 0..cap
 *          └─ wordpieces ──> subject (embedding), how rare its words are
 *
 * Pure; any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TEXT_SCORE_FEATURES_H
#define FARTHING_TEXT_SCORE_FEATURES_H

#include "score_lexicon.h"
#include "text/embed.h"
#include "text/score.h"

/* X(name, cap, what it is). Those of the first list are classes of scripts/router/lexicon. */
#define SCORE_ASKED(X)                                                     \
	X(ask_extract, 2, "asks to extract or list")                       \
	X(ask_classify, 2, "asks to classify or label")                    \
	X(ask_translate, 2, "asks to translate")                           \
	X(ask_rewrite, 2, "asks to rewrite, correct or convert")           \
	X(ask_summarise, 2, "asks to summarise")                           \
	X(ask_title, 2, "asks for a title or a name")                      \
	X(ask_greet, 2, "greets or thanks")                                \
	X(ask_write, 2, "asks to write")                                   \
	X(ask_describe, 2, "asks to describe")                             \
	X(ask_optimise, 2, "asks to improve or optimise")                  \
	X(ask_explain, 2, "asks to explain")                               \
	X(ask_recall, 2, "asks what is known")                             \
	X(ask_suggest, 2, "asks for suggestions")                          \
	X(ask_analyse, 2, "asks to analyse or assess")                     \
	X(ask_compare, 2, "asks to compare or weigh")                      \
	X(ask_design, 2, "asks to design or develop")                      \
	X(ask_plan, 2, "asks for a plan or a strategy")                    \
	X(ask_prove, 2, "asks to prove or derive")                         \
	X(ask_solve, 2, "asks to calculate or solve")                      \
	X(ask_debug, 2, "asks to find a fault")                            \
	X(ask_decide, 2, "asks for a decision")                            \
	X(thing_label, 4, "words for titles and labels (log)")             \
	X(thing_copy, 1.6, "words for descriptions and articles (log)")    \
	X(thing_business, 4, "words for markets and business (log)")       \
	X(thing_study, 3, "words for analyses and strategies (log)")       \
	X(thing_horizon, 4, "words for regions and years ahead (log)")     \
	X(short_asked, 3, "asks to be brief (log)")                        \
	X(long_asked, 3, "asks for detail (log)")                          \
	X(json_asked, 2, "speaks of JSON or a schema (log)")               \
	X(table_asked, 2, "speaks of tables or bullet points (log)")       \
	X(languages, 2, "names languages (log)")                           \
	X(musts, 2, "constraints (log)")                                   \
	X(reasoning, 4, "marks of reasoning (log)")                        \
	X(conditions, 4, "conditions (log)")                               \
	X(negations, 4, "negations (log)")                                 \
	X(quantities, 5, "words for quantities (log)")                     \
	X(sequence, 4, "words for order in time (log)")                    \
	X(pronouns, 5, "persons (log)")                                    \
	X(comparatives, 4, "comparisons (log)")                            \
	X(modals, 4, "words for likelihood and degree (log)")              \
	X(math_words, 5, "words of mathematics (log)")                     \
	X(science_words, 5, "words of science and medicine (log)")         \
	X(law_words, 5, "words of law (log)")                              \
	X(human_words, 5, "words of history, ethics and society (log)")    \
	X(code_words, 5, "words of programming (log)")                     \
	X(code_loops, 5, "words of loops and collections in a code (log)") \
	X(true_false, 3, "true or false (log)")

#define SCORE_COUNTED(X)                                                     \
	X(words, 12, "words (log)")                                          \
	X(sentences, 8, "sentences (log)")                                   \
	X(sentence_length, 8, "words of a sentence (log)")                   \
	X(word_length, 10, "letters of a word")                              \
	X(long_words, 1, "share of words longer than eight letters")         \
	X(distinct, 16, "distinct words by the root of all words")           \
	X(commas, 1, "commas by words, four times")                          \
	X(lines, 8, "lines (log)")                                           \
	X(questions, 3, "question marks (log)")                              \
	X(names, 5, "names: capitals within a sentence (log)")               \
	X(acronyms, 4, "words in capitals (log)")                            \
	X(quotes, 4, "quotation marks (log)")                                \
	X(numbers, 6, "numbers (log)")                                       \
	X(big_numbers, 5, "numbers of three digits and more (log)")          \
	X(number_size, 12, "digits of the longest number")                   \
	X(decimals, 5, "numbers with a point (log)")                         \
	X(digit_share, 1, "share of digits, four times")                     \
	X(money, 4, "signs of currency and percent (log)")                   \
	X(operators, 6, "signs of arithmetic (log)")                         \
	X(latex, 6, "LaTeX (log)")                                           \
	X(equations, 4, "equals signs (log)")                                \
	X(variables, 5, "single letters (log)")                              \
	X(fences, 2, "fenced or marked code")                                \
	X(identifiers, 5, "identifiers (log)")                               \
	X(calls, 6, "calls of functions (log)")                              \
	X(methods, 5, "calls of methods (log)")                              \
	X(brackets, 7, "brackets (log)")                                     \
	X(bracket_depth, 8, "brackets within brackets")                      \
	X(indent, 6, "indented lines (log)")                                 \
	X(indent_depth, 6, "depth of indentation")                           \
	X(code_signs, 5, "signs of code (log)")                              \
	X(list_items, 5, "items of lists (log)")                             \
	X(options, 1, "three or more options to choose from")                \
	X(option_words, 7, "words of an option (log)")                       \
	X(option_overlap, 1, "words that options have in common")            \
	X(option_stem, 1, "words of options that stand before them")         \
	X(option_numbers, 1, "share of options that are numbers")            \
	X(option_spread, 9, "longest less shortest option in bytes (log)")   \
	X(blanks, 2, "blanks to fill (log)")                                 \
	X(output_words, 12, "words demanded (log)")                          \
	X(short_output, 8, "halvings of the output limit below 256 tokens")  \
	X(long_output, 5, "doublings of the output limit above 256 tokens")  \
	X(json_format, 1, "answers in JSON")                                 \
	X(schema_format, 1, "answers by a schema")                           \
	X(tools, 4, "tools (log)")                                           \
	X(images, 2, "images (log)")                                         \
	X(turns, 5, "turns before this one (log)")                           \
	X(earlier, 8, "length of what was said before, by 64 bytes (log)")   \
	X(system, 10, "words of the system prompt (log)")                    \
	X(whole, 12, "length of the whole request in KB (log)")              \
	X(rare_words, 1, "share of words the vocabulary has only in pieces") \
	X(rarity, 1, "how rare its words are")                               \
	X(foreign, 1, "how much of it is in another language than English")

#define SCORE_FEATURE(name, cap, text) FEATURE_##name,
enum score_feature { SCORE_ASKED(SCORE_FEATURE) SCORE_COUNTED(SCORE_FEATURE) FEATURE_COUNT };

/* Words, numbers by how many digits they have, and signs, each once and by its hash: what the trained words are looked up by. Texts with
 * options to choose from have a table of their own, behind the other. */
enum { SCORE_GRAM_BITS = 14, SCORE_GRAMS = 1 << SCORE_GRAM_BITS, SCORE_GRAMS_MAX = 2048 };

/* One of the answers to choose from: the set of its pieces, which is what stands between spaces, each a bit of 256. */
struct score_option {
	uint64_t set[4];
	uint32_t from, bytes, words;
	uint32_t pieces, known; /* known: those that stand before the options as well */
	bool number;
};
/* What stands before the options: its pieces, each a bit */
struct score_stem {
	uint64_t set[64];
};
enum { SCORE_OPTIONS_MAX = 5 };

/* Counts of one or more texts; zeroes to begin with. */
struct score_counts {
	float classes[CLASS_COUNT];
	uint32_t bytes, letters, digits, words, word_letters, sentences, lines, questions, names, acronyms,
	    quotes;
	uint32_t numbers, big_numbers, longest_number, decimals, money, operators, latex, equations,
	    variables;
	uint32_t fences, identifiers, calls, methods, brackets, indents, code_signs;
	int depth, depth_most, indent_most;
	uint32_t list_items, options, blanks, commas, long_words, distinct;
	struct score_option option[SCORE_OPTIONS_MAX];
	uint32_t system_words;
	uint32_t abroad; /* letters beyond Latin */
	float output_words;
	uint64_t seen[SCORE_GRAMS / 64];
	size_t grams;
	uint16_t gram[SCORE_GRAMS_MAX]; /* each once */
};

struct score_features {
	float values[FEATURE_COUNT];
	bool has_subject;
	struct embedding subject;
	size_t grams;
	uint16_t gram[SCORE_GRAMS_MAX];
};

extern const struct score_feature_name {
	const char *name, *text;
	float cap;
} score_feature_names[FEATURE_COUNT];

/* Of three or more options; zeroes otherwise */
struct score_options {
	float words, overlap, known, numbers, spread;
};
/* Of what stands before the options the last SCORE_STEM_MAX bytes are read. */
enum { SCORE_STEM_MAX = 4096 };
void score_stem_read(struct score_stem *s, struct str text);
void score_option_read(struct score_option *o, struct str text, const struct score_stem *stem);
struct score_options score_options_of(const struct score_counts *c);

/* What is asked stands at the front of a text or at its end: in what lies between, verbs do not count */
enum { SCORE_ASKED_BYTES = 768 };
/* Adds a text to the counts */
void score_read(struct score_counts *c, struct str text);
void score_features_of(const struct score_input *in, struct score_features *out);

#endif
