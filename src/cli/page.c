/*
 * A page of facts.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "page.h"

#include <math.h>
#include <stdio.h>

/* Out of memory shows at the end, as an output that cannot be written. */
static void
put(struct page *p, struct str s)
{
	(void)buf_add(&p->out, s);
}

void
page_begin(struct page *p, bool json)
{
	*p = (struct page){ .json = json, .fresh = true };
	if (json)
		put(p, STR("{"));
}

static void
name_it(struct page *p, const char *name)
{
	if (p->json) {
		(void)buf_printf(&p->out, "%s\"%s\":", p->fresh ? "" : ",", name);
	} else {
		char words[40];
		str_copy(words, sizeof words, str_from(name));
		for (char *c = words; *c != '\0'; c++)
			if (*c == '_')
				*c = ' ';
		(void)buf_printf(&p->out, "%*s%-*s ", p->depth * 2, "", 22 - p->depth * 2, words);
	}
	p->fresh = false;
}

void
page_text(struct page *p, const char *name, struct str value)
{
	name_it(p, name);
	if (p->json)
		put(p, STR("\""));
	/* Prompts may hold anything: nothing of them moves a terminal's cursor. */
	(void)buf_add_json(&p->out, value);
	put(p, p->json ? STR("\"") : STR("\n"));
}

void
page_number(struct page *p, const char *name, double value, int digits)
{
	name_it(p, name);
	if (isfinite(value))
		(void)buf_printf(&p->out, "%.*f", digits, value);
	else
		put(p, STR("null"));
	if (!p->json)
		put(p, STR("\n"));
}

void
page_bool(struct page *p, const char *name, bool value)
{
	name_it(p, name);
	if (p->json)
		put(p, value ? STR("true") : STR("false"));
	else
		put(p, value ? STR("yes\n") : STR("no\n"));
}

void
page_list(struct page *p, const char *name)
{
	name_it(p, name);
	put(p, p->json ? STR("[") : STR("\n"));
	p->fresh = true;
	p->depth++;
}

void
page_list_end(struct page *p)
{
	if (p->json)
		put(p, STR("]"));
	p->fresh = false;
	p->depth--;
}

void
page_group(struct page *p)
{
	if (p->json)
		put(p, p->fresh ? STR("{") : STR(",{"));
	else if (!p->fresh)
		put(p, STR("\n"));
	p->fresh = true;
}

void
page_group_end(struct page *p)
{
	if (p->json)
		put(p, STR("}"));
	p->fresh = false;
}

int
page_print(struct page *p)
{
	if (p->json)
		put(p, STR("}\n"));
	bool good = fwrite(p->out.p, 1, p->out.n, stdout) == p->out.n && fflush(stdout) == 0;
	buf_free(&p->out);
	if (!good)
		fputs("farthing: the output cannot be written\n", stderr);
	return good ? 0 : 1;
}
