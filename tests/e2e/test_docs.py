"""The documents tell the truth: what the program can say stands in them, and their examples run.

SPDX-License-Identifier: Apache-2.0
"""
import glob
import json
import os
import re
import subprocess

import pytest

from conftest import need
from farthing.gateway import clean_environment, run
from farthing.wording import question

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
DOCUMENTS = ["README.md", *sorted(os.path.relpath(p, ROOT) for p in glob.glob(os.path.join(ROOT, "docs", "*.md")))]
# What a client can be told: err_set(e, STATUS, "code"), err_param(e, "param", "code"), and their short forms.
CODE = re.compile(r'\b(?:err_set\([^;"]*?,|err_param\([^;]*?,|stop\(\s*a,|fault\(\s*c,[^;"]*?,)\s*"([a-z0-9_]+)",\s*"?[A-Zm\'c%]', re.S)
SPOKEN = ("core", "server", "stages", "upstream", "ledger/keys.c", "gateway.c")
AT_START_ONLY = {"listen", "signals", "start", "microhttpd", "curl"}


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def error_codes():
    found = set()
    for place in SPOKEN:
        path = os.path.join(ROOT, "src", place)
        for name in [path] if path.endswith(".c") else glob.glob(os.path.join(path, "*.c")):
            found |= set(CODE.findall(read(name)))
    return found - AT_START_ONLY


def sections(text):
    """## titles and what stands under them."""
    parts = re.split(r"^## (.*)$", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def commands(text):
    """The curl commands of the shell examples, each on one line."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.S | re.M)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [line for line in lines if line.startswith("curl ")]


def test_every_error_code_is_in_the_table():
    codes = error_codes()
    assert len(codes) > 40 and {"invalid_type", "upstream_bad_encoding", "rate_limit_exceeded"} <= codes
    table = sections(read("docs/http.md"))["Errors"]
    rows = "\n".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| `"))
    documented = set(re.findall(r"`([a-z_]+)`", rows))
    assert codes - documented == set(), "said by the program, and in no row of docs/http.md"
    assert documented - codes == set(), "in a row of docs/http.md, and said by nobody"


def test_every_metric_and_log_key_is_described(standing):
    g, _ = standing
    sections_of = sections(read("docs/http.md"))
    shown = set(re.findall(r"^# TYPE (\S+)", g.ask("GET", "/metrics").body.decode(), re.M))
    assert shown == set(re.findall(r"`(farthing_[a-z_]+)", sections_of["Metrics"]))
    line = g.wait_closed(g.chat(question()).request_id)
    keys = set(line) - {"time", "level", "verb"}
    assert "cost_usd" in keys and keys <= set(re.findall(r"`([a-z_]+)`", sections_of["The log"]))


def test_every_subcommand_is_in_the_manual():
    need("farthing")
    names = re.findall(r"^  (\w+) ", run("--help").stdout, re.M)
    manual = read("docs/farthing.1")
    assert "serve" in names
    for name in names:
        assert re.search(rf"^\.It Cm {name}\b", manual, re.M), name


def test_the_architecture_names_what_exists():
    files = [p for d in ("src", "include") for p in glob.glob(os.path.join(ROOT, d, "**", "*.[ch]"), recursive=True)]
    text = "\n".join(read(p) for p in files)
    document = read("docs/architecture.md")
    named = set(re.findall(r"`([a-z][a-z0-9_]+)`", document)) - {"module_verb"}
    assert len(named) > 80 and named - set(re.findall(r"\w+", text)) == set()
    pictures = "\n".join(re.findall(r"^```text\n(.*?)^```", document, re.S | re.M))
    drawn = set(re.findall(r"\b[a-z]+_[a-z_]+\b", pictures))
    assert len(drawn) > 20 and drawn - set(re.findall(r"^([a-z]\w+)\(", text, re.M)) == set()
    for name in set(re.findall(r"`([a-z_/]+\.[ch])`", document)) - {"curl.h", "microhttpd.h"}:
        assert any(f.endswith("/" + name) for f in files), name


@pytest.mark.parametrize("document", ["README.md", "docs/http.md"])
def test_the_curl_examples_run(document, sim_gateway):
    g = sim_gateway()
    found = commands(read(document))
    assert found
    for command in found:
        command = command.replace("127.0.0.1:8080", f"127.0.0.1:{g.port}").replace("curl ", "curl -fsS --noproxy '*' ", 1)
        done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True,
                              env=clean_environment(), check=False)
        assert done.returncode == 0 and done.stdout, f"{command}\n{done.stderr}"


def test_the_trial_of_batching_is_one_call(sim_gateway, sim):
    text = read("docs/batching.md")
    trial = text[text.index("<!-- example: trial -->"):]
    settings = re.search(r"^```yaml\nbatch: (.*)\n```", trial, re.M).group(1)
    g = sim_gateway({"batch": json.loads(re.sub(r"\b(?!false)([a-z_]+)\b", r'"\1"', settings))})
    script = re.search(r"^```sh\n(.*?)^```", trial, re.S | re.M).group(1).replace("127.0.0.1:8080", f"127.0.0.1:{g.port}")
    done = subprocess.run(["bash", "-c", "curl() { command curl --noproxy '*' \"$@\"; }\n" + script], capture_output=True, text=True,
                          env=clean_environment(), check=False)
    assert sorted(re.findall(r"^x-farthing-batch: (\S+)", done.stdout, re.M)) == [f"{i}/5" for i in range(1, 6)], done.stdout + done.stderr
    assert all(float(usd) > 0 for usd in re.findall(r"^x-farthing-saved-usd: (\S+)", done.stdout, re.M))
    assert done.stdout.count('"content"') == 5 and sim.stats()["batch_calls"] == 1
    closed = g.wait_ends(5)
    assert sorted(line["batch"] for line in closed) == [f"{i}/5" for i in range(1, 6)] and all(line["saved_usd"] for line in closed)


def test_every_reason_to_go_alone_is_told():
    sources = ["core/bundle.c", "core/bundle_schema.c", *(f"stages/{name}.c" for name in ("batch_fit", "batch_board", "batch_room", "ride_start"))]
    said = {text for name in sources for text in re.findall(r'(?<!include )"([a-z][^"\\=%]* [^"\\=%]*)"', read(f"src/{name}"))} - {"a rule"}
    assert len(said) > 40
    table = sections(read("docs/batching.md"))["What goes alone"]
    assert said - set(re.findall(r"`([^`]+)`", table)) == set(), "said by the program, and not in docs/batching.md"
    reasons = set(re.findall(r'= "([a-z_]+)",', read("src/stages/ride_metrics.c").split("batch_resent_name")[0]))
    assert len(reasons) == 10 and reasons == set(re.findall(r"^\| `([a-z_]+)`", table, re.M))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document):
    text = read(document)
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", text):
        path = os.path.normpath(os.path.join(os.path.dirname(document), target)) if target else document
        assert os.path.exists(os.path.join(ROOT, path)), f"{document}: {target}"
        if anchor:
            titles = re.findall(r"^#+ (.*)$", read(path), re.M)
            assert anchor in [re.sub(r"[^\w -]", "", t.lower()).replace(" ", "-") for t in titles], f"{document}: #{anchor}"
