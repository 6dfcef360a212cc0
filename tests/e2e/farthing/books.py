"""The ledger as a test sees it: rows as dicts, the stored numbers by their names.

SPDX-License-Identifier: Apache-2.0
"""
import os
import sqlite3
import urllib.parse

from .patience import eventually

CACHE = ["miss", "exact", "similar", "coalesced", "bypass"]
BASIS = ["none", "exact", "estimated", "held", "unpriced"]
OUTCOME = ["ok", "refused", "unreached", "broken", "cancelled", "lost"]
KINDS = ["gateway", "project", "key", "task", "run"]
WINDOWS = ["day", "week", "month", "run"]


def named(row):
    found = dict(row)
    for key, names in (("cache", CACHE), ("basis", BASIS), ("outcome", OUTCOME)):
        if isinstance(found.get(key), int):
            found[key] = names[found[key]]
    return found


class Books:
    def __init__(self, path):
        self.path = path

    def query(self, sql, *values):
        if not os.path.exists(self.path):
            return []
        db = sqlite3.connect(f"file:{urllib.parse.quote(self.path)}?mode=ro", uri=True, timeout=5)
        try:
            db.row_factory = sqlite3.Row
            return [named(r) for r in db.execute(sql, values)]
        finally:
            db.close()

    def requests(self):
        return self.query("SELECT * FROM requests ORDER BY seq")

    def attempts(self, request_id=None):
        if request_id is None:
            return self.query("SELECT * FROM attempts ORDER BY at_us, request_id, number")
        return self.query("SELECT * FROM attempts WHERE request_id = ? ORDER BY number", request_id)

    def request(self, request_id):
        rows = self.query("SELECT * FROM requests WHERE id = ?", request_id)
        assert len(rows) <= 1, f"{len(rows)} rows for one request"
        return rows[0] if rows else None

    def wait_request(self, request_id):
        return eventually(lambda: self.request(request_id), f"a ledger row for {request_id}")

    def windows(self):
        """What was settled: {(kind, account, window): [pico, ...]}, the oldest first."""
        found = {}
        for r in self.query("SELECT * FROM windows ORDER BY start_us"):
            name = (KINDS[r["kind"]], r["account"], WINDOWS[r["window"]])
            found.setdefault(name, []).append(r["settled_pico"])
        return found

    def spent(self, kind="gateway", account="", window="day"):
        """Of all such windows together."""
        return sum(self.windows().get((kind, account, window), []))

    def only(self):
        rows = self.requests()
        assert len(rows) == 1, f"{len(rows)} rows: {rows}"
        return rows[0]
