"""`factory score` where so many rows of a list are acted on: the highest scores of a table, however it is scored."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as some
from late_flights.factory import manifest
from late_flights.factory.errors import CannotEvaluate
from late_flights.factory.gate import compare
from late_flights.factory.scoring import batch, ranked, scorer, workers
from late_flights.factory.scoring.spark import job
from late_flights.factory.tables import sources
from tests.factory import toy
from tests.factory.cli_runner import refused, run

DECISION = {"top_k": 40, "of": 400}
ROWS = toy.rows(500, first=9000)


@pytest.fixture(scope="module")
def decided(module_project):
    """The toy, trained to act on a tenth of the rows, and what the training printed."""
    Path("params.yaml").write_text(toy.text(decision=DECISION), encoding="utf-8")
    result = run("train")
    assert result.exit_code == 0, result.output
    return result.output


def highest(scores, rows=40):
    """Which rows are acted on: by score, of equal ones the first."""
    order = scores.with_row_index().sort("score", "index", descending=[True, False]).head(rows)["index"]
    return pl.Series("decision", np.isin(np.arange(scores.height), order))


@given(some.lists(some.lists(some.integers(0, 5), max_size=6), max_size=5), some.integers(1, 9))
def test_the_same_rows_whatever_the_pieces(tmp_path_factory, pieces, rows):
    path, schema = tmp_path_factory.mktemp("ranked") / "scores.parquet", {"score": pl.Float64, "decision": pl.Boolean}
    tables = [pl.DataFrame({"score": piece, "decision": [False] * len(piece)}, schema) for piece in pieces]
    ranked.write(tables, pl.Schema(schema), path, rows)
    found = pl.read_parquet(path)
    assert found["score"].to_list() == [float(score) for piece in pieces for score in piece]
    assert found["decision"].equals(highest(found, rows)) and [*path.parent.iterdir()] == [path]


def test_training_learns_the_cutoff_of_single_rows(decided):
    model = scorer.Scorer.load()
    assert model.manifest["decision"] == {"rows": 40, "of": 400}
    assert "threshold of the 40 highest of 400 0." in decided
    scores = model.score(ROWS)
    assert scores["decision"].equals((scores["score"] >= model.manifest["threshold"]).alias("decision"))
    assert 0 < scores["decision"].mean() < 0.25


@pytest.mark.parametrize("destination", ["scores.csv", "scores.parquet"])
def test_file_has_the_highest_scores(decided, destination):
    ROWS.write_csv("rows.csv")
    result = run("score", "rows.csv", destination)
    assert "✓ decision is true for the 40 highest scores, or for all where there are fewer" in result.output
    found = pl.read_csv(destination) if destination.endswith(".csv") else pl.read_parquet(destination)
    assert found.drop("decision").equals(scorer.Scorer.load().score(ROWS).drop("decision"))
    assert found["decision"].equals(highest(found)) and found["decision"].sum() == 40


def test_a_file_of_many_tables_is_one_list_and_each_of_a_folder_its_own(decided):
    Path("in").mkdir()
    ROWS[:200].write_csv("in/a.csv")
    ROWS[200:].write_parquet("in/b.parquet")
    assert run("score", "in", "all.parquet").exit_code == 0
    whole = pl.read_parquet("all.parquet")
    assert whole["decision"].equals(highest(whole))
    result = run("score", "in", "out")
    assert "✓ decision is true for the 40 highest scores of each of the 2 tables" in result.output
    parts = [pl.read_csv("out/a.csv"), pl.read_parquet("out/b.parquet")]
    assert all(part["decision"].equals(highest(part)) for part in parts)
    assert sorted(path.name for path in Path("out").iterdir()) == ["_SUCCESS", "a.csv", "b.parquet"]


def test_the_same_on_several_processors_and_with_rejected_rows(decided):
    bad = pl.int_range(pl.len()) % 100 == 7
    many = pl.concat([toy.rows(20_000, first=20_000 * i) for i in range(6)])
    many = many.with_columns(pl.when(bad).then(100.5).otherwise("amount").alias("amount"))
    many.write_parquet("rows.parquet", row_group_size=7000)
    found = []
    for jobs in (1, 3):
        [source] = sources.find("rows.parquet")
        task = workers.Task(scorer.Scorer.load(), rejecting=True, jobs=jobs)
        batch.score({source: many.height}, Path(f"{jobs}.parquet"), task, Path(f"bad{jobs}"))
        found.append(Path(f"{jobs}.parquet").read_bytes())
    scores = pl.read_parquet("1.parquet")
    assert found[0] == found[1] and scores.height == many.height * 0.99
    assert scores["decision"].equals(highest(scores))


def test_explanations_have_the_same_decisions(decided):
    ROWS[:60].write_csv("rows.csv")
    assert run("explain", "rows.csv", "why.parquet").exit_code == 0
    found = pl.read_parquet("why.parquet")
    assert found["decision"].equals(highest(found)) and "contribution_amount" in found.columns


def test_spark_refuses_in_a_line(decided):
    with pytest.raises(job.FactoryError, match=r"^the decision is about the highest scores of all rows, and Spark") as error:
        job._prepared(None, "model", None, False)
    assert "\n" not in str(error.value)


def test_model_of_another_decision_is_not_judged_and_not_evaluated(decided):
    assert run("evaluate").exit_code == 0
    assert json.loads(Path("reports/evaluation.json").read_text("utf-8"))["decision"] == {"rows": 40, "of": 400}
    changed = toy.params(decision=DECISION | {"top_k": 41})
    with pytest.raises(CannotEvaluate, match="list `decision` in the `params`"):
        compare.gather(changed, None, None)
    Path("params.yaml").write_text(toy.text(decision=None), encoding="utf-8")
    assert "list `decision` in the `params`" in refused("evaluate")


def test_gate_decides_by_the_highest_scores_of_both(decided):
    facts = manifest.read_manifest(Path("model"))
    scores = pl.DataFrame({"score": [0.1, 0.2, 0.3] * 10, "decision": [True] * 30})
    assert compare.as_predictions(scores, facts).decision.tolist() == [False, False, True] * 3 + [False] * 21
    assert compare.as_predictions(scores, facts | {"decision": None}).decision.all()
