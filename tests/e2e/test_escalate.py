"""Escalation from outside: a cheap answer that fails its check is asked again of the dear model before its client sees it,
once, under the same limits, and never at the price of an answer. The provider says what the test tells it to.

SPDX-License-Identifier: Apache-2.0
"""
import json
import signal
import threading

import pytest

from farthing.gateway import merge, run
from farthing.money import WIDE, crowd, held, keyed, limits, metric, pico, wait_held
from farthing.patience import HANG_UP, LONG, eventually
from farthing.wording import (DONE, INPUT_PICO, MINI, OUTPUT_PICO, billed, completion, cost, delta, event, events_of,
                              plain_stream, question, shown, stream_error, usage, usage_event, usd)

DEAR = "gpt-4o"
DEAR_INPUT, DEAR_OUTPUT = 2_500_000, 10_000_000     # pico-dollars per token
TOKENS = 13     # of question(), as the gateway counts them for either model
SORRY = "I'm sorry, but I can't help with that request."
JSON = {"response_format": {"type": "json_object"}}
BROKEN, GOOD = '{"title": "A quarter', '{"title": "A quarter of a penny"}'


def auto(text="What is a farthing?", **more):
    return question(text, model="auto", **more)


ASK = auto("What is a farthing? Answer in JSON.", **JSON)


def dear_cost(prompt=11, completion=7):
    return prompt * DEAR_INPUT + completion * DEAR_OUTPUT


BOTH = cost() + dear_cost()


def routed(gateway, config=None, start=True, **escalate):
    """A gateway whose router chooses the cheap model for all of these tests, and learns nothing from them."""
    own = {"routing": {"tiers": {"simple": MINI, "moderate": MINI, "complex": DEAR}, "tasks": {"default": "simple"},
                       "learn": False, "explore": 0, "session": 0, "escalate": escalate}}
    return gateway(merge(own, config or {}), start=start)


def cheap(text=BROKEN, **more):
    return lambda call: call.reply(200, completion(text, **more))


def dear(text=GOOD, **more):
    return lambda call: call.reply(200, completion(text, model="gpt-4o-2024-08-06", **more))


def models(upstream):
    return [call.json()["model"] for call in upstream.calls]


def whys(books):
    return [row["why"] for row in books.attempts()]


def adds_up(books):
    """What was spent is the sum of the attempts, request by request."""
    rows = books.attempts()
    assert books.spent() == sum(r["cost_pico"] for r in rows)
    for request in books.requests():
        assert request["cost_pico"] == sum(r["cost_pico"] for r in books.attempts(request["id"])), request
    return books


def escalations(g, check, result):
    return int(metric(g, f'farthing_escalations_total{{check="{check}",result="{result}"}}'))


# ---- what is asked again

def test_broken_json_is_asked_again_of_the_dear_model_before_the_client_sees_it(gateway, upstream):
    upstream.script(cheap(), dear())
    g = routed(gateway)
    reply = g.chat(ASK)
    assert reply.status == 200 and reply.json() == completion(GOOD, model="gpt-4o-2024-08-06")
    assert models(upstream) == [MINI, DEAR]
    first, second = (call.json() for call in upstream.calls)
    assert {**first, "model": DEAR} == second == {**ASK, "model": DEAR}, "asked again as it was asked"
    assert reply.header("x-farthing-escalated") == "json"
    assert reply.header("x-farthing-model") == "gpt-4o-2024-08-06"
    assert pico(reply.header("x-farthing-cost-usd")) == BOTH
    assert escalations(g, "json", "met") == 1
    row = g.row(reply.request_id)
    assert (row["attempts"], row["cost_pico"], row["basis"], row["model_served"]) == (2, BOTH, "exact", "gpt-4o-2024-08-06")
    books = adds_up(g.stop())
    assert [(r["model"], r["outcome"], r["basis"], r["cost_pico"], r["why"]) for r in books.attempts()] == [
        (MINI, "ok", "exact", cost(), "failed its check: json"), (DEAR, "ok", "exact", dear_cost(), "served")]


def test_explain_names_the_check_that_failed(gateway, upstream):
    upstream.script(cheap(), dear(), cheap(GOOD))
    g = routed(gateway)
    failed, passed = g.chat(ASK), g.chat(auto("Another question, in JSON.", **JSON))
    g.stop()
    def told(reply, *form):
        return run("explain", "--id", reply.request_id, "--db", g.database, *form).stdout
    assert "the cheap answer failed its check (json), and the dear model was asked" in told(failed)
    assert json.loads(told(failed, "--json"))["escalated"] == "json"
    assert json.loads(told(passed, "--json"))["escalated"] is None and "failed its check" not in told(passed)


def test_an_answer_that_passes_is_delivered_as_it_came(gateway, upstream):
    upstream.answer = cheap(GOOD)
    g = routed(gateway)
    reply = g.chat(ASK)
    assert reply.json() == completion(GOOD) and len(upstream.calls) == 1
    assert reply.header("x-farthing-escalated") is None and reply.header("x-farthing-model") == MINI
    assert whys(adds_up(g.stop())) == ["served"]


