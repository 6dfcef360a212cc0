/*
 * The simulation of the guard as it is: nothing is broken on purpose.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdbool.h>
#include <stddef.h>

extern const char *const mutation;
extern const bool mutation_is_applied;

const char *const mutation = NULL;
const bool mutation_is_applied = true;
