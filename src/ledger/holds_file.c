/*
 * The holds file byte by byte: what is written, and what is believed of what is read.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "holds_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK_SLOTS = 64 };

static const char magic[8] = { 'F', 'R', 'T', 'H', 'H', 'O', 'L', 'D' };

/* A mixing sum over words, some 150 ns for a slot: it finds what a lost write leaves, it is no signature. */
static uint64_t
sum_words(const void *bytes, size_t n, uint64_t sum)
{
	const unsigned char *p = bytes;
	for (size_t i = 0; i + 8 <= n; i += 8) {
		uint64_t word;
		memcpy(&word, p + i, 8);
		sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		sum ^= sum >> 32;
	}
	return sum;
}

/* ---- The header ---- */

/* 48 bits of number, 16 of seal. */
uint64_t
holds_commits_sealed(uint64_t commits)
{
	uint64_t number = commits & UINT64_C(0xffffffffffff);
	return number << 16 | (sum_words(&number, sizeof number, 1) & 0xffff);
}

static uint64_t
header_check(const struct holds_header *header)
{
	return sum_words(header, offsetof(struct holds_header, check), 2);
}

void
holds_header_fill(struct holds_header *header, const char *ledger, uint64_t commits)
{
	memset(header, 0, sizeof *header);
	memcpy(header->magic, magic, sizeof magic);
	header->version = HOLDS_VERSION;
	header->slot_bytes = sizeof(struct holds_slot);
	header->slots = HOLDS_SLOTS;
	str_copy(header->ledger, sizeof header->ledger, str_from(ledger));
	header->check = header_check(header);
	atomic_init(&header->commits, holds_commits_sealed(commits));
}

/* NULL, or what is wrong with it in words. */
static const char *
judge(const struct holds_header *header, ssize_t n, int64_t size, struct holds_mark *out)
{
	if (n != (ssize_t)sizeof *header || memcmp(header->magic, magic, sizeof magic) != 0)
		return "its first bytes are not those of a holds file";
	if (header->version > HOLDS_VERSION)
		return "it was written by a newer farthing";
	if (header->check != header_check(header) || header->version != HOLDS_VERSION ||
	    header->slot_bytes != sizeof(struct holds_slot) || header->slots != HOLDS_SLOTS ||
	    memchr(header->ledger, '\0', sizeof header->ledger) == NULL)
		return "its header is damaged";
	if (size != (int64_t)HOLDS_FILE_BYTES)
		return "it was cut";
	uint64_t word = atomic_load(&header->commits);
	if (holds_commits_sealed(word >> 16) != word)
		return "its count of commits is damaged";
	str_copy(out->ledger, sizeof out->ledger, str_from(header->ledger));
	out->commits = word >> 16;
	return NULL;
}

static int
cannot_read(const char *path, struct err *e)
{
	return err_set(e, 503, "ledger_unavailable", "cannot read %s: %s", path, strerror(errno));
}

