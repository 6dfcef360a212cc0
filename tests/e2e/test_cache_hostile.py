"""Kept answers before hostile and unlucky clients, operators and disks: nobody gets what is not the answer to his question, by
whom he asked it of, and nothing is lost but time.

SPDX-License-Identifier: Apache-2.0
"""
import copy
import json
import os
import random
import signal
import sqlite3
import statistics
import threading
import time

import pytest

from farthing.gateway import merge, run
from farthing.patience import eventually
from farthing.wording import DONE, MINI, completion, cost, delta, event, events_of, plain_stream, question, usage_event, usd
from test_cache import KEEPING, KEY, STREAM, TOLD, found_by, kept, keyed, spoken, text_of  # noqa: F401 - fixtures

ONLY = {"Cache-Control": "only-if-cached"}


def reload(g, config):
    before = len(g.entries("reloaded")) + len(g.entries("reload_failed"))
    g.write_config(merge(g.config, config))
    g.signal(signal.SIGHUP)
    eventually(lambda: len(g.entries("reloaded")) + len(g.entries("reload_failed")) > before, "the configuration is read")
    assert not g.entries("reload_failed"), g.log


# ---- different questions

CHAT = question(messages=[{"role": "system", "content": "Be brief."},
                          {"role": "user", "content": [{"type": "text", "text": "What is it?"},
                                                       {"type": "image_url", "image_url": {"url": "http://x/1.png"}}]}],
                tools=[{"type": "function", "function": {"name": f, "parameters": {"type": "object"}}} for f in "ab"],
                seed=9007199254740993, temperature=1)
PART = ["messages", 1, "content"]
CHANGES = {
    "a greater seed": (["seed"], 9007199254740992), "no seed": (["seed"], None), "temperature": (["temperature"], 0.9999999999999999),
    "a role": (["messages", 0, "role"], "developer"), "a name": (["messages", 0, "name"], "x"), "another image": (PART + [1, "image_url", "url"], "http://x/2.png"),
    "detail": (PART + [1, "image_url", "detail"], "low"), "order of parts": (PART, list(reversed(CHAT["messages"][1]["content"]))),
    "order of tools": (["tools"], list(reversed(CHAT["tools"]))), "strict": (["tools", 0, "function", "strict"], True),
    "text as a string": (PART, "What is it?"), "a space": (PART + [0, "text"], "What is it? "), "a wide letter": (PART + [0, "text"], "Ｗhat is it?"),
    "a Cyrillic letter": (PART + [0, "text"], "Whаt is it?"), "no width": (PART + [0, "text"], "What is it?\u200b"),
    "a NUL look-alike": (PART + [0, "text"], "What is it?\u2400"), "escaped quotes": (PART + [0, "text"], 'What is it?","x":"'),
    "n": (["n"], 2), "logprobs": (["logprobs"], True), "top_logprobs": (["top_logprobs"], 0), "stop": (["stop"], ["x"]), "stop as text": (["stop"], "x"),
    "format": (["response_format"], {"type": "json_object"}), "tier": (["service_tier"], "flex"), "auto tier": (["service_tier"], "auto"),
    "bias": (["logit_bias"], {"1": 1}), "effort": (["reasoning_effort"], "low"), "verbosity": (["verbosity"], "low"),
    "choice": (["tool_choice"], "none"), "parallel": (["parallel_tool_calls"], False), "limit": (["max_tokens"], 5),
    "the other limit": (["max_completion_tokens"], 5), "unknown": (["x_new"], 0), "unknown null": (["x_new"], None), "unknown false": (["x_new"], False),
    "unknown text": (["x_new"], "0"), "prediction": (["prediction"], {"type": "content", "content": "x"}), "Stream": (["Stream"], True),
    "a nested user": (["messages", 1, "user"], "u"), "top_p": (["top_p"], 1),
}


def changed(path, value):
    body = copy.deepcopy(CHAT)
    at = body
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return body


