/*
 * The keyring: the virtual keys that a running gateway knows, found by their secrets. It looks several times a second
 * whether the ledger's table of keys was changed by somebody else, so that a revoked key stops within one, and a raised
 * limit serves.
 *
 *     keyring_new ──> look, look, ... ──> keyring_free
 *
 * While there has never been a key, none is required. From the first one on all clients need one, also when that first one
 * is revoked: who revokes the last key does not mean to open the door. The loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_STAGES_KEYRING_H
#define FARTHING_STAGES_KEYRING_H

#include "core/key.h"
#include "ledger/keys.h"
#include "upstream/loop.h"

struct keyring;

struct keyring_events {
	void (*on_thaw)(void *context, const char *name);      /* an operator lets a frozen key go on */
	void (*on_change)(void *context, const struct key *k); /* a key that was known may do more, or less */
	void *context;
};

/* Opens the ledger's file, which must be there. loop NULL: looks only when told to. Copies the events. */
struct keyring *keyring_new(
    struct loop *loop, const char *database, const struct keyring_events *events, struct err *e);
void keyring_free(struct keyring **r);

void keyring_insist(struct keyring *r); /* from now on keys are required, even if there are none */
bool keyring_required(const struct keyring *r);
size_t keyring_count(const struct keyring *r); /* revoked and expired ones too */
/* NULL for a secret that is wrong, revoked or expired, after the same work. Who keeps the key holds it. */
struct key *keyring_find(struct keyring *r, struct str secret, int64_t wall_us);
void keyring_look(struct keyring *r); /* now, not at the next of its times */

#endif
