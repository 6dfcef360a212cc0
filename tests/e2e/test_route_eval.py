"""`farthing route-eval`: what it makes of a file of outcomes, in every form the file may have, and what it says of one it cannot read.

SPDX-License-Identifier: Apache-2.0
"""
import csv
import io
import json
import os
import re
import threading
import xml.etree.ElementTree as xml

import pytest

from conftest import need
from farthing.gateway import run

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DATA = os.path.join(os.path.dirname(ROOT), "shared", "data", "router")
# Gains 1, 0, 1, -1 in the order of the scores, over a weak quality of 1/4: PGR at 0..4 requests is 0, 1, 1, 2, 1.
FOUR = [{"score": .9, "weak": 0, "strong": 1}, {"score": .8, "weak": False, "strong": False},
        {"score": .5, "weak": 0.0, "strong": True}, {"score": .2, "weak": 1, "strong": 0}]
CONFIG = """
upstreams: { a: { base_url: 'https://a.example/v1', api_key: k } }
models:
  cheap: { upstream: a, input_usd: 1, output_usd: 2 }
  middle: { upstream: a, input_usd: 1, output_usd: 2 }
  dear: { upstream: a, input_usd: 10, output_usd: 40 }
  unpriced: { upstream: a }
routing: { thresholds: { simple: 0.3, moderate: 0.6 }, tiers: { simple: cheap, moderate: %s, complex: dear } }
"""


@pytest.fixture(autouse=True)
def built():
    need("farthing")


class Bench:
    def __init__(self, path):
        self.path = path
        self.configure("cheap")

    def configure(self, moderate):
        (self.path / "farthing.yaml").write_text(CONFIG % moderate)

    def write(self, rows, name="data.jsonl"):
        text = rows if isinstance(rows, str) else "".join(json.dumps(row) + "\n" for row in rows)
        (self.path / name).write_text(text)
        return str(self.path / name)

    def run(self, data, *args, name="data.jsonl", input=None):
        path = data if data == "-" else self.write(data, name)
        return run("route-eval", path, "-c", str(self.path / "farthing.yaml"), *args, input=input)

    def json(self, data, *args, name="data.jsonl"):
        done = self.run(data, "--format", "json", *args, name=name)
        assert done.returncode == 0 and not done.stderr, done.stderr
        return json.loads(done.stdout)

    def refused(self, data, *args, name="data.jsonl"):
        done = self.run(data, *args, name=name)
        assert done.returncode == 1 and not done.stdout, done.stdout
        return done.stderr


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def four_as_worked_out(found):
    router = found["orders"]["router"]
    assert found["requests"] == 4 and found["defined"]
    assert (found["weak"]["quality"], found["strong"]["quality"]) == (.25, .5)
    assert (router["apgr"], router["cpt50"], router["cpt80"]) == (1.125, .125, .2)
    assert router["equal"]["share"] == .25 and router["equal"]["quality"] == .5


# ---- What it measures ----

def test_four_requests_are_measured_as_worked_out_by_hand(bench):
    found = bench.json(FOUR)
    four_as_worked_out(found)
    assert set(found["orders"]) == {"router", "best"}, "there is no text to order by"
    assert [point["share"] for point in found["curve"]] == [i / 10 for i in range(11)]
    assert found["curve"][5]["router"] == {"share": .5, "quality": .5, "cost": None}
    assert found["curve"][5]["random"]["quality"] == .375
    assert [(t["requests"], t["model"], t["quality"], t["strong_quality"]) for t in found["tiers"]] == \
        [(1, "weak", 1, 0), (1, "weak", 0, 1), (2, "strong", .5, .5)]
    assert found["routed"] == {"share": .5, "quality": .5, "cost": None}


def test_moderate_requests_are_of_the_model_that_is_configured(bench):
    bench.configure("dear")
    assert [t["model"] for t in bench.json(FOUR)["tiers"]] == ["weak", "strong", "strong"]
    bench.configure("middle")
    assert [t["model"] for t in bench.json(FOUR)["tiers"]] == ["weak", "weak", "strong"]


