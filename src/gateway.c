/*
 * The gateway.
 *
 * SIGTERM and SIGINT drain: nothing new is admitted, what runs may finish until the drain limit, what is left then is
 * broken politely (an error event in a stream, a 503 before one), the books are closed, and the process ends with 0. A second
 * signal skips the waiting. SIGHUP reads the configuration again; a bad one changes nothing.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/notify.h"
#include "server/server.h"
#include "stages/deferred.h"
#include "stages/purger.h"

enum {
	BREAK_MS = 3000, /* for broken streams to reach their clients */
	LAST_MS = 2000,  /* for hung-up connections to end */
};

struct gateway {
	struct loop *loop;
	struct workers *workers;
	struct caller *caller;
	struct ledger *ledger;
	struct purger *purger;
	struct shelf *shelf; /* NULL: there is none */
	struct keyring *keyring;
	struct gateway_metrics *metrics;
	struct alerts *alerts;
	struct site *site;
	struct pipeline *pipeline;
	struct server *server;
	struct hook hook;
	struct watch signals;
	struct timer drain, watchdog;
	struct timer settle; /* at the end: looks whether every call has told its cost */
	int64_t watchdog_ms;
	const char *config_path, *database; /* of the command line, these two as well */
	bool init, accept_rollback;
	uint64_t reloads, reload_failures;
	enum { RUNNING, DRAINING, BREAKING, HANGING_UP, IDLE } stage;
	struct job stop;
};

static const struct config *
config_of(const struct gateway *g)
{
	return site_config(g->site);
}

/* ---- signals: stop and reload ---- */

static void
on_settled(struct timer *t)
{
	enum { LOOK_AGAIN_MS = 20 };
	struct gateway *g = LIST_ENTRY(t, struct gateway, settle);
	if (pipeline_under_way(g->pipeline) > 0) {
		loop_timer_set(g->loop, t, clock_ms() + LOOK_AGAIN_MS);
		return;
	}
	g->stage = IDLE;
	loop_timer_clear(g->loop, &g->drain);
	loop_stop(g->loop);
}

/* Nobody is served any more. Calls whose clients left may still be telling what they cost: they have the rest of the time. */
static void
on_idle(void *context)
{
	struct gateway *g = context;
	on_settled(&g->settle);
}

/* The stages of an end that takes too long, each with less patience than the one before. */
static void
on_drain_over(struct timer *t)
{
	struct gateway *g = LIST_ENTRY(t, struct gateway, drain);
	struct err e;
	switch (g->stage) {
	case DRAINING:
		g->stage = BREAKING;
		log_line(LOG_WARN, "breaking", "requests=%d why=%q", server_in_flight(g->server),
		    "the gateway stops");
		err_set(&e, 503, "server_shutting_down",
		    "The gateway is shutting down and could not wait for this answer any longer.");
		e.retry_after_s = 2;
		loop_timer_set(g->loop, t, clock_ms() + BREAK_MS);
		pipeline_break_all(g->pipeline, &e);
		return;
	case BREAKING:
		g->stage = HANGING_UP;
		log_line(LOG_WARN, "hanging_up", "requests=%d", server_in_flight(g->server));
		loop_timer_set(g->loop, t, clock_ms() + LAST_MS);
		server_hang_up(g->server);
		return;
	default:
		log_line(LOG_ERROR, "stuck", "requests=%d", server_in_flight(g->server));
		log_hold(false);
		abort(); /* recovery at the next start is safer than books closed on a guess */
	}
}

static void
stop(struct gateway *g, const char *why)
{
	if (g->stage == IDLE)
		return;
	if (g->stage != RUNNING) { /* again: somebody is in a hurry */
		if (g->stage == DRAINING)
			loop_timer_set(g->loop, &g->drain, clock_ms());
		return;
	}
	g->stage = DRAINING;
	log_line(LOG_INFO, "draining", "requests=%d why=%s limit_ms=%lld", server_in_flight(g->server), why,
	    (long long)config_of(g)->limits.drain_ms);
	pipeline_drain(g->pipeline);
	notify_send("STOPPING=1\nSTATUS=Finishing what is being served.");
	loop_timer_set(g->loop, &g->drain, clock_ms() + config_of(g)->limits.drain_ms);
	server_drain(g->server, on_idle, g);
}

static void
log_problems(struct config_problem *problems)
{
	for (const struct config_problem *p = problems; p != NULL; p = p->next)
		log_line(LOG_ERROR, "config", "file=%q line=%d key=%q problem=%q", p->file, p->line, p->key,
		    p->text);
}

/* What cannot change without a restart. */
static bool
fits_the_running(const struct gateway *g, const struct config *fresh)
{
	const struct config *now = config_of(g);
	const char *key = NULL;
	if (strcmp(now->listen_host, fresh->listen_host) != 0 || now->listen_port != fresh->listen_port)
		key = "listen";
	else if (strcmp(now->database, fresh->database) != 0)
		key = "database";
	if (key != NULL)
		log_line(LOG_ERROR, "config", "key=%s problem=%q", key, "this needs a restart");
	return key == NULL;
}

