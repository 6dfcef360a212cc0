"""farthing report: its figures are the provider's bill and the sums of the rows; its table is fit to be read.

SPDX-License-Identifier: Apache-2.0
"""
import csv
import io
import json
import os
import re
import sqlite3
from decimal import Decimal

import pytest

from conftest import need
from farthing.gateway import run
from farthing.patience import eventually
from farthing.wording import completion, cost, question
from test_docs import read

PICO = Decimal(10) ** 12


@pytest.fixture(autouse=True)
def built():
    need("farthing")


def report(g, *args, fails=0):
    done = run("report", "-c", g.config_path, *args, env={"TZ": ""})
    assert done.returncode == fails, done.stderr
    return done


def as_json(g, *args):
    return json.loads(report(g, "--format", "json", *args).stdout, parse_float=Decimal)


def same_money(fields):
    """Each amount stands there twice, and both are the same."""
    names = [k[:-len("_picousd")] for k in fields if k.endswith("_picousd")]
    assert names
    for name in names:
        if fields[f"{name}_picousd"] is not None:
            assert Decimal(fields[f"{name}_usd"]) * PICO == int(fields[f"{name}_picousd"]), name


def ledger(g, *statements):
    """Starts and stops a gateway for its tables, then writes them by hand."""
    g.stop()
    db = sqlite3.connect(g.database)
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.close()
    g.ended_well = True


SUM = ("INSERT INTO rollups(hour_us, account, project, task, endpoint, model, tier, cache, requests, errors, input_tokens,"
       " cached_input_tokens, output_tokens, cost_pico, saved_pico, saved_routed_pico, saved_batched_pico, saved_prompt_pico,"
       " estimated_pico, held_pico, unpriced, total_us) VALUES({}, {})")
NOON = 1700049600 * 10**6  # 2023-11-15 12:00 UTC
HOUR = 3600 * 10**6
CELLS = [
    (NOON, "'blue','web','product_title','chat','gpt-4o-mini','simple',0,"
           "1200,13,2400000,300000,600000,1234567890123,0,200000000000,5000000000,30000000000,34567890123,4000000000,2,9000"),
    (NOON, "'blue','web','product_title','chat','gpt-4o-mini','simple',1,"
           "200,0,400000,0,100000,0,150000000000,0,0,0,0,0,0,1000"),
    (NOON + HOUR, "'red','','default','chat','gpt-4o','pinned',3,20,0,4000,0,1000,0,15000000000,0,0,0,0,0,0,1000"),
    (NOON + HOUR, "'red','','default','embeddings','text-embedding-3-small','pinned',0,"
                  "3,0,4000,0,0,1234567,0,0,0,0,0,0,0,1000"),
    (NOON + HOUR, "'red','','default','chat','','',0,3,3,0,0,0,0,0,0,0,0,0,0,0,1000"),
]
SPAN = ("--since", "2023-11-15", "--until", "2023-11-16")
UNLIMITED = {"budget": {"daily_usd": "off", "weekly_usd": "off", "monthly_usd": "off"}}


@pytest.fixture
def handmade(gateway):
    g = gateway(UNLIMITED)
    ledger(g, *[SUM.format(hour, cell) for hour, cell in CELLS])
    return g


TABLE = """\
Spending from 2023-11-15 00:00 to 2023-11-16 00:00, UTC

  requests              1,426  98.9 % answered, 16 not
  cost                $1.2346  $0.000866 a request
    exact             $1.1960  by the provider's count
    estimated         $0.0346  the provider did not count
    held              $0.0040  outcome unknown: the most it can have cost
    unknown                    2 requests of models without a price
  saved               $0.4000  24.5 % of what it would have cost
    routed            $0.2000  a cheaper model than the one asked for
    exact cache       $0.1500  200 requests
    shared in flight  $0.0150  20 requests
    batched           $0.0050
    provider's cache  $0.0300  10.7 % of the input tokens
  hits                 15.4 %  220 requests needed no call of their own
  tokens                3.50M  2.80M in, 701,000 out

  model                   requests  errors  input   output      cost   a request    saved    hits
  gpt-4o-mini                1,400      13  2.80M  700,000   $1.2346   $0.000882  $0.3850  14.3 %
  text-embedding-3-small         3          4,000           <$0.0001  <$0.000001
  gpt-4o                        20          4,000    1,000                        $0.0150   100 %
  (none)                         3       3

Budgets

  No limit is set.
"""