def test_no_two_different_questions_share_an_answer(kept, upstream):
    g = kept()
    c = g.connect()
    bodies = [CHAT] + [changed(*change) for change in CHANGES.values()]
    first = [c.chat(b).reply() for b in bodies]
    assert [found_by(r) for r in first] == ["miss"] * len(bodies)
    again = [c.chat(b).reply() for b in bodies]
    assert [(found_by(r), text_of(r)) for r in again] == [("exact", text_of(r)) for r in first]


def test_other_spellings_of_a_question_are_the_same_one(kept, upstream):
    c = kept().connect()
    ask = lambda raw: found_by(c.ask("POST", "/v1/chat/completions", raw.encode(), {"Content-Type": "application/json"}).reply())
    plain = '{"model":"gpt-4o-mini","messages":[{"role":"user","content":"\u00e9\\"/"}],"temperature":1,"x":{"a":1,"b":[2]}}'
    assert ask(plain) == "miss"
    for other in ('{ "x":{"b":[2.0],"a":1e0},"temperature":1.0,"messages":[{"content":"\\u00e9\\u0022\\/","role":"user"}],"model":"gpt-4o\\u002dmini"}',
                  plain[:-1] + ',"stream":false,"user":"x","seed":null,"metadata":null}'):
        assert ask(other) == "exact", other
    assert ask(plain.replace("\u00e9", "e\u0301")) == "miss", "composed otherwise, it is another text"


def test_endpoints_share_nothing(kept, upstream):
    g = kept()
    upstream.answer = lambda call: call.reply(200, {**completion(), "status": "completed", "output": [], "data": []})
    both = {"model": MINI, "messages": [{"role": "user", "content": "x"}], "prompt": ["x"], "input": "x", "store": False}
    for path in ("chat/completions", "completions", "embeddings"):
        assert found_by(g.ask("POST", f"/v1/{path}", both)) == "miss", path
    both = {**both, "prompt": {"id": "x"}}
    for path in ("chat/completions", "responses", "embeddings"):
        assert found_by(g.ask("POST", f"/v1/{path}", both)) == "miss", path


# ---- who is to answer

def test_another_provider_or_model_behind_a_name_is_another_question(kept, upstream, upstreams):
    g, other = kept(), upstreams()
    other.answer = lambda call: call.reply(200, completion(f"the other's {call.json()['model']}"))
    old = text_of(g.chat(question()))
    told = text_of(g.chat(question("with a key"), KEY))
    g.config["upstreams"]["other"] = {"base_url": other.url, "api_key": "x"}
    reload(g, {"models": {MINI: {"upstream": "other"}}})
    assert text_of(g.chat(question())) == f"the other's {MINI}"
    assert text_of(g.chat(question("with a key"), KEY)) == told, "a promise is kept whoever would answer now"
    reload(g, {"models": {MINI: {"upstream": "other", "as": "gpt-4o"}}})
    assert text_of(g.chat(question())) == "the other's gpt-4o"
    reload(g, {"models": {MINI: {"upstream": "sim", "as": None}}})
    assert (text_of(g.chat(question())), found_by(g.chat(question()))) == (old, "exact")


def test_auto_is_answered_by_the_model_it_stands_for_now(kept, upstream):
    tiers = lambda model: {"routing": {"tiers": {"moderate": model}}}
    g = kept(tiers(MINI))
    assert [found_by(g.chat(question(model="auto"))) for _ in range(2)] == ["miss", "exact"]
    reload(g, tiers("gpt-4o"))
    assert found_by(g.chat(question(model="auto"))) == "miss"


def test_an_answer_under_way_at_a_reload_is_not_joined_by_those_who_ask_another_provider(gateway, upstream, upstreams):
    g, other = gateway(KEEPING), upstreams()
    first = g.warm().chat(question())
    call = upstream.next_call()
    g.config["upstreams"]["other"] = {"base_url": other.url, "api_key": "x"}
    reload(g, {"models": {MINI: {"upstream": "other"}}})
    second = g.warm().chat(question())
    other.next_call().reply(200, completion("new"))
    call.reply(200, completion("old"))
    assert [text_of(c.reply()) for c in (first, second)] == ["old", "new"]
    assert text_of(g.chat(question(), ONLY)) == "new"


