"""The program's other faces: version, check, ledger check, help.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os

import pytest

from conftest import need
from farthing.gateway import run, sectioned, skeleton, yaml


@pytest.fixture(autouse=True)
def built():
    need("farthing")


def test_version():
    done = run("version")
    assert done.returncode == 0 and "farthing" in done.stdout.lower()
    found = json.loads(run("version", "--json").stdout)
    text = json.dumps(found).lower()
    assert all(library in text for library in ("microhttpd", "curl", "sqlite", "openssl"))


@pytest.mark.parametrize("args", [["--help"], ["serve", "--help"], ["check", "--help"], ["ledger", "--help"], ["report", "--help"],
                                  ["version", "--help"]])
def test_help_goes_to_stdout(args):
    done = run(*args)
    assert done.returncode == 0 and done.stdout and not done.stderr


@pytest.mark.parametrize("args", [[], ["no-such-command"], ["serve", "--no-such-option"], ["ledger"], ["ledger", "burn"],
                                  ["serve", "-c"]])
def test_wrong_usage_is_2(args):
    done = run(*args)
    assert done.returncode == 2 and done.stderr


def test_a_good_configuration_is_good(tmp_path):
    path = tmp_path / "farthing.yaml"
    path.write_text(yaml(sectioned(skeleton(str(tmp_path), "http://127.0.0.1:1/v1"))))
    done = run("check", "-c", str(path))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_tasks_that_are_batched_are_named(tmp_path):
    path = tmp_path / "farthing.yaml"

    def checked(text):
        path.write_text("upstreams: { sim: { base_url: 'http://127.0.0.1:1/v1' } }\n" + text)
        done = run("check", "-c", str(path))
        assert done.returncode == 0, done.stderr
        return [line for line in done.stdout.splitlines() if line.startswith("batched")]
    assert checked("batch: { tasks: [titles] }\ntasks: { labels: { batch: on }, others: {} }\n") == ["batched     titles, labels"]
    assert checked("batch: on\ntasks: { others: { batch: off } }\n") == ["batched     default"]
    assert checked("batch: { tasks: [%s] }\n" % ", ".join(f"t{i}" for i in range(9)))[0].endswith(", t7, ...")
    assert checked("tasks: { others: {} }\n") == []


def test_every_mistake_is_named_with_file_line_and_key(tmp_path):
    path = tmp_path / "farthing.yaml"
    path.write_text("listen: 127.0.0.1:0\nupstreams:\n  sim: { base_url: http://127.0.0.1:1/v1 }\nmodels:\n"
                    "  gpt-4o-mini: { upstream: sim, input_usd: -1 }\nlimits:\n  bdoy: 8MiB\nbudget:\n  daily_usd: much\n")
    done = run("check", "-c", str(path))
    assert done.returncode == 1
    lines = [line for line in (done.stdout + done.stderr).splitlines() if "farthing.yaml:" in line]
    for number, key in ((5, "models.gpt-4o-mini.input_usd"), (7, "limits.bdoy"), (9, "budget.daily_usd")):
        assert any(f"farthing.yaml:{number}:" in line and key in line for line in lines), (number, lines)
    assert any("bdoy" in line and "body" in line for line in lines), "the nearest known name helps"


def test_a_missing_file_is_named(tmp_path):
    done = run("check", "-c", str(tmp_path / "nowhere.yaml"))
    assert done.returncode == 1 and "nowhere.yaml" in done.stdout + done.stderr


def test_tools_need_no_secret_and_the_gateway_does(tmp_path):
    """In a shell beside the service there is no credential: what the tools do is not in need of one."""
    config = tmp_path / "farthing.yaml"
    config.write_text(f"database: {tmp_path}/f.db\nupstreams: {{ a: {{ base_url: 'https://a.example/v1', api_key: 'credential:k' }} }}\n"
                      "admin: { key: '${NO_SUCH_VARIABLE}' }\nalerts: { webhook: 'file:/nowhere/webhook' }\n")
    at = ("-c", str(config))
    for args in (("keys", "add", "a", "--models", "gpt-4o-mini"), ("keys", "set", "a", "--daily-usd", "2"), ("keys", "list"),
                 ("report",), ("ledger", "check"), ("keys", "revoke", "a")):
        done = run(*args, *at)
        assert done.returncode == 0, (args, done.stderr)
    for args in (("check",), ("serve",)):
        done = run(*args, *at)
        assert done.returncode == 1
        for mistake in ("CREDENTIALS_DIRECTORY", "NO_SUCH_VARIABLE", "/nowhere/webhook"):
            assert mistake in done.stderr, (args, done.stderr)
    config.write_text("database: '${NO_SUCH_VARIABLE}'\n")
    for args in (("keys", "list"), ("report",), ("ledger", "check")):
        done = run(*args, *at)
        assert done.returncode == 1 and "NO_SUCH_VARIABLE" in done.stderr


def test_ledger_check_makes_no_database(tmp_path):
    path = str(tmp_path / "none.db")
    done = run("ledger", "check", "--db", path)
    assert done.returncode == 1 and "none.db" in done.stdout + done.stderr
    assert not os.path.exists(path)


def test_ledger_check_finds_a_tampered_row(tmp_path):
    import sqlite3
    from conftest import Gateways
    from farthing.upstream import Upstream
    from farthing.wording import completion, question
    upstream = Upstream()
    upstream.answer = lambda call: call.reply(200, completion())
    g = Gateways(tmp_path, upstream)()
    assert g.chat(question()).status == 200
    g.stop()
    db = sqlite3.connect(g.database)
    db.execute("UPDATE requests SET cost_pico = cost_pico + 1")
    db.commit()
    db.close()
    assert run("ledger", "check", "--db", g.database).returncode == 1
    upstream.close()
