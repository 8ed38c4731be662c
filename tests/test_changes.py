"""What releases ask of users' files: each change is well-formed, can be done, and is done in a fresh project."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import copier
import pytest
import yaml
from conftest import CONFIG, FLAT, ROOT, history

[SOURCE] = (ROOT / "template/src").iterdir()
CHANGES = yaml.safe_load((SOURCE / "factory/changes.yaml").read_text("utf-8"))
ENTRIES = [pytest.param(entry, id=id) for entries in CHANGES.values() for id, entry in entries.items()]
KEYS = {"do", "why", "files", "present", "absent", "replace"}


def run(project: Path, call: str) -> list[str]:
    """Lines of what the newest release's code says in a project."""
    code = f"from factory.update import changes; print(*changes.{call}, sep='\\n')"
    env = os.environ | {"PYTHONPATH": str(SOURCE), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", code], cwd=project, env=env, capture_output=True, text=True, check=True)
    return done.stdout.split("\n")[:-1] if done.stdout.strip() else []


def pending(project: Path) -> set[str]:
    return {line.partition(":")[0] for line in run(project, "pending()")}


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_change_is_well_formed(entry):
    assert {"do", "why", "files"} <= entry.keys() <= KEYS
    assert all(entry["files"]) and not re.search(r"[.\n]$", entry["do"] + entry["why"])
    for expression in (entry.get("present"), entry.get("absent")):
        assert expression is None or re.compile(expression)
    for pair in entry.get("replace", []):
        assert {"old", "new"} <= pair.keys() <= {"old", "new", "sha256"} and re.compile(pair["old"])
        seeds = [name.strip("/") for name in CONFIG["_skip_if_exists"]]
        assert set(entry["files"]) & set(seeds), "only seeds are changed"


def test_ids_and_releases_are_unique_and_in_order():
    ids = [id for entries in CHANGES.values() for id in entries]
    assert len(ids) == len(set(ids)) and all(re.fullmatch("[a-z-]+", id) for id in ids)
    releases = [tuple(map(int, release.split("."))) for release in CHANGES]
    assert releases == sorted(releases)


@pytest.mark.parametrize("problem", ["classification", "regression"])
@pytest.mark.parametrize("ci", CONFIG["ci"]["choices"].values())
def test_nothing_is_pending_in_a_fresh_project(render, ci, problem):
    assert pending(render(ci=ci, problem=problem)) == set()


@pytest.fixture
def updated(past, render, tmp_path):
    """`updated(release, problem)`: a project of that release with the newest machinery, as Copier leaves it."""

    def project(version: str, problem: str) -> Path:
        answers = {"project_name": "x", "problem": problem}
        copier.run_copy(str(past), tmp_path, answers, vcs_ref=version, defaults=True, quiet=True)
        shutil.copytree(
            render(project_name="x", problem=problem) / "src/x/factory", tmp_path / "src/x/factory", dirs_exist_ok=True
        )
        return tmp_path

    return project


@pytest.mark.parametrize("problem", ["classification", "regression"])
@pytest.mark.parametrize("version", history() or [pytest.param("", marks=pytest.mark.skip("no release in the history"))])
def test_an_untouched_older_project_needs_only_what_people_must_decide(updated, render, version, problem):
    project = updated(version, problem)
    run(project, f"apply('{version}')")
    people = {"0.1.0": "gate-floor import-scorer model-card documents notebook"}
    people |= dict.fromkeys(("0.2.0", FLAT), "tool-groups notebook-test documents")
    people[FLAT] += " schedules"  # of workflows that an update replaces
    assert pending(project) == set(people.get(version, "").split())
    assert "| update the template | `uv run factory update`" in (project / "README.md").read_text("utf-8")
    fresh = render(project_name="x", problem=problem)
    for name in ("AGENTS.md", *([] if version == "0.1.0" else [".pre-commit-config.yaml"])):
        assert (project / name).read_text("utf-8").strip() == (fresh / name).read_text("utf-8").strip()
    stages = [yaml.safe_load((folder / "dvc.yaml").read_text("utf-8"))["stages"] for folder in (project, fresh)]
    for stage in stages:  # which only a person adds
        stage["evaluate"]["deps"] = set(stage["evaluate"]["deps"]) - {"docs/model-card.yaml"}
        stage["evaluate"]["params"] = set(stage["evaluate"]["params"]) - {"decision"}
        stage["train"]["params"] = set(stage["train"]["params"]) - {"decision"}
    assert stages[0] == stages[1]


@pytest.mark.parametrize(("ci", "file"), [("github", ".github/dependabot.yml"), ("azure", "renovate.json")])
def test_bots_of_an_older_project_leave_the_files_of_the_template_alone(past, render, tmp_path, ci, file):
    fresh = render(project_name="x", ci=ci)
    copier.run_copy(str(past), tmp_path, {"project_name": "x", "ci": ci}, vcs_ref=FLAT, defaults=True, quiet=True)
    shutil.copy(fresh / "src/x/factory/changes.yaml", tmp_path / "src/x/factory")
    run(tmp_path, f"apply('{FLAT}')")
    old, new = (yaml.safe_load((project / file).read_text("utf-8")) for project in (tmp_path, fresh))
    assert old | {"description": ""} == new | {"description": ""}


@pytest.mark.parametrize("ci", ["github", "gitlab"])
def test_owners_of_the_limits_get_what_else_decides(past, render, tmp_path, ci):
    fresh, file = render(project_name="x", ci=ci), f".{ci}/CODEOWNERS"
    copier.run_copy(str(past), tmp_path, {"project_name": "x", "ci": ci}, vcs_ref="0.3.0", defaults=True, quiet=True)
    shutil.copy(fresh / "src/x/factory/changes.yaml", tmp_path / "src/x/factory")
    owned = re.sub("^/params.yaml.*", "/params.yaml @us @me", (tmp_path / file).read_text("utf-8"), flags=re.MULTILINE)
    (tmp_path / file).write_text(owned, "utf-8")
    run(tmp_path, "apply('0.3.0')")
    old, new = ((place / file).read_text("utf-8").splitlines() for place in (tmp_path, fresh))
    assert "/policy.yaml @us @me" in old
    assert {line.split()[0] for line in old} >= {line.split()[0] for line in new if line.startswith("/")}
    assert "owners" not in pending(tmp_path)


def test_what_an_owner_has_edited_is_named_and_left(updated):
    project = updated("0.2.0", "classification")
    params = project / "params.yaml"
    params.write_text(params.read_text("utf-8").replace("latency_ms: 5 # of one row", "latency_ms: 5 # agreed in May"), "utf-8")
    run(project, "apply('0.2.0')")
    assert "latency_ms: 5 # agreed in May" in params.read_text("utf-8")
    assert "gate-latency" in pending(project) and "gate-size" not in pending(project)


def test_a_stage_of_the_owner_names_todays_files(updated):
    project = updated("0.2.0", "classification")
    stage = "  mine:\n    cmd: echo\n    deps: [{}]\n"
    released = (project / "dvc.yaml").read_text("utf-8")
    for file, expected in (("src/x/factory/metrics.py", True), ("src/x/factory/metrics/definitions.py", False)):
        (project / "dvc.yaml").write_text(released + stage.format(file), "utf-8")
        run(project, "apply('0.2.0')")
        assert ("stage-folders" in pending(project)) == expected


@pytest.mark.parametrize("version", [version for version in ("0.2.0", FLAT) if version in history()])
def test_edited_hooks_of_an_older_release_find_their_tools(updated, version):
    project = updated(version, "classification")
    hooks = project / ".pre-commit-config.yaml"
    before = hooks.read_text("utf-8").replace("--maxkb=1024", "--maxkb=5000")
    hooks.write_text(before, "utf-8")
    run(project, f"apply('{version}')")
    assert "check-hook" in pending(project)
    lint = re.compile(r"uv run --no-sync (?=mypy|zizmor|check-jsonschema)")
    assert lint.search(before) and hooks.read_text("utf-8") == lint.sub("uv run --frozen --group lint ", before)
