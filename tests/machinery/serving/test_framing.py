"""Where a request ends is never a matter of opinion: what proxies read in different ways is refused, or ends the connection."""

import re
import select
import socket
from contextlib import suppress

import pytest

from machinery.serving.service_client import GOOD, serving

END = b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
NEXT = END.replace(b"Connection: close\r\n", b"")
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"  # answered with 404, if it counts as a request
LIVE, SCORE = (b"POST %s HTTP/1.1\r\nHost: x\r\n" % path for path in (b"/health/live", b"/score"))
UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
CHUNKED = LIVE + b"Transfer-Encoding: chunked\r\n\r\n"
REFUSED, UNSUPPORTED = [400], [415]  # of /score, which asks for a type


def with_headers(lines: bytes) -> bytes:
    return LIVE + lines + b"\r\n\r\nAAAAA" + HIDDEN


PIECES = {  # what is sent, in pieces that arrive one after the other, and the statuses of the responses
    "upgrade": ([LIVE + UPGRADE + b"\r\n", HIDDEN], [405]),
    "upgrade in one piece": ([LIVE + UPGRADE + b"\r\n" + HIDDEN], [405]),
    "upgrade with a body": ([LIVE + UPGRADE + b"Content-Length: %d\r\n\r\n" % len(HIDDEN), HIDDEN, HIDDEN], [405]),
    "upgrade with a body in pieces": (
        [SCORE + UPGRADE + b"Content-Length: 9\r\n\r\n", b"AAAAA", b"AAAA" + HIDDEN],
        UNSUPPORTED,
    ),
    "upgrade in chunks": (
        [SCORE + UPGRADE + b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nAAAAA\r\n0\r\n\r\n", HIDDEN],
        UNSUPPORTED,
    ),
    "upgrade after a request": (
        [NEXT + LIVE + UPGRADE + b"\r\n", HIDDEN],
        [200, 405],
    ),
    "upgrade to WebSocket": (
        [b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", HIDDEN],
        [200],
    ),
    "CONNECT": ([b"CONNECT y:80 HTTP/1.1\r\nHost: y:80\r\n\r\n", HIDDEN], REFUSED),
    "CONNECT with a path": ([b"CONNECT http://y/health/live HTTP/1.1\r\nHost: y\r\n\r\n", HIDDEN], [405]),
    "only one header of an upgrade": ([LIVE + b"Upgrade: h2c\r\nContent-Length: 5\r\n\r\nAAAAA", END], [405, 200]),
    "pipelined": ([NEXT * 3 + END], [200] * 4),
    "pipelined without end": ([NEXT * 100], [200] * 17),
    "after the end": ([END + HIDDEN, HIDDEN], [200]),
    "HTTP/1.0 ends it": ([b"GET /health/live HTTP/1.0\r\n\r\n" + HIDDEN], [200]),
    "garbage after a request": ([NEXT + b"\x00\r\n\r\n", HIDDEN], [200]),
    "garbage in a body": ([SCORE + b"Transfer-Encoding: chunked\r\n\r\n5\nAAAAA", HIDDEN], REFUSED),
    "garbage in a body after its response": ([CHUNKED, b"5\nAAAAA", HIDDEN], [405]),
    "garbage in a body after a request": (
        [NEXT + CHUNKED + b"5\nAAAAA", HIDDEN],
        [200],
    ),
    "absolute form": ([b"GET http://y/health/live HTTP/1.1\r\nHost: x\r\n\r\n" + END], [200, 200]),
    "empty lines before": ([b"\r\n\r\n" + END], [200]),
    "HTTP/0.9": ([b"GET /health/live\r\n\r\n" + HIDDEN], REFUSED),
    "HTTP/0.9 by name": ([b"GET /health/live HTTP/0.9\r\n\r\n" + HIDDEN], REFUSED),
    "HTTP/1.2": ([b"GET /health/live HTTP/1.2\r\nHost: x\r\n\r\n"], REFUSED),
    "HTTP/2.0": ([b"GET /health/live HTTP/2.0\r\nHost: x\r\n\r\n"], REFUSED),
    "HTTP/2 without asking": ([b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"], REFUSED),
    "lines that end in LF": ([END.replace(b"\r", b"")], REFUSED),
    "space in the path": ([b"GET /health/live x HTTP/1.1\r\nHost: x\r\n\r\n"], REFUSED),
    "two hosts": ([b"GET /health/live HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"], REFUSED),
    "chunked in HTTP/1.0": (
        [b"POST /health/live HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN],
        REFUSED,
    ),
    "chunk with an extension": ([CHUNKED + b"5;a=b\r\nAAAAA\r\n0\r\n\r\n" + END], [405, 200]),
}
HEADERS = [
    b"Content-Length: 5\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nContent-Length: 5",
    b"Content-Length: 5\r\nContent-Length: 5",
    b"Content-Length: 5\r\nContent-Length: 0",
    *(
        b"Content-Length:" + value
        for value in (b" 5, 5", b" +5", b" -5", b" 0x5", b" 5_0", b" 5 5", b" 5.0", b"", b"\x0c5", b" \xb5")
    ),
    b"Content-Length: 18446744073709551621",
    b"Content-Length: 5\r\n 0",
    b"Content-Length : 5",
    b" Content-Length: 5",
    b"Content-Length: 5\n",
    b"X: a\rContent-Length: 5",
    b"X: a\nContent-Length: 5\x00",
    b"X: a\x00b",
    b"no colon",
    b": no name",
    *(
        b"Transfer-Encoding:" + value
        for value in (
            b" xchunked",
            b" identity",
            b" chunked, identity",
            b" identity, chunked",
            b" gzip, chunked",
            b" ,chunked",
        )
    ),
    *(b"Transfer-Encoding:" + value for value in (b"", b" \x0bchunked", b" chunked\x00", b" chunked;q=1", b' "chunked"')),
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\n , identity",
    b"Transfer-Encoding : chunked",
]
CHUNKS = [
    b"5\nAAAAA\r\n0\r\n\r\n",
    b"5\r\nAAAAA0\r\n\r\n",
    b"5\r\nAAAAA\n0\r\n\r\n",
    b"5\r\nAAAAAA\r\n0\r\n\r\n",
    *(size + b"\r\nAAAAA\r\n0\r\n\r\n" for size in (b"5 ", b"0x5", b"+5", b"-1", b"", b"5;\n", b"5;a\rb", b"1" * 17)),
    b"0\r\n\n",
    b"0\n\r\n",
    b"0\r\nContent-Length: 5\r\n\r\n",
    b"0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
]


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    """A service without a model: all of this comes before one is asked."""
    with serving(str(tmp_path_factory.mktemp("empty")), wait=False) as client:
        yield client.port


def statuses(port: int, *pieces: bytes) -> list[int]:
    """The statuses of all responses until the service closes the connection."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), 20) as connection, suppress(ConnectionError):
        for piece in pieces:
            connection.sendall(piece)
            if select.select([connection], [], [], 0.05)[0]:  # before what arrives after the end resets the connection
                received += connection.recv(65_536)
        while part := connection.recv(65_536):
            received += part
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", received)]


@pytest.mark.parametrize("name", PIECES)
def test_requests_in_pieces(port, name):
    pieces, expected = PIECES[name]
    assert statuses(port, *pieces) == expected


@pytest.mark.parametrize("lines", HEADERS)
def test_headers_about_the_body(port, lines):
    assert statuses(port, with_headers(lines)) == REFUSED


@pytest.mark.parametrize("body", CHUNKS)
def test_chunks(port, body):
    assert statuses(port, SCORE + b"Transfer-Encoding: chunked\r\n\r\n" + body + HIDDEN) == REFUSED
    assert statuses(port, CHUNKED, body + HIDDEN) == [405]  # which is the response to that request, and the only one


def test_body_of_a_request_for_an_upgrade_is_read(client):

    for _ in range(2):
        response = client.post(GOOD, Connection="Upgrade, HTTP2-Settings", Upgrade="h2c", HTTP2_Settings="AAMAAABk")
        assert (response.status, response.headers["connection"]) == (200, "close")
