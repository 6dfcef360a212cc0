"""Answers that are known already: kept ones, what is kept and what never, who may have it and who may not, and a thousand
people who ask the same at once.

SPDX-License-Identifier: Apache-2.0
"""
import base64
import json
import struct
import threading

import pytest

from farthing.gateway import merge, run
from farthing.patience import LONG, eventually
from farthing.wording import DONE, MINI, completion, cost, delta, event, events_of, plain_stream, question, usage, usage_event, usd

KEEPING = {"cache": {"exact": True}, "dedup": {"window": "5m"}}
STREAM = question(stream=True)
TOLD = question(stream=True, stream_options={"include_usage": True})
SMALL = "text-embedding-3-small"


@pytest.fixture
def kept(gateway, upstream):
    """A gateway that keeps answers, before a provider whose every answer is another one."""
    def begin(config=None, **more):
        g = gateway(merge(KEEPING, config or {}), **more)
        told = iter(range(1, 10000))

        def answer(call):
            text = f"answer {next(told)}"
            if call.json().get("stream"):
                call.stream([delta("", role="assistant"), delta(text), delta(finish="stop"), usage_event(), DONE])
            else:
                call.reply(200, completion(text))
        upstream.answer = answer
        return g
    return begin


def text_of(reply):
    assert reply.status == 200, reply.body
    return reply.json()["choices"][0]["message"]["content"]


def spoken(reply):
    assert reply.status == 200
    events = events_of(reply.body)
    assert events[-1] == "[DONE]"
    return "".join(c["delta"].get("content") or "" for e in events[:-1] for c in e["choices"])


def found_by(reply):
    return reply.header("x-farthing-cache")


# ---- equal questions

def test_an_equal_question_is_answered_from_memory(kept, upstream):
    g = kept()
    first, second = g.chat(question()), g.chat(question())
    assert (found_by(first), found_by(second)) == ("miss", "exact")
    assert first.json() == second.json() and first.request_id != second.request_id
    assert second.header("x-farthing-cost-usd") == "0.00" and second.header("x-farthing-saved-usd") == usd(cost())
    assert second.header("age") == "0" and first.header("age") is None
    assert second.header("cache-control") == "no-store" and second.header("x-farthing-model") == MINI
    assert len(upstream.calls) == 1
    books = g.stop()
    row = books.request(second.request_id)
    assert (row["cache"], row["basis"], row["cost_pico"], row["saved_pico"]) == ("exact", "none", 0, cost())
    assert (row["answer_id"], row["model_served"], row["tier"]) == (first.request_id, MINI, "pinned")
    assert (row["input_tokens"], row["output_tokens"], row["status"], row["attempts"]) == (11, 7, 200, 0)


def test_what_shapes_no_answer_makes_no_difference(kept, upstream):
    g = kept()
    g.chat(question())
    for body in (question(user="u1", metadata={"a": "b"}, stream=False, stream_options=None),
                 dict(reversed(question(safety_identifier="x").items()))):
        assert found_by(g.chat(body)) == "exact"
    for body in (question(temperature=0.5), question("What is a farthing"), question(model="gpt-4o"), question(x_new=1)):
        assert found_by(g.chat(body)) == "miss"


def test_a_stream_and_a_whole_reply_share_an_entry(kept, upstream):
    g = kept()
    whole, stream, told = g.chat(question()), g.chat(STREAM), g.chat(TOLD)
    assert [found_by(r) for r in (whole, stream, told)] == ["miss", "exact", "exact"]
    assert spoken(stream) == spoken(told) == text_of(whole)
    assert stream.header("content-type").startswith("text/event-stream")
    assert [e["choices"][0]["delta"].get("role") for e in events_of(stream.body)[:1]] == ["assistant"]
    assert not any(e.get("usage") for e in events_of(stream.body)[:-1])
    [bill] = [e for e in events_of(told.body)[:-1] if e.get("usage")]
    assert bill["choices"] == [] and {k: bill["usage"][k] for k in usage()} == usage()
    assert (bill["usage"]["cost_usd"], bill["usage"]["saved_usd"]) == (0, float(usd(cost())))
    assert len(upstream.calls) == 1


