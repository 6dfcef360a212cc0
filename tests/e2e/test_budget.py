"""Budgets that cannot be exceeded: the guard seen from outside, with a provider that does what the test says. C42 and so
on are the rows of the fault matrix, G1 and so on the invariants, by which the gateway was designed.

SPDX-License-Identifier: Apache-2.0
"""
import datetime
import json
import os
import resource
import signal
import struct
import threading
import zoneinfo

import pytest

from farthing.gateway import run
from farthing.money import WIDE, add_key, bound, crowd, details, held, keyed, limits, metric, pico, tokens_of, wait_held
from farthing.patience import LONG, eventually
from farthing.wire import Client
from farthing.wording import (CACHED_PICO, DONE, INPUT_PICO, MINI, OUTPUT_PICO, completion, cost, delta, event, events_of,
                              plain_stream, question, stream_error, usage, usage_event, usd)

ASK = question(max_tokens=100)
TOKENS = 13     # of question(), as the gateway counts them; proved by the first test
DOLLAR = 10 ** 12


@pytest.fixture(autouse=True, scope="module")
def descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16384), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def good(call):
    call.reply(200, completion())


def using(prompt, output, **more):
    """A provider that bills so much."""
    return lambda call: call.reply(200, completion(usage=usage(prompt, output), **more))


def refused(reply, status, code):
    assert (reply.status, reply.error["code"]) == (status, code), reply.body
    return reply


def reload(g, config):
    before = len(g.entries("reloaded"))
    g.write_config({**g.config, **config})
    g.signal(signal.SIGHUP)
    eventually(lambda: len(g.entries("reloaded")) > before, "the new configuration")


def adds_up(books):
    """The gateway's day is the sum of its attempts, and of nothing else."""
    rows = books.attempts()
    assert books.spent() == sum(r["cost_pico"] or 0 for r in rows)
    assert all(r["held_pico"] is not None and r["cost_pico"] is not None for r in rows), rows
    assert sum(r["cost_pico"] or 0 for r in books.requests()) == books.spent()
    return books


# ---- clamping

@pytest.mark.parametrize("path,body,field", [
    ("chat/completions", question(max_tokens=5000), "max_tokens"),
    ("chat/completions", question(max_completion_tokens=5000), "max_completion_tokens"),
    ("chat/completions", question(), "max_tokens"),
    ("completions", {"model": MINI, "prompt": "What is a farthing?", "max_tokens": 5000}, "max_tokens"),
    ("responses", {"model": MINI, "input": "What is a farthing?", "store": False}, "max_output_tokens"),
    ("responses", {"model": MINI, "input": "What is a farthing?", "store": False, "max_output_tokens": 5000},
     "max_output_tokens")])
def test_the_request_that_is_sent_is_limited_to_what_was_held(gateway, upstream, path, body, field):
    limit = 80_000_000
    g = gateway(limits(request_usd=limit))
    c = g.warm().ask("POST", f"/v1/{path}", body)
    call = upstream.next_call()
    sent = call.json()
    assert 16 < sent[field] < 5000 and {k: v for k, v in sent.items() if k != field} == {
        k: v for k, v in body.items() if k != field}
    call.reply(200, completion())
    reply = c.reply()
    assert reply.status == 200 and reply.header("x-farthing-clamped") == str(sent[field])
    row = g.row(reply.request_id)
    [attempt] = adds_up(g.stop()).attempts()
    assert row["clamped_to"] == sent[field]
    inputs, rest = divmod(attempt["held_pico"] - sent[field] * OUTPUT_PICO, INPUT_PICO)
    assert rest == 0 and 1 < inputs < 60
    assert attempt["held_pico"] <= limit < attempt["held_pico"] + OUTPUT_PICO, "as much as the limit leaves"


def test_what_fits_is_not_touched_and_holds_its_bound(gateway, upstream):
    upstream.answer = good
    g = gateway(limits(request_usd=DOLLAR))
    reply = g.chat(ASK)
    assert reply.header("x-farthing-clamped") is None and upstream.calls[0].json() == ASK
    [attempt] = adds_up(g.stop()).attempts()
    assert tokens_of(ASK) == TOKENS and attempt["held_pico"] == bound(TOKENS, 100)
    assert (attempt["basis"], attempt["cost_pico"], attempt["overrun"]) == ("exact", cost(), 0)


def test_every_choice_is_held_for(gateway, upstream):                                           # C20
    upstream.answer = good
    g = gateway(limits(request_usd=bound(TOKENS, 3 * 50) + 2 * OUTPUT_PICO))
    reply = g.chat(question(max_tokens=100, n=3))
    assert reply.header("x-farthing-clamped") == "50" and upstream.calls[0].json()["max_tokens"] == 50
    assert g.stop().attempts()[0]["held_pico"] == bound(TOKENS, 150)


def test_embeddings_hold_their_input(gateway, upstream):
    upstream.answer = lambda call: call.reply(200, {"object": "list", "data": [], "model": "text-embedding-3-small",
                                                    "usage": {"prompt_tokens": 3, "total_tokens": 3}})
    g = gateway(limits(request_usd=1_000_000))
    body = {"model": "text-embedding-3-small", "input": "one two three"}
    assert g.ask("POST", "/v1/embeddings", body).status == 200
    assert upstream.calls[0].json() == body
    refused(g.ask("POST", "/v1/embeddings", {**body, "input": "a word " * 100}), 400, "request_too_expensive")
    [attempt] = adds_up(g.stop()).attempts()
    assert attempt["cost_pico"] == 60_000 <= attempt["held_pico"] <= 1_000_000


# ---- refusing

def test_a_request_that_cannot_be_cheap_enough_is_refused_with_its_arithmetic(gateway, upstream):    # C44 G11
    g = gateway(limits(request_usd=bound(TOKENS, 16) - 1))
    reply = refused(g.chat(ASK), 400, "request_too_expensive")
    assert details(reply) == {"limit_usd": bound(TOKENS, 16) - 1, "spent_usd": 0, "held_usd": 0,
                              "needed_usd": bound(TOKENS, 16), "resets_at": None}
    row = g.row(reply.request_id)
    assert (row["error_code"], row["cost_pico"], row["basis"], row["attempts"]) == (
        "request_too_expensive", 0, "none", 0)
    upstream.answer = good
    reload(g, limits(request_usd=bound(TOKENS, 16)))
    assert g.chat(ASK).header("x-farthing-clamped") == "16", "the smallest answer worth paying for"
    assert len(upstream.calls) == 1


