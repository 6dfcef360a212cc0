"""Killed in the midst of it: whatever a request was doing when the gateway died, its money is in the books afterwards, and
no limit is exceeded by dying. P01 to P14 are the crash points of the fault matrix.

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import collections
import random
import signal
import socket
import threading

import pytest

from conftest import Gateways
from farthing.money import WIDE, ask_one, bound, crowd, keyed, limits, held, metric, pico
from farthing.patience import LONG, SLOW, eventually
from farthing.sim import Sim
from farthing.upstream import free_port, stopwatch
from farthing.wording import (DONE, MINI, completion, cost, plain_stream, question, usage, usd)

DOLLAR = 10 ** 12
TOKENS = 13     # of question(), as the gateway counts them
HOLD = bound(TOKENS, 100)
STREAM = question(stream=True, max_tokens=100)
ASK = question(max_tokens=100)


def good(call):
    call.reply(200, completion())


def asked(g, body, headers=()):
    """A client that asks and stays."""
    g.stay = getattr(g, "stay", []) + [g.warm().chat(body, headers)]
    return g.stay[-1]


def restart(g):
    """Up in under two seconds, with books that are in order and nothing held."""
    g.complain()
    watch = stopwatch()
    g.start()
    assert g.ask("GET", "/readyz").status == 200 and watch() < 2 * SLOW, f"{watch():.2f} s"
    assert held(g) == 0
    g.check_books()
    return g.books()


def lost(books, count=1):
    """Of so many attempts nobody knows the end, each with a row for its request that costs what was held. Others may
    have been recovered with the end they had, which was not in the books yet."""
    rows = [r for r in books.attempts() if r["outcome"] == "lost" and r["basis"] == "held"]
    assert len(rows) == count, books.attempts()
    for row in rows:
        assert row["cost_pico"] == row["held_pico"] > 0
        request = books.request(row["request_id"])
        assert request and request["cost_pico"] == sum(a["cost_pico"] for a in books.attempts(row["request_id"]))
    return rows


def adds_up(g):
    """S is the sum of all attempts, as the books and as the guard know it; what was asked for has a row."""
    books = g.books()
    total = sum(r["cost_pico"] or 0 for r in books.attempts())
    assert books.spent() == total and pico(metric(g, "farthing_spent_today_usd")) == total
    assert {r["request_id"] for r in books.attempts()} <= {r["id"] for r in books.requests()}
    return books


# ---- one request, killed at each of its steps

def test_killed_before_a_hold_there_is_nothing(gateway, upstream):                                # P01
    g = gateway(limits(daily_usd=DOLLAR))
    c = g.warm()
    c.send(c.request("POST", "/v1/chat/completions", ASK)[:-5])      # all but the end of the body
    g.settle()
    g.kill()
    books = restart(g)
    assert not books.attempts() and not books.requests() and adds_up(g).spent() == 0


def test_killed_while_it_waits_for_money_there_is_nothing_of_it(gateway, upstream):               # P01
    g = gateway(limits(daily_usd=HOLD, wait="1m"))
    asked(g, ASK)
    upstream.next_call()
    asked(g, question(max_tokens=99))
    g.settle()
    g.kill()
    lost(restart(g))
    assert adds_up(g).spent() == HOLD


def listening(backlog, buffer):
    listener = socket.socket()
    listener.settimeout(LONG)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    listener.bind(("127.0.0.1", 0))
    listener.listen(backlog)
    return listener, f"http://127.0.0.1:{listener.getsockname()[1]}/v1"


@pytest.fixture
def full():
    """The address of a provider with a full queue of connections: who asks for one more hears nothing."""
    listener, url = listening(0, 65536)
    waiting = [socket.socket() for _ in range(4)]
    for s in waiting:
        s.setblocking(False)
        s.connect_ex(listener.getsockname())
    yield url
    for s in waiting + [listener]:
        s.close()


@pytest.fixture
def deaf():
    """A provider that takes connections and reads little, with small buffers, so that a large body gets stuck."""
    listener, url = listening(16, 4096)
    yield listener, url
    listener.close()


def test_killed_between_the_hold_and_the_first_byte_it_costs_the_hold(gateway, full):             # P02
    """Nobody can know afterwards that nothing was sent."""
    g = gateway({"upstreams": {"sim": {"base_url": full, "connect": "1m"}}, **limits(daily_usd=DOLLAR)})
    asked(g, ASK)
    eventually(lambda: held(g) == HOLD, "the hold")
    g.kill()
    lost(restart(g))
    assert adds_up(g).spent() == HOLD


def test_killed_in_the_midst_of_sending_it_costs_the_hold(gateway, upstream, deaf):               # P03
    listener, url = deaf
    g = gateway({"upstreams": {"sim": {"base_url": url}}, **limits(daily_usd=DOLLAR)})
    asked(g, question("word " * 1_200_000, max_tokens=100))
    link, _ = listener.accept()
    link.settimeout(LONG)
    assert link.recv(1000).startswith(b"POST ")
    holding = eventually(lambda: held(g), "the hold")
    g.kill()
    [row] = lost(restart(g))
    assert adds_up(g).spent() == holding == row["cost_pico"] > 1_000_000 * 150_000
    link.close()


def after_sending(g, upstream):
    asked(g, ASK)
    upstream.next_call()


def in_mid_stream(g, upstream):
    c = asked(g, STREAM)
    call = upstream.next_call()
    call.stream_head()
    call.chunk(plain_stream()[0])
    c.head().stream.expect(plain_stream()[0])


def in_mid_body(g, upstream):
    asked(g, ASK)
    call = upstream.next_call()
    call.head(200, {"Content-Type": "application/json"}, length=1000)
    call.send(b'{"id":')
    g.settle()


def with_usage_seen(g, upstream):
    body = question(stream=True, max_tokens=100, stream_options={"include_usage": True})
    c = asked(g, body)
    call = upstream.next_call()
    call.stream_head()
    call.chunk(b"".join(plain_stream()[:-1]))
    c.head().stream.expect_past(b'"usage"')


def between_two_attempts_with_the_second_under_way(g, upstream):
    asked(g, ASK)
    upstream.next_call().error(500)
    upstream.next_call()


def after_its_client_left(g, upstream):
    c = asked(g, ASK)
    upstream.next_call()
    c.reset()
    g.wait_ends(1)


POINTS = [after_sending, in_mid_stream, in_mid_body, with_usage_seen, between_two_attempts_with_the_second_under_way,
          after_its_client_left]


@pytest.mark.parametrize("durability", ["process", "power"])
@pytest.mark.parametrize("point", POINTS)
def test_killed_while_it_runs_it_costs_the_hold(gateway, upstream, point, durability):            # P04 P05 P06
    g = gateway(limits(daily_usd=DOLLAR, durability=durability))
    point(g, upstream)
    g.kill()
    [row] = lost(restart(g))
    request = g.books().request(row["request_id"])
    assert (request["status"], request["error_code"], request["basis"]) == (0, "crash", "held")
    assert adds_up(g).spent() == HOLD
    upstream.answer = good
    assert g.chat(question("alive", max_tokens=10)).status == 200


def test_killed_right_after_the_end_it_costs_what_it_did(gateway, upstream):                      # P07
    """The row may or may not have reached the disk; what it cost is in the slot of its hold."""
    upstream.answer = lambda call: call.stream(plain_stream())
    g = gateway(limits(daily_usd=DOLLAR))
    for i in range(5):
        before = g.books().spent() if i else 0
        c = asked(g, question(stream=True, max_tokens=100, seed=i))
        c.head().stream.expect_past(DONE)
        g.kill()
        restart(g)
        assert adds_up(g).spent() - before == cost()


def test_a_row_that_was_committed_is_not_recovered_again(gateway, upstream):                      # P07 P13
    upstream.answer = good
    g = gateway(limits(daily_usd=DOLLAR))
    g.row(g.chat(ASK).request_id)
    for _ in range(3):
        g.kill()
        lost(restart(g), 0)
        assert adds_up(g).spent() == cost()


def test_killed_in_its_recovery_it_recovers_once(gateway, upstream):                              # P13
    g = gateway({"limits": WIDE, **limits(daily_usd=DOLLAR)})
    clients = [asked(g, question(max_tokens=100, seed=i)) for i in range(20)]
    for _ in clients:
        upstream.next_call()
    g.kill()
    rng = random.Random(13)
    for _ in range(12):                     # at some instant of its start, the recovery's among them
        g.launch()
        try:
            g.process.wait(rng.uniform(0, 0.06))
        except Exception:                   # noqa: BLE001 - it runs still: that is what is wanted
            pass
        g.kill()
    lost(restart(g), 20)
    assert adds_up(g).spent() == 20 * HOLD


def test_killed_while_it_drains_it_loses_nothing(gateway, upstream):                              # P16
    g = gateway(limits(daily_usd=DOLLAR))
    in_mid_stream(g, upstream)
    g.signal(signal.SIGTERM)
    g.wait_line(lambda e: e["verb"] == "draining", "the drain")
    g.kill()
    lost(restart(g))
    assert adds_up(g).spent() == HOLD


def test_stopped_in_mid_stream_everything_is_settled(gateway, upstream):                          # P16 G10
    g = gateway({"limits": {"drain_timeout": "100ms"}, **limits(daily_usd=DOLLAR)})
    in_mid_stream(g, upstream)
    after_sending(g, upstream)
    books = g.stop()
    assert [(r["outcome"], r["basis"], r["cost_pico"]) for r in books.attempts()] == [("cancelled", "held", HOLD)] * 2
    g.start()
    assert adds_up(g).spent() == 2 * HOLD and held(g) == 0 and not g.entries("recovered")


def test_a_call_nobody_reads_any_more_does_not_outlive_a_stop(gateway, upstream):                 # P16
    g = gateway({"limits": {"drain_timeout": "100ms"}, **limits(daily_usd=DOLLAR, drain="10m")})
    after_its_client_left(g, upstream)
    watch = stopwatch()
    books = g.stop()
    assert watch() < 3 * SLOW
    [row] = books.requests()
    assert (row["status"], row["cost_pico"], row["basis"]) == (499, HOLD, "held")


# ---- what was spent stays spent

def test_dying_does_not_give_a_budget_back(gateway, upstream):
    """Each life could spend one hold: so the limit ends it after three."""
    g = gateway(limits(daily_usd=3 * HOLD))
    for i in range(3):
        asked(g, question(max_tokens=100, seed=i))
        upstream.next_call()
        g.kill()
        restart(g)
    reply = g.chat(ASK)
    assert (reply.status, reply.error["code"]) == (429, "insufficient_quota")
    upstream.assert_no_call(0)
    assert adds_up(g).spent() == 3 * HOLD


def test_every_account_is_charged_for_what_was_lost(gateway, upstream):
    g, key = keyed(gateway, {"projects": {"shop": {"budget": {"daily_usd": 1}}}, "tasks": {"titles": {"budget": {"daily_usd": 1}}},
                             **limits(daily_usd=DOLLAR)}, {"app": ["--project", "shop", "--daily-usd", usd(HOLD)]})
    headers = key["app"] + [("x-farthing-task", "titles"), ("x-farthing-run", "r"), ("x-farthing-run-budget-usd", "1")]
    asked(g, ASK, headers)
    upstream.next_call()
    g.kill()
    books = restart(g)
    windows = books.windows()
    for account in (("gateway", ""), ("project", "shop"), ("key", "app"), ("task", "titles")):
        for window in ("day", "week", "month"):
            assert windows[(*account, window)] == [HOLD], (account, window)
    assert windows[("run", "app/r", "run")] == [HOLD]
    reply = g.chat(question(max_tokens=16), headers)
    assert reply.status == 429 and "key app" in reply.error["message"]


def test_killed_in_a_storm_each_call_that_left_has_a_row(gateway, upstream):                      # P14 G2
    upstream.answer = lambda call: None if call.number % 3 == 0 else good(call)
    g = gateway({"limits": WIDE, **limits(daily_usd=DOLLAR)})
    served, ended = collections.Counter(), threading.Event()

    def storm():
        bodies = [question(f"Number {100 + i}", max_tokens=20, stream=False) for i in range(150)]
        for reply in crowd(g.port, bodies):
            served[reply.status if reply else "cut"] += 1
        ended.set()
    threading.Thread(target=storm, daemon=True).start()
    eventually(lambda: len(upstream.calls) >= 75, "the midst of the storm")
    g.kill()
    assert ended.wait(LONG)
    restart(g)
    books = adds_up(g)
    calls = len(upstream.calls)
    attempts = books.attempts()
    assert calls <= len(attempts) <= 150 and served["cut"] > 0
    assert all(r["outcome"] in ("ok", "lost") for r in attempts)
    assert all(r["cost_pico"] == (r["held_pico"] if r["basis"] == "held" else cost()) for r in attempts)
    assert sum(r["basis"] == "held" for r in attempts) >= calls // 3


# ---- real money

FAULTS = ["", "", "", "[[reset]]", "[[truncate]]", "[[no-usage]]", "[[status:500]]", "[[delay:50ms]]", "[[no-done]]",
          "[[garbage]]", "[[usage:null]]", "[[usage:every]]", "[[reset-after:3]]", "[[close-delimited truncate]]"]
LIMIT = 20 * 10 ** 9                    # two cents


class Spender:
    """A hundred clients that go on asking whatever happens, until they are told to stop."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.port = None
        self.over = False
        self.told = collections.Counter()
        self.number = 0

    def body(self):
        self.number += 1
        fault = self.rng.choice(FAULTS)
        return question(f"Number {self.number}: tell me about the farthing. {fault}", stream=self.rng.random() < 0.5,
                        max_tokens=self.rng.choice((20, 60, 200)))

    async def client(self):
        while not self.over:
            ask = asyncio.create_task(ask_one(self.port, self.body()))
            if self.rng.random() < 0.2:
                done, _ = await asyncio.wait([ask], timeout=self.rng.uniform(0, 0.1))
                if not done:
                    ask.cancel()
                    self.told["left"] += 1
                    continue
            reply = await ask
            self.told[reply.status if reply else "cut"] += 1
            if reply is None:
                await asyncio.sleep(0.02)       # the gateway is down: its port says no at once
            elif reply.status == 429:
                await asyncio.sleep(0.05)

    async def clients(self, count):
        await asyncio.gather(*(self.client() for _ in range(count)))


