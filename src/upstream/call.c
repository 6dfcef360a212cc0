/*
 * A call. curl does names, connections, TLS and HTTP; the waiting times are ours, because curl knows no
 * "first byte within" and no "idle for" that fits event streams.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "upstream/call.h"

#include <arpa/inet.h>
#include <assert.h>
#include <curl/curl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "head.h"
#include "lanes.h"
#include "provider_private.h"

enum { CALL_MAGIC = 0x43414c4c };

struct caller {
	struct loop *loop;
	struct lanes *lanes;
	int calls;
};

struct call {
	unsigned magic;
	struct caller *caller;
	struct provider *provider;
	const struct call_events *events;
	void *context;
	CURL *easy;
	struct lane *lane;
	bool warm;                  /* its handle may be used again for the next JSON call */
	struct curl_slist *headers; /* own ones; NULL when the provider's are used */
	struct buf body;
	struct call_head head;
	bool headed;
	bool stopped; /* an event said -1 */
	bool timed_out;
	bool asked;  /* once: libcurl is about to send, or has sent */
	bool died;   /* what had been sent is not sent again */
	long before; /* bytes of a proxy's CONNECT that went first */
	bool paused; /* no more bytes wanted */
	bool held;   /* curl was told to wait */
	int64_t started_ms, heard_ms, deadline_ms;
	struct timer timer;
};

/* ---- time ---- */

static int64_t
next_due(const struct call *c)
{
	const struct upstream_conf *conf = c->provider->conf;
	int64_t due = c->headed ? c->heard_ms + conf->idle_ms : c->started_ms + conf->first_byte_ms;
	return due < c->deadline_ms ? due : c->deadline_ms;
}

/* ---- the head ---- */

static bool
is_final(struct call *c)
{
	long status = 0;
	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	c->head.status = (int)status;
	return status >= 200;
}

static int
announce_head(struct call *c)
{
	c->heard_ms = clock_ms();
	c->headed = true;
	if (next_due(c) < c->timer.due_ms)
		loop_timer_set(c->caller->loop, &c->timer, next_due(c));
	if (c->events->on_head(c->context, &c->head) != 0)
		c->stopped = true;
	return c->stopped ? -1 : 0;
}

static size_t
on_curl_header(char *p, size_t size, size_t n, void *context)
{
	struct call *c = context;
	struct str line = { p, size * n };
	while (line.n > 0 && (line.p[line.n - 1] == '\r' || line.p[line.n - 1] == '\n'))
		line.n--;
	if (c->headed) /* trailers */
		return size * n;
	/* A new status line begins a new head: "100 Continue" came before. */
	if (str_starts(line, STR("HTTP/"))) {
		head_reset(&c->head);
		return size * n;
	}
	if (line.n == 0) /* the end of this head; what follows one below 200 is another */
		return is_final(c) && announce_head(c) != 0 ? 0 : size * n;
	head_take(&c->head, line);
	return size * n;
}

static size_t
on_curl_bytes(char *p, size_t size, size_t n, void *context)
{
	struct call *c = context;
	assert(c->magic == CALL_MAGIC);
	c->heard_ms = clock_ms();
	if (c->paused) {
		c->held = true;
		return CURL_WRITEFUNC_PAUSE; /* curl keeps these bytes and brings them again */
	}
	if (c->events->on_bytes(c->context, (struct str){ p, size * n }) != 0) {
		c->stopped = true;
		return 0;
	}
	return size * n;
}

/* ---- sockets ---- */

/* Addresses no public provider has: DNS may not lead a configured name into the operator's own network. */
static bool
is_private(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET) {
		uint32_t a = ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr);
		return a >> 24 == 0 || a >> 24 == 10 || a >> 24 == 127 || a >> 16 == 0xA9FE ||
		       a >> 20 == 0xAC1 || a >> 16 == 0xC0A8 || a >> 22 == (UINT32_C(0x64400000) >> 22);
	}
	if (address->sa_family == AF_INET6) {
		const uint8_t *a = ((const struct sockaddr_in6 *)(const void *)address)->sin6_addr.s6_addr;
		static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF };
		static const uint8_t nothing[15] = { 0 };
		return (a[0] == 0xFE && (a[1] & 0xC0) == 0x80) || (a[0] & 0xFE) == 0xFC ||
		       memcmp(a, nothing, 15) == 0 || memcmp(a, mapped, 12) == 0;
	}
	return true;
}