def test_the_smallest_answer_worth_paying_for_is_configured(gateway, upstream):
    upstream.answer = good
    g = gateway(limits(request_usd=bound(TOKENS, 40), min_output_tokens=41))
    refused(g.chat(ASK), 400, "request_too_expensive")
    assert g.chat(question(max_tokens=40)).status == 200, "who asks for less gets less"


def test_what_only_holds_keep_away_is_refused_for_a_moment_only(gateway, upstream):              # C43
    g = gateway(limits(daily_usd=bound(TOKENS, 100) + 5 * OUTPUT_PICO))
    first = g.warm().chat(ASK)
    call = upstream.next_call()
    reply = refused(g.chat(question("What is a penny worth?", max_tokens=100)), 429, "budget_reserved")
    assert 1 <= int(reply.header("retry-after")) <= 5 and reply.header("x-should-retry") != "false"
    told = details(reply)
    assert (told["spent_usd"], told["held_usd"]) == (0, bound(TOKENS, 100)) and told["needed_usd"] > 5 * OUTPUT_PICO
    assert held(g) == bound(TOKENS, 100)
    good(call)
    assert first.reply().status == 200
    wait_held(g, 0)
    upstream.answer = good
    assert g.chat(question("What is a penny worth?", max_tokens=100)).status == 200
    adds_up(g.stop())


def test_those_who_wait_go_in_the_order_they_came(gateway, upstream):                            # C43
    g = gateway(limits(daily_usd=bound(TOKENS, 100) + 40 * OUTPUT_PICO, wait="1m"))
    first = g.warm().chat(ASK)
    call = upstream.next_call()
    large = g.warm().chat(question(max_tokens=99))
    g.settle()
    small = g.warm().chat(question(max_tokens=16))   # would fit beside the first, but not past the large one
    g.settle()
    upstream.assert_no_call()
    assert metric(g, "farthing_budget_waiting") == "2"
    good(call)
    assert first.reply().status == 200
    good(upstream.next_call())
    good(upstream.next_call())
    assert large.reply().status == small.reply().status == 200
    assert [r["held_pico"] for r in adds_up(g.stop()).attempts()] == [bound(TOKENS, n) for n in (100, 99, 16)]


def test_one_that_waits_and_leaves_makes_room_for_the_next(gateway, upstream):
    g = gateway(limits(daily_usd=bound(TOKENS, 100) + 40 * OUTPUT_PICO, wait="1m"))
    first = g.warm().chat(ASK)
    call = upstream.next_call()
    large = g.warm().chat(question(max_tokens=99))
    g.settle()
    small = g.warm().chat(question(max_tokens=16))
    g.settle()
    large.reset()
    good(upstream.next_call())
    assert small.reply().status == 200
    good(call)
    assert first.reply().status == 200
    books = adds_up(g.stop())
    assert len(books.attempts()) == 2 and [r["status"] for r in books.requests()].count(499) == 1


def test_a_model_without_a_price_is_refused_and_a_free_one_is_not(gateway, upstream):            # C22 G9
    upstream.answer = lambda call: call.reply(200, completion(model="nobody-knows"))
    g = gateway({"models": {"nobody-knows": {"upstream": "sim"}, "ours": {"upstream": "sim", "free": True}},
                 **limits(daily_usd=0)})
    refused(g.chat(question(model="nobody-knows")), 403, "model_not_priced")
    refused(g.chat(question(model="no-such-model")), 404, "model_not_found")
    refused(g.chat(ASK), 429, "insufficient_quota")
    assert not upstream.calls
    free = g.chat(question(model="ours"))
    assert free.status == 200 and pico(free.header("x-farthing-cost-usd")) == 0
    assert adds_up(g.stop()).spent() == 0


def test_an_unpriced_model_is_refused_without_any_limit_too(gateway, upstream):
    g = gateway({"models": {"nobody-knows": {"upstream": "sim"}}})
    refused(g.chat(question(model="nobody-knows")), 403, "model_not_priced")


SURCHARGED = {"service_tier": {"service_tier": "priority"}, "web_search_options": {"web_search_options": {}},
              "modalities": {"modalities": ["text", "audio"]},
              "messages": {"messages": [{"role": "user", "content": [
                  {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}]}]}}


@pytest.mark.parametrize("field", SURCHARGED)
def test_what_has_an_unknown_surcharge_is_refused_where_there_is_a_limit(gateway, upstream, field):      # C23
    upstream.answer = good
    g = gateway(limits(daily_usd=DOLLAR))
    reply = refused(g.chat(question(**SURCHARGED[field])), 400, "unsupported_for_budget")
    assert reply.error["param"] == field and not upstream.calls
    reload(g, {"budget": "off"})
    assert g.chat(question(**SURCHARGED[field])).status == 200
    g.check_books()


def test_hosted_tools_are_refused_where_there_is_a_limit(gateway, upstream):                     # C23
    g = gateway(limits(daily_usd=DOLLAR))
    body = {"model": MINI, "input": "news?", "store": False, "tools": [{"type": "web_search"}]}
    assert refused(g.ask("POST", "/v1/responses", body), 400, "unsupported_for_budget").error["param"] == "tools"
    assert not upstream.calls


@pytest.mark.parametrize("fields", [{"max_tokens": 0}, {"max_tokens": -1}, {"max_completion_tokens": 2 ** 63},
                                    {"max_tokens": 5, "max_completion_tokens": 6}])
def test_an_output_limit_that_makes_no_sense_is_refused(gateway, upstream, fields):              # C19
    g = gateway(limits(daily_usd=DOLLAR))
    assert g.chat(question(**fields)).status == 400 and not upstream.calls


@pytest.mark.parametrize("kind", ["chat", "stream"])
def test_the_official_sdk_does_not_repeat_what_is_final(gateway, upstream, kind):                # C42
    openai = pytest.importorskip("openai", reason="the openai package is not installed")
    g = gateway(limits(daily_usd=0))
    sdk = openai.OpenAI(api_key="any", base_url=f"http://127.0.0.1:{g.port}/v1", timeout=LONG, max_retries=2)
    with pytest.raises(openai.RateLimitError) as caught:
        sdk.chat.completions.create(model=MINI, messages=ASK["messages"], stream=kind == "stream")
    assert caught.value.code == "insufficient_quota" and caught.value.response.headers["x-should-retry"] == "false"
    row = g.stop().only()
    assert (row["status"], row["error_code"], row["cost_pico"]) == (429, "insufficient_quota", 0)


