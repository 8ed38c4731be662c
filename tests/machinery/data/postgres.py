"""A PostgreSQL server of its own, from Debian's package, which does not run as root."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

USER, PASSWORD = "reader", "geheim-7391"


def programs() -> Path | None:
    """The folder of the newest `initdb` here."""
    found = shutil.which("initdb")
    paths = (
        [Path(found), *Path("/usr/lib/postgresql").glob("*/bin/initdb")]
        if found
        else Path("/usr/lib/postgresql").glob("*/bin/initdb")
    )
    return max((path.parent for path in paths), default=None)


@contextmanager
def running(script: str) -> Iterator[str]:
    """The address of a database in which the script has run, without the password that it asks for."""
    place = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # the path of a socket is short
    other: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    if other:
        shutil.chown(place, "postgres", "postgres")
    bin, data, secret = programs(), place / "data", place / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)

    def run(*command: object, **options: Any) -> None:
        subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL, cwd="/", **options)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = f"-p {port} -k {place} -c listen_addresses=127.0.0.1 -c fsync=off"
    try:
        run(
            bin / "initdb",
            "-D",
            data,
            "-U",
            USER,
            "-A",
            "scram-sha-256",
            f"--pwfile={secret}",
            "-E",
            "UTF8",
            "--no-sync",
            **other,
        )
        run(bin / "pg_ctl", "-D", data, "-l", place / "log", "-o", options, "-w", "start", **other)
        url = f"postgresql://{USER}@127.0.0.1:{port}/postgres"
        psql = ("psql", "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", url)
        run(*psql, input=script.encode(), env=os.environ | {"PGPASSWORD": PASSWORD})
        yield url
    finally:
        subprocess.run(
            [bin / "pg_ctl", "-D", data, "-m", "immediate", "stop"], cwd="/", capture_output=True, check=False, **other
        )
        shutil.rmtree(place)
