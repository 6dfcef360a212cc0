/*
 * What somebody wants a virtual key to be.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/key_wish.h"

#include "base/money.h"
#include "config_value.h"

enum { CONCURRENT_MOST = 65536 };
static const int64_t expires_most_ms = INT64_C(36500) * 86400 * 1000;

/* Names that stand in the books for those who came without a key of their own. */
static bool
is_reserved(struct str name)
{
	return str_eq(name, STR("local")) || str_eq(name, STR("unknown"));
}

static int
read_name(const struct key_wish *w, struct key *k, struct err *e)
{
	if (!account_is_label(w->name))
		return err_param(e, "name", "invalid_value",
		    "A key's name has letters, digits, '-', '_', '.' and ':', 1 to 63 of them.");
	if (is_reserved(w->name))
		return err_param(e, "name", "invalid_value",
		    "The names local and unknown mean clients without a key; choose another one.");
	str_copy(k->name, sizeof k->name, w->name);
	return 0;
}

static int
read_project(struct str text, struct key *k, struct err *e)
{
	if (text.p == NULL)
		return 0;
	if (!account_is_label(text))
		return err_param(e, "project", "invalid_value",
		    "A project's name has letters, digits, '-', '_', '.' and ':', 1 to 63 of them; none "
		    "means "
		    "no project.");
	str_copy(k->project, sizeof k->project, str_eq(text, STR("none")) ? STR("") : text);
	return 0;
}

static int
read_money(struct str text, const char *field, int64_t *pico, struct err *e)
{
	if (text.p == NULL)
		return 0;
	if (str_eq(text, STR("off"))) {
		*pico = -1;
		return 0;
	}
	if (money_parse_usd(text, pico) == 0)
		return 0;
	return err_param(e, field, "invalid_value",
	    "%s is an amount of dollars such as 2 or 0.05: a plain decimal number, not negative, below nine "
	    "million; or off.",
	    field);
}

static int
read_limits(const struct key_wish *w, struct key *k, struct err *e)
{
	struct account_limits *l = &k->limits;
	if (read_money(w->request_usd, "request_usd", &l->request_pico, e) != 0 ||
	    read_money(w->daily_usd, "daily_usd", &l->daily_pico, e) != 0 ||
	    read_money(w->weekly_usd, "weekly_usd", &l->weekly_pico, e) != 0 ||
	    read_money(w->monthly_usd, "monthly_usd", &l->monthly_pico, e) != 0)
		return -1;
	return 0;
}

static int
read_concurrent(struct str text, struct key *k, struct err *e)
{
	int64_t concurrent = 0;
	if (text.p == NULL)
		return 0;
	bool number = str_int(text, &concurrent) && concurrent >= 1 && concurrent <= CONCURRENT_MOST;
	if (!number && !str_eq(text, STR("default")))
		return err_param(e, "concurrent", "invalid_value",
		    "concurrent is how many requests may be in flight: a whole number from 1 to %d, or "
		    "default.",
		    CONCURRENT_MOST);
	k->concurrent = number ? (int)concurrent : 0;
	return 0;
}

static bool
is_served(struct str model, const struct config *config)
{
	return config == NULL || str_eq(model, STR("auto")) || config_model(config, model) != NULL;
}

static int
read_models(const struct key_wish *w, const struct config *config, struct key *k, struct err *e)
{
	struct str rest = w->models, name;
	struct buf list;
	if (rest.p == NULL)
		return 0;
	if (str_eq(rest, STR("all"))) {
		k->models[0] = '\0';
		return 0;
	}
	buf_init(&list, sizeof k->models - 1);
	int rc = 0;
	do {
		name = (struct str){ 0 };
		str_cut(&rest, ',', &name);
		name = str_trim(name);
		if (name.n == 0)
			rc = err_param(
			    e, "models", "invalid_value", "models is a list of names; one of them is empty.");
		else if (!is_served(name, config))
			rc = err_param(e, "models", "invalid_value",
			    "models names one that the gateway does not serve; `farthing check` and "
			    "GET /v1/models tell which it does.");
		else if ((list.n > 0 && buf_add_c(&list, ',') != 0) || buf_add(&list, name) != 0)
			rc = err_param(e, "models", "invalid_value",
			    "models is too long: all the names together may have %d characters.",
			    (int)sizeof k->models - 1);
	} while (rc == 0 && rest.p != NULL);
	if (rc == 0)
		str_copy(k->models, sizeof k->models, buf_str(&list));
	buf_free(&list);
	return rc;
}

static int
read_expiry(const struct key_wish *w, int64_t wall_us, struct key *k, struct err *e)
{
	int64_t ms = 0;
	if (w->expires.p == NULL)
		return 0;
	if (str_eq(w->expires, STR("never"))) {
		k->expires_us = 0;
		return 0;
	}
	if (!value_duration(w->expires, &ms) || ms < 1 || ms > expires_most_ms)
		return err_param(e, "expires", "invalid_value",
		    "expires is a time from now such as 12h or 30d: more than nothing, at most 36500d; or "
		    "never.");
	k->expires_us = wall_us + ms * 1000;
	return 0;
}

int
key_wish_read(
    const struct key_wish *w, const struct config *config, int64_t wall_us, struct key *k, struct err *e)
{
	*k = (struct key){ .limits = ACCOUNT_UNLIMITED };
	return read_name(w, k, e) == 0 ? key_wish_change(w, config, wall_us, k, e) : -1;
}

int
key_wish_change(
    const struct key_wish *w, const struct config *config, int64_t wall_us, struct key *k, struct err *e)
{
	if (read_project(w->project, k, e) != 0 || read_limits(w, k, e) != 0 ||
	    read_concurrent(w->concurrent, k, e) != 0 || read_models(w, config, k, e) != 0)
		return -1;
	return read_expiry(w, wall_us, k, e);
}

bool
key_wish_is_empty(const struct key_wish *w)
{
	return w->project.p == NULL && w->models.p == NULL && w->request_usd.p == NULL &&
	       w->daily_usd.p == NULL && w->weekly_usd.p == NULL && w->monthly_usd.p == NULL &&
	       w->concurrent.p == NULL && w->expires.p == NULL;
}
