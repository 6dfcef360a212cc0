/*
 * How functions stand before a model: the declarations into which OpenAI renders them. Nobody promises that rule, but
 * it is what the counts of its usage follow. Any thread.
 *
 *   namespace functions {
 *
 *   // Looks up the weather
 *   type weather = (_: {
 *   // The town
 *   town: string,
 *   unit?: "C" | "F",
 *   }) => any;
 *
 *   } // namespace functions
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_TEXT_PROMPT_TOOLS_H
#define FARTHING_TEXT_PROMPT_TOOLS_H

#include "base/json.h"

/* The text for an array of tools, each with its function inside (chat), as it stands (responses), or of functions.
 * Appends; 0, or -1 without memory. What is no function is left out. */
int prompt_render_tools(const struct json *j, uint32_t tools, struct buf *out);

#endif
