"""Rendered projects at work: set up, trained, tested and linted, on old and new Pythons and in odd places."""

import ast
import contextlib
import json
import os
import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from conftest import CONFIG, ROOT
from words import findings
from workshop import call, copy, interpreter, run, status

pytestmark = pytest.mark.slow
CHOICES = {name: list(CONFIG[name]["choices"].values()) for name in ("problem", "storage", "ci", "license")}
FLIPPED = [{name: choice} for name in ("ci", "license") for choice in CHOICES[name]]
COMBINED = [{"problem": problem, "storage": storage} for problem in CHOICES["problem"] for storage in CHOICES["storage"]]

PROJECTS = [("3.11", "classification"), ("3.13", "regression"), ("3.13", "forecasting")]
# what neither Python nor problem should change: of the other project only at night
ONE = pytest.mark.parametrize(
    "project", [pytest.param(PROJECTS[0], marks=pytest.mark.nightly), PROJECTS[1]], indirect=True, ids=" ".join
)


@pytest.fixture(scope="module", params=PROJECTS, ids=" ".join)
def project(request, render, tmp_path_factory) -> Path:
    """A project after its first day: set up, trained and committed."""
    version, problem = request.param
    python = interpreter(version)
    folder = copy(render(problem=problem), tmp_path_factory.mktemp("work") / "Zoë 李 x" / "project")
    run(folder, "uv", "run", "factory", "setup", UV_PYTHON=python)
    run(folder, "uv", "run", "dvc", "repro")
    run(folder, "git", "add", "--all")
    run(folder, "git", "commit", "--message", "Train")  # through the hooks
    assert f"version_info = {version}" in (folder / ".venv" / "pyvenv.cfg").read_text("utf-8")
    return folder


def test_the_first_day_ends_clean(project):
    assert status(project) == ""
    assert "up to date" in run(project, "uv", "run", "dvc", "status")
    bytecode = list(project.glob("src/*/factory/**/__pycache__"))
    assert bytecode
    for folder in bytecode:
        shutil.rmtree(folder)
    assert "up to date" in run(project, "uv", "run", "dvc", "status", PYTHONDONTWRITEBYTECODE="1")
    record = json.loads((project / "reports" / "run.json").read_text("utf-8"))
    assert record["uncommitted"] is False
    assert (project / "reports" / "report.html").stat().st_size > 1000


def test_it_passes_its_own_checks(project):
    run(project, "uv", "sync", "--inexact", "--group", "lint")
    for command in ("ruff check", "ruff format --check", "mypy", "pre-commit run --all-files"):
        run(project, "uv", "run", *command.split(), UV_OFFLINE="1")
    assert status(project) == ""


@ONE
def test_the_machinery_passes_the_checks_of_the_template(project):
    style = str(ROOT / "tools/machinery/pyproject.toml")
    run(project, "uv", "sync", "--inexact", "--group", "lint", "--group", "tune")
    run(project, "uv", "run", "mypy", f"--config-file={style}", str(next(project.glob("src/*/factory"))), "tests/factory")


@ONE
def test_its_own_checks_are_of_its_own_modules(project):
    own = next(project.glob("src/*/model.py"))
    mine, machinery = own.with_name("mine.py"), own.parent / "factory" / "ugly.py"
    mine.write_text("from .factory import config\n\nfloor: int = config.load().gate.flor\n")
    machinery.write_text("import os\nx:int = 'no'\n")
    try:
        run(project, "uv", "run", "ruff", "check", UV_OFFLINE="1")
        run(project, "uv", "run", "ruff", "format", "--check", UV_OFFLINE="1")
        found = call(project, "uv", "run", "--group", "lint", "mypy").stdout
    finally:
        mine.unlink()
        machinery.unlink()
    assert [line.partition(":")[0] for line in found.splitlines() if " error: " in line] == [str(mine.relative_to(project))]
    assert '"Gate" has no attribute "flor"' in found


HOSTILE = """
[tool.ruff]
line-length = 20
respect-gitignore = false

[tool.ruff.lint]
select = ["ALL"]

[tool.mypy]
files = ["src", "tests"]
strict = true
"""


@ONE
def test_your_rules_stay_out_of_the_machinery(project):
    """Even where they replace what the template wrote below its part."""
    pyproject = project / "pyproject.toml"
    before = pyproject.read_text("utf-8")
    pyproject.write_text(before.partition("[tool.ruff]")[0] + HOSTILE, "utf-8")
    try:
        checks = [["ruff", "check", "--output-format=concise"], ["ruff", "format", "--check"], ["--group=lint", "mypy"]]
        for command in checks:
            found = call(project, "uv", "run", *command, UV_OFFLINE="1").stdout
            assert "src/" in found and "tests/" in found and "/factory/" not in found, found
    finally:
        pyproject.write_text(before, "utf-8")


