"""Requests that have a day: queued, sent through the provider's batch interface, settled once, fetched.

SPDX-License-Identifier: Apache-2.0
"""
import random
import signal

import pytest

from conftest import Gateways
from farthing.gateway import run
from farthing.money import details, held, keyed, limits, metric, pico
from farthing.office import Office, expired, line
from farthing.patience import LONG, eventually
from farthing.sim import Sim
from farthing.wording import MINI, completion, question, usd

DAY = [("x-farthing-deadline", "24h")]
INPUT, OUTPUT = 75_000, 300_000     # gpt-4o-mini in the batch tier, pico-dollars per token
COST = 11 * INPUT + 7 * OUTPUT      # of completion()
SOON = {"deferred": {"collect": "1s", "requests": 1, "poll": "100ms"}}


def defer(g, text="What is a farthing?", headers=(), **more):
    reply = g.chat(question(text, **more), [*DAY, *headers])
    assert reply.status == 202, reply.body
    return reply.json()["id"]


def look(g, name, headers=()):
    return g.ask("GET", f"/v1/deferred/{name}", headers=headers)


def fetch(g, name, headers=(), timeout=LONG):
    """What it comes to."""
    def ended():
        reply = look(g, name, headers)
        return reply if reply.status != 202 else None
    return eventually(ended, f"an end of {name}", timeout)


def said(reply):
    return reply.json()["choices"][0]["message"]["content"]


def idle(g):
    """Nothing waits, and no job is open."""
    eventually(lambda: [metric(g, f"farthing_deferred_{n}") for n in ("queued", "sent", "jobs")] == ["0"] * 3, "an idle depot")
    assert held(g) == 0


def books(g):
    """Stopped, and in order."""
    return g.stop()


def spent(b):
    total = sum(r["cost_pico"] or 0 for r in b.attempts())
    assert b.spent() == total == sum(r["cost_pico"] or 0 for r in b.requests())
    return total


@pytest.fixture
def office(upstream):
    return Office(upstream)


def many(count, **more):
    """They leave when there are so many."""
    return {"deferred": {**SOON["deferred"], "requests": count, "collect": "1h", **more}}


# ---- what clients see

def test_request_is_queued_and_its_answer_fetched(gateway, office):
    g = gateway(SOON)
    office.runs = 1
    first = g.chat(question("Say farthing"), DAY)
    name = first.json()["id"]
    assert first.status == 202 and first.header("location") == f"/v1/deferred/{name}" and int(first.header("retry-after")) == 1
    assert name == first.request_id
    assert first.json() == {"id": name, "object": "farthing.deferred", "status": "queued", "endpoint": "/v1/chat/completions",
                            "model": MINI, "created_at": first.json()["created_at"],
                            "deadline_at": first.json()["created_at"] + 86400}
    reply = fetch(g, name)
    assert reply.status == 200 and said(reply) == "farthing" and reply.header("content-type") == "application/json"
    assert reply.request_id == name and reply.header("x-farthing-model") == MINI
    assert pico(reply.header("x-farthing-cost-usd")) == COST and reply.header("x-farthing-tier") == "pinned"
    idle(g)
    assert not office.files and office.batches[0]["metadata"].keys() == {"farthing_job"}
    b = books(g)
    row = b.only()
    assert (row["id"], row["status"], row["cost_pico"], row["basis"], row["attempts"]) == (name, 200, COST, "exact", 1)
    attempt = b.attempts()[0]
    assert (attempt["price_input"], attempt["price_output"], attempt["cost_pico"]) == (INPUT, OUTPUT, COST)
    assert spent(b) == COST


@pytest.mark.parametrize("path, body", [
    ("/v1/responses", {"model": MINI, "input": "Say farthing"}),
    ("/v1/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": "Say farthing", "max_tokens": 5}),
    ("/v1/embeddings", {"model": "text-embedding-3-small", "input": ["a", "b"]}),
])
def test_every_endpoint_has_its_own_job(gateway, office, path, body):
    g = gateway({**SOON, "models": {"gpt-3.5-turbo-instruct": {
        "upstream": "sim", "batch_input_usd": 0.75, "batch_output_usd": 1}}})
    reply = g.ask("POST", path, body, DAY)
    assert reply.status == 202, reply.body
    assert fetch(g, reply.json()["id"]).status == 200
    assert office.batches[0]["endpoint"] == path
    idle(g)
    spent(books(g))


