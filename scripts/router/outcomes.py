# SPDX-License-Identifier: Apache-2.0
"""outcomes.py: prompts on which a weak and a strong model were graded, which of them are nearly the same, and what each is about"""
import csv
import json
from pathlib import Path

import numpy as np

WEAK, STRONG, LATER = "gpt-4o-mini-2024-07-18", "gpt-4o-2024-05-13", "gpt-4o-2024-08-06"
PRICES = {WEAK: (0.15, 0.60), STRONG: (2.50, 10.00), LATER: (2.50, 10.00)}  # dollars a million tokens, of today: the models' own at their time were other
SETS = "crux gsm math-l5 numersense-v2".split()
# The subjects of MMLU by the 17 families of its authors (arXiv 2009.03300)
FAMILIES = """
physics: astronomy college_physics conceptual_physics high_school_physics
chemistry: college_chemistry high_school_chemistry
biology: college_biology high_school_biology
computer science: college_computer_science computer_security high_school_computer_science machine_learning
mathematics: abstract_algebra college_mathematics elementary_mathematics high_school_mathematics high_school_statistics
engineering: electrical_engineering
history: high_school_european_history high_school_us_history high_school_world_history prehistory
philosophy: formal_logic logical_fallacies moral_disputes moral_scenarios philosophy world_religions
law: international_law jurisprudence professional_law
politics: high_school_government_and_politics public_relations security_studies us_foreign_policy
culture: human_sexuality sociology
economics: econometrics high_school_macroeconomics high_school_microeconomics
geography: high_school_geography
psychology: high_school_psychology professional_psychology
health: anatomy clinical_knowledge college_medicine human_aging medical_genetics nutrition professional_medicine virology
business: business_ethics management marketing
other: global_facts miscellaneous professional_accounting
"""
FRAME = "You are given a Python function and an assertion containing an input to the function."


class Outcomes:
    """Rows of both sources, one behind the other: texts, what they are about, how good each answer was (nan: not asked), what each cost"""

    def __init__(self, folder):
        own, exams = gpt4o(Path(folder)), mmlu(Path(folder))
        self.prompts = [r[0] for r in own] + [r[0] for r in exams]
        self.kind = np.array([r[1] for r in own] + [r[1] for r in exams])  # data set or subject
        self.weak, self.strong, self.later = (np.array([float(r[i]) for r in own] + [float(r[i]) for r in exams]) for i in (2, 3, 4))
        self.usd = np.array([r[5] for r in own] + [(np.nan, np.nan)] * len(exams))
        self.own = np.arange(len(self.prompts)) < len(own)  # gpt-4o's; the others are MMLU
        family = {s: line.split(":")[0] for line in FAMILIES.strip().split("\n") for s in line.split(":")[1].split()}
        self.topic = np.array([family.get(k, k) for k in self.kind])
        # What the strong model gains: where both its versions were asked, their mean has less noise
        self.gain = np.nanmean([self.strong, self.later], axis=0) - self.weak


def gpt4o(folder):
    rows = []
    for name in SETS:
        for line in open(folder / f"router/gpt4o_{name}_tokens.jsonl"):
            r = json.loads(line)
            usd = [(r["prompt_tokens"] * PRICES[m][0] + r["out_tokens"][m] * PRICES[m][1]) / 1e6 for m in (WEAK, STRONG)]
            rows.append((r["prompt"], name, r["correct"][WEAK], r["correct"][STRONG], r["correct"].get(LATER, np.nan), tuple(usd)))
    return rows


def mmlu(folder):
    with open(folder / "router/mmlu_mixtral_gpt4.csv", newline="") as f:
        return [(r["prompt"], r["subject"], r["mixtral_8x7b_correct"], r["gpt4_1106_correct"], np.nan) for r in csv.DictReader(f)]


def bare(prompt):
    """Without the frame that all prompts of a source share: with it all would be alike"""
    start, end = prompt.find("## Question:"), prompt.find("## Instruction")
    if 0 <= start < end:
        prompt = prompt[start + len("## Question:") : end]
    at = prompt.find(FRAME)
    return (prompt[:at] + prompt[prompt.find("\n", at) :] if at >= 0 else prompt).strip()


def groups(prompts, least):
    """The number of each prompt's group: joined are those whose counts of character 3-grams have a cosine of `least` or more, and by chains"""
    import scipy.sparse as sp
    from scipy.sparse.csgraph import connected_components
    from sklearn.feature_extraction.text import TfidfVectorizer
    x = TfidfVectorizer(analyzer="char", ngram_range=(3, 3), use_idf=False, dtype=np.float32).fit_transform([bare(p) for p in prompts]).tocsr()
    pairs = []
    for at in range(0, len(prompts), 500):
        near = (x[at : at + 500] @ x.T).tocoo()
        met = near.data >= least - 1e-6
        pairs.append(np.stack([near.row[met] + at, near.col[met]]))
    i, j = np.concatenate(pairs, 1)
    graph = sp.coo_matrix((np.ones(len(i)), (i, j)), shape=(len(prompts),) * 2)
    return connected_components(graph, directed=False)[1]


def folds(group, seed, count=5):
    """The fold of each row: whole groups, the largest first, each into one of the emptiest folds, by lot"""
    lot = np.random.default_rng(seed)
    _, place, sizes = np.unique(group, return_inverse=True, return_counts=True)
    order = lot.permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    filled, fold = np.zeros(count), np.zeros(len(sizes), int)
    for g in order:
        fold[g] = lot.choice(np.flatnonzero(filled == filled.min()))
        filled[fold[g]] += sizes[g]
    return fold[place]
