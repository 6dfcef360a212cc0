"""A crowd of clients with mixed requests: every endpoint, streams and whole answers, several keys, tasks and runs,
cached prompts, equal questions at once, faults of the provider, and clients that hang up. Seeded: the same crowd asks the
same things, though not in the same order.

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import collections
import json
import os
import random

from .bill import Bill, Comparison
from .gateway import Gateway, merge, run, skeleton
from .patience import LONG, eventually
from .sim import Sim

CHATS = ["gpt-4o", "gpt-4o-mini", "gpt-4.1-nano", "o3-mini", "o4-mini", "ft:gpt-4o-mini-2024-07-18:acme::abc123"]
COMPLETIONS = ["gpt-3.5-turbo-instruct", "babbage-002"]
EMBEDDINGS = ["text-embedding-3-small", "text-embedding-3-large"]
MODELS = CHATS + COMPLETIONS + EMBEDDINGS
TASKS = ["", "product_title", "support", "never_configured"]
LONG_PROMPT = " ".join(f"Rule {i}: a farthing is a quarter of a penny." for i in range(120))

# A provider that fails before, within and behind its answer; or is slow, or says something else than it bills.
FAULTS = ["status:429", "status:500", "status:503 times:1", "reset", "reset times:1", "reset-after:3", "truncate", "bad-chunk",
          "no-usage", "garbage", "html", "empty", "delay:20ms", "close-delimited", "no-done", "no-finish", "error-event", "gzip",
          "usage:negative", "usage:null", "usage:cached", "usage:twice", "usage:every", "usage:every truncate",
          "usage:every error-event", "crlf multiline", "comments one-chunk", "split:7", "close"]

# Limits that are never reached: the guard is in the way of every request, and refuses none.
WIDE = {"models": {name: {"upstream": "sim"} for name in MODELS},
        "upstreams": {"sim": {"circuit": "off", "attempts": 2, "backoff": "1ms", "backoff_max": "5ms"}},
        "projects": {"shop": {"budget": {"daily_usd": 1000000}}, "lab": {"budget": {"monthly_usd": 1000000}}},
        "tasks": {"product_title": {"tier": "simple"}, "support": {"budget": {"weekly_usd": 1000000}}},
        "budget": {"request_usd": 20, "daily_usd": 1000000, "weekly_usd": 2000000, "on_disconnect": "drain", "drain": "2m"},
        "limits": {"concurrent": 1000, "per_key": 1000}}
KEYS = (("ann", "--project", "shop", "--daily-usd", "1000000"), ("bob", "--project", "shop"),
        ("cid", "--project", "lab", "--monthly-usd", "1000000"), ("dan",))


def mark(text):
    """As the simulator marks a question."""
    h = 0x811C9DC5
    for b in text.encode():
        h = (h ^ b) * 0x01000193 & 0xFFFFFFFF
    return f"{h:08x}"


class Asked:
    """One request: what is sent, and what became known of it."""
    __slots__ = ("path", "body", "mark", "key", "task", "run", "leaves", "id", "status")

    def __init__(self, rng, number, keys, faults, leavers):
        self.key = rng.choice(keys)
        self.task = rng.choice(TASKS)
        self.run = f"run-{rng.randrange(20)}" if rng.random() < 0.3 else ""
        self.leaves = rng.choice(("asked", "head", "soon")) if rng.random() < leavers else ""
        self.id = self.status = None
        # some ask what others ask at the same moment
        text = f"Question {number if rng.random() > 0.05 else number // 8 * 8} is: what is a farthing worth? "
        if rng.random() < faults:
            text += f"[[{rng.choice(FAULTS)}]]"
        kind = rng.random()
        stream = rng.random() < 0.4
        if kind < 0.55:
            self.path, body = "chat/completions", self.chat(rng, text)
        elif kind < 0.70:
            self.path, body = "responses", {"model": rng.choice(CHATS), "input": text}
            if rng.random() < 0.7:
                body["max_output_tokens"] = rng.randrange(16, 300)
        elif kind < 0.82:
            self.path, body = "completions", {"model": rng.choice(COMPLETIONS), "prompt": text, "max_tokens": rng.randrange(1, 60)}
            if rng.random() < 0.3:
                body["n"] = 2
        else:
            self.path, body, stream = "embeddings", {"model": rng.choice(EMBEDDINGS), "input": text, "dimensions": 8}, False
            if rng.random() < 0.5:
                body["input"] = [text] + ["another text"] * rng.randrange(3)
        if stream:
            body["stream"] = True
            if self.path == "chat/completions" and rng.random() < 0.5:
                body["stream_options"] = {"include_usage": True}
        self.body = json.dumps(body).encode()
        self.mark = mark(text)

    @staticmethod
    def chat(rng, text):
        body = {"model": rng.choice(CHATS), "messages": [{"role": "user", "content": text}]}
        if rng.random() < 0.05:
            body["messages"].insert(0, {"role": "system", "content": f"{rng.randrange(4)} {LONG_PROMPT}"})
        if rng.random() < 0.25:
            body["n"] = rng.randrange(2, 4)
        limit = "max_completion_tokens" if body["model"].startswith("o") else "max_tokens"
        if rng.random() < 0.8:
            body[limit] = rng.randrange(1, 80) + (200 if body["model"].startswith("o") else 0)
        return body

    def wire(self):
        lines = [f"POST /v1/{self.path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json",
                 f"Content-Length: {len(self.body)}"]
        if self.key[1]:
            lines.append(f"Authorization: Bearer {self.key[1]}")
        if self.task:
            lines.append(f"x-farthing-task: {self.task}")
        if self.run:
            lines.append(f"x-farthing-run: {self.run}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


class Left(Exception):
    """The client goes."""


async def read(reader, asked):
    head = await reader.readuntil(b"\r\n\r\n")
    asked.status = int(head.split(b" ", 2)[1])
    lines = {k.lower(): v.strip() for k, _, v in (li.partition(b":") for li in head.split(b"\r\n")[1:])}
    asked.id = lines[b"x-request-id"].decode()
    if asked.leaves == "head":
        raise Left()
    if lines.get(b"transfer-encoding") != b"chunked":
        await reader.readexactly(int(lines[b"content-length"]))
    else:
        size = 1
        while size > 0:
            size = int(await reader.readline(), 16)
            await reader.readexactly(size + 2)
    return lines.get(b"connection", b"").lower() != b"close"


async def client(port, todo, tally):
    """One connection, and a new one wherever the old one is gone."""
    writer = None
    for asked in todo:
        try:
            if writer is None:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(asked.wire())
            if asked.leaves == "asked":
                await writer.drain()
                raise Left()
            keep = await asyncio.wait_for(read(reader, asked), 0.004 if asked.leaves == "soon" else 120)
        except (Left, TimeoutError, asyncio.TimeoutError):
            tally["left"] += 1
            keep = False
            writer.transport.abort()
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            tally["cut"] += 1 # a stream that the gateway breaks off without an end
            keep = False
        tally[asked.status] += 1
        if not keep and writer is not None:
            writer.close()
            writer = None
    if writer is not None:
        writer.close()


def ask_all(port, count, seed, keys, concurrent=64, faults=0.12, leavers=0.06):
    """Asks, and returns the requests with their ids and statuses, and how often each status came. keys: (name, secret) each."""
    rng = random.Random(seed)
    crowd = [Asked(rng, i, keys, faults, leavers) for i in range(count)]
    tally = collections.Counter()
    shared = iter(crowd)

    async def everybody():
        await asyncio.gather(*(client(port, shared, tally) for _ in range(concurrent)))
    asyncio.run(everybody())
    return crowd, tally


def add_key(g, name, *args):
    done = run("keys", "add", name, *args, "-c", g.config_path)
    assert done.returncode == 0, done.stderr
    return name, done.stdout.strip()


def compare(directory, config, count, seed, **more):
    """(comparison, tally) of a crowd that has been served; the gateway is stopped, and its books are checked."""
    path = os.path.join(str(directory), "bill.csv")
    sim = Sim(directory, "--bill", path).start()
    g = Gateway(directory, merge(skeleton(str(directory), sim.url), merge(WIDE, config)))
    try:
        g.write_config()
        keys = [add_key(g, *key) for key in KEYS]
        g.start()
        asked, tally = ask_all(g.port, count, seed, keys, **more)
        eventually(lambda: sim.stats()["in_flight"] == 0, "the end of all that was asked", 6 * LONG)
        books = g.stop()
        stats = sim.stats()
    finally:
        if g.process is not None and g.process.poll() is None:
            g.kill()
        sim.close()
    missing = g.config["budget"]["on_disconnect"] == "abort"
    found = Comparison(books, Bill(path), stats, asked, missing).all()
    found.report(run("report", "--format", "json", "-c", g.config_path).stdout)
    return found, tally
