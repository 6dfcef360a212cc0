/*
 * The words of the answers: a few kinds of e-commerce text with slots, chosen and filled by a hash of the question.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "answers.h"

#include "models.h"
#include "schema.h"
#include "tokens.h"

#include <inttypes.h>
#include <stdio.h>

enum kind {
	KIND_PLAIN,
	KIND_TITLE,
	KIND_DESCRIPTION,
	KIND_SEO,
	KIND_MARKET,
	KIND_STRATEGY,
	KIND_CLASS,
	KIND_SUMMARY
};

struct speaker {
	const struct sim *sim;
	uint64_t seed;
	size_t last; /* picked: not twice in a row */
	bool weak;
	char subject[80];
	struct buf *out;
};

static const char *const adjectives[] = { "durable", "lightweight", "premium", "eco-friendly", "versatile",
	"compact", "handcrafted", "everyday", "modern", "award-winning", "easy-care", "long-lasting" };
static const char *const benefits[] = { "saves time every morning",
	"fits small kitchens and large families alike", "keeps its shape after years of use",
	"is made from recycled material", "ships in plastic-free packaging", "comes with a two-year warranty",
	"works out of the box", "is loved by 9 in 10 reviewers" };
static const char *const audiences[] = { "busy parents", "young professionals", "outdoor lovers",
	"gift buyers", "first-time buyers", "small offices" };
static const char *const channels[] = { "organic search", "short video", "e-mail", "marketplace ads",
	"referrals", "retail partners" };
static const char *const labels[] = { "positive", "negative", "neutral", "mixed" };

#define PICK(speaker, list) (list)[pick(speaker, sizeof(list) / sizeof *(list))]

static uint64_t
draw(struct speaker *k)
{
	k->seed = k->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return k->seed >> 33;
}

static size_t
pick(struct speaker *k, size_t n)
{
	size_t i = (size_t)(draw(k) % n);
	if (i == k->last)
		i = (i + 1) % n;
	return k->last = i;
}

uint32_t
sim_answer_hash(struct str user)
{
	uint32_t h = 0x811c9dc5u;
	for (size_t i = 0; i < user.n; i++)
		h = (h ^ (unsigned char)user.p[i]) * 0x01000193u;
	return h;
}

int64_t
sim_answer_think(struct sim_prompt *p)
{
	if (!sim_model_reasons(str_from(p->model)))
		return 0;
	/* some length that is the same in every run */
	int64_t tokens = 64 + sim_answer_hash(sim_prompt_user(p)) % 128;
	if (p->max_output < 0)
		return tokens;
	if (tokens > p->max_output)
		tokens = p->max_output;
	p->max_output -= tokens;
	return tokens;
}

/* The task is named by a word near the front; where several are, the first in this list wins. */
static enum kind
kind_of(struct str user)
{
	static const struct {
		struct str word;
		enum kind kind;
	} kinds[] = {
		{ { "strateg", 7 }, KIND_STRATEGY },
		{ { "roadmap", 7 }, KIND_STRATEGY },
		{ { "market", 6 }, KIND_MARKET },
		{ { "competit", 8 }, KIND_MARKET },
		{ { "seo", 3 }, KIND_SEO },
		{ { "keyword", 7 }, KIND_SEO },
		{ { "title", 5 }, KIND_TITLE },
		{ { "headline", 8 }, KIND_TITLE },
		{ { "descri", 6 }, KIND_DESCRIPTION },
		{ { "classif", 7 }, KIND_CLASS },
		{ { "sentiment", 9 }, KIND_CLASS },
		{ { "summar", 6 }, KIND_SUMMARY },
	};
	enum { KINDS = sizeof kinds / sizeof *kinds, LOOK = 512 };
	size_t best = KINDS;
	char before = ' ';
	for (size_t at = 0; at < user.n && at < LOOK; before = user.p[at++]) {
		if ((before | 32) >= 'a' && (before | 32) <= 'z')
			continue;
		for (size_t i = 0; i < best; i++) {
			struct str word = kinds[i].word;
			if ((user.p[at] | 32) == word.p[0] && at + word.n <= user.n &&
			    str_eq_nocase((struct str){ user.p + at, word.n }, word))
				best = i;
		}
	}
	return best < KINDS ? kinds[best].kind : KIND_PLAIN;
}

