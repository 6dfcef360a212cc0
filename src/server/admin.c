/*
 * The administration of virtual keys over HTTP. A worker does what was asked for on a connection to the ledger's file of its
 * own, since that may wait for the disk; then the keyring looks, so that the change is in force before it is confirmed.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "core/key_wish.h"
#include "door.h"

/* ---- the wish, as JSON ---- */

enum wish_type { WISH_TEXT, WISH_MONEY, WISH_COUNT, WISH_LIST };

static const struct {
	const char *name;
	enum wish_type type;
	size_t field;
	const char *wants;
} members[] = {
	{ "name", WISH_TEXT, offsetof(struct key_wish, name), "a string" },
	{ "project", WISH_TEXT, offsetof(struct key_wish, project), "a string" },
	{ "expires", WISH_TEXT, offsetof(struct key_wish, expires), "a string such as \"30d\"" },
	{ "models", WISH_LIST, offsetof(struct key_wish, models), "a list of strings" },
	{ "request_usd", WISH_MONEY, offsetof(struct key_wish, request_usd), "a number" },
	{ "daily_usd", WISH_MONEY, offsetof(struct key_wish, daily_usd), "a number" },
	{ "weekly_usd", WISH_MONEY, offsetof(struct key_wish, weekly_usd), "a number" },
	{ "monthly_usd", WISH_MONEY, offsetof(struct key_wish, monthly_usd), "a number" },
	{ "concurrent", WISH_COUNT, offsetof(struct key_wish, concurrent), "a number" },
};

enum { MEMBERS = sizeof members / sizeof members[0] };

/* Decoded texts, which the wish points into. */
struct wish_texts {
	struct buf of[MEMBERS];
};

static int
take_list(const struct json *j, uint32_t node, struct buf *out)
{
	if (json_type(j, node) != JSON_ARRAY)
		return -1;
	for (uint32_t at = json_first(j, node); at != 0; at = json_next(j, node, at)) {
		if (json_type(j, at) != JSON_STRING || (out->n > 0 && buf_add_c(out, ',') != 0) ||
		    json_text(j, at, out) != 0)
			return -1;
	}
	return buf_text(out) != NULL ? 0 : -1; /* an empty list is one, and not "no list" */
}

/* Numbers are taken as they are written: no floating point touches money. */
static int
take_member(const struct json *j, uint32_t node, size_t i, struct wish_texts *texts, struct str *value)
{
	struct buf *text = &texts->of[i];
	enum json_type type = json_type(j, node);
	bool number = type == JSON_NUMBER && (members[i].type == WISH_MONEY || members[i].type == WISH_COUNT);
	bool string = type == JSON_STRING && (members[i].type == WISH_MONEY || members[i].type == WISH_TEXT);
	if (type == JSON_NULL)
		return 0;
	if (number) {
		*value = json_raw(j, node);
		return 0;
	}
	int rc = string                         ? json_text(j, node, text)
		 : members[i].type == WISH_LIST ? take_list(j, node, text)
						: -1;
	*value = (struct str){ text->p != NULL ? text->p : "", text->n };
	return rc;
}

static size_t
member_at(const struct json *j, uint32_t key)
{
	size_t i = 0;
	while (i < MEMBERS && !json_is(j, key, members[i].name))
		i++;
	return i;
}

static int
take_wish(const struct json *j, struct wish_texts *texts, struct key_wish *wish, struct err *e)
{
	if (json_type(j, 0) != JSON_OBJECT)
		return err_set(e, 400, "invalid_json", "The body must be a JSON object.");
	for (uint32_t key = json_first(j, 0); key != 0; key = json_next(j, 0, key + 1)) {
		size_t i = member_at(j, key);
		if (i == MEMBERS)
			return err_set(e, 400, "invalid_value",
			    "A key has name, project, models, request_usd, daily_usd, weekly_usd, "
			    "monthly_usd, concurrent and expires; there is something else in the body.");
		struct str *value = (struct str *)(void *)((char *)wish + members[i].field);
		if (take_member(j, key + 1, i, texts, value) != 0)
			return err_param(e, members[i].name, "invalid_type", "%s must be %s.",
			    members[i].name, members[i].wants);
	}
	return 0;
}

