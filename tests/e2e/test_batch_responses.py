"""Requests of the Responses API that travel together: one call of theirs, an ordinary response for each, and never with a chat.

SPDX-License-Identifier: Apache-2.0
"""
import json
import threading

import pytest

from farthing.money import pico
from farthing.patience import LONG
from farthing.together import LONG_RULES, Envelope, batching, listing, mark, title
from farthing.wording import INPUT_PICO, MINI, OUTPUT_PICO, completion, events_of

TASK = [("x-farthing-task", "titles")]
SCHEMA = {"type": "object", "additionalProperties": False, "required": ["title", "words"],
          "properties": {"title": {"type": "string"}, "words": {"type": "integer"}}}
FORM = {"format": {"type": "json_schema", "name": "product", "strict": True, "schema": SCHEMA}}


def boards(g, text, /, headers=TASK, **more):
    """A client that asks and stays. The gateway has read its request when this returns."""
    c = g.warm().ask("POST", "/v1/responses", listing(text, **more), headers)
    g.settle()
    return c


def spoken(text, status="completed", prompt=500, output=90, parts=None, **more):
    """A provider's response."""
    said = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {"id": "resp_1", "object": "response", "created_at": 1700000000, "status": status, "error": None, "incomplete_details": None,
            "model": MINI, "output": [{"id": "rs_1", "type": "reasoning", "summary": []},
                                      {"id": "msg_1", "type": "message", "status": status, "role": "assistant", "content": parts or [said]}],
            "parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "usage": {
                "input_tokens": prompt, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": output,
                "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": prompt + output}, **more}


def own(text):
    return f"Answer to {text}"


def serve(call, change=None, **more):
    """Answers a call as it should be; change(parts) may spoil the list of (id, answer)."""
    body = call.json()
    e = Envelope.read(body)
    if e is None:
        asked = body["input"]
        text = asked if isinstance(asked, str) else asked[-1]["content"][0]["text"]
        call.reply(200, spoken(own(text), prompt=60, output=12))
        return None
    parts = [(i, own(t)) for i, t in zip(e.ids, e.texts)]
    call.reply(200, spoken(e.content(change(parts) if change else parts), **more))
    return e


def said(reply):
    assert reply.status == 200, reply.body
    return text_of(reply.json())


def text_of(response):
    assert response["object"] == "response" and response["status"] == "completed" and response["error"] is None
    [item] = [i for i in response["output"] if i["type"] == "message"]
    [part] = item["content"]
    assert (item["role"], item["status"], part["type"]) == ("assistant", "completed", "output_text")
    return part["text"]


def spoken_in(body):
    """(text, the last response, all events) of a stream, each event where it belongs."""
    events = events_of(body)
    kinds = [e["type"].removeprefix("response.") for e in events]
    assert kinds[:4] == ["created", "in_progress", "output_item.added", "content_part.added"], kinds
    assert kinds[-4:] == ["output_text.done", "content_part.done", "output_item.done", "completed"], kinds
    assert set(kinds[4:-4]) == {"output_text.delta"}
    assert [e["sequence_number"] for e in events] == list(range(len(events)))
    text = "".join(e["delta"] for e in events if e["type"] == "response.output_text.delta")
    last = events[-1]["response"]
    assert text == text_of(last) and {e["response"]["id"] for e in events if "response" in e} == {last["id"]}
    assert [bool(e["response"]["usage"]) for e in events if "response" in e] == [False, False, True]
    return text, last, events


def shares(books, envelopes=1):
    """The batch rows; the attempts of each sum to it in every count."""
    rows = books.query("SELECT * FROM batches ORDER BY at_us")
    assert len(rows) == envelopes, rows
    for row in rows:
        parts = [a for a in books.attempts() if a["batch"] == row["id"]]
        assert row["members"] == len(parts)
        for count in ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens", "cost_pico"):
            assert sum(p[count] or 0 for p in parts) == row[count], (count, row, parts)
    assert books.spent() == sum(a["cost_pico"] or 0 for a in books.attempts()) == sum(r["cost_pico"] or 0 for r in books.requests())
    return rows


# ---- a batch

@pytest.mark.parametrize("earlier", [None, [], [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]],
                         ids=["a text", "a list", "a conversation"])