# ---- a crowd at the limit

def numbered(count, output=16):
    """Different questions that cost the same: three digits are one token."""
    return [question(f"Number {100 + i // 900} {100 + i % 900}", max_tokens=output) for i in range(count)]


def crowded(upstream, gateway, limit, answer):
    upstream.answer = answer
    g = gateway({"limits": WIDE, **limits(daily_usd=limit, wait="1m")})
    replies = crowd(g.port, numbered(1000))
    assert None not in replies
    return g, replies


def test_a_thousand_at_a_limit_that_fits_a_hundred_and_exactly_a_hundred_pass(gateway, upstream):     # G1
    tokens = tokens_of(numbered(1)[0])
    g, replies = crowded(upstream, gateway, 100 * bound(tokens, 16), using(tokens, 16))
    codes = [r.code for r in replies]
    assert codes.count(None) == 100 and codes.count("insufficient_quota") == 900
    assert len(upstream.calls) == 100
    books = adds_up(g.stop())
    assert books.spent() == 100 * bound(tokens, 16), "to the last pico-dollar"
    assert len(books.requests()) == 1000


def test_where_holds_shrink_exactly_as_many_pass_as_what_was_spent_allows(gateway, upstream):    # G1
    tokens = tokens_of(numbered(1)[0])
    whole, real = bound(tokens, 16), bound(tokens, 4)
    limit = 40 * whole
    fits = (limit - whole) // real + 1
    g, replies = crowded(upstream, gateway, limit, using(tokens, 4))
    codes = [r.code for r in replies]
    assert codes.count(None) == len(upstream.calls) == fits > 40
    assert codes.count("insufficient_quota") == 1000 - fits
    assert adds_up(g.stop()).spent() == fits * real <= limit and not g.entries("overrun")


def test_who_waits_for_a_key_goes_on_when_its_limit_is_raised(gateway, upstream):
    g, key = keyed(gateway, limits(daily_usd=DOLLAR, wait="1m"), {"poor": ["--daily-usd", usd(bound(TOKENS, 100))]})
    first = g.warm().chat(ASK, key["poor"])
    one = upstream.next_call()
    waits = g.warm().chat(question(max_tokens=99), key["poor"])
    g.settle()
    upstream.assert_no_call()
    assert metric(g, "farthing_budget_waiting") == "1"
    assert run("keys", "set", "poor", "--daily-usd", "0.5", "-c", g.config_path).returncode == 0
    two = upstream.next_call()              # the first one has not been answered
    using(TOKENS, 99)(two)
    assert waits.reply().status == 200
    using(TOKENS, 100)(one)
    assert first.reply().status == 200
    adds_up(g.stop())


def test_an_account_at_its_limit_does_not_disturb_another(gateway, upstream):
    upstream.answer = using(TOKENS, 100)
    g, key = keyed(gateway, limits(daily_usd=DOLLAR, wait="1m"), {
        "poor": ["--daily-usd", usd(bound(TOKENS, 100))], "rich": ["--daily-usd", "1"]})
    upstream.script(lambda call: upstream.waiting.put(call))
    first = g.warm().chat(ASK, key["poor"])
    call = upstream.next_call()
    waits = g.warm().chat(question(max_tokens=99), key["poor"])
    g.settle()
    assert g.chat(ASK, key["rich"]).status == 200, "nobody waits behind another's limit"
    using(TOKENS, 100)(call)
    assert first.reply().status == 200
    assert refused(waits.reply(), 429, "insufficient_quota")
    for i in range(3):
        refused(g.chat(question(max_tokens=101 + i), key["poor"]), 429, "insufficient_quota")
        assert g.chat(question(max_tokens=101 + i), key["rich"]).status == 200
    books = adds_up(g.stop())
    assert books.spent("key", "poor") == bound(TOKENS, 100) and books.spent("key", "rich") == 4 * bound(TOKENS, 100)


# ---- what is billed

def test_a_streams_usage_and_the_ledger_name_the_same_cost(gateway, upstream):
    g = gateway(limits(daily_usd=DOLLAR))
    body = question(stream=True, max_tokens=50, stream_options={"include_usage": True})
    first = g.warm().chat(body)
    call = upstream.next_call()
    second = g.warm().chat(body)
    g.settle()
    call.stream(plain_stream())
    told = []
    for c in (first, second):
        reply = c.reply()
        [found] = [e["usage"] for e in events_of(reply.body)[:-1] if e.get("usage")]
        row = g.row(reply.request_id)
        assert usd(row["cost_pico"]).rstrip("0") == f"{found['cost_usd']:.12f}".rstrip("0")
        assert usd(row["saved_pico"]).rstrip("0") == f"{found['saved_usd']:.12f}".rstrip("0")
        told.append((row["cache"], row["cost_pico"], row["saved_pico"]))
    assert told == [("miss", cost(), 0), ("coalesced", 0, cost())]
    assert adds_up(g.stop()).spent() == cost()


def test_who_joins_must_be_one_who_could_pay(gateway, upstream):
    g = gateway(limits(daily_usd=DOLLAR))
    asker = g.warm().chat(ASK)
    call = upstream.next_call()
    joins = g.warm().chat(ASK)
    g.settle()
    reload(g, limits(daily_usd=0))
    refused(g.chat(ASK), 429, "insufficient_quota")
    good(call)
    assert asker.reply().status == joins.reply().status == 200
    assert [r["cache"] for r in adds_up(g.stop()).requests()].count("coalesced") == 1