@pytest.mark.parametrize("form", ["correct", "dated", "columns", "csv", "csv named", "csv columns"])
def test_every_form_of_outcomes_gives_the_same(bench, form):
    def models(weak, strong, **more):
        return [{"score": r["score"], "correct": {weak: r["weak"], strong: r["strong"], **more}} for r in FOUR]

    def table(*head):
        rows = "".join(f"{r['score']},{int(r['weak'])},{'true' if r['strong'] else 0}\r\n" for r in FOUR)
        return ",".join(head) + "\r\n" + rows
    if form == "correct":
        found = bench.json(models("cheap", "dear"))
    elif form == "dated":      # of the dated versions the latest; a name that only begins alike is another model
        found = bench.json(models("cheap-2024-07-18", "dear-2024-08-06", **{"dear-2024-05-13": 0, "dear-mini-2024-09-01": 0}))
        assert found["strong"]["names"] == {"dear-2024-08-06": 4} and found["weak"]["model"] == "cheap-2024-07-18"
    elif form == "columns":
        found = bench.json([{"s": r["score"], "a": r["weak"], "b": r["strong"], "weak": 7} for r in FOUR],
                           "--column", "score=s", "--column", "weak=a", "--column", "strong=b")
    elif form == "csv":
        found = bench.json(table("score", "weak", "strong"), name="data.csv")
    elif form == "csv named":
        found = bench.json(table("score", "x_correct", "y_correct"), name="data.csv")
        assert (found["weak"]["model"], found["strong"]["model"]) == ("x", "y")
    else:
        found = bench.json("\ufeff" + table("s", "left", "right"), "--column", "score=s", "--column", "weak=left",
                           "--column", "strong=right", name="data.csv")
    four_as_worked_out(found)


def test_of_several_versions_one_is_taken_that_every_line_has(bench):
    rows = [{"score": r["score"], "correct": {"cheap": r["weak"], "dear-2024-05-13": r["strong"], "dear-2024-08-06": 1}} for r in FOUR]
    assert bench.json(rows)["strong"]["names"] == {"dear-2024-08-06": 4}
    del rows[3]["correct"]["dear-2024-08-06"]
    found = bench.json(rows)
    assert found["strong"]["names"] == {"dear-2024-05-13": 4}
    four_as_worked_out(found)
    del rows[0]["correct"]["dear-2024-05-13"]      # none is in all: the latest of each line, and it is said
    assert bench.json(rows)["strong"]["names"] == {"dear-2024-08-06": 3, "dear-2024-05-13": 1}
    assert "the strong model is dear-2024-05-13 in 1 requests" in bench.run(rows).stdout


def test_models_are_chosen_by_name(bench):
    rows = [{"score": i, "correct": {"a": 0, "b": i % 2, "c": 1}} for i in range(10)]
    assert bench.json(rows, "--weak", "a", "--strong", "b")["strong"]["quality"] == .5
    assert bench.json(rows, "--weak", "b", "--strong", "c")["weak"]["quality"] == .5
    head = "score,a_correct,b_correct,c_correct\n" + "".join(f"{i},0,{i % 2},1\n" for i in range(10))
    assert bench.json(head, "--weak", "b", "--strong", "a", name="d.csv")["weak"]["quality"] == .5
    assert "'a'" in bench.refused([{"score": 1, "correct": {"b": 1}}], "--weak", "a", "--strong", "b")
    assert "which model is the weak" in bench.refused(rows, "--weak", "a", "--strong", "a")


def test_a_file_may_come_by_the_standard_input(bench):
    for text in ("".join(json.dumps(row) + "\n" for row in FOUR),
                 "score,weak,strong\n" + "".join(f"{r['score']},{int(r['weak'])},{int(r['strong'])}\n" for r in FOUR)):
        done = bench.run("-", "--format", "json", input=text)
        assert done.returncode == 0, done.stderr
        four_as_worked_out(json.loads(done.stdout))


def test_a_file_may_be_a_pipe(bench, tmp_path):
    pipe, text = tmp_path / "pipe", "".join(json.dumps(row) + "\n" for row in FOUR)
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_text(text), daemon=True)
    writer.start()
    done = run("route-eval", str(pipe), "--format", "json")
    writer.join(10)
    assert done.returncode == 0, done.stderr
    four_as_worked_out(json.loads(done.stdout))


