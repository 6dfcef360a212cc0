/*
 * The holds file in use: slots are taken and given back in place.
 * The last slot given back is the first to be taken again, so that a quiet gateway touches few pages.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "holds.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "holds_file.h"
#include "schema.h"

struct holds {
	unsigned char *map;
	uint64_t sequence; /* of the last slot put; never 0 in a live one */
	int fresh;         /* slots from here on were never taken in this life */
	int given_count;
	int count;
	int low, high; /* slots put since the last sync; high < low: none */
	int given[HOLDS_SLOTS];
};

static struct holds_slot *
slot_at(const struct holds *h, int slot)
{
	assert(slot >= 0 && slot < HOLDS_SLOTS);
	return (struct holds_slot *)(void *)(h->map + HOLDS_HEADER_BYTES +
					     (size_t)slot * sizeof(struct holds_slot));
}

static void
nothing_touched(struct holds *h)
{
	h->low = HOLDS_SLOTS;
	h->high = -1;
}

/* ---- Birth ---- */

static int
fill(int fd, const char *name, const char *ledger, uint64_t commits, struct err *e)
{
	/* A page of a mapping that the disk has no room for would kill the process when it is touched. */
	int rc = posix_fallocate(fd, 0, HOLDS_FILE_BYTES);
	if (rc != 0)
		return err_set(e, 503, "ledger_unavailable", "cannot reserve %lld bytes for %s: %s",
		    (long long)HOLDS_FILE_BYTES, name, strerror(rc));
	struct holds_header header;
	holds_header_fill(&header, ledger, commits);
	if (pwrite(fd, &header, sizeof header, 0) != (ssize_t)sizeof header || fsync(fd) != 0)
		return err_set(e, 503, "ledger_unavailable", "cannot write %s: %s", name, strerror(errno));
	return 0;
}

int
holds_create(const char *path, const char *ledger, uint64_t commits, struct err *e)
{
	size_t size = strlen(path) + sizeof ".new";
	char *name = must_alloc(size);
	snprintf(name, size, "%s.new", path);
	unlink(name);
	int rc = -1, fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		err_set(e, 503, "ledger_unavailable", "cannot create %s: %s", name, strerror(errno));
		free(name);
		return -1;
	}
	rc = fill(fd, name, ledger, commits, e);
	close(fd);
	rc = schema_put_in_place(name, path, rc, e);
	free(name);
	return rc;
}

struct holds *
holds_open(const char *path, struct err *e)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		err_set(e, 503, "ledger_unavailable", "cannot write to %s: %s", path, strerror(errno));
		return NULL;
	}
	/* Again: a copy of the file may have been made with holes. */
	int rc = posix_fallocate(fd, 0, HOLDS_FILE_BYTES);
	void *map =
	    rc == 0 ? mmap(NULL, HOLDS_FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
	if (rc == 0 && map == MAP_FAILED)
		rc = errno;
	close(fd);
	if (rc != 0) {
		err_set(e, 503, "ledger_unavailable", "cannot map %s: %s", path, strerror(rc));
		return NULL;
	}
	struct holds *h = must_alloc(sizeof *h);
	h->map = map;
	nothing_touched(h);
	return h;
}

void
holds_close(struct holds **h)
{
	if (*h == NULL)
		return;
	munmap((*h)->map, HOLDS_FILE_BYTES);
	free(*h);
	*h = NULL;
}

/* ---- Slots ---- */

int
holds_put(struct holds *h, const struct ledger_hold *hold)
{
	if (h->given_count == 0 && h->fresh == HOLDS_SLOTS)
		return -1;
	int slot = h->given_count > 0 ? h->given[--h->given_count] : h->fresh++;
	struct holds_slot *s = slot_at(h, slot);
	assert(atomic_load_explicit(&s->state, memory_order_relaxed) == 0);
	uint64_t state = ++h->sequence;
	holds_record_fill(&s->record, hold);
	s->check = holds_check(&s->record, state, slot);
	/* Only with this the slot is live: whoever reads it after our death finds all that is above. */
	atomic_store_explicit(&s->state, state, memory_order_release);
	h->count++;
	h->low = slot < h->low ? slot : h->low;
	h->high = slot > h->high ? slot : h->high;
	return slot;
}

bool
holds_is(const struct holds *h, int slot, const char *request_id, int number)
{
	if (slot < 0 || slot >= HOLDS_SLOTS)
		return false;
	const struct holds_slot *s = slot_at(h, slot);
	return atomic_load_explicit(&s->state, memory_order_relaxed) != 0 && s->record.number == number &&
	       strncmp(s->record.request_id, request_id, sizeof s->record.request_id - 1) == 0;
}

void
holds_settle(struct holds *h, int slot, int64_t cost_pico, enum cost_basis basis)
{
	struct holds_slot *s = slot_at(h, slot);
	struct holds_end *end = &s->record.end;
	uint64_t state = atomic_load_explicit(&s->state, memory_order_relaxed);
	assert(state != 0);
	end->cost_pico = cost_pico;
	end->basis = (uint64_t)basis;
	atomic_store_explicit(
	    &end->seal, holds_end_seal(cost_pico, (uint64_t)basis, state), memory_order_release);
}

void
holds_drop(struct holds *h, int slot)
{
	struct holds_slot *s = slot_at(h, slot);
	assert(atomic_load_explicit(&s->state, memory_order_relaxed) != 0);
	atomic_store_explicit(&s->state, 0, memory_order_release);
	/* One that another life put is free from the start, and has its turn in the row of fresh ones. */
	if (slot >= h->fresh)
		return;
	h->given[h->given_count++] = slot;
	h->count--;
}

int
holds_count(const struct holds *h)
{
	return h->count;
}

void
holds_publish(struct holds *h, uint64_t commits)
{
	struct holds_header *header = (struct holds_header *)(void *)h->map;
	atomic_store_explicit(&header->commits, holds_commits_sealed(commits), memory_order_release);
}

/* ---- For those who want it on the disk ---- */

bool
holds_touched(struct holds *h, struct holds_range *out)
{
	if (h->high < h->low)
		return false;
	enum { PAGE = HOLDS_HEADER_BYTES };
	size_t from = HOLDS_HEADER_BYTES + (size_t)h->low * sizeof(struct holds_slot);
	size_t to = HOLDS_HEADER_BYTES + (size_t)(h->high + 1) * sizeof(struct holds_slot);
	from = from / PAGE * PAGE;
	*out = (struct holds_range){ h->map + from, to - from };
	nothing_touched(h);
	return true;
}

int
holds_sync(const struct holds_range *range)
{
	return msync(range->at, range->bytes, MS_SYNC);
}
