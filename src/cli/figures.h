/*
 * Figures for people: amounts, counts and shares, as text and as cells of a table. Nothing is blank.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_CLI_FIGURES_H
#define FARTHING_SRC_CLI_FIGURES_H

#include "grid.h"

/* How many decimals show the largest amount of a column with some four digits. */
int decimals_for(int64_t most_pico);
/* "$1.2346", "-$0.02"; what is less than the last decimal is not made nothing: "<$0.01" */
void money_cell(struct grid *g, int64_t pico, int decimals);

char *grouped(int64_t n, char out[32]); /* "1,234,567" */
void count_cell(struct grid *g, int64_t n);
char *short_count(int64_t n, char out[32]); /* up to 999,999 as it is, then 1.23M, 12.3G */
void short_cell(struct grid *g, int64_t n);

/* "12.5 %", "-3.0 %"; of nothing: "" */
char *share(int64_t part, int64_t whole, char out[32]);
void share_cell(struct grid *g, int64_t part, int64_t whole);

int64_t each(int64_t sum, int64_t count); /* the mean, rounded; 0 of none */
/* Names that are longer than a column should be lose their end; "(none)" of an empty one. */
void name_cell(struct grid *g, const char *name);

#endif
