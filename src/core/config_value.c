/*
 * Parsing of values. Decimal fractions are scaled with integers, so that 1.5h is 5400000 ms to the last digit.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_value.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct unit {
	const char *name;
	int64_t times;
};

/* What a decimal number looks like: digits without the point, and how many of them stood behind it. */
struct decimal {
	int64_t digits;
	int behind;
};

/* Eats DIGITS[.DIGITS] from the front. */
static bool
eat_decimal(struct str *text, struct decimal *out)
{
	struct decimal d = { 0, 0 };
	bool point = false, any = false;
	size_t i = 0;
	for (; i < text->n; i++) {
		char c = text->p[i];
		if (c == '.' && !point) {
			point = true;
			continue;
		}
		if (c < '0' || c > '9')
			break;
		any = true;
		d.behind += point;
		if (d.behind > 12 || __builtin_mul_overflow(d.digits, 10, &d.digits) ||
		    __builtin_add_overflow(d.digits, c - '0', &d.digits))
			return false;
	}
	if (!any || (point && d.behind == 0))
		return false;
	text->p += i;
	text->n -= i;
	*out = d;
	return true;
}

static int64_t
ten_to(int power)
{
	int64_t p = 1;
	while (power-- > 0)
		p *= 10;
	return p;
}

/* A decimal with one of the units; false when the result is no whole number or has no room. */
static bool
with_unit(struct str text, const struct unit *units, int64_t *out)
{
	struct decimal d;
	if (!eat_decimal(&text, &d))
		return false;
	text = str_trim(text);
	while (units->name != NULL && !str_eq(text, str_from(units->name)))
		units++;
	int64_t value;
	if (units->name == NULL || __builtin_mul_overflow(d.digits, units->times, &value))
		return false;
	if (value % ten_to(d.behind) != 0)
		return false;
	*out = value / ten_to(d.behind);
	return true;
}

bool
value_duration(struct str text, int64_t *ms)
{
	static const struct unit units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 },
		{ "d", 86400000 }, { "w", 604800000 }, { NULL, 0 } };
	if (str_eq(text, STR("0"))) {
		*ms = 0;
		return true;
	}
	return with_unit(text, units, ms);
}

bool
value_size(struct str text, int64_t *bytes)
{
	static const struct unit units[] = { { "", 1 }, { "B", 1 }, { "KiB", 1 << 10 }, { "MiB", 1 << 20 },
		{ "GiB", 1 << 30 }, { "TiB", INT64_C(1) << 40 }, { "kB", 1000 }, { "KB", 1000 },
		{ "MB", 1000000 }, { "GB", 1000000000 }, { "TB", INT64_C(1000000000000) }, { NULL, 0 } };
	return with_unit(text, units, bytes);
}

bool
value_share(struct str text, double *out)
{
	struct decimal d;
	if (!eat_decimal(&text, &d) || text.n > 0)
		return false;
	*out = (double)d.digits / (double)ten_to(d.behind);
	return true;
}

bool
value_bool(struct str text, bool *out)
{
	static const char *const yes[] = { "true", "yes", "on" }, *const no[] = { "false", "no", "off" };
	for (size_t i = 0; i < 3; i++) {
		bool is_yes = str_eq_nocase(text, str_from(yes[i]));
		if (is_yes || str_eq_nocase(text, str_from(no[i]))) {
			*out = is_yes;
			return true;
		}
	}
	return false;
}

/* Eats exactly `digits` digits. */
static bool
eat_digits(struct str *text, int digits, int *out)
{
	int value = 0;
	if (text->n < (size_t)digits)
		return false;
	for (int i = 0; i < digits; i++) {
		char c = text->p[i];
		if (c < '0' || c > '9')
			return false;
		value = value * 10 + (c - '0');
	}
	*text = (struct str){ text->p + digits, text->n - (size_t)digits };
	*out = value;
	return true;
}

static bool
eat_char(struct str *text, char c)
{
	if (text->n == 0 || text->p[0] != c)
		return false;
	*text = (struct str){ text->p + 1, text->n - 1 };
	return true;
}

bool
value_date(struct str text, int64_t *us)
{
	struct tm tm = { 0 };
	int year, month;
	if (!eat_digits(&text, 4, &year) || !eat_char(&text, '-') || !eat_digits(&text, 2, &month) ||
	    !eat_char(&text, '-') || !eat_digits(&text, 2, &tm.tm_mday))
		return false;
	if (text.n > 0 &&
	    (!eat_char(&text, 'T') || !eat_digits(&text, 2, &tm.tm_hour) || !eat_char(&text, ':') ||
		!eat_digits(&text, 2, &tm.tm_min) || !eat_char(&text, ':') ||
		!eat_digits(&text, 2, &tm.tm_sec) || !eat_char(&text, 'Z') || text.n > 0))
		return false;
	if (year < 1970 || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 59)
		return false;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	struct tm same = tm;
	time_t seconds = timegm(&same);
	/* timegm makes March of the 31st of February. */
	if (same.tm_year != tm.tm_year || same.tm_mon != tm.tm_mon || same.tm_mday != tm.tm_mday)
		return false;
	*us = (int64_t)seconds * 1000000;
	return true;
}

bool
value_choice(struct str text, const char *choices, int *index)
{
	struct str rest = str_from(choices), one;
	for (int i = 0; str_cut(&rest, '|', &one); i++) {
		if (str_eq(one, text)) {
			*index = i;
			return true;
		}
	}
	return false;
}