def test_what_came_as_a_stream_is_given_whole(kept, upstream):
    g = kept()
    stream, whole, again = g.chat(STREAM), g.chat(question()), g.chat(STREAM)
    assert [found_by(r) for r in (stream, whole, again)] == ["miss", "exact", "exact"]
    assert text_of(whole) == spoken(stream) == spoken(again)
    assert whole.json()["object"] == "chat.completion" and whole.json()["choices"][0]["finish_reason"] == "stop"
    assert {k: whole.json()["usage"][k] for k in usage()} == usage()
    assert "cost_usd" not in whole.json()["usage"]


def test_a_long_stream_is_put_together_off_the_loop(kept, upstream):
    g = kept()
    words = [f"word{i:05d} " for i in range(2000)]
    upstream.answer = lambda call: call.stream(
        [delta("", role="assistant")] + [delta(w) for w in words] + [delta(finish="stop"), usage_event(), DONE])
    assert spoken(g.chat(STREAM)) == "".join(words)
    upstream.answer = lambda call: call.reply(500, {})
    reply = eventually(lambda: (r := g.chat(question(), {"Cache-Control": "only-if-cached"})).status == 200 and r, "it is kept")
    assert text_of(reply) == "".join(words)


@pytest.mark.parametrize("kept_as,asked_as", [("float", "base64"), ("base64", "float"), ("base64", "base64")])
def test_embeddings_are_kept_once_for_both_encodings(kept, upstream, kept_as, asked_as):
    g = kept()
    numbers = [0.5, -0.25, 1.0, 0.125]
    packed = base64.b64encode(struct.pack("<4f", *numbers)).decode()

    def answer(call):
        form = packed if call.json().get("encoding_format") == "base64" else numbers
        call.reply(200, {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": form}], "model": SMALL,
                         "usage": {"prompt_tokens": 3, "total_tokens": 3}})
    upstream.answer = answer
    ask = lambda form: g.ask("POST", "/v1/embeddings", {"model": SMALL, "input": "x", "encoding_format": form})
    first, second = ask(kept_as), ask(asked_as)
    assert (found_by(first), found_by(second), len(upstream.calls)) == ("miss", "exact", 1)
    [item] = second.json()["data"]
    found = item["embedding"]
    assert (list(struct.unpack("<4f", base64.b64decode(found))) if asked_as == "base64" else found) == numbers
    assert second.json()["usage"] == {"prompt_tokens": 3, "total_tokens": 3}


def test_completions_and_responses_are_kept_too(kept, upstream):
    g = kept()
    old = {"model": MINI, "prompt": "x"}
    upstream.answer = lambda call: call.reply(200, {
        "id": "cmpl-1", "object": "text_completion", "created": 1, "model": MINI, "usage": usage(),
        "choices": [{"index": 0, "text": "y", "finish_reason": "stop", "logprobs": None}]})
    assert [found_by(g.ask("POST", "/v1/completions", b)) for b in (old, old, {**old, "stream": True})] == ["miss", "exact", "exact"]
    new = {"model": MINI, "input": "x", "store": False}
    upstream.answer = lambda call: call.reply(200, {
        "id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "error": None, "model": MINI,
        "output": [{"type": "message", "id": "msg_1", "status": "completed", "role": "assistant",
                    "content": [{"type": "output_text", "text": "y", "annotations": []}]}],
        "usage": {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}})
    replies = [g.ask("POST", "/v1/responses", b) for b in (new, new, {**new, "stream": True})]
    assert [found_by(r) for r in replies] == ["miss", "exact", "exact"]
    events = events_of(replies[2].body)
    assert events[0]["type"] == "response.created" and events[-1]["type"] == "response.completed"
    assert events[-1]["response"]["usage"]["saved_usd"] == float(usd(cost()))
    stored = {"model": MINI, "input": "x"}
    assert [found_by(g.ask("POST", "/v1/responses", stored)) for _ in range(2)] == ["miss", "miss"], "the provider keeps state for each"


# ---- for how long, and for whom

def test_an_answer_is_kept_as_long_as_its_task_says(kept, upstream):
    g = kept({"dedup": {"window": "0s"}, "cache": {"ttl": "1h"}, "tasks": {"quick": {"cache": {"ttl": "1s"}}}})
    g.chat(question())
    quick = lambda: found_by(g.chat(question(), {"x-farthing-task": "quick"}))
    assert quick() == "exact"
    eventually(lambda: quick() == "miss", "it is too old for that task")
    assert quick() == "exact"
    assert found_by(g.chat(question(), {"Cache-Control": "max-age=0"})) == "miss"


