/*
 * How `farthing report` shows a view to people and to spreadsheets.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CLI_REPORT_SHOW_H
#define FARTHING_CLI_REPORT_SHOW_H

#include <stdio.h>

#include "ledger/report_view.h"

void view_table(const struct report_view *v, FILE *to);
void view_csv(const struct report_view *v, FILE *to);

#endif
