"""Limits on requests: how many at once, in total and by caller, for how long, and how much memory for bodies."""

import asyncio
import json
import logging
import math
import os
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Protocol

from starlette.requests import ClientDisconnect

from ..tables.chunks import memory
from .access_log import AccessLog
from .auth import UNKNOWN, Callers
from .metrics import Telemetry
from .rate_limit import RateLimit
from .settings import Settings

HEALTH_PATHS = ("/health/", "/v2/health/")
ADMIN_PATHS = ("/metrics", "/docs", "/openapi.json")
REQUEST_ID = re.compile(rb"[\w.-]{1,64}", re.ASCII)
UNCOUNTED_BYTES = 20_000  # of a body, below which it does not count against the limit on memory
BODIES_SHARE = 1 / 8  # of the memory: a body takes twice its size here, and more than that in a worker
CALLER_SHARE = 0.75  # of requests and memory, so that one caller leaves some for others
MISSING_KEY = (
    401,
    "a valid API key is required, as Authorization: Bearer KEY or X-API-Key: KEY",
    [(b"www-authenticate", b"Bearer")],
)
CLIENT_CLOSED = 499  # in metrics: the client disconnected before the response
RETRY_AFTER = [(b"retry-after", b"1")]
CLOSE = [(b"connection", b"close")]
log = logging.getLogger("uvicorn.error")


def needs_key(path: str) -> bool:
    """Whether requests to the path are authenticated, limited and counted."""
    return path != "/" and not path.startswith((*HEALTH_PATHS, *ADMIN_PATHS))


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


@dataclass
class RequestContext:
    """A request: its id, the one that the client gave it, its caller, the caller's label in metrics, the requests a second
    that the caller may send, the key that chooses champion or challenger, and when its header was there."""

    id: str
    client_request: str
    caller: str
    label: str
    rate: float | None
    key: bytes
    began: float = field(default_factory=time.monotonic)


class ServiceState(Protocol):
    """What the middleware needs of the service."""

    settings: Settings
    callers: Callers
    telemetry: Telemetry
    access_log: AccessLog | None
    draining: bool


