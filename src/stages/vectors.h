/*
 * Vectors that a provider made of texts, for as long as there is room: the least recently used go first. Found by whose text it is,
 * by model, dimensions and text, so that nobody can tell from the time a lookup takes what others have asked. The loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_STAGES_VECTORS_H
#define FARTHING_SRC_STAGES_VECTORS_H

#include "base/digest.h"
#include "core/config.h"
#include "text/vector.h"

struct vectors;

struct vectors *vectors_new(size_t max_bytes);
void vectors_free(struct vectors **v);
struct digest vectors_key(const char *scope, const struct embedding_conf *conf, struct str text);
bool vectors_find(struct vectors *v, const struct digest *key, struct vector *out);
void vectors_keep(struct vectors *v, const struct digest *key, const struct vector *vector);
size_t vectors_count(const struct vectors *v);

#endif