SCHEMA = {"type": "object", "properties": {"cents": {"type": "integer"}}, "required": ["cents"],
          "additionalProperties": False}
FORMAT = {"type": "json_schema", "json_schema": {"name": "price", "strict": True, "schema": SCHEMA}}


@pytest.mark.parametrize("check,body,bad,more", [
    ("schema", auto(response_format=FORMAT), '{"cents": "three"}', {}),
    ("cut", auto(), "A quarter of a", {"finish": "length"}),
    ("refusal", auto(), SORRY, {}),
])
def test_each_check_has_its_name(gateway, upstream, check, body, bad, more):
    good = '{"cents": 3}' if check == "schema" else "A quarter of a penny."
    upstream.script(cheap(bad, **more), dear(good))
    g = routed(gateway)
    reply = g.chat(body)
    assert reply.header("x-farthing-escalated") == check
    assert reply.json()["choices"][0]["message"]["content"] == good
    assert whys(adds_up(g.stop())) == [f"failed its check: {check}", "served"]


def test_other_endpoints_are_judged_too(gateway, upstream):
    def response(text, model):
        return {"id": "resp_1", "object": "response", "created_at": 1700000000, "status": "completed", "model": model,
                "output": [{"type": "message", "id": "msg_1", "status": "completed", "role": "assistant",
                            "content": [{"type": "output_text", "text": text, "annotations": []}]}],
                "usage": {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}}
    upstream.script(lambda call: call.reply(200, response(SORRY, MINI)),
                    lambda call: call.reply(200, response("A quarter of a penny.", DEAR)))
    g = routed(gateway)
    reply = g.ask("POST", "/v1/responses", {"model": "auto", "input": "What is a farthing?", "store": False})
    assert reply.json() == response("A quarter of a penny.", DEAR)
    assert reply.header("x-farthing-escalated") == "refusal" and models(upstream) == [MINI, DEAR]
    assert adds_up(g.stop()).only()["cost_pico"] == BOTH


@pytest.mark.parametrize("config,body,bad", [
    ({}, question("What is a farthing? Answer in JSON.", **JSON), BROKEN),
    ({"routing": {"escalate": {"on": False}}}, ASK, BROKEN),
    ({"routing": {"escalate": {"checks": {"json": False}}}}, ASK, BROKEN),
    ({"routing": {"tasks": {"default": "complex"}}}, ASK, BROKEN),
    ({"mode": "observe"}, question("What is a farthing? Answer in JSON.", **JSON), BROKEN),
], ids=["pinned", "off", "check_off", "dear_already", "observe"])
def test_what_is_not_to_be_escalated_is_not(gateway, upstream, config, body, bad):
    upstream.answer = cheap(bad)
    g = routed(gateway, config)
    reply = g.chat(body)
    assert reply.json() == completion(bad) and len(upstream.calls) == 1
    assert reply.header("x-farthing-escalated") is None
    adds_up(g.stop())


def test_who_wants_it_cheap_gets_it_cheap(gateway, upstream):
    upstream.answer = cheap()
    g = routed(gateway)
    assert g.chat(ASK, [("x-farthing-route", "cheap")]).json() == completion(BROKEN) and len(upstream.calls) == 1


def test_a_key_that_may_not_use_the_dear_model_never_does(gateway, upstream):
    upstream.answer = lambda call: (dear() if call.json()["model"] == DEAR else cheap())(call)
    g, keys = keyed(lambda config, start: routed(gateway, config, start), limits(),
                    {"narrow": ["--models", f"auto,{MINI}"], "wide": []})
    assert g.chat(ASK, keys["narrow"]).json() == completion(BROKEN) and models(upstream) == [MINI]
    assert g.chat(ASK, keys["wide"]).header("x-farthing-escalated") == "json"
    adds_up(g.stop())


def test_several_choices_are_left_to_who_asked_for_them(gateway, upstream):
    upstream.answer = cheap()
    g = routed(gateway)
    assert g.chat({**ASK, "n": 2}).json() == completion(BROKEN) and len(upstream.calls) == 1


def test_a_call_of_a_tool_is_no_broken_json(gateway, upstream):
    called = completion(None)
    called["choices"][0]["message"]["tool_calls"] = [
        {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}]
    called["choices"][0]["finish_reason"] = "tool_calls"
    tools = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
    upstream.answer = lambda call: call.reply(200, called)
    g = routed(gateway)
    assert g.chat({**ASK, "tools": tools}).json() == called and len(upstream.calls) == 1


# ---- limits

def test_a_limit_that_cut_the_cheap_answer_would_cut_the_dear_one(gateway, upstream):
    upstream.answer = cheap("A quarter of a", finish="length")   # of seven tokens, as the provider says
    g = routed(gateway)
    reply = g.chat(auto(max_tokens=7))
    assert reply.json() == completion("A quarter of a", finish="length") and len(upstream.calls) == 1
    assert g.chat(auto(max_tokens=8)).status == 200 and models(upstream) == [MINI, MINI, DEAR]


