/*
 * Who comes, and what they may do.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "server/admit.h"

static int
unknown_key(struct err *e)
{
	return err_set(e, 401, "invalid_api_key",
	    "This key is not, or no longer, one of this gateway's. Keys are made with `farthing keys add`.");
}

void
admit_nobody(const struct keyring *ring, struct exchange *x)
{
	if (keyring_required(ring))
		str_copy(x->account, sizeof x->account, STR("unknown"));
}

int
admit_client(struct keyring *ring, struct str secret, struct exchange *x, struct err *e)
{
	if (!keyring_required(ring))
		return 0;
	admit_nobody(ring, x);
	if (secret.p == NULL)
		return err_set(e, 401, "invalid_api_key",
		    "This gateway asks for a key: `Authorization: Bearer KEY`, or `X-Api-Key: KEY`.");
	struct key *key = keyring_find(ring, secret, x->wall_us);
	if (key == NULL)
		return unknown_key(e);
	key_hold(key);
	x->key = key;
	str_copy(x->account, sizeof x->account, str_from(key->name));
	str_copy(x->project, sizeof x->project, str_from(key->project));
	return 0;
}

int
admit_one_more(const struct key *key, int most, struct err *e)
{
	if (key == NULL)
		return 0;
	most = key->concurrent > 0 ? key->concurrent : most;
	if (key->in_flight < most)
		return 0;
	err_set(e, 429, "rate_limit_exceeded",
	    "%d requests of this key are being served already, which is its limit.", key->in_flight);
	e->retry_after_s = 1 + (int)(random_u64() % 2);
	return -1;
}

int
admit_model(const struct key *key, struct str model, struct err *e)
{
	if (key == NULL || key_allows(key, model))
		return 0;
	err_set(e, 403, "model_not_allowed",
	    "This key may not ask for that model; GET /v1/models lists those it may ask for.");
	str_copy(e->param, sizeof e->param, STR("model"));
	return -1;
}

/* Jobs, batches and what rules admit name their models where the gateway does not look, so a key with a list of models may
 * only look at them. */
int
admit_forward(const struct key *key, const struct forward *f, struct err *e)
{
	bool looks = f->method[0] == 'G', files = strcmp(f->name, "files") == 0;
	if (key == NULL || key->models[0] == '\0' || looks || files)
		return 0;
	return err_set(e, 403, "model_not_allowed",
	    "This key may ask for some models only, and what is forwarded may use any.");
}

/* Digests of the two, since comparing the texts would tell how long the right one is. */
static bool
same_text(struct str a, struct str b)
{
	struct digest da = digest_of(a), db = digest_of(b);
	return digest_equal(&da, &db);
}

int
admit_admin(struct keyring *ring, const char *admin_key, struct str secret, bool from_loopback,
    int64_t wall_us, struct err *e)
{
	bool configured = admin_key[0] != '\0';
	if (configured && secret.p == NULL)
		return err_set(e, 401, "invalid_api_key",
		    "Administration asks for the admin key: `Authorization: Bearer KEY`.");
	if (configured && same_text(secret, str_from(admin_key)))
		return 0;
	bool of_client = secret.p != NULL && keyring_find(ring, secret, wall_us) != NULL;
	if (of_client)
		return err_set(e, 403, "not_admin", "A client's key opens no administration.");
	if (configured)
		return unknown_key(e);
	if (!from_loopback)
		return err_set(e, 403, "not_admin",
		    "No admin key is configured, so administration answers programs on its own machine "
		    "only.");
	return 0;
}
