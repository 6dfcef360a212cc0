/*
 * The cache over HTTP, for administrators: what is in it, and what is to be forgotten. The cache itself belongs to the loop; a worker
 * waits for the shelf, so that what is confirmed is out of the file as well.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "base/log.h"
#include "door.h"
#include "ledger/purges.h"

static void
add_stats(struct visit *v)
{
	const struct server_house *h = &v->client->server->house;
	struct cache_stats c;
	struct shelf_stats s;
	struct buf *b = &v->page;
	cache_stats(pipeline_cache(h->pipeline), &c);
	shelf_stats(h->shelf, &s);
	buf_printf(b, "{\"entries\":%llu,\"bytes\":%llu,\"evictions\":%llu,\"expired\":%llu",
	    (unsigned long long)c.entries, (unsigned long long)c.bytes, (unsigned long long)c.evictions,
	    (unsigned long long)c.expired);
	buf_printf(b, ",\"hits\":{\"exact\":%lld,\"similar\":%lld,\"coalesced\":%lld}",
	    (long long)gateway_metrics_answers(h->metrics, CACHE_EXACT),
	    (long long)gateway_metrics_answers(h->metrics, CACHE_SIMILAR),
	    (long long)gateway_metrics_answers(h->metrics, CACHE_COALESCED));
	if (h->shelf == NULL)
		buf_add(b, STR(",\"shelf\":null}\n"));
	else
		buf_printf(b,
		    ",\"shelf\":{\"entries\":%llu,\"bytes\":%llu,\"dropped\":%llu,\"damaged\":%llu,"
		    "\"failures\":"
		    "%llu,\"state\":\"%s\"}}\n",
		    (unsigned long long)s.items, (unsigned long long)s.bytes, (unsigned long long)s.dropped,
		    (unsigned long long)s.damaged, (unsigned long long)s.failures,
		    s.failing ? "failing" : "kept");
}

static int
read_wish(struct visit *v, struct purge_wish *w)
{
	struct str query = str_from(v->route.query), pair, name;
	while (str_cut(&query, '&', &pair)) {
		if (pair.n == 0)
			continue;
		struct str value = pair;
		str_cut(&value, '=', &name);
		if (value.p == NULL)
			value = STR("");
		if (purge_wish_take(w, name, value, v->x.wall_us, &v->err) != 0)
			return -1;
	}
	return purge_wish_check(w, &v->err);
}

/* On a worker. */
static void
work(struct task *task)
{
	struct visit *v = LIST_ENTRY(task, struct visit, task);
	if (shelf_sync(v->client->server->house.shelf) != 0)
		err_set(&v->err, 503, "shelf_unavailable",
		    "The answers are out of memory, but the file that keeps them for a restart could not be "
		    "written; it is tried again.");
}

enum MHD_Result
admin_cache_start(struct visit *v)
{
	struct purge_wish w = { 0 };
	if (v->route.wants == CACHE_ACT_LOOK) {
		add_stats(v);
		return send_page(v, "application/json");
	}
	if (read_wish(v, &w) != 0)
		return send_error(v);
	struct shelf_purge what = purge_wish_what(&w);
	size_t entries = cache_purge(pipeline_cache(v->client->server->house.pipeline), &what);
	log_line(
	    LOG_INFO, "purged_cache", "request=%s by=%s entries=%lld", v->x.id, "http", (long long)entries);
	buf_printf(&v->page, "{\"purged\":%llu}\n", (unsigned long long)entries);
	return visit_lend(v, work, visit_is_back);
}
