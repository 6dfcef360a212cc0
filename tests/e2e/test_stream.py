"""Event streams: byte for byte, each event as soon as it arrives, and broken politely when the provider breaks.

SPDX-License-Identifier: Apache-2.0
"""
import json

import pytest

from farthing.patience import LONG, PATIENT
from farthing.wording import (DONE, MINI, billed, completion, cost, delta, event, events_of, plain_stream, question, shown,
                              stream_error, usage, usage_event, usd)

STREAM = question(stream=True)
WITH_USAGE = question(stream=True, stream_options={"include_usage": True})


def begin(g, upstream, body=STREAM, chunked=True):
    """A stream whose head and first event have reached the client: (client, call, reply)."""
    c = g.connect().chat(body)
    call = upstream.next_call()
    call.head(200, [("Content-Type", "text/event-stream")], chunked=chunked)
    first = delta("", role="assistant")
    call.chunk(first)
    reply = c.head()
    reply.stream.expect(first)
    return c, call, reply


def test_each_event_arrives_before_the_next_is_sent(gateway, upstream):
    g = gateway()
    c = g.connect().chat(WITH_USAGE)
    call = upstream.next_call()
    call.stream_head()
    reply = None
    for e, seen in zip(plain_stream(), billed(plain_stream())):
        call.chunk(e)
        reply = reply or c.head()
        reply.stream.expect(seen)   # the barrier: the provider goes on only when the client has it
    call.end()
    assert reply.stream.rest() == b"" and reply.stream.whole
    assert reply.status == 200 and reply.header("content-type").startswith("text/event-stream")
    assert reply.header("cache-control") == "no-store" and reply.request_id
    assert reply.header("x-farthing-model") == MINI, "known when the head leaves"
    row = g.stop().only()
    assert row["id"] == reply.request_id and row["stream"] == 1 and row["why"] == "served"
    assert (row["input_tokens"], row["output_tokens"], row["basis"], row["cost_pico"]) == (11, 7, "exact", cost())


def test_a_client_that_waits_long_for_the_first_event_gets_the_head_and_a_heartbeat(gateway, upstream):
    g = gateway({"limits": {"heartbeat": "1s"}})
    c = g.connect().chat(STREAM)
    call = upstream.next_call()
    call.stream_head({"openai-processing-ms": "5"})
    reply = c.head()
    assert reply.status == 200 and reply.header("openai-processing-ms") == "5"
    reply.stream.expect(b": ping\n\n")
    for e in plain_stream():
        call.chunk(e)
    call.end()
    assert reply.body.replace(b": ping\n\n", b"").endswith(b"".join(shown(plain_stream())))


@pytest.mark.parametrize("first", [b"", delta("", role="assistant")[:20]], ids=["nothing", "half_an_event"])
def test_a_stream_that_breaks_before_its_first_event_is_a_plain_status(gateway, upstream, first):
    """SDKs take a 200 without an event for an empty answer; so the head waits for the first whole event."""
    g = gateway({"upstreams": {"sim": {"attempts": 1}}})

    def play(call):
        call.stream_head()
        if first:
            call.chunk(first)
        call.reset()
    upstream.answer = play
    reply = g.chat(STREAM)
    assert reply.status == 502 and reply.error["code"].startswith("upstream_")
    assert g.stop().only()["status"] == 502


@pytest.mark.parametrize("body,visible", [(STREAM, shown(plain_stream())), (WITH_USAGE, billed(plain_stream()))],
                         ids=["not_asked", "asked"])
def test_usage_is_shown_to_those_who_asked_and_booked_for_all(gateway, upstream, body, visible):   # U25
    g = gateway()
    upstream.answer = lambda call: call.stream(plain_stream())
    assert g.chat(body).body == b"".join(visible)
    row = g.stop().only()
    assert (row["input_tokens"], row["output_tokens"], row["basis"]) == (11, 7, "exact")


def test_a_chunk_with_usage_and_a_choice_is_never_hidden(gateway, upstream):
    g = gateway()
    events = [delta("A", role="assistant"), delta(finish="stop", usage=usage()), DONE]
    upstream.answer = lambda call: call.stream(events)
    assert g.chat(STREAM).body == b"".join(events)
    assert g.stop().only()["output_tokens"] == 7


