"""Providers that are slow, broken, hostile or gone: what the client is told, what is tried again, and what never is.

SPDX-License-Identifier: Apache-2.0
"""
import email.utils
import gzip
import http.server
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time

import pytest

from farthing.gateway import run
from farthing.patience import LONG, PATIENT, SLOW, eventually
from farthing.upstream import free_port, stopwatch
from farthing.wording import MINI, completion, cost, event, plain_stream, question, shown, usage

ONCE = {"upstreams": {"sim": {"attempts": 1}}}
NO_BREAKER = {"circuit": "off"}


def good(call):
    call.reply(200, completion())


def status(number, headers=()):
    return lambda call: call.error(number, "words of the provider sk-upstream-secret", "providers_code", headers)


def assert_refused(reply, number, code):
    assert reply.status == number, (reply.status, reply.body)
    error = reply.error
    assert error["code"] == code
    assert "sk-upstream" not in reply.body.decode()
    assert reply.header("cache-control") == "no-store" and reply.request_id
    return error


def second(url):
    """A second upstream, for fallbacks."""
    return {"upstreams": {"other": {"base_url": url, "api_key": "sk-other-secret", "attempts": 1}},
            "models": {"spare": {"upstream": "other", "input_usd": 1, "output_usd": 2},
                       MINI: {"fallbacks": ["spare"]}}}


# ---- connecting

def test_a_name_that_does_not_resolve(gateway):                                                 # U01
    g = gateway({"upstreams": {"sim": {"base_url": "https://no-such-host.invalid/v1", "attempts": 1}}})
    assert_refused(g.chat(question()), 502, "upstream_unreachable")
    row = g.stop().only()
    assert (row["status"], row["basis"], row["cost_pico"], row["error_code"]) == (502, "none", 0, "upstream_unreachable")
    assert g.books().attempts()[0]["outcome"] == "unreached"


def test_a_slow_name_does_not_stop_the_others(gateway, upstream):                               # U01
    g = gateway({"upstreams": {"lost": {"base_url": "https://no-such-host.invalid/v1", "api_key": "x"}},
                 "models": {"lost": {"upstream": "lost", "input_usd": 1, "output_usd": 1}}})
    upstream.answer = good
    lost = [g.warm().chat(question(f"{i}", model="lost")) for i in range(3)]
    assert g.chat(question()).status == 200
    assert {c.reply(LONG * 2).status for c in lost} <= {502, 503, 504}


def test_a_refused_connection(gateway):                                                         # U02
    g = gateway({"upstreams": {"sim": {"base_url": f"http://127.0.0.1:{free_port()}/v1", "attempts": 1}}})
    assert_refused(g.chat(question()), 502, "upstream_unreachable")
    assert g.stop().only()["basis"] == "none"


def test_a_connection_that_is_never_accepted(gateway):                                          # U02
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        stuck = []
        for _ in range(3):                  # fill the backlog, so that the next one waits
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(full.getsockname())
            stuck.append(s)
        g = gateway({"upstreams": {"sim": {"base_url": f"http://127.0.0.1:{full.getsockname()[1]}/v1", "attempts": 1,
                                           "connect": "200ms"}}})
        watch = stopwatch()
        assert_refused(g.chat(question()), 504, "upstream_timeout")
        assert watch() < 2 * SLOW
        assert g.stop().only()["basis"] == "none"
        for s in stuck:
            s.close()


def test_a_provider_that_speaks_no_tls(gateway, upstream):                                      # U03
    upstream.on_connect = lambda sock: (sock.sendall(b"HTTP/1.1 400 Bad\r\n\r\n"), True)[1]
    g = gateway({"upstreams": {"sim": {"base_url": f"https://127.0.0.1:{upstream.port}/v1", "attempts": 3}}})
    assert_refused(g.chat(question()), 502, "upstream_tls_error")


