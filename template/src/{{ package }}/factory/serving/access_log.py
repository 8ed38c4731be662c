"""The access log: a line of JSON on standard output for each response, without any value of the request."""

import sys
from datetime import UTC, datetime
from json.encoder import encode_basestring_ascii as quote  # json.dumps of all takes three times as long

from .line_writer import LineWriter
from .metrics import Telemetry

MAX_LINES = 10_000  # that may wait to be written
TEXTS = ("request", "client_request", "caller", "source", "method", "route")
LINE = '{"at": "%s", ' + "".join(f'"{name}": %s, ' for name in TEXTS) + '"status": %d, "milliseconds": %s}\n'


class AccessLog(LineWriter):
    """The lines that nobody reads are counted."""

    def __init__(self, telemetry: Telemetry) -> None:
        super().__init__(sys.__stdout__, MAX_LINES, telemetry.lost_lines)

    def add(self, status: int, milliseconds: float | None = None, **texts: str | None) -> None:
        """Log a response; returns at once."""
        if self.loses_next():
            return
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        quoted = [quote(text) if (text := texts.get(name)) is not None else "null" for name in TEXTS]
        self.write(LINE % (now, *quoted, status, "null" if milliseconds is None else f"{milliseconds:.3f}"))
