/*
 * How `farthing report` shows a view to people and to spreadsheets.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CLI_REPORT_SHOW_H
#define FARTHING_CLI_REPORT_SHOW_H

#include <stdio.h>

#include "ledger/report_view.h"

void view_table(const struct report_view *v, FILE *to);
/* How good batched answers are, as the gateway of c last saved it: nothing where there are none; as the last member of a JSON object. */
void batching_table(const struct config *c, FILE *to);
void batching_json(const struct config *c, struct buf *out);
void view_csv(const struct report_view *v, FILE *to);

#endif