def tls_provider(directory, name):
    """A provider that speaks TLS with a certificate of its own making for `name`: (server, certificate file)."""
    key, cert = str(directory / "key.pem"), str(directory / "cert.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=test", "-addext", f"subjectAltName={name}"],
                   check=True, capture_output=True)

    class Provider(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps(completion()).encode()
            self.server.keys.append(self.headers["Authorization"])
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True
        keys = []

        def get_request(self):
            sock, address = super().get_request()
            return context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False), address

        def handle_error(self, request, address):
            pass                            # a client that does not trust us hangs up
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server = Server(("127.0.0.1", 0), Provider)
    server.keys = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, cert


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@pytest.mark.parametrize("name,trusted,good_", [
    ("IP:127.0.0.1", True, True), ("IP:127.0.0.1", False, False), ("DNS:other.example", True, False),
], ids=["trusted", "self_signed", "wrong_host"])
def test_a_provider_must_prove_who_it_is(gateway, tmp_path, name, trusted, good_):              # U03
    server, cert = tls_provider(tmp_path, name)
    g = gateway({"upstreams": {"sim": {"base_url": f"https://127.0.0.1:{server.server_port}/v1", "attempts": 3,
                                       **({"ca_file": cert} if trusted else {})}}})
    reply = g.chat(question())
    if good_:
        assert reply.status == 200 and server.keys == ["Bearer sk-upstream-secret"]
    else:
        assert_refused(reply, 502, "upstream_tls_error")
        assert not server.keys, "the key stays at home"
        row = g.stop().only()
        assert (row["basis"], row["attempts"]) == ("none", 1)
    server.shutdown()
    server.server_close()


# ---- refusals of the provider

@pytest.mark.parametrize("number", [401, 403])
def test_a_rejected_key_is_our_fault_and_not_the_clients(gateway, upstream, number):            # U04
    g = gateway()
    upstream.answer = status(number)
    error = assert_refused(g.chat(question()), 502, "upstream_auth_error")
    assert "words of the provider" not in error["message"]
    assert len(upstream.calls) == 1, "not tried again"
    assert g.stop().only()["basis"] == "none"


@pytest.mark.parametrize("number", [429, 503])
@pytest.mark.parametrize("name", ["Retry-After", "retry-after-ms"])
def test_a_wait_beyond_all_measure_is_no_advice(gateway, upstream, name, number):               # U05
    g = gateway(ONCE)
    upstream.answer = status(number, [(name, 2**63 - 1)])
    reply = g.chat(question())
    assert reply.status == (429 if number == 429 else 502)
    assert 1 <= int(reply.header("retry-after") or 1) <= 60
    g.stop()


def http_date(seconds):
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


@pytest.mark.parametrize("header,least,most", [
    ("7", 7, 7), ("86400", 1, 60), ("-1", 1, 60), ("soon", 1, 60), (None, 1, 60), ("DATE", 1, 31), ("1e9", 1, 60),
], ids=["seconds", "a_day", "negative", "word", "absent", "date", "exponent"])
def test_the_providers_rate_limit_passes_with_a_sane_wait(gateway, upstream, header, least, most):   # U05
    g = gateway(ONCE)
    value = http_date(30) if header == "DATE" else header
    upstream.answer = status(429, [("Retry-After", value)] if value is not None else [])
    reply = g.chat(question())
    assert_refused(reply, 429, "upstream_rate_limited")
    assert least <= int(reply.header("retry-after")) <= most
    row = g.stop().only()
    assert (row["basis"], row["status"]) == ("none", 429) and g.books().attempts()[0]["outcome"] == "refused"


@pytest.mark.parametrize("number", [400, 404, 413, 422])
def test_the_clients_own_mistake_passes_as_it_is(gateway, upstream, number):                    # U06
    g = gateway()
    upstream.answer = lambda call: call.reply(number, {"error": {
        "message": "max_tokens is too large: 999. sk-upstream-secret", "type": "invalid_request_error",
        "param": "max_tokens", "code": "too_large"}})
    reply = g.chat(question())
    assert reply.status == number and reply.error and "sk-upstream-secret" not in reply.body.decode()
    if number in (400, 422):
        assert "too large" in reply.error["message"] and reply.error["param"] == "max_tokens"
    assert len(upstream.calls) == 1
    row = g.stop().only()
    assert (row["status"], row["basis"], row["cost_pico"]) == (number, "none", 0)


@pytest.mark.parametrize("body", [b"<h1>Bad gateway</h1>", b"", b'{"error":"text"}', b'{"detail":"x"}', b'{"err'],
                         ids=["html", "empty", "string", "detail", "cut"])
@pytest.mark.parametrize("number", [400, 500])
def test_errors_have_openais_shape_whatever_the_provider_wrote(gateway, upstream, number, body):
    g = gateway(ONCE)
    upstream.answer = lambda call: call.reply(number, body, content_type="text/html")
    reply = g.chat(question())
    assert reply.status == {400: 400, 500: 502}[number] and reply.error
    assert reply.header("content-type") == "application/json"