def test_without_the_cache_what_was_just_answered_is_shared_for_the_window(kept, upstream):
    g = kept({"cache": {"exact": False}, "dedup": {"window": "2s"}})
    first, second = g.chat(question()), g.chat(question())
    assert [found_by(first), found_by(second)] == ["miss", "coalesced"] and text_of(first) == text_of(second)
    eventually(lambda: found_by(g.chat(question())) == "miss", "the window is over")
    row = g.stop().request(second.request_id)
    assert (row["cost_pico"], row["saved_pico"], row["answer_id"]) == (0, cost(), first.request_id)


def test_with_both_switched_off_nothing_is_kept(kept, upstream):
    g = kept({"cache": "off", "dedup": "off"})
    assert [found_by(g.chat(question())) for _ in range(2)] == ["miss", "miss"]
    assert g.chat(question(), {"Cache-Control": "only-if-cached"}).status == 504


def test_in_observe_mode_everything_is_asked(kept, upstream):
    g = kept({"mode": "observe"})
    assert [found_by(g.chat(question())) for _ in range(2)] == ["bypass", "bypass"]


def test_no_cache_asks_anew_and_its_answer_takes_the_old_ones_place(kept, upstream):
    g = kept()
    old = g.chat(question())
    new = g.chat(question(), {"Cache-Control": "no-cache"})
    after = g.chat(question())
    assert [found_by(r) for r in (old, new, after)] == ["miss", "bypass", "exact"]
    assert text_of(old) != text_of(new) == text_of(after)


def test_no_store_leaves_nothing_behind(kept, upstream):
    g = kept()
    only = {"Cache-Control": "only-if-cached"}
    assert found_by(g.chat(question(), {"Cache-Control": "no-store"})) == "bypass"
    assert g.chat(question(), only).status == 504
    first = g.chat(question())
    assert text_of(g.chat(question(), {"Cache-Control": "no-store"})) != text_of(first)
    assert text_of(g.chat(question(), only)) == text_of(first)


def test_only_if_cached_asks_nobody(kept, upstream):
    g = kept()
    for body in (question(), STREAM):
        reply = g.chat(body, {"Cache-Control": "only-if-cached"})
        assert (reply.status, reply.error["code"], reply.header("x-should-retry")) == (504, "not_cached", "false")
    assert not upstream.calls
    first = g.chat(question())
    assert text_of(g.chat(question(), {"Cache-Control": "max-age=60, only-if-cached"})) == text_of(first)
    assert g.chat(question(), {"Cache-Control": "max-age=0, only-if-cached"}).status == 504
    assert g.chat(question(), {"Cache-Control": "no-cache, only-if-cached"}).status == 504
    rows = g.stop().requests()
    assert [r["cost_pico"] for r in rows if r["status"] == 504] == [0] * 4 and len(upstream.calls) == 1


def test_only_if_cached_joins_what_is_being_asked(gateway, upstream):
    g = gateway(KEEPING)
    first = g.warm().chat(question())
    call = upstream.next_call()
    second = g.warm().chat(question(), {"Cache-Control": "only-if-cached"})
    g.settle()
    call.reply(200, completion())
    assert found_by(second.reply()) == "coalesced" and first.reply().status == 200


@pytest.mark.parametrize("value", ["max-age=x", "max-age", "max-age=-1", "max-age=1.5", 'max-age="', "no-cache, max-age="])
def test_a_max_age_that_is_no_number_is_refused(kept, upstream, value):
    reply = kept().chat(question(), {"Cache-Control": value})
    assert (reply.status, reply.error["code"], reply.error["param"]) == (400, "invalid_value", "cache-control")


@pytest.mark.parametrize("value,reads", [
    ("max-age = 60", True), ('MAX-AGE="60"', True), (",,max-age=99999999999999999999", True), ("min-fresh=9, stale-ok", True),
    ('x="no-cache, no-store"', True), ('x="a\\", no-cache", y', True), ("", True), ("Public;no-cache", True),
    ("no-cache", False), (" NO-STORE ,", False), ("a=b,no-cache=field", False), ("max-age=0", False), ("max-age=60,max-age=0", False)])
def test_cache_control_is_read_as_http_says(kept, value, reads):
    g = kept()
    g.chat(question())
    assert (found_by(g.chat(question(), {"Cache-Control": value})) == "exact") == reads


