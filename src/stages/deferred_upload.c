/*
 * The file of a job.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "deferred_upload.h"

#include <stdio.h>

int
upload_begin(struct buf *out, const char *name, char boundary[BOUNDARY_SIZE])
{
	snprintf(boundary, BOUNDARY_SIZE, "farthing-%.32s", name);
	return buf_printf(out,
	    "--%s\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n"
	    "--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s.jsonl\"\r\n"
	    "Content-Type: application/jsonl\r\n\r\n",
	    boundary, boundary, name);
}

/* Outside strings a line's end is white space like any other; inside there is none, as no JSON has control bytes there. */
static int
add_on_one_line(struct buf *out, struct str body)
{
	size_t at = out->n;
	if (buf_add(out, body) != 0)
		return -1;
	for (char *c = out->p + at; c < out->p + out->n; c++)
		if (*c == '\n' || *c == '\r')
			*c = ' ';
	return 0;
}

int
upload_line(struct buf *out, const char *id, const char *path, struct str body)
{
	size_t at = out->n;
	if (buf_printf(out, "{\"custom_id\":\"%s\",\"method\":\"POST\",\"url\":\"%s\",\"body\":", id, path) ==
		0 &&
	    add_on_one_line(out, body) == 0 && buf_add(out, STR("}\n")) == 0)
		return 0;
	out->n = at;
	return -1;
}

int
upload_end(struct buf *out, const char *boundary)
{
	return buf_printf(out, "\r\n--%s--\r\n", boundary);
}