static bool
is_name(struct str s)
{
	if (s.n == 0 || (s.p[0] >= '0' && s.p[0] <= '9'))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (c != '_' && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
			return false;
	}
	return true;
}

static int
too_long(char *why, size_t size)
{
	snprintf(why, size, "is too long");
	return -1;
}

/* What stands between the braces: NAME or NAME:-default. */
static int
add_variable(struct str inside, struct buf *out, char *why, size_t size)
{
	ptrdiff_t dash = str_find(inside, STR(":-"));
	struct str name = { inside.p, dash >= 0 ? (size_t)dash : inside.n };
	char label[128];
	if (!is_name(name) || name.n >= sizeof label) {
		snprintf(why, size,
		    "holds ${...} with something that is no variable's name; $${ stands for a literal ${");
		return -1;
	}
	str_copy(label, sizeof label, name);
	struct str value = str_from(getenv(label));
	/* As in a shell: `:-` also replaces what is set but empty. */
	if (value.n == 0 && dash >= 0)
		value = (struct str){ inside.p + dash + 2, inside.n - (size_t)dash - 2 };
	if (value.p == NULL) {
		snprintf(why, size, "needs the environment variable %s, which is not set", label);
		return VALUE_MISSING;
	}
	return buf_add(out, value) == 0 ? 0 : too_long(why, size);
}

int
value_expand(struct str text, struct buf *out, char *why, size_t size)
{
	while (text.n > 0) {
		ptrdiff_t at = str_find(text, STR("${"));
		struct str before = { text.p, at >= 0 ? (size_t)at : text.n };
		bool literal = at > 0 && text.p[at - 1] == '$';
		if (literal)
			before.n--;
		if (buf_add(out, before) != 0)
			return too_long(why, size);
		if (at < 0)
			return 0;
		text = (struct str){ text.p + at + 2, text.n - (size_t)at - 2 };
		if (literal) {
			if (buf_add(out, STR("${")) != 0)
				return too_long(why, size);
			continue;
		}
		ptrdiff_t end = str_find(text, STR("}"));
		if (end < 0) {
			snprintf(why, size, "has a ${ without its }; $${ stands for a literal ${");
			return -1;
		}
		int rc = add_variable((struct str){ text.p, (size_t)end }, out, why, size);
		if (rc != 0)
			return rc;
		text = (struct str){ text.p + end + 1, text.n - (size_t)end - 1 };
	}
	return 0;
}

/* Larger than any key, certificate chains included; a device or a log by mistake is not swallowed. */
#define MOST_SECRET 16384

static int
read_secret(const char *path, struct buf *out, char *why, size_t size)
{
	char bytes[MOST_SECRET + 1];
	struct stat st;
	size_t n = 0;
	int rc = VALUE_MISSING, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		snprintf(why, size, "cannot read the file %s: %s", path,
		    fd < 0 ? strerror(errno) : "it is no plain file");
		goto done;
	}
	for (ssize_t got = 1; got > 0 && n < sizeof bytes; n += (size_t)got) {
		got = read(fd, bytes + n, sizeof bytes - n);
		if (got < 0) {
			snprintf(why, size, "cannot read the file %s: %s", path, strerror(errno));
			goto done;
		}
	}
	if (n > MOST_SECRET) {
		snprintf(why, size, "the file %s is too large for a secret", path);
		goto done;
	}
	while (n > 0 && (bytes[n - 1] == '\n' || bytes[n - 1] == '\r'))
		n--;
	if (n == 0) {
		snprintf(why, size, "the file %s is empty", path);
		goto done;
	}
	rc = buf_add(out, (struct str){ bytes, n }) == 0 ? 0 : too_long(why, size);
done:
	explicit_bzero(bytes, sizeof bytes);
	if (fd >= 0)
		close(fd);
	return rc;
}

static int
read_credential(struct str name, struct buf *out, char *why, size_t size)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	char path[4096];
	if (name.n == 0 || memchr(name.p, '/', name.n) != NULL || name.p[0] == '.') {
		snprintf(why, size, "is no credential's name: a file name without a slash");
		return -1;
	}
	if (folder == NULL || folder[0] == '\0') {
		snprintf(
		    why, size, "needs a credential, but systemd gave none: CREDENTIALS_DIRECTORY is not set");
		return VALUE_MISSING;
	}
	int n = snprintf(path, sizeof path, "%s/%.*s", folder, STR_FMT(name));
	if (n < 0 || (size_t)n >= sizeof path)
		return too_long(why, size);
	return read_secret(path, out, why, size);
}

int
value_secret(struct str text, struct buf *out, char *why, size_t size)
{
	struct str file = STR("file:"), credential = STR("credential:");
	if (str_starts(text, credential)) {
		struct str name = { text.p + credential.n, text.n - credential.n };
		return read_credential(name, out, why, size);
	}
	if (!str_starts(text, file))
		return buf_add(out, text) == 0 ? 0 : too_long(why, size);
	char path[4096];
	if (text.n - file.n == 0 || text.n - file.n >= sizeof path) {
		snprintf(why, size, "names no file behind file:");
		return -1;
	}
	str_copy(path, sizeof path, (struct str){ text.p + file.n, text.n - file.n });
	return read_secret(path, out, why, size);
}