def test_usage_beside_a_choice_tells_its_cost_to_who_asked(gateway, upstream):
    g = gateway()
    events = [delta("A", role="assistant", usage=usage(completion=1)), delta(finish="stop", usage=usage()), DONE]
    upstream.answer = lambda call: call.stream(events)
    want = billed(events[:1], cost(completion=1)) + billed(events[1:])
    assert g.chat(WITH_USAGE).body == b"".join(want)
    assert g.stop().only()["cost_pico"] == cost()


def test_the_cost_in_a_stream_is_that_of_the_books(gateway, upstream):
    """Cached input has its own price, and the first attempt had its cost."""
    g = gateway()
    upstream.answer = lambda call: call.error(500) if len(upstream.calls) == 1 else \
        call.stream(plain_stream(with_usage=False)[:-1] + [usage_event(prompt=4000, completion=900, cached=3000), DONE])
    reply = g.chat(WITH_USAGE)
    told = [e["usage"] for e in events_of(reply.body) if isinstance(e, dict) and e.get("usage")]
    assert len(told) == 1
    row = g.stop().only()
    assert row["attempts"] == 2 and row["cost_pico"] == cost(4000, 900, 3000)
    assert f'"cost_usd":{usd(row["cost_pico"])},"saved_usd":0.00'.encode() in reply.body


def test_an_unknown_cost_is_left_out_and_a_free_one_is_zero(gateway, upstream):
    g = gateway({"models": {"nobody-knows": {"upstream": "sim"}, "free": {"upstream": "sim", "free": True}}})
    upstream.answer = lambda call: call.stream(plain_stream())
    free = g.chat({**WITH_USAGE, "model": "free"})
    assert free.body == b"".join(billed(plain_stream(), 0))
    unknown = g.chat({**WITH_USAGE, "model": "nobody-knows"})
    assert b"cost_usd" not in unknown.body and b"saved_usd" not in unknown.body


def test_an_empty_first_chunk_without_usage_is_not_mistaken_for_usage(gateway, upstream):
    g = gateway()
    azure = event({"id": "", "object": "chat.completion.chunk", "model": "", "choices": [],
                   "prompt_filter_results": [{"prompt_index": 0}]})
    events = [azure] + plain_stream()
    upstream.answer = lambda call: call.stream(events)
    assert g.chat(STREAM).body == azure + b"".join(shown(plain_stream()))


def test_the_last_event_and_the_end_of_the_body_travel_together(gateway, upstream):
    """SDKs hang up at [DONE] when the end of the body is not there yet."""
    g = gateway()
    upstream.answer = lambda call: call.stream(plain_stream())
    together = 0
    for i in range(10):
        c = g.connect().chat(question(f"{i}", stream=True))
        c.read_until(DONE)
        together += c.unread.endswith(b"0\r\n\r\n")
        c.close()
    assert together >= 9


def test_the_connection_serves_on_after_a_stream(gateway, upstream):
    g = gateway()
    upstream.answer = lambda call: call.stream(plain_stream())
    c = g.connect()
    for i in range(3):
        assert c.chat(question(f"{i}", stream=True)).reply().status == 200
    assert c.is_open() and len(upstream.links) == 1


@pytest.mark.parametrize("path,body,events", [
    ("/v1/completions", {"model": MINI, "prompt": "x", "stream": True},
     [event({"id": "cmpl-1", "object": "text_completion", "choices": [{"text": "x", "index": 0, "finish_reason": None}]}),
      event({"id": "cmpl-1", "object": "text_completion", "choices": [{"text": "", "index": 0, "finish_reason": "stop"}]}),
      event({"id": "cmpl-1", "object": "text_completion", "choices": [], "usage": usage()}), DONE]),
    ("/v1/responses", {"model": MINI, "input": "x", "stream": True},
     [b'event: response.created\ndata: {"type":"response.created","sequence_number":0,"response":{"id":"r"}}\n\n',
      b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"x"}\n\n',
      b'event: response.completed\ndata: {"type":"response.completed","response":{"id":"r","status":"completed",'
      b'"usage":{"input_tokens":11,"output_tokens":7,"total_tokens":18}}}\n\n']),
])
def test_other_endpoints_stream_as_well(gateway, upstream, path, body, events):
    g = gateway()
    upstream.answer = lambda call: call.stream(events)
    reply = g.ask("POST", path, body)
    assert reply.body == b"".join(billed(events) if path == "/v1/responses" else shown(events))
    if path == "/v1/responses":
        assert "stream_options" not in upstream.calls[0].json()
    row = g.stop().only()
    assert (row["status"], row["input_tokens"], row["output_tokens"], row["basis"]) == (200, 11, 7, "exact")


