/*
 * The gateway: owns everything, and knows in which order things are born and die.
 *
 *     config ─> ledger ─> loop ─> workers ─> keyring ─> caller ─> site ─> shelf ─> pipeline ─> server        and back
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_GATEWAY_H
#define FARTHING_GATEWAY_H

#include "core/config.h"

/* Runs until it is told to stop by SIGTERM or SIGINT; SIGHUP reloads. Takes config. config_path and database are those of
 * the command line, for reloads; NULL: none. init and accept_rollback as in struct ledger_options. Returns the process's exit
 * status. */
int gateway_run(
    struct config *config, const char *config_path, const char *database, bool init, bool accept_rollback);

#endif
