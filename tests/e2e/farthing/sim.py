"""farthing-sim as a process.

SPDX-License-Identifier: Apache-2.0
"""
import http.client
import json
import os
import subprocess

from .gateway import clean_environment, program
from .patience import LONG, eventually


class Sim:
    def __init__(self, directory, *args):
        self.port_file = os.path.join(str(directory), "sim.port")
        self.log = os.path.join(str(directory), "sim.log")
        self.args = args

    def start(self):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [program("farthing-sim"), "--port", "0", "--port-file", self.port_file, *self.args],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=clean_environment())

        def port():
            assert self.process.poll() is None, open(self.log, encoding="utf-8").read()
            try:
                with open(self.port_file, encoding="ascii") as f:
                    return int(f.read() or 0)
            except (FileNotFoundError, ValueError):
                return 0
        self.port = eventually(port, "farthing-sim's port")
        self.url = f"http://127.0.0.1:{self.port}/v1"
        return self

    def get(self, path):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONG)
        try:
            c.request("GET", path)
            return json.loads(c.getresponse().read())
        finally:
            c.close()

    def stats(self):
        return self.get("/sim/stats")

    def plan(self, text):
        """Scripted faults from now on."""
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONG)
        try:
            c.request("POST", "/sim/plan", text)
            reply = c.getresponse()
            assert reply.status == 200, reply.read()
        finally:
            c.close()

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(LONG)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
