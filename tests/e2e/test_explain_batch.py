"""`farthing explain < request.json`: whether a request would travel with others, and why not.

SPDX-License-Identifier: Apache-2.0
"""
import json

import pytest

from conftest import need
from farthing.gateway import run
from farthing.together import TOOLS, title

CONFIG = """
database: %s/farthing.db
batch: { size: 4, wait: 1500ms, tasks: [titles] }
tasks: { others: {} }
"""


@pytest.fixture
def explain(tmp_path):
    need("farthing")
    path = tmp_path / "farthing.yaml"

    def ask(body, *args, more="", form=json.loads):
        path.write_text(CONFIG % tmp_path + more)
        done = run("explain", "-c", str(path), *(["--json"] if form else []), *args, input=json.dumps(body))
        assert done.returncode == 0, done.stderr
        return form(done.stdout) if form else done.stdout
    return ask


def test_a_task_that_is_batched_and_what_it_would_save(explain):
    told = explain(title("red mug"), "--task", "titles")
    assert told["batch_wanted"] is True and told["batch"] == "may wait up to 1.5 s for others like it, 4 in all"
    assert (told["batch_envelope"], told["batch_together"]) == ("by schema", 4)
    assert told["batch_saving"].startswith("together saves ") and " for 4: shared " in told["batch_saving"]
    assert told["batch_assumed"].startswith("answers of 40 tokens, ")
    text = explain(title("red mug"), "--task", "titles", form=None)
    assert told["batch"] in text and told["batch_saving"] in text and "batch wanted" in text


def test_a_task_that_is_not_says_how_to_ask_for_it(explain):
    told = explain(title("red mug"), "--task", "others")
    assert told["batch_wanted"] is False
    assert told["batch"] == "alone: batch is not on for task others, and x-farthing-batch: on was not sent"
    assert told["batch_saving"].startswith("together saves "), "what it would be worth all the same"


def test_the_header_asks_for_it_or_forbids_it(explain):
    assert explain(title("red mug"), "--batch", "on")["batch"].startswith("may wait")
    assert explain(title("red mug"), "--task", "titles", "--batch", "off")["batch"] == "alone: x-farthing-batch: off"


@pytest.mark.parametrize("more, why", [({"tools": TOOLS}, "it has tools"), ({"n": 2}, "it wants several answers"),
                                       ({"model": "o3-mini"}, "its model reasons"),
                                       ({"system": "Be brief."}, "together would not be cheaper")])
def test_what_goes_alone_says_why(explain, more, why):
    told = explain(title("red mug", **more), "--task", "titles")
    assert told["batch_wanted"] is True and told["batch"] == f"alone: {why}"
    assert ("batch_saving" in told) == (why == "together would not be cheaper")
    both = explain(title("red mug", **more), "--task", "others")
    assert both["batch"].endswith(f"; besides, {why}")


def test_a_large_request_goes_alone(explain):
    told = explain(title("red mug " * 5000), "--task", "titles")
    assert told["batch"] == "alone: it is too large"


def test_a_model_that_costs_nothing_has_nothing_to_save(explain):
    told = explain(title("red mug"), "--task", "titles", more="models: { gpt-4o-mini: { free: true } }\n")
    assert told["batch"] == "alone: nothing can be saved"


def test_who_only_observes_changes_nothing(explain):
    told = explain(title("red mug"), "--task", "titles", more="mode: observe\n")
    assert (told["batch_wanted"], told["batch"]) == (False, "alone: mode is observe")


def test_an_answer_whose_tokens_are_looked_at_is_asked_for_alone(explain):
    def told(tier, **body):
        sure = f"routing: {{ escalate: {{ confidence: 0.5 }}, tasks: {{ titles: {tier} }} }}\n"
        return explain(title("red mug", model="auto", **body), "--task", "titles", more=sure)
    cheap = told("simple")
    assert cheap["model"] == "gpt-4o-mini" and cheap["batch"] == "alone: its check looks at probabilities"
    assert told("simple", stream=True)["batch"].startswith("may wait")
    assert told("complex")["model"] == "gpt-4o" and told("complex")["batch"].startswith("may wait")


def test_the_option_is_on_or_off(explain):
    assert run("explain", "--batch", "maybe", input="{}").returncode == 2
    assert run("explain", "--batch", "on", "--id", "req_1").returncode == 2
