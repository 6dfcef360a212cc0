#!/usr/bin/env python3
"""asset.py: writes src/assets/router.inc, the model behind the score of requests (src/text/score_model.h says what it computes)

  asset.py            of the priors alone, before any outcome is seen
  import asset; asset.write({"weights": {...}, ...})      of a trained model; what is left out is zero

Keys: bias; weights {feature: weight}; gate (low, high); limit; linear (128); kernel "nearest" | "shares" | "bells"; sharpness;
clusters [(name, weight, 128 int8)]; grams {index: weight} with rooted True | False; trees [[(at, value, input, below, above)]], where
below and above count within the tree and below is 0 in a leaf.
"""
# SPDX-License-Identifier: Apache-2.0
import math
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PRIORS = ROOT / "scripts/router/priors"
OUT = ROOT / "src/assets/router.inc"
DIMS = 128


def features():
    """[(name, cap)] in the order of the table that tests/bench/score_features prints"""
    text = (ROOT / "src/text/score_features.h").read_text()
    return [(n, float(c)) for n, c in re.findall(r"^\tX\((\w+), ([\d.]+), ", text, re.M)]


def priors():
    """{name: (weight, spread)}; those that are not listed: 0, with the spread `others`"""
    found = {}
    for line in PRIORS.read_text().split("\n"):
        line = line.split("#")[0].split()
        if line:
            found[line[0]] = (float(line[1]), float(line[2]))
    unknown = set(found) - {n for n, _ in features()} - {"bias"}
    if unknown:
        sys.exit(f"priors of what is no feature: {sorted(unknown)}")
    return found


def numbers(values, form):
    lines = [",".join(form % v for v in values[i : i + 16]) for i in range(0, len(values), 16)]
    return "{\n" + ",\n".join(lines) + "\n}"


def real(v):
    text = "%.7g" % v
    return (text if re.search(r"[.en]", text) else text + ".0") + "f"


def reals(values):
    return "{\n" + ",\n".join(",".join(real(v) for v in values[i : i + 8]) for i in range(0, len(values), 8)) + "\n}"


def write(model, path=OUT, by="scripts/train-router"):
    names = [n for n, _ in features()]
    weights, clusters = model.get("weights", {}), model.get("clusters", [])
    grams, trees = model.get("grams", {}), model.get("trees", [])
    if set(weights) - set(names):
        sys.exit(f"weights of what is no feature: {sorted(set(weights) - set(names))}")
    scale = max((abs(w) for w in grams.values()), default=0) / 127 or 1.0
    cells = [0] * (1 << 14)
    for i, w in grams.items():
        cells[i] = round(w / scale)
    nodes, roots = [], []
    for tree in trees:
        start = len(nodes)
        roots.append(start)
        for at, value, feature, below, above in tree:
            nodes.append((at, value, feature, below + start if below else 0, above + start if below else 0))
    out = [f"/* Written by {by}: do not edit. */"]
    if len(clusters) > 512 or len(nodes) > 0xFFFF:
        sys.exit("more than 512 clusters, or than 65535 nodes of trees")
    counts = {"cluster": len(clusters), "tree": len(trees), "gram": len(cells) if grams else 0}
    out += [f"static const size_t router_{name}_count = {n};" for name, n in counts.items()]
    out.append(f"static const float router_bias = {real(model.get('bias', 0))};")
    lines = [f"\t[FEATURE_{n}] = {real(weights[n])}," for n in names if weights.get(n)]
    out.append("static const float router_weights[FEATURE_COUNT] = {\n" + "\n".join(lines) + "\n};")
    out.append("static const float router_gate[2] = { %s, %s };" % tuple(real(v) for v in model.get("gate", (0, 0))))
    out.append(f"static const float router_limit = {real(model.get('limit', 4))};")
    out.append("static const float router_linear[EMBED_DIMS] = " + reals(model.get("linear", [0] * DIMS)) + ";")
    out.append(f"static const enum router_kernel router_kernel = KERNEL_{model.get('kernel', 'nearest').upper()};")
    out.append(f"static const float router_sharpness = {real(model.get('sharpness', 0))};")
    padded = clusters or [("", 0, [0] * DIMS)]
    rows = ",\n".join(f'\t{{ "{n}", {real(w)} }}' for n, w, _ in padded)
    out.append("static const struct router_cluster router_clusters[] = {\n" + rows + "\n};")
    lengths = [math.sqrt(sum(int(v) * int(v) for v in c)) for _, _, c in padded]
    out.append("static const float router_scales[] = " + reals([1 / n if n else 0 for n in lengths]) + ";")
    out.append("static const int8_t router_centres[][EMBED_DIMS] = {")
    out += [numbers([int(v) for v in c], "%d") + "," for _, _, c in padded]
    out.append("};")
    out.append(f"static const bool router_grams_rooted = {'true' if model.get('rooted') else 'false'};")
    out.append(f"static const float router_gram_scale = {real(scale if grams else 0)};")
    out.append("static const int8_t router_grams[] = " + numbers(cells if grams else [0], "%d") + ";")
    out.append("static const uint16_t router_roots[] = " + numbers(roots or [0], "%d") + ";")
    out.append("static const struct router_node router_nodes[] = {")
    out += ["{%s,%s,%d,%d,%d}," % (real(n[0]), real(n[1]), *n[2:]) for n in nodes or [(0, 0, 0, 0, 0)]]
    out.append("};\n")
    pathlib.Path(path).write_text("\n".join(out))


if __name__ == "__main__":
    found = priors()
    write({"bias": found.pop("bias")[0], "weights": {n: w for n, (w, _) in found.items()}}, by="scripts/router/asset.py")
