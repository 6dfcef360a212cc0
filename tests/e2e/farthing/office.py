"""A provider of batch jobs that does what a test says: files and batches in OpenAI's documented shapes, carried out when they are
looked at, and any step of them played otherwise.

    office = Office(upstream)
    office.play("create", lambda call, do: call.error(503))      the next one only; do() is what would have been done
    held = office.hold("create", after=True)                     done, and never answered

SPDX-License-Identifier: Apache-2.0
"""
import json
import threading
import time

from .patience import LONG
from .wording import completion, usage

STEPS = {("POST", "files"): "upload", ("GET", "files"): "content", ("DELETE", "files"): "delete", ("POST", "batches"): "create"}


def line(custom_id, status=200, body=None, error=None):
    response = {"status_code": status, "request_id": "r", "body": body} if status else None
    return {"id": "batch_req_" + custom_id, "custom_id": custom_id, "response": response, "error": error}


def expired(custom_id):
    return line(custom_id, status=0, error={"code": "batch_expired", "message": "This request could not be executed in time."})


class Office:
    def __init__(self, upstream):
        self.lock = threading.RLock()
        self.files, self.batches, self.steps, self.plays = {}, [], [], {}
        self.executed = []           # custom ids, as often as they were billed
        self.ends = []               # how the next batches end; else completed
        self.runs = 0                # looks at a batch for which it still runs
        upstream.answer = self.serve

    # ---- the test's side

    def play(self, step, *plays):
        with self.lock:
            self.plays.setdefault(step, []).extend(plays)

    def hold(self, step, after=False):
        """The next one is never answered; the event says that it has come. after: it is done all the same."""
        came = threading.Event()

        def wait(_call, do):
            if after:
                do(silent=True)
            came.set()
        self.play(step, wait)
        return came

    def count(self, step):
        with self.lock:
            return self.steps.count(step)

    def lines(self, batch):
        """The requests of a batch."""
        return [json.loads(text) for text in self.files[batch["input_file_id"]].splitlines()]

    # ---- the provider's side

    def serve(self, call):
        parts = call.path.split("/")[2:]
        step = STEPS.get((call.method, parts[0])) or ("list" if len(parts) == 1 else "poll")
        with self.lock:
            self.steps.append(step)
            play = self.plays[step].pop(0) if self.plays.get(step) else None
        said = []

        def do(silent=False):
            with self.lock:
                said.append(getattr(self, "do_" + step)(call, parts))
            if not silent:
                status, body = said[-1]
                call.reply(status, body)
        if play is None:
            do()
        else:
            play(call, do)

    def new_file(self, content):
        name = f"file-{len(self.files) + 1}"
        self.files[name] = content
        return name

    def do_upload(self, call, _):
        boundary = call.header("content-type").partition("boundary=")[2].encode()
        parts = call.body.split(b"--" + boundary)
        assert b'name="purpose"' in parts[1] and parts[1].endswith(b"\r\n\r\nbatch\r\n")
        assert b'name="file"; filename="' in parts[2] and parts[-1] == b"--\r\n"
        name = self.new_file(parts[2].partition(b"\r\n\r\n")[2][:-2])
        return 200, {"id": name, "object": "file", "purpose": "batch", "bytes": len(self.files[name])}

    def do_content(self, _call, parts):
        if parts[1] not in self.files:
            return 404, {"error": {"message": "No such File object", "type": "t", "param": None, "code": None}}
        return 200, self.files[parts[1]]

    def do_delete(self, _call, parts):
        gone = self.files.pop(parts[1], None)
        return (200, {"id": parts[1], "object": "file", "deleted": True}) if gone is not None else (404, {"error": {}})

    def do_create(self, call, _):
        asked = call.json()
        assert asked["completion_window"] == "24h" and asked["input_file_id"] in self.files
        batch = {"id": f"batch_{len(self.batches) + 1}", "object": "batch", "endpoint": asked["endpoint"], "errors": None,
                 "input_file_id": asked["input_file_id"], "completion_window": "24h", "status": "validating",
                 "output_file_id": None, "error_file_id": None, "created_at": int(time.time()), "metadata": asked["metadata"],
                 "request_counts": {"total": 0, "completed": 0, "failed": 0}}
        self.batches.append(batch)
        return 200, batch

    def do_list(self, _call, _parts):
        newest = self.batches[::-1]
        return 200, {"object": "list", "data": newest, "has_more": False, "first_id": None, "last_id": None}

    def do_poll(self, _call, parts):
        batch = next(b for b in self.batches if b["id"] == parts[1])
        if batch["status"] in ("validating", "in_progress"):
            if self.runs > 0:
                self.runs -= 1
                batch["status"] = "in_progress"
            else:
                (self.ends.pop(0) if self.ends else self.complete)(batch)
        return 200, batch

    def answer(self, request):
        """What a request of a line gets: the last word of its text, and 7 tokens of it."""
        body = request["body"]
        text = body["messages"][-1]["content"] if "messages" in body else str(body.get("input") or body.get("prompt"))
        return completion(text.split()[-1], model=body["model"])

    def execute(self, request):
        self.executed.append(request["custom_id"])
        return line(request["custom_id"], 200, self.answer(request))

    def complete(self, batch):
        self.end(batch, "completed", [self.execute(r) for r in self.lines(batch)])

    def end(self, batch, status, output=(), failed=(), **more):
        text = [(b"\n".join(li if isinstance(li, bytes) else json.dumps(li).encode() for li in lines) + b"\n") if lines else None
                for lines in (list(output), list(failed))]
        batch.update(status=status, output_file_id=text[0] and self.new_file(text[0]),
                     error_file_id=text[1] and self.new_file(text[1]))
        batch["request_counts"] = {"total": len(self.lines(batch)), "completed": len(set(self.executed)), "failed": 0}
        batch.update(more)

    def wait(self, event):
        assert event.wait(LONG), "the step never came"


__all__ = ["Office", "line", "expired", "usage"]
