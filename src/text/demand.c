/*
 * What a request demands, kind by kind, and an answer judged by it: the cheap and general checks first, so that a refusal is called
 * one and not "no JSON".
 * SPDX-License-Identifier: Apache-2.0
 */
#include "text/demand.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "demand_parts.h"

struct demands {
	bool refusal_asked; /* the prompt speaks of refusing */
	bool names;         /* numbers in it may be names */
	struct json_demand json;
	struct length_demands lengths;
	struct code_demand code;
	struct language_demand language;
	struct schema *schema;
};

const char *
demand_name(enum demand_kind kind)
{
	static const char *const names[DEMAND_KINDS] = { "json", "schema", "code", "length", "language",
		"arithmetic", "refusal", "cut" };
	assert(kind < DEMAND_KINDS);
	return names[kind];
}

static bool
read_text(struct demands *d, struct str text)
{
	struct asked a;
	bool ok = asked_read(&a, text) && json_demand_of(&d->json, &a);
	if (ok) {
		length_demands_of(&d->lengths, &a);
		code_demand_of(&d->code, &a);
		language_demand_of(&d->language, &a);
	}
	d->names = d->names || (a.triggers & TRIGGER_NAMES) != 0;
	d->refusal_asked = d->refusal_asked || (a.triggers & TRIGGER_REFUSAL) != 0;
	asked_free(&a);
	return ok;
}

struct demands *
demands_of(const struct demand_source *source)
{
	struct demands *d = calloc(1, sizeof *d);
	if (d == NULL)
		return NULL;
	if (!read_text(d, source->system) || !read_text(d, source->last)) {
		demands_free(&d);
		return NULL;
	}
	if (source->json || source->schema.n > 0) {
		d->json.asked = d->json.by_format = true;
		d->json.array = false;
	}
	d->schema = schema_new(source->schema);
	/* Lengths and languages are then of a part of it, and which one nobody can tell. */
	if (d->json.asked || d->code.asked) {
		d->lengths.count = 0;
		d->language.asked = false;
	}
	return d;
}

void
demands_free(struct demands **d)
{
	if (*d == NULL)
		return;
	json_demand_free(&(*d)->json);
	schema_free(&(*d)->schema);
	free(*d);
	*d = NULL;
}

static size_t
length_count(const struct length_demands *d)
{
	size_t n = 0;
	for (size_t i = 0; i < d->count; i++)
		n += !d->list[i].contradicted;
	return n;
}

bool
demands_checkable(const struct demands *d)
{
	return d->json.asked || d->schema != NULL || d->code.asked ||
	       (d->language.asked && !d->language.several) || length_count(&d->lengths) > 0;
}

static void
print_one(struct buf *out, bool *first, const char *text)
{
	buf_printf(out, "%s%s", *first ? "" : ", ", text);
	*first = false;
}

void
demands_print(const struct demands *d, struct buf *out)
{
	bool first = true;
	if (d->json.asked)
		print_one(out, &first,
		    d->json.object  ? "a json object"
		    : d->json.array ? "a json array"
				    : "json");
	if (d->json.key_count > 0)
		buf_printf(out, " with %zu keys", d->json.key_count);
	if (d->schema != NULL)
		print_one(out, &first, "a json schema");
	if (d->code.asked) {
		print_one(out, &first, d->code.only ? "nothing but " : "");
		buf_printf(out, "%s", code_language_name(d->code.language));
		buf_printf(out, "%s", d->code.language != CODE_UNKNOWN ? " code" : "");
	}
	for (size_t i = 0; i < d->lengths.count; i++)
		if (!d->lengths.list[i].contradicted) {
			print_one(out, &first, "");
			length_demand_print(&d->lengths.list[i], out);
		}
	if (d->language.asked && !d->language.several)
		print_one(out, &first, speech_name(d->language.language));
	if (first)
		print_one(out, &first, "nothing in particular");
}

/* A fault of this kind, in these words. */
static bool
fault(enum demand_kind kind, const char *text, enum demand_kind *out, char why[WHY_SIZE])
{
	if (text == NULL)
		return false;
	*out = kind;
	if (why != NULL && why != text)
		snprintf(why, WHY_SIZE, "%s", text);
	return true;
}

static bool
data_fault(const struct demands *d, struct str text, const bool checks[DEMAND_KINDS], enum demand_kind *kind,
    char why[WHY_SIZE])
{
	char words[WHY_SIZE];
	struct json tape = { 0 };
	const char *wrong = json_demand_fault(&d->json, text, &tape);
	bool found = checks[DEMAND_JSON] && fault(DEMAND_JSON, wrong, kind, why);
	if (!found && checks[DEMAND_SCHEMA] && d->schema != NULL && d->json.asked &&
	    schema_broken(d->schema, &tape, words))
		found = fault(DEMAND_SCHEMA, words, kind, why);
	json_free(&tape);
	return found;
}

bool
demands_met(const struct demands *d, const struct demand_answer *a, const bool checks[DEMAND_KINDS],
    enum demand_kind *kind, char why[96])
{
	if (checks[DEMAND_REFUSAL] && a->filtered)
		return !fault(DEMAND_REFUSAL, "the provider withheld it, or the model refused", kind, why);
	if (a->calls)
		return true;
	if (checks[DEMAND_WHOLE] && str_strip(a->text).n == 0 && !a->limited)
		return !fault(DEMAND_WHOLE, "it is empty", kind, why);
	if (checks[DEMAND_WHOLE] && a->cut)
		return !fault(DEMAND_WHOLE, "it is cut off", kind, why);
	if (checks[DEMAND_REFUSAL] && !d->refusal_asked && is_refusal(a->text))
		return !fault(DEMAND_REFUSAL, "it is a refusal", kind, why);
	if (checks[DEMAND_LANGUAGE] &&
	    fault(DEMAND_LANGUAGE, language_demand_fault(&d->language, a->text), kind, why))
		return false;
	if (checks[DEMAND_LENGTH] &&
	    fault(DEMAND_LENGTH, length_demands_fault(&d->lengths, a->text, a->limited || a->cut), kind, why))
		return false;
	if (checks[DEMAND_ARITHMETIC] && !d->names && !d->code.asked &&
	    fault(DEMAND_ARITHMETIC, numbers_fault(a->text), kind, why))
		return false;
	if (checks[DEMAND_CODE] && !a->cut && !a->limited && !d->json.asked &&
	    fault(DEMAND_CODE, code_demand_fault(&d->code, a->text), kind, why))
		return false;
	return a->cut || a->limited || !data_fault(d, a->text, checks, kind, why);
}
