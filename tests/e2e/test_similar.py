"""Answers to similar questions: earned, checked, paid for, and never those of another product.

SPDX-License-Identifier: Apache-2.0
"""
import json
import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from farthing.alike import THINGS, TOPICS, WAYS, ask, earn, kind, said
from farthing.gateway import merge, run
from farthing.patience import eventually
from farthing.wording import MINI, completion, cost, question

PRODUCTS = ["red wool socks", "blue cotton shirt", "steel garden hose", "oak desk lamp", "leather dog collar", "green tea kettle",
            "folding camp chair", "silk evening scarf", "ceramic flower pot", "running shoes for men", "bamboo bath mat",
            "wooden toy car"]


def alike(**cache):
    return {"cache": {"exact": True, "similarity": 0.85, "wrong_hits": 0.2, "checks": 0, **cache}, "dedup": {"similarity": 0}}


def topic(text):
    return next((t for t in TOPICS if t in text), text)


@pytest.fixture
def answering(gateway, upstream):
    """A gateway before a provider that answers each text as the test's function says."""
    def begin(says=lambda text: f"Open the settings of your {topic(text)} and choose reset.", config=None, **more):
        g = gateway(config or alike(), **more)
        upstream.answer = lambda call: call.reply(200, completion(says(call.json()["messages"][-1]["content"])))
        return g
    return begin


def open_requests(g):
    return int(re.search(r"^farthing_requests_in_flight (\d+)", g.ask("GET", "/metrics").body.decode(), re.M).group(1))


# ---- earning

def test_paraphrases_are_served_once_trust_is_earned(answering):
    g = answering()

    replies = earn(g)

    kinds = [kind(r) for r in replies]
    assert set(kinds[:10]) == {"miss"}, "a new bucket serves nothing"
    assert kinds.count("similar") > 10, kinds
    hit = next(r for r in replies if kind(r) == "similar")
    assert 0.85 <= float(hit.header("x-farthing-similarity")) < 1
    assert float(hit.header("x-farthing-cost-usd")) == 0 and float(hit.header("x-farthing-saved-usd")) > 0
    books = g.stop()
    rows = [r for r in books.requests() if r["cache"] == "similar"]
    assert len(rows) == kinds.count("similar")
    for r in rows:
        assert (r["cost_pico"], r["saved_pico"], r["attempts"]) == (0, cost(), 0)
        assert 0.85 <= r["similarity"] <= 1 and r["answer_id"]
        assert r["decision"].startswith("similar: verified") and "password" not in r["decision"]
    checks = books.query("SELECT * FROM checks")
    assert len(checks) >= 10 and all(c["served"] == 0 for c in checks)


def test_hits_are_those_of_the_same_topic(answering):
    g = answering()
    for (way, t, r) in [(way, t, ask(g, way.format(t))) for t in TOPICS for way in WAYS]:
        if kind(r) == "similar":
            assert t in said(r), (way, t, said(r))


def test_answers_that_differ_keep_the_cache_shut(answering):
    count = iter(range(10000))
    g = answering(lambda text: f"Ticket number {next(count)} was opened for you.")

    assert {kind(r) for r in earn(g, TOPICS[:30])} == {"miss"}


def test_a_client_may_tighten(answering):
    g = answering()
    earn(g)
    assert kind(ask(g, "How should I reset my old router password?", {"x-farthing-similarity": "0.9999"}.items())) == "miss"
    assert kind(ask(g, "How might I reset my new router password?", {"cache-control": "no-cache"}.items())) == "bypass"


def test_without_the_exact_cache_an_equal_question_is_the_most_similar_one(answering, upstream):
    g = answering(config=merge(alike(exact=False), {"dedup": {"window": "1s"}}))
    first, soon = ask(g, "How do I reset my old router?"), ask(g, "How do I reset my old router?")
    assert [kind(first), kind(soon)] == ["miss", "coalesced"]
    late = eventually(lambda: (r := ask(g, "How do I reset my old router?")) and kind(r) != "coalesced" and r, "the window is over")
    assert kind(late) == "similar" and float(late.header("x-farthing-similarity")) == 1
    assert said(late) == said(first) and len(upstream.calls) == 1
    turns = question(messages=[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hi!"},
                               {"role": "user", "content": "How do I reset my old router?"}])
    assert kind(g.chat(turns)) == "miss"
    eventually(lambda: kind(g.chat(turns)) == "miss", "what may be like nothing is kept for the window only")
    row = g.stop().request(late.request_id)
    assert (row["cache"], row["similarity"], row["answer_id"]) == ("similar", 1, first.request_id)
    assert row["decision"].startswith("similar: the same question, kept ")


def test_without_the_exact_cache_and_a_word_on_similarity_nothing_is_kept(answering):
    g = answering(config={"cache": {"exact": False}, "dedup": {"window": "0s"}})
    assert [kind(ask(g, "How do I reset my old router?")) for _ in range(3)] == ["miss"] * 3


