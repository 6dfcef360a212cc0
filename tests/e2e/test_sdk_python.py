"""The official OpenAI SDK for Python, through the gateway, before farthing-sim.

SPDX-License-Identifier: Apache-2.0
"""
import base64
import io
import json
import struct

import pytest

from farthing.patience import HANG_UP, LONG, eventually
from farthing.wording import MINI, completion, plain_stream, question

openai = pytest.importorskip("openai", reason="the openai package is not installed: pip install -r requirements.txt")
ONCE = {"upstreams": {"sim": {"attempts": 1}}}
ASK = question()["messages"]
TOOLS = [{"type": "function", "function": {
    "name": "get_weather", "description": "The weather", "strict": True,
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"],
                   "additionalProperties": False}}}]


def sdk(g, **more):
    return openai.OpenAI(api_key="sk-anything", base_url=f"http://127.0.0.1:{g.port}/v1", timeout=LONG, **more)


@pytest.fixture
def g(sim_gateway):
    return sim_gateway()


def test_chat(g):
    raw = sdk(g).chat.completions.with_raw_response.create(model=MINI, messages=ASK, temperature=0.7)
    answer = raw.parse()
    assert answer.choices[0].message.content and answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0
    assert answer._request_id == raw.headers["x-request-id"]
    row = g.row(answer._request_id)
    assert (row["input_tokens"], row["output_tokens"]) == (answer.usage.prompt_tokens, answer.usage.completion_tokens)


@pytest.mark.parametrize("with_usage", [False, True])
def test_streaming(g, with_usage):
    options = {"stream_options": {"include_usage": True}} if with_usage else {}
    whole = sdk(g).chat.completions.create(model=MINI, messages=ASK)
    chunks = list(sdk(g).chat.completions.create(model=MINI, messages=ASK, stream=True, **options))
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == whole.choices[0].message.content
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert len({c.id for c in chunks}) == 1
    found = [c.usage.to_dict() for c in chunks if c.usage]
    assert len(found) == with_usage
    for usage in found:     # the SDK passes on what it does not know
        assert usage.pop("cost_usd") > 0 and usage.pop("saved_usd") == 0
        assert usage == whole.usage.to_dict()
    rows = eventually(lambda: [r for r in g.books().requests() if r["stream"]], "the stream's row")
    assert (rows[0]["output_tokens"], rows[0]["basis"]) == (whole.usage.completion_tokens, "exact")


def test_the_stream_helper(g):
    with sdk(g).chat.completions.stream(model=MINI, messages=ASK) as stream:
        kinds = [e.type for e in stream]
        final = stream.get_final_completion()
    assert "content.delta" in kinds and final.choices[0].message.content