def test_lots_leave_together_and_each_gets_its_own_answer(gateway, office):
    g = gateway(many(20, collect="5s"))
    names = {defer(g, f"Say word{i}"): f"word{i}" for i in range(20)}
    names |= {defer(g, f"Say other{i}", model="gpt-4o"): f"other{i}" for i in range(3)}

    def reordered(batch):
        lines = [office.execute(r) for r in office.lines(batch)]
        random.Random(1).shuffle(lines)
        office.end(batch, "completed", lines)
    office.ends = [reordered, reordered]
    for name, word in names.items():
        assert said(fetch(g, name)) == word
    assert len(office.batches) == 2 and sorted(office.executed) == sorted(names)
    idle(g)
    assert len(books(g).attempts()) == 23


def test_list_and_foreign_accounts(gateway, office):
    g, keys = keyed(gateway, many(50), {"ann": (), "bob": ()})
    mine = [defer(g, f"Say {i}", keys["ann"]) for i in range(3)]
    page = g.ask("GET", "/v1/deferred?limit=2", headers=keys["ann"]).json()
    assert [d["id"] for d in page["data"]] == mine[:0:-1] and page["has_more"] and page["object"] == "list"
    rest = g.ask("GET", f"/v1/deferred?after={page['last_id']}", headers=keys["ann"]).json()
    assert [d["id"] for d in rest["data"]] == mine[:1] and not rest["has_more"]
    assert g.ask("GET", "/v1/deferred", headers=keys["bob"]).json()["data"] == []
    for method in ("GET", "DELETE"):
        reply = g.ask(method, f"/v1/deferred/{mine[0]}", headers=keys["bob"])
        assert (reply.status, reply.error["code"]) == (404, "unknown_request")
    assert g.ask("GET", f"/v1/deferred/{mine[0]}").status == 401
    assert look(g, mine[0], keys["ann"]).json()["status"] == "queued"
    assert g.ask("GET", "/v1/deferred?limit=0", headers=keys["ann"]).error["code"] == "invalid_value"
    assert g.ask("POST", "/v1/deferred", {}, keys["ann"]).status == 405
    books(g)


def test_foreign_account_does_not_fetch_what_has_ended(gateway, office):
    g, keys = keyed(gateway, SOON, {"ann": (), "bob": ()})
    name = defer(g, headers=keys["ann"])
    assert fetch(g, name, keys["ann"]).status == 200
    assert look(g, name, keys["bob"]).status == 404
    books(g)


def test_what_has_not_left_is_cancelled_and_costs_nothing(gateway, office):
    g = gateway({**many(50), **limits(daily_usd=10 ** 12)})
    name = defer(g)
    assert held(g) > 0
    reply = g.ask("DELETE", f"/v1/deferred/{name}")
    assert reply.status == 200 and reply.json() == {"id": name, "object": "farthing.deferred", "status": "cancelled"}
    assert held(g) == 0
    gone = look(g, name)
    assert (gone.status, gone.error["code"], gone.header("x-should-retry")) == (410, "cancelled", "false")
    again = g.ask("DELETE", f"/v1/deferred/{name}")
    assert (again.status, again.error["code"]) == (409, "already_ended")
    b = books(g)
    assert not b.attempts() and b.only()["status"] == 410 and b.only()["cost_pico"] == 0
    assert not office.batches


def test_what_has_left_is_not_cancelled(gateway, office):
    g = gateway(SOON)
    office.runs = 10
    name = defer(g)
    eventually(lambda: office.batches, "a job")
    reply = g.ask("DELETE", f"/v1/deferred/{name}")
    assert (reply.status, reply.error["code"]) == (409, "already_sent")
    assert look(g, name).json()["status"] == "in_progress"
    assert fetch(g, name).status == 200
    books(g)


def test_kept_answers_are_given_at_once(gateway, office, upstream):
    g = gateway({**SOON, "cache": {"exact": True}})
    upstream.script(lambda call: call.reply(200, completion("kept")))
    assert g.chat(question()).status == 200
    reply = eventually(lambda: (r := g.chat(question(), DAY)).status == 200 and r, "the kept answer")
    assert said(reply) == "kept" and reply.header("x-farthing-cache") in ("exact", "coalesced")
    books(g)


