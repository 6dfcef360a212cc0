"""What passes through: bodies, headers, paths, keys and models.

SPDX-License-Identifier: Apache-2.0
"""
import json

import pytest

from farthing.wording import MINI, completion, cost, plain_stream, question, usage

EMBEDDING = {"object": "list", "model": "text-embedding-3-small",
             "data": [{"object": "embedding", "index": 0, "embedding": "AACAPwAAAEA="}],
             "usage": {"prompt_tokens": 4, "total_tokens": 4}}
TEXT = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": MINI, "usage": usage(),
        "choices": [{"text": "x", "index": 0, "finish_reason": "stop", "logprobs": None}]}
RESPONSE = {"id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": MINI,
            "output": [{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                        "content": [{"type": "output_text", "text": "x", "annotations": []}]}],
            "usage": {"input_tokens": 5, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 3,
                      "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 8}}
ENDPOINTS = [
    ("/v1/chat/completions", question(), completion(), "chat", (11, 7)),
    ("/v1/completions", {"model": MINI, "prompt": "x"}, TEXT, "completions", (11, 7)),
    ("/v1/embeddings", {"model": "text-embedding-3-small", "input": "x"}, EMBEDDING, "embeddings", (4, 0)),
    ("/v1/responses", {"model": MINI, "input": "x"}, RESPONSE, "responses", (5, 3)),
]


@pytest.mark.parametrize("path,body,answer,endpoint,tokens", ENDPOINTS, ids=[e[3] for e in ENDPOINTS])
def test_an_answer_passes_byte_for_byte_and_is_booked(gateway, upstream, path, body, answer, endpoint, tokens):
    g = gateway()
    text = json.dumps(answer, indent=3).encode() + b"\n"
    upstream.answer = lambda call: call.reply(200, text)

    reply = g.ask("POST", path, body)

    assert reply.status == 200 and reply.body == text
    assert reply.header("content-type") == "application/json"
    assert reply.header("cache-control") == "no-store"
    assert reply.header("x-farthing-cache") == "miss"
    assert upstream.calls[0].target == path and upstream.calls[0].method == "POST"
    row = g.stop().only()
    assert row["id"] == reply.request_id
    assert (row["endpoint"], row["status"], row["cache"], row["basis"]) == (endpoint, 200, "miss", "exact")
    assert (row["model_asked"], row["model_served"], row["upstream"]) == (body["model"], body["model"], "sim")
    assert (row["input_tokens"], row["output_tokens"]) == tokens
    assert row["error_code"] in ("", None) and row["why"] == "served" and row["attempts"] == 1
    assert row["bytes_out"] == len(text) and row["bytes_in"] == len(json.dumps(body))
    assert 0 <= row["first_byte_us"] <= row["total_us"]
    [attempt] = g.books().attempts()
    assert (attempt["request_id"], attempt["number"], attempt["outcome"]) == (reply.request_id, 1, "ok")


def test_cost_is_booked_in_pico_dollars_with_the_cached_input_at_its_own_price(gateway, upstream):
    g = gateway()
    upstream.answer = lambda call: call.reply(200, completion(usage=usage(1000, 50, cached=600, reasoning=20)))
    reply = g.chat(question())
    assert reply.status == 200
    row = g.stop().only()
    assert (row["input_tokens"], row["cached_input_tokens"], row["output_tokens"], row["reasoning_tokens"]) == \
        (1000, 600, 50, 20)
    assert row["cost_pico"] == cost(1000, 50, 600) == 135_000_000
    assert g.books().attempts()[0]["cost_pico"] == 135_000_000


def test_a_price_in_the_configuration_wins(gateway, upstream):
    g = gateway({"models": {MINI: {"input_usd": 1.000001, "cached_input_usd": 0.5, "output_usd": 2}}})
    upstream.answer = lambda call: call.reply(200, completion(usage=usage(3, 2, cached=1)))
    g.chat(question())
    assert g.stop().only()["cost_pico"] == 2 * 1_000_001 + 500_000 + 2 * 2_000_000


def test_what_the_client_sent_reaches_the_provider_as_it_stood(standing):
    g, upstream = standing
    raw = ('{ "messages" : [ {"role":"user","content":"caf\\u00e9 \\ud83e\\udd8a € 🦊 \\n"} ],\n\t"temperature":0.7,'
           '"top_p":1.0e0, "zz_new_field":{"b":1,"a":[1,2.50,1E+3,-0.0]}, "model" :"gpt-4o-mini","seed":9007199254740993,'
           '"logit_bias":{"50256":-100},"stop":null }').encode()
    reply = g.chat(raw)
    assert reply.status == 200, reply.body
    assert upstream.calls[-1].body == raw
    assert upstream.calls[-1].header("content-length") == str(len(raw))


def test_a_chunked_request_body_reaches_the_provider_whole(standing):
    g, upstream = standing
    raw = json.dumps(question("chunked, please")).encode()
    c = g.connect()
    c.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json; charset=utf-8"
           b"\r\nTransfer-Encoding: chunked\r\n\r\n" % g.port)
    for i in range(0, len(raw), 7):
        c.send(b"%x\r\n%s\r\n" % (len(raw[i:i + 7]), raw[i:i + 7]))
    c.send(b"0\r\n\r\n")
    assert c.reply().status == 200
    assert upstream.calls[-1].body == raw


def pairs(text):
    return json.loads(text, object_pairs_hook=list)


@pytest.mark.parametrize("options,expected", [
    (None, [("include_usage", True)]),
    ({"include_obfuscation": False}, [("include_obfuscation", False), ("include_usage", True)]),
    ({"include_usage": False}, [("include_usage", True)]),
    ({"include_usage": True, "x": 1}, [("include_usage", True), ("x", 1)]),
])
def test_a_stream_is_asked_for_usage_and_nothing_else_is_touched(gateway, upstream, options, expected):
    g = gateway()
    upstream.answer = lambda call: call.stream(plain_stream())
    body = {"stream": True, "temperature": 0.7, **question(), "zz": [1.50]}
    if options is not None:
        body = {"stream_options": options, **body}
    assert g.chat(body).status == 200
    found = dict(pairs(upstream.calls[0].body))
    assert sorted(found.pop("stream_options")) == sorted(expected)
    assert list(found.items()) == [p for p in pairs(json.dumps(body)) if p[0] != "stream_options"]
    assert b"1.5]" in upstream.calls[0].body and b"0.7" in upstream.calls[0].body


def test_a_model_is_renamed_on_its_way_and_only_the_model(gateway, upstream):
    g = gateway({"models": {"house-model": {"upstream": "sim", "as": "gpt-4o-mini-2024-07-18", "input_usd": 1,
                                            "output_usd": 2}}})
    upstream.answer = lambda call: call.reply(200, completion(model="gpt-4o-mini-2024-07-18"))
    raw = b'{"messages":[{"role":"user","content":"model house-model"}],  "model": "house-model" ,"temperature":0.70}'
    reply = g.chat(raw)
    assert reply.status == 200
    assert upstream.calls[0].body == raw.replace(b'"house-model" ', b'"gpt-4o-mini-2024-07-18" ')
    row = g.stop().only()
    assert row["model_asked"] == "house-model" and row["cost_pico"] == 11 * 1_000_000 + 7 * 2_000_000


def test_the_providers_key_replaces_the_clients_and_never_comes_back(standing):
    g, upstream = standing
    for name, value in (("Authorization", "Bearer sk-of-the-client"), ("x-api-key", "sk-of-the-client")):
        reply = g.chat(question(name), {name: value, "Cookie": "a=sk-of-the-client"})
        assert reply.status == 200
        call = upstream.calls[-1]
        assert call.header("authorization") == "Bearer sk-upstream-secret"
        assert "sk-of-the-client" not in call.head_in.raw.decode("latin-1")
        assert b"sk-upstream" not in reply.head.raw + reply.body
    assert "sk-" not in g.log


def test_the_provider_is_asked_for_plain_bytes_at_its_own_host(standing):
    g, upstream = standing
    assert g.chat(question("plain"), {"Accept-Encoding": "gzip, br", "X-Forwarded-For": "6.6.6.6"}).status == 200
    call = upstream.calls[-1]
    assert call.header("host") == f"127.0.0.1:{upstream.port}"
    assert (call.header("accept-encoding") or "identity") == "identity"
    assert call.header("content-type") == "application/json" and call.header("expect") is None


def test_only_listed_reply_headers_pass(gateway, upstream):                                   # U32
    g = gateway()
    upstream.answer = lambda call: call.reply(200, completion(), [
        ("x-ratelimit-remaining-requests", "41"), ("x-ratelimit-reset-tokens", "6ms"), ("openai-processing-ms", "17"),
        ("openai-version", "2020-10-01"), ("Set-Cookie", "sid=1"), ("Server", "cloud"), ("X-Internal", "secret"),
        ("Connection", "X-Internal"), ("x-request-id", "req_of_the_provider"), ("Access-Control-Allow-Origin", "*"),
        ("Location", "http://elsewhere/"), ("Strict-Transport-Security", "max-age=1"), ("Cache-Control", "public")])
    reply = g.chat(question())
    assert reply.status == 200
    assert reply.header("x-ratelimit-remaining-requests") == "41"
    assert reply.header("x-ratelimit-reset-tokens") == "6ms"
    assert reply.header("openai-processing-ms") == "17" and reply.header("openai-version") == "2020-10-01"
    for name in ("set-cookie", "x-internal", "location", "access-control-allow-origin", "strict-transport-security"):
        assert reply.header(name) is None, name
    assert reply.header("server") != "cloud" and reply.header("cache-control") == "no-store"
    assert reply.request_id and reply.request_id != "req_of_the_provider"


def test_every_reply_has_an_id_of_its_own(standing):
    g, _ = standing
    c = g.connect()
    ids = [c.chat(question(f"{i}")).reply().request_id for i in range(5)]
    ids.append(g.ask("GET", "/v1/models").request_id)
    ids.append(g.ask("GET", "/v1/nowhere").request_id)
    ids.append(g.chat(b"{").request_id)
    assert all(ids) and len(set(ids)) == len(ids)


def test_models_are_listed_with_auto(gateway):
    g = gateway({"models": {"house/model-x": {"upstream": "sim", "input_usd": 1, "output_usd": 1}}})
    found = g.ask("GET", "/v1/models").json()
    assert found["object"] == "list"
    ids = [m["id"] for m in found["data"]]
    assert {"gpt-4o-mini", "gpt-4o", "house/model-x", "auto"} <= set(ids) and len(ids) == len(set(ids))
    for m in found["data"]:
        assert m["object"] == "model" and isinstance(m["created"], int) and isinstance(m["owned_by"], str)

    for path, name in (("gpt-4o", "gpt-4o"), ("house%2Fmodel-x", "house/model-x"), ("house%2fmodel-x", "house/model-x"),
                       ("house/model-x", "house/model-x")):
        reply = g.ask("GET", f"/v1/models/{path}")
        assert reply.status == 200 and reply.json()["id"] == name and reply.json()["object"] == "model", path
    reply = g.ask("GET", "/v1/models/no-such-model")
    assert reply.status == 404 and reply.error["code"] == "model_not_found"


def test_alive_and_ready(standing):
    g, upstream = standing
    before = len(upstream.calls)
    assert g.ask("GET", "/healthz").status == 200
    assert g.ask("GET", "/readyz").status == 200
    assert len(upstream.calls) == before


MULTIPART = (b'--bo+und\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nfine-tune\r\n--bo+und\r\n'
             b'Content-Disposition: form-data; name="file"; filename="\xc3\xa4.jsonl"\r\nContent-Type: '
             b'application/octet-stream\r\n\r\n{"a":1}\n\x00\xff\xfe\r\n\r\n--bo+und--\r\n')
FILE = {"id": "file-1", "object": "file", "bytes": 11, "created_at": 1, "filename": "ä.jsonl", "purpose": "fine-tune"}


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_an_uploaded_file_is_forwarded_byte_for_byte(gateway, upstream, chunked):
    g = gateway()
    upstream.answer = lambda call: call.reply(200, FILE)
    reply = g.ask("POST", "/v1/files", MULTIPART, {"Content-Type": 'multipart/form-data; boundary="bo+und"'},
                  chunked=chunked)
    assert reply.status == 200 and reply.json() == FILE
    [call] = upstream.calls
    assert call.body == MULTIPART and call.target == "/v1/files"
    assert call.header("content-type") == 'multipart/form-data; boundary="bo+und"'
    assert call.header("authorization") == "Bearer sk-upstream-secret"
    row = g.stop().only()
    assert (row["endpoint"], row["status"]) == ("files", 200)


@pytest.mark.parametrize("method,target,body,endpoint", [
    ("GET", "/v1/files?purpose=fine-tune&limit=2", None, "files"),
    ("GET", "/v1/files/file-1", None, "files"),
    ("DELETE", "/v1/files/file-1", None, "files"),
    ("POST", "/v1/fine_tuning/jobs", {"model": MINI, "training_file": "file-1"}, "fine_tuning"),
    ("GET", "/v1/fine_tuning/jobs?limit=1", None, "fine_tuning"),
    ("GET", "/v1/fine_tuning/jobs/ftjob-1/events?after=x&limit=2", None, "fine_tuning"),
    ("POST", "/v1/fine_tuning/jobs/ftjob-1/cancel", None, "fine_tuning"),
    ("POST", "/v1/batches", {"input_file_id": "file-1", "endpoint": "/v1/chat/completions",
                             "completion_window": "24h"}, "batches"),
    ("GET", "/v1/batches/batch_1", None, "batches"),
    ("POST", "/v1/batches/batch_1/cancel", None, "batches"),
])
def test_files_jobs_and_batches_are_forwarded(gateway, upstream, method, target, body, endpoint):
    g = gateway()
    upstream.answer = lambda call: call.reply(200, {"id": "x", "object": "y"})
    reply = g.ask(method, target, body)
    assert reply.status == 200 and reply.json() == {"id": "x", "object": "y"}
    [call] = upstream.calls
    assert (call.method, call.target) == (method, target)
    assert call.body == (json.dumps(body).encode() if body else b"")
    assert g.stop().only()["endpoint"] == endpoint


def test_a_files_content_passes_as_the_bytes_it_is(gateway, upstream):
    g = gateway()
    content = bytes(range(256)) * 300
    upstream.answer = lambda call: call.reply(200, content, content_type="application/octet-stream")
    reply = g.ask("GET", "/v1/files/file-1/content")
    assert reply.status == 200 and reply.body == content
    assert reply.header("content-type") == "application/octet-stream"


@pytest.mark.parametrize("method,path", [
    ("POST", "/v1/moderations"), ("POST", "/v1/audio/speech"), ("POST", "/v1/images/generations"),
    ("GET", "/v1/responses/resp_1"), ("GET", "/v1/organization/usage/completions"), ("POST", "/v1/assistants"),
])
def test_paths_without_a_price_rule_are_refused(standing, method, path):
    g, upstream = standing
    before = len(upstream.calls)
    reply = g.ask(method, path, {"model": MINI} if method == "POST" else None)
    assert reply.status in (403, 404) and reply.error["code"]
    assert len(upstream.calls) == before


def test_an_unknown_model_is_refused_and_asks_nobody(standing):                                # C22
    g, upstream = standing
    before = len(upstream.calls)
    reply = g.chat(question(model="gpt-17-nano"))
    assert reply.status == 404 and reply.error["code"] == "model_not_found" and reply.error["param"] == "model"
    assert len(upstream.calls) == before


def test_many_requests_share_one_connection_to_the_provider(standing):
    g, upstream = standing
    c = g.connect()
    c.chat(question("warm")).reply()
    links = len(upstream.links)
    for i in range(20):
        assert c.chat(question(f"again {i}")).reply().status == 200
    assert len(upstream.links) == links


def test_a_large_body_passes_whole_in_both_directions(gateway, upstream):
    g = gateway()
    text = "ä" * 1_500_000
    answer = json.dumps(completion(text), ensure_ascii=False).encode()
    upstream.answer = lambda call: call.reply(200, answer)
    body = json.dumps(question(text), ensure_ascii=False).encode()
    reply = g.chat(body)
    assert reply.status == 200 and reply.body == answer
    assert upstream.calls[0].body == body
