/*
 * SHA-256 and randomness.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/digest.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

/* Looked up once: the library's one-call functions search for the algorithm by name at every call. */
static EVP_MD *sha256;

static void
fetch(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

struct digest
digest_of(struct str bytes)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct digest d;
	pthread_once(&once, fetch);
	int ok =
	    sha256 != NULL && EVP_Digest(bytes.n > 0 ? bytes.p : "", bytes.n, d.b, NULL, sha256, NULL) == 1;
	assert(ok);
	return d;
}

/* To be copied for every use: setting one up looks for two algorithms by name. */
static EVP_MAC_CTX *hmac;

static void
fetch_hmac(void)
{
	static char sha[] = "SHA256";
	OSSL_PARAM with[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha, 0),
		OSSL_PARAM_construct_end() };
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	hmac = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;
	EVP_MAC_free(mac);
	int ok = hmac != NULL && EVP_MAC_CTX_set_params(hmac, with) == 1;
	assert(ok);
}

struct digest
digest_keyed(const struct digest *secret, struct str bytes)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct digest d;
	size_t n = 0;
	const void *p = bytes.n > 0 ? bytes.p : "";
	pthread_once(&once, fetch_hmac);
	EVP_MAC_CTX *c = EVP_MAC_CTX_dup(hmac);
	int ok = c != NULL && EVP_MAC_init(c, secret->b, sizeof secret->b, NULL) == 1 &&
		 EVP_MAC_update(c, p, bytes.n) == 1 && EVP_MAC_final(c, d.b, &n, sizeof d.b) == 1;
	assert(ok && n == sizeof d.b);
	EVP_MAC_CTX_free(c);
	return d;
}

bool
digest_equal(const struct digest *a, const struct digest *b)
{
	return CRYPTO_memcmp(a->b, b->b, sizeof a->b) == 0;
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

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

struct str
digest_str(const struct digest *d)
{
	return (struct str){ (const char *)d->b, sizeof d->b };
}

bool
digest_parse(struct str hex, struct digest *out)
{
	if (hex.n != 64)
		return false;
	for (size_t i = 0; i < 32; i++) {
		int high = hex_value(hex.p[2 * i]), low = hex_value(hex.p[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		out->b[i] = (unsigned char)(high << 4 | low);
	}
	return true;
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
timed_id(char *out, size_t size, const char *prefix, int64_t ms)
{
	/* In the order of their codes, so that texts sort as their times do. */
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	enum { TIME_DIGITS = 8 }; /* enough for 6,900 years of milliseconds */
	size_t n = strlen(prefix);
	assert(n + TIME_DIGITS < size && ms >= 0);
	memcpy(out, prefix, n);
	for (size_t i = TIME_DIGITS; i-- > 0; ms /= 62)
		out[n + i] = digits[ms % 62];
	n += TIME_DIGITS;
	while (n < size - 1)
		out[n++] = digits[random_u64() % 62];
	out[n] = '\0';
}
