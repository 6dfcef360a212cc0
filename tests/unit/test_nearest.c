/*
 * Proves src/text/nearest*.c beside a plain loop over all vectors: what is found, that no node is ever out of reach of the
 * others, what a call may cost (counted in dot products, not in time), what an entry takes, and that memory that fails is
 * survived.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int memory_fails; /* every how many-eth allocation does */
static int allocations;

static void *
fail_calloc(size_t n, size_t size)
{
	return memory_fails > 0 && ++allocations % memory_fails == 0 ? NULL : calloc(n, size);
}

static void *
fail_aligned_alloc(size_t line, size_t size)
{
	return memory_fails > 0 && ++allocations % memory_fails == 0 ? NULL : aligned_alloc(line, size);
}

/* Quick tests let the graph begin at an eighth of its size, with an eighth of the entries: what breaks a graph breaks a small
 * one. `test_nearest large` has all sizes as they are. */
static size_t part = 8;

static size_t
sized(size_t n)
{
	return n / part;
}

#include "text/nearest.h"
#define NEAREST_SCAN_MAX sized(NEAREST_SCAN_MAX)
#define calloc fail_calloc
#define aligned_alloc fail_aligned_alloc
#include "../../src/text/nearest.c"
#include "../../src/text/nearest_rows.c"
#undef calloc
#undef aligned_alloc

enum { DIMS = 128, CALL_MOST = 12000 };
#define MANY sized(12000)

typedef int8_t vector[DIMS];

