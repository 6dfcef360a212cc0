"""Similar questions found by a provider's embeddings: fetched once for a text, paid under the guard, and never a reason for a
request to fail.

SPDX-License-Identifier: Apache-2.0
"""
import base64
import json
import struct
import threading

import pytest

from farthing.alike import TOPICS, WAYS, ask, earn, kind, said
from farthing.gateway import merge, run
from farthing.patience import LONG, eventually
from farthing.wording import DONE, completion, cost, delta, events_of, question, usage_event, usd

EMBED = "text-embedding-3-small"
DIMS = 256
TOKEN_PICO = 20_000
WHY = "embedding for the similarity cache"

AXES = {}  # of each word
PHRASES = set("how do can could should i my might".split())


def numbers(text, dims=DIMS):
    """A bag of words: paraphrases are near, other topics are far."""
    v = [0.0] * dims
    for word in text.lower().strip("?").split():
        v[AXES.setdefault(word, len(AXES)) % dims] += 0.2 if word in PHRASES else 1.0
    return v


def told(text, dims=DIMS, encoded=False):
    v = numbers(text, dims)
    if encoded:
        v = base64.b64encode(struct.pack(f"<{dims}f", *v)).decode()
    return {"object": "list", "model": EMBED, "data": [{"object": "embedding", "index": 0, "embedding": v}],
            "usage": {"prompt_tokens": 5, "total_tokens": 5}}


def alike(embedding=None, dedup=0, **cache):
    return {"cache": {"exact": True, "similarity": 0.85, "wrong_hits": 0.2, "checks": 0,
                      "embedding": {"model": EMBED, "dimensions": DIMS, "timeout": "8s", **(embedding or {})}, **cache},
            "dedup": {"similarity": dedup}}


def topic(text):
    return next((t for t in TOPICS if t in text), text)


class Provider:
    """Answers chats at once, by their topic, and embeddings as `embed` says."""

    def __init__(self):
        self.embeddings, self.chats = [], []
        self.embed = lambda call: call.reply(200, told(call.json()["input"]))
        self.chat = None

    def __call__(self, call):
        if call.path.endswith("/embeddings"):
            self.embeddings.append(call.json())
            return self.embed(call)
        self.chats.append(call.json())
        if self.chat:
            return self.chat(call)
        text = f"Open the settings of your {topic(call.json()['messages'][-1]['content'])} and choose reset."
        if call.json().get("stream"):
            return call.stream([delta("", role="assistant"), delta(text), delta(finish="stop"), usage_event(), DONE])
        return call.reply(200, completion(text))

    def texts(self):
        return [e["input"] for e in self.embeddings]


class Held:
    """Embeddings that come when the test says so."""

    def __init__(self, provider):
        self.calls, self.heard, self.go = [], threading.Condition(), threading.Event()
        provider.embed = self

    def __call__(self, call):
        with self.heard:
            self.calls.append(call)
            self.heard.notify_all()

    def wait(self, count=1):
        with self.heard:
            assert self.heard.wait_for(lambda: len(self.calls) >= count, LONG), f"{len(self.calls)} calls, not {count}"
        return self.calls[count - 1]


@pytest.fixture
def provider(upstream):
    upstream.answer = Provider()
    return upstream.answer


def decisions(books):
    return [r["decision"] for r in books.requests() if r["endpoint"] == "chat"]


# ---- hits

