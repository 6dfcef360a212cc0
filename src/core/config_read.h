/*
 * Reading: nodes of the file go through the table of keys into the structs of the configuration. Every mistake
 * becomes a problem and reading goes on; what could not be read keeps its default.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_CORE_CONFIG_READ_H
#define FARTHING_CORE_CONFIG_READ_H

#include "config_schema.h"
#include "config_yaml.h"

struct reader {
	struct config *config;
	struct config_memory *memory;
	struct problem_list *problems;
	struct buf text, secret; /* of the scalar at hand; wiped after each */
	bool in_task;            /* global keys are refused */
	bool without_secrets;    /* those that are missing are left out */
	bool in_defaults;        /* a default may name a model that this configuration does not serve */
};

#define KEY_PATH_SIZE 128

/* "prefix.name", cut to fit. */
void read_join(char out[KEY_PATH_SIZE], const char *prefix, const char *name);

void read_defaults(struct reader *r, const struct config_section *s, const char *path, void *target);
void read_section(
    struct reader *r, const struct config_section *s, const struct node *n, const char *path, void *target);
/* One value; false when it was refused. */
bool read_value(
    struct reader *r, const struct config_key *k, const struct node *n, const char *path, void *slot);
/* The same for a text that stands in no file. */
bool read_text(
    struct reader *r, const struct config_key *k, struct str text, int line, const char *path, void *slot);

/* A map whose keys are names, or a list of names: refuses what is neither and names that cannot be one. */
bool read_is_map(struct reader *r, const struct node *n, const char *path);
bool read_is_list(struct reader *r, const struct node *n, const char *path);
/* How long names may be: what the books and the metrics keep of them, and they keep them whole. */
enum { NAME_OF_UPSTREAM = 47, NAME_OF_MODEL = 95 };
bool read_name_ok(struct reader *r, struct str name, size_t most, int line, const char *path);
/* The name of a task or a project: a label, as a request may carry it. */
bool read_account_ok(struct reader *r, struct str name, int line, const char *path);

/* A secret that was not found is no mistake for who uses none. rc: of value_expand or value_secret */
bool read_is_left_out(const struct reader *r, const struct config_key *k, int rc);

/* NULL when there is none of that name, which is a problem unless the defaults name it */
const struct model_conf *read_model(struct reader *r, struct str name, int line, const char *path);

#endif
