/*
 * The similarity cache, beside fakes of what it asks: an embedding that counts letters, facts that are numbers, a verifier that
 * says what the test wants, an error budget that serves from a probability on.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../src/stages/vectors.h"
#include "base/clock.h"
#include "stages/ask.h"
#include "stages/gateway_metrics.h"
#include "stages/similar.h"
#include "text/agree.h"

/* ---- fakes ---- */

static const struct model_conf models[] = { { .name = "m", .upstream_model = "m" } };
static struct task_conf tasks[] = { { .name = "default",
    .cache = { .exact = true, .similarity = 0.85, .wrong_hits = 0.01, .checks = 0.02 },
    .dedup = { .on = true, .similarity = 0.95 } } };
static const struct config config = {
	.models = (struct model_conf *)(uintptr_t)models,
	.model_count = 1,
	.tasks = tasks,
	.task_count = 1,
	.limits = { .depth = 64, .messages = 64, .choices = 4 },
};

const struct config *
site_config(const struct site *s)
{
	(void)s;
	return &config;
}

const struct model_conf *
config_model(const struct config *c, struct str name)
{
	(void)name;
	return &c->models[0];
}

const struct task_conf *
config_task(const struct config *c, struct str name)
{
	(void)name;
	return &c->tasks[0];
}

static int embedded, verified;
static double probability;

bool
embed_text(struct str text, struct embedding *out)
{
	*out = (struct embedding){ 0 };
	bool any = false;
	embedded++;
	for (size_t i = 0; i < text.n; i++) {
		char c = (char)(text.p[i] | 32);
		if (c < 'a' || c > 'z' || out->v[c - 'a'] > 100)
			continue;
		out->v[c - 'a'] = (int8_t)(out->v[c - 'a'] + 8);
		any = true;
	}
	return any;
}

static double
root(double x)
{
	double r = x > 1 ? x : 1;
	for (int i = 0; i < 60; i++)
		r = (r + x / r) / 2;
	return r;
}

double
embed_cosine(const struct embedding *a, const struct embedding *b)
{
	double ab = 0, aa = 0, bb = 0;
	for (int i = 0; i < EMBED_DIMS; i++) {
		ab += a->v[i] * b->v[i];
		aa += a->v[i] * a->v[i];
		bb += b->v[i] * b->v[i];
	}
	return aa > 0 && bb > 0 ? ab / root(aa * bb) : 0;
}

static int
sum_of_digits(struct str s)
{
	int sum = 0;
	for (size_t i = 0; i < s.n; i++)
		sum += s.p[i] >= '0' && s.p[i] <= '9' ? s.p[i] : 0;
	return sum;
}

struct facts {
	int sum;
};

struct facts *
facts_read(struct str text)
{
	struct facts *f = malloc(sizeof *f);
	assert_non_null(f);
	f->sum = sum_of_digits(text);
	return f;
}

void
facts_free(struct facts **f)
{
	free(*f);
	*f = NULL;
}

bool
facts_same(const struct facts *a, const struct facts *b, struct veto *veto)
{
	*veto = (struct veto){ a->sum == b->sum ? VETO_NONE : VETO_NUMBER, "", "" };
	return veto->kind == VETO_NONE;
}

bool
facts_pieces_agree(struct str a, struct str b, struct veto *veto)
{
	*veto = (struct veto){ sum_of_digits(a) == sum_of_digits(b) ? VETO_NONE : VETO_NUMBER, "", "" };
	return veto->kind == VETO_NONE;
}

const char *
veto_name(enum veto_kind kind)
{
	return kind == VETO_NUMBER ? "number" : "another";
}

struct reading *
verify_read(struct str text)
{
	(void)text;
	return malloc(1);
}

void
verify_free(struct reading **r)
{
	free(*r);
	*r = NULL;
}

