"""factory/MANIFEST says what a project has of its release, whatever its answers."""

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import CONFIG, ROOT, commit

SEEDS = {name.strip("/") for name in CONFIG["_skip_if_exists"]}
YOURS = r"src/late_flights/[^/]+\.py|tests/(?!__init__)[^/]+\.py|(notebooks|docs|data)/.*"


@pytest.fixture(scope="module")
def text() -> str:
    call = "import sys; sys.path.insert(0, 'tools'); import manifest; sys.stdout.write(manifest.text())"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", call], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def test_the_manifest_is_up_to_date(text):
    [manifest] = ROOT.glob("template/src/*/factory/MANIFEST")
    assert manifest.read_text("utf-8") == text, "run `python tools/manifest.py`"


def edited(project: Path, package: str = "late_flights") -> list[str]:
    """What differs from the release, by the project's own machinery."""
    call = f"from {package}.factory.update import vendored; print(*vendored.edited(), sep='\\n')"
    env = {"PATH": str(Path(shutil.which("git")).parent), "PYTHONPATH": "src", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", call], cwd=project, env=env, capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.parametrize("ci", CONFIG["ci"]["choices"].values())
def test_a_fresh_project_is_as_released_and_no_file_of_the_templates_is_forgotten(render, tmp_path, text, ci):
    project = tmp_path / "project"
    shutil.copytree(render(ci=ci), project)
    commit(project)
    assert edited(project) == []
    listed = {line.split()[1].replace("<package>", "late_flights") for line in text.splitlines() if line[0] != "#"}
    rendered = {file.removesuffix(".jinja").replace("{{ package }}", "late_flights") for file in jinja()}
    names = {file.relative_to(project).as_posix() for file in project.rglob("*") if file.is_file() and ".git" not in file.parts}
    assert {name for name in names - listed - SEEDS - rendered if not re.fullmatch(YOURS, name)} == {
        ".copier-answers.yml",
        "src/late_flights/factory/MANIFEST",
    }
    policy = hashlib.sha256((project / "policy.yaml").read_bytes()).hexdigest()
    assert f"{policy}  policy.yaml\n" in text  # by which older machinery keeps the edits that a project accepts
    compared = names & listed - rendered | {"policy.yaml"}  # whose hash is in ORGANISATION
    for name in compared:
        (project / name).write_bytes((project / name).read_bytes() + b"\n# mine\n")
    assert set(edited(project)) == compared


def jinja() -> list[str]:
    return [file.relative_to(ROOT / "template").as_posix() for file in ROOT.glob("template/**/*.jinja")]
