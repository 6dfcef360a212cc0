"""A thousand clients over a hundred questions, a third of them hanging up wherever they happen to be. Every answer that is
delivered is compared with what the provider says to its question, and the books have one row for each request.

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import collections
import json
import random
import resource

import pytest

from conftest import Gateways
from farthing.patience import SLOW
from farthing.sim import Sim
from farthing.wire import Client
from farthing.wording import MINI, events_of

QUESTIONS = 100
WIDE = {"limits": {"concurrent": 4000, "per_key": 4000, "per_loopback": 4000, "connections": 4000}}


@pytest.fixture(autouse=True)
def descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16384), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def slow_sim(tmp_path):
    """A provider that takes its time, so that leaving happens in the midst of things."""
    s = Sim(tmp_path, "--seed", "7", "--latency", "60ms", "--tokens-per-second", "300").start()
    yield s
    s.close()


def body_of(number, stream):
    return {"model": MINI, "messages": [{"role": "user", "content": f"Question number {number}: what is its answer?"}],
            **({"stream": True} if stream else {})}


def text_of(body, stream):
    if not stream:
        return json.loads(body)["choices"][0]["message"]["content"]
    events = events_of(body)
    assert events[-1] == "[DONE]", body[-300:]
    return "".join(e["choices"][0]["delta"].get("content") or "" for e in events[:-1])


def answers(port):
    """What the provider says, asked without a gateway."""
    c = Client(port)
    found = {}
    for number in range(QUESTIONS):
        reply = c.chat(body_of(number, False)).reply()
        assert reply.status == 200
        found[number] = text_of(reply.body, False)
    assert len(set(found.values())) == QUESTIONS, "the simulator's answers must tell the questions apart"
    return found


class Outcome:
    def __init__(self):
        self.counts = collections.Counter()
        self.wrong = []
        self.ids = []
        self.served = asyncio.Condition()

    async def note(self, request_id):
        async with self.served:
            self.ids.append(request_id)
            self.served.notify_all()


async def read_reply(reader, out):
    """(status, body, clean): clean is false when the connection ended first."""
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head.split(b" ")[1])
    lines = {k.lower(): v.strip() for k, _, v in (li.partition(b":") for li in head.split(b"\r\n")[1:])}
    out["id"] = lines[b"x-request-id"].decode()
    body = b""
    if lines.get(b"transfer-encoding") == b"chunked":
        while True:
            size = int(await reader.readline() or b"x", 16)
            piece = await reader.readexactly(size + 2)
            if size == 0:
                return status, body
            body += piece[:-2]
    return status, await reader.readexactly(int(lines[b"content-length"]))


async def client(port, rng, expected, outcome, start, leaver):
    number, stream = rng.randrange(QUESTIONS), rng.random() < 0.5
    patience = rng.choice((0, rng.uniform(0, 0.08), rng.uniform(0, 0.5))) if leaver else None
    await start.wait()
    writer = None
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        body = json.dumps(body_of(number, stream)).encode()
        writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                     b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        out = {}
        try:
            status, got = await asyncio.wait_for(read_reply(reader, out), patience if leaver else 60 * SLOW)
        finally:
            if "id" in out:
                await outcome.note(out["id"])
        outcome.counts[status] += 1
        if status == 200 and b'"server_shutting_down"' in got[-500:]:
            outcome.counts["broken politely"] += 1
        elif status == 200 and text_of(got, stream) != expected[number]:
            outcome.wrong.append((number, got[:300]))
    except (TimeoutError, asyncio.TimeoutError):
        outcome.counts["left" if leaver else "starved"] += 1
        if rng.random() < 0.5:
            writer.transport.abort()
    except (asyncio.IncompleteReadError, OSError, ValueError):
        outcome.counts["cut"] += 1
    finally:
        if writer is not None:
            writer.close()


async def storm(port, seed, clients, expected, outcome, in_midst=None):
    rng = random.Random(seed)
    start = asyncio.Event()
    tasks = [asyncio.create_task(client(port, random.Random(rng.random()), expected, outcome, start, i % 3 == 2))
             for i in range(clients)]
    start.set()
    if in_midst is not None:
        await in_midst(outcome)
    await asyncio.gather(*tasks)


def assert_every_call_is_booked(attempts, calls):
    """An attempt for each call the provider saw; one that was cancelled may have left no trace there."""
    sure = [a for a in attempts if a["outcome"] not in ("cancelled", "unreached")]
    assert len(sure) <= calls <= len(attempts), (len(sure), calls, len(attempts))


def test_a_thousand_clients_with_a_third_hanging_up(tmp_path, slow_sim):
    made = Gateways(tmp_path, slow_sim)
    expected = answers(slow_sim.port)
    asked_before = slow_sim.stats()["requests"]
    g = made(WIDE)
    outcome = Outcome()

    asyncio.run(storm(g.port, 20261123, 1000, expected, outcome))

    assert not outcome.wrong, outcome.wrong[:3]
    stayed = 1000 - len(range(2, 1000, 3))
    assert outcome.counts["cut"] == outcome.counts["starved"] == 0, outcome.counts
    assert outcome.counts[200] >= stayed and set(outcome.counts) <= {200, "left"}, outcome.counts
    assert outcome.counts["left"] > 50, "the storm was too calm to prove anything"
    made.stop()
    rows = g.books().requests()
    ids = [r["id"] for r in rows]
    assert len(set(ids)) == len(ids) and set(outcome.ids) <= set(ids)
    assert outcome.counts[200] <= len(rows) <= 1000
    assert {r["status"] for r in rows} <= {200, 499}
    assert sorted(e["request"] for e in g.entries("closed")) == sorted(ids)
    attempts = g.books().attempts()
    assert_every_call_is_booked(attempts, slow_sim.stats()["requests"] - asked_before)
    assert len(attempts) < len(rows), "equal questions share a call"
    served = {r["id"] for r in rows if r["status"] == 200}
    assert all(r["input_tokens"] for r in rows if r["id"] in served)


def test_stopped_ten_times_in_mid_storm_the_books_are_complete(tmp_path, slow_sim):
    made = Gateways(tmp_path, slow_sim)
    expected = answers(slow_sim.port)
    asked_before = slow_sim.stats()["requests"]
    lines = 0
    for turn in range(10):
        g = made({**WIDE, "limits": {**WIDE["limits"], "drain_timeout": "100ms" if turn % 2 else "0s"}})
        outcome = Outcome()

        async def stop(outcome, g=g, turn=turn):
            async with outcome.served:                    # the storm is on: some have been answered, most have not
                await asyncio.wait_for(outcome.served.wait_for(lambda: len(outcome.ids) >= 2 + 5 * turn), 30 * SLOW)
            g.signal(15)

        asyncio.run(storm(g.port, turn, 150, expected, outcome, stop))
        g.stop()                                          # exit 0, no sanitizer, ledger check
        assert not outcome.wrong, outcome.wrong[:3]
        assert outcome.counts["starved"] == 0
        assert set(outcome.counts) <= {200, 503, "left", "cut", "broken politely"}, outcome.counts
        lines += len(g.entries("closed"))
        ids = {r["id"] for r in g.books().requests()}
        assert set(outcome.ids) <= ids, "a reply without a row"
        assert len(ids) == lines
    assert_every_call_is_booked(g.books().attempts(), slow_sim.stats()["requests"] - asked_before)
    made.stop()
