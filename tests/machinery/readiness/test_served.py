"""Monitoring is quiet about the days that the copy's model served, and notices each fault in them."""

import json
import shutil
from functools import cache
from pathlib import Path

import polars as pl
import pytest
from late_flights.factory import config, errors
from late_flights.factory.monitoring import references
from late_flights.factory.readiness import faults, ml_test_score, served
from late_flights.factory.scoring import profile
from tests.factory import git_repository, toy
from tests.factory.cli_runner import run

from machinery.conftest import play

HERE = Path()
FLOOR = {"classification": 0.8, "multiclass": 0.8, "regression": 20}


@pytest.fixture(scope="module")
def weeks(tmp_path_factory):
    """The toy with enough test rows to tell how much they vary, after some days of service, made once for each problem."""

    @cache
    def build(problem: str) -> Path:
        folder = tmp_path_factory.mktemp(problem)
        with pytest.MonkeyPatch.context() as patch:
            play(patch, folder, problem)
            Path("params.yaml").write_text(toy.text(problem, gate={"floor": FLOOR[problem]}), encoding="utf-8")
            toy.rows(2000, problem).write_parquet("first.parquet")
            for stage in (["ingest", "first.parquet"], ["prepare"], ["train"]):
                result = run(*stage)
                assert result.exit_code == 0, result.output
            served.serve(HERE, config.load())
        return folder

    return build


@pytest.fixture(autouse=True)
def service(project, weeks, problem, monkeypatch):
    shutil.copytree(weeks(problem), project, dirs_exist_ok=True)
    git_repository.environment(monkeypatch)
    git_repository.start()
    monkeypatch.setattr(references, "read", lambda model, versions: profile.read(Path("model")))


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_nothing_is_noticed_without_a_fault(problem):
    result = run(*ml_test_score.MONITOR[1:])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("problem", "fault", "code"),
    [
        ("classification", faults.renamed_column, "REFUSALS"),
        ("classification", faults.missing_values, "MISSING_VALUES"),
        *((problem, faults.moved_outcomes, "BIAS") for problem in toy.LABELLED),
        *((problem, faults.shuffled_outcomes, "METRIC_FLOOR") for problem in toy.LABELLED),
    ],
)
def test_fault_is_noticed(problem, fault, code):
    [test] = [test for criterion in ml_test_score.CRITERIA for test in criterion.faults if test.fault is fault]
    fault(HERE, config.load())
    result = run(*test.commands[0][1:])
    assert result.exit_code == 1 and test.reason in result.output
    report = json.loads(Path("reports/monitor.json").read_bytes())
    assert code in {alert["code"] for alert in report["alerts"] if alert["open"]}


def test_captures_are_those_of_a_service():
    files = sorted(served.CAPTURES.glob("*/*.parquet"))
    assert len(files) == served.DAYS
    rows = pl.read_parquet(files[0])
    assert {"_at", "_request", "_caller", "_role", "_model", "_row", "_score", "_decision"} < {*rows.columns}
    assert "answer" not in rows.columns and rows.height == served.ROWS


def test_without_a_floor_quality_cannot_regress():
    Path("params.yaml").write_text(toy.text(), encoding="utf-8")
    with pytest.raises(errors.FactoryError, match=r"no gate\.floor"):
        faults.shuffled_outcomes(HERE, config.load())


@pytest.mark.parametrize("problem, values, moved", [("regression", [1, 2, 3], 3), ("classification", [1, 1, 0], 0)])
def test_outcomes_of_a_target_called_count_can_be_moved(monkeypatch, problem, values, moved):
    metric = {"regression": "mae", "classification": "log_loss"}[problem]
    settings = {"problem": problem, "data": {"target": "count"}, "evaluation": {"metric": metric}}
    made = []
    monkeypatch.setattr(faults, "_become", lambda copy, move: made.append(move(pl.DataFrame({"count": values}))))
    faults.moved_outcomes(Path(), config.Params.model_validate(settings))
    assert made[0]["count"].to_list() == [moved, values[1], moved]