def test_a_large_body_is_held_for_as_it_was_counted(gateway, upstream):
    """Counted off the loop for both models: the second hold is its bound, and not a whole context."""
    upstream.script(cheap(SORRY, usage=usage(3600, 20)), dear("A quarter of a penny.", usage=usage(3600, 20)))
    g = routed(gateway, limits(request_usd="0.05"))
    reply = g.chat(auto("What is a farthing? " * 600, max_tokens=100))
    assert reply.header("x-farthing-escalated") == "refusal"
    first, second = adds_up(g.stop()).attempts()
    tokens = (first["held_pico"] - 100 * OUTPUT_PICO) // INPUT_PICO
    assert 3600 < tokens < 3700 and second["held_pico"] == tokens * DEAR_INPUT + 100 * DEAR_OUTPUT


@pytest.mark.parametrize("short", [0, 1], ids=["fits", "does_not"])
def test_all_attempts_of_a_request_stay_within_its_limit_to_the_pico_dollar(gateway, upstream, short):      # G12
    room = cost(TOKENS, 20) + TOKENS * DEAR_INPUT + 20 * DEAR_OUTPUT - short
    upstream.script(cheap(SORRY, usage=usage(TOKENS, 20)), dear("A quarter of a penny.", usage=usage(TOKENS, 20)))
    g = routed(gateway, limits(request_usd=room, min_output_tokens=1))
    reply = g.chat(auto(max_tokens=100))
    assert reply.status == 200
    books = adds_up(g.stop())
    if short:
        assert reply.json() == completion(SORRY, usage=usage(TOKENS, 20)), "the cheap answer as it was"
        assert reply.header("x-farthing-escalated") is None and reply.header("x-farthing-model") == MINI
        assert models(upstream) == [MINI] and books.spent() == cost(TOKENS, 20)
    else:
        assert upstream.calls[1].json()["max_tokens"] == 20, "as much as the limit leaves"
        assert reply.header("x-farthing-clamped") == "20" and reply.header("x-farthing-escalated") == "refusal"
        assert books.spent() == room


def test_a_daily_limit_holds_for_the_second_attempt_too(gateway, upstream):
    upstream.script(cheap(), dear())
    g = routed(gateway, limits(daily_usd=150_000_000))
    reply = g.chat({**ASK, "max_tokens": 200})
    assert reply.json() == completion(BROKEN) and reply.header("x-farthing-cost-usd") == usd(cost())
    assert escalations(g, "json", "declined") == 1 and models(upstream) == [MINI]
    assert held(g) == 0
    adds_up(g.stop())


def test_nobody_waits_for_money_with_an_answer_in_hand(gateway, upstream):
    """The first answer is there; what others hold may be free again in a minute, and the client does not wait that long."""
    g = routed(gateway, limits(daily_usd=cost() + 200 * OUTPUT_PICO + 13 * INPUT_PICO + 1_500_000_000, wait="1m"))
    other = g.warm().chat(question("What is a penny?", model=DEAR, max_tokens=140), [("x-farthing-route", "off")])
    call = upstream.next_call()
    upstream.script(cheap(SORRY))
    assert g.chat(auto(max_tokens=100)).json() == completion(SORRY)
    assert escalations(g, "refusal", "declined") == 1
    dear("A hundredth of a pound.")(call)
    assert other.reply().status == 200
    adds_up(g.stop())


def test_when_hardly_any_time_is_left_the_cheap_answer_is_delivered(gateway, upstream):
    upstream.answer = cheap()
    g = routed(gateway, {"limits": {"total_timeout": "4s"}})
    assert g.chat(ASK).json() == completion(BROKEN) and len(upstream.calls) == 1
    assert escalations(g, "json", "declined") == 1


# ---- the dear model cannot help

@pytest.mark.parametrize("play", [
    lambda call: call.error(500), lambda call: call.error(429, headers={"Retry-After": "1"}),
    lambda call: call.error(400), lambda call: call.error(401), lambda call: call.reply(200, b"not json"),
    lambda call: call.close(), lambda call: (call.head(200, {"Content-Type": "application/json"}, length=500), call.reset()),
], ids=["500", "429", "400", "401", "garbage", "no_answer", "broken_off"])
def test_an_answer_is_never_lost_by_asking_for_a_better_one(gateway, upstream, play):
    upstream.script(cheap(), play)
    g = routed(gateway)
    reply = g.chat(ASK)
    assert reply.status == 200 and reply.json() == completion(BROKEN), "the cheap answer, as it was"
    assert models(upstream) == [MINI, DEAR], "once, without retries"
    assert reply.header("x-farthing-model") == MINI and reply.header("x-farthing-escalated") == "json"
    assert escalations(g, "json", "lost") == 1
    row = g.row(reply.request_id)
    assert (row["model_served"], row["input_tokens"], row["output_tokens"], row["attempts"]) == (MINI, 11, 7, 2)
    books = adds_up(g.stop())
    assert pico(reply.header("x-farthing-cost-usd")) == books.spent() == row["cost_pico"] >= cost()
    assert whys(books)[0] == "failed its check: json"


