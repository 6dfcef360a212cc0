"""A kept answer is not to be told from a fresh one. Real clients ask for each answer in each of their forms, first in one and
then in all the others, before providers of many manners (farthing/shapes.py): what the client's object shows must be equal, and
the provider is asked once. The clients for Node are in node/cache.mjs.

SPDX-License-Identifier: Apache-2.0
"""
import asyncio
import difflib
import json
import os
import re
import shutil
import subprocess

import pytest

from farthing.gateway import merge
from farthing.patience import LONG, SLOW, eventually
from farthing.shapes import FORMAT, SHAPES, TOOLS, Provider, without
from farthing.wording import MINI

KEEPING = {"cache": {"exact": True}, "dedup": {"window": "5m"}}
HERE = os.path.join(os.path.dirname(__file__), "node")
with open(os.path.join(HERE, "cache.mjs"), encoding="utf-8") as script:
    CLIENTS = re.findall(r"^\tasync (\w+)\(\)", script.read(), re.M)


# ---- what a stream says, put together as a client would that knows nothing of providers

GROWING = ("content", "refusal", "reasoning_content", "reasoning", "text", "arguments", "summary")


def grow(into, said):
    """The members of one delta, on top of what was said before."""
    for key, value in said.items():
        if value is None or value == "" and key in into:
            continue
        if isinstance(value, dict):
            grow(into.setdefault(key, {}), value)
        elif isinstance(value, list):
            here = into.setdefault(key, [])
            for v in value:
                place = (v.get("index"), v.get("type") if key == "reasoning_details" else None) if isinstance(v, dict) else (None,)
                same = [h for h in here if place[0] is not None and (h.get("index"), h.get("type") if place[1] else None) == place]
                if same:
                    grow(same[0], v)
                else:
                    here.append(v)
        elif isinstance(value, str) and key in GROWING:
            into[key] = into.get(key, "") + value
        else:
            into[key] = value


def together(chunks):
    whole = {"choices": {}}
    for chunk in chunks:
        for choice in chunk.get("choices") or []:
            grow(whole["choices"].setdefault(str(choice["index"]), {}), {k: v for k, v in choice.items() if k != "message"})
        for key, value in chunk.items():
            if key not in ("choices", "obfuscation") and value not in (None, "", 0):
                whole[key] = value
    return whole


def plain(value):
    """Without the numbers of pieces, which only some providers send."""
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items() if k not in ("index", "type", "obfuscation", "sequence_number")}
    return value


# ---- the SDK for Python: each form is a function (client, request) -> what its object shows

TOLD = {"stream": True, "stream_options": {"include_usage": True}}


def shown(value):
    return json.loads(json.dumps(value.to_dict()))


def final_of(stream):
    with stream as s:
        for _ in s:
            pass
        if hasattr(s, "get_final_response"):
            return shown(s.get_final_response())
        final = shown(s.get_final_completion())
    for choice in final["choices"]:
        # The helper adds up roles that are said again, and of what is told beside a choice it knows its first chunk's alone.
        choice["message"]["role"] = choice["message"]["role"][:len("assistant")]
        choice.pop("content_filter_results", None)
        choice.pop("native_finish_reason", None)
        choice["message"].pop("reasoning_details", None)     # whose texts it adds up, all of them
    final.pop("prompt_filter_results", None)     # it is blind to chunks without a choice
    return final


def said_in(events):
    """The deltas of a response's stream by their place, and its last event."""
    told, last = {}, None
    for e in events:
        e = shown(e)
        if e["type"].endswith(".delta"):
            place = f'{e["type"]} {e["output_index"]} {e.get("content_index")} {e.get("summary_index")}'
            told.setdefault(place, {"text": "", "logprobs": []})
            told[place]["text"] += e["delta"]
            told[place]["logprobs"] += e.get("logprobs") or []
        elif not e["type"].startswith(("response.created", "response.in_progress", "response.completed")):
            told.setdefault(e["type"], []).append({k: v for k, v in e.items() if k not in ("sequence_number", "obfuscation")})
        last = e.get("response", last)
    return {"told": told, "last": last}


