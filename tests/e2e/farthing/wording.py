"""Requests and replies in OpenAI's shapes, short.

SPDX-License-Identifier: Apache-2.0
"""
import json

MINI = "gpt-4o-mini"
INPUT_PICO, CACHED_PICO, OUTPUT_PICO = 150_000, 75_000, 600_000  # gpt-4o-mini, per token


def question(text="What is a farthing?", model=MINI, **more):
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


def usage(prompt=11, completion=7, cached=0, reasoning=0):
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": cached},
            "completion_tokens_details": {"reasoning_tokens": reasoning}}


def completion(text="A quarter of a penny.", model=MINI, finish="stop", **more):
    found = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1700000000, "model": model,
             "choices": [{"index": 0, "message": {"role": "assistant", "content": text, "refusal": None},
                          "finish_reason": finish, "logprobs": None}], "usage": usage()}
    found.update(more)
    return {k: v for k, v in found.items() if v is not ...}


def cost(prompt=11, completion=7, cached=0):
    return (prompt - cached) * INPUT_PICO + cached * CACHED_PICO + completion * OUTPUT_PICO


def event(value):
    if not isinstance(value, (bytes, str)):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str):
        value = value.encode()
    return b"data: " + value + b"\n\n"


DONE = b"data: [DONE]\n\n"


def delta(content=None, finish=None, role=None, model=MINI, **more):
    d = {}
    if role:
        d["role"] = role
    if content is not None:
        d["content"] = content
    return event({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000, "model": model,
                  "choices": [{"index": 0, "delta": d, "finish_reason": finish}], **more})


def usage_event(model=MINI, **counts):
    return event({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000, "model": model,
                  "choices": [], "usage": usage(**counts)})


def plain_stream(words=("A ", "quarter ", "of ", "a ", "penny."), with_usage=True):
    """The events of a well-behaved stream, usage asked for, each as one bytes object."""
    events = [delta("", role="assistant")] + [delta(w) for w in words] + [delta(finish="stop")]
    if with_usage:
        events.append(usage_event())
    return events + [DONE]


def usd(pico):
    """Pico-dollars as the gateway writes them: exact, at least two decimals."""
    whole, part = divmod(pico, 10 ** 12)
    digits = f"{part:012d}".rstrip("0")
    return f"{whole}.{digits.ljust(2, '0')}"


def billed(events, cost_pico=None, saved_pico=0):
    """What a client that asked for usage sees of them: cost and savings at the end of each usage object."""
    paid = usd(cost() if cost_pico is None else cost_pico)
    bill = f',"cost_usd":{paid},"saved_usd":{usd(saved_pico)}'.encode()

    def mark(e):
        at = e.find(b'"usage":')
        if at < 0 or e[at + 8:].lstrip()[:1] != b"{":
            return e
        start = e.index(b"{", at)
        depth, end = 0, start
        while True:
            depth += {b"{": 1, b"}": -1}.get(e[end:end + 1], 0)
            if depth == 0:
                return e[:end] + bill + e[end:]
            end += 1
    return [mark(e) for e in events]


def shown(events):
    """What a client that did not ask for usage sees of them."""
    return [e for e in events if b'"choices": []' not in e]


def events_of(body):
    """The data lines of a stream, decoded."""
    found = []
    for block in body.replace(b"\r\n", b"\n").split(b"\n\n"):
        data = b"\n".join(line[5:].lstrip(b" ") for line in block.split(b"\n") if line.startswith(b"data:"))
        if data:
            found.append("[DONE]" if data == b"[DONE]" else json.loads(data))
    return found


def stream_error(body):
    """The error object that a broken stream ends with."""
    last = events_of(body)[-1]
    assert isinstance(last, dict) and "error" in last, f"the stream does not end with an error event: {body[-300:]!r}"
    assert b"[DONE]" not in body
    return last["error"]
