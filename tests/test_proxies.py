"""Behind nginx and Caddy, which forward upgrades and share connections, each answer belongs to its request.

By hand, on this machine alone: nginx and Caddy are Debian's packages of that name.
"""

import asyncio
import contextlib
import hashlib
import json
import math
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from workshop import Project, free_port, installed, ready, require, run, serving, wait

pytestmark = pytest.mark.nightly
REQUESTS = int(os.environ.get("PROXY_REQUESTS", "10000"))
CONNECTIONS = 8  # of each caller
KEYS = {"shop": "key-of-shop", "bank": "key-of-bank"}
CARRIERS = {"shop": "UA", "bank": "AA"}  # in the ids of their rows

NGINX = """
daemon off; pid nginx.pid; error_log stderr; {user}
events {{}}
http {{
  access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  upstream service {{ server 127.0.0.1:{service}; keepalive 4; }}
  map $http_upgrade $connection_upgrade {{ default upgrade; "" ""; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://service;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr;
    }}
  }}
}}
"""
CADDY = """
{{
  admin off
  auto_https off
}}
http://:{port} {{
  bind 127.0.0.1
  reverse_proxy 127.0.0.1:{service}
}}
"""
MUTUAL = """
daemon off; pid nginx.pid; error_log stderr; {user}
events {{}}
http {{
  access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  map $ssl_client_s_dn $caller {{ "~^CN=(?<name>[\\w.-]+)(,|$)" $name; }}
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate server.pem; ssl_certificate_key server.key;
    ssl_client_certificate callers.pem; ssl_verify_client on;
    location / {{
      proxy_pass http://127.0.0.1:{service};
      proxy_set_header X-Caller $caller;
      proxy_set_header X-Forwarded-For $remote_addr;
    }}
  }}
}}
"""
UPGRADE = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
WEBSOCKET = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)
HIDDEN = (
    "POST /score HTTP/1.1\r\nHost: x\r\nX-API-Key: key-of-shop\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n"
)
LATE = "\r\n" * 40_000 + HIDDEN  # so much that a proxy sends it in pieces; empty lines before a request are ignored
CHUNK = f"{len(HIDDEN):x}\r\n{HIDDEN}\r\n0\r\n\r\n"
SMUGGLER = "POST /health/live HTTP/1.1\r\nHost: x\r\nX-Request-ID: smuggler\r\nX-API-Key: key-of-shop\r\n"
ATTACKS = [
    *(f"{upgrade}Content-Length: {len(HIDDEN)}\r\n\r\n{HIDDEN}" for upgrade in (UPGRADE, WEBSOCKET)),
    *(f"{upgrade}Content-Length: {len(LATE)}\r\n\r\n{LATE}" for upgrade in (UPGRADE, WEBSOCKET)),
    *(f"{upgrade}\r\n{HIDDEN}" for upgrade in (UPGRADE, WEBSOCKET)),
    *(f"{upgrade}Transfer-Encoding: chunked\r\n\r\n{CHUNK}" for upgrade in (UPGRADE, WEBSOCKET)),
    f"Content-Length: {len(CHUNK)}\r\nTransfer-Encoding: chunked\r\n\r\n{CHUNK}",
    f"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n{CHUNK}",
    f"Content-Length: 0\r\nContent-Length: {len(HIDDEN)}\r\n\r\n{HIDDEN}",
    f"Content-Length: 0\r\n Content-Length: {len(HIDDEN)}\r\n\r\n{HIDDEN}",
    f"Content-Length : {len(HIDDEN)}\r\n\r\n{HIDDEN}",
    f"Content-Length: +0\r\n\r\n{HIDDEN}",
    *(
        f"Content-Length: {len(HIDDEN)}\r\nTransfer-Encoding{coding}\r\n\r\n0\r\n\r\n{HIDDEN}"
        for coding in (": xchunked", ": identity", " : chunked", ":\x0bchunked", ": chunked, identity")
    ),
    *(
        f"Transfer-Encoding: {coding}\r\n\r\n0\r\n\r\n{HIDDEN}"
        for coding in ("gzip, chunked", "identity, chunked", "chunked\r\nTransfer-Encoding: x")
    ),
    f"Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: {len(HIDDEN)}\r\n\r\n{HIDDEN}",
    f"Transfer-Encoding: chunked\r\n\r\n0\n\r\n{HIDDEN}",
    f"Expect: 100-continue\r\nContent-Length: {len(HIDDEN)}\r\n\r\n{HIDDEN}",
    f"Content-Length: {len(HIDDEN) + 100}\r\n\r\n{HIDDEN}",
]


