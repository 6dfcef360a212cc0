"""The provider's bill beside the ledger, to the last pico-dollar.

The simulator writes a line for each reply it bills, and says whether the reply stated its usage. Each stated one must be an
attempt whose cost is exact, with the same counts and the same cost, and there is no other exact attempt. What was not stated
is billed all the same, and must be covered by attempts that were estimated or held for.

A gateway that hangs up when its client has (`on_disconnect: abort`) misses what was stated behind its back: with
missing=True such lines must be covered as well, and nothing else is different.

SPDX-License-Identifier: Apache-2.0
"""
import collections
import csv
import json

EXACT, UNSURE = "exact", ("estimated", "held")


class Bill:
    """The simulator's lines."""

    def __init__(self, path):
        self.stated, self.unstated = collections.defaultdict(list), collections.defaultdict(list)
        with open(path, encoding="ascii", newline="") as f:
            for line in csv.DictReader(f):
                what = (line["model"],) + tuple(int(line[k]) for k in ("prompt", "cached", "completion", "reasoning", "picousd"))
                (self.stated if line["stated"] == "1" else self.unstated)[line["mark"]].append(what)

    @staticmethod
    def sum(part):
        return sum(what[-1] for bills in part.values() for what in bills)

    @staticmethod
    def count(part):
        return collections.Counter(what for bills in part.values() for what in bills)


def as_billed(row):
    return (row["model"], row["input_tokens"], row["cached_input_tokens"], row["output_tokens"], row["reasoning_tokens"],
            row["cost_pico"])


def total(rows):
    return sum(r["cost_pico"] for r in rows)


