/*
 * The table of keys as Markdown.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/config_reference.h"

#include <stdio.h>

#include "config_schema.h"

static const char *
kind_of(const struct config_key *k)
{
	switch (k->type) {
	case KEY_BOOL:
		return "true or false";
	case KEY_INT:
	case KEY_COUNT:
		return "integer";
	case KEY_SIZE:
		return "size";
	case KEY_DURATION:
		return "duration";
	case KEY_USD:
		return "dollars or `off`";
	case KEY_PRICE:
		return "dollars per million tokens";
	case KEY_FEE:
		return "dollars";
	case KEY_DATE:
		return "date";
	case KEY_SHARE:
		return "number";
	case KEY_CHOICE:
	case KEY_SWITCH:
		return "word";
	case KEY_TEXT:
	case KEY_LABEL:
		return "text";
	case KEY_SECRET:
		return "secret";
	case KEY_PATH:
	case KEY_FILE:
		return "file";
	case KEY_PROXY:
	case KEY_URL:
	case KEY_WEBHOOK:
		return "URL";
	case KEY_LISTEN:
		return "address";
	case KEY_ZONE:
		return "time zone";
	case KEY_HOSTS:
	case KEY_NAMES:
	case KEY_PATTERNS:
		return "list";
	case KEY_MODEL:
		return "model";
	case KEY_UPSTREAM:
		return "upstream";
	case KEY_SECTION:
		return "map";
	case KEY_ELSEWHERE:
		return k->looks;
	}
	return "";
}

static int
add_choices(struct buf *out, const char *choices)
{
	struct str rest = str_from(choices), one;
	for (int i = 0; str_cut(&rest, '|', &one); i++)
		if (buf_printf(out, "%s`%.*s`", i > 0 ? ", " : "", STR_FMT(one)) != 0)
			return -1;
	return 0;
}

static int
add_range(struct buf *out, const struct config_key *k)
{
	if (k->choices != NULL)
		return add_choices(out, k->choices);
	if (buf_add(out, str_from(kind_of(k))) != 0)
		return -1;
	if (k->least == NULL)
		return 0;
	return buf_printf(out, ", %s%s to %s", k->flags & KEY_OR_ZERO ? "0 or " : "", k->least, k->most);
}

static int
add_row(struct buf *out, const char *path, const struct config_key *k)
{
	if (buf_printf(out, "| `%s` | ", path) != 0)
		return -1;
	if (k->standard != NULL && k->standard[0] == '\0' && buf_add(out, STR("none")) != 0)
		return -1;
	if (k->standard != NULL && k->standard[0] != '\0' && buf_printf(out, "`%s`", k->standard) != 0)
		return -1;
	if (buf_add(out, STR(" | ")) != 0 || add_range(out, k) != 0)
		return -1;
	return buf_printf(out, " | %s |\n", k->doc);
}

static int
add_section(struct buf *out, const char *prefix, const struct config_section *s)
{
	for (const struct config_key *k = s->keys; k->name != NULL; k++) {
		char path[128], inside[140];
		snprintf(path, sizeof path, "%s%s%s", prefix, prefix[0] != '\0' ? "." : "", k->name);
		if (add_row(out, path, k) != 0)
			return -1;
		if (k->section == NULL || k->flags & KEY_ALIKE)
			continue;
		snprintf(inside, sizeof inside, "%s%s", path, k->type == KEY_ELSEWHERE ? ".NAME" : "");
		if (add_section(out, inside, k->section) != 0)
			return -1;
	}
	return 0;
}

int
config_reference(struct buf *out)
{
	if (buf_add(out, STR("| key | default | values | meaning |\n| --- | --- | --- | --- |\n")) != 0)
		return -1;
	return add_section(out, "", &config_root);
}
