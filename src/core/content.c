/*
 * Roles and parts.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "content.h"

enum content_part
content_part(const struct json *j, uint32_t part, uint32_t *text)
{
	static const struct {
		const char *type, *text;
		enum content_part part;
	} parts[] = {
		{ "text", "text", PART_TEXT },
		{ "input_text", "text", PART_TEXT },
		{ "output_text", "text", PART_SAID },
		{ "refusal", "refusal", PART_SAID },
		{ "image_url", NULL, PART_IMAGE },
		{ "input_image", NULL, PART_IMAGE },
		{ "file", NULL, PART_FILE },
		{ "input_file", NULL, PART_FILE },
	};
	uint32_t type = json_member(j, part, "type");
	*text = 0;
	for (size_t i = 0; type != 0 && i < sizeof parts / sizeof *parts; i++) {
		if (!json_is(j, type, parts[i].type))
			continue;
		if (parts[i].text != NULL)
			*text = json_member(j, part, parts[i].text);
		if (*text != 0 && json_type(j, *text) != JSON_STRING)
			*text = 0;
		return parts[i].part;
	}
	return PART_OTHER;
}

bool
content_is_role(const struct json *j, uint32_t message, const char *role)
{
	uint32_t node = json_member(j, message, "role");
	return node != 0 && json_is(j, node, role);
}

bool
content_instructs(const struct json *j, uint32_t message)
{
	return content_is_role(j, message, "system") || content_is_role(j, message, "developer");
}
