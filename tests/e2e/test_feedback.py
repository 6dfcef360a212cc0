"""What is said of answers: POST /farthing/api/feedback, its row in the books, and what the router learns from it.

SPDX-License-Identifier: Apache-2.0
"""
import json

import pytest

from conftest import need
from farthing.gateway import merge, run
from farthing.patience import eventually
from farthing.wording import MINI, completion, question

ADMIN = "an-admin-key-of-some-length"
API = "/farthing/api/feedback"


@pytest.fixture(autouse=True)
def built():
    need("farthing")


@pytest.fixture
def answering(upstream):
    upstream.answer = lambda call: call.reply(200, completion())
    return upstream


def bearer(secret):
    return [("Authorization", f"Bearer {secret}")] if secret else []


def say(g, body, secret=None):
    text = (body if isinstance(body, str) else json.dumps(body)).encode()
    return g.ask("POST", API, text, [("Content-Type", "application/json")] + bearer(secret))


def ask(g, text, secret=None, **more):
    reply = g.chat(question(text, **more), bearer(secret))
    assert reply.status == 200, reply.body
    return reply.header("x-request-id")


def outcomes(g):
    return g.books().query("SELECT * FROM outcomes ORDER BY seq")


def add(g, name):
    done = run("keys", "add", name, "-c", g.config_path)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_what_is_said_is_booked_and_told(gateway, answering):
    g = gateway()
    request = ask(g, "What is a farthing?")
    reply = say(g, {"request_id": request, "good": False, "reason": "wrong-fact"})
    assert reply.status == 200, reply.body
    told = reply.json()
    assert told["request_id"] == request and told["good"] == 0 and told["replaced"] is False
    rows = eventually(lambda: outcomes(g), "the row")
    assert len(rows) == 1
    assert (rows[0]["source"], rows[0]["giver"], rows[0]["good"]) == ("feedback", "admin", 0)
    assert rows[0]["reason"] == "wrong-fact" and rows[0]["model"] == told["model"]


def test_a_later_word_replaces_the_earlier_one(gateway, answering):
    g = gateway()
    request = ask(g, "What is a farthing?")
    assert say(g, {"request_id": request, "good": False}).json()["replaced"] is False
    assert say(g, {"request_id": request, "good": 0.75}).json()["replaced"] is True
    eventually(lambda: [r["good"] for r in outcomes(g)] == [0.75], "the later word")


def test_a_key_speaks_of_its_own_requests_alone(gateway, answering):
    g = gateway({"admin": {"key": ADMIN}}, start=False)
    g.write_config()
    mine = add(g, "mine")
    other = add(g, "other")
    g.start()
    request = ask(g, "What is a farthing?", mine)
    assert say(g, {"request_id": request, "good": True}, other).status == 404
    assert say(g, {"request_id": request, "good": True}).status == 401
    assert say(g, {"request_id": request, "good": True}, mine).status == 200
    assert say(g, {"request_id": request, "good": False}, ADMIN).status == 200
    rows = eventually(lambda: len(outcomes(g)) == 2 and outcomes(g), "both rows")
    assert [(r["giver"], r["account"], r["good"]) for r in rows] == [("mine", "mine", 1), ("admin", "mine", 0)]


def routing_of(g):
    return {m["model"]: m for t in g.ask("GET", "/farthing/api/summary").json()["routing"] for m in t["models"]}


TIERS = {"simple": "gpt-4o-mini", "moderate": "gpt-4o-mini", "complex": "gpt-4o"}


def test_it_is_learned_of_the_model_that_the_router_knows(gateway, upstream):
    """Providers answer under names of their own, with a date: the router has never heard of those."""
    upstream.answer = lambda call: call.reply(200, completion(model="gpt-4o-mini-2024-07-18"))
    g = gateway({"routing": {"tiers": TIERS, "explore": 0}, "cache": {"exact": True}})
    request = ask(g, "What is a farthing?", model="auto")
    told = say(g, {"request_id": request, "good": False}).json()
    assert told["model"] == "gpt-4o-mini" and told["learned"] is True
    again = ask(g, "What is a farthing?", model="auto")
    assert say(g, {"request_id": again, "good": False}).json()["model"] == "gpt-4o-mini"
    assert list(routing_of(g)) == ["gpt-4o-mini"]


def test_after_an_escalation_it_is_of_the_model_whose_answer_it_was(gateway, upstream):
    sorry = "I'm sorry, but I can't help with that request."
    config = {"routing": {"tiers": TIERS, "explore": 0}}
    upstream.script(lambda call: call.reply(200, completion(sorry, model="gpt-4o-mini-2024-07-18")),
                    lambda call: call.reply(200, completion(model="gpt-4o-2024-08-06")),
                    lambda call: call.reply(200, completion(sorry, model="gpt-4o-mini-2024-07-18")),
                    lambda call: call.error(500))
    g = gateway(config)
    met = ask(g, "What is a farthing?", model="auto")
    lost = ask(g, "What is a penny?", model="auto")
    assert say(g, {"request_id": met, "good": True}).json()["model"] == "gpt-4o"
    assert say(g, {"request_id": lost, "good": True}).json()["model"] == "gpt-4o-mini"


def test_a_request_that_is_not_in_the_books_is_404(gateway, answering):
    g = gateway()
    reply = say(g, {"request_id": "req_0000000000000000000000", "good": True})
    assert reply.status == 404 and reply.json()["error"]["code"] == "unknown_request"


def test_a_kept_answer_is_booked_and_not_learned_from(gateway, answering):
    g = gateway({"cache": {"exact": True}})
    first = ask(g, "What is a farthing?")
    again = ask(g, "What is a farthing?")
    assert first != again
    told = say(g, {"request_id": again, "good": True}).json()
    assert told["learned"] is False and told["tier"] == ""


