/*
 * A call: one HTTP transfer to a provider. Each retry is a new one.
 *
 *     call_start ──> on_head ──> on_bytes* ──> on_end          exactly one on_end, unless call_cancel came first
 *
 * The loop only. No event comes from inside call_start, call_cancel, call_pause or call_resume. Inside an event the call
 * may be paused, but neither cancelled nor freed: return -1 to stop it. After on_end returns, the call is gone.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_UPSTREAM_CALL_H
#define FARTHING_UPSTREAM_CALL_H

#include "base/err.h"
#include "upstream/loop.h"
#include "upstream/provider.h"

struct call;
struct caller; /* all transfers of the process */

struct call_head {
	int status;
	char content_type[96]; /* lower case, parameters included */
	/* From Retry-After-Ms or Retry-After (seconds or a date); -1: absent or nonsense */
	int64_t retry_after_ms;
	bool encoded; /* a Content-Encoding although identity was asked for */
	/* Those that may reach the client, as "name\0value\0" ...; on_head may take the buffer */
	struct buf headers;
};

enum call_result {
	CALL_DONE,      /* the transfer ended as HTTP says it should */
	CALL_UNREACHED, /* no connection: resolve, connect, refused */
	CALL_TLS,       /* no trusted connection */
	CALL_TIMEOUT,   /* connect, first byte, idle or total */
	CALL_RESET,     /* the far side went away */
	CALL_GARBLED,   /* not HTTP */
	CALL_STOPPED,   /* an event returned -1 */
};

struct call_end {
	enum call_result result;
	bool sent;     /* request bytes may have left: the provider may bill it */
	bool headed;   /* on_head was called */
	char text[96]; /* the reason in words, for the log */
};

struct call_events {
	int (*on_head)(void *context, struct call_head *head); /* 0, or -1 to stop */
	int (*on_bytes)(void *context, struct str bytes);      /* 0, or -1 to stop */
	void (*on_end)(void *context, const struct call_end *end);
};

struct call_spec {
	struct provider *provider;
	const char *method;       /* "POST", "GET", "DELETE" */
	const char *path;         /* behind the base URL; from a fixed table or vetted */
	const char *content_type; /* of the body; NULL: none; copied */
	struct buf *body;         /* taken: empty afterwards */
	bool stream;              /* an event stream is wanted */
	/* clock_ms() scale: the total deadline of all attempts; 0: the provider's own only */
	int64_t deadline_ms;
};

struct caller *caller_new(struct loop *l, struct err *e);
void caller_free(struct caller **c); /* when no call is left */
int caller_count(const struct caller *c);

/* NULL with *e when curl refuses. events must be static. */
struct call *call_start(
    struct caller *c, struct call_spec *spec, const struct call_events *events, void *context, struct err *e);
void call_cancel(struct call **c, bool *sent); /* hangs up at once; *sent as in call_end */
void call_pause(struct call *c);  /* no more bytes after those on their way; may be called inside an event */
void call_resume(struct call *c); /* a no-op when not paused */
/* All that matters has come: the transfer has a second left to end by itself */
void call_linger(struct call *c);

const char *call_curl_version(void);

#endif