def test_hits_are_earned_and_each_text_is_embedded_once(gateway, provider):
    g = gateway(alike())

    replies = earn(g)

    kinds = [kind(r) for r in replies]
    assert set(kinds[:10]) == {"miss"} and kinds.count("similar") > 10, kinds
    for (t, r) in zip([t for t in TOPICS for _ in WAYS], replies):
        assert t in said(r)
    hit = next(r for r in replies if kind(r) == "similar")
    assert hit.header("x-farthing-cost-usd") == "0.00" and hit.header("x-farthing-saved-usd") == usd(cost())
    assert hit.header("age") is not None and 0.85 <= float(hit.header("x-farthing-similarity")) < 1
    assert len(provider.chats) == kinds.count("miss")
    assert provider.embeddings[0] == {"model": EMBED, "input": WAYS[0].format(TOPICS[0]), "dimensions": DIMS,
                                      "encoding_format": "float"}
    assert sorted(provider.texts()) == sorted(w.format(t) for t in TOPICS for w in WAYS)
    # Other parameters are another bucket, whose texts are known all the same.
    before = len(provider.embeddings)
    assert kind(ask(g, WAYS[0].format(TOPICS[0]), temperature=0.5)) == "miss"
    assert len(provider.embeddings) == before
    books = g.stop()
    rows = books.requests()
    fetched = [r for r in rows if r["endpoint"] == "embeddings"]
    assert len(fetched) == len(provider.embeddings)
    for r in fetched:
        assert (r["why"], r["cache"], r["status"], r["cost_pico"], r["attempts"], r["model_served"], r["account"]) == (
            WHY, "bypass", 200, 5 * TOKEN_PICO, 1, EMBED, "local")
    hits = [r for r in rows if r["cache"] == "similar"]
    assert len(hits) == kinds.count("similar")
    for r in hits:
        assert (r["cost_pico"], r["saved_pico"], r["attempts"]) == (0, cost(), 0)
        assert r["answer_id"] and r["decision"].startswith("similar: ") and "password" not in r["decision"]
    assert books.spent() == len(provider.chats) * cost() + len(fetched) * 5 * TOKEN_PICO


def test_a_hit_is_streamed_to_who_asked_for_a_stream(gateway, provider):
    g = gateway(alike())
    kinds = [kind(r) for r in earn(g)]
    assert "similar" in kinds
    t = TOPICS[-1]
    reply = ask(g, f"How should I reset my {t} password?", stream=True, stream_options={"include_usage": True})
    assert kind(reply) == "similar"
    events = events_of(reply.body)
    assert events[-1] == "[DONE]" and events[-2]["usage"]["cost_usd"] == 0
    assert usd(cost()) == f"{events[-2]['usage']['saved_usd']:.8f}".rstrip("0")
    assert t in "".join(c["delta"].get("content") or "" for e in events[:-1] for c in e["choices"])


def test_base64_is_read_as_well(gateway, provider):
    provider.embed = lambda call: call.reply(200, told(call.json()["input"], encoded=True))
    g = gateway(alike())
    assert [kind(r) for r in earn(g)].count("similar") > 10


def test_hits_are_checked_with_what_was_asked(gateway, provider):
    g = gateway(alike(checks=1))
    hits = [kind(r) for r in earn(g)].count("similar")
    assert hits > 3
    books = g.stop()
    again = [r for r in books.requests() if r["why"] == "asked again to check a hit"]
    assert again and len(again) <= hits and all(r["status"] == 200 and r["cost_pico"] == cost() for r in again)
    checks = books.query("SELECT * FROM checks WHERE served = 1")
    assert len(checks) == len(again) and all(c["agreed"] for c in checks)
    assert len(provider.embeddings) == len(set(provider.texts()))


# ---- those who wait

def test_equal_texts_at_once_are_embedded_once(gateway, provider):
    g = gateway(alike())
    held = Held(provider)
    clients = [g.connect().chat(question("What is a farthing?", temperature=t / 10)) for t in range(4)]
    held.wait()
    g.settle()
    assert len(held.calls) == 1 and not provider.chats
    held.calls[0].reply(200, told("What is a farthing?"))
    assert [kind(c.reply()) for c in clients] == ["miss"] * 4
    assert len(held.calls) == 1 and len(provider.chats) == 4