def test_prompts_messages_and_bodies_are_the_same_question(bench):
    texts = ["Name a colour.", "Prove that the sum of two odd integers is even, step by step.", "Hi", "Translate 'cat' into \"Latin\".",
             "Write a Python function that merges two sorted lists in O(n), and analyse its complexity. " * 5]
    outcomes = [(1, 1), (0, 1), (1, 1), (1, 0), (0, 1)]

    def rows(form):
        return [{**form(text), "weak": weak, "strong": strong, "id": i} for i, (text, (weak, strong)) in enumerate(zip(texts, outcomes))]

    def chat(text):
        return [{"role": "user", "content": text}]
    found = [bench.json(rows(form)) for form in (
        lambda t: {"prompt": t}, lambda t: {"messages": chat(t)}, lambda t: {"request": {"messages": chat(t)}},
        lambda t: {"request": {"model": "nobody-knows-it", "messages": chat(t), "temperature": 0}})]
    assert found[0] == found[1] == found[2] == found[3]
    assert set(found[0]["orders"]) == {"router", "length", "keywords", "best"}


def test_a_score_of_ones_own_stands_beside_the_baselines(bench):
    found = bench.json([{**row, "prompt": "x" * (4 - i)} for i, row in enumerate(FOUR)])
    four_as_worked_out(found)
    assert found["orders"]["length"]["apgr"] == 1.125, "the longest first is the same order here"


def test_costs_are_taken_as_given_or_worked_out_of_tokens(bench):
    given = bench.json([{**row, "weak_usd": 0.001, "strong_usd": "0.004"} for row in FOUR])
    assert given["weak"]["cost_usd"] == .004 and given["strong"]["cost_usd"] == .016
    assert [point["router"]["cost"] for point in given["curve"]][::5] == [.25, .625, 1]
    assert given["tiers"][2]["cost"] == .5 and given["routed"]["cost"] == .625
    tokens = [{**row, "prompt_tokens": 100, "out_tokens": {"cheap": 50, "dear-2024-01-01": 25}} for row in FOUR]
    priced = bench.json(tokens)
    assert priced["weak"]["cost_usd"] == .0008      # 4 times 100 tokens at 1e-6 and 50 at 2e-6
    assert priced["strong"]["cost_usd"] == .008     # 4 times 100 at 10e-6 and 25 at 40e-6
    assert priced["routed"]["cost"] == .55
    head = "score,weak,strong,weak_usd,strong_usd\n"
    rows = "".join(f"{r['score']},{int(r['weak'])},{int(r['strong'])},1e-3,0.004\n" for r in FOUR)
    assert bench.json(head + rows, name="d.csv")["routed"]["cost"] == .625


def test_what_is_not_known_of_one_request_is_not_known_of_all(bench):
    rows = [{**row, "weak_usd": 0.001, "strong_usd": 0.004} for row in FOUR]
    del rows[2]["strong_usd"]
    found = bench.json(rows)
    assert found["strong"]["cost_usd"] is None and found["routed"]["cost"] is None and found["curve"][3]["router"]["cost"] is None
    rows = [{**row, "prompt_tokens": 1, "out_tokens": {"cheap": 1, "unpriced": 1}} for row in FOUR]
    assert bench.json(rows, "--strong", "unpriced")["strong"]["cost_usd"] is None, "no price is not free"


def test_without_a_gap_that_is_said_and_nothing_is_made_up(bench):
    rows = [{**row, "weak": 1} for row in FOUR]
    found = bench.json(rows)
    assert found["defined"] is False
    assert found["orders"]["router"]["apgr"] is None and found["orders"]["router"]["cpt80"] is None
    assert found["orders"]["router"]["equal"]["share"] == 0, "the weak model is enough"
    done = bench.run(rows)
    assert done.returncode == 0 and "not better" in done.stdout


def test_scores_of_another_scale_make_no_tiers(bench):
    found = bench.json([{**row, "score": row["score"] * 1000} for row in FOUR])
    four_as_worked_out(found)
    assert "tiers" not in found and "routed" not in found
    assert "no tiers" in bench.run([{**row, "score": -row["score"]} for row in FOUR]).stdout


