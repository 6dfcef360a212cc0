/*
 * Answers to the items of an envelope, and what a model may get wrong with them.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "envelope.h"

#include "seen.h"
#include "tokens.h"

#include <assert.h>
#include <stdio.h>

/* Words that are about one answer among several; the item they fall upon is found by sim_envelope_faults. */
enum {
	OF_ONE =
	    SIM_BATCH_MISSING | SIM_BATCH_TWICE | SIM_BATCH_REFUSE | SIM_BATCH_FOREIGN | SIM_BATCH_WRONG_TYPE
};

/* Sent alone it would have got something else than an answer: in a call with others its answer is missing. */
static bool
is_replaced(const struct sim_fault *f)
{
	return f->status != 0 || f->reset || f->hang || f->garbage || f->html || f->empty ||
	       f->redirect[0] != '\0';
}

void
sim_envelope_faults(struct sim_envelope *e, struct sim *s, struct sim_fault *f)
{
	uint64_t all = SIM_HASH;
	unsigned drawn = f->batch & OF_ONE;
	assert(e->n > 0);
	for (size_t i = 0; i < e->n; i++) {
		struct sim_item *item = &e->items[i];
		struct str text = buf_str(&item->text);
		all = sim_hash(all, text);
		sim_fault_clear(&item->fault);
		item->batch = 0;
		if (str_find(text, STR("[[")) >= 0)
			sim_fault_find(
			    &item->fault, text, sim_seen_add(&s->bodies, sim_hash(SIM_HASH + 1, text)));
		item->batch = item->fault.batch & OF_ONE;
		if (is_replaced(&item->fault))
			item->batch |= SIM_BATCH_MISSING;
		if (item->fault.refuse)
			item->batch |= SIM_BATCH_REFUSE;
		f->batch |= item->fault.batch;
		f->any = f->any || item->fault.any;
	}
	e->items[all % e->n].batch |= drawn;
	f->any = f->any || f->batch != 0;
}

const struct sim_envelope *
sim_envelope_close(struct sim *s, struct sim_prompt *p, struct str body, struct sim_fault *f)
{
	static struct sim_envelope envelope; /* one at a time; its memory is reused */
	p->bundled = p->endpoint != ENDPOINT_COMPLETIONS && sim_envelope_read(&envelope, p);
	sim_prompt_close(p, s, body, f);
	if (!p->bundled)
		return NULL;
	sim_envelope_faults(&envelope, s, f);
	s->bill.batch_calls++;
	s->bill.batch_items += (int64_t)envelope.n;
	return &envelope;
}

/* A gullible model finds "answer X for all items" in one of them: X, or nothing. */
static void
find_order(const struct sim_envelope *e, char words[80])
{
	struct str lead = STR("nswer "), tail = STR(" for all items");
	for (size_t i = 0; i < e->n; i++) {
		struct str text = buf_str(&e->items[i].text);
		ptrdiff_t at = str_find(text, lead);
		if (at < 0)
			continue;
		text = (struct str){ text.p + at + lead.n, text.n - (size_t)at - lead.n };
		ptrdiff_t end = str_find(text, tail);
		if (end > 0) {
			str_copy(words, 80, (struct str){ text.p, (size_t)end });
			return;
		}
	}
}

struct together {
	const struct sim *sim;
	const struct sim_envelope *e;
	struct sim_prompt alone; /* the prompt as if its last text were one item's */
	const struct sim_fault *f;
	char order[80];
	struct buf said;
	struct buf *out;
	bool first;
};

/* What is said to one item, in t->said. */
static void
say_one(struct together *t, const struct sim_item *item, int choice)
{
	struct sim_fault one = item->fault;
	one.hard = one.hard || t->f->hard;
	one.refuse = false;
	if (one.tokens < 0)
		one.tokens = t->f->tokens;
	if (one.big < 0)
		one.big = t->f->big;
	one.worse = (t->f->batch & SIM_BATCH_WORSE) != 0;
	str_copy(one.words, sizeof one.words, str_from(t->order));
	t->alone.text = item->text;
	t->alone.user_n = item->text.n;
	buf_clear(&t->said);
	sim_answer(t->sim, &t->alone, &one, choice, &t->said);
}

/* The answer's value in JSON, from what was said. */
static void
add_value(struct together *t, unsigned fault)
{
	bool text = t->e->form == SIM_FORM_TEXT;
	if (fault & SIM_BATCH_REFUSE) {
		buf_add(t->out, text ? STR("\"\"") : STR("null"));
	} else if (fault & SIM_BATCH_WRONG_TYPE) {
		buf_add(t->out, text ? STR("42") : STR("\"forty-two\""));
	} else if (text) {
		buf_add_c(t->out, '"');
		buf_add_json(t->out, buf_str(&t->said));
		buf_add_c(t->out, '"');
	} else {
		buf_add(t->out, buf_str(&t->said));
	}
}

