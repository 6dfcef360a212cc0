"""What an attempt is taken to have cost when its provider says it badly, late, or not at all.

SPDX-License-Identifier: Apache-2.0
"""
import json

import pytest

from farthing.wording import DONE, completion, cost, delta, question, usage

STRICT = {"budget": {"daily_usd": "1.00", "mode": "strict", "on_disconnect": "drain"}}


def held_of(g):
    row, = g.stop().attempts()
    return row, row["held_pico"]


def test_counts_in_the_middle_of_a_stream_are_not_its_bill(gateway, upstream):
    """Some providers count in every chunk. What they said last before the stream broke off is not what they bill."""
    g = gateway(STRICT)

    def play(call):
        call.stream_head()
        call.chunk(delta("A ", role="assistant", usage=usage(completion=1)))
        call.chunk(delta("quarter ", usage=usage(completion=2)))
        call.reset()
    upstream.answer = play
    reply = g.chat(question(stream=True, max_tokens=100))
    assert reply.status == 200
    row, held = held_of(g)
    assert (row["outcome"], row["basis"], row["cost_pico"]) == ("broken", "held", held)


def test_counts_behind_the_last_choice_are_the_bill_of_a_stream_that_breaks(gateway, upstream):
    g = gateway(STRICT)

    def play(call):
        call.stream_head()
        call.chunk(delta("A ", role="assistant", usage=usage(completion=1)))
        call.chunk(delta(finish="stop", usage=usage(completion=7)))
        call.reset()
    upstream.answer = play
    g.chat(question(stream=True, max_tokens=100))
    row, _ = held_of(g)
    assert (row["outcome"], row["basis"], row["cost_pico"]) == ("broken", "exact", cost())


@pytest.mark.parametrize("status", [201, 202, 203, 204, 206])
def test_another_success_than_200_may_have_been_billed(gateway, upstream, status):
    g = gateway(STRICT)
    upstream.answer = lambda call: call.reply(status, b"" if status == 204 else json.dumps(completion()).encode())
    assert g.chat(question(max_tokens=100)).status == 502
    row, held = held_of(g)
    assert (row["outcome"], row["basis"], row["cost_pico"]) == ("broken", "held", held)


@pytest.mark.parametrize("status", [302, 400, 401, 404, 429, 500, 503])
def test_a_refusal_costs_nothing(gateway, upstream, status):
    g = gateway({**STRICT, "upstreams": {"sim": {"attempts": 1}}})
    upstream.answer = lambda call: call.error(status)
    assert g.chat(question(max_tokens=100)).status >= 400
    row, _ = held_of(g)
    assert (row["outcome"], row["basis"], row["cost_pico"]) == ("refused", "none", 0)


def test_a_dearer_model_whose_name_begins_like_the_one_asked_has_its_own_price(gateway, upstream):
    g = gateway({"budget": {"daily_usd": "5.00", "request_usd": "5.00"}, "models": {"o1": {"upstream": "sim"}}})
    upstream.answer = lambda call: call.reply(200, completion(model="o1-pro"))
    assert g.chat(question(model="o1", max_tokens=100)).status == 200
    row, = g.stop().attempts()
    assert row["cost_pico"] == 11 * 150_000_000 + 7 * 600_000_000


def test_a_dated_name_of_the_model_asked_is_that_model(gateway, upstream):
    g = gateway(STRICT)
    upstream.answer = lambda call: call.reply(200, completion(model="gpt-4o-mini-2099-01-01"))
    assert g.chat(question(max_tokens=100)).status == 200
    assert g.stop().only()["cost_pico"] == cost()
    assert not g.entries("other_model")


def test_a_free_model_says_as_much_as_it_likes(gateway, upstream):
    """Nobody knows how much it may say, and nobody pays for it: a limit or a cut for a budget's sake would only harm."""
    g = gateway({**STRICT, "models": {"local": {"upstream": "sim", "free": True}}})
    upstream.answer = lambda call: call.stream([delta("word " * 10000, model="local"), delta(finish="stop"), DONE])
    reply = g.chat(question(model="local", stream=True))
    assert reply.status == 200 and reply.body.endswith(DONE)
    assert "max_tokens" not in upstream.calls[0].json() and "max_completion_tokens" not in upstream.calls[0].json()
    assert g.stop().only()["cost_pico"] == 0


def test_a_completion_without_a_limit_gets_the_sixteen_tokens_it_means(gateway, upstream):
    """Left out, max_tokens is 16 there: a limit that is sent for the budget's sake must not become a longer answer."""
    g = gateway({"budget": {"daily_usd": "1.00"}, "models": {"gpt-3.5-turbo-instruct": {"upstream": "sim"}}})
    text = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "gpt-3.5-turbo-instruct",
            "choices": [{"index": 0, "text": "x", "finish_reason": "length", "logprobs": None}], "usage": usage(5, 16)}
    upstream.answer = lambda call: call.reply(200, text)
    reply = g.ask("POST", "/v1/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": "Say"})
    assert reply.status == 200 and reply.header("x-farthing-clamped") is None
    assert upstream.calls[0].json()["max_tokens"] == 16


def test_an_answer_that_nobody_reads_is_not_asked_from_the_next_model(gateway, upstream):
    g = gateway({**STRICT, "models": {"gpt-4o-mini": {"upstream": "sim", "fallbacks": ["gpt-4o"]},
                                      "gpt-4o": {"upstream": "sim"}}})
    c = g.connect()
    c.chat(question(max_tokens=10))
    call = upstream.next_call()
    c.close()
    g.wait_line(lambda e: e["verb"] == "closed" and e["status"] == "499", "the client that left")
    call.error(401)
    upstream.assert_no_call(0.3)
    assert [a["outcome"] for a in g.stop().attempts()] == ["refused"]
