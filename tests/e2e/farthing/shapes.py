"""One answer in the two forms in which a provider would send it, for many providers' ways to do so. Each is spoken for by a
marker in the question, `shape:NAME:WHICH`, so that a scripted provider need know nothing else.

SPDX-License-Identifier: Apache-2.0
"""
import base64
import collections
import json
import re
import struct
import threading

MARK = re.compile(rb"shape:(\w+):([\w.-]+)")
SHAPES = {}
ID = "chatcmpl-A1"
USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
DETAILED = {**USAGE, "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0,
                                          "rejected_prediction_tokens": 0}}
TOOLS = [{"type": "function", "function": {
    "name": name, "description": name, "strict": True, "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"],
        "additionalProperties": False}}} for name in ("get_weather", "get_time")]
SCHEMA = {"type": "object", "properties": {"title": {"type": "string"}, "cents": {"type": "integer"}},
          "required": ["title", "cents"], "additionalProperties": False}
FORMAT = {"type": "json_schema", "json_schema": {"name": "product", "strict": True, "schema": SCHEMA}}


class Shape:
    """ask: what the request needs beside its text; lacks: members that only one of the two forms has at this provider (paths
    with * for an index), which no gateway can know from the other form."""

    def __init__(self, name, endpoint, whole, events, ask=None, lacks=(), crlf=False, indent=None):
        self.name, self.endpoint, self.ask, self.lacks = name, endpoint, ask or {}, tuple(lacks)
        self.whole = json.dumps(whole, indent=indent).encode() + (b"\n" if indent else b"")
        end = b"\r\n" if crlf else b"\n"
        self.events = [e.replace(b"\n", end) for e in events]
        SHAPES[name] = self


def data(value, kind=None):
    text = value if isinstance(value, str) else json.dumps(value)
    return (f"event: {kind}\n" if kind else "").encode() + b"data: " + text.encode() + b"\n\n"


DONE = data("[DONE]")


def chat(choices, model="gpt-4o-mini", usage=USAGE, **more):
    return {"id": ID, "object": "chat.completion", "created": 1700000000, "model": model, "choices": choices, "usage": usage, **more}


def said(content, finish="stop", index=0, choice=None, **message):
    return {"index": index, "message": {"role": "assistant", "content": content, **message}, "finish_reason": finish, **(choice or {})}


def chunk(choices, model="gpt-4o-mini", **more):
    return data({"id": ID, "object": "chat.completion.chunk", "created": 1700000000, "model": model, "choices": choices, **more})


def piece(finish=None, index=0, choice=None, **delta):
    return {"index": index, "delta": delta, "finish_reason": finish, **(choice or {})}


def call(index, id=None, name=None, arguments=None, **more):
    found = {} if index is None else {"index": index}
    if id:
        found.update(id=id, type="function")
    found["function"] = {k: v for k, v in (("name", name), ("arguments", arguments)) if v is not None}
    return {**found, **more}