# ---- what may break

def cut_by_reset(call):
    call.reset()


def cut_by_close(call):
    call.close()


@pytest.mark.parametrize("cut", [cut_by_reset, cut_by_close], ids=["reset", "close"])
@pytest.mark.parametrize("tail", [b"", b'data: {"id":"x","choices":[{"delta":{"content":"hal', b"data: \"\xe2\x82",
                                  b'data: {"a":1}\n'], ids=["between", "mid_event", "mid_utf8", "mid_blank_line"])
def test_a_cut_stream_ends_with_an_error_event(gateway, upstream, cut, tail):                   # U11
    g = gateway()
    c, call, reply = begin(g, upstream)
    call.chunk(delta("A "))
    reply.stream.expect(delta("A "))
    if tail:
        call.chunk(tail)
    cut(call)
    rest = reply.stream.rest_or_cut()
    assert stream_error(rest)["code"] == "upstream_stream_truncated"
    row = g.stop().only()
    assert row["status"] == 200 and row["error_code"] == "upstream_stream_truncated"
    assert row["basis"] in ("estimated", "held")
    assert len(upstream.calls) == 1, "no retry after the first byte"


def test_a_cut_in_the_middle_of_a_chunk_is_a_cut(gateway, upstream):                            # U11
    g = gateway()
    c, call, reply = begin(g, upstream)
    call.send(b"100\r\n" + delta("A"))
    call.close()
    assert stream_error(reply.stream.rest_or_cut())["code"] == "upstream_stream_truncated"


def test_usage_seen_before_the_cut_is_booked_exactly(gateway, upstream):                        # U11
    g = gateway()
    c, call, reply = begin(g, upstream)
    call.chunk(usage_event())
    call.chunk(delta("A"))
    reply.stream.expect(delta("A"))
    call.reset()
    assert stream_error(reply.stream.rest_or_cut())["code"] == "upstream_stream_truncated"
    row = g.stop().only()
    assert (row["basis"], row["input_tokens"], row["output_tokens"]) == ("exact", 11, 7)


def test_a_close_delimited_stream_without_an_end_is_a_cut(gateway, upstream):                   # U12
    g = gateway()
    c, call, reply = begin(g, upstream, chunked=False)
    call.chunk(delta("A"))
    reply.stream.expect(delta("A"))
    call.close()
    assert stream_error(reply.stream.rest_or_cut())["code"] == "upstream_stream_truncated"


@pytest.mark.parametrize("chunked", [True, False], ids=["chunked", "close_delimited"])
def test_a_missing_done_is_added(gateway, upstream, chunked):                                   # U13
    g = gateway()
    c, call, reply = begin(g, upstream, chunked=chunked)
    for e in (delta("A"), delta(finish="stop"), usage_event()):
        call.chunk(e)
    call.end()
    assert reply.stream.rest() == delta("A") + delta(finish="stop") + DONE
    row = g.stop().only()
    assert (row["status"], row["basis"], row["error_code"] or "") == (200, "exact", "")


def test_done_without_a_finish_reason_passes(gateway, upstream):                                # U14
    g = gateway()
    c, call, reply = begin(g, upstream)
    for e in (delta("A"), DONE):
        call.chunk(e)
    call.end()
    assert reply.stream.rest() == delta("A") + DONE
    row = g.stop().only()
    assert row["status"] == 200 and row["basis"] == "estimated"


@pytest.mark.parametrize("more", [b"", event({"junk": 1})], ids=["kept_open", "more_data"])
def test_done_ends_the_stream_whatever_the_provider_does(gateway, upstream, more):              # U15
    g = gateway()
    c, call, reply = begin(g, upstream)
    for e in (delta("A"), delta(finish="stop"), usage_event()):
        call.chunk(e)
    call.chunk(DONE + more)
    assert reply.stream.rest() == delta("A") + delta(finish="stop") + DONE
    call.wait_hang_up(LONG)
    row = g.stop().only()
    assert (row["status"], row["basis"], row["why"]) == (200, "exact", "served")