def test_idempotency_key_finds_the_same_place(gateway, office):
    g = gateway(many(50))
    key = [("idempotency-key", "k1")]
    name = defer(g, headers=key)
    assert defer(g, headers=key) == name
    other = g.chat(question("Something else"), [*DAY, *key])
    assert (other.status, other.error["code"]) == (409, "idempotency_mismatch")
    g.kill()
    g.start()
    assert defer(g, headers=key) == name
    g.ask("DELETE", f"/v1/deferred/{name}")
    assert defer(g, headers=key) == name and look(g, name).status == 410
    g.kill()
    g.start()
    assert defer(g, headers=key) == name
    assert len(books(g).query("SELECT * FROM deferred")) == 1


@pytest.mark.parametrize("config, headers, more, code, param", [
    ({}, [("x-farthing-deadline", "1h")], {}, "invalid_value", "x-farthing-deadline"),
    ({}, [("x-farthing-deadline", "8d")], {}, "invalid_value", "x-farthing-deadline"),
    ({}, [("x-farthing-deadline", "soon")], {}, "invalid_value", "x-farthing-deadline"),
    ({}, DAY, {"stream": True}, "not_deferrable", "stream"),
    ({"deferred": "off"}, DAY, {}, "not_deferrable", None),
    ({"mode": "observe"}, DAY, {}, "not_deferrable", None),
    ({"models": {"own": {"upstream": "sim", "input_usd": 1, "output_usd": 2}}}, DAY, {"model": "own"}, "not_deferrable", "model"),
])
def test_what_cannot_be_deferred_is_refused(gateway, office, config, headers, more, code, param):
    g = gateway(config)
    reply = g.chat(question(**more), headers)
    assert (reply.status, reply.error["code"], reply.error["param"]) == (400, code, param)
    b = books(g)
    assert not office.steps and not b.attempts()


def test_forwarded_paths_are_not_deferred(gateway, office):
    g = gateway()
    reply = g.ask("GET", "/v1/files", headers=DAY)
    assert (reply.status, reply.error["code"]) == (400, "not_deferrable")
    books(g)


def test_longer_deadlines_are_taken(gateway, office):
    g = gateway(many(50))
    reply = g.chat(question(), [("x-farthing-deadline", "2d")])
    assert reply.json()["deadline_at"] - reply.json()["created_at"] == 2 * 86400
    books(g)


def test_full_queue_takes_no_more(gateway, office):
    g = gateway(many(50, max_bytes="1MiB"))
    defer(g, "x" * 600_000)
    reply = g.chat(question("y" * 600_000), DAY)
    assert (reply.status, reply.error["code"], reply.header("retry-after")) == (503, "deferred_full", "60")
    books(g)


def test_sdk(gateway, office):
    openai = pytest.importorskip("openai")
    g = gateway(SOON)
    client = openai.OpenAI(api_key="sk-anything", base_url=f"http://127.0.0.1:{g.port}/v1", timeout=LONG)
    raw = client.chat.completions.with_raw_response.create(model=MINI, messages=question("Say farthing")["messages"],
                                                           extra_headers=dict(DAY))
    assert raw.status_code == 202
    name = raw.parse().id

    def ended():
        found = client.get(f"/deferred/{name}", cast_to=openai.types.chat.ChatCompletion)
        return found if found.object == "chat.completion" else None
    answer = eventually(ended, "the answer")
    assert answer.choices[0].message.content == "farthing" and answer.usage.total_tokens == 18
    bad = client.chat.completions.with_raw_response.create
    with pytest.raises(openai.BadRequestError):
        bad(model=MINI, messages=[], extra_headers={"x-farthing-deadline": "now"})
    books(g)


# ---- money

def test_budgets_hold_the_discounted_bound(gateway, office):
    g = gateway({**many(50), **limits(daily_usd=10 ** 12)})
    name = defer(g, "What is a farthing?", max_tokens=100)
    assert held(g) == 13 * INPUT + 100 * OUTPUT == pico(metric(g, "farthing_deferred_held_usd"))
    day = next(b for b in g.ask("GET", "/farthing/api/summary").json()["budgets"]
               if (b["kind"], b["window"]) == ("gateway", "day"))
    assert day["limit_usd"] == 1 and look(g, name).status == 202
    books(g)


