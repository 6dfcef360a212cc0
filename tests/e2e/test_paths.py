"""What is forwarded without being understood goes through the guard where it costs money: jobs, batches, and paths that
a price rule admits.

SPDX-License-Identifier: Apache-2.0
"""
import json

import pytest

from farthing.patience import eventually
from farthing.wording import question, usd

USD = 10 ** 12
LIMITS = {"request_usd": 10, "daily_usd": 12}
RULES = {"/v1/fine_tuning/jobs": {"usd": 5}, "/v1/batches": {"usd": 1.5}, "/v1/audio/speech": {"usd": 0.03},
         "/v1/moderations": {"free": True}}
JOB = {"model": "gpt-4o-mini", "training_file": "file-1"}
SPEECH = {"model": "tts-1", "input": "Hello", "voice": "alloy"}


def accepting(call):
    call.reply(200, {"id": "x", "object": "y"})


def spent(g):
    """Of the gateway, today."""
    rows = g.books().query("SELECT settled_pico FROM windows WHERE kind = 0 AND window = 0")
    return rows[0]["settled_pico"] if rows else 0


def held(g):
    for line in g.ask("GET", "/metrics").body.decode().splitlines():
        if line.startswith("farthing_held_usd "):
            return float(line.split()[1])
    raise AssertionError("no farthing_held_usd")


def form(content, purpose):
    boundary = "farthing"
    body = (f'--{boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n{purpose}\r\n--{boundary}\r\n'
            f'Content-Disposition: form-data; name="file"; filename="x.jsonl"\r\n\r\n').encode()
    return body + content + f"\r\n--{boundary}--\r\n".encode(), {"Content-Type": f"multipart/form-data; boundary={boundary}"}


def upload(g, lines, purpose):
    body, headers = form(b"".join(json.dumps(line).encode() + b"\n" for line in lines), purpose)
    reply = g.ask("POST", "/v1/files", body, headers)
    assert reply.status == 200, reply.body
    assert g.row(reply.request_id)["basis"] == "none"
    return reply.json()["id"]


