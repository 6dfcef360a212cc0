/*
 * A key, told to operators: its state in a word, and the JSON that the command line and the admin API show.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <time.h>

#include "base/money.h"
#include "ledger/keys.h"

const char *
key_row_state(const struct key_row *row, int64_t now_us)
{
	if (row->key.revoked)
		return "revoked";
	if (row->key.expires_us != 0 && now_us >= row->key.expires_us)
		return "expired";
	return row->frozen ? "frozen" : "active";
}

static int
add_text(struct buf *out, const char *name, const char *text)
{
	if (buf_printf(out, ",\"%s\":", name) != 0)
		return -1;
	if (text[0] == '\0')
		return buf_add(out, STR("null"));
	if (buf_add_c(out, '"') != 0 || buf_add_json(out, str_from(text)) != 0)
		return -1;
	return buf_add_c(out, '"');
}

static int
add_money(struct buf *out, const char *name, int64_t pico)
{
	char text[32];
	return buf_printf(out, ",\"%s\":%s", name, pico >= 0 ? money_format(pico, text) : "null");
}

static int
add_time(struct buf *out, const char *name, int64_t us)
{
	char text[32] = "";
	struct tm tm;
	time_t seconds = (time_t)(us / 1000000);
	if (us != 0 && gmtime_r(&seconds, &tm) != NULL)
		strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return add_text(out, name, text);
}

static int
add_models(struct buf *out, const char *models)
{
	struct str rest = str_from(models), name;
	if (rest.n == 0)
		return buf_add(out, STR(",\"models\":null"));
	if (buf_add(out, STR(",\"models\":[")) != 0)
		return -1;
	for (bool first = true; str_cut(&rest, ',', &name); first = false)
		if (buf_add(out, first ? STR("\"") : STR(",\"")) != 0 || buf_add_json(out, name) != 0 ||
		    buf_add_c(out, '"') != 0)
			return -1;
	return buf_add_c(out, ']');
}

int
key_row_json(const struct key_row *row, int64_t now_us, struct buf *out)
{
	const struct key *k = &row->key;
	const struct account_limits *l = &k->limits;
	if (buf_printf(out, "\"name\":\"%s\",\"state\":\"%s\"", k->name, key_row_state(row, now_us)) != 0 ||
	    add_text(out, "hint", row->hint) != 0 || add_text(out, "project", k->project) != 0 ||
	    add_models(out, k->models) != 0 || add_money(out, "request_usd", l->request_pico) != 0 ||
	    add_money(out, "daily_usd", l->daily_pico) != 0 ||
	    add_money(out, "weekly_usd", l->weekly_pico) != 0 ||
	    add_money(out, "monthly_usd", l->monthly_pico) != 0 ||
	    add_money(out, "spent_today_usd", row->spent_today_pico) != 0)
		return -1;
	int rc = k->concurrent > 0 ? buf_printf(out, ",\"concurrent\":%d", k->concurrent)
				   : buf_add(out, STR(",\"concurrent\":null"));
	if (rc != 0 || add_time(out, "created", row->created_us) != 0 ||
	    add_time(out, "expires", k->expires_us) != 0)
		return -1;
	return add_time(out, "revoked", row->revoked_us);
}
