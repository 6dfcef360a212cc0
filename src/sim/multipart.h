/*
 * Reads multipart/form-data bodies, one part after the other, without copies.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SIM_MULTIPART_H
#define FARTHING_SIM_MULTIPART_H

#include "base/str.h"

struct sim_part {
	char name[64], filename[128];
	struct str content;
};

/* The boundary out of a Content-Type. False when it is no multipart form or has none. */
bool sim_multipart_boundary(struct str content_type, char boundary[80]);
/* Eats the next part from the body. False behind the last, or when what is left is broken. */
bool sim_multipart_next(struct str *body, const char *boundary, struct sim_part *part);

#endif