double
verify_compare(const struct reading *a, const struct reading *b, struct verdict *v)
{
	(void)a;
	(void)b;
	verified++;
	if (v != NULL)
		*v = (struct verdict){ .probability = probability };
	return probability;
}

static double serves_from = 0.9;
static bool check_hits;
static struct {
	int count;
	double probability;
	bool right, served;
} observed;

struct trust *
trust_new(const struct trust_conf *conf)
{
	(void)conf;
	return (struct trust *)(void *)&observed;
}

void
trust_free(struct trust **t)
{
	*t = NULL;
}

void
trust_use(struct trust *t, const struct trust_conf *conf)
{
	(void)t;
	(void)conf;
}

enum trust_say
trust_decide(struct trust *t, const struct digest *bucket, double p, int64_t now_ms, uint64_t draw)
{
	(void)t;
	(void)bucket;
	(void)now_ms;
	(void)draw;
	return p < serves_from ? TRUST_ASK : check_hits ? TRUST_SERVE_AND_CHECK : TRUST_SERVE;
}

void
trust_observe(struct trust *t, const struct digest *bucket, double p, bool right, bool served, int64_t now_ms)
{
	(void)t;
	(void)bucket;
	(void)now_ms;
	observed.count++;
	observed.probability = p;
	observed.right = right;
	observed.served = served;
}

double
trust_threshold(const struct trust *t, const struct digest *bucket)
{
	(void)t;
	(void)bucket;
	return serves_from;
}

void
trust_sums(const struct trust *t, struct trust_sums *out)
{
	(void)t;
	*out = (struct trust_sums){ .threshold = serves_from };
}

static int counted;
void
gateway_metrics_check(struct gateway_metrics *m, const struct ledger_check *row)
{
	(void)m;
	(void)row;
	counted++;
}

static struct ledger_check booked;
void
ledger_cache_check(struct ledger *l, const struct ledger_check *row)
{
	(void)l;
	booked = *row;
}

/* An ask is what was asked. */
struct ask {
	struct request request;
};
static bool suits = true;

const struct request *
ask_request(const struct ask *ask)
{
	return &ask->request;
}

bool
ask_fails(const struct ask *a)
{
	(void)a;
	return false;
}

bool
ask_suits(const struct ask *ask, const struct charge *payer)
{
	(void)ask;
	(void)payer;
	return suits;
}

/* The cache: a list of entries. */
enum { ENTRIES = 4096 };
static struct entry *entries[ENTRIES];
static char bodies[ENTRIES][120];
static int entry_count;

struct entry *
cache_find(struct cache *c, const struct digest *key, int64_t now_us, int64_t younger_us)
{
	(void)c;
	(void)now_us;
	(void)younger_us;
	for (int i = 0; i < entry_count; i++)
		if (entries[i] != NULL && digest_equal(&entries[i]->key, key))
			return entries[i];
	return NULL;
}

struct entry *
cache_look(const struct cache *c, const struct digest *key)
{
	(void)c;
	return cache_find(NULL, key, 0, 0);
}

struct str
entry_body(const struct entry *e)
{
	return buf_str(&e->own);
}

const char *
entry_asker(const struct entry *e)
{
	(void)e;
	return "req_first";
}

const char *
entry_task(const struct entry *e)
{
	(void)e;
	return "default";
}

enum agreement
answers_agree(struct str a, struct str b)
{
	return str_eq(a, b) ? AGREE_SAME : AGREE_DIFFERENT;
}

/* ---- the house ---- */

static struct similar *similar;
static struct vectors *vectors;
static struct exchange x;
static struct similar_look look;
static struct ask asks[ENTRIES];
static int ask_count;
static const struct charge *const payer = (const struct charge *)(const void *)&observed;
enum { NOW = 1000000 };

