/*
 * farthing version: which one this is, and what it is linked with.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "ledger/ledger.h"
#include "server/server.h"
#include "upstream/call.h"

int
cmd_version(int argc, char **argv)
{
	bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
	bool help = argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
	if (argc > 1 && !json) {
		fputs("usage: farthing version [--json]\n", help ? stdout : stderr);
		return help ? 0 : 2;
	}
	if (json)
		printf(
		    "{\"farthing\":\"%s\",\"libmicrohttpd\":\"%s\",\"libcurl\":\"%s\",\"sqlite\":\"%s\"}\n",
		    FARTHING_VERSION, server_library(), call_curl_version(), ledger_library());
	else
		printf("farthing %s\nlibmicrohttpd %s\n%s\nSQLite %s\n", FARTHING_VERSION, server_library(),
		    call_curl_version(), ledger_library());
	return 0;
}