static void
reload(struct gateway *g)
{
	struct config_problem *problems;
	notify_send("RELOADING=1");
	struct config *fresh = config_load(g->config_path, g->database, &problems);
	if (fresh == NULL || !fits_the_running(g, fresh)) {
		g->reload_failures++;
		log_problems(problems);
		log_line(LOG_ERROR, "reload_failed", "why=%q", "the old configuration stays in force");
		config_drop(&fresh);
	} else {
		g->reloads++;
		log_setup(fresh->log_level, fresh->log_json);
		ledger_retention(g->ledger, fresh->retention_days, fresh->retention_bytes);
		gateway_metrics_admit(g->metrics, fresh);
		pipeline_use(g->pipeline, fresh);
		shelf_limit(g->shelf, SHELF_TIMES * fresh->cache.max_bytes);
		alerts_use(g->alerts, fresh);
		site_drop(&g->site);
		g->site = site_new(fresh);
		depot_use(pipeline_depot(g->pipeline), g->site);
		server_use(g->server, g->site);
		log_line(LOG_INFO, "reloaded", "file=%q", fresh->path);
	}
	config_problems_free(&problems);
	notify_send("READY=1");
}

static void
on_signal(struct watch *w, uint32_t events)
{
	(void)events;
	struct gateway *g = LIST_ENTRY(w, struct gateway, signals);
	struct signalfd_siginfo info;
	while (read(w->fd, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo == SIGHUP)
			reload(g);
		else
			stop(g, info.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT");
	}
}

static void
on_watchdog(struct timer *t)
{
	struct gateway *g = LIST_ENTRY(t, struct gateway, watchdog);
	notify_send("WATCHDOG=1");
	loop_timer_set(g->loop, t, clock_ms() + g->watchdog_ms / 2);
}

/* The log's lines of one turn leave together. */
static bool
flush_log(struct hook *hook)
{
	(void)hook;
	log_flush();
	return false;
}

/* ---- birth ---- */

static bool
is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;
	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

/* Beyond loopback whoever reaches the gateway spends its owner's money: only with keys, from now on and whatever becomes of
 * them, and only with a library that is safe to show to strangers. */
static int
judge_exposure(const struct config *c, struct keyring *keys, struct err *e)
{
	if (is_loopback(c->listen_host))
		return 0;
	if (keyring_count(keys) == 0)
		return err_set(e, 500, "listen",
		    "listening on %s needs virtual keys, or whoever reaches it spends your money; make the "
		    "first one with `farthing keys add NAME`, until then only loopback addresses are allowed",
		    c->listen_host);
	if (server_library_is_old() && !c->old_libmicrohttpd)
		return err_set(e, 500, "listen",
		    "listening on %s needs libmicrohttpd 1.0.5 or newer (this is %s), or the operator's word "
		    "for the old one: listen_with_old_libmicrohttpd: true",
		    c->listen_host, server_library());
	keyring_insist(keys);
	return 0;
}

/* The keyring tells of an operator's word for a key that is frozen. */
static void
on_thaw(void *context, const char *name)
{
	struct gateway *g = context;
	budget_thaw(pipeline_budget(g->pipeline), name);
}

/* ... and of a key whose limits are others now: who waited for that goes on. */
static void
on_key(void *context, const struct key *k)
{
	struct gateway *g = context;
	pipeline_key(g->pipeline, config_of(g), k);
}

static int
block_signals(struct gateway *g, struct err *e)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	signal(SIGPIPE, SIG_IGN);
	g->signals = (struct watch){ .fd = -1, .on_ready = on_signal };
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 ||
	    (g->signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC)) < 0)
		return err_set(e, 500, "signals", "no signalfd: %s", strerror(errno));
	return 0;
}

/* Two descriptors a request, and some for the house. */
static void
raise_file_limit(const struct config *c)
{
	struct rlimit limit;
	rlim_t want = (rlim_t)c->limits.connections * 2 + 256;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= want)
		return;
	limit.rlim_cur = limit.rlim_max < want ? limit.rlim_max : want;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < want)
		log_line(LOG_WARN, "file_limit", "allowed=%lld wanted=%lld why=%q", (long long)limit.rlim_cur,
		    (long long)want, "connections will wait when it is reached");
}

/* What is on it is worth saving, and never worth refusing to start. */
static struct shelf *
open_shelf(const struct config *c)
{
	struct shelf_options options = { c->database, SHELF_TIMES * c->cache.max_bytes };
	struct err e;
	bool persistent = false;
	for (size_t i = 0; i < c->task_count; i++)
		persistent = persistent || c->tasks[i].cache.persistent;
	struct shelf *s = persistent ? shelf_open(&options, &e) : NULL;
	if (s == NULL && persistent)
		log_line(LOG_WARN, "no_shelf", "why=%q", e.text);
	return s;
}