BAD_USAGE = {"missing": ..., "null": None, "negative": usage(-1, -5), "strings": {**usage(), "prompt_tokens": "11"},
             "huge": {**usage(), "completion_tokens": 2 ** 63}, "empty": {}}


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("kind", BAD_USAGE)
def test_usage_that_says_nothing_costs_an_estimate_within_the_hold(gateway, upstream, kind, stream):     # U21 U22 G9
    bad = BAD_USAGE[kind]
    if stream:
        last = [] if bad is ... else [event({"id": "c", "choices": [], "usage": bad})]
        upstream.answer = lambda call: call.stream(plain_stream(with_usage=False)[:-1] + last + [DONE])
    else:
        upstream.answer = lambda call: call.reply(200, completion(usage=bad))
    g = gateway(limits(daily_usd=DOLLAR))
    reply = g.chat(question(max_tokens=100, stream=stream))
    assert reply.status == 200
    [attempt] = adds_up(g.stop()).attempts()
    assert attempt["basis"] == "estimated" and bound(TOKENS, 4) <= attempt["cost_pico"] <= attempt["held_pico"]


def test_usage_that_says_zero_costs_nothing(gateway, upstream):                                  # U23
    upstream.answer = using(0, 0)
    g = gateway(limits(daily_usd=DOLLAR))
    assert pico(g.chat(ASK).header("x-farthing-cost-usd")) == 0
    [attempt] = adds_up(g.stop()).attempts()
    assert (attempt["basis"], attempt["cost_pico"]) == ("exact", 0)


def test_cached_input_is_cheaper_and_more_of_it_than_there_is_input_is_not(gateway, upstream):   # U26
    upstream.script(lambda call: call.reply(200, completion(usage=usage(11, 7, cached=4))),
                    lambda call: call.reply(200, completion(usage=usage(11, 7, cached=12))))
    g = gateway(limits(daily_usd=DOLLAR))
    assert g.chat(ASK).status == g.chat(question("again", max_tokens=50)).status == 200
    exact, doubted = adds_up(g.stop()).attempts()
    assert (exact["basis"], exact["cost_pico"]) == ("exact", cost(11, 7, 4)) and CACHED_PICO < INPUT_PICO
    assert (doubted["basis"], doubted["cost_pico"]) == ("estimated", cost(11, 7))


def test_a_dearer_model_than_was_asked_for_is_paid_as_such(gateway, upstream):                   # U35
    upstream.answer = lambda call: call.reply(200, completion(model="gpt-4o-2024-08-06"))
    g = gateway(limits(daily_usd=DOLLAR))
    assert g.chat(ASK).status == 200
    [attempt] = adds_up(g.stop()).attempts()
    assert attempt["cost_pico"] == 11 * 2_500_000 + 7 * 10_000_000
    assert g.entries("other_model")


def test_who_is_billed_more_than_was_held_is_frozen_until_an_operator_thaws_it(gateway, upstream):       # U22 G1
    upstream.script(using(TOKENS, 101), using(TOKENS, 200))
    g, key = keyed(gateway, limits(daily_usd=DOLLAR), {"app": [], "other": []})
    assert g.chat(ASK, key["app"]).status == 200, "half a per cent more is a matter of counting"
    assert g.chat(question("second", max_tokens=100), key["app"]).status == 200
    refusal = refused(g.chat(ASK, key["app"]), 429, "insufficient_quota")
    assert "frozen" in refusal.error["message"] and refusal.header("x-should-retry") == "false"
    assert metric(g, "farthing_budget_overruns_total") == "2"
    assert [(e["level"].lower(), e["frozen"]) for e in g.entries("overrun")] == [("error", "0"), ("error", "1")]
    upstream.answer = good
    assert g.chat(ASK, key["other"]).status == 200, "others have nothing to do with it"
    assert run("keys", "thaw", "app", "-c", g.config_path).returncode == 0
    g.wait_line(lambda e: e["verb"] == "key_thawed", "the thaw")
    assert g.chat(ASK, key["app"]).status == 200
    rows = adds_up(g.stop()).attempts()
    assert [(r["overrun"], r["cost_pico"]) for r in rows[:2]] == [(1, bound(TOKENS, 101)), (1, rows[1]["cost_pico"])]
    assert rows[1]["cost_pico"] > rows[1]["held_pico"], "the truth is recorded"


def test_a_frozen_key_stays_frozen_over_a_restart(gateway, upstream):
    upstream.answer = using(TOKENS, 500)
    g, key = keyed(gateway, limits(daily_usd=DOLLAR), {"app": []})
    assert g.chat(ASK, key["app"]).status == 200
    refused(g.chat(question("2", max_tokens=9), key["app"]), 429, "insufficient_quota")
    g.stop()
    g.start()
    assert "frozen" in refused(g.chat(question("3", max_tokens=9), key["app"]), 429, "insufficient_quota").error["message"]


def test_a_stream_that_outruns_its_hold_costs_what_was_held(gateway, upstream):                   # U17
    g = gateway(limits(daily_usd=DOLLAR))
    c = g.warm().chat(question(stream=True, max_tokens=50))
    call = upstream.next_call()
    call.stream_head()
    for _ in range(500):
        if not call.chunk(delta(" word")):
            break
    assert stream_error(c.head().stream.rest_or_cut())["code"] == "upstream_overrun"
    [attempt] = adds_up(g.stop()).attempts()
    assert (attempt["basis"], attempt["cost_pico"]) == ("held", attempt["held_pico"]) and attempt["overrun"] == 0


@pytest.mark.parametrize("mode,basis", [("strict", "held"), ("estimate", "estimated")])
@pytest.mark.parametrize("how", ["reset before the head", "cut in the body", "cut stream", "garbage", "html"])
def test_an_outcome_nobody_knows_costs_the_hold_where_books_are_strict(gateway, upstream, how, mode, basis):
    """U09 U10 U11 U20 G9"""
    def play(call):
        if how == "reset before the head":
            call.reset()
        elif how == "cut in the body":
            call.head(200, {"Content-Type": "application/json"}, length=1000)
            call.send(b'{"id":"x","choices":[{"message"')
            call.close()
        elif how == "cut stream":
            call.stream_head()
            call.chunk(plain_stream()[0] + plain_stream()[1])
            call.close()
        else:
            call.reply(200, b"<html>no" if how == "html" else b'{"id":', content_type="application/json")
    upstream.answer = play
    g = gateway({**limits(daily_usd=DOLLAR, mode=mode)})
    reply = g.chat(question(max_tokens=100, stream=how == "cut stream"))
    assert reply.status == (200 if how == "cut stream" else 502) and len(upstream.calls) == 1
    [attempt] = adds_up(g.stop()).attempts()
    assert attempt["basis"] == basis and attempt["outcome"] == "broken"
    assert attempt["cost_pico"] == attempt["held_pico"] if mode == "strict" else \
        bound(TOKENS - 4, 0) < attempt["cost_pico"] < attempt["held_pico"]


