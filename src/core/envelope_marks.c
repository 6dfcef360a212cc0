/*
 * Replies between marks, for models that know no form:
 *
 *     <482915730164>
 *     an answer, of any number of lines
 *     </482915730164>
 *
 * A mark is a whole line. Anything that looks like one is one: with an id that is nobody's, or where none may stand, nothing is trusted.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "envelope_parts.h"

enum mark { MARK_NONE, MARK_BEGIN, MARK_END };

static enum mark
read_mark(struct str line, struct str *id)
{
	line = str_strip(line);
	enum mark mark = str_starts(line, STR("</"))  ? MARK_END
			 : str_starts(line, STR("<")) ? MARK_BEGIN
						      : MARK_NONE;
	size_t head = mark == MARK_END ? 2 : 1;
	if (mark == MARK_NONE || line.n != head + ID_DIGITS + 1 || line.p[line.n - 1] != '>')
		return MARK_NONE;
	*id = (struct str){ line.p + head, ID_DIGITS };
	for (size_t i = 0; i < ID_DIGITS; i++)
		if (id->p[i] < '0' || id->p[i] > '9')
			return MARK_NONE;
	return mark;
}

static int
distrust(struct splitting *s, const char *why)
{
	s->why = why;
	return -1;
}

/* The lines between the marks, without the last one's end. */
static void
take_part(struct splitting *s, size_t item, struct str text, size_t bytes)
{
	struct envelope_part *p = &s->parts[item];
	if (!envelope_came(s, item, bytes))
		return;
	if (str_ends(text, STR("\n")))
		text.n--;
	if (str_ends(text, STR("\r")))
		text.n--;
	if (str_strip(text).n == 0)
		p->fault = "it is empty";
	else if (buf_add(&p->text, text) != 0)
		p->fault = "memory ran out";
}

int
envelope_split_marks(struct splitting *s, struct str reply)
{
	struct str rest = reply, line, id;
	size_t open = s->count; /* whose answer is being read; count: nobody's */
	const char *begun = NULL, *text = NULL;
	while (rest.n > 0) {
		str_cut(&rest, '\n', &line);
		enum mark mark = read_mark(line, &id);
		size_t item = mark != MARK_NONE ? envelope_whose(s, id) : s->count;
		if (mark == MARK_NONE) {
			if (open == s->count && str_strip(line).n > 0 && !(s->cut && rest.n == 0))
				return distrust(s, "something stands between the answers");
			continue;
		}
		if (item == s->count)
			return distrust(s, "it holds an id that is nobody's");
		if (mark == MARK_BEGIN ? open != s->count : open != item)
			return distrust(s, "its marks are not in order");
		if (mark == MARK_BEGIN) {
			open = item;
			begun = line.p;
			text = rest.p;
			continue;
		}
		size_t bytes = (size_t)(line.p + line.n - begun);
		take_part(s, item, (struct str){ text, (size_t)(line.p - text) }, bytes);
		open = s->count;
	}
	if (open == s->count)
		return 0;
	/* It began and has no end. */
	if (envelope_came(s, open, (size_t)(reply.p + reply.n - begun)))
		s->parts[open].fault = s->cut ? "it was cut off" : "it has no end";
	return 0;
}
