"""Answers that outlive the process: a restart is warm, a bad file or a full disk harms nobody, and what is to be forgotten is
forgotten, in memory and in the file. And what the ledger says of an answer that came out of the cache.

SPDX-License-Identifier: Apache-2.0
"""
import glob
import json
import os
import sqlite3
import stat
import subprocess

import pytest

from farthing.gateway import merge, run
from farthing.patience import eventually
from farthing.wording import completion, question

KEEPING = {"cache": {"exact": True}}


@pytest.fixture
def kept(gateway, upstream):
    """A gateway that keeps answers, before a provider whose every answer is another one."""
    told = iter(range(1, 10000))
    upstream.answer = lambda call: call.reply(200, completion(f"answer {next(told)}"))

    def begin(config=None, **more):
        return gateway(merge(KEEPING, config or {}), **more)
    return begin


def shelf(g):
    return g.database + ".cache"


def found_by(reply):
    assert reply.status == 200, reply.body
    return reply.header("x-farthing-cache")


def other(n):
    return question(messages=[{"role": "user", "content": f"Question {n}"}])


def look(g):
    reply = g.ask("GET", "/farthing/api/cache")
    assert reply.status == 200, reply.body
    return reply.json()


def on_shelf(g, count):
    eventually(lambda: look(g)["shelf"]["entries"] == count, "so many answers on the shelf")


# ---- a restart

def test_a_restart_is_warm(kept, upstream):
    g = kept()
    first = g.chat(question())
    assert found_by(first) == "miss"
    g.stop()
    assert stat.S_IMODE(os.stat(shelf(g)).st_mode) == 0o600
    g.start()
    second = g.chat(question())
    assert found_by(second) == "exact" and second.json() == first.json() and len(upstream.calls) == 1
    row = g.row(second.request_id)
    assert row["answer_id"] == first.request_id and row["cost_pico"] == 0 and row["saved_pico"] > 0


def test_killed_it_comes_back_warm(kept, upstream):
    g = kept()
    g.chat(question())
    on_shelf(g, 1)
    g.kill()
    g.start()
    assert found_by(g.chat(question())) == "exact" and len(upstream.calls) == 1


def test_the_shelf_can_be_switched_off(kept, upstream):
    g = kept({"cache": {"persistent": False}})
    g.chat(question())
    assert found_by(g.chat(question())) == "exact" and look(g)["shelf"] is None
    g.stop()
    assert not os.path.exists(shelf(g))
    g.start()
    assert found_by(g.chat(question())) == "miss"


def test_one_task_may_keep_its_answers_out_of_the_file(kept, upstream):
    g = kept({"tasks": {"secret": {"cache": {"persistent": False}}}})
    secret = {"x-farthing-task": "secret", "idempotency-key": "k"}
    g.chat(other(1)), g.chat(other(2), secret)
    assert found_by(g.chat(other(2), {"x-farthing-task": "secret"})) == "exact"
    g.stop()
    with sqlite3.connect(shelf(g)) as db:
        assert [task for (task,) in db.execute("SELECT task FROM items")] == ["default"]
    g.start()
    assert found_by(g.chat(other(1))) == "exact" and found_by(g.chat(other(2), secret)) == "miss"


def test_an_answer_kept_out_of_the_file_takes_the_older_one_off_it(kept, upstream):
    g = kept({"tasks": {"secret": {"cache": {"persistent": False}}}})
    g.chat(other(1))
    on_shelf(g, 1)
    g.chat(other(1), {"x-farthing-task": "secret", "cache-control": "no-cache"})
    on_shelf(g, 0)


def test_one_task_alone_may_keep_its_answers(kept, upstream):
    g = kept({"cache": {"persistent": False}, "tasks": {"long": {"cache": {"persistent": True}}}})
    g.chat(other(1)), g.chat(other(2), {"x-farthing-task": "long"})
    g.stop()
    g.start()
    assert [found_by(g.chat(other(n))) for n in (1, 2)] == ["miss", "exact"]