def state(project: Path) -> dict[Path, float]:
    """When each file was written, but for what tools keep for themselves."""
    files = []
    for folder, folders, names in os.walk(project):
        folders[:] = set(folders) - {".git", ".hypothesis", ".venv", "__pycache__", "logs", "tmp"}
        files += [Path(folder, name) for name in names]
    return {file: file.stat().st_mtime for file in files}


@contextlib.contextmanager
def hidden(folders: list[Path], aside: Path) -> Iterator[None]:
    """A file in the place of each folder: who looks into it, or writes there, fails."""
    aside.mkdir()
    for number, folder in enumerate(folders):
        folder.rename(aside / str(number))
        folder.touch()
    try:
        yield
    finally:
        for number, folder in enumerate(folders):
            folder.unlink()
            (aside / str(number)).rename(folder)


def test_its_own_tests_pass_whatever_its_state_and_cover_its_modules(project, tmp_path):
    folders = [project / name for name in (".dvc/tmp", "data/prepared", "model", "reports")]
    with hidden(folders, project.parent / "aside"):
        before = state(project)
        tests = ("pytest", "-q", "-p", "no:cacheprovider", "--cov", "--cov-fail-under=95")
        assert re.search(r"\d+ passed", run(project, "uv", "run", *tests, COVERAGE_FILE=str(tmp_path / "coverage")))
        assert state(project) == before
    assert status(project) == ""


@ONE
def test_a_commit_that_breaks_the_rules_is_stopped(project):
    big, ugly = project / "notes.bin", project / "src" / "late_flights" / "ugly.py"
    big.write_bytes(b"0" * 2_000_000)
    ugly.write_text("import os\nx:int = 'no'\n")
    run(project, "git", "add", "--all")
    done = call(project, "git", "commit", "--message", "Bad")
    big.unlink()
    ugly.unlink()
    run(project, "git", "reset", "--hard")
    assert done.returncode != 0
    output = done.stdout + done.stderr
    assert set(re.findall(r"^✗ ([\w-]+)", output, re.MULTILINE)) == {"mypy", "large-files"}
    assert "files were modified by this hook" in output  # by ruff


@ONE
def test_a_commit_on_a_branch_of_another_name_is_stopped(project):
    policy = project / "policy.yaml"
    policy.write_text(policy.read_text("utf-8").replace("names: {}", "names: {experiment: '(exp|fix)/.+'}"), "utf-8")
    run(project, "git", "switch", "--quiet", "--create", "idea")
    done = call(project, "git", "commit", "--all", "--message", "Try")
    named = "POLICY: the name of the experiment is idea, and must match (exp|fix)/.+"
    assert done.returncode != 0 and named in done.stdout + done.stderr
    run(project, "git", "branch", "--move", "exp/idea")
    done = call(project, "git", "commit", "--all", "--message", "Try")
    assert "POLICY" not in done.stdout + done.stderr
    run(project, "git", "reset", "--quiet", "--hard")
    run(project, "git", "switch", "--quiet", "main")
    run(project, "git", "branch", "--delete", "exp/idea")


@ONE
def test_a_second_setup_changes_nothing(project):
    before, commits = state(project), run(project, "git", "rev-parse", "HEAD")
    run(project, "uv", "run", "factory", "setup")
    assert state(project) == before
    assert run(project, "git", "rev-parse", "HEAD") == commits
    assert "Data and pipelines are up to date" in run(project, "uv", "run", "dvc", "status")


def test_it_scores_what_people_have(project, tmp_path):
    rows = max((project / "data" / "raw").glob("*.parquet"))
    forecasts = rows.name.startswith("departures")
    origin = ["--origin=2013-04-29T23:00"] if forecasts else []
    for name in ("scores.csv", "scores.parquet"):
        run(project, "uv", "run", "factory", "score", str(rows), str(tmp_path / name), *origin)
    lines = len((tmp_path / "scores.csv").read_text("utf-8").splitlines())
    assert lines == 1 + 3 * 24 if forecasts else lines > 1000
    assert status(project) == ""


HELP = """
import click
from late_flights.factory.cli import main


def show(command, path):
    context = click.Context(command, info_name=path)
    print(command.get_help(context))
    for name in command.list_commands(context) if isinstance(command, click.Group) else []:
        show(command.get_command(context, name), f"{path} {name}")


show(main, "factory")
"""


