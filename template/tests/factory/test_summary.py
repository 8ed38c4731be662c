"""The last step of a pipeline says how it stands, whichever step failed before it."""

import json
from pathlib import Path

import pytest

from .. import champion, compare, errors, failure, model, summary
from . import hub as platform
from . import repository, toy
from .command import run
from .platforms import environment

STAGES = "stages: {prepare: {cmd: a}, train: {cmd: b}, evaluate: {cmd: c}}\n"
DIFF = "| metric | main | workspace |"


@pytest.fixture
def dvc(committed, monkeypatch):
    """What DVC says: `status` of stages and files, and why it cannot pull."""
    says = {"status": "{}", "metrics": DIFF}

    def ask(*command):
        if command[0] in says:
            return says[command[0]]
        raise errors.FactoryError(f"`dvc {command[0]}` failed: no such bucket")

    monkeypatch.setattr(summary, "dvc", ask)
    repository.commit(**{"dvc.yaml": STAGES})
    Path(".dvc/tmp").mkdir(parents=True, exist_ok=True)
    return says


@pytest.fixture
def hub(monkeypatch, tmp_path_factory):
    """A run for pull request 7 on GitHub."""
    event = tmp_path_factory.mktemp("event") / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7}}))
    with platform.running() as hub:
        for name, value in environment(hub, "github", "feature", "main", str(event)).items():
            monkeypatch.setenv(name, value)
        yield hub


def told(code, *options):
    """The lines with which the summary ends."""
    result = run("summary", *options)
    assert result.exit_code == code, result.output
    assert isinstance(result.exception, SystemExit | None)
    return [line.removeprefix("✗ ") for line in result.stderr.splitlines()]


@pytest.mark.usefixtures("dvc")
def test_challenger_that_passes():
    assert run("compare").exit_code == 0
    assert told(0) == []
    page = summary.PAGE.read_text(encoding="utf-8")
    assert "## The challenger passes" in page and DIFF in page and "| PARITY" in page
    assert page.count("```mermaid") == len(list(summary.PLOTS.glob("*.csv"))) > 0


@pytest.mark.usefixtures("dvc")
def test_refusal_by_the_gate_is_told_with_its_figure():
    Path("params.yaml").write_text(toy.text(gate={"floor": 0.999, "calibration": 0.5}), encoding="utf-8")
    assert run("compare").exit_code == 1
    [line] = told(1)
    assert line.startswith("FLOOR: roc_auc 0.") and line.endswith("wanted ≥ 0.999")
    assert "goes no further: FLOOR" in summary.PAGE.read_text(encoding="utf-8")


@pytest.mark.usefixtures("dvc")
def test_verdict_on_another_model_is_none():
    assert run("compare").exit_code == 0
    repository.another_model("other")
    assert told(2) == ["VERDICT_MISSING: the gate has not judged this model: run `uv run factory compare`"]


@pytest.mark.parametrize("stage", ["prepare", "train", "evaluate"])
def test_stage_that_died_without_a_word(dvc, stage):
    names = ["evaluate", "train", "prepare"]
    dvc["status"] = json.dumps({name: [] for name in names[: names.index(stage) + 1]})
    assert told(2) == [f"{stage.upper()}_FAILED: {stage} did not come to its end: see its log above"]


def test_stage_that_said_why(dvc, monkeypatch):
    def crash(problem, categorical, **parameters):
        raise ArithmeticError("no such\nparameter")

    monkeypatch.setattr(model, "model", crash)
    result = run("train")
    assert isinstance(result.exception, ArithmeticError)  # the developer sees where
    dvc["status"] = '{"train": [], "evaluate": []}'
    assert told(2) == ["TRAIN_FAILED: train: ArithmeticError: no such parameter"]


def test_rows_that_break_the_contract_are_a_refusal(dvc, monkeypatch):
    def fail(params):
        raise errors.ContractViolation("amount: max 100, 9 of 10 rows")

    monkeypatch.setattr("{}.run".format(summary.__name__.replace("summary", "prepare")), fail)
    assert run("prepare").exit_code == 1
    dvc["status"] = '{"prepare": []}'
    assert told(1) == ["CONTRACT: prepare: amount: max 100, 9 of 10 rows"]


def test_data_that_cannot_be_fetched(dvc):
    dvc["status"] = '{"prepare": [], "data/raw/b.csv.dvc": [], "data/raw/a.csv.dvc": []}'
    assert told(2) == ["STORAGE: data/raw/a.csv and all in all 2 files are not here: `dvc pull` failed: no such bucket"]


@pytest.mark.usefixtures("hub")
def test_fork_is_told_that_it_has_no_credentials(dvc):
    dvc["status"] = '{"data/raw/b.csv.dvc": []}'
    assert told(2)[0].endswith("a pull request from a fork is given no credentials: push its branch to this repository")


@pytest.mark.usefixtures("dvc")
def test_champion_that_cannot_be_fetched(monkeypatch):
    def fail(commit, rows):
        raise errors.Undecided("CHAMPION_UNFETCHABLE", "it is gone")

    assert run("promote").exit_code == 0
    monkeypatch.setattr(champion, "scores", fail)
    assert run("compare").exit_code == 2
    assert told(2) == ["CHAMPION_UNFETCHABLE: it is gone"]
    assert run("compare").exit_code == 2 and failure.last()


@pytest.mark.usefixtures("dvc")
def test_failure_is_forgotten_once_the_step_is_through():
    (Path("reports") / "metrics.json").rename("elsewhere")
    Path("data/prepared/test.parquet").rename("rows")
    assert run("compare").exit_code == 2
    assert told(2)[0].startswith("MODEL_MISSING: ")
    Path("rows").rename("data/prepared/test.parquet")
    assert run("compare").exit_code == 0
    assert told(0) == []


def test_delivery_that_was_refused(dvc):
    Path("bad.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert run("ingest", "bad.csv").exit_code == 1
    [line] = told(1)
    assert line.startswith("CONTRACT: bad.csv: ")


def test_pipeline_that_cannot_be_read(dvc):
    dvc["status"] = "no JSON"
    assert told(2)[0].startswith("PIPELINE_INVALID: ")


@pytest.mark.usefixtures("dvc")
def test_one_comment_that_is_updated(hub):
    assert told(2, "--post")[-1].startswith("VERDICT_MISSING")
    assert run("compare").exit_code == 0
    assert told(0, "--post") == []
    [comment] = hub.comments
    assert "The challenger passes" in comment["text"] and "kept with [this run](" in comment["text"]


@pytest.mark.usefixtures("dvc")
def test_comment_that_is_refused_changes_no_verdict(hub):
    hub.down = True
    assert run("compare").exit_code == 0
    [line] = told(0, "--post")
    assert line.startswith("Not posted: ") and "403" in line


@pytest.mark.usefixtures("dvc")
def test_long_page_is_cut_for_the_comment(hub, monkeypatch):
    monkeypatch.setattr(compare, "HEADERS", ["x" * 70_000, *compare.HEADERS[1:]])
    assert run("compare").exit_code == 0
    assert told(0, "--post") == [] and len(hub.comments[0]["text"]) == 65_000
