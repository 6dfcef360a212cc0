"""Many readers of one answer: those who ask the same at the same time share one call, and nobody who leaves, dawdles or
comes late disturbs another. When the last one leaves, the provider is told to stop.

SPDX-License-Identifier: Apache-2.0
"""
import select
import socket
import threading

import pytest

from farthing.patience import HANG_UP, LONG, PATIENT, eventually
from farthing.wire import Client
from farthing.wording import DONE, billed, completion, cost, delta, plain_stream, question, shown, stream_error, usage_event

STREAM = question(stream=True)
LEAVINGS = {"fin": Client.close, "rst": Client.reset}


def begin(g, upstream, body=STREAM):
    """A stream with one reader who has its first event: (client, reply, call)."""
    c = g.warm().chat(body)
    call = upstream.next_call()
    call.stream_head()
    call.chunk(plain_stream()[0])
    reply = c.head()
    reply.stream.expect(plain_stream()[0])
    return c, reply, call


def join(g, body=STREAM, so_far=plain_stream()[0]):
    """A further reader, proved to have joined by what it was given."""
    c = g.warm().chat(body)
    reply = c.head()
    reply.stream.expect(so_far)
    return c, reply


def finish(call, events=plain_stream()[1:]):
    for e in events:
        call.chunk(e)
    call.end()


# ---- sharing

def test_the_same_question_in_flight_is_asked_once(gateway, upstream):                          # C45
    g = gateway()
    first = g.warm().chat(question())
    call = upstream.next_call()
    second = g.warm().chat(question())
    g.settle()
    call.reply(200, completion())

    a, b = first.reply(), second.reply()

    assert a.status == b.status == 200 and a.body == b.body
    assert a.request_id != b.request_id
    assert (a.header("x-farthing-cache"), b.header("x-farthing-cache")) == ("miss", "coalesced")
    upstream.assert_no_call()
    books = g.stop()
    leader, follower = books.request(a.request_id), books.request(b.request_id)
    assert (leader["cost_pico"], leader["cache"], leader["answer_id"] or "") == (cost(), "miss", "")
    assert (follower["cost_pico"], follower["cache"], follower["answer_id"]) == (0, "coalesced", a.request_id)
    assert follower["saved_pico"] == cost() and follower["attempts"] == 0
    assert follower["input_tokens"] == 11
    assert len(books.attempts()) == 1


def test_spelling_does_not_hide_that_a_question_is_the_same(gateway, upstream):
    g = gateway()
    spellings = [b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"caf\\u00e9"}],"temperature":1}',
                 '{ "messages" : [{"content":"café","role":"user"}], "temperature":1.0,\n"model":"gpt-4o-mini"}'.encode()]
    first = g.warm().chat(spellings[0])
    call = upstream.next_call()
    second = g.warm().chat(spellings[1])
    g.settle()
    call.reply(200, completion())
    assert first.reply().status == 200
    assert second.reply().header("x-farthing-cache") == "coalesced"


@pytest.mark.parametrize("other", [
    question("What is a Farthing?"), question(temperature=0.5), question(model="gpt-4o"), question(zz_unknown=1),
    question(stream=True), question(seed=1),
], ids=["text", "temperature", "model", "unknown_field", "framing", "seed"])
def test_questions_that_differ_are_asked_apart(gateway, upstream, other):
    g = gateway()
    first = g.warm().chat(question())
    one = upstream.next_call()
    second = g.warm().chat(other)
    two = upstream.next_call()
    one.reply(200, completion("one"))
    if other.get("stream"):
        two.stream(plain_stream())
    else:
        two.reply(200, completion("two"))
    a, b = first.reply(), second.reply()
    assert a.status == b.status == 200 and a.body != b.body
    assert len(g.stop().attempts()) == 2