def test_the_same_data_gives_the_same_interval(bench):
    rows = [{"score": (i * 37) % 100, "weak": i * 7 % 10 / 10, "strong": min(1, i * 7 % 10 / 10 + i * 3 % 5 / 8)} for i in range(500)]
    first, second = (bench.json(rows)["orders"]["router"] for _ in range(2))
    assert first == second and first["apgr_low"] < first["apgr"] < first["apgr_high"]


# ---- How it is shown ----

def test_the_table_is_for_people(bench):
    done = bench.run([{**row, "prompt": f"Question {i}", "weak_usd": 1, "strong_usd": 2} for i, row in enumerate(FOUR)])
    assert done.returncode == 0 and not done.stderr
    for words in ("4 requests", "1.125", "12.5 %", "CPT(50 %)", "prompt length", "keyword rules", "by chance", "best possible",
                  "simple", "to 0.3", "above 0.6", "50.0 % strong", "$4.0000", "$8.0000"):
        assert words in done.stdout, words


def test_csv_is_the_curve(bench):
    rows = list(csv.DictReader(io.StringIO(bench.run(FOUR, "--format", "csv").stdout)))
    assert len(rows) == 11 and rows[5]["share"] == "0.5"
    assert (rows[5]["router_quality"], rows[5]["random_quality"], rows[5]["router_cost"], rows[5]["length_quality"]) == \
        ("0.5", "0.375", "", "")


def test_the_picture_is_xml_and_says_what_it_shows(bench, tmp_path):
    picture = tmp_path / "curve.svg"
    rows = [{**row, "prompt": f"{i}", "weak_usd": 1, "strong_usd": 2,
             "correct": {"a<b>&": row["weak"], "d\"": row["strong"]}} for i, row in enumerate(FOUR)]
    for row in rows:
        del row["weak"], row["strong"]
    done = bench.run(rows, "--plot", str(picture), "--weak", "a<b>&", "--strong", "d\"")
    assert done.returncode == 0, done.stderr
    root = xml.fromstring(picture.read_text())
    words = "".join(root.itertext())
    assert root.tag.endswith("svg") and "data.jsonl" in words and "router" in words and "keyword rules" in words
    assert "a<b>& alone" in words and "d\" alone" in words and words.count("quality") == 2
    assert "href" not in picture.read_text() and "url(" not in picture.read_text(), "it needs nothing but itself"


def test_a_picture_that_cannot_be_written_is_said(bench, tmp_path):
    done = bench.run(FOUR, "--plot", str(tmp_path / "nowhere" / "x.svg"))
    assert done.returncode == 1 and "nowhere/x.svg" in done.stderr


def test_the_example_of_the_manual_is_what_it_prints(tmp_path):
    with open(os.path.join(ROOT, "docs/route-eval.md")) as f:
        data, printed = re.search(r"^## An example$.*?^```json\n(.*?)^```$.*?^```text\n(.*?)^```$", f.read(), re.S | re.M).groups()
    path = tmp_path / "outcomes.jsonl"
    path.write_text(data)
    done = run("route-eval", str(path))
    assert done.returncode == 0 and done.stdout.replace(str(path), "outcomes.jsonl") == printed


# ---- What it cannot read ----

