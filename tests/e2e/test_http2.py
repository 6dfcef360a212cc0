"""A provider that speaks HTTP/2 over TLS: nginx with a certificate of its own before farthing-sim or a scripted provider.
What was really spoken is read from nginx's log, a line a request.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import re
import shutil
import subprocess
import threading

import pytest

from farthing.gateway import run
from farthing.patience import HANG_UP, LONG, PATIENT, eventually
from farthing.upstream import free_port
from farthing.wording import MINI, completion, events_of, plain_stream, question, shown

NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
pytestmark = [pytest.mark.skipif(NGINX is None, reason="nginx is not installed"),
              pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")]

CONF = """
daemon off; master_process off; pid {d}/nginx.pid; error_log {d}/error.log warn;
events {{ worker_connections 1024; }}
http {{
	log_format plain '$server_protocol $status $connection $request_uri';
	access_log {d}/access.log plain;
	client_body_temp_path {d}/body; proxy_temp_path {d}/proxy; fastcgi_temp_path {d}/f;
	uwsgi_temp_path {d}/u; scgi_temp_path {d}/s;
	server {{
		listen 127.0.0.1:{port} ssl http2;
		ssl_certificate {d}/cert.pem; ssl_certificate_key {d}/key.pem;
		client_max_body_size 16m;
		location / {{
			proxy_pass http://127.0.0.1:{behind}; proxy_http_version 1.1; proxy_buffering off;
			proxy_read_timeout 300s;
		}}
	}}
}}
"""


class Front:
    """nginx, from its start to its end."""

    def __init__(self, directory, behind):
        self.directory = directory
        self.port = free_port()
        self.cert = str(directory / "cert.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-keyout", str(directory / "key.pem"), "-out", self.cert, "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
        conf = directory / "nginx.conf"
        conf.write_text(CONF.format(d=directory, port=self.port, behind=behind))
        self.process = subprocess.Popen([NGINX, "-p", str(directory), "-c", str(conf)], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def is_up():
            assert self.process.poll() is None, "nginx did not start:\n" + self.errors()
            return (directory / "nginx.pid").exists() and (directory / "nginx.pid").read_text()
        eventually(is_up, "nginx is up")

    def errors(self):
        log = self.directory / "error.log"
        return log.read_text() if log.exists() else ""

    def seen(self):
        """(protocol, status, connection) of each request that ended."""
        log = self.directory / "access.log"
        lines = log.read_text().splitlines() if log.exists() else []
        return [tuple(line.split(" ")[:3]) for line in lines if not line.endswith(" /warm")]

    def wait_seen(self, count):
        return eventually(lambda: len(self.seen()) >= count and self.seen(), f"{count} lines in nginx's log")

    def config(self, **more):
        return {"upstreams": {"sim": {"base_url": f"https://localhost:{self.port}/v1", "ca_file": self.cert,
                                      "private": True, "http": "2", **more}},
                "limits": {**PATIENT, "per_loopback": 1000}}

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(LONG)
        except subprocess.TimeoutExpired:
            self.process.kill()


@pytest.fixture
def front(tmp_path, upstream):
    """nginx before the scripted provider."""
    directory = tmp_path / "nginx"
    directory.mkdir()
    f = Front(directory, upstream.port)
    yield f
    f.close()


@pytest.fixture
def sim_front(tmp_path, sim):
    """nginx before farthing-sim."""
    directory = tmp_path / "nginx"
    directory.mkdir()
    f = Front(directory, sim.port)
    yield f
    f.close()


def automatic():
    """libcurl before 8.15.0 keeps the reset of a cancelled stream to itself, so HTTP/2 is for those who ask for it."""
    done = run("version", "--json")
    found = re.search(r"libcurl[/\" :]+(\d+)\.(\d+)", done.stdout)
    assert found, done.stdout
    return "HTTP/2.0" if (int(found[1]), int(found[2])) >= (8, 15) else "HTTP/1.1"


@pytest.mark.parametrize("http,protocol", [("auto", None), ("2", "HTTP/2.0"), ("1.1", "HTTP/1.1")])
def test_the_version_is_what_the_configuration_says(gateway, upstream, front, http, protocol):
    upstream.answer = lambda call: call.reply(200, completion())
    g = gateway(front.config(http=http))

    reply = g.chat(question())

    assert reply.status == 200 and reply.json() == completion()
    assert [s[:2] for s in front.wait_seen(1)] == [(protocol or automatic(), "200")]
    assert g.stop().only()["basis"] == "exact"


def test_a_stream_arrives_event_by_event(gateway, upstream, front):
    g = gateway(front.config())
    c = g.connect().chat(question(stream=True))
    call = upstream.next_call()
    call.stream_head()
    events = plain_stream()
    call.chunk(events[0])
    reply = c.head()
    reply.stream.expect(events[0])
    for e in events[1:]:
        call.chunk(e)
        if e in shown(events):
            reply.stream.expect(e)
    call.end()
    assert reply.stream.rest() == b""
    c.close()
    assert [s[:2] for s in front.wait_seen(1)] == [("HTTP/2.0", "200")]
    row = g.stop().only()
    assert (row["basis"], row["status"]) == ("exact", 200)


def test_a_hundred_streams_share_a_few_connections(sim_gateway, sim, sim_front):
    g = sim_gateway(sim_front.config())
    assert g.chat(question("warm the connection")).status == 200
    found, lock = {}, threading.Lock()

    def ask(n):
        text = f"Question {n} of a hundred"
        reply = g.chat(question(text, stream=True, seed=n))
        with lock:
            found[n] = (reply.status, reply.body)
    threads = [threading.Thread(target=ask, args=(n,)) for n in range(100)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(LONG * 2)

    assert len(found) == 100 and {s for s, _ in found.values()} == {200}
    assert all(events_of(b)[-1] == "[DONE]" for _, b in found.values())
    seen = sim_front.wait_seen(101)
    assert {s[:2] for s in seen} == {("HTTP/2.0", "200")}
    assert len({s[2] for s in seen}) <= 4, "a connection carries many streams"
    rows = g.stop().requests()
    assert len(rows) == 101 and {r["basis"] for r in rows} == {"exact"}
    assert sum(r["cost_pico"] for r in rows) == sim.stats()["billed_picousd"]


@pytest.mark.parametrize("http", ["auto", "2"])
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "plain"])
def test_a_lone_client_that_leaves_stops_the_provider_at_once(gateway, upstream, front, http, stream):
    upstream.script(lambda call: call.reply(200, completion()))
    g = gateway(front.config(http=http))
    assert g.chat(question("warm the connection")).status == 200
    c = g.connect().chat(question(stream=stream))
    call = upstream.next_call()
    if stream:
        call.stream_head()
        call.chunk(plain_stream()[0])
        c.head().stream.expect(plain_stream()[0])

    c.reset()

    call.wait_hang_up()
    upstream.answer = lambda call: call.reply(200, completion())
    assert g.chat(question("after")).status == 200
    attempt = g.stop().attempts()[1]
    assert (attempt["outcome"], attempt["basis"]) == ("cancelled", "held")


def test_cancelling_one_stream_leaves_its_neighbours_alone(gateway, upstream, front):
    g = gateway(front.config())
    stays = g.connect().chat(question("stays", stream=True))
    first = upstream.next_call()
    leaves = g.connect().chat(question("leaves", stream=True))
    second = upstream.next_call()
    events = plain_stream()
    for call, c in ((first, stays), (second, leaves)):
        call.stream_head()
        call.chunk(events[0])
        c.got = c.head()
        c.got.stream.expect(events[0])

    leaves.reset()

    g.wait_line(lambda e: e.get("verb") == "closed" and e.get("status") == "499", "the end of the one that left")
    for e in events[1:]:
        first.chunk(e)
    first.end()
    assert stays.got.stream.rest() == b"".join(shown(events)[1:])
    stays.close()
    upstream.answer = lambda call: call.reply(200, completion())
    assert g.chat(question("after")).status == 200
    second.wait_hang_up(LONG)               # at the latest with the next frame on the connection
    seen = front.wait_seen(3)
    assert {s[0] for s in seen} == {"HTTP/2.0"} and len({s[2] for s in seen}) == 1, seen
    rows = g.stop().attempts()
    assert sorted(r["outcome"] for r in rows) == ["cancelled", "ok", "ok"]
    assert [r["basis"] for r in rows if r["outcome"] == "cancelled"] == ["held"]


def test_a_reader_that_stalls_does_not_stall_the_streams_beside_it(gateway, upstream, front):
    if automatic() == "HTTP/1.1":
        pytest.skip("this libcurl stops a whole HTTP/2 connection for one paused stream")
    g = gateway(front.config())
    slow = g.connect(receive_buffer=4096).chat(question("slow", stream=True))
    flood = upstream.next_call()
    filler = plain_stream(["x" * 4000])[1]
    flood.stream_head()
    stop = threading.Event()

    def pour():
        for _ in range(12000):              # 48 MB: more than any window on the way
            if stop.is_set() or not flood.chunk(filler):
                break
    poured = threading.Thread(target=pour)
    poured.start()
    assert slow.head().status == 200
    poured.join(2)                          # by then everything on the way is full
    assert poured.is_alive(), "the provider is held back"

    upstream.answer = lambda call: call.reply(200, completion())
    for n in range(3):
        c = g.connect(timeout=LONG)
        assert c.chat(question(f"quick {n}")).reply().status == 200
        c.close()
    slow.reset()
    stop.set()
    poured.join(LONG)
    assert not poured.is_alive()
    assert {json.loads(c.body)["model"] for c in upstream.calls} == {MINI}


def test_a_large_body_passes_in_both_directions(gateway, upstream, front):
    text = "a quarter of a penny " * 150000
    upstream.answer = lambda call: call.reply(200, completion(text))
    g = gateway(front.config())
    reply = g.chat(question(text))
    assert reply.status == 200 and reply.json() == completion(text)
    assert upstream.calls[0].json()["messages"][0]["content"] == text
    assert front.wait_seen(1)[0][:2] == ("HTTP/2.0", "200")


def test_nginx_that_goes_away_is_found_again(gateway, upstream, front, tmp_path):
    upstream.answer = lambda call: call.reply(200, completion())
    g = gateway(front.config())
    assert g.chat(question("one")).status == 200
    front.process.terminate()               # GOAWAY, and the end of the connection
    front.process.wait(LONG)
    front.process = subprocess.Popen([NGINX, "-p", str(front.directory), "-c", str(front.directory / "nginx.conf")],
                                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    eventually(lambda: (front.directory / "nginx.pid").exists(), "nginx is up again")
    assert g.chat(question("two")).status == 200
    assert {s[0] for s in front.wait_seen(2)} == {"HTTP/2.0"}