@pytest.mark.parametrize("status", [500, 503, 429, 400])
def test_what_the_provider_refuses_costs_nothing(gateway, upstream, status):                     # U05 U06 U07
    upstream.answer = lambda call: call.error(status)
    g = gateway(limits(daily_usd=DOLLAR))
    assert g.chat(ASK).status in (400, 429, 502)
    wait_held(g, 0)
    books = adds_up(g.stop())
    assert books.spent() == 0 and {r["basis"] for r in books.attempts()} == {"none"}


def test_usage_seen_before_a_cut_is_exact(gateway, upstream):                                    # U11
    events = plain_stream()
    upstream.answer = lambda call: (call.stream_head(), call.chunk(b"".join(events[:-1])), call.close())
    g = gateway(limits(daily_usd=DOLLAR))
    g.chat(question(stream=True, max_tokens=100))
    [attempt] = adds_up(g.stop()).attempts()
    assert (attempt["basis"], attempt["cost_pico"]) == ("exact", cost())


def test_usage_that_still_grows_when_the_stream_is_cut_is_not_taken_for_the_whole(gateway, upstream):    # U24 G2
    """Some providers tell in each event what was used so far."""
    def so_far(text, count, finish=None):
        return delta(text, finish=finish, usage=usage(11, count))
    upstream.script(
        lambda call: call.stream([so_far("A", 1), so_far(" b", 2), so_far("", 2, "stop"), DONE]),
        lambda call: (call.stream_head(), call.chunk(so_far("A", 1) + so_far(" b", 2)), call.close()))
    g = gateway(limits(daily_usd=DOLLAR))
    g.chat(question("whole", stream=True, max_tokens=100))
    g.chat(question("cut", stream=True, max_tokens=100))
    whole, cut = adds_up(g.stop()).attempts()
    assert (whole["basis"], whole["cost_pico"]) == ("exact", cost(11, 2))
    assert (cut["basis"], cut["cost_pico"]) == ("held", cut["held_pico"])


def test_an_error_event_of_the_provider_is_passed_on_and_its_usage_unknown(gateway, upstream):   # U34
    wrong = event({"error": {"message": "broken", "type": "server_error", "param": None, "code": "x"}})
    upstream.answer = lambda call: call.stream([plain_stream()[0], wrong])
    g = gateway(limits(daily_usd=DOLLAR))
    assert g.chat(question(stream=True, max_tokens=100)).body.endswith(wrong)
    [attempt] = adds_up(g.stop()).attempts()
    assert (attempt["basis"], attempt["cost_pico"]) == ("held", attempt["held_pico"])


# ---- clients that leave

LEAVES = question(stream=True, max_tokens=100)


def leave(g, upstream, body=LEAVES):
    """A client that has seen the first event and is gone: (call, request id)."""
    c = g.warm().chat(body)
    call = upstream.next_call()
    call.stream_head()
    call.chunk(plain_stream()[0])
    reply = c.head()
    reply.stream.expect(plain_stream()[0])
    c.reset()
    g.wait_closed(reply.request_id)
    return call, reply.request_id


def test_a_call_whose_client_left_is_listened_to_for_its_cost(gateway, upstream):                 # C07 C08
    g = gateway(limits(daily_usd=DOLLAR))
    call, request_id = leave(g, upstream)
    assert not call.gone() and held(g) == bound(TOKENS, 100)
    for e in plain_stream()[1:]:
        call.chunk(e)
    call.end()
    row = g.row(request_id)
    assert (row["status"], row["why"], row["basis"], row["cost_pico"]) == (499, "client hung up", "exact", cost())
    wait_held(g, 0)
    assert adds_up(g.stop()).attempts()[0]["outcome"] == "ok"


def test_who_asks_again_meanwhile_finds_the_call_running(gateway, upstream):
    g = gateway(limits(daily_usd=DOLLAR))
    call, request_id = leave(g, upstream)
    again = g.warm().chat(LEAVES)
    reply = again.head()
    reply.stream.expect(plain_stream()[0])
    for e in plain_stream()[1:]:
        call.chunk(e)
    call.end()
    assert reply.body.endswith(DONE) and reply.header("x-farthing-cache") == "coalesced"
    upstream.assert_no_call()
    assert g.row(request_id)["cost_pico"] == cost() and g.row(reply.request_id)["cost_pico"] == 0
    assert adds_up(g.stop()).spent() == cost()


def test_what_a_slow_client_held_up_flows_again_when_it_has_left(gateway, upstream):
    g = gateway({"limits": {"client_buffer": "64KiB", "stream": "256MiB"}, **limits(daily_usd=DOLLAR)})
    c = g.connect(receive_buffer=4096).chat(question(stream=True, max_tokens=16000))
    call = upstream.next_call()
    call.stream_head()
    call.chunk(plain_stream()[0])
    c.head()
    comment = b": " + b"x" * 64000 + b"\n\n"
    flood = threading.Thread(target=lambda: [call.chunk(comment) for _ in range(500)], daemon=True)
    flood.start()
    flood.join(0.3)
    assert flood.is_alive(), "nothing is held up: the test proves nothing"
    c.reset()
    flood.join(LONG)
    assert not flood.is_alive(), "the call stays paused though nobody reads"
    for e in plain_stream()[1:]:
        call.chunk(e)
    call.end()
    eventually(lambda: g.books().requests(), "the row")
    assert adds_up(g.stop()).only()["basis"] == "exact"


@pytest.mark.parametrize("mode,basis", [("strict", "held"), ("estimate", "estimated")])
def test_listening_ends_after_a_while(gateway, upstream, mode, basis):
    g = gateway(limits(daily_usd=DOLLAR, drain="100ms", mode=mode))
    call, request_id = leave(g, upstream)
    call.wait_hang_up(LONG)
    row = g.row(request_id)
    assert (row["status"], row["basis"]) == (499, basis)
    [attempt] = adds_up(g.stop()).attempts()
    assert attempt["outcome"] == "cancelled" and 0 < attempt["cost_pico"] <= attempt["held_pico"]
    assert (attempt["cost_pico"] == attempt["held_pico"]) == (mode == "strict")