def test_an_answer_of_a_fallback_is_for_those_who_waited_for_it(gateway, upstream):
    g = gateway(merge(KEEPING, {"upstreams": {"sim": {"attempts": 1}}, "models": {MINI: {"fallbacks": ["gpt-4o"]}}}))
    broken = threading.Event()

    def answer(call):
        if call.json()["model"] == MINI and not broken.is_set():
            call.error(500)
        else:
            call.reply(200, completion(call.json()["model"]))
    upstream.answer = answer
    assert [text_of(g.chat(question())) for _ in range(2)] == ["gpt-4o"] * 2
    assert text_of(g.chat(question("x"), KEY)) == text_of(g.chat(question("x"), KEY)) == "gpt-4o"
    assert len(upstream.calls) == 6
    broken.set()
    assert [text_of(g.chat(question())) for _ in range(2)] == [MINI] * 2
    assert len(upstream.calls) == 7


def test_a_reload_is_heeded_by_what_was_kept_before(keyed, upstream):
    g, of = keyed({"cache": {"scope": "project"}, "dedup": {"window": "0s"}}, a=["--project", "p"], b=["--project", "p"])
    g.chat(question(), of["a"])
    assert found_by(g.chat(question(), of["b"])) == "exact"
    reload(g, {"cache": {"scope": "key"}})
    assert found_by(g.chat(question(), of["b"])) == "miss"
    reload(g, {"cache": {"ttl": "1s"}})
    eventually(lambda: found_by(g.chat(question(), of["b"])) == "miss", "it is too old now")
    reload(g, {"cache": {"ttl": "1h", "exact": False}})
    assert found_by(g.chat(question(), of["b"])) == "miss"


def test_a_key_in_new_books_is_not_the_one_that_had_its_name(keyed, upstream):
    g, of = keyed(a=[])
    g.chat(question(), of["a"])
    g.chat(question("with a key"), {**of["a"], **KEY})
    g.stop()
    for name in os.listdir(g.directory):      # all but the answers
        if name.startswith("farthing.db") and not name.startswith("farthing.db.cache"):
            os.remove(os.path.join(g.directory, name))
    done = run("keys", "add", "a", "-c", g.config_path)
    assert done.returncode == 0, done.stderr
    new = {"Authorization": f"Bearer {done.stdout.strip()}"}
    g.start()
    assert g.chat(question(), {**new, **ONLY}).status == 504
    assert found_by(g.chat(question("with a key"), {**new, **KEY})) == "miss"


# ---- what one key can learn of another

def likelihood_of_longer(a, b):
    """That one of a takes longer than one of b, by their ranks (Mann and Whitney): 0.5 where nothing tells them apart."""
    ranked = sorted([(x, 1) for x in a] + [(x, 0) for x in b])
    ranks, at = 0.0, 0
    while at < len(ranked):
        end = at
        while end < len(ranked) and ranked[end][0] == ranked[at][0]:
            end += 1
        ranks += (at + 1 + end) / 2 * sum(mine for _, mine in ranked[at:end])
        at = end
    return (ranks - len(a) * (len(a) + 1) / 2) / (len(a) * len(b))


def test_a_probe_does_not_tell_what_another_key_has_asked(keyed, upstream):                     # C46
    g, of = keyed(a=[], b=[])
    names = [f"{i:04d}" for i in range(40)]
    for name in names:
        assert found_by(g.chat(question(f"asked {name}"), of["a"])) == "miss"
    chance, client = random.Random(4), g.connect()
    seen, ids = {"asked": [], "never": []}, {"asked": [], "never": []}

    def probe(kind):
        raw = client.request("POST", "/v1/chat/completions", question(f"{kind} {chance.choice(names)}"), {**of["b"], **ONLY})
        begun = time.perf_counter_ns()
        client.send(raw)
        reply = client.reply()
        seen[kind].append(time.perf_counter_ns() - begun)
        ids[kind].append(reply.request_id)
        assert reply.error["code"] == "not_cached"
    for _ in range(1100):      # both kinds side by side, whatever else the machine does meanwhile
        for kind in chance.sample(["asked", "never"], 2):
            probe(kind)
    rows = {r["id"]: r["total_us"] for r in g.stop().requests()}
    inside = {kind: [rows[i] for i in found] for kind, found in ids.items()}
    for what, took in (("client", seen), ("gateway", inside)):
        asked, never = took["asked"][100:], took["never"][100:]
        longer = likelihood_of_longer(asked, never)
        told = f"{what}: {longer:.3f}, medians {statistics.median(asked)} and {statistics.median(never)}"
        assert abs(longer - 0.5) < 0.06, told     # chance alone: 0.013, so this is between four and five times that
        fifth = statistics.median(never) // 5
        assert likelihood_of_longer([t + fifth for t in asked], never) > 0.56, f"{told}: a fifth more would not be seen"


