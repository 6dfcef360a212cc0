"""The gateway as a process: a configuration file, a port learned from its log, its log lines, an orderly stop.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import re
import signal
import subprocess
import threading
import time

from .books import Books
from .patience import BIN_DIR, LONG, SLOW
from .wire import Client

PAIR = re.compile(r'([A-Za-z_][A-Za-z0-9_.]*)=("(?:[^"\\]|\\.)*"|\S*)')
SANITIZER = re.compile(r"(Address|Leak|Thread|Memory|UndefinedBehavior)Sanitizer|runtime error:|Assertion .* failed")


def merge(into, over):
    """Deep merge of mappings; None removes a key."""
    out = dict(into)
    for key, value in over.items():
        if value is None:
            out.pop(key, None)
        elif isinstance(value, dict) and isinstance(out.get(key), dict):
            out[key] = merge(out[key], value)
        else:
            out[key] = value
    return out


def yaml(value, indent=0):
    """Mappings of scalars and lists as YAML a person might have written."""
    pad = "  " * indent
    out = ""
    for key, v in value.items():
        if isinstance(v, dict) and v:
            out += f"{pad}{key}:\n{yaml(v, indent + 1)}"
        elif isinstance(v, str) and re.fullmatch(r"[0-9]+(\.[0-9]+)?(ms|s|m|h|d|B|KiB|MiB|GiB)?|on|off|[a-z_]+", v):
            out += f"{pad}{key}: {v}\n"
        else:
            out += f"{pad}{key}: {json.dumps(v)}\n"
    return out


SECTION = {"attempts": "retry", "backoff": "retry", "backoff_max": "retry", "connect": "timeouts", "first_byte": "timeouts",
           "idle": "timeouts", "total": "timeouts"}


def sectioned(config):
    """Tests write an upstream's keys flat; in the file some of them stand in sections."""
    out = dict(config)
    out["upstreams"] = {}
    for name, flat in config["upstreams"].items():
        u = out["upstreams"][name] = {}
        for key, value in flat.items():
            (u.setdefault(SECTION[key], {}) if key in SECTION else u)[key] = value
    return out


def skeleton(directory, upstream_url):
    return {
        "listen": "127.0.0.1:0",
        "database": os.path.join(directory, "farthing.db"),
        "upstreams": {"sim": {"base_url": upstream_url, "api_key": "sk-upstream-secret", "backoff": "10ms",
                              "backoff_max": "40ms"}},
        "models": {"gpt-4o-mini": {"upstream": "sim"}, "gpt-4o": {"upstream": "sim"},
                   "text-embedding-3-small": {"upstream": "sim"}},
        "limits": {"drain_timeout": f"{int(5 * SLOW) + 1}s"},
        # Tests that are not about kept answers ask each question as if it were the first.
        "cache": {"exact": False}, "dedup": {"window": "0s"},
        # Tests that are not about the router get the model they ask for.
        "routing": {"reroute": ["auto"]},
        # Tests that are not about money see requests travel as they came, and calls end with their clients.
        "budget": {"request_usd": "off", "daily_usd": "off", "on_disconnect": "abort"},
    }


def program(name):
    return os.path.join(BIN_DIR, name)


def clean_environment(**more):
    drop = ("OPENAI_API_KEY", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "FARTHING_ADMIN_KEY")
    env = {k: v for k, v in os.environ.items() if k not in drop}
    env.update(more)
    return env


def parse_line(line):
    """One log line as a dict with `time`, `level`, `verb`; None for what is no log line."""
    if line.startswith("{"):
        try:
            found = json.loads(line)
            return {**found, "verb": found.get("event")}
        except ValueError:
            return None
    words = line.split(" ", 3)
    if len(words) < 3 or not re.match(r"\d{4}-\d\d-\d\dT", words[0]):
        return None
    found = {"time": words[0], "level": words[1], "verb": words[2]}
    for key, value in PAIR.findall(words[3] if len(words) > 3 else ""):
        found[key] = json.loads(value) if value.startswith('"') else value
    return found