@pytest.mark.parametrize("mode,basis", [("strict", "held"), ("estimate", "estimated")])
def test_a_call_that_is_aborted_costs_what_the_mode_says(gateway, upstream, mode, basis):         # C07 C08
    g = gateway(limits(daily_usd=DOLLAR, on_disconnect="abort", mode=mode))
    call, request_id = leave(g, upstream)
    call.wait_hang_up()
    assert g.row(request_id)["basis"] == basis
    wait_held(g, 0)
    adds_up(g.stop())


def test_who_leaves_before_the_call_began_costs_nothing(gateway, upstream):                      # C06
    g = gateway(limits(daily_usd=bound(TOKENS, 100), wait="1m"))
    first = g.warm().chat(ASK)
    call = upstream.next_call()
    waits = g.warm().chat(question(max_tokens=99))
    g.settle()
    waits.reset()
    [line] = g.wait_ends(1)
    row = g.row(line["request"])
    assert (row["status"], row["cost_pico"], row["attempts"]) == (499, 0, 0)
    good(call)
    assert first.reply().status == 200
    adds_up(g.stop())


# ---- retries and fallbacks

def test_each_attempt_has_a_hold_of_its_own_and_all_stay_within_the_request(gateway, upstream):  # G4 G12
    upstream.script(lambda call: call.error(500), lambda call: call.error(503), good)
    g = gateway({"upstreams": {"sim": {"attempts": 3}}, **limits(request_usd=bound(TOKENS, 50), daily_usd=DOLLAR)})
    reply = g.chat(ASK)
    assert reply.status == 200 and reply.header("x-farthing-clamped") == "50"
    assert [c.json()["max_tokens"] for c in upstream.calls] == [50, 50, 50]
    books = adds_up(g.stop())
    assert [(r["number"], r["held_pico"], r["basis"]) for r in books.attempts()] == [
        (1, bound(TOKENS, 50), "none"), (2, bound(TOKENS, 50), "none"), (3, bound(TOKENS, 50), "exact")]
    assert books.only()["cost_pico"] == cost() <= bound(TOKENS, 50)


def test_a_retry_that_no_longer_fits_tells_what_went_wrong_before(gateway, upstream):
    g = gateway({"upstreams": {"sim": {"attempts": 2, "backoff": "200ms", "backoff_max": "1s"}},
                 **limits(daily_usd=bound(TOKENS, 100))})
    c = g.warm().chat(ASK)
    call = upstream.next_call()
    call.error(500)
    wait_held(g, 0)                         # between two attempts nothing is held
    other = g.warm().chat(question(max_tokens=99))
    second = upstream.next_call()
    refused(c.reply(), 502, "upstream_error")
    good(second)
    assert other.reply().status == 200
    assert len(adds_up(g.stop()).attempts()) == 2


def test_a_fallback_is_held_limited_and_priced_by_its_own_model(gateway, upstream):               # G12
    upstream.script(lambda call: call.error(500), lambda call: call.reply(200, completion(model="gpt-4o")))
    limit = TOKENS * 2_500_000 + 30 * 10_000_000 + 5
    g = gateway({"upstreams": {"sim": {"attempts": 1}}, "models": {MINI: {"upstream": "sim", "fallbacks": ["gpt-4o"]}},
                 **limits(request_usd=limit)})
    reply = g.chat(ASK)
    assert reply.status == 200 and reply.header("x-farthing-clamped") == "30"
    first, second = (c.json() for c in upstream.calls)
    assert (first["model"], first["max_tokens"]) == (MINI, 100)
    assert (second["model"], second["max_tokens"]) == ("gpt-4o", 30)
    rows = adds_up(g.stop()).attempts()
    assert [r["held_pico"] for r in rows] == [bound(TOKENS, 100), limit - 5]
    assert rows[1]["cost_pico"] == 11 * 2_500_000 + 7 * 10_000_000 and rows[1]["price_input"] == 2_500_000
    assert pico(reply.header("x-farthing-cost-usd")) == rows[1]["cost_pico"]


def test_a_fallback_that_is_too_dear_is_not_asked(gateway, upstream):
    upstream.answer = lambda call: call.error(500)
    g = gateway({"upstreams": {"sim": {"attempts": 1}}, "models": {MINI: {"upstream": "sim", "fallbacks": ["gpt-4o"]}},
                 **limits(request_usd=bound(TOKENS, 100))})
    refused(g.chat(ASK), 502, "upstream_error")
    assert len(upstream.calls) == 1


# ---- accounts

def run_headers(name, budget=None):
    return [("x-farthing-run", name)] + ([("x-farthing-run-budget-usd", usd(budget))] if budget is not None else [])


def test_a_run_has_a_budget_of_its_own(gateway, upstream):
    upstream.answer = using(TOKENS, 100)
    one = bound(TOKENS, 100)
    g = gateway(limits(daily_usd=DOLLAR))
    first = g.chat(ASK, run_headers("a", 2 * one))
    assert first.status == 200 and pico(first.header("x-farthing-budget-remaining-usd")) == one
    assert g.chat(question(max_tokens=100, seed=2), run_headers("a")).status == 200, "it keeps its budget"
    reply = refused(g.chat(question(max_tokens=100, seed=3), run_headers("a")), 429, "insufficient_quota")
    assert details(reply)["resets_at"] is None and "run" in reply.error["message"]
    assert g.chat(question(max_tokens=100, seed=4), run_headers("b")).status == 200
    assert g.chat(question(max_tokens=100, seed=5)).status == 200
    g.stop()
    g.start()
    refused(g.chat(question(max_tokens=100, seed=6), run_headers("a", 2 * one)), 429, "insufficient_quota")
    assert g.chat(question(max_tokens=100, seed=7), run_headers("a", 3 * one)).status == 200, "more was granted"
    books = adds_up(g.stop())
    assert books.windows()[("run", "local/a", "run")] == [3 * one]


def test_runs_of_different_keys_are_different_runs(gateway, upstream):
    upstream.answer = using(TOKENS, 100)
    one = bound(TOKENS, 100)
    g, key = keyed(gateway, limits(daily_usd=DOLLAR), {"a": [], "b": []})
    assert g.chat(ASK, key["a"] + run_headers("r", one)).status == 200
    refused(g.chat(question(seed=1, max_tokens=100), key["a"] + run_headers("r")), 429, "insufficient_quota")
    assert g.chat(ASK, key["b"] + run_headers("r", one)).status == 200
    assert {n for n in adds_up(g.stop()).windows() if n[0] == "run"} == {("run", "a/r", "run"), ("run", "b/r", "run")}


