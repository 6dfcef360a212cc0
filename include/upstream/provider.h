/*
 * A provider: the living side of a configured upstream. It keeps what outlasts a call: the circuit breaker, the
 * request headers with its key in them, and easy handles ready for the next call. The loop only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_UPSTREAM_PROVIDER_H
#define FARTHING_UPSTREAM_PROVIDER_H

#include "core/config.h"
#include "upstream/circuit.h"

struct provider;

struct provider *provider_new(const struct upstream_conf *conf); /* conf must outlive it */
void provider_free(struct provider **p);                         /* when no call of it is left */
const struct upstream_conf *provider_conf(const struct provider *p);
struct circuit *provider_circuit(struct provider *p);
int *provider_active(struct provider *p); /* calls under way */

#endif