def test_cache_control_may_come_in_several_headers(kept, upstream):
    g = kept()
    g.chat(question())
    assert found_by(g.chat(question(), [("Cache-Control", "max-age=60"), ("Cache-Control", "no-cache")])) == "bypass"
    assert g.chat(question(), [("Cache-Control", "x")] * 5).status == 400


@pytest.mark.parametrize("value,status", [("0.9", 200), ("0", 200), ("1.0", 200), ("1.1", 400), ("-1", 400), ("nan", 400),
                                          ("0x1", 400), ("1e-1", 400), ("", 400), (".", 400)])
def test_a_similarity_is_a_number_from_0_to_1(kept, value, status):
    reply = kept().chat(question(), {"x-farthing-similarity": value})
    assert reply.status == status and (status == 200 or reply.error["param"] == "x-farthing-similarity")


# ---- what is never kept

NEVER = {
    "length": lambda call: call.reply(200, completion(finish="length")),
    "content filter": lambda call: call.reply(200, completion(finish="content_filter")),
    "refusal": lambda call: call.reply(200, completion(choices=[{
        "index": 0, "message": {"role": "assistant", "content": None, "refusal": "I'd rather not."}, "finish_reason": "stop"}])),
    "no finish": lambda call: call.reply(200, completion(finish=None)),
    "an error under 200": lambda call: call.reply(200, {"error": {"message": "x"}}),
    "no JSON": lambda call: call.reply(200, b"<html>"),
    "400": lambda call: call.error(400),
    "500": lambda call: call.error(500),
    "one of two choices": lambda call: call.reply(200, completion(choices=[
        {"index": i, "message": {"role": "assistant", "content": "x"}, "finish_reason": f}
        for i, f in enumerate(["stop", "length"])])),
}
NEVER_STREAMED = {
    "length": [delta("x"), delta(finish="length"), usage_event(), DONE],
    "content filter": [delta("x"), delta(finish="content_filter"), DONE],
    "no finish": [delta("x"), DONE],
    "an error": [delta("x"), event({"error": {"message": "no"}}), DONE],
    "no end": [delta("x")],
}


@pytest.mark.parametrize("answer", NEVER.values(), ids=NEVER.keys())
def test_what_did_not_end_well_is_never_kept(gateway, upstream, answer):
    g = gateway({**KEEPING, "upstreams": {"sim": {"attempts": 1}}})
    upstream.answer = answer
    for _ in range(2):
        assert found_by(g.chat(question())) == "miss"
    assert len(upstream.calls) == 2
    assert g.chat(STREAM, {"Cache-Control": "only-if-cached"}).status == 504


@pytest.mark.parametrize("events", NEVER_STREAMED.values(), ids=NEVER_STREAMED.keys())
def test_a_stream_that_did_not_end_well_is_never_kept(gateway, upstream, events):
    g = gateway({**KEEPING, "upstreams": {"sim": {"attempts": 1}}})
    upstream.answer = lambda call: call.stream(events)
    for _ in range(2):
        g.chat(STREAM).stream.rest_or_cut()
    assert len(upstream.calls) == 2
    assert g.chat(question(), {"Cache-Control": "only-if-cached"}).status == 504