ACCOUNTS = {
    "daily of a key": ({}, ["--daily-usd"], "daily budget of key app"),
    "weekly of a key": ({}, ["--weekly-usd"], "weekly budget of key app"),
    "monthly of a key": ({}, ["--monthly-usd"], "monthly budget of key app"),
    "project": ({"projects": {"shop": {"budget": {"daily_usd": ...}}}}, ["--project", "shop"], "daily budget of project shop"),
    "task": ({"tasks": {"titles": {"budget": {"weekly_usd": ...}}}}, [], "weekly budget of task titles"),
    "gateway": ({"budget": {"monthly_usd": ...}}, [], "monthly budget of the gateway"),
}


@pytest.mark.parametrize("name", ACCOUNTS)
def test_every_account_and_window_is_a_limit(gateway, upstream, name):
    config, options, words = ACCOUNTS[name]
    one = bound(TOKENS, 100)

    def fill(value):
        return usd(one) if value is ... else {k: fill(v) for k, v in value.items()} if isinstance(value, dict) else value
    upstream.answer = using(TOKENS, 100)
    config = fill(config)
    money = limits(daily_usd=DOLLAR)["budget"]
    g, key = keyed(gateway, {**config, "budget": {**money, **config.get("budget", {})}},
                   {"app": options + ([usd(one)] if options and options[0].endswith("-usd") else [])})
    headers = key["app"] + [("x-farthing-task", "titles")]
    assert g.chat(ASK, headers).status == 200
    reply = refused(g.chat(question("more", max_tokens=100), headers), 429, "insufficient_quota")
    assert words in reply.error["message"]
    told = details(reply)
    assert (told["limit_usd"], told["spent_usd"], told["held_usd"]) == (one, one, 0)
    adds_up(g.stop())


def test_the_request_limit_of_a_key_counts_beside_the_configured_one(gateway, upstream):
    upstream.answer = good
    g, key = keyed(gateway, limits(request_usd=bound(TOKENS, 80)), {
        "tight": ["--request-usd", usd(bound(TOKENS, 20))], "wide": ["--request-usd", "1"]})
    assert g.chat(ASK, key["tight"]).header("x-farthing-clamped") == "20"
    assert g.chat(question("x", max_tokens=100), key["wide"]).header("x-farthing-clamped") is not None


def test_a_key_that_is_revoked_in_mid_call_pays_for_it_still(gateway, upstream):                  # P20
    g, key = keyed(gateway, limits(daily_usd=DOLLAR), {"gone": ["--daily-usd", "1"], "stays": []})
    c = g.warm().chat(ASK, key["gone"])
    call = upstream.next_call()
    assert run("keys", "revoke", "gone", "-c", g.config_path).returncode == 0
    g.wait_line(lambda e: e["verb"] == "key_revoked", "the end of the key")
    good(call)
    assert c.reply().status == 200 and g.chat(ASK, key["gone"]).status == 401
    wait_held(g, 0)
    assert adds_up(g.stop()).spent("key", "gone") == cost()


# ---- changes while it runs

