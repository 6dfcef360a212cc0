/* Written by scripts/router/asset.py from scripts/router/vectors.jsonl: do not edit. */
static const struct vector vectors[] = {
	{ "", "", "", 1, 0, 0, SCORE_FREE, -1, -1.400000 },
	{ "", "", "Hi", 1, 0, 0, SCORE_FREE, -1, -1.709831 },
	{ "", "", "What is the capital of Norway?", 1, 0, 0, SCORE_FREE, -1, -1.144839 },
	{ "", "", "Write a product title for a brass desk lamp, at most 60 characters.", 1, 0, 0, SCORE_FREE,
	    -1, -1.568503 },
	{ "You write product titles for a shop. Brand first.", "", "Steel mug, 350 ml, blue", 1, 0, 0,
	    SCORE_FREE, 30, -2.565629 },
	{ "", "", "Write a product description of 120 words for a wool blanket made in Ireland.", 1, 0, 0,
	    SCORE_FREE, -1, 0.237302 },
	{ "", "",
	    "Analyse the market for cargo bikes in Denmark: competitors, segments, prices and what may "
	    "change in two years.",
	    1, 0, 0, SCORE_FREE, -1, 1.526529 },
	{ "", "", "Develop a strategy for entering the Dutch market with budget, risks and milestones.", 1, 0,
	    0, SCORE_FREE, 2000, 5.390853 },
	{ "", "",
	    "A farmer sells 12 crates of apples at $8.50 each and 7 crates of pears at $9. How much more "
	    "does she earn with apples?",
	    1, 0, 0, SCORE_FREE, -1, -1.330183 },
	{ "", "", "Let $f(x) = x^3 - 6x + 1$. Find the sum of the squares of the roots of $f$.", 1, 0, 0,
	    SCORE_FREE, -1, -1.854840 },
	{ "", "",
	    "def f(words):\n    out = {}\n    for w in words:\n        out[w] = out.get(w, 0) + len(w)\n    "
	    "return sorted(out.items())\n\nWhat does f(['a', 'bb', 'a']) return?",
	    1, 0, 0, SCORE_FREE, -1, -0.364031 },
	{ "", "",
	    "Which of the following is a noble gas?\nA. Argon\nB. Chlorine\nC. Sodium\nD. Nitrogen\nAnswer:",
	    1, 0, 0, SCORE_FREE, -1, -0.644505 },
	{ "", "",
	    "A landlord lets a house to a tenant who then sues. Which claim will most likely fail?\nA. A "
	    "claim for breach of the lease\nB. A claim in negligence\nC. A claim for trespass\nD. None of "
	    "the above\nAnswer:",
	    1, 0, 0, SCORE_FREE, -1, 2.311162 },
	{ "", "",
	    "The sum of two numbers is 41 and their difference is 9. What is the larger one?\nA. 16\nB. "
	    "25\nC. 32\nD. 50\nAnswer:",
	    1, 0, 0, SCORE_FREE, -1, -1.812363 },
	{ "", "", "12.4 or 12.35 --- which one is bigger?", 1, 0, 0, SCORE_FREE, -1, -0.093287 },
	{ "", "", "Schreibe eine Produktbeschreibung für eine Trinkflasche aus Edelstahl, 750 ml.", 1, 0, 0,
	    SCORE_FREE, -1, 0.184528 },
	{ "", "", "Объясни, почему небо голубое.", 1, 0, 0, SCORE_FREE, -1, -0.636658 },
	{ "", "Compare two phones.\nThe first one is lighter.", "And the second one?", 2, 0, 0, SCORE_FREE,
	    -1, -0.955779 },
	{ "", "", "Extract the order number and the date as JSON: 'Order 88213 of 3 May has not arrived.'", 1,
	    0, 0, SCORE_JSON, -1, -1.510037 },
	{ "", "", "Fill the form.", 1, 3, 1, SCORE_SCHEMA, 400, -0.557861 },
	{ "", "",
	    "Prove that there are infinitely many primes, step by step, and say why each step is necessary.",
	    1, 0, 0, SCORE_FREE, -1, 0.312896 },
	{ "", "",
	    "Why does this fail?\n```c\nint *p = malloc(n);\nfree(p);\nprintf(\"%d\", *p);\n```\nThe error "
	    "message is: segmentation fault.",
	    1, 0, 0, SCORE_FREE, -1, 1.948170 },
	{ "", "",
	    "Summarise in one sentence: the committee met on Tuesday, discussed the budget, and postponed "
	    "the vote until all members had read the report.",
	    1, 0, 0, SCORE_FREE, -1, -0.003292 },
	{ "", "",
	    "If all bloops are razzies and no razzies are lazzies, can a bloop be a lazzie? Explain your "
	    "reasoning.",
	    1, 0, 0, SCORE_FREE, -1, -0.384311 },
};
