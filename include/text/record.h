/*
 * JSON within a prompt, compared field by field: what must be equal goes into a digest, what is compared by what it says into a
 * list of texts. The order of keys, white space and the form of numbers do not matter. Objects of fields_conf's top-level names;
 * what is nested in them must be equal. Pure; any thread; linear but for the sorting of at most RECORD_FIELDS_MAX names.
 *
 *     Write a title: {"sku":"B-1","price":49,"description":"wool socks, warm"}
 *     key    digest of sku "B-1", price 0..50, description is a text
 *     texts  "Write a title: {}" "wool socks, warm"
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TEXT_RECORD_H
#define FARTHING_TEXT_RECORD_H

#include "base/digest.h"
#include "core/config.h"

enum {
	RECORD_FIELDS_MAX = 64, /* an object with more must be equal as a whole */
	RECORD_OBJECTS_MAX = 4, /* what stands behind them is text */
	RECORD_SEPARATOR = 0x1f /* between the texts */
};

struct record {
	uint32_t objects; /* that were taken out of the text; 0: the rest says nothing */
	struct digest
	    key; /* equal for texts whose objects have one answer, as far as that can be said without reading */
	struct buf around; /* the text without the objects: "{}" stands where each was */
	struct buf texts;  /* of the fields, each behind a separator */
};

/* 0; -1: out of memory. To be freed either way. */
int record_of(struct str text, const struct fields_conf *fields, struct record *r);
void record_free(struct record *r);

#endif
