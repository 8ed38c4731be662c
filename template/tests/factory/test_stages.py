"""Your stages end to end, on rows sampled from your contract: their outputs agree with each other."""

import json

import polars as pl
import pytest

from .. import artifact, definitions, paths
from .cli_runner import run


@pytest.fixture
def report(stages):
    return lambda name: json.loads((stages / paths.REPORTS / name).read_text(encoding="utf-8"))


def test_reports_are_of_this_model_and_these_rows(report, stages, labelled, params, scorer):
    details, record = report("evaluation.json"), report("run.json")
    figures = {name: estimate["value"] for name, estimate in details["metrics"].items()}
    assert figures == record["metrics"] == report("metrics.json")
    assert record["model"] == scorer.manifest["files"] and record["cost"]["peak_memory_mb"] > 0
    assert details["test_rows"] == labelled.height
    assert {group["column"] for group in details["slices"]} <= set(params.group_columns)
    assert {row["feature"] for row in details["importance"]} == scorer.manifest["features"].keys()
    for page in ("report.html", "model-card.md"):
        assert (stages / paths.REPORTS / page).read_text(encoding="utf-8").strip()


def test_evaluated_scores_are_those_of_training(report, scorer, estimator, labelled, params):
    predict = artifact.predictor(estimator, len(scorer.manifest["classes"] or []))
    learned = predict(scorer.inputs(labelled))
    _, expected = definitions.top_class(definitions.target_of(labelled, params), learned)
    scores = report("evaluation.json")["scores"]
    assert scores == pytest.approx(expected[: len(scores)], rel=1e-5, abs=1e-5)


def test_file_is_scored_as_its_rows_are(stages, scorer, rows, observed, tmp_path):
    source, destination = tmp_path / "rows.parquet", tmp_path / "scores.parquet"
    given, expected = (rows, scorer.score(rows)) if observed is None else (observed, scorer.forecast(observed))
    given.write_parquet(source)
    result = run("score", source, destination, "--model", stages / paths.MODEL)
    assert result.exit_code == 0, result.output
    scores = pl.read_parquet(destination)
    if decision := scorer.manifest.get("decision"):  # by rank in a file, for a row alone by its score
        assert scores["decision"].sum() == min(decision["rows"], rows.height)
        scores, expected = scores.drop("decision"), expected.drop("decision")
    assert scores.equals(expected)
