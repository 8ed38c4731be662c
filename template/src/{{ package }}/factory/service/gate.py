"""How many requests are at work, of whom, and how much they hold: more than that is refused at once."""

from collections import Counter

from .settings import Settings
from .telemetry import Telemetry

SMALL = 20_000  # bytes of a body that are not worth counting
AGAIN = [(b"retry-after", b"1")]


class Refused(Exception):
    """Status, error and headers of the answer to a request that is not taken on."""


class Gate:
    """Requests count from when their bodies are whole, so that slow ones keep no other from being served."""

    def __init__(self, settings: Settings, telemetry: Telemetry) -> None:
        self._most, self._body = settings.concurrency, int(settings.body_mb * 1e6)
        self._most_each = settings.caller_concurrency or settings.concurrency
        self._most_bytes = int(settings.bodies_mb * 1e6)
        self._in_flight, self._each, self._bytes = 0, Counter[str](), 0
        self._gauge = telemetry.in_flight

    def admit(self, caller: str) -> None:
        """Raises Refused where there is no room for one more of the caller."""
        if self._in_flight >= self._most:
            raise Refused(503, "too many requests at once", AGAIN)
        if self._each[caller] >= self._most_each:
            raise Refused(429, "too many requests at once from this caller", AGAIN)

    def enter(self, caller: str) -> None:
        """Count a request until it leaves. Raises Refused."""
        self.admit(caller)
        self._in_flight += 1
        self._each[caller] += 1
        self._gauge.inc()

    def leave(self, caller: str) -> None:
        """The request is answered."""
        self._gauge.dec()
        self._in_flight -= 1
        self._each[caller] -= 1
        if not self._each[caller]:
            del self._each[caller]

    def hold(self, before: int, size: int) -> int:
        """What a request holds whose body has grown to that size, and which held so much before. Raises Refused."""
        now = min(size, self._body)
        if now > before and self._bytes + now - before > self._most_bytes:
            raise Refused(503, "too many bodies at once", AGAIN)
        self._bytes += now - before
        return now