# ---- what never meets

@pytest.mark.parametrize("words", [150, 30])
def test_prompts_about_different_products_never_meet(answering, words):
    rules = " ".join(f"rule{i}" for i in range(words))
    template = f"Write a title for our shop, friendly and short, for the product named below. Mind these rules: {rules}. Product: "
    g = answering()
    assert "similar" in {kind(r) for r in earn(g)}, "the bucket is trusted"

    replies = [ask(g, template + p) for p in PRODUCTS]
    replies += [ask(g, template + p + f" size {n}") for n in (1, 2, 3) for p in PRODUCTS]
    replies += [ask(g, template + " ".join(p.split()[:-1] + ["thing"])) for p in PRODUCTS]

    assert {kind(r) for r in replies} == {"miss"}


def test_json_is_compared_field_by_field(answering):
    config = alike(fields={"must_match": ["brand"], "bucket": {"price": 50}, "ignore": ["request_id"]})
    g = answering(config=config)
    earn(g)

    def prompt(**more):
        product = {"brand": "Acme", "price": 49, "about": "warm socks made of wool", "request_id": "a", **more}
        return "Write a title: " + json.dumps({k: v for k, v in product.items() if v is not None})

    assert kind(ask(g, prompt())) == "miss"
    others = [prompt(brand="Acne"), prompt(price=50), prompt(size=3), prompt(price=None)]
    assert [kind(ask(g, p)) for p in others] == ["miss"] * 4
    assert kind(ask(g, prompt(request_id="b", price=12.0))) == "similar"


# ---- checks

def test_hits_that_are_checked_are_paid_and_booked(answering, upstream):
    g = answering(config=alike(checks=1))
    kinds = [kind(r) for r in earn(g)]
    hits = kinds.count("similar")
    assert hits > 3
    books = g.stop()
    again = [r for r in books.requests() if r["why"] == "asked again to check a hit"]
    assert again and len(again) <= hits
    for r in again:
        assert (r["cache"], r["cost_pico"], r["attempts"], r["status"]) == ("bypass", cost(), 1, 200)
    checks = books.query("SELECT * FROM checks WHERE served = 1")
    assert len(checks) == len(again)
    served = {r["id"] for r in books.requests() if r["cache"] == "similar"}
    assert {c["request_id"] for c in checks} <= served


def test_wrong_answers_shut_the_hits_again(answering, upstream):
    g = answering(config=alike(checks=1, wrong_hits=0.02))
    earn(g)
    count = iter(range(10000))
    upstream.answer = lambda call: call.reply(200, completion(f"Ticket number {next(count)} was opened for you."))
    more = [f"{a} {t}" for a in ("broken", "rented", "second") for t in THINGS]
    late = [kind(r) for r in earn(g, more)]
    assert "similar" not in late[-20:], late


def test_the_books_say_how_each_answer_was_found(answering, upstream):
    g = answering(config=alike(checks=1))
    hits = [r for r in earn(g) if kind(r) == "similar"]
    first = ask(g, "What is a farthing?", {"idempotency-key": "k1"}.items())
    again = ask(g, "What is a farthing?")
    repeated = ask(g, "What is a farthing?", {"idempotency-key": "k1"}.items())
    mismatch = g.chat(question("What is a penny?"), {"idempotency-key": "k1"}.items())
    fresh = ask(g, "What is a farthing?", {"cache-control": "no-cache"}.items())
    absent = g.chat(question("What is a florin?"), {"cache-control": "only-if-cached"}.items())
    assert (mismatch.status, absent.status, kind(fresh)) == (409, 504, "bypass") and hits
    told = len(upstream.calls)
    upstream.answer = lambda call: eventually(lambda: open_requests(g) >= 2, "both are there") and call.reply(200, completion("Two."))
    with ThreadPoolExecutor(2) as pool:
        two = list(pool.map(lambda _: ask(g, "What is a groat?"), range(2)))
    assert sorted(map(kind, two)) == ["coalesced", "miss"] and len(upstream.calls) == told + 1
    books = g.stop()  # which checks them
    def decision(reply):
        return books.request(reply.request_id)["decision"]
    assert decision(first) == "miss: no question is near enough"
    assert re.fullmatch(r"exact: kept \d s ago", decision(again))
    assert re.fullmatch(r"repeated: the reply of its idempotency key was kept \d s ago", decision(repeated))
    assert decision(mismatch) == "refused: its idempotency key belongs to another request"
    assert re.fullmatch(r"joined: an equal request was sent \d s ago", next(decision(r) for r in two if kind(r) == "coalesced"))
    assert all(decision(r).startswith("similar: ") for r in hits)
    assert {r["decision"] for r in books.requests() if r["why"] == "asked again to check a hit"} == {"asked again to check a hit"}
    assert not any(w in r["decision"] for r in books.requests() for w in ("farthing?", "password", "router"))