def test_different_clients_keys_without_virtual_keys_are_one_account(gateway, upstream):
    g = gateway()
    first = g.warm().chat(question(), {"Authorization": "Bearer sk-a"})
    call = upstream.next_call()
    second = g.warm().chat(question(), {"Authorization": "Bearer sk-b"})
    g.settle()
    call.reply(200, completion())
    assert first.reply().body == second.reply().body
    upstream.assert_no_call()
    assert {r["account"] for r in g.stop().requests()} == {"local"}


def test_sharing_can_be_switched_off(gateway, upstream):
    g = gateway({"dedup": "off"})
    clients = [g.warm().chat(question()) for _ in range(2)]
    calls = [upstream.next_call() for _ in range(2)]
    for call in calls:
        call.reply(200, completion())
    assert [c.reply().header("x-farthing-cache") for c in clients] == ["miss", "miss"]


def test_a_refusal_is_shared_like_an_answer(gateway, upstream):
    g = gateway({"upstreams": {"sim": {"attempts": 1}}})
    clients = [g.warm().chat(question())]
    call = upstream.next_call()
    clients += [g.warm().chat(question()) for _ in range(2)]
    g.settle()
    call.error(500, "the provider's words", "x")
    replies = [c.reply() for c in clients]
    assert [r.status for r in replies] == [502] * 3
    assert {r.error["code"] for r in replies} == {"upstream_error"}
    assert len({r.request_id for r in replies}) == 3
    upstream.assert_no_call()


def test_after_the_answer_a_new_question_is_asked_anew_or_answered_from_memory(gateway, upstream):
    g = gateway({"cache": {"exact": False}})
    upstream.answer = lambda call: call.reply(200, completion())
    for _ in range(3):
        assert g.chat(question()).header("x-farthing-cache") in ("miss", "bypass")
    assert len(upstream.calls) == 3


# ---- late, slow and vanished readers

def test_late_reader_gets_every_byte(gateway, upstream):                                        # C48
    g = gateway()
    first, a, call = begin(g, upstream)
    events = plain_stream()
    so_far = events[0]
    for e in events[1:4]:
        call.chunk(e)
        a.stream.expect(e)
        so_far += e
    late, b = join(g, so_far=so_far)       # everything from the beginning, at once, while the answer still grows
    call.chunk(events[4])
    b.stream.expect(events[4])
    a.stream.expect(events[4])
    finish(call, events[5:])
    assert a.body == b.body == b"".join(shown(events))
    assert b.header("x-farthing-cache") == "coalesced"
    upstream.assert_no_call()
    assert g.stop().request(b.request_id)["cost_pico"] == 0


def test_each_reader_of_a_stream_is_told_its_own_cost(gateway, upstream):
    """One pays, those who join save; who did not ask for usage hears of neither, whenever it came."""
    g = gateway()
    events = plain_stream()
    asks = question(stream=True, stream_options={"include_usage": True})
    leader, a, call = begin(g, upstream, asks)
    saver, b = join(g, asks)
    plain, c = join(g)
    for e in events[1:-1]:
        call.chunk(e)
    late, d = join(g, asks, so_far=b"".join(events[:-2]))    # while the usage is out and the end is not
    call.chunk(events[-1])
    call.end()
    saved = billed(events, 0, cost())
    assert a.body == b"".join(billed(events))
    assert b.body == d.body == b"".join(saved)
    assert c.body == b"".join(shown(events))
    books = g.stop()
    assert [books.request(x.request_id)["cost_pico"] for x in (a, b, c, d)] == [cost(), 0, 0, 0]
    assert [books.request(x.request_id)["saved_pico"] or 0 for x in (a, b, c, d)] == [0] + [cost()] * 3


