/*
 * Failures in OpenAI's shape.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/err.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/money.h"

/* The types OpenAI's own API uses for these statuses; SDKs map exceptions by status and show the type. */
static const char *
type_of(int status)
{
	switch (status) {
	case 401:
		return "authentication_error";
	case 403:
		return "permission_error";
	case 429:
		return "rate_limit_error";
	default:
		return status >= 500 ? "server_error" : "invalid_request_error";
	}
}

static void __attribute__((format(printf, 5, 0)))
fill(struct err *e, int status, const char *param, const char *code, const char *format, va_list args)
{
	*e = (struct err){ .status = status };
	str_copy(e->type, sizeof e->type, str_from(type_of(status)));
	str_copy(e->code, sizeof e->code, str_from(code));
	str_copy(e->param, sizeof e->param, str_from(param));
	vsnprintf(e->text, sizeof e->text, format, args);
}

int
err_set(struct err *e, int status, const char *code, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fill(e, status, "", code, format, args);
	va_end(args);
	return -1;
}

int
err_param(struct err *e, const char *param, const char *code, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fill(e, 400, param, code, format, args);
	va_end(args);
	return -1;
}

static int
add_string_or_null(struct buf *out, const char *key, const char *value)
{
	assert(value != NULL);
	if (buf_printf(out, ",\"%s\":", key) != 0)
		return -1;
	if (value[0] == '\0')
		return buf_add(out, STR("null"));
	if (buf_add_c(out, '"') != 0 || buf_add_json(out, str_from(value)) != 0)
		return -1;
	return buf_add_c(out, '"');
}

static int
add_sum(struct buf *out, const char *key, int64_t pico)
{
	char money[32];
	return buf_printf(out, "\"%s\":%s,", key, pico < 0 ? "null" : money_format(pico, money));
}

int
err_details(const struct err *e, struct buf *out)
{
	const struct err_budget *b = &e->budget;
	char time[CLOCK_TEXT];
	if (!b->shown)
		return 0;
	if (buf_add(out, STR(",\"details\":{")) != 0 || add_sum(out, "limit_usd", b->limit_pico) != 0 ||
	    add_sum(out, "spent_usd", b->spent_pico) != 0 || add_sum(out, "held_usd", b->held_pico) != 0 ||
	    add_sum(out, "needed_usd", b->needed_pico) != 0)
		return -1;
	if (b->resets_at_us == 0)
		return buf_add(out, STR("\"resets_at\":null}"));
	return buf_printf(out, "\"resets_at\":\"%s\"}", clock_text(b->resets_at_us, time));
}

int
err_json(const struct err *e, struct buf *out)
{
	if (buf_add(out, STR("{\"error\":{\"message\":\"")) != 0 ||
	    buf_add_json(out, str_from(e->text)) != 0 || buf_add_c(out, '"') != 0)
		return -1;
	if (add_string_or_null(out, "type", e->type) != 0 ||
	    add_string_or_null(out, "param", e->param) != 0 || add_string_or_null(out, "code", e->code) != 0)
		return -1;
	return err_details(e, out) != 0 ? -1 : buf_add(out, STR("}}"));
}