static uint64_t
draw(uint64_t *seed)
{
	uint64_t x = *seed += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static void
lean(double v[DIMS], uint64_t seed, double by)
{
	for (size_t i = 0; i < DIMS; i++)
		v[i] += by * ((double)(draw(&seed) >> 11) * 0x1p-52 - 1);
}

static void
round_off(const double v[DIMS], int8_t *out)
{
	double square = 0;
	for (size_t i = 0; i < DIMS; i++)
		square += v[i] * v[i];
	for (size_t i = 0; i < DIMS; i++)
		out[i] = (int8_t)lrint(127 * v[i] / sqrt(square));
}

/* A topic, a way to ask about it, and some noise: two of one group have cosines about 0.9. */
static void
make_alike(uint64_t *seed, size_t groups, int8_t *out)
{
	double v[DIMS] = { 0 };
	uint64_t group = draw(seed) % groups;
	lean(v, 100 + group % 40, 0.7);
	lean(v, 1000 + group, 0.6);
	lean(v, draw(seed), 0.35);
	round_off(v, out);
}

/* With the dot product that the first test compares with a plain loop. */
static double
cosine_of_bytes(const int8_t *a, const int8_t *b)
{
	int32_t aa = nearest_dot(a, a, DIMS), bb = nearest_dot(b, b, DIMS);
	return aa > 0 && bb > 0 ? nearest_dot(a, b, DIMS) / sqrt((double)aa * bb) : -2;
}

/* ---- the model: an array, by id ---- */

struct model {
	struct nearest *n;
	vector *v;
	bool *there;
	size_t cap, count;
	uint64_t most_work;
};

static struct model
model_new(size_t cap)
{
	struct model m = { nearest_new(DIMS), malloc(cap * sizeof(vector)), calloc(cap, 1), cap, 0, 0 };
	assert_non_null(m.n);
	return m;
}

static void
model_free(struct model *m)
{
	nearest_free(&m->n);
	assert_null(m->n);
	free(m->v);
	free(m->there);
}

static void
note_work(struct model *m, uint64_t before)
{
	uint64_t work = m->n->walks->work - before;
	m->most_work = work > m->most_work ? work : m->most_work;
}

static uint32_t
model_add(struct model *m, const int8_t *v)
{
	uint64_t before = m->n->walks->work;
	uint32_t id = nearest_add(m->n, v);
	note_work(m, before);
	assert_true(id < m->cap);
	assert_false(m->there[id]);
	memcpy(m->v[id], v, DIMS);
	m->there[id] = true;
	m->count++;
	assert_int_equal(nearest_count(m->n), m->count);
	return id;
}

static void
model_remove(struct model *m, uint32_t id)
{
	uint64_t before = m->n->walks->work;
	assert_true(m->there[id]);
	nearest_remove(m->n, id);
	note_work(m, before);
	m->there[id] = false;
	m->count--;
	assert_int_equal(nearest_count(m->n), m->count);
}

static uint32_t
any_id(const struct model *m, uint64_t *seed)
{
	uint32_t id;
	do
		id = (uint32_t)(draw(seed) % m->cap);
	while (!m->there[id]);
	return id;
}

/* The best cosines there are, nearest first; how many are at least that. */
static size_t
model_find(const struct model *m, const int8_t *q, double at_least, double *best, size_t most)
{
	size_t n = 0;
	for (size_t i = 0; i < m->cap; i++) {
		double cosine = m->there[i] ? cosine_of_bytes(m->v[i], q) : -2;
		if (cosine < at_least || cosine < -1.5 || (n == most && cosine <= best[n - 1]))
			continue;
		size_t at = n == most ? n - 1 : n++;
		for (; at > 0 && best[at - 1] < cosine; at--)
			best[at] = best[at - 1];
		best[at] = cosine;
	}
	return n;
}

/* What was found is there, is as near as is said, once, in order. How many of the true ones. */
static size_t
check_found(struct model *m, const int8_t *q, float at_least, size_t most, size_t *of)
{
	struct near got[NEAREST_FIND_MAX];
	double best[NEAREST_FIND_MAX];
	uint64_t before = m->n->walks->work;
	size_t n = nearest_find(m->n, q, at_least, got, most), hits = 0;
	note_work(m, before);
	*of = model_find(m, q, at_least, best, most);
	assert_true(n <= most);
	for (size_t i = 0; i < n; i++) {
		assert_true(got[i].id < m->cap && m->there[got[i].id]);
		assert_true(fabs(got[i].cosine - cosine_of_bytes(m->v[got[i].id], q)) < 1e-6);
		assert_true(got[i].cosine >= at_least && got[i].cosine <= 1);
		assert_true(i == 0 || got[i].cosine <= got[i - 1].cosine);
		for (size_t k = 0; k < i; k++)
			assert_true(got[k].id != got[i].id);
		hits += *of > 0 && got[i].cosine >= best[*of - 1] - 1e-6;
	}
	if (m->n->state != STATE_LINKED)
		assert_int_equal(hits, *of);
	return hits;
}

/* ---- the graph is sound ---- */

static size_t
count_reached(const struct nearest *n)
{
	size_t ids = n->n_pieces * PIECE, at = 0, end = 0;
	uint32_t *queue = malloc((ids + 1) * sizeof *queue);
	bool *seen = calloc(ids + 1, 1);
	if (n->entry != NOBODY) {
		queue[end++] = n->entry;
		seen[n->entry] = true;
	}
	while (at < end) {
		struct link_list l = links_of(n, 0, queue[at++]);
		for (unsigned i = 0; i < l.n; i++) {
			if (!seen[l.to[i]])
				queue[end++] = l.to[i];
			seen[l.to[i]] = true;
		}
	}
	free(queue);
	free(seen);
	return end;
}

static void
check_node(const struct nearest *n, uint32_t id)
{
	const struct links *l = piece_of(n, id)->links;
	for (unsigned f = 0; f <= l->height[id % PIECE]; f++) {
		struct link_list to = links_of(n, f, id);
		assert_true(to.n <= to.width);
		for (unsigned i = 0; i < to.n; i++) {
			const struct links *other = piece_of(n, to.to[i])->links;
			assert_int_equal(other->kind[to.to[i] % PIECE], KIND_NODE);
			assert_true(other->height[to.to[i] % PIECE] >= f);
			assert_true(links_has(n, f, to.to[i], id));
			for (unsigned k = 0; k < i; k++)
				assert_true(to.to[k] != to.to[i]);
		}
	}
	uint32_t before = id;
	for (uint32_t twin = l->next[id % PIECE]; twin != NOBODY;
	     twin = piece_of(n, twin)->links->next[twin % PIECE]) {
		assert_int_equal(piece_of(n, twin)->links->kind[twin % PIECE], KIND_TWIN);
		assert_int_equal(piece_of(n, twin)->links->to[twin % PIECE][0], before);
		assert_memory_equal(row_of(n, twin), row_of(n, id), n->dims);
		before = twin;
	}
}

/* Links go both ways, and each node is reached from each other. */
static void
check_sound(const struct nearest *n)
{
	size_t used = 0, nodes = 0;
	for (uint32_t id = 0; id < n->n_pieces * PIECE; id++) {
		used += is_used(n, id);
		const struct links *l = piece_of(n, id)->links;
		if (l == NULL || n->state == STATE_FADING || n->state == STATE_SCANNED)
			continue;
		if (l->kind[id % PIECE] != KIND_OUT)
			assert_true(is_used(n, id));
		else if (n->state == STATE_LINKED)
			assert_false(is_used(n, id) && scale_of(n, id) > 0);
		if (l->kind[id % PIECE] != KIND_NODE)
			continue;
		nodes++;
		check_node(n, id);
	}
	assert_int_equal(used, n->count);
	assert_int_equal(nodes, n->nodes);
	if (n->state == STATE_LINKED || n->state == STATE_GROWING)
		assert_int_equal(count_reached(n), nodes);
}

static void
check_bytes(const struct nearest *n)
{
	/* The last piece is more than the spare bytes of so few entries. */
	size_t last = part > 1 && n->state != STATE_SCANNED ? PIECE * NEAREST_ENTRY_BYTES : 0;
	assert_true(nearest_bytes(n) <= n->count * NEAREST_ENTRY_BYTES + NEAREST_FIXED_BYTES + last);
}

/* ---- dot products and scanning ---- */

static void
dot_products_are_those_of_a_plain_loop(void **state)
{
	(void)state;
	uint64_t seed = 1;
	for (size_t dims = 32; dims <= 512; dims += 32) {
		int8_t a[512], rows[11 * 512];
		float scales[11], out[11], most = -1e9f;
		for (size_t i = 0; i < 11 * dims; i++)
			rows[i] = (int8_t)(draw(&seed) % 3 == 0 ? (draw(&seed) % 2 ? 127 : -127)
								: (int)(draw(&seed) % 255) - 127);
		for (size_t i = 0; i < dims; i++)
			a[i] = (int8_t)(i % 2 ? rows[i] : 127);
		for (size_t r = 0; r < 11; r++)
			scales[r] = 1 / (float)(r + 1);
		float max = nearest_scores(a, rows, scales, 11, dims, out);
		for (size_t r = 0; r < 11; r++) {
			int32_t dot = 0;
			for (size_t i = 0; i < dims; i++)
				dot += a[i] * rows[r * dims + i];
			assert_int_equal(nearest_dot(a, rows + r * dims, dims), dot);
			assert_int_equal(nearest_dot_plain(a, rows + r * dims, dims), dot);
			assert_true(out[r] == (float)dot * scales[r]);
			most = out[r] > most ? out[r] : most;
		}
		assert_true(max == most);
	}
}

static void
a_small_index_finds_exactly_what_a_plain_loop_finds(void **state)
{
	(void)state;
	uint64_t seed = 2;
	struct model m = model_new(NEAREST_SCAN_MAX);
	for (size_t i = 0; i < NEAREST_SCAN_MAX; i++) {
		vector v, q;
		make_alike(&seed, 300, v);
		model_add(&m, v);
		check_bytes(m.n);
		if (i > 40 && i % 97 != 0)
			continue;
		make_alike(&seed, 300, q);
		size_t of;
		for (float bar = -1; bar < 1; bar += 0.25f)
			(void)check_found(&m, q, bar, 1 + draw(&seed) % NEAREST_FIND_MAX, &of);
	}
	assert_int_equal(m.n->state, STATE_SCANNED);
	model_free(&m);
}

static void
equals_come_with_the_lowest_id_first(void **state)
{
	(void)state;
	struct model m = model_new(16);
	vector v = { 1, 2, 3 };
	for (size_t i = 0; i < 5; i++)
		model_add(&m, v);
	struct near got[3];
	assert_int_equal(nearest_find(m.n, v, 0.85f, got, 3), 3);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(got[i].id, i);
	assert_int_equal(nearest_find(m.n, v, 0.85f, got, 0), 0);
	model_free(&m);
}

static void
a_vector_of_no_length_is_counted_and_never_found(void **state)
{
	(void)state;
	struct model m = model_new(MANY);
	vector zero = { 0 }, v;
	uint64_t seed = 3;
	for (size_t i = 0; i < sized(6000); i++) {
		make_alike(&seed, 300, v);
		model_add(&m, i % 3 == 0 ? zero : v);
	}
	assert_int_equal(m.n->state, STATE_LINKED);
	check_sound(m.n);
	struct near got[64];
	assert_int_equal(nearest_find(m.n, zero, -1, got, 64), 0);
	size_t of, n = nearest_find(m.n, v, -1, got, 64);
	for (size_t i = 0; i < n; i++)
		assert_true(got[i].id % 3 != 0);
	assert_true(check_found(&m, v, 0.85f, 8, &of) > 0);
	for (uint32_t i = 0; i < sized(6000); i++)
		model_remove(&m, i);
	check_sound(m.n);
	model_free(&m);
}

static void
the_lowest_byte_is_taken_for_its_neighbour(void **state)
{
	(void)state;
	struct model m = model_new(4);
	vector low, up;
	memset(low, INT8_MIN, DIMS);
	memset(up, INT8_MAX, DIMS);
	nearest_add(m.n, low);
	struct near got;
	assert_int_equal(nearest_find(m.n, low, -1, &got, 1), 1);
	assert_true(fabsf(got.cosine - 1) < 1e-6f);
	assert_int_equal(nearest_find(m.n, up, -1, &got, 1), 1);
	assert_true(fabsf(got.cosine + 1) < 1e-6f);
	model_free(&m);
}

static void
a_removed_entry_is_not_found_and_its_id_comes_again(void **state)
{
	(void)state;
	for (size_t size = 100; size <= sized(8000); size += sized(8000) - 100) {
		struct model m = model_new(MANY);
		uint64_t seed = 4;
		vector v;
		for (size_t i = 0; i < size; i++) {
			make_alike(&seed, 300, v);
			model_add(&m, v);
		}
		for (uint32_t id = 0; id < size; id += 9)
			model_remove(&m, id);
		struct near got[8];
		for (uint32_t id = 0; id < size; id += 9) {
			size_t n = nearest_find(m.n, m.v[id], 0.5f, got, 8);
			for (size_t i = 0; i < n; i++)
				assert_true(m.there[got[i].id]);
		}
		check_sound(m.n);
		for (uint32_t id = 0; id < size; id += 9) {
			make_alike(&seed, 300, v);
			assert_int_equal(model_add(&m, v), id);
		}
		check_sound(m.n);
		model_free(&m);
	}
}

/* ---- through the states and back ---- */

static void
it_grows_into_a_graph_and_fades_back_and_finds_all_the_while(void **state)
{
	(void)state;
	struct model m = model_new(MANY);
	uint64_t seed = 5;
	size_t of, seen[4] = { 0 }, hits = 0, all = 0;
	for (size_t i = 0; i < sized(9000); i++) {
		vector v;
		make_alike(&seed, sized(500), v);
		uint32_t id = model_add(&m, v);
		seen[m.n->state]++;
		check_bytes(m.n);
		if (i % 20 == 0 || (i + 6 > NEAREST_SCAN_MAX && i < NEAREST_SCAN_MAX + 14)) {
			hits += check_found(&m, m.v[id], 0.85f, 8, &of);
			all += of;
		}
		if (i % sized(500) == 0)
			check_sound(m.n);
	}
	assert_true(seen[STATE_GROWING] > sized(1000) && seen[STATE_GROWING] < sized(2000));
	assert_true(seen[STATE_LINKED] > sized(3000));
	while (m.count > 0) {
		model_remove(&m, any_id(&m, &seed));
		seen[m.n->state]++;
		if (m.count % 20 == 0 && m.count > 0) {
			hits += check_found(&m, m.v[any_id(&m, &seed)], 0.85f, 8, &of);
			all += of;
		}
		if (m.count % sized(500) == 0)
			check_sound(m.n);
	}
	assert_true(seen[STATE_FADING] > 0 || m.cap < 16 * PIECE); /* eight pieces a call */
	assert_int_equal(m.n->state, STATE_SCANNED);
	assert_true((double)hits >= 0.995 * (double)all);
	assert_true(m.most_work < CALL_MOST);
	check_bytes(m.n);
	model_free(&m);
}

static void
a_graph_that_fades_while_it_fills_again_is_made_anew(void **state)
{
	(void)state;
	struct model m = model_new(24 * PIECE + MANY);
	uint64_t seed = 6;
	vector v;
	size_t of, faded = 0;
	for (size_t i = 0; i < 17 * PIECE + sized(6000); i++) {
		make_alike(&seed, 500, v);
		model_add(&m, v);
	}
	while (m.n->state != STATE_FADING)
		model_remove(&m, any_id(&m, &seed));
	for (size_t i = 0; i < sized(6000); i++) {
		faded += m.n->state == STATE_FADING;
		make_alike(&seed, 500, v);
		model_add(&m, v);
		if (i % 50 == 0)
			(void)check_found(&m, v, 0.85f, 8, &of);
	}
	assert_true(faded > 1);
	assert_int_equal(m.n->state, STATE_LINKED);
	check_sound(m.n);
	assert_true(m.most_work < CALL_MOST);
	model_free(&m);
}

static void
a_graph_finds_what_is_alike(void **state)
{
	(void)state;
	struct model m = model_new(MANY);
	uint64_t seed = 7;
	vector v;
	size_t of, hits = 0, all = 0, first = 0, firsts = 0;
	for (size_t i = 0; i < MANY; i++) {
		make_alike(&seed, sized(2000), v);
		model_add(&m, v);
	}
	check_bytes(m.n);
	check_sound(m.n);
	for (size_t i = 0; i < 400; i++) {
		make_alike(&seed, sized(2200), v);
		hits += check_found(&m, v, 0.85f, 8, &of);
		all += of;
		first += check_found(&m, v, 0.85f, 1, &of);
		firsts += of;
	}
	assert_true(firsts > 300);
	assert_true((double)hits >= 0.99 * (double)all);
	assert_true((double)first >= 0.99 * (double)firsts);
	assert_true(m.most_work < CALL_MOST);
	model_free(&m);
}

static void
the_same_calls_make_the_same_index(void **state)
{
	(void)state;
	struct model a = model_new(MANY), b = model_new(MANY);
	uint64_t seed = 8;
	for (size_t i = 0; i < sized(7000); i++) {
		vector v;
		make_alike(&seed, sized(500), v);
		assert_int_equal(model_add(&a, v), model_add(&b, v));
		if (i % 5 == 0) {
			uint32_t id = any_id(&a, &seed);
			model_remove(&a, id);
			model_remove(&b, id);
		}
	}
	assert_int_equal(a.n->state, STATE_LINKED);
	for (size_t i = 0; i < a.n->n_pieces; i++)
		assert_memory_equal(a.n->pieces[i].links, b.n->pieces[i].links, sizeof *a.n->pieces[i].links);
	assert_int_equal(a.n->walks->work, b.n->walks->work);
	model_free(&a);
	model_free(&b);
}

/* ---- hostile vectors ---- */

static void
thousands_of_equal_vectors_hide_nobody(void **state)
{
	(void)state;
	size_t most = sized(5000), all = sized(100000) + most;
	struct model m = model_new(all + PIECE);
	uint64_t seed = 9;
	vector equal, v;
	make_alike(&seed, 1, equal);
	uint32_t others[5000];
	size_t n = 0;
	for (size_t i = 0; i < all; i++) {
		bool other = i % 17 == 16 && n < most;
		if (other)
			make_alike(&seed, 500, v);
		uint32_t id = model_add(&m, other ? v : equal);
		if (other)
			others[n++] = id;
	}
	assert_true(m.n->nodes <= n + 1);
	check_bytes(m.n);
	check_sound(m.n);
	struct near got[64];
	assert_int_equal(nearest_find(m.n, equal, 0.99f, got, 64), 64);
	size_t missed = 0;
	for (size_t i = 0; i < n; i++)
		missed += nearest_find(m.n, m.v[others[i]], 0.999f, got, 1) != 1;
	assert_true(missed <= n / 1000);
	/* The one that stands for all goes again and again; another takes its place. */
	for (size_t i = 0; i < sized(5000); i++) {
		assert_int_equal(nearest_find(m.n, equal, 0.99f, got, 2), 2);
		model_remove(&m, got[i % 2].id);
	}
	for (size_t i = 0; i < n; i += 2)
		model_remove(&m, others[i]);
	check_sound(m.n);
	assert_true(m.most_work < CALL_MOST);
	model_free(&m);
}

/* A vector in the middle of nowhere, and as many as are asked for that differ from it by one in two places. */
static void
make_twinlike(uint64_t *seed, size_t center, int8_t *out)
{
	uint64_t s = 5000 + center;
	double v[DIMS] = { 0 };
	lean(v, s, 1);
	round_off(v, out);
	out[draw(seed) % DIMS] += 1;
	out[draw(seed) % DIMS] -= 1;
}

static void
vectors_that_are_nearly_equal_do_not_part_the_others(void **state)
{
	(void)state;
	struct model m = model_new(MANY);
	uint64_t seed = 10;
	vector v;
	size_t n = sized(9000), found = 0;
	for (size_t i = 0; i < n; i++) {
		make_twinlike(&seed, 3 * i / n, v);
		model_add(&m, v);
	}
	for (size_t i = 0; i < 100; i++) {
		make_alike(&seed, 100, v);
		model_add(&m, v);
	}
	check_sound(m.n);
	struct near got[8];
	for (uint32_t id = 0; id < n + 100; id += id < n ? (uint32_t)sized(75) : 1)
		found += nearest_find(m.n, m.v[id], 0.99f, got, 8) > 0;
	assert_true(found >= 218); /* of 220, or 225 */
	while (m.count > sized(2500))
		model_remove(&m, any_id(&m, &seed));
	check_sound(m.n);
	assert_true(m.most_work < CALL_MOST);
	model_free(&m);
}

enum order { ORDER_LINE, ORDER_BACK, ORDER_TWO_ENDS, ORDER_CLUSTERS, ORDERS };

/* Along a curve, the same backwards, from both its ends in turn, and cluster by cluster. */
static void
make_in_order(enum order order, size_t i, size_t n, int8_t *out)
{
	double v[DIMS] = { 0 };
	size_t at = order == ORDER_BACK ? n - i : order == ORDER_TWO_ENDS && i % 2 != 0 ? n - i : i;
	if (order == ORDER_CLUSTERS) {
		lean(v, 900 + 60 * i / n, 1);
		lean(v, 70000 + i, 0.4);
	} else {
		for (size_t k = 0; k < DIMS; k++)
			v[k] = sin((double)(k + 1) * 0.4 * (double)at / (double)n + (double)(k * k));
	}
	round_off(v, out);
}

static void
no_order_of_adding_and_removing_hides_anybody(void **state)
{
	(void)state;
	for (enum order order = 0; order < ORDERS; order++) {
		struct model m = model_new(MANY);
		size_t n = sized(6000), missed = 0;
		vector v;
		for (size_t i = 0; i < n; i++) {
			make_in_order(order, i, n, v);
			model_add(&m, v);
		}
		check_sound(m.n);
		struct near got;
		for (uint32_t id = 0; id < n; id += 7)
			missed += nearest_find(m.n, m.v[id], 0.9999f, &got, 1) != 1;
		for (uint32_t id = 0; id < n * 2 / 3; id++)
			model_remove(&m, id);
		check_sound(m.n);
		for (uint32_t id = (uint32_t)n - 1; id > n * 2 / 3; id -= 3)
			missed += nearest_find(m.n, m.v[id], 0.9999f, &got, 1) != 1;
		assert_true(missed <= n / 1200);
		assert_true(m.most_work < CALL_MOST);
		model_free(&m);
	}
}

/* Corners of a cube: every neighbour of one is equally far, and those farther are equally far from it again. */
static void
ties_everywhere_are_borne(void **state)
{
	(void)state;
	struct model m = model_new(MANY);
	uint64_t seed = 11;
	for (size_t i = 0; i < sized(7000); i++) {
		vector v;
		memset(v, 0, sizeof v);
		for (size_t k = 0; k < 13; k++)
			v[k * 9] = draw(&seed) % 2 ? 30 : -30;
		model_add(&m, v);
		if (i % 3 == 0)
			model_remove(&m, any_id(&m, &seed));
		if (i % sized(1000) == 0)
			check_sound(m.n);
	}
	check_sound(m.n);
	assert_true(m.most_work < CALL_MOST);
	model_free(&m);
}

/* One of three clusters whose members all know each other. The second lies between the others. */
static void
make_in_cluster(uint64_t *seed, size_t cluster, int8_t *out)
{
	double v[DIMS] = { 0 };
	lean(v, 100, cluster < 2);
	lean(v, 200, cluster > 0);
	lean(v, draw(seed), 0.1);
	round_off(v, out);
}

/*
 *   A -- x -- C      x goes. B has one place again, and needs two to lead on from A to C:
 *        |           it must give up a link within its cluster.
 *        B
 */
static void
those_who_met_in_one_that_leaves_meet_elsewhere_though_all_are_full(void **state)
{
	(void)state;
	enum { CLUSTER = WIDTH, ALL = 3 * CLUSTER };
	struct nearest *n = nearest_new(DIMS);
	uint64_t seed = 15;
	vector v;
	for (size_t i = 0; i <= ALL; i++) {
		make_in_cluster(&seed, i < ALL ? i / CLUSTER : 1, v);
		assert_int_equal(nearest_add(n, v), i);
	}
	/* The graph is made by hand: cliques, and x with a member of each. */
	assert_int_equal(rows_link(n, &n->pieces[0]), 0);
	for (uint32_t id = 0; id <= ALL; id++) {
		n->pieces[0].links->kind[id] = KIND_NODE;
		n->pieces[0].links->next[id] = NOBODY;
	}
	n->state = STATE_LINKED;
	n->nodes = ALL + 1;
	n->entry = 0;
	for (uint32_t a = 0; a < ALL; a++)
		for (uint32_t b = a + 1; b < ALL && b / CLUSTER == a / CLUSTER; b++)
			assert_true(links_join(n, 0, a, b, false));
	for (uint32_t a = 0; a < ALL; a += CLUSTER) {
		assert_true(links_join(n, 0, ALL, a, false));
		assert_int_equal(links_of(n, 0, a).n, WIDTH);
	}
	check_sound(n);
	graph_remove(n, ALL);
	rows_give(n, ALL);
	check_sound(n);
	nearest_free(&n);
}

/* ---- all of it at random ---- */

static void
thousands_of_random_steps_agree_with_a_plain_model(void **state)
{
	(void)state;
	struct model m = model_new(sized(9000));
	uint64_t seed = 12;
	size_t of, hits = 0, all = 0, states[4] = { 0 };
	vector v;
	for (size_t step = 0; step < sized(30000); step++) {
		/* The size swings between some 1,500 and 7,000 (an eighth of that), so each state comes several times. */
		bool fill = step / sized(5500) % 2 == 0;
		uint64_t dice = draw(&seed) % 100;
		if (m.count < sized(8000) && (m.count == 0 || dice < (fill ? 94 : 12))) {
			if (dice % 10 == 3 && m.count > 0)
				memcpy(v, m.v[any_id(&m, &seed)], DIMS);
			else if (dice == 7)
				memset(v, 0, DIMS);
			else
				make_alike(&seed, sized(600), v);
			model_add(&m, v);
		} else {
			model_remove(&m, any_id(&m, &seed));
		}
		states[m.n->state]++;
		if (step % 50 == 0) {
			make_alike(&seed, sized(700), v);
			hits += check_found(&m, v, 0.85f, 8, &of);
			all += of;
		}
		if (step % sized(4000) == 0)
			check_sound(m.n);
	}
	for (size_t i = 0; i < 4; i++)
		assert_true(states[i] > 0 || (i == STATE_FADING && m.cap < 16 * PIECE));
	assert_true((double)hits >= 0.99 * (double)all);
	assert_true(m.most_work < CALL_MOST);
	model_free(&m);
}

/* ---- memory ---- */

static void
an_entry_takes_no_more_than_it_says(void **state)
{
	(void)state;
	enum { ALL = 5700, FROM = 1000, TO = 3500 };
	size_t usual = part;
	part = 1;
	struct nearest *n = nearest_new(DIMS);
	uint64_t seed = 13;
	assert_true(nearest_bytes(n) <= NEAREST_FIXED_BYTES);
	for (size_t i = 0; i < ALL; i++) {
		vector v;
		make_alike(&seed, 1500, v);
		nearest_add(n, v);
		check_bytes(n);
	}
	assert_int_equal(n->state, STATE_LINKED);
	assert_true(nearest_bytes(n) >= n->count * (DIMS + WIDTH * sizeof(uint32_t)));
	/* Many in a row go: their memory goes with them. */
	for (uint32_t id = FROM; id < TO; id++)
		nearest_remove(n, id);
	assert_true(
	    nearest_bytes(n) <= (ALL - TO + FROM + 2 * PIECE) * NEAREST_ENTRY_BYTES + NEAREST_FIXED_BYTES);
	for (uint32_t id = 0; id < ALL; id++)
		if (id < FROM || id >= TO)
			nearest_remove(n, id);
	assert_int_equal(nearest_count(n), 0);
	assert_true(nearest_bytes(n) <= NEAREST_FIXED_BYTES);
	nearest_free(&n);
	part = usual;
}

static void
memory_that_fails_fails_only_the_insertion(void **state)
{
	(void)state;
	struct model m = model_new(MANY);
	uint64_t seed = 14;
	size_t refused = 0;
	allocations = 0;
	for (size_t i = 0; i < sized(9000); i++) {
		vector v;
		make_alike(&seed, sized(500), v);
		size_t bytes = nearest_bytes(m.n);
		memory_fails = 1 + (int)(i % 2);
		uint32_t id = nearest_add(m.n, v);
		memory_fails = 0;
		if (id == UINT32_MAX) {
			refused++;
			assert_int_equal(nearest_count(m.n), m.count);
			assert_true(nearest_bytes(m.n) <= bytes + PIECE * sizeof(struct piece));
			id = nearest_add(m.n, v);
		}
		memcpy(m.v[id], v, DIMS);
		m.there[id] = true;
		m.count++;
		if (i % sized(500) == 0) {
			size_t of;
			check_sound(m.n);
			(void)check_found(&m, v, 0.85f, 8, &of);
		}
	}
	assert_true(refused > sized(24));
	check_sound(m.n);
	memory_fails = 1;
	while (m.count > 0)
		model_remove(&m, any_id(&m, &seed));
	assert_null(nearest_new(DIMS));
	memory_fails = 0;
	model_free(&m);
}

int
main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "large") == 0)
		part = 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dot_products_are_those_of_a_plain_loop),
		cmocka_unit_test(a_small_index_finds_exactly_what_a_plain_loop_finds),
		cmocka_unit_test(equals_come_with_the_lowest_id_first),
		cmocka_unit_test(a_vector_of_no_length_is_counted_and_never_found),
		cmocka_unit_test(the_lowest_byte_is_taken_for_its_neighbour),
		cmocka_unit_test(a_removed_entry_is_not_found_and_its_id_comes_again),
		cmocka_unit_test(it_grows_into_a_graph_and_fades_back_and_finds_all_the_while),
		cmocka_unit_test(a_graph_that_fades_while_it_fills_again_is_made_anew),
		cmocka_unit_test(a_graph_finds_what_is_alike),
		cmocka_unit_test(the_same_calls_make_the_same_index),
		cmocka_unit_test(thousands_of_equal_vectors_hide_nobody),
		cmocka_unit_test(vectors_that_are_nearly_equal_do_not_part_the_others),
		cmocka_unit_test(no_order_of_adding_and_removing_hides_anybody),
		cmocka_unit_test(ties_everywhere_are_borne),
		cmocka_unit_test(those_who_met_in_one_that_leaves_meet_elsewhere_though_all_are_full),
		cmocka_unit_test(thousands_of_random_steps_agree_with_a_plain_model),
		cmocka_unit_test(an_entry_takes_no_more_than_it_says),
		cmocka_unit_test(memory_that_fails_fails_only_the_insertion),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