def test_the_table_is_fit_to_be_read(handmade):
    done = report(handmade, "--by", "model", *SPAN)
    assert done.stdout == TABLE and done.stderr == ""


def test_json_and_csv_say_the_same_exactly(handmade):
    found = as_json(handmade, "--by", "key", *SPAN)
    text = report(handmade, "--by", "key", "--format", "csv", *SPAN).stdout
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [r["key"] for r in rows] == [g["name"] for g in found["groups"]] == ["blue", "red"]
    for row, group in zip(rows, found["groups"]):
        same_money(row)
        same_money(group)
        for key, value in row.items():
            if key != "key":
                assert Decimal(value) == group[key], key
    assert found["groups"][0]["cost_picousd"] == 1234567890123
    assert str(found["groups"][0]["cost_usd"]) == "1.234567890123"
    assert found["totals"]["requests"] == sum(g["requests"] for g in found["groups"]) == 1426
    assert sum(s["saved_picousd"] for s in found["savings"]) == found["totals"]["saved_picousd"] == 400000000000
    assert {s["name"]: s["requests"] for s in found["savings"]} == {
        "routed": None, "cache_exact": 200, "cache_similar": 0, "coalesced": 20, "batched": 0, "provider_cache": None}


def test_csv_lines_end_as_rfc_4180_says_and_odd_names_are_quoted(handmade):
    db = sqlite3.connect(handmade.database)
    db.execute("""UPDATE rollups SET task = 'a,"b' WHERE account = 'red'""")
    db.commit()
    db.close()
    done = run("report", "-c", handmade.config_path, "--by", "task", "--format", "csv", *SPAN)
    assert done.returncode == 0 and '\n"a,""b",' in done.stdout
    import subprocess
    from farthing.gateway import clean_environment, program
    raw = subprocess.run([program("farthing"), "report", "-c", handmade.config_path, "--by", "task", "--format", "csv", *SPAN],
                         capture_output=True, env=clean_environment(), check=True).stdout
    assert raw.count(b"\r\n") == raw.count(b"\n") == 3


@pytest.mark.parametrize("by,names", [
    ("task", ["product_title", "default"]), ("project", ["web", ""]), ("tier", ["simple", "pinned", ""]),
    ("cache", ["miss", "exact", "coalesced"]), ("endpoint", ["chat", "embeddings"]), ("day", ["2023-11-15"]),
    ("hour", ["2023-11-15 12:00", "2023-11-15 13:00"])])
def test_every_grouping_adds_up(handmade, by, names):
    found = as_json(handmade, "--by", by, *SPAN)
    assert [g["name"] for g in found["groups"]] == names
    for key in ("requests", "errors", "cost_picousd", "saved_picousd", "input_tokens"):
        assert sum(g[key] for g in found["groups"]) == found["totals"][key], key
    assert by in report(handmade, "--by", by, *SPAN).stdout


def test_no_line_of_a_table_is_wider_than_a_hundred_columns(handmade):
    for by in ("model", "task", "key", "day", "hour", "cause", "batches"):
        for line in report(handmade, "--by", by, *SPAN).stdout.splitlines():
            assert len(line) <= 100, (by, line)


def test_an_empty_ledger_says_so_in_words(gateway):
    g = gateway({"budget": {"daily_usd": 2}})
    g.stop()
    text = report(g).stdout
    assert "The ledger is empty" in text and "gateway" in text and "$2.00" in text
    assert as_json(g, "--by", "model")["groups"] == []
    assert "No request arrived" not in text


def test_budgets_show_use_reset_and_forecast(gateway):
    g = gateway({"budget": {"daily_usd": 2, "monthly_usd": 100}})
    ledger(g)
    [day, month] = as_json(g)["budgets"]
    assert (day["kind"], day["account"], day["window"], day["limit_picousd"]) == ("gateway", "", "day", 2 * 10**12)
    db = sqlite3.connect(g.database)
    start = f"unixepoch('{day['starts_at']}') * 1000000"
    db.execute(f"INSERT INTO windows VALUES(0, '', 0, {start}, {start} + 86400000000, 500000000000, 0, 0)")
    db.commit()
    db.close()
    found = as_json(g)
    if found["budgets"][0]["starts_at"] != day["starts_at"]:
        pytest.skip("midnight passed")
    [day, month] = found["budgets"]
    same_money(day)
    same_money(month)
    assert day["spent_picousd"] == 500000000000 and month["spent_picousd"] == 0 and month["window"] == "month"
    if day["forecast_picousd"] is None:
        assert "T00:" in found["until"]
    else:
        assert day["forecast_picousd"] >= day["spent_picousd"]
    assert day["resets_at"] > found["until"] >= day["starts_at"]


