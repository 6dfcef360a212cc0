"""Starting, reloading, draining, dying and rising again.

SPDX-License-Identifier: Apache-2.0
"""
import os
import re
import shutil
import signal
import socket
import sqlite3
import threading

import pytest

from farthing.patience import LONG, SLOW, eventually
from farthing.upstream import stopwatch
from farthing.wire import Closed
from farthing.wording import MINI, completion, cost, delta, plain_stream, question, shown, stream_error

STREAM = question(stream=True)


def good(call):
    if call.json().get("stream"):
        call.stream(plain_stream())
    else:
        call.reply(200, completion())


def begin(g, upstream, body=STREAM):
    c = g.warm().chat(body)
    call = upstream.next_call()
    call.stream_head()
    call.chunk(plain_stream()[0])
    reply = c.head()
    reply.stream.expect(plain_stream()[0])
    return c, reply, call


def finish(call):
    for e in plain_stream()[1:]:
        call.chunk(e)
    call.end()


# ---- draining

def test_sigterm_lets_running_requests_finish(gateway, upstream):                               # P16
    g = gateway()
    c, reply, call = begin(g, upstream)
    whole = g.warm().chat(question("whole"))
    other = upstream.next_call()
    idle, waiting = g.warm(), g.warm()
    g.signal(signal.SIGTERM)
    eventually(lambda: draining(waiting), "readyz says 503, or its connection was closed")
    assert not call.gone() and not other.gone()
    other.reply(200, completion())
    assert whole.reply().status == 200
    finish(call)
    assert reply.body == b"".join(shown(plain_stream()))
    assert g.wait_exit() == 0
    idle.wait_end()
    books = g.stop()
    assert [r["status"] for r in books.requests() if r["endpoint"] == "chat"] == [200, 200]


def test_a_draining_gateway_takes_no_new_work(gateway, upstream):                               # P16
    g = gateway()
    c, reply, call = begin(g, upstream)
    held = g.warm()
    g.signal(signal.SIGTERM)

    def turned_away():
        try:
            n = g.connect(timeout=1)
            return n.ask("GET", "/readyz").head().status == 503
        except (OSError, Closed):
            return True
    eventually(turned_away, "new connections are turned away")
    try:
        late = held.chat(question("late")).reply()
        assert late.status == 503 and late.error["code"] == "server_shutting_down"
    except (Closed, OSError):
        pass                               # the idle connection was closed first: as good
    upstream.assert_no_call()
    finish(call)
    assert reply.body.endswith(b"[DONE]\n\n")
    assert g.wait_exit() == 0


def test_what_does_not_finish_in_time_is_broken_politely(gateway, upstream):                    # P16
    g = gateway({"limits": {"drain_timeout": "200ms"}})
    c, reply, call = begin(g, upstream)
    call.chunk(delta("A "))
    reply.stream.expect(delta("A "))
    waiting = g.warm().chat(question("no head yet"))
    other = upstream.next_call()
    g.signal(signal.SIGTERM)

    assert stream_error(reply.stream.rest_or_cut())["code"] == "server_shutting_down"
    refusal = waiting.reply()
    assert refusal.status == 503 and refusal.error["code"] == "server_shutting_down"
    call.wait_hang_up(LONG)
    other.wait_hang_up(LONG)
    assert g.wait_exit() == 0
    rows = g.stop().requests()
    assert [r["error_code"] for r in rows] == ["server_shutting_down"] * 2
    assert all(r["basis"] in ("held", "estimated") for r in rows)
    assert {a["outcome"] for a in g.books().attempts()} == {"cancelled"}


def test_a_second_sigterm_ends_it_at_once_and_in_order(gateway, upstream):                      # P16
    g = gateway({"limits": {"drain_timeout": "60s"}})
    c, reply, call = begin(g, upstream)
    watched = g.warm()
    g.signal(signal.SIGTERM)
    eventually(lambda: draining(watched), "the drain has begun")
    watch = stopwatch()
    g.signal(signal.SIGTERM)
    assert stream_error(reply.stream.rest_or_cut())["code"] == "server_shutting_down"
    assert g.wait_exit() == 0 and watch() < 5 * SLOW
    assert len(g.stop().requests()) == 1