class Behind(Project):
    """A project whose service is behind a proxy."""

    @contextlib.contextmanager
    def serving(self, port: int, **settings: object) -> Iterator[None]:
        named = (f"FACTORY_{name}={value}" for name, value in settings.items())
        command = ("env", *named, self.bin / "factory", "serve", "--model", "model", "--port", port)
        with serving(port, *command, folder=self.folder):
            assert wait(lambda: ready(port), 60)
            yield

    @property
    def log(self) -> list[dict]:
        """The access log."""
        return [json.loads(line) for line in (self.folder / "server.log").read_text().splitlines() if line[:1] == "{"]


@pytest.fixture(scope="module")
def project(template, tmp_path_factory) -> Behind:
    project = installed(template, tmp_path_factory.mktemp("proxies"), "Served", Behind)
    project.set("max_iter: 200", "max_iter: 12")
    project.done("factory", "setup")
    project.done("dvc", "repro", "--quiet", "train")
    lines = [f"{name} {hashlib.sha256(key.encode()).hexdigest()}" for name, key in KEYS.items()]
    (project.folder / "keys").write_text("\n".join(lines))
    (project.folder / "keys").chmod(0o600)
    return project


@contextlib.contextmanager
def proxy(name: str, config: str, folder: Path, service: int) -> Iterator[int]:
    """The proxy in front of the service while the block runs, and its port."""
    folder.mkdir(exist_ok=True)
    port = free_port()
    (folder / "config").write_text(config.format(port=port, service=service, user="user root;" if os.geteuid() == 0 else ""))
    program = require(name)
    commands = {
        "nginx": (program, "-p", folder, "-c", folder / "config", "-e", "stderr"),
        "caddy": ("env", f"HOME={folder}", program, "run", "--config", folder / "config", "--adapter", "caddyfile"),
    }
    with serving(port, *commands[name], folder=folder):
        yield port


@pytest.mark.parametrize("name, config", [("nginx", NGINX), ("caddy", CADDY)])
def test_each_answer_belongs_to_its_request(project, tmp_path, name, config):
    service = free_port()
    with project.serving(service, KEYS="keys"), proxy(name, config, tmp_path, service) as port:
        wrong, answered = asyncio.run(traffic(port, service, REQUESTS))
    assert not wrong, (len(wrong), wrong[:3])
    assert answered >= REQUESTS
    callers = {(line["client_request"].partition("-")[0], line["caller"]) for line in project.log if line["client_request"]}
    assert callers == {("shop", "shop"), ("bank", "bank"), ("smuggler", "shop")}


