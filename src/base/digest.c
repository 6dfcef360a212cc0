/*
 * SHA-256 and randomness.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/digest.h"

#include <assert.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

struct digest
digest_of(struct str bytes)
{
	struct digest d;
	SHA256((const unsigned char *)(bytes.n > 0 ? bytes.p : ""), bytes.n, d.b);
	return d;
}

void
digest_hex(const struct digest *d, char out[65])
{
	static const char hex[] = "0123456789abcdef";
	for (size_t i = 0; i < 32; i++) {
		out[2 * i] = hex[d->b[i] >> 4];
		out[2 * i + 1] = hex[d->b[i] & 15];
	}
	out[64] = '\0';
}

void
random_bytes(void *out, size_t n)
{
	size_t got = 0;
	while (got < n) {
		ssize_t r = getrandom((char *)out + got, n - got, 0);
		if (r < 0) {
			perror("error the kernel has no random bytes");
			abort();
		}
		got += (size_t)r;
	}
}

/* xorshift64*, seeded by the kernel, one state a thread: a system call per identifier would cost more than the rest of it. */
uint64_t
random_u64(void)
{
	static _Thread_local uint64_t x;
	if (x == 0) {
		random_bytes(&x, sizeof x);
		x |= 1;
	}
	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	return x * UINT64_C(2685821657736338717);
}

void
random_id(char *out, size_t size, const char *prefix)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	size_t n = strlen(prefix);
	assert(n < size);
	memcpy(out, prefix, n);
	while (n < size - 1)
		out[n++] = digits[random_u64() % 62];
	out[n] = '\0';
}
