"""How long to wait. Waiting is always for an event with a deadline, never for time to pass; sanitized builds and
small machines get longer deadlines through one factor.

SPDX-License-Identifier: Apache-2.0
"""
import os
import threading
import time

BIN_DIR = os.environ.get("FARTHING_BIN_DIR") or os.path.join(
    os.path.dirname(__file__), "..", "..", "..", "build", "dev")
SANITIZED = next((s for s in ("asan", "tsan") if s in os.path.basename(os.path.normpath(BIN_DIR))), "")
SLOW = float(os.environ.get("FARTHING_E2E_SLOW") or {"asan": 3, "tsan": 6}.get(SANITIZED, 1.5))

LONG = 10 * SLOW     # "this will surely come": reached only by a failing test
HANG_UP = 0.2 * SLOW  # the promise: an upstream call is cancelled within 200 ms

# Deadlines of the gateway's door so far away that none of them can do the work of what a test is about.
PATIENT = {"header_timeout": "10m", "body_timeout": "1h", "idle_timeout": "1h", "total_timeout": "1h"}


def eventually(look, what, timeout=LONG):
    """Returns the first true value of look(); fails with `what` at the deadline. For facts that have no event of
    their own, such as a row another process commits."""
    deadline = time.monotonic() + timeout
    tick = threading.Event()
    while True:
        value = look()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"never came to pass within {timeout:.1f} s: {what() if callable(what) else what}")
        tick.wait(0.005)
