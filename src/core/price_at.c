/*
 * The price of a model at an instant.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/config.h"

const struct price *
config_price_at(const struct model_conf *m, int64_t wall_us)
{
	const struct price *p = &m->price;
	for (size_t i = 0; i < m->history_count && (i == 0 || m->history[i].from_us <= wall_us); i++)
		p = &m->history[i].price;
	return p;
}