static int
set_up(void **state)
{
	(void)state;
	vectors = vectors_new(1 << 16);
	struct similar_options options = { .max_bytes = 1 << 20, .vectors = vectors };
	similar = similar_new(&options);
	similar_use(similar, &config);
	memset(&observed, 0, sizeof observed);
	memset(&booked, 0, sizeof booked);
	counted = 0;
	embedded = 0;
	probability = 0.99;
	serves_from = 0.9;
	suits = true;
	check_hits = false;
	tasks[0].cache.similarity = 0.85;
	tasks[0].dedup.similarity = 0.95;
	tasks[0].cache.fields = (struct fields_conf){ 0 };
	tasks[0].cache.embedding = (struct embedding_conf){ .dimensions = 256 };
	x = (struct exchange){ .account = "key", .task = "default", .id = "req_x" };
	entry_count = ask_count = 0;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	for (int i = 0; i < entry_count; i++) {
		if (entries[i] != NULL)
			similar_forget(similar, entries[i]);
		free(entries[i]);
	}
	similar_free(&similar);
	vectors_free(&vectors);
	for (int i = 0; i < ask_count; i++)
		request_free(&asks[i].request);
	return 0;
}

static void
read_request(struct request *r, const char *text)
{
	struct request_context context = {
		.config = &config, .scope = "key", .directives = "", .task = "default"
	};
	struct buf body = { 0 }, quoted = { 0 };
	struct err e;
	buf_add_json(&quoted, str_from(text));
	buf_printf(&body, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]}",
	    buf_text(&quoted));
	assert_int_equal(request_read(r, ENDPOINT_CHAT, &body, &context, &e), 0);
	buf_free(&quoted);
}

/* What becomes of it: "" for a miss, else how it was decided. */
static void
find(const char *text)
{
	struct similar_wish wish = { NOW, 1000000, payer };
	read_request(&x.request, text);
	similar_find(similar, &x, &wish, &look);
}

static void
let_go(void)
{
	similar_look_free(&look);
	request_free(&x.request);
}

/* Looks for it and asks it, whatever was found. */
static struct ask *
begin(const char *text)
{
	find(text);
	assert_true(ask_count < ENTRIES);
	struct ask *ask = &asks[ask_count++];
	*ask = (struct ask){ .request = x.request };
	x.request = (struct request){ 0 };
	similar_enter(similar, &x, &look, ask, NULL);
	similar_look_free(&look);
	return ask;
}

static struct entry *
end(struct ask *ask, const char *says)
{
	struct entry *e = calloc(1, sizeof *e);
	similar_landed(similar, ask);
	snprintf(bodies[entry_count], sizeof bodies[0], "{\"choices\":[{\"message\":{\"content\":\"%s\"}}]}",
	    says);
	e->key = ask->request.question;
	e->expires_us = NOW + 1000;
	e->kept_us = NOW;
	e->own = (struct buf){ .p = bodies[entry_count], .n = strlen(bodies[entry_count]) };
	entries[entry_count++] = e;
	similar_keep(similar, &ask->request.question, e);
	return e;
}

static struct entry *
answered(const char *text)
{
	return end(begin(text), "an answer");
}

static void
assert_miss(const char *text, const char *decision)
{
	find(text);
	if (look.entry != NULL || look.ask != NULL)
		fail_msg("'%s' was answered: %s", text, look.decision);
	if (strncmp(look.decision, decision, strlen(decision)) != 0)
		fail_msg("'%s': %s, not %s", text, look.decision, decision);
	let_go();
}

static void
assert_hit(const char *text, const struct entry *e)
{
	find(text);
	if (look.entry != e)
		fail_msg("'%s' was not answered: %s", text, look.decision);
	let_go();
}

/* ---- finding ---- */

static void
question_that_is_like_another_gets_its_answer(void **state)
{
	(void)state;
	struct entry *e = answered("How do I reset my password?");
	assert_hit("How can I reset my password?", e);
	find("How can I reset my password?");
	assert_true(look.cosine > 0.85 && look.cosine < 1);
	assert_int_equal(look.say, TRUST_SERVE);
	assert_non_null(strstr(look.decision, "similar: verified, cosine 0.9"));
	assert_null(strstr(look.decision, "password"));
	let_go();
}