@pytest.mark.parametrize("said", [
    completion(GOOD, choices=[]), completion(GOOD, choices=None), completion(GOOD, choices=[{}]), completion(GOOD, choices=[7]),
    {"error": {"message": "overloaded", "type": "server_error"}, "choices": []}, {"detail": "overloaded"},
], ids=["no_choices", "null", "empty", "number", "error", "other"])
def test_a_success_that_says_nothing_is_no_better_answer(gateway, upstream, said):
    """Providers and proxies before them have failures with the status 200."""
    upstream.script(cheap(), lambda call: call.reply(200, said))
    g = routed(gateway)
    reply = g.chat(ASK)
    assert reply.json() == completion(BROKEN) and models(upstream) == [MINI, DEAR]
    assert escalations(g, "json", "lost") == 1
    books = adds_up(g.stop())
    assert [r["outcome"] for r in books.attempts()] == ["ok", "broken"]


def test_a_response_that_failed_is_no_better_answer(gateway, upstream):
    def response(text, status="completed", model=MINI):
        return {"id": "resp_1", "object": "response", "created_at": 1700000000, "status": status, "model": model,
                "output": [{"type": "message", "id": "msg_1", "status": "completed", "role": "assistant",
                            "content": [{"type": "output_text", "text": text, "annotations": []}]}] if text else [],
                "usage": {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}}
    upstream.script(lambda call: call.reply(200, response(SORRY)),
                    lambda call: call.reply(200, response("", "failed", DEAR)))
    g = routed(gateway)
    reply = g.ask("POST", "/v1/responses", {"model": "auto", "input": "What is a farthing?", "store": False})
    assert reply.json() == response(SORRY) and reply.header("x-farthing-model") == MINI
    assert escalations(g, "refusal", "lost") == 1
    assert adds_up(g.stop()).only()["cost_pico"] == BOTH, "what it said was used is paid"


@pytest.mark.parametrize("events", [[event({"error": {"message": "overloaded", "type": "server_error"}}), DONE], [DONE]],
                         ids=["error", "nothing"])
def test_a_stream_that_says_nothing_is_no_better_answer(gateway, upstream, events):
    def streamed(*events):
        def play(call):
            call.head(200, {"Content-Type": "text/event-stream"})
            for e in events:
                call.send(e)
            call.end()
        return play
    bad = [delta("", role="assistant"), delta(SORRY), delta(finish="stop"), usage_event(), DONE]
    upstream.script(streamed(*bad), streamed(*events))
    g = routed(gateway, streams=True)
    reply = g.chat(auto(stream=True))
    assert reply.body == b"".join(shown(bad)) and models(upstream) == [MINI, DEAR]
    assert escalations(g, "refusal", "lost") == 1
    adds_up(g.stop())


def test_a_provider_that_is_down_loses_no_answer(gateway, upstream, upstreams):
    other = upstreams()
    other.stop_listening()
    upstream.answer = cheap()
    g = routed(gateway, {"upstreams": {"other": {"base_url": other.url}}, "models": {DEAR: {"upstream": "other"}}})
    for _ in range(8):  # the circuit opens meanwhile
        assert g.chat(ASK).json() == completion(BROKEN)
    adds_up(g.stop())


def test_the_dear_answer_is_delivered_even_when_it_fails_its_check(gateway, upstream):
    upstream.script(cheap(), dear("No JSON either."))
    g = routed(gateway)
    reply = g.chat(ASK)
    assert reply.json() == completion("No JSON either.", model="gpt-4o-2024-08-06") and len(upstream.calls) == 2
    assert reply.header("x-farthing-escalated") == "json" and escalations(g, "json", "unmet") == 1
    assert adds_up(g.stop()).spent() == BOTH


def test_a_missing_usage_is_estimated_for_each_attempt(gateway, upstream):
    upstream.script(cheap(usage=...), dear(usage=...))
    g = routed(gateway, limits(request_usd="1"))
    reply = g.chat({**ASK, "max_tokens": 100})
    row = g.row(reply.request_id)
    assert reply.json()["choices"][0]["message"]["content"] == GOOD and row["cost_pico"] > 0
    rows = adds_up(g.stop()).attempts()
    assert all(r["basis"] in ("estimated", "held") and 0 < r["cost_pico"] <= r["held_pico"] for r in rows)


def test_the_cheap_model_is_retried_and_falls_back_as_ever_before_it_is_judged(gateway, upstream):
    spare = {"upstream": "sim", "input_usd": 1, "output_usd": 2}
    upstream.script(lambda call: call.error(500), lambda call: call.error(500), cheap(model="spare"), dear())
    g = routed(gateway, {"models": {MINI: {"fallbacks": ["spare"]}, "spare": spare}})
    reply = g.chat(ASK)
    assert reply.json()["choices"][0]["message"]["content"] == GOOD
    assert models(upstream) == [MINI, MINI, "spare", DEAR]
    assert adds_up(g.stop()).only()["attempts"] == 4


def test_a_fallback_that_is_the_dear_model_is_not_asked_again(gateway, upstream):
    upstream.script(lambda call: call.error(500), lambda call: call.error(500), dear(BROKEN))
    g = routed(gateway, {"models": {MINI: {"fallbacks": [DEAR]}}})
    assert g.chat(ASK).json()["choices"][0]["message"]["content"] == BROKEN
    assert models(upstream) == [MINI, MINI, DEAR]


# ---- clients that come and go

