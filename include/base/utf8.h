/*
 * UTF-8 as RFC 3629 allows it: no overlong forms, no surrogates, nothing above U+10FFFF.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_BASE_UTF8_H
#define FARTHING_BASE_UTF8_H

#include "base/str.h"

/* Length in bytes of the character at `at`, or 0 when it is malformed */
size_t utf8_step(struct str s, size_t at);
/* Writes one character, returns its length; character must be a scalar value */
size_t utf8_put(char out[4], uint32_t character);

#endif