async def traffic(port: int, service: int, requests: int) -> tuple[list[str], int]:
    """What went wrong in that many requests of two callers, between which one tries to smuggle, and how many were answered."""
    connection = await asyncio.open_connection("127.0.0.1", service)
    _, document = await exchange(*connection, b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n")
    record = json.loads(document)["components"]["schemas"]["Record"]["examples"][0]
    wrong: list[str] = []
    done = asyncio.Event()
    smuggling = [asyncio.create_task(smuggle(port, attack, done)) for attack in ATTACKS]
    share = math.ceil(requests / (len(KEYS) * CONNECTIONS))
    numbers = [range(share * turn, share * (turn + 1)) for turn in range(CONNECTIONS)]
    work = [call(port, name, part, record, wrong) for name in KEYS for part in numbers]
    answered = sum(await asyncio.gather(*work))
    done.set()
    await asyncio.gather(*smuggling)
    return wrong, answered


async def call(port: int, name: str, numbers: range, record: dict, wrong: list[str]) -> int:
    """Send requests on one connection, as long as it lasts; returns how many were answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in numbers:
        id, message, expected = request(name, number, record)
        for _ in range(5):  # a proxy may close a connection between two requests
            try:
                head, body = await exchange(reader, writer, message)
                break
            except (OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
        else:
            wrong.append(f"{id}: no answer")
            continue
        status, shown = int(head.split()[1]), re.search(r"\r\nx-client-request-id: (\S+)", head.lower())
        ids = [row["id"] for row in json.loads(body).get("scores", [])] if body[:1] == b"{" else []
        if (status, shown and shown[1], ids) != (expected[0], id, expected[1]):
            wrong.append(f"{id}: expected {expected}, got {status}, {shown and shown[1]}, {ids}: {body[:200]!r}")
        if "\r\nconnection: close" in head.lower():
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()
    return len(numbers)


def request(name: str, number: int, record: dict) -> tuple[str, bytes, tuple[int, list[str]]]:
    """A request of the caller: its id, its bytes, and the status and the rows' ids of the answer that belongs to it."""
    kind = ("one", "many", "chunked", "wrong", "live", "none")[number % 6]
    id, rows = f"{name}-{number}-{kind}", [f"{CARRIERS[name]}{number % 10_000:04}-EWR-201301{day:02}" for day in range(1, 4)]
    records = [record | {"flight": row} for row in rows]
    contents = {"one": records[0], "many": records, "chunked": records[:2], "wrong": {"flight": rows[0]}}
    body = json.dumps(contents[kind]).encode() if kind in contents else b""
    path = {"live": "GET /health/live", "none": f"GET /nothing/{id}"}.get(kind, "POST /score")
    framing = "Transfer-Encoding: chunked" if kind == "chunked" else f"Content-Length: {len(body)}"
    framing = f"Content-Type: application/json\r\n{framing}\r\n" if body else ""
    sent = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if kind == "chunked" else body
    head = f"{path} HTTP/1.1\r\nHost: x\r\nX-Request-ID: {id}\r\nX-API-Key: {KEYS[name]}\r\n{framing}\r\n"
    answer = {
        "one": (200, rows[:1]),
        "many": (200, rows),
        "chunked": (200, rows[:2]),
        "wrong": (422, []),
        "live": (200, []),
        "none": (404, []),
    }
    return id, head.encode() + sent, answer[kind]


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, message: bytes) -> tuple[str, bytes]:
    """Head and body of the response."""
    writer.write(message)
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)).decode("latin-1")
    length = re.search(r"\r\ncontent-length: (\d+)", head.lower())
    return head, await reader.readexactly(int(length[1])) if length else b""


async def smuggle(port: int, attack: str, done: asyncio.Event) -> None:
    """Send the attack again and again, on connections of its own."""
    while not done.is_set():
        with contextlib.suppress(OSError, TimeoutError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"{SMUGGLER}{attack}".encode("latin-1"))
            await asyncio.wait_for(reader.read(), 0.2)
            writer.close()


def test_caller_of_mutual_tls_is_the_name_in_the_certificate(project, tmp_path):
    folder = tmp_path / "nginx"
    folder.mkdir()
    for name, subject in (("server", "localhost"), ("callers", "shop"), ("stranger", "shop")):
        files = ("-keyout", f"{name}.key", "-out", f"{name}.pem")
        names = ("-subj", f"/O=Acme/CN={subject}", "-addext", "subjectAltName=DNS:localhost")
        run(folder, "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *files, *names)
    service = free_port()
    with project.serving(service), proxy("nginx", MUTUAL, folder, service) as port:
        assert ask(folder, port, "callers", "-H", "X-Caller: forged") == "200"
        assert ask(folder, port, "stranger") == ask(folder, port, None) == "400"
    assert [line["caller"] for line in project.log if line["route"] == "/version"] == ["shop"]


def ask(folder: Path, port: int, name: str | None, *more: str) -> str:
    """The status of a request with that certificate."""
    shown = ("--cert", f"{name}.pem", "--key", f"{name}.key") if name else ()
    address = ("--cacert", "server.pem", f"https://localhost:{port}/version", "--resolve", f"localhost:{port}:127.0.0.1")
    command = ("curl", "-s", "-o", "answer", "-w", "%{http_code}", *shown, *more, *address)
    return subprocess.run(command, cwd=folder, capture_output=True, text=True).stdout
