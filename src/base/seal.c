/*
 * Bytes under a seal.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/seal.h"

#include <string.h>

#include "base/digest.h"

struct head {
	char magic[SEAL_MAGIC];
	uint32_t version, size;
	struct digest sum;
};

int
seal_add(struct buf *out, const char magic[SEAL_MAGIC], uint32_t version, struct str body)
{
	struct head h;
	memset(&h, 0, sizeof h);
	memcpy(h.magic, magic, sizeof h.magic);
	h.version = version;
	h.size = (uint32_t)body.n;
	h.sum = digest_of(body);
	if (body.n > UINT32_MAX || buf_reserve(out, sizeof h + body.n) != 0)
		return -1;
	buf_add(out, (struct str){ (const char *)&h, sizeof h });
	return buf_add(out, body);
}

bool
seal_open(struct str sealed, const char magic[SEAL_MAGIC], uint32_t version, struct str *body)
{
	struct head h;
	if (sealed.n < sizeof h)
		return false;
	memcpy(&h, sealed.p, sizeof h);
	*body = (struct str){ sealed.p + sizeof h, sealed.n - sizeof h };
	if (memcmp(h.magic, magic, sizeof h.magic) != 0 || h.version != version || h.size != body->n)
		return false;
	struct digest sum = digest_of(*body);
	return digest_equal(&sum, &h.sum);
}