# ---- trying again

@pytest.mark.parametrize("number", [408, 409, 429, 500, 502, 503, 529])
def test_a_passing_failure_is_tried_again(gateway, upstream, number):                           # U05 U07
    g = gateway({"upstreams": {"sim": {"attempts": 2}}})
    upstream.script(status(number, [("Retry-After", "0")]))
    upstream.answer = good
    body = json.dumps(question()).encode()
    reply = g.chat(body)
    assert reply.status == 200 and reply.json() == completion()
    assert [c.body for c in upstream.calls] == [body, body]
    row = g.stop().only()
    assert (row["attempts"], row["status"], row["cost_pico"]) == (2, 200, cost())
    assert [(a["number"], a["outcome"], a["status"]) for a in g.books().attempts(row["id"])] == \
        [(1, "refused", number), (2, "ok", 200)]


@pytest.mark.parametrize("number", [504, 520, 524])
def test_who_gave_up_waiting_may_have_set_somebody_to_work(gateway, upstream, number):
    g = gateway({"upstreams": {"sim": {"attempts": 2}}})
    upstream.script(status(number))
    upstream.answer = good
    assert g.chat(question()).status == 200
    first, second = g.stop().attempts()
    assert (first["outcome"], first["basis"], first["cost_pico"]) == ("broken", "held", first["held_pico"])
    assert (second["outcome"], second["basis"]) == ("ok", "exact")


@pytest.mark.parametrize("number", [400, 401, 403, 404, 413, 422])
def test_a_lasting_failure_is_not_tried_again(gateway, upstream, number):
    g = gateway({"upstreams": {"sim": {"attempts": 5}}})
    upstream.answer = status(number)
    assert g.chat(question()).status >= 400
    assert len(upstream.calls) == 1


def test_a_stream_is_tried_again_only_before_its_first_byte(gateway, upstream):
    g = gateway({"upstreams": {"sim": {"attempts": 3}}})
    upstream.script(status(503), status(500))
    upstream.answer = lambda call: call.stream(plain_stream())
    assert g.chat(question(stream=True)).body == b"".join(shown(plain_stream()))
    assert len(upstream.calls) == 3


def test_attempts_are_counted(gateway, upstream):
    g = gateway({"upstreams": {"sim": {"attempts": 3, "backoff": "1ms", "backoff_max": "2ms", **NO_BREAKER}}})
    upstream.answer = status(500)
    assert_refused(g.chat(question()), 502, "upstream_error")
    assert len(upstream.calls) == 3
    row = g.stop().only()
    assert row["attempts"] == 3 and len(g.books().attempts()) == 3


def test_the_pause_between_attempts_grows(gateway, upstream):
    g = gateway({"upstreams": {"sim": {"attempts": 4, "backoff": "100ms", "backoff_max": "1s", **NO_BREAKER}}})
    at = []
    upstream.answer = lambda call: (at.append(time.monotonic()), call.error(503))
    watch = stopwatch()
    assert g.chat(question()).status in (502, 503)
    assert len(at) == 4
    pauses = [b - a for a, b in zip(at, at[1:])]
    assert pauses[0] >= 0.04 and sum(pauses) >= 0.3, pauses     # 100, 200, 400 ms less a jitter of half at most
    assert watch() < 3 * SLOW


def test_retry_after_is_honoured(gateway, upstream):                                            # U05
    g = gateway({"upstreams": {"sim": {"attempts": 2, "backoff_max": "5s"}}})
    at = []
    upstream.script(lambda call: (at.append(time.monotonic()), call.error(429, headers={"Retry-After": "1"})))
    upstream.answer = lambda call: (at.append(time.monotonic()), good(call))
    assert g.chat(question()).status == 200
    assert at[1] - at[0] >= 0.95


def test_a_client_that_leaves_during_the_pause_is_not_asked_for(gateway, upstream):
    g = gateway({"upstreams": {"sim": {"attempts": 3, "backoff": "20s", "backoff_max": "30s"}}})
    upstream.answer = status(503)
    c = g.warm().chat(question())
    eventually(lambda: len(upstream.calls) == 1, "the first attempt")
    g.settle()
    c.close()
    [line] = g.wait_ends(1)
    assert line["status"] == "499"
    g.stop()
    assert len(upstream.calls) == 1