# ---- room

def test_nothing_is_put_by_that_could_never_be_used(kept, upstream):
    g = kept({"cache": {"exact": False}, "dedup": {"window": "0s"}})
    g.chat(question())
    assert "\nfarthing_cache_entries 0\n" in g.ask("GET", "/metrics").body.decode()
    g.stop()
    with sqlite3.connect(f"file:{g.database}.cache?mode=ro", uri=True) as db:
        assert db.execute("SELECT count(*) FROM items").fetchone() == (0,)


def test_what_fits_nowhere_pushes_nobody_out(kept, upstream):
    g = kept({"cache": {"max_size": "64KiB", "max_entry": "64KiB"}})
    g.chat(question())
    upstream.answer = lambda call: call.reply(200, completion("x" * 65_000))
    # While a worker still has it, it may be joined; it is never kept.
    assert {found_by(g.chat(question("large"))) for _ in range(3)} <= {"miss", "coalesced"}
    assert found_by(g.chat(question())) == "exact"


# ---- a long answer, on its way into the cache

LONG_TEXT = [f"word{i:05d} " for i in range(8000)]


def long_stream():
    return [delta("", role="assistant")] + [delta(w) for w in LONG_TEXT] + [delta(finish="stop"), usage_event(), DONE]


def test_whoever_asks_while_a_long_answer_is_put_together_joins_it(gateway, upstream):
    g = gateway(KEEPING)
    upstream.answer = lambda call: call.stream(long_stream())
    clients = [g.warm() for _ in range(4)]
    for _ in range(10):      # as soon as the last byte has come to one of them
        replies = [c.chat(STREAM).reply() for c in clients]
        assert {spoken(r) for r in replies} == {"".join(LONG_TEXT)}
        assert {found_by(r) for r in replies[1:]} <= {"coalesced", "exact"}
    assert len(upstream.calls) == 1


def test_a_long_answer_that_came_just_before_the_end_is_there_after_a_restart(kept, upstream):
    g = kept()
    upstream.answer = lambda call: call.stream(long_stream())
    assert spoken(g.chat(STREAM)) == "".join(LONG_TEXT)
    g.stop()
    assert text_of(g.start().chat(question(), ONLY)) == "".join(LONG_TEXT)


# ---- money

def test_what_went_wrong_before_an_answer_is_no_saving(kept, upstream):
    g = kept({"budget": {"request_usd": "0.05"}, "upstreams": {"sim": {"attempts": 2}}})
    upstream.script(lambda call: call.error(504))     # perhaps it is working still: it is booked as held
    first, second = g.chat(question(max_tokens=1000)), g.chat(question(max_tokens=1000))
    rows = g.stop()
    paid, row = rows.request(first.request_id), rows.request(second.request_id)
    assert paid["attempts"] == 2 and paid["cost_pico"] > 100 * cost()
    assert (row["cache"], row["cost_pico"], row["saved_pico"]) == ("exact", 0, cost())
    assert second.header("x-farthing-saved-usd") == usd(cost())


def test_an_answer_that_is_free_saves_nothing(kept, upstream):
    g = kept({"models": {"own": {"upstream": "sim", "free": True}}})
    replies = [g.chat({**body, "model": "own"}) for body in (question(), question(), TOLD)]
    assert [(found_by(r), r.header("x-farthing-saved-usd")) for r in replies] == [("miss", "0.00")] + [("exact", "0.00")] * 2
    assert {(r["cost_pico"], r["saved_pico"]) for r in g.stop().requests() if r["cache"] == "exact"} == {(0, 0)}


