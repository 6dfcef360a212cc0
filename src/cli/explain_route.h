/*
 * What the router makes of a request, for `farthing explain`.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CLI_EXPLAIN_ROUTE_H
#define FARTHING_CLI_EXPLAIN_ROUTE_H

#include "page.h"
#include "stages/route.h"

/* All of a decision: features, alternatives, what was learned, the bound, and what would have changed it. */
void page_route(struct page *p, const struct exchange *x, const struct route_choice *route);
/* Why there was none. */
void page_pinned(struct page *p, const struct exchange *x);

#endif
