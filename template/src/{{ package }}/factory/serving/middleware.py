"""What every request passes: its key, its id, its limits, its line in the access log."""

import asyncio
import json
import logging
import math
import os
import re
import time
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Protocol

from starlette.requests import ClientDisconnect
from starlette.routing import compile_path

from .access_log import AccessLog
from .auth import UNKNOWN, UNNAMED, Callers
from .concurrency import RETRY_AFTER, ConcurrencyLimit, Rejected
from .metrics import Telemetry
from .rate_limit import RateLimit
from .settings import Settings

HEALTH_PATHS = ("/health/", "/v2/health/")
ADMIN_PATHS = ("/metrics", "/docs", "/openapi.json")
REQUEST_ID = re.compile(rb"[\w.-]{1,64}", re.ASCII)
UNCOUNTED_BYTES = 20_000  # of a body, below which it does not count against the limit on memory
MISSING_KEY = (
    401,
    "a valid API key is required, as Authorization: Bearer KEY or X-API-Key: KEY",
    [(b"www-authenticate", b"Bearer")],
)
CLIENT_CLOSED = 499  # in metrics: the client disconnected before the response
CLOSE = [(b"connection", b"close")]
log = logging.getLogger("uvicorn.error")


def needs_key(path: str) -> bool:
    """Whether requests to the path are authenticated, limited and counted."""
    return path != "/" and not path.startswith((*HEALTH_PATHS, *ADMIN_PATHS))


@dataclass
class RequestContext:
    """A request: its id, the one that the client gave it, its caller, the caller's label in metrics, the requests a second
    that the caller may send, the key that chooses champion or challenger, with whom it takes turns (the caller, or without
    a name the address), and when its header was there."""

    id: str
    client_request: str
    caller: str
    label: str
    rate: float | None
    key: bytes
    turn: str
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

    def __init__(self, app: Any, state: ServiceState, routes: Iterable[str]) -> None:
        self._app, self._state = app, state
        self._routes = [(route, compile_path(route)[0]) for route in routes]
        self._settings, self._callers, self._telemetry = state.settings, state.callers, state.telemetry
        self._limit, self._rate_limit = ConcurrencyLimit(state.settings, state.telemetry), RateLimit()
        self._turn = asyncio.Lock()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve the request, or reject it with 401, 408, 429 or 503."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        context = scope["context"] = self._context(dict(scope["headers"]), scope["client"])
        exchange = Exchange(receive, send, context, self._state.draining, self._limit)
        try:
            self._check_connection(scope)
            if needs_key(scope["path"]):
                await self._admit(scope, exchange)
            else:
                await self._serve_open(scope, receive, exchange)
        except Rejected as rejected:
            await exchange.reject(*rejected.args)
        except Exception:
            exchange.status = exchange.status or 500
            raise
        finally:
            self._report(scope, exchange, time.perf_counter() - began)

    def _check_connection(self, scope: Any) -> None:
        """Raise Rejected for what another port serves, and beyond the limit of connections, but for health."""
        path, admin_port = scope["path"], self._settings.admin_port
        if path.startswith(HEALTH_PATHS):
            return
        if "only_health" in scope["state"]:
            raise Rejected(503, "too many connections", RETRY_AFTER)
        if admin_port and path.startswith(ADMIN_PATHS) != (admin_port == scope["server"][1]):
            raise Rejected(404, "Not Found", [])

    async def _serve_open(self, scope: Any, receive: Any, exchange: "Exchange") -> None:
        """Serve what has no limits: health at once; metrics and documentation, which take milliseconds, one after another."""
        async with AsyncExitStack() as turn:
            if scope["path"].startswith(ADMIN_PATHS):
                if self._settings.admin == "key" and not exchange.context.caller:
                    raise Rejected(*MISSING_KEY)
                await turn.enter_async_context(self._turn)
                await asyncio.sleep(0)  # all others first

            async def send(message: Any) -> None:
                await turn.aclose()  # however slowly the client reads
                await exchange.send(message)

            await self._app(scope, receive, send)

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
        refused_for = (route for route, pattern in self._routes if pattern.match(path))
        route = scope["route"].path if "route" in scope else next(refused_for, "none")
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

    def _context(self, headers: dict[bytes, bytes], client: tuple[str, int] | None) -> RequestContext:
        caller = self._callers.find(headers)
        given = headers.get(b"x-request-id", b"")
        id, client_request = os.urandom(16).hex(), given.decode() if REQUEST_ID.fullmatch(given) else ""
        if caller is None:
            return RequestContext(id, client_request, "", UNKNOWN, None, b"", "")
        name, label, rate = caller.name, self._callers.label(caller.name), self._callers.rate(caller)
        turn = f"{UNNAMED} {client and client[0]}" if name == UNNAMED else name
        return RequestContext(id, client_request, name, label, rate, headers.get(b"x-sticky-key", name.encode()), turn)

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
