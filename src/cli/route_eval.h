/*
 * farthing route-eval, in four steps: what is wanted (route_eval.c), the data as rows (route_eval_read.c, route_eval_row.c, and
 * route_eval_name.c for whose outcomes they are), what is measured of them (route_eval_measure.c), and how that is shown
 * (route_eval_show.c).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CLI_ROUTE_EVAL_H
#define FARTHING_CLI_ROUTE_EVAL_H

#include <stdio.h>

#include "base/csv_read.h"
#include "base/json.h"
#include "core/config.h"
#include "learn/curve.h"

enum eval_column {
	COLUMN_PROMPT,
	COLUMN_MESSAGES,
	COLUMN_REQUEST,
	COLUMN_SCORE,
	COLUMN_WEAK,
	COLUMN_STRONG,
	COLUMN_CORRECT,
	COLUMN_WEAK_USD,
	COLUMN_STRONG_USD,
	COLUMN_PROMPT_TOKENS,
	COLUMN_OUT_TOKENS,
	COLUMNS
};

extern const char *const eval_columns[COLUMNS]; /* "prompt", "messages", ... */

enum { EVAL_ROWS_MOST = 1000000, EVAL_ROW_BYTES = 16 << 20, EVAL_NAMES = 8 };

struct eval_wish {
	const char *data, *format, *plot, *config;
	const char *model[2];         /* weak and strong; NULL: as configured */
	const char *columns[COLUMNS]; /* the fields they are read from */
};

/* ---- The data ---- */

enum { WEAK, STRONG };

struct eval_row {
	double score, length, keywords; /* length and keywords: of what has a text */
	double good[2];                 /* of weak and strong */
	int64_t pico[2];                /* -1: not known */
};

struct eval_name {
	char name[96];
	int64_t rows;
};

struct eval_data {
	const struct eval_wish *wish;
	const struct config *config;
	const char *path;     /* as messages name it */
	const char *model[2]; /* asked for or configured; may be the same */
	const struct price *price[2];

	struct eval_row *rows;
	size_t count, room;
	size_t texts, scores;                  /* rows that have a text, and those that brought their score */
	struct eval_name names[2][EVAL_NAMES]; /* under which outcomes stood; the first few */
	/* Dated versions of the models, and how many lines have each; the one to take, "": the latest that a line has */
	struct eval_name versions[2][EVAL_NAMES];
	char version[2][96];
	int faults;
	bool full; /* no more rows can be taken */
};

/* Every fault is a line of stderr. 0, or -1: there were some, or no row. */
int eval_read(struct eval_data *d, const struct eval_wish *w, const struct config *c);
void eval_free(struct eval_data *d);

/* FILE:LINE: what is wrong with it. Returns -1. */
int eval_fault(struct eval_data *d, int64_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* What a line of JSON, or a record under its head, says; -1: a fault was told. */
int eval_row_json(struct eval_data *d, int64_t line, struct json *j, struct str text, struct eval_row *row);

struct eval_head {
	int column[COLUMNS]; /* the index of the field, or -1 */
	size_t fields;
	char model[2][96]; /* by the names of the columns; "": they say none */
};
int eval_head_csv(struct eval_data *d, const struct csv_reader *r, struct eval_head *head);
int eval_row_csv(
    struct eval_data *d, const struct csv_reader *r, const struct eval_head *head, struct eval_row *row);

/* ---- Whose outcomes they are ---- */

/* NAME, or a dated version of it: NAME-2024-08-06 */
bool eval_is_model(struct str text, const char *name);
/* Where a line has several versions of a model, one is taken that every line has: all of them are seen once before they are read. */
void eval_see_versions(struct eval_data *d, const struct json *j);
void eval_count(struct eval_name names[EVAL_NAMES], struct str name);
void eval_settle_versions(struct eval_data *d, int64_t lines);
/* The member for that side's model; 0: there is none */
uint32_t eval_find(const struct eval_data *d, int side, const struct json *j, uint32_t object);

/* ---- The parts of a row ---- */

void eval_text(struct eval_data *d, struct str text, struct eval_row *row); /* scores it, too */
void eval_name(struct eval_data *d, int side, struct str name);             /* outcomes stand under that */
bool eval_number(struct str text, double *number);                          /* all of it, finite */
bool eval_usd(struct str text, int64_t *pico);                              /* not negative; 1e-5 too */

/* ---- What is measured ---- */

enum eval_order { ORDER_ROUTER, ORDER_LENGTH, ORDER_KEYWORDS, ORDER_BEST, ORDERS };

struct eval_tier {
	int64_t requests;
	double good[2]; /* mean of each model's; 0 of none */
	double cost[2]; /* as a share of always the strong model, of all requests; -1: not known */
	int model;      /* WEAK or STRONG */
};

struct eval {
	const struct eval_data *data;
	bool known[ORDERS]; /* false: there is no text to order by */
	struct curve curves[ORDERS];
	struct curve_interval intervals[ORDERS];
	int64_t usd_pico[2]; /* of each alone; -1: not known */
	bool tiered;         /* scores are on the scale of the thresholds */
	struct eval_tier tiers[3];
	struct curve_point routed; /* at the configured thresholds */
};

void eval_measure(const struct eval_data *d, struct eval *e);

/* ---- How it is shown ---- */

const char *eval_model(const struct eval *e, int side); /* its name, as the data has it */
void eval_show_table(const struct eval *e, FILE *to);
void eval_show_json(const struct eval *e, struct buf *out);
void eval_show_csv(const struct eval *e, struct buf *out);
int eval_draw(const struct eval *e, const char *path); /* 0, or -1 with a message told */

#endif