def test_what_does_not_fit_is_refused_with_the_arithmetic(gateway, office):
    bound = 13 * INPUT + 100 * OUTPUT
    g = gateway({**many(50), **limits(daily_usd=bound + 13 * INPUT + 5 * OUTPUT)})
    defer(g, max_tokens=100)
    reply = g.chat(question(max_tokens=100), DAY)
    assert reply.status == 429 and details(reply)["held_usd"] == bound
    assert held(g) == bound
    books(g)


def test_clamped_limit_is_told_with_the_answer(gateway, office):
    g = gateway({**SOON, **limits(daily_usd=13 * INPUT + 50 * OUTPUT)})
    name = defer(g, max_tokens=100)
    reply = fetch(g, name)
    assert reply.header("x-farthing-clamped") == "50"
    b = books(g)
    assert b.only()["clamped_to"] == 50 and b.attempts()[0]["held_pico"] == 13 * INPUT + 50 * OUTPUT


def test_key_limits_and_windows_apply(gateway, office):
    g, keys = keyed(gateway, SOON, {"ann": ("--daily-usd", usd(13 * INPUT + 100 * OUTPUT))})
    name = defer(g, headers=keys["ann"], max_tokens=100)
    assert g.chat(question(max_tokens=100), [*DAY, *keys["ann"]]).status == 429
    assert fetch(g, name, keys["ann"]).status == 200
    idle(g)
    b = books(g)
    assert b.spent("key", "ann") == COST == spent(b)


def test_revoked_key_sends_nothing(gateway, office):
    g, keys = keyed(gateway, many(50, collect="2s"), {"ann": (), "bob": ()})
    name = defer(g, headers=keys["ann"])
    assert run("keys", "revoke", "ann", "-c", g.config_path).returncode == 0
    eventually(lambda: metric(g, "farthing_deferred_ended_total{result=\"failed\"}") == "1", "its end")
    assert not office.batches and look(g, name, keys["bob"]).status == 404
    assert not books(g).attempts()


# ---- faults of the provider: (play, what each request comes to, whether it was billed)

def one(g, name, status, code, basis):
    reply = fetch(g, name)
    assert (reply.status, reply.error["code"]) == (status, code), reply.body
    idle(g)
    b = books(g)
    row = b.request(name)
    assert (row["status"], row["basis"]) == (status, basis)
    assert (spent(b) > 0) == (basis != "none")
    if basis == "held":
        attempt = b.attempts(name)[0]
        assert attempt["cost_pico"] == attempt["held_pico"]
    return b


@pytest.mark.parametrize("step", ["upload", "create"])
@pytest.mark.parametrize("status, sent, code", [(400, 400, "whatever"), (404, 404, "not_found"), (403, 502, "upstream_auth_error"),
                                                (413, 413, "request_too_large")])
def test_refused_for_good(gateway, office, step, status, sent, code):
    g = gateway(SOON)
    office.play(step, lambda call, do: call.error(status))
    one(g, defer(g), sent, code, "none")
    assert not office.executed and not office.files