def test_a_limit_that_is_raised_or_lowered_holds_for_the_next_request(gateway, upstream):        # P17 P19
    upstream.script(using(TOKENS, 100))
    one = bound(TOKENS, 100)
    g = gateway(limits(daily_usd=one))
    assert g.chat(ASK).status == 200
    refused(g.chat(question(max_tokens=90)), 429, "insufficient_quota")
    reload(g, limits(daily_usd=4 * one))
    running = g.warm().chat(question(max_tokens=90))
    call = upstream.next_call()
    reload(g, limits(daily_usd=one // 2))
    refused(g.chat(question(max_tokens=80)), 429, "insufficient_quota")
    assert not call.gone(), "nothing that runs is cancelled"
    using(TOKENS, 90)(call)
    assert running.reply().status == 200
    refused(g.chat(question(max_tokens=80)), 429, "insufficient_quota")
    reload(g, limits(daily_usd=4 * one))
    upstream.answer = good
    assert g.chat(question(max_tokens=80)).status == 200
    adds_up(g.stop())


def test_observing_touches_nothing_and_keeps_the_limits(gateway, upstream):
    upstream.answer = using(TOKENS, 60)
    one = bound(TOKENS, 100)
    g = gateway({"mode": "observe", **limits(request_usd=1_000_000, daily_usd=one + bound(TOKENS, 60) - 1)})
    reply = g.chat(ASK)
    assert reply.status == 200 and reply.header("x-farthing-clamped") is None
    assert upstream.calls[0].body == json.dumps(ASK).encode(), "byte for byte"
    refused(g.chat(ASK), 429, "insufficient_quota")     # it would have to be clamped
    assert len(upstream.calls) == 1
    adds_up(g.stop())


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_holds_that_outlive_the_power_serve_as_well(gateway, upstream, stream):
    upstream.answer = lambda call: call.stream(plain_stream()) if stream else good(call)
    g = gateway({"limits": WIDE, **limits(daily_usd=DOLLAR, durability="power")})
    replies = crowd(g.port, [{**b, "stream": stream} for b in numbered(30, 50)])
    assert [r.status for r in replies] == [200] * 30
    wait_held(g, 0)
    assert adds_up(g.stop()).spent() == 30 * cost()


def test_a_client_that_leaves_while_its_hold_is_written_costs_nothing_or_its_hold(gateway, upstream):
    upstream.answer = good
    g = gateway(limits(daily_usd=DOLLAR, durability="power", on_disconnect="abort"))
    for i in range(20):
        c = g.connect().chat(question(f"{i}", max_tokens=10))
        c.reset()
    g.settle()
    wait_held(g, 0)
    books = adds_up(g.stop())
    assert all(r["cost_pico"] in (0, r["held_pico"], cost()) for r in books.attempts())


# ---- time

def zone_file(directory, name, offset_s):
    """A time zone as the C library reads it, so and so many seconds ahead of UTC, instead of the system's."""
    path = os.path.join(directory, "zones", name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(b"TZif" + b"\0" * 16 + struct.pack(">6I", 0, 0, 0, 0, 1, 4) + struct.pack(">iBB", offset_s, 0, 0) + b"XXX\0")
    return {"TZDIR": os.path.join(directory, "zones")}


def midnight_in(directory, seconds):
    """An environment in which the next day begins in so many seconds."""
    now = datetime.datetime.now(datetime.timezone.utc)
    of_day = now.hour * 3600 + now.minute * 60 + now.second
    ahead = (86400 - seconds - of_day) % 86400
    return zone_file(directory, "Europe/Berlin", ahead if ahead <= 43200 else ahead - 86400)


def test_what_runs_over_midnight_is_booked_to_the_day_it_began_in(gateway, upstream, tmp_path):   # P25 G7
    g = gateway(limits(daily_usd=10 * bound(TOKENS, 100), timezone="Europe/Berlin"), env=midnight_in(str(tmp_path), 3))
    running = [g.warm().chat(question(stream=True, max_tokens=100, seed=i)) for i in range(10)]
    calls = [upstream.next_call() for _ in running]
    for call in calls:
        call.stream_head()
        call.chunk(plain_stream()[0])
    reply = refused(g.chat(question(max_tokens=99)), 429, "budget_reserved")
    assert details(reply)["held_usd"] == 10 * bound(TOKENS, 100)
    upstream.answer = using(TOKENS, 99)
    eventually(lambda: g.chat(question(max_tokens=99)).status == 200, "the next day", timeout=LONG + 3)
    for call in calls:
        call.chunk(b"".join(plain_stream()[1:]))
        call.end()
    assert all(c.reply().body.endswith(DONE) for c in running)
    books = adds_up(g.stop())
    days = books.windows()[("gateway", "", "day")]
    assert days == [10 * cost(), bound(TOKENS, 99)], "one row for each day"
    assert len({r["day_us"] for r in books.attempts()}) == 2


def test_a_limit_that_resets_in_a_moment_says_when_to_come_back(gateway, upstream, tmp_path):     # C42
    g = gateway(limits(daily_usd=0, timezone="Europe/Berlin"), env=midnight_in(str(tmp_path), 40))
    reply = refused(g.chat(ASK), 429, "insufficient_quota")
    assert 1 <= int(reply.header("retry-after")) <= 40 and reply.header("x-should-retry") == "false"


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Pacific/Chatham"])
def test_days_weeks_and_months_begin_in_the_configured_zone(gateway, upstream, zone):             # P26
    upstream.answer = good
    g = gateway(limits(daily_usd=DOLLAR, timezone=zone), env={"TZ": "Asia/Tokyo"})
    here = zoneinfo.ZoneInfo(zone)

    def starts():
        day = datetime.datetime.now(here).replace(hour=0, minute=0, second=0, microsecond=0)
        days = (day, day - datetime.timedelta(days=day.weekday()), day.replace(day=1))
        return [int(d.timestamp()) * 10 ** 6 for d in days]
    before = starts()
    assert g.chat(ASK).status == 200
    if starts() != before:
        pytest.skip("midnight passed")
    [row] = g.stop().attempts()
    assert [row["day_us"], row["week_us"], row["month_us"]] == before


# ---- the books of it all

def test_every_reply_has_exactly_one_row(gateway, upstream):                                      # G11
    upstream.script(good, lambda call: call.error(400), lambda call: call.stream(plain_stream()), using(TOKENS, 100))
    g = gateway({"models": {"nobody-knows": {"upstream": "sim"}},
                 **limits(request_usd=bound(TOKENS, 100), daily_usd=bound(TOKENS, 100) + 3 * cost())})
    replies = [
        g.chat(ASK), g.chat(question(max_tokens=20)), g.chat(question(stream=True, max_tokens=20)),
        g.chat(question(model="nobody-knows")), g.chat(question(model="no-such-model")),
        g.chat(question(service_tier="priority")), g.chat(question("word " * 2000)), g.chat({"model": MINI}),
        g.chat(ASK), g.chat(question(max_tokens=50)), g.ask("POST", "/v1/chat/completions", b"{"),
    ]
    assert [r.status for r in replies] == [200, 400, 200, 403, 404, 400, 400, 400, 200, 429, 400]
    rows = adds_up(g.stop()).requests()
    ids = [r.request_id for r in replies]
    assert sorted(r["id"] for r in rows) == sorted(ids)
    by_id = {r["id"]: r for r in rows}
    for reply in replies:
        row = by_id[reply.request_id]
        assert row["status"] == reply.status
        assert row["error_code"] == ("" if reply.status == 200 else reply.error["code"])
        if reply.status != 200:
            assert (row["cost_pico"], row["basis"]) == (0, "none")


def test_spent_and_held_are_shown_apart(gateway, upstream):
    g, key = keyed(gateway, limits(daily_usd=DOLLAR), {"app": ["--daily-usd", "0.5"]})
    upstream.script(good)
    assert g.chat(question("before"), key["app"]).status == 200
    c = g.warm().chat(ASK, key["app"])
    call = upstream.next_call()
    label = 'kind="key",account="app",window="day"'
    assert pico(metric(g, f"farthing_budget_limit_usd{{{label}}}")) == DOLLAR // 2
    assert pico(metric(g, f"farthing_budget_spent_usd{{{label}}}")) == cost()
    assert pico(metric(g, f"farthing_budget_held_usd{{{label}}}")) == held(g) == bound(TOKENS, 100)
    assert (metric(g, "farthing_budget_holds"), metric(g, "farthing_budget_waiting")) == ("1", "0")
    good(call)
    left = c.reply().header("x-farthing-budget-remaining-usd")
    assert pico(left) == DOLLAR // 2 - 2 * cost()
    wait_held(g, 0)
    assert pico(metric(g, "farthing_spent_today_usd")) == 2 * cost()


def test_an_alert_is_told_once_in_its_window_and_not_again_after_a_restart(gateway, upstream):
    upstream.answer = using(5, 7)
    g = gateway(limits(daily_usd=10 * cost(5, 7)))
    for i in range(7):
        assert g.chat(question(f"{i}", max_tokens=7)).status == 200
    told = [e["share"] for e in g.entries("budget")]
    g.stop()
    g.start()
    assert g.chat(question("after", max_tokens=7)).status == 200
    told += [e["share"] for e in g.entries("budget")]
    assert told == sorted(set(told), key=int), told