/* What stands behind a colon, "for", "about" or "of", or behind the verb. */
static struct str
behind_lead(struct str s)
{
	static const char *const leads[] = { ": ", " for ", " about ", " of ", "escribe ", "ranslate ",
		"rite " };
	for (size_t i = 0; i < sizeof leads / sizeof *leads; i++) {
		size_t n = strlen(leads[i]);
		ptrdiff_t at = str_find(s, str_from(leads[i]));
		if (at >= 0)
			return (struct str){ s.p + at + n, s.n - (size_t)at - n };
	}
	return s;
}

static struct str
without_article(struct str s)
{
	static const char *const articles[] = { "a ", "an ", "the ", "our ", "this " };
	for (size_t i = 0; i < sizeof articles / sizeof *articles; i++)
		if (str_starts(s, str_from(articles[i])))
			return (struct str){ s.p + strlen(articles[i]), s.n - strlen(articles[i]) };
	return s;
}

/* What the question is about: the words behind its lead, up to a mark or a fault block, 60 bytes at most. */
static void
find_subject(struct str user, char subject[80])
{
	struct str s = without_article(behind_lead((struct str){ user.p, user.n < 2048 ? user.n : 2048 }));
	size_t n = 0;
	for (size_t i = 0; i < s.n && n < 60; i++) {
		if (strchr("[]\n.?!\"", s.p[i]) != NULL || (unsigned char)s.p[i] < 0x20)
			break;
		subject[n++] = s.p[i];
	}
	while (n != 0 && (((unsigned char)subject[n - 1] & 0x80) != 0 || subject[n - 1] == ' '))
		n--; /* never half a character */
	subject[n] = '\0';
	if (n == 0)
		snprintf(subject, 80, "this product");
}

static void
say_feeling(struct speaker *k, struct str user)
{
	static const struct {
		const char *word, *label;
	} tells[] = { { "love", "positive" }, { "great", "positive" }, { "excellent", "positive" },
		{ "perfect", "positive" }, { "terrible", "negative" }, { "broke", "negative" },
		{ "hate", "negative" }, { "disappoint", "negative" } };
	for (size_t i = 0; i < sizeof tells / sizeof *tells; i++) {
		if (str_find(user, str_from(tells[i].word)) >= 0) {
			sim_add_text(k->out, tells[i].label);
			return;
		}
	}
	sim_add_text(k->out, PICK(k, labels));
}

static void
say_section(struct speaker *k, int number, const char *title)
{
	buf_printf(k->out, "\n\n%d. %s\n", number, title);
	buf_printf(k->out, "- Focus on %s through %s.\n", PICK(k, audiences), PICK(k, channels));
	buf_printf(k->out, "- Show that %s %s.\n", k->subject, PICK(k, benefits));
	buf_printf(k->out, "- Measure after %" PRIu64 " weeks; stop below a margin of %" PRIu64 " percent.",
	    draw(k) % 8 + 2, draw(k) % 20 + 10);
}

static void
say_long(struct speaker *k, const char *what, const char *const *sections, int n)
{
	buf_printf(k->out, "%s for %s.", what, k->subject);
	if (k->weak) {
		buf_printf(k->out, " Aim at %s, use %s, and mention that it %s.", PICK(k, audiences),
		    PICK(k, channels), PICK(k, benefits));
		return;
	}
	for (int i = 0; i < n; i++)
		say_section(k, i + 1, sections[i]);
	buf_printf(k->out, "\n\nConclusion: start with %s, the cheapest way to learn what buyers want.",
	    PICK(k, channels));
}

static void
say_description(struct speaker *k)
{
	buf_printf(k->out, "Meet %s: a %s choice for %s. It %s.", k->subject, PICK(k, adjectives),
	    PICK(k, audiences), PICK(k, benefits));
	if (k->weak)
		return;
	buf_printf(k->out,
	    " Thanks to its %s design it also %s, and it %s. Order today and see why %s come back to it.",
	    PICK(k, adjectives), PICK(k, benefits), PICK(k, benefits), PICK(k, audiences));
}

