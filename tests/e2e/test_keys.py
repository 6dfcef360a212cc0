"""Virtual keys from outside: made on the command line and over HTTP, shown at the door, revoked beside a running gateway.
C40 and so on are the rows of the fault matrix by which the gateway was designed.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import re
import sqlite3
import subprocess
import time

import pytest

from conftest import need
from farthing.gateway import clean_environment, program, run
from farthing.patience import LONG, eventually
from farthing.wire import Client
from farthing.wording import MINI, completion, plain_stream, question

SECRET = re.compile(r"sk-farthing-[0-9A-Za-z]{43}\n")
ADMIN = "an-admin-key-of-some-length"
API = "/farthing/api/keys"


@pytest.fixture(autouse=True)
def built():
    need("farthing")


def keys(g, *args):
    """`farthing keys ARGS` with the gateway's configuration."""
    return run("keys", *args, "-c", g.config_path)


def add(g, name, *args):
    done = keys(g, "add", name, *args)
    assert done.returncode == 0 and SECRET.fullmatch(done.stdout), done.stdout + done.stderr
    return done.stdout.strip()


def bearer(secret):
    return [("Authorization", f"Bearer {secret}")]


def status_of(g, secret=None, text="What is a farthing?", **more):
    return g.chat(question(text, **more), bearer(secret) if secret else ()).status


def wait_in_force(g, before, count=1):
    """Until the gateway has told of `count` more changes of keys."""
    verbs = ("key_added", "key_revoked", "key_thawed")
    eventually(lambda: len([e for e in g.entries() if e["verb"] in verbs]) >= before + count, "the change of a key")


def changes(g):
    return len([e for e in g.entries() if e["verb"] in ("key_added", "key_revoked", "key_thawed")])


@pytest.fixture
def answering(upstream):
    upstream.answer = lambda call: call.reply(200, completion())
    return upstream


@pytest.fixture
def keyed(gateway, answering):
    """A gateway that was started with one key: (gateway, secret of `first`)."""
    g = gateway(start=False)
    g.write_config()
    secret = add(g, "first")
    return g.start(), secret


# The command line.

def test_the_first_key_makes_the_database_and_prints_nothing_but_its_secret(tmp_path):
    path = str(tmp_path / "new.db")
    done = run("keys", "add", "team.a", "--db", path, "--daily-usd", "2", "--request-usd", "0.05", "--project", "shop",
               "--concurrent", "3", "--expires", "30d")
    assert done.returncode == 0, done.stderr
    assert SECRET.fullmatch(done.stdout)
    assert "team.a" in done.stderr and f"no ledger at {path}" in done.stderr and done.stdout.strip() not in done.stderr
    [row] = json.loads(run("keys", "list", "--json", "--db", path).stdout)
    assert row["name"] == "team.a" and row["state"] == "active" and row["hint"] == done.stdout.strip()[-4:]
    assert (row["daily_usd"], row["request_usd"], row["weekly_usd"], row["monthly_usd"]) == (2, 0.05, None, None)
    assert (row["project"], row["concurrent"], row["models"], row["spent_today_usd"]) == ("shop", 3, None, 0)
    assert row["expires"] > row["created"] and row["revoked"] is None
    table = run("keys", "list", "--db", path).stdout.splitlines()
    assert len(table) == 2 and table[1].split()[:3] == ["team.a", row["hint"], "active"]
    assert run("ledger", "check", "--db", path).returncode == 0
    with open(path, "rb") as f:
        assert done.stdout.strip().encode() not in f.read()
    assert os.stat(path).st_mode & 0o077 == 0


@pytest.mark.parametrize("args, word", [
    (["a b"], "name"), (["a\nb"], "name"), (["\x1b[31mred"], "name"), ([""], "name"), (["x" * 64], "name"), (["a/b"], "name"),
    (["local"], "local"), (["unknown"], "unknown"),
    (["k", "--daily-usd", "-1"], "daily_usd"), (["k", "--weekly-usd", "much"], "weekly_usd"),
    (["k", "--monthly-usd", "1e3"], "monthly_usd"), (["k", "--request-usd", ""], "request_usd"),
    (["k", "--request-usd", "99999999999"], "request_usd"), (["k", "--daily-usd", "nan"], "daily_usd"),
    (["k", "--expires", "0"], "expires"), (["k", "--expires", "-1d"], "expires"), (["k", "--expires", "2020-01-01"], "expires"),
    (["k", "--concurrent", "0"], "concurrent"), (["k", "--concurrent", "many"], "concurrent"),
    (["k", "--models", ""], "models"), (["k", "--models", "gpt-4o,,gpt-4o-mini"], "models"),
    (["k", "--models", "gpt-4o,no-such-model"], "models"), (["k", "--project", "a b"], "project")])