static curl_socket_t
on_curl_open(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	(void)purpose;
	struct call *c = context;
	bool by_name = !c->provider->literal && c->provider->conf->proxy[0] == '\0';
	if (by_name && !c->provider->conf->private_network && is_private(&address->addr)) {
		log_line(LOG_ERROR, "refused", "upstream=%q why=%q", c->provider->conf->name,
		    "its name leads to a private address; set private: true if that is meant");
		return CURL_SOCKET_BAD;
	}
	return lanes_open_socket(c->caller->lanes, address);
}

static int
on_curl_close(void *context, curl_socket_t fd)
{
	struct caller *caller = context;
	return lanes_close_socket(caller->lanes, fd);
}

static long
request_bytes(struct call *c)
{
	long bytes = 0;
	curl_easy_getinfo(c->easy, CURLINFO_REQUEST_SIZE, &bytes);
	return bytes;
}

/* A kept connection that ends without a word makes libcurl ask again on another one, up to five times, and tell nobody. But
 * the provider may have worked, and will bill each of them: what has left is not sent twice by the same attempt. */
static int
on_curl_ready(void *context, char *peer, char *own, int peer_port, int own_port)
{
	(void)peer, (void)own, (void)peer_port, (void)own_port;
	struct call *c = context;
	assert(c->magic == CALL_MAGIC);
	long bytes = request_bytes(c);
	c->died = c->asked && bytes > c->before;
	c->asked = true;
	c->before = bytes;
	return c->died ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static void finish(struct call *c, CURLcode code);

/* The timer is not moved with every byte: it wakes, looks whether bytes came meanwhile, and sleeps on. */
static void
on_time(struct timer *t)
{
	struct call *c = LIST_ENTRY(t, struct call, timer);
	if (c->held && !c->paused) {
		c->held = false;
		c->heard_ms = clock_ms();
		lanes_unpause(c->caller->lanes, c->lane, c->easy); /* brings the bytes it kept, at once */
	}
	if (c->held) /* it is the client that keeps us waiting, not the provider */
		c->heard_ms = clock_ms();
	int64_t due = next_due(c);
	if (clock_ms() < due) {
		loop_timer_set(c->caller->loop, t, due);
		return;
	}
	c->timed_out = true;
	finish(c, CURLE_OPERATION_TIMEDOUT);
}

/* ---- birth ---- */

/* Until 8.15.0 libcurl keeps the reset of a cancelled HTTP/2 stream to itself until it has something else to say on that
 * connection (curl issue 17611): the provider would go on generating what nobody reads. The one of Debian 12 also stops a
 * whole connection for one paused stream. */
static bool
curl_resets_streams_at_once(void)
{
	return curl_version_info(CURLVERSION_NOW)->version_num >= 0x080f00;
}

static bool
may_be_http_2(const struct upstream_conf *conf)
{
	bool wanted = conf->http == HTTP_2 || (conf->http == HTTP_AUTO && curl_resets_streams_at_once());
	return wanted && str_starts(str_from(conf->base_url), STR("https:"));
}

static void
set_common(struct call *c, CURL *easy)
{
	const struct upstream_conf *conf = c->provider->conf;
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(
	    easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);    /* a proxy's head is not the provider's */
	curl_easy_setopt(easy, CURLOPT_PROXY, conf->proxy); /* "" keeps curl from obeying the environment */
	if (conf->proxy[0] == '\0')
		curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(easy, CURLOPT_UNRESTRICTED_AUTH, 0L);
	curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
	curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 16384L);
	curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, 60L);
	curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, 600L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)conf->connect_ms);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	if (conf->ca_file[0] != '\0')
		curl_easy_setopt(easy, CURLOPT_CAINFO, conf->ca_file);
	/* Waiting to see whether a connection can be shared makes sense only where it may turn out so: over TLS. */
	bool http_2 = may_be_http_2(conf);
	curl_easy_setopt(
	    easy, CURLOPT_HTTP_VERSION, (long)(http_2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
	curl_easy_setopt(easy, CURLOPT_PIPEWAIT, (long)http_2);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_curl_bytes);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_curl_header);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_curl_ready);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_curl_open);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_curl_close);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, c->caller);
}

