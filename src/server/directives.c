/*
 * The directives for the pipeline: what a client's headers say of how its answer is to be found, and for whom.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <stdlib.h>

#include "base/money.h"
#include "server/guard.h"

/* ---- cache-control ---- */

/* Eats one directive: the next comma that stands in no quoted string ends it. */
static bool
next_directive(struct str *from, struct str *out)
{
	bool quoted = false;
	size_t n = 0;
	if (from->n == 0)
		return false;
	for (; n < from->n && (quoted || from->p[n] != ','); n++) {
		if (quoted && from->p[n] == '\\' && n + 1 < from->n)
			n++;
		else if (from->p[n] == '"')
			quoted = !quoted;
	}
	n = n < from->n ? n : from->n;
	*out = (struct str){ from->p, n };
	n += n < from->n;
	from->p += n;
	from->n -= n;
	return true;
}

/* A number of seconds, in quotes or without. One that is larger than can be counted is as good as the largest. */
static bool
read_seconds(struct str value, int64_t *seconds)
{
	value = str_trim(value);
	if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
		value = str_trim((struct str){ value.p + 1, value.n - 2 });
	*seconds = 0;
	for (size_t i = 0; i < value.n; i++) {
		if (!isdigit((unsigned char)value.p[i]))
			return false;
		*seconds = *seconds < INT32_MAX ? *seconds * 10 + (value.p[i] - '0') : *seconds;
	}
	return value.n > 0;
}

static int
take_directive(struct str directive, struct exchange *x, struct err *e)
{
	struct str rest = directive, name;
	if (!str_cut(&rest, '=', &name))
		return 0; /* an empty element of the list */
	name = str_trim(name);
	if (str_eq_nocase(name, STR("no-cache"))) {
		x->no_cache = true;
	} else if (str_eq_nocase(name, STR("no-store"))) {
		x->no_store = true;
	} else if (str_eq_nocase(name, STR("only-if-cached"))) {
		x->only_if_cached = true;
	} else if (str_eq_nocase(name, STR("max-age"))) {
		int64_t seconds;
		if (!read_seconds(rest, &seconds))
			return err_param(e, "cache-control", "invalid_value",
			    "max-age in cache-control is a number of seconds, such as max-age=60.");
		/* Of two, the stricter. */
		x->max_age_s = x->max_age_s < 0 || seconds < x->max_age_s ? seconds : x->max_age_s;
	}
	return 0; /* others are not ours to judge */
}

static int
take_cache_control(const struct door_head *h, struct exchange *x, struct err *e)
{
	x->no_cache = x->no_store = x->only_if_cached = false;
	x->max_age_s = -1;
	for (int i = -1; i < h->cache_more_count; i++) {
		struct str value = i < 0 ? h->cache_control : h->cache_more[i], directive;
		while (next_directive(&value, &directive))
			if (take_directive(directive, x, e) != 0)
				return -1;
	}
	x->fresh = x->no_cache || x->no_store;
	return 0;
}

/* ---- the others ---- */

static int
take_similarity(const struct door_head *h, struct exchange *x, struct err *e)
{
	char text[32], *end;
	x->similarity_at_least = 0;
	if (h->similarity.p == NULL)
		return 0;
	struct str value = str_trim(h->similarity);
	bool plain = value.n > 0 && value.n < sizeof text;
	for (size_t i = 0; i < value.n; i++)
		plain = plain && (isdigit((unsigned char)value.p[i]) || value.p[i] == '.');
	str_copy(text, sizeof text, value);
	double number = plain ? strtod(text, &end) : -1;
	if (!plain || *end != '\0' || number < 0 || number > 1)
		return err_param(e, "x-farthing-similarity", "invalid_value",
		    "x-farthing-similarity is a number from 0 to 1, such as 0.9.");
	x->similarity_at_least = number;
	return 0;
}