def test_equal_questions_wait_together_and_share_what_comes(gateway, provider):
    g = gateway(alike())
    earn(g)
    held = Held(provider)
    t, chats = TOPICS[-1], len(provider.chats)
    text = f"How should I reset my {t} password?"
    first = g.connect().chat(question(text), {"idempotency-key": "k1"})
    held.wait()
    second = g.connect().chat(question(text))
    third = g.connect().chat(question(text), {"idempotency-key": "k3"})
    g.settle()
    held.calls[0].reply(200, told(text))
    replies = [first.reply(), second.reply(), third.reply()]
    assert [kind(r) for r in replies] == ["similar", "coalesced", "coalesced"]
    assert len({r.body for r in replies}) == 1 and t in said(replies[0])
    for r, key in ((replies[0], "k1"), (replies[2], "k3")):
        again = ask(g, text, {"idempotency-key": key})
        assert (kind(again), again.body) == ("exact", r.body)
    assert len(provider.chats) == chats
    books = g.stop()
    for r in replies:
        row = books.request(r.request_id)
        assert (row["cost_pico"], row["saved_pico"], row["attempts"]) == (0, cost(), 0)


def test_who_wants_more_than_the_first_does_not_wait_with_it(gateway, provider):
    g = gateway(alike())
    earn(g)
    held = Held(provider)
    text = f"How should I reset my {TOPICS[-1]} password?"
    first = g.connect().chat(question(text))
    held.wait()
    second = g.connect().chat(question(text), {"x-farthing-similarity": "0.9999"})
    third = g.connect().chat(question(text), {"cache-control": "max-age=3000"})
    g.settle()
    held.calls[0].reply(200, told(text))
    assert [kind(c.reply()) for c in (first, second, third)] == ["similar", "miss", "similar"]
    assert len(held.calls) == 1


def test_nearly_equal_questions_join_one_that_is_being_asked(gateway, provider):
    g = gateway(alike(dedup=0.9))
    earn(g)
    held, asked = Held(provider), []
    provider.chat = asked.append
    one, other = "How do I reset my rusty kettle password?", "How can I reset my rusty kettle password?"
    first = g.connect().chat(question(one))
    held.wait(1).reply(200, told(one))
    eventually(lambda: asked, "the first question to leave")
    second = g.connect().chat(question(other))
    held.wait(2).reply(200, told(other))
    g.settle()
    third = g.connect().chat(question(other))
    g.settle()
    asked[0].reply(200, completion("Descale it."))
    replies = [c.reply() for c in (first, second)]
    assert [kind(r) for r in replies] == ["miss", "coalesced"], g.books().requests()[-3:]
    assert {said(r) for r in replies} == {"Descale it."} and len(asked) == 1
    third.close()


def test_who_leaves_while_it_waits_is_asked_for_no_more(gateway, provider):
    g = gateway(alike())
    held = Held(provider)
    c = g.connect().chat(question("What is a farthing?"))
    held.wait()
    c.close()
    g.wait_ends(1)
    held.calls[0].reply(200, told("What is a farthing?"))
    books = g.stop()
    assert not provider.chats
    assert {(r["endpoint"], r["status"]) for r in books.requests()} == {("chat", 499), ("embeddings", 200)}


def test_those_who_joined_stay_when_the_first_leaves(gateway, provider):
    g = gateway(alike())
    held = Held(provider)
    first = g.connect().chat(question("What is a farthing?"))
    held.wait()
    second = g.connect().chat(question("What is a farthing?"))
    g.settle()
    first.close()
    g.settle()
    held.calls[0].reply(200, told("What is a farthing?"))
    assert second.reply().status == 200 and len(provider.chats) == 1


def test_stopping_while_a_request_waits_leaves_nothing_behind(gateway, provider):
    g = gateway(merge(alike(), {"limits": {"drain_timeout": "100ms"}}))
    held = Held(provider)
    c = g.connect().chat(question("What is a farthing?"))
    held.wait()
    books = g.stop()
    assert c.reply().status == 503
    assert sorted(r["endpoint"] for r in books.requests()) == ["chat", "embeddings"]


# ---- what goes wrong

def nothing(call):
    call.reply(200, told("x", dims=DIMS - 32))


def refuse(call):
    call.error(500)


def hang_up(call):
    call.close()


def ramble(call):
    call.reply(200, {"object": "list", "data": "none"})