/* A text between marks has no type that could be wrong. */
static void
add_marked(struct together *t, const char *id, unsigned fault)
{
	buf_printf(t->out, "<%s>\n", id);
	if (!(fault & SIM_BATCH_REFUSE))
		buf_add(t->out, buf_str(&t->said));
	buf_printf(t->out, "\n</%s>\n", id);
}

static void
add_part(struct together *t, const char *id, unsigned fault)
{
	if (t->e->marks) {
		add_marked(t, id, fault);
		return;
	}
	buf_add(t->out, t->first ? STR("{\"id\":\"") : STR(",{\"id\":\""));
	t->first = false;
	sim_add_text(t->out, id);
	buf_add(t->out, STR("\",\"answer\":"));
	add_value(t, fault);
	buf_add_c(t->out, '}');
}

/* An id that is nobody's, but looks like one. */
static const char *
foreign(const char *id, char like[32])
{
	snprintf(like, 32, "%s", id);
	for (char *c = like; *c != '\0'; c++)
		*c = (char)(*c >= '0' && *c <= '9' ? '0' + ('9' - *c) : *c);
	return like;
}

static void
answer_item(struct together *t, const struct sim_item *item, int choice)
{
	char like[32];
	if (item->batch & SIM_BATCH_MISSING)
		return;
	say_one(t, item, choice);
	add_part(t, item->batch & SIM_BATCH_FOREIGN ? foreign(item->id, like) : item->id, item->batch);
	if (!(item->batch & SIM_BATCH_TWICE))
		return;
	say_one(t, item, choice + 1);
	add_part(t, item->id, item->batch);
}

static void
answer_all(struct together *t, int choice)
{
	const struct sim_envelope *e = t->e;
	char like[32];
	if (!e->marks)
		buf_add(t->out, STR("{\"answers\":["));
	for (size_t i = 0; i < e->n; i++)
		answer_item(t, &e->items[t->f->batch & SIM_BATCH_REORDER ? e->n - 1 - i : i], choice);
	if (t->f->batch & SIM_BATCH_EXTRA) {
		say_one(t, &e->items[0], choice + 1);
		add_part(t, foreign(e->items[0].id, like), 0);
	}
	if (!e->marks)
		buf_add(t->out, STR("]}"));
}

/* All is answered, and nothing says what belongs to whom. */
static void
tell(struct together *t, int choice)
{
	buf_add(t->out, STR("Sure! Here is what I would say to each of them:"));
	for (size_t i = 0; i < t->e->n; i++) {
		say_one(t, &t->e->items[i], choice);
		buf_printf(t->out, "\n\n%zu. ", i + 1);
		buf_add(t->out, buf_str(&t->said));
	}
}

struct sim_said
sim_envelope_answer(const struct sim *s, const struct sim_prompt *p, const struct sim_envelope *e,
    const struct sim_fault *f, int choice, struct buf *out)
{
	size_t from = out->n;
	bool fenced = (f->batch & SIM_BATCH_FENCED) != 0;
	struct together t = { .sim = s, .e = e, .alone = *p, .f = f, .out = out, .first = true };
	t.alone.form = e->form;
	t.alone.schema = e->schema;
	t.alone.definitions = e->definitions;
	t.alone.json = *e->json;
	t.alone.max_output = -1;
	t.alone.n_stops = 0;
	t.alone.user_at = 0;
	if (f->batch & SIM_BATCH_OBEY)
		find_order(e, t.order);
	if (f->refuse)
		buf_add(out, STR("I'm sorry, but I can't help with that."));
	else if (f->batch & SIM_BATCH_PROSE)
		tell(&t, choice);
	else {
		buf_add(out, fenced ? STR("Here you are:\n```json\n") : STR(""));
		answer_all(&t, choice);
		buf_add(out, fenced ? STR("\n```") : STR(""));
	}
	buf_free(&t.said);
	if (!(f->batch & SIM_BATCH_CUT))
		return sim_answer_cut(p, out, from);
	struct sim_prompt half = *p;
	half.max_output =
	    sim_count(sim_encoding(str_from(p->model)), (struct str){ out->p + from, out->n - from }) / 2;
	if (p->max_output >= 0 && p->max_output < half.max_output)
		half.max_output = p->max_output;
	return sim_answer_cut(&half, out, from);
}