def run_spender(made, sim, g, lives, until):
    spender = Spender(len(lives))
    spender.port = g.port
    thread = threading.Thread(target=lambda: asyncio.run(spender.clients(100)), daemon=True)
    thread.start()
    for life in lives:
        served = sum(spender.told.values())
        eventually(lambda: sum(spender.told.values()) >= served + life, "clients were served")
        g.kill()
        assert sim.stats()["billed_picousd"] <= LIMIT
        g.start()
        spender.port = g.port
    eventually(lambda: until(spender), lambda: f"the budget is used up: {spender.told}", timeout=3 * LONG)
    spender.over = True
    thread.join(2 * LONG)
    assert not thread.is_alive()
    return spender


@pytest.mark.parametrize("disconnect", ["drain", "abort"])
def test_a_real_bill_never_exceeds_the_limit_whatever_happens(tmp_path, disconnect):              # G1 G2
    sim = Sim(tmp_path, "--seed", "42", "--latency", "5ms", "--tokens-per-second", "2000").start()
    made = Gateways(tmp_path, sim)
    try:
        # The tests' own port: clients must find the gateway again after each of its lives.
        g = made({"listen": f"127.0.0.1:{free_port()}", "limits": WIDE, "upstreams": {"sim": {"circuit": "off"}},
                  **limits(daily_usd=LIMIT, on_disconnect=disconnect, wait="100ms", drain="500ms")})
        spender = run_spender(made, sim, g, (60, 60, 60, 60), lambda s: s.told[429] > 200)
        eventually(lambda: held(g) == 0, "everything is settled")
        billed = sim.stats()["billed_picousd"]
        books = adds_up(g)
        assert billed <= books.spent() <= LIMIT, (billed, books.spent(), spender.told)
        assert billed > LIMIT // 10, "too little was spent to prove anything"
        assert spender.told[200] > 20 and spender.told["cut"] > 0 and spender.told["left"] > 0, spender.told
        assert not g.entries("overrun")
        made.stop()
    finally:
        for g in made.started:
            if g.process.poll() is None:
                g.process.kill()
        sim.close()