def test_followers_share_the_attempts(gateway, upstream):
    g = gateway({"upstreams": {"sim": {"attempts": 2}}})
    first = g.warm().chat(question())
    call = upstream.next_call()
    second_ = g.warm().chat(question())
    g.settle()
    call.error(500)
    upstream.next_call().reply(200, completion())
    assert first.reply().body == second_.reply().body
    assert len(upstream.calls) == 2


# ---- falling back

def test_a_fallback_takes_over(gateway, upstream, upstreams):
    other = upstreams()
    g = gateway(second(other.url))
    upstream.answer = status(500)
    other.answer = lambda call: call.reply(200, completion(model="spare"))
    reply = g.chat(question())
    assert reply.status == 200 and reply.header("x-farthing-model") == "spare"
    assert other.calls[0].json()["model"] == "spare"
    assert other.calls[0].header("authorization") == "Bearer sk-other-secret"
    row = g.stop().only()
    assert (row["model_asked"], row["model_served"], row["upstream"]) == (MINI, "spare", "other")
    assert row["cost_pico"] == 11 * 1_000_000 + 7 * 2_000_000
    attempts = g.books().attempts(row["id"])
    assert [a["number"] for a in attempts] == list(range(1, len(attempts) + 1)) and attempts[-1]["upstream"] == "other"
    assert row["attempts"] == len(attempts)


def test_a_fallback_takes_over_a_stream(gateway, upstream, upstreams):
    other = upstreams()
    g = gateway(second(other.url))
    upstream.answer = status(503)
    other.answer = lambda call: call.stream(plain_stream())
    assert g.chat(question(stream=True)).body == b"".join(shown(plain_stream()))


def test_no_fallback_for_the_clients_own_mistake(gateway, upstream, upstreams):
    other = upstreams()
    g = gateway(second(other.url))
    upstream.answer = status(400)
    other.answer = good
    assert g.chat(question()).status == 400
    assert not other.calls


def test_no_fallback_after_the_first_byte(gateway, upstream, upstreams):
    other = upstreams()
    g = gateway(second(other.url))
    other.answer = lambda call: call.stream(plain_stream())
    c = g.warm().chat(question(stream=True))
    call = upstream.next_call()
    call.stream_head()
    call.chunk(plain_stream()[0])
    reply = c.head()
    reply.stream.expect(plain_stream()[0])
    call.reset()
    reply.stream.rest_or_cut()
    assert not other.calls


def test_when_all_fail_the_client_is_told_once(gateway, upstream, upstreams):                   # U36
    other = upstreams()
    g = gateway(second(other.url))
    upstream.answer = other.answer = status(503)
    reply = g.chat(question())
    assert reply.status in (502, 503) and reply.error["code"] in ("upstream_error", "no_upstream")
    assert upstream.calls and other.calls


# ---- the breaker

def breaker(**more):
    return {"upstreams": {"sim": {"attempts": 1, "circuit": {"failures": 3, "window": "30s", "open": "400ms"}, **more}}}


def trip(g, upstream, n=3):
    upstream.answer = status(500)
    for i in range(n):
        assert g.chat(question(f"trip {i}")).status == 502
    return len(upstream.calls)


def test_a_broken_provider_is_left_alone(gateway, upstream):                                    # U36
    g = gateway(breaker(circuit={"failures": 3, "window": "30s", "open": "60s"}))
    asked = trip(g, upstream)
    for i in range(20):
        reply = g.chat(question(f"storm {i}"))
        assert_refused(reply, 503, "no_upstream")
        assert int(reply.header("retry-after")) >= 1
    assert len(upstream.calls) == asked
    rows = g.stop().requests()
    assert [r["attempts"] for r in rows[-20:]] == [0] * 20 and {r["basis"] for r in rows[-20:]} == {"none"}


def test_one_probe_at_a_time_tries_a_broken_provider(gateway, upstream):                        # U36
    g = gateway(breaker())
    trip(g, upstream)
    upstream.answer = None
    clients = []

    def probe():
        clients.append(g.warm().chat(question(f"probe {len(clients)}")))
        try:
            return upstream.next_call(timeout=0.05)
        except AssertionError:
            return None
    call = eventually(probe, "a probe after the pause")
    crowd = [g.warm().chat(question(f"crowd {i}")) for i in range(10)]
    for c in crowd:
        assert_refused(c.reply(), 503, "no_upstream")
    upstream.assert_no_call()
    call.reply(200, completion())
    upstream.answer = good
    assert clients[-1].reply().status == 200
    assert g.chat(question("healed")).status == 200