def test_each_reader_of_a_response_is_told_its_own_cost(gateway, upstream):
    g = gateway()
    body = {"model": "gpt-4o-mini", "input": "x", "stream": True, "store": False}
    events = [b'event: response.created\ndata: {"type":"response.created","response":{"id":"r"}}\n\n',
              b'event: response.completed\ndata: {"type":"response.completed","response":{"id":"r","status":"completed",'
              b'"usage":{"input_tokens":11,"output_tokens":7,"total_tokens":18}}}\n\n']
    first = g.warm().ask("POST", "/v1/responses", body)
    call = upstream.next_call()
    call.stream_head()
    call.chunk(events[0])
    a = first.head()
    a.stream.expect(events[0])
    second = g.warm().ask("POST", "/v1/responses", body)
    b = second.head()
    b.stream.expect(events[0])
    call.chunk(events[1])
    call.end()
    assert a.body == b"".join(billed(events))
    assert b.body == b"".join(billed(events, 0, cost()))


def test_vanished_leader_does_not_disturb_its_followers(gateway, upstream):
    g = gateway()
    leader, a, call = begin(g, upstream)
    followers = [join(g) for _ in range(3)]
    leader.reset()
    line = g.wait_closed(a.request_id)
    assert line["status"] == "499"
    assert not call.gone()
    finish(call)
    for _, reply in followers:
        assert reply.body == b"".join(shown(plain_stream()))
    books = g.stop()
    assert books.request(a.request_id)["cost_pico"] == cost(), "the one who asked pays, also when it left"
    assert all(books.request(r.request_id)["cost_pico"] == 0 for _, r in followers)


def test_a_leader_that_leaves_before_the_first_byte_does_not_disturb_its_followers(gateway, upstream):
    g = gateway()
    leader = g.warm().chat(question())
    call = upstream.next_call()
    follower = g.warm().chat(question())
    g.settle()
    leader.close()
    g.wait_ends(1)
    assert not call.gone()
    call.reply(200, completion())
    reply = follower.reply()
    assert reply.status == 200 and reply.json() == completion()
    upstream.assert_no_call()


def test_vanished_follower_does_not_disturb_the_leader(gateway, upstream):
    g = gateway()
    leader, a, call = begin(g, upstream)
    follower, b = join(g)
    follower.reset()
    g.wait_closed(b.request_id)
    assert not call.gone()
    finish(call)
    assert a.body == b"".join(shown(plain_stream()))


def big_events(megabytes):
    return [delta("x" * 16000 + f"{i:08d}") for i in range(megabytes * 64)]


class Pump(threading.Thread):
    """Sends a stream as fast as it is taken; `stuck` is set once nobody has taken a byte for a while."""

    def __init__(self, call, events):
        super().__init__(daemon=True)
        self.sock = call.link.wire.sock
        self.data = b"".join(b"%x\r\n%s\r\n" % (len(e), e) for e in events) + b"0\r\n\r\n"
        self.sent = 0
        self.stuck = threading.Event()
        self.over = threading.Event()
        self.start()

    def run(self):
        self.sock.setblocking(False)
        try:
            while self.sent < len(self.data):
                if not select.select([], [self.sock], [], 0.5)[1]:
                    self.stuck.set()
                    select.select([], [self.sock], [], LONG)
                try:
                    self.sent += self.sock.send(self.data[self.sent:self.sent + 65536])
                except BlockingIOError:
                    continue
        except OSError:
            pass
        finally:
            self.over.set()


def test_slow_reader_does_not_slow_the_others_and_misses_nothing(gateway, upstream):            # C10
    g = gateway()
    events = big_events(6) + plain_stream()[-3:]
    slow = Client(g.port, receive_buffer=4096).chat(STREAM)
    call = upstream.next_call()
    call.stream_head()
    call.chunk(plain_stream()[0])
    fast, reply = join(g)
    pump = Pump(call, events)
    expected = b"".join(shown(plain_stream()[:1] + events))
    assert reply.body == expected            # while the slow one has not read a byte
    assert pump.over.wait(LONG)
    assert slow.reply().body == expected     # and then all of it


