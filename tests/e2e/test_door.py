"""The door: what a gateway must refuse, from raw sockets. C01 and so on at the right are the rows of the fault matrix by
which the gateway was designed.

Errors of ours have OpenAI's shape. Where libmicrohttpd's parser answers before we see the request, its own HTML page or
a closed connection is as good (`PARSER`): what counts is that nothing got through and that the gateway stands.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import random
import resource
import ssl
import threading

import pytest

from farthing.patience import LONG, PATIENT, SLOW
from farthing.wire import Client, Closed
from farthing.wording import MINI, completion, plain_stream, question

CLOSED = None
PARSER = (CLOSED, 400, 411, 413, 414, 431, 501, 505)


def first_status(c, timeout=LONG):
    """(status, reply or None): None when the connection ended without a reply."""
    try:
        reply = c.head(timeout)
        reply.stream.rest_or_cut()
        return reply.status, reply
    except Closed:
        return CLOSED, None


def assert_ours(reply, code=None, param=...):
    assert reply.header("content-type") == "application/json"
    assert reply.header("cache-control") == "no-store" and reply.request_id
    error = reply.error
    if code is not None:
        assert error["code"] == code, error
    if param is not ...:
        assert error["param"] == param, error
    return error


class Calm:
    """Asserts that nothing inside the block reached the provider, and that the gateway serves on after it."""

    def __init__(self, standing):
        self.g, self.upstream = standing

    def __enter__(self):
        self.before = len(self.upstream.calls)
        return self

    def __exit__(self, kind, value, trace):
        if kind is None:
            marker = question(f"still there? {random.random()}")
            assert self.g.chat(marker).status == 200
            calls = self.upstream.calls[self.before:]
            assert len(calls) == 1 and calls[0].json() == marker, [c.body[:200] for c in calls]


def head(g, *lines, method="POST", target="/v1/chat/completions", host=True):
    out = [f"{method} {target} HTTP/1.1"]
    if host:
        out.append(f"Host: 127.0.0.1:{g.port}")
    return ("\r\n".join([*out, *lines]) + "\r\n\r\n").encode("latin-1")


BODY = json.dumps(question()).encode()
JSON_TYPE = "Content-Type: application/json"
SMUGGLED = b"GET /v1/models/smuggled HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


# ---- total deadlines

def drip(c, data, tick=0.02):
    """Sends a byte at a time until the peer ends the connection; False when all was sent and it stayed open."""
    for i in range(len(data)):
        if not c.try_send(data[i:i + 1]) or not c.is_open(tick):
            return True
    return False


def test_slow_headers_are_cut_by_a_total_deadline(gateway, upstream):                           # C01
    g = gateway({"limits": {"header_timeout": "300ms"}})
    assert drip(g.warm(), b"GET /healthz HTTP/1.1\r\n" + b"X-Slow: 1\r\n" * 1000)
    upstream.answer = lambda call: call.reply(200, completion())
    assert g.chat(question()).status == 200


def test_slow_headers_of_a_first_request_are_cut_too(gateway):                                  # C01
    g = gateway({"limits": {"header_timeout": "300ms"}})
    assert drip(g.connect(), b"GET /healthz HTTP/1.1\r\n" + b"X-Slow: 1\r\n" * 1000)


def test_a_thousand_slow_clients_do_not_hinder_another(gateway, upstream):                      # C01
    g = gateway()
    upstream.answer = lambda call: call.reply(200, completion())
    slow = [g.connect() for _ in range(400)]
    for c in slow:
        c.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x")
    for i in range(50):
        assert g.chat(question(f"{i}")).status == 200
    assert all(c.is_open(0) for c in slow[:5]), "they have ten seconds"


def test_a_slow_body_is_answered_408_and_closed(gateway, upstream):                             # C02
    g = gateway({"limits": {"body_timeout": "400ms"}})
    c = g.warm()
    c.send(head(g, JSON_TYPE, "Content-Length: 100000"))
    drip(c, b"{" + b" " * 1000)
    status, reply = first_status(c)
    assert status == 408
    assert_ours(reply, "request_timeout")
    c.wait_end()
    upstream.assert_no_call()


def test_a_silent_connection_is_closed(gateway):                                                # C03
    g = gateway({"limits": {"header_timeout": "200ms"}})
    g.connect().wait_end(LONG)


def test_an_idle_connection_is_closed_silently(gateway):                                        # C04
    g = gateway({"limits": {"idle_timeout": "1s"}})
    c = g.warm()
    assert c.read_to_end(LONG) == b""


@pytest.mark.parametrize("part", [b"GET /heal", b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n", b"\r\n" * 5000],
                         ids=["target", "headers", "newlines"])
def test_a_connection_that_ends_inside_a_head_is_closed_at_once(gateway, part):                 # C05
    g = gateway({"limits": PATIENT})
    c = g.warm()
    c.send(part)
    g.settle()
    c.half_close()
    c.wait_end()
    c = g.warm()
    c.send(part)              # the bytes and the end in one turn of the loop
    c.half_close()
    c.wait_end()


def test_a_request_has_a_total_deadline(gateway, upstream):
    g = gateway({"limits": {"total_timeout": "1s"}})
    c = g.warm().chat(question())
    call = upstream.next_call()
    reply = c.reply()
    assert reply.status == 504
    assert_ours(reply, "upstream_timeout")
    call.wait_hang_up(LONG)


# ---- size

@pytest.fixture(scope="module")
def narrow(stand):
    """A standing gateway with a body limit of 64 KiB."""
    return stand("narrow", {"limits": {"body": "64KiB", "body_timeout": "2s"}})


LIMIT = 64 * 1024


def sized(n):
    base = len(json.dumps(question("")))
    return json.dumps(question("x" * (n - base))).encode()


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_a_body_of_exactly_the_limit_is_served(narrow, chunked):                                # C12
    g, upstream = narrow
    assert g.ask("POST", "/v1/chat/completions", sized(LIMIT), chunked=chunked).status == 200
    assert len(upstream.calls[-1].body) == LIMIT


@pytest.mark.parametrize("length", [LIMIT + 1, 10**12, 2**63 - 1])
def test_a_body_beyond_the_limit_is_refused_before_it_is_read(narrow, length):                  # C12 C28
    g, _ = narrow
    with Calm(narrow):
        c = g.warm()
        c.send(head(g, JSON_TYPE, f"Content-Length: {length}"))
        status, reply = first_status(c)
        assert status == 413
        assert_ours(reply, "request_too_large")
        assert reply.header("connection").lower() == "close"
        c.wait_end()


def test_an_endless_chunked_body_is_refused(narrow):                                            # C12
    g, _ = narrow
    before = g.resident()
    with Calm(narrow):
        c = g.warm()
        c.send(head(g, JSON_TYPE, "Transfer-Encoding: chunked"))
        for _ in range(4096):
            if not c.try_send(b"2000\r\n" + b" " * 8192 + b"\r\n"):
                break
        else:
            status, reply = first_status(c)
            assert status == 413
    if SLOW < 3:
        assert g.resident() - before < 8 * 2**20


def test_a_body_that_grows_past_the_limit_is_answered_413(narrow):                              # C12
    g, _ = narrow
    with Calm(narrow):
        c = g.warm()
        c.send(head(g, JSON_TYPE, "Transfer-Encoding: chunked"))
        c.send(b"%x\r\n%s\r\n" % (LIMIT + 1, b" " * (LIMIT + 1)))
        status, reply = first_status(c)
        assert status == 413
        assert_ours(reply, "request_too_large")


# ---- JSON

def nested(depth):
    return b'{"model":"%s","messages":[{"role":"user","content":"x"}],"zz":%s1%s}' % (
        MINI.encode(), b"[" * (depth - 1), b"]" * (depth - 1))


def test_nesting_is_allowed_up_to_the_limit(standing):                                          # C13
    g, _ = standing
    assert g.chat(nested(64)).status == 200


@pytest.mark.parametrize("depth", [65, 1_000_000])
def test_nesting_beyond_the_limit_is_refused(standing, depth):                                  # C13
    g, _ = standing
    with Calm(standing):
        reply = g.chat(nested(depth))
        assert reply.status == 400
        assert_ours(reply, "invalid_json")


def with_text(raw):
    return b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"' + raw + b'"}]}'


BAD_JSON = {
    "invalid_utf8": with_text(b"\xff\xfe"), "cut_utf8": with_text(b"\xe2\x82"), "overlong": with_text(b"\xc0\xaf"),
    "overlong_nul": with_text(b"\xc0\x80"), "utf8_surrogate": with_text(b"\xed\xa0\x80"),
    "beyond_unicode": with_text(b"\xf4\x90\x80\x80"), "lone_surrogate": with_text(b"\\ud83e"),
    "reversed_surrogates": with_text(b"\\udd8a\\ud83e"), "escaped_nul": with_text(b"\\u0000"),
    "raw_nul": with_text(b"a\x00b"), "raw_newline": with_text(b"a\nb"), "bad_escape": with_text(b"\\x41"),
    "bom": b"\xef\xbb\xbf" + with_text(b"x"), "trailing": with_text(b"x") + b"x", "two": with_text(b"x") * 2,
    "trailing_nul": with_text(b"x") + b"\x00", "empty": b"", "blank": b"  \n", "null": b"null", "array": b"[]",
    "string": b'"x"', "number": b"1", "cut": with_text(b"x")[:-1], "single_quotes": b"{'model':'x'}",
    "comment": b'{"model":"gpt-4o-mini"/*x*/,"messages":[]}', "trailing_comma": b'{"model":"gpt-4o-mini",}',
    "nan": b'{"model":"gpt-4o-mini","messages":[],"temperature":NaN}',
    "infinity": b'{"model":"gpt-4o-mini","messages":[],"temperature":-Infinity}',
    "leading_zero": b'{"model":"gpt-4o-mini","messages":[],"n":01}',
    "plus": b'{"model":"gpt-4o-mini","messages":[],"n":+1}', "bare_dot": b'{"model":"gpt-4o-mini","messages":[],"n":1.}',
    "hex": b'{"model":"gpt-4o-mini","messages":[],"n":0x1}',
}


@pytest.mark.parametrize("name", BAD_JSON)
def test_broken_json_is_refused_without_quoting_it(standing, name):                             # C14 C17
    g, _ = standing
    with Calm(standing):
        reply = g.chat(BAD_JSON[name])
        assert reply.status == 400, reply.body
        error = assert_ours(reply, "invalid_json")
        assert "role" not in error["message"] and "user" not in error["message"]


@pytest.mark.parametrize("raw", [
    b'{"model":"gpt-4o-mini","model":"gpt-4o","messages":[{"role":"user","content":"x"}]}',
    b'{"model":"gpt-4o-mini","mod\\u0065l":"gpt-4o","messages":[{"role":"user","content":"x"}]}',
    b'{"model":"gpt-4o-mini","messages":[{"role":"user","role":"system","content":"x"}]}',
    b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"x"}],"zz":{"a":{"b":1,"b":1}}}',
], ids=["top", "escaped", "nested", "unknown_field"])
def test_duplicate_keys_are_refused(standing, raw):                                             # C15
    g, _ = standing
    with Calm(standing):
        reply = g.chat(raw)
        assert reply.status == 400
        assert_ours(reply, "duplicate_key")


def test_unknown_fields_pass_but_a_field_in_other_letters_is_another_field(standing):           # C16
    g, upstream = standing
    body = {**question("fields"), "Model": 1, "brand_new": {"a": [None, True]}}
    assert g.chat(body).status == 200 and upstream.calls[-1].json() == body
    with Calm(standing):
        reply = g.chat({"Model": MINI, "messages": question()["messages"]})
        assert reply.status == 400
        assert_ours(reply, param="model")


@pytest.mark.parametrize("field,value", [
    ("max_tokens", "9223372036854775808"), ("max_tokens", "1e400"), ("max_tokens", "1.0"), ("max_tokens", '"5"'),
    ("max_tokens", "1.5"), ("max_tokens", "9" * 1_000_000), ("max_tokens", "1e2"), ("n", "1.0"), ("n", '"1"'),
    ("n", "18446744073709551617"), ("seed", '"1"'), ("temperature", '"hot"'), ("temperature", "1e400"),
    ("top_p", "[]"),
])
def test_numbers_out_of_kind_are_refused_with_their_field(standing, field, value):              # C18
    g, _ = standing
    with Calm(standing):
        reply = g.chat(b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"x"}],"%s":%s}' % (
            field.encode(), value.encode()))
        assert reply.status == 400
        error = assert_ours(reply)
        assert error["code"] in ("invalid_type", "invalid_value", "invalid_json")
        assert error["code"] == "invalid_json" or error["param"] == field


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize("value", [-1, 0, 2**31, -2**63])
def test_output_limits_out_of_range_are_refused(standing, field, value):                        # C19
    g, _ = standing
    with Calm(standing):
        reply = g.chat(question(**{field: value}))
        assert reply.status == 400
        assert_ours(reply, "invalid_value", field)


def test_two_output_limits_must_agree(standing):                                                # C19
    g, _ = standing
    assert g.chat(question("agree", max_tokens=5, max_completion_tokens=5)).status == 200
    with Calm(standing):
        reply = g.chat(question(max_tokens=5, max_completion_tokens=6))
        assert reply.status == 400
        assert_ours(reply, "invalid_value")


@pytest.mark.parametrize("value,good", [(1, True), (4, True), (5, False), (0, False), (-1, False), (129, False),
                                        (10**9, False)])
def test_choices_are_limited(standing, value, good):                                            # C20
    g, _ = standing
    if good:
        assert g.chat(question(f"n={value}", n=value)).status == 200
    else:
        with Calm(standing):
            reply = g.chat(question(n=value))
            assert reply.status == 400
            assert_ours(reply, "invalid_value", "n")


KINDS = {"null": None, "bool": True, "integer": 1, "fraction": 1.5, "string": "x", "array": [], "object": {},
         "nested": [{}]}
FIELDS = {
    "model": {"string"}, "messages": set(), "temperature": {"null", "integer", "fraction"},
    "top_p": {"null", "integer", "fraction"}, "n": {"null", "integer"}, "max_tokens": {"null", "integer"},
    "max_completion_tokens": {"null", "integer"}, "stream": {"null", "bool"}, "stream_options": {"null", "object"},
}
PARSED = [f for f in FIELDS]


@pytest.mark.parametrize("field", PARSED)
@pytest.mark.parametrize("kind", KINDS)
def test_every_field_has_its_type(standing, field, kind):                                       # C21
    g, _ = standing
    body = {**question(f"{field} {kind}"), field: KINDS[kind]}
    if field == "stream_options" and kind != "null":
        body["stream"] = True
    if kind in FIELDS[field] or field == "model" and kind == "string":
        reply = g.chat(body)
        assert reply.status != 400 or reply.error["code"] != "invalid_type", reply.body
        return
    with Calm(standing):
        reply = g.chat(body)
        assert reply.status == 400, reply.body
        error = assert_ours(reply)
        assert error["param"].split(".")[0].split("[")[0] == field
        assert error["code"] in ("invalid_type", "invalid_value", "missing_required_parameter")


@pytest.mark.parametrize("path,body,param", [
    ("/v1/chat/completions", {"messages": question()["messages"]}, "model"),
    ("/v1/chat/completions", {"model": MINI}, "messages"),
    ("/v1/chat/completions", {"model": MINI, "messages": []}, "messages"),
    ("/v1/chat/completions", {"model": "", "messages": question()["messages"]}, "model"),
    ("/v1/chat/completions", {"model": MINI, "messages": ["x"]}, "messages"),
    ("/v1/embeddings", {"model": "text-embedding-3-small"}, "input"),
    ("/v1/embeddings", {"input": "x"}, "model"),
    ("/v1/responses", {"input": "x"}, "model"),
])
def test_a_missing_field_is_named(standing, path, body, param):                                 # C21
    g, _ = standing
    with Calm(standing):
        reply = g.ask("POST", path, body)
        assert reply.status == 400, reply.body
        error = assert_ours(reply)
        assert error["param"].split("[")[0].split(".")[0] == param


def test_pictures_are_normal_traffic(standing):                                                 # C23
    g, upstream = standing
    body = question([{"type": "text", "text": "what is it?"},
                     {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}}])
    assert g.chat(body).status == 200 and upstream.calls[-1].json() == body


# ---- types, methods, paths

@pytest.mark.parametrize("line", [
    "Content-Type: text/plain", "Content-Type: multipart/form-data; boundary=x",
    "Content-Type: application/x-www-form-urlencoded", "Content-Type: application/json; charset=utf-16",
    "Content-Type: application/jsonx", "X-No-Type: 1", "Content-Type: application/json\r\nContent-Encoding: gzip",
])
def test_other_content_types_are_refused(standing, line):                                       # C24
    g, _ = standing
    with Calm(standing):
        c = g.warm()
        c.send(head(g, line, f"Content-Length: {len(BODY)}") + BODY)
        status, reply = first_status(c)
        assert status == 415
        assert_ours(reply, "unsupported_media_type")


@pytest.mark.parametrize("line", ["Content-Type: application/json; charset=UTF-8", "content-type:application/json",
                                  "Content-Type: Application/JSON;charset=\"utf-8\""])
def test_spellings_of_json_are_welcome(standing, line):                                         # C24
    g, _ = standing
    body = json.dumps(question(line)).encode()
    c = g.warm()
    c.send(head(g, line, f"Content-Length: {len(body)}") + body)
    assert first_status(c)[0] == 200


@pytest.mark.parametrize("method,target,status", [
    ("GET", "/v1/chat/completions", {405}), ("PUT", "/v1/chat/completions", {405}), ("DELETE", "/v1/embeddings", {405}),
    ("PATCH", "/v1/responses", {405}), ("POST", "/v1/models", {405}), ("POST", "/healthz", {405}),
    ("DELETE", "/metrics", {405}), ("get", "/v1/models", {400, 405, 501}), ("TRACE", "/v1/models", {400, 405, 501}),
    ("FOO", "/v1/models", {400, 405, 501}), ("CONNECT", "127.0.0.1:443", {400, 404, 405, 501}),
])
def test_other_methods_are_refused(standing, method, target, status):                           # C25
    g, _ = standing
    with Calm(standing):
        c = g.warm()
        c.method = method
        c.send(head(g, "Content-Length: 0", method=method, target=target))
        found, reply = first_status(c)
        assert found in status
        if found == 405:
            assert_ours(reply, "method_not_allowed")
            assert reply.header("allow")


PATHS = ["/", "/v1", "/v1/", "/v1/chat", "/v1/chat/completions/", "//v1/chat/completions", "/v1//chat/completions",
         "/v1/chat/completions%00", "/v1/chat%2fcompletions", "/v1/%63hat/completions", "/v1/..%2fadmin",
         "/v1/chat/completions;x", "/v1/../v1/chat/completions", "/V1/chat/completions", "/v1/chat/completions/x",
         "/farthing/../v1/chat/completions", "/v1/files/../chat/completions", "/v1/files/%2e%2e/chat/completions",
         "/v1/files/..%2f..%2fadmin", "/v1/fine_tuning", "/v1/fine_tuning/models", "/v1/models/%2e%2e%2fhealthz",
         "/v1/chat/completions\x7f", "/v1/chat/compl\xe9tions", "/admin", "/.git/config"]


@pytest.mark.parametrize("path", PATHS)
def test_other_paths_are_refused(standing, path):                                               # C26
    g, _ = standing
    with Calm(standing):
        c = g.warm()
        c.send(head(g, JSON_TYPE, f"Content-Length: {len(BODY)}", target=path) + BODY)
        status, reply = first_status(c)
        assert status in (400, 404, 405), path
        if status != 400:
            assert_ours(reply)


def test_an_absolute_target_is_refused(standing):                                               # C26
    g, _ = standing
    with Calm(standing):
        c = g.warm()
        c.send(head(g, JSON_TYPE, f"Content-Length: {len(BODY)}", target="http://evil.com/v1/chat/completions") + BODY)
        assert first_status(c)[0] in (400, 404, 421)


# ---- framing

def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


FRAMING = {
    "length_and_chunked": ([f"Content-Length: {len(BODY)}", "Transfer-Encoding: chunked"],
                           chunk(BODY) + b"0\r\n\r\n" + SMUGGLED),
    "chunked_and_length": (["Transfer-Encoding: chunked", "Content-Length: 4"], chunk(BODY) + b"0\r\n\r\n" + SMUGGLED),
    "chunked_twice": (["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
                      chunk(BODY) + b"0\r\n\r\n" + SMUGGLED),
    "identity_then_chunked": (["Transfer-Encoding: identity", "Transfer-Encoding: chunked"],
                              chunk(BODY) + b"0\r\n\r\n" + SMUGGLED),
    "chunked_list": (["Transfer-Encoding: gzip, chunked"], chunk(BODY) + b"0\r\n\r\n" + SMUGGLED),
    "xchunked": (["Transfer-Encoding: xchunked"], chunk(BODY) + b"0\r\n\r\n" + SMUGGLED),
    "gzip": (["Transfer-Encoding: gzip"], chunk(BODY) + b"0\r\n\r\n" + SMUGGLED),
    "empty_encoding": (["Transfer-Encoding: "], chunk(BODY) + b"0\r\n\r\n" + SMUGGLED),
    "space_before_colon": (["Transfer-Encoding : chunked", f"Content-Length: {len(BODY)}"], BODY + SMUGGLED),
    "obs_fold": (["Transfer-Encoding:", " chunked", f"Content-Length: {len(BODY)}"], BODY + SMUGGLED),
    "two_lengths": ([f"Content-Length: {len(BODY)}", "Content-Length: 5"], BODY + SMUGGLED),
    "two_equal_lengths": ([f"Content-Length: {len(BODY)}", f"Content-Length: {len(BODY)}"], BODY + SMUGGLED),
    "length_list": ([f"Content-Length: {len(BODY)}, {len(BODY)}"], BODY + SMUGGLED),
    "plus_length": ([f"Content-Length: +{len(BODY)}"], BODY + SMUGGLED),
    "negative_length": (["Content-Length: -1"], BODY + SMUGGLED),
    "hex_length": (["Content-Length: 0x5"], BODY + SMUGGLED),
    "empty_length": (["Content-Length: "], BODY + SMUGGLED),
    "fraction_length": (["Content-Length: 5.0"], BODY + SMUGGLED),
    "spaced_length": (["Content-Length: 5 5"], BODY + SMUGGLED),
    "length_2_64_less_1": (["Content-Length: 18446744073709551615"], BODY + SMUGGLED),
    "length_2_64": (["Content-Length: 18446744073709551616"], BODY + SMUGGLED),
    "length_2_70": (["Content-Length: 1180591620717411303424"], BODY + SMUGGLED),
}


@pytest.mark.parametrize("name", FRAMING)
def test_ambiguous_framing_is_refused_and_smuggles_nothing(standing, name):                     # C27 C28
    g, _ = standing
    lines, rest = FRAMING[name]
    logged = len(g.entries("closed"))
    with Calm(standing):
        c = g.warm()
        c.send(head(g, JSON_TYPE, *lines) + rest)
        c.timeout = LONG
        answer = c.read_to_end(LONG)
        statuses = [int(line.split(b" ")[1]) for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
        # libmicrohttpd 0.9.75 writes the head of its own error page twice; it is one refusal all the same.
        assert len(set(statuses)) <= 1 and set(statuses) <= {400, 411, 413, 501}, answer
    g.settle()
    assert "smuggled" not in g.log
    assert all(e.get("model") != "smuggled" for e in g.entries("closed")[logged:])


def test_chunked_coding_on_http_1_0_is_refused(standing):                                       # C27
    g, _ = standing
    with Calm(standing):
        c = g.warm()
        c.send(head(g, JSON_TYPE, "Transfer-Encoding: chunked").replace(b"HTTP/1.1", b"HTTP/1.0") + chunk(BODY)
               + b"0\r\n\r\n" + SMUGGLED)
        answer = c.read_to_end(LONG)
        assert answer.count(b"HTTP/1.1 ") <= 1 and b" 200 " not in answer[:20]


CHUNKS = {
    "negative": b"-5\r\nhello\r\n0\r\n\r\n", "hex_prefix": b"0x5\r\nhello\r\n0\r\n\r\n",
    "seventeen_f": b"F" * 17 + b"\r\nhello\r\n", "sixteen_f": b"F" * 16 + b"\r\nhello\r\n",
    "no_size": b"\r\nhello\r\n0\r\n\r\n", "word": b"zz\r\nhello\r\n0\r\n\r\n", "space": b" 5\r\nhello\r\n0\r\n\r\n",
    "bad_end": b"5\r\nhelloXX0\r\n\r\n", "too_short": b"3\r\nhello\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("name", CHUNKS)
def test_broken_chunks_are_refused(narrow, name):                                               # C29
    g, _ = narrow
    with Calm(narrow):
        c = g.warm()
        c.send(head(g, JSON_TYPE, "Transfer-Encoding: chunked") + CHUNKS[name])
        c.half_close()
        answer = c.read_to_end(LONG)
        # A size that overflows its counter makes libmicrohttpd 0.9.75 wait for more: then the body's deadline ends it.
        assert not answer or int(answer.split(b" ")[1]) in (400, 408, 413), answer


def test_many_tiny_chunks_are_read_in_good_time(standing):                                      # C29
    g, upstream = standing
    body = json.dumps(question("y" * 100_000)).encode()
    raw = b"".join(b"1\r\n%c\r\n" % b for b in body) + b"0\r\n\r\n"
    before = g.cpu()
    c = g.warm()
    c.send(head(g, JSON_TYPE, "Transfer-Encoding: chunked") + raw)
    assert first_status(c, LONG * 3)[0] == 200
    assert upstream.calls[-1].body == body
    assert g.cpu() - before < 1 * SLOW


def test_trailers_are_ignored(standing):                                                        # C29
    g, upstream = standing
    c = g.warm()
    body = json.dumps(question("trailers")).encode()
    c.send(head(g, JSON_TYPE, "Transfer-Encoding: chunked", "Authorization: Bearer sk-first") + chunk(body) +
           b"0\r\nAuthorization: Bearer sk-second\r\nHost: evil.com\r\nContent-Length: 3\r\n\r\n")
    assert first_status(c)[0] == 200
    assert upstream.calls[-1].body == body


# ---- header lines

@pytest.mark.parametrize("lines", [
    ["Na me: 1"], ["X-A : 1"], ["no colon at all"], [": empty name"],
    ["X-\xe9: 1"], ["X_A\x01: 1"], ["X(A): 1"],
], ids=["space_in_name", "space_before_colon", "no_colon", "empty_name", "eight_bit_name",
        "control_in_name", "separator_in_name"])
def test_malformed_header_lines_are_refused(standing, lines):                                   # C30
    g, _ = standing
    with Calm(standing):
        c = g.warm()
        c.send(head(g, *lines, JSON_TYPE, f"Content-Length: {len(BODY)}") + BODY)
        status, _ = first_status(c)
        assert status is CLOSED or 400 <= status < 500, status


@pytest.mark.parametrize("raw", [b"X-A: a\x00b\r\n", b"X-A: a\rb\r\n", b"X\x00A: b\r\n", b"X-A: 1\r\n folded\r\n",
                                 b"X-A: 1\r\n\tfolded\r\n"], ids=["nul", "bare_cr", "nul_name", "fold", "tab_fold"])
def test_nul_bare_cr_and_folds_harm_nobody(standing, raw):                                      # C30
    """libmicrohttpd 0.9.75 cuts a value at NUL, drops a bare CR and unfolds lines: the request may be served, but
    only as one."""
    g, upstream = standing
    body = json.dumps(question(f"nul {raw!r}")).encode()
    c = g.warm()
    c.send(head(g, JSON_TYPE, f"Content-Length: {len(body)}")[:-2] + raw + b"\r\n" + body)
    status, reply = first_status(c)
    assert status in (CLOSED, 200, 400)
    assert g.chat(question(f"after {raw!r}")).status == 200


@pytest.mark.parametrize("lines,statuses", [
    ([], (CLOSED, 400)), (["Host: 127.0.0.1", "Host: 127.0.0.1"], (400,)), (["Host: evil.com"], (421,)),
    (["Host: a?b"], (400, 421)), (["Host: 127.0.0.1:1@evil.com"], (400, 421)), (["Host: "], (400, 421)),
    (["Host: 127.0.0.1.evil.com"], (421,)), (["Host: localhost.evil.com:80"], (421,)),
])
def test_hosts_that_are_not_ours_are_refused(standing, lines, statuses):                        # C31
    g, _ = standing
    with Calm(standing):
        c = g.warm()
        c.send(head(g, *lines, JSON_TYPE, f"Content-Length: {len(BODY)}", host=False) + BODY)
        status, reply = first_status(c)
        assert status in statuses
        if status == 421:
            assert_ours(reply, "misdirected_request")


@pytest.mark.parametrize("host", ["127.0.0.1:PORT", "localhost:PORT", "LocalHost:PORT", "127.0.0.1", "localhost"])
def test_names_of_this_machine_are_welcome(standing, host):                                     # C31
    g, _ = standing
    assert g.ask("GET", "/healthz", headers={"Host": host.replace("PORT", str(g.port))}).status == 200


def test_a_further_host_can_be_configured(gateway):                                             # C31
    g = gateway({"hosts": ["llm.example.org"]})
    assert g.ask("GET", "/healthz", headers={"Host": "llm.example.org"}).status == 200
    assert g.ask("GET", "/v1/models", headers={"Host": "other.example.org"}).status == 421


@pytest.mark.parametrize("origin", ["http://evil.com", "null", "https://127.0.0.1.evil.com"])
def test_pages_of_other_origins_are_refused(standing, origin):                                  # C24 C31
    g, _ = standing
    with Calm(standing):
        reply = g.chat(question(), {"Origin": origin})
        assert reply.status == 403
        assert_ours(reply)


def test_a_page_of_this_machine_is_welcome(standing):
    g, _ = standing
    assert g.chat(question("own origin"), {"Origin": f"http://127.0.0.1:{g.port}"}).status == 200


@pytest.mark.parametrize("lines", [
    ["Authorization: Bearer sk-a", "Authorization: Bearer sk-b"],
    ["Authorization: Bearer sk-a", "Authorization: Bearer sk-a"],
    ["Authorization: Bearer sk-a", "x-api-key: sk-b"], ["x-api-key: sk-a", "x-api-key: sk-b"],
])
def test_two_credentials_are_one_too_many(standing, lines):                                     # C32
    g, _ = standing
    with Calm(standing):
        c = g.warm()
        c.send(head(g, *lines, JSON_TYPE, f"Content-Length: {len(BODY)}") + BODY)
        status, reply = first_status(c)
        assert status == 400
        error = assert_ours(reply, "ambiguous_credentials")
        assert "sk-a" not in error["message"]
    assert "sk-a" not in g.log


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "bearer sk-lower", "Basic dXNlcjpwYXNz", "Bearer  two",
                                   "Bearer " + "k" * 9000])
def test_odd_credentials_do_no_harm(standing, value):                                           # C32
    g, _ = standing
    reply = g.chat(question(f"credential {len(value)} {value[:9]}"), {"Authorization": value})
    assert reply.status in (200, 400, 401, 431)
    assert "sk-lower" not in g.log and "dXNlcjpwYXNz" not in g.log and "kkkkkkkk" not in g.log


@pytest.mark.parametrize("what,statuses", [
    ("headers", (CLOSED, 400, 413, 431)), ("many", (CLOSED, 400, 413, 431)), ("target", (CLOSED, 400, 404, 414, 431)),
])
def test_oversized_heads_are_refused(standing, what, statuses):                                 # C33
    g, _ = standing
    lines = {"headers": ["X-Big: " + "x" * 20_000], "many": [f"X-{i}: 1" for i in range(2000)], "target": []}[what]
    target = "/v1/models/" + "x" * 20_000 if what == "target" else "/v1/models"
    with Calm(standing):
        c = g.warm()
        c.try_send(head(g, *lines, method="GET", target=target))
        assert first_status(c)[0] in statuses


# ---- one after another

def test_pipelined_requests_are_answered_in_order(gateway, upstream):                           # C34
    g = gateway()
    upstream.answer = lambda call: call.reply(200, completion(call.json()["messages"][0]["content"]))
    c = g.warm()
    c.send(b"".join(c.request("POST", "/v1/chat/completions", question(f"number {i}")) for i in range(3)))
    replies = [c.reply() for _ in range(3)]
    assert [r.json()["choices"][0]["message"]["content"] for r in replies] == [f"number {i}" for i in range(3)]
    assert len({r.request_id for r in replies}) == 3
    assert len(g.stop().requests()) == 3


def test_a_request_pipelined_behind_a_stream_waits_its_turn(gateway, upstream):                 # C34
    g = gateway()
    c = g.warm()
    c.send(c.request("POST", "/v1/chat/completions", question(stream=True))
           + c.request("GET", "/v1/models") + c.request("POST", "/v1/chat/completions", question("behind")))
    call = upstream.next_call()
    call.stream_head()
    events = plain_stream()
    call.chunk(events[0])
    reply = c.head()
    reply.stream.expect(events[0])
    upstream.assert_no_call()
    for e in events[1:]:
        call.chunk(e)
    call.end()
    assert reply.body.endswith(b"data: [DONE]\n\n")
    assert c.reply().json()["object"] == "list"
    upstream.next_call().reply(200, completion("behind"))
    assert c.reply().json()["choices"][0]["message"]["content"] == "behind"


def test_expect_100_continue_is_honoured(standing):                                             # C35
    g, _ = standing
    body = json.dumps(question("continue")).encode()
    c = g.warm()
    c.send(head(g, JSON_TYPE, f"Content-Length: {len(body)}", "Expect: 100-continue"))
    assert c.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 100")
    c.send(body)
    assert first_status(c)[0] == 200


@pytest.mark.parametrize("lines,status", [
    (["Content-Type: text/plain", "Content-Length: 10"], 415), ([JSON_TYPE, "Content-Length: 1000000000000"], 413),
])
def test_a_body_that_would_be_refused_is_not_invited(standing, lines, status):                  # C35
    g, _ = standing
    c = g.warm()
    c.send(head(g, *lines, "Expect: 100-continue"))
    assert c.read_until(b"\r\n").startswith(b"HTTP/1.1 %d" % status)


def test_an_unknown_expectation_is_ignored_or_refused(standing):                                # C35
    g, _ = standing
    body = json.dumps(question("expect more")).encode()
    c = g.warm()
    c.send(head(g, JSON_TYPE, f"Content-Length: {len(body)}", "Expect: the-unexpected") + body)
    assert first_status(c)[0] in (200, 417)


@pytest.mark.parametrize("name", ["tls", "http2", "garbage", "http09", "http3", "newlines"])
def test_other_protocols_are_turned_away(standing, name):                                       # C36
    g, _ = standing
    if name == "tls":
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()
        raw = outgoing.read()
    else:
        raw = {"http2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00" * 40, "http09": b"GET /v1/models\r\n\r\n",
               "garbage": random.Random(1).randbytes(3000) + b"\r\n\r\n", "http3": b"GET / HTTP/3.0\r\n\r\n",
               "newlines": b"\r\n" * 5000}[name]
    with Calm(standing):
        c = g.warm()
        c.try_send(raw)
        try:
            c.half_close()
        except OSError:
            pass
        answer = c.read_to_end(LONG)
        assert b" 200 " not in answer.split(b"\r\n")[0]


# ---- crowds

def test_connections_of_one_address_are_limited(gateway):                                       # C37
    g = gateway({"limits": {"per_loopback": 8}})
    held = [g.warm() for _ in range(8)]
    c = g.connect()
    c.try_send(c.request("GET", "/healthz"))
    assert first_status(c)[0] in (CLOSED, 429, 503)
    for h in held:
        assert h.ask("GET", "/healthz").reply().status == 200
    for h in held:
        h.close()
    g2 = None
    for _ in range(100):
        g2 = g.connect()
        g2.try_send(g2.request("GET", "/healthz"))
        if first_status(g2)[0] == 200:
            break
    else:
        raise AssertionError("places were not given back")


def test_requests_in_flight_are_limited(gateway, upstream):                                     # C39
    g = gateway({"limits": {"concurrent": 4}})
    held = [g.warm().chat(question(f"{i}")) for i in range(4)]
    calls = [upstream.next_call() for _ in held]
    reply = g.chat(question("one too many"))
    assert reply.status == 429
    assert_ours(reply, "rate_limit_exceeded")
    assert 1 <= int(reply.header("retry-after")) <= 2
    upstream.assert_no_call()
    assert g.ask("GET", "/healthz").status == 200
    for call in calls:
        call.reply(200, completion())
    assert [c.reply().status for c in held] == [200] * 4
    upstream.answer = lambda call: call.reply(200, completion())
    assert g.chat(question("room again")).status == 200
    assert [r["status"] for r in g.stop().requests()].count(429) == 1


def test_running_out_of_descriptors_is_survived_without_spinning(gateway, upstream):            # C38
    g = gateway(preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (160, 160)))
    upstream.answer = lambda call: call.reply(200, completion())
    assert g.chat(question("before")).status == 200
    crowd = []
    for _ in range(400):
        c = Client(g.port)
        crowd.append(c)
    used = g.cpu()
    threading.Event().wait(1)          # the measure: what one second of a full house costs
    assert g.cpu() - used < 0.2 * SLOW
    for c in crowd:
        c.reset()
    statuses = [first_status(Client(g.port).chat(question(f"after {i}")))[0] for i in range(5)]
    assert statuses[-1] == 200, statuses


# ---- words in the log

@pytest.mark.parametrize("task", ["x\x1b[31mred", "%n%s%d", "a" * 5000, 'quote" why="served', "caf\xe9"])
def test_foreign_words_do_not_forge_the_log(standing, task):                                    # C50
    g, _ = standing
    reply = g.chat(question(f"task {task[:20]!r}"), {"x-farthing-task": task})
    assert reply.status in (200, 400, 431)
    if reply.status == 200:
        line = g.wait_closed(reply.request_id)
        assert line["why"] == "served" and line["status"] == "200"
    assert "\x1b" not in g.log and "a" * 300 not in g.log


def test_a_model_name_does_not_forge_the_log(standing):                                         # C50
    g, _ = standing
    before = len(g.entries("closed"))
    evil = 'x\n2026-01-01T00:00:00.000Z info closed request=forged status=200\x1b[2J" ' + "y" * 5000
    reply = g.chat(question(model=evil))
    assert reply.status in (400, 404)
    g.wait_ends(before + 1)
    assert not [e for e in g.entries("closed") if e.get("request") == "forged"]
    assert "\x1b" not in g.log and "y" * 300 not in g.log


def test_listening_beyond_loopback_without_keys_is_refused(gateway):
    g = gateway({"listen": "0.0.0.0:0"}, start=False)
    g.launch()
    assert g.wait_exit() != 0
    assert "listening" not in [e.get("verb") for e in g.entries()]
    assert g.log.strip(), "it must say why"
    g.ended_well = True
    assert os.path.exists(g.config_path)