def draining(c):
    try:
        return c.ask("GET", "/readyz").reply(timeout=LONG).status == 503
    except (OSError, Closed):
        return True


def test_sigint_stops_it_too(gateway, upstream):
    g = gateway()
    upstream.answer = good
    assert g.chat(question()).status == 200
    g.signal(signal.SIGINT)
    assert g.wait_exit() == 0
    assert len(g.stop().requests()) == 1


def test_idle_and_half_sent_connections_do_not_delay_the_stop(gateway, upstream):
    g = gateway({"limits": {"drain_timeout": "60s"}})
    idle = [g.warm() for _ in range(20)]
    half = g.warm()
    half.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Le")
    upstream.answer = good
    done = g.warm()
    assert done.chat(question()).reply().status == 200
    watch = stopwatch()
    g.stop()
    assert watch() < 5 * SLOW
    for c in idle:
        c.wait_end()


@pytest.mark.parametrize("sent", [40, 5000], ids=["in_the_head", "in_the_body"])
def test_a_client_that_left_in_the_midst_of_sending_does_not_delay_the_stop(gateway, upstream, sent):
    g = gateway()
    for _ in range(5):
        c = g.warm()
        c.send(c.request("POST", "/v1/chat/completions", question("x" * 10_000))[:sent])
        c.close()                          # the bytes and the end in one turn of the loop
    g.settle()
    watch = stopwatch()
    g.stop()
    assert watch() < 2 * SLOW


def test_a_client_that_is_still_sending_is_told_when_the_drain_is_over(gateway, upstream):
    g = gateway({"limits": {"drain_timeout": "200ms"}})
    c = g.warm()
    c.send(c.request("POST", "/v1/chat/completions", question("x" * 10_000))[:5000])
    g.settle()
    watch = stopwatch()
    g.stop()
    assert watch() < 8 * SLOW
    c.wait_end()
    upstream.assert_no_call()


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
def test_a_stop_without_any_patience_is_clean(gateway, upstream, busy):
    g = gateway({"limits": {"drain_timeout": "0s"}})
    upstream.answer = good
    assert g.chat(question()).status == 200
    if busy:
        upstream.answer = None
        c, reply, call = begin(g, upstream)
    g.stop()
    if busy:
        assert stream_error(reply.stream.rest_or_cut())["code"] == "server_shutting_down"


def test_a_stop_right_after_the_start_is_clean(gateway):
    for _ in range(5):
        g = gateway()
        g.stop()


# ---- reloading

class Load:
    """Clients that ask without pause, on kept-alive connections, until stopped; every reply must be a good one."""

    def __init__(self, g, clients=4):
        self.g = g
        self.over = threading.Event()
        self.bad = []
        self.served = [0] * clients
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(clients)]
        for t in self.threads:
            t.start()

    def run(self, who):
        try:
            c = self.g.connect()
            while not self.over.is_set():
                n = self.served[who]
                reply = c.chat(question(f"load {who} {n}", stream=n % 3 == 0)).reply()
                if reply.status != 200 or not reply.body:
                    self.bad.append((reply.status, reply.body[:300]))
                self.served[who] += 1
        except Exception as e:  # noqa: BLE001 - a dropped connection is a finding
            self.bad.append(e)

    def more(self, n=20):
        goal = sum(self.served) + n
        eventually(lambda: self.bad or sum(self.served) >= goal, "the load goes on")

    def stop(self):
        self.over.set()
        for t in self.threads:
            t.join(LONG)
        assert not self.bad, self.bad[:3]
        return sum(self.served)


def models_of(g):
    return {m["id"] for m in g.ask("GET", "/v1/models").json()["data"]}


def test_a_good_configuration_is_taken_over_without_dropping_a_request(gateway, upstream):      # P17
    g = gateway()
    upstream.answer = good
    load = Load(g)
    for i in range(5):
        load.more()
        g.config["models"][f"house-{i}"] = {"upstream": "sim", "input_usd": 1, "output_usd": 1}
        g.write_config(g.config)
        g.signal(signal.SIGHUP)
        eventually(lambda: f"house-{i}" in models_of(g), "the new model is listed")
    load.more()
    served = load.stop()
    rows = g.stop().requests()
    assert len(rows) == served and {r["status"] for r in rows} == {200}


