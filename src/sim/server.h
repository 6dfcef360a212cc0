/*
 * The simulator's loop: one epoll set, one listener on 127.0.0.1, one heap of timers, stopped by SIGTERM or SIGINT.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SIM_SERVER_H
#define FARTHING_SIM_SERVER_H

#include "conn.h"

int sim_server_open(struct sim_server *v, struct err *e); /* listens; options.port becomes the real one */
void sim_server_run(struct sim_server *v);                /* until a signal */
void sim_server_close(struct sim_server *v);

#endif