def chat_forms():
    parts = lambda c, r: c.chat.completions
    return {
        "whole": lambda c, r: shown(parts(c, r).create(**r)),
        "raw stream": lambda c, r: plain(together([shown(x) for x in parts(c, r).create(**r, **TOLD)])),
        "parse": lambda c, r: shown(parts(c, r).parse(**r)),
        "stream helper": lambda c, r: final_of(parts(c, r).stream(**r, stream_options=TOLD["stream_options"])),
    }


def async_forms():
    def run(play):
        def ask(c, r):
            async def inside():
                async with asynchronous(c) as client:
                    return await play(client, r)
            return asyncio.run(inside())
        return ask

    async def whole(c, r):
        return shown(await c.chat.completions.create(**r))

    async def stream(c, r):
        return plain(together([shown(x) async for x in await c.chat.completions.create(**r, **TOLD)]))
    return {"async whole": run(whole), "async stream": run(stream)}


def asynchronous(client):
    import openai
    return openai.AsyncOpenAI(api_key="x", base_url=client.base_url, timeout=LONG, max_retries=0)


FORMS = {
    "chat": chat_forms(),
    "completions": {
        "whole": lambda c, r: shown(c.completions.create(**r)),
        "stream": lambda c, r: plain(together([shown(x) for x in c.completions.create(**r, **TOLD)])),
    },
    "responses": {
        "whole": lambda c, r: shown(c.responses.create(**r)),
        "events": lambda c, r: said_in(c.responses.create(**r, stream=True)),
        "parse": lambda c, r: shown(c.responses.parse(**r)),
        "stream helper": lambda c, r: final_of(c.responses.stream(**r)),
    },
}
# A call without an index, which this provider's calls are, is more than the helper can put together, fresh or kept.
CANNOT = {("gemini", "stream helper"), ("gemini", "raw stream"),
          # Helpers that know nothing of the older way to call a function.
          ("openai_function_call", "parse"), ("openai_function_call", "stream helper")}


def request_of(shape, text):
    words = {"chat": {"messages": [{"role": "user", "content": text}]}, "completions": {"prompt": text}, "responses": {"input": text}}
    return {"model": MINI, **words[shape.endpoint], **shape.ask}


@pytest.fixture
def kept(gateway, upstream):
    def begin(config=None):
        return gateway(merge(KEEPING, config or {})), Provider(upstream)
    return begin


def written(value):
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False).split("\n")


# What these forms of clients for Node make of a fresh stream is less than it says: they want an index with each call, or one call
# in a chunk, or take what was said so far beside a delta for more of it. A kept answer tells it so that they can.
MISREAD = {"gemini": ("stream", "helper"), "perplexity": ("helper",), "llamaindex mistral": ("stream",)}
UNREADABLE = {"mistral", "gemini"}    # to some clients: calls without a type, or without an index


def bare(value, names):
    """Without empty members of these names, wherever they are: clients carry them along."""
    if isinstance(value, list):
        return [bare(v, names) for v in value]
    if isinstance(value, dict):
        return {k: bare(v, names) for k, v in value.items() if not (k in names and (not v or k in ("index", "type")))}
    return value


def agree(name, views, client=""):
    """views: {form: {form that came first: what it shows}}: the fresh one is the one that came first itself. What a client
    cannot read fresh, it may be able to read from a kept answer, which is told in the plainest way there is."""
    lacks = SHAPES[name].lacks if name in SHAPES else ()
    lacks += tuple(f"{part}.{path}" for path in lacks for part in ("head", "raw"))
    names = {path.rpartition(".")[2] for path in lacks}
    for form, found in views.items():
        fresh = bare(without(found[form], lacks), names)
        for first, view in found.items():
            kept = bare(without(view, lacks), names)
            misread = "failed" in fresh or form in MISREAD.get(name, ()) + MISREAD.get(f"{client} {name}", ())
            if kept != fresh and not (misread and "failed" not in kept):
                raise AssertionError(f"{name}: {form}, first asked for as {first}\n" + "\n".join(
                    difflib.unified_diff(written(fresh), written(kept), "fresh", "kept", lineterm="", n=1)))