def test_a_bad_wish_is_refused_and_makes_nothing(tmp_path, args, word):
    config = tmp_path / "farthing.yaml"
    config.write_text(f"database: {tmp_path}/none.db\n")
    done = run("keys", "add", "-c", str(config), *args[1:], "--", args[0])
    assert done.returncode == 1 and done.stdout == ""
    assert word in done.stderr and "\x1b" not in done.stderr and len(done.stderr.splitlines()) == 1
    assert not os.path.exists(tmp_path / "none.db")


@pytest.mark.parametrize("args", [
    [], ["add"], ["burn", "a"], ["add", "a", "b"], ["list", "a"], ["revoke"], ["revoke", "a", "--daily-usd", "1"],
    ["set", "a"], ["set", "--daily-usd", "1"], ["set", "a", "b", "--daily-usd", "1"], ["set", "a", "--json", "--daily-usd", "1"],
    ["add", "a", "--json"], ["add", "a", "--no-such-option"], ["add", "a", "--daily-usd"], ["list", "--db", ""]])
def test_wrong_usage_is_2(args):
    done = run("keys", *args)
    assert done.returncode == 2 and done.stderr and not done.stdout


def test_names_are_given_once_and_unknown_ones_are_told(tmp_path):
    path = str(tmp_path / "k.db")
    assert run("keys", "list", "--db", path).returncode == 1
    assert run("keys", "revoke", "a", "--db", path).returncode == 1
    assert not os.path.exists(path)
    assert run("keys", "add", "a", "--db", path).returncode == 0
    again = run("keys", "add", "a", "--db", path)
    assert again.returncode == 1 and again.stdout == "" and "twice" in again.stderr
    for verb in ("revoke", "thaw"):
        done = run("keys", verb, "b", "--db", path)
        assert done.returncode == 1 and "no key" in done.stderr
    assert run("keys", "revoke", "a", "--db", path).returncode == 0
    assert run("keys", "revoke", "a", "--db", path).returncode == 0
    assert run("keys", "add", "a", "--db", path).returncode == 1
    assert [r["state"] for r in json.loads(run("keys", "list", "--json", "--db", path).stdout)] == ["revoked"]


def test_set_changes_what_is_named_and_leaves_the_rest(tmp_path):
    path = str(tmp_path / "k.db")

    def of_key():
        [row] = json.loads(run("keys", "list", "--json", "--db", path).stdout)
        return row
    assert run("keys", "add", "a", "--db", path, "--daily-usd", "2", "--weekly-usd", "5", "--project", "shop",
               "--concurrent", "3", "--expires", "30d").returncode == 0
    before = of_key()
    done = run("keys", "set", "a", "--db", path, "--daily-usd", "4")
    assert done.returncode == 0 and done.stdout == "" and "a is changed" in done.stderr
    assert of_key() == {**before, "daily_usd": 4}
    assert run("keys", "set", "a", "--db", path, "--daily-usd", "off", "--project", "none", "--concurrent", "default",
               "--expires", "never", "--request-usd", "0.05").returncode == 0
    assert of_key() == {**before, "daily_usd": None, "project": None, "concurrent": None, "expires": None, "request_usd": 0.05}
    now = of_key()
    for args, word in ((["a", "--daily-usd", "much"], "daily_usd"), (["a", "--weekly-usd", "9", "--expires", "0"], "expires"),
                       (["b", "--daily-usd", "1"], "no key"), (["a", "--project", "a b"], "project")):
        done = run("keys", "set", *args, "--db", path)
        assert done.returncode == 1 and word in done.stderr and len(done.stderr.splitlines()) == 1
    config = tmp_path / "farthing.yaml"
    config.write_text(f"database: {path}\n")
    done = run("keys", "set", "a", "-c", str(config), "--models", "no-such-model")
    assert done.returncode == 1 and "models" in done.stderr
    assert of_key() == now
    assert run("keys", "set", "a", "-c", str(config), "--models", f"{MINI},auto").returncode == 0
    assert of_key()["models"] == [MINI, "auto"]
    assert run("keys", "set", "a", "-c", str(config), "--models", "all").returncode == 0 and of_key() == now
    assert run("keys", "revoke", "a", "--db", path).returncode == 0
    done = run("keys", "set", "a", "--db", path, "--daily-usd", "1")
    assert done.returncode == 1 and "revoked" in done.stderr


