"""What is believed of batched answers comes back at a start, and the report, the summary and the metrics say it.

The memo is written by hand, as the gateway would have left it: what is shown is then known to the digit.

SPDX-License-Identifier: Apache-2.0
"""
import hashlib
import json
import re
import sqlite3
import struct
import time

import pytest

from conftest import need
from farthing.gateway import run
from farthing.patience import eventually
from farthing.together import title

TASKS = {"tasks": {"titles": {"batch": {"on": True}}, "other": {}}}
PAIRS = 256


@pytest.fixture(autouse=True)
def built():
    need("farthing")


def book(pairs, now):
    hours = [int(now // 3600)] * len(pairs)
    ring = list(pairs) + [0.0] * (PAIRS - len(pairs))
    stamps = hours + [0] * (PAIRS - len(pairs))
    return struct.pack(f"<{PAIRS}f{PAIRS}iIIiI4d", *ring, *stamps, len(pairs), len(pairs), 0, len(pairs), 0, 0, 0, 0)


def memo(off):
    """struct batch_watch under its seal (batch_watch.h, base/seal.h)."""
    now = time.time()
    body = book([0.2] * 40, now) + book([], now)
    # good and seen, by evidence: single, batched
    body += struct.pack("<8d", 95, 650, 0, 0, 100, 812.5, 0, 0)
    body += struct.pack("<2d", 1, 1)
    body += struct.pack("<2q2Q2d4i", int(now * 1000), int(now * 1000), 1 if off else 0, 0, 0.0625, 0.25, 0 if off else -1, 0, 1, 0)
    return b"fthbatch" + struct.pack("<II", 1, len(body)) + hashlib.sha256(body).digest() + body


def leave(g, name, bytes_):
    db = sqlite3.connect(g.database + ".cache")
    with db:
        db.execute("INSERT OR REPLACE INTO memos VALUES(?, ?)", (name, bytes_))
    db.close()


@pytest.fixture
def off(gateway):
    """A gateway that was started with a task switched off."""
    g = gateway(TASKS)
    g.stop()
    leave(g, "batch/titles", memo(off=True))
    g.start()
    return g


def test_the_summary_says_that_a_task_is_switched_off(off):
    told = off.ask("GET", "/farthing/api/summary").json()["batching"]
    assert len(told) == 1
    row = told[0]
    assert (row["task"], row["evidence"], row["on"], row["decides"]) == ("titles", "check", False, True)
    assert (row["batched"], row["batched_good"], row["single"], row["single_good"]) == (812.5, 0.8, 100.0, 0.95)
    assert (row["turned_off"], row["turned_on"], row["turned_drop_low"], row["turned_drop_high"]) == (1, 0, 0.0625, 0.25)
    assert 0 < row["drop_low"] < 0.2 < row["drop_high"] < 0.5 and row["turned_at"].endswith("Z")


def test_the_metrics_say_it(off):
    text = off.ask("GET", "/metrics").body.decode()
    assert 'farthing_batch_quality_on{task="titles"} 0\n' in text
    assert "farthing_batch_quality_off 1\n" in text
    assert 'farthing_batch_quality_good_per_million{task="titles",evidence="check",way="batched"} 800000\n' in text
    assert 'farthing_batch_quality_good_per_million{task="default",evidence="check",way="single"} -1\n' in text
    assert not re.search(r'^farthing_batch_quality_\w+\{task="other"', text, re.M)


def test_the_report_says_it_beside_a_gateway_that_runs(off):
    done = run("report", "-c", off.config_path, env={"TZ": ""})
    assert done.returncode == 0, done.stderr
    table = done.stdout[done.stdout.index("Batched answers, beside single ones"):]
    assert re.search(r"titles\s+check\s+off\s+80.0 % of 81[23]\s+95.0 % of 100\s+\+\d", table), table
    told = json.loads(run("report", "-c", off.config_path, "--format", "json", env={"TZ": ""}).stdout)
    assert [(row["task"], row["on"]) for row in told["batching"]] == [("titles", False)]
    anew = json.loads(run("report", "-c", off.config_path, "--format", "json", "--prices", "now", env={"TZ": ""}).stdout)
    assert "batching" not in anew


def test_explain_says_it_of_a_request_that_might_come(off):
    done = run("explain", "-c", off.config_path, "--json", "--task", "titles", input=json.dumps(title("red mug")))
    assert json.loads(done.stdout)["batch"] == "alone: batched answers of its task were worse"
    done = run("explain", "-c", off.config_path, "--json", "--task", "other", "--batch", "on", input=json.dumps(title("red mug")))
    assert json.loads(done.stdout)["batch"].startswith("may wait")


def test_where_nothing_was_compared_nothing_is_said(gateway):
    g = gateway(TASKS)
    assert g.ask("GET", "/farthing/api/summary").json()["batching"] == []
    assert "farthing_batch_quality_off 0\n" in g.ask("GET", "/metrics").body.decode()
    done = run("report", "-c", g.config_path, env={"TZ": ""})
    assert "Batched answers" not in done.stdout


def test_a_memo_that_was_changed_is_refused_aloud(gateway):
    g = gateway(TASKS)
    g.stop()
    bad = bytearray(memo(off=True))
    bad[-1] ^= 1
    leave(g, "batch/titles", bytes(bad))
    g.start()
    eventually(lambda: g.entries("batching_lost"), "it is said")
    assert g.ask("GET", "/farthing/api/summary").json()["batching"] == []