def test_a_failed_probe_closes_the_door_again(gateway, upstream):                               # U36
    g = gateway(breaker())
    trip(g, upstream)
    eventually(lambda: g.chat(question(f"again {time.monotonic()}")).status == 502, "a probe")
    asked = len(upstream.calls)
    assert g.chat(question("right after")).status == 503
    assert len(upstream.calls) == asked


def test_a_probe_whose_client_leaves_does_not_block_the_next(gateway, upstream):                # U36
    g = gateway(breaker())
    trip(g, upstream)
    upstream.answer = None

    def probe():
        c = g.warm().chat(question(f"probe {time.monotonic()}"))
        try:
            return c, upstream.next_call(timeout=0.05)
        except AssertionError:
            return None
    c, call = eventually(probe, "a probe")
    c.close()
    call.wait_hang_up(LONG)
    c, call = eventually(probe, "a probe after the one that was left")
    call.reply(200, completion())
    assert c.reply().status == 200


def test_the_clients_mistakes_do_not_open_the_breaker(gateway, upstream):
    g = gateway(breaker())
    upstream.answer = status(400)
    for i in range(10):
        assert g.chat(question(f"{i}")).status == 400
    assert len(upstream.calls) == 10


def test_a_broken_provider_is_stepped_over(gateway, upstream, upstreams):
    other = upstreams()
    config = second(other.url)
    config["upstreams"]["sim"] = {"attempts": 2, "circuit": {"failures": 1, "window": "30s", "open": "60s"}}
    g = gateway(config)
    upstream.answer = status(500)
    other.answer = good
    for i in range(5):
        assert g.chat(question(f"{i}")).status == 200
    assert len(upstream.calls) <= 2 and len(other.calls) == 5


# ---- time

def test_no_first_byte_in_time(gateway, upstream):                                              # U08
    g = gateway({"upstreams": {"sim": {"attempts": 1, "first_byte": "200ms"}}})
    c = g.warm().chat(question())
    call = upstream.next_call()
    assert_refused(c.reply(), 504, "upstream_timeout")
    call.wait_hang_up(LONG)
    row = g.stop().only()
    assert (row["status"], row["error_code"]) == (504, "upstream_timeout") and row["basis"] in ("held", "estimated")
    assert g.books().attempts()[0]["outcome"] == "broken"


def test_no_end_in_time(gateway, upstream):                                                     # U08
    g = gateway({"upstreams": {"sim": {"attempts": 1, "total": "1s"}}})
    c = g.warm().chat(question())
    call = upstream.next_call()
    call.head(200, [("Content-Type", "application/json")], length=100)
    call.send(b"{")
    assert_refused(c.reply(), 504, "upstream_timeout")
    call.wait_hang_up(LONG)


def test_a_body_that_falls_silent(gateway, upstream):                                           # U08
    g = gateway({"upstreams": {"sim": {"attempts": 1, "idle": "200ms", "first_byte": "1h"}}, "limits": PATIENT})
    c = g.warm().chat(question())
    call = upstream.next_call()
    call.head(200, [("Content-Type", "application/json")], length=100)
    call.send(b"{")
    assert_refused(c.reply(), 504, "upstream_timeout")
    call.wait_hang_up(LONG)


# ---- breaking off

def test_reset_before_the_head(gateway, upstream):                                              # U09
    g = gateway(ONCE)
    upstream.answer = lambda call: call.reset()
    reply = g.chat(question())
    assert reply.status == 502 and reply.error["code"].startswith("upstream_")
    row = g.stop().only()
    assert row["basis"] in ("held", "estimated"), "the provider had the whole request"


@pytest.mark.parametrize("how", ["reset", "close"])
def test_what_was_sent_on_a_kept_connection_is_not_sent_again(gateway, upstream, how):         # U09
    """libcurl would, up to five times and without a word, and the provider would bill each of them."""
    g = gateway({"upstreams": {"sim": {"attempts": 3, **NO_BREAKER}}})
    upstream.answer = good
    assert g.chat(question("first")).status == 200
    upstream.answer = lambda call: call.reset() if how == "reset" else call.close()
    assert_refused(g.chat(question("second")), 502, "upstream_reset")
    assert len(upstream.calls) == 2, "the second question was asked once"
    assert upstream.calls[1].link is upstream.calls[0].link, "on the connection of the first"
    upstream.answer = good
    assert g.chat(question("third")).status == 200
    assert [a["basis"] for a in g.stop().attempts()] == ["exact", "held", "exact"]


