"""Calls that several requests shared, as the report and explain tell of them: out of books written by hand.

SPDX-License-Identifier: Apache-2.0
"""
import csv
import io
import json
import sqlite3

import pytest

from conftest import need
from farthing.gateway import run

NOON = 1700049600 * 10**6  # 2023-11-15 12:00 UTC
SPAN = ("--since", "2023-11-15", "--until", "2023-11-16")
MEMBERS = 4


@pytest.fixture(autouse=True)
def built():
    need("farthing")


def insert(db, table, **columns):
    db.execute(f"INSERT INTO {table}({', '.join(columns)}) VALUES({', '.join('?' * len(columns))})", list(columns.values()))


def attempt(db, request, number, **more):
    insert(db, "attempts", **{**dict(at_us=NOON, request_id=request, number=number, upstream="openai", model="gpt-4o-mini", outcome=0,
           status=200, why="served", input_tokens=100, cached_input_tokens=0, cache_write_tokens=0, output_tokens=10,
           reasoning_tokens=0, cost_pico=21000000, basis=1, total_us=5, task="labels", account="blue"), **more})


def member(db, call, place, saved, lost, good):
    """One of four in a call; the last of the first call was asked again by itself."""
    request = f"req_{call}_{place}"
    attempt(db, request, 1, batch=f"batch_{call}", outcome=0 if good else 3, why="served" if good else "its part was cut off")
    if not good:
        attempt(db, request, 2)
    paid = 1 if good else 2
    insert(db, "requests", at_us=NOON, id=request, account="blue", task="labels", endpoint="chat", model_asked="gpt-4o-mini",
           model_served="gpt-4o-mini", upstream="openai", answer_id="", error_code="", why="served", input_tokens=100,
           cached_input_tokens=0, cache_write_tokens=0, output_tokens=10, reasoning_tokens=0, cost_pico=paid * 21000000,
           saved_pico=0, saved_batched_pico=saved, lost_batched_pico=lost, batch_place=place if good else 0,
           batch_size=MEMBERS if good else 0, basis=1, cache=0, status=200, stream=0, attempts=paid, total_us=9, bytes_in=1,
           bytes_out=1)


@pytest.fixture
def books(gateway):
    g = gateway({"budget": {"daily_usd": "off", "weekly_usd": "off", "monthly_usd": "off"}})
    g.stop()
    db = sqlite3.connect(g.database)
    for call in (1, 2):
        for place in range(1, MEMBERS + 1):
            good = (call, place) != (1, 4)
            member(db, call, place, 4000000 if good else 0, 0 if good else 21000000, good)
        insert(db, "batches", at_us=NOON, id=f"batch_{call}", upstream="openai", model="gpt-4o-mini", members=MEMBERS,
               answered=MEMBERS - (call == 1), outcome=0, why="served", input_tokens=400, cached_input_tokens=0,
               cache_write_tokens=0, output_tokens=40, reasoning_tokens=0, cost_pico=84000000, basis=1)
    db.execute("INSERT INTO rollups(hour_us, account, project, task, endpoint, model, tier, cache, requests, input_tokens, output_tokens,"
               " cost_pico, saved_batched_pico, lost_batched_pico, batched, total_us) SELECT at_us, account, project, task, endpoint,"
               " model_served, tier, cache, count(*), sum(input_tokens), sum(output_tokens), sum(cost_pico), sum(saved_batched_pico),"
               " sum(lost_batched_pico), sum(batch_size > 0), sum(total_us) FROM requests")
    db.commit()
    db.close()
    g.ended_well = True
    done = run("ledger", "check", "--db", g.database)
    assert done.returncode == 0, done.stdout
    return g


def report(g, *args):
    done = run("report", "-c", g.config_path, *args, *SPAN, env={"TZ": ""})
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_report_tells_what_travelled_together_and_what_it_saved_in_all(books):
    lines = [" ".join(line.split()) for line in report(books).splitlines()]
    assert "together 8 in 2 calls, 4.0 each, 1 asked again alone" in lines, lines
    assert "batched $0.000007 7 requests: $0.000028 saved, $0.000021 lost" in lines, lines
    table = report(books, "--by", "batches").splitlines()
    row = next(line for line in table if line.startswith("  labels"))
    assert row.split() == ["labels", "7", "2", "4.0", "1", "12.5", "%", "$0.00002800", "$0.00002100", "$0.00000700"], row


def test_a_loss_is_shown_as_one(books):
    db = sqlite3.connect(books.database)
    db.execute("UPDATE requests SET saved_batched_pico = 0")
    db.execute("UPDATE rollups SET saved_batched_pico = 0")
    db.commit()
    db.close()
    text = report(books, "--by", "cause")
    assert "-$0.000021" in text and "7 requests: $0.000000 saved, $0.000021 lost" in text, text
    found = json.loads(report(books, "--format", "json"))
    assert found["totals"]["saved_batched_picousd"] == found["totals"]["saved_picousd"] == -21000000
    assert found["batches"][0]["saved_batched_picousd"] == -21000000


def test_programs_read_the_same(books):
    found = json.loads(report(books, "--by", "batches", "--format", "json"))
    assert found["groups"] == found["batches"]
    assert found["batches"][0]["name"] == "labels"
    del found["batches"][0]["name"]
    assert found["batches"] == [{
        "batched_requests": 7, "calls": 2, "members": 8, "members_per_call": 4.0, "resent": 1, "resent_share": 0.125,
        "saved_batched_usd": 0.000007, "saved_batched_picousd": 7000000, "lost_batched_usd": 0.000021,
        "lost_batched_picousd": 21000000}]
    row = next(csv.DictReader(io.StringIO(report(books, "--by", "batches", "--format", "csv"))))
    assert row["task"] == "labels" and float(row["members_per_call"]) == 4 and row["saved_batched_picousd"] == "7000000"
    assert {s["name"]: s["requests"] for s in found["savings"]}["batched"] == found["totals"]["batched_requests"] == 7


def test_explain_tells_with_whom_a_request_travelled(books):
    def explain(request, *form):
        done = run("explain", "--id", request, "--db", books.database, *form)
        assert done.returncode == 0, done.stderr
        return done.stdout
    text = explain("req_2_3")
    assert "travelled as 3 of 4 in one call (batch_2), share 25.0 % of $0.000084" in text, text
    assert "saved by batching" in text and "lost by batching" not in text
    text = explain("req_1_4")
    assert "with 3 others in one call (batch_1), which brought no answer for it: its part was cut off" in text, text
    assert "lost by batching" in text
    told = json.loads(explain("req_2_3", "--json"))
    assert (told["batch_place"], told["batch_size"], told["lost_batched_picousd"]) == (3, 4, 0)
    assert told["attempts"][0]["batch"] == told["batches"][0]["id"] == "batch_2"
    assert (told["batches"][0]["members"], told["batches"][0]["cost_picousd"]) == (4, 84000000)
    alone = json.loads(explain("req_1_4", "--json"))
    assert alone["batch_size"] is None and [a["batch"] for a in alone["attempts"]] == ["batch_1", None]
