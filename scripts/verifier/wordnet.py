# SPDX-License-Identifier: Apache-2.0
"""
Groups of words that may stand for each other, from WordNet 3.1 (Princeton University; its licence allows use, copying and
distribution with its notice: see WORDNET_LICENCE in this folder). Only single words in one of their first two
senses of a part of speech, and only senses that were met in WordNet's own tagged texts: rare senses make false friends.
"""
from collections import defaultdict
from pathlib import Path

FIRST_SENSES, SEEN = 2, 2


def groups(folder):
    members = defaultdict(list)
    for line in (Path(folder) / "index.sense").read_text().splitlines():
        key, offset, number, count = line.split()
        lemma, kind = key.split("%")[0], key.split("%")[1][0]
        if "_" in lemma or "'" in lemma or not lemma.isalpha() or len(lemma) < 3:
            continue
        kind = "3" if kind == "5" else kind
        if int(number) <= FIRST_SENSES and int(count) >= SEEN:
            members[kind, offset].append(lemma)
    return sorted({tuple(sorted(set(words))) for words in members.values() if 2 <= len(set(words)) <= 6})