def test_a_full_batch_leaves_as_one_call_and_everybody_gets_their_own(gateway, upstream, earlier):
    g = gateway(batching(size=3))
    texts = ("red mug", "blue mug", "green mug")
    clients = [boards(g, t, earlier=earlier, metadata={"row": t}) for t in texts[:2]]
    upstream.assert_no_call()
    clients.append(boards(g, texts[2], earlier=earlier, metadata={"row": texts[2]}))
    call = upstream.next_call()
    body, alone = call.json(), listing("?", earlier=earlier)
    assert call.path == "/v1/responses" and "messages" not in body and "metadata" not in body and not body.get("stream")
    assert (body["store"], body["instructions"], body["model"]) == (False, LONG_RULES, MINI)
    assert body["max_output_tokens"] >= 3 * alone["max_output_tokens"], "the sum of the members', and room for the frame"
    if earlier is None:
        assert isinstance(body["input"], str)
    else:
        assert body["input"][:-1] == earlier and body["input"][-1]["content"][0]["type"] == "input_text"
    e = serve(call)
    assert sorted(e.texts) == sorted(f"Title for: {t}" for t in texts)
    replies = [c.reply() for c in clients]
    for t, r in zip(texts, replies):
        found = r.json()
        assert said(r) == own(f"Title for: {t}") and found["model"] == MINI
        assert (found["max_output_tokens"], found["instructions"], found["metadata"]) == (40, LONG_RULES, {"row": t}), "its own, not the call's"
        assert found["text"] == {"format": {"type": "text"}} and found["tools"] == [] and found["store"] is False
        assert len(found["output"]) == 1, "what the provider said beside the message was said to all"
    assert sorted(r.header("x-farthing-batch") for r in replies) == ["1/3", "2/3", "3/3"]
    ids = {r.json()["id"] for r in replies}
    assert len(ids) == 3 and all(i.startswith("resp_") for i in ids) and "resp_1" not in ids
    assert len({r.json()["output"][0]["id"] for r in replies}) == 3
    found = [r.json()["usage"] for r in replies]
    assert sum(u["input_tokens"] for u in found) == 500 and sum(u["output_tokens"] for u in found) == 90
    assert all(u["total_tokens"] == u["input_tokens"] + u["output_tokens"] and u["input_tokens"] and u["output_tokens"] for u in found)
    assert all("cached_tokens" in u["input_tokens_details"] and "reasoning_tokens" in u["output_tokens_details"] for u in found)
    cost = 500 * INPUT_PICO + 90 * OUTPUT_PICO
    assert sum(pico(r.header("x-farthing-cost-usd")) for r in replies) == cost
    upstream.assert_no_call()
    books = g.stop()
    [row] = shares(books)
    assert (row["members"], row["answered"], row["cost_pico"]) == (3, 3, cost)
    for r in books.requests():
        assert (r["batch_size"], r["basis"], r["status"], r["endpoint"]) == (3, "exact", 200, "responses")


def test_a_streaming_member_gets_its_part_as_a_stream(gateway, upstream):
    g = gateway(batching(size=2))
    streamed, whole = boards(g, "red mug", stream=True), boards(g, "blue mug")
    serve(upstream.next_call())
    reply = streamed.reply()
    assert reply.header("content-type").startswith("text/event-stream") and reply.header("x-farthing-batch") == "1/2"
    text, last, _ = spoken_in(reply.body)
    assert text == own("Title for: red mug") and last["max_output_tokens"] == 40
    assert said(whole.reply()) == own("Title for: blue mug")
    books = g.stop()
    shares(books)
    [row] = [r for r in books.requests() if r["id"] == reply.request_id]
    assert (row["input_tokens"], row["output_tokens"]) == (last["usage"]["input_tokens"], last["usage"]["output_tokens"])
    assert last["usage"]["cost_usd"] > 0