static int
open_all(struct gateway *g, struct config *config, struct err *e)
{
	struct ledger_options books = {
		.path = config->database,
		.keep_days = config->retention_days,
		.keep_bytes = config->retention_bytes,
		.create = true,
		.init = g->init,
		.accept_rollback = g->accept_rollback,
	};
	struct keyring_events of_keys = { on_thaw, on_key, g };
	/* Signals first: threads are born with them blocked. */
	if (block_signals(g, e) != 0)
		goto fail;
	if ((g->ledger = ledger_open(&books, e)) == NULL)
		goto fail;
	if ((g->loop = loop_new()) == NULL ||
	    (g->workers = workers_start(g->loop, config->workers)) == NULL ||
	    loop_watch(g->loop, &g->signals, EPOLLIN) != 0) {
		err_set(e, 500, "start", "no epoll or no threads: %s", strerror(errno));
		goto fail;
	}
	if ((g->keyring = keyring_new(g->loop, config->database, &of_keys, e)) == NULL ||
	    judge_exposure(config, g->keyring, e) != 0)
		goto fail;
	if ((g->caller = caller_new(g->loop, e)) == NULL)
		goto fail;
	g->metrics = gateway_metrics_new();
	gateway_metrics_admit(g->metrics, config);
	g->alerts = alerts_new(g->loop, g->caller, g->metrics);
	alerts_use(g->alerts, config);
	g->site = site_new(config);
	g->shelf = open_shelf(config);
	struct pipeline_house stages = {
		.loop = g->loop,
		.workers = g->workers,
		.caller = g->caller,
		.ledger = g->ledger,
		.shelf = g->shelf,
		.metrics = g->metrics,
		.alerts = g->alerts,
		.database = config->database,
	};
	g->pipeline = pipeline_new(&stages, config);
	if (g->pipeline == NULL)
		return err_set(e, 503, "ledger_unavailable", "cannot read from %s what was spent before",
		    config->database);
	struct purger_house purges = { g->loop, g->workers, pipeline_cache(g->pipeline), g->shelf, g->ledger,
		config->database };
	depot_use(pipeline_depot(g->pipeline), g->site);
	if ((g->purger = purger_new(&purges, e)) == NULL)
		return -1;
	struct server_house house = {
		.loop = g->loop,
		.workers = g->workers,
		.pipeline = g->pipeline,
		.caller = g->caller,
		.ledger = g->ledger,
		.shelf = g->shelf,
		.keyring = g->keyring,
		.metrics = g->metrics,
		.config_reloads = &g->reloads,
		.config_reload_failures = &g->reload_failures,
	};
	g->server = server_new(&house, g->site, e);
	return g->server != NULL ? 0 : -1;
fail:
	config_drop(&config);
	return -1;
}

/* The reverse of birth. Returns -1 when rows could not be written. */
static int
close_all(struct gateway *g)
{
	server_free(&g->server);
	workers_stop(&g->workers); /* before whatever they work for */
	purger_free(&g->purger);
	pipeline_free(&g->pipeline);
	shelf_close(&g->shelf);
	site_drop(&g->site);
	alerts_free(&g->alerts);
	caller_free(&g->caller);
	keyring_free(&g->keyring);
	int rc = g->ledger != NULL ? ledger_close(&g->ledger) : 0;
	gateway_metrics_free(&g->metrics);
	if (g->signals.fd >= 0)
		close(g->signals.fd);
	loop_free(&g->loop);
	return rc;
}

int
gateway_run(
    struct config *config, const char *config_path, const char *database, bool init, bool accept_rollback)
{
	struct gateway g = { .config_path = config_path,
		.database = database,
		.init = init,
		.accept_rollback = accept_rollback,
		.signals.fd = -1 };
	struct err e;
	log_setup(config->log_level, config->log_json);
	raise_file_limit(config);
	if (open_all(&g, config, &e) != 0) {
		log_line(LOG_ERROR, "start_failed", "why=%q", e.text);
		close_all(&g);
		return 1;
	}
	g.hook.before_sleep = flush_log;
	loop_hook(g.loop, &g.hook);
	g.drain.on_due = on_drain_over;
	g.settle.on_due = on_settled;
	g.watchdog.on_due = on_watchdog;
	g.watchdog_ms = notify_watchdog_ms();
	if (g.watchdog_ms > 0)
		loop_timer_set(g.loop, &g.watchdog, clock_ms());
	log_line(LOG_INFO, "listening",
	    "address=%s version=%s database=%q config=%q upstreams=%d models=%d keys=%d",
	    server_address(g.server), FARTHING_VERSION, config->database, config->path,
	    (int)config->upstream_count, (int)config->model_count, (int)keyring_count(g.keyring));
	notify_send("READY=1\nSTATUS=Serving.");
	log_hold(true);
	loop_run(g.loop);
	log_hold(false);
	int rc = close_all(&g);
	log_line(rc == 0 ? LOG_INFO : LOG_ERROR, "stopped", "why=%q",
	    rc == 0 ? "told to, books closed" : "told to, but rows could not be written");
	return rc == 0 ? 0 : 1;
}
