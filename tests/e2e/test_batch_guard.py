"""A task whose batched answers are worse than its single ones is asked singly, and everybody who looks is told.

The provider here answers as well as ever when it is asked alone, and badly when several are asked together.

SPDX-License-Identifier: Apache-2.0
"""
import json

import pytest

from conftest import need
from farthing.gateway import merge, run
from farthing.money import crowd
from farthing.together import Envelope, batching, title
from farthing.wording import completion, plain_stream, usage

TASK = [("x-farthing-task", "titles")]
GUARDED = merge(batching(size=2, wait="50ms"), {"batch": {"experiment": 0.5}})
SHORT, LONG = "Red clay mug", "A mug that is made of clay and painted red by hand and quite pretty"


@pytest.fixture(autouse=True)
def built():
    need("farthing")


def answering(upstream, together, alone):
    def answer(call):
        body = call.json()
        e = Envelope.read(body)
        if e is None and body.get("stream"):
            call.stream(plain_stream(words=(alone,)))
        elif e is None:
            call.reply(200, completion(alone, usage=usage(400, 6)))
        else:
            call.reply(200, completion(e.content([(i, together) for i in e.ids]), usage=usage(500, 30)))
    upstream.answer = answer


def ask_many(g, at, **more):
    return crowd(g.port, [title(f"Write a title for mug {at} {i}. Use at most 5 words.", raw=True, **more) for i in range(10)], TASK)


def until_off(g, say=None):
    for at in range(60):
        replies = ask_many(g, at)
        assert [r.status for r in replies] == [200] * 10
        for r in replies:
            if say is not None:
                say(r)
        if g.entries("batching_off"):
            return
    raise AssertionError("it was never switched off")


def told(g):
    return {row["evidence"]: row for row in g.ask("GET", "/farthing/api/summary").json()["batching"]}


def test_answers_that_fail_their_checks_switch_a_task_off(gateway, upstream):
    answering(upstream, LONG, SHORT)
    g = gateway(GUARDED)
    until_off(g)
    line = g.entries("batching_off")[0]
    assert (line["level"], line["task"], line["evidence"], line["max_drop"]) == ("warn", "titles", "check", "0.050")
    row = told(g)["check"]
    assert (row["task"], row["on"], row["turned_off"], row["batched_good"], row["single_good"]) == ("titles", False, 1, 0.0, 1.0)
    assert row["turned_drop_low"] > 0.05
    assert 'farthing_batch_quality_on{task="titles"} 0\n' in g.ask("GET", "/metrics").body.decode()
    # and it outlives the process
    g.stop()
    done = run("report", "-c", g.config_path, "--format", "json", env={"TZ": ""})
    assert [(r["task"], r["on"]) for r in json.loads(done.stdout)["batching"]] == [("titles", False)]
    g.start()
    assert told(g)["check"]["on"] is False


def test_streams_are_compared_as_well(gateway, upstream):
    answering(upstream, LONG, SHORT)
    g = gateway(GUARDED)
    for at in range(3):
        assert [r.status for r in ask_many(g, at, stream=True)] == [200] * 10
    row = told(g)["check"]
    assert row["batched"] > 5 and row["single"] > 5
    assert (row["batched_good"], row["single_good"]) == (0.0, 1.0)


def test_what_clients_say_switches_it_off_though_every_check_passes(gateway, upstream):
    answering(upstream, SHORT, SHORT)
    g = gateway(GUARDED)

    def say(r):
        body = json.dumps({"request_id": r.headers["x-request-id"], "good": "x-farthing-batch" not in r.headers}).encode()
        assert g.ask("POST", "/farthing/api/feedback", body, [("Content-Type", "application/json")]).status == 200
    until_off(g, say)
    assert g.entries("batching_off")[0]["evidence"] == "feedback"
    rows = told(g)
    assert rows["check"]["batched_good"] == 1.0 and not rows["check"]["decides"]
    assert rows["feedback"]["batched_good"] == 0.0 and rows["feedback"]["decides"] and not rows["feedback"]["on"]


def test_answers_that_are_as_good_leave_it_on(gateway, upstream):
    answering(upstream, SHORT, SHORT)
    g = gateway(GUARDED)
    for at in range(12):
        ask_many(g, at)
    row = told(g)["check"]
    assert row["on"] and row["turned_off"] == 0 and row["batched"] > 20 and row["single"] > 20
    assert not g.entries("batching_off")