@pytest.mark.parametrize("line,words", [
    ('{"score":1,"weak":0', "not valid JSON"),
    ('[1]', "an object is expected"),
    ('{"score":1,"score":2,"weak":0,"strong":1}', "not valid JSON"),
    ('{"score":1,"strong":1}', "'weak' is missing"),
    ('{"score":1,"weak":0,"strong":1.5}', "'strong' must be from 0 to 1"),
    ('{"score":1,"weak":0,"strong":"yes"}', "'strong' must be from 0 to 1"),
    ('{"score":"high","weak":0,"strong":1}', "'score' must be a number"),
    ('{"weak":0,"strong":1}', "'prompt' is missing"),
    ('{"prompt":["a"],"weak":0,"strong":1}', "'prompt' must be a string"),
    ('{"messages":[],"weak":0,"strong":1}', "messages"),
    ('{"messages":[{"content":"x"}],"weak":0,"strong":1}', "role"),
    ('{"messages":[{"role":"user","content":7}],"weak":0,"strong":1}', "content"),
    ('{"request":"x","weak":0,"strong":1}', "'request' must be an object"),
    ('{"score":1,"correct":[0,1]}', "'correct' must be an object"),
    ('{"score":1,"correct":{"cheap":1}}', "'correct' has no 'dear'"),
    ('{"score":1,"correct":{"cheap":1,"dear-mini":1}}', "'correct' has no 'dear'"),
    ('{"score":1,"weak":0,"strong":1,"weak_usd":-1}', "'weak_usd' must be an amount of dollars"),
    ('{"score":1,"weak":0,"strong":1,"strong_usd":"free"}', "'strong_usd' must be an amount of dollars"),
    ('{"score":1,"weak":0,"strong":1,"prompt_tokens":1.5,"out_tokens":{}}', "'prompt_tokens' must be a whole number"),
    ('{"score":1,"weak":0,"strong":1,"prompt_tokens":5,"out_tokens":{"cheap":5}}', "'out_tokens' must have a whole number for 'dear'"),
])
def test_a_bad_line_is_named_with_file_and_line(bench, line, words):
    said = bench.refused("".join(json.dumps(row) + "\n" for row in FOUR[:2]) + "\n" + line + "\n" + json.dumps(FOUR[2]) + "\n")
    assert said.count("\n") == 1 and "data.jsonl:4: " in said and words in said, said


@pytest.mark.parametrize("text,line,words", [
    ("score,weak\n1,0\n", 1, "there is no column 'strong'"),
    ("weak,strong\n1,0\n", 1, "there is no column 'prompt' or 'score'"),
    ("score,a_correct,b_correct,c_correct\n1,0,1,1\n", 1, "there is no column 'weak'"),
    ("score,weak,strong\n1,0,1\n\"1\n1\",0\n", 3, "2 fields, where the head has 3"),
    ("score,weak,strong\n1,0,\n", 2, "field 3 must be from 0 to 1"),
    ("score,weak,strong\nx,0,1\n", 2, "'score' must be a number"),
    ("score,weak,strong\nnan,0,1\n", 2, "'score' must be a number"),
    ("score,weak,strong\n,0,1\n", 2, "nothing to score"),
    ("score,weak,strong\n\"1,0,1\n", 2, "a quoted field does not end"),
    ("score,weak,strong,weak_usd\n1,0,1,cheap\n", 2, "'weak_usd' must be an amount"),
])
def test_a_bad_record_is_named_with_file_and_line(bench, text, line, words):
    said = bench.refused(text, name="data.csv")
    assert f"data.csv:{line}: " in said and words in said, said


def test_every_bad_line_is_told_but_not_without_end(bench):
    said = bench.refused("".join("{}\n" for _ in range(3)))
    assert [f"data.jsonl:{i}:" in said for i in (1, 2, 3)] == [True] * 3
    said = bench.refused("".join("{}\n" for _ in range(3000)))
    assert said.count("data.jsonl:") < 30 and "not read on" in said


def test_what_is_asked_reaches_no_message(bench):
    said = bench.refused('{"prompt":"SECRET","weak":0}\n{"prompt":"SECRET}\n{"messages":[{"SECRET":"SECRET","content":"SECRET"}],'
                         '"weak":0,"strong":1}\n')
    assert said.count("\n") == 3 and "SECRET" not in said


def test_scores_of_some_requests_only_are_refused(bench):
    assert "2 of 3 requests have a 'score'" in bench.refused(FOUR[:2] + [{"prompt": "x", "weak": 0, "strong": 1}])


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_an_empty_file_is_refused(bench, text):
    assert "no request" in bench.refused(text)
    assert "no request" in bench.refused(text, name="data.csv")


def test_a_line_of_17_mib_is_refused(bench):
    said = bench.refused('{"prompt":"' + "x" * (17 << 20) + '","weak":0,"strong":1}\n{"score":1}\n')
    assert "data.jsonl:1: the line is longer than 16 MiB" in said and "data.jsonl:2: " in said


def test_a_missing_file_is_named(bench, tmp_path):
    done = run("route-eval", str(tmp_path / "nowhere.jsonl"))
    assert done.returncode == 1 and "nowhere.jsonl" in done.stderr
    done = run("route-eval", str(tmp_path))
    assert done.returncode == 1 and "read" in done.stderr.lower()