static void
say(struct speaker *k, enum kind kind, struct str user)
{
	static const char *const market[] = { "Market size and growth", "Customers", "Competitors", "Prices",
		"Risks" };
	static const char *const strategy[] = { "Goals", "Positioning", "Channels", "Budget", "Milestones",
		"Risks" };
	switch (kind) {
	case KIND_TITLE:
		buf_printf(k->out, "%s - %s, %s", k->subject, PICK(k, adjectives), PICK(k, adjectives));
		if (!k->weak)
			buf_printf(k->out, ", for %s", PICK(k, audiences));
		return;
	case KIND_DESCRIPTION:
		say_description(k);
		return;
	case KIND_SEO:
		buf_printf(k->out, "%s, %s %s, buy %s online", k->subject, PICK(k, adjectives), k->subject,
		    k->subject);
		for (int i = k->weak ? 3 : 0; i < 5; i++)
			buf_printf(
			    k->out, ", %s %s for %s", PICK(k, adjectives), k->subject, PICK(k, audiences));
		return;
	case KIND_MARKET:
		say_long(k, "Market analysis", market, 5);
		return;
	case KIND_STRATEGY:
		say_long(k, "Strategy", strategy, 6);
		return;
	case KIND_CLASS:
		say_feeling(k, user);
		return;
	case KIND_SUMMARY:
		buf_printf(k->out, "In short: %s is a %s choice that %s.", k->subject, PICK(k, adjectives),
		    PICK(k, benefits));
		return;
	case KIND_PLAIN:
		buf_printf(k->out, "About %s: it is %s and %s, and it %s.", k->subject, PICK(k, adjectives),
		    PICK(k, adjectives), PICK(k, benefits));
		if (!k->weak)
			buf_printf(k->out, " For %s the best way to hear of it is %s.", PICK(k, audiences),
			    PICK(k, channels));
		return;
	}
}

/* Whether this model gets this hard question wrong: a fixed share of the questions, half of it once the model was tuned. */
static bool
is_mistaken(const struct sim *s, const struct sim_prompt *p, uint32_t hash)
{
	struct str model = str_from(p->model);
	if (!sim_model_weak(model))
		return false;
	uint32_t share = (uint32_t)s->options.weak_share;
	if (sim_model_tuned(model))
		share /= 2;
	return (hash ^ hash >> 15) % 100 < share;
}

static bool
say_hard(struct speaker *k, const struct sim_prompt *p, const struct sim_fault *f, uint32_t hash)
{
	int64_t value;
	bool wrong = f->worse || is_mistaken(k->sim, p, hash);
	if (f->hard) {
		buf_printf(k->out, "Answer: KEY-%08" PRIx32, wrong ? hash ^ 0x5a5a5a5a : hash);
		return true;
	}
	if (!sim_arithmetic(sim_prompt_user(p), &value))
		return false;
	if (wrong)
		value += (int64_t)(hash % 9) + 1;
	if (!k->weak)
		buf_add(k->out, STR("Step by step, products first and then sums. "));
	buf_printf(k->out, "The answer is %" PRId64 ".", value);
	return true;
}

static void
say_exactly(struct speaker *k, size_t from, const struct sim_fault *f, enum tokens_encoding e)
{
	while (f->tokens >= 0 && k->out->n < UINT32_MAX / 2) {
		struct str text = { k->out->p + from, k->out->n - from };
		int64_t missing = f->tokens - tokens_count(e, text);
		if (missing <= 0) {
			k->out->n = from + sim_token_prefix(e, text, f->tokens);
			break;
		}
		for (; missing > 0; missing--)
			buf_add(k->out, draw(k) % 2 != 0 ? STR(" good") : STR(" fine"));
	}
	if (f->big >= 0) {
		while (k->out->n - from < (size_t)f->big &&
		       buf_add(k->out, STR(" abundance of text in one large answer")) == 0)
			continue;
		k->out->n = from + (size_t)f->big;
	}
}