def test_a_lone_reader_that_stops_reading_holds_the_provider_back(gateway, upstream):           # C10
    g = gateway({"limits": {"stream": "64MiB"}})
    events = big_events(40) + plain_stream()[-3:]
    c = Client(g.port, receive_buffer=4096).chat(STREAM)
    call = upstream.next_call()
    call.stream_head()
    pump = Pump(call, events)
    assert pump.stuck.wait(LONG), "the gateway took 40 MiB for a client that reads nothing"
    assert pump.sent < 24 * 2**20
    c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**20)
    assert c.reply(timeout=LONG * 10).body == b"".join(shown(events))


def test_a_reader_that_takes_nothing_for_too_long_is_cut(gateway, upstream):                    # C10
    g = gateway({"limits": {**PATIENT, "stream": "64MiB", "stall_timeout": "1s"}})
    c = Client(g.port, receive_buffer=4096).chat(STREAM)
    call = upstream.next_call()
    call.stream_head()
    pump = Pump(call, big_events(40))
    call.wait_hang_up(LONG)
    assert pump.over.wait(LONG)
    [line] = g.wait_ends(1)
    assert line["status"] == "499" or "stall" in line["why"] or "slow" in line["why"]
    c.close()


# ---- leaving

def not_streaming(g, upstream):
    c = g.warm().chat(question())
    return c, upstream.next_call(), None


def before_the_first_byte(g, upstream):
    c = g.warm().chat(STREAM)
    return c, upstream.next_call(), None


def in_mid_stream(g, upstream):
    c, reply, call = begin(g, upstream)
    return c, call, reply


def in_mid_body(g, upstream):
    c = g.warm().chat(question())
    call = upstream.next_call()
    call.head(200, [("Content-Type", "application/json")], length=1000)
    call.send(b'{"id":')
    g.settle()
    return c, call, None


SITUATIONS = [not_streaming, before_the_first_byte, in_mid_stream, in_mid_body]


@pytest.mark.parametrize("leave", LEAVINGS.values(), ids=LEAVINGS.keys())
@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_last_reader_to_leave_cancels_the_call(gateway, upstream, situation, leave):        # C07 C08
    g = gateway()
    c, call, _ = situation(g, upstream)
    leave(c)
    call.wait_hang_up(HANG_UP)
    [line] = g.wait_ends(1)
    assert line["status"] == "499" and line["why"] == "client hung up"
    row = g.stop().only()
    assert (row["status"], row["why"], row["id"]) == (499, "client hung up", line["request"])
    assert row["basis"] in ("held", "estimated"), "the provider may bill what it was asked"
    [attempt] = g.books().attempts()
    assert attempt["outcome"] == "cancelled"


@pytest.mark.parametrize("situation", SITUATIONS)
def test_half_closing_counts_as_leaving(gateway, upstream, situation):                          # C11
    g = gateway()
    c, call, _ = situation(g, upstream)
    c.half_close()
    call.wait_hang_up(LONG)
    assert g.wait_ends(1)[0]["status"] == "499"


def test_only_the_last_of_many_readers_cancels(gateway, upstream):
    g = gateway()
    c, a, call = begin(g, upstream)
    readers = [(c, a)] + [join(g) for _ in range(4)]
    for reader, reply in readers[:-1]:
        reader.reset()
        g.wait_closed(reply.request_id)
        assert not call.gone()
    readers[-1][0].reset()
    call.wait_hang_up(HANG_UP)
    assert [r["status"] for r in g.stop().requests()] == [499] * 5


def test_a_cancelled_question_can_be_asked_again(gateway, upstream):
    g = gateway()
    c, call, _ = in_mid_stream(g, upstream)
    c.close()
    call.wait_hang_up(LONG)
    again, reply, call = begin(g, upstream)
    finish(call)
    assert reply.body == b"".join(shown(plain_stream()))
    assert reply.header("x-farthing-cache") == "miss"


