"""Made-up projects of an organisation: bare repositories with a branch factory/status, for the tests and the benchmark of the hub."""

import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

STATUS = "refs/heads/factory/status"


def status(project: str = "churn", at: datetime | None = None, **changes: object) -> dict[str, object]:
    """A status as `factory status --json` writes it; a change such as `template__behind=2` is of a key within."""
    at = at or datetime.now(UTC)
    content: dict[str, object] = {
        "format": 1,
        "at": at.isoformat(),
        "project": project,
        "description": "Who will leave",
        "owner": "Ada",
        "address": f"https://git.example.com/{project}",
        "commit": "a" * 40,
        "template": {"source": "https://git.example.com/factory", "release": "0.3.0", "newest": "0.4.0", "behind": 1},
        "card": {"purpose": "Retention", "risk": "low", "data_class": "internal", "retention": "two years"},
        "contract": {"changed": "2026-01-31", "sha256": "c" * 64},
        "champion": {
            "version": "v3",
            "commit": "b" * 40,
            "model": "d" * 64,
            "since": (at - timedelta(days=30)).isoformat(),
            "action": "promote",
            "by": "Ada",
            "metric": {"name": "roc_auc", "value": 0.81, "low": 0.79, "high": 0.83, "floor": 0.7},
        },
        "gate": {"passed": True, "codes": [], "against": "v2", "at": at.isoformat()},
        "monitor": {"until": f"{at:%Y-%m-%d}", "drift": "quiet", "alerts": [], "states": [], "outcomes": 0.9},
        "readiness": {
            "score": 3.5,
            "level": "reasonably tested",
            "groups": {},
            "missing": [],
            "expired": [],
            "at": at.isoformat(),
        },
        "doctor": [],
        "cost": {
            "currency": "EUR",
            "month": f"{at:%Y-%m}",
            "runs": {"count": 3, "seconds": 90.0, "cpu_seconds": 160.0, "kwh": None, "money": 1.5},
            "serving": {"cpu_seconds": 1000.0, "kwh": None, "money": 2.0},
        },
        "deployments": [],
        "data": [{"name": "2026-10.csv", "sha256": "e" * 64, "rows": 1000, "received": "2026-11-01"}],
        "dependencies": {"source": "lock", "packages": {"numpy": "2.3.1"}},
        "unknown": {
            "cost.runs.kwh": "NO_METER: the machine does not report it",
            "cost.serving.kwh": "NO_METER: the machine does not report it",
        },
    }
    for key, value in changes.items():
        *path, last = key.split("__")
        part = content
        for name in path:
            part = part[name]
        part[last] = value
    return content


def bare(folder: Path) -> Path:
    """An empty bare repository, made without a process."""
    for name in ("objects", "refs/heads"):
        (folder / name).mkdir(parents=True)
    (folder / "HEAD").write_text("ref: refs/heads/main\n")
    (folder / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = true\n")
    return folder


def push(
    folder: Path, *contents: bytes | str | Mapping[str, object], ref: str = STATUS, onto: str = "", mode: str = "100644"
) -> Path:
    """Chain statuses on the project's branch, a day apart up to their own `at`, after `onto`, or in place of what is there."""
    streams = [_commit(content, ref, onto if number == 0 else "", mode) for number, content in enumerate(contents)]
    first = b"" if onto else f"reset {ref}\n\n".encode()
    git(folder, "fast-import", "--quiet", "--force", stdin=first + b"".join(streams))
    return folder


def fleet(path: Path, projects: Iterable[Path | str], **columns: str) -> Path:
    """A FLEET.csv."""
    more = {"team": "growth", "criticality": "medium"} | columns
    lines = [",".join(["url", *more]), *(",".join([str(project), *more.values()]) for project in projects)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def git(folder: Path, *command: str, stdin: bytes = b"") -> str:
    done = subprocess.run(["git", "--git-dir", str(folder), *command], input=stdin, check=True, capture_output=True)
    return done.stdout.decode().strip()


@contextmanager
def server() -> Iterator[str]:
    """The address of a server that hangs, redirects or asks for a password, as the path begins."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Unfriendly) as http:
        Thread(target=http.serve_forever, daemon=True).start()
        try:
            http.ended = Event()
            yield f"http://127.0.0.1:{http.server_port}"
        finally:
            http.ended.set()
            http.shutdown()


class _Unfriendly(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        kind = self.path.split("/")[1]
        if kind == "hang":
            self.server.ended.wait(60)
            return
        code, headers = {
            "login": (401, {"WWW-Authenticate": 'Basic realm="x"'}),
            "moved": (301, {"Location": f"http://{self.headers['Host']}/real/x/info/refs?service=git-upload-pack"}),
            "forbidden": (403, {}),
        }.get(kind, (404, {}))
        self.send_response(code)
        for name, value in {**headers, "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def _commit(content: bytes | str | Mapping[str, object], ref: str, onto: str, mode: str) -> bytes:
    at = datetime.now(UTC)
    if isinstance(content, Mapping):
        at = min(at, datetime.fromisoformat(str(content["at"])))
        content = json.dumps(content)
    data = content.encode() if isinstance(content, str) else content
    who = f"committer CI <ci@example.com> {int(at.timestamp())} +0000"
    start = f"commit {ref}\n{who}\ndata 6\nStatus\n" + (f"from {onto}\n" if onto else "")
    return f"{start}deleteall\nM {mode} inline status.json\ndata {len(data)}\n".encode() + data + b"\n"