def test_tool_calls_are_a_normal_end(kept, upstream):
    g = kept()
    made = [{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    upstream.answer = lambda call: call.reply(200, completion(choices=[{
        "index": 0, "message": {"role": "assistant", "content": None, "tool_calls": made}, "finish_reason": "tool_calls"}]))
    body = question(tools=[{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}])
    assert [found_by(g.chat(body)) for _ in range(2)] == ["miss", "exact"]
    [first, *_] = [e for e in events_of(g.chat({**body, "stream": True}).body)[:-1] if e["choices"][0]["delta"].get("tool_calls")]
    assert first["choices"][0]["delta"]["tool_calls"][0]["id"] == "call_1"


def test_an_answer_beyond_the_limit_is_not_kept_and_old_ones_make_room(kept, upstream):
    g = kept({"cache": {"max_entry": "4KiB", "max_size": "64KiB"}})
    upstream.answer = lambda call: call.reply(200, completion("x" * 5000))
    assert [found_by(g.chat(question())) for _ in range(2)] == ["miss", "miss"]
    upstream.answer = lambda call: call.reply(200, completion("x" * 3000))
    for i in range(40):
        g.chat(question(f"number {i}"))
    page = g.ask("GET", "/metrics").body.decode()
    value = lambda name: float(page.split(f"\n{name} ")[1].split("\n")[0])
    assert 0 < value("farthing_cache_bytes") <= 65536 and 10 <= value("farthing_cache_entries") <= 20
    assert value("farthing_cache_evictions_total") == 40 - value("farthing_cache_entries")
    assert found_by(g.chat(question("number 39"))) == "exact" and found_by(g.chat(question("number 0"))) == "miss"


# ---- isolation

@pytest.fixture
def keyed(kept, tmp_path):
    """begin(config, name=[options of `keys add`], ...) gives (gateway, {name: headers})."""
    def begin(config=None, **names):
        g = kept(config, start=False)
        g.write_config()
        found = {}
        for name, options in names.items():
            done = run("keys", "add", name, *options, "-c", g.config_path)
            assert done.returncode == 0, done.stderr
            found[name] = {"Authorization": f"Bearer {done.stdout.strip()}"}
        return g.start(), found
    return begin


def test_two_keys_never_share_an_answer_or_a_wait(keyed, upstream):                             # C46
    g, of = keyed(a=[], b=[])
    first, second, third = g.chat(question(), of["a"]), g.chat(question(), of["b"]), g.chat(question(), of["b"])
    assert [found_by(r) for r in (first, second, third)] == ["miss", "miss", "exact"]
    assert text_of(first) != text_of(second) == text_of(third)
    assert g.chat(question("Another"), {**of["a"], "Cache-Control": "only-if-cached"}).status == 504
    upstream.answer = None
    waits = [g.warm().chat(question("Another"), of[name]) for name in "ab"]
    for call in [upstream.next_call() for _ in waits]:
        call.reply(200, completion())
    assert [found_by(c.reply()) for c in waits] == ["miss", "miss"]


def test_an_idempotency_key_is_of_one_account(keyed, upstream):
    g, of = keyed(a=[], b=[])
    asked = [g.chat(question(name), {**of[name], "Idempotency-Key": "k"}) for name in "ab"]
    assert [found_by(r) for r in asked] == ["miss", "miss"]


def test_keys_of_a_project_share_where_the_configuration_says_so(keyed, upstream):
    g, of = keyed({"cache": {"scope": "project"}, "tasks": {"private": {"cache": {"scope": "key"}}}},
                  a=["--project", "shop"], b=["--project", "shop"], c=["--project", "bank"], d=[], shop=[])
    assert [found_by(g.chat(question(), of[name])) for name in "abcda"] == ["miss", "exact", "miss", "miss", "exact"]
    assert found_by(g.chat(question(), of["shop"])) == "miss", "a key is no project, whatever its name"
    for how in ({"headers": {"x-farthing-task": "private"}}, {"body": {"metadata": {"task_type": "private"}}}):
        ask = lambda name: g.chat(question("mine", **how.get("body", {})), {**of[name], **how.get("headers", {})})
        assert [found_by(ask(name)) for name in "ab"] == (["miss"] * 2 if "headers" in how else ["exact"] * 2)
    rows = [r for r in g.stop().requests() if r["cache"] == "exact" and r["account"] == "b"]
    assert rows[0]["project"] == "shop" and rows[0]["saved_pico"] == cost()


def test_a_key_that_may_not_ask_for_the_model_gets_no_kept_answer_either(keyed, upstream):
    g, of = keyed({"cache": {"scope": "project"}}, a=["--project", "p"], b=["--project", "p", "--models", "gpt-4o"])
    g.chat(question(), of["a"])
    assert g.chat(question(), of["b"]).error["code"] == "model_not_allowed"


def test_a_spent_budget_does_not_keep_from_free_answers(keyed, upstream):
    g, of = keyed({"budget": {"min_output_tokens": 1}}, a=["--daily-usd", usd(cost())])
    body = question(max_tokens=7)
    assert found_by(g.chat(body, of["a"])) == "miss"
    refused = g.chat(question("another", max_tokens=7), of["a"])
    assert (refused.status, refused.error["code"]) == (429, "insufficient_quota")
    reply = g.chat(body, of["a"])
    assert (found_by(reply), reply.header("x-farthing-cost-usd")) == ("exact", "0.00")
    assert reply.header("x-farthing-budget-remaining-usd") == "0.00"


# ---- across a restart

def test_a_restart_is_warm(kept, upstream):
    g = kept()
    first, told = g.chat(question()), g.chat(question("with a key"), {"Idempotency-Key": "k"})
    g.stop()
    assert g.start().chat(STREAM).header("x-farthing-cache") == "exact"
    again = g.chat(question())
    assert (found_by(again), again.body) == ("exact", first.body)
    assert g.chat(question("with a key"), {"Idempotency-Key": "k"}).body == told.body
    assert g.chat(question("other"), {"Idempotency-Key": "k"}).error["code"] == "idempotency_mismatch"
    assert len(upstream.calls) == 2
    row = g.stop().request(again.request_id)
    assert (row["answer_id"], row["saved_pico"], row["model_served"]) == (first.request_id, cost(), MINI)


# ---- idempotency keys

KEY = {"Idempotency-Key": "order 17"}


def test_a_repeated_key_joins_what_is_being_asked_even_where_nothing_is_shared(gateway, upstream):     # C47
    g = gateway({"cache": "off", "dedup": "off"})
    clients = [g.warm().chat(STREAM, {**KEY, "Cache-Control": "no-cache"})]
    call = upstream.next_call()
    clients += [g.warm().chat(STREAM, KEY), g.warm().chat(STREAM, KEY)]
    other = g.warm().chat(question("other"), KEY).reply()
    assert (other.status, other.error["code"], other.header("x-should-retry")) == (409, "idempotency_mismatch", "false")
    g.settle()
    call.stream(plain_stream())
    replies = [c.reply() for c in clients]
    assert {r.body for r in replies} == {replies[0].body} and len({r.request_id for r in replies}) == 3
    assert [found_by(r) for r in replies] == ["bypass", "coalesced", "coalesced"]
    upstream.assert_no_call()
    assert [r["cost_pico"] for r in g.stop().requests() if r["status"] == 200] in ([cost(), 0, 0], [0, cost(), 0], [0, 0, cost()])


@pytest.mark.parametrize("finish", ["stop", "length"])
@pytest.mark.parametrize("body", [question(), STREAM, TOLD], ids=["whole", "stream", "told"])
def test_a_repeated_key_gets_the_same_reply_to_the_byte(kept, upstream, body, finish):
    g = kept({"cache": "off", "dedup": "off"})
    events = [delta("x"), b": a comment\n\n", delta(finish=finish), usage_event(), DONE]
    upstream.answer = lambda call: call.stream(events) if call.json().get("stream") else call.reply(200, completion(finish=finish))
    first, second = g.chat(body, KEY), g.chat(body, {**KEY, "Cache-Control": "no-cache"})
    assert first.body == second.body and first.request_id != second.request_id
    assert (found_by(second), second.header("x-farthing-cost-usd"), len(upstream.calls)) == ("exact", "0.00", 1)
    assert g.chat({**body, "temperature": 1}, KEY).error["code"] == "idempotency_mismatch"
    assert found_by(g.chat(body)) == "miss", "without the key it is a question like any other"
    row = g.stop().request(second.request_id)
    assert (row["cost_pico"], row["saved_pico"], row["answer_id"]) == (0, cost(), first.request_id)


def test_a_key_that_met_a_kept_answer_keeps_to_it(kept, upstream):
    g = kept({"cache": {"ttl": "1s"}, "dedup": {"window": "0s"}})
    g.chat(question())
    first = g.chat(TOLD, KEY)
    assert found_by(first) == "exact"
    eventually(lambda: found_by(g.chat(question())) == "miss", "it is too old")
    assert g.chat(TOLD, KEY).body == first.body


def test_a_key_that_joined_keeps_to_what_it_joined(gateway, upstream):
    g = gateway(KEEPING)
    first = g.warm().chat(question())
    call = upstream.next_call()
    second = g.warm().chat(question(), KEY)
    third = g.warm().chat(question("other"), KEY).reply()
    assert third.error["code"] == "idempotency_mismatch"
    call.reply(200, completion())
    assert first.reply().body == second.reply().body
    assert g.chat(question("other"), KEY).status == 409


def test_a_failed_request_gives_its_key_back(gateway, upstream):
    g = gateway({**KEEPING, "upstreams": {"sim": {"attempts": 1}}})
    upstream.script(lambda call: call.error(400), lambda call: call.reply(200, completion()))
    assert g.chat(question(), KEY).status == 400
    assert found_by(g.chat(question("something else"), KEY)) == "miss"


def test_no_store_keeps_no_reply_for_a_key(kept, upstream):
    g = kept()
    quiet = {**KEY, "Cache-Control": "no-store"}
    assert [found_by(g.chat(question(), quiet)) for _ in range(2)] == ["bypass", "bypass"]


@pytest.mark.parametrize("key,status", [("", 400), ("a" * 255, 200), ("a" * 256, 400), ("\xe4", 400), ("a b~!", 200)])
def test_an_idempotency_key_is_short_and_printable(kept, key, status):
    reply = kept().chat(question(), {"Idempotency-Key": key})
    assert reply.status == status and (status == 200 or reply.error["code"] in ("invalid_value", "invalid_header"))


# ---- many at once

def test_a_failing_answer_releases_all_and_nobody_joins_it_afterwards(gateway, upstream):
    g = gateway({**KEEPING, "upstreams": {"sim": {"attempts": 1}}})
    clients = [g.warm().chat(question())]
    call = upstream.next_call()
    clients += [g.warm().chat(question()) for _ in range(5)]
    g.settle()
    call.error(400, "the provider's own words")
    replies = [c.reply() for c in clients]
    assert {(r.status, r.error["message"]) for r in replies} == {(400, "the provider's own words")}
    after = g.warm().chat(question())
    upstream.next_call().reply(200, completion())
    assert found_by(after.reply()) == "miss"


@pytest.mark.parametrize("body,leaves", [(question(), False), (question(), True), (STREAM, False), (STREAM, True)],
                         ids=["whole", "whole, first leaves", "stream", "stream, first leaves"])
def test_a_thousand_equal_questions_are_one_call(gateway, upstream, body, leaves):
    g = gateway(merge(KEEPING, {"limits": {"concurrent": 2000, "per_loopback": 2000, "connections": 2100}}))
    first = g.warm().chat(body)
    call = upstream.next_call()
    others = [g.connect() for _ in range(999)]
    for c in others:
        c.chat(body)
    g.settle()
    page = lambda: g.ask("GET", "/metrics").body.decode()
    eventually(lambda: "\nfarthing_requests_in_flight 1000\n" in page(), "all of them are waiting")
    if leaves:
        first.close()
        g.wait_ends(1)
    events = plain_stream()
    if body.get("stream"):
        call.stream(events)
    else:
        call.reply(200, completion())
    replies = [c.reply() for c in others]
    want = b"".join(e for e in events if b'"choices": []' not in e) if body.get("stream") else json.dumps(completion()).encode()
    assert {(r.status, r.body) for r in replies} == {(200, want)}
    assert {found_by(r) for r in replies} == {"coalesced"} and len({r.request_id for r in replies}) == 999
    if not leaves:
        assert first.reply().body == want
    assert len(upstream.calls) == 1
    late = g.chat(body)
    assert found_by(late) == "exact" and (late.body == want or body.get("stream"))
    rows = g.stop().requests()
    assert len(rows) == 1001 and sum(r["cost_pico"] for r in rows) == cost()
    assert sum(r["saved_pico"] or 0 for r in rows) == 1000 * cost()


def test_a_retry_of_the_sdk_joins_the_call_that_still_runs(gateway, upstream):
    openai = pytest.importorskip("openai")
    g = gateway(merge(KEEPING, {"budget": {"on_disconnect": "drain"}}))
    client = openai.OpenAI(api_key="x", base_url=f"http://127.0.0.1:{g.port}/v1", timeout=1.0, max_retries=2)
    done = []
    thread = threading.Thread(target=lambda: done.append(client.chat.completions.create(**question())))
    thread.start()
    call = upstream.next_call()
    g.wait_ends(1)                     # the first try has given up
    eventually(lambda: g.ask("GET", "/metrics").body.decode().count("\nfarthing_requests_in_flight 1\n"), "the second one is there")
    call.reply(200, completion())
    thread.join(LONG)
    assert done[0].choices[0].message.content == "A quarter of a penny."
    upstream.assert_no_call()
    rows = g.stop().requests()
    assert sum(r["cost_pico"] for r in rows) == cost() and rows[-1]["cache"] in ("coalesced", "exact")
