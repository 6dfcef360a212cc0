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
	const char *none; /* what null means; NULL: as if it were not there */
	const char *wants;
} members[] = {
	{ "name", WISH_TEXT, offsetof(struct key_wish, name), NULL, "a string" },
	{ "project", WISH_TEXT, offsetof(struct key_wish, project), "none", "a string" },
	{ "expires", WISH_TEXT, offsetof(struct key_wish, expires), "never", "a string such as \"30d\"" },
	{ "models", WISH_LIST, offsetof(struct key_wish, models), "all", "a list of strings" },
	{ "request_usd", WISH_MONEY, offsetof(struct key_wish, request_usd), "off", "a number" },
	{ "daily_usd", WISH_MONEY, offsetof(struct key_wish, daily_usd), "off", "a number" },
	{ "weekly_usd", WISH_MONEY, offsetof(struct key_wish, weekly_usd), "off", "a number" },
	{ "monthly_usd", WISH_MONEY, offsetof(struct key_wish, monthly_usd), "off", "a number" },
	{ "concurrent", WISH_COUNT, offsetof(struct key_wish, concurrent), "default", "a number" },
};

enum { MEMBERS = sizeof members / sizeof members[0] };

/* A body: the wish points into the rest, which holds its decoded texts. */
struct asked {
	struct key_wish wish;
	struct json j;
	struct buf texts[MEMBERS];
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
take_member(const struct json *j, uint32_t node, size_t i, struct buf *text, struct str *value)
{
	enum json_type type = json_type(j, node);
	bool number = type == JSON_NUMBER && (members[i].type == WISH_MONEY || members[i].type == WISH_COUNT);
	bool string = type == JSON_STRING && (members[i].type == WISH_MONEY || members[i].type == WISH_TEXT);
	if (type == JSON_NULL) {
		*value = members[i].none != NULL ? str_from(members[i].none) : (struct str){ 0 };
		return 0;
	}
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
take_wish(struct asked *a, struct err *e)
{
	const struct json *j = &a->j;
	if (json_type(j, 0) != JSON_OBJECT)
		return err_set(e, 400, "invalid_json", "The body must be a JSON object.");
	for (uint32_t key = json_first(j, 0); key != 0; key = json_next(j, 0, key + 1)) {
		size_t i = member_at(j, key);
		if (i == MEMBERS)
			return err_set(e, 400, "invalid_value",
			    "A key has name, project, models, request_usd, daily_usd, weekly_usd, "
			    "monthly_usd, concurrent and expires; there is something else in the body.");
		struct str *value = (struct str *)(void *)((char *)&a->wish + members[i].field);
		if (take_member(j, key + 1, i, &a->texts[i], value) != 0)
			return err_param(e, members[i].name, "invalid_type", "%s must be %s.",
			    members[i].name, members[i].wants);
	}
	return 0;
}

int
admin_read_json(struct visit *v, struct json *j)
{
	struct json_fault fault;
	if (json_scan(j, buf_str(&v->x.body), JSON_LIMITS, &fault) == 0)
		return 0;
	if (fault.code == JSON_DUPLICATE_KEY)
		return err_set(&v->err, 400, "duplicate_key", "A key stands twice in the body.");
	return err_set(&v->err, 400, "invalid_json", "The body is not valid JSON: %s (at byte %u).",
	    fault.text, fault.at);
}

static int
read_body(struct visit *v, struct asked *a)
{
	return admin_read_json(v, &a->j) == 0 ? take_wish(a, &v->err) : -1;
}

static void
asked_free(struct asked *a)
{
	json_free(&a->j);
	for (size_t i = 0; i < MEMBERS; i++)
		buf_free(&a->texts[i]);
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

/* What was wished for is judged before the file is opened, or where the key to be changed is known: inside keys_set. */
static int
judge(struct visit *v, struct asked *a, struct key *key)
{
	struct err *e = &v->err;
	if (v->route.keys == KEYS_ACT_ADD)
		return key_wish_read(&a->wish, site_config(v->x.site), v->x.wall_us, key, e);
	if (a->wish.name.p != NULL)
		return err_param(e, "name", "invalid_value",
		    "A key's name stands in the books and stays as it is; leave it out.");
	if (key_wish_is_empty(&a->wish))
		return err_set(e, 400, "invalid_value", "The body names nothing that is to be changed.");
	a->wish.name = str_from(v->route.name);
	return 0;
}

static int
add(struct visit *v, struct keys *k, const struct key *key)
{
	char secret[KEY_SECRET];
	str_copy(v->route.name, sizeof v->route.name, str_from(key->name));
	int rc = keys_add(k, key, v->x.wall_us, secret, &v->err);
	if (rc == 0) {
		v->status = 201;
		rc = show(v, k, key->name, secret);
	}
	explicit_bzero(secret, sizeof secret);
	return rc;
}

static int
act(struct visit *v, struct keys *k, const struct asked *a, const struct key *key)
{
	const char *name = v->route.name;
	int64_t now_us = v->x.wall_us;
	int rc = -1;
	switch (v->route.keys) {
	case KEYS_ACT_LIST:
		return show(v, k, NULL, NULL);
	case KEYS_ACT_ADD:
		return add(v, k, key);
	case KEYS_ACT_SET:
		rc = keys_set(k, &a->wish, site_config(v->x.site), now_us, &v->err);
		break;
	case KEYS_ACT_REVOKE:
		rc = keys_revoke(k, name, now_us, &v->err);
		break;
	case KEYS_ACT_THAW:
		rc = keys_thaw(k, name, now_us, &v->err);
		break;
	}
	return rc == 0 ? show(v, k, name, NULL) : -1;
}

static void
work(struct task *task)
{
	struct visit *v = LIST_ENTRY(task, struct visit, task);
	struct asked a = { 0 };
	struct key key;
	struct keys *k = NULL;
	bool wishes = v->route.keys == KEYS_ACT_ADD || v->route.keys == KEYS_ACT_SET;
	if (wishes && (read_body(v, &a) != 0 || judge(v, &a, &key) != 0))
		goto done;
	k = keys_open(site_config(v->x.site)->database,
	    v->route.keys == KEYS_ACT_LIST ? KEYS_READ : KEYS_CHANGE, &v->err);
	if (k != NULL && act(v, k, &a, &key) != 0 && v->err.status == 0)
		err_set(&v->err, 503, "overloaded", "No memory for the page.");
done:
	keys_close(&k);
	asked_free(&a);
}

/* ---- on the loop ---- */

static void
done(struct task *task)
{
	static const char *const actions[] = { [KEYS_ACT_LIST] = "list",
		[KEYS_ACT_ADD] = "add",
		[KEYS_ACT_SET] = "set",
		[KEYS_ACT_REVOKE] = "revoke",
		[KEYS_ACT_THAW] = "thaw" };
	struct visit *v = LIST_ENTRY(task, struct visit, task);
	if (v->route.keys != KEYS_ACT_LIST && v->err.status == 0) {
		log_line(LOG_INFO, "administered", "request=%s action=%s key=%s", v->x.id,
		    actions[v->route.keys], v->route.name);
		keyring_look(v->client->server->house.keyring);
	}
	visit_is_back(task);
}

enum MHD_Result
admin_start(struct visit *v)
{
	return visit_lend(v, work, done);
}

enum MHD_Result
admin_reply(struct visit *v)
{
	return v->err.status != 0 ? send_error(v) : send_page(v, "application/json");
}
