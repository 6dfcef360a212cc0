/*
 * What reading and comparing facts costs: two questions of some 100 bytes, a prompt of 1.5 KB, and the worst that 16 KB can hold.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "cpu_us.h"
#include "text/facts.h"

static void
measure(const char *name, struct str a, struct str b, int times)
{
	double start = cpu_us();
	for (int i = 0; i < times; i++) {
		struct facts *f = facts_read(a);
		facts_free(&f);
	}
	double read = (cpu_us() - start) / times;
	struct facts *x = facts_read(a), *y = facts_read(b);
	start = cpu_us();
	int same = 0;
	for (int i = 0; i < times; i++)
		same += facts_same(x, y, NULL);
	printf("%-24s %6zu bytes  read %9.2f us  compare %9.2f us  %s\n", name, a.n, read,
	    (cpu_us() - start) / times, same > 0 ? "agree" : "differ");
	facts_free(&x);
	facts_free(&y);
}

int
main(void)
{
	measure("warm", STR("a"), STR("b"), 1);
	measure("question",
	    STR("How can I change the delivery address of an order that I placed yesterday but that is not "
		"sent?"),
	    STR("How do I change the delivery address for an order I placed yesterday that has not been sent "
		"yet?"),
	    20000);
	static char a[FACTS_TEXT_MAX], b[FACTS_TEXT_MAX];
	static const char prose[] = "The garden behind the old house grows wild and every summer the bees of "
				    "the valley come to its roses. ";
	for (size_t i = 0; i < 1500; i++)
		a[i] = b[i] = prose[i % (sizeof(prose) - 1)];
	memcpy(b + 700, "zz", 2);
	measure("prompt", (struct str){ a, 1500 }, (struct str){ b, 1500 }, 2000);
	static const char *const pieces[] = { "1", "1 ", "A ", "a b ", "\"a ", "`a` ", "it ", "not x ",
		"to x ", "\xFF", "\xE2\x82\xAC", "= ", "Ab Ba ", "twenty ", "paris rome ", "UN Us ", "1,000,",
		"dog cat ", "qa wb ec " };
	for (size_t p = 0; p < sizeof(pieces) / sizeof(*pieces); p++) {
		size_t n = strlen(pieces[p]);
		for (size_t i = 0; i < FACTS_TEXT_MAX; i++)
			a[i] = b[FACTS_TEXT_MAX - 1 - i] = pieces[p][i % n];
		measure(pieces[p], (struct str){ a, FACTS_TEXT_MAX }, (struct str){ b, FACTS_TEXT_MAX }, 5);
	}
	return 0;
}
