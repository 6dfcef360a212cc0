/*
 * Makes a valid instance of a JSON schema: every property, one item for each array or as many as it must have, the first of
 * every choice; deterministic in the seed. Knows type, enum, const, properties, items, prefixItems, anyOf, oneOf, allOf, $ref,
 * minimum, maximum, multipleOf of integers, minItems, minLength, maxLength, and the usual formats; ignores the rest.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SIM_SCHEMA_H
#define FARTHING_SIM_SCHEMA_H

#include "base/json.h"

struct sim_instance {
	const struct json *j;
	uint32_t root; /* the schema that $ref points into */
	uint64_t seed;
	struct str first; /* the text of the first free string: the answer and its mark */
	bool first_used;
	struct buf *out;
};

void sim_schema_instance(struct sim_instance *g, uint32_t schema);

#endif