def test_dying_again_and_again_buys_nothing(tmp_path):                                            # G2
    """A gateway that is killed as soon as it has sent something, for as long as it lets itself be asked."""
    limit = 2 * 10 ** 9
    sim = Sim(tmp_path, "--seed", "7", "--latency", "20ms", "--tokens-per-second", "5000").start()
    made = Gateways(tmp_path, sim)
    try:
        g = made({"limits": WIDE, **limits(daily_usd=limit, wait="0s")})
        lives = 0
        for lives in range(40):
            bodies = [question(f"Life {lives} number {i}", max_tokens=200, stream=i % 2 == 0) for i in range(8)]
            sent = sim.stats()["requests"]
            clients = [asked(g, b) for b in bodies]
            eventually(lambda: sim.stats()["requests"] > sent or "insufficient_quota" in g.log, "something was sent, or none may be")
            if sim.stats()["requests"] == sent:
                break
            g.kill()
            for c in clients:
                c.close()
            assert sim.stats()["billed_picousd"] <= limit
            restart(g)
        assert 1 < lives < 39, lives
        eventually(lambda: sim.stats()["in_flight"] == 0, "the provider has finished")
        assert sim.stats()["billed_picousd"] <= adds_up(g).spent() <= limit
        made.stop()
    finally:
        for g in made.started:
            if g.process.poll() is None:
                g.process.kill()
        sim.close()
