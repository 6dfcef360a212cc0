/*
 * What a provider's batch interface says, out of foreign bytes: result lines, job objects, lists of jobs. Whatever is read, names that go
 * into paths are harmless, a line says one thing, and what is not an answer is never free of charge without a reason.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>

#include "../../src/stages/deferred_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_name(const char *name)
{
	assert(strlen(name) < REMOTE_ID);
	assert(name[0] != '.' && strpbrk(name, "/?#%&\r\n \\") == NULL);
}

static void
check_batch(const struct batch *b)
{
	check_name(b->id);
	check_name(b->output);
	check_name(b->errors);
	assert(b->completed >= -1);
}

static void
read_line(struct json *tape, struct str line, enum endpoint endpoint)
{
	enum { MOST = 512 };
	struct ending e = { 0 };
	if (line_judge(tape, line, endpoint, MOST, &e) != 0) {
		assert(e.id[0] == '\0' && e.answer.n == 0);
		return;
	}
	assert(e.id[0] != '\0' && strlen(e.id) < sizeof e.id);
	assert(e.answer.n <= MOST);
	bool answered = e.state == DEFERRED_DONE;
	assert(answered == (e.err.status == 0) && (answered || e.state == DEFERRED_FAILED));
	assert(!answered || (e.provider_status == 200 && e.billed == BILLED_AS_TOLD && e.answer.n > 0));
	bool success = e.provider_status >= 200 && e.provider_status < 300;
	assert(!success || e.billed != BILLED_NOT);
	assert(!e.unprocessed || (e.billed == BILLED_NOT && e.provider_status == 0));
	ending_free(&e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size }, rest = text, line;
	struct json tape = { 0 };
	struct batch b;
	char last[REMOTE_ID], id[REMOTE_ID];
	int64_t oldest;
	while (str_cut(&rest, '\n', &line)) {
		read_line(&tape, line, ENDPOINT_CHAT);
		read_line(&tape, line, ENDPOINT_RESPONSES);
	}
	json_free(&tape);
	if (batch_read(text, &b) == 0)
		assert(b.id[0] != '\0');
	check_batch(&b);
	if (batch_page_find(text, "fj_1", &b, last, &oldest) == 1)
		assert(strcmp(b.name, "fj_1") == 0);
	check_batch(&b);
	check_name(last);
	batch_file_read(text, id);
	check_name(id);
	return 0;
}
