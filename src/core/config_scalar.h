/*
 * One scalar as the value of one key: parsed by the key's type, held against its range, stored in its place.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_CONFIG_SCALAR_H
#define FARTHING_CORE_CONFIG_SCALAR_H

#include "config_read.h"

#define SCALAR_MOST_BYTES 4096

struct scalar {
	struct str raw;  /* as it stands in the file: may be shown in a problem, if the key is no secret */
	struct str text; /* with the environment in it: never shown */
	int line;
	const char *path;
};

bool scalar_read(struct reader *r, const struct config_key *k, const struct scalar *s, void *slot);
bool scalar_read_text(struct reader *r, const struct config_key *k, const struct scalar *s, void *slot);

/* Both add a problem and return false; the second shows the text of the file, if that cannot be a secret. */
bool scalar_refuse(struct reader *r, const struct scalar *s, const char *why);
bool scalar_not_wanted(struct reader *r, const struct scalar *s, const char *wanted);
const char *scalar_wanted(enum key_type type); /* "a duration such as 5s" */

/* A list is a const char ** and, right behind it, its size_t. */
struct string_list {
	const char ***items;
	size_t *count;
};
struct string_list string_list_at(void *slot);
void string_list_split(struct reader *r, struct str commas, void *slot); /* "a, b" as a whole list */

#endif
