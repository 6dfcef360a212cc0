"""A day of an e-commerce platform: config/ecommerce.jsonl, read into requests in the order in which they are sent, and the
configuration it is served with. tests/bench/ecommerce_make says how the day was made.

SPDX-License-Identifier: Apache-2.0
"""
import dataclasses
import json
import os

FILE = os.path.join(os.path.dirname(__file__), "..", "..", "..", "config", "ecommerce.jsonl")

# The tiers that the platform's owner gives to its tasks.
TIERS = {"product_title": "simple", "product_attributes": "simple", "category_label": "simple", "returns_reason": "simple",
         "product_description": "moderate", "seo_text": "moderate", "translation": "moderate", "support_reply": "moderate",
         "review_summary": "moderate", "price_check": "moderate",
         "market_analysis": "complex", "strategic_planning": "complex"}
CHEAP, STRONG = "gpt-4o-mini", "gpt-4o"


@dataclasses.dataclass(frozen=True)
class Asked:
    agent: str
    kind: str       # what it is, whether its agent says so or not
    task: str       # what the agent says in x-farthing-task; None: nothing
    minute: int     # of the day
    body: dict

    @property
    def headers(self):
        return {"x-farthing-task": self.task} if self.task else {}

    def told(self, **more):
        """The body with other members."""
        return {**self.body, **more}

    def hard(self):
        """The body as a question whose answer can be verified at farthing-sim, which a cheap model there often gets wrong."""
        last = self.body["messages"][-1]
        return {**self.body, "messages": [*self.body["messages"][:-1], {**last, "content": last["content"] + " [[hard]]"}]}


def read(path=FILE):
    """(agents by name, requests in the order of the day)"""
    with open(path, encoding="utf-8") as f:
        lines = [json.loads(line) for line in f]
    agents = {a["agent"]: a for a in lines if "agent" in a}
    asked = []
    for q in (q for q in lines if "ask" in q):
        a = agents[q["ask"]]
        call = {k: v for k, v in a.items() if k not in ("agent", "kind", "task", "system")}
        body = {**call, "messages": [{"role": "system", "content": a["system"]}, {"role": "user", "content": q["text"]}]}
        asked += [Asked(a["agent"], a["kind"], a.get("task"), minute, body) for minute in q["at"]]
    return agents, sorted(asked, key=lambda r: r.minute)


def configuration(stages):
    """Over the tests' skeleton; with stages, answers are given again and shared too."""
    again = {"cache": {"exact": True, "similarity": 0.85, "ttl": "24h", "scope": "project"}, "dedup": {"window": "5m"}}
    none = {"cache": {"exact": False, "similarity": 0}, "dedup": "off"}
    # The simulator answers in English whatever is asked: a real model's translations need no second one.
    english = {"translation": {"routing": {"escalate": {"checks": {"language": False}}}},
               "default": {"routing": {"escalate": {"checks": {"language": False}}}}}
    return {"routing": {"reroute": ["auto", STRONG], "tasks": TIERS}, "tasks": english, "projects": {"shop": {}}, "budget": {"request_usd": 0.05, "daily_usd": 20},
            **(again if stages else none)}