static void
set_request(struct call *c, const struct call_spec *spec)
{
	CURL *easy = c->easy;
	CURLU *parsed = c->warm ? provider_url(c->provider, spec->path) : NULL;
	curl_easy_setopt(easy, CURLOPT_CURLU, parsed);
	if (parsed == NULL) {
		char url[2048];
		snprintf(url, sizeof url, "%s%s", c->provider->conf->base_url, spec->path);
		curl_easy_setopt(easy, CURLOPT_URL, url);
	}
	/* An open stream keeps its buffer, and its events are small. */
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, spec->stream ? 2048L : 16384L);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, c);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, c);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, c);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, c);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, c);
	if (c->warm) {
		curl_easy_setopt(
		    easy, CURLOPT_HTTPHEADER, spec->stream ? c->provider->json_stream : c->provider->json);
	} else {
		c->headers = provider_headers(c->provider, spec->content_type, spec->stream);
		curl_easy_setopt(easy, CURLOPT_HTTPHEADER, c->headers);
	}
	if (strcmp(spec->method, "POST") == 0) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, c->body.p != NULL ? c->body.p : "");
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->body.n);
	} else if (strcmp(spec->method, "GET") == 0) {
		curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
	} else {
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, spec->method);
	}
}

static bool
is_json_post(const struct call_spec *spec)
{
	return strcmp(spec->method, "POST") == 0 && spec->content_type != NULL &&
	       strcmp(spec->content_type, "application/json") == 0;
}

static void
call_free(struct call *c)
{
	struct provider *p = c->provider;
	if (c->easy != NULL && c->warm && p->warm_count < WARM_MAX) {
		curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, NULL); /* the body dies with the call */
		p->warm[p->warm_count++] = c->easy;
	} else {
		curl_easy_cleanup(c->easy);
	}
	p->active--;
	c->caller->calls--;
	loop_timer_clear(c->caller->loop, &c->timer);
	provider_wipe(&c->headers);
	buf_free(&c->body);
	buf_free(&c->head.headers);
	c->magic = 0;
	free(c);
}

struct call *
call_start(struct caller *caller, struct call_spec *spec, const struct call_events *events, void *context,
    struct err *e)
{
	struct provider *p = spec->provider;
	struct call *c = must_alloc(sizeof *c);
	c->magic = CALL_MAGIC;
	c->caller = caller;
	c->provider = p;
	c->events = events;
	c->context = context;
	c->body = *spec->body;
	*spec->body = (struct buf){ 0 };
	c->warm = is_json_post(spec);
	c->started_ms = c->heard_ms = clock_ms();
	c->deadline_ms = c->started_ms + p->conf->total_ms;
	if (spec->deadline_ms > 0 && spec->deadline_ms < c->deadline_ms)
		c->deadline_ms = spec->deadline_ms;
	c->timer.on_due = on_time;
	head_reset(&c->head);
	p->active++;
	caller->calls++;
	if (c->warm && p->warm_count > 0) {
		c->easy = p->warm[--p->warm_count];
	} else if ((c->easy = curl_easy_init()) != NULL) {
		set_common(c, c->easy);
	}
	if (c->easy == NULL)
		goto fail;
	set_request(c, spec);
	if ((c->lane = lanes_board(caller->lanes, c->easy)) == NULL)
		goto fail;
	loop_timer_set(caller->loop, &c->timer, next_due(c));
	return c;
fail:
	call_free(c);
	err_set(e, 503, "overloaded", "The gateway could not start a call to the provider.");
	return NULL;
}