def test_a_damaged_file_is_set_aside_with_one_line(kept, upstream):
    g = kept()
    g.chat(question())
    g.stop()
    with open(shelf(g), "r+b") as f:
        f.write(b"no database at all" * 10)
    g.start()
    assert len(g.entries("set_aside")) == 1
    assert open(shelf(g) + ".damaged-1", "rb").read(10) == b"no databas"
    assert found_by(g.chat(question())) == "miss"
    on_shelf(g, 1)


def test_an_answer_with_a_turned_bit_is_not_served(kept, upstream):
    g = kept()
    g.chat(question())
    g.stop()
    with sqlite3.connect(shelf(g)) as db:
        record = bytearray(db.execute("SELECT record FROM items").fetchone()[0])
        record[record.index(b"answer 1")] ^= 1
        db.execute("UPDATE items SET record = ?", (bytes(record),))
    g.start()
    assert len(g.entries("damaged_answers")) == 1 and found_by(g.chat(question())) == "miss"


def test_a_full_disk_stops_keeping_and_nothing_else(kept, upstream, tmp_path):
    """Less is free on this disk than is left to the books, so the shelf does not begin to write."""
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", small], check=False,
                      capture_output=True).returncode != 0:
        pytest.skip("no tmpfs can be mounted here")
    try:
        g = kept({"database": str(small / "farthing.db")})
        assert found_by(g.chat(question())) == "miss" and found_by(g.chat(question())) == "exact"
        eventually(lambda: look(g)["shelf"]["state"] == "failing", "the shelf to notice")
        for n in range(5):
            assert g.chat(other(n)).status == 200
        metrics = g.ask("GET", "/metrics").body.decode()
        assert "farthing_shelf_failing 1" in metrics and "farthing_ready 1" in metrics
        assert len(g.entries("shelf_failed")) == 1
        g.stop()
    finally:
        subprocess.run(["umount", small], check=True)


# ---- to forget

def test_the_tool_purges_a_gateway_that_runs(kept, upstream):
    g = kept()
    g.chat(question(), headers=[("x-farthing-task", "titles")])
    g.chat(other(2))
    on_shelf(g, 2)
    assert run("cache", "purge", "--db", g.database).returncode == 2
    done = run("cache", "purge", "--task", "titles", "--db", g.database)
    assert done.returncode == 0 and done.stderr == "1 entry is forgotten.\n", done
    on_shelf(g, 1)
    assert found_by(g.chat(other(2))) == "exact"
    assert found_by(g.chat(question(), headers=[("x-farthing-task", "titles")])) == "miss"
    done = run("cache", "purge", "--all", "--db", g.database)
    assert done.returncode == 0, done
    assert found_by(g.chat(other(2))) == "miss"


def test_the_tool_purges_a_file_that_nobody_uses(kept, upstream):
    g = kept()
    g.chat(question())
    g.chat(other(2))
    g.stop()
    done = run("cache", "stats", "--json", "--db", g.database)
    assert json.loads(done.stdout)["entries"] == 2
    done = run("cache", "purge", "--key", "nobody", "--db", g.database)
    assert done.returncode == 0 and done.stderr == "0 entries are forgotten.\n"
    done = run("cache", "purge", "--older-than", "0s", "--db", g.database)
    assert done.returncode == 0 and done.stderr == "2 entries are forgotten.\n"
    assert b"answer 1" not in open(shelf(g), "rb").read()
    run("cache", "purge", "--all", "--db", g.database)
    assert not glob.glob(shelf(g) + "*")
    assert json.loads(run("cache", "stats", "--json", "--db", g.database).stdout)["entries"] == 0
    g.start()
    assert found_by(g.chat(question())) == "miss"


def test_a_purge_nobody_saw_to_is_done_at_the_next_start(kept, upstream):
    g = kept()
    g.chat(question())
    on_shelf(g, 1)
    g.kill()
    with sqlite3.connect(g.database) as db:
        db.execute("INSERT INTO purges(at_us, entry, account, task, scope, before_us) VALUES(1, '', '', 'default', '', 0)")
    g.start()
    assert found_by(g.chat(question())) == "miss"
    eventually(lambda: g.books().query("SELECT * FROM purges WHERE done_us IS NOT NULL AND entries = 1"), "the wish done")


