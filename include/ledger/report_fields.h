/*
 * The figures of a report under the names that programs read: one list, so that JSON and CSV cannot differ.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_LEDGER_REPORT_FIELDS_H
#define FARTHING_LEDGER_REPORT_FIELDS_H

#include "ledger/report_view.h"

enum field_kind {
	FIELD_COUNT, /* a whole number */
	FIELD_MONEY, /* two fields: NAME_usd, decimal and exact, and NAME_picousd, whole */
	FIELD_SHARE, /* of one, in ten-thousandths: 0.1250, see share_text */
};

struct field {
	const char *name;
	enum field_kind kind;
	bool unknown; /* null in JSON, nothing in CSV */
	int64_t value;
};

enum { FIELDS_MOST = 40 };

char *share_text(int64_t ten_thousandths, char out[32]); /* "0.1250", "-0.0300" */

/* Give the number of fields; always the same names in the same order. */
size_t fields_of_sums(const struct report_sums *s, struct field out[FIELDS_MOST]);
size_t fields_of_cause(const struct report_sums *s, enum cause cause, struct field out[FIELDS_MOST]);
size_t fields_of_outcome(const struct report_outcome *o, struct field out[FIELDS_MOST]);
size_t fields_of_similar(const struct report_similar *t, struct field out[FIELDS_MOST]);
size_t fields_of_batched(const struct report_batched *t, struct field out[FIELDS_MOST]);
size_t fields_of_price(const struct report_price *p, struct field out[FIELDS_MOST]);

#endif
