/*
 * Proves src/base/notify.c with a supervisor of our own behind NOTIFY_SOCKET.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/notify.h"

static int supervisor = -1;
static char folder[64], path[100];

static void
listen_on(const char *name)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	size_t n = strlen(name);
	assert_true(n < sizeof at.sun_path);
	memcpy(at.sun_path, name, n);
	if (name[0] == '@')
		at.sun_path[0] = '\0';
	supervisor = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(supervisor >= 0);
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	assert_int_equal(bind(supervisor, (struct sockaddr *)&at, size), 0);
	setenv("NOTIFY_SOCKET", name, 1);
}

static int
prepare(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/farthing-notify-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/socket", folder);
	return 0;
}

static int
clean_up(void **state)
{
	(void)state;
	if (supervisor >= 0)
		close(supervisor);
	supervisor = -1;
	unlink(path);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return rmdir(folder);
}

static void
assert_told(const char *want)
{
	char got[200];
	ssize_t n = recv(supervisor, got, sizeof got - 1, 0);
	assert_true(n > 0);
	got[n] = '\0';
	assert_string_equal(got, want);
}

static void
supervisor_behind_a_path_is_told(void **state)
{
	(void)state;
	listen_on(path);
	notify_send("READY=1");
	notify_send("STOPPING=1\nSTATUS=finishing");
	assert_told("READY=1");
	assert_told("STOPPING=1\nSTATUS=finishing");
}

static void
supervisor_behind_an_abstract_name_is_told(void **state)
{
	(void)state;
	char name[100];
	snprintf(name, sizeof name, "@%s", folder);
	listen_on(name);
	notify_send("WATCHDOG=1");
	assert_told("WATCHDOG=1");
}

static void
nobody_listening_is_no_worry(void **state)
{
	(void)state;
	char longest[400];
	memset(longest, 'x', sizeof longest - 1);
	longest[0] = '/';
	longest[sizeof longest - 1] = '\0';
	const char *const names[] = { path, "", "relative", "vsock:2:1", longest, "/" };
	notify_send("READY=1"); /* no variable */
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		setenv("NOTIFY_SOCKET", names[i], 1);
		notify_send("READY=1");
	}
}

static void
supervisor_that_does_not_read_does_not_block(void **state)
{
	(void)state;
	listen_on(path);
	/* far more than a socket holds; the test's time-out is what tells */
	for (int i = 0; i < 2000; i++)
		notify_send("WATCHDOG=1");
	assert_told("WATCHDOG=1");
}

static void
watchdog_speaks_to_the_named_process_only(void **state)
{
	(void)state;
	char pid[20];
	assert_int_equal(notify_watchdog_ms(), 0);
	setenv("WATCHDOG_USEC", "30000000", 1);
	assert_int_equal(notify_watchdog_ms(), 30000);
	snprintf(pid, sizeof pid, "%d", (int)getpid());
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(notify_watchdog_ms(), 30000);
	snprintf(pid, sizeof pid, "%d", (int)getpid() + 1);
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(notify_watchdog_ms(), 0);
	setenv("WATCHDOG_PID", "x", 1);
	assert_int_equal(notify_watchdog_ms(), 0);
}

static void
nonsense_interval_is_no_watchdog(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "0", "-5", "5s", "99999999999999999999" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		setenv("WATCHDOG_USEC", bad[i], 1);
		assert_int_equal(notify_watchdog_ms(), 0);
	}
}

#define CLEAN(test) cmocka_unit_test_setup_teardown(test, prepare, clean_up)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CLEAN(supervisor_behind_a_path_is_told),
		CLEAN(supervisor_behind_an_abstract_name_is_told),
		CLEAN(nobody_listening_is_no_worry),
		CLEAN(supervisor_that_does_not_read_does_not_block),
		CLEAN(watchdog_speaks_to_the_named_process_only),
		CLEAN(nonsense_interval_is_no_watchdog),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
