/*
 * What a tool has found, one fact after the other, for people (`label  value`) or as one JSON object. Facts may stand in lists
 * of groups.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CLI_PAGE_H
#define FARTHING_CLI_PAGE_H

#include "base/str.h"

struct page {
	struct buf out;
	bool json;
	bool fresh; /* nothing stands in the innermost group yet */
	int depth;
};

void page_begin(struct page *p, bool json);
/* The name is the JSON member's; people see it with spaces for underscores */
void page_text(struct page *p, const char *name, struct str value);
void page_number(struct page *p, const char *name, double value, int digits);
void page_bool(struct page *p, const char *name, bool value);
void page_list(struct page *p, const char *name);
void page_list_end(struct page *p);
void page_group(struct page *p); /* within a list */
void page_group_end(struct page *p);
int page_print(struct page *p); /* on stdout, and frees it; the exit status */

#endif
