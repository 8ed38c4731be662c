"""What every request passes first: who calls, how many there are, how long it may take, and what it is told on refusal."""

import asyncio
import json
import logging
import os
import re
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any, Protocol

from .callers import Callers
from .settings import Settings
from .telemetry import Telemetry

FREE = ("/health/", "/v2/health/", "/metrics", "/docs", "/openapi.json")
REQUEST_ID = re.compile(rb"[\w.-]{1,64}", re.ASCII)
AGAIN = [(b"retry-after", b"1")]
CLOSE = [(b"connection", b"close")]
log = logging.getLogger("uvicorn.error")


class State(Protocol):
    """What of the service the guard asks."""

    settings: Settings
    callers: Callers
    telemetry: Telemetry
    draining: bool


@dataclass
class Call:
    """One request: its id, its caller, the same as metrics have it, and the key by which a challenger is chosen."""

    id: str
    caller: str
    label: str
    key: bytes


class Guard:
    """ASGI middleware; what waits is counted, so that more than can be served in time is sent away at once."""

    def __init__(self, app: Any, state: State) -> None:
        self._app, self._state = app, state
        self._settings, self._callers, self._telemetry = state.settings, state.callers, state.telemetry
        self._most_each = self._settings.caller_concurrency or self._settings.concurrency
        self._in_flight, self._each = 0, Counter[str]()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the request on, or refuse it: 401, 408, 429 or 503."""
        if scope["type"] != "http" or scope["path"].startswith(FREE):
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        call = scope["call"] = self._call(dict(scope["headers"]))
        exchange = Exchange(receive, send, call, self._state.draining)
        refusal = self._refusal(call)
        if refusal:
            await exchange.refuse(*refusal)
        else:
            await self._counted(scope, exchange)
        route = scope["route"].path if "route" in scope else "none"
        self._telemetry.requests(call.label, route, exchange.status).inc()
        self._telemetry.seconds(call.label).observe(time.perf_counter() - began)

    def _call(self, headers: dict[bytes, bytes]) -> Call:
        name = self._callers.name(headers)
        given = headers.get(b"x-request-id", b"")
        id = given.decode() if REQUEST_ID.fullmatch(given) else os.urandom(16).hex()
        key = headers.get(b"x-sticky-key", (name or "").encode())
        return Call(id, name or "", self._callers.label(name) if name else "unknown", key)

    def _refusal(self, call: Call) -> tuple[int, str, list[tuple[bytes, bytes]]] | None:
        if not call.caller:
            return (
                401,
                "a known API key is needed, as Authorization: Bearer or X-API-Key",
                [(b"www-authenticate", b"Bearer")],
            )
        if self._in_flight >= self._settings.concurrency:
            return 503, "too many requests at once", AGAIN
        if self._each[call.caller] >= self._most_each:
            return 429, "too many requests at once from this caller", AGAIN
        return None

    async def _counted(self, scope: Any, exchange: "Exchange") -> None:
        caller = exchange.call.caller
        self._in_flight += 1
        self._each[caller] += 1
        self._telemetry.in_flight.inc()
        try:
            await asyncio.sleep(0)  # all that came at the same time are counted before the first is served
            async with asyncio.timeout(self._settings.seconds) as limit:
                await self._app(scope, exchange.receive, exchange.send)
        except Exception as error:
            if exchange.status:  # the answer has begun: to break it off is all that is left
                raise
            if not isinstance(error, TimeoutError) or not limit.expired():
                log.exception("request %s failed", exchange.call.id)
                await exchange.refuse(500, "failed; the service's log says why", [])
            elif exchange.whole:
                await exchange.refuse(503, "took too long", AGAIN)
            else:
                await exchange.refuse(408, "the body came too slowly", [])
        finally:
            self._telemetry.in_flight.dec()
            self._in_flight -= 1
            self._each[caller] -= 1
            if not self._each[caller]:
                del self._each[caller]


class Exchange:
    """The two directions of a request, watched."""

    def __init__(self, receive: Any, send: Any, call: Call, last: bool) -> None:
        self._receive, self._send, self.call = receive, send, call
        self._headers = [(b"x-request-id", call.id.encode()), *(CLOSE if last else [])]
        self.status = 0
        self.whole = False

    async def receive(self) -> Any:
        """The next piece of the request."""
        message = await self._receive()
        self.whole = not message.get("more_body", False)
        return message

    async def send(self, message: Any) -> None:
        """The next piece of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], *self._headers]
        await self._send(message)

    async def refuse(self, status: int, error: str, headers: list[tuple[bytes, bytes]]) -> None:
        """Answer with the error, and end the connection, as its body may still be on the way."""
        body = json.dumps({"error": error, "problems": []}).encode()
        kind = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await self.send({"type": "http.response.start", "status": status, "headers": [*kind, *headers, *CLOSE]})
        await self.send({"type": "http.response.body", "body": body})