static void
each_step_may_say_no_and_the_row_says_which(void **state)
{
	(void)state;
	answered("Which 3 plans are there for my team?");
	assert_miss("xyz qqq", "miss: no question is near enough");
	assert_miss("Which 5 plans are there for my team?", "miss: veto number");
	probability = 0.5;
	assert_miss("Which 3 plans exist there for my team?", "miss: not sure enough");
	x.max_age_s = 0;
	assert_miss("", "like nothing: it has no text");
}

static void
client_may_tighten_and_not_loosen(void **state)
{
	(void)state;
	struct entry *e = answered("How do I reset my password?");
	x.similarity_at_least = 0.2;
	assert_hit("How can I reset my password?", e);
	assert_miss("cows moo", "miss: no question is near enough");
	x.similarity_at_least = 0.9999;
	assert_miss("How can I reset my password?", "miss: no question is near enough");
}

static void
switched_off_nothing_is_like_anything(void **state)
{
	(void)state;
	answered("How do I reset my password?");
	tasks[0].cache.similarity = tasks[0].dedup.similarity = 0;
	int before = embedded;
	assert_miss("How can I reset my password?", "like nothing: similarity is switched off");
	assert_int_equal(embedded, before);
}

static void
other_accounts_and_directives_have_their_own(void **state)
{
	(void)state;
	struct entry *e = answered("How do I reset my password?");
	str_copy(x.account, sizeof x.account, STR("another"));
	assert_miss("How can I reset my password?", "miss: no question is near enough");
	str_copy(x.account, sizeof x.account, STR("key"));
	str_copy(x.directives, sizeof x.directives, STR("route=off"));
	assert_miss("How can I reset my password?", "miss: no question is near enough");
	x.directives[0] = '\0';
	assert_hit("How can I reset my password?", e);
}

static void
expired_old_and_forgotten_answers_are_not_given(void **state)
{
	(void)state;
	struct entry *e = answered("How do I reset my password?");
	e->expires_us = NOW;
	assert_miss("How can I reset my password?", "miss: no question is near enough");
	e->expires_us = NOW + 1;
	e->kept_us = NOW - 1000000;
	assert_miss("How can I reset my password?", "miss: no question is near enough");
	e->kept_us = NOW;
	assert_hit("How can I reset my password?", e);
	similar_forget(similar, e);
	assert_miss("How can I reset my password?", "miss: no question is near enough");
}

static void
no_more_than_eight_are_verified(void **state)
{
	(void)state;
	probability = 0.1;
	for (int i = 0; i < 200; i++) {
		char text[64];
		snprintf(
		    text, sizeof text, "How do I reset my password now %c%c?", 'a' + i % 26, 'a' + i / 26);
		answered(text);
	}
	verified = 0;
	assert_miss("How do I reset my password now?", "miss: not sure enough");
	/* each as a whole, and by what differs */
	assert_true(verified > 0 && verified <= 2 * SIMILAR_CANDIDATES);
}

/* ---- templates and fields ---- */

#define TEMPLATE                                                                                             \
	"Write a title for the product below, at most sixty characters long, without exclamation marks, in " \
	"a "                                                                                                 \
	"friendly tone that fits our shop, and mention the brand first: "

static void
products_within_one_template_never_meet(void **state)
{
	(void)state;
	static const char *const products[] = { "wool socks", "green kettle", "running shoes", "blue shirt",
		"garden hose", "desk lamp", "toy car", "bath mat" };
	probability = 0;
	for (size_t i = 0; i < sizeof products / sizeof *products; i++) {
		char text[400];
		snprintf(text, sizeof text, TEMPLATE "%s", products[i]);
		assert_miss(text, "miss: ");
		probability = i < 3 ? 1 : 0; /* while it is unknown, whatever the verifier says */
		answered(text);
	}
	probability = 1;
	assert_hit(TEMPLATE "bath mats", entries[7]);
	assert_miss(TEMPLATE "xyzzy", "miss: no question is near enough");
}