def test_a_running_request_keeps_the_configuration_it_began_with(gateway, upstream):            # P17
    g = gateway()
    c, reply, call = begin(g, upstream)
    g.config["models"][MINI] = {"upstream": "sim", "input_usd": 100, "output_usd": 100}
    g.config["models"]["sign"] = {"upstream": "sim", "input_usd": 1, "output_usd": 1}
    g.write_config(g.config)
    g.signal(signal.SIGHUP)
    eventually(lambda: "sign" in models_of(g), "the reload")
    finish(call)
    assert reply.body == b"".join(shown(plain_stream()))
    upstream.answer = good
    after = g.chat(question("after")).request_id
    books = g.stop()
    assert books.request(reply.request_id)["cost_pico"] == cost()
    assert books.request(after)["cost_pico"] == 18 * 100_000_000


BAD_CONFIGS = {
    "syntax": lambda text: text + "  : : [\n",
    "unknown_key": lambda text: text + "modles: {}\n",
    "negative_price": lambda text: text.replace("models:\n", "models:\n  bad: {upstream: sim, input_usd: -1}\n"),
    "unknown_upstream": lambda text: text.replace("models:\n", "models:\n  bad: {upstream: nowhere}\n"),
    "missing_key_file": lambda text: text.replace('"sk-upstream-secret"', '"file:/no/such/file"'),
    "not_yaml": lambda text: "\x00\x01",
    "empty_list": lambda text: "- 1\n- 2\n",
}


@pytest.mark.parametrize("name", BAD_CONFIGS)
def test_a_bad_configuration_changes_nothing_and_is_reported(gateway, upstream, name):          # P18
    from farthing.gateway import run, sectioned, yaml
    g = gateway()
    upstream.answer = good
    load = Load(g, clients=2)
    g.write_config(text=BAD_CONFIGS[name](yaml(sectioned(g.config))))
    g.signal(signal.SIGHUP)
    line = g.wait_line(lambda e: e["level"] in ("warn", "error"), "a complaint about the file")
    assert os.path.basename(g.config_path) in " ".join(map(str, line.values()))
    load.more()
    load.stop()
    assert models_of(g) >= {MINI, "gpt-4o"}
    metrics = g.ask("GET", "/metrics").body.decode()
    [sample] = [m for m in metrics.splitlines() if m.startswith("farthing_config_reload_failures_total")]
    assert float(sample.split()[-1]) == 1
    checked = run("check", "-c", g.config_path)
    assert checked.returncode == 1 and os.path.basename(g.config_path) in checked.stdout + checked.stderr
    assert "sk-upstream-secret" not in checked.stdout + checked.stderr + g.log


def test_a_reload_cannot_move_the_listener_and_says_so(gateway, upstream):                      # P18
    g = gateway()
    upstream.answer = good
    g.config = {**g.config, "listen": "127.0.0.1:1"}
    g.write_config()
    g.signal(signal.SIGHUP)
    g.wait_line(lambda e: e["level"] in ("warn", "error"), "a word about the listener")
    assert g.chat(question()).status == 200


# ---- dying and rising

def test_kill_in_mid_stream_and_a_clean_restart(gateway, upstream):                             # P01
    g = gateway()
    upstream.script(good)
    before = g.chat(question("before"))
    assert g.row(before.request_id)["status"] == 200
    c, reply, call = begin(g, upstream)
    waiting = g.warm().chat(question("waiting"))
    upstream.next_call()
    g.kill()
    with pytest.raises(Closed):
        reply.stream.rest()
    waiting.wait_end()
    call.wait_hang_up(LONG)
    g.complain()

    watch = stopwatch()
    g.start()
    upstream.answer = good
    assert g.ask("GET", "/readyz").status == 200 and watch() < 2 * SLOW
    after = g.chat(question("after"))
    assert after.status == 200
    books = g.stop()
    assert books.request(before.request_id)["cost_pico"] == cost()
    assert books.request(after.request_id)["cost_pico"] == cost()
    assert sqlite3.connect(g.database).execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_killed_again_and_again_under_load_the_books_stay_in_order(gateway, upstream):          # P01
    g = gateway()
    upstream.answer = good
    for _ in range(5):
        load = Load(g, clients=3)
        load.more(10)
        g.kill()
        load.over.set()
        for t in load.threads:
            t.join(LONG)
        g.check_books()
        g.start()
    assert g.chat(question("alive")).status == 200


