"""Each storage, as a real server on this machine: what is pushed comes back the same, and rot is refused."""

import getpass
import hashlib
import json
import os
import re
import shutil
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from conftest import git
from workshop import call, copy, free_port, require, run, serving, status, tool

pytestmark = pytest.mark.nightly
Remote = tuple[str, dict[str, str]]  # the address for the question, and DVC's settings of this machine

ROT = """
import sys
from dvc.repo import Repo
storage = Repo().cloud.get_remote_odb()
path = storage.oid_to_path(sys.argv[1])
assert storage.fs.exists(path)
storage.fs.remove(path)
with storage.fs.open(path, "wb") as file:
    file.write(b"rot")
"""
HOLDERS = """
import sys
from pathlib import Path
import polars as pl
for file in (file for folder in sys.argv[2:] for file in Path(folder).rglob("*") if file.is_file()):
    content = file.read_bytes()
    if sys.argv[1].encode() in (pl.read_parquet(file).write_csv().encode() if content[:4] == b"PAR1" else content):
        print(file)
"""
CONTAINER = """
import sys
from azure.storage.blob import BlobServiceClient
BlobServiceClient.from_connection_string(sys.argv[1]).create_container("flights")
"""
AZURITE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="  # public, in its manual


@contextmanager
def local(folder: Path) -> Iterator[Remote]:
    yield str(folder / "storage"), {}


@contextmanager
def s3(folder: Path) -> Iterator[Remote]:
    server, port = tool(folder, "moto_server", "moto[server,s3]>=5"), free_port()
    with serving(port, server, "-H", "127.0.0.1", "-p", port, folder=folder):
        address = f"http://127.0.0.1:{port}"
        urllib.request.urlopen(urllib.request.Request(f"{address}/flights", method="PUT")).close()
        yield "s3://flights/dvc", {"endpointurl": address, "access_key_id": "x", "secret_access_key": "x", "region": "us-east-1"}


@contextmanager
def azure(folder: Path) -> Iterator[Remote]:
    run(folder, require("npm"), "install", "--silent", "--prefix", str(folder), "azurite@3")
    port, server = free_port(), folder / "node_modules" / ".bin" / "azurite-blob"
    options = ("--blobHost", "127.0.0.1", "--blobPort", port, "--location", folder / "blobs", "--skipApiVersionCheck", "--silent")
    with serving(port, server, *options, "--disableTelemetry", folder=folder):
        address = f"http://127.0.0.1:{port}/devstoreaccount1"
        account = f"AccountName=devstoreaccount1;AccountKey={AZURITE_KEY};BlobEndpoint={address};"
        yield "azure://flights/dvc", {"connection_string": f"DefaultEndpointsProtocol=http;{account}"}


@contextmanager
def gs(folder: Path) -> Iterator[Remote]:
    server, port = tool(folder, "gcp-storage-emulator", "gcp-storage-emulator", "setuptools<81"), free_port()
    options = ("start", "--host=127.0.0.1", f"--port={port}", "--in-memory", "--default-bucket=flights")
    with serving(port, server, *options, folder=folder), pytest.MonkeyPatch.context() as patch:
        patch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")  # else gcsfs also asks Google's own server over gRPC
        yield "gs://flights/dvc", {"endpointurl": f"http://127.0.0.1:{port}", "allow_anonymous_login": "true"}


@contextmanager
def ssh(folder: Path) -> Iterator[Remote]:
    server = require("sshd")
    Path("/run/sshd").mkdir(exist_ok=True) if os.geteuid() == 0 else None
    for key in ("host", "user"):
        run(folder, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
    port, settings = free_port(), folder / "sshd_config"
    settings.write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/user.pub\nPidFile none\n"
        "PasswordAuthentication no\nUsePAM no\nStrictModes no\nSubsystem sftp internal-sftp\n"
    )
    with serving(port, server, "-D", "-e", "-f", settings, folder=folder):
        (folder / "storage").mkdir()
        url = f"ssh://{getpass.getuser()}@127.0.0.1:{port}{folder}/storage"
        yield url, {"keyfile": str(folder / "user")}


def wipe(project: Path) -> None:
    shutil.rmtree(project / ".dvc" / "cache")
    for file in (project / "data" / "raw").glob("*.parquet"):
        file.unlink()


def deliveries(project: Path) -> dict[str, str]:
    return {path.stem: yaml.safe_load(path.read_text("utf-8"))["meta"]["sha256"] for path in project.glob("data/raw/*.dvc")}


@pytest.mark.parametrize("server", [local, s3, azure, gs, ssh], ids=lambda server: server.__name__)
def test_data_goes_and_comes_back(render, tmp_path, server):
    with server(tmp_path) as (url, settings):
        project = copy(render(storage=server.__name__, storage_url=url), tmp_path / "Zoë x")
        run(project, "uv", "run", "factory", "setup")
        if server is azure:
            run(project, "uv", "run", "python", "-c", CONTAINER, settings["connection_string"])
        for name, value in settings.items():
            run(project, "uv", "run", "dvc", "remote", "modify", "--local", "storage", name, value)
        sample = sorted(str(file) for file in project.glob("data/raw/*.dvc"))
        run(project, "uv", "run", "dvc", "push", *sample)
        wipe(project)

        run(project, "uv", "run", "dvc", "pull", *sample)

        assert "in sync" in run(project, "uv", "run", "dvc", "status", "--cloud", *sample)
        found = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in project.glob("data/raw/*.parquet")}
        assert found == deliveries(project)
        assert status(project) == "", "settings and secrets of this machine stay out of Git"
        assert "config.local" not in git(project, "ls-files")

        victim = min(project.glob("data/raw/*.parquet"))
        run(project, "uv", "run", "python", "-c", ROT, hashlib.md5(victim.read_bytes()).hexdigest())
        wipe(project)
        refused = call(project, "uv", "run", "dvc", "pull", *sample)
        assert refused.returncode != 0
        assert victim.name in refused.stderr
        assert not victim.exists()