@pytest.mark.parametrize("how", ["reset", "short_length", "unfinished_chunk"])
def test_a_cut_body(gateway, upstream, how):                                                    # U10
    g = gateway({"upstreams": {"sim": {"attempts": 3}}})

    def play(call):
        text = json.dumps(completion()).encode()
        if how == "unfinished_chunk":
            call.head(200, [("Content-Type", "application/json")], chunked=True)
            call.chunk(text[:40])
        else:
            call.head(200, [("Content-Type", "application/json")], length=len(text))
            call.send(text[:40])
        if how == "reset":
            call.reset()
        else:
            call.close()
    upstream.answer = play
    assert_refused(g.chat(question()), 502, "upstream_truncated")
    assert len(upstream.calls) == 1
    row = g.stop().only()
    assert row["basis"] in ("held", "estimated") and row["error_code"] == "upstream_truncated"


# ---- nonsense

def test_a_gigantic_body(gateway, upstream):                                                    # U18
    g = gateway({"limits": {"reply": "64KiB"}, **ONCE})
    upstream.answer = lambda call: call.reply(200, completion("x" * 100_000))
    assert_refused(g.chat(question()), 502, "upstream_too_large")
    assert g.stop().only()["basis"] in ("held", "estimated")


def test_a_gigantic_body_without_a_length(gateway, upstream):                                   # U18
    g = gateway({"limits": {"reply": "64KiB"}, **ONCE})

    def play(call):
        call.head(200, [("Content-Type", "application/json")], chunked=True)
        for _ in range(10_000):
            if not call.chunk(b" " * 65536):
                return
    upstream.answer = play
    before = g.resident()
    assert_refused(g.chat(question()), 502, "upstream_too_large")
    if SLOW < 3:
        assert g.resident() - before < 8 * 2**20
    upstream.calls[0].wait_hang_up(LONG)


def test_gigantic_headers(gateway, upstream):                                                   # U18
    g = gateway(ONCE)
    upstream.answer = lambda call: call.reply(200, completion(), [(f"X-{i}", "x" * 4000) for i in range(200)])
    reply = g.chat(question())
    assert reply.status == 502 and reply.error["code"].startswith("upstream_")


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate", "gzip, gzip, gzip, gzip, gzip"])
def test_a_coded_body_is_not_decoded(gateway, upstream, coding):                                # U19
    g = gateway(ONCE)
    bomb = gzip.compress(b"0" * 10_000_000)
    upstream.answer = lambda call: call.reply(200, bomb, [("Content-Encoding", coding)])
    assert_refused(g.chat(question()), 502, "upstream_bad_encoding")


@pytest.mark.parametrize("body,kind", [
    (b'{"id":', "application/json"), (b"<html>hello</html>", "text/html"), (b"", "application/json"),
    (b"<html>hello</html>", "application/json"), (json.dumps(completion()).encode(), "text/plain"), (b"{} {}", None),
    (b'"a string"', "application/json"),
], ids=["cut", "html", "empty", "html_as_json", "wrong_type", "no_type", "string"])
def test_a_reply_that_is_no_answer(gateway, upstream, body, kind):                              # U20
    g = gateway(ONCE)
    upstream.answer = lambda call: call.reply(200, body, content_type=kind)
    assert_refused(g.chat(question()), 502, "upstream_invalid_response")
    assert g.stop().only()["basis"] in ("held", "estimated")


@pytest.mark.parametrize("value", [..., None], ids=["missing", "null"])
def test_an_answer_without_usage_is_estimated_and_passes(gateway, upstream, value):             # U21
    g = gateway()
    answer = completion(usage=value)
    upstream.answer = lambda call: call.reply(200, answer)
    reply = g.chat(question())
    assert reply.status == 200 and reply.json() == answer
    row = g.stop().only()
    assert row["basis"] == "estimated" and row["cost_pico"] > 0, "unknown is never free"


def test_without_usage_what_was_thought_in_silence_is_held_for(gateway, upstream):              # U21
    g = gateway({"models": {"o3-mini": {"upstream": "sim"}}, "budget": {"daily_usd": 10}})
    upstream.answer = lambda call: call.reply(200, completion(model="o3-mini", usage=...))
    assert g.chat(question(model="o3-mini", max_completion_tokens=500)).status == 200
    row = g.stop().attempts()[0]
    assert (row["outcome"], row["basis"]) == ("ok", "held") and row["cost_pico"] == row["held_pico"] > 0