int
holds_look(const char *path, struct holds_mark *out, struct err *e)
{
	*out = (struct holds_mark){ 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? 0 : cannot_read(path, e);
	struct stat st;
	struct holds_header header;
	memset(&header, 0, sizeof header);
	ssize_t n = fstat(fd, &st) == 0 ? pread(fd, &header, sizeof header, 0) : -1;
	int rc = n < 0 ? cannot_read(path, e) : 0;
	close(fd);
	if (rc != 0)
		return rc;
	out->present = true;
	const char *why = judge(&header, n, (int64_t)st.st_size, out);
	if (why == NULL)
		return 0;
	return err_set(e, 503, "ledger_holds_damaged",
	    "%s is damaged: %s, so what was being spent is not known; it was left untouched; restore it, or "
	    "start once with --init to do without",
	    path, why);
}

/* ---- A slot ---- */

uint64_t
holds_check(const struct holds_record *record, uint64_t state, int slot)
{
	static const uint64_t no_end[sizeof record->end / 8];
	uint64_t sum = sum_words(
	    record, offsetof(struct holds_record, end), state * UINT64_C(0x100000001b3) + (uint64_t)slot);
	return sum_words(no_end, sizeof no_end, sum);
}

uint64_t
holds_end_seal(int64_t cost_pico, uint64_t basis, uint64_t state)
{
	uint64_t words[] = { (uint64_t)cost_pico, basis };
	return sum_words(words, sizeof words, state);
}

static void
label_out(char *to, size_t size, const char *from)
{
	size_t n = strnlen(from, size - 1);
	memcpy(to, from, n);
	memset(to + n, 0, size - n);
}

#define PUT(field, from) label_out(record->field, sizeof record->field, from)

void
holds_record_fill(struct holds_record *record, const struct ledger_hold *hold)
{
	const struct price *p = &hold->price;
	record->at_us = hold->at_us;
	record->number = hold->number;
	PUT(request_id, hold->request_id);
	PUT(upstream, hold->upstream);
	PUT(model, hold->model);
	PUT(endpoint, hold->endpoint);
	PUT(project, hold->payer.project);
	PUT(key, hold->payer.key);
	PUT(task, hold->payer.task);
	PUT(run, hold->payer.run);
	for (int i = 0; i < WINDOW_KINDS; i++) {
		record->windows[2 * i] = hold->windows[i].start_us;
		record->windows[2 * i + 1] = hold->windows[i].end_us;
	}
	record->held_pico = hold->held_pico;
	const int64_t price[] = { p->known, p->input, p->cached_input, p->cache_write, p->output,
		p->reasoning, p->batch_input, p->batch_output, p->training, p->fee };
	_Static_assert(sizeof price == sizeof record->price, "all of the price goes in");
	memcpy(record->price, price, sizeof price);
	memset(record->zero, 0, sizeof record->zero);
	memset(&record->end, 0, sizeof record->end);
}

static bool
is_label(const char *bytes, size_t size)
{
	return memchr(bytes, '\0', size) != NULL;
}

#define IS_LABEL(field) is_label(record->field, sizeof record->field)

/* A checksum only says that the bytes are those that were written; that they make sense is asked as well. */
static bool
is_sound(const struct holds_record *record)
{
	bool has_labels = IS_LABEL(request_id) && IS_LABEL(upstream) && IS_LABEL(model) &&
			  IS_LABEL(endpoint) && IS_LABEL(project) && IS_LABEL(key) && IS_LABEL(task) &&
			  IS_LABEL(run);
	if (!has_labels || record->request_id[0] == '\0' || record->number < 1 ||
	    record->number > INT32_MAX || record->at_us < 0 || record->held_pico < 0)
		return false;
	for (int i = 0; i < WINDOW_KINDS; i++)
		if (record->windows[2 * i] > record->windows[2 * i + 1])
			return false;
	for (size_t i = 0; i < sizeof record->price / sizeof *record->price; i++)
		if (record->price[i] < 0)
			return false;
	return record->price[0] <= 1;
}

#define GET(to, field) str_copy(to, sizeof(to), str_from(record->field))

static void
read_record(const struct holds_record *record, struct ledger_hold *hold)
{
	*hold = (struct ledger_hold){
		.at_us = record->at_us, .number = (int)record->number, .held_pico = record->held_pico
	};
	GET(hold->request_id, request_id);
	GET(hold->upstream, upstream);
	GET(hold->model, model);
	GET(hold->endpoint, endpoint);
	GET(hold->payer.project, project);
	GET(hold->payer.key, key);
	GET(hold->payer.task, task);
	GET(hold->payer.run, run);
	for (int i = 0; i < WINDOW_KINDS; i++)
		hold->windows[i] = (struct window){ record->windows[2 * i], record->windows[2 * i + 1] };
	const int64_t *p = record->price;
	hold->price = (struct price){ p[0] != 0, p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8], p[9] };
}

/* -1 where its end was not written, or not to the last word */
static void
read_end(const struct holds_record *record, uint64_t state, struct ledger_hold *hold)
{
	int64_t cost = record->end.cost_pico;
	uint64_t basis = record->end.basis;
	bool whole = atomic_load(&record->end.seal) == holds_end_seal(cost, basis, state);
	bool sound = cost >= 0 && basis <= COST_HELD && (basis != COST_NONE || cost == 0);
	hold->settled_pico = whole && sound ? cost : -1;
	hold->settled_basis = whole && sound ? (enum cost_basis)basis : COST_HELD;
}

/* ---- Reading ---- */

struct holds_reader {
	int fd;
	int next;  /* slot to be looked at */
	int first; /* the slots first <= slot < last are in the block */
	int last;
	struct holds_slot block[BLOCK_SLOTS];
};

struct holds_reader *
holds_read(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		cannot_read(path, e);
		return NULL;
	}
	struct holds_reader *r = must_alloc(sizeof *r);
	r->fd = fd;
	return r;
}

/* Read, not mapped: looking at every slot of a mapping would make all of it resident. */
static bool
read_block(struct holds_reader *r)
{
	off_t at = HOLDS_HEADER_BYTES + (off_t)r->next * (off_t)sizeof(struct holds_slot);
	ssize_t n = r->next < HOLDS_SLOTS ? pread(r->fd, r->block, sizeof r->block, at) : 0;
	int whole = n > 0 ? (int)((size_t)n / sizeof(struct holds_slot)) : 0;
	r->first = r->next;
	r->last = r->first + whole < HOLDS_SLOTS ? r->first + whole : HOLDS_SLOTS;
	return whole > 0;
}

enum holds_found
holds_next(struct holds_reader *r, struct ledger_hold *hold, int *slot)
{
	while (r->next < r->last || read_block(r)) {
		const struct holds_slot *s = &r->block[r->next - r->first];
		uint64_t state = atomic_load(&s->state);
		*slot = r->next++;
		if (state == 0)
			continue;
		if (s->check != holds_check(&s->record, state, *slot) || !is_sound(&s->record))
			return HOLDS_TORN;
		read_record(&s->record, hold);
		read_end(&s->record, state, hold);
		return HOLDS_LIVE;
	}
	return HOLDS_END;
}

void
holds_read_end(struct holds_reader **r)
{
	if (*r == NULL)
		return;
	close((*r)->fd);
	free(*r);
	*r = NULL;
}
