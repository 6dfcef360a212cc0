/*
 * Keys of limits: of requests, connections and time, and of what the ledger keeps.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_schema_rows.h"

/* clang-format off */

static const struct config_key limit_keys[] = {
	{ "body", KEY_SIZE, AT(limits_conf, body), "8MiB", "1KiB", "64MiB", "A request's body." },
	{ "reply", KEY_SIZE, AT(limits_conf, reply), "8MiB", "1KiB", "256MiB", "A whole reply from upstream." },
	{ "stream", KEY_SIZE, AT(limits_conf, stream), "16MiB", "1KiB", "256MiB", "A stream from upstream, in all." },
	{ "event", KEY_SIZE, AT(limits_conf, event), "1MiB", "1KiB", "16MiB", "One event of a stream." },
	{ "depth", KEY_INT, AT(limits_conf, depth), "64", "8", "512", "How deep a request's JSON may nest." },
	{ "messages", KEY_INT, AT(limits_conf, messages), "2048", "1", "100000", "Messages in a request." },
	{ "choices", KEY_INT, AT(limits_conf, choices), "4", "1", "128", "The largest `n` a request may ask for." },
	{ "concurrent", KEY_INT, AT(limits_conf, concurrent), "1024", "1", "65536", "Requests in flight, in all." },
	{ "per_key", KEY_INT, AT(limits_conf, per_key), "64", "1", "65536", "Requests in flight of one key." },
	{ "connections", KEY_INT, AT(limits_conf, connections), "4096", "8", "100000", "Client connections, in all." },
	{ "per_address", KEY_INT, AT(limits_conf, per_address), "64", "1", "100000", "Connections of one address." },
	{ "per_loopback", KEY_INT, AT(limits_conf, per_loopback), "1024", "1", "100000",
	    "Connections of a loopback address." },
	{ "total_timeout", KEY_DURATION, AT(limits_conf, total_ms), "600s", "1s", "24h",
	    "From a request's arrival to the end of its reply, all attempts included." },
	{ "header_timeout", KEY_DURATION, AT(limits_conf, header_ms), "10s", "100ms", "10m",
	    "How long a client may take to send the header." },
	{ "body_timeout", KEY_DURATION, AT(limits_conf, body_ms), "30s", "100ms", "1h",
	    "How long a client may take to send the body." },
	{ "body_rate", KEY_SIZE, AT(limits_conf, body_rate), "1KiB", "1B", "1GiB",
	    "Bytes a second that a body must keep up after 10 s." },
	{ "idle_timeout", KEY_DURATION, AT(limits_conf, idle_ms), "60s", "1s", "1h",
	    "How long a connection may stay open without a request." },
	{ "stall_timeout", KEY_DURATION, AT(limits_conf, stall_ms), "60s", "1s", "1h",
	    "How long a client may take nothing of its reply." },
	{ "drain_timeout", KEY_DURATION, AT(limits_conf, drain_ms), "90s", "0", "1h",
	    "At SIGTERM, how long running requests may go on. Keep it below systemd's TimeoutStopSec." },
	{ "heartbeat", KEY_DURATION, AT(limits_conf, heartbeat_ms), "15s", "1s", "10m",
	    "A comment is sent in a stream that has been silent for so long. 0: never.", .flags = KEY_OR_ZERO },
	{ "client_buffer", KEY_SIZE, AT(limits_conf, client_buffer), "256KiB", "4KiB", "16MiB",
	    "How far the fastest reader of a stream may lag before the upstream is paused." },
	END
};
const struct config_section config_limit_keys = { limit_keys, NULL, false };

static const struct config_key retention_keys[] = {
	{ "days", KEY_INT, AT(config, retention_days), "90", "1", "36500", "How long the ledger keeps single requests." },
	{ "size", KEY_SIZE, AT(config, retention_bytes), "1GiB", "1MiB", "1TiB",
	    "How large the database may grow before the oldest go." },
	END
};
const struct config_section config_retention_keys = { retention_keys, NULL, false };

/* clang-format on */