class Comparison:
    """faults: what does not agree, in words. figures: what was compared."""

    def __init__(self, books, bill, stats, crowd, missing=False):
        self.books, self.bill, self.stats, self.crowd, self.missing = books, bill, stats, crowd, missing
        self.faults, self.figures = [], {}
        self.attempts = books.attempts()
        self.exact = [r for r in self.attempts if r["basis"] == EXACT]
        self.unsure = [r for r in self.attempts if r["basis"] in UNSURE]

    def equal(self, what, left, right):
        if left != right:
            self.faults.append(f"{what}: {left} is not {right}")

    def all(self):
        self.sums()
        self.one_by_one()
        self.by_question()
        self.keys()
        self.windows()
        self.requests()
        return self

    def sums(self):
        billed, unstated = self.stats["billed_picousd"], self.stats["unstated_picousd"]
        self.equal("the bill's lines and its sum", Bill.sum(self.bill.stated) + Bill.sum(self.bill.unstated), billed)
        self.equal("the bill's unstated lines and their sum", Bill.sum(self.bill.unstated), unstated)
        missed = billed - unstated - total(self.exact)
        if not self.missing:
            self.equal("exact and unstated and billed", total(self.exact) + unstated, billed)
        if missed < 0 or total(self.unsure) < unstated + missed:
            self.faults.append(f"estimated or held: {total(self.unsure)}, billed for it: {unstated} and {missed}")
        by_basis = collections.Counter(r["basis"] for r in self.attempts)
        self.figures.update(attempts=len(self.attempts), bases=dict(by_basis), billed=billed, unstated=unstated, missed=missed,
                            exact=total(self.exact), unsure=total(self.unsure), overruns=sum(r["overrun"] for r in self.attempts))

    def one_by_one(self):
        """The exact rows are the stated lines: as many of each kind."""
        rows, lines = collections.Counter(map(as_billed, self.exact)), Bill.count(self.bill.stated)
        self.faults += [f"exact in the ledger alone, {n} times: {what}" for what, n in (rows - lines).items()]
        if not self.missing:
            self.faults += [f"stated by the provider alone, {n} times: {what}" for what, n in (lines - rows).items()]

    def by_question(self):
        """The same for each question, as far as all who asked it learned their request's id."""
        marks, blind = {}, set()
        for asked in self.crowd:
            if asked.id is None:
                blind.add(asked.mark)
            else:
                marks[asked.id] = asked.mark
        exact, unsure = collections.defaultdict(list), collections.Counter()
        for row in self.attempts:
            m = marks.get(row["request_id"])
            if m is not None and row["basis"] == EXACT:
                exact[m].append(as_billed(row))
            elif m is not None and row["basis"] in UNSURE:
                unsure[m] += row["cost_pico"]
        known = set(marks.values()) - blind
        short = 0
        for m in known:
            rows, lines = collections.Counter(exact[m]), collections.Counter(self.bill.stated.get(m, []))
            if rows - lines or (lines - rows and not self.missing):
                self.faults.append(f"question {m}: {rows} in the ledger, {lines} stated")
            owed = sum(what[-1] for what in list((lines - rows).elements()) + self.bill.unstated.get(m, []))
            if unsure[m] < owed:
                short += 1
                self.faults.append(f"question {m}: {owed} were billed without a word, {unsure[m]} estimated or held")
        self.figures.update(questions=len(known), blind=len(blind), short=short)

    def keys(self):
        """What each key's questions were billed is what the ledger has for it."""
        of = {}
        for asked in self.crowd:
            of.setdefault(asked.mark, set()).add(asked.key[0])
        rows = collections.Counter()
        for row in self.exact:
            rows[row["account"]] += row["cost_pico"]
        lines, shared = collections.Counter(), 0
        for m, bills in self.bill.stated.items():
            if len(of[m]) == 1: # else whoever came first has paid
                lines[next(iter(of[m]))] += sum(what[-1] for what in bills)
            else:
                shared += sum(what[-1] for what in bills)
        for name in rows:
            if not 0 <= rows[name] - lines[name] <= shared and not self.missing:
                self.faults.append(f"key {name}: {rows[name]} in the ledger, {lines[name]} billed, {shared} billed for several keys")
        if not self.missing:
            self.equal("all keys", sum(rows.values()), sum(lines.values()) + shared)

    def windows(self):
        """Every window of every account is the sum of its attempts; the gateway's is everything."""
        sums = collections.Counter()
        for r in self.attempts:
            if r["day_us"] is None:
                continue
            for kind, name in ((0, ""), (1, r["project"]), (2, r["account"]), (3, r["task"])):
                if kind == 0 or name:
                    for window, start in ((0, r["day_us"]), (1, r["week_us"]), (2, r["month_us"])):
                        sums[kind, name, window, start] += r["cost_pico"] or 0
            if r["run"]:
                sums[4, r["account"] + "/" + r["run"], 3, r["run_us"]] += r["cost_pico"] or 0
        kept = {(w["kind"], w["account"], w["window"], w["start_us"]): w["settled_pico"]
                for w in self.books.query("SELECT * FROM windows")}
        for at in set(sums) | set(kept):
            self.equal(f"window {at}", kept.get(at, 0), sums[at])
        gateway = sum(v for (kind, _, window, _), v in kept.items() if (kind, window) == (0, 0))
        self.equal("the gateway's days", gateway, total(self.exact) + total(self.unsure))
        self.figures.update(windows=len(kept))

    def requests(self):
        """The rows of requests, the sums of hours, and every reply has its row."""
        cost = total(self.exact) + total(self.unsure)
        rows = self.books.query("SELECT count(*) AS n, sum(cost_pico) AS pico, count(DISTINCT id) AS ids FROM requests")[0]
        self.equal("requests", rows["pico"], cost)
        self.equal("sums of hours", self.books.query("SELECT sum(cost_pico) AS pico FROM rollups")[0]["pico"], cost)
        self.equal("ids", rows["ids"], rows["n"])
        known = {r["id"] for r in self.books.query("SELECT id FROM requests")}
        lost = [a.id for a in self.crowd if a.id is not None and a.id not in known]
        self.equal("replies without a row", lost, [])
        self.figures.update(requests=rows["n"])

    def report(self, text):
        """What `farthing report --format json` prints."""
        self.equal("the report", json.loads(text)["totals"]["cost_picousd"], total(self.exact) + total(self.unsure))
