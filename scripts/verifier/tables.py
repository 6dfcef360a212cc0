# SPDX-License-Identifier: Apache-2.0
"""The word lists of the verifier as C tables: phrases, classes of words, groups of words that may stand for each other."""
import re
import sys
from collections import defaultdict
from itertools import product
from pathlib import Path

HERE = Path(__file__).parent
TYPES = ["none", "how", "what", "define", "why", "when", "where", "who", "which", "yesno", "should", "best", "cost",
         "long", "many", "much", "often", "far", "degree", "if", "feel", "opinion", "diff"]
CLASSES = ["p", "m", "b", "a", "g", "w", "glue", "modal", "preposition", "owner", "frame"]


def fnv(text):
    h = 2166136261
    for byte in text.encode():
        h = (h ^ byte) * 16777619 & 0xFFFFFFFF
    return max(h, 64)  # smaller values are classes


def lines(name):
    for line in (HERE / name).read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            yield line.strip()


def parse(text, at=0, inside=False):
    """Alternatives of sequences, as a list of lists of words."""
    found, now = [], [[]]
    while at < len(text):
        c = text[at]
        if c == "(":
            inner, at = parse(text, at + 1, True)
            now = [a + b for a, b in product(now, inner)]
        elif c == "|" and inside:
            found, now, at = found + now, [[]], at + 1
        elif c == ")" and inside:
            return found + now, at + 1
        elif c == " ":
            at += 1
        else:
            word = re.match(r"[^ ()|]+", text[at:]).group()
            now, at = [a + [word] for a in now], at + len(word)
    return found + now, at


def phrases():
    rules = {}
    for line in lines("phrases.txt"):
        pattern, _, becomes = line.partition(" =")
        kind, words = "none", []
        for word in becomes.split():
            if word.startswith("?"):
                kind = word[1:]
            else:
                words.append(word)
        for words_in in parse(pattern)[0]:
            if 0 < len(words_in) <= 8:
                rules.setdefault(tuple(words_in), (kind, words))
    return rules


def element(word):
    return CLASSES.index(word[1:]) if word.startswith("@") else fnv(word.replace("'", ""))


def second_of(pattern):
    """What a pattern is found by besides its first word: its second one, a class as 1 to 11, 0 without one."""
    second = element(pattern[1]) if len(pattern) > 1 else -1
    return second + 1 if second < len(CLASSES) else second


def write(groups, hand, out):
    rules = phrases()
    texts = sorted({w for _, words in rules.values() for w in words})
    buckets = defaultdict(list)
    for pattern, (kind, words) in rules.items():
        buckets[element(pattern[0])].append((pattern, kind, words))
    put = out.write
    put("/* Written by scripts/train-verifier from scripts/verifier/ and WordNet: do not edit. */\n")
    put("static const char *const phrase_words[] = {" + ", ".join(f'"{t}"' for t in texts) + "};\n")
    starts, n = [], 0
    body = []
    flat = []
    for first in sorted(buckets):
        order = sorted(buckets[first], key=lambda r: (-len(r[0]), [w.startswith("@") for w in r[0]], r[0]))
        ranked = sorted((second_of(pattern), rank, pattern, kind, words) for rank, (pattern, kind, words) in enumerate(order))
        for second, rank, pattern, kind, words in ranked:
            if not starts or starts[-1][:2] != (first, second):
                starts.append((first, second, n))
            to = texts.index(words[0]) + 1 if words else 0
            body.append(f"{{{len(flat)},{rank},{len(pattern)},{TYPES.index(kind)},{to}}}")
            flat += [element(w) for w in pattern]
            n += 1
    starts.append((0xFFFFFFFF, 0, n))
    put("static const uint32_t phrase_elements[] = {" + ",".join(f"{e}u" for e in flat) + "};\n")
    put("static const struct phrase phrases[] = {" + ",".join(body) + "};\n")
    put("static const struct phrase_start phrase_starts[] = {" + ",".join(f"{{{h}u,{k}u,{i}}}" for h, k, i in starts) + "};\n")
    marks = defaultdict(int)
    for line in lines("words.txt"):
        name, _, words = line.partition(":")
        for w in words.split():
            marks[fnv(w.replace("'", ""))] |= 1 << CLASSES.index(name.lstrip("@"))
    put("static const struct word_class word_classes[] = {" + ",".join(f"{{{h}u,{m}}}" for h, m in sorted(marks.items())) + "};\n")
    put(f"enum {{ GROUPS_BY_HAND = {hand} }};\n")
    put("static const struct word_group word_groups[] = {" + ",".join(f"{{{h}u,{g}}}" for h, g in sorted(groups)) + "};\n")
    print(f"{n} phrases, {len(marks)} words with a class, {len(groups)} places in groups", file=sys.stderr)
