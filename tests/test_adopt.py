"""A table of one's own from `hooks/new.py --data` to a promoted model: nothing of the sample is left, and the factory's work goes on."""

import csv
import datetime
import json
import random
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from conftest import commit, git
from test_update import next_release
from workshop import Project, call, free_port, ready, run, serving, status, wait

pytestmark = pytest.mark.slow
COLUMNS = ("customer_id", "seen", "plan", "minutes", "age", "Region (old)", "by mail", "remark", "left")
SAMPLE = r"flights|nyc|carrier|airline|departure|airport|\bdest\b"
COLUMN = r"\borigin\b(?!/main)"  # documents have it as a term of forecasts
# data/erased.csv is the record that the sample was replaced
OURS = ("data/erased.csv", "docs/recipes.md", "src/churn/factory", "tests/factory", "tests/__init__.py", "uv.lock")


ACCEPTED = {f"FAIRNESS_{kind} Region (old)": "regions are drawn by lot" for kind in ("SELECTION", "ERROR")}


def month(file: Path, number: int, **changes: object) -> Path:
    """A delivery of 600 customers; `changes` are made of what a row holds, by its column."""
    rng, first = random.Random(number), datetime.date(2024, number, 1)
    with file.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow([changes.get(f"{name} is", name) for name in COLUMNS])
        for i in range(600):
            plan, minutes, age = rng.choice(("basic", "more", "Zoë's")), round(rng.gauss(300, 60), 1), rng.randint(18, 80)
            left = rng.random() < 0.1 + 0.4 * (plan == "basic") + 0.4 * (minutes < 280)
            region = rng.choice(("north", "south", ""))
            day = first + datetime.timedelta(days=i // 25)
            mail = "ja" if i % 3 else "nein"
            row = [f"c{number}-{i}", day, plan, minutes, age, region, mail, f"called {i} times", "yes" if left else "no"]
            writer.writerow(changes[name](value) if name in changes else value for name, value in zip(COLUMNS, row, strict=True))
    return file


@pytest.fixture(scope="module")
def releases(template, tmp_path_factory) -> Path:
    """The template's repository with release 1.0.0, the working tree."""
    folder = shutil.copytree(template, tmp_path_factory.mktemp("releases") / "template")
    commit(folder, "1.0.0")
    return folder


@pytest.fixture(scope="module")
def project(releases, tmp_path_factory) -> Path:
    """What `hooks/new.py` makes of a folder with three months, committed."""
    work = tmp_path_factory.mktemp("work")
    given = work / "what we have"
    given.mkdir()
    for number in (1, 2, 3):
        month(given / f"2024-0{number}.csv", number)
    for name in ("._2024-01.csv", "~$2024-01.xlsx", "_SUCCESS", "notes.txt"):  # as systems, Excel, Spark and people leave them
        (given / name).write_bytes(b"\0\5\26\7")
    command = [sys.executable, releases / "hooks" / "new.py", "churn", "--defaults", "--data", "project_name=Churn"]
    command += ["--data", given.name, "--target", "left", "--sensitive", "Region (old)"]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1,800 rows in 3 deliveries" in done.stdout and "free text" in done.stdout
    params = work / "churn" / "params.yaml"  # a regions' difference of chance that a person has looked into
    params.write_text(params.read_text("utf-8").replace("\ngate:", f"\ngate:\n  accepted: {json.dumps(ACCEPTED)}\n#", 1), "utf-8")
    run(work / "churn", "git", "add", "--all")
    run(work / "churn", "git", "commit", "--message", "Adopt our customers")  # through the hooks
    return work / "churn"


@pytest.fixture(scope="module")
def commands(project) -> Project:
    return Project(project, project / ".venv" / "bin")


def test_nothing_of_the_sample_is_left(project):
    places = [f":!{place}" for place in OURS]
    for pattern, others in ((SAMPLE, []), (COLUMN, [":!docs"])):
        found = call(
            project, "git", "grep", "--ignore-case", "--line-number", "--perl-regexp", pattern, "--", ".", *places, *others
        )
        assert found.stdout == ""
    assert {path.suffix for path in (project / "data" / "raw").iterdir()} == {".csv", ".dvc"}


def test_it_passes_its_own_checks_and_tests(commands):
    commands.done("uv", "sync", "--quiet", "--inexact", "--group", "lint")
    for command in (
        "ruff check",
        "ruff format --check",
        "mypy",
        "pre-commit run --all-files",
        "pytest -q",
    ):
        commands.done(*command.split(), UV_OFFLINE="1")
    assert "up to date" in commands.done("dvc", "status")
    assert status(commands.folder) == ""


def test_a_month_in_another_unit_is_refused_and_no_patch_admits_it(commands, tmp_path):
    file = str(month(tmp_path / "next.csv", 4, minutes=lambda minutes: 100 * minutes))
    assert "minutes" in commands.refused("factory", "ingest", file)
    code, output, _ = commands.run("factory", "contract", "--diff", file)
    assert code == 1 and "looks like another unit" in output and "No patch of contract.py to propose" in output


def test_a_new_category_is_refused_by_name_and_admitted_by_the_patch(commands, tmp_path):
    file = str(month(tmp_path / "next.csv", 4, plan=lambda plan: "gold" if plan == "basic" else plan))
    refusal = commands.refused("factory", "ingest", file)
    assert "plan: 199 of 600 rows have unseen categories, 'gold' 199" in refusal and "factory contract --diff" in refusal
    code, output, _ = commands.run("factory", "contract", "--diff", file)
    assert code == 1 and status(commands.folder) == ""
    (tmp_path / "change.diff").write_text(output, "utf-8")
    run(commands.folder, "git", "apply", str(tmp_path / "change.diff"))
    left = commands.run("factory", "contract", "--diff", file)[1]
    run(commands.folder, "git", "checkout", "--", ".")
    first, *others = left.splitlines()
    assert first.startswith("✗ not so: usual shares of plan: ") and first.endswith("a person has to decide")
    assert not [line for line in others if line.startswith("✗")]


def test_a_column_under_another_name_is_reported_alone(commands, tmp_path):
    file = str(month(tmp_path / "next.csv", 4, **{"age is": "years"}))
    assert "age: column missing; years: column not in the contract" in commands.refused("factory", "ingest", file)
    code, output, _ = commands.run("factory", "contract", "--diff", file)
    assert code == 1 and "years is new and looks like it: was it renamed? Rename it in the delivery, or in contract.py" in output
    assert "No patch of contract.py to propose" in output


def test_promoted_served_and_trained_again(commands, tmp_path):
    commands.done("dvc", "push")
    commands.done("factory", "promote", "-m", "why")
    file = month(tmp_path / "2024-04.csv", 4, left=lambda _: "")
    commands.done("factory", "score", str(file), str(tmp_path / "scores.csv"))
    assert len((tmp_path / "scores.csv").read_text("utf-8").splitlines()) == 601
    port, row = free_port(), {"customer_id": "c9", "seen": "2024-05-01", "plan": "more", "minutes": 250.5, "age": 30}
    row |= {"Region (old)": None, "by mail": True}
    with serving(port, commands.bin / "factory", "serve", "--port", port, folder=commands.folder):
        assert wait(lambda: ready(port), 60)
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/score", json.dumps(row).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert 0 <= json.load(answer)["scores"][0]["score"] <= 1
    commands.done("factory", "ingest", str(month(tmp_path / "2024-04.csv", 4)))
    commands.reproduced()
    assert "CHAMPION" in commands.run("factory", "compare")[1].upper()
    git(commands.folder, "add", "--all")
    git(commands.folder, "commit", "--no-verify", "--message", "April")


def test_the_next_release_comes_without_conflict(project, releases):
    next_release(releases)
    commit(releases, "1.1.0")
    before = {path: path.read_bytes() for path in (project / "src" / "churn").glob("*.py")}
    run(project, "uvx", "copier", "update", "--defaults", "--quiet", "--context-lines=100000")
    assert not [line for line in status(project).splitlines() if line[:2] in ("UU", "AA", "DU", "UD")]
    assert not list(project.rglob("*.rej")) and {path: path.read_bytes() for path in before} == before
    assert "_commit: 1.1.0" in (project / ".copier-answers.yml").read_text("utf-8")