def test_checks_are_counted(answering):
    g = answering(config=alike(checks=1))
    hits = [kind(r) for r in earn(g)].count("similar")
    assert hits > 3
    page = g.ask("GET", "/metrics").body.decode()
    compared = sum(float(line.split()[-1]) for line in page.splitlines()
                   if line.startswith('farthing_similar_checks_total{task="default"'))
    assert re.search(r"^farthing_similar_places [1-9]", page, re.M) and re.search(r"^farthing_similar_bytes [1-9]", page, re.M)
    ask(g, "How do I reset my 3 routers?"), ask(g, "How do I reset my 5 routers?")
    page = g.ask("GET", "/metrics").body.decode()
    assert 'farthing_similar_vetoed_total{kind="number"} 0' not in page
    assert re.search(r'^farthing_similar_threshold_per_million{task="default"} \d{1,6}$', page, re.M), "hits are served"
    books = g.stop()
    assert 0 < compared <= len(books.query("SELECT * FROM checks"))


# ---- restart, explanation

def trusted(g, thing):
    """Whether a paraphrase of something new is served."""
    assert kind(ask(g, WAYS[0].format(thing))) == "miss"
    return kind(ask(g, WAYS[1].format(thing))) == "similar"


def memos(g):
    with sqlite3.connect(g.database + ".cache") as db:
        return dict(db.execute("SELECT name, bytes FROM memos"))


def test_kept_questions_find_their_places_again(answering):
    g = answering()
    earn(g)
    g.stop()
    g.start()
    eventually(lambda: "\nfarthing_similar_waiting 0\n" in g.ask("GET", "/metrics").body.decode(), "all have places")
    reply = ask(g, "How might I reset my old router password?")
    assert kind(reply) == "similar" and "old router" in said(reply)


def test_trust_survives_a_restart_a_kill_and_a_purge(answering):
    g = answering()
    assert not trusted(g, "rented router")
    earn(g)
    assert trusted(g, "rented phone")
    g.stop()
    g.start()
    assert trusted(g, "rented laptop"), "after SIGTERM"
    g.kill()
    g.start()
    assert trusted(g, "rented tablet"), "killed, as of the last save"
    assert g.ask("DELETE", "/farthing/api/cache?all=true").status == 200
    g.kill()
    g.start()
    assert trusted(g, "rented printer"), "purged beside the gateway, killed"
    g.stop()
    assert run("cache", "purge", "--all", "-c", g.config_path).returncode == 0
    g.start()
    assert not trusted(g, "rented camera"), "without a gateway the file goes, and what was learned with it"


def test_what_is_learned_says_nothing_of_what_was_asked(answering):
    g = answering()
    earn(g)
    g.stop()
    assert len(memos(g)["trust/default"]) > 1000
    assert not any(t.encode() in b for b in memos(g).values() for t in ("router", "reset", "local"))


def test_what_was_not_written_so_is_not_trusted(answering):
    g = answering()
    earn(g)
    g.stop()
    blob = bytearray(memos(g)["trust/default"])
    blob[len(blob) // 2] ^= 1
    with sqlite3.connect(g.database + ".cache") as db:
        db.execute("UPDATE memos SET bytes = ?", (bytes(blob),))
    g.start()
    assert [e["task"] for e in g.entries("trust_lost")] == ["default"]
    assert not trusted(g, "rented laptop")


def test_explanation_shows_candidates_on_the_shelf(answering, tmp_path):
    g = answering()
    ask(g, "How do I reset my old router password?")
    ask(g, "How do I reset my 3 routers?")
    g.stop()
    def explain(text):
        done = run("explain", "-c", g.config_path, "--json", input=json.dumps(question(text)))
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    like = explain("How can I reset my old router password?")
    assert (like["endpoint"], like["model"], like["kept"]) == ("chat", MINI, False)
    first = like["candidates"][0]
    assert first["text"] == "How do I reset my old router password?"
    assert first["cosine"] > 0.85 and first["step"] == "verified" and first["features"]
    unlike = explain("How do I reset my 5 routers?")
    assert any(c["step"] == "veto" and (c["veto"], c["veto_here"], c["veto_there"]) == ("number", "5", "3")
               for c in unlike["candidates"]), unlike
    assert explain("How do I reset my 3 routers?")["decision"].startswith("exact")


def test_two_texts_are_compared_on_the_command_line(tmp_path):
    (tmp_path / "b").write_text("How do I disable two-factor login?")
    done = run("explain", "--compare", "How do I enable two-factor login?", f"@{tmp_path / 'b'}")
    told = dict(re.split(r"  +", line, maxsplit=1) for line in done.stdout.splitlines())
    assert told["step"] == "veto" and told["veto"] == "opposite"
    assert (told["veto here"], told["veto there"]) == ("enable", "disable")
    assert run("explain", "--compare", "@/no/such/file", "x").returncode == 1
