"""A platform in place of GitHub, GitLab and Azure DevOps, on loopback: it keeps what pipelines write."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from machinery.ci.fake_environments import PLACES, TOKEN, Thing


@dataclass
class Hub:
    """Comments, proposals (pull requests) and issues, each with id, title, text, draft, branch and base."""

    comments: list[Thing] = field(default_factory=list)
    proposals: list[Thing] = field(default_factory=list)
    issues: list[Thing] = field(default_factory=list)
    down: bool = False
    page: bool = False  # to sign in, as Azure DevOps answers a token that has expired
    address: str = ""


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        content = json.loads(self.rfile.read(length)) if length else None
        split = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(split.query).items()}
        size, page = int(query.pop("per_page", 1000)), int(query.pop("page", 1))
        query.pop("state", None)
        found = self.ask(split.path, content, query)
        if isinstance(found, int):
            return self.send(found, {"message": "no"})
        if isinstance(found, list):
            more = len(found) > page * size
            link = f'<{self.hub.address}{split.path}?per_page={size}&page={page + 1}>; rel="next"' if more else ""
            return self.send(200, found[(page - 1) * size : page * size], link)
        return self.send(200, found)

    do_GET = do_POST = do_PUT = do_PATCH = answer

    def ask(self, path: str, content: Any, query: Thing) -> Any:
        basic = self.headers.get("Authorization", "").partition("Basic ")[2]
        signed = [*self.headers.values(), base64.b64decode(basic).decode() if basic else ""]
        if self.hub.down or not any(TOKEN in value for value in signed):
            return 403
        for place, ask in PLACES.items():
            if path.startswith(place):
                found = ask(self.hub, path.removeprefix(place), content, query, self.command)
                return 404 if found is None else found
        return 404

    def send(self, status: int, content: Any, link: str = "") -> None:
        body, kind = json.dumps(content).encode(), "application/json"
        if self.hub.page:
            status, body, kind = 203, b"<html>\nSign In</html>", "text/html"
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if link:
            self.send_header("Link", link)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@contextmanager
def running() -> Iterator[Hub]:
    """The platform while the block runs."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
