"""A model whose features and rules are all translated scores few rows without a worker, and gives the worker's scores."""

from pathlib import Path

import dataframely as dy
import polars as pl
import pytest
from late_flights import contract
from late_flights.factory.scoring.scorer import Scorer
from late_flights.factory.serving import warm_model
from tests.factory import toy
from tests.factory.cli_runner import run

from machinery.serving.service_client import CSV, INFER, csv, records, rows, serving, tensors
from machinery.serving.test_request_log import captured


class Row(dy.Schema):
    """The toy's, without the rule that only polars can check."""

    key = dy.String()
    seen = dy.Datetime(min=toy.START)
    kind = dy.Enum(toy.KINDS)
    amount = dy.Float64(min=0, max=100)
    gap = dy.Int16(nullable=True, min=-10, max=10)

    @dy.rule()
    def red_is_small(cls) -> pl.Expr:
        return (pl.col("kind") != "red") | (pl.col("amount") < 90)


class LabelledRow(Row):
    answer = dy.Bool()


@pytest.fixture
def compiled(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with such a model."""
    monkeypatch.setattr(contract, "Row", Row)
    monkeypatch.setattr(contract, "LabelledRow", LabelledRow)
    toy.rows(300).write_parquet("first.parquet")
    for stage in (["ingest", "first.parquet"], ["prepare"], ["train"]):
        assert run(*stage).exit_code == 0
    assert Scorer.load().compiled
    return project


@pytest.fixture
def unused(monkeypatch):
    """From now on workers fail with all that they score."""
    return lambda: monkeypatch.setattr(warm_model.WarmModel, "score", lambda model, rows: 1 / 0)


def test_few_rows_are_scored_without_workers_and_others_by_them(compiled, unused):
    expected = {height: Scorer.load().score(rows(height)) for height in (1, 16)}
    broken = rows(1).with_columns(pl.lit("red", pl.Enum(toy.KINDS)).alias("kind"), amount=pl.lit(95.0))
    with serving(CAPTURE="kept") as client:
        assert "red_is_small" in client.post(records(broken)).problems()
        unused()
        for height, scores in expected.items():
            answers = client.post(records(rows(height))).json()["scores"]
            assert [answer["score"] for answer in answers] == scores["score"].to_list()
            assert [answer["id"] for answer in answers] == scores["key"].to_list()
            outputs = client.post({"inputs": tensors(rows(height))}, path=INFER).json()["outputs"]
            assert outputs[0]["data"] == scores["score"].to_list()
        refused = (records(rows(17)), {}), (records(broken), {}), (csv(rows(1)), {"kind": CSV})
        assert [client.post(body, **options).status for body, options in refused] == [500] * 3
    assert sorted(captured()["_score"]) == sorted(score for scores in expected.values() for score in [*scores["score"]] * 2)
