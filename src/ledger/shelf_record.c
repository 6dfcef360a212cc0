/*
 * An answer as it lies on the shelf.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shelf_record.h"

#include <assert.h>

enum {
	DIGEST = sizeof(struct digest),
	MARK = 8,
	NUMBERS = 11,
	TEXTS = 10,
	FIXED = DIGEST + MARK + 3 * DIGEST + NUMBERS * 8,
	TEXT_MOST = 256 * 1024 * 1024,
};

static const char mark[MARK + 1] = "farthing"; /* and the version of this layout is the file's */

static struct str *
text_at(struct shelf_item *item, int i)
{
	struct str *const texts[TEXTS] = { &item->text, &item->body, &item->scope, &item->account,
		&item->task, &item->endpoint, &item->tier, &item->model, &item->upstream, &item->asker_id };
	return texts[i];
}

static char *
put(char *out, const void *bytes, size_t n)
{
	if (n > 0)
		memcpy(out, bytes, n);
	return out + n;
}

/* The least byte first, whatever the machine does. */
static char *
put_number(char *out, uint64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		*out++ = (char)(unsigned char)(value >> 8 * i);
	return out;
}

static uint64_t
take_number(const char **at, int bytes)
{
	uint64_t value = 0;
	for (int i = 0; i < bytes; i++)
		value |= (uint64_t)(unsigned char)*(*at)++ << 8 * i;
	return value;
}

size_t
shelf_record_size(const struct shelf_item *item)
{
	struct shelf_item copy = *item;
	size_t n = FIXED;
	for (int i = 0; i < TEXTS; i++) {
		const struct str *text = text_at(&copy, i);
		if (text->n > TEXT_MOST)
			return 0;
		n += 4 + text->n;
	}
	return n <= TEXT_MOST ? n : 0;
}

void
shelf_record_write(const struct shelf_item *item, char *out)
{
	struct shelf_item copy = *item;
	const char *begin = out;
	const uint64_t numbers[NUMBERS] = { item->usage.known, item->usage.estimated,
		(uint64_t)item->usage.input, (uint64_t)item->usage.cached_input,
		(uint64_t)item->usage.cache_write, (uint64_t)item->usage.output,
		(uint64_t)item->usage.reasoning, (uint64_t)item->cost_pico, (uint64_t)item->basis,
		(uint64_t)item->kept_us, (uint64_t)item->expires_us };
	memset(out, 0, DIGEST);
	out = put(out + DIGEST, mark, MARK);
	out = put(out, item->key.b, DIGEST);
	out = put(out, item->check.b, DIGEST);
	out = put(out, item->bucket.b, DIGEST);
	for (int i = 0; i < NUMBERS; i++)
		out = put_number(out, numbers[i], 8);
	for (int i = 0; i < TEXTS; i++) {
		const struct str *text = text_at(&copy, i);
		out = put_number(out, text->n, 4);
		out = put(out, text->p, text->n);
	}
	assert((size_t)(out - begin) == shelf_record_size(item));
}

void
shelf_record_seal(char *record, size_t n)
{
	struct digest d = digest_of((struct str){ record + DIGEST, n - DIGEST });
	memcpy(record, d.b, DIGEST);
}

/* What the rest of the program takes for granted of numbers. */
static bool
makes_sense(const uint64_t numbers[NUMBERS])
{
	if (numbers[0] > 1 || numbers[1] > 1 || numbers[8] > COST_UNPRICED)
		return false;
	for (int i = 2; i < 7; i++)
		if (numbers[i] > INT64_MAX)
			return false;
	if (numbers[9] > INT64_MAX || numbers[10] > INT64_MAX)
		return false;
	uint64_t input = numbers[2], cached = numbers[3], write = numbers[4];
	bool usage_fits = cached <= input && write <= input - cached && numbers[6] <= numbers[5];
	return usage_fits && (int64_t)numbers[7] >= -1;
}

bool
shelf_record_read(struct str record, struct shelf_item *item)
{
	*item = (struct shelf_item){ 0 };
	if (record.n < FIXED || memcmp(record.p + DIGEST, mark, MARK) != 0)
		return false;
	struct digest sealed, found = digest_of((struct str){ record.p + DIGEST, record.n - DIGEST });
	memcpy(sealed.b, record.p, DIGEST);
	if (!digest_equal(&sealed, &found))
		return false;
	const char *at = record.p + DIGEST + MARK, *end = record.p + record.n;
	struct digest *const digests[] = { &item->key, &item->check, &item->bucket };
	for (int i = 0; i < 3; i++, at += DIGEST)
		memcpy(digests[i]->b, at, DIGEST);
	uint64_t numbers[NUMBERS];
	for (int i = 0; i < NUMBERS; i++)
		numbers[i] = take_number(&at, 8);
	if (!makes_sense(numbers))
		return false;
	item->usage = (struct usage){ .known = numbers[0] != 0,
		.estimated = numbers[1] != 0,
		.input = (int64_t)numbers[2],
		.cached_input = (int64_t)numbers[3],
		.cache_write = (int64_t)numbers[4],
		.output = (int64_t)numbers[5],
		.reasoning = (int64_t)numbers[6] };
	item->cost_pico = (int64_t)numbers[7];
	item->basis = (enum cost_basis)numbers[8];
	item->kept_us = (int64_t)numbers[9];
	item->expires_us = (int64_t)numbers[10];
	for (int i = 0; i < TEXTS; i++) {
		if (end - at < 4)
			return false;
		size_t n = (size_t)take_number(&at, 4);
		if (n > (size_t)(end - at))
			return false;
		*text_at(item, i) = (struct str){ at, n };
		at += n;
	}
	return at == end;
}