@pytest.mark.parametrize("body, code", [
    ("", "invalid_json"),
    ("[]", "invalid_json"),
    ("{\"good\":true", "invalid_json"),
    ({"good": True}, "invalid_value"),
    ({"request_id": "req_1"}, "invalid_value"),
    ({"request_id": "req_1", "good": "yes"}, "invalid_value"),
    ({"request_id": "req_1", "good": 1.5}, "invalid_value"),
    ({"request_id": "req_1", "good": -1}, "invalid_value"),
    ({"request_id": "req_1", "good": None}, "invalid_value"),
    ({"request_id": 7, "good": True}, "invalid_value"),
    ({"request_id": "req_1", "good": True, "reason": "a whole sentence, with words"}, "invalid_value"),
    ({"request_id": "req_1", "good": True, "who": "me"}, "invalid_value"),
    ("{\"request_id\":\"a\",\"request_id\":\"b\",\"good\":true}", "duplicate_key"),
])
def test_what_is_no_feedback_is_refused(gateway, answering, body, code):
    g = gateway()
    reply = say(g, body)
    assert reply.status == 400 and reply.json()["error"]["code"] == code, reply.body


def test_other_methods_are_refused(gateway, answering):
    g = gateway()
    assert g.ask("GET", API).status == 405


def test_the_report_and_the_summary_show_outcomes(gateway, answering):
    g = gateway()
    request = ask(g, "What is a farthing?")
    assert say(g, {"request_id": request, "good": True}).status == 200
    eventually(lambda: outcomes(g), "the row")
    told = run("report", "--format", "json", "-c", g.config_path)
    assert told.returncode == 0, told.stderr
    row = json.loads(told.stdout)["outcomes"][0]
    assert row["outcomes"] == 1 and row["feedback"] == 1 and row["good"] == 1
    assert "Outcomes" in run("report", "-c", g.config_path).stdout
    summary = g.ask("GET", "/farthing/api/summary").json()
    assert isinstance(summary["routing"], list) and summary["outcomes"][0]["good"] == 1


# ---- what is learned of it

DEAR, DATED = "gpt-4o", {MINI: "gpt-4o-mini-2024-07-18", "gpt-4o": "gpt-4o-2024-08-06"}
LEARNS = {"routing": {"tiers": {"simple": MINI, "moderate": MINI, "complex": DEAR}, "explore": 0, "session": 0},
          "tasks": {"titles": {"routing": {"thresholds": {"simple": 1, "moderate": 1}}}, "other": {}}}


@pytest.fixture
def dated(upstream):
    """A provider that names its models with a date, as they do."""
    upstream.answer = lambda call: call.reply(200, completion(model=DATED[call.json()["model"]]))
    return upstream


def route(g, n, task="titles"):
    return g.chat(question(f"What is a farthing? Version {n}.", model="auto"), [("x-farthing-task", task)])


def learned_of(g, task="titles"):
    tiers = [t for t in g.ask("GET", "/farthing/api/summary").json()["routing"] if t["task"] == task and t["requests"]]
    return {m["model"]: m for t in tiers for m in t["models"]}, [t["choice"] for t in tiers]


def complain(g, most, task="titles"):
    """Routed requests whose answers are called bad, and good where a dearer model is tried, until that is the choice. How many there were."""
    for n in range(most):
        reply = route(g, n, task)
        model = next(m for m, dated in DATED.items() if dated == reply.header("x-farthing-model"))
        told = say(g, {"request_id": reply.request_id, "good": model == DEAR}).json()
        assert told["learned"] is True and (told["task"], told["tier"]) == (task, "simple")
        assert told["model"] == model, "by the name that the tiers have for it"
        if learned_of(g, task)[1] == [DEAR]:
            return n
    return most


def test_feedback_on_a_routed_request_moves_what_is_believed_and_then_the_choice(gateway, dated):
    g = gateway(LEARNS)
    assert route(g, 0).header("x-farthing-model") == DATED[MINI]
    models, _ = learned_of(g)
    assert MINI not in models or models[MINI]["observations"] == 0
    assert 8 <= complain(g, 300) < 300
    models, choices = learned_of(g)
    assert models[MINI]["observations"] >= 7 and models[MINI]["good_high"] < 0.8 and models[MINI]["refuted"] is True
    assert models[DEAR]["observations"] >= 7, "tried before it took over"
    assert choices == [DEAR] and set(models) <= {MINI, DEAR}


def test_what_was_learned_survives_a_restart_and_explain_knows_it(gateway, dated):
    def explained(task):
        done = run("explain", "-c", g.config_path, "--json", "--task", task,
                   input=json.dumps(question("What is a farthing?", model="auto")))
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
    g = gateway(LEARNS)
    assert complain(g, 300) < 300
    before, _ = learned_of(g)
    g.stop()
    told = explained("titles")
    assert told["model"] == DEAR and told["tier"] == "simple", "what the running gateway would do"
    g.start()
    after, choices = learned_of(g)
    assert choices == [DEAR] and after[MINI]["refuted"] is True
    assert after[MINI]["observations"] == pytest.approx(before[MINI]["observations"], rel=0.01)
    assert route(g, 100).header("x-farthing-model") == DATED[DEAR]
    assert route(g, 100, "other").header("x-farthing-tier") and learned_of(g, "other")[1] != []


def test_without_learning_outcomes_change_no_choice(gateway, dated):
    g = gateway(merge(LEARNS, {"routing": {"learn": False}}))
    assert complain(g, 40) == 40
    assert learned_of(g) == ({}, []), "nobody asked what was learned"
    g.stop()
    g.start()
    assert route(g, 100).header("x-farthing-model") == DATED[MINI]
