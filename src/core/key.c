/*
 * A virtual key.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/key.h"

#include <assert.h>
#include <stdlib.h>

struct key *
key_new(const struct key *like)
{
	struct key *k = must_alloc(sizeof *k);
	*k = *like;
	k->holders = 1;
	k->in_flight = 0;
	return k;
}

void
key_hold(struct key *k)
{
	assert(k->holders > 0);
	k->holders++;
}

void
key_drop(struct key **kp)
{
	struct key *k = *kp;
	*kp = NULL;
	if (k == NULL)
		return;
	assert(k->holders > 0);
	if (--k->holders > 0)
		return;
	assert(k->in_flight == 0);
	free(k);
}

bool
key_allows(const struct key *k, struct str model)
{
	struct str rest = str_from(k->models), name;
	if (rest.n == 0)
		return true;
	while (str_cut(&rest, ',', &name))
		if (str_eq(name, model))
			return true;
	return false;
}
