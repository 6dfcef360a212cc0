/*
 * systemd's notification protocol.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/notify.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/str.h"

void
notify_send(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	if (path == NULL || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof to.sun_path)
		return;
	size_t n = strlen(path);
	memcpy(to.sun_path, path, n);
	if (path[0] == '@')
		to.sun_path[0] = '\0'; /* an abstract socket */
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	ssize_t sent =
	    sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&to, size);
	(void)sent; /* a supervisor that does not listen is none of our worries */
	close(fd);
}

int64_t
notify_watchdog_ms(void)
{
	int64_t us, pid;
	const char *interval = getenv("WATCHDOG_USEC"), *whose = getenv("WATCHDOG_PID");
	if (interval == NULL || !str_int(str_from(interval), &us) || us <= 0)
		return 0;
	if (whose != NULL && (!str_int(str_from(whose), &pid) || pid != getpid()))
		return 0;
	return us / 1000;
}