def between(g, upstream, body=ASK, headers=()):
    """A client whose cheap answer has failed, while the dear model is being asked: (client, call)."""
    upstream.script(cheap())
    c = g.warm().chat(body, headers)
    call = upstream.next_call()
    assert call.json()["model"] == DEAR
    return c, call


def test_a_client_that_leaves_between_the_attempts_ends_the_second(gateway, upstream):
    g = routed(gateway)
    c, call = between(g, upstream)
    c.reset()
    call.wait_hang_up(HANG_UP)
    books = adds_up(g.stop())
    row = books.only()
    assert (row["status"], row["attempts"], row["basis"]) == (499, 2, "held")
    assert [r["outcome"] for r in books.attempts()] == ["ok", "cancelled"]


def test_a_call_that_drains_is_read_to_its_end_and_kept(gateway, upstream):
    g = routed(gateway, merge(limits(), {"cache": {"exact": True}}))
    c, call = between(g, upstream)
    c.reset()
    eventually(lambda: metric(g, "farthing_requests_in_flight") == "0", "the client has gone")
    dear()(call)
    row = eventually(lambda: next(iter(g.books().requests()), None), "its row")
    assert (row["status"], row["cost_pico"], row["basis"]) == (499, BOTH, "exact")
    reply = g.chat(ASK)
    assert reply.header("x-farthing-cache") == "exact" and reply.json()["choices"][0]["message"]["content"] == GOOD
    adds_up(g.stop())


def test_what_nobody_reads_is_not_asked_again(gateway, upstream):
    g = routed(gateway, merge(limits(), {"cache": {"exact": True}}))
    c = g.warm().chat(ASK)
    call = upstream.next_call()
    c.reset()
    eventually(lambda: metric(g, "farthing_requests_in_flight") == "0", "the client has gone")
    cheap()(call)
    row = eventually(lambda: next(iter(g.books().requests()), None), "its row")
    assert (row["status"], row["attempts"], row["cost_pico"]) == (499, 1, cost())
    upstream.assert_no_call()
    upstream.script(cheap(), dear())
    assert g.chat(ASK).header("x-farthing-cache") == "miss", "and a rejected answer is not kept"
    adds_up(g.stop())


def test_those_who_joined_get_the_same_answer(gateway, upstream):
    g = routed(gateway)
    first, call = between(g, upstream)
    second = g.warm().chat(ASK)     # joins while the dear model is being asked
    g.settle()
    dear()(call)
    a, b = first.reply(), second.reply()
    assert a.body == b.body and a.json()["choices"][0]["message"]["content"] == GOOD
    assert b.header("x-farthing-cache") == "coalesced" and b.header("x-farthing-escalated") == "json"
    assert pico(b.header("x-farthing-saved-usd")) == BOTH
    books = adds_up(g.stop())
    assert books.request(b.request_id)["cost_pico"] == 0 and books.spent() == BOTH


def test_who_asked_may_leave_those_who_joined(gateway, upstream):
    g = routed(gateway)
    first, call = between(g, upstream)
    second = g.warm().chat(ASK)
    g.settle()
    first.reset()
    g.settle()
    call.error(500)
    assert second.reply().json() == completion(BROKEN)
    adds_up(g.stop())


def test_stopping_in_the_midst_of_it_delivers_the_answer_there_is(gateway, upstream):
    g = routed(gateway, {"limits": {"drain_timeout": "1s"}})
    c, _ = between(g, upstream)
    g.signal(signal.SIGTERM)
    reply = c.reply()
    assert reply.status == 200 and reply.json() == completion(BROKEN)
    books = adds_up(g.stop())
    assert [r["outcome"] for r in books.attempts()] == ["ok", "cancelled"]


def test_killed_between_the_attempts_the_books_hold(gateway, upstream):                          # G3 G5
    g = routed(gateway, limits(request_usd="1"))
    g.stay, _ = between(g, upstream, {**ASK, "max_tokens": 100})
    g.kill()
    g.start()
    g.check_books()
    assert held(g) == 0
    books = adds_up(g.stop())
    rows = books.attempts()
    assert [r["number"] for r in rows] == [1, 2] and rows[1]["outcome"] == "lost"
    assert rows[0]["cost_pico"] in (cost(), rows[0]["held_pico"]) and rows[1]["cost_pico"] == rows[1]["held_pico"]


def test_fifty_at_once_are_all_asked_again_and_all_of_it_adds_up(gateway, upstream):
    upstream.answer = lambda call: (dear() if call.json()["model"] == DEAR else cheap())(call)
    g = routed(gateway, merge(limits(request_usd="1", daily_usd="10"), {"limits": WIDE}), spend=0)
    replies = crowd(g.port, [auto(f"What is a farthing? Answer number {i} in JSON.", max_tokens=50, **JSON)
                             for i in range(50)])
    assert all(r.status == 200 and json.loads(r.body)["choices"][0]["message"]["content"] == GOOD for r in replies)
    wait_held(g, 0)
    books = adds_up(g.stop())
    assert books.spent() == 50 * BOTH and len(books.attempts()) == 100
    assert escalations_of(books) == 50


def escalations_of(books):
    return sum(why == "failed its check: json" for why in whys(books))