def asked_once(g, provider, questions, requests):
    assert provider.asked == {q: 1 for q in questions}
    rows = eventually(lambda: (r := g.books().requests()) and len(r) == requests and r, "all rows")
    kinds = [row["cache"] for row in rows]
    assert (kinds.count("miss"), kinds.count("exact")) == (len(questions), requests - len(questions))


def cross(forms, ask):
    """Each form first once, then all of them (itself too). ask(form, which) gives a view."""
    views = {form: {} for form in forms}
    for first in forms:
        views[first][first] = ask(first, first)
        for form in forms:
            again = ask(form, first)
            views[form].setdefault(first, again)
            if form == first:
                views[form]["twice"] = again
    return views


@pytest.mark.parametrize("name", SHAPES)
def test_python_sees_no_difference(kept, name):
    openai = pytest.importorskip("openai", reason="the openai package is not installed: pip install -r requirements.txt")
    g, provider = kept()
    shape = SHAPES[name]
    forms = {f: play for f, play in FORMS[shape.endpoint].items() if (name, f) not in CANNOT}
    if name in ("openai", "openai_tools"):
        forms.update(async_forms())
    which = lambda first: f"shape:{name}:{first.replace(' ', '-')}"
    with openai.OpenAI(api_key="x", base_url=f"http://127.0.0.1:{g.port}/v1", timeout=LONG, max_retries=0) as client:
        views = cross(forms, lambda form, first: forms[form](client, request_of(shape, which(first))))
    agree(name, views)
    asked_once(g, provider, [which(f) for f in forms], len(forms) * (len(forms) + 1))


@pytest.mark.parametrize("texts", ["shape:e:one", ["shape:e:two", "and another", "a third"]])
def test_python_sees_no_difference_in_embeddings(kept, texts):
    openai = pytest.importorskip("openai", reason="the openai package is not installed: pip install -r requirements.txt")
    g, provider = kept()
    more = {"default": {}, "float": {"encoding_format": "float"}, "base64": {"encoding_format": "base64"}}
    name = lambda first: json.loads(json.dumps(texts).replace("shape:e:", f"shape:e:{first}-"))
    with openai.OpenAI(api_key="x", base_url=f"http://127.0.0.1:{g.port}/v1", timeout=LONG, max_retries=0) as client:
        views = cross(more, lambda form, first: shown(client.embeddings.create(
            model="text-embedding-3-small", input=name(first), **more[form])))
    for form, found in views.items():
        for view in found.values():
            for mine, fresh in zip(view["data"], found[form]["data"], strict=True):
                if form == "base64":
                    assert mine["embedding"] == fresh["embedding"]
                else:   # numbers read from base64 are doubles; those that were written out name the same 32-bit floats
                    assert mine["embedding"] == pytest.approx(fresh["embedding"], rel=1e-7)
            bare = [{**v, "data": [{**d, "embedding": None} for d in v["data"]]} for v in (view, found[form])]
            assert bare[0] == bare[1]
    assert len(provider.asked) == 3 and set(provider.asked.values()) == {1}


def of_choices(found):
    """Of a whole answer, or of chunks put together: what each choice says."""
    choices = found["choices"]
    choices = list(choices.values()) if isinstance(choices, dict) else choices
    said = [c.get("message") or c.get("delta") for c in choices]
    return [(m.get("content") or "", [(c["id"], c["function"]) for c in m.get("tool_calls") or []], c["finish_reason"],
             len((c.get("logprobs") or {}).get("content") or [])) for c, m in zip(choices, said, strict=True)]


@pytest.mark.parametrize("ask", [{}, {"n": 3}, {"tools": TOOLS, "tool_choice": "required", "parallel_tool_calls": True},
                                 {"response_format": FORMAT}, {"logprobs": True}, {"n": 2, "max_tokens": 400}])