def test_tools(g):
    answer = sdk(g).chat.completions.create(model=MINI, messages=[{"role": "user", "content": "Weather in Ulm?"}],
                                            tools=TOOLS, tool_choice="required")
    [call] = answer.choices[0].message.tool_calls
    assert answer.choices[0].finish_reason == "tool_calls" and call.function.name == "get_weather"
    assert "city" in json.loads(call.function.arguments)
    again = sdk(g).chat.completions.create(model=MINI, tools=TOOLS, messages=[
        {"role": "user", "content": "Weather in Ulm?"}, answer.choices[0].message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": "rain"}])
    assert again.choices[0].message.content


def test_tools_in_a_stream(g):
    arguments, names = "", []
    for chunk in sdk(g).chat.completions.create(model=MINI, messages=ASK, tools=TOOLS, tool_choice="required", stream=True):
        for call in chunk.choices[0].delta.tool_calls or []:
            arguments += call.function.arguments or ""
            names += [call.function.name] if call.function.name else []
    assert names == ["get_weather"] and "city" in json.loads(arguments)


def test_structured_output(g):
    from pydantic import BaseModel

    class Product(BaseModel):
        title: str
        price_cents: int
        tags: list[str]
    answer = sdk(g).chat.completions.parse(model=MINI, messages=ASK, response_format=Product)
    assert isinstance(answer.choices[0].message.parsed, Product)


def test_embeddings_in_both_encodings(g):
    client = sdk(g)
    default = client.embeddings.create(model="text-embedding-3-small", input=["one", "two"])   # asks for base64
    floats = client.embeddings.create(model="text-embedding-3-small", input=["one", "two"], encoding_format="float")
    coded = client.embeddings.create(model="text-embedding-3-small", input=["one", "two"], encoding_format="base64")
    assert [len(e.embedding) for e in default.data] == [1536, 1536] and isinstance(default.data[0].embedding[0], float)
    assert isinstance(floats.data[1].embedding[0], float)
    raw = base64.b64decode(coded.data[1].embedding)
    for a, b, c in zip(default.data[1].embedding, floats.data[1].embedding, struct.unpack(f"<{len(raw) // 4}f", raw)):
        assert abs(a - c) < 1e-6 and abs(b - c) < 1e-6
    short = client.embeddings.create(model="text-embedding-3-small", input="one", dimensions=256)
    assert len(short.data[0].embedding) == 256


def test_responses(g):
    answer = sdk(g).responses.create(model=MINI, input="What is a farthing?", instructions="Be brief.")
    assert answer.status == "completed" and answer.output_text and answer.usage.output_tokens > 0
    assert g.row(answer._request_id)["output_tokens"] == answer.usage.output_tokens


def test_responses_streaming(g):
    events = list(sdk(g).responses.create(model=MINI, input="What is a farthing?", stream=True))
    assert events[0].type == "response.created" and events[-1].type == "response.completed"
    text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    assert text == events[-1].response.output_text
    with sdk(g).responses.stream(model=MINI, input="What is a farthing?") as stream:
        for _ in stream:
            pass
        assert stream.get_final_response().output_text == text
        assert stream.get_final_response().usage.to_dict()["cost_usd"] > 0


def test_completions(g):
    answer = sdk(g).completions.create(model="gpt-3.5-turbo-instruct", prompt="Once", max_tokens=5) \
        if "gpt-3.5-turbo-instruct" in {m.id for m in sdk(g).models.list()} else \
        sdk(g).completions.create(model=MINI, prompt="Once", max_tokens=5)
    assert answer.choices[0].text


def test_files(g):
    client = sdk(g)
    content = b'{"messages":[]}\n' * 50
    made = client.files.create(file=("training.jsonl", io.BytesIO(content)), purpose="fine-tune")
    assert made.bytes == len(content) and made.filename == "training.jsonl"
    assert made.id in {f.id for f in client.files.list()}
    assert client.files.retrieve(made.id).id == made.id
    assert client.files.content(made.id).read() == content
    assert client.files.delete(made.id).deleted is True


def test_fine_tuning_jobs_and_batches(g):
    client = sdk(g)
    line = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
    file = client.files.create(file=("t.jsonl", json.dumps(line).encode() * 1), purpose="fine-tune")
    job = client.fine_tuning.jobs.create(model="gpt-4o-mini-2024-07-18", training_file=file.id)
    assert client.fine_tuning.jobs.retrieve(job.id).id == job.id
    asked = {"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": question()}
    file = client.files.create(file=("b.jsonl", json.dumps(asked).encode()), purpose="batch")
    batch = client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    assert client.batches.retrieve(batch.id).id == batch.id


def test_models(g):
    ids = {m.id for m in sdk(g).models.list()}
    assert {MINI, "gpt-4o", "auto"} <= ids
    assert sdk(g).models.retrieve("gpt-4o").id == "gpt-4o"
    with pytest.raises(openai.NotFoundError):
        sdk(g).models.retrieve("house/no-such")


@pytest.mark.parametrize("fault,kind,number,code", [
    ("[[status:400]]", "BadRequestError", 400, None),
    ("[[status:404]]", "NotFoundError", 404, None),
    ("[[status:422]]", "UnprocessableEntityError", 422, None),
    ("[[status:429 retry-after:1]]", "RateLimitError", 429, "upstream_rate_limited"),
    ("[[status:401]]", "InternalServerError", 502, "upstream_auth_error"),
    ("[[status:500]]", "InternalServerError", 502, "upstream_error"),
    ("[[reset]]", "InternalServerError", 502, None),
    ("[[garbage]]", "InternalServerError", 502, "upstream_invalid_response"),
])
def test_faults_of_the_provider_become_the_right_exceptions(sim_gateway, fault, kind, number, code):
    g = sim_gateway(ONCE)
    with pytest.raises(getattr(openai, kind)) as caught:
        sdk(g, max_retries=0).chat.completions.create(model=MINI, messages=question(f"x {fault}")["messages"])
    e = caught.value
    assert e.status_code == number and isinstance(e.code, str) and e.message and e.type
    assert e.request_id and (code is None or e.code == code)


@pytest.mark.parametrize("body,kind,code,param", [
    ({"model": "no-such-model"}, "NotFoundError", "model_not_found", "model"),
    ({"messages": []}, "BadRequestError", None, "messages"),
    ({"n": 100}, "BadRequestError", "invalid_value", "n"),
    ({"max_tokens": -1}, "BadRequestError", "invalid_value", "max_tokens"),
])
def test_refusals_of_the_gateway_become_the_right_exceptions(g, body, kind, code, param):
    with pytest.raises(getattr(openai, kind)) as caught:
        sdk(g).chat.completions.create(**{"model": MINI, "messages": ASK, **body})
    assert caught.value.param == param and (code is None or caught.value.code == code)


def test_a_stream_that_breaks_raises(sim_gateway):
    g = sim_gateway(ONCE)
    got = []
    with pytest.raises(openai.APIError) as caught:
        for chunk in sdk(g).chat.completions.create(model=MINI, messages=question("x [[truncate]]")["messages"], stream=True):
            got.append(chunk)
    assert caught.value.code == "upstream_stream_truncated" and got


def test_the_sdk_tries_again_when_told_to(sim_gateway, sim):
    g = sim_gateway(ONCE)
    before = sim.stats()["requests"]
    answer = sdk(g, max_retries=2).chat.completions.create(
        model=MINI, messages=question("x [[once status:429 retry-after:1]]")["messages"])
    assert answer.choices[0].message.content
    assert sim.stats()["requests"] == before + 2
    assert [r["status"] for r in g.stop().requests()] == [429, 200]


def test_leaving_a_stream_stops_the_provider(gateway, upstream):
    g = gateway()
    stream = None

    def play(call):
        call.stream_head()
        for e in plain_stream()[:3]:
            call.chunk(e)
    upstream.answer = play
    stream = sdk(g).chat.completions.create(model=MINI, messages=ASK, stream=True)
    next(iter(stream))
    assert not upstream.calls[0].gone()
    stream.close()
    upstream.calls[0].wait_hang_up(HANG_UP)
    assert g.wait_ends(1)[0]["status"] == "499"


def test_a_timeout_of_the_sdk_stops_the_provider(gateway, upstream):
    g = gateway()
    client = openai.OpenAI(api_key="x", base_url=f"http://127.0.0.1:{g.port}/v1", timeout=0.3, max_retries=0)
    with pytest.raises(openai.APITimeoutError):
        client.chat.completions.create(model=MINI, messages=ASK)
    upstream.next_call().wait_hang_up(LONG)


def test_a_stream_read_to_its_end_is_a_success(gateway, upstream):
    g = gateway()
    upstream.answer = lambda call: call.stream(plain_stream())
    client = sdk(g)
    for i in range(5):
        assert list(client.chat.completions.create(model=MINI, messages=question(f"{i}")["messages"], stream=True))
    assert [r["status"] for r in g.stop().requests()] == [200] * 5


def test_asynchronous_clients(g):
    import asyncio

    async def ask():
        async with openai.AsyncOpenAI(api_key="x", base_url=f"http://127.0.0.1:{g.port}/v1", timeout=LONG) as client:
            return await asyncio.gather(*[client.chat.completions.create(
                model=MINI, messages=question(f"async {i}")["messages"]) for i in range(20)])
    assert all(a.choices[0].message.content for a in asyncio.run(ask()))


def test_the_gateways_own_headers_are_within_reach(g):
    raw = sdk(g).chat.completions.with_raw_response.create(
        model=MINI, messages=ASK, extra_headers={"x-farthing-task": "product_title"})
    assert raw.headers["x-farthing-cache"] == "miss" and raw.headers["x-farthing-model"] == MINI
    assert g.row(raw.headers["x-request-id"])["task"] == "product_title"


def test_an_unknown_field_passes(gateway, upstream):
    g = gateway()
    upstream.answer = lambda call: call.reply(200, completion())
    sdk(g).chat.completions.create(model=MINI, messages=ASK, temperature=0.7, extra_body={"brand_new": {"x": 1}})
    body = upstream.calls[0].json()
    assert body["brand_new"] == {"x": 1} and b'0.7' in upstream.calls[0].body
