/*
 * What would happen to a request on stdin.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "explain.h"

int
explain_request(const struct explain_options *o)
{
	(void)o;
	fputs("farthing: name a request that was served: farthing explain --id REQUEST_ID\n", stderr);
	return 2;
}