def test_two_instances_do_not_share_a_database(gateway, upstream):                              # P31
    g = gateway()
    upstream.answer = good
    assert g.chat(question("first")).status == 200
    twin = gateway(start=False)
    twin.launch()
    assert twin.wait_exit() not in (0, None)
    assert not twin.entries("listening") and twin.entries()[-1]["level"] == "error"
    twin.complain()
    twin.ended_well = True
    assert g.chat(question("still here")).status == 200
    assert len(g.stop().requests()) == 2


def cut_page(path):
    with open(path, "r+b") as f:
        f.truncate(os.path.getsize(path) - 4096)


def garble(path):
    size = os.path.getsize(path)
    with open(path, "r+b") as f:
        for at in range(4096, size, 4096):
            f.seek(at)
            f.write(b"\xde\xad\xbe\xef" * 256)


def not_a_database(path):
    with open(path, "wb") as f:
        f.write(b"This is a letter to my grandmother. " * 1000)


def newer(path):
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 9999")
    db.commit()
    db.close()


@pytest.mark.parametrize("damage", [cut_page, garble, not_a_database, newer])
def test_a_damaged_or_newer_database_is_refused_and_left_alone(gateway, upstream, damage):      # S06
    g = gateway()
    upstream.answer = good
    for i in range(30):
        assert g.chat(question(f"{i}")).status == 200
    g.stop()
    damage(g.database)
    with open(g.database, "rb") as f:
        before = f.read()
    g.launch()
    assert g.wait_exit() != 0
    g.complain()
    assert not g.entries("listening")
    assert os.path.basename(g.database) in g.log
    with open(g.database, "rb") as f:
        assert f.read() == before
    assert [n for n in os.listdir(g.directory) if n.endswith(".db")] == [os.path.basename(g.database)]
    g.ended_well = True


def test_a_database_that_cannot_be_written_is_refused(gateway, tmp_path):                       # S05
    g = gateway({"database": str(tmp_path / "no" / "such" / "place.db")}, start=False)
    g.launch()
    assert g.wait_exit() != 0
    g.complain()
    assert "place.db" in g.log
    g.ended_well = True


def test_a_port_in_use_is_refused_with_a_word(gateway, upstreams):
    taken = upstreams().port
    g = gateway({"listen": f"127.0.0.1:{taken}"}, start=False)
    g.launch()
    assert g.wait_exit() != 0
    assert f"127.0.0.1:{taken}: Address already in use" in g.log
    g.ended_well = True


def test_an_upstream_that_is_the_gateway_itself_is_refused(gateway, upstream):
    """OPENAI_BASE_URL, set for clients, made a gateway of the same shell forward to itself."""
    g = gateway({"listen": f"127.0.0.1:{upstream.port}"}, start=False)
    g.launch()
    assert g.wait_exit() != 0
    assert "upstreams.sim.base_url: leads back" in g.log
    g.ended_well = True


def test_a_bad_configuration_is_refused_at_the_start(gateway):
    g = gateway({"no_such_key": 1}, start=False)
    g.launch()
    assert g.wait_exit() != 0 and "no_such_key" in g.log
    assert not os.path.exists(g.database)
    g.ended_well = True


def test_a_backup_can_be_taken_while_it_runs(gateway, upstream, tmp_path):                      # S12
    from farthing.gateway import run
    g = gateway()
    upstream.answer = good
    load = Load(g, clients=2)
    load.more()
    copy = str(tmp_path / "copy.db")
    source, target = sqlite3.connect(g.database), sqlite3.connect(copy)
    source.backup(target)
    source.close()
    target.close()
    load.more()
    load.stop()
    assert run("ledger", "check", "--db", copy).returncode == 0


