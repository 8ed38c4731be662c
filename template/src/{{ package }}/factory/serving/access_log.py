"""The access log: a line of JSON on standard output for each response, without any value of the request."""

import os
import queue
import sys
import threading
from datetime import UTC, datetime
from json.encoder import encode_basestring_ascii as quote  # json.dumps of all takes three times as long

from .metrics import Telemetry

MAX_LINES = 10_000  # that may wait to be written
TEXTS = ("request", "client_request", "caller", "source", "method", "route")
LINE = '{"at": "%s", ' + "".join(f'"{name}": %s, ' for name in TEXTS) + '"status": %d, "milliseconds": %s}\n'


class AccessLog:
    """Lines are written by a thread of their own: where nobody reads them, the newest are lost instead of waited for."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._file = sys.__stdout__.fileno() if sys.__stdout__ else -1
        self._lines: list[str] = []
        self._added = self._written = 0
        self._lost = telemetry.lost_lines
        self._queue: queue.SimpleQueue[list[str] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="access log", daemon=True)
        self._thread.start()

    def add(self, status: int, milliseconds: float | None = None, **texts: str | None) -> None:
        """Log a response; returns at once."""
        if self._added - self._written >= MAX_LINES:
            self._lost.inc()
            return
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        quoted = [quote(text) if (text := texts.get(name)) is not None else "null" for name in TEXTS]
        self._lines.append(LINE % (now, *quoted, status, "null" if milliseconds is None else f"{milliseconds:.3f}"))
        self._added += 1

    def flush(self) -> None:
        """Have the lines written that were added since the last time."""
        if self._lines:
            self._queue.put(self._lines)
            self._lines = []

    def close(self, seconds: float = 1) -> None:
        """Write what is left, unless nobody reads it."""
        self.flush()
        self._queue.put(None)
        self._thread.join(seconds)

    def _run(self) -> None:
        while lines := self._queue.get():
            rest = "".join(lines).encode()
            try:
                while rest:
                    rest = rest[os.write(self._file, rest) :]
            except OSError:  # a closed pipe, a full disk
                self._lost.inc(rest.count(b"\n"))
            self._written += len(lines)
