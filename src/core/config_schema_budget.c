/*
 * Keys of what may be spent, by all, by a project, and of who hears of it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_schema_rows.h"

static bool
flip_budget(void *target, bool on)
{
	struct budget_conf *b = target;
	if (on)
		return false;
	b->request_pico = b->daily_pico = b->weekly_pico = b->monthly_pico = -1;
	return true;
}

static bool
flip_alerts(void *target, bool on)
{
	struct alerts_conf *a = target;
	if (on)
		return false;
	a->share_count = 0;
	a->webhook = "";
	return true;
}

/* clang-format off */

static const struct config_key budget_keys[] = {
	{ "request_usd", KEY_USD, AT(budget_conf, request_pico), "0.05", NULL, NULL,
	    "The most one request may cost, in dollars. `off`: no limit." },
	{ "daily_usd", KEY_USD, AT(budget_conf, daily_pico), "2.00", NULL, NULL,
	    "The most a calendar day may cost. `off`: no limit." },
	{ "weekly_usd", KEY_USD, AT(budget_conf, weekly_pico), "off", NULL, NULL, "... a week, beginning on Monday." },
	{ "monthly_usd", KEY_USD, AT(budget_conf, monthly_pico), "off", NULL, NULL, "... a calendar month." },
	{ "timezone", KEY_ZONE, AT(budget_conf, timezone), "UTC", NULL, NULL,
	    "Where days, weeks and months begin: a name such as `Europe/Berlin`.", .flags = KEY_GLOBAL },
	{ "min_output_tokens", KEY_INT, AT(budget_conf, min_output_tokens), "16", "1", "1000000",
	    "The shortest answer worth paying for: a request that can afford less is refused." },
	{ "on_disconnect", KEY_CHOICE, AT(budget_conf, on_disconnect), "drain", NULL, NULL,
	    "When the client has gone: read on to learn the exact cost, or abort, which costs what `mode` says.",
	    .choices = "drain|abort" },
	{ "mode", KEY_SWITCH, AT(budget_conf, strict), "strict", NULL, NULL,
	    "What an outcome nobody knows costs: all that was held (`strict`), or an estimate.",
	    .choices = "estimate|strict" },
	{ "drain", KEY_DURATION, AT(budget_conf, drain_ms), "30s", "0", "10m",
	    "How long `on_disconnect: drain` reads on for a client that has gone. 0: not at all." },
	{ "wait", KEY_DURATION, AT(budget_conf, wait_ms), "2s", "0", "1m",
	    "How long a request that does not fit may wait for others to end below what is held for them. 0: not at all." },
	{ "durability", KEY_SWITCH, AT(budget_conf, power_safe), "process", NULL, NULL,
	    "What the books outlive: the death of this process, or the loss of `power`; that waits for the disk before each call.",
	    .choices = "process|power", .flags = KEY_GLOBAL },
	END
};
const struct config_section config_budget_keys = { budget_keys, flip_budget, false };

static const struct config_key project_budget_keys[] = {
	{ "request_usd", KEY_USD, AT(budget_conf, request_pico), "off", NULL, NULL,
	    "The most one request of the project may cost, in dollars." },
	{ "daily_usd", KEY_USD, AT(budget_conf, daily_pico), "off", NULL, NULL, "The most all its keys together may cost in a calendar day." },
	{ "weekly_usd", KEY_USD, AT(budget_conf, weekly_pico), "off", NULL, NULL, "... a week, beginning on Monday." },
	{ "monthly_usd", KEY_USD, AT(budget_conf, monthly_pico), "off", NULL, NULL, "... a calendar month." },
	END
};
static const struct config_section project_budget = { project_budget_keys, flip_budget, false };

static const struct config_key project_keys[] = {
	{ "budget", KEY_SECTION, AT(project_conf, budget), NULL, NULL, NULL,
	    "The project's own limits, besides all others. May be `off`.", .section = &project_budget },
	END
};
const struct config_section config_project_keys = { project_keys, NULL, false };

static const struct config_key alert_keys[] = {
	{ "at", KEY_ELSEWHERE, 0, "50, 80, 95", NULL, NULL,
	    "Shares of a limit, in per cent: when one is reached, it is logged, counted and told. At most 8, rising.", .looks = "list" },
	{ "webhook", KEY_WEBHOOK, AT(alerts_conf, webhook), "", NULL, NULL,
	    "A URL that is told of alerts with a POST. Often a secret, and treated as one." },
	END
};
const struct config_section config_alert_keys = { alert_keys, flip_alerts, false };

/* clang-format on */