def test_a_limit_for_so_many_escalations_admits_so_many(gateway, upstream):
    """A day's limit that the dear attempts outrun: each of them is paid in full or not made, and every client is answered."""
    upstream.answer = lambda call: (dear() if call.json()["model"] == DEAR else cheap())(call)
    limit = 40 * (200 * INPUT_PICO + 16 * OUTPUT_PICO) + 5 * dear_cost()
    g = routed(gateway, merge(limits(daily_usd=limit, min_output_tokens=16), {"limits": WIDE}), spend=0)
    replies = crowd(g.port, [auto(f"What is a farthing? Answer number {i} in JSON.", max_tokens=16, **JSON)
                             for i in range(40)])
    assert {r.status for r in replies} <= {200, 429}
    said = [json.loads(r.body)["choices"][0]["message"]["content"] for r in replies if r.status == 200]
    assert set(said) <= {BROKEN, GOOD} and BROKEN in said and GOOD in said
    books = adds_up(g.stop())
    assert books.spent() <= limit


# ---- what it may spend

CREDIT = 5      # dear answers that a young task may be worth


def asks(n, **more):
    return [auto(f"What is a farthing? Answer number {i} in JSON.", **JSON, **more) for i in range(n)]


def test_answers_that_all_fail_cost_a_share_of_the_dear_model(gateway, upstream):
    """The first of a task that is new are asked again; then no more than the share pays for."""
    upstream.answer = lambda call: (dear() if call.json()["model"] == DEAR else cheap())(call)
    g = routed(gateway)
    replies = [g.chat(body) for body in asks(40)]
    said = [r.json()["choices"][0]["message"]["content"] == GOOD for r in replies]
    assert said[:4] == [True] * 4 and not said[4] and all(r.status == 200 for r in replies)
    assert replies[4].header("x-farthing-escalated") is None
    escalated = sum(said)
    assert (escalations(g, "json", "met"), escalations(g, "json", "declined")) == (escalated, 40 - escalated)
    books = adds_up(g.stop())
    assert books.spent() <= 0.4 * 40 * dear_cost() < books.spent() + dear_cost()
    first = books.attempts(replies[4].request_id)
    assert [(r["outcome"], r["why"]) for r in first] == [("ok", "failed its check: json; not asked again: spend")]
    assert books.request(replies[4].request_id)["escalated"] == 0


def test_answers_that_fail_at_once_find_gone_what_the_others_take(gateway, upstream):
    upstream.answer = lambda call: (dear() if call.json()["model"] == DEAR else cheap())(call)
    g = routed(gateway, merge(limits(request_usd="1", daily_usd="10"), {"limits": WIDE}))
    replies = crowd(g.port, asks(50, max_tokens=50))
    assert all(r.status == 200 for r in replies)
    wait_held(g, 0)
    assert adds_up(g.stop()).spent() <= (0.4 * 50 + CREDIT) * dear_cost()


def test_tasks_have_accounts_and_shares_of_their_own(gateway, upstream):
    upstream.answer = lambda call: (dear() if call.json()["model"] == DEAR else cheap())(call)
    tasks = {"tasks": {"open": {"routing": {"escalate": {"spend": 0}}}, "narrow": {}}, "routing": {"tasks": {
        "open": "simple", "narrow": "simple"}}}
    g = routed(gateway, tasks)
    done = {task: [g.chat(body, [("x-farthing-task", task)]).header("x-farthing-escalated") for body in asks(8)]
            for task in ("narrow", "open", "anything", "else")}
    assert done["narrow"] == ["json"] * 4 + [None] * 4 and done["open"] == ["json"] * 8
    assert done["anything"] == ["json"] * 4 + [None] * 4
    assert done["else"][:4] == [None] * 4, "names that nobody configured are one task: no name brings new credit"
    adds_up(g.stop())


def test_a_held_stream_that_is_not_asked_again_says_why(gateway, upstream):
    upstream.answer = lambda call: call.stream(GOOD_STREAM if call.json()["model"] == DEAR else BAD_STREAM)
    g = routed(gateway, streams=True)
    replies = [g.chat({**body, "stream": True}) for body in asks(6)]
    assert [r.body == b"".join(shown(GOOD_STREAM)) for r in replies] == [True] * 4 + [False] * 2
    books = adds_up(g.stop())
    assert whys(books)[-1] == "failed its check: json; not asked again: spend"


# ---- what is kept

def test_the_final_answer_is_kept_under_the_question(gateway, upstream):
    upstream.script(cheap(), dear())
    g = routed(gateway, {"cache": {"exact": True}})
    g.chat(ASK)
    again = g.chat(ASK)
    assert again.header("x-farthing-cache") == "exact" and len(upstream.calls) == 2
    assert again.json() == completion(GOOD, model="gpt-4o-2024-08-06")
    assert again.header("x-farthing-model") == "gpt-4o-2024-08-06" and again.header("x-farthing-escalated") is None
    assert pico(again.header("x-farthing-saved-usd")) == dear_cost(), "what it costs to have that answer made"


