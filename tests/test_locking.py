"""A stranger's uv.lock: what its pyproject.toml may name, and what uv is then never started with."""

import os
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from conftest import ROOT

sys.path[:0] = [str(ROOT / "hooks"), *map(str, (ROOT / "template/src").iterdir())]
from factory.errors import FactoryError
from waves import locking

PROJECT = '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = [{needs}]\n'
WHEEL = "packages/shared-1.0-py3-none-any.whl"


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    (tmp_path / "project/packages").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def wheel(project: Path, more: str = "", name: str = WHEEL) -> None:
    with ZipFile(project / name, "w") as file:
        file.writestr("shared-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: shared\nVersion: 1.0\n{more}")
        file.writestr(
            "shared-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr("shared-1.0.dist-info/RECORD", "")


def write(project: Path, more: str = "", needs: str = "") -> None:
    (project / "pyproject.toml").write_text(PROJECT.format(needs=needs) + more)


def refused(monkeypatch) -> str:
    """Before uv is started at all."""
    monkeypatch.setattr(locking, "run", lambda *command, **_: pytest.fail("uv was started"))
    with pytest.raises(FactoryError) as error:
        locking.renew()
    return str(error.value)


def test_wheel_of_the_project_is_locked(project):
    wheel(project)
    write(project, f'[tool.uv.sources]\nshared = {{ path = "{WHEEL}" }}\n', '"shared"')
    locking.renew()
    first = (project / "uv.lock").read_text()
    assert f'source = {{ path = "{WHEEL}" }}' in first
    locking.renew()
    assert (project / "uv.lock").read_text() == first


@pytest.mark.parametrize(
    "more",
    [
        '[tool.uv.sources]\nother = { path = "/etc" }\n',
        '[tool.uv.sources]\nother = { path = "../other" }\n',
        '[tool.uv.sources]\nother = { path = "../other-1.0-py3-none-any.whl" }\n',
        '[tool.uv.sources]\nother = { path = "packages/none.whl" }\n',
        '[tool.uv.sources]\nother = { path = "packages", editable = true }\n',
        '[tool.uv.sources]\nother = { git = "https://intranet/x" }\n',
        '[tool.uv.sources]\nother = [{ url = "https://intranet/x.whl", marker = "a" }]\n',
        "[tool.uv.sources]\nother = { workspace = true }\n",
        '[tool.uv.workspace]\nmembers = ["../*"]\n',
        '[tool.uv]\nfind-links = ["/etc"]\n',
        '[tool.uv]\nindex-url = "file:///etc"\n',
        '[tool.uv]\nextra-index-url = ["http://intranet/simple"]\n',
        '[[tool.uv.index]]\nname = "a"\nurl = "https://intranet/simple"\n',
        '[tool.uv]\nconstraint-dependencies = ["other @ file:///etc"]\n',
        '[dependency-groups]\na = ["other[b] @ https://intranet/x.whl"]\n',
        '[project.optional-dependencies]\na = ["other@git+https://intranet/x"]\n',
    ],
)
def test_what_is_elsewhere_is_not_read(project, monkeypatch, more):
    for name in locking.INDEXES:
        monkeypatch.delenv(name, raising=False)
    write(project, more)
    assert "\n" not in refused(monkeypatch)


def test_the_same_in_other_files(project, monkeypatch):
    write(project)
    (project / "uv.toml").write_text('index-url = "https://intranet/simple"\n')
    assert "https://intranet/simple: is not an index of this machine" in refused(monkeypatch)
    (project / "uv.toml").unlink()
    (project / "uv.lock").write_text('[[package]]\nname = "other"\nsource = { directory = "/etc" }\n')
    assert "other: its source (directory) is neither" in refused(monkeypatch)
    (project / "uv.lock").unlink()
    write(project, f'[tool.uv.sources]\nshared = {{ path = "{WHEEL}" }}\n', '"shared"')
    wheel(project, "Requires-Dist: other @ file:///etc\n")
    assert "needs something of an address" in refused(monkeypatch)
    (project / WHEEL).write_text("no zip")
    assert "is not a wheel" in refused(monkeypatch)


def test_index_of_this_machine(project, monkeypatch):
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://mirror.example.com/simple/")
    monkeypatch.setenv("UV_INDEX_A_PASSWORD", "word")  # pragma: allowlist secret
    monkeypatch.setenv("FACTORY_TOKEN", "word")  # pragma: allowlist secret
    write(project, '[[tool.uv.index]]\nname = "a"\nurl = "https://mirror.example.com/simple"\n')
    seen = {}

    def run(*command: str, cwd: Path, env: dict[str, str] | None = None) -> str:
        seen.update({"env": env, "files": {file.name for file in cwd.iterdir()}} if "lock" in command else {})
        (cwd / "uv.lock").write_text("")
        return "/nowhere"

    monkeypatch.setattr(locking, "run", run)
    locking.renew()
    assert "pyproject.toml" in seen["files"] and "word" not in seen["env"].values() and seen["env"]["HOME"] != os.environ["HOME"]
