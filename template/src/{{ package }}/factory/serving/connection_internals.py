"""uvicorn's protocol with what it lacks: strict framing, TLS, and limits on what a connection may hold.

The private interfaces of uvicorn that are used are all here and in uvicorn_internals.py: classes, callbacks and attributes
of its protocol and its server, which may change in any minor release, hence the upper bound in pyproject.toml.
"""

import asyncio
import json
from asyncio.sslproto import SSLProtocol
from collections import deque
from itertools import chain
from types import SimpleNamespace
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from .settings import Settings

HEADER_BYTES = 65_536
FOR_HEALTH = 8  # connections beyond the limit
PIPELINED = 16  # requests of a connection that wait for their turn
FRAMING = (b"content-length", b"transfer-encoding")
INVALID = "Invalid HTTP request received."
BODY = json.dumps({"error": "too many connections", "problems": []}).encode()
TOO_MANY_CONNECTIONS = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n\r\n%s" % (len(BODY), BODY)
)


class Connection(HttpToolsProtocol):
    """Reads requests by the letter, and gives up those that do not end, and responses that are not read.

    Beyond the limit of connections, the one whose client has been silent for longest is closed for a new one: of those
    `waiting` for the end of a header; if there are none, of those with a response `unread`, then of those `receiving` a body.
    Where all wait for an answer, a few more are accepted, and only their requests for health are served.
    """

    settings: Settings
    service: Any
    max_connections: int
    waiting: dict["Connection", None]
    unread: dict["Connection", None]
    receiving: dict["Connection", None]
    _read_timer: asyncio.TimerHandle | None = None
    _write_timer: asyncio.TimerHandle | None = None
    _unparsed_bytes = 0  # since the last complete header or part of a body
    _progress = False
    _receiving = False
    _in_body = False
    _ended = False
    _beyond_limit = False

    def connection_made(self, transport: Any) -> None:
        """Limit the time for the first request's headers."""
        if self.admit(transport):
            self._read_timer = self.loop.call_later(self.settings.header_seconds, transport.close)

    def admit(self, transport: Any) -> bool:
        """Whether there is room for the connection, from its first byte on; with TLS asked again after the handshake."""
        super().connection_made(transport)
        self._cycles: deque[RequestResponseCycle] = deque()
        more = len(self.connections) - self.max_connections
        if more > 0 and self not in self.waiting and not self._make_room():
            if more > FOR_HEALTH:
                self._refuse()
                return False
            self._beyond_limit = True
        self.waiting[self] = None
        return True

    def _make_room(self) -> bool:
        """Close another connection for this one; whether there was one that could be closed."""
        other = next(chain(self.waiting, self.unread, self.receiving), None)
        if other and other._beyond_limit:
            other._refuse()
        elif other:
            other.transport.abort()
            self._report("oldest")
        if other:
            other.forget()
        return other is not None

    def _refuse(self) -> None:
        if not self.service.certificate:
            self.transport.write(TOO_MANY_CONNECTIONS)
        self.transport.close()
        self._report("full", 503)

    def _report(self, reason: str, status: int | None = None) -> None:
        """Count the end of a connection, and log the response that no application gave."""
        self.service.telemetry.closed.labels(reason).inc()
        if status and self.service.access_log:
            self.service.access_log.add(status=status, source=self.client and self.client[0])

    def forget(self) -> None:
        """Count the connection no more."""
        self.connections.discard(self)
        for kind in (self.waiting, self.unread, self.receiving):
            kind.pop(self, None)

    def on_message_begin(self) -> None:
        """Limit the time for the headers of each further request."""
        super().on_message_begin()
        self._receiving = True
        self._stop_read_timer()
        self._read_timer = self.loop.call_later(self.settings.header_seconds, self.transport.close)

    def data_received(self, data: bytes) -> None:
        """Close a connection whose headers or trailers do not end; ignore all data after its last request."""
        if self._ended:
            return
        self._progress = False
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._begin_last_body()
            self.data_received(data[upgrade.args[0] :])
            return
        except httptools.HttpParserError:
            self.send_400_response(INVALID)
        self._unparsed_bytes = 0 if self._progress else self._unparsed_bytes + len(data)
        if self._unparsed_bytes > HEADER_BYTES:
            self.transport.abort()

    def on_headers_complete(self) -> None:
        """From here on the time limit of LimitsMiddleware applies."""
        self._stop_read_timer()
        self._progress = True
        _check_framing(self.parser.get_http_version(), self.headers)
        if len(self._cycles) > PIPELINED:  # each holds memory, and 256 KB that are read at once have room for thousands
            raise ValueError("pipelined")
        if self._beyond_limit:
            self.scope["state"]["only_health"] = True
        super().on_headers_complete()
        self._in_body = True
        self._cycles.append(self.cycle)
        self.waiting.pop(self, None)
        if len(self._cycles) == 1:
            self.receiving[self] = None

    def _begin_last_body(self) -> None:
        """Read the body of a request that asked for another protocol, and nothing after it.

        It is answered in this one, as if it had not asked. httptools would read its body, whose author may be somebody
        else, as the next request.
        """
        callbacks = SimpleNamespace(on_body=self.on_body, on_message_complete=self.on_message_complete)
        self.parser = httptools.HttpRequestParser(callbacks)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # which ignores them
        self.cycle.keep_alive = False
        framing = [b"%s: %s\r\n" % header for header in self.headers if header[0] in FRAMING]
        self.parser.feed_data(b"POST / HTTP/1.1\r\nconnection: close\r\n%s\r\n" % b"".join(framing))

    def send_400_response(self, msg: str) -> None:
        """Refuse data that are not a request, unless the client would take that for the response to another one."""
        self._ended = True
        due = [*self._cycles]
        broken = due.pop() if self._in_body and due else None
        if broken:
            broken.disconnected = True
        if due:
            due[-1].keep_alive = False
        elif self._in_body and (broken is None or broken.response_started):
            self.transport.close()
        else:
            super().send_400_response(msg)
            self._report("invalid", 400)

    def on_body(self, body: bytes) -> None:
        """Bytes of a body do not count as headers."""
        self._progress = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request has been received."""
        if self.parser.should_upgrade():
            return  # its body is yet to come
        self._receiving = self._in_body = False
        self.receiving.pop(self, None)
        self._stop_read_timer()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The next request's turn; the rest of a body that nobody waits for has its time limit, too."""
        self._cycles.popleft()
        super().on_response_complete()
        if not self._cycles:
            self.receiving.pop(self, None)
            self.waiting[self] = None
        if self._receiving:
            self._stop_read_timer()
            self._read_timer = self.loop.call_later(self.settings.seconds, self.transport.abort)

    def pause_writing(self) -> None:
        """Limit the time during which the client reads nothing."""
        super().pause_writing()
        self.unread[self] = None
        self._write_timer = self.loop.call_later(self.settings.seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        self.unread.pop(self, None)
        self._stop_write_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Notify all requests that the client has gone; uvicorn notifies only the last one."""
        for cycle in self._cycles:
            cycle.disconnected = True
        self._stop_read_timer()
        self._stop_write_timer()
        self.forget()
        super().connection_lost(exc)

    def _stop_read_timer(self) -> None:
        if self._read_timer:
            self._read_timer.cancel()

    def _stop_write_timer(self) -> None:
        if self._write_timer:
            self._write_timer.cancel()


class Handshake(SSLProtocol):
    """TLS below a connection."""

    max_size = 65_536  # of its buffer, which each connection has, in place of 256 KB

    def __init__(self, connection: Connection) -> None:
        seconds = connection.settings.header_seconds
        how: dict[str, Any] = {"ssl_handshake_timeout": seconds, "ssl_shutdown_timeout": seconds, "waiter": None}
        super().__init__(connection.loop, connection, connection.service.certificate.context, server_side=True, **how)
        self._connection = connection

    def connection_made(self, transport: Any) -> None:
        """Count the connection, and begin."""
        if self._connection.admit(transport):
            super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Count it no more: after a failed handshake, the connection's own method is not called."""
        super().connection_lost(exc)
        self._connection.forget()


def connect(kind: type[Connection], *how: Any, **named: Any) -> Connection | Handshake:
    """The protocol of a new connection."""
    connection = kind(*how, **named)
    return Handshake(connection) if connection.service.certificate else connection


def _check_framing(version: str, headers: list[tuple[bytes, bytes]]) -> None:
    """Raise ValueError for what a proxy might read otherwise than httptools, which refuses other such things itself."""
    names = [name for name, _ in headers]
    if version not in ("1.0", "1.1") or names.count(b"host") > 1 or names.count(b"transfer-encoding") > 1:
        raise ValueError("framing")
    if b"transfer-encoding" in names and (version, dict(headers)[b"transfer-encoding"].lower()) != ("1.1", b"chunked"):
        raise ValueError("framing")