def test_administrators_purge_over_http(kept, upstream):
    g = kept()
    for n in range(3):
        g.chat(other(n))
    assert look(g)["entries"] == 3 and look(g)["hits"] == {"exact": 0, "similar": 0, "coalesced": 0}
    for query in ("", "?", "?all=false", "?colour=red", "?all=true&task=x", "?older_than=soon", "?entry=abc", "?task="):
        assert g.ask("DELETE", "/farthing/api/cache" + query).status == 400, query
    assert g.ask("POST", "/farthing/api/cache", {}).status == 405
    assert g.ask("DELETE", "/farthing/api/cache?key=nobody").json() == {"purged": 0}
    reply = g.ask("DELETE", "/farthing/api/cache?key=local&task=default&older_than=0s")
    assert reply.status == 200 and reply.json() == {"purged": 3}
    assert look(g)["entries"] == 0 and look(g)["shelf"]["entries"] == 0
    g.chat(other(1))
    assert g.ask("DELETE", "/farthing/api/cache?all=true").json() == {"purged": 1}
    assert found_by(g.chat(other(1))) == "miss"


def test_who_is_no_administrator_purges_nothing(kept):
    g = kept({"admin": {"key": "an-admin-key-of-some-length"}})
    assert g.ask("DELETE", "/farthing/api/cache?all=true").status in (401, 403)
    assert g.ask("GET", "/farthing/api/cache").status in (401, 403)
    assert g.ask("GET", "/farthing/api/cache",
                 headers=[("authorization", "Bearer an-admin-key-of-some-length")]).status == 200


# ---- what the ledger says

def test_explain_tells_a_hit_and_its_source(kept, upstream):
    g = kept()
    first, second = g.chat(question()), g.chat(question())
    g.row(second.request_id)
    story = json.loads(run("explain", "--id", second.request_id, "--json", "--db", g.database).stdout)
    assert story["cache"] == "exact" and story["answer_id"] == first.request_id and story["attempts"] == []
    assert story["cost_picousd"] == 0 and story["saved_picousd"] > 0 and story["status"] == 200
    story = json.loads(run("explain", "--id", first.request_id, "--json", "--db", g.database).stdout)
    assert story["cache"] == "miss" and story["attempts"][0]["outcome"] == "ok"
    assert story["attempts"][0]["cost_picousd"] == story["cost_picousd"] > 0
    table = run("explain", "--id", second.request_id, "--db", g.database)
    assert table.returncode == 0
    assert ["answer", "of", first.request_id] in [line.split() for line in table.stdout.splitlines()]
    done = run("explain", "--id", "req_nobody", "--db", g.database)
    assert done.returncode == 1 and "no request req_nobody" in done.stderr
    assert run("explain", "--id", "", "--db", g.database).returncode == 2


def test_the_report_tells_how_many_similar_hits_were_wrong(kept, upstream):
    g = kept()
    asked = g.chat(question())
    g.row(asked.request_id)
    g.stop()
    with sqlite3.connect(g.database) as db:
        at = db.execute("SELECT at_us FROM requests").fetchone()[0]
        for n in range(8):
            db.execute("INSERT INTO checks(at_us, request_id, answer_id, account, task, probability, served, agreed)"
                       " VALUES(?, ?, 'req_x', 'local', 'titles', 0.9, ?, ?)", (at, f"req_{n}", n < 6, n != 1))
    done = run("report", "--by", "similarity", "--format", "json", "--db", g.database)
    task, = json.loads(done.stdout)["groups"]
    assert (task["name"], task["checked"], task["wrong"]) == ("titles", 6, 1)
    assert (task["misses_compared"], task["misses_agreed"]) == (2, 2)
    assert task["wrong_rate"] == 0.1667 and task["wrong_rate_low_95"] == 0.03 and task["wrong_rate_high_95"] == 0.5636
    done = run("report", "--by", "similarity", "--format", "csv", "--db", g.database)
    assert done.stdout.splitlines()[1] == "titles,0,6,1,0.1667,0.0300,0.5636,2,2"
    table = run("report", "--db", g.database).stdout
    assert "Similarity cache" in table and "16.67 %" in table
    assert json.loads(run("report", "--format", "json", "--db", g.database).stdout)["similarity_cache"][0]["wrong"] == 1
