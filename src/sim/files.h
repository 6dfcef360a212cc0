/*
 * /v1/files: upload, list, get, content, delete. In memory.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SIM_FILES_H
#define FARTHING_SIM_FILES_H

#include "sim.h"

struct sim_file {
	char id[48], name[128], purpose[32];
	int64_t created;
	struct buf content;
};

void sim_files_open(struct sim *s);
void sim_files_close(struct sim *s);
void sim_files_serve(struct sim *s, const struct sim_request *r, struct sim_reply *reply);

struct sim_file *sim_file_find(struct sim *s, struct str id); /* NULL when there is none */
/* Takes the content's bytes; the file is named and listed from now on. */
struct sim_file *sim_file_add(struct sim *s, const char *name, const char *purpose, struct buf *content);

#endif