def test_a_schema_stands_inside_and_each_answer_is_kept_to_it(gateway, upstream):
    g = gateway(batching(size=3))
    text = {"verbosity": "low", **FORM}
    clients = {t: boards(g, t, text=text) for t in "abc"}
    call = upstream.next_call()
    e, sent = Envelope.read(call.json()), call.json()["text"]
    assert e.answers == SCHEMA and sent["verbosity"] == "low"
    assert (sent["format"]["name"], sent["format"]["strict"]) == ("product", True)
    good = [(i, {"title": t, "words": 3}) for i, t in zip(e.ids, e.texts)]
    call.reply(200, spoken(e.content([good[0], (e.ids[1], {"title": "no count"}), good[2]])))
    again = upstream.next_call()
    assert again.json()["text"] == text and again.json()["input"] == e.texts[1]
    again.reply(200, spoken(json.dumps({"title": e.texts[1], "words": 3}), prompt=60, output=12))
    for t, c in clients.items():
        reply = c.reply()
        assert json.loads(text_of(reply.json())) == {"title": f"Title for: {t}", "words": 3}
        if reply.header("x-farthing-batch") is not None:
            assert reply.json()["text"] == text, "the form it asked for, not the envelope's"
    [row] = shares(g.stop())
    assert (row["members"], row["answered"]) == (3, 2)


# ---- answers that are not as they should be

def cut_behind_the_first(e):
    whole = e.content([(i, own(t)) for i, t in zip(e.ids, e.texts)])
    return spoken(whole[:whole.index("},") + 20], status="incomplete", incomplete_details={"reason": "max_output_tokens"})


REFUSED = [{"type": "refusal", "refusal": "I can't help with that."}]
SPOILED = {
    "a part is missing": (lambda e: spoken(e.content([(i, own(t)) for i, t in zip(e.ids[1:], e.texts[1:])])), 2),
    "it is cut off": (cut_behind_the_first, 1),
    "it is filtered": (lambda e: spoken("", status="incomplete", incomplete_details={"reason": "content_filter"}), 0),
    "it failed": (lambda e: spoken("", status="failed", error={"code": "server_error", "message": "no"}), 0),
    "the model refused": (lambda e: spoken("", parts=REFUSED), 0), "there is no message": (lambda e: spoken("", output=90, id="x") | {"output": []}, 0),
    "it is a chat": (lambda e: completion(e.content([(i, own(t)) for i, t in zip(e.ids, e.texts)])), 0)}


@pytest.mark.parametrize("kind", SPOILED)
def test_only_who_has_no_good_part_is_asked_again(gateway, upstream, kind):                      # U37
    answer, good = SPOILED[kind]
    g = gateway(batching(size=3))
    clients = {t: boards(g, t) for t in "abc"}
    call = upstream.next_call()
    call.reply(200, answer(Envelope.read(call.json())))
    for _ in range(3 - good):
        assert serve(upstream.next_call()) is None
    upstream.assert_no_call()
    replies = {t: c.reply() for t, c in clients.items()}
    for t, r in replies.items():
        assert said(r) == own(f"Title for: {t}")
    assert sum(r.header("x-farthing-batch") is not None for r in replies.values()) == good
    books = g.stop()
    [row] = shares(books)
    assert (row["members"], row["answered"]) == (3, good) and len(books.attempts()) == 3 + 3 - good


# ---- who may not

FUNCTION = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}
ALONE = {
    "stored": {"store": True}, "tools": {"tools": [FUNCTION]}, "a response before": {"previous_response_id": "resp_0"},
    "background": {"background": True, "store": True}, "more is told": {"include": ["message.output_text.logprobs"]},
    "shortened": {"truncation": "auto"}, "reasoning": {"reasoning": {"effort": "low"}},
    "an image": {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo="}]}]},
    "a call": {"input": [{"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}"},
                         {"type": "function_call_output", "call_id": "c", "output": "rain"}, {"role": "user", "content": "t?"}]},
    "two texts": {"input": [{"role": "user", "content": [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}]}]}}


@pytest.mark.parametrize("more", ALONE.values(), ids=ALONE)
def test_what_cannot_be_shared_goes_alone(gateway, upstream, more):
    g = gateway(batching(size=2))
    body = {**listing("special mug"), **more}
    c = g.warm().ask("POST", "/v1/responses", body, TASK)
    call = upstream.next_call()
    assert call.json()["input"] == body["input"]
    call.reply(200, spoken("ok"))
    assert c.reply().header("x-farthing-batch") is None