def test_without_usage_what_cannot_be_counted_is_held_for(gateway, upstream):                   # U21
    g = gateway({"models": {"llama": {"upstream": "sim", "input_usd": 1, "output_usd": 2}}, "budget": {"daily_usd": 10}})
    upstream.answer = lambda call: call.reply(200, completion(model="llama", usage=...))
    assert g.chat(question(model="llama", max_tokens=50)).status == 200
    row = g.stop().attempts()[0]
    assert row["basis"] == "held" and row["cost_pico"] == row["held_pico"] > 0


def test_a_body_without_usage_is_counted_in_its_models_tokens(gateway, upstream):               # U21
    text = "Ein Viertelpfennig, größer als nichts: क्या यह सच है? " * 20
    g = gateway({"models": {"gpt-4": {"upstream": "sim"}}})
    upstream.answer = lambda call: call.reply(200, completion(text, model="gpt-4", usage=...))
    assert g.chat(question(model="gpt-4")).status == 200
    row = g.stop().attempts()[0]
    done = run("tokens", "--model", "gpt-4", input=text)
    assert done.returncode == 0 and row["basis"] == "estimated"
    assert row["output_tokens"] == int(done.stdout.split()[0])


@pytest.mark.parametrize("mode,basis", [("strict", "held"), ("estimate", "estimated")])
def test_usage_that_was_stated_so_far_is_not_all_when_the_stream_breaks(gateway, upstream, mode, basis):     # U11
    g = gateway({"budget": {"mode": mode}})

    def play(call):
        call.stream_head()
        for n in range(1, 4):
            call.chunk(event({"model": MINI, "choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": None}],
                              "usage": usage(11, n)}))
        call.reset()
    upstream.answer = play
    assert g.chat(question(stream=True, max_tokens=100)).status == 200
    row = g.stop().attempts()[0]
    assert (row["outcome"], row["basis"]) == ("broken", basis) and row["cost_pico"] >= cost(11, 3)
    assert (row["cost_pico"] == row["held_pico"]) == (mode == "strict")


@pytest.mark.parametrize("wrong", [
    {"prompt_tokens": -1}, {"completion_tokens": -7}, {"prompt_tokens": 2**63}, {"prompt_tokens": "11"},
    {"completion_tokens": 1.5}, {"prompt_tokens": None},
], ids=["negative_input", "negative_output", "huge", "string", "fraction", "null"])
def test_nonsense_usage_is_not_believed(gateway, upstream, wrong):                              # U22
    g = gateway()
    answer = completion(usage={**usage(), **wrong})
    upstream.answer = lambda call: call.reply(200, answer)
    reply = g.chat(question())
    assert reply.status == 200 and reply.json() == answer
    row = g.stop().only()
    assert row["basis"] == "estimated" and row["cost_pico"] > 0


def test_usage_of_zero_is_a_value(gateway, upstream):                                           # U23
    g = gateway()
    upstream.answer = lambda call: call.reply(200, completion(usage=usage(0, 0)))
    g.chat(question())
    row = g.stop().only()
    assert (row["basis"], row["cost_pico"], row["input_tokens"]) == ("exact", 0, 0)


def test_more_cached_tokens_than_tokens_are_cut_and_not_cheaper(gateway, upstream):             # U26
    g = gateway()
    upstream.answer = lambda call: call.reply(200, completion(usage=usage(10, 1, cached=1000)))
    g.chat(question())
    row = g.stop().only()
    assert row["cached_input_tokens"] == 10 and row["cost_pico"] == cost(10, 1)