static int
read_wish(struct visit *v, struct key *key)
{
	struct wish_texts texts = { 0 };
	struct key_wish wish = { 0 };
	struct json j = { 0 };
	struct json_fault fault;
	struct err *e = &v->err;
	int rc;
	if (json_scan(&j, buf_str(&v->x.body), JSON_LIMITS, &fault) == 0)
		rc = take_wish(&j, &texts, &wish, e);
	else if (fault.code == JSON_DUPLICATE_KEY)
		rc = err_set(e, 400, "duplicate_key", "A key stands twice in the body.");
	else
		rc = err_set(e, 400, "invalid_json", "The body is not valid JSON: %s (at byte %u).",
		    fault.text, fault.at);
	if (rc == 0)
		rc = key_wish_read(&wish, site_config(v->x.site), v->x.wall_us, key, e);
	json_free(&j);
	for (size_t i = 0; i < MEMBERS; i++)
		buf_free(&texts.of[i]);
	return rc;
}

/* ---- on a worker ---- */

/* The key of that name, with the secret that only its maker sees; name NULL: all of them. */
static int
show(struct visit *v, struct keys *k, const char *name, const char *secret)
{
	struct key_row *rows;
	size_t count;
	struct buf *page = &v->page;
	bool all = name == NULL;
	if (keys_list(k, v->x.wall_us, &rows, &count, &v->err) != 0)
		return -1;
	int rc = all ? buf_add(page, STR("{\"object\":\"list\",\"data\":[")) : 0;
	for (size_t i = 0; i < count && rc == 0; i++) {
		if (!all && strcmp(name, rows[i].key.name) != 0)
			continue;
		rc |= buf_add(page, all && i > 0 ? STR(",{") : STR("{"));
		rc |= key_row_json(&rows[i], v->x.wall_us, page);
		if (secret != NULL)
			rc |= buf_printf(page, ",\"key\":\"%s\"", secret);
		rc |= buf_add_c(page, '}');
	}
	free(rows);
	return rc | buf_add(page, all ? STR("]}\n") : STR("\n"));
}

static int
add(struct visit *v, struct keys *k, const struct key *key)
{
	char secret[KEY_SECRET];
	int rc = keys_add(k, key, v->x.wall_us, secret, &v->err);
	if (rc == 0) {
		v->status = 201;
		rc = show(v, k, key->name, secret);
	}
	explicit_bzero(secret, sizeof secret);
	return rc;
}

static int
act(struct visit *v, struct keys *k, const struct key *key)
{
	const char *name = v->route.name;
	switch (v->route.keys) {
	case KEYS_ACT_LIST:
		return show(v, k, NULL, NULL);
	case KEYS_ACT_ADD:
		return add(v, k, key);
	case KEYS_ACT_REVOKE:
		return keys_revoke(k, name, v->x.wall_us, &v->err) == 0 ? show(v, k, name, NULL) : -1;
	case KEYS_ACT_THAW:
		return keys_thaw(k, name, v->x.wall_us, &v->err) == 0 ? show(v, k, name, NULL) : -1;
	}
	return -1;
}

static void
work(struct task *task)
{
	struct visit *v = LIST_ENTRY(task, struct visit, task);
	struct key key;
	if (v->route.keys == KEYS_ACT_ADD && read_wish(v, &key) != 0)
		return;
	if (v->route.keys == KEYS_ACT_ADD)
		str_copy(v->route.name, sizeof v->route.name, str_from(key.name));
	struct keys *k = keys_open(site_config(v->x.site)->database,
	    v->route.keys == KEYS_ACT_LIST ? KEYS_READ : KEYS_CHANGE, &v->err);
	if (k == NULL)
		return;
	if (act(v, k, &key) != 0 && v->err.status == 0)
		err_set(&v->err, 503, "overloaded", "No memory for the page.");
	keys_close(&k);
}

/* ---- on the loop ---- */

static void
done(struct task *task)
{
	static const char *const actions[] = { [KEYS_ACT_LIST] = "list",
		[KEYS_ACT_ADD] = "add",
		[KEYS_ACT_REVOKE] = "revoke",
		[KEYS_ACT_THAW] = "thaw" };
	struct visit *v = LIST_ENTRY(task, struct visit, task);
	v->with_worker = false;
	v->read = true;
	if (v->route.keys != KEYS_ACT_LIST && v->err.status == 0) {
		log_line(LOG_INFO, "administered", "request=%s action=%s key=%s", v->x.id,
		    actions[v->route.keys], v->route.name);
		keyring_look(v->client->server->house.keyring);
	}
	client_resume(v->client);
}

enum MHD_Result
admin_start(struct visit *v)
{
	v->task = (struct task){ .work = work, .done = done };
	client_suspend(v->client);
	v->with_worker = true;
	/* the visit is the worker's from here on */
	workers_give(v->client->server->house.workers, &v->task);
	return MHD_YES;
}

enum MHD_Result
admin_reply(struct visit *v)
{
	return v->err.status != 0 ? send_error(v) : send_page(v, "application/json");
}