def test_a_broken_configuration_is_told(bench):
    data = bench.write(FOUR)
    (bench.path / "farthing.yaml").write_text("routing: { thresholds: { simple: 2 } }\n")
    done = run("route-eval", data, "-c", str(bench.path / "farthing.yaml"))
    assert done.returncode == 1 and "farthing.yaml:1:" in done.stderr


@pytest.mark.parametrize("args", [[], ["a", "b"], ["a", "--format", "xml"], ["a", "--column", "prompt"], ["a", "--column", "x=y"],
                                  ["a", "--column", "weak="], ["a", "--nonsense"], ["--plot"]])
def test_wrong_usage_is_2(args):
    done = run("route-eval", *args)
    assert done.returncode == 2 and done.stderr and not done.stdout


def test_help_goes_to_stdout():
    done = run("route-eval", "--help")
    assert done.returncode == 0 and "usage: farthing route-eval" in done.stdout and not done.stderr
    assert "route-eval" in run("--help").stdout


# ---- Real outcomes ----

def apgr(rows):
    """Of (score, weak, strong), worked out anew: the mean over all orders of equals is a straight line."""
    weak, strong = sum(r[1] for r in rows), sum(r[2] for r in rows)
    rows = sorted(rows, key=lambda r: -r[0])
    area, gained, at = 0, 0, 0
    while at < len(rows):
        end = at
        while end < len(rows) and rows[end][0] == rows[at][0]:
            end += 1
        gain = sum(r[2] - r[1] for r in rows[at:end])
        area += (end - at) * (gained + gain / 2)
        gained, at = gained + gain, end
    return area / len(rows) / (strong - weak)


def recorded(name):
    path = os.path.join(DATA, name)
    if not os.path.exists(path):
        pytest.skip(f"{path} is not here")
    return path


@pytest.mark.parametrize("name", ["gpt4o_crux_tokens.jsonl", "gpt4o_gsm_tokens.jsonl", "gpt4o_math-l5.jsonl", "gpt4o_numersense-v2_tokens.jsonl"])
def test_recorded_outcomes_of_both_models(name):
    path = recorded(name)
    found = json.loads(run("route-eval", path, "--format", "json").stdout)
    strong = max(k for k in json.loads(open(path).readline())["correct"] if k.startswith("gpt-4o-2"))
    rows = [json.loads(line) for line in open(path)]
    outcomes = [(len(r["prompt"].encode()), r["correct"]["gpt-4o-mini-2024-07-18"], r["correct"][strong]) for r in rows]
    assert found["requests"] == len(rows)
    assert found["weak"]["quality"] == pytest.approx(sum(o[1] for o in outcomes) / len(rows), abs=1e-5)
    assert found["strong"]["quality"] == pytest.approx(sum(o[2] for o in outcomes) / len(rows), abs=1e-5)
    assert found["strong"]["names"] == {strong: len(rows)}
    assert found["orders"]["length"]["apgr"] == pytest.approx(apgr(outcomes), abs=1e-5)
    assert found["orders"]["best"]["apgr"] == pytest.approx(apgr([(s - w, w, s) for _, w, s in outcomes]), abs=1e-5)
    if "tokens" in name:
        cost = sum(r["prompt_tokens"] * 2.5e-6 + r["out_tokens"][strong] * 10e-6 for r in rows)
        assert found["strong"]["cost_usd"] == pytest.approx(cost, rel=1e-9)
    else:
        assert found["strong"]["cost_usd"] is None


def test_recorded_outcomes_of_mmlu():
    path = recorded("mmlu_mixtral_gpt4.csv")
    found = json.loads(run("route-eval", path, "--format", "json").stdout)
    rows = [(len(r["prompt"].encode()), int(r["mixtral_8x7b_correct"]), int(r["gpt4_1106_correct"]))
            for r in csv.DictReader(open(path, newline=""))]
    assert found["requests"] == len(rows) and found["weak"]["model"] == "mixtral_8x7b"
    assert found["orders"]["length"]["apgr"] == pytest.approx(apgr(rows), abs=1e-5)
    assert found["orders"]["length"]["apgr_low"] < apgr(rows) < found["orders"]["length"]["apgr_high"]
