"""A socket with a deadline, and HTTP/1.1 as it stands on the wire. Nothing is repaired or hidden: what a peer sent
wrongly must be visible to the test.

SPDX-License-Identifier: Apache-2.0
"""
import json
import socket
import struct
import time

from .patience import LONG


class Closed(Exception):
    """The peer ended the connection (FIN)."""


class Reset(Closed):
    """The peer ended the connection (RST)."""


class Silence(AssertionError):
    """Nothing arrived before the deadline."""


class Wire:
    """A connected socket, its unread bytes, and the pieces in which they came."""

    def __init__(self, sock, timeout=LONG):
        self.sock = sock
        self.timeout = timeout
        self.unread = b""
        self.pieces = []
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data):
        self.sock.settimeout(self.timeout)
        self.sock.sendall(data)

    def try_send(self, data):
        """Sends what the peer takes; False when it has gone."""
        try:
            self.send(data)
            return True
        except OSError:
            return False

    def fill(self, deadline=None):
        """Reads one piece more; Closed at the end."""
        left = self.timeout if deadline is None else deadline - time.monotonic()
        if left <= 0:
            raise Silence("deadline passed; unread so far: %r" % self.unread[-300:])
        self.sock.settimeout(left)
        try:
            piece = self.sock.recv(65536)
        except (TimeoutError, socket.timeout):
            raise Silence("nothing arrived; unread so far: %r" % self.unread[-300:]) from None
        except ConnectionResetError:
            raise Reset() from None
        except OSError as e:
            raise Closed(str(e)) from None
        if not piece:
            raise Closed()
        self.pieces.append(piece)
        self.unread += piece

    def take(self, n):
        data, self.unread = self.unread[:n], self.unread[n:]
        return data

    def read_exactly(self, n, timeout=None):
        deadline = time.monotonic() + (timeout or self.timeout)
        while len(self.unread) < n:
            self.fill(deadline)
        return self.take(n)

    def read_until(self, mark, timeout=None):
        deadline = time.monotonic() + (timeout or self.timeout)
        while mark not in self.unread:
            self.fill(deadline)
        return self.take(self.unread.index(mark) + len(mark))

    def read_to_end(self, timeout=None):
        """All bytes up to the end of the connection, however it ends."""
        deadline = time.monotonic() + (timeout or self.timeout)
        try:
            while True:
                self.fill(deadline)
        except Closed:
            return self.take(len(self.unread))

    def wait_end(self, timeout=None):
        """Seconds until the peer ended the connection; fails at the deadline."""
        began = time.monotonic()
        self.read_to_end(timeout)
        return time.monotonic() - began

    def is_open(self, timeout=0.05):
        try:
            self.fill(time.monotonic() + timeout)
            return True
        except Silence:
            return True
        except Closed:
            return False

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def close(self):
        self.sock.close()

    def reset(self):
        """Ends the connection with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        try:
            self.sock.shutdown(socket.SHUT_RD)
        except OSError:
            pass
        self.sock.close()


class Head:
    """A start line and header fields, in order and as spelled."""

    def __init__(self, raw):
        self.raw = raw
        lines = raw.decode("latin-1").rstrip("\r\n").split("\r\n")
        self.start = lines[0]
        self.fields = []
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            assert colon and name.strip() == name, f"malformed header line {line!r}"
            self.fields.append((name, value.strip()))

    def all(self, name):
        return [v for n, v in self.fields if n.lower() == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        assert len(values) <= 1, f"{name} stands {len(values)} times"
        return values[0] if values else default

    def names(self):
        return {n.lower() for n, _ in self.fields}


class Body:
    """The bytes behind a head, decoded as they arrive. `whole` is true once the framing said that this was all."""

    def __init__(self, wire, head, no_body=False):
        self.wire = wire
        self._got = bytearray()
        self.at = 0        # what expect has consumed
        self.whole = False
        self.chunked = (head.get("transfer-encoding") or "").lower() == "chunked"
        length = head.get("content-length")
        self.left = int(length) if length is not None else None
        assert not (self.chunked and length is not None), "Content-Length beside chunked"
        if no_body or (self.left == 0 and not self.chunked):
            self.whole = True
        self._in_chunk = 0

    @property
    def got(self):
        """All bytes so far."""
        return bytes(self._got)

    def more(self, timeout=None):
        """The next decoded bytes; b"" once the body is whole. Closed when the connection ends before."""
        deadline = time.monotonic() + (timeout or self.wire.timeout)
        while not self.whole:
            piece = self._decode()
            if piece:
                self._got += piece
                return piece
            if self.whole:
                break
            try:
                self.wire.fill(deadline)
            except Closed:
                if self.chunked or self.left is not None:
                    raise
                self.whole = True
        return b""

    def _decode(self):
        w = self.wire
        if not self.chunked:
            piece = w.take(len(w.unread) if self.left is None else self.left)
            if self.left is not None:
                self.left -= len(piece)
                self.whole = self.left == 0
            return piece
        out = b""
        while True:
            if self._in_chunk > 0:
                piece = w.take(min(self._in_chunk, len(w.unread)))
                self._in_chunk -= len(piece)
                out += piece
                if self._in_chunk > 0:
                    return out
                self._in_chunk = -1
            if self._in_chunk == -1:
                if len(w.unread) < 2:
                    return out
                assert w.take(2) == b"\r\n", "a chunk does not end with CRLF"
                self._in_chunk = 0
            if b"\r\n" not in w.unread:
                return out
            line = w.unread[:w.unread.index(b"\r\n")]
            size = int(line, 16)
            if size == 0:
                end = w.unread.find(b"\r\n\r\n", len(line))
                if end < 0:
                    return out
                w.take(end + 4)
                self.whole = True
                return out
            w.take(len(line) + 2)
            self._in_chunk = size

    def expect(self, data, timeout=None):
        """Reads exactly as many bytes as data has and compares."""
        deadline = time.monotonic() + (timeout or self.wire.timeout)
        while len(self._got) - self.at < len(data) and not self.whole:
            self.more(max(deadline - time.monotonic(), 0.001))
        found = bytes(self._got[self.at:self.at + len(data)])
        assert found == data, f"expected {data!r}, got {self.got[self.at:]!r}"
        self.at += len(data)

    def expect_past(self, mark, timeout=None):
        """Reads up to and with mark; returns what stood there."""
        deadline = time.monotonic() + (timeout or self.wire.timeout)
        while self._got.find(mark, self.at) < 0 and not self.whole:
            self.more(max(deadline - time.monotonic(), 0.001))
        assert self._got.find(mark, self.at) >= 0, f"{mark!r} did not come: {self.got[self.at:]!r}"
        end = self._got.index(mark, self.at) + len(mark)
        found, self.at = bytes(self._got[self.at:end]), end
        return found

    def rest(self, timeout=None):
        """Everything that expect has not consumed, to the end of the body."""
        deadline = time.monotonic() + (timeout or self.wire.timeout)
        while not self.whole:
            self.more(max(deadline - time.monotonic(), 0.001))
        found, self.at = bytes(self._got[self.at:]), len(self._got)
        return found

    def rest_or_cut(self, timeout=None):
        """Like rest, but a cut connection is an answer too: `whole` tells."""
        start = self.at
        try:
            self.rest(timeout)
        except Closed:
            self.at = len(self._got)
        return self.got[start:]


class Reply:
    """A reply whose head has arrived. Its body may still be on its way."""

    def __init__(self, head, body):
        self.head = head
        self.stream = body
        version, status, *_ = head.start.split(" ", 2)
        assert version in ("HTTP/1.1", "HTTP/1.0"), head.start
        self.status = int(status)

    def header(self, name, default=None):
        return self.head.get(name, default)

    @property
    def body(self):
        if not self.stream.whole:
            self.stream.rest()
        return self.stream.got

    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        found = self.json()
        assert list(found) == ["error"], found
        assert {"message", "type", "param", "code"} <= set(found["error"]), found
        assert isinstance(found["error"]["message"], str) and found["error"]["message"], found
        assert isinstance(found["error"]["type"], str) and found["error"]["type"], found
        return found["error"]

    @property
    def request_id(self):
        return self.header("x-request-id")


class Client(Wire):
    """A client of the gateway, byte by byte."""

    def __init__(self, port, host="127.0.0.1", timeout=LONG, receive_buffer=None, source=None):
        sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(timeout)
        if source:
            sock.bind((source, 0))
        sock.connect((host, port))
        super().__init__(sock, timeout)
        self.port = port

    def request(self, method, target, body=None, headers=(), host=None, chunked=False):
        """The bytes of a well-formed request."""
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
        given = [(n, v) for n, v in (headers.items() if isinstance(headers, dict) else headers)]
        names = {n.lower() for n, _ in given}
        lines = [f"{method} {target} HTTP/1.1"]
        if "host" not in names:
            lines.append(f"Host: {host or '127.0.0.1:%d' % self.port}")
        if body is not None:
            if "content-type" not in names:
                lines.append("Content-Type: application/json")
            if chunked:
                lines.append("Transfer-Encoding: chunked")
            elif "content-length" not in names:
                lines.append(f"Content-Length: {len(body)}")
        lines += [f"{n}: {v}" for n, v in given]
        out = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        if body is not None:
            out += (b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n") if chunked and body else body
        return out

    def ask(self, method, target, body=None, headers=(), **more):
        self.method = method
        self.send(self.request(method, target, body, headers, **more))
        return self

    def head(self, timeout=None):
        """Waits for the head of a reply (past any 1xx)."""
        while True:
            head = Head(self.read_until(b"\r\n\r\n", timeout))
            if head.start.split(" ")[1][0] != "1":
                break
        status = head.start.split(" ")[1]
        no_body = getattr(self, "method", "") == "HEAD" or status in ("204", "304")
        return Reply(head, Body(self, head, no_body))

    def reply(self, timeout=None):
        """Waits for a whole reply."""
        reply = self.head(timeout)
        if not reply.stream.whole:
            reply.stream.rest(timeout)
        return reply

    def chat(self, body, headers=(), **more):
        return self.ask("POST", "/v1/chat/completions", body, headers, **more)
