# SPDX-License-Identifier: Apache-2.0
"""curve.py: the measures of include/learn/curve.h"""
import numpy as np


def recovered(score, weak, strong):
    """What share of the gap is recovered by each number of strong calls, 0..n; ties are averaged over their orders"""
    gain = np.asarray(strong, float) - weak
    _, place, count = np.unique(-np.asarray(score, float), return_inverse=True, return_counts=True)
    mean = np.bincount(place, gain) / count
    steps = np.concatenate([[0.0], np.cumsum(np.repeat(mean, count))])
    return steps / steps[-1]


def measures(score, weak, strong):
    """APGR, CPT(50 %), CPT(80 %)"""
    ok = ~(np.isnan(weak) | np.isnan(strong))
    score, weak, strong = score[ok], weak[ok], strong[ok]
    if np.sum(strong - weak) <= 0:
        return np.nan, np.nan, np.nan
    share = recovered(score, weak, strong)
    n = len(score)
    reached = [np.argmax(share >= x - 1e-12) / n for x in (0.5, 0.8)]
    return float((share[1:] + share[:-1]).mean() / 2), *map(float, reached)


def interval(score, weak, strong, group, seed, rounds=1000):
    """95 % of APGR over groups drawn anew"""
    lot = np.random.default_rng(seed)
    _, place = np.unique(group, return_inverse=True)
    members = np.split(np.argsort(place, kind="stable"), np.cumsum(np.bincount(place))[:-1])
    found = []
    for _ in range(rounds):
        rows = np.concatenate([members[g] for g in lot.integers(0, len(members), len(members))])
        found.append(measures(score[rows], weak[rows], strong[rows])[0])
    return tuple(np.nanpercentile(found, [2.5, 97.5]))