def test_a_cancelled_call_does_not_poison_the_next_on_its_connection(gateway, upstream):
    g = gateway()
    c = g.warm().chat(question("first"))
    call = upstream.next_call()
    c.close()
    call.wait_hang_up(LONG)
    call.reply(200, completion("the wrong answer"))
    second = g.warm().chat(question("second"))
    call = upstream.next_call()
    call.reply(200, completion("the right answer"))
    assert second.reply().json()["choices"][0]["message"]["content"] == "the right answer"


def test_leaving_at_done_is_a_success(gateway, upstream):                                       # C09
    g = gateway()
    c, reply, call = begin(g, upstream)
    for e in plain_stream()[1:]:
        call.chunk(e)                       # the end of the body stays away, as with a slow provider
    reply.stream.expect_past(DONE)
    c.close()
    row = g.row(reply.request_id)
    assert (row["status"], row["basis"], row["why"]) == (200, "exact", "served")


def test_usage_that_was_seen_before_the_client_left_is_booked_exactly(gateway, upstream):       # C08
    g = gateway()
    c, reply, call = begin(g, upstream)
    call.chunk(usage_event(prompt=11, completion=2))
    call.chunk(delta("A"))
    reply.stream.expect(delta("A"))
    c.reset()
    call.wait_hang_up(LONG)
    row = g.stop().only()
    assert (row["status"], row["basis"], row["output_tokens"], row["cost_pico"]) == (499, "exact", 2, cost(11, 2))


def test_a_client_that_leaves_while_sending_asks_nobody(gateway, upstream):                     # C05
    g = gateway()
    whole = g.connect().request("POST", "/v1/chat/completions", question("x" * 100_000))
    for leave in (Client.close, Client.reset):
        c = g.warm()
        c.send(whole[:50_000])
        g.settle()
        leave(c)
    g.settle()
    upstream.assert_no_call()
    assert g.stop().attempts() == []


@pytest.mark.parametrize("leave", [Client.close, Client.reset, Client.half_close], ids=["fin", "rst", "half_close"])
def test_a_client_that_leaves_while_sending_gives_its_place_back(gateway, upstream, leave):     # C05 C11
    g = gateway({"limits": {**PATIENT, "concurrent": 1}})
    upstream.answer = lambda call: call.reply(200, completion())
    whole = g.connect().request("POST", "/v1/chat/completions", question("x" * 10_000))
    c = g.warm()
    c.send(whole[:5000])
    g.settle()
    assert g.chat(question("no room")).status == 429
    leave(c)
    eventually(lambda: g.chat(question("room")).status == 200, "the place is free again, long before the body's deadline")
    c = g.warm()
    c.send(whole[:5000])                  # the bytes and the end in one turn of the loop
    leave(c)
    g.settle()
    eventually(lambda: g.chat(question("room")).status == 200, "the place is free again, once more")


def test_followers_of_a_stream_that_breaks_get_the_same_end(gateway, upstream):                 # U11
    g = gateway()
    c, a, call = begin(g, upstream)
    _, b = join(g)
    call.reset()
    ends = [r.stream.rest_or_cut() for r in (a, b)]
    assert [stream_error(e)["code"] for e in ends] == ["upstream_stream_truncated"] * 2


def test_fifty_readers_come_and_go_on_one_stream(gateway, upstream):
    g = gateway()
    c, a, call = begin(g, upstream)
    readers = [join(g) for _ in range(49)]
    for reader, _ in readers[::2]:
        reader.reset()
    for e in plain_stream()[1:4]:
        call.chunk(e)
        a.stream.expect(e)
    readers += [join(g, so_far=b"".join(plain_stream()[:4])) for _ in range(10)]
    finish(call, plain_stream()[4:])
    for i, (_, reply) in enumerate(readers):
        if i % 2 == 1 or i >= 49:
            assert reply.body == b"".join(shown(plain_stream()))
    rows = g.stop().requests()
    assert len(rows) == 60 and sum(r["cost_pico"] for r in rows) == cost()
    assert sum(r["status"] == 499 for r in rows) == 25