def test_a_silent_stream_gets_comments_as_a_heartbeat(gateway, upstream):                       # U16
    g = gateway({"limits": {**PATIENT, "heartbeat": "1s"}})
    c, call, reply = begin(g, upstream)
    for _ in range(2):
        reply.stream.expect(b": ping\n\n")
    call.chunk(delta("A"))
    rest = reply.stream.expect_past(delta("A"))
    assert rest.replace(b": ping\n\n", b"") == delta("A")
    for e in (delta(finish="stop"), usage_event(), DONE):
        call.chunk(e)
    call.end()
    assert reply.stream.rest().replace(b": ping\n\n", b"") == delta(finish="stop") + DONE
    assert g.stop().only()["status"] == 200


def test_a_heartbeat_never_lands_inside_an_event(gateway, upstream):                            # U16
    g = gateway({"limits": {**PATIENT, "heartbeat": "1s"}})
    c, call, reply = begin(g, upstream)
    reply.stream.expect(b": ping\n\n")
    half = len(delta("A quarter")) // 2
    call.chunk(delta("A quarter")[:half])
    upstream.assert_no_call(1.5)     # more than a heartbeat's time, with half an event on its way
    call.chunk(delta("A quarter")[half:])
    rest = reply.stream.expect_past(delta("A quarter")[-8:])
    assert delta("A quarter") in rest
    for e in (delta(finish="stop"), usage_event(), DONE):
        call.chunk(e)
    call.end()
    assert delta(finish="stop") + DONE in reply.stream.rest()


def test_a_stream_that_falls_silent_for_too_long_is_ended(gateway, upstream):                   # U16
    g = gateway({"upstreams": {"sim": {"idle": "200ms", "first_byte": "1h", "total": "1h"}}, "limits": PATIENT})
    c, call, reply = begin(g, upstream)
    error = stream_error(reply.stream.rest_or_cut())
    assert error["code"] == "upstream_timeout"
    call.wait_hang_up(LONG)
    row = g.stop().only()
    assert row["status"] == 200 and row["error_code"] == "upstream_timeout" and row["basis"] in ("estimated", "held")


def test_a_stream_without_end_is_cut_at_the_limit(gateway, upstream):                           # U17
    g = gateway({"limits": {"stream": "64KiB", "event": "32KiB"}})
    c, call, reply = begin(g, upstream)
    word = delta("x" * 1000)
    for _ in range(200):
        if not call.chunk(word):
            break
    error = stream_error(reply.stream.rest_or_cut())
    assert error["code"] == "upstream_overrun"
    call.wait_hang_up(LONG)
    assert len(reply.stream.got) < 80 * 1024
    assert g.stop().only()["error_code"] == "upstream_overrun"


@pytest.mark.parametrize("events,tokens", [
    ([usage_event(), usage_event(prompt=12, completion=9)], (12, 9)),
    ([delta("A", usage=usage(11, 1)), delta("B", usage=usage(11, 2))], (11, 2)),
    ([usage_event(prompt=20, completion=5), delta("A")], (20, 5)),
], ids=["twice", "in_every_chunk", "before_the_end"])
def test_of_several_usages_the_last_counts(gateway, upstream, events, tokens):                  # U24
    g = gateway()
    upstream.answer = lambda call: call.stream([delta("", role="assistant"), *events, delta(finish="stop"), DONE])
    assert g.chat(WITH_USAGE).status == 200
    row = g.stop().only()
    assert (row["input_tokens"], row["output_tokens"], row["basis"]) == (*tokens, "exact")


CHUNK = json.dumps({"id": "c", "object": "chat.completion.chunk", "choices": [
    {"index": 0, "delta": {"content": "é🦊"}, "finish_reason": None}]}, ensure_ascii=False).encode()
STOP = json.dumps({"id": "c", "object": "chat.completion.chunk", "choices": [
    {"index": 0, "delta": {}, "finish_reason": "stop"}]}).encode()
