"""How many requests are at work, of whom, and how much they hold: more than that is refused at once."""

import asyncio
import json
import logging
import os
import re
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any, Protocol

from starlette.requests import ClientDisconnect

from .auth import Callers
from .metrics import Telemetry
from .settings import Settings

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


FREE = ("/health/", "/v2/health/", "/metrics", "/docs", "/openapi.json")
REQUEST_ID = re.compile(rb"[\w.-]{1,64}", re.ASCII)
NAMELESS = "a known API key is needed, as Authorization: Bearer or X-API-Key"
CLOSE = [(b"connection", b"close")]
GONE = 499  # as metrics have it: who asked did not wait for an answer
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
        self._gate = Gate(state.settings, state.telemetry)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the request on, or refuse it: 401, 408, 429 or 503."""
        if scope["type"] != "http" or scope["path"].startswith(FREE):
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        call = scope["call"] = self._call(dict(scope["headers"]))
        exchange = Exchange(receive, send, call, self._state.draining, self._gate)
        try:
            if not call.caller:
                raise Refused(401, NAMELESS, [(b"www-authenticate", b"Bearer")])
            self._gate.admit(call.caller)
            await self._timed(scope, exchange)
        except Refused as refused:
            await exchange.refuse(*refused.args)
        finally:
            exchange.leave()
        route = scope["route"].path if "route" in scope else "none"
        self._telemetry.requests(call.label, route, exchange.status).inc()
        self._telemetry.body_bytes(call.label).inc(exchange.size)
        self._telemetry.seconds(call.label).observe(time.perf_counter() - began)

    def _call(self, headers: dict[bytes, bytes]) -> Call:
        name = self._callers.name(headers)
        given = headers.get(b"x-request-id", b"")
        id = given.decode() if REQUEST_ID.fullmatch(given) else os.urandom(16).hex()
        key = headers.get(b"x-sticky-key", (name or "").encode())
        return Call(id, name or "", self._callers.label(name) if name else "unknown", key)

    async def _timed(self, scope: Any, exchange: "Exchange") -> None:
        try:
            async with asyncio.timeout(self._settings.seconds) as limit:
                await self._app(scope, exchange.receive, exchange.send)
        except Refused:
            raise
        except ClientDisconnect:
            exchange.status = GONE
        except Exception as error:
            if limit.expired() and exchange.status:
                return  # the answer is not read: uvicorn ends the connection
            if exchange.status:  # the answer has begun: to break it off is all that is left
                raise
            if not limit.expired():
                log.exception("request %s failed", exchange.call.id)
                raise Refused(500, "failed; the service's log says why", []) from error
            if exchange.whole:
                raise Refused(503, "took too long", AGAIN) from error
            raise Refused(408, "the body came too slowly", []) from error


class Exchange:
    """The two directions of a request, watched."""

    def __init__(self, receive: Any, send: Any, call: Call, last: bool, gate: Gate) -> None:
        self._receive, self._send, self.call, self._gate = receive, send, call, gate
        self._headers = [(b"x-request-id", call.id.encode())]
        self._last = CLOSE if last else []
        self.status = 0
        self.whole = self._counted = False
        self.size = self._held = 0

    async def receive(self) -> Any:
        """The next piece of the request."""
        message = await self._receive()
        if message["type"] == "http.request" and not self.whole:
            self.size += len(message["body"])
            if self.size > SMALL:
                self._held = self._gate.hold(self._held, self.size)
            if not message["more_body"]:
                self._gate.enter(self.call.caller)
                self.whole = self._counted = True
                await asyncio.sleep(0)  # all that came at the same time are counted before the first is served
        return message

    def leave(self) -> None:
        """Count no longer."""
        if self._held:
            self._held = self._gate.hold(self._held, 0)
        if self._counted:
            self._gate.leave(self.call.caller)
            self._counted = False

    async def send(self, message: Any) -> None:
        """The next piece of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.leave()  # the work is done, however slowly the answer is read
            message["headers"] = [*message["headers"], *self._headers, *self._last]
        await self._send(message)

    async def refuse(self, status: int, error: str, headers: list[tuple[bytes, bytes]]) -> None:
        """Answer with the error, and end the connection, as its body may still be on the way."""
        self._last = CLOSE
        body = json.dumps({"error": error, "problems": []}).encode()
        kind = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await self.send({"type": "http.response.start", "status": status, "headers": [*kind, *headers]})
        await self.send({"type": "http.response.body", "body": body})
