"""`factory score` where so many rows of a list are acted on: the highest scores of a table, however it is scored."""

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from late_flights.factory import config, manifest
from late_flights.factory.errors import CannotEvaluate
from late_flights.factory.gate import compare
from late_flights.factory.scoring import batch, predictions, ranked, scorer, workers
from late_flights.factory.scoring.spark import job
from late_flights.factory.serving import responses
from late_flights.factory.tables import sources
from late_flights.factory.training import train
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
    return module_project, result.output


def highest(scores, rows=40):
    """Which rows are acted on: by score, of equal ones the first."""
    order = scores.with_row_index().sort("score", "index", descending=[True, False]).head(rows)["index"]
    return pl.Series("decision", np.isin(np.arange(scores.height), order))


@settings(deadline=None, max_examples=50)
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
    assert "threshold of the 40 highest of 400 0." in decided[1]
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


@settings(deadline=None, max_examples=50)
@given(some.lists(some.tuples(some.sampled_from("abc"), some.integers(0, 3)), max_size=30), some.integers(1, 40))
def test_each_group_has_its_share_whatever_the_pieces(rows, most):
    table = pl.DataFrame(rows, {ranked.GROUP: pl.String, "score": pl.Float64}, orient="row")
    found = []
    for size in (1, 7, 40):
        pieces, highest_rows = list(table.iter_slices(size)), ranked.Highest(most)
        decided = [*highest_rows.decide(list(highest_rows.watch(pieces)))]
        found.append(pl.concat([table.clear().with_columns(decision=pl.Series([], dtype=pl.Boolean)), *decided]))
    assert found[0].equals(found[1]) and found[0].equals(found[2])
    assert found[0]["decision"].sum() == min(most, table.height)
    for (_,), part in found[0].group_by(ranked.GROUP, maintain_order=True):
        chosen = int(part["decision"].sum())
        assert abs(chosen - min(most, table.height) * part.height / table.height) < 1
        assert part["decision"].equals(highest(part, chosen))


def test_shares_are_the_largest_remainders():
    assert ranked.shares({"a": 50, "b": 30, None: 20}, 10) == {"a": 5, "b": 3, None: 2}
    assert ranked.shares({"a": 1, "b": 1, "c": 1}, 2) == {"a": 1, "b": 1, "c": 0}
    assert ranked.shares({"a": 2, "b": 1}, 9) == {"a": 2, "b": 1} and ranked.shares({}, 3) == {}


def test_groups_with_thresholds_of_their_own(decided, monkeypatch, tmp_path):
    """In a file each has its share of the rows; a single row is judged by the threshold of its group."""
    shutil.copytree(decided[0], tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(train, "MIN_GROUP", 5)
    Path("params.yaml").write_text(toy.text(decision=DECISION | {"by": "kind"}), encoding="utf-8")
    train.run(config.load())
    model = scorer.Scorer.load()
    known = model.manifest["thresholds"]
    assert known["by"] == "kind" and known["groups"] == sorted(toy.KINDS) and len(set(known["scores"])) == 3
    scores, limits = model.score(ROWS), dict(zip(known["groups"], known["scores"], strict=True))
    wanted = [score >= limits[kind] for kind, score in zip(ROWS["kind"], scores["score"], strict=True)]
    assert scores["decision"].to_list() == wanted and wanted != (scores["score"] >= model.manifest["threshold"]).to_list()
    rows = [*ROWS.drop("answer").head(50).iter_rows()]
    asked = responses.Answer(model, rows, None, scores["score"][:50].to_numpy())
    records = predictions.to_records(asked.scores, model.manifest, asked.needed)
    assert [each["decision"] for each in records] == wanted[:50] == asked.columns()[1].to_list()
    ROWS.write_csv("rows.csv")
    assert run("score", "rows.csv", "scores.csv").exit_code == 0
    found = pl.read_csv("scores.csv").with_columns(kind=ROWS["kind"].cast(pl.String))
    assert found.columns == [*scores.columns, "kind"] and found["decision"].sum() == 40
    for (_,), part in found.group_by("kind"):
        chosen = int(part["decision"].sum())
        assert abs(chosen - 40 * part.height / 500) < 1 and part["decision"].equals(highest(part, chosen))
    facts = compare.as_predictions(scores, model.manifest, ROWS)
    assert [facts.decision[(ROWS["kind"] == kind).to_numpy()].mean() for kind in toy.KINDS] == pytest.approx([0.1] * 3, abs=0.01)


def test_groups_have_to_be_known_when_a_row_is_scored(decided):
    with pytest.raises(job.FactoryError, match=r"decision\.by: answer is not a column of Row in contract.py"):
        train.check_groups(toy.params(decision=DECISION | {"by": "answer"}))


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
