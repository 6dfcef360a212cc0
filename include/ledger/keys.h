/*
 * Virtual keys in the ledger's file: made, revoked, looked up. A secret is shown once, when it is made; what is kept is its
 * HMAC under a secret of the file's own.
 *
 *     farthing keys ── writes, in short transactions of its own ──> the file <── looks whether it changed ── the gateway
 *
 * A connection of its own beside the ledger's, and not under its lock: the tools work while a gateway runs. A key's name is
 * an account in the books, so a row is never deleted and a name never given twice. One thread at a time for each connection.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_LEDGER_KEYS_H
#define FARTHING_LEDGER_KEYS_H

#include "base/digest.h"
#include "base/err.h"
#include "core/key_wish.h"

/* "sk-farthing-", 43 letters and digits, and the terminating NUL: 256 bits from the kernel */
enum { KEY_SECRET = 12 + 43 + 1, KEY_HINT = 4 + 1 };

struct key_row {
	struct key key;      /* held by nobody */
	char hint[KEY_HINT]; /* the last characters of its secret */
	int64_t created_us, revoked_us;
	int64_t thawed_us;        /* when an operator last let it go on; 0: never */
	int64_t spent_today_pico; /* -1: the books do not say */
	bool frozen;              /* today: it cost more than was held for it */
};

const char *key_row_state(
    const struct key_row *row, int64_t now_us); /* "active", "expired", "revoked", "frozen" */
/* Appends the members of a JSON object, braces excluded: name, state, limits, ... never the mac */
int key_row_json(const struct key_row *row, int64_t now_us, struct buf *out);

struct keys;
enum keys_use {
	KEYS_READ,   /* looks only */
	KEYS_CHANGE, /* an older file is brought up to date first, as the gateway would */
	KEYS_CREATE, /* ... and a missing one is made */
};

/* NULL with *e. Waits some seconds for a gateway that is writing. */
struct keys *keys_open(const char *path, enum keys_use use, struct err *e);
void keys_close(struct keys **k);

/* A key like that one, its mac excepted. 0, or -1 with *e: 409 key_exists, 503 ledger_unavailable. */
int keys_add(struct keys *k, const struct key *like, int64_t now_us, char secret[KEY_SECRET], struct err *e);
/* Changes what the wish says of the key it names, and no more. config as for key_wish_read. 400 as there, 404 key_not_found,
 * 409 key_revoked. */
int keys_set(
    struct keys *k, const struct key_wish *wish, const struct config *config, int64_t now_us, struct err *e);
/* Both: 404 key_not_found. One that is revoked already stays as it is. */
int keys_revoke(struct keys *k, const char *name, int64_t now_us, struct err *e);
/* "local" too, the account of those who come without a key */
int keys_thaw(struct keys *k, const char *name, int64_t now_us, struct err *e);
/* When an account was last let go on, whether it has a key or not; 0: never */
int keys_thawed(struct keys *k, const char *name, int64_t *us, struct err *e);

/* All of them, oldest first, as they are at one moment. *rows is the caller's to free. */
int keys_list(struct keys *k, int64_t now_us, struct key_row **rows, size_t *count, struct err *e);
/* 1: something changed since the last keys_list, 0: nothing did, -1 with *e. Cheap, also while the ledger is written to. */
int keys_changed(struct keys *k, struct err *e);
/* What secrets are keyed with; all zeroes while there has never been a key */
int keys_pepper(struct keys *k, struct digest *pepper, struct err *e);

#endif