def test_the_zone_of_the_configuration_makes_the_days(gateway):
    g = gateway({"budget": {**UNLIMITED["budget"], "timezone": "Europe/Berlin"}})
    late = NOON + 11 * HOUR  # 23:00 UTC is the next day in Berlin
    ledger(g, *[SUM.format(hour, CELLS[0][1]) for hour in (NOON, late)])
    found = as_json(g, "--by", "day", "--since", "2023-11-15", "--until", "2023-11-17")
    assert [(d["name"], d["starts_at"]) for d in found["groups"]] == [
        ("2023-11-15", "2023-11-15T00:00:00+01:00"), ("2023-11-16", "2023-11-16T00:00:00+01:00")]
    assert "2023-11-16 00:00 +0100" in report(g, "--by", "hour", "--since", "2023-11-15", "--until", "2023-11-17").stdout


def test_the_report_is_the_providers_bill(sim_gateway, sim):
    g = sim_gateway({"budget": {"request_usd": "off", "daily_usd": 2}})
    chats = [g.chat(question(f"Question {i}?", model=model, stream=stream))
             for i, (model, stream) in enumerate([("gpt-4o-mini", False), ("gpt-4o", False), ("gpt-4o-mini", True)] * 4)]
    assert {c.status for c in chats} == {200}
    assert g.ask("POST", "/v1/embeddings", {"model": "text-embedding-3-small", "input": "a farthing"}).status == 200
    assert g.chat(question("[[status:400]]")).status == 400
    assert g.chat(question("x", model="no-such-model")).status == 404
    books = g.books()
    eventually(lambda: len(books.requests()) == len(chats) + 3, "all rows")

    beside = as_json(g, "--by", "model")  # while it runs
    g.stop()
    found = as_json(g, "--by", "model")

    totals, bill = found["totals"], sim.stats()
    assert beside["totals"] == totals
    assert totals["cost_picousd"] == bill["billed_picousd"] > 0
    assert totals["cost_exact_picousd"] == totals["cost_picousd"]
    assert (totals["requests"], totals["errors"]) == (len(chats) + 3, 2)
    by_model = {r["model_served"]: r["pico"] for r in books.query(
        "SELECT model_served, sum(cost_pico) AS pico FROM requests GROUP BY 1")}
    assert {m["name"]: m["cost_picousd"] for m in found["groups"]} == by_model
    assert {"gpt-4o", "gpt-4o-mini", "text-embedding-3-small"} <= set(by_model)
    for key in ("input_tokens", "output_tokens"):
        assert totals[key] == books.query(f"SELECT sum({key}) AS n FROM requests")[0]["n"]

    days = books.query('SELECT settled_pico FROM windows WHERE kind = 0 AND "window" = 0')
    if len(days) == 1:  # midnight makes it two
        assert found["budgets"][0]["spent_picousd"] == days[0]["settled_pico"] == bill["billed_picousd"]

    anew = as_json(g, "--prices", "now")
    assert anew["totals"]["recorded_picousd"] == anew["totals"]["repriced_picousd"] == totals["cost_picousd"]
    g.config["models"]["gpt-4o"]["output_usd"] = 20
    g.config["models"]["gpt-4o"]["input_usd"] = 5
    g.config["models"]["gpt-4o"]["cached_input_usd"] = 2.5
    g.write_config()
    anew = as_json(g, "--prices", "now")
    dearer = next(m for m in anew["groups"] if m["name"] == "gpt-4o")
    assert dearer["repriced_picousd"] == 2 * dearer["recorded_picousd"] > 0
    assert anew["totals"]["difference_picousd"] == dearer["recorded_picousd"]
    assert "at these prices" in report(g, "--prices", "now").stdout


