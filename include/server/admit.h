/*
 * Who comes, and what they may do: clients by their virtual keys, administrators by the configured one. Wrong, revoked and
 * expired keys get the same words after the same work. The loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SERVER_ADMIT_H
#define FARTHING_SERVER_ADMIT_H

#include "server/route.h"
#include "stages/keyring.h"

/* All of these: 0, or -1 with *e. A secret with p == NULL: none was sent. */

/* Until its key is found a request is a stranger's, where keys are required at all */
void admit_nobody(const struct keyring *ring, struct exchange *x);
/* Fills the exchange's key (held), account and project. */
int admit_client(struct keyring *ring, struct str secret, struct exchange *x, struct err *e);
/* How many requests of one key may be in flight; most: of those that say nothing else */
int admit_one_more(const struct key *key, int most, struct err *e);
/* What the key may ask for. key NULL: everything */
int admit_model(const struct key *key, struct str model, struct err *e);
int admit_forward(const struct key *key, const struct forward *f, struct err *e);
/* admin_key "": programs on this machine only */
int admit_admin(struct keyring *ring, const char *admin_key, struct str secret, bool from_loopback,
    int64_t wall_us, struct err *e);

#endif
