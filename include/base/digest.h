/*
 * SHA-256, random bytes and identifiers made of them. Any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_BASE_DIGEST_H
#define FARTHING_BASE_DIGEST_H

#include "base/str.h"

struct digest {
	unsigned char b[32];
};

struct digest digest_of(struct str bytes); /* FIPS 180-4 SHA-256 */
/* HMAC-SHA-256 (RFC 2104) under a secret of 32 bytes */
struct digest digest_keyed(const struct digest *secret, struct str bytes);
void digest_hex(const struct digest *d, char out[65]);
struct str digest_str(const struct digest *d);         /* its 32 bytes: a key of tables */
bool digest_parse(struct str hex, struct digest *out); /* what digest_hex wrote; false for anything else */
/* Takes as long for digests that differ at once as for equal ones. */
bool digest_equal(const struct digest *a, const struct digest *b);
void random_bytes(void *out, size_t n); /* from the kernel; ends the process when it has none */
/* prefix, the time in 8 base-62 digits, then random ones up to size-1 characters, terminated: such identifiers sort by
 * time, so an index over them grows at its end and not everywhere */
void timed_id(char *out, size_t size, const char *prefix, int64_t ms);
uint64_t random_u64(void); /* fast, not secret: back-off jitter, sampling */

#endif
