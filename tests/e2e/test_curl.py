"""curl, as in the README.

SPDX-License-Identifier: Apache-2.0
"""
import json
import shutil
import subprocess

import pytest

from farthing.patience import SLOW

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


def curl(*args):
    done = subprocess.run(["curl", "-sS", "--max-time", str(int(20 * SLOW)), *args], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_question(sim_gateway):
    g = sim_gateway()
    out = curl(f"http://127.0.0.1:{g.port}/v1/chat/completions", "-H", "Content-Type: application/json",
               "-d", '{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hello"}]}')
    assert json.loads(out)["choices"][0]["message"]["content"]


def test_a_stream(sim_gateway):
    g = sim_gateway()
    out = curl("-N", "-i", f"http://localhost:{g.port}/v1/chat/completions", "-H", "Content-Type: application/json",
               "-H", "Authorization: Bearer sk-any", "-H", "x-farthing-task: greeting",
               "-d", '{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"Hello"}]}')
    head, _, body = out.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200") and b"text/event-stream" in head and b"x-farthing-cache: miss" in head.lower()
    assert body.endswith(b"data: [DONE]\n\n")


def test_a_body_large_enough_for_expect_100_continue(sim_gateway, tmp_path):
    g = sim_gateway()
    path = tmp_path / "big.json"
    path.write_text(json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "x" * 2_000_000}]}))
    out = curl(f"http://127.0.0.1:{g.port}/v1/chat/completions", "-H", "Content-Type: application/json",
               "--data-binary", f"@{path}", "-o", "/dev/null", "-w", "%{http_code}")
    assert out in (b"200", b"400")    # the model may have fewer tokens than that; the gateway has room for it


def test_a_file(sim_gateway, tmp_path):
    g = sim_gateway()
    path = tmp_path / "train.jsonl"
    path.write_text('{"messages":[]}\n')
    made = json.loads(curl(f"http://127.0.0.1:{g.port}/v1/files", "-F", "purpose=fine-tune", "-F", f"file=@{path}"))
    assert made["filename"] == "train.jsonl" and made["bytes"] == 16
    assert curl(f"http://127.0.0.1:{g.port}/v1/files/{made['id']}/content") == b'{"messages":[]}\n'


def test_health_models_and_metrics(sim_gateway):
    g = sim_gateway()
    base = f"http://127.0.0.1:{g.port}"
    assert curl(f"{base}/healthz", "-o", "/dev/null", "-w", "%{http_code}") == b"200"
    assert "gpt-4o-mini" in [m["id"] for m in json.loads(curl(f"{base}/v1/models"))["data"]]
    assert b"farthing_requests_total" in curl(f"{base}/metrics")


def test_a_form_is_refused_with_a_hint(sim_gateway):
    """The commonest mistake: -d without a content type."""
    g = sim_gateway()
    out = curl("-w", "%{http_code}", f"http://127.0.0.1:{g.port}/v1/chat/completions", "-d", '{"model":"gpt-4o-mini"}')
    assert out.endswith(b"415") and b"application/json" in out
