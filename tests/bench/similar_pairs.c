/*
 * Pairs of texts on stdin, a line each, "text TAB text"; for each a line on stdout: the cosine of the embedding, whether the
 * facts agree and which do not, the verifier's probability and its features. tests/bench/bench_similarity and
 * scripts/train-verifier read it, so that what is trained and measured is what the product computes.
 *
 *   similar_pairs             features of all pairs; the first line names the columns
 *   similar_pairs --stems     a word a line: its stem
 *   similar_pairs --vectors   a text a line: the 128 bytes of its embedding
 *   similar_pairs --time      microseconds for a verification, over all pairs
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "text/embed.h"
#include "text/facts.h"
#include "text/verify.h"

#include "../../src/text/verify_words.h"

static bool
read_line(char **line, size_t *cap, struct str *left, struct str *right)
{
	ssize_t n = getline(line, cap, stdin);
	if (n < 0)
		return false;
	struct str all = { *line, (size_t)n };
	if (all.n > 0 && all.p[all.n - 1] == '\n')
		all.n--;
	if (!str_cut(&all, '\t', left))
		*left = (struct str){ 0 };
	*right = all;
	return true;
}

static void
stems(void)
{
	char *line = NULL;
	size_t cap = 0;
	struct str word, none;
	while (read_line(&line, &cap, &word, &none))
		printf("%u\n", stem_hash(word.p, word.n));
	free(line);
}

static void
vectors(void)
{
	char *line = NULL;
	size_t cap = 0;
	struct str text, none;
	struct embedding e;
	while (read_line(&line, &cap, &text, &none)) {
		embed_text(text.p != NULL ? text : none, &e);
		for (size_t i = 0; i < EMBED_DIMS; i++)
			printf("%d%c", e.v[i], i + 1 < EMBED_DIMS ? ' ' : '\n');
	}
	free(line);
}

static void
features(void)
{
	char *line = NULL;
	size_t cap = 0;
	struct str a, b;
	struct verdict v;
	struct veto veto;
	verify_same(STR("what is a"), STR("what is b"), &v);
	printf("cosine\tfacts\tprobability");
	for (size_t i = 0; i < v.count; i++)
		printf("\t%s", v.names[i]);
	putchar('\n');
	size_t columns = v.count;
	while (read_line(&line, &cap, &a, &b)) {
		struct embedding x, y;
		embed_text(a, &x);
		embed_text(b, &y);
		bool agree = facts_agree(a, b, &veto);
		double p = verify_same(a, b, &v);
		printf("%.4f\t%s\t%.5f", embed_cosine(&x, &y), agree ? "agree" : veto_name(veto.kind), p);
		for (size_t i = 0; i < columns; i++)
			printf("\t%.5g", i < v.count ? v.features[i] : -1.0);
		putchar('\n');
	}
	free(line);
}

static void
timing(void)
{
	char *line = NULL;
	size_t cap = 0, pairs = 0, bytes = 0;
	double spent = 0, worst = 0; /* of this process alone: other load is not in it */
	struct str a, b;
	while (read_line(&line, &cap, &a, &b)) {
		clock_t from = clock();
		for (int i = 0; i < 10; i++)
			verify_same(a, b, NULL);
		double took = (double)(clock() - from) * 1e6 / CLOCKS_PER_SEC;
		spent += took;
		worst = took > worst ? took : worst;
		bytes += a.n + b.n;
		pairs++;
	}
	printf("%.2f us for a pair of texts of %.0f bytes, worst %.1f us, %zu pairs\n",
	    spent / 10 / (double)pairs, (double)bytes / 2 / (double)pairs, worst / 10, pairs);
	free(line);
}

int
main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--stems") == 0)
		stems();
	else if (argc > 1 && strcmp(argv[1], "--vectors") == 0)
		vectors();
	else if (argc > 1 && strcmp(argv[1], "--time") == 0)
		timing();
	else
		features();
	return 0;
}
