"""The instruments themselves: the raw client against the scripted upstream, with no gateway between them.

SPDX-License-Identifier: Apache-2.0
"""
import pytest

from farthing.gateway import merge, parse_line, yaml
from farthing.patience import LONG
from farthing.upstream import Upstream
from farthing.wire import Client, Closed, Reset, Silence
from farthing.wording import DONE, completion, events_of, plain_stream, question, shown


def test_exact_bytes_travel_both_ways(upstream):
    c = Client(upstream.port)
    sent = c.request("POST", "/v1/chat/completions", b'{"a": 0.7}', {"X-Odd-Case": "1"})
    c.send(sent)
    call = upstream.next_call()
    assert call.head_in.raw + call.body == sent
    call.reply(201, b'{"b":1}', {"X-Reply": "yes"})
    reply = c.reply()
    assert (reply.status, reply.body, reply.header("x-reply")) == (201, b'{"b":1}', "yes")


def test_a_chunked_reply_is_read_piece_by_piece(upstream):
    c = Client(upstream.port).chat(question(), chunked=True)
    call = upstream.next_call()
    assert call.json() == question()
    call.stream_head()
    reply = c.head()
    for e in plain_stream():
        call.chunk(e)
        reply.stream.expect(e)
    assert not reply.stream.whole
    call.end()
    assert reply.stream.rest() == b"" and reply.stream.whole


def test_a_cut_stream_is_seen_as_cut(upstream):
    c = Client(upstream.port).chat(question())
    call = upstream.next_call()
    call.stream_head()
    call.chunk(DONE)
    call.close()
    reply = c.head()
    assert reply.stream.rest_or_cut() == DONE and not reply.stream.whole


def test_hanging_up_is_noticed_by_either_side(upstream):
    for leave in (Client.close, Client.reset, Client.half_close):
        c = Client(upstream.port).chat(question())
        call = upstream.next_call()
        assert not call.gone()
        leave(c)
        call.wait_hang_up(LONG)
    c = Client(upstream.port).chat(question())
    upstream.next_call().reset()
    with pytest.raises(Reset):
        c.head()
    c = Client(upstream.port).chat(question())
    upstream.next_call().close()
    with pytest.raises(Closed):
        c.head()


def test_silence_is_a_failure_and_not_an_answer(upstream):
    c = Client(upstream.port).chat(question())
    upstream.next_call()
    with pytest.raises(Silence):
        c.head(timeout=0.05)


def test_a_script_answers_call_by_call(upstream):
    upstream.answer = lambda call: call.reply(200, completion())
    upstream.script(lambda call: call.error(500), lambda call: call.error(429))
    c = Client(upstream.port)
    assert [c.chat(question()).reply().status for _ in range(4)] == [500, 429, 200, 200]
    assert [call.number for call in upstream.calls] == [1, 2, 3, 4] and len(upstream.links) == 1


def test_a_play_that_fails_is_not_forgotten():
    u = Upstream()
    u.answer = lambda call: 1 / 0
    Client(u.port).chat(question())
    call = u.calls
    with pytest.raises(AssertionError):
        for _ in range(1000):
            if u.failures:
                break
            u.assert_no_call(0.01)
        u.close()
    assert len(call) == 1


def test_streams_and_log_lines_are_read_right():
    assert events_of(b"".join(shown(plain_stream())))[-1] == "[DONE]"
    assert len(shown(plain_stream())) == len(plain_stream()) - 1
    line = parse_line('2026-11-23T05:40:00.000Z info closed request=req_1 status=200 why="client hung up" task=default')
    assert line == {"time": "2026-11-23T05:40:00.000Z", "level": "info", "verb": "closed", "request": "req_1",
                    "status": "200", "why": "client hung up", "task": "default"}
    assert parse_line("==123==ERROR: AddressSanitizer") is None


def test_overrides_reach_the_configuration_file():
    both = merge({"a": {"b": 1, "c": "x y"}, "d": None}, {"a": {"b": "300ms"}, "d": {"e": [1, "two"]}})
    assert yaml(both) == 'a:\n  b: 300ms\n  c: "x y"\nd:\n  e: [1, "two"]\n'
