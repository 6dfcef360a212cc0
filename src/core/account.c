/*
 * Accounts and windows by name.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/account.h"

#include <assert.h>
#include <stdio.h>

const char *
account_kind_name(enum account_kind kind)
{
	static const char *const names[ACCOUNT_KINDS] = { "gateway", "project", "key", "task", "run" };
	assert((int)kind < ACCOUNT_KINDS);
	return names[kind];
}

const char *
window_kind_name(enum window_kind kind)
{
	static const char *const names[] = { "day", "week", "month", "run" };
	assert(kind <= WINDOW_RUN);
	return names[kind];
}

bool
account_is_label(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    c == '-' || c == '_' || c == '.' || c == ':';
		if (!good)
			return false;
	}
	return s.n > 0 && s.n < ACCOUNT_NAME;
}

bool
account_name(const struct payer *payer, enum account_kind kind, char out[RUN_ACCOUNT_NAME])
{
	out[0] = '\0';
	switch (kind) {
	case ACCOUNT_GATEWAY:
		return true;
	case ACCOUNT_PROJECT:
		str_copy(out, RUN_ACCOUNT_NAME, str_from(payer->project));
		break;
	case ACCOUNT_KEY:
		str_copy(out, RUN_ACCOUNT_NAME, str_from(payer->key));
		break;
	case ACCOUNT_TASK:
		str_copy(out, RUN_ACCOUNT_NAME, str_from(payer->task));
		break;
	case ACCOUNT_RUN:
		if (payer->run[0] != '\0')
			snprintf(out, RUN_ACCOUNT_NAME, "%s/%s", payer->key, payer->run);
		break;
	}
	return out[0] != '\0';
}

void
account_label(enum account_kind kind, const char *account, char out[ACCOUNT_LABEL])
{
	if (kind == ACCOUNT_GATEWAY)
		str_copy(out, ACCOUNT_LABEL, str_from(account_kind_name(kind)));
	else
		snprintf(
		    out, ACCOUNT_LABEL, "%s/%.*s", account_kind_name(kind), RUN_ACCOUNT_NAME - 1, account);
}
