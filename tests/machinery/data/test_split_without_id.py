"""Tables without an id, or with several rows of one: every stage and every way to score does without."""

import io
import json
from pathlib import Path

import polars as pl
import pytest
from late_flights.factory.data import prepare
from late_flights.factory.scoring import scorer
from tests.factory import toy
from tests.factory.cli_runner import run

from machinery.serving.service_client import ARROW, CSV, arrow, csv, records, rows, serving

DATA = {"target": "answer", "sensitive": ["kind"]}


def params(problem="classification", **data):
    Path("params.yaml").write_text(toy.text(problem, data=DATA | data), encoding="utf-8")


@pytest.fixture
def without_id(trained, problem):
    """The toy, trained on deliveries that share rows, without an id."""
    params(problem)
    toy.rows(60, problem).write_parquet("again.parquet")
    for stage in (["ingest", "again.parquet"], ["prepare"], ["train"], ["evaluate"]):
        result = run(*stage)
        assert result.exit_code == 0, result.output
    return trained


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_equal_rows_are_on_one_side(without_id):
    learned, test = (prepare.read(side).drop("answer") for side in ("train", "test"))
    assert learned.height + test.height == 660
    assert learned.join(test, on=learned.columns, how="semi", nulls_equal=True).is_empty()


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_scores_come_without_an_id_in_the_order_of_the_rows(without_id, problem):
    table = toy.rows(40, problem).drop("answer")
    expected = scorer.Scorer.load().score(table)
    assert expected.columns[0] == "score" and expected.height == 40
    backwards = scorer.Scorer.load().score(table.reverse())
    assert backwards.reverse().equals(expected)
    table.write_parquet("rows.parquet")
    assert run("score", "rows.parquet", "scores.parquet").exit_code == 0
    assert pl.read_parquet("scores.parquet").equals(expected)
    assert run("export", "edge").exit_code == 0


@pytest.mark.parametrize("problem", toy.LABELLED)
@pytest.mark.parametrize("height", [1, 40])
def test_service_answers_that_there_is_none(without_id, problem, height):
    table = rows(height, problem)
    expected = scorer.Scorer.load().score(table)
    with serving(CAPTURE="kept") as client:
        scores = client.post(records(table)).json()["scores"]
        assert [row["id"] for row in scores] == [None] * height
        assert [row["score"] for row in scores] == expected["score"].to_list()
        assert pl.read_ipc_stream(io.BytesIO(client.post(arrow(table), ARROW).body)).equals(expected)
        assert pl.read_csv(client.post(csv(table), CSV).body).columns == expected.columns
        assert client.get("/version").json()["id"] is None
    kept = pl.concat(pl.read_parquet(path) for path in sorted(Path("kept").glob("*/*.parquet")))
    assert kept.height == 3 * height and kept["_score"].to_list() == expected["score"].to_list() * 3


def test_report_and_card_do_without(without_id):
    assert json.loads(Path("reports/run.json").read_text())["parameters"]["data"]["id"] is None
    assert '<span class="role">id' not in Path("reports/report.html").read_text()


def test_several_rows_of_an_id_may_come_in_several_deliveries(trained):
    params(id="key", time="seen", repeats=True)
    later = toy.rows(60).with_columns(pl.col("seen") + pl.duration(days=900), amount=pl.col("amount") / 2)
    pl.concat([later, toy.rows(60)]).write_parquet("again.parquet")
    for stage in (["ingest", "again.parquet"], ["prepare"], ["train"], ["evaluate"]):
        result = run(*stage)
        assert result.exit_code == 0, result.output
    learned, test = (set(prepare.read(side)["key"]) for side in ("train", "test"))
    assert len(learned | test) == 600 and not learned & test