USAGE = json.dumps({"id": "c", "object": "chat.completion.chunk", "choices": [], "usage": usage()}).encode()
SYNTAX = {
    "no_space": b"data:" + CHUNK + b"\n\ndata:" + STOP + b"\n\n%sdata:[DONE]\n\n",
    "crlf": b"data: " + CHUNK + b"\r\n\r\ndata: " + STOP + b"\r\n\r\n%sdata: [DONE]\r\n\r\n",
    "cr": b"data: " + CHUNK + b"\r\rdata: " + STOP + b"\r\r%sdata: [DONE]\r\r",
    "mixed": b"data: " + CHUNK + b"\r\n\ndata: " + STOP + b"\n\r\n%sdata: [DONE]\n\n",
    "comments": b": hello\n\ndata: " + CHUNK + b"\n: in between\n\n:\n\ndata: " + STOP + b"\n\n%sdata: [DONE]\n\n",
    "fields": b"event: message\nid: 7\nretry: 10\ndata: " + CHUNK + b"\n\nid: 8\ndata: " + STOP +
              b"\n\n%sdata: [DONE]\n\n",
    "multi_line": b'data: {"id":"c","choices":[{"index":0,\ndata: "delta":{"content":"x"},"finish_reason":null}]}\n\n'
                  b"data: " + STOP + b"\n\n%sdata: [DONE]\n\n",
    "not_json": b"data: not json\n\ndata: " + CHUNK + b"\n\ndata: " + STOP + b"\n\n%sdata: [DONE]\n\n",
    "nul_and_bad_utf8": b"data: {\"x\":\"\x00\xff\xfe\"}\n\ndata: " + STOP + b"\n\n%sdata: [DONE]\n\n",
}
EOL = {"crlf": b"\r\n\r\n", "cr": b"\r\r"}


@pytest.mark.parametrize("pieces", ["whole", "bytes"])
@pytest.mark.parametrize("name", SYNTAX)
def test_event_syntax_in_all_its_forms_passes_unchanged(gateway, upstream, name, pieces):       # U33
    g = gateway()
    raw = SYNTAX[name] % (b"data: " + USAGE + EOL.get(name, b"\n\n"))
    visible = SYNTAX[name] % b""

    def play(call):
        call.stream_head()
        for i in range(0, len(raw), 1 if pieces == "bytes" else len(raw)):
            call.chunk(raw[i:i + 1] if pieces == "bytes" else raw)
        call.end()
    upstream.answer = play
    assert g.chat(STREAM).body == visible
    row = g.stop().only()
    assert (row["basis"], row["output_tokens"], row["status"]) == ("exact", 7, 200)


def test_an_event_without_measure_is_refused(gateway, upstream):                                # U33
    g = gateway({"limits": {"event": "64KiB"}})
    c, call, reply = begin(g, upstream)
    call.chunk(b"data: ")
    for _ in range(100):
        if not call.chunk(b"x" * 4096):
            break
    error = stream_error(b"\n\n" + reply.stream.rest_or_cut()[-600:])
    assert error["code"].startswith("upstream_")
    call.wait_hang_up(LONG)
    assert g.stop().only()["error_code"] == error["code"]


def test_an_error_event_of_the_provider_passes_and_nothing_follows(gateway, upstream):          # U34
    g = gateway()
    c, call, reply = begin(g, upstream)
    failure = event({"error": {"message": "The server had an error", "type": "server_error", "param": None,
                               "code": "server_error"}})
    call.chunk(failure)
    call.end()
    rest = reply.stream.rest_or_cut()
    assert rest == failure
    row = g.stop().only()
    assert row["status"] == 200 and row["error_code"] and row["basis"] in ("estimated", "held")


def test_an_error_before_the_first_event_is_a_plain_status(gateway, upstream):
    """A 200 with a JSON error inside gives an empty answer in most SDKs."""
    g = gateway({"upstreams": {"sim": {"attempts": 1}}})
    upstream.answer = lambda call: call.error(400, "that is wrong", "bad_thing")
    reply = g.chat(STREAM)
    assert reply.status == 400 and reply.header("content-type") == "application/json"
    assert reply.error["code"]


def test_a_json_answer_to_a_stream_is_not_taken_for_a_stream(gateway, upstream):                # U20
    g = gateway({"upstreams": {"sim": {"attempts": 1}}})
    upstream.answer = lambda call: call.reply(200, completion())
    reply = g.chat(STREAM)
    assert reply.status == 502 and reply.error["code"] == "upstream_invalid_response"


def test_a_hundred_streams_are_told_apart(gateway, upstream):
    g = gateway()
    upstream.answer = lambda call: call.stream(
        [delta(call.json()["messages"][0]["content"], role="assistant"), delta(finish="stop"), usage_event(), DONE])
    clients = [g.connect().chat(question(f"nonce-{i}-é", stream=True)) for i in range(100)]
    for i, c in enumerate(clients):
        assert events_of(c.reply().body)[0]["choices"][0]["delta"]["content"] == f"nonce-{i}-é"
    assert len(g.stop().requests()) == 100
