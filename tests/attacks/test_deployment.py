"""What is deployed or loaded is not what was released."""

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from attack import Target
from workshop import free_port, ready, wait

REGISTRY = "registry.example.com/team/target"
GOOD, EVIL = "1" * 64, "2" * 64
INVENTORY = {"python": "3.13.0", "system": {"ID": "debian", "VERSION_ID": "12"}, "distributions": [], "packages": []}
ENGINE = """
import json, os, sys
from pathlib import Path
here, command = Path(__file__).parent, sys.argv[1]
if command == "build":
    labels = dict(option.removeprefix("--label=").split("=", 1) for option in sys.argv if option.startswith("--label="))
    (here / "labels").write_text(json.dumps(labels))
    [file] = [option.partition("=")[2] for option in sys.argv if option.startswith("--iidfile=")]
    Path(file).write_text("sha256:1234")
elif command == "run":
    print((here / "inventory").read_text())
elif command == "inspect":
    digest = (here / "digest").read_text()
    print((here / "labels").read_text() if "Labels" in sys.argv[2] else f"{(here / 'registry').read_text()}@sha256:{digest}")
elif command == "compose" and "up" in sys.argv:
    with (here / "started").open("a") as log:
        print(os.environ["IMAGE"], file=log)
"""


class Release:
    """A version's image in a registry and on a host, of an engine that only notes what it is asked for; its service is real."""

    def __init__(self, project: Target, folder: Path) -> None:
        self.project, self.folder = project, folder
        folder.mkdir()
        files = {"engine.py": ENGINE, "digest": GOOD, "registry": REGISTRY, "inventory": json.dumps(INVENTORY)}
        for name, content in files.items():
            (folder / name).write_text(content)
        (folder / "docker").write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, str(folder / "engine.py")])} "$@"\n')
        (folder / "docker").chmod(0o755)
        self.env: dict[str, str | None] = {
            "PATH": os.pathsep.join(map(str, (folder, project.bin, os.environ["PATH"]))),
            "FACTORY_REGISTRY": REGISTRY,
            "FACTORY_TARGET": "ssh://deploy@production.example.com",
        }
        project.done("factory", "build", "v1", **self.env)
        project.done("factory", "publish", "v1", **self.env)

    @property
    def statement(self) -> Path:
        return self.project.folder / "reports/sbom/v1.provenance.json"

    def push(self, digest: str) -> None:
        """Let the tag in the registry name another image, with the same labels."""
        (self.folder / "digest").write_text(digest)

    def deploy_refused(self, *image: str) -> None:
        deploy = ("factory", "deploy", "production", "v1")
        self.project.refused("PROVENANCE", *deploy, *image, before=deploy, **self.env)
        started = self.folder / "started"
        assert started.exists() is self.project.before


@pytest.fixture
def release(request, tmp_path) -> Iterator[Release]:
    project: Target = request.getfixturevalue(request.param)
    made, port = Release(project, tmp_path / "engine"), free_port()
    made.env["FACTORY_URL"] = f"http://127.0.0.1:{port}"
    commit = json.loads(made.statement.read_text())["predicate"]["buildDefinition"]["externalParameters"]["commit"]
    manifest = (project.folder / "model/manifest.json").read_bytes()
    version = {"version": "v1", "commit": commit, "model": sha256(manifest)}
    (project.folder / "model/version.json").write_text(json.dumps(version))
    service = project.start("factory", "serve", "--model", "model", "--port", str(port))
    try:
        assert wait(lambda: ready(port), 60)
        yield made
    finally:
        service.terminate()
        service.communicate(timeout=30)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("release", ["target", "signed"], indirect=True)
def test_swapped_image(release):
    release.push(EVIL)
    release.deploy_refused("--image", f"{REGISTRY}@sha256:{EVIL}")


@pytest.mark.parametrize("release", ["target", "signed"], indirect=True)
def test_tampered_bill_of_materials(release):
    (release.statement.with_name("v1.cdx.json")).write_text('{"components": []}')
    release.deploy_refused()


@pytest.mark.parametrize("release", ["signed"], indirect=True)
@pytest.mark.parametrize("sign", [False, True])
def test_tampered_provenance(release, sign, tmp_path):
    release.push(EVIL)
    release.statement.write_text(release.statement.read_text().replace(GOOD, EVIL))
    if sign:
        resign(release.statement, tmp_path)
    release.deploy_refused("--image", f"{REGISTRY}@sha256:{EVIL}")


def resign(file: Path, folder: Path) -> None:
    """Sign the file by a key that is nobody's."""
    file.with_name(f"{file.name}.sig").unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key"], check=True)
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-n", "file", "-f", folder / "key", file], check=True)


@pytest.mark.parametrize("sign", [False, True])
def test_resealed_model_away_from_git(signed, sign, tmp_path):
    away = tmp_path / "away"
    if signed.before:
        shutil.copytree(signed.folder / "model", away)
    else:
        signed.done("factory", "export", "model", str(away), "v1")
    reseal(away)
    if sign:
        resign(away / "manifest.json", tmp_path)
    score = ("factory", "score", "data/prepared/test.parquet", "scores.csv", "--model", str(away))
    code = "SIGNER_UNKNOWN" if sign else "SIGNATURE_INVALID"
    signed.refused(code, *score, "--signers", "allowed_signers", before=score)


def reseal(folder: Path) -> None:
    """Move the threshold so that everything is decided alike, and make all hashes agree."""
    path = folder / "manifest.json"
    content = json.loads(path.read_text("utf-8")) | {"threshold": 0.0}
    del content["sha256"]
    content["sha256"] = sha256(json.dumps(content, sort_keys=True).encode())
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")
