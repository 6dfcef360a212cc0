"""The official OpenAI SDK for Node, through the gateway, before farthing-sim. The checks are in node/sdk.test.mjs.

SPDX-License-Identifier: Apache-2.0
"""
import os
import re
import shutil
import subprocess

import pytest

from farthing.patience import SLOW, eventually

HERE = os.path.join(os.path.dirname(__file__), "node")
SCRIPT = os.path.join(HERE, "sdk.test.mjs")
with open(SCRIPT, encoding="utf-8") as script:
    CHECKS = re.findall(r"^\tasync (\w+)\(\)", script.read(), re.M)

pytestmark = [
    pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed"),
    pytest.mark.skipif(not os.path.isdir(os.path.join(HERE, "node_modules", "openai")),
                       reason="the openai package is not installed: npm ci in tests/e2e/node"),
]


@pytest.mark.parametrize("check", CHECKS)
def test_the_sdk_for_node(sim_gateway, sim, check):
    g = sim_gateway({"upstreams": {"sim": {"attempts": 1}}})
    done = subprocess.run(["node", SCRIPT, check], capture_output=True, text=True, timeout=60 * SLOW, check=False,
                          env={**os.environ, "FARTHING_BASE_URL": f"http://127.0.0.1:{g.port}/v1"})
    assert done.returncode == 0 and done.stdout.startswith(f"ok {check}"), done.stdout + done.stderr
    if check == "abort":
        eventually(lambda: [e["status"] for e in g.entries("closed")].count("499") >= 1, "the aborted requests' ends")
        eventually(lambda: sim.stats()["aborted"] >= 1, "the provider was told")
    assert len(g.stop().requests()) == len(g.entries("closed"))


def test_all_checks_are_known():
    assert len(CHECKS) >= 14
