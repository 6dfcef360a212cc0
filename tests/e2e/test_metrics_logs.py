"""What operators see: metrics with bounded labels, and one log line per request that tells no secrets.

SPDX-License-Identifier: Apache-2.0
"""
import json
import re

import pytest

from farthing.gateway import parse_line
from farthing.wording import MINI, completion, plain_stream, question

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf'^({NAME})(?:\{{((?:{NAME}="(?:[^"\\\n]|\\[\\"n])*",?)*)\}})? (NaN|[+-]?Inf|[-+0-9.eE]+)(?: \d+)?$')


def parse_metrics(text):
    """Samples by (name, labels); fails on what Prometheus would not read."""
    assert text.endswith("\n")
    kinds, samples = {}, {}
    for line in text.splitlines():
        if line.startswith("# HELP "):
            continue
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert kind in ("counter", "gauge", "histogram", "summary"), line
            assert name not in kinds, f"{name} is declared twice"
            kinds[name] = kind
            continue
        assert not line.startswith("#") or line.startswith("# "), line
        found = SAMPLE.match(line)
        assert found, f"no sample: {line!r}"
        name, labels, value = found.groups()
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        assert name in kinds or kinds.get(base) in ("histogram", "summary"), f"{name} has no TYPE"
        assert (name, labels) not in samples, f"{line} stands twice"
        samples[(name, labels or "")] = float(value)
        if kinds.get(name) == "counter":
            assert name.endswith("_total"), f"{name} is a counter"
    return kinds, samples


def total(samples, name, label=""):
    return sum(v for (n, labels), v in samples.items() if n == name and label in labels)


def test_metrics_are_prometheus_text(gateway, upstream):
    g = gateway()
    upstream.answer = lambda call: call.stream(plain_stream()) if call.json().get("stream") else \
        call.reply(200, completion())
    first = g.ask("GET", "/metrics")
    assert first.status == 200 and first.header("content-type").startswith("text/plain")
    kinds, _ = parse_metrics(first.body.decode())
    assert all(n.startswith(("farthing_", "process_")) for n in kinds), kinds
    assert g.chat(question("a")).status == g.chat(question("b", stream=True)).status == 200
    assert g.chat(question(model="nobody")).status == 404
    _, samples = parse_metrics(g.ask("GET", "/metrics").body.decode())
    assert total(samples, "farthing_requests_total") == 3


@pytest.mark.parametrize("unit", ["seconds", "bytes", "usd"])
def test_metrics_carry_their_units(gateway, upstream, unit):
    g = gateway()
    upstream.answer = lambda call: call.reply(200, completion())
    g.chat(question())
    kinds, _ = parse_metrics(g.ask("GET", "/metrics").body.decode())
    assert any(unit in n for n in kinds), sorted(kinds)
    assert not [n for n in kinds if re.search(r"_(ms|us|msec|millis|kb|mb)(_|$)", n)]


def test_clients_cannot_grow_the_metrics(gateway, upstream):                                    # C50
    g = gateway()
    upstream.answer = lambda call: call.reply(200, completion())

    def ask(i):
        g.chat(question(model=f"model-{i}"))
        g.chat(question(f"{i}", user=f"user-{i}"), {"x-farthing-task": f"task-{i}", "User-Agent": f"agent-{i}"})
        g.ask("GET", f"/v1/nowhere-{i}")
    ask(0)
    _, before = parse_metrics(g.ask("GET", "/metrics").body.decode())
    for i in range(1, 40):
        ask(i)
    text = g.ask("GET", "/metrics").body.decode()
    _, after = parse_metrics(text)
    assert len(after) <= len(before) + 3
    assert "model-7" not in text and "task-7" not in text and "nowhere-7" not in text and "agent-7" not in text