static void
while_a_template_is_young_nothing_is_served_whatever_the_verifier_says(void **state)
{
	(void)state;
	probability = 1;
	answered(TEMPLATE "wool socks");
	for (int i = 1; i < TEMPLATE_KNOWN - 1; i++) {
		char text[400];
		snprintf(text, sizeof text, TEMPLATE "wool socks%.*s", i, "!!!!");
		assert_miss(text, "miss: its template is not known yet");
		answered(text);
	}
}

static void
long_texts_that_are_nearly_the_same_words_are_not_served_without_a_template(void **state)
{
	(void)state;
	/* What differs stands in the middle of a line of its own kind each time, so that no template is found. */
	probability = 1;
	answered("a b c d e f g\nh i red k l m n\no p q r s t u\nv w x y z a b c d");
	find("a b c d e f g\nh i tan k l m n\no p q r s t u\nv w x y z a b c d");
	assert_null(look.entry);
	let_go();
}

static void
fields_are_compared_one_by_one(void **state)
{
	(void)state;
	static const char *must[] = { "brand" }, *ignore[] = { "request_id" };
	static const struct field_range range = { .name = "price", .width = 50 };
	tasks[0].cache.fields = (struct fields_conf){ must, 1, NULL, 0, ignore, 1, &range, 1 };
	struct entry *e = answered(
	    "Title: {\"brand\":\"Acme\",\"price\":49,\"request_id\":\"a\",\"about\":\"warm wool socks\"}");
	assert_hit(
	    "Title: {\"request_id\":\"b\",\"about\":\"warm wool socks\",\"price\":12.0,\"brand\":\"Acme\"}",
	    e);
	assert_hit("Title: {\"about\":\"warm socks, wool\",\"price\":12,\"brand\":\"Acme\"}", e);
	assert_miss("Title: {\"about\":\"warm wool socks\",\"price\":50,\"brand\":\"Acme\"}", "miss: no");
	assert_miss("Title: {\"about\":\"warm wool socks\",\"price\":49,\"brand\":\"Acne\"}", "miss: no");
	assert_miss(
	    "Title: {\"about\":\"warm wool socks\",\"price\":49,\"brand\":\"Acme\",\"x\":1}", "miss: no");
	assert_miss(
	    "Name: {\"about\":\"7 warm wool socks\",\"price\":49,\"brand\":\"Acme\"}", "miss: veto number");
}

/* ---- questions under way ---- */

static void
question_under_way_is_joined_when_it_is_nearly_the_same(void **state)
{
	(void)state;
	struct ask *ask = begin("How do I reset my password today?");
	find("How do I reset my passwords today?");
	assert_ptr_equal(look.ask, ask);
	assert_null(look.entry);
	assert_non_null(strstr(look.decision, "joined: verified"));
	let_go();
	probability = 0.94; /* enough for an answer that is there */
	assert_miss("How do I reset my passwords today?", "miss: not sure enough");
	probability = 0.99;
	assert_miss("How do they reset a pass today?", "miss: no question");
	suits = false;
	assert_miss("How do I reset my passwords today?", "miss: no question");
	suits = true;
	similar_landed(similar, ask);
	assert_miss("How do I reset my passwords today?", "miss: no question");
	similar_keep(similar, &ask->request.question, NULL);
	assert_miss("How do I reset my passwords today?", "miss: no question");
	struct similar_stats stats;
	similar_stats(similar, &stats);
	assert_int_equal(stats.places + stats.running, 0);
}