@pytest.mark.parametrize("path,body,pico,endpoint", [
    ("/v1/fine_tuning/jobs", JOB, 5 * USD, "fine_tuning"),
    ("/v1/fine_tuning/jobs/ftjob-1/resume", None, 5 * USD, "fine_tuning"),
    ("/v1/batches", {"input_file_id": "f"}, 3 * USD // 2, "batches"),
    ("/v1/audio/speech", SPEECH, 3 * USD // 100, "audio/speech"),
])
def test_what_a_rule_prices_is_charged_when_it_is_accepted(gateway, upstream, path, body, pico, endpoint):
    upstream.answer = accepting
    g = gateway({"budget": LIMITS, "paths": RULES})
    reply = g.ask("POST", path, body)
    assert reply.status == 200, reply.body
    assert reply.header("x-farthing-cost-usd") == usd(pico)
    assert reply.header("x-farthing-budget-remaining-usd") == usd(12 * USD - pico)
    row = g.row(reply.request_id)
    assert (row["endpoint"], row["cost_pico"], row["basis"]) == (endpoint, pico, "estimated")
    [attempt] = g.books().attempts(reply.request_id)
    assert (attempt["cost_pico"], attempt["held_pico"], attempt["price_fee"]) == (pico, pico, pico)
    assert attempt["day_us"] is not None and spent(g) == pico


@pytest.mark.parametrize("method,path", [
    ("GET", "/v1/fine_tuning/jobs"), ("GET", "/v1/fine_tuning/jobs/j/events"), ("POST", "/v1/fine_tuning/jobs/j/cancel"),
    ("POST", "/v1/fine_tuning/jobs/j/pause"), ("POST", "/v1/batches/b/cancel"), ("DELETE", "/v1/files/f"),
    ("GET", "/v1/audio/speech"), ("DELETE", "/v1/audio/speech/x"), ("POST", "/v1/moderations"),
])
def test_what_makes_nothing_costs_nothing_even_when_nothing_may_be_spent(gateway, upstream, method, path):
    upstream.answer = accepting
    g = gateway({"budget": {"request_usd": 0, "daily_usd": 0}, "paths": RULES})
    reply = g.ask(method, path, {} if path == "/v1/moderations" else None)
    assert reply.status == 200 and upstream.calls[0].target == path
    row = g.row(reply.request_id)
    assert (row["cost_pico"], row["basis"]) == (0, "none")
    assert g.books().attempts(reply.request_id)[0]["day_us"] is None and spent(g) == 0


def test_what_the_provider_refuses_costs_nothing(gateway, upstream):
    upstream.answer = lambda call: call.reply(400, {"error": {"message": "No such file", "code": "bad_file"}})
    g = gateway({"budget": LIMITS, "paths": RULES})
    reply = g.ask("POST", "/v1/fine_tuning/jobs", JOB)
    assert reply.status == 400 and len(upstream.calls) == 1
    row = g.row(reply.request_id)
    assert (row["cost_pico"], row["basis"]) == (0, "none")
    assert spent(g) == 0 and held(g) == 0


def test_an_outcome_nobody_knows_is_charged_as_held(gateway, upstream):
    upstream.answer = lambda call: call.close()
    g = gateway({"budget": LIMITS, "paths": RULES})
    reply = g.ask("POST", "/v1/fine_tuning/jobs", JOB)
    assert reply.status == 502 and len(upstream.calls) == 1, "a job must not be started twice"
    row = g.row(reply.request_id)
    assert (row["cost_pico"], row["basis"]) == (5 * USD, "held")
    assert spent(g) == 5 * USD and held(g) == 0


def test_a_job_is_held_while_it_is_asked_for_and_no_second_one_fits(gateway, upstream):
    g = gateway({"budget": {"request_usd": "off", "daily_usd": 8, "wait": "0"}, "paths": RULES})
    first = g.connect()
    first.ask("POST", "/v1/fine_tuning/jobs", JOB)
    call = upstream.next_call()
    assert held(g) == 5
    reply = g.ask("POST", "/v1/fine_tuning/jobs", JOB)
    assert reply.status == 429 and reply.error["code"] == "budget_reserved"
    details = reply.error["details"]
    assert (details["limit_usd"], details["held_usd"], details["needed_usd"]) == (8, 5, 5)
    call.reply(200, {"id": "x"})
    assert first.reply().status == 200
    reply = g.ask("POST", "/v1/fine_tuning/jobs", JOB)
    assert reply.status == 429 and reply.error["code"] == "insufficient_quota"
    assert len(upstream.calls) == 1
    eventually(lambda: spent(g) == 5 * USD, "the books of the first job")


def test_a_job_that_costs_more_than_a_request_may_is_refused(gateway, upstream):
    g = gateway({"budget": {"request_usd": 0.05, "daily_usd": "off"}, "paths": RULES,
                 "tasks": {"training": {"budget": {"request_usd": 5}}}})
    upstream.answer = accepting
    reply = g.ask("POST", "/v1/fine_tuning/jobs", JOB)
    assert reply.status == 400 and reply.error["code"] == "request_too_expensive"
    assert reply.error["details"]["needed_usd"] == 5 and "output tokens" not in reply.error["message"]
    assert not upstream.calls
    reply = g.ask("POST", "/v1/fine_tuning/jobs", JOB, {"x-farthing-task": "training"})
    assert reply.status == 200
    g.row(reply.request_id)
    [window] = g.books().query("SELECT * FROM windows WHERE kind = 3 AND window = 0")
    assert (window["account"], window["settled_pico"]) == ("training", 5 * USD)


@pytest.mark.parametrize("path", ["/v1/fine_tuning/jobs", "/v1/batches"])
def test_jobs_without_a_price_are_refused_where_a_limit_holds(gateway, upstream, path):
    g = gateway({"budget": {"daily_usd": 100}})
    reply = g.ask("POST", path, JOB)
    assert reply.status == 400 and reply.error["code"] == "unsupported_for_budget"
    assert "`paths`" in reply.error["message"] and not upstream.calls
    row = g.row(reply.request_id)
    assert (row["cost_pico"], row["basis"], row["error_code"]) == (0, "none", "unsupported_for_budget")


def test_a_job_without_a_price_and_a_limit_costs_nobody_knows_what(gateway, upstream):
    upstream.answer = accepting
    g = gateway()
    reply = g.ask("POST", "/v1/fine_tuning/jobs", JOB)
    assert reply.status == 200 and reply.header("x-farthing-cost-usd") is None
    row = g.row(reply.request_id)
    assert (row["cost_pico"], row["basis"]) == (None, "unpriced")
    assert g.wait_closed(reply.request_id)["cost_usd"] == ""


def test_a_path_without_a_rule_tells_where_the_rule_belongs(gateway, upstream):
    g = gateway({"paths": RULES})
    for path in ("/v1/images/generations", "/v1/audio/translations", "/v1/audio"):
        reply = g.ask("POST", path, {"prompt": "secret words"})
        assert reply.status == 404 and reply.error["code"] == "path_not_priced"
        assert "`paths`" in reply.error["message"] and "secret" not in reply.error["message"]
    assert not upstream.calls and not g.books().requests()


def test_a_rule_chooses_the_upstream(gateway, upstream, upstreams):
    other = upstreams()
    other.answer = accepting
    g = gateway({"upstreams": {"other": {"base_url": other.url, "api_key": "sk-other"}},
                 "paths": {"/v1/audio/speech": {"usd": 0.03, "upstream": "other"}}})
    reply = g.ask("POST", "/v1/audio/speech", SPEECH)
    assert reply.status == 200 and not upstream.calls
    assert other.calls[0].header("authorization") == "Bearer sk-other"
    assert g.row(reply.request_id)["upstream"] == "other"


def test_sound_and_forms_pass_as_the_bytes_they_are(gateway, upstream):
    sound = bytes(range(256)) * 100
    upstream.answer = lambda call: call.reply(200, sound, content_type="audio/mpeg")
    g = gateway({"budget": LIMITS, "paths": {**RULES, "/v1/audio/transcriptions": {"usd": 0.1}}})
    reply = g.ask("POST", "/v1/audio/speech", SPEECH)
    assert reply.body == sound and reply.header("content-type") == "audio/mpeg"
    body, headers = form(sound, "x")
    assert g.ask("POST", "/v1/audio/transcriptions", body, headers).status == 200
    assert upstream.calls[1].body == body
    reply = g.ask("POST", "/v1/audio/transcriptions", b"x", {"Content-Type": "text/plain"})
    assert reply.status == 415 and len(upstream.calls) == 2


def test_a_killed_gateway_charges_the_job_it_had_asked_for(gateway, upstream):
    g = gateway({"budget": LIMITS, "paths": RULES})
    c = g.connect()
    c.ask("POST", "/v1/fine_tuning/jobs", JOB)
    upstream.next_call()
    g.kill()
    c.close()
    g.start()
    [attempt] = g.books().attempts()
    assert (attempt["outcome"], attempt["basis"], attempt["cost_pico"]) == ("lost", "held", 5 * USD)
    [row] = g.books().requests()
    assert (row["endpoint"], row["error_code"], row["cost_pico"]) == ("fine_tuning", "crash", 5 * USD)
    assert spent(g) == 5 * USD and held(g) == 0


def test_a_killed_gateway_does_not_forget_a_job_without_a_price(gateway, upstream):
    g = gateway()
    c = g.connect()
    c.ask("POST", "/v1/fine_tuning/jobs", JOB)
    upstream.next_call()
    g.kill()
    c.close()
    g.start()
    [attempt] = g.books().attempts()
    assert (attempt["outcome"], attempt["basis"], attempt["cost_pico"]) == ("lost", "unpriced", None)
    [row] = g.books().requests()
    assert (row["endpoint"], row["basis"], row["cost_pico"]) == ("fine_tuning", "unpriced", None)


def test_rules_are_read_again(gateway, upstream):
    upstream.answer = accepting
    g = gateway({"budget": LIMITS})
    assert g.ask("POST", "/v1/audio/speech", SPEECH).status == 404
    g.write_config({**g.config, "paths": {"/v1/audio/speech": {"usd": 0.03}}})
    g.signal(1)
    g.wait_line(lambda e: e.get("verb") == "reloaded", "the reload")
    reply = g.ask("POST", "/v1/audio/speech", SPEECH)
    assert reply.status == 200 and reply.header("x-farthing-cost-usd") == "0.03"


def test_the_whole_life_of_a_job_and_a_batch(sim_gateway):
    g = sim_gateway({"budget": LIMITS, "paths": RULES})
    line = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
    file = upload(g, [line] * 10, "fine-tune")
    made = g.ask("POST", "/v1/fine_tuning/jobs", {"model": "gpt-4o-mini", "training_file": file})
    assert made.status == 200, made.body
    job = made.json()["id"]
    g.ask("POST", f"/v1/fine_tuning/jobs/{job}/cancel")
    eventually(lambda: g.ask("GET", f"/v1/fine_tuning/jobs/{job}").json()["status"] in ("cancelled", "succeeded"), "its end")
    assert g.ask("POST", "/v1/fine_tuning/jobs", {"model": "gpt-4o-mini", "training_file": "file-none"}).status == 400
    asked = {"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": question()}
    file = upload(g, [asked], "batch")
    made = g.ask("POST", "/v1/batches", {"input_file_id": file, "endpoint": "/v1/chat/completions",
                                         "completion_window": "24h"})
    assert made.status == 200, made.body
    batch = made.json()["id"]
    done = eventually(lambda: (b := g.ask("GET", f"/v1/batches/{batch}").json())["status"] == "completed" and b, "its end")
    assert g.ask("GET", f"/v1/files/{done['output_file_id']}/content").status == 200
    assert g.ask("DELETE", f"/v1/files/{file}").status == 200
    books = g.stop()
    assert sum(r["cost_pico"] for r in books.requests()) == 5 * USD + 3 * USD // 2
    assert {r["basis"] for r in books.requests()} == {"none", "estimated"}
    assert books.query("SELECT settled_pico FROM windows WHERE kind = 0 AND window = 0")[0]["settled_pico"] == \
        5 * USD + 3 * USD // 2