CALLS = [{"id": "call_a", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Ulm"}'}},
         {"id": "call_b", "type": "function", "function": {"name": "get_time", "arguments": '{"city":"Böblingen \\"A\\""}'}}]
TEXT = "A quarter\nof a \"penny\", 1/960 of a pound: £0.00104 🪙."
PARTS = [TEXT[:9], TEXT[9:30], TEXT[30:]]


def openai_texts():
    head = {"service_tier": "default", "system_fingerprint": "fp_44709d6fcb"}
    null = {"logprobs": None}

    def c(choices, **more):
        return chunk(choices, **head, **more, obfuscation="Xy")
    Shape("openai", "chat", chat([said(TEXT, refusal=None, annotations=[], choice=null)], usage=DETAILED, **head),
          [c([piece(role="assistant", content="", refusal=None, choice=null)], usage=None)]
          + [c([piece(content=p, choice=null)], usage=None) for p in PARTS]
          + [c([piece("stop", choice=null)], usage=None), c([], usage=DETAILED), DONE],
          lacks=["choices.*.message.annotations"], indent=2)
    Shape("openai_tools", "chat", chat([said(None, "tool_calls", tool_calls=CALLS, refusal=None, annotations=[], choice=null)],
                                       usage=DETAILED, **head),
          [c([piece(role="assistant", content=None, tool_calls=[call(0, "call_a", "get_weather", "")], refusal=None, choice=null)])]
          + [c([piece(tool_calls=[call(0, arguments=a)], choice=null)]) for a in ('{"ci', 'ty":"Ulm"}')]
          + [c([piece(tool_calls=[call(1, "call_b", "get_time", "")], choice=null)])]
          + [c([piece(tool_calls=[call(1, arguments=a)], choice=null)]) for a in ('{"city":"Böbl', 'ingen \\"A\\""}')]
          + [c([piece("tool_calls", choice=null)]), c([], usage=DETAILED), DONE],
          ask={"tools": TOOLS}, lacks=["choices.*.message.annotations"], indent=2)
    product = '{"title":"Ährenkranz \\"8\\"","cents":1299}'
    Shape("openai_json", "chat", chat([said(product, refusal=None, annotations=[], choice=null)], usage=DETAILED, **head),
          [c([piece(role="assistant", content="", refusal=None, choice=null)])]
          + [c([piece(content=p, choice=null)]) for p in (product[:5], product[5:])]
          + [c([piece("stop", choice=null)]), c([], usage=DETAILED), DONE],
          ask={"response_format": FORMAT}, lacks=["choices.*.message.annotations"], indent=2)

    def log(*tokens):
        return {"logprobs": {"content": [{"token": t, "logprob": -0.25, "bytes": list(t.encode()), "top_logprobs": [
            {"token": t, "logprob": -0.25, "bytes": list(t.encode())}]} for t in tokens], "refusal": None}}
    Shape("openai_n2_logprobs", "chat",
          chat([said("Heads up", refusal=None, annotations=[], choice=log("Heads", " up")),
                said("Tails", index=1, refusal=None, annotations=[], choice=log("Tails"))], usage=DETAILED, **head),
          [c([piece(role="assistant", content="", refusal=None, index=i, choice={"logprobs": {"content": [], "refusal": None}})])
           for i in (0, 1)]
          + [c([piece(content="Heads", choice=log("Heads"))]), c([piece(content="Tails", index=1, choice=log("Tails"))]),
             c([piece(content=" up", choice=log(" up"))]), c([piece("stop", index=1, choice=null)]),
             c([piece("stop", choice=null)]), c([], usage=DETAILED), DONE],
          ask={"n": 2, "logprobs": True, "top_logprobs": 1}, lacks=["choices.*.message.annotations"])
    sources = [{"type": "url_citation", "url_citation": {
        "start_index": i, "end_index": i + 3, "title": f"T{i}", "url": f"https://example.com/{i}"}} for i in (0, 4)]
    Shape("openai_sources", "chat", chat([said(TEXT, refusal=None, annotations=sources)], usage=DETAILED, system_fingerprint=""),
          [chunk([piece(role="assistant", content="", refusal=None)], system_fingerprint="")]
          + [chunk([piece(content=TEXT)], system_fingerprint="")]
          + [chunk([piece(annotations=sources)], system_fingerprint=""), chunk([piece("stop")], system_fingerprint=""), chunk([], usage=DETAILED, system_fingerprint=""), DONE])
    older = {"name": "get_weather", "arguments": '{"city":"Ulm"}'}
    Shape("openai_function_call", "chat", chat([said(None, "function_call", refusal=None, function_call=older, choice=null)], **head),
          [c([piece(role="assistant", content=None, refusal=None, function_call={"name": "get_weather", "arguments": ""}, choice=null)])]
          + [c([piece(function_call={"arguments": a}, choice=null)]) for a in ('{"city"', ':"Ulm"}')]
          + [c([piece("function_call", choice=null)]), c([], usage=USAGE), DONE],
          ask={"functions": [TOOLS[0]["function"]]})


def hosts_of_openai():
    clean = {k: {"filtered": False, "severity": "safe"} for k in ("hate", "self_harm", "sexual", "violence")}
    prompt = [{"prompt_index": 0, "content_filter_results": clean}]
    filtered = {"content_filter_results": clean, "logprobs": None}
    Shape("azure", "chat", chat([said(TEXT, refusal=None, annotations=[], choice=filtered)], usage=DETAILED,
                                system_fingerprint="fp_b", prompt_filter_results=prompt),
          [data({"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": prompt}),
           chunk([piece(role="assistant", content="", refusal=None, choice={"content_filter_results": {}, "logprobs": None})],
                 system_fingerprint="fp_b")]
          + [chunk([piece(content=p, choice=filtered)], system_fingerprint="fp_b") for p in PARTS]
          + [chunk([piece("stop", choice={"content_filter_results": {}, "logprobs": None})], system_fingerprint="fp_b"),
             chunk([], usage=DETAILED, system_fingerprint="fp_b"), DONE], lacks=["choices.*.message.annotations"])
    Shape("azure_tools", "chat", chat([said(None, "tool_calls", tool_calls=CALLS[:1], refusal=None, choice={
        "content_filter_results": {}, "logprobs": None})], prompt_filter_results=prompt, system_fingerprint="fp_b"),
          [data({"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": prompt}),
           chunk([piece(role="assistant", content=None, refusal=None, tool_calls=[call(0, "call_a", "get_weather", "")],
                        choice={"content_filter_results": {}, "logprobs": None})], system_fingerprint="fp_b"),
           chunk([piece(tool_calls=[call(0, arguments='{"city":"Ulm"}')], choice={
               "content_filter_results": {}, "logprobs": None})], system_fingerprint="fp_b"),
           chunk([piece("tool_calls", choice={"content_filter_results": {}, "logprobs": None})], system_fingerprint="fp_b"),
           chunk([], usage=USAGE, system_fingerprint="fp_b"), DONE], ask={"tools": TOOLS})


def others():
    counted = {**USAGE, "prompt_cache_hit_tokens": 0, "prompt_cache_miss_tokens": 11,
               "completion_tokens_details": {"reasoning_tokens": 3}}
    null = {"logprobs": None}
    Shape("deepseek", "chat", chat([said("42.", reasoning_content="Six times\nseven.", choice=null)], usage=counted,
                                   system_fingerprint="fp_d"),
          [chunk([piece(role="assistant", content=None, reasoning_content="", choice=null)], system_fingerprint="fp_d", usage=None)]
          + [chunk([piece(content=None, reasoning_content=p, choice=null)], system_fingerprint="fp_d") for p in ("Six times", "\nseven.")]
          + [chunk([piece(content="42.", reasoning_content=None, choice=null)], system_fingerprint="fp_d"),
             chunk([piece("stop", content="", reasoning_content=None, choice=null)], system_fingerprint="fp_d", usage=counted), DONE])
    detail = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
    sealed = {"type": "reasoning.encrypted", "format": "openai-responses-v1", "data": "gAAA==", "id": "rs_1", "index": 1}
    Shape("openrouter", "chat", chat(
        [said("42.", refusal=None, reasoning="Six times seven.", reasoning_details=[
            {**detail, "text": "Six times seven.", "signature": "Eq=="}, sealed],
            choice={"logprobs": None, "native_finish_reason": "end_turn"})], provider="Anthropic", usage={
                **USAGE, "cost": 0.0001, "is_byok": False}),
        [b": OPENROUTER PROCESSING\n\n"]
        + [chunk([piece(role="assistant", content="", reasoning=p, reasoning_details=[{**detail, "text": p}], choice={
            "native_finish_reason": None, "logprobs": None})], provider="Anthropic") for p in ("Six times", " seven.")]
        + [chunk([piece(role="assistant", content="", reasoning=None, reasoning_details=[{**detail, "signature": "Eq=="}], choice={
            "native_finish_reason": None, "logprobs": None})], provider="Anthropic"),
           chunk([piece(role="assistant", content="", reasoning_details=[sealed], choice={
               "native_finish_reason": None, "logprobs": None})], provider="Anthropic"),
           chunk([piece(role="assistant", content="42.", choice={"native_finish_reason": None, "logprobs": None})], provider="Anthropic"),
           b": OPENROUTER PROCESSING\n\n",
           chunk([piece("stop", role="assistant", content="", choice={"native_finish_reason": "end_turn", "logprobs": None})],
                 provider="Anthropic"),
           chunk([piece(role="assistant", content="")], provider="Anthropic", usage={**USAGE, "cost": 0.0001, "is_byok": False}), DONE],
        lacks=["choices.*.message.refusal"])
    timed = {**USAGE, "queue_time": 0.03, "prompt_time": 0.001, "completion_time": 0.01, "total_time": 0.011}
    Shape("groq", "chat", chat([said(TEXT, reasoning="So small.", choice=null)], usage=timed, system_fingerprint="fp_g", service_tier="on_demand",
                               x_groq={"id": "req_1"}, usage_breakdown=None),
          [chunk([piece(role="assistant", content="", choice=null)], system_fingerprint="fp_g", x_groq={"id": "req_1"}),
           chunk([piece(reasoning="So small.", choice=null)], system_fingerprint="fp_g")]
          + [chunk([piece(content=p, choice=null)], system_fingerprint="fp_g") for p in PARTS]
          + [chunk([piece("stop", choice=null)], system_fingerprint="fp_g", x_groq={"id": "req_1", "usage": timed}, service_tier="on_demand"),
             chunk([], system_fingerprint="fp_g", usage=timed), DONE],
          lacks=["x_groq.usage", "usage_breakdown", "service_tier"])
    Shape("mistral", "chat", chat([said("", "tool_calls", tool_calls=[{"id": c["id"], "index": i, "function": c["function"]}
                                                                      for i, c in enumerate(CALLS)])], model="mistral-small-latest"),
          [chunk([piece(role="assistant", content="")], model="mistral-small-latest"),
           chunk([piece("tool_calls", content="", tool_calls=[{"id": c["id"], "index": i, "function": c["function"]}
                                                              for i, c in enumerate(CALLS)])],
                 model="mistral-small-latest", usage=USAGE), DONE],
          ask={"tools": TOOLS}, lacks=["choices.*.message.tool_calls.*." + m for m in ("type", "index", "function.parsed_arguments")])
    signed = [{**c, "extra_content": {"google": {"thought_signature": "Cg=="}}} for c in CALLS[:1]] + CALLS[1:]
    Shape("gemini", "chat", chat([said(None, "tool_calls", tool_calls=signed)], model="gemini-flash"),
          [chunk([piece(role="assistant", tool_calls=[signed[0]])], model="gemini-flash"),
           chunk([piece("tool_calls", role="assistant", tool_calls=[signed[1]])], model="gemini-flash", usage=USAGE), DONE],
          ask={"tools": TOOLS}, lacks=["choices.*.message.tool_calls.*.index"])
    Shape("vllm", "chat", chat([said(TEXT, refusal=None, annotations=None, audio=None, function_call=None, tool_calls=[],
                                     reasoning_content=None, choice={"logprobs": None, "stop_reason": None, "token_ids": None})],
                               service_tier=None, system_fingerprint=None, prompt_logprobs=None, prompt_token_ids=None,
                               kv_transfer_params=None),
          [chunk([piece(role="assistant", content="", choice={"logprobs": None})], prompt_token_ids=None)]
          + [chunk([piece(content=p, choice={"logprobs": None, "token_ids": None})]) for p in PARTS]
          + [chunk([piece("stop", content="", choice={"logprobs": None, "stop_reason": None, "token_ids": None})]),
             chunk([], usage=USAGE), DONE],
          lacks=["choices.*.message." + m for m in ("refusal", "annotations", "audio", "function_call", "tool_calls", "reasoning_content")]
          + ["service_tier", "system_fingerprint", "prompt_logprobs", "kv_transfer_params"])
    cited = {"citations": ["https://example.com/a"], "search_results": [{"title": "A", "url": "https://example.com/a", "date": None}]}
    so_far = ["".join(PARTS[:i + 1]) for i in range(3)]
    Shape("perplexity", "chat", chat([said(TEXT, choice={"delta": {"role": "assistant", "content": ""}})], model="sonar", **cited),
          [chunk([piece("stop" if i == 2 else None, role="assistant", content=p, choice={
              "message": {"role": "assistant", "content": so_far[i]}})], model="sonar", usage=USAGE, **cited)
           for i, p in enumerate(PARTS)] + [DONE], crlf=True, lacks=["choices.*.delta"])
    Shape("terse", "chat", chat([said("Yes.")], system_fingerprint="fp_ollama"),   # role in each, its end with the last words
          [chunk([piece(role="assistant", content="Yes")], system_fingerprint="fp_ollama"),
           chunk([piece("stop", role="assistant", content=".")], system_fingerprint="fp_ollama", usage=USAGE), DONE], crlf=True)
    Shape("litellm", "chat", chat([said(TEXT, tool_calls=None, function_call=None, provider_specific_fields=None)],
                                  system_fingerprint=None),
          [chunk([piece(role="assistant", content=p, provider_specific_fields=None, function_call=None, tool_calls=None, audio=None,
                        refusal=None, choice={"logprobs": None})], system_fingerprint=None) for p in PARTS]
          + [chunk([piece("stop", role=None, content=None, choice={"logprobs": None})], system_fingerprint=None),
             chunk([piece()], usage=USAGE, system_fingerprint=None), DONE],
          lacks=["choices.*.message." + m for m in ("refusal", "tool_calls", "function_call", "provider_specific_fields", "audio")]
          + ["choices.*.logprobs"])


def completions():
    def text(words, finish=None, index=0, **more):
        return {"text": words, "index": index, "finish_reason": finish, "logprobs": None, **more}

    def c(choices, **more):
        return {"id": "cmpl-1", "object": "text_completion", "created": 1700000000, "model": "gpt-4o-mini", "choices": choices, **more}
    Shape("completion", "completions", c([text(TEXT, "stop")], usage=USAGE),
          [data(c([text(p)])) for p in PARTS] + [data(c([text("", "stop")])), data(c([], usage=USAGE)), DONE], indent=2)

    def log(words, at):
        return {"tokens": words, "token_logprobs": [-0.5] * len(words), "top_logprobs": None, "text_offset": at}
    Shape("completion_logprobs", "completions", c([text("a b", "stop", logprobs=log(["a", " b"], [0, 1]))], usage=USAGE),
          [data(c([text("a", logprobs=log(["a"], [0]))])), data(c([text(" b", "stop", logprobs=log([" b"], [1]))])),
           data(c([], usage=USAGE)), DONE], ask={"logprobs": 1})


def responses():
    usage = {"input_tokens": 11, "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0}, "output_tokens": 7,
             "output_tokens_details": {"reasoning_tokens": 3}, "total_tokens": 18}
    base = {"id": "resp_1", "object": "response", "created_at": 1700000000, "background": False, "error": None,
            "incomplete_details": None, "instructions": None, "max_output_tokens": None, "metadata": {}, "model": "gpt-4o-mini",
            "parallel_tool_calls": True, "previous_response_id": None, "reasoning": {"effort": None, "summary": None},
            "service_tier": "default", "store": False, "temperature": 1.0, "text": {"format": {"type": "text"}},
            "tool_choice": "auto", "tools": [], "top_p": 1.0, "truncation": "disabled", "user": None}
    done = {**base, "status": "completed", "completed_at": 1700000001}
    begun = {**base, "status": "in_progress", "completed_at": None, "output": [], "usage": None}

    def play(output, **more):
        events, number = [], iter(range(1000))

        def tell(kind, **fields):
            events.append(data({"type": kind, "sequence_number": next(number), **fields}, kind))
        tell("response.created", response={**begun, **more})
        tell("response.in_progress", response={**begun, **more})
        for at, item in enumerate(output):
            place = {"item_id": item["id"], "output_index": at}
            blank = {**item, **{k: v for k, v in (("status", "in_progress"), ("content", []), ("arguments", ""), ("summary", []),
                                                  ("input", "")) if k in item}}
            tell("response.output_item.added", output_index=at, item=blank)
            for i, part in enumerate(item.get("summary", [])):
                spot = {**place, "summary_index": i}
                tell("response.reasoning_summary_part.added", part={**part, "text": ""}, **spot)
                for half in (part["text"][:5], part["text"][5:]):
                    tell("response.reasoning_summary_text.delta", delta=half, obfuscation="q", **spot)
                tell("response.reasoning_summary_text.done", text=part["text"], **spot)
                tell("response.reasoning_summary_part.done", part=part, **spot)
            for i, part in enumerate(item.get("content", [])):
                spot = {**place, "content_index": i}
                tell("response.content_part.added", part={**part, "text": "", "annotations": [], "logprobs": []}, **spot)
                half = len(part["logprobs"]) // 2
                for words, logs in ((part["text"][:9], part["logprobs"][:half]), (part["text"][9:], part["logprobs"][half:])):
                    tell("response.output_text.delta", delta=words, logprobs=logs, obfuscation="q", **spot)
                for n, source in enumerate(part["annotations"]):
                    tell("response.output_text.annotation.added", annotation_index=n, annotation=source, **spot)
                tell("response.output_text.done", text=part["text"], logprobs=part["logprobs"], **spot)
                tell("response.content_part.done", part=part, **spot)
            for name, kind in (("arguments", "function_call_arguments"), ("input", "custom_tool_call_input")):
                if name in item:
                    tell(f"response.{kind}.delta", delta=item[name], obfuscation="q", **place)
                    tell(f"response.{kind}.done", **{name: item[name]}, **place)
            tell("response.output_item.done", output_index=at, item=item)
        whole = {**done, "output": output, "usage": usage, **more}
        tell("response.completed", response=whole)
        return whole, events

    def spoken(text, id="msg_1", annotations=(), logprobs=()):
        return {"id": id, "type": "message", "status": "completed", "role": "assistant", "content": [
            {"type": "output_text", "annotations": list(annotations), "logprobs": list(logprobs), "text": text}]}
    thought = {"id": "rs_1", "type": "reasoning", "encrypted_content": "gAAAA==", "summary": [
        {"type": "summary_text", "text": "**Thinking** of coins"}, {"type": "summary_text", "text": "and of pennies"}]}
    called = [{"id": f"fc_{i}", "type": "function_call", "status": "completed", "call_id": c["id"], **c["function"]}
              for i, c in enumerate(CALLS)]
    tools = [{"type": "function", **t["function"]} for t in TOOLS]
    Shape("response", "responses", *play([spoken(TEXT)]), ask={"store": False}, indent=2)
    Shape("response_reasoning", "responses", *play([thought, spoken(TEXT)], reasoning={"effort": "low", "summary": "auto"}),
          ask={"store": False, "reasoning": {"effort": "low", "summary": "auto"}, "include": ["reasoning.encrypted_content"]})
    Shape("response_tools", "responses", *play([thought, *called], tools=tools), ask={"store": False, "tools": tools}, indent=2)
    source = {"type": "url_citation", "start_index": 0, "end_index": 3, "title": "T", "url": "https://example.com/"}
    logs = [{"token": t, "logprob": -0.5, "bytes": list(t.encode()), "top_logprobs": []} for t in ("a", "b")]
    Shape("response_sources", "responses", *play([spoken(TEXT, annotations=[source], logprobs=logs)]),
          ask={"store": False, "include": ["message.output_text.logprobs"]})
    product = '{"title":"Ährenkranz","cents":1299}'
    form = {"format": {"type": "json_schema", "name": "product", "strict": True, "schema": SCHEMA}}
    Shape("response_json", "responses", *play([spoken(product)], text=form), ask={"store": False, "text": form})
    custom = {"id": "ctc_1", "type": "custom_tool_call", "status": "completed", "call_id": "call_c", "name": "code", "input": "print(1)\n"}
    Shape("response_custom", "responses", *play([custom]), ask={"store": False, "tools": [{"type": "custom", "name": "code"}]})


for fill in (openai_texts, hosts_of_openai, others, completions, responses):
    fill()


def vectors(texts, coded):
    """One embedding for each text, its numbers 32-bit floats in either encoding."""
    found = []
    for i in range(len(texts)):
        packed = struct.pack("<5f", 0.1 * (i + 1), -1 / 3, 1e-7, 2 / 7 + i, -0.0)
        numbers = base64.b64encode(packed).decode() if coded else list(struct.unpack("<5f", packed))
        found.append({"object": "embedding", "index": i, "embedding": numbers})
    return {"object": "list", "data": found, "model": "text-embedding-3-small", "usage": {"prompt_tokens": 8, "total_tokens": 8}}


class Provider:
    """Answers for an Upstream: by the marker, in the form that was asked for. asked: how often, by marker."""

    def __init__(self, upstream):
        self.asked = collections.Counter()
        self.lock = threading.Lock()
        upstream.answer = self.answer

    def answer(self, call):
        found = MARK.search(call.body)
        with self.lock:
            self.asked[found.group(0).decode()] += 1
        body = call.json()
        if call.path.endswith("/embeddings"):
            texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
            call.reply(200, vectors(texts, body.get("encoding_format") == "base64"))
        elif body.get("stream"):
            call.stream(SHAPES[found.group(1).decode()].events)
        else:
            call.reply(200, SHAPES[found.group(1).decode()].whole)


def without(value, paths, at=""):
    """The value without what stands at these paths, and without the gateway's own numbers."""
    if isinstance(value, list):
        return [without(v, paths, f"{at}*.") for v in value]
    if not isinstance(value, dict):
        return value
    return {k: without(v, paths, f"{at}{k}.") for k, v in value.items()
            if f"{at}{k}" not in paths and k not in ("cost_usd", "saved_usd")}