static int
take_idempotency(const struct door_head *h, struct exchange *x, struct err *e)
{
	x->idempotency[0] = '\0';
	if (h->idempotency_key.p == NULL)
		return 0;
	bool good = h->idempotency_key.n > 0 && h->idempotency_key.n < sizeof x->idempotency;
	for (size_t i = 0; i < h->idempotency_key.n; i++)
		good = good && h->idempotency_key.p[i] >= 0x20 && h->idempotency_key.p[i] < 0x7F;
	if (!good)
		return err_param(e, "idempotency-key", "invalid_value",
		    "An idempotency key has 1 to 255 printable ASCII characters.");
	str_copy(x->idempotency, sizeof x->idempotency, h->idempotency_key);
	return 0;
}

static int
take_run(const struct door_head *h, struct exchange *x, struct err *e)
{
	if (h->run.p != NULL && !account_is_label(h->run))
		return err_param(e, "x-farthing-run", "invalid_value",
		    "A run's name has letters, digits, '-', '_', '.' and ':', at most 63.");
	str_copy(x->run, sizeof x->run, h->run);
	x->run_budget_pico = -1;
	if (h->run_budget.p == NULL)
		return 0;
	if (h->run.p == NULL)
		return err_param(e, "x-farthing-run-budget-usd", "invalid_value",
		    "x-farthing-run-budget-usd is the budget of a run: name it with x-farthing-run.");
	if (money_parse_usd(h->run_budget, &x->run_budget_pico) != 0)
		return err_param(e, "x-farthing-run-budget-usd", "invalid_value",
		    "x-farthing-run-budget-usd is an amount of dollars such as 2 or 0.05: a plain decimal "
		    "number, not negative.");
	return 0;
}

/* A day, or more of them: what the provider's batch interface promises. "24h", "36h", "2d". */
static int
take_deadline(const struct door_head *h, struct exchange *x, struct err *e)
{
	enum { HOUR_MS = 3600 * 1000, LEAST_H = 24, MOST_H = 7 * 24 };
	int64_t number;
	x->deadline_ms = 0;
	if (h->deadline.p == NULL)
		return 0;
	struct str value = str_trim(h->deadline);
	bool days = value.n > 0 && value.p[value.n - 1] == 'd',
	     hours = value.n > 0 && value.p[value.n - 1] == 'h';
	bool good = (days || hours) && value.n < 5 && str_int((struct str){ value.p, value.n - 1 }, &number);
	int64_t in_hours = !good ? 0 : days ? number * 24 : number;
	if (in_hours < LEAST_H || in_hours > MOST_H)
		return err_param(e, "x-farthing-deadline", "invalid_value",
		    "x-farthing-deadline is 24h, or a longer time up to 7d: providers promise deferred "
		    "answers "
		    "within a day, and no sooner.");
	if (x->forwarded)
		return err_param(e, "x-farthing-deadline", "not_deferrable",
		    "What is forwarded cannot be deferred: leave out x-farthing-deadline.");
	x->deadline_ms = in_hours * HOUR_MS;
	return 0;
}

int
guard_directives(const struct door_head *h, struct exchange *x, struct err *e)
{
	if (h->task.p != NULL && !account_is_label(h->task))
		return err_param(e, "x-farthing-task", "invalid_value",
		    "A task's name has letters, digits, '-', '_', '.' and ':', at most 63.");
	if (h->task.p != NULL)
		str_copy(x->task, sizeof x->task, h->task);
	if (take_run(h, x, e) != 0)
		return -1;
	static const struct str routes[] = { { "auto", 4 }, { "off", 3 }, { "cheap", 5 }, { "premium", 7 } };
	bool known_route = h->route.p == NULL;
	for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
		known_route = known_route || str_eq(h->route, routes[i]);
	if (!known_route)
		return err_param(e, "x-farthing-route", "invalid_value",
		    "x-farthing-route is auto, off, cheap or premium.");
	str_copy(x->directives, sizeof x->directives, h->route);
	if (h->batch.p != NULL && !str_eq(h->batch, STR("on")) && !str_eq(h->batch, STR("off")))
		return err_param(e, "x-farthing-batch", "invalid_value", "x-farthing-batch is on or off.");
	x->batch_wish = h->batch.p == NULL ? 0 : str_eq(h->batch, STR("on")) ? 1 : -1;
	if (take_deadline(h, x, e) != 0)
		return -1;
	if (take_similarity(h, x, e) != 0 || take_idempotency(h, x, e) != 0)
		return -1;
	return take_cache_control(h, x, e);
}