def test_the_report_tells_what_each_kind_of_hit_saved(kept, upstream):
    g = kept({"tasks": {"joiner": {"cache": {"exact": False}, "dedup": {"window": "5m"}}}})
    g.chat(question())
    for _ in range(3):
        assert found_by(g.chat(TOLD)) == "exact"
    assert found_by(g.chat(question(), {"x-farthing-task": "joiner"})) == "coalesced"
    g.chat(question(), ONLY), g.chat(question("never"), ONLY), g.chat(question(), KEY), g.chat(question(), KEY)
    g.stop()
    done = run("report", "--format", "json", "-c", g.config_path)
    found = {s["name"]: s for s in json.loads(done.stdout)["savings"]}
    assert (found["cache_exact"]["saved_picousd"], found["cache_exact"]["requests"]) == (6 * cost(), 6)
    assert (found["coalesced"]["saved_picousd"], found["coalesced"]["requests"]) == (cost(), 1)


def test_an_answer_that_a_budget_limited_is_kept_only_when_it_ended_before(kept, upstream):
    g = kept({"budget": {"request_usd": "0.001"}})
    finish = iter(["length", "stop"])
    upstream.answer = lambda call: call.reply(200, completion(finish=next(finish)))
    replies = [g.chat(question()) for _ in range(3)]
    assert [found_by(r) for r in replies] == ["miss", "miss", "exact"]
    assert [r.header("x-farthing-clamped") is not None for r in replies] == [True, True, False]
    assert g.stop().request(replies[2].request_id)["clamped_to"] in (None, 0)


def test_a_key_that_is_spent_reads_what_it_has_paid_for(keyed, upstream):
    g, of = keyed({"budget": {"min_output_tokens": 1}}, a=["--daily-usd", usd(cost())])
    body, head = question(max_tokens=7), {**of["a"], **KEY}
    first = g.chat(body, head)
    assert found_by(first) == "miss"
    for more in (head, {**head, "Cache-Control": "no-cache"}, {**head, "x-farthing-run": "r", "x-farthing-run-budget-usd": "0"}):
        again = g.chat(body, more)
        assert (again.status, again.body, again.header("x-farthing-cost-usd")) == (200, first.body, "0.00")
    assert g.chat(body, {**of["a"], "Cache-Control": "no-cache"}).error["code"] == "insufficient_quota"
    assert g.stop().spent("key", "a") == cost()


# ---- clients that leave, and slow ones

def large(call):
    call.reply(200, completion("x" * 200_000))


def test_clients_of_kept_answers_may_leave_at_any_moment(kept, upstream):
    g = kept()
    upstream.answer = large
    g.chat(question())
    eventually(lambda: found_by(g.chat(question())) == "exact", "it is kept")
    for body in (question(), TOLD):
        for wanted in (0, 1, 200, 5000, 150_000):
            c = g.connect(receive_buffer=4096)
            c.chat(body)
            if wanted:
                c.read_exactly(wanted)
            (c.reset if wanted % 2 else c.close)()
    assert found_by(g.chat(question())) == "exact"
    rows = g.stop().requests()
    assert sum(r["cost_pico"] for r in rows) == cost() and {r["status"] for r in rows} <= {200, 499}


def test_a_slow_reader_keeps_its_answer_when_others_push_it_out(kept, upstream):
    g = kept({"cache": {"max_size": "1MiB"}})
    upstream.answer = large
    g.chat(question())
    eventually(lambda: g.chat(question(), ONLY).status == 200 and found_by(g.chat(question())) == "exact", "it is kept")
    slow = g.connect(receive_buffer=4096)
    slow.chat(question())
    head = slow.head()
    for i in range(8):
        g.chat(question(f"number {i}"))
    assert g.chat(question(), ONLY).status == 504
    assert found_by(head) == "exact" and json.loads(head.stream.rest()) == completion("x" * 200_000)