static void
question_under_way_is_described_for_the_shelf_and_comes_back_from_it(void **state)
{
	(void)state;
	struct digest bucket;
	struct str text;
	struct ask *ask = begin("How do I reset my password?");
	assert_true(similar_describe(similar, &ask->request.question, &bucket, &text));
	assert_true(str_eq(text, STR("How do I reset my password?")));
	struct entry *e = end(ask, "an answer");
	assert_false(similar_describe(similar, &ask->request.question, &bucket, &text));
	similar_forget(similar, e);
	assert_miss("How can I reset my password?", "miss: no question");
	similar_restore(similar, &config, e, &bucket, STR("How do I reset my password?"));
	assert_hit("How can I reset my password?", e);
}

static uint64_t
places(void)
{
	struct similar_stats stats;
	similar_stats(similar, &stats);
	return stats.places;
}

static void
what_waits_from_the_shelf_comes_bit_by_bit_unless_it_is_gone(void **state)
{
	(void)state;
	struct digest bucket;
	struct str text;
	struct ask *ask = begin("How do I reset my password?");
	assert_true(similar_describe(similar, &ask->request.question, &bucket, &text));
	struct entry *e = end(ask, "an answer");
	similar_forget(similar, e);
	struct entry gone = { .key = digest_of(STR("gone")) }, replaced = *e;
	replaced.kept_us--;
	similar_restore_later(similar, &replaced, &bucket, STR("Which plans are there?"));
	similar_restore_later(similar, &gone, &bucket, STR("Which plans are there for me?"));
	while (similar_restore_some(similar, &config))
		continue;
	assert_int_equal(places(), 0);
	for (int i = 0; i < 100; i++)
		similar_restore_later(similar, e, &bucket, STR("How do I reset my password?"));
	assert_true(similar_restore_some(similar, &config));
	assert_int_equal(places(), 1);
	assert_hit("How can I reset my password?", e);
	similar_restore_later(similar, e, &bucket, STR("left behind at the end"));
}

/* ---- learning ---- */

static void
miss_with_a_candidate_tells_whether_it_need_have_been_one(void **state)
{
	(void)state;
	answered("How do I reset my password?");
	assert_int_equal(observed.count, 0);
	probability = 0.7;
	end(begin("How can I reset my password?"), "an answer");
	assert_int_equal(observed.count, 1);
	assert_true(observed.right && !observed.served);
	assert_true(booked.right && !booked.served && booked.probability > 0.69);
	assert_string_equal(booked.answer_id, "req_first");
	assert_int_equal(counted, 1);
	assert_string_equal(booked.request_id, "req_x");
	end(begin("How could I reset my password?"), "something else");
	assert_int_equal(observed.count, 2);
	assert_false(observed.right);
}

static void
vetoed_candidate_teaches_nothing(void **state)
{
	(void)state;
	answered("Which 3 plans are there for my team?");
	end(begin("Which 5 plans are there for my team?"), "an answer");
	assert_int_equal(observed.count, 0);
}

static void
hit_that_is_checked_is_observed_as_served(void **state)
{
	(void)state;
	answered("How do I reset my password?");
	check_hits = true;
	find("How can I reset my password?");
	assert_int_equal(look.say, TRUST_SERVE_AND_CHECK);
	struct ask *ask = &asks[ask_count++];
	*ask = (struct ask){ .request = x.request };
	x.request = (struct request){ 0 };
	similar_enter(similar, &x, &look, ask, "req_served");
	similar_look_free(&look);
	struct entry *own = end(ask, "another answer");
	assert_int_equal(observed.count, 1);
	assert_true(observed.served && !observed.right);
	assert_string_equal(booked.request_id, "req_served");
	/* From now on the question has its own answer. */
	assert_hit("How can I reset my passwords?", own);
}

/* ---- bounds ---- */