def test_a_file_that_is_no_ledger_is_left_alone(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a database" * 100)
    assert run("keys", "add", "a", "--db", str(path)).returncode == 1
    assert path.read_text() == "not a database" * 100
    other = str(tmp_path / "other.db")
    db = sqlite3.connect(other)
    db.execute("CREATE TABLE t(x)")
    db.commit()
    db.close()
    done = run("keys", "add", "a", "--db", other)
    assert done.returncode == 1 and "not a farthing ledger" in done.stderr


def test_a_secret_that_cannot_be_written_is_told(tmp_path):
    path = str(tmp_path / "k.db")
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([program("farthing"), "keys", "add", "a", "--db", path], stdout=full, stderr=subprocess.PIPE,
                              text=True, env=clean_environment(), check=False)
    assert done.returncode == 1 and "revoke" in done.stderr


def test_many_keys_made_at_once_are_all_there(tmp_path):
    path = str(tmp_path / "k.db")
    started = [subprocess.Popen([program("farthing"), "keys", "add", f"k{i}", "--db", path], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, env=clean_environment()) for i in range(8)]
    done = [(p.communicate(timeout=LONG), p.returncode) for p in started]
    # Who comes while another one makes the file may be told that it is in use, and made nothing.
    made = {f"k{i}" for i, (_, code) in enumerate(done) if code == 0}
    assert made
    assert {r["name"] for r in json.loads(run("keys", "list", "--json", "--db", path).stdout)} == made
    secrets = [out for (out, _), code in done if code == 0]
    assert len(set(secrets)) == len(secrets)
    assert all("in use" in err for (_, err), code in done if code != 0)


# At the door.

def test_without_keys_anybody_is_served_and_with_the_first_one_nobody_else(gateway, answering):
    g = gateway()
    assert status_of(g) == 200 and status_of(g, "sk-anything") == 200
    secret = add(g, "first")
    wait_in_force(g, 0)
    assert status_of(g) == 401 and status_of(g, "sk-anything") == 401 and status_of(g, secret) == 200
    before = changes(g)
    assert keys(g, "revoke", "first").returncode == 0
    wait_in_force(g, before)
    assert status_of(g) == 401 and status_of(g, secret) == 401, "revoking the last key does not open the door"
    assert [r["account"] for r in g.stop().requests()] == ["local", "local", "unknown", "unknown", "first", "unknown", "unknown"]


def test_both_spellings_of_a_credential_open_the_door(keyed):
    g, secret = keyed
    assert g.chat(question(), [("x-api-key", secret)]).status == 200
    assert g.chat(question(), [("Authorization", f"bearer   {secret}  ")]).status == 200
    assert g.chat(question(), [("x-api-key", "")]).status == 401
    two = g.chat(question(), bearer(secret) + [("x-api-key", secret)])
    assert two.status == 400 and two.error["code"] == "ambiguous_credentials"


def test_a_stranger_who_tries_keys_fills_no_ledger(keyed):
    g, secret = keyed
    began = time.monotonic()
    for i in range(400):
        headers = bearer(f"sk-guess-{i}") + ([("x-api-key", "two")] if i % 2 else [])
        assert g.chat(question(), headers).status == (400 if i % 2 else 401)
    assert status_of(g, secret) == 200
    most = 100 + 10 * (time.monotonic() - began) + 1
    left_out = int(re.search(r"^farthing_requests_left_out_total (\d+)$", g.ask("GET", "/metrics").body.decode(), re.M)[1])
    accounts = [r["account"] for r in g.stop().requests()]
    assert accounts.count("first") == 1 and accounts.count("local") == 0
    assert 100 <= accounts.count("unknown") <= most and accounts.count("unknown") + left_out == 400
    assert len([e for e in g.entries("closed") if e["account"] == "unknown"]) == accounts.count("unknown")
    assert [int(e["left_out"]) for e in g.entries("strangers")] == ([left_out] if left_out else [])


def test_wrong_revoked_and_expired_keys_are_not_told_apart(keyed, answering):
    """C41"""
    g, secret = keyed
    before = changes(g)
    gone, old = add(g, "gone"), add(g, "old", "--expires", "1h")
    assert keys(g, "revoke", "gone").returncode == 0
    db = sqlite3.connect(g.database)
    with db:
        db.execute("UPDATE keys SET expires_us = 1 WHERE name = 'old'")
        db.execute("UPDATE meta SET value = value + 1 WHERE key = 'keys_version'")
    db.close()
    wait_in_force(g, before, 2)
    eventually(lambda: status_of(g, old) == 401, "the key's expiry")
    eventually(lambda: status_of(g, gone) == 401, "the key's revocation")
    calls = len(answering.calls)
    replies = [g.chat(question(), bearer(s)) for s in (gone, old, secret[:-1], secret + "x", "sk-farthing-" + "0" * 43, "x")]
    assert len({json.dumps(r.error, sort_keys=True) for r in replies}) == 1
    assert replies[0].status == 401 and replies[0].error["code"] == "invalid_api_key"
    assert replies[0].error["type"] == "authentication_error"
    assert len(answering.calls) == calls
    assert [r["state"] for r in json.loads(keys(g, "list", "--json").stdout)] == ["active", "revoked", "expired"]


def test_a_revoked_key_stops_within_a_second(keyed):
    """C41"""
    g, secret = keyed
    assert status_of(g, secret) == 200
    assert keys(g, "revoke", "first").returncode == 0
    began = time.monotonic()
    eventually(lambda: status_of(g, secret) == 401, "the end of the key", timeout=1.0 + LONG / 10)
    assert time.monotonic() - began < 1.0 + LONG / 15


def test_what_waits_for_money_when_its_key_is_revoked_is_not_sent(gateway, upstream):
    """C41"""
    g = gateway({"budget": {"daily_usd": "0.001", "min_output_tokens": 500, "wait": "30s"}}, start=False)
    g.write_config()
    app = add(g, "app")
    g.start()
    first, second = g.connect(), g.connect()
    first.chat(question(max_tokens=1500), bearer(app))
    call = upstream.next_call()
    second.chat(question("And a penny?", max_tokens=1500), bearer(app))
    eventually(lambda: "farthing_budget_waiting 1" in g.ask("GET", "/metrics").body.decode(), "the one that waits")
    assert keys(g, "revoke", "app").returncode == 0
    g.wait_line(lambda e: e["verb"] == "key_revoked", "the revocation")
    call.reply(200, completion())
    assert first.reply().status == 200
    late = second.reply()
    assert (late.status, late.error["code"]) == (401, "invalid_api_key")
    assert len(upstream.calls) == 1
    assert [a["basis"] for a in g.stop().attempts()] == ["exact"]


def test_a_raised_limit_serves_within_a_second_and_a_lowered_one_refuses(keyed, answering):
    g, secret = keyed
    assert keys(g, "set", "first", "--daily-usd", "0").returncode == 0
    g.wait_line(lambda e: e["verb"] == "key_changed" and e["key"] == "first", "the limit")
    refused = g.chat(question(), bearer(secret))
    assert refused.status == 429 and refused.error["code"] == "insufficient_quota"
    assert "farthing keys set first --daily-usd" in refused.error["message"]
    assert keys(g, "set", "first", "--daily-usd", "1").returncode == 0
    began = time.monotonic()
    eventually(lambda: status_of(g, secret) == 200, "the new limit", timeout=1.0 + LONG / 10)
    assert time.monotonic() - began < 1.0 + LONG / 15
    before = len(g.entries("key_changed"))
    assert keys(g, "set", "first", "--models", "gpt-4o", "--daily-usd", "off").returncode == 0
    eventually(lambda: len(g.entries("key_changed")) > before, "the models")
    assert status_of(g, secret) == 403 and status_of(g, secret, model="gpt-4o") == 200


def test_a_key_sees_and_asks_for_its_own_models(gateway, answering):
    """C41"""
    g = gateway(start=False)
    g.write_config()
    mini, auto = add(g, "mini", "--models", MINI), add(g, "auto", "--models", "auto,gpt-4o")
    everything = add(g, "all")
    g.start()
    calls = len(answering.calls)
    for secret, model, wanted in ((mini, MINI, 200), (mini, "gpt-4o", 403), (mini, "auto", 403), (auto, "auto", 200),
                                  (auto, "gpt-4o", 200), (auto, MINI, 403), (everything, MINI, 200)):
        reply = g.chat(question(f"{secret} {model}", model=model), bearer(secret))
        assert reply.status == wanted, (model, reply.body)
        if wanted == 403:
            assert reply.error["code"] == "model_not_allowed" and reply.error["param"] == "model"
            assert reply.error["type"] == "permission_error" and model not in reply.error["message"]
    assert len(answering.calls) == calls + 4

    def listed(secret):
        return [m["id"] for m in g.ask("GET", "/v1/models", None, bearer(secret)).json()["data"]]
    assert listed(mini) == [MINI] and listed(auto) == ["auto", "gpt-4o"]
    assert {"auto", MINI, "gpt-4o"} <= set(listed(everything))
    assert g.ask("GET", f"/v1/models/{MINI}", None, bearer(mini)).status == 200
    assert g.ask("GET", "/v1/models/gpt-4o", None, bearer(mini)).status == 403
    assert g.ask("GET", "/v1/models").status == 401
    assert g.ask("POST", "/v1/fine_tuning/jobs", {"model": "gpt-4o"}, bearer(mini)).status == 403
    assert g.ask("POST", "/v1/batches", {"input_file_id": "f"}, bearer(mini)).status == 403
    for open_page in ("/healthz", "/readyz", "/metrics", "/"):
        assert g.ask("GET", open_page).status == 200, open_page


def test_a_key_is_stopped_at_its_own_number_in_flight(gateway, upstream):
    """C40: one key floods, another one is served."""
    g = gateway({"limits": {"per_key": 3}}, start=False)
    g.write_config()
    narrow, plain = add(g, "narrow", "--concurrent", "1"), add(g, "plain")
    g.start()
    held = []

    def hold(secret, text):
        c = g.connect()
        c.chat(question(text), bearer(secret))
        held.append((c, upstream.next_call()))
    hold(narrow, "n1")
    for i in range(3):
        hold(plain, f"p{i}")
    for secret in (narrow, plain):
        reply = g.chat(question("one too many"), bearer(secret))
        assert reply.status == 429 and reply.error["code"] == "rate_limit_exceeded"
        assert 1 <= int(reply.header("retry-after")) <= 2
    upstream.assert_no_call()
    for c, call in held:
        call.reply(200, completion())
        assert c.reply().status == 200
        c.close()
    upstream.answer = lambda call: call.reply(200, completion())
    assert status_of(g, narrow, "again") == 200 and status_of(g, plain, "again") == 200


def test_a_key_that_hangs_up_gives_its_place_back(gateway, upstream):
    g = gateway(start=False)
    g.write_config()
    secret = add(g, "one", "--concurrent", "1")
    g.start()
    for i in range(3):
        c = g.connect()
        c.chat(question(f"{i}"), bearer(secret))
        call = upstream.next_call()
        c.close()
        call.wait_hang_up()
        g.wait_ends(i + 1)
    upstream.answer = lambda call: call.reply(200, completion())
    assert status_of(g, secret) == 200


def test_a_key_revoked_in_mid_stream_finishes_and_settles(keyed, upstream):
    """P20"""
    g, secret = keyed
    upstream.answer = None
    c = g.connect()
    c.chat(question(stream=True), bearer(secret))
    call = upstream.next_call()
    events = plain_stream()
    call.stream_head()
    call.chunk(events[0])
    reply = c.head()
    before = changes(g)
    assert keys(g, "revoke", "first").returncode == 0
    wait_in_force(g, before)
    assert status_of(g, secret, "another") == 401
    for e in events[1:]:
        call.chunk(e)
    call.end()
    assert b"[DONE]" in reply.body
    row = g.row(reply.request_id)
    assert (row["account"], row["status"], row["basis"]) == ("first", 200, "exact") and row["cost_pico"] > 0
    c.close()


def test_keys_share_no_answers(gateway, upstream):
    """C46"""
    g = gateway(start=False)
    g.write_config()
    a, b = add(g, "a"), add(g, "b")
    g.start()
    first, second = g.connect(), g.connect()
    first.chat(question(), bearer(a))
    one = upstream.next_call()
    second.chat(question(), bearer(b))
    two = upstream.next_call()
    one.reply(200, completion("for a"))
    two.reply(200, completion("for b"))
    assert b"for a" in first.reply().body and b"for b" in second.reply().body
    first.close()
    second.close()


def test_the_row_names_key_project_task_and_run(gateway, answering):
    g = gateway(start=False)
    g.write_config()
    secret = add(g, "a", "--project", "shop")
    g.start()
    reply = g.chat(question(), bearer(secret) + [("x-farthing-run", "nightly.7"), ("x-farthing-run-budget-usd", "0.25"),
                                                ("x-farthing-task", "titles")])
    assert reply.status == 200
    row = g.row(reply.request_id)
    assert (row["account"], row["task"]) == ("a", "titles")
    if "project" in row:
        assert (row["project"], row["run"]) == ("shop", "nightly.7")
    assert "x-farthing-run" not in answering.calls[-1].head_in.names()


@pytest.mark.parametrize("headers, param", [
    ([("x-farthing-run", "a b")], "x-farthing-run"), ([("x-farthing-run", "")], "x-farthing-run"),
    ([("x-farthing-run", "x" * 64)], "x-farthing-run"), ([("x-farthing-run-budget-usd", "1")], "x-farthing-run-budget-usd"),
    ([("x-farthing-run", "r"), ("x-farthing-run-budget-usd", "-1")], "x-farthing-run-budget-usd"),
    ([("x-farthing-run", "r"), ("x-farthing-run-budget-usd", "lots")], "x-farthing-run-budget-usd")])
def test_a_bad_run_is_refused(standing, headers, param):
    g, _ = standing
    reply = g.chat(question(), headers)
    assert reply.status == 400 and reply.error["code"] == "invalid_value" and reply.error["param"] == param


def test_secrets_reach_neither_log_nor_provider_nor_file(keyed, answering):
    g, secret = keyed
    assert status_of(g, secret) == 200
    assert status_of(g, "sk-farthing-wrong-and-secret") == 401
    call = answering.calls[-1]
    assert call.header("authorization") == "Bearer sk-upstream-secret" and secret.encode() not in call.body
    g.stop()
    assert secret not in g.log and "wrong-and-secret" not in g.log
    for name in os.listdir(g.directory):
        with open(os.path.join(g.directory, name), "rb") as f:
            assert secret.encode() not in f.read(), name


def test_a_thawed_key_is_told_to_the_running_gateway(keyed):
    g, _ = keyed
    now = int(time.time() * 1e6)
    db = sqlite3.connect(g.database, timeout=LONG)
    with db:
        db.execute("INSERT INTO windows(kind, account, window, start_us, end_us, settled_pico, pruned_pico, frozen)"
                   " VALUES(2, 'first', 0, ?, ?, 0, 0, 1)", (now - 10**6, now + 10**9))
    db.close()
    assert [r["state"] for r in json.loads(keys(g, "list", "--json").stdout)] == ["frozen"]
    assert keys(g, "thaw", "first").returncode == 0
    g.wait_line(lambda e: e["verb"] == "key_thawed" and e["key"] == "first", "the thaw")
    assert [r["state"] for r in json.loads(keys(g, "list", "--json").stdout)] == ["active"]


def test_keys_are_changed_while_requests_are_written(keyed):
    g, secret = keyed
    for i in range(10):
        add(g, f"k{i}")
        assert status_of(g, secret, f"{i}") == 200
    assert not g.entries("stalled")
    assert len(json.loads(keys(g, "list", "--json").stdout)) == 11


def test_the_python_sdk_with_a_virtual_key(keyed):
    openai = pytest.importorskip("openai", reason="the openai package is not installed: pip install -r requirements.txt")
    g, secret = keyed

    def sdk(key):
        return openai.OpenAI(api_key=key, base_url=f"http://127.0.0.1:{g.port}/v1", timeout=LONG)
    assert sdk(secret).chat.completions.create(**question()).choices[0].message.content
    assert MINI in [m.id for m in sdk(secret).models.list()]
    with pytest.raises(openai.AuthenticationError) as refused:
        sdk("sk-wrong").chat.completions.create(**question())
    assert refused.value.code == "invalid_api_key"
    add(g, "narrow", "--models", "gpt-4o")
    narrow = keys(g, "add", "narrower", "--models", "gpt-4o").stdout.strip()
    eventually(lambda: g.chat(question(model="gpt-4o"), bearer(narrow)).status == 200, "the new key")
    with pytest.raises(openai.PermissionDeniedError) as refused:
        sdk(narrow).chat.completions.create(**question())
    assert refused.value.code == "model_not_allowed"


# Beyond loopback. The address is of a network for documentation, which no machine has: that listening on it fails for
# this reason shows that it was allowed, and nothing is ever exposed.

@pytest.mark.parametrize("with_key, insisting, words", [
    (False, True, "virtual keys"), (True, True, "192.0.2.1"), (False, False, "virtual keys")])
def test_beyond_loopback_only_with_a_key(gateway, with_key, insisting, words):
    g = gateway({"listen": "192.0.2.1:0", "listen_with_old_libmicrohttpd": insisting}, start=False)
    g.write_config()
    if with_key:
        add(g, "a")
    g.launch()
    assert g.wait_exit() != 0
    why = g.entries("start_failed")[0]["why"]
    assert words in why and ("virtual keys" in why) == (not with_key), why
    g.ended_well = True


def test_beyond_loopback_an_old_library_needs_the_operators_word(gateway):
    version = json.loads(run("version", "--json").stdout)["libmicrohttpd"]
    if tuple(int(n) for n in re.findall(r"\d+", version)[:3]) >= (1, 0, 5):
        pytest.skip(f"libmicrohttpd {version} is new enough")
    g = gateway({"listen": "192.0.2.1:0"}, start=False)
    g.write_config()
    add(g, "a")
    g.launch()
    assert g.wait_exit() != 0 and "listen_with_old_libmicrohttpd" in g.entries("start_failed")[0]["why"]
    g.ended_well = True


# The admin API.

@pytest.fixture
def administered(gateway, answering):
    return gateway({"admin": {"key": ADMIN}})


def admin(g, method, target, body=None, headers=(), key=ADMIN):
    return g.ask(method, target, body, (bearer(key) if key else []) + list(headers))


def test_a_key_lives_its_life_over_http(administered):
    g = administered
    made = admin(g, "POST", API, {"name": "a", "daily_usd": 2.5, "request_usd": "0.05", "models": [MINI, "auto"],
                                  "project": "shop", "concurrent": 4, "expires": "30d", "weekly_usd": None})
    assert made.status == 201 and made.header("cache-control") == "no-store"
    found = made.json()
    secret = found.pop("key")
    assert SECRET.fullmatch(secret + "\n")
    assert (found["name"], found["daily_usd"], found["request_usd"], found["models"]) == ("a", 2.5, 0.05, [MINI, "auto"])
    assert (found["project"], found["concurrent"], found["weekly_usd"]) == ("shop", 4, None)
    assert status_of(g, secret) == 200, "in force at once"
    listed = admin(g, "GET", API)
    [shown] = listed.json()["data"]
    shown["spent_today_usd"] = found["spent_today_usd"]  # the request above may be booked already, or not yet
    assert listed.status == 200 and listed.json()["object"] == "list" and shown == found
    assert secret.encode() not in listed.body
    twice = admin(g, "POST", API, {"name": "a"})
    assert twice.status == 409 and twice.error["code"] == "key_exists"
    assert admin(g, "POST", f"{API}/a/thaw", {}).json()["state"] == "active"
    gone = admin(g, "DELETE", f"{API}/a")
    assert gone.status == 200 and gone.json()["state"] == "revoked"
    assert status_of(g, secret) == 401, "in force at once"
    assert admin(g, "POST", f"{API}/a/revoke", b"").status == 200
    for method, target in (("DELETE", f"{API}/b"), ("POST", f"{API}/b/revoke"), ("POST", f"{API}/b/thaw")):
        missing = admin(g, method, target, {} if method == "POST" else None)
        assert missing.status == 404 and missing.error["code"] == "key_not_found"
    wanted = [("add", "a"), ("thaw", "a"), ("revoke", "a"), ("revoke", "a")]
    eventually(lambda: [(e["action"], e["key"]) for e in g.entries("administered")] == wanted, "the audit in the log")
    assert secret not in g.log and ADMIN not in g.log


def test_a_key_is_changed_over_http(administered):
    g = administered
    made = admin(g, "POST", API, {"name": "a", "daily_usd": 0, "models": [MINI], "project": "shop", "concurrent": 4}).json()
    secret = made.pop("key")
    assert status_of(g, secret) == 429
    changed = admin(g, "POST", f"{API}/a", {"daily_usd": "2.5", "weekly_usd": 7})
    assert changed.status == 200 and changed.json() == {**made, "daily_usd": 2.5, "weekly_usd": 7}
    assert status_of(g, secret) == 200, "in force at once"
    lifted = admin(g, "POST", f"{API}/a", {"daily_usd": None, "models": None, "project": None, "concurrent": None,
                                          "expires": None, "request_usd": None})
    assert lifted.json() == {**made, "weekly_usd": 7, "daily_usd": None, "models": None, "project": None, "concurrent": None,
                             "spent_today_usd": lifted.json()["spent_today_usd"]}
    for body, code, param in (({"name": "b"}, "invalid_value", "name"), ({}, "invalid_value", None),
                              ({"daily_usd": -1}, "invalid_value", "daily_usd"), ({"models": "auto"}, "invalid_type", "models"),
                              ({"colour": 1}, "invalid_value", None), ([], "invalid_json", None),
                              ({"weekly_usd": 1, "expires": "0"}, "invalid_value", "expires")):
        bad = admin(g, "POST", f"{API}/a", body)
        assert (bad.status, bad.error["code"], bad.error["param"]) == (400, code, param), body
    assert admin(g, "GET", API).json()["data"][0]["weekly_usd"] == 7
    missing = admin(g, "POST", f"{API}/b", {"daily_usd": 1})
    assert missing.status == 404 and missing.error["code"] == "key_not_found"
    assert admin(g, "POST", f"{API}/a", {"daily_usd": 1}, key=secret).status == 403
    assert admin(g, "DELETE", f"{API}/a").status == 200
    late = admin(g, "POST", f"{API}/a", {"daily_usd": 1})
    assert late.status == 409 and late.error["code"] == "key_revoked"
    assert [e["action"] for e in g.entries("administered")] == ["add", "set", "set", "revoke"]


@pytest.mark.parametrize("body, code, param", [
    (b"{", "invalid_json", None), (b"[]", "invalid_json", None), (b"", "invalid_json", None),
    (b'{"name":"a","name":"b"}', "duplicate_key", None), ({}, "invalid_value", "name"), ({"name": 5}, "invalid_type", "name"),
    ({"name": "a b"}, "invalid_value", "name"), ({"name": "local"}, "invalid_value", "name"),
    ({"name": "a", "daily_usd": -1}, "invalid_value", "daily_usd"), (b'{"name":"a","daily_usd":1e3}', "invalid_value", "daily_usd"),
    ({"name": "a", "daily_usd": "lots"}, "invalid_value", "daily_usd"), ({"name": "a", "daily_usd": True}, "invalid_type", "daily_usd"),
    ({"name": "a", "models": "gpt-4o"}, "invalid_type", "models"), ({"name": "a", "models": []}, "invalid_value", "models"),
    ({"name": "a", "models": [5]}, "invalid_type", "models"), ({"name": "a", "models": ["nope"]}, "invalid_value", "models"),
    ({"name": "a", "concurrent": 0}, "invalid_value", "concurrent"), ({"name": "a", "concurrent": "4"}, "invalid_type", "concurrent"),
    ({"name": "a", "expires": "0"}, "invalid_value", "expires"), ({"name": "a", "expires": 30}, "invalid_type", "expires"),
    ({"name": "a", "colour": "red"}, "invalid_value", None)])
def test_a_bad_wish_over_http_is_refused(stand_admin, body, code, param):
    g, _ = stand_admin
    reply = admin(g, "POST", API, body)
    assert reply.status == 400 and (reply.error["code"], reply.error["param"]) == (code, param), reply.body
    assert admin(g, "GET", API).json()["data"] == []
    assert b"red" not in reply.body and b"nope" not in reply.body


@pytest.fixture(scope="module")
def stand_admin(stand):
    return stand("administered", {"admin": {"key": ADMIN}})


def test_a_body_beyond_any_key_is_refused(stand_admin):
    g, _ = stand_admin
    reply = admin(g, "POST", API, {"name": "a", "project": "x" * 70_000})
    assert reply.status == 413
    assert admin(g, "GET", API).status == 200


def test_who_may_administer(administered):
    """C49"""
    g = administered
    client = admin(g, "POST", API, {"name": "client"}).json()["key"]
    wish = {"name": "another"}
    none = admin(g, "POST", API, wish, key=None)
    assert none.status == 401 and none.error["code"] == "invalid_api_key"
    for wrong in (ADMIN + "x", ADMIN[:-1], "sk-wrong"):
        assert admin(g, "GET", API, key=wrong).status == 401
    by_client = admin(g, "POST", API, wish, key=client)
    assert by_client.status == 403 and by_client.error["code"] == "not_admin"
    foreign = admin(g, "POST", API, wish, [("Origin", "https://evil.example")])
    assert foreign.status == 403 and foreign.error["code"] == "forbidden_origin"
    form = admin(g, "POST", API, b"name=another", [("Content-Type", "application/x-www-form-urlencoded")])
    assert form.status == 415
    assert admin(g, "POST", f"{API}/client/revoke", b"", [("Content-Type", "text/plain")]).status == 415
    assert admin(g, "DELETE", f"{API}/client", b"{}").status == 400
    own = admin(g, "GET", API, None, [("Origin", f"http://127.0.0.1:{g.port}")])
    assert own.status == 200 and [k["name"] for k in own.json()["data"]] == ["client"]
    assert status_of(g, ADMIN) == 401, "the admin key asks no model"
    refusals = g.entries("refused")
    assert {"invalid_api_key", "not_admin", "forbidden_origin"} <= {e["error"] for e in refusals}


def test_without_an_admin_key_programs_of_this_machine_may(gateway, answering):
    g = gateway()
    made = admin(g, "POST", API, {"name": "a"}, key=None)
    assert made.status == 201
    assert admin(g, "GET", API, key="sk-anything").status == 200
    assert admin(g, "GET", API, key=made.json()["key"]).status == 403
    foreign = admin(g, "POST", API, {"name": "b"}, [("Origin", "null")], key=None)
    assert foreign.status == 403
    rebound = admin(g, "GET", API, None, [("Host", "evil.example")], key=None)
    assert rebound.status == 421


def test_administration_holds_up_nobody(administered, answering):
    """Another program holds the file's write lock: the change waits, the requests of others do not."""
    g = administered
    db = sqlite3.connect(g.database, timeout=LONG, isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    c = g.connect()
    c.ask("POST", API, {"name": "late"}, bearer(ADMIN))
    g.settle()
    assert g.ask("GET", "/healthz").status == 200
    db.execute("ROLLBACK")
    db.close()
    assert c.reply().status == 201
    c.close()


def test_a_client_that_leaves_while_it_administers_harms_nothing(administered):
    g = administered
    db = sqlite3.connect(g.database, timeout=LONG, isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    c = g.connect()
    c.ask("POST", API, {"name": "left"}, bearer(ADMIN))
    g.settle()
    c.reset()
    db.execute("ROLLBACK")
    db.close()
    eventually(lambda: [k["name"] for k in admin(g, "GET", API).json()["data"]] == ["left"], "the key that was asked for")
    g.stop()


def test_another_loopback_address_is_loopback_too(gateway, answering):
    g = gateway({"listen": "127.0.0.2:0"})
    c = Client(g.port, host="127.0.0.2")
    assert c.ask("GET", API).reply().status == 200
    assert c.chat(question()).reply().status == 200
    c.close()
