"""Answers to similar questions where somebody would like them to be wrong: templates, other keys, reloads, checks in flight.

SPDX-License-Identifier: Apache-2.0
"""
import itertools
import json
import signal

import pytest

from farthing.alike import TOPICS, WAYS, ask, earn, kind
from farthing.gateway import run
from farthing.patience import eventually
from farthing.wording import completion, question
from test_similar import alike, answering  # noqa: F401

PRODUCTS = [" ".join(p) for p in itertools.product(["red", "blue"], ["wool", "cotton"], ["socks", "shirt", "scarf"])]
WORDS = "Please write a friendly and honest text of two sentences for our shop that praises the product and tells who will like it"
SHAPES = {
    "first": "{0}: " + WORDS,
    "middle": WORDS + " called {0} without any exclamation mark and without a price, for people who buy online",
    "last": WORDS + ": {0}",
    "twice": "{0}. " + WORDS + ": {0}",
    "lines": WORDS + "\nProduct: {0}\nRules: no price, no jokes, no capitals\nReturn nothing but the text itself\n",
    "short": "Write a title for {0}",
    "shorter": "title: {0}",
    "mail": "Answer this mail: Dear shop, I ordered {0} a week ago and nothing has come. Where is my parcel? Kind regards, Anna",
    "json": 'Write a title for {{"name": "{0}", "id": 7}}',
    "list": "- {0}\n- steel hose\n- oak lamp\nPraise the first one",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_products_in_any_place_of_a_prompt_never_meet(answering, shape):
    g = answering()
    assert "similar" in {kind(r) for r in earn(g)}, "the bucket is trusted"
    prompts = [SHAPES[shape].format(p) for p in PRODUCTS]
    assert [kind(ask(g, p)) for p in prompts] == ["miss"] * len(prompts)


# ---- while something changes

def reload(g, config):
    before = len(g.entries("reloaded"))
    g.write_config({**g.config, **config})
    g.signal(signal.SIGHUP)
    eventually(lambda: len(g.entries("reloaded")) > before, "the new configuration")


def price(n, **more):
    return "Write a title: " + json.dumps({"about": "warm socks made of wool", "price": n, **more})


def test_a_reload_switches_it_off_and_on_and_moves_its_ranges(answering):
    g = answering(config=alike(fields={"bucket": {"price": 50}}))
    earn(g)
    assert kind(ask(g, price(90))) == "miss"
    assert kind(ask(g, price(91))) == "similar"

    reload(g, alike(similarity=0))
    assert kind(ask(g, price(92))) == "miss"
    reload(g, alike(fields={"bucket": {"price": 100}}))
    assert kind(ask(g, price(150))) == "miss", "90 was in the second range, as 150 is now"
    assert kind(ask(g, price(160))) == "similar"


def test_an_answer_that_is_purged_or_too_old_is_no_candidate(answering):
    g = answering()
    earn(g)
    assert kind(ask(g, "How do I reset my pink cloud password?")) == "miss"
    assert kind(ask(g, "How can I reset my pink cloud password?", {"cache-control": "max-age=0"}.items())) != "similar"
    assert run("cache", "purge", "--all", "--db", g.database).returncode == 0
    eventually(lambda: kind(ask(g, "How could I reset my pink cloud password?")) != "similar", "the purge")


def hold_checks(upstream):
    """The next calls wait for the test: they are checks of hits."""
    upstream.answer = None


def shadow(g, upstream):
    assert kind(ask(g, "How do I reset my pink cloud password?")) == "miss"
    hold_checks(upstream)
    assert kind(ask(g, "How can I reset my pink cloud password?")) == "similar"
    return upstream.next_call()


def test_a_check_under_way_ends_with_the_gateway_and_is_booked(answering, upstream):
    g = answering(config=alike(checks=1))
    earn(g)
    call = shadow(g, upstream)
    g.signal(signal.SIGTERM)
    call.reply(200, completion("Open the settings."))
    books = g.stop()
    assert [r["status"] for r in books.requests() if r["why"] == "asked again to check a hit"][-1] == 200


def test_an_answer_that_is_purged_while_it_is_checked_teaches_nothing(answering, upstream):
    g = answering(config=alike(checks=1))
    earn(g)
    call = shadow(g, upstream)
    assert run("cache", "purge", "--all", "--db", g.database).returncode == 0
    reload(g, alike(similarity=0))
    call.reply(200, completion("Open the settings."))
    books = g.stop()
    asked = [r for r in books.requests() if r["cache"] == "similar"][-1]
    assert not books.query(f"SELECT * FROM checks WHERE request_id = '{asked['id']}'")


def nearly_equal(g, upstream):
    """Two clients, the second of which joins the first one's ask."""
    assert "similar" in {kind(r) for r in earn(g)}
    upstream.answer = None
    first = g.warm().ask("POST", "/v1/chat/completions", question("How do I reset my pink cloud password?"))
    call = upstream.next_call()
    second = g.warm().ask("POST", "/v1/chat/completions", question("How can I reset my pink cloud password?"))
    g.settle()
    return first, second, call


JOINING = {**alike(), "dedup": {"similarity": 0.9}}


def test_near_duplicates_get_the_error_of_the_first(answering, upstream):
    g = answering(config=JOINING)
    first, second, call = nearly_equal(g, upstream)
    upstream.assert_no_call()
    call.error(400)
    assert [first.reply().status, second.reply().status] == [400, 400]


def test_a_near_duplicate_gets_its_answer_when_the_first_client_has_left(answering, upstream):
    g = answering(config=JOINING)
    first, second, call = nearly_equal(g, upstream)
    upstream.assert_no_call()
    first.close()
    call.reply(200, completion("Open the settings."))
    reply = second.reply()
    assert reply.status == 200 and kind(reply) == "coalesced" and float(reply.header("x-farthing-similarity")) > 0.9


# ---- other keys

def earn_as(g, who, topics=TOPICS):
    return [ask(g, way.format(t), who) for t in topics for way in WAYS]


def test_keys_have_neither_each_others_answers_nor_each_others_places(answering):
    g = answering()
    secrets = [run("keys", "add", name, "-c", g.config_path).stdout.strip() for name in ("alpha", "beta")]
    eventually(lambda: len(g.entries("key_added")) == 2, "both keys")
    alpha, beta = ([("Authorization", f"Bearer {s}")] for s in secrets)
    assert "similar" in {kind(r) for r in earn_as(g, alpha)}
    others = earn_as(g, beta)
    assert "similar" in {kind(r) for r in others}, "what alpha taught is believed, of beta's own answers"
    books = g.stop()
    own = {r.request_id for r in others}
    rows = [r for r in books.requests() if r["id"] in own]
    assert len(rows) == len(own) and {r["answer_id"] for r in rows if r["cache"] != "miss"} <= own
    assert rows[0]["decision"] == "miss: no question is near enough"