@pytest.mark.parametrize("line,more", [("HTTP/1.0", ""), ("HTTP/1.1", "Connection: close\r\n")])
def test_old_and_closing_clients_get_kept_answers(kept, upstream, line, more):
    g = kept()
    whole = g.chat(question())
    for body in (question(), STREAM):
        c = g.connect()
        raw = json.dumps(body).encode()
        c.send(f"POST /v1/chat/completions {line}\r\nHost: 127.0.0.1\r\n{more}Content-Type: application/json\r\n"
               f"Content-Length: {len(raw)}\r\n\r\n".encode() + raw)
        reply = c.reply()
        assert found_by(reply) == "exact" and (spoken(reply) if body is STREAM else text_of(reply)) == text_of(whole)
        c.read_eof() if hasattr(c, "read_eof") else None
    assert len(upstream.calls) == 1


def test_a_draining_gateway_finishes_its_hits(kept, upstream):
    g = kept()
    upstream.answer = large
    g.chat(question())
    slow = g.connect(receive_buffer=4096)
    slow.chat(question())
    head = slow.head()
    g.signal(signal.SIGTERM)
    g.wait_line(lambda e: e["verb"] == "draining", "it drains")
    assert json.loads(head.stream.rest()) == completion("x" * 200_000)
    assert g.stop().requests()[-1]["status"] == 200


# ---- streams that go wrong

@pytest.mark.parametrize("end,kept_then", [([usage_event()], True), ([DONE], True), ([], True), ([usage_event(), DONE, delta("late")], True),
                                           ([delta("more"), usage_event(), DONE], True)],
                         ids=["no DONE", "no usage", "neither", "more behind the end", "words behind the finish"])
def test_what_is_missing_at_the_end_of_a_stream(kept, upstream, end, kept_then):
    g = kept()
    upstream.answer = lambda call: (call.stream([delta("x", role="assistant"), delta(finish="stop"), *end]), call.close())
    first = g.chat(STREAM)
    assert spoken(first).startswith("x")
    again = g.chat(STREAM)
    assert found_by(again) == ("exact" if kept_then else "miss") and spoken(again) == spoken(first)
    rows = g.stop().requests()
    assert rows[-1]["cost_pico"] == 0 and rows[-1]["saved_pico"] == rows[0]["cost_pico"]


def test_a_stream_that_breaks_tells_all_who_joined_and_leaves_nothing(gateway, upstream):
    g = gateway({**KEEPING, "upstreams": {"sim": {"attempts": 1}}})
    clients = [g.warm().chat(STREAM, KEY)]
    call = upstream.next_call()
    call.stream_head()
    call.chunk(delta("x"))
    clients += [g.warm().chat(STREAM), g.warm().chat(STREAM, KEY)]
    heads = [c.head() for c in clients]
    call.reset()
    assert {events_of(h.stream.rest_or_cut())[-1]["error"]["code"] for h in heads} == {"upstream_stream_truncated"}
    assert g.chat(question(), ONLY).status == 504
    upstream.answer = lambda call: call.stream(plain_stream())
    assert found_by(g.chat(STREAM, KEY)) == "miss"


FAILED = {"id": "resp_1", "object": "response", "created_at": 1, "status": "failed", "model": MINI, "output": [],
          "error": {"code": "server_error", "message": "no"}}


@pytest.mark.parametrize("path,body,answer", [
    ("chat/completions", STREAM, lambda call: call.stream([delta("x"), event({"error": {"message": "no"}}), DONE])),
    ("responses", {"model": MINI, "input": "x"}, lambda call: call.reply(200, FAILED)),
    ("responses", {"model": MINI, "input": "x", "stream": True},
     lambda call: call.stream([b"event: response.failed\n" + event({"type": "response.failed", "response": FAILED})]))],
    ids=["an event in a chat", "a response", "a response's events"])
