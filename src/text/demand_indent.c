/*
 * The blocks of Python, which are told by how far lines are indented.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "demand_parts.h"

/* Line by line: a line that opens a block, and the next one that holds code is not indented more. */
const char *
indent_fault(struct str s)
{
	static const char *const openers[] = { "def ", "if ", "elif ", "else:", "for ", "while ", "class ",
		"try:", "except", "finally:", "with ", "async def " };
	long open = -1;
	/* Strings and brackets over several lines hide what is a line: only code without them is looked at. */
	if (str_find(s, STR("\"\"\"")) >= 0 || str_find(s, STR("'''")) >= 0 || str_find(s, STR("\\\n")) >= 0)
		return NULL;
	int depth = 0;
	for (size_t at = 0; at < s.n;) {
		const char *end = memchr(s.p + at, '\n', s.n - at);
		struct str line = { s.p + at, end != NULL ? (size_t)(end - s.p) - at : s.n - at };
		at += line.n + 1;
		while (line.n > 0 && strchr(" \t\r", line.p[line.n - 1]) != NULL)
			line.n--;
		size_t indent = 0;
		bool tabs = false;
		while (indent < line.n && (line.p[indent] == ' ' || line.p[indent] == '\t'))
			tabs = line.p[indent++] == '\t' || tabs;
		struct str code = { line.p + indent, line.n - indent };
		if (tabs)
			return NULL;
		if (code.n == 0 || code.p[0] == '#')
			continue;
		if (depth == 0 && open >= 0 && (long)indent <= open)
			return "a block in its code is not indented";
		bool inside = depth > 0;
		for (size_t i = 0; i < code.n; i++) {
			char c = code.p[i];
			/* A string or a comment on the line: brackets may be in it. */
			inside = inside || c == '"' || c == '\'' || c == '#';
			depth += (c == '(' || c == '[' || c == '{') - (c == ')' || c == ']' || c == '}');
		}
		if (depth < 0)
			return NULL;
		open = -1;
		if (inside || depth > 0 || code.p[code.n - 1] != ':')
			continue;
		for (size_t i = 0; i < sizeof openers / sizeof *openers; i++)
			if (str_starts(code, str_from(openers[i])))
				open = (long)indent;
	}
	return NULL;
}
