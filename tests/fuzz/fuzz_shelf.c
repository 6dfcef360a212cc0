/*
 * A record of the shelf, whatever its bytes: sealed first, so that what lies behind the digest is reached, too. What is taken must
 * be written as the same bytes again.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>

#include "../../src/ledger/shelf_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct shelf_item item;
	char *record = malloc(size + 1);
	if (size > 0)
		memcpy(record, data, size);
	shelf_record_read((struct str){ record, size }, &item);
	if (size > sizeof(struct digest)) {
		shelf_record_seal(record, size);
		if (shelf_record_read((struct str){ record, size }, &item)) {
			assert(shelf_record_size(&item) == size);
			char *again = malloc(size);
			shelf_record_write(&item, again);
			shelf_record_seal(again, size);
			assert(memcmp(again, record, size) == 0);
			free(again);
		}
	}
	free(record);
	return 0;
}
