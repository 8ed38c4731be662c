"""A limit on each caller's requests a second."""

import time

ROUNDING = 1e-9


class RateLimit:
    """Lets each caller send a second's requests at once, and as many again each second."""

    def __init__(self) -> None:
        self._due: dict[str, float] = {}  # when each caller's requests so far would have come, evenly spaced

    def wait(self, caller: str, rate: float) -> float:
        """Seconds until the caller may send a request; 0 if that is now, which counts it."""
        now, interval = time.monotonic(), 1 / rate
        due = min(max(now, self._due.get(caller, 0)), now + max(1, interval))  # the rate may have changed
        wait = due - now - max(0, 1 - interval)
        if wait > ROUNDING:
            return wait
        self._due[caller] = due + interval
        return 0