static void
memory_is_bounded_and_the_oldest_bucket_goes(void **state)
{
	(void)state;
	struct similar_stats stats;
	char account[32];
	for (int i = 0; i < 3000; i++) {
		snprintf(account, sizeof account, "key%d", i);
		str_copy(x.account, sizeof x.account, str_from(account));
		answered("How do I reset my password?");
	}
	similar_stats(similar, &stats);
	assert_true(stats.bytes <= 1 << 20);
	assert_true(stats.places < 3000 && stats.places > 500);
	assert_hit("How can I reset my password?", entries[2999]);
	str_copy(x.account, sizeof x.account, STR("key0"));
	assert_miss("How can I reset my password?", "miss: no question");
	assert_null(entries[0]->place);
}

static void
many_places_of_a_bucket_are_found_by_an_index(void **state)
{
	(void)state;
	struct entry *last = NULL;
	for (int i = 0; i < 500; i++) {
		char text[80];
		int n = 0;
		for (int k = i + 1; k > 0 && n < 60; k /= 3)
			for (int r = 0; r <= k % 3; r++)
				text[n++] = (char)('a' + (k * 7 + r) % 26);
		text[n] = '\0';
		last = answered(text);
	}
	answered("How do I reset my password?");
	assert_hit("How can I reset my password?", entries[500]);
	similar_forget(similar, entries[500]);
	assert_miss("How can I reset my password?", "miss: no question");
	assert_non_null(last->place);
}

/* ---- vectors of a provider's ---- */

static const struct model_conf ada = { .name = "ada" }, bert = { .name = "bert" };

/* What a provider would say: one of its axes for each text. */
static void
provide(unsigned axis)
{
	assert_true(look.wants_vector);
	assert_int_equal(look.vector.dims, 0);
	look.vector.dims = (uint32_t)tasks[0].cache.embedding.dimensions;
	look.vector.v[axis] = 100;
	vectors_keep(vectors, &look.vector_key, &look.vector);
	struct similar_wish wish = { NOW, 1000000, payer };
	similar_find_with(similar, &x, &wish, &look);
	assert_false(look.wants_vector);
}

static struct entry *
provided(const char *text, unsigned axis)
{
	find(text);
	provide(axis);
	struct ask *ask = &asks[ask_count++];
	*ask = (struct ask){ .request = x.request };
	x.request = (struct request){ 0 };
	similar_enter(similar, &x, &look, ask, NULL);
	similar_look_free(&look);
	return end(ask, "an answer");
}

static void
provider_tells_what_is_near(void **state)
{
	(void)state;
	tasks[0].cache.embedding.model = &ada;
	struct entry *e = provided("How do I reset my password?", 3);
	assert_int_equal(embedded, 0);
	find("Completely other letters");
	assert_null(look.entry);
	assert_true(str_starts(str_from(look.decision), STR("like nothing: its embedding is a provider's")));
	provide(3);
	assert_ptr_equal(look.entry, e);
	let_go();
	find("How can I reset my password?");
	provide(4);
	assert_null(look.entry);
	assert_string_equal(look.decision, "miss: no question is near enough");
	let_go();
	assert_hit("Completely other letters", e); /* its vector is known by now */
}

static void
vectors_of_two_models_or_sizes_never_meet(void **state)
{
	(void)state;
	tasks[0].cache.embedding.model = &ada;
	struct entry *e = provided("How do I reset my password?", 3);
	tasks[0].cache.embedding.model = &bert;
	find("How do I reset my password?");
	provide(3);
	assert_null(look.entry);
	let_go();
	tasks[0].cache.embedding = (struct embedding_conf){ .model = &ada, .dimensions = 512 };
	find("How do I reset my password?");
	provide(3);
	assert_null(look.entry);
	let_go();
	tasks[0].cache.embedding.model = NULL;
	assert_miss("How do I reset my password?", "miss: no question is near enough");
	tasks[0].cache.embedding = (struct embedding_conf){ .model = &ada, .dimensions = 256 };
	assert_hit("How do I reset my password?", e);
}