class Gateway:
    def __init__(self, directory, config, env=None, name="farthing", preexec=None, args=(), pipe=2**20):
        self.directory = str(directory)
        self.config = config
        self.config_path = os.path.join(self.directory, f"{name}.yaml")
        self.env = env or {}
        self.preexec = preexec
        self.args = list(args)
        self.pipe = pipe                  # a full one costs log lines, and a storm must not lose any
        self.lines = []
        self.heard = threading.Condition()
        self.process = None
        self.port = None
        self.ended_well = False

    @property
    def database(self):
        return self.config["database"]

    def write_config(self, config=None, text=None):
        if config is not None:
            self.config = config
        with open(self.config_path, "w", encoding="utf-8") as f:
            f.write(text if text is not None else yaml(sectioned(self.config)))

    def launch(self):
        """Starts the process without waiting for anything."""
        self.write_config()
        self.lines = []
        self.port = None
        self.ended_well = False
        self.process = subprocess.Popen(
            [program("farthing"), "serve", "-c", self.config_path, *self.args], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=self.directory, env=clean_environment(**self.env),
            preexec_fn=self.preexec, pipesize=self.pipe)
        self.listener = threading.Thread(target=self._listen, args=(self.process,), daemon=True)
        self.listener.start()
        return self

    def start(self):
        self.launch()
        line = self.wait_line(lambda e: e.get("verb") == "listening", "a line `listening address=...`")
        self.port = int(line["address"].rpartition(":")[2])
        return self

    def _listen(self, process):
        for raw in process.stderr:
            line = raw.decode("utf-8", "backslashreplace").rstrip("\n")
            with self.heard:
                self.lines.append(line)
                self.heard.notify_all()
        with self.heard:
            self.heard.notify_all()

    @property
    def log(self):
        with self.heard:
            return "\n".join(self.lines)

    def entries(self, verb=None):
        with self.heard:
            lines = list(self.lines)
        found = [e for e in map(parse_line, lines) if e]
        return [e for e in found if verb is None or e.get("verb") == verb]

    def wait_line(self, fits, what, timeout=LONG):
        """The first log entry that fits, past or to come."""
        deadline = time.monotonic() + timeout
        seen = 0
        with self.heard:
            while True:
                while seen < len(self.lines):
                    entry = parse_line(self.lines[seen])
                    seen += 1
                    if entry and fits(entry):
                        return entry
                left = deadline - time.monotonic()
                dead = self.process.poll() is not None and not self.listener.is_alive()
                if left <= 0 or dead:
                    raise AssertionError(f"{what} was not logged ({'process ended' if dead else 'deadline'}):\n"
                                         + "\n".join(self.lines[-40:]))
                self.heard.wait(min(left, 0.1))

    def wait_closed(self, request_id, timeout=LONG):
        """The line of a request's end."""
        return self.wait_line(lambda e: e.get("verb") == "closed" and e.get("request") == request_id,
                              f"the end of {request_id}", timeout)

    def wait_ends(self, count, timeout=LONG):
        """Waits until `count` requests have ended; returns their lines."""
        def ends():
            found = self.entries("closed")
            return found if len(found) >= count else None
        deadline = time.monotonic() + timeout
        with self.heard:
            while True:
                found = [e for e in map(parse_line, self.lines) if e and e.get("verb") == "closed"]
                if len(found) >= count:
                    return found
                left = deadline - time.monotonic()
                assert left > 0, f"only {len(found)} of {count} requests ended:\n" + "\n".join(self.lines[-40:])
                self.heard.wait(left)

    def connect(self, **more):
        return Client(self.port, **more)

    def ask(self, method, target, body=None, headers=(), **more):
        """One whole exchange on a connection of its own."""
        c = self.connect()
        try:
            return c.ask(method, target, body, headers, **more).reply()
        finally:
            c.close()

    def chat(self, body, headers=(), **more):
        return self.ask("POST", "/v1/chat/completions", body, headers, **more)

    def settle(self):
        """Returns when the gateway has read what was sent to it on open connections before: its loop has turned three
        times since, each proved by a round trip."""
        c = self.connect()
        for _ in range(3):
            assert c.ask("GET", "/healthz").reply().status == 200
        c.close()

    def warm(self):
        """A connection that the gateway has surely accepted."""
        c = self.connect()
        assert c.ask("GET", "/healthz").reply().status == 200
        return c

    def cpu(self):
        """Seconds of processor time so far."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as f:
            fields = f.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident(self):
        """Bytes of memory now."""
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def signal(self, number):
        self.process.send_signal(number)

    def wait_exit(self, timeout=None):
        code = self.process.wait(timeout or LONG * 2)
        self.listener.join(LONG)
        return code

    def complain(self):
        """Fails when a sanitizer or an assertion has spoken."""
        found = SANITIZER.search(self.log)
        assert not found, self.log[-8000:]

    def stop(self):
        """SIGTERM, and then everything must be in order."""
        if self.process is None or self.ended_well:
            return self.books()
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        try:
            code = self.wait_exit()
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError("SIGTERM did not end the gateway:\n" + self.log[-4000:]) from None
        self.complain()
        assert code == 0, f"exit {code}:\n{self.log[-4000:]}"
        self.ended_well = True
        self.check_books()
        return self.books()

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait()
        self.listener.join(LONG)

    def check_books(self):
        done = run("ledger", "check", "--db", self.database)
        assert done.returncode == 0, f"ledger check: {done.stdout}{done.stderr}"
        refused = self.books().query("SELECT * FROM refused")
        assert not refused, f"rows the ledger had to refuse: {refused}"

    def books(self):
        return Books(self.database)

    def row(self, request_id):
        """The ledger row of a request that ended, waited for while the gateway runs."""
        return self.books().wait_request(request_id)


def run(*args, env=None, input=None, timeout=None):
    """Runs `farthing ARGS` to its end."""
    return subprocess.run([program("farthing"), *args], capture_output=True, text=True, input=input,
                          env=clean_environment(**(env or {})), timeout=timeout or 30 * SLOW, check=False)
