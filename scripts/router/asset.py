#!/usr/bin/env python3
"""asset.py: writes src/assets/router.inc, the model behind the score of requests (src/text/score_model.h says what it computes)

  asset.py [TOOL]     of the priors alone, before any outcome is seen
  import asset; asset.write({"weights": {...}, ...})      of a trained model; what is left out is zero
  asset.write_vectors(model, TOOL)      what the model makes of scripts/router/vectors.jsonl, for tests/unit/test_score.c, by this file's own
                                        reckoning of the features that TOOL (build/.../score_features) prints

Keys: bias; base; weights {feature: weight}; hinges [(feature, knot, weight)]; linear (128 weights): each weight is a number, or a pair of
them: of requests without and with options to choose from (linear: a pair of 128). gate (low, high); limit; kernel "nearest" | "shares" |
"bells"; sharpness; clusters [(name, weight, 128 int8)]; grams {index below 2^15: weight}, from 2^14 on with options; rooted True | False: by
the root of their number; trees [[(at, value, input, below, above)]], where below and above count within the tree and below is 0 in a leaf.
"""
# SPDX-License-Identifier: Apache-2.0
import json
import math
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PRIORS = ROOT / "scripts/router/priors"
OUT = ROOT / "src/assets/router.inc"
VECTORS = ROOT / "scripts/router/vectors.jsonl"
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


def pair(weight):
    return tuple(weight) if hasattr(weight, "__len__") else (weight, weight)


def write(model, path=OUT, by="scripts/train-router"):
    names = [n for n, _ in features()]
    weights, clusters = model.get("weights", {}), model.get("clusters", [])
    grams, trees, hinges = model.get("grams", {}), model.get("trees", []), model.get("hinges", [])
    if set(weights) - set(names):
        sys.exit(f"weights of what is no feature: {sorted(set(weights) - set(names))}")
    scale = max((abs(w) for w in grams.values()), default=0) / 127 or 1.0
    cells = [0] * (1 << 15)
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
    counts = {"cluster": len(clusters), "tree": len(trees), "hinge": len(hinges), "gram": len(cells) if grams else 0}
    out += [f"static const size_t router_{name}_count = {n};" for name, n in counts.items()]
    for name in "bias", "base":
        out.append("static const float router_%s[SIDES] = { %s, %s };" % (name, *map(real, pair(model.get(name, 0)))))
    out.append("static const float router_weights[SIDES][FEATURE_COUNT] = {")
    for side in 0, 1:
        lines = [f"\t[FEATURE_{n}] = {real(pair(weights[n])[side])}," for n in names if n in weights and pair(weights[n])[side]]
        out.append("{\n" + "\n".join(lines) + "\n},")
    out.append("};")
    out.append("static const struct router_hinge router_hinges[] = {")
    for name, knot, weight in hinges or [(names[0], 0, 0)]:
        out.append("\t{ FEATURE_%s, %s, { %s, %s } }," % (name, real(knot), *map(real, pair(weight))))
    out.append("};")
    out.append("static const float router_gate[2] = { %s, %s };" % tuple(real(v) for v in model.get("gate", (0, 0))))
    out.append(f"static const float router_limit = {real(model.get('limit', 4))};")
    linear = model.get("linear", [0] * DIMS)
    linear = linear if hasattr(linear[0], "__len__") else (linear, linear)
    out.append("static const float router_linear[SIDES][EMBED_DIMS] = {" + ",".join(reals(list(side)) for side in linear) + "};")
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


def predict(model, row):
    """The sum before it is squeezed, of a line of the table as {column: text}: what src/text/score.c computes"""
    names = [n for n, _ in features()]
    values = {n: float(row[n]) for n in names}
    subject = [int(v) for v in row["subject"].split()]
    grams = [int(v) for v in row["grams"].split()]
    side, limit = (1 if values["options"] > 0 else 0), model.get("limit", 4)

    def within(x):
        return max(-limit, min(limit, x))

    length = math.sqrt(sum(v * v for v in subject))
    cosines = []
    for _, _, centre in model.get("clusters", []):
        own = math.sqrt(sum(int(v) ** 2 for v in centre))
        dot = sum(a * int(b) for a, b in zip(subject, centre))
        cosines.append(dot / length / own if length and own else 0.0)
    low, high = model.get("gate", (0, 0))
    best = max(cosines, default=-1)
    gate = (1 - values["foreign"]) * (max(0.0, min(1.0, (best - low) / (high - low))) if high > low else 1.0)
    gate *= 1 if side else 1 - min(1.0, values["thing_study"])
    total = pair(model.get("bias", 0))[side] + sum(values[n] * pair(w)[side] for n, w in model.get("weights", {}).items())
    hinges = pair(model.get("base", 0))[side]
    hinges += sum(pair(w)[side] * max(0.0, values[n] - knot) for n, knot, w in model.get("hinges", []))
    linear = model.get("linear", [0] * DIMS)
    linear = linear[side] if hasattr(linear[0], "__len__") else linear
    direction = sum(w * v for w, v in zip(linear, subject)) / 127
    kernel, sharpness = model.get("kernel", "nearest"), model.get("sharpness", 0)
    if kernel == "nearest":
        shares = [1.0 if i == cosines.index(best) else 0.0 for i in range(len(cosines))]
    else:
        shares = [math.exp(sharpness * (c - (1 if kernel == "bells" else best))) for c in cosines]
    whole = sum(shares) if kernel == "shares" and shares else 1.0
    subjects = sum(s / whole * w for s, (_, w, _) in zip(shares, model.get("clusters", [])))
    table = model.get("grams", {})
    scale = max((abs(w) for w in table.values()), default=0) / 127 or 1.0
    wording = scale * sum(round(table.get(i, 0) / scale) for i in grams)
    wording /= math.sqrt(len(grams)) if model.get("rooted") and grams else 1
    inputs = [values[n] for n in names] + [v / 127 for v in subject] + cosines
    together = 0.0
    for tree in model.get("trees", []):
        node = tree[0]
        while node[3]:
            node = tree[node[3] if inputs[node[2]] <= node[0] else node[4]]
        together += node[1]
    return total + gate * sum(within(x) for x in (hinges, direction, subjects, wording, together))


def write_vectors(model, tool):
    lines = VECTORS.read_text().strip().split("\n")
    table = subprocess.run([tool], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True).stdout.split("\n")
    out = ["/* Written by scripts/router/asset.py from scripts/router/vectors.jsonl: do not edit. */", "static const struct vector vectors[] = {"]
    for line, row in zip(lines, table[1:]):
        request = json.loads(line)
        form = {"json": "SCORE_JSON", "schema": "SCORE_SCHEMA"}.get(request.get("format"), "SCORE_FREE")
        texts = [json.dumps(request.get(n, ""), ensure_ascii=False) for n in ("system", "earlier", "prompt")]
        numbers = [request.get("turns", 1), request.get("tools", 0), request.get("images", 0), form, request.get("max_output", -1)]
        expected = predict(model, dict(zip(table[0].split("\t"), row.split("\t"))))
        out.append("\t{ %s, %s, %.6f }," % (", ".join(texts), ", ".join(map(str, numbers)), expected))
    (ROOT / "tests/unit/score_vectors.h").write_text("\n".join(out) + "\n};\n")


def of_priors():
    found = priors()
    return {"bias": found.pop("bias")[0], "weights": {n: w for n, (w, _) in found.items()}}


if __name__ == "__main__":
    write(of_priors(), by="scripts/router/asset.py")
    if len(sys.argv) == 2:
        write_vectors(of_priors(), sys.argv[1])
