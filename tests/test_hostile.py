"""The running service under features, bodies, keys, certificates and clocks that it always has to bear."""

import json
import random
import ssl
import subprocess
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import pytest
from hostile_project import HostileProject
from served import ARROW, CSV, INFER, JSON
from workshop import require, wait

pytestmark = pytest.mark.nightly
MUTATED = 4_200


@pytest.mark.parametrize("act", ["leave", "fail", "interrupt", "recurse", "exhaust", "flood", "surroundings"])
def test_features_that_fail(hostile, act):
    with hostile.serving() as server:
        for _ in range(3):
            hostile.status("POST", "/score", hostile.rows(act))
            statuses = [hostile.status("POST", "/score", hostile.records[:height]) for height in (1, 40)]
            assert [*statuses, hostile.status("GET", "/health/ready")] == [200] * 3
        assert server.poll() is None


def test_mutated_bodies(hostile):
    table, lines = hostile.read("few.arrow"), hostile.read("rows.csv").splitlines(keepends=True)
    inputs = [{"name": "distance", "shape": [200], "datatype": "INT16", "parameters": {"binary_data_size": 400}}]
    head = json.dumps({"inputs": inputs}).encode()
    bodies = {
        ("/score", ARROW): table,
        ("/score", CSV): b"".join(lines[:50]),
        ("/score", JSON): json.dumps(hostile.records[:40]).encode(),
        (INFER, f"{JSON}|{len(head)}"): head + bytes(400),
    }
    counts = Counter()
    with hostile.serving() as server, ThreadPoolExecutor(4) as pool:
        for (path, kind), body in bodies.items():
            count = MUTATED if kind == ARROW else MUTATED // 10
            mutated = [mutate(body, random.Random(seed)) for seed in range(count)]
            counts += Counter(pool.map(lambda each: hostile.status("POST", path, each, kind), mutated))  # noqa: B023
        assert hostile.status("POST", "/score", table, ARROW) == 200 and server.poll() is None
    assert set(counts) <= {200, 400, 413, 415, 422}, counts
    assert counts[400] > MUTATED / 4


def mutate(body: bytes, chance: random.Random) -> bytes:
    """The body with some bytes changed, cut, doubled, or a number in it made extreme."""
    content = bytearray(body)
    for _ in range(chance.choice((1, 1, 2, 8))):
        at = chance.randrange(len(content))
        match chance.randrange(5):
            case 0:
                content[at] = chance.randrange(256)
            case 1:
                content[at : at + 4] = chance.choice((b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", bytes(4)))
            case 2:
                del content[at : at + chance.randrange(1, 64)]
            case 3:
                content[at:at] = content[at : at + chance.randrange(1, 64)]
            case 4:
                content[at] ^= 1 << chance.randrange(8)
        if not content:
            break
    return bytes(content[: chance.randrange(len(content) + 1)] if content and chance.random() < 0.1 else content)


# Keys and certificates that change under load


class Load:
    """Callers that ask in turn, each with the key that is valid, until the block ends; `statuses` counts the answers, 0 for none."""

    def __init__(self, project: HostileProject, key: str) -> None:
        self.project, self.key, self.statuses = project, key, Counter()
        self.end = threading.Event()
        self.threads = [threading.Thread(target=self.ask) for _ in range(4)]

    def __enter__(self) -> Self:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.end.set()
        for thread in self.threads:
            thread.join()

    def ask(self) -> None:
        while not self.end.is_set():
            status = self.project.status("POST", "/score", self.project.records[0], X_API_Key=self.key)
            self.statuses[status] += 1


def rotate(project: HostileProject, load: Load, new: str) -> None:
    """Both keys, then the new one alone."""
    old = load.key
    project.allow(old, new)
    assert wait(lambda: project.status("GET", "/version", X_API_Key=new) == 200, 10)
    load.key = new
    sent = sum(load.statuses.values())
    assert wait(lambda: sum(load.statuses.values()) > sent + 20, 10)  # the last ones with the old key
    project.allow(new)
    assert wait(lambda: project.status("GET", "/version", X_API_Key=old) == 401, 10)


def test_keys_are_rotated_and_expire_under_load(hostile):
    hostile.allow("0")
    with hostile.serving(KEYS="keys"), Load(hostile, "0") as load:
        for turn in range(5):
            rotate(hostile, load, str(turn + 1))
        end = datetime.now(UTC) + timedelta(seconds=3)
        hostile.allow("5", f"guest until={end.isoformat()}")
        assert wait(lambda: hostile.status("GET", "/version", X_API_Key="guest") == 200, 2)
        assert wait(lambda: hostile.status("GET", "/version", X_API_Key="guest") == 401, 10)
        assert datetime.now(UTC) >= end
    assert load.statuses.keys() == {200} and load.statuses[200] > 500


def certify(folder: Path, number: int) -> None:
    """A new certificate and its key, the one replaced after the other."""
    new = [folder / f"{name}.new" for name in ("cert", "key")]
    command = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=x", "-set_serial")
    place = ("-addext", "subjectAltName=IP:127.0.0.1", "-out", new[0], "-keyout", new[1])
    subprocess.run([require("openssl"), *command[1:], str(number), *place], check=True, capture_output=True)
    for path in new:
        path.replace(path.with_suffix(".pem"))


def serial(project: HostileProject) -> int:
    """That of the certificate which a new connection is shown."""
    text = ssl.get_server_certificate(("127.0.0.1", project.port), timeout=20)
    shown = subprocess.run(["openssl", "x509", "-noout", "-serial"], input=text, check=True, capture_output=True, text=True)
    return int(shown.stdout.partition("=")[2], 16)


def test_certificates_are_renewed_under_load(hostile, tmp_path, monkeypatch):
    certify(tmp_path, 1)
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    monkeypatch.setattr(hostile, "tls", trusting)
    hostile.allow("0")
    files = {"CERT": tmp_path / "cert.pem", "CERT_KEY": tmp_path / "key.pem"}
    with hostile.serving(KEYS="keys", **files), Load(hostile, "0") as load:
        for number in (2, 3):
            certify(tmp_path, number)
            assert wait(lambda: serial(hostile) == number, 10)  # noqa: B023
            rotate(hostile, load, str(number))
        (tmp_path / "cert.pem").write_text("half", "utf-8")
        assert wait(lambda: "certificate before it goes on" in hostile.written, 10) and serial(hostile) == 3
    assert load.statuses.keys() == {200} and load.statuses[200] > 100