CAPTURES = """
import sys
from datetime import UTC, datetime
import fsspec
import polars as pl
texts = {name: "x" for name in ("_request", "_caller", "_model")}
table = pl.DataFrame({"_at": [datetime(2026, 5, 1, 12, tzinfo=UTC)] * 300, "_score": 0.5, "_role": "champion", **texts, "_row": range(300)})
for part, rows in enumerate((table[:200], table[100:])):
    with fsspec.open(f"{sys.argv[1]}/instance-{part}/2026-05-01/120000.000000-1.parquet", "wb") as file:
        rows.write_parquet(file)
"""


def test_captures_are_read_from_a_storage(render, tmp_path, monkeypatch):
    project = copy(render(storage="s3", storage_url="s3://flights/dvc"), tmp_path / "project")
    run(project, "uv", "run", "factory", "setup")
    place = "s3://flights/captures"
    with s3(tmp_path) as (_, settings):
        names = {"ENDPOINT_URL": "endpointurl", "ACCESS_KEY_ID": "access_key_id", "SECRET_ACCESS_KEY": "secret_access_key"}
        for name, setting in names.items():
            monkeypatch.setenv(f"AWS_{name}", settings[setting])
        run(project, "uv", "run", "python", "-c", CAPTURES, place)
        assert "NO_REFERENCE" in call(project, "uv", "run", "factory", "monitor", "--captures", place).stdout
        report = (project / "reports/monitor.json").read_text("utf-8")
        assert [window["rows"] for window in json.loads(report)["windows"]] == [300]

    away = call(project, "uv", "run", "factory", "monitor", "--captures", place)

    assert away.returncode == 2 and f"UNREACHABLE: {place}" in away.stdout
    assert json.loads((project / "reports/monitor.json").read_text("utf-8"))["windows"] == json.loads(report)["windows"]


ROWS = """
import sys
import polars as pl
rows = pl.read_parquet("data/prepared/test.parquet").drop("late")
rows.write_parquet("here.parquet")
rows[:500].write_parquet(f"{sys.argv[1]}/day=1/a.parquet")
rows[500:].write_csv(f"{sys.argv[1]}/rows.csv")
rows[:9].write_csv(f"{sys.argv[1]}/_unfinished.csv")
"""


def test_rows_in_a_storage_are_scored_like_those_here(render, tmp_path, monkeypatch):
    project, rows = copy(render(), tmp_path / "project"), "s3://flights/rows"
    run(project, "uv", "run", "factory", "setup")
    run(project, "uv", "run", "dvc", "repro")
    with s3(tmp_path) as (_, settings):
        for name in ("endpointurl", "access_key_id", "secret_access_key", "region"):
            monkeypatch.setenv(f"AWS_{name.upper().replace('ENDPOINTURL', 'ENDPOINT_URL')}", settings[name])
        monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
        run(project, "uv", "run", "python", "-c", ROWS, rows)
        for source, scores in ((rows, "there.csv"), ("here.parquet", "here.csv"), (f"{rows}/day=*/*.parquet", "some")):
            run(project, "uv", "run", "factory", "score", source, scores)
        missing = call(project, "uv", "run", "factory", "score", f"{rows}/nothing", "none.csv")

    assert (project / "there.csv").read_bytes() == (project / "here.csv").read_bytes()
    assert {file.name for file in (project / "some").rglob("*") if file.is_file()} == {"a.parquet", "_SUCCESS"}
    assert missing.returncode == 1 and "no table there" in missing.stderr and not (project / "none.csv").exists()


def test_an_erased_row_is_nowhere_here_and_in_no_storage_once_the_listed_files_are_deleted(render, tmp_path):
    storage = tmp_path / "storage"
    project = copy(render(storage="local", storage_url=str(storage)), tmp_path / "Zoë x")

    def uv(*command: str) -> str:
        return run(project, "uv", "run", *command)

    def commit() -> None:
        git(project, "add", "--all")
        git(project, "commit", "--quiet", "--no-verify", "--message", "Data")

    uv("factory", "setup")
    uv("dvc", "repro")
    commit()
    uv("dvc", "push")
    first = min(project.glob("data/raw/*.parquet"))
    id = uv("python", "-c", f"import polars; print(polars.read_parquet({str(first)!r})['flight'][0])").strip()
    places = "data", ".dvc", str(storage)
    assert len(uv("python", "-c", HOLDERS, id, *places).splitlines()) >= 6, "delivery and prepared rows, in each place"

    shown = uv("factory", "erase", "--id", id, "-m", "asked for", "--yes")

    assert uv("python", "-c", HOLDERS, id, *places[:2]) == ""
    assert "by: " in Path(f"{first}.dvc").read_text("utf-8"), "the record is in the new pointer"
    commit()
    uv("dvc", "repro")
    commit()
    uv("dvc", "push")
    assert "in sync" in uv("dvc", "status", "--cloud") and "up to date" in uv("dvc", "status")
    for path in re.findall(r"^  (files/md5/\S+)$", shown, re.MULTILINE):
        (storage / path).unlink()
    assert uv("python", "-c", HOLDERS, id, *places) == ""
    wipe(project)
    uv("dvc", "pull")
    uv("factory", "audit")
    assert status(project) == ""