static void
without_a_vector_a_question_is_asked_and_not_entered(void **state)
{
	(void)state;
	tasks[0].cache.embedding.model = &ada;
	find("How do I reset my password?");
	similar_find_without(&look, "it is late");
	assert_string_equal(look.decision, "like nothing: it is late");
	struct ask ask = { .request = x.request };
	similar_enter(similar, &x, &look, &ask, NULL);
	struct similar_stats stats;
	similar_stats(similar, &stats);
	assert_int_equal(stats.places + stats.running, 0);
	let_go();
}

static void
accounts_do_not_share_vectors(void **state)
{
	(void)state;
	tasks[0].cache.embedding.model = &ada;
	provided("How do I reset my password?", 3);
	str_copy(x.account, sizeof x.account, STR("another"));
	find("How do I reset my password?");
	assert_true(look.wants_vector);
	let_go();
}

static void
bucket_with_an_index_goes_as_a_whole(void **state)
{
	(void)state;
	char account[32];
	for (int i = 0; i < 400; i++) {
		char text[] = "aaaa";
		for (int k = 0, n = i; k < 4; k++, n /= 5)
			text[k] = (char)('a' + n % 5 + 5 * k);
		answered(text);
	}
	assert_non_null(entries[399]->place);
	for (int i = 0; i < 2500; i++) {
		snprintf(account, sizeof account, "key%d", i);
		str_copy(x.account, sizeof x.account, str_from(account));
		answered("How do I reset my password?");
	}
	for (int i = 0; i < 400; i++)
		assert_null(entries[i]->place);
}

/* The loop has others to wait for: 8 KiB beside eight others took 60 ms. */
static void
what_is_judged_for_one_question_is_bounded(void **state)
{
	(void)state;
	char text[2200];
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = i % 200 == 199 ? ' ' : (char)('a' + i / 3 % 26);
	text[2100] = '\0';
	assert_miss(text, "like nothing: too much of it");
	probability = 0.1;
	text[1000] = '\0';
	for (int i = 0; i < 6; i++) {
		text[i] = 'z';
		answered(text);
	}
	text[900] = '\0';
	find(text);
	assert_int_equal(look.count, 2);
	let_go();
}

static void
stopping_with_questions_under_way_leaks_nothing(void **state)
{
	(void)state;
	begin("How do I reset my password?");
	begin("What is the weather like?");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(question_that_is_like_another_gets_its_answer),
		TEST(each_step_may_say_no_and_the_row_says_which),
		TEST(client_may_tighten_and_not_loosen),
		TEST(switched_off_nothing_is_like_anything),
		TEST(other_accounts_and_directives_have_their_own),
		TEST(expired_old_and_forgotten_answers_are_not_given),
		TEST(no_more_than_eight_are_verified),
		TEST(products_within_one_template_never_meet),
		TEST(while_a_template_is_young_nothing_is_served_whatever_the_verifier_says),
		TEST(long_texts_that_are_nearly_the_same_words_are_not_served_without_a_template),
		TEST(fields_are_compared_one_by_one),
		TEST(question_under_way_is_joined_when_it_is_nearly_the_same),
		TEST(question_under_way_is_described_for_the_shelf_and_comes_back_from_it),
		TEST(miss_with_a_candidate_tells_whether_it_need_have_been_one),
		TEST(what_waits_from_the_shelf_comes_bit_by_bit_unless_it_is_gone),
		TEST(vetoed_candidate_teaches_nothing),
		TEST(hit_that_is_checked_is_observed_as_served),
		TEST(memory_is_bounded_and_the_oldest_bucket_goes),
		TEST(many_places_of_a_bucket_are_found_by_an_index),
		TEST(bucket_with_an_index_goes_as_a_whole),
		TEST(what_is_judged_for_one_question_is_bounded),
		TEST(provider_tells_what_is_near),
		TEST(vectors_of_two_models_or_sizes_never_meet),
		TEST(without_a_vector_a_question_is_asked_and_not_entered),
		TEST(accounts_do_not_share_vectors),
		TEST(stopping_with_questions_under_way_leaks_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
