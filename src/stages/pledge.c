/*
 * Idempotency keys: who sends one twice reads one reply, while it is being made and for a day afterwards.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "keep.h"

enum {
	PLEDGES_MAX = 65536
}; /* beyond, a key binds nothing: its repetition asks anew, or meets an equal question */
#define PLEDGE_US (24 * INT64_C(3600) * 1000000)

/* Neither has a NUL in it, and no question's key is made of these parts. */
struct digest
pledge_key(const struct exchange *x)
{
	char text[16 + sizeof x->account + sizeof x->idempotency + 32];
	int n = snprintf(text, sizeof text, "idempotency%c%s%c%s", '\0', x->account, '\0', x->idempotency);
	assert(n > 0 && (size_t)n + 32 < sizeof text);
	if (x->key != NULL) { /* the key itself, of which the name is no proof in other books */
		memcpy(text + n + 1, x->key->mac, sizeof x->key->mac);
		n += 1 + (int)sizeof x->key->mac;
	}
	return digest_of((struct str){ text, (size_t)n });
}

void
pledge_refuse(struct exchange *x, struct err *e)
{
	err_set(e, 409, "idempotency_mismatch",
	    "This idempotency key was used for another request; a key belongs to one request for a day.");
	e->should_retry = -1;
	x->cache = CACHE_BYPASS;
	str_copy(
	    x->decision, sizeof x->decision, STR("refused: its idempotency key belongs to another request"));
}

struct pledge *
pledge_find(const struct keep *k, const struct digest *key)
{
	return table_get(&k->pledges, digest_str(key));
}

static bool
makes_pledge(const struct exchange *x)
{
	return x->idempotency[0] != '\0' && !x->forwarded;
}

void
pledge_open(struct keep *k, const struct exchange *x, struct ask *ask)
{
	struct memo *memo = ask_memo(ask);
	if (!makes_pledge(x) || memo == NULL || k->pledges.count >= PLEDGES_MAX)
		return;
	struct pledge *p = must_alloc(sizeof *p);
	p->key = pledge_key(x);
	p->check = x->request.sent;
	p->ask = ask;
	p->kept = !x->no_store;
	p->view = x->reader.view;
	list_push(&memo->pledges, &p->link);
	struct pledge *other = table_put(&k->pledges, digest_str(&p->key), p);
	assert(other == NULL);
	(void)other;
}

/* What its readers with that view have seen, as it was sent. */
static void
fulfil(struct keep *k, const struct digest *key, const struct digest *check, const struct memo *memo,
    enum endpoint endpoint, const struct answer *a, enum view view)
{
	struct buf sent = { 0 };
	struct shelf_item item;
	if (cache_takes(k->cache, a->shown[view]) && answer_copy(a, view, &sent) == 0) {
		keep_item(&item, memo, endpoint, &a->facts);
		item.key = *key;
		item.check = *check;
		item.scope = str_from(memo->account); /* of the account alone, whoever shares answers */
		item.body = buf_str(&sent);
		item.expires_us = item.kept_us + PLEDGE_US;
		cache_keep(k->cache, &item);
	}
	buf_free(&sent);
}

void
pledge_settle(struct keep *k, struct ask *ask, struct memo *memo, bool whole)
{
	const struct answer *a = ask_answer(ask);
	bool good = whole && a->status >= 200 && a->status < 300 && !ask_fails(ask);
	while (!list_empty(&memo->pledges)) {
		struct pledge *p = LIST_ENTRY(memo->pledges.next, struct pledge, link);
		table_remove(&k->pledges, digest_str(&p->key));
		list_leave(&p->link);
		if (good && p->kept)
			fulfil(k, &p->key, &p->check, memo, ask_request(ask)->endpoint, a, p->view);
		free(p);
	}
}

void
pledge_redirect(struct keep *k, struct ask *ask, struct ask *to, const struct answer *answer)
{
	struct memo *memo = ask_memo(ask), *other = to != NULL ? ask_memo(to) : NULL;
	while (memo != NULL && !list_empty(&memo->pledges)) {
		struct pledge *p = LIST_ENTRY(memo->pledges.next, struct pledge, link);
		p->view = p->view == VIEW_ASKED ? VIEW_JOINED : p->view;
		list_leave(&p->link);
		if (other != NULL) {
			p->ask = to;
			list_push(&other->pledges, &p->link);
			continue;
		}
		table_remove(&k->pledges, digest_str(&p->key));
		if (p->kept)
			fulfil(k, &p->key, &p->check, memo, ask_request(ask)->endpoint, answer, p->view);
		free(p);
	}
}

void
pledge_fulfil(struct keep *k, const struct exchange *x, const struct answer *answer)
{
	if (!makes_pledge(x) || x->no_store)
		return;
	struct memo memo = { 0 };
	struct digest key = pledge_key(x);
	str_copy(memo.account, sizeof memo.account, str_from(x->account));
	str_copy(memo.task, sizeof memo.task, str_from(x->task));
	fulfil(k, &key, &x->request.sent, &memo, x->request.endpoint, answer, x->reader.view);
}
