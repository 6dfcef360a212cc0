"""Fixtures of the end-to-end tests. Every gateway a test starts is stopped with SIGTERM at the test's end and must exit
with 0, without a word from a sanitizer, and with books that `farthing ledger check` finds in order.

SPDX-License-Identifier: Apache-2.0
"""
import os

import pytest

from farthing.gateway import Gateway, merge, program, skeleton
from farthing.sim import Sim
from farthing.upstream import Upstream
from farthing.wording import completion


def need(name):
    if not os.path.exists(program(name)):
        pytest.fail(f"{program(name)} is missing: build it, or point FARTHING_BIN_DIR at a build")


@pytest.fixture
def upstream():
    u = Upstream()
    yield u
    u.close()


@pytest.fixture
def upstreams():
    """A maker of further scripted providers."""
    made = []

    def make():
        made.append(Upstream())
        return made[-1]
    yield make
    for u in made:
        u.close()


class Gateways:
    """Starts gateways and sees them off."""

    def __init__(self, directory, upstream):
        self.directory = directory
        self.upstream = upstream
        self.started = []

    def __call__(self, config=None, upstream=None, start=True, **more):
        need("farthing")
        url = (upstream or self.upstream).url
        g = Gateway(self.directory, merge(skeleton(str(self.directory), url), config or {}),
                    name=f"farthing{len(self.started)}", **more)
        self.started.append(g)
        return g.start() if start else g

    def stop(self):
        complaints = []
        for g in self.started:
            try:
                g.stop()
            except AssertionError as e:
                complaints.append(e)
        if complaints:
            raise complaints[0]


@pytest.fixture
def gateway(tmp_path, upstream):
    """gateway(overrides) starts one; its upstream `sim` is the scripted provider."""
    made = Gateways(tmp_path, upstream)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def stand(tmp_path_factory):
    """A maker of gateways that all tests of a module share, each before a provider that answers everything:
    stand(name, overrides) gives (gateway, upstream)."""
    made = []

    def make(name, config=None):
        need("farthing")
        u = Upstream()
        u.answer = lambda call: call.reply(200, completion())
        directory = tmp_path_factory.mktemp(name)
        g = Gateway(directory, merge(skeleton(str(directory), u.url), config or {})).start()
        made.append((g, u))
        return g, u
    yield make
    try:
        for g, _ in made:
            g.stop()
    finally:
        for g, u in made:
            if g.process.poll() is None:
                g.process.kill()
            u.close()


@pytest.fixture(scope="module")
def standing(stand):
    """One gateway for all tests of a module: (gateway, upstream)."""
    return stand("standing")


@pytest.fixture
def sim(tmp_path):
    need("farthing-sim")
    s = Sim(tmp_path).start()
    yield s
    s.close()


@pytest.fixture
def sim_gateway(tmp_path, sim):
    """A gateway before farthing-sim."""
    made = Gateways(tmp_path, sim)
    yield made
    made.stop()
