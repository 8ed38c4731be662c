"""The last step of a pipeline reports the result, whichever step failed before it."""

import json
from pathlib import Path

import pytest
from late_flights import model
from late_flights.factory import errors
from late_flights.factory.ci import summary
from late_flights.factory.data import prepare
from late_flights.factory.evaluation import markdown
from late_flights.factory.registry import champion
from late_flights.factory.scoring import scorer
from tests.factory import git_repository, toy
from tests.factory.cli_runner import run

from machinery.ci.summary_fixtures import reported


@pytest.mark.usefixtures("dvc_answers")
def test_challenger_that_passes():
    assert run("compare").exit_code == 0
    assert reported(0) == []
    report = summary.REPORT.read_text(encoding="utf-8")
    assert report.startswith(f"{summary.MARKER}\n\n## Passed the gate\n")
    assert "| `PARITY` " in report and "| test: baseline" in report


@pytest.mark.usefixtures("dvc_answers")
def test_refusal_by_the_gate_is_reported_with_its_figure():
    Path("params.yaml").write_text(toy.text(gate={"floor": 0.999, "calibration": 0.5}), encoding="utf-8")
    assert run("compare").exit_code == 1
    [line] = reported(1)
    assert line.startswith("FLOOR: ROC AUC 0.") and ", required ≥ 0.999. Next: " in line
    report = summary.REPORT.read_text(encoding="utf-8")
    assert "## Rejected: FLOOR\n" in report and report.count(markdown.text(line.removeprefix("FLOOR: "))) == 1


@pytest.mark.usefixtures("dvc_answers")
def test_result_for_another_model_is_none():
    assert run("compare").exit_code == 0
    git_repository.another_model("other")
    assert reported(2) == ["VERDICT_MISSING: no gate result for this model: run `uv run factory compare`"]


@pytest.mark.parametrize("stage", ["prepare", "train", "evaluate"])
def test_stage_that_died_without_a_word(dvc_answers, stage):
    names = ["evaluate", "train", "prepare"]
    dvc_answers["status"] = json.dumps({name: [] for name in names[: names.index(stage) + 1]})
    assert reported(2) == [f"{stage.upper()}_FAILED: stage {stage} failed: see its log in this run"]


@pytest.mark.parametrize("stage, code", [("fit@a", "FIT_A"), ("team/dvc.yaml:fit", "TEAM_DVC_YAML_FIT")])
def test_stage_of_the_team_that_died_without_a_word(dvc_answers, stage, code):
    dvc_answers["status"] = json.dumps({stage: []})
    assert reported(2) == [f"{code}_FAILED: stage {stage} failed: see its log in this run"]


@pytest.mark.usefixtures("github")
def test_part_of_what_a_stage_made_is_lost(dvc_answers):
    dvc_answers["status"] = '{"train": [], "evaluate": []}'
    [line] = reported(2)
    assert line.startswith("STORAGE: ") and "`dvc fetch` failed: no such bucket" in line
    dvc_answers["fetch"] = ""
    assert reported(2)[0].startswith("TRAIN_FAILED: ")


def test_storage_that_has_lost_a_file_without_a_word(dvc_answers):
    dvc_answers |= {"status": '{"data/raw/b.csv.dvc": []}', "pull": ""}
    assert reported(2) == ["STORAGE: missing: data/raw/b.csv: the storage no longer has data/raw/b.csv"]


@pytest.mark.usefixtures("dvc_answers")
@pytest.mark.parametrize("content", ['{"model": "', "[]", "{}"])
def test_half_a_result_is_none(content):
    summary.compare.JSON.write_text(content, encoding="utf-8")
    assert reported(2)[0].startswith("VERDICT_MISSING: ")


def test_stage_that_recorded_why(dvc_answers, monkeypatch):
    def crash(problem, categorical, **parameters):
        raise ArithmeticError("no such\nparameter")

    monkeypatch.setattr(model, "model", crash)
    result = run("train")
    assert isinstance(result.exception, ArithmeticError)  # the developer sees where
    dvc_answers["status"] = '{"train": [], "evaluate": []}'
    assert reported(2) == ["TRAIN_FAILED: stage train failed: ArithmeticError: no such parameter"]


def test_rows_that_break_the_contract_are_a_refusal(dvc_answers, monkeypatch):
    def fail(params):
        raise errors.ContractViolation("amount: max 100, 9 of 10 rows")

    monkeypatch.setattr(prepare, "run", fail)
    assert run("prepare").exit_code == 1
    dvc_answers["status"] = '{"prepare": []}'
    assert reported(1) == ["CONTRACT: stage prepare failed: amount: max 100, 9 of 10 rows"]


def test_data_that_cannot_be_fetched(dvc_answers):
    dvc_answers["status"] = '{"prepare": [], "data/raw/b.csv.dvc": [], "data/raw/a.csv.dvc": []}'
    assert reported(2) == ["STORAGE: missing: data/raw/a.csv and 1 more: `dvc pull` failed: no such bucket"]


def test_data_that_was_changed(dvc_answers):
    dvc_answers["status"] = '{"prepare": [], "data/raw/first.parquet.dvc": []}'
    assert reported(2)[0].startswith("DATA_CHANGED: data/raw/first.parquet was changed after its delivery")


@pytest.mark.usefixtures("github")
def test_fork_has_no_credentials(dvc_answers):
    dvc_answers["status"] = '{"data/raw/b.csv.dvc": []}'
    assert reported(2)[0].endswith("a pull request from a fork has no credentials: push its branch to this repository")


@pytest.mark.usefixtures("dvc_answers")
def test_champion_that_cannot_be_fetched(monkeypatch):
    def fail(commit, rows):
        raise errors.CannotEvaluate("CHAMPION_UNFETCHABLE", "it is gone")

    assert run("promote", "-m", "why").exit_code == 0
    monkeypatch.setattr(champion, "scores", fail)
    assert run("compare").exit_code == 2
    assert reported(2) == ["CHAMPION_UNFETCHABLE: it is gone"]
    monkeypatch.setattr(champion, "scores", lambda version, rows: scorer.Scorer.load().score(rows))
    assert run("compare").exit_code == 0 and errors.last_failure() is None
    assert reported(0) == []


def test_delivery_that_was_refused(dvc_answers):
    Path("bad.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert run("ingest", "bad.csv").exit_code == 1
    [line] = reported(1)
    assert line.startswith("CONTRACT: bad.csv: ")


def test_pipeline_that_cannot_be_read(dvc_answers):
    dvc_answers["status"] = "no JSON"
    assert reported(2)[0].startswith("PIPELINE_INVALID: ")