@pytest.mark.parametrize("embed,decision", [
    (nothing, "like nothing: its embedding is not what was asked for"),
    (ramble, "like nothing: its embedding is not what was asked for"),
    (refuse, "like nothing: its embedding could not be had"),
    (hang_up, "like nothing: its embedding could not be had")])
def test_a_bad_embedding_costs_a_request_nothing_but_its_likeness(gateway, provider, embed, decision):
    provider.embed = embed
    g = gateway(merge(alike(), {"upstreams": {"sim": {"attempts": 1}}}))
    replies = [ask(g, WAYS[0].format(t)) for t in TOPICS[:12]]
    assert {kind(r) for r in replies} == {"miss"}, "nor does it open the circuit for those who chat"
    assert kind(ask(g, WAYS[0].format(TOPICS[0]))) == "exact"
    assert len(provider.embeddings) == 5, "a model that fails five times in a row rests"
    assert len(g.entries("rests")) == 1
    assert decisions(g.stop())[:12] == [decision] * 5 + ["like nothing: its embedding cannot be asked for now"] * 7


def test_nobody_waits_longer_than_configured(gateway, provider):
    g = gateway(alike({"timeout": "50ms"}))
    held = Held(provider)
    reply = ask(g, "What is a farthing?")
    assert kind(reply) == "miss" and len(held.calls) == 1
    # What comes late is for the next one.
    held.calls[0].reply(200, told("What is a farthing?"))
    eventually(lambda: any(r["endpoint"] == "embeddings" for r in g.books().requests()), "the embedding's row")
    assert kind(ask(g, "What is a farthing?", temperature=0.1)) == "miss"
    assert len(held.calls) == 1
    assert decisions(g.stop()) == ["like nothing: its embedding took too long", "miss: no question is near enough"]


def test_not_everybody_waits_for_a_model_that_is_too_slow(gateway, provider):
    g = gateway(alike({"timeout": "10ms"}))
    held = Held(provider)
    for t in TOPICS[:12]:
        ask(g, WAYS[0].format(t))
    assert len(held.calls) == 5
    for call in held.calls:
        call.reply(200, told(call.json()["input"]))
    found = decisions(g.stop())
    assert found[:5] == ["like nothing: its embedding took too long"] * 5
    assert found[5:] == ["like nothing: its embedding cannot be asked for now"] * 7


def test_what_the_budget_refuses_is_not_fetched(gateway, provider):
    dear = {"models": {"dear": {"upstream": "sim", "kind": "embedding", "input_usd": 900}}, "budget": {"request_usd": 0.001}}
    g = gateway(merge(alike({"model": "dear"}), dear))
    assert kind(ask(g, WAYS[0].format(TOPICS[0]), max_tokens=50)) == "miss"
    assert not provider.embeddings and len(provider.chats) == 1
    books = g.stop()
    assert decisions(books) == ["like nothing: its embedding could not be had"]
    [row] = [r for r in books.requests() if r["endpoint"] == "embeddings"]
    assert (row["why"], row["cost_pico"], row["attempts"], row["status"]) == (WHY, 0, 0, 400), dict(row)


def test_nothing_is_fetched_where_nothing_may_be_similar(gateway, provider):
    g = gateway(merge(alike(), {"tasks": {"own": {"cache": {"embedding": "builtin"}}, "off": {"cache": {"similarity": 0}}}}))
    ask(g, "What is a farthing?", {"cache-control": "no-cache"})
    ask(g, "What is a crown?", {"x-farthing-task": "own"})
    ask(g, "What is a guinea?", {"x-farthing-task": "off"})
    ask(g, "What is a florin?", n=2)
    refused = g.chat(question("What is a penny?"), {"cache-control": "only-if-cached"})
    assert refused.status == 504
    assert not provider.embeddings


def test_explanation_says_that_it_has_no_embedding(gateway, provider):
    g = gateway(alike())
    ask(g, "What is a farthing?")
    g.stop()
    done = run("explain", "-c", g.config_path, "--json", input=json.dumps(question("What was a farthing?")))
    assert done.returncode == 0, done.stderr
    assert "its embedding is a provider's" in done.stdout