@pytest.mark.parametrize("first", ["whole", "stream"])
def test_the_simulated_provider_is_kept_in_both_forms(sim_gateway, sim, first, ask):
    openai = pytest.importorskip("openai", reason="the openai package is not installed: pip install -r requirements.txt")
    g = sim_gateway(KEEPING)
    request = {"model": MINI, "messages": [{"role": "user", "content": "Weather in Ulm?"}], **ask}
    with openai.OpenAI(api_key="x", base_url=f"http://127.0.0.1:{g.port}/v1", timeout=LONG, max_retries=0) as client:
        forms = {"whole": lambda: shown(client.chat.completions.create(**request)),
                 "stream": lambda: plain(together([shown(x) for x in client.chat.completions.create(**request, **TOLD)]))}
        fresh = forms[first]()
        views = [forms[form]() for form in ("whole", "stream", "whole", "stream")]
    for view in views:
        assert of_choices(view) == of_choices(fresh)
        assert (view["id"], view["created"], without(view["usage"], ())) == (fresh["id"], fresh["created"], without(fresh["usage"], ()))
    assert sim.stats()["requests"] == 1
    assert [r["cache"] for r in g.stop().requests()] == ["miss"] + ["exact"] * 4


# ---- clients for Node

@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.skipif(not os.path.isdir(os.path.join(HERE, "node_modules", "ai")),
                    reason="the clients for Node are not installed: npm ci in tests/e2e/node")
@pytest.mark.parametrize("client", CLIENTS)
def test_node_sees_no_difference(kept, client):
    g, provider = kept()
    plan = {"base": f"http://127.0.0.1:{g.port}/v1", "client": client,
            "shapes": [{"name": s.name, "endpoint": s.endpoint, "ask": s.ask} for s in SHAPES.values()]}
    done = subprocess.run(["node", os.path.join(HERE, "cache.mjs")], input=json.dumps(plan), capture_output=True, text=True,
                          timeout=120 * SLOW, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    found = json.loads(done.stdout)
    assert found["shapes"], "nothing was asked"
    wrong = []
    for name, views in found["shapes"].items():
        try:
            agree(name, views, client)
        except AssertionError as e:
            wrong.append(str(e))
    assert not wrong, "\n".join(w[:3000] for w in wrong)
    assert {name.split()[0] for name in found["failed"]} <= UNREADABLE, found["failed"]
    assert not found["other"], found["other"]     # asks that no header called a kept answer, behind the first
    assert set(provider.asked.values()) == {1}, {k: n for k, n in provider.asked.items() if n != 1}
    # A client that hangs up when it reads [DONE] finds the end of the body with it, and goes on with the connection it has.
    assert len(found["lost"]) <= 2, found["lost"]     # of hundreds: one that was idle for long may go
    assert found["asks"] == len(g.stop().requests()) > len(provider.asked)


# ---- on the wire

@pytest.mark.parametrize("name", ["openai", "response", "openai_tools", "completion"])
@pytest.mark.parametrize("form", ["stream", "whole"])
def test_a_kept_answer_comes_at_once_and_its_connection_stays(kept, name, form):
    g, provider = kept()
    shape = SHAPES[name]
    path = {"chat": "/v1/chat/completions", "responses": "/v1/responses", "completions": "/v1/completions"}[shape.endpoint]
    body = request_of(shape, f"shape:{name}:wire")
    g.ask("POST", path, body)
    if form == "stream":
        body["stream"] = True
    c = g.connect()
    for _ in range(20):
        c.pieces.clear()
        reply = c.ask("POST", path, body).reply()
        assert reply.status == 200 and reply.header("x-farthing-cache") == "exact"
        if form == "stream":
            last = b"".join(c.pieces)[-200:]
            assert last.endswith(b"\r\n0\r\n\r\n")
            # What tells the client to hang up is in one piece with the end of the body.
            end = b"data: [DONE]\n\n" if shape.endpoint != "responses" else b"}\n\n"
            assert c.pieces[-1].endswith(end + b"\r\n0\r\n\r\n"), c.pieces[-1][-100:]
    c.close()
    assert sum(provider.asked.values()) == 1


def test_a_plain_stream_tells_no_usage_when_it_was_kept(kept):
    """Who does not ask for usage is told none, though this provider would tell it with the last words."""
    g, _ = kept()
    question = lambda which: {**request_of(SHAPES["terse"], f"shape:terse:{which}"), "stream": True}
    fresh, again = (g.chat(question("plain")).body for _ in range(2))
    assert b'"usage"' in fresh and b'"usage"' not in again