/* ---- end ---- */

static enum call_result
result_of(const struct call *c, CURLcode code)
{
	if (c->stopped)
		return CALL_STOPPED;
	switch (code) {
	case CURLE_OK:
		return CALL_DONE;
	case CURLE_OPERATION_TIMEDOUT:
		return CALL_TIMEOUT;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
		return CALL_UNREACHED;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return CALL_TLS;
	case CURLE_UNSUPPORTED_PROTOCOL: /* HTTP/0.9 */
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_BAD_CONTENT_ENCODING:
		return CALL_GARBLED;
	default:
		return CALL_RESET;
	}
}

static bool
was_sent(struct call *c)
{
	return request_bytes(c) > 0;
}

/* Leaves curl before the end of the transfer. Where the reset of its stream would stay behind, a connection that carries
 * no other is closed instead: that is news which does not wait. */
static void
leave_early(struct call *c)
{
	bool close = may_be_http_2(c->provider->conf) && !curl_resets_streams_at_once();
	if (close)
		curl_easy_setopt(c->easy, CURLOPT_FORBID_REUSE, 1L);
	lanes_leave(c->caller->lanes, c->lane, c->easy);
	if (close)
		curl_easy_setopt(c->easy, CURLOPT_FORBID_REUSE, 0L);
}

static void
finish(struct call *c, CURLcode code)
{
	assert(c->magic == CALL_MAGIC);
	if (code == CURLE_OK && !c->headed)
		code = CURLE_WEIRD_SERVER_REPLY; /* nothing that could be called a head */
	if (c->died)
		code = CURLE_GOT_NOTHING;
	struct call_end end = { .result = result_of(c, code), .sent = was_sent(c), .headed = c->headed };
	if (c->timed_out)
		snprintf(
		    end.text, sizeof end.text, "no %s in time", c->headed ? "further byte" : "first byte");
	else
		str_copy(end.text, sizeof end.text, str_from(curl_easy_strerror(code)));
	lanes_leave(c->caller->lanes, c->lane, c->easy);
	const struct call_events *events = c->events;
	void *context = c->context;
	call_free(c); /* before the event, which may start the next attempt with the same handle */
	events->on_end(context, &end);
}

static void
on_lane_done(void *context, CURL *easy, CURLcode code)
{
	(void)context;
	struct call *c = NULL;
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&c);
	finish(c, code);
}

void
call_cancel(struct call **cp, bool *sent)
{
	struct call *c = *cp;
	if (c == NULL)
		return;
	assert(c->magic == CALL_MAGIC);
	*sent = was_sent(c);
	leave_early(c);
	call_free(c);
	*cp = NULL;
}

void
call_pause(struct call *c)
{
	c->paused = true;
}

void
call_resume(struct call *c)
{
	c->paused = false;
	if (c->held) /* on the next turn, because curl would call us back from inside */
		loop_timer_set(c->caller->loop, &c->timer, clock_ms());
}

void
call_linger(struct call *c)
{
	enum { LINGER_MS = 1000 };
	c->deadline_ms = clock_ms() + LINGER_MS;
	loop_timer_set(c->caller->loop, &c->timer, c->deadline_ms);
}

struct caller *
caller_new(struct loop *l, struct err *e)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		err_set(e, 500, "curl", "libcurl could not be initialised");
		return NULL;
	}
	struct caller *caller = must_alloc(sizeof *caller);
	caller->loop = l;
	caller->lanes = lanes_new(l, on_lane_done, caller);
	return caller;
}

void
caller_free(struct caller **cp)
{
	struct caller *c = *cp;
	if (c == NULL)
		return;
	assert(c->calls == 0);
	lanes_free(&c->lanes);
	free(c);
	curl_global_cleanup();
	*cp = NULL;
}

int
caller_count(const struct caller *c)
{
	return c->calls;
}

const char *
call_curl_version(void)
{
	return curl_version();
}