@pytest.mark.parametrize("step", ["upload", "create", "poll", "content"])
@pytest.mark.parametrize("fault", ["429", "500", "503", "reset", "cut", "garbage"])
def test_passing_failures_are_tried_again(gateway, office, step, fault):
    g = gateway(SOON)

    def fail(call, do):
        if fault.isdigit():
            call.error(int(fault), headers=[("retry-after-ms", "20")] if fault == "429" else ())
        elif fault == "garbage" and step != "content":
            call.reply(200, b"<html>nothing</html>")
        elif fault == "cut":
            call.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{")
            call.close()
        else:
            call.reset()
    office.play(step, fail, fail)
    name = defer(g, "Say farthing")
    assert said(fetch(g, name)) == "farthing"
    idle(g)
    assert office.executed == [name] and len(office.batches) == 1 and office.count(step) >= 3
    assert spent(books(g)) == COST


@pytest.mark.parametrize("made", [True, False])
def test_create_that_nobody_answered_is_looked_for_by_name(gateway, office, made):
    g = gateway(SOON)

    def lose(call, do):
        if made:
            do(silent=True)
        call.reset()
    office.play("create", lose)
    name = defer(g, "Say farthing")
    assert said(fetch(g, name)) == "farthing"
    idle(g)
    assert office.count("create") == (1 if made else 2) and office.count("list") >= 1 and office.executed == [name]
    assert spent(books(g)) == COST


def test_batch_that_fails_validation(gateway, office):
    g = gateway(SOON)
    office.ends = [lambda b: office.end(b, "failed", errors={"object": "list", "data": [
        {"code": "invalid_json_line", "line": 1, "message": "A line is odd.", "param": None}]})]
    name = defer(g)
    assert "A line is odd." in fetch(g, name).error["message"]
    one(g, name, 400, "invalid_request", "none")


@pytest.mark.parametrize("told", [True, False])
def test_expired_batch_is_not_billed_and_goes_again(gateway, office, told):
    g = gateway(SOON)
    office.ends = [lambda b: office.end(b, "expired", [], [expired(r["custom_id"]) for r in office.lines(b)] if told else [])]
    name = defer(g, "Say farthing")
    assert said(fetch(g, name)) == "farthing"
    idle(g)
    assert len(office.batches) == 2 and office.executed == [name] and not office.files
    assert spent(books(g)) == COST


def test_expired_batch_keeps_what_was_answered(gateway, office):
    g = gateway(many(3, collect="4s"))
    names = [defer(g, f"Say word{i}") for i in range(3)]

    def half(batch):
        lines = office.lines(batch)
        office.end(batch, "expired", [office.execute(r) for r in lines[:2]], [expired(lines[2]["custom_id"])])
    office.ends = [half]
    assert [said(fetch(g, n)) for n in names[:2]] == ["word0", "word1"]
    assert look(g, names[2]).json()["status"] in ("queued", "in_progress")
    assert said(fetch(g, names[2])) == "word2"
    idle(g)
    assert sorted(office.executed) == sorted(names) and spent(books(g)) == 3 * COST


@pytest.mark.parametrize("counted, basis", [(0, "none"), (1, "held")])
def test_cancelled_batch_bills_what_it_says_it_completed(gateway, office, counted, basis):
    g = gateway(SOON)
    office.ends = [lambda b: office.end(b, "cancelled", request_counts={"total": 1, "completed": counted, "failed": 0})]
    one(g, defer(g), 502, "upstream_error" if counted == 0 else "upstream_invalid_response", basis)


def test_missing_line_is_charged_as_held(gateway, office):
    g = gateway(many(2))
    names = [defer(g, f"Say word{i}") for i in range(2)]
    office.ends = [lambda b: office.end(b, "completed", [office.execute(office.lines(b)[0])])]
    first = eventually(lambda: office.executed and office.executed[0], "a line that was carried out")
    assert fetch(g, first).status == 200
    lost = next(n for n in names if n != first)
    b = one(g, lost, 502, "upstream_invalid_response", "held")
    assert len(b.attempts()) == 2


def test_odd_lines_change_nobodys_answer(gateway, office):
    g = gateway(many(2))
    names = {defer(g, f"Say word{i}"): f"word{i}" for i in range(2)}

    def odd(batch):
        one_, two = office.lines(batch)
        good = [office.execute(one_), office.execute(two)]
        twice = line(one_["custom_id"], 200, completion("wrong"))
        office.end(batch, "completed", [b"nonsense", b"", line("req_foreign", 200, completion("wrong")), good[1], b'{"custom_id":7}',
                                        good[0], twice, b'{"custom_id":"' + two["custom_id"].encode() + b'"'],
                   [line(two["custom_id"], 400, {"error": {"message": "late"}})])
    office.ends = [odd]
    for name, word in names.items():
        assert said(fetch(g, name)) == word
    idle(g)
    assert int(metric(g, "farthing_deferred_odd_lines_total")) == 5   # nobody waits for the other file
    b = books(g)
    assert spent(b) == 2 * COST and len(b.attempts()) == 2


@pytest.mark.parametrize("status, body, sent, code, basis", [
    (400, {"error": {"message": "Bad.", "type": "invalid_request_error", "param": "tools", "code": "bad_tool"}}, 400, "bad_tool", "none"),
    (429, {"error": {"message": "Slow."}}, 429, "upstream_rate_limited", "none"),
    (500, {"error": {"message": "Oh."}}, 502, "upstream_error", "none"),
    (504, {}, 502, "upstream_error", "held"),
    (200, "text", 502, "upstream_invalid_response", "held"),
])
def test_line_with_an_error(gateway, office, status, body, sent, code, basis):
    g = gateway(SOON)
    office.ends = [lambda b: office.end(b, "completed", [], [line(r["custom_id"], status, body) for r in office.lines(b)])]
    one(g, defer(g), sent, code, basis)


def test_answer_without_usage_is_delivered_and_charged_as_held(gateway, office):
    g = gateway(SOON)
    office.ends = [lambda b: office.end(b, "completed", [line(r["custom_id"], 200, completion("x", usage=...))
                                                         for r in office.lines(b)])]
    assert said(fetch(g, defer(g, max_tokens=50))) == "x"
    b = books(g)
    assert (b.attempts()[0]["basis"], b.attempts()[0]["outcome"]) == ("held", "ok") and spent(b) == b.attempts()[0]["held_pico"]


def test_answer_beyond_the_limit_is_paid_for_and_not_passed_on(gateway, office):
    g = gateway({**SOON, "limits": {"reply": "1KiB"}})
    office.ends = [lambda b: office.end(b, "completed", [line(r["custom_id"], 200, completion("x" * 5000))
                                                         for r in office.lines(b)])]
    one(g, defer(g), 502, "upstream_too_large", "exact")


def test_provider_that_bills_more_than_was_held_is_an_overrun(gateway, office):
    g = gateway(SOON)
    much = completion("x")
    much["usage"]["completion_tokens"] = 10_000_000
    office.ends = [lambda b: office.end(b, "completed", [line(r["custom_id"], 200, much) for r in office.lines(b)])]
    assert fetch(g, defer(g, max_tokens=5)).status == 200
    b = books(g)
    assert b.attempts()[0]["overrun"] == 1 and spent(b) == 11 * INPUT + 10_000_000 * OUTPUT


# ---- restarts

@pytest.mark.parametrize("how", ["kill", "stop"])
@pytest.mark.parametrize("step, after", [(None, False), ("upload", False), ("upload", True), ("create", False), ("create", True),
                                         ("poll", False), ("content", False), ("delete", False), ("delete", True)])
def test_restart_at_each_step_repeats_nothing_that_costs(gateway, office, how, step, after):
    g = gateway(many(2) if step else many(3))
    came = office.hold(step, after) if step else None
    names = {defer(g, f"Say word{i}"): f"word{i}" for i in range(2)}
    if step:
        office.wait(came)
    g.kill() if how == "kill" else g.stop()
    if not step:
        g.config["deferred"].update(many(2)["deferred"])
    g.start()
    for name, word in names.items():
        reply = fetch(g, name)
        assert said(reply) == word and pico(reply.header("x-farthing-cost-usd")) == COST
    idle(g)
    assert sorted(office.executed) == sorted(names) and len(office.batches) == 1
    b = books(g)
    assert spent(b) == 2 * COST and len(b.requests()) == 2
    assert {r["id"] for r in b.requests()} == set(names)


def test_killed_in_the_midst_of_settling(gateway, office):
    g = gateway(many(150))
    names = {defer(g, f"Say word{i}"): f"word{i}" for i in range(150)}
    eventually(lambda: len(g.books().query("SELECT 1 FROM requests")) >= 60, "some that are settled")
    g.kill()
    g.start()
    for name, word in names.items():
        assert said(fetch(g, name)) == word
    idle(g)
    assert len(office.executed) == 150 and len(office.batches) == 1
    assert spent(books(g)) == 150 * COST


def test_holds_are_held_again_after_a_restart(gateway, office):
    g = gateway({**many(50), **limits(daily_usd=10 ** 12)})
    defer(g, max_tokens=100)
    before = held(g)
    g.kill()
    g.start()
    assert held(g) == before > 0 and metric(g, "farthing_deferred_queued") == "1"
    books(g)


def test_stop_with_a_queue_is_quick_and_loses_nothing(gateway, office):
    g = gateway(many(50))
    name = defer(g)
    g.signal(signal.SIGTERM)
    assert g.wait_exit() == 0
    g.start()
    assert look(g, name).json()["status"] == "queued"
    books(g)


# ---- before the simulator

@pytest.fixture
def bureau(tmp_path):
    s = Sim(tmp_path, "--job-time", "400ms").start()
    made = Gateways(tmp_path, s)
    yield s, made
    made.stop()
    s.close()


def test_bill_of_the_simulator_is_the_ledger(bureau):
    sim, gateways = bureau
    g = gateways({**many(25, collect="1s"), **limits(daily_usd=100 * 10 ** 12)})
    names = [defer(g, f"Question {i} is: what is a farthing worth?", max_tokens=30) for i in range(25)]
    names.append(g.ask("POST", "/v1/embeddings", {"model": "text-embedding-3-small", "input": ["a", "b"]}, DAY).json()["id"])
    for name in names:
        assert fetch(g, name).status == 200
    idle(g)
    assert sim.get("/v1/files")["data"] == []
    assert spent(books(g)) == sim.stats()["billed_picousd"] > 0


@pytest.mark.parametrize("seed", range(4))
def test_killed_at_any_moment_the_bill_is_the_ledger(bureau, seed):
    sim, gateways = bureau
    rng = random.Random(seed)
    g = gateways(many(5))
    names = [defer(g, f"Question {seed} {i} is: what is a farthing worth?", max_tokens=30) for i in range(10)]
    for _ in range(3):
        try:
            g.process.wait(rng.uniform(0.02, 0.5))
        except Exception:   # noqa: BLE001 - it runs, as it should
            pass
        g.kill()
        g.start()
    for name in names:
        assert fetch(g, name).status == 200
    idle(g)
    b = books(g)
    assert spent(b) == sim.stats()["billed_picousd"] and len(b.requests()) == len(names)


def test_faults_in_lines_before_the_simulator(bureau):
    sim, gateways = bureau
    g = gateways(many(3))
    good, bad, silent = (defer(g, text) for text in ("What is a farthing?", "[[status:400]] no", "[[no-usage]] yes"))
    assert fetch(g, good).status == 200
    assert fetch(g, bad).status == 400
    assert fetch(g, silent).status == 200
    b = books(g)
    assert [b.request(n)["basis"] for n in (good, bad, silent)] == ["exact", "none", "held"]



def test_large_requests_and_results_travel_in_pieces(gateway, office):
    g = gateway(many(4))
    names = {defer(g, "x" * 700_000 + f" word{i}"): f"word{i}" for i in range(4)}
    office.answer = lambda r: completion(r["body"]["messages"][-1]["content"].split()[-1] + "y" * 2_500_000)
    for name, word in names.items():
        assert said(fetch(g, name, timeout=3 * LONG)) == word + "y" * 2_500_000
    idle(g)
    assert spent(books(g)) == 4 * COST


def test_large_jobs_before_the_simulator(bureau):
    sim, gateways = bureau
    g = gateways(many(2))
    names = [defer(g, f"{i} of two: " + "word " * 200_000, max_tokens=10) for i in range(2)]
    for name in names:
        assert fetch(g, name, timeout=3 * LONG).status == 200
    assert spent(books(g)) == sim.stats()["billed_picousd"]


def test_clients_that_leave_at_once_are_told_or_void(gateway, office):
    """A request may be on the disk by then; where nobody heard of its place, it is cancelled."""
    g = gateway(many(50))
    body = question()
    for _ in range(20):
        c = g.warm()
        c.send(c.request("POST", "/v1/chat/completions", body, DAY))
        c.reset()
    g.settle()
    seen = eventually(lambda: (rows := g.ask("GET", "/v1/deferred?limit=100").json()["data"]) is not None and rows, "the list") \
        if g.books().query("SELECT 1 FROM deferred") else []
    for row in seen:
        assert look(g, row["id"]).status in {"queued": (202, 410), "cancelled": (410,)}[row["status"]]
    b = books(g)
    assert not b.attempts() and not office.steps
