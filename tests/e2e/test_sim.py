"""farthing-sim itself, from a plain socket and urllib: what it says, what it counts, and how it breaks when asked.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.join(os.environ.get("FARTHING_BIN_DIR", os.path.join(HERE, "..", "..", "build", "dev")), "farthing-sim")
PATIENCE = 20


def fnv(text):
    h = 0x811C9DC5
    for b in text.encode():
        h = (h ^ b) * 0x01000193 & 0xFFFFFFFF
    return f"{h:08x}"


def until(ready, what):
    deadline, tick = time.monotonic() + PATIENCE, threading.Event()
    while not (got := ready()):
        assert time.monotonic() < deadline, f"waited too long for {what}"
        tick.wait(0.005)
    return got


class Simulator:
    def __init__(self, directory, *args):
        port_file = os.path.join(str(directory), "port")
        self.process = subprocess.Popen([PROGRAM, "--port", "0", "--port-file", port_file, "--quiet", *args])
        until(lambda: os.path.exists(port_file) or self.process.poll() is not None, "the port file")
        assert self.process.poll() is None, "farthing-sim did not start"
        with open(port_file, encoding="ascii") as f:
            self.port = int(f.read())

    def request(self, path, body=None, method=None, headers=None):
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        r = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers or {}, method=method)
        try:
            with urllib.request.urlopen(r, timeout=PATIENCE) as reply:
                return reply.status, dict(reply.headers), reply.read()
        except urllib.error.HTTPError as e:
            return e.code, dict(e.headers), e.read()

    def json(self, *args, **more):
        return json.loads(self.request(*args, **more)[2])

    def chat(self, text, model="gpt-4o-mini", **more):
        return self.request("/v1/chat/completions", question(text, model, **more))

    def answer(self, text, model="gpt-4o-mini", **more):
        return json.loads(self.chat(text, model, **more)[2])["choices"][0]["message"]["content"]

    def stats(self):
        return self.json("/sim/stats")

    def raw(self, text, **more):
        """Sends a chat request on a socket of its own and returns the socket."""
        s = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
        body = json.dumps(question(text, **more)).encode()
        s.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        return s

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0


def question(text, model="gpt-4o-mini", **more):
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


def everything(s):
    """All bytes until the end, and whether the end was a reset."""
    got = b""
    try:
        while part := s.recv(65536):
            got += part
    except ConnectionResetError:
        return got, True
    return got, False


def events(stream):
    return [e[6:] for e in stream.decode().split("\n\n") if e.startswith("data: ")]


@pytest.fixture(name="make")
def make_simulators(tmp_path):
    made = []

    def make(*args):
        directory = tmp_path / str(len(made))
        directory.mkdir()
        made.append(Simulator(directory, *args))
        return made[-1]
    yield make
    for s in made:
        s.stop()


@pytest.fixture(name="sim")
def one_simulator(make):
    return make()


def test_an_answer_carries_the_mark_of_its_question_and_is_the_same_each_time(sim):
    for text in ("Write a product title for: steel bottle", "Größe?", ""):
        first = sim.answer(text)
        assert first.startswith(f"[{fnv(text)}] ") and first == sim.answer(text)
    assert sim.answer("Plan a strategy", "gpt-4o") != sim.answer("Plan a strategy")
    assert len(sim.answer("Plan a strategy", "gpt-4o")) > 2 * len(sim.answer("Plan a strategy"))


def test_a_stream_says_what_the_whole_reply_says_and_counts_its_pieces(sim):
    whole = json.loads(sim.chat("hello")[2])
    status, headers, body = sim.chat("hello", stream=True, stream_options={"include_usage": True})
    seen = events(body)
    chunks = [json.loads(e) for e in seen[:-1]]
    assert status == 200 and headers["content-type"].startswith("text/event-stream") and seen[-1] == "[DONE]"
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    said = [c["choices"][0]["delta"]["content"] for c in chunks[1:-2]]
    assert "".join(said) == whole["choices"][0]["message"]["content"]
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop" and chunks[-1]["choices"] == []
    assert all(c["usage"] is None for c in chunks[:-1])
    assert chunks[-1]["usage"] == whole["usage"] and whole["usage"]["completion_tokens"] == len(said)
    assert len({c["id"] for c in chunks}) == 1


def test_the_bill_is_the_sum_of_what_the_replies_stated(sim):
    pico = 0
    for i, (model, cost_in, cost_out) in enumerate([("gpt-4o-mini", 150000, 600000), ("gpt-4o", 2500000, 10000000)] * 3):
        usage = json.loads(sim.chat(f"question {i}", model)[2])["usage"]
        pico += usage["prompt_tokens"] * cost_in + usage["completion_tokens"] * cost_out
    stats = sim.stats()
    assert stats["billed_picousd"] == pico and stats["requests"] == 6 == stats["endpoints"]["chat"]["requests"]
    assert abs(stats["billed_usd"] - pico / 1e12) < 1e-9
    assert sim.json("/sim/reset", method="POST") == {"reset": True} and sim.stats()["requests"] == 0


def test_a_fine_tuned_model_costs_what_its_family_does(sim):
    usage = json.loads(sim.chat("hello", "ft:gpt-4o-mini-2024-07-18:acme::abc123")[2])["usage"]
    assert sim.stats()["billed_picousd"] == usage["prompt_tokens"] * 300000 + usage["completion_tokens"] * 1200000


@pytest.mark.parametrize("words,stream,stated", [
    ("", False, True), ("", True, True), ("reset", False, False), ("truncate", False, False), ("truncate", True, False),
    ("no-usage", False, False), ("no-usage", True, False), ("garbage", False, False), ("usage:negative", True, False),
    ("usage:every", True, True), ("no-done", True, True), ("error-event", True, False), ("close-delimited", False, True),
    ("bad-chunk", False, False), ("split:7", False, True)])
def test_the_bill_says_what_of_it_was_not_stated(make, tmp_path, words, stream, stated):
    sim = make("--bill", str(tmp_path / "bill.csv"))
    text = f"hello [[{words}]]" if words else "hello"
    s = sim.raw(text, **({"stream": True, "stream_options": {"include_usage": True}} if stream else {}))
    stats = until(lambda: (d := sim.stats())["billed_requests"] == 1 and d, "the bill")
    assert stats["unstated_requests"] == (not stated)
    s.close()
    assert stats["unstated_picousd"] == (0 if stated else stats["billed_picousd"]) and stats["billed_picousd"] > 0
    sim.stop()
    with open(tmp_path / "bill.csv", encoding="ascii") as f:
        line = f.read().splitlines()[1].split(",")
    assert line[:3] == ["chat", "gpt-4o-mini", fnv(text)] and line[-1] == str(int(stated))
    assert int(line[-2]) == stats["billed_picousd"]


def test_a_stream_that_was_not_asked_for_usage_states_none(sim):
    sim.chat("hello", stream=True)
    assert sim.stats()["unstated_requests"] == 1


def test_a_long_prefix_is_cached_the_second_time(sim):
    text = "water bottle " * 1000
    first = json.loads(sim.chat(text + "one")[2])["usage"]
    second = json.loads(sim.chat(text + "two")[2])["usage"]
    assert first["prompt_tokens_details"]["cached_tokens"] == 0
    cached = second["prompt_tokens_details"]["cached_tokens"]
    assert 1024 <= cached <= second["prompt_tokens"] and cached % 128 == 0


def test_the_cheap_model_is_wrong_on_its_share_of_hard_questions_and_the_dear_one_never(sim):
    sums = [(a, b) for a in range(11, 31) for b in range(3, 8)]
    def right(model):
        return [f" {a * b + 5}." in sim.answer(f"What is {a}*{b}+5?", model) for a, b in sums]
    mini = right("gpt-4o-mini")
    assert all(right("gpt-4o")) and mini == right("gpt-4o-mini")
    assert 40 <= mini.count(False) <= 80
    assert sim.answer("[[hard]] riddle", "gpt-4o").endswith(f"KEY-{fnv('[[hard]] riddle')}")


def test_limits_stops_and_choices(sim):
    d = json.loads(sim.chat("hello", max_tokens=3, n=2)[2])
    assert [c["finish_reason"] for c in d["choices"]] == ["length"] * 2 and d["usage"]["completion_tokens"] == 6
    assert sim.answer("hello", stop=["]"]) == f"[{fnv('hello')}"
    assert json.loads(sim.chat("[[tokens:500]]")[2])["usage"]["completion_tokens"] == 500


def test_errors_have_the_providers_shape(make):
    sim = make("--api-key", "right")
    key = {"Authorization": "Bearer right"}
    cases = [({"Authorization": "Bearer wrong"}, question("x"), 401, "invalid_api_key"), (key, b"{", 400, None),
             (key, question("x", "claude"), 404, "model_not_found"), (key, {"model": "gpt-4o"}, 400, "missing_required_parameter")]
    for headers, body, status, code in cases:
        got, reply_headers, text = sim.request("/v1/chat/completions", body, headers=headers)
        error = json.loads(text)["error"]
        assert (got, error["code"]) == (status, code) and set(error) == {"message", "type", "param", "code"}
        assert reply_headers["content-type"] == "application/json" and reply_headers["x-request-id"].startswith("req_")
    assert sim.stats()["billed_picousd"] == 0


def test_status_faults_and_their_headers(sim):
    status, headers, body = sim.chat("[[status:429 retry-after:7 retry-after-ms:70]]")
    assert (status, headers["retry-after"], headers["retry-after-ms"]) == (429, "7", "70")
    assert json.loads(body)["error"]["code"] == "rate_limit_exceeded"
    assert sim.chat("[[status:502 body:html]]")[2].startswith(b"<html>")
    assert sim.chat("[[status:503 body:empty]]")[2] == b""
    assert [sim.chat("[[times:2 status:500]]")[0] for _ in range(4)] == [500, 500, 200, 200]
    assert [sim.chat("[[status:500 once]]")[0] for _ in range(2)] == [500, 200]
    assert [sim.chat("[[once]]", stream=s)[0] for s in (False, True)] == [200, 200]


def test_a_plan_breaks_the_requests_it_names(make, tmp_path):
    plan = tmp_path / "plan"
    plan.write_text("# two of them\nPOST /v1/chat/completions 2-3 status:503\n* /v1/models* 1 status:500\n")
    sim = make("--plan", str(plan))
    assert [sim.chat("x")[0] for _ in range(4)] == [200, 503, 503, 200]
    assert [sim.request("/v1/models/gpt-4o")[0] for _ in range(2)] == [500, 200]


def test_a_reset_before_the_headers(sim):
    got, reset = everything(sim.raw("[[reset]]"))
    assert reset and got == b""


def test_a_reset_after_three_events(sim):
    got, reset = everything(sim.raw("[[reset-after:3]]", stream=True))
    assert reset and got.count(b"data: ") == 3


def test_truncated_replies_announce_more_than_they_hold(sim):
    got, reset = everything(sim.raw("[[truncate]] hello"))
    head, body = got.split(b"\r\n\r\n", 1)
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    assert not reset and 0 < len(body) < length
    got, reset = everything(sim.raw("[[truncate]] hello", stream=True))
    assert not reset and b"[DONE]" not in got and not got.endswith(b"0\r\n\r\n") and got.count(b"data: ") > 2


@pytest.mark.parametrize("word, gone", [("no-done", "[DONE]"), ("no-usage", '"prompt_tokens"'), ("no-finish", '"stop"')])
def test_streams_lack_what_a_fault_takes_away(sim, word, gone):
    more = {"stream": True, "stream_options": {"include_usage": True}}
    assert gone in sim.chat("hello", **more)[2].decode()
    assert gone not in sim.chat(f"hello [[{word}]]", **more)[2].decode()


def test_other_spellings_carry_the_same_events(sim):
    plain = sim.chat("hello", stream=True)[2]
    for word in ("split:1", "split:7", "close-delimited", "interim:2"):
        got, reset = everything(sim.raw(f"hello [[{word} close]]", stream=True))
        assert not reset and got.count(b"data: ") > 3 and b"data: [DONE]\n\n" in got
        assert got.count(b"HTTP/1.1 103") == (2 if word == "interim:2" else 0)
        assert (b"transfer-encoding: chunked" in got) == (word != "close-delimited")
    crlf = sim.chat("hello [[crlf comments]]", stream=True)[2]
    assert crlf.count(b"\r\n\r\n: keep-alive") > 3 and crlf.replace(b"\r\n", b"").find(b"\n") == -1
    assert b"data:{" in sim.chat("hello [[no-space]]", stream=True)[2] and b"data:{" not in plain
    assert "error" in events(sim.chat("hello [[error-event]]", stream=True)[2])[-1]


def test_a_client_that_leaves_is_counted_and_pays_for_what_was_said(make):
    sim = make("--tokens-per-second", "50")
    s = sim.raw("[[tokens:100000]]", stream=True)
    got = b""
    while got.count(b"data: ") < 6:
        got += s.recv(65536)
    assert sim.stats()["in_flight"] == 1
    s.close()
    stats = until(lambda: (d := sim.stats())["aborted"] and d, "the hang-up")
    assert stats["aborted"] == 1 and stats["in_flight"] == 0 and 5 <= stats["completion_tokens"] < 500
    sim.raw("[[hang]]").close()
    until(lambda: sim.stats()["aborted"] == 2, "the second hang-up")


def test_latency_and_speed_take_their_time(make):
    sim = make("--latency", "200ms", "--tokens-per-second", "100")
    start = time.monotonic()
    sim.chat("[[tokens:20]]")
    whole = time.monotonic() - start
    start = time.monotonic()
    sim.chat("[[tokens:20]]", stream=True)
    streamed = time.monotonic() - start
    assert whole >= 0.39 and streamed >= 0.38


def test_tools_and_schemas(sim):
    parameters = {"type": "object", "properties": {"city": {"type": "string"}, "n": {"type": "integer"}}}
    tools = [{"type": "function", "function": {"name": "weather", "parameters": parameters}}]
    choice = json.loads(sim.chat("x", tools=tools, tool_choice="required")[2])["choices"][0]
    call = choice["message"]["tool_calls"][0]
    assert choice["finish_reason"] == "tool_calls" and call["function"]["name"] == "weather"
    assert set(json.loads(call["function"]["arguments"])) == {"city", "n"}
    assert "tool_calls" not in json.loads(sim.chat("x", tools=tools)[2])["choices"][0]["message"]
    assert "tool_calls" in json.loads(sim.chat("ask weather", tools=tools)[2])["choices"][0]["message"]
    schema = {"type": "json_schema", "json_schema": {"name": "s", "schema": parameters}}
    assert set(json.loads(sim.answer("x", response_format=schema))) == {"city", "n"}


def test_embeddings_are_unit_vectors_and_alike_for_like_texts(sim):
    def embed(**more):
        return sim.json("/v1/embeddings", {"model": "text-embedding-3-small", **more})
    d = embed(input=["steel water bottle", "water bottle of steel", "annual tax report"], dimensions=256)
    a, b, c = (e["embedding"] for e in d["data"])
    dot = lambda x, y: sum(i * j for i, j in zip(x, y))
    assert abs(dot(a, a) - 1) < 1e-5 and dot(a, b) > dot(a, c) and len(a) == 256
    assert d["usage"] == {"prompt_tokens": 10, "total_tokens": 10}
    assert isinstance(embed(input=[1, 2], encoding_format="base64")["data"][0]["embedding"], str)


def test_what_arrived_can_be_read_back_byte_for_byte(sim):
    body = b'{ "model":"gpt-4o-mini","temperature":0.70,"messages":[{"role":"user","content":"\\u00e9"}]}'
    s = socket.create_connection(("127.0.0.1", sim.port), PATIENCE)
    s.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nX-Odd: 1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
              + b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n")
    assert everything(s)[0].startswith(b"HTTP/1.1 200")
    seen = sim.json("/sim/requests?last=1")["data"][0]
    assert seen["body"].encode() == body and "X-Odd: 1" in seen["head"] and seen["path"] == "/v1/chat/completions"


def test_pipelined_requests_and_the_invitation_to_go_on(sim):
    s = socket.create_connection(("127.0.0.1", sim.port), PATIENCE)
    s.sendall(b"GET /healthz HTTP/1.1\r\n\r\n" * 3 + b"POST /v1/chat/completions HTTP/1.1\r\nExpect: 100-continue\r\n"
              b"Content-Length: 2\r\nConnection: close\r\n\r\n")
    got = b""
    while b"100 Continue" not in got:
        got += s.recv(65536)
    s.sendall(b"{}")
    got += everything(s)[0]
    assert got.count(b"HTTP/1.1 200 OK") == 3 and got.count(b"HTTP/1.1 400") == 1


def form(content, purpose):
    return (b'--X\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n' + purpose
            + b'\r\n--X\r\nContent-Disposition: form-data; name="file"; filename="f.jsonl"\r\n\r\n' + content + b"\r\n--X--\r\n")


def test_a_batch_carries_out_every_line_at_half_the_price(make):
    sim = make("--job-time", "50ms")
    lines = [json.dumps({"custom_id": str(i), "method": "POST", "url": "/v1/chat/completions",
                         "body": question(f"q{i}", "gpt-4o-mini" if i else "nobody")}) for i in range(3)]
    file = sim.json("/v1/files", form("\n".join(lines).encode(), b"batch"),
                    headers={"Content-Type": "multipart/form-data; boundary=X"})
    batch = sim.json("/v1/batches", {"input_file_id": file["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"})
    batch = until(lambda: (b := sim.json("/v1/batches/" + batch["id"]))["status"] == "completed" and b, "the batch")
    assert batch["request_counts"] == {"total": 3, "completed": 2, "failed": 1}
    out = [json.loads(l) for l in sim.request(f"/v1/files/{batch['output_file_id']}/content")[2].splitlines()]
    assert [o["custom_id"] for o in out] == ["1", "2"] and out[0]["response"]["status_code"] == 200
    usage = [o["response"]["body"]["usage"] for o in out]
    pico = sum(u["prompt_tokens"] * 150000 + u["completion_tokens"] * 600000 for u in usage)
    assert sim.stats()["billed_picousd"] == pico // 2


def test_a_fine_tuning_job_makes_a_model(make):
    sim = make("--job-time", "50ms")
    def job_of(examples):
        file = sim.json("/v1/files", form(b'{"messages":[]}\n' * examples, b"fine-tune"),
                        headers={"Content-Type": "multipart/form-data; boundary=X"})
        job = sim.json("/v1/fine_tuning/jobs", {"model": "gpt-4o-mini", "training_file": file["id"], "suffix": "shop"})
        return until(lambda: (j := sim.json("/v1/fine_tuning/jobs/" + job["id"]))["finished_at"] and j, "the job")
    good, bad = job_of(10), job_of(9)
    assert good["status"] == "succeeded" and good["fine_tuned_model"].startswith("ft:gpt-4o-mini:sim-org:shop:")
    assert bad["status"] == "failed" and bad["error"]["code"] == "invalid_training_file"
    assert good["fine_tuned_model"] in {m["id"] for m in sim.json("/v1/models")["data"]}
    assert sim.answer("hi", good["fine_tuned_model"])


def test_a_response_stream_has_every_event_in_order_and_number(sim):
    body = {"model": "gpt-4o-mini", "input": "hello", "stream": True}
    seen = [json.loads(e) for e in events(sim.request("/v1/responses", body)[2].replace(b"event: ", b"").replace(
        b"\ndata: ", b"\n\ndata: "))]
    kinds = [e["type"].removeprefix("response.") for e in seen]
    said = "".join(e["delta"] for e in seen if e["type"] == "response.output_text.delta")
    assert [e["sequence_number"] for e in seen] == list(range(len(seen)))
    assert [k for k in kinds if k != "output_text.delta"] == [
        "created", "in_progress", "output_item.added", "content_part.added", "output_text.done", "content_part.done",
        "output_item.done", "completed"]
    last = seen[-1]["response"]
    assert last["output"][0]["content"][0]["text"] == said and last["usage"]["output_tokens"] == kinds.count("output_text.delta")
    assert sim.json("/v1/responses/" + last["id"])["output"] == last["output"]
    assert sim.json("/v1/responses/" + last["id"], method="DELETE")["deleted"] is True
    assert sim.request("/v1/responses/" + last["id"])[0] == 404