class LimitsMiddleware:
    """ASGI middleware that authenticates and counts requests, and rejects at once those beyond the limits."""

    def __init__(self, app: Any, state: ServiceState) -> None:
        self._app, self._state = app, state
        self._settings, self._callers, self._telemetry = state.settings, state.callers, state.telemetry
        self._limit, self._rate_limit = ConcurrencyLimit(state.settings, state.telemetry), RateLimit()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve the request, or reject it with 401, 408, 429 or 503."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        context = scope["context"] = self._context(dict(scope["headers"]))
        exchange = Exchange(receive, send, context, self._state.draining, self._limit)
        try:
            self._check_port(scope)
            if needs_key(scope["path"]):
                await self._admit(scope, exchange)
            else:
                self._check_admin(scope["path"], context)
                await self._app(scope, receive, exchange.send)
        except Rejected as rejected:
            await exchange.reject(*rejected.args)
        except Exception:
            exchange.status = exchange.status or 500
            raise
        finally:
            self._report(scope, exchange, time.perf_counter() - began)

    def _check_port(self, scope: Any) -> None:
        """Raise Rejected where metrics and documentation have a port of their own, and the request is for the other one."""
        path, admin_port = scope["path"], self._settings.admin_port
        here = admin_port == scope["server"][1]
        if admin_port and not path.startswith(HEALTH_PATHS) and path.startswith(ADMIN_PATHS) != here:
            raise Rejected(404, "Not Found", [])

    def _check_admin(self, path: str, context: RequestContext) -> None:
        if self._settings.admin == "key" and path.startswith(ADMIN_PATHS) and not context.caller:
            raise Rejected(*MISSING_KEY)

    async def _admit(self, scope: Any, exchange: "Exchange") -> None:
        """Serve the request, or reject it."""
        context = exchange.context
        try:
            if not context.caller:
                raise Rejected(*MISSING_KEY)
            self._check_rate(context)
            self._limit.check(context.caller)
            await self._serve(scope, exchange)
        finally:
            exchange.leave()

    def _report(self, scope: Any, exchange: "Exchange", seconds: float) -> None:
        """Count the request, and log it."""
        context, path = exchange.context, scope["path"]
        route = scope["route"].path if "route" in scope else path if path in ADMIN_PATHS else "none"
        if needs_key(path):
            self._telemetry.requests(context.label, route, exchange.status).inc()
            self._telemetry.body_bytes(context.label).inc(exchange.size)
            self._telemetry.seconds(context.label).observe(seconds)
        if self._state.access_log:
            self._state.access_log.add(
                request=context.id,
                client_request=context.client_request or None,
                caller=context.caller or None,
                method=scope["method"],
                route=route,
                status=exchange.status or CLIENT_CLOSED,
                milliseconds=1000 * seconds,
                source=scope["client"] and scope["client"][0],
            )

    def _context(self, headers: dict[bytes, bytes]) -> RequestContext:
        caller = self._callers.find(headers)
        given = headers.get(b"x-request-id", b"")
        id, client_request = os.urandom(16).hex(), given.decode() if REQUEST_ID.fullmatch(given) else ""
        if caller is None:
            return RequestContext(id, client_request, "", UNKNOWN, None, b"")
        name, label, rate = caller.name, self._callers.label(caller.name), self._callers.rate(caller)
        return RequestContext(id, client_request, name, label, rate, headers.get(b"x-sticky-key", name.encode()))

    def _check_rate(self, context: RequestContext) -> None:
        """Count the request. Raises Rejected where the caller has sent too many."""
        wait = self._rate_limit.wait(context.label, context.rate) if context.rate else 0
        if wait:
            retry = [(b"retry-after", str(math.ceil(wait)).encode())]
            raise Rejected(429, "too many requests a second from this caller", retry)

    async def _serve(self, scope: Any, exchange: "Exchange") -> None:
        """Serve the request within the time limit. Raises Rejected."""
        try:
            async with asyncio.timeout(self._settings.seconds) as limit:
                await self._app(scope, exchange.receive, exchange.send)
        except Rejected:
            raise
        except ClientDisconnect:
            exchange.status = CLIENT_CLOSED
        except Exception as error:
            if limit.expired() and exchange.status:
                return  # the client does not read the response: uvicorn closes the connection
            if exchange.status:  # the response has begun, and can only be aborted
                raise
            if not limit.expired():
                log.exception("request %s failed", exchange.context.id)
                raise Rejected(500, "internal error: see the service's log", []) from error
            if exchange.body_complete:
                raise Rejected(503, "timed out", RETRY_AFTER) from error
            raise Rejected(408, "timed out while waiting for the body", []) from error


class Exchange:
    """A request's two channels: counts what is received, and adds headers to what is sent."""

    def __init__(
        self, receive: Any, send: Any, context: RequestContext, draining: bool, limit: ConcurrencyLimit
    ) -> None:
        self._receive, self._send, self.context, self._limit = receive, send, context, limit
        self._headers = [(b"x-request-id", context.id.encode())]
        if context.client_request:
            self._headers.append((b"x-client-request-id", context.client_request.encode()))
        self._connection = CLOSE if draining else []
        self.status = 0
        self.body_complete = self._counted = False
        self.size = self._held = 0

    async def receive(self) -> Any:
        """The next message of the request."""
        message = await self._receive()
        if message["type"] == "http.request" and not self.body_complete:
            self.size += len(message["body"])
            if self.size > UNCOUNTED_BYTES:
                self._held = self._limit.reserve(self.context.caller, self._held, self.size)
            if not message["more_body"]:
                self._limit.enter(self.context.caller)
                self.body_complete = self._counted = True
                await asyncio.sleep(0)  # lets all that arrived together be counted before the first is served
        return message

    def leave(self) -> None:
        """Stop counting the request and its memory."""
        if self._held:
            self._held = self._limit.reserve(self.context.caller, self._held, 0)
        if self._counted:
            self._limit.leave(self.context.caller)
            self._counted = False

    async def send(self, message: Any) -> None:
        """Send the next message of the response."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.leave()  # the work is done, however slowly the client reads
            message["headers"] = [*message["headers"], *self._headers, *self._connection]
        await self._send(message)

    async def reject(self, status: int, error: str, headers: list[tuple[bytes, bytes]]) -> None:
        """Respond with the error, and close the connection, since the body may still be arriving."""
        self._connection = CLOSE
        body = json.dumps({"error": error, "problems": []}).encode()
        content = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await self.send({"type": "http.response.start", "status": status, "headers": [*content, *headers]})
        await self.send({"type": "http.response.body", "body": body})
