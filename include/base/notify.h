/*
 * systemd's notification protocol (sd_notify(3), "Notes"): datagrams to the socket named by NOTIFY_SOCKET.
 * Without that variable everything here is a no-op.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_BASE_NOTIFY_H
#define FARTHING_BASE_NOTIFY_H

#include <stdint.h>

void notify_send(const char *state); /* "READY=1", "STOPPING=1\nSTATUS=...", ... */
int64_t notify_watchdog_ms(void);    /* how often the watchdog wants to be told; 0: not at all */

#endif