@pytest.mark.parametrize("project", [PROJECTS[2]], indirect=True, ids=" ".join)
def test_a_first_forecast_becomes_a_version(project):
    run(project, "uv", "run", "dvc", "push")
    run(project, "uv", "run", "factory", "promote", "-m", "The first")
    checks = json.loads((project / "reports" / "gate.json").read_text("utf-8"))["checks"]
    better = [check["what"] for check in checks if check["code"] == "BASELINE" and check["passed"]]
    assert len(better) == 2 and "seasonal naive" in better[0]
    run(project, "git", "tag", "--delete", "model/v1")


def test_help_and_reports_are_in_plain_english(project):
    help = run(project, "uv", "run", "python", "-c", HELP)
    assert "factory export" in help and not findings(help)
    for command in ("compare", "summary"):
        run(project, "uv", "run", "factory", command)
    reports = {
        file.name: file.read_text("utf-8") for pattern in ("*.html", "*.md") for file in (project / "reports").glob(pattern)
    }
    assert {"report.html", "model-card.md", "gate.md", "summary.md"} <= reports.keys()
    assert not {name: found for name, text in reports.items() if (found := findings(text))}


SPOIL = """
import sys
import polars as pl
rows = pl.read_parquet(sys.argv[1]).with_columns(pl.col("flight") + "x", pl.col("carrier", "origin").cast(pl.String))
first = pl.int_range(pl.len()) < 3
changed = {"origin": pl.lit("SWF"), "carrier": pl.lit("Zoë 😀"), "departure_delay": 3100, "scheduled_minutes": None}
rows = rows.with_columns(pl.when(first).then(value).otherwise(name).alias(name) for name, value in changed.items())
rows.rename({"visibility": "visibility_km"}).drop("precipitation").with_columns(terminal=1).write_csv(sys.argv[2])
"""


@ONE
def test_a_delivery_that_differs_is_admitted_by_the_change_that_is_proposed(project, tmp_path):
    contract = project / "src" / "late_flights" / "contract.py"
    before, file = contract.read_text("utf-8"), str(tmp_path / "the new.csv")
    last = str(max((project / "data" / "raw").glob("*.parquet")))
    run(project, "uv", "run", "python", "-c", SPOIL, last, file)
    refused = call(project, "uv", "run", "factory", "ingest", file)
    assert refused.returncode == 1 and refused.stderr.endswith(f"; see `factory contract --diff '{file}'`\n")
    differs = call(project, "uv", "run", "factory", "contract", "--diff", file)
    assert differs.returncode == 1 and "'Zoë 😀' in 3 of" in differs.stdout and "terminal is new" in differs.stdout
    assert "Rename it in the delivery, or in contract.py, features.py" in differs.stdout
    assert "precipitation is missing: add it to the delivery, or remove it from contract.py, features.py" in differs.stdout
    (tmp_path / "change.diff").write_text(differs.stdout, "utf-8")
    try:
        run(project, "git", "apply", str(tmp_path / "change.diff"))
        text = contract.read_text("utf-8")  # what is left is for a person to decide
        text = text.replace("n_unique() == 3", "n_unique() == 4").replace(" visibility =", " visibility_km =")
        contract.write_text(text.replace(" precipitation =", " #"), "utf-8")
        assert "satisfies the contract" in run(project, "uv", "run", "factory", "contract", "--diff", file)
    finally:
        contract.write_text(before, "utf-8")
    assert status(project) == ""


@ONE
def test_without_home_and_network(project, tmp_path):
    """From the packages that are cached on the machine, where nobody lives."""
    place = tmp_path / "copy of Zoë's"
    shutil.copytree(project, place, ignore=shutil.ignore_patterns(".venv", ".git", "*.dvc", "dvc.lock", "model"))
    python = str((project / ".venv" / "bin" / "python").resolve())
    alone = {"HOME": None, "UV_OFFLINE": "1", "UV_PYTHON": python}
    run(place, "uv", "run", "factory", "setup", **alone)
    run(place, "uv", "run", "dvc", "repro", **alone)
    model = json.loads((place / "model" / "manifest.json").read_text("utf-8"))
    assert model["files"] == json.loads((project / "model" / "manifest.json").read_text("utf-8"))["files"]


@pytest.mark.parametrize("answers", [*FLIPPED, *COMBINED], ids=lambda answers: " ".join(answers.values()))
def test_every_choice_gives_readable_files_in_style(render, answers):
    place = render(**answers)
    parsers = {".toml": tomllib.loads, ".yaml": yaml.compose, ".yml": yaml.compose, ".json": json.loads, ".py": ast.parse}
    for file in place.rglob("*"):
        if parse := parsers.get(file.suffix):
            parse(file.read_text("utf-8"))
    newest = tomllib.loads((place / "pyproject.toml").read_text("utf-8"))["tool"]["uv"]["exclude-newer"]
    for command in (["check"], ["format", "--check"]):
        run(place, "uvx", f"--exclude-newer={newest}", "ruff", *command, "--no-cache")
