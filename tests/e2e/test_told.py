"""What clients and operators are told about money: refusals that teach, headers, alerts, a stream that is cut.

SPDX-License-Identifier: Apache-2.0
"""
import datetime
import json

import pytest

from farthing.patience import LONG, eventually
from farthing.upstream import Upstream
from farthing.wording import completion, cost, delta, plain_stream, question, stream_error, usage_event, usd

STREAM = question(stream=True)


def spent(g, upstream, daily, **budget):
    """A gateway whose day has cost `cost()` already, of a limit of `daily` pico-dollars."""
    made = g({"budget": {"daily_usd": usd(daily), "wait": "0s", **budget}})
    upstream.answer = lambda call: call.reply(200, completion())
    assert made.chat(question(max_tokens=7)).status == 200
    return made


def exact(reply):
    """The details with their numbers as they were written."""
    return json.loads(reply.body, parse_float=str, parse_int=str)["error"]["details"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_spent_budget_is_refused_with_its_arithmetic(gateway, upstream, stream):
    g = spent(gateway, upstream, cost() + 1_000_000)
    reply = g.chat(question("more", stream=stream, max_tokens=100))
    assert reply.status == 429 and reply.error["code"] == reply.error["type"] == "insufficient_quota"
    assert reply.header("x-should-retry") == "false" and reply.header("retry-after") is None
    details = exact(reply)
    assert set(details) == {"limit_usd", "spent_usd", "held_usd", "needed_usd", "resets_at"}
    assert details["limit_usd"] == usd(cost() + 1_000_000) and details["spent_usd"] == usd(cost())
    assert details["held_usd"] == "0.00" and float(details["needed_usd"]) > 0
    tomorrow = datetime.datetime.now(datetime.timezone.utc).date() + datetime.timedelta(days=1)
    assert details["resets_at"] == f"{tomorrow}T00:00:00Z"
    assert "daily budget of the gateway" in reply.error["message"] and details["resets_at"] in reply.error["message"]
    assert reply.header("x-farthing-budget-remaining-usd") == usd(1_000_000)
    line = g.wait_line(lambda e: e["verb"] == "refused_budget", "the arithmetic in the log")
    assert (line["request"], line["account"], line["window"]) == (reply.request_id, "gateway", "day")
    assert (line["limit_usd"], line["spent_usd"]) == (details["limit_usd"], details["spent_usd"])
    metrics = g.ask("GET", "/metrics").body.decode()
    assert 'farthing_budget_refusals_total{code="insufficient_quota"} 1' in metrics


def test_a_clamped_request_is_told_to_what(gateway, upstream):
    g = gateway({"budget": {"daily_usd": usd(cost() + 100 * 600_000), "wait": "0s"}})
    upstream.answer = lambda call: call.reply(200, completion())
    reply = g.chat(question(max_tokens=5000))
    clamped = int(reply.header("x-farthing-clamped"))
    sent = upstream.calls[0].json()
    assert clamped == sent.get("max_tokens", sent.get("max_completion_tokens")) < 120
    assert reply.header("x-farthing-budget-remaining-usd") == usd(100 * 600_000)
    free = g.chat(question("other", max_tokens=7))
    assert free.header("x-farthing-clamped") is None
    assert "farthing_budget_clamped_total 1" in g.ask("GET", "/metrics").body.decode()


def test_a_stream_that_outruns_its_hold_is_cut(gateway, upstream):
    g = gateway({"budget": {"daily_usd": "1.00"}})
    c = g.warm().chat(question(stream=True, max_tokens=50))
    call = upstream.next_call()
    call.stream_head()
    said = 0
    while said < 5000 and call.chunk(delta(" word")):
        said += 1
    reply = c.head()
    error = stream_error(reply.stream.rest_or_cut())
    assert error["code"] == "upstream_overrun"
    call.wait_hang_up(LONG)
    heard = reply.stream.got.count(b'" word"')
    assert 50 < heard < 50 + 16 + 32
    assert g.stop().only()["error_code"] == "upstream_overrun"


def test_a_stream_that_fills_its_hold_is_not_cut(gateway, upstream):
    g = gateway({"budget": {"daily_usd": "1.00"}})
    words = [delta(" word") for _ in range(50)]
    upstream.answer = lambda call: call.stream(words + [delta(finish="length"), usage_event(completion=50)] +
                                               plain_stream()[-1:])
    reply = g.chat(question(stream=True, max_tokens=50))
    assert reply.body.endswith(plain_stream()[-1]) and reply.body.count(b'" word"') == 50


def test_an_alert_reaches_the_webhook_once(gateway, upstream):
    receiver = Upstream()
    try:
        receiver.answer = lambda call: call.reply(204)
        g = gateway({"budget": {"daily_usd": usd(2 * cost())},
                     "alerts": {"at": [50], "webhook": receiver.url + "/hook"}})
        upstream.answer = lambda call: call.reply(200, completion())
        assert g.chat(question(max_tokens=7)).status == 200
        [call] = eventually(lambda: list(receiver.calls), "the alert at its receiver")
        told = json.loads(call.body, parse_float=str)
        assert call.method == "POST" and call.path.endswith("/hook") and call.header("authorization") is None
        assert (told["event"], told["kind"], told["account"]) == ("budget_alert", "gateway", "")
        assert (told["window"], told["share"]) == ("day", 50)
        assert (told["limit_usd"], told["spent_usd"]) == (usd(2 * cost()), usd(cost()))
        line = g.wait_line(lambda e: e["verb"] == "budget", "the alert in the log")
        assert (line["account"], line["window"], line["share"]) == ("gateway", "day", "50")
        assert g.chat(question("again", max_tokens=7)).status in (200, 429)
        assert len(receiver.calls) == 1, "each share once"
        assert "farthing_budget_alerts_total 1" in g.ask("GET", "/metrics").body.decode()
    finally:
        receiver.close()


def test_a_webhook_that_refuses_costs_a_line_and_no_request(gateway, upstream):
    receiver = Upstream()
    try:
        receiver.answer = lambda call: call.reply(404)
        g = gateway({"budget": {"daily_usd": usd(2 * cost())}, "alerts": {"at": [50], "webhook": receiver.url}})
        upstream.answer = lambda call: call.reply(200, completion())
        assert g.chat(question(max_tokens=7)).status == 200
        line = g.wait_line(lambda e: e["verb"] == "alert_failed", "that it could not be told")
        assert (line["status"], line["tries"]) == ("404", "1")
        eventually(lambda: "farthing_budget_alerts_lost_total 1" in g.ask("GET", "/metrics").body.decode(), "counted")
    finally:
        receiver.close()
