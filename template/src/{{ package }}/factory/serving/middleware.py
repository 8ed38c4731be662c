"""Limits on requests: how many are at work, of whom, how long they take and how much memory their bodies hold."""

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

UNAUTHENTICATED_PATHS = ("/health/", "/v2/health/", "/metrics", "/docs", "/openapi.json")
REQUEST_ID = re.compile(rb"[\w.-]{1,64}", re.ASCII)
UNCOUNTED_BYTES = 20_000  # of a body: what is not worth counting
CLIENT_CLOSED = 499  # as metrics have it: the client did not wait for an answer
MISSING_KEY = "a known API key is needed, as Authorization: Bearer or X-API-Key"
RETRY_AFTER = [(b"retry-after", b"1")]
CLOSE = [(b"connection", b"close")]
log = logging.getLogger("uvicorn.error")


def needs_key(path: str) -> bool:
    """Whether requests to the path are authenticated, limited and counted."""
    return path != "/" and not path.startswith(UNAUTHENTICATED_PATHS)


class Rejected(Exception):
    """Status, error and headers of the answer to a request that is not served."""


class ConcurrencyLimit:
    """Requests count from when their bodies are whole, so that slow ones keep no other from being served."""

    def __init__(self, settings: Settings, telemetry: Telemetry) -> None:
        self._max_requests = settings.concurrency
        self._max_per_caller = settings.caller_concurrency or settings.concurrency
        self._max_bytes, self._max_body = int(settings.bodies_mb * 1e6), int(settings.body_mb * 1e6)
        self._in_flight, self._per_caller, self._bytes = 0, Counter[str](), 0
        self._gauge = telemetry.in_flight

    def check(self, caller: str) -> None:
        """Raises Rejected where there is no room for one more of the caller."""
        if self._in_flight >= self._max_requests:
            raise Rejected(503, "too many requests at once", RETRY_AFTER)
        if self._per_caller[caller] >= self._max_per_caller:
            raise Rejected(429, "too many requests at once from this caller", RETRY_AFTER)

    def enter(self, caller: str) -> None:
        """Count a request until it leaves. Raises Rejected."""
        self.check(caller)
        self._in_flight += 1
        self._per_caller[caller] += 1
        self._gauge.inc()

    def leave(self, caller: str) -> None:
        """The request is answered."""
        self._gauge.dec()
        self._in_flight -= 1
        self._per_caller[caller] -= 1
        if not self._per_caller[caller]:
            del self._per_caller[caller]

    def reserve(self, held: int, size: int) -> int:
        """The bytes that a request holds once its body has grown to the size, instead of `held`. Raises Rejected."""
        wanted = min(size, self._max_body)
        if wanted > held and self._bytes + wanted - held > self._max_bytes:
            raise Rejected(503, "too many bodies at once", RETRY_AFTER)
        self._bytes += wanted - held
        return wanted


@dataclass
class RequestContext:
    """One request: its id, its caller, the same as metrics have it, and the key by which a challenger is chosen."""

    id: str
    caller: str
    label: str
    key: bytes


class ServiceState(Protocol):
    """What of the service the middleware needs."""

    settings: Settings
    callers: Callers
    telemetry: Telemetry
    draining: bool


class LimitsMiddleware:
    """ASGI middleware that rejects at once what cannot be served in time, and counts what it lets pass."""

    def __init__(self, app: Any, state: ServiceState) -> None:
        self._app, self._state = app, state
        self._settings, self._callers, self._telemetry = state.settings, state.callers, state.telemetry
        self._limit = ConcurrencyLimit(state.settings, state.telemetry)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the request on, or reject it: 401, 408, 429 or 503."""
        if scope["type"] != "http" or not needs_key(scope["path"]):
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        context = scope["context"] = self._context(dict(scope["headers"]))
        exchange = Exchange(receive, send, context, self._state.draining, self._limit)
        try:
            if not context.caller:
                raise Rejected(401, MISSING_KEY, [(b"www-authenticate", b"Bearer")])
            self._limit.check(context.caller)
            await self._serve(scope, exchange)
        except Rejected as rejected:
            await exchange.reject(*rejected.args)
        finally:
            exchange.leave()
        route = scope["route"].path if "route" in scope else "none"
        self._telemetry.requests(context.label, route, exchange.status).inc()
        self._telemetry.body_bytes(context.label).inc(exchange.size)
        self._telemetry.seconds(context.label).observe(time.perf_counter() - began)

    def _context(self, headers: dict[bytes, bytes]) -> RequestContext:
        name = self._callers.name(headers)
        client_id = headers.get(b"x-request-id", b"")
        id = client_id.decode() if REQUEST_ID.fullmatch(client_id) else os.urandom(16).hex()
        key = headers.get(b"x-sticky-key", (name or "").encode())
        return RequestContext(id, name or "", self._callers.label(name) if name else "unknown", key)

    async def _serve(self, scope: Any, exchange: "Exchange") -> None:
        """Pass the request on for as long as it may take. Raises Rejected."""
        try:
            async with asyncio.timeout(self._settings.seconds) as limit:
                await self._app(scope, exchange.receive, exchange.send)
        except Rejected:
            raise
        except ClientDisconnect:
            exchange.status = CLIENT_CLOSED
        except Exception as error:
            if limit.expired() and exchange.status:
                return  # the answer is not read: uvicorn ends the connection
            if exchange.status:  # the answer has begun: to break it off is all that is left
                raise
            if not limit.expired():
                log.exception("request %s failed", exchange.context.id)
                raise Rejected(500, "failed; the service's log says why", []) from error
            if exchange.body_complete:
                raise Rejected(503, "took too long", RETRY_AFTER) from error
            raise Rejected(408, "the body came too slowly", []) from error


class Exchange:
    """The two directions of a request: what it receives is counted, and what it sends gets headers."""

    def __init__(
        self, receive: Any, send: Any, context: RequestContext, draining: bool, limit: ConcurrencyLimit
    ) -> None:
        self._receive, self._send, self.context, self._limit = receive, send, context, limit
        self._headers = [(b"x-request-id", context.id.encode())]
        self._connection = CLOSE if draining else []
        self.status = 0
        self.body_complete = self._counted = False
        self.size = self._held = 0

    async def receive(self) -> Any:
        """The next piece of the request."""
        message = await self._receive()
        if message["type"] == "http.request" and not self.body_complete:
            self.size += len(message["body"])
            if self.size > UNCOUNTED_BYTES:
                self._held = self._limit.reserve(self._held, self.size)
            if not message["more_body"]:
                self._limit.enter(self.context.caller)
                self.body_complete = self._counted = True
                await asyncio.sleep(0)  # all that came at the same time are counted before the first is served
        return message

    def leave(self) -> None:
        """Count no longer."""
        if self._held:
            self._held = self._limit.reserve(self._held, 0)
        if self._counted:
            self._limit.leave(self.context.caller)
            self._counted = False

    async def send(self, message: Any) -> None:
        """The next piece of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.leave()  # the work is done, however slowly the answer is read
            message["headers"] = [*message["headers"], *self._headers, *self._connection]
        await self._send(message)

    async def reject(self, status: int, error: str, headers: list[tuple[bytes, bytes]]) -> None:
        """Answer with the error, and end the connection, as its body may still be on the way."""
        self._connection = CLOSE
        body = json.dumps({"error": error, "problems": []}).encode()
        content = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await self.send({"type": "http.response.start", "status": status, "headers": [*content, *headers]})
        await self.send({"type": "http.response.body", "body": body})
