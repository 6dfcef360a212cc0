"""Books that are missing, older or others than their mark says would be a fresh budget: refused unless asked for.

SPDX-License-Identifier: Apache-2.0
"""
import os
import sqlite3

from farthing.wording import completion, question


def good(call):
    call.reply(200, completion())


def refused(g, word):
    """It does not start and says which word would make it."""
    g.launch()
    assert g.wait_exit() == 1
    failed = g.entries("start_failed")
    assert len(failed) == 1 and word in failed[0]["why"], g.log
    g.ended_well = True


def start_with(g, *words):
    g.args = list(words)
    g.start()
    g.args = []


def copy_of(g, path):
    source, target = sqlite3.connect(g.database), sqlite3.connect(path)
    source.backup(target)
    source.close()
    target.close()


def remove_log(g):
    for end in ("-wal", "-shm"):
        if os.path.exists(g.database + end):
            os.unlink(g.database + end)


def test_missing_books_are_not_begun_anew_unless_told(gateway, upstream):                      # S07
    upstream.answer = good
    g = gateway()
    g.row(g.chat(question("first")).request_id)
    g.stop()
    os.unlink(g.database)
    remove_log(g)
    refused(g, "--init")
    assert not os.path.exists(g.database)
    start_with(g, "--init")
    g.row(g.chat(question("second")).request_id)
    g.stop()
    g.start()
    assert g.books().query("SELECT count(*) AS n FROM requests")[0]["n"] == 1
    g.stop()


def test_a_restored_backup_is_accepted_only_when_told(gateway, upstream, tmp_path):            # S11
    upstream.answer = good
    g = gateway()
    g.row(g.chat(question("first")).request_id)
    copy_of(g, tmp_path / "backup.db")
    g.row(g.chat(question("second")).request_id)
    g.stop()
    remove_log(g)
    os.replace(tmp_path / "backup.db", g.database)
    with open(g.database, "rb") as f:
        before = f.read()
    refused(g, "--accept-rollback")
    with open(g.database, "rb") as f:
        assert f.read() == before
    start_with(g, "--accept-rollback")
    g.row(g.chat(question("third")).request_id)
    g.stop()
    g.start()
    assert g.books().query("SELECT count(*) AS n FROM requests")[0]["n"] == 2
    g.stop()


def test_a_damaged_holds_file_is_refused(gateway):
    g = gateway()
    g.stop()
    with open(g.database + ".holds", "r+b") as f:
        f.seek(20)
        f.write(b"x")
    refused(g, "--init")
    start_with(g, "--init")
    g.stop()
