/*
 * How two questions were held beside each other, as facts on a page.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CLI_EXPLAIN_ALIKE_H
#define FARTHING_CLI_EXPLAIN_ALIKE_H

#include "page.h"
#include "text/alike.h"

/* Judges them again, with all that led to it: step, veto with what differs, probability, features. */
void page_alike(struct page *p, struct str a, struct str b);
/* All of a file, or of stdin for NULL; -1 with a message */
int explain_read_all(const char *path, size_t most, struct buf *out);

#endif
