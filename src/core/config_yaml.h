/*
 * A YAML text as a tree of nodes that know their line: the only place that sees libyaml. What a configuration
 * does not need and an attacker or a slip of the hand may use is refused: anchors and aliases, tags, several
 * documents, duplicate keys, deep nesting, more than 1 MiB.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_CONFIG_YAML_H
#define FARTHING_CORE_CONFIG_YAML_H

#include "config_memory.h"
#include "config_problem.h"

#define YAML_MOST_BYTES ((size_t)1024 * 1024)

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
	enum node_kind kind;
	int line;
	struct str text; /* a scalar's; terminated, no NUL inside */
	bool plain;      /* a scalar written without quotes */
	struct str key;  /* the name it has in its map; terminated */
	int key_line;
	struct node *first, *next; /* its children in the file's order; its next sibling */
	size_t count;              /* children */
};

/* The tree, in m's memory; NULL for a text that holds nothing, or when a problem was added that makes the rest
 * unreadable. Duplicate keys are problems too, but the tree is returned (with the first of them). */
struct node *yaml_read(struct str text, struct config_memory *m, struct problem_list *problems);

struct node *node_get(const struct node *map, const char *key); /* NULL when absent or map is no map */
bool node_null(const struct node *n);                           /* absent, `~`, `null` or nothing at all */

#endif
