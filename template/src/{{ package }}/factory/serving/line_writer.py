"""Lines written by a thread of their own: where nobody reads them, the newest are lost instead of waited for."""

import logging
import os
import queue
import sys
import threading
from typing import TextIO

from prometheus_client import Counter

MAX_RECORDS = 1_000  # of the log, that may wait to be written
MAX_CHARACTERS = 4_000  # of one of them, which may hold what somebody sent


class LineWriter:
    """Writes to a file; not for several threads at once."""

    def __init__(self, file: TextIO | None, most: int, lost: Counter) -> None:
        self._file = file.fileno() if file else -1
        self._lines: list[str] = []
        self._added = self._written = 0
        self._most, self._lost = most, lost
        self._queue: queue.SimpleQueue[list[str] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="line writer", daemon=True)
        self._thread.start()

    def loses_next(self) -> bool:
        """Whether too many lines wait for another one, which is then counted as lost."""
        if self._added - self._written < self._most:
            return False
        self._lost.inc()
        return True

    def write(self, line: str) -> None:
        """Have the line written after the next `flush`, unless too many wait; returns at once."""
        if not self.loses_next():
            self._lines.append(line)
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
            rest = "".join(lines).encode(errors="replace")
            try:
                while rest:
                    rest = rest[os.write(self._file, rest) :]
            except OSError:  # a closed pipe, a full disk
                self._lost.inc(rest.count(b"\n"))
            self._written += len(lines)


class LogHandler(logging.StreamHandler[LineWriter]):
    """The service's log on standard error."""

    def __init__(self, lost: Counter) -> None:
        super().__init__(LineWriter(sys.__stderr__, MAX_RECORDS, lost))

    def format(self, record: logging.LogRecord) -> str:
        """Beginning and end of a long one; all lines but the first are indented, so that none looks like another record."""
        text = super().format(record)
        if len(text) > MAX_CHARACTERS:
            text = f"{text[: MAX_CHARACTERS // 4]}\n…\n{text[-MAX_CHARACTERS * 3 // 4 :]}"
        return "\n    ".join(text.splitlines())

    def close(self) -> None:
        """Also called when the process ends."""
        self.stream.close()
        super().close()
