/*
 * A holds file as a crash, or anybody, may have left it: any bytes. The header is judged and every slot is read; with the first byte
 * odd the sums of header and slots are made right first, so that what lies behind them is reached, too. What is believed must be
 * fit for the books.
 *
 *     | how | header | slot | slot | ...
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../src/ledger/holds_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 16 }; /* slots */

static void
make_sums_right(unsigned char *bytes, size_t n)
{
	struct holds_header header;
	if (n >= sizeof header) {
		memcpy(&header, bytes, sizeof header);
		header.ledger[sizeof header.ledger - 1] = '\0';
		char ledger[HOLDS_LEDGER];
		memcpy(ledger, header.ledger, sizeof ledger);
		holds_header_fill(&header, ledger, atomic_load(&header.commits));
		memcpy(bytes, &header, sizeof header);
	}
	for (int i = 0; i < MOST; i++) {
		size_t at = HOLDS_HEADER_BYTES + (size_t)i * sizeof(struct holds_slot);
		struct holds_slot slot;
		if (at + sizeof slot > n)
			return;
		memcpy(&slot, bytes + at, sizeof slot);
		slot.check = holds_check(&slot.record, atomic_load(&slot.state), i);
		memcpy(bytes + at, &slot, sizeof slot);
	}
}

static void
write_file(const char *path, const unsigned char *bytes, size_t n)
{
	FILE *f = fopen(path, "wb");
	assert(f != NULL);
	size_t wrote = fwrite(bytes, 1, n, f);
	assert(wrote == n && fclose(f) == 0);
}

static void
read_slots(const char *path)
{
	struct err e = { 0 };
	struct ledger_hold hold;
	int slot, before = -1;
	struct holds_reader *r = holds_read(path, &e);
	assert(r != NULL);
	for (enum holds_found found; (found = holds_next(r, &hold, &slot)) != HOLDS_END;) {
		assert(slot > before && slot < HOLDS_SLOTS);
		before = slot;
		if (found == HOLDS_TORN)
			continue;
		assert(
		    hold.number >= 1 && hold.held_pico >= 0 && hold.at_us >= 0 && hold.request_id[0] != '\0');
		assert(memchr(hold.request_id, '\0', sizeof hold.request_id) != NULL);
		assert(memchr(hold.endpoint, '\0', sizeof hold.endpoint) != NULL);
		assert(memchr(hold.payer.run, '\0', sizeof hold.payer.run) != NULL);
		for (int i = 0; i < WINDOW_KINDS; i++)
			assert(hold.windows[i].start_us <= hold.windows[i].end_us);
		assert(hold.price.input >= 0 && hold.price.fee >= 0);
	}
	holds_read_end(&r);
}

/* One for all inputs. */
static char file_name[] = "/tmp/farthing-fuzz-holds-XXXXXX";

static void
remove_file(void)
{
	unlink(file_name);
}

static const char *
the_file(void)
{
	static int fd = -1;
	if (fd < 0) {
		fd = mkstemp(file_name);
		assert(fd >= 0);
		atexit(remove_file);
	}
	return file_name;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { HEADER = sizeof(struct holds_header), SPACE = HOLDS_HEADER_BYTES - HEADER };
	static unsigned char bytes[HOLDS_HEADER_BYTES + MOST * sizeof(struct holds_slot)];
	if (size < 1)
		return 0;
	const char *path = the_file();
	unsigned char how = data[0];
	data++, size--;
	/* The header's page is mostly empty; an input need not have it. */
	memset(bytes, 0, sizeof bytes);
	size_t head = size < HEADER ? size : HEADER, rest = size - head;
	if (rest > sizeof bytes - HOLDS_HEADER_BYTES)
		rest = sizeof bytes - HOLDS_HEADER_BYTES;
	memcpy(bytes, data, head);
	memcpy(bytes + HOLDS_HEADER_BYTES, data + head, rest);
	size_t n = rest > 0 ? HOLDS_HEADER_BYTES + rest : head;
	if (how & 1)
		make_sums_right(bytes, n);
	write_file(path, bytes, n);
	read_slots(path);
	if (how & 2) { /* its size is right; reading all of it for every input would be slow */
		int rc = truncate(path, HOLDS_FILE_BYTES);
		assert(rc == 0);
	}
	struct holds_mark mark;
	struct err e = { 0 };
	if (holds_look(path, &mark, &e) == 0)
		assert(memchr(mark.ledger, '\0', sizeof mark.ledger) != NULL);
	else
		assert(e.status == 503 && e.text[0] != '\0');
	return 0;
}