@pytest.mark.parametrize("number", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(gateway, upstream, upstreams, number):                    # U27
    thief = upstreams()
    thief.answer = good
    g = gateway()
    upstream.answer = lambda call: call.reply(number, b"", [("Location", thief.url + "/chat/completions")])
    reply = g.chat(question())
    assert_refused(reply, 502, "upstream_redirect")
    assert reply.header("location") is None
    assert not thief.links, "the key must not travel"


@pytest.mark.parametrize("raw", [
    b"HTTP/1.1 204 No\r\n\r\n", b"HTTP/1.1 205 No\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 206 P\r\nContent-Length: 2\r\nContent-Range: bytes 0-1/9\r\nContent-Type: application/json\r\n\r\n{}",
    b"HTTP/1.1 304 No\r\n\r\n", b"HTTP/1.1 999 What\r\nContent-Length: 2\r\n\r\n{}", b"SSH-2.0-OpenSSH_9\r\n\r\n",
    b'{"hello":"http/0.9"}', b"HTTP/1.1 -200 X\r\n\r\n", b"\x00" * 100,
    b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
], ids=["204", "205", "206", "304", "999", "ssh", "http09", "negative", "zeroes", "101"])
def test_odd_statuses_are_no_answers(gateway, upstream, raw):                                   # U28
    g = gateway(ONCE)
    upstream.answer = lambda call: (call.send(raw), call.close())
    reply = g.chat(question())
    assert reply.status == 502 and reply.error["code"].startswith("upstream_")
    # a redirect was not billed; of what looks like a success, or like nothing, nobody knows
    assert g.stop().only()["basis"] == ("none" if b" 304 " in raw else "held")


def test_a_flood_of_interim_replies_is_survived(gateway, upstream):                             # U28
    g = gateway(ONCE)
    upstream.answer = lambda call: (call.send(b"HTTP/1.1 103 Early\r\nLink: </x>\r\n\r\n" * 20), good(call))
    assert g.chat(question()).status in (200, 502)

    def flood(call):
        for _ in range(100_000):
            if not call.send(b"HTTP/1.1 103 Early\r\nLink: </xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx>\r\n\r\n" * 50):
                return
    upstream.answer = flood
    assert g.chat(question("flood")).status == 502


# ---- connections and keys

def test_a_pooled_connection_that_was_closed_is_replaced_in_silence(gateway, upstream):         # U30
    g = gateway(ONCE)
    upstream.answer = good
    for i in range(5):
        assert g.chat(question(f"{i}")).status == 200
        upstream.links[-1].close()
    rows = g.stop().requests()
    assert [r["attempts"] for r in rows] == [1] * 5 and len(upstream.calls) == 5


def test_keys_belong_to_their_upstreams(gateway, upstream):                                     # U31
    g = gateway({"upstreams": {"two": {"base_url": upstream.url, "api_key": "sk-two-secret"}},
                 "models": {"two": {"upstream": "two", "input_usd": 1, "output_usd": 1}}})
    upstream.answer = good
    failures = []

    def ask(model):
        c = g.connect()
        for i in range(100):
            if c.chat(question(f"{model} {i}", model=model)).reply().status != 200:
                failures.append(model)
    threads = [threading.Thread(target=ask, args=(m,)) for m in (MINI, "two")]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures and len(upstream.calls) == 200
    for call in upstream.calls:
        assert call.header("authorization") == {"two": "Bearer sk-two-secret"}.get(
            call.json()["model"], "Bearer sk-upstream-secret")


@pytest.mark.parametrize("how", ["environment", "file"])
def test_keys_come_from_the_environment_or_a_file(gateway, upstream, tmp_path, how):
    (tmp_path / "key.txt").write_text("sk-from-elsewhere\n", encoding="ascii")
    value = {"environment": "${SOME_KEY}", "file": f"file:{tmp_path}/key.txt"}[how]
    g = gateway({"upstreams": {"sim": {"api_key": value}}}, env={"SOME_KEY": "sk-from-elsewhere"})
    upstream.answer = good
    assert g.chat(question()).status == 200
    assert upstream.calls[0].header("authorization") == "Bearer sk-from-elsewhere"


def test_proxies_of_the_environment_are_ignored(gateway, upstream, upstreams):
    proxy = upstreams()
    g = gateway(env={"http_proxy": f"http://127.0.0.1:{proxy.port}", "ALL_PROXY": f"http://127.0.0.1:{proxy.port}"})
    upstream.answer = good
    assert g.chat(question()).status == 200
    assert not proxy.links


def test_an_answer_of_another_model_passes(gateway, upstream):                                  # U35
    g = gateway()
    upstream.answer = lambda call: call.reply(200, completion(model="gpt-4o-mini-2024-07-18"))
    assert g.chat(question()).json()["model"] == "gpt-4o-mini-2024-07-18"


def test_a_hundred_answers_find_their_clients(gateway, upstream):                               # U35
    g = gateway()
    clients = {i: g.warm().chat(question(f"nonce {i}")) for i in range(100)}
    calls = [upstream.next_call() for _ in clients]
    for call in reversed(calls):
        call.reply(200, completion(call.json()["messages"][0]["content"]))
    for i, c in clients.items():
        assert c.reply().json()["choices"][0]["message"]["content"] == f"nonce {i}"
