/*
 * A virtual key, as the gateway knows it while it runs: who uses it, what it may do, and until when. Made from the
 * ledger's table of keys; never holds the secret. Counted: a request keeps the key it came with, also when the key is
 * revoked meanwhile. The loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_KEY_H
#define FARTHING_CORE_KEY_H

#include "core/account.h"

struct key {
	char name[ACCOUNT_NAME];    /* the account in the books */
	char project[ACCOUNT_NAME]; /* empty: none */
	struct account_limits limits;
	char models[1024];  /* "a,b": model names it may ask for; empty: all */
	int concurrent;     /* requests in flight; 0: as limits.per_key says */
	int64_t expires_us; /* wall clock; 0: never */
	bool revoked;
	unsigned char mac[32]; /* HMAC-SHA-256 of the secret */
	int in_flight;         /* counted by the server */
	int holders;
};

struct key *key_new(const struct key *like); /* a copy, held once, with nothing in flight */
void key_hold(struct key *k);
void key_drop(struct key **k); /* NULL inside is fine */
/* By the name that was asked for, "auto" included */
bool key_allows(const struct key *k, struct str model);

#endif