def test_what_failed_under_a_good_status_gives_its_key_back(gateway, upstream, path, body, answer):
    g = gateway(KEEPING)
    upstream.answer = answer
    replies = [g.ask("POST", f"/v1/{path}", body, KEY) for _ in range(2)]
    assert [(r.status, found_by(r)) for r in replies] == [(200, "miss")] * 2 and len(upstream.calls) == 2


def test_nobody_joins_a_stream_that_has_said_that_it_failed(gateway, upstream):
    g = gateway(KEEPING)
    first = g.warm().chat(STREAM)
    call = upstream.next_call()
    call.stream_head()
    call.chunk(delta("x") + event({"error": {"message": "no"}}))
    head = first.head()
    head.stream.expect_past(b'"no"')
    second = g.warm().chat(STREAM)
    upstream.next_call().stream(plain_stream())
    assert found_by(second.reply()) == "miss"
    call.end()
    head.stream.rest_or_cut()


# ---- the file

def test_the_file_of_answers_may_be_taken_away_or_spoilt(kept, upstream):
    g = kept()
    first = g.chat(question())
    os.remove(g.database + ".cache")
    assert found_by(g.chat(question())) == "exact"
    g.chat(question("second"))
    eventually(lambda: os.path.exists(g.database + ".cache"), "a new file")
    g.stop()
    with open(g.database + ".cache", "r+b") as f:
        f.seek(3000)
        f.write(b"\xff" * 6000)
    g.start()
    for text in ("What is a farthing?", "second"):
        assert g.chat(question(text)).status == 200
    assert text_of(first)


def test_a_file_of_answers_that_cannot_be_opened_stops_nothing(kept, upstream):
    g = kept(start=False)
    os.makedirs(g.database + ".cache")
    g.start()
    assert [found_by(g.chat(question())) for _ in range(2)] == ["miss", "exact"]


# ---- idempotency keys

def test_a_key_is_of_one_request_on_one_endpoint(kept, upstream):
    g = kept()
    g.chat(question(), KEY)
    assert g.ask("POST", "/v1/completions", {"model": MINI, "prompt": "x"}, KEY).error["code"] == "idempotency_mismatch"
    assert g.chat(STREAM, KEY).error["code"] == "idempotency_mismatch"
    assert g.chat(question(model="gpt-4o"), KEY).error["code"] == "idempotency_mismatch"
    assert found_by(g.chat(question(user="someone else", metadata={"a": "b"}), KEY)) == "exact"
    assert g.chat(question(), [("Idempotency-Key", "a"), ("Idempotency-Key", "a")]).error["code"] == "ambiguous_headers"
    assert [found_by(g.chat(question(), {"Idempotency-Key": k})) for k in ("order 17 ", "Order 17")] == ["exact", "exact"]


def test_no_store_beside_a_key_joins_and_keeps_nothing(gateway, upstream):
    g = gateway(KEEPING)
    quiet = {**KEY, "Cache-Control": "no-store"}
    first = g.warm().chat(question(), quiet)
    call = upstream.next_call()
    second = g.warm().chat(question(), KEY)
    g.settle()
    call.reply(200, completion())
    assert [found_by(c.reply()) for c in (first, second)] == ["bypass", "coalesced"]
    upstream.answer = lambda call: call.reply(200, completion("new"))
    assert text_of(g.chat(question(), KEY)) == "new"


def test_a_key_of_who_was_refused_is_free(keyed, upstream):
    g, of = keyed(a=["--request-usd", "0.000001"])
    head = {**of["a"], **KEY}
    assert g.chat(question("x" * 4000), head).status in (400, 429)
    assert g.chat(question(max_tokens=1), head).status in (200, 400, 429)
    assert found_by(g.chat(question(max_tokens=1), head)) in ("exact", "miss")


def test_a_key_whose_asker_left_joins_its_repetition(gateway, upstream):
    g = gateway(merge(KEEPING, {"budget": {"on_disconnect": "drain"}}))
    c = g.warm().chat(question(), KEY)
    call = upstream.next_call()
    c.close()
    g.wait_ends(1)
    again = g.warm().chat(question(), KEY)
    g.settle()
    call.reply(200, completion())
    assert found_by(again.reply()) == "coalesced"
    upstream.assert_no_call()