def test_who_does_not_say_store_false_goes_alone(gateway, upstream):
    g = gateway(batching(size=2))
    body = listing("mug")
    del body["store"]
    c = g.warm().ask("POST", "/v1/responses", body, TASK)
    assert serve(upstream.next_call()) is None
    assert c.reply().header("x-farthing-batch") is None


def test_chats_and_responses_never_share_a_call(gateway, upstream):
    g = gateway(batching(size=2))
    clients = [g.warm().chat(title("chat 1"), TASK), boards(g, "response 1")]
    upstream.assert_no_call()
    clients.append(boards(g, "response 2"))
    call = upstream.next_call()
    assert call.path == "/v1/responses" and sorted(serve(call).texts) == ["Title for: response 1", "Title for: response 2"]
    clients.append(g.warm().chat(title("chat 2"), TASK))
    call = upstream.next_call()
    e = Envelope.read(call.json())
    assert call.path == "/v1/chat/completions" and sorted(e.texts) == ["Title for: chat 1", "Title for: chat 2"]
    call.reply(200, completion(e.content([(i, own(t)) for i, t in zip(e.ids, e.texts)])))
    for c in clients:
        assert c.reply().header("x-farthing-batch").endswith("/2")
    shares(g.stop(), 2)


# ---- the official SDK, before farthing-sim

def all_at_once(jobs):
    found = [None] * len(jobs)

    def run(i):
        try:
            found[i] = jobs[i]()
        except BaseException as e:                      # told by whoever looks at it
            found[i] = e
    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(jobs))]
    for t in threads:
        t.start()
    for t in threads:
        t.join(LONG)
    for one in found:
        if isinstance(one, BaseException):
            raise one
    return found


def test_the_python_sdk_sees_ordinary_responses(sim_gateway, sim):
    openai = pytest.importorskip("openai", reason="the openai package is not installed: pip install -r requirements.txt")
    from pydantic import BaseModel

    class Product(BaseModel):
        title: str
        words: int
    g = sim_gateway(batching(size=2))
    client = openai.OpenAI(api_key="sk-anything", base_url=f"http://127.0.0.1:{g.port}/v1", timeout=LONG,
                           default_headers=dict(TASK), max_retries=0)
    ask = {"model": MINI, "instructions": LONG_RULES, "store": False, "max_output_tokens": 200}

    def create(text):
        raw = client.responses.with_raw_response.create(input=text, **ask)
        return raw.parse(), raw.headers["x-farthing-batch"]

    def events(text):
        return list(client.responses.create(input=text, stream=True, **ask))

    def helper(text):
        with client.responses.stream(input=text, **ask) as stream:
            kinds = [e.type for e in stream]
            return kinds, stream.get_final_response()

    def parse(text):
        return client.responses.parse(input=text, text_format=Product, **ask)

    texts = [f"Title for: mug {i}" for i in range(6)]
    whole, streamed = all_at_once([lambda: create(texts[0]), lambda: events(texts[1])])
    answer, place = whole
    assert answer.status == "completed" and f"[{mark(texts[0])}]" in answer.output_text and place.endswith("/2")
    assert answer.usage.output_tokens > 0 and answer.usage.output_tokens_details.reasoning_tokens == 0
    assert streamed[0].type == "response.created" and streamed[-1].type == "response.completed"
    assert f"[{mark(texts[1])}]" in streamed[-1].response.output_text
    assert streamed[-1].response.output_text == "".join(e.delta for e in streamed if e.type == "response.output_text.delta")
    for (kinds, final), text in zip(all_at_once([lambda: helper(texts[2]), lambda: helper(texts[3])]), texts[2:4]):
        assert "response.output_text.delta" in kinds and f"[{mark(text)}]" in final.output_text and final.usage.to_dict()["cost_usd"] > 0
    for parsed in all_at_once([lambda: parse(texts[4]), lambda: parse(texts[5])]):
        assert isinstance(parsed.output_parsed, Product)
    assert (sim.stats()["batch_calls"], sim.stats()["batch_items"], sim.stats()["requests"]) == (3, 6, 3)
    books = g.stop()
    shares(books, 3)
    assert books.spent() == sim.stats()["billed_picousd"]
