"""Token counts from outside: `farthing tokens` beside the reference tokenizer on many texts, the command's other faces, and the
usage that farthing-sim states.

SPDX-License-Identifier: Apache-2.0
"""
import base64
import hashlib
import json
import os
import random
import subprocess
import urllib.request

import pytest
import tiktoken

from conftest import need
from farthing.gateway import clean_environment, program, run
from farthing.patience import LONG, SLOW
from farthing.sim import Sim

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MODELS = {"o200k": "gpt-4o-mini", "cl100k": "gpt-4"}
# The digests of the published vocabularies, as tiktoken itself checks them.
PUBLISHED = {"o200k": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
             "cl100k": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"}
PATTERNS = {
    "o200k": "|".join([
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"]),
    "cl100k": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
              r"|\s+(?!\S)|\s+",
}
PIECES = [" ", "  ", "\n", "\r\n", "\t", "'s", "'S", "'ſ", "'LL", "'re", "don't", "Ä", "ß", "é", "e\u0301", "\u0301",
          "\u0345", "日本語", "中文字", "한국어", "العربية", "हिन्दी", "ไทย", "😀", "👩‍👩‍👧", "🇩🇪", "…", "—", "//", "/*", "*/",
          "();", "{}", "==", "====", "a", "A", "AB", "Ab", "aB", "HTTPServer", "camelCase", "123", "1", "٣", "Ⅷ", "½",
          "\u00a0", "\u2003", "\u2028", "\u3000", "\x85", "ǅ", "ʰ", "ª", "İ", "ﬁ", "\u200d", "\ufffd", "\x01", "_", "-",
          "Ω", "я", "ქ", "Ქ", "'", "\"", "’s", "K", "ſ", "<|endoftext|>", " the", " a", "ing", "tion"]


@pytest.fixture(autouse=True)
def built():
    need("farthing")


def tokens_of(name):
    with open(os.path.join(ROOT, "src/assets", f"{name}.ranks"), "rb") as f:
        data = f.read()
    count = int.from_bytes(data[:4], "little")
    at, tokens = 4 + count, []
    for length in data[4:4 + count]:
        tokens.append(data[at:at + length])
        at += length
    assert at == len(data)
    return tokens


@pytest.fixture(scope="module")
def reference():
    return {name: tiktoken.Encoding(name, pat_str=PATTERNS[name], special_tokens={},
                                    mergeable_ranks={t: i for i, t in enumerate(tokens_of(name))}) for name in PATTERNS}


def counts(model, texts):
    done = subprocess.run([program("farthing"), "tokens", "-0", "--model", model], capture_output=True, check=True,
                          input=b"".join(t + b"\0" for t in texts), env=clean_environment(), timeout=120 * SLOW)
    return [int(line) for line in done.stdout.split()]


def compare(reference, texts):
    for name, encoding in reference.items():
        wrong = [(t[:80], got, want) for t, got, want in
                 zip(texts, counts(MODELS[name], texts),
                     (len(encoding.encode_ordinary(t.decode(errors="replace"))) for t in texts), strict=True) if got != want]
        assert not wrong, (name, len(wrong), wrong[:3])


def sources():
    """Code and prose of this project, cut where no line ends."""
    for folder, _, files in os.walk(ROOT):
        if any(part in folder for part in ("/build", "/node_modules", "/.git", "/corpus")):
            continue
        for file in sorted(files):
            if file.endswith((".c", ".h", ".md", ".py", ".txt", ".yaml", ".1")):
                with open(os.path.join(folder, file), "rb") as f:
                    data = f.read().replace(b"\0", b"")
                yield from (data[i:i + 777] for i in range(0, len(data), 777))


def made_up(rng):
    kind, n = rng.random(), int(rng.expovariate(1 / 10)) + 1
    if kind < .5:
        return "".join(rng.choice(PIECES) for _ in range(n)).encode()
    if kind < .65:
        codes = (rng.randrange(1, rng.choice((0x80, 0x300, 0x3000, 0x20000, 0x110000))) for _ in range(n * 2))
        return "".join(chr(c) for c in codes if not 0xD800 <= c < 0xE000).encode()
    if kind < .75:
        return rng.choice("ab -=aA\n日一ก\u0301").encode() * rng.randrange(1, 300)
    if kind < .85:
        return bytes(rng.choice(b"etaoinshrdlubcfgABC") for _ in range(n * 12))
    if kind < .92:
        return "".join(rng.choice([" ", "  ", "\n", "\t", "\r", "x", "X", " x", "\u3000", "/", "."]) for _ in range(n)).encode()
    return bytes(rng.randrange(1, 256) for _ in range(n * 2))  # hardly ever valid UTF-8


def test_the_vocabularies_are_the_published_ones():
    for name, digest in PUBLISHED.items():
        text = b"".join(base64.b64encode(t) + b" %d\n" % i for i, t in enumerate(tokens_of(name)))
        assert hashlib.sha256(text).hexdigest() == digest


def test_twenty_thousand_texts_have_the_references_tokens(reference):
    rng = random.Random(20261126)
    texts = list(sources())[:5000]
    while len(texts) < 20_000:
        texts.append(made_up(rng))
    compare(reference, texts)


def test_a_line_of_a_million_bytes_has_the_references_tokens(reference):
    rng = random.Random(3)
    letters = bytes(rng.choice(b"abcdefghijklmnopqrstuvwxyz") for _ in range(1_000_000))
    syllables = "".join(rng.choice(["the", "ing", "tion", "er", "é", "я", "щение", "日", "一"]) for _ in range(20_000))
    compare(reference, [letters, syllables.encode(), b"A" * 50_000, b"=" * 50_000])


def test_classes_of_all_characters_are_the_references(reference):
    """Each code point between letters, digits and blanks, where a wrong class shows in the pieces. Nothing has a class
    between the last ideographs and the tags."""
    codes = [*range(1, 0xD800), *range(0xE000, 0x33480), *range(0xE0000, 0xE0200), 0x10FFFF]
    compare(reference, ["".join(f"a{c}B{c}1{c}{c} " for c in map(chr, codes[i:i + 16])).encode() for i in range(0, len(codes), 16)])


def test_a_text_is_counted_from_a_file_and_from_stdin(tmp_path):
    path = tmp_path / "text"
    path.write_bytes(b"How long is this?")
    assert run("tokens", str(path)).stdout == run("tokens", input="How long is this?").stdout == "5\n"
    assert run("tokens", "--model", "gpt-3.5-turbo", str(path)).stdout == "5\n"
    assert run("tokens", input="").stdout == "0\n"


def test_many_texts_are_counted_in_one_run():
    assert run("tokens", "-0", input="one two\0\0three").stdout == "2\n0\n1\n"


def test_an_unknown_model_is_said_to_be_bounded():
    done = run("tokens", "--model", "llama", input="héllo")
    assert done.returncode == 0 and done.stdout == "6\n" and "upper bound" in done.stderr


def test_a_chat_is_counted_with_its_framing():
    hi = {"messages": [{"role": "user", "content": "Hi"}]}
    done = run("tokens", "--chat", input=json.dumps(hi))
    assert (done.returncode, done.stdout, done.stderr) == (0, "8\n", "")
    done = run("tokens", "--chat", input=json.dumps({"model": "o3", **hi}))
    assert done.stdout == "8\n" and "at most" in done.stderr
    done = run("tokens", "--chat", "--model", "gpt-4o", input=json.dumps({"model": "o3", **hi, "web_search_options": {}}))
    assert "web_search_options" in done.stderr


@pytest.mark.parametrize("body, word", [("{", "JSON"), ("{}", "messages"), ("[]", "messages")])
def test_what_is_no_chat_is_refused(body, word):
    done = run("tokens", "--chat", input=body)
    assert done.returncode == 1 and word in done.stderr and not done.stdout


def test_wrong_usage_and_files_that_are_not_there():
    assert run("tokens", "--chat", "-0", input="").returncode == 2
    assert run("tokens", "a", "b", input="").returncode == 2
    done = run("tokens", "/nowhere/at/all")
    assert done.returncode == 1 and "/nowhere/at/all" in done.stderr


@pytest.fixture(scope="module")
def sim(tmp_path_factory):
    s = Sim(tmp_path_factory.mktemp("sim")).start()
    yield s
    s.close()


def ask(sim, body):
    request = urllib.request.Request(f"{sim.url}/chat/completions", json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=LONG) as reply:
        return reply.read().decode()


@pytest.mark.parametrize("model, name", [("gpt-4o-mini", "o200k"), ("gpt-3.5-turbo", "cl100k")])
def test_the_simulator_states_what_the_reference_counts(sim, reference, model, name):
    encoding = reference[name]
    for text in ("Write a product title for: steel bottle", "Größe? ¿Qué? 日本語 😀", "What is 17*23+5?", "Plan a strategy " * 50):
        reply = json.loads(ask(sim, {"model": model, "messages": [{"role": "user", "content": text}]}))
        usage, said = reply["usage"], reply["choices"][0]["message"]["content"]
        assert usage["prompt_tokens"] == len(encoding.encode_ordinary(text)) + 7
        assert usage["completion_tokens"] == len(encoding.encode_ordinary(said))


def test_a_stream_of_the_simulator_speaks_in_tokens_and_whole_characters(sim, reference):
    body = {"model": "gpt-4o", "stream": True, "stream_options": {"include_usage": True},
            "messages": [{"role": "user", "content": "Tell me about \U0001fae8\U0001fae8 and 日本 faces"}]}
    chunks = [json.loads(line[6:]) for line in ask(sim, body).splitlines() if line.startswith("data: {")]
    said = [c["choices"][0]["delta"].get("content") for c in chunks if c["choices"]]
    said = [piece for piece in said if piece]
    assert "\U0001fae8" in "".join(said) and "\ufffd" not in "".join(said)
    assert chunks[-1]["usage"]["completion_tokens"] == len(reference["o200k"].encode_ordinary("".join(said))) > len(said)


def test_a_limit_cuts_behind_a_token(sim, reference):
    for limit in range(1, 24):
        body = {"model": "gpt-4o", "max_tokens": limit, "messages": [{"role": "user", "content": "About \U0001fae8 faces"}]}
        reply = json.loads(ask(sim, body))
        said = reply["choices"][0]["message"]["content"]
        assert "\ufffd" not in said and len(reference["o200k"].encode_ordinary(said)) <= limit
        assert reply["usage"]["completion_tokens"] == limit and reply["choices"][0]["finish_reason"] == "length"