struct sim_said
sim_answer_cut(const struct sim_prompt *p, struct buf *out, size_t from)
{
	struct sim_said said = { .finish = "stop" };
	enum tokens_encoding e = sim_encoding(str_from(p->model));
	for (size_t i = 0; i < p->n_stops; i++) {
		ptrdiff_t at = p->stops[i].n != 0 ? str_find((struct str){ out->p + from, out->n - from },
							buf_str(&p->stops[i]))
						  : -1;
		if (at >= 0)
			out->n = from + (size_t)at;
	}
	struct str text = { out->p + from, out->n - from };
	said.tokens = sim_count(e, text);
	if (p->max_output >= 0 && said.tokens > p->max_output) {
		out->n = from + sim_token_prefix(e, text, p->max_output);
		said.tokens = p->max_output;
		said.finish = "length";
	}
	return said;
}

static uint64_t
seed_of(const struct sim *s, const struct sim_prompt *p, uint32_t hash, int choice)
{
	uint64_t seed = SIM_HASH ^ s->options.seed ^ (uint64_t)p->seed << 20 ^ (uint64_t)hash << 32;
	return sim_hash(seed + (uint64_t)choice, str_from(p->model));
}

static void
say_words(struct speaker *k, const struct sim_prompt *p, const struct sim_fault *f, uint32_t hash)
{
	struct str user = sim_prompt_user(p);
	if (f->words[0] != '\0') {
		sim_add_text(k->out, f->words);
		return;
	}
	if (!k->sim->options.no_mark)
		buf_printf(k->out, "[%08" PRIx32 "] ", hash);
	if (!f->refuse && say_hard(k, p, f, hash))
		return;
	if (f->refuse || f->worse)
		buf_add(k->out, STR("I'm sorry, but I can't help with that."));
	else
		say(k, kind_of(user), user);
}

struct sim_said
sim_answer(
    const struct sim *s, const struct sim_prompt *p, const struct sim_fault *f, int choice, struct buf *out)
{
	struct str user = sim_prompt_user(p);
	uint32_t hash = sim_answer_hash(user);
	size_t from = out->n;
	struct buf words = { 0 };
	bool json = p->form != SIM_FORM_TEXT;
	struct speaker k = { .sim = s,
		.seed = seed_of(s, p, hash, choice),
		.weak = sim_model_weak(str_from(p->model)),
		.out = json ? &words : out };
	find_subject(user, k.subject);
	say_words(&k, p, f, hash);
	if (p->form == SIM_FORM_SCHEMA && p->schema != 0) {
		uint32_t root = p->definitions != 0 ? p->definitions : p->schema;
		struct sim_instance g = { &p->json, root, k.seed, buf_str(&words), false, out };
		sim_schema_instance(&g, p->schema);
	} else if (json) {
		buf_add(out, STR("{\"answer\":\""));
		buf_add_json(out, buf_str(&words));
		buf_add(out, STR("\"}"));
	} else {
		say_exactly(&k, from, f, sim_encoding(str_from(p->model)));
	}
	buf_free(&words);
	return sim_answer_cut(p, out, from);
}

struct sim_said
sim_answer_arguments(const struct sim *s, const struct sim_prompt *p, uint32_t function, struct buf *out)
{
	size_t from = out->n;
	char mark[16];
	uint32_t hash = sim_answer_hash(sim_prompt_user(p));
	snprintf(mark, sizeof mark, "%08" PRIx32, hash);
	uint32_t schema = json_member(&p->json, function, "parameters");
	struct sim_instance g = { &p->json, schema, seed_of(s, p, hash, 0), str_from(mark), false, out };
	if (schema != 0 && json_type(&p->json, schema) == JSON_OBJECT)
		sim_schema_instance(&g, schema);
	else
		buf_add(out, STR("{}"));
	struct str said = { out->p + from, out->n - from };
	return (struct sim_said){ sim_count(sim_encoding(str_from(p->model)), said), "tool_calls" };
}
