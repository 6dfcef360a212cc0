/*
 * Whether a request would travel with others in one call, for `farthing explain`.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CLI_EXPLAIN_BATCH_H
#define FARTHING_CLI_EXPLAIN_BATCH_H

#include "page.h"
#include "stages/exchange.h"

/* Of a request of so many input tokens to that model. stronger: whom a fault of its answer would be taken to; NULL: nobody */
void page_batch(struct page *p, const struct exchange *x, const struct model_conf *model,
    const struct model_conf *stronger, int64_t input);

#endif
