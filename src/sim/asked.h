/*
 * What is asked: reads the bodies of chat, completions and responses into a prompt, each from its own spelling.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SIM_ASKED_H
#define FARTHING_SIM_ASKED_H

#include "prompt.h"

int sim_asked_chat(
    struct sim_prompt *p, struct str body, bool chat, struct err *e); /* chat, else completions */
int sim_asked_response(struct sim_prompt *p, struct str body, struct err *e);

#endif