def test_a_rejected_answer_is_never_kept(gateway, upstream):
    upstream.script(cheap(), lambda call: call.error(500), cheap(), dear())
    g = routed(gateway, {"cache": {"exact": True}})
    assert g.chat(ASK).json() == completion(BROKEN)
    again = g.chat(ASK)
    assert again.header("x-farthing-cache") == "miss" and again.json()["choices"][0]["message"]["content"] == GOOD
    assert len(upstream.calls) == 4


def test_an_idempotency_key_has_one_reply_whatever_it_took(gateway, upstream):
    upstream.script(cheap(), lambda call: call.error(500), cheap(), dear())
    g = routed(gateway)
    for key, said in (("one", BROKEN), ("two", GOOD)):
        first = g.chat(ASK, [("Idempotency-Key", key)])
        again = g.chat(ASK, [("Idempotency-Key", key)])
        assert first.body == again.body and first.json()["choices"][0]["message"]["content"] == said
    assert len(upstream.calls) == 4
    adds_up(g.stop())


# ---- streams

STREAM = {**ASK, "stream": True}
TOLD = {**STREAM, "stream_options": {"include_usage": True}}
BAD_STREAM = plain_stream(words=('{"title"', ': "A ', "quarter"))
GOOD_STREAM = [e.replace(b'"gpt-4o-mini"', b'"gpt-4o-2024-08-06"')
               for e in plain_stream(words=('{"title"', ': "A ', 'quarter"}'))]


def test_without_buffering_a_stream_passes_as_it_comes(gateway, upstream):
    upstream.answer = lambda call: call.stream(BAD_STREAM)
    g = routed(gateway)
    assert g.chat(STREAM).body == b"".join(shown(BAD_STREAM)) and len(upstream.calls) == 1


def test_a_held_stream_is_delivered_as_the_bytes_it_was(gateway, upstream):
    g = routed(gateway, streams=True)
    events = plain_stream(words=('{"title"', ': "A ', 'quarter"}'))
    for body, seen in ((STREAM, shown(events)), (TOLD, billed(events, cost(), dear_cost() - cost()))):
        c = g.warm().chat(body)
        call = upstream.next_call()
        call.stream_head({"openai-processing-ms": "5"})
        for e in events:
            call.chunk(e)
        call.end()
        reply = c.reply()
        assert reply.body == b"".join(seen) and reply.header("openai-processing-ms") == "5"
        assert pico(reply.header("x-farthing-cost-usd")) == cost(), "its end is known when its head leaves"
    upstream.assert_no_call()
    adds_up(g.stop())


def test_nothing_of_a_stream_that_failed_reaches_the_client(gateway, upstream):
    g = routed(gateway, streams=True)
    upstream.script(lambda call: call.stream(BAD_STREAM), lambda call: call.stream(GOOD_STREAM))
    for body, seen in ((STREAM, shown(GOOD_STREAM)), (TOLD, billed(GOOD_STREAM, BOTH))):
        reply = g.chat(body)
        assert reply.body == b"".join(seen)
        assert reply.header("x-farthing-model") == "gpt-4o-2024-08-06" and reply.header("x-farthing-escalated") == "json"
        assert pico(reply.header("x-farthing-cost-usd")) == BOTH
        upstream.script(lambda call: call.stream(BAD_STREAM), lambda call: call.stream(GOOD_STREAM))
    books = adds_up(g.stop())
    assert [r["outcome"] for r in books.attempts()] == ["ok"] * 4 and books.spent() == 2 * BOTH


@pytest.mark.parametrize("ends", [True, False], ids=["the_call_ends", "the_call_stays_open"])
def test_the_end_of_a_failed_stream_is_not_waited_for(gateway, upstream, ends):
    def play(call):
        call.stream_head()
        for e in BAD_STREAM:
            call.chunk(e)
        if ends:
            call.end()
    upstream.script(play, lambda call: call.stream(GOOD_STREAM))
    g = routed(gateway, streams=True)
    assert g.chat(STREAM).body == b"".join(shown(GOOD_STREAM))
    assert adds_up(g.stop()).spent() == BOTH


def test_a_held_stream_survives_that_the_dear_model_fails(gateway, upstream):
    g = routed(gateway, streams=True)
    upstream.script(lambda call: call.stream(BAD_STREAM), lambda call: call.error(500))
    reply = g.chat(TOLD)
    assert reply.body == b"".join(billed(BAD_STREAM, cost(), dear_cost() - cost())) and reply.header("x-farthing-model") == MINI
    adds_up(g.stop())


def test_a_dear_stream_that_breaks_off_gives_way_to_the_cheap_one_with_the_sum_of_both(gateway, upstream):
    def breaks(call):
        call.stream_head()
        for e in GOOD_STREAM[:3]:
            call.chunk(e)
        call.reset()
    upstream.script(lambda call: call.stream(BAD_STREAM), breaks)
    g = routed(gateway, limits(request_usd="1"), streams=True)
    reply = g.chat({**TOLD, "max_tokens": 100})
    row = g.row(reply.request_id)
    assert row["cost_pico"] > cost() and row["basis"] == "held"
    assert reply.body == b"".join(billed(BAD_STREAM, row["cost_pico"]))
    assert pico(reply.header("x-farthing-cost-usd")) == row["cost_pico"]
    adds_up(g.stop())


