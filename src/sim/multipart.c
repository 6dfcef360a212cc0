/*
 * Multipart forms.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "multipart.h"

#include <stdio.h>

/* The value of KEY= in a header line, with or without quotes. */
static bool
read_parameter(struct str line, const char *key, char *to, size_t size)
{
	struct str want = str_from(key);
	for (size_t i = 0; i + want.n <= line.n; i++) {
		bool starts = i == 0 || line.p[i - 1] == ';' || line.p[i - 1] == ' ';
		if (!starts || !str_eq_nocase((struct str){ line.p + i, want.n }, want))
			continue;
		struct str value = { line.p + i + want.n, line.n - i - want.n };
		bool quoted = value.n != 0 && value.p[0] == '"';
		value.p += quoted;
		value.n -= quoted;
		struct str cut;
		if (!str_cut(&value, quoted ? '"' : ';', &cut))
			return false;
		str_copy(to, size, quoted ? cut : str_trim(cut));
		return true;
	}
	return false;
}

bool
sim_multipart_boundary(struct str content_type, char boundary[80])
{
	struct str form = STR("multipart/form-data");
	if (content_type.n < form.n || !str_eq_nocase((struct str){ content_type.p, form.n }, form))
		return false;
	return read_parameter(content_type, "boundary=", boundary, 80) && boundary[0] != '\0';
}

static void
read_fields(struct str head, struct sim_part *part)
{
	struct str line;
	while (str_cut(&head, '\n', &line)) {
		struct str name;
		if (line.n != 0 && line.p[line.n - 1] == '\r')
			line.n--;
		if (!str_cut(&line, ':', &name) || !str_eq_nocase(name, STR("content-disposition")))
			continue;
		read_parameter(line, "name=", part->name, sizeof part->name);
		read_parameter(line, "filename=", part->filename, sizeof part->filename);
	}
}

bool
sim_multipart_next(struct str *body, const char *boundary, struct sim_part *part)
{
	char line[96];
	*part = (struct sim_part){ 0 };
	/* The first boundary begins the body, the others follow a line end, which belongs to them. */
	snprintf(line, sizeof line, "--%s", boundary);
	ptrdiff_t at = str_find(*body, str_from(line));
	if (at < 0)
		return false;
	body->p += (size_t)at + strlen(line);
	body->n -= (size_t)at + strlen(line);
	if (str_starts(*body, STR("--")))
		return false;
	ptrdiff_t fields = str_find(*body, STR("\r\n\r\n"));
	if (fields < 0)
		return false;
	read_fields((struct str){ body->p, (size_t)fields }, part);
	body->p += fields + 4;
	body->n -= (size_t)fields + 4;
	snprintf(line, sizeof line, "\r\n--%s", boundary);
	ptrdiff_t end = str_find(*body, str_from(line));
	if (end < 0)
		return false;
	part->content = (struct str){ body->p, (size_t)end };
	body->p += end + 2;
	body->n -= (size_t)end + 2;
	return true;
}
