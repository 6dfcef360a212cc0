"""Money in the tests: sums, limits, keys, and a crowd that asks all at once.

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import json
import re

from .gateway import run
from .patience import LONG, SLOW, eventually
from .wording import INPUT_PICO, OUTPUT_PICO, usd

WIDE = {"concurrent": 4000, "per_key": 4000, "per_loopback": 4000, "connections": 4000}


def limits(**more):
    """Limits as a user has them: strict, calls that are read to their end, nobody waits unless a test says so."""
    return {"budget": {"on_disconnect": "drain", "mode": "strict", "wait": "0s",
                       **{k: usd(v) if k.endswith("_usd") and isinstance(v, int) else v for k, v in more.items()}}}


def bound(tokens, output):
    """What is held for a chat with gpt-4o-mini."""
    return tokens * INPUT_PICO + output * OUTPUT_PICO


def tokens_of(body):
    """How many tokens the gateway counts for a chat's input."""
    done = run("tokens", "--chat", input=json.dumps(body))
    assert done.returncode == 0, done.stderr
    return int(re.search(r"\d+", done.stdout)[0])


def details(reply):
    """The arithmetic of a refusal, in pico-dollars."""
    found = json.loads(reply.body, parse_float=str, parse_int=str)["error"]["details"]
    return {k: v if k == "resets_at" or v is None else pico(v) for k, v in found.items()}


def pico(text):
    whole, _, part = str(text).partition(".")
    return int(whole) * 10 ** 12 + int(part.ljust(12, "0"))


def metric(g, name):
    """The value of one series as it is written; None when there is none."""
    text = g.ask("GET", "/metrics").body.decode()
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.M)
    return found[1] if found else None


def held(g):
    """What the gateway holds now, in pico-dollars."""
    return pico(metric(g, "farthing_held_usd"))


def wait_held(g, pico_dollars):
    """A hold is gone within a second of its last event."""
    eventually(lambda: held(g) == pico_dollars, f"{pico_dollars} held", timeout=1 * SLOW)


def add_key(g, name, *args):
    """Makes a virtual key; returns the header that shows it."""
    done = run("keys", "add", name, *args, "-c", g.config_path)
    assert done.returncode == 0, done.stderr
    return [("Authorization", f"Bearer {done.stdout.strip()}")]


def keyed(gateway, config, keys):
    """A gateway that starts with these virtual keys, {name: options}: (gateway, {name: headers})."""
    g = gateway(config, start=False)
    g.write_config()
    secrets = {name: add_key(g, name, *options) for name, options in keys.items()}
    return g.start(), secrets


class Said:
    """A reply in a crowd."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def code(self):
        return json.loads(self.body)["error"]["code"] if self.status != 200 else None


async def read_said(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    fields = {k.lower().decode(): v.strip().decode()
              for k, _, v in (line.partition(b":") for line in head.split(b"\r\n")[1:] if line)}
    body = b""
    if fields.get("transfer-encoding") == "chunked":
        while True:
            size = int(await reader.readline(), 16)
            piece = await reader.readexactly(size + 2)
            if size == 0:
                break
            body += piece[:-2]
    else:
        body = await reader.readexactly(int(fields["content-length"]))
    return Said(int(head.split(b" ")[1]), fields, body)


async def ask_one(port, body, headers=()):
    """One exchange; None when the connection broke first."""
    writer = None
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        data = json.dumps(body).encode()
        more = "".join(f"{n}: {v}\r\n" for n, v in headers)
        writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                     b"%sContent-Length: %d\r\n\r\n%s" % (more.encode(), len(data), data))
        return await asyncio.wait_for(read_said(reader), 12 * LONG)
    except (asyncio.IncompleteReadError, OSError, ValueError):
        return None
    finally:
        if writer is not None:
            writer.close()


def crowd(port, bodies, headers=()):
    """All at once; the replies in the order of the bodies."""
    async def go():
        return await asyncio.gather(*(ask_one(port, b, headers) for b in bodies))
    return asyncio.run(go())