def test_a_held_stream_that_breaks_is_told_as_it_broke(gateway, upstream):
    def breaks(call):
        call.stream_head()
        for e in GOOD_STREAM[:3]:
            call.chunk(e)
        call.reset()
    upstream.answer = breaks
    g = routed(gateway, streams=True)
    reply = g.chat(STREAM)
    assert reply.status == 200 and reply.body.startswith(b"".join(GOOD_STREAM[:3]))
    assert stream_error(reply.body)["code"] == "upstream_stream_truncated" and len(upstream.calls) == 1


def test_a_held_stream_has_heartbeats_and_says_nothing_it_does_not_know(gateway, upstream):
    g = routed(gateway, {"limits": {"heartbeat": "1s"}}, streams=True)
    c = g.connect().chat(STREAM)
    call = upstream.next_call()
    call.stream_head()
    call.chunk(BAD_STREAM[0])
    head = c.head()
    head.stream.expect(b": ping\n\n")
    assert head.status == 200 and head.header("x-farthing-model") is None
    for e in BAD_STREAM[1:]:
        call.chunk(e)
    call.end()
    upstream.next_call().stream(GOOD_STREAM)
    assert head.body.replace(b": ping\n\n", b"") == b"".join(shown(GOOD_STREAM))
    adds_up(g.stop())


def test_a_stream_too_long_to_be_held_goes_on_unchecked(gateway, upstream):
    word = "farthing " * 3000
    events = plain_stream(words=(word, word, word))
    upstream.answer = lambda call: call.stream(events)
    g = routed(gateway, {"limits": {"reply": "64KiB"}}, streams=True)
    c = g.connect().chat(STREAM)
    reply = c.reply()
    assert reply.body == b"".join(shown(events)) and len(upstream.calls) == 1
    adds_up(g.stop())


def test_a_client_of_a_held_stream_may_leave_between_the_attempts(gateway, upstream):
    g = routed(gateway, streams=True)
    upstream.script(lambda call: call.stream(BAD_STREAM))
    c = g.warm().chat(STREAM)
    call = upstream.next_call()
    c.reset()
    call.wait_hang_up(HANG_UP)
    assert adds_up(g.stop()).only()["status"] == 499


# ---- how sure the model was

def sure(text, *logprobs, model=MINI):
    body = completion(text, model=model)
    body["choices"][0]["logprobs"] = {"content": [
        {"token": "x", "logprob": p, "bytes": [120], "top_logprobs": []} for p in logprobs], "refusal": None}
    return body


def test_an_unsure_answer_is_asked_again(gateway, upstream):
    upstream.script(lambda call: call.reply(200, sure("A penny?", -0.1, -3.0)), dear("A quarter of a penny."))
    g = routed(gateway, confidence=0.5)
    reply = g.chat(auto())
    first, second = (call.json() for call in upstream.calls)
    assert first == {**auto(), "model": MINI, "logprobs": True} and second == {**auto(), "model": DEAR}
    assert reply.json() == completion("A quarter of a penny.", model="gpt-4o-2024-08-06")
    assert reply.header("x-farthing-escalated") == "confidence"
    adds_up(g.stop())


def test_what_the_gateway_asked_for_itself_is_not_shown(gateway, upstream):
    upstream.answer = lambda call: call.reply(200, sure("A quarter of a penny.", -0.1, -0.2))
    g = routed(gateway, confidence=0.5)
    assert g.chat(auto()).json() == completion() and len(upstream.calls) == 1


def test_an_unsure_answer_that_is_delivered_after_all_shows_nothing_of_it(gateway, upstream):
    upstream.script(lambda call: call.reply(200, sure("A quarter of a penny.", -3.0)), lambda call: call.error(500))
    g = routed(gateway, confidence=0.5)
    assert g.chat(auto()).json() == completion()


def test_who_asked_for_logprobs_gets_them(gateway, upstream):
    whole = sure("A quarter of a penny.", -0.1)
    upstream.answer = lambda call: call.reply(200, whole)
    g = routed(gateway, confidence=0.5)
    body = auto(logprobs=True)
    assert g.chat(body).json() == whole and upstream.calls[0].json() == {**body, "model": MINI}


def test_a_provider_that_refuses_logprobs_is_asked_without(gateway, upstream):
    upstream.answer = lambda call: call.error(400) if "logprobs" in call.json() else cheap("A quarter of a penny.")(call)
    g = routed(gateway, confidence=0.5)
    assert g.chat(auto()).json() == completion()
    assert [c.json().get("logprobs") for c in upstream.calls] == [True, None]
    adds_up(g.stop())


def test_models_that_think_are_not_asked_how_sure_they_are(gateway, upstream):
    upstream.answer = cheap("A quarter of a penny.")
    thinker = {"upstream": "sim", "input_usd": 0.1, "output_usd": 0.2, "reasoning": True}
    g = routed(gateway, {"models": {"thinker": thinker}, "routing": {"tiers": {"simple": "thinker"}}}, confidence=0.5)
    assert g.chat(auto()).status == 200 and "logprobs" not in upstream.calls[0].json()