def test_a_reader_of_the_books_does_not_stop_the_gateway(gateway, upstream):                    # S04 S08
    g = gateway()
    upstream.answer = good
    g.row(g.chat(question("first")).request_id)
    reader = sqlite3.connect(g.database)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM requests").fetchone() == (1,)
    for i in range(50):
        assert g.chat(question(f"{i}")).status == 200
    reader.close()
    assert len(g.stop().requests()) == 51


def test_a_foreign_writer_delays_the_books_but_no_client(gateway, upstream):                    # S04
    g = gateway()
    upstream.answer = good
    g.row(g.chat(question("first")).request_id)
    writer = sqlite3.connect(g.database, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    answered = g.chat(question("locked"))
    assert answered.status in (200, 503)
    writer.execute("ROLLBACK")
    writer.close()
    eventually(lambda: g.chat(question("unlocked")).status == 200, "service after the lock")
    rows = g.stop().requests()
    assert [r["status"] for r in rows if r["id"] == answered.request_id] == [answered.status]


# ---- systemd

class Systemd:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, directory):
        self.path = os.path.join(directory, "notify")
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(self.path)
        self.heard = []

    def wait(self, word, timeout=LONG):
        self.sock.settimeout(timeout)
        while not any(word in h.split("\n") for h in self.heard):
            self.heard.append(self.sock.recv(4096).decode())


def test_systemd_hears_ready_reloading_watchdog_and_stopping(gateway, upstream, tmp_path):
    systemd = Systemd(tmp_path)
    g = gateway(env={"NOTIFY_SOCKET": systemd.path, "WATCHDOG_USEC": "200000"})
    systemd.wait("READY=1")
    for _ in range(3):
        systemd.heard.clear()
        systemd.wait("WATCHDOG=1", timeout=0.2 * SLOW)
    g.signal(signal.SIGTERM)
    systemd.wait("STOPPING=1")
    assert g.wait_exit() == 0


def test_systemd_is_not_told_ready_before_the_port_is_open(gateway, tmp_path, upstream):
    systemd = Systemd(tmp_path)
    g = gateway({"listen": f"127.0.0.1:{upstream.port}"}, start=False, env={"NOTIFY_SOCKET": systemd.path})
    g.launch()
    assert g.wait_exit() != 0
    systemd.sock.setblocking(False)
    with pytest.raises(BlockingIOError):
        while True:
            assert "READY=1" not in systemd.sock.recv(4096).decode()
    g.ended_well = True


def test_an_abstract_notify_socket_works(gateway):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(f"\0farthing-test-{os.getpid()}")
    sock.settimeout(LONG)
    gateway(env={"NOTIFY_SOCKET": f"@farthing-test-{os.getpid()}"})
    assert "READY=1" in sock.recv(4096).decode()


def test_the_database_moves_with_its_file(gateway, upstream, tmp_path):
    g = gateway()
    upstream.answer = good
    g.chat(question())
    g.stop()
    assert not os.path.exists(g.database + "-wal") or os.path.getsize(g.database + "-wal") == 0
    shutil.copy(g.database, tmp_path / "copy.db")
    copy = gateway({"database": str(tmp_path / "copy.db")})
    copy.chat(question())
    assert len(copy.stop().requests()) == 2


def test_whoever_is_refused_for_want_of_books_does_not_fill_the_memory(gateway, upstream):      # S01 S05
    upstream.answer = lambda call: call.reply(200, completion())
    g = gateway()
    reply = g.chat(question("before"))
    assert reply.status == 200
    g.row(reply.request_id)
    os.rename(g.database, g.database + ".away")

    def is_refused():
        return g.chat(question("soon")).status == 503
    eventually(is_refused, "the gateway notices that its books are gone")

    def queued():
        text = g.ask("GET", "/metrics").body.decode()
        return int(re.search(r"^farthing_ledger_queue_rows (\d+)", text, re.MULTILINE)[1])
    before = queued()
    for _ in range(20):
        c = g.connect()
        assert c.chat(question("late")).reply().error["code"] == "ledger_unavailable"
        c.close()
    assert queued() == before, "a refusal needs no row"
    os.rename(g.database + ".away", g.database)
    eventually(lambda: g.ask("GET", "/readyz").status == 200, "the gateway is ready again")
    assert g.chat(question("after")).status == 200
    assert {r["status"] for r in g.stop().requests()} == {200}