@pytest.mark.parametrize("args,says", [
    (["--by", "colour"], "--by knows"), (["--format", "xml"], "--format knows"), (["--since", "-5h"], "--since wants"),
    (["--since", "soon"], "--since wants"), (["--until", "2023-02-30"], "--until wants"),
    (["--since", "1h", "--until", "2h"], "no time between"), (["--since", "0h"], "no time between"),
    (["--prices", "then"], "--prices knows"), (["--prices", "now", "--by", "key"], "by model"), (["--colour"], "usage"),
    (["--since"], "usage"), (["more"], "usage"), (["--db", ""], "usage")])
def test_wrong_usage_is_2(args, says, tmp_path):
    done = run("report", *([] if "--db" in args else ["--db", str(tmp_path / "none.db")]), *args)
    assert done.returncode == 2 and says in done.stderr and done.stdout == ""


def test_what_cannot_be_read_is_1_and_named(tmp_path):
    path = str(tmp_path / "none.db")
    done = run("report", "--db", path)
    assert done.returncode == 1 and path in done.stderr and done.stdout == ""
    assert not os.path.exists(path)
    (tmp_path / "text.db").write_text("no database " * 20)
    assert run("report", "--db", str(tmp_path / "text.db")).returncode == 1
    (tmp_path / "bad.yaml").write_text("bugdet: {}\n")
    done = run("report", "-c", str(tmp_path / "bad.yaml"))
    assert done.returncode == 1 and "bugdet" in done.stderr


def test_help_states_the_method_of_the_forecast():
    done = run("report", "--help")
    assert done.returncode == 0 and "straight line" in done.stdout and done.stderr == ""


def test_the_examples_of_the_document_run(handmade):
    found = [line for block in re.findall(r"^```sh\n(.*?)^```", read("docs/report.md"), re.S | re.M)
             for line in block.splitlines() if line.startswith("farthing report")]
    assert len(found) >= 5
    import shlex
    import subprocess
    from farthing.gateway import clean_environment, program
    for command in found:
        command = command.replace("farthing report", f"{shlex.quote(program('farthing'))} report -c {handmade.config_path}", 1)
        done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, cwd=handmade.directory,
                              env=clean_environment(), check=False)
        assert done.returncode == 0, f"{command}\n{done.stderr}"


def test_every_key_of_the_json_is_documented(handmade):
    text = read("docs/report.md")

    def keys(value):
        if isinstance(value, dict):
            for key, inner in value.items():
                yield key
                yield from keys(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from keys(inner)
    shown = set(keys(as_json(handmade, "--by", "hour", *SPAN))) | set(keys(as_json(handmade, "--prices", "now", *SPAN)))
    shown = {re.sub(r"_(usd|picousd)$", "", key) for key in shown}
    assert shown <= set(re.findall(r"`([a-z_]+)`", text)), shown - set(re.findall(r"`([a-z_]+)`", text))


# ---- over HTTP

def test_the_summary_over_http_is_the_report(gateway, upstream):
    g = gateway({"cache": {"exact": True}, "budget": {"daily_usd": 2}})
    upstream.answer = lambda call: call.reply(200, completion())
    replies = [g.chat(question()) for _ in range(3)]
    eventually(lambda: g.books().request(replies[2].request_id), "the rows are there")
    reply = g.ask("GET", "/farthing/api/summary?since=1h")
    assert reply.status == 200, reply.body
    found = reply.json()
    done = run("report", "-c", g.config_path, "--since", "1h", "--format", "json")
    told = json.loads(done.stdout)
    assert found.keys() == told.keys() | {"routing"} and found["totals"] == told["totals"] and found["savings"] == told["savings"]
    totals, day = found["totals"], found["budgets"][0]
    assert (totals["requests"], totals["hits_exact"], totals["hit_share"]) == (3, 2, 0.6667)
    assert totals["cost_picousd"] == cost() and totals["saved_picousd"] == 2 * cost()
    assert (day["spent_picousd"], day["left_picousd"]) == (cost(), 2 * 10**12 - cost())
    assert found["similarity_cache"] == []
    assert g.ask("GET", "/farthing/api/summary").json()["totals"] == totals
    for query in ("?since=soon", "?since=2099-01-01", "?until=1h", "?since"):
        bad = g.ask("GET", "/farthing/api/summary" + query)
        assert (bad.status, bad.error["code"]) == (400, "invalid_value"), query
    assert g.ask("POST", "/farthing/api/summary", {}).status == 405


def test_the_summary_is_for_administrators(gateway):
    g = gateway({"admin": {"key": "an-admin-key-that-is-long-enough"}})
    assert g.ask("GET", "/farthing/api/summary").status == 401
