"""A provider that does exactly what a test says. Each connection has a thread that only reads: it cuts requests out of
the bytes and notices the end; replies are written by the test itself (next_call) or by a function (answer, script).

    call = upstream.next_call()        the gateway's request, with its exact bytes
    call.head(200, ...), call.send(b)  step by step, whenever the test likes
    call.wait_hang_up(0.2)             proves that the gateway let go of it

SPDX-License-Identifier: Apache-2.0
"""
import json
import queue
import socket
import threading
import time

from .patience import HANG_UP, LONG
from .wire import Closed, Head, Wire


class Call:
    """One request from the gateway, and the reply to it."""

    def __init__(self, link, number, raw_head, body):
        self.link = link
        self.number = number          # 1, 2, ... of this upstream
        self.head_in = Head(raw_head)
        self.method, self.target, self.version = self.head_in.start.split(" ")
        self.body = body
        self.chunking = False

    @property
    def path(self):
        return self.target.partition("?")[0]

    def json(self):
        return json.loads(self.body)

    def header(self, name):
        return self.head_in.get(name)

    # Writing. A gateway that has gone is no error here: the test asks for it where it matters.

    def send(self, data):
        return self.link.wire.try_send(data)

    def head(self, status=200, headers=(), length=None, chunked=False, reason="Whatever"):
        fields = [(n, v) for n, v in (headers.items() if isinstance(headers, dict) else headers)]
        if length is not None:
            fields.append(("Content-Length", length))
        if chunked:
            fields.append(("Transfer-Encoding", "chunked"))
            self.chunking = True
        text = f"HTTP/1.1 {status} {reason}\r\n" + "".join(f"{n}: {v}\r\n" for n, v in fields) + "\r\n"
        return self.send(text.encode("latin-1"))

    def reply(self, status=200, body=b"", headers=(), content_type="application/json"):
        """A whole reply in one write."""
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        fields = [(n, v) for n, v in (headers.items() if isinstance(headers, dict) else headers)]
        if content_type:
            fields.append(("Content-Type", content_type))
        fields.append(("Content-Length", len(body)))
        text = f"HTTP/1.1 {status} Whatever\r\n" + "".join(f"{n}: {v}\r\n" for n, v in fields) + "\r\n"
        return self.send(text.encode("latin-1") + body)

    def error(self, status, message="no", code="whatever", headers=()):
        return self.reply(status, {"error": {"message": message, "type": "t", "param": None, "code": code}}, headers)

    def stream_head(self, headers=(), status=200):
        fields = [("Content-Type", "text/event-stream; charset=utf-8")]
        fields += headers.items() if isinstance(headers, dict) else headers
        return self.head(status, fields, chunked=True)

    def chunk(self, data):
        if not self.chunking:
            return self.send(data)
        return self.send(b"%x\r\n" % len(data) + data + b"\r\n")

    def end(self):
        return self.send(b"0\r\n\r\n") if self.chunking else self.close()

    def stream(self, events, headers=()):
        """A whole event stream."""
        self.stream_head(headers)
        for e in events:
            self.chunk(e)
        return self.end()

    def close(self):
        self.link.close()

    def reset(self):
        self.link.reset()

    # The other side's leaving.

    def gone(self):
        return self.link.gone.is_set()

    def wait_hang_up(self, timeout=HANG_UP):
        assert self.link.gone.wait(timeout), f"the gateway did not hang up within {timeout:.2f} s"


class Link:
    """One connection from the gateway, read by a thread of its own."""

    def __init__(self, upstream, sock, number):
        self.upstream = upstream
        self.wire = Wire(sock)
        self.number = number
        self.gone = threading.Event()
        self.served = 0
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        w = self.wire
        w.timeout = 3600
        try:
            while True:
                raw = w.read_until(b"\r\n\r\n")
                head = Head(raw)
                if (head.get("expect") or "").lower() == "100-continue":
                    w.send(b"HTTP/1.1 100 Continue\r\n\r\n")
                if (head.get("transfer-encoding") or "").lower() == "chunked":
                    body = self.read_chunks()
                else:
                    body = w.read_exactly(int(head.get("content-length") or 0))
                self.served += 1
                self.upstream.took(self, raw, body)
        except (Closed, OSError):
            pass
        finally:
            self.gone.set()

    def read_chunks(self):
        body = b""
        while True:
            size = int(self.wire.read_until(b"\r\n"), 16)
            body += self.wire.read_exactly(size)
            assert self.wire.read_exactly(2) == b"\r\n"
            if size == 0:
                return body

    def close(self):
        try:
            self.wire.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.wire.sock.close()

    def reset(self):
        self.wire.reset()


class Upstream:
    def __init__(self, host="127.0.0.1"):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((host, 0))
        self.listener.listen(1024)
        self.host = host
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.calls = []
        self.links = []
        self.waiting = queue.Queue()
        self.plan = []
        self.answer = None
        self.failures = []
        self.on_connect = None
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def url(self):
        return f"http://{self.host}:{self.port}/v1"

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            if self.on_connect and self.on_connect(sock):
                continue
            with self.lock:
                self.links.append(Link(self, sock, len(self.links) + 1))

    def took(self, link, raw, body):
        with self.lock:
            call = Call(link, len(self.calls) + 1, raw, body)
            self.calls.append(call)
            play = self.plan.pop(0) if self.plan else self.answer
        if play is None:
            self.waiting.put(call)
            return

        def run():
            try:
                play(call)
            except Exception as e:  # noqa: BLE001 - a failing play fails the test at its end
                self.failures.append(e)
        threading.Thread(target=run, daemon=True).start()

    def script(self, *plays):
        """The next calls are answered by these functions in turn, later ones by `answer`."""
        with self.lock:
            self.plan += plays

    def next_call(self, timeout=LONG):
        try:
            return self.waiting.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError(f"no call reached the upstream within {timeout:.1f} s") from None

    def assert_no_call(self, timeout=0.1):
        try:
            call = self.waiting.get(timeout=timeout)
        except queue.Empty:
            return
        raise AssertionError(f"an unexpected call reached the upstream: {call.head_in.start}")

    def stop_listening(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()

    def close(self):
        self.stop_listening()
        with self.lock:
            links = list(self.links)
        for link in links:
            link.close()
        assert not self.failures, self.failures


def free_port():
    """A port that nobody listens on, for refused connections."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def stopwatch():
    began = time.monotonic()
    return lambda: time.monotonic() - began
