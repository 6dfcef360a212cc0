/*
 * Texts of a configuration as values: durations, sizes, shares, integers, booleans, and texts that name a variable
 * of the environment or a file with a secret. Pure functions, but for what config_expand and config_secret look up.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_CONFIG_VALUE_H
#define FARTHING_CORE_CONFIG_VALUE_H

#include "base/str.h"

/* Each returns false, and leaves *out alone, for a text that is not one. */
bool value_duration(struct str text, int64_t *ms); /* 300ms 2s 1.5h 30d 2w; a bare 0 */
/* 8MiB 16KiB 1GiB 1.5GiB 10MB 512B; a bare number is bytes */
bool value_size(struct str text, int64_t *bytes);
bool value_share(struct str text, double *out); /* a decimal number: 0.85, 1 */
bool value_date(struct str text, int64_t *us);  /* 2026-01-31, 2026-01-31T12:00:00Z: UTC, since 1970 */
bool value_bool(struct str text, bool *out);    /* true false yes no on off, in YAML 1.1's three spellings */
bool value_choice(struct str text, const char *choices, int *index); /* one of "a|b|c" */

/* Well written, but what it names is not there, or not for us to read */
enum { VALUE_MISSING = -2 };

/* Replaces ${NAME} and ${NAME:-default}; $${ is a literal ${. Adds to out; returns 0, or -1 or VALUE_MISSING with the
 * reason in why, which names the variable, never its value. */
int value_expand(struct str text, struct buf *out, char *why, size_t size);

/* A secret's text: as it stands, or the content of file:/path, or of credential:NAME in $CREDENTIALS_DIRECTORY.
 * 0, or -1 or VALUE_MISSING with the reason. */
int value_secret(struct str text, struct buf *out, char *why, size_t size);

#endif
