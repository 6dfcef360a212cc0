"""Answers that are known already: kept ones, what is kept and what never, who may have it and who may not, and a thousand
people who ask the same at once.

SPDX-License-Identifier: Apache-2.0
"""
import base64
import json
import struct
import threading

import pytest

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
        g = gateway({**KEEPING, **(config or {})}, **more)
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
