"""The template's repository with its past releases, the working tree and a made-up release after it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml
from conftest import FLAT, ROOT, commit, git, past_releases

NOW, NEXT = "1000.0.0", "1001.0.0"
PENDING = {"0.1.0": "documents", "0.2.0": "documents", "flat": "documents", "now": "made-up"}  # what a project must still do
CHANGED = "validation/rules.py"
FIXED = ["errors.py", "metrics/fairness.py"]  # people append hot fixes here, and the release rarely does
TAGS = {"0.1.0": "0.1.0", "0.2.0": "0.2.0", "flat": FLAT, "now": NOW}


def repository(folder: Path) -> Path:
    """Also the releases as plain folders beside it, which Copier renders faster."""
    place = past_releases(folder / "template")
    next_release(place)
    commit(place, NEXT)
    for tag in (*TAGS.values(), NEXT):
        git(place, "worktree", "add", "--quiet", "--detach", str(folder / tag), tag)
        (folder / tag / ".git").unlink()
    return place


def replace(file: Path, pattern: str, new: str, count: int = 1) -> None:
    old = file.read_text("utf-8")
    changed = re.sub(pattern, new, old, count=count, flags=re.MULTILINE)
    assert changed != old, f"{file.name}: the made-up release is out of date: {pattern}"
    file.write_text(changed, "utf-8")


def append(file: Path, text: str) -> None:
    file.write_text(file.read_text("utf-8").rstrip("\n") + f"\n{text}", "utf-8")


def next_release(place: Path) -> None:
    """What releases usually change; a project made of it works."""
    template = place / "template"
    [factory] = template.glob("src/*/factory")
    _dependencies(template)
    _machinery(template, factory)
    _platform(template, factory)
    _seeds(template, factory)
    replace(place / "copier.yml", "^license:$", "team:\n  type: str\n  help: Which team?\n  default: none\n\nlicense:")
    replace(place / "includes/rules.jinja", r"'target'\] -%}", "'team', 'target'] -%}")
    (template / "team.txt.jinja").write_text("{{ team }}\n", "utf-8")
    if (ROOT / "tools/manifest.py").exists():
        shutil.copytree(ROOT / "tools", place / "tools", dirs_exist_ok=True)
        subprocess.run([sys.executable, "tools/manifest.py"], cwd=place, check=True)


def _dependencies(template: Path) -> None:
    pyproject = template / "pyproject.toml.jinja"
    for package, version in (("numpy", "2.2"), ("onnx", "1.21"), ("ruff", "0.15.1"), ("pytest", "9.0.1"), ("fastapi", "0.131")):
        replace(pyproject, rf'"{package}>=[\d.]+', f'"{package}>={version}')
    replace(pyproject, r'^( +)"(filelock[^"]*)",$', r'\1"\2",\n\1"humanize>=4.9",')
    replace(pyproject, r'^( +)"(hypothesis[^"]*)",$', r'\1"\2",\n\1"iniconfig>=2.0",')
    replace(pyproject, r'"factory/workspace",$', '"factory/workspace",\n  "factory/made_up.py",')


def _machinery(template: Path, factory: Path) -> None:
    modules = sorted(path for path in factory.rglob("*.py") if path.name not in ("_moved.py", "__init__.py"))
    for module in {*modules[::4], factory / CHANGED} - {factory / name for name in FIXED}:
        append(module, "\n\ndef _newer() -> None:\n    ...\n")
    importing = [path for path in modules if re.search(r"^(from|import) ", path.read_text("utf-8"), re.MULTILINE)]
    for module in importing[::6]:
        replace(module, r"^(from|import) ", r"# Looked through for this release.\n\1 ")
    (factory / "made_up.py").write_text('"""A module that came later."""\n', "utf-8")
    (factory / "metrics/threshold.py").rename(factory / "metrics/cutoff.py")
    for module in factory.rglob("*.py"):
        text = module.read_text("utf-8").replace("metrics.threshold import", "metrics.cutoff import")
        module.write_text(
            re.sub(r"^(from \S* import .*)\bthreshold$", r"\1cutoff as threshold", text, flags=re.MULTILINE), "utf-8"
        )
    (template / "tests/factory/test_layering.py").unlink()
    (template / "tests/factory/test_made_up.py").write_text("def test_made_up():\n    assert 1 + 1 == 2\n", "utf-8")


def _platform(template: Path, factory: Path) -> None:
    for file in [
        *template.glob(".github/workflows/*"),
        *template.glob(".gitlab/pipelines/*"),
        *template.glob("azure-pipelines/*.yaml"),
    ]:
        text = file.read_text("utf-8").replace("0.13.8", "0.13.9")
        file.write_text(
            re.sub(r"actions/checkout@.*", "actions/checkout@1af3b93b6815bc44a9784bd300feb67ff0d1eeb3 # v6.0.3", text), "utf-8"
        )
    replace(template / ".github/workflows/code.yaml", "timeout-minutes: 15", "timeout-minutes: 20")
    replace(template / ".github/workflows/code.yaml", "^    steps:$", "    steps:\n      - run: git --version")
    replace(template / "Dockerfile", r"^ARG UV=.*", "ARG UV=0.13.9")
    replace(template / "Dockerfile", "^WORKDIR /app$", "LABEL org.opencontainers.image.vendor=factory\nWORKDIR /app")
    replace(template / "compose.yaml", "pids_limit: 256", "pids_limit: 512")
    replace(template / ".gitignore.jinja", r"^\.DS_Store$", ".DS_Store\n/made-up/")
    replace(template / ".gitattributes.jinja", r"^\*\.png binary$", "*.png binary\n*.webp binary")
    replace(template / "deploy/prometheus.yaml", r"\A", "# Looked through for this release.\n")
    append(factory / "AGENTS.md", "- A made-up rule.\n")


def _seeds(template: Path, factory: Path) -> None:
    replace(template / "params.yaml.jinja", "size_mb: 100", "size_mb: 120")
    replace(template / "dvc.yaml.jinja", r"^vars:$", "# Of the made-up release.\nvars:")
    replace(template / "docs/data.md", r"\Z", "\nA made-up paragraph.\n")
    replace(template / "README.md.jinja", r"\Z", "\nA made-up paragraph.\n")
    replace(template / ".pre-commit-config.yaml", r"\A", "# Of the made-up release.\n")
    asked = {"do": "say in dvc.yaml what is new", "why": "it is", "files": ["dvc.yaml"], "present": "^# Of the made-up release"}
    append(factory / "changes.yaml", yaml.safe_dump({NEXT: {PENDING["now"]: asked}}))