MARKS = {"prompt": "PROMPTMARK", "answer": "ANSWERMARK", "key": "sk-client-KEYMARK", "upstream": "sk-upstream-secret",
         "user": "USERMARK", "query": "QUERYMARK", "error": "ERRORMARK"}


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("level", ["info", "debug"])
def test_no_line_of_the_log_holds_a_prompt_an_answer_or_a_key(gateway, upstream, form, level):
    g = gateway({"log": {"format": form, "level": level}, "upstreams": {"sim": {"attempts": 2}}})

    def play(call):
        text = call.body.decode("utf-8", "replace")
        if "fail" in text:
            call.error(400 if "fail400" in text else 500, f"{MARKS['error']} about {MARKS['prompt']}")
        elif "nonsense" in text:
            call.reply(200, f"{MARKS['answer']} no json".encode())
        elif '"stream": true' in text:
            call.stream([e.replace(b"quarter", MARKS["answer"].encode()) for e in plain_stream()])
        else:
            call.reply(200, completion(MARKS["answer"]))
    upstream.answer = play
    headers = {"Authorization": f"Bearer {MARKS['key']}"}
    for word in ("plain", "fail400", "fail500", "nonsense"):
        g.chat(question(f"{MARKS['prompt']} {word}", user=MARKS["user"]), headers)
    g.chat(question(MARKS["prompt"], stream=True), headers)
    g.chat(b'{"model":"gpt-4o-mini","messages":"' + MARKS["prompt"].encode(), headers)
    g.chat(question(MARKS["prompt"], n="x"), headers)
    g.ask("GET", f"/v1/files?after={MARKS['query']}", headers=headers)
    c = g.warm()
    c.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + MARKS["key"].encode()
           + b"\r\nAuthorization: Bearer b\r\nContent-Length: 0\r\n\r\n")
    c.wait_end()
    g.stop()
    for what, mark in MARKS.items():
        assert mark not in g.log, f"the {what} is in the log"


def test_each_request_has_one_line(gateway, upstream):
    g = gateway()
    upstream.answer = lambda call: call.reply(200, completion())
    ids = [g.chat(question(f"{i}"), {"x-farthing-task": "product_title"}).request_id for i in range(5)]
    ids.append(g.chat(question(model="nobody")).request_id)
    lines = g.wait_ends(6)
    assert sorted(e["request"] for e in lines) == sorted(ids)
    line = next(e for e in lines if e["request"] == ids[0])
    assert line["level"] == "info"
    assert {k: line[k] for k in ("account", "endpoint", "model", "status", "cache", "why")} == {
        "account": "local", "endpoint": "chat", "model": MINI, "status": "200", "cache": "miss", "why": "served"}
    g.stop()
    assert len(g.entries("closed")) == 6


def test_json_lines_say_the_same(gateway, upstream):
    g = gateway({"log": {"format": "json"}})
    upstream.answer = lambda call: call.reply(200, completion())
    reply = g.chat(question())
    g.stop()
    entries = [json.loads(line) for line in g.log.splitlines()]
    [line] = [e for e in entries if e.get("request") == reply.request_id]
    assert (line["status"], line["why"], line["endpoint"], line["model"]) == (200, "served", "chat", MINI)
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", line["time"]) and line["level"] == "info"


def test_each_line_is_one_line(gateway, upstream):
    g = gateway()
    upstream.answer = lambda call: call.reply(200, completion())
    g.chat(question(), {"x-farthing-task": "a b\tc"})
    g.stop()
    assert all(parse_line(line) for line in g.log.splitlines()), g.log


def test_nothing_that_others_send_forges_a_line(gateway, upstream):                             # C50
    forged = "x\n2026-01-01T00:00:00.000Z info closed request=req_forged why=\"served\""
    g = gateway()
    upstream.answer = lambda call: call.error(400, "no", forged)
    g.chat({**question(), "metadata": {"task_type": forged}})
    g.chat(question(model=forged))
    g.stop()
    assert len(g.entries("closed")) == 2 and "request=req_forged" not in [w for line in g.log.splitlines()
                                                                         for w in line.split(" ")[3:4]]
    assert all(line["task"] == "default" for line in g.entries("closed"))


def test_a_blocked_log_blocks_nobody(gateway, upstream):                                        # P29
    """The sink takes nothing any more; requests go on and the lost lines are counted."""
    g = gateway(pipe=65536)
    upstream.answer = lambda call: call.reply(200, completion())
    assert g.chat(question("before")).status == 200
    g.heard.acquire()                      # our listening thread stops reading: the pipe fills
    try:
        c = g.connect()
        for i in range(2000):
            assert c.chat(question(f"{i}")).reply().status == 200
    finally:
        g.heard.release()
