"""The shipped day of an e-commerce platform (config/ecommerce.jsonl): what it holds, and which tier each of its tasks gets.
What it costs is measured by tests/bench/ecommerce.

SPDX-License-Identifier: Apache-2.0
"""
import collections
import os
import subprocess
import sys

import pytest

from farthing import shop
from farthing.gateway import merge
from farthing.wording import completion

AGENTS, DAY = shop.read()
MAKER = os.path.join(os.path.dirname(__file__), "..", "bench", "ecommerce_make")
COMPLEX = [k for k, tier in shop.TIERS.items() if tier == "complex"]
# One question of each agent that says what it is for and leaves the model open: by auto, or by gpt-4o, as old programs do.
SAMPLE = list({r.agent: r for r in DAY if r.task and r.body["model"] != shop.CHEAP}.values())


@pytest.fixture(scope="module")
def routed(stand):
    g, u = stand("shop", merge(shop.configuration(stages=False), {"routing": {"explore": 0, "escalate": "off"}}))
    u.answer = lambda call: call.reply(200, completion("as it is", model=call.json()["model"]))
    return g, u


def test_the_day_is_what_its_maker_makes():
    made = subprocess.run([sys.executable, MAKER], capture_output=True, check=True).stdout
    with open(shop.FILE, "rb") as f:
        assert f.read() == made
    assert len(made) <= 200 * 1024


def test_the_day_is_that_of_39_agents_with_the_mix_that_is_stated():
    assert len(AGENTS) == 39 and {r.agent for r in DAY} == set(AGENTS)
    assert {r.kind for r in DAY} == set(shop.TIERS)
    assert len(DAY) == 500 and sum(r.kind in COMPLEX for r in DAY) == 110
    unnamed = [r for r in DAY if r.task is None]
    assert 0.1 < len(unnamed) / len(DAY) < 0.3 and any(r.kind in COMPLEX for r in unnamed)
    assert {r.body["model"] for r in DAY} == {"auto", shop.CHEAP, shop.STRONG}


def ask(routed, asked):
    """(model the provider was asked for, tier the client was told)"""
    g, u = routed
    before = len(u.calls)
    reply = g.chat({**asked.body, "stream": False, "stream_options": None}, list(asked.headers.items()))
    assert reply.status == 200, reply.body
    [call] = u.calls[before:]
    return call.json()["model"], reply.header("x-farthing-tier")


@pytest.mark.parametrize("asked", SAMPLE, ids=lambda r: r.agent)
def test_a_task_is_served_by_the_model_of_its_tier(routed, asked):
    tier = shop.TIERS[asked.kind]
    assert ask(routed, asked) == (shop.STRONG if tier == "complex" else shop.CHEAP, tier)


def test_a_model_that_is_not_the_routers_to_choose_is_kept(routed):
    asked = next(r for r in DAY if r.body["model"] == shop.CHEAP)
    assert ask(routed, asked) == (shop.CHEAP, "pinned")


def test_four_of_five_that_name_no_task_are_recognised_on_either_side(routed):
    unnamed = list({r.body["messages"][1]["content"]: r for r in DAY if r.task is None}.values())
    for side in (True, False):
        asked = [r for r in unnamed if (r.kind in COMPLEX) == side]
        missed = [r.kind for r in asked if (ask(routed, r)[0] == shop.STRONG) != side]
        assert len(asked) >= 10 and len(missed) <= len(asked) / 5, collections.Counter(missed)


def test_every_kind_of_task_that_is_named_was_sampled():
    assert collections.Counter(r.kind for r in SAMPLE).keys() == shop.TIERS.keys()
