"""Questions that mean the same in other words, and a gateway that learns from them.

SPDX-License-Identifier: Apache-2.0
"""
from .wording import question

THINGS = ["router", "email", "phone", "laptop", "bank", "shop", "school", "tablet", "printer", "camera", "forum", "library", "wallet",
          "garage", "office", "cloud", "mailbox", "server", "game", "travel"]
OWNERS = ["old", "new", "spare"]
WAYS = ["How do I reset my {} password?", "How can I reset my {} password?", "How could I reset my {} password?"]
TOPICS = [f"{owner} {thing}" for owner in OWNERS for thing in THINGS]


def ask(g, text, headers=(), **more):
    reply = g.chat(question(text, **more), headers)
    assert reply.status == 200, reply.body
    return reply


def kind(reply):
    return reply.header("x-farthing-cache")


def said(reply):
    return reply.json()["choices"][0]["message"]["content"]


def earn(g, topics=TOPICS):
    """Asks the same in other words: misses with a candidate show how right it would have been."""
    return [ask(g, way.format(t)) for t in topics for way in WAYS]
