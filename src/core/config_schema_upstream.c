/*
 * Keys of an upstream.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_schema_rows.h"

static bool
flip_circuit(void *target, bool on)
{
	if (on)
		return false;
	((struct upstream_conf *)target)->circuit_failures = 0;
	return true;
}

/* clang-format off */

static const struct config_key timeout_keys[] = {
	{ "connect", KEY_DURATION, AT(upstream_conf, connect_ms), "5s", "10ms", "5m",
	    "How long connecting may take, name lookup and TLS included." },
	{ "first_byte", KEY_DURATION, AT(upstream_conf, first_byte_ms), "60s", "100ms", "1h",
	    "How long the provider may think before the reply begins. Reasoning models need up to 600s." },
	{ "idle", KEY_DURATION, AT(upstream_conf, idle_ms), "120s", "100ms", "1h",
	    "How long a reply that has begun may pause." },
	{ "total", KEY_DURATION, AT(upstream_conf, total_ms), "600s", "1s", "24h",
	    "How long one attempt may take in all." },
	END
};
static const struct config_section timeouts = { timeout_keys, NULL, false };

static const struct config_key retry_keys[] = {
	{ "attempts", KEY_INT, AT(upstream_conf, attempts), "2", "1", "10",
	    "How often one model may be asked for the same request; each fallback has as many. 1 never asks it again." },
	{ "backoff", KEY_DURATION, AT(upstream_conf, backoff_ms), "500ms", "1ms", "1m",
	    "The pause before the second attempt; it doubles with each further one, with jitter." },
	{ "backoff_max", KEY_DURATION, AT(upstream_conf, backoff_max_ms), "8s", "1ms", "10m",
	    "The longest pause; a `retry-after` that asks for more is not waited for." },
	END
};
static const struct config_section retry = { retry_keys, NULL, false };

static const struct config_key circuit_keys[] = {
	{ "failures", KEY_INT, AT(upstream_conf, circuit_failures), "5", "1", "64", /* CIRCUIT_FAILURES_MAX */
	    "This many failures within the window open the circuit: requests fail at once instead of piling up. 0: never.",
	    .flags = KEY_OR_ZERO },
	{ "window", KEY_DURATION, AT(upstream_conf, circuit_window_ms), "10s", "100ms", "1h",
	    "The time over which failures are counted." },
	{ "open", KEY_DURATION, AT(upstream_conf, circuit_open_ms), "5s", "100ms", "1h",
	    "How long the circuit stays open before one request probes it." },
	END
};
static const struct config_section circuit = { circuit_keys, flip_circuit, false };

static const struct config_key upstream_keys[] = {
	{ "base_url", KEY_URL, AT(upstream_conf, base_url), NULL, NULL, NULL,
	    "Where the API is, `/v1` included. Required, but for an upstream named `openai`, which is "
	    "https://api.openai.com/v1. `http://` is for loopback only, unless `insecure` says otherwise." },
	{ "api_key", KEY_SECRET, AT(upstream_conf, api_key), NULL, NULL, NULL,
	    "The provider's key. An `openai` without `base_url` takes it from OPENAI_API_KEY." },
	{ "organization", KEY_LABEL, AT(upstream_conf, organization), "", NULL, NULL, "Sent as `openai-organization`." },
	{ "project", KEY_LABEL, AT(upstream_conf, project), "", NULL, NULL, "Sent as `openai-project`." },
	{ "ca_file", KEY_FILE, AT(upstream_conf, ca_file), "", NULL, NULL,
	    "A PEM file with the certificate authorities to trust instead of the system's." },
	{ "proxy", KEY_PROXY, AT(upstream_conf, proxy), "", NULL, NULL,
	    "An HTTP or SOCKS proxy to go through. The environment's `http_proxy` is never followed." },
	{ "http", KEY_CHOICE, AT(upstream_conf, http), "auto", NULL, NULL,
	    "The version of HTTP. `auto` is HTTP/2 where the provider speaks it over TLS and libcurl is 8.15 or newer; "
	    "older ones cancel HTTP/2 streams late and let one slow reader stop its neighbours, so that `2` is for those who accept that.",
	    .choices = "auto|1.1|2" },
	{ "insecure", KEY_BOOL, AT(upstream_conf, insecure_http), "false", NULL, NULL,
	    "Allows `http://` beyond loopback: prompts and the key travel in the clear." },
	{ "private", KEY_BOOL, AT(upstream_conf, private_network), "false", NULL, NULL,
	    "Allows the name to resolve to private addresses (10/8, 192.168/16, ...)." },
	{ "timeouts", KEY_SECTION, 0, NULL, NULL, NULL, "Time-outs of one attempt.", .section = &timeouts },
	{ "retry", KEY_SECTION, 0, NULL, NULL, NULL, "When to try again.", .section = &retry },
	{ "circuit", KEY_SECTION, 0, NULL, NULL, NULL, "When to stop trying. May be `off`.", .section = &circuit },
	{ "max_connections", KEY_INT, AT(upstream_conf, max_connections), "0", "1", "65536",
	    "Connections to this upstream at once. 0: no limit of its own.", .flags = KEY_OR_ZERO },
	END
};
const struct config_section config_upstream = { upstream_keys, NULL, false };

/* clang-format on */
