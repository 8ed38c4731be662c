"""Limits on requests at once: how many, in total and by caller, and how much memory for their bodies."""

from collections import Counter

from ..tables.chunks import memory
from .metrics import Telemetry
from .settings import Settings

BODIES_SHARE = 1 / 8  # of the memory: a body takes twice its size here, and more than that in a worker
CALLER_SHARE = 0.75  # of requests and memory, so that one caller leaves some for others
RETRY_AFTER = [(b"retry-after", b"1")]


def max_bytes(settings: Settings) -> int:
    """Of the bodies of concurrent requests: by default so few that the service survives them, but room for one."""
    default = max(settings.body_mb, min(1000, BODIES_SHARE * memory() / 1e6))
    return int(1e6 * (settings.bodies_mb or default))


class Rejected(Exception):
    """The request is not served; its arguments are the status, error and headers of the response."""


class ConcurrencyLimit:
    """Requests count once their bodies are complete, so that slow uploads do not block others."""

    def __init__(self, settings: Settings, telemetry: Telemetry) -> None:
        share = CALLER_SHARE if settings.keys else 1  # without keys, a caller may take any name
        self._max_requests = settings.concurrency
        self._max_per_caller = settings.caller_concurrency or max(1, int(settings.concurrency * share))
        self._max_bytes, self._max_body = max_bytes(settings), int(settings.body_mb * 1e6)
        self._max_bytes_per_caller = max(self._max_body, int(self._max_bytes * share))
        self._in_flight, self._per_caller = 0, Counter[str]()
        self._bytes, self._bytes_per_caller = 0, Counter[str]()
        self._gauge = telemetry.in_flight

    def check(self, caller: str) -> None:
        """Raises Rejected where one more request of the caller would exceed a limit."""
        if self._in_flight >= self._max_requests:
            raise Rejected(503, "too many concurrent requests", RETRY_AFTER)
        if self._per_caller[caller] >= self._max_per_caller:
            raise Rejected(429, "too many concurrent requests from this caller", RETRY_AFTER)

    def enter(self, caller: str) -> None:
        """Count a request until `leave`. Raises Rejected."""
        self.check(caller)
        self._in_flight += 1
        self._per_caller[caller] += 1
        self._gauge.inc()

    def leave(self, caller: str) -> None:
        """Stop counting a request."""
        self._gauge.dec()
        self._in_flight -= 1
        self._per_caller[caller] -= 1
        if not self._per_caller[caller]:
            del self._per_caller[caller]

    def reserve(self, caller: str, held: int, size: int) -> int:
        """Reserve memory for a body that has grown to the size, where `held` is reserved already. Raises Rejected."""
        wanted = min(size, self._max_body)
        if wanted > held and self._bytes + wanted - held > self._max_bytes:
            raise Rejected(503, "too much data in concurrent requests", RETRY_AFTER)
        if wanted > held and self._bytes_per_caller[caller] + wanted - held > self._max_bytes_per_caller:
            raise Rejected(429, "too much data in concurrent requests from this caller", RETRY_AFTER)
        self._bytes += wanted - held
        self._bytes_per_caller[caller] += wanted - held
        if not self._bytes_per_caller[caller]:
            del self._bytes_per_caller[caller]
        return wanted
