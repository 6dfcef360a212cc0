/*
 * How alike two texts are.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdio.h>

#include "core/likeness.h"
#include "explain.h"
#include "explain_alike.h"
#include "text/embed.h"
#include "text/record.h"

static const char *
name_of(enum alike_step step)
{
	switch (step) {
	case ALIKE_EQUAL:
		return "equal";
	case ALIKE_PARTS:
		return "parts";
	case ALIKE_SHARED:
		return "shared";
	case ALIKE_VETO:
		return "veto";
	case ALIKE_VERIFIED:
		return "verified";
	}
	return "";
}

void
page_alike(struct page *p, struct str a, struct str b)
{
	struct alike alike;
	struct verdict v;
	alike_judge(a, b, &alike, &v);
	page_text(p, "step", str_from(name_of(alike.step)));
	if (alike.step == ALIKE_VETO) {
		page_text(p, "veto", str_from(veto_name(alike.veto.kind)));
		page_text(p, "veto_here", str_from(alike.veto.a));
		page_text(p, "veto_there", str_from(alike.veto.b));
	}
	page_number(p, "probability", alike.probability, 4);
	if (alike.step != ALIKE_VERIFIED)
		return;
	page_list(p, "features");
	for (size_t i = 0; i < v.count; i++) {
		if (!p->json) {
			page_number(p, v.names[i], v.contributions[i], 3);
			continue;
		}
		page_group(p);
		page_text(p, "name", str_from(v.names[i]));
		page_number(p, "value", v.features[i], 4);
		page_number(p, "contribution", v.contributions[i], 4);
		page_group_end(p);
	}
	page_list_end(p);
}

int
explain_read_all(const char *path, size_t most, struct buf *out)
{
	FILE *f = path != NULL ? fopen(path, "rb") : stdin;
	const char *name = path != NULL ? path : "standard input", *why = NULL;
	size_t got = 1;
	if (f == NULL) {
		fprintf(stderr, "farthing: %s: %s\n", name, strerror(errno));
		return -1;
	}
	while (got > 0 && why == NULL) {
		if (out->n > most || buf_reserve(out, 1 << 16) != 0) {
			why = "is too large";
			break;
		}
		got = fread(out->p + out->n, 1, 1 << 16, f);
		out->n += got;
	}
	if (why == NULL && ferror(f))
		why = strerror(errno);
	if (why != NULL)
		fprintf(stderr, "farthing: %s: %s\n", name, why);
	if (path != NULL)
		fclose(f);
	return why == NULL ? 0 : -1;
}

/* Texts are read as the similarity cache would, with the default rules for JSON, but for templates, which two texts are too few for. */
static int
prepare(const char *given, struct record *r, struct buf *text)
{
	static const struct fields_conf fields;
	struct buf all = { 0 };
	int rc = given[0] == '@' ? explain_read_all(given + 1, LIKENESS_TEXT_MAX, &all)
				 : buf_add(&all, str_from(given));
	if (rc == 0 && record_of(buf_str(&all), &fields, r) == 0 && buf_add(text, buf_str(&r->around)) == 0)
		rc = buf_add(text, buf_str(&r->texts));
	buf_free(&all);
	return rc;
}

int
explain_compare(const struct explain_options *o)
{
	struct record a = { 0 }, b = { 0 };
	struct buf text_a = { 0 }, text_b = { 0 };
	struct embedding va, vb;
	struct page p;
	int rc = 1;
	if (prepare(o->texts[0], &a, &text_a) == 0 && prepare(o->texts[1], &b, &text_b) == 0) {
		embed_text(buf_str(&text_a), &va);
		embed_text(buf_str(&text_b), &vb);
		page_begin(&p, o->json);
		page_number(&p, "cosine", embed_cosine(&va, &vb), 4);
		page_bool(&p, "fields_equal", digest_equal(&a.key, &b.key));
		page_alike(&p, buf_str(&text_a), buf_str(&text_b));
		rc = page_print(&p);
	}
	record_free(&a);
	record_free(&b);
	buf_free(&text_a);
	buf_free(&text_b);
	return rc;
}
