/*
 * Bytes under a seal: | magic | version | size | digest | body |, so that what comes back from a disk is what was written, by the
 * program and the version that read it, or is nothing. Any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_BASE_SEAL_H
#define FARTHING_BASE_SEAL_H

#include "base/str.h"

enum { SEAL_MAGIC = 8 }; /* bytes, which say what it is */

/* Appends; -1: no room, and nothing was added. */
int seal_add(struct buf *out, const char magic[SEAL_MAGIC], uint32_t version, struct str body);
/* False: it is not that, or was changed. *body is a part of sealed. */
bool seal_open(struct str sealed, const char magic[SEAL_MAGIC], uint32_t version, struct str *body);

#endif
