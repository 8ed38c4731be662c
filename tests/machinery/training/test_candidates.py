"""The portfolio: which candidates there are for a table, and the simplest good one is chosen."""

from pathlib import Path

import dataframely as dy
import numpy as np
import polars as pl
import pytest
from late_flights import contract
from late_flights.factory.errors import FactoryError
from late_flights.factory.metrics.bootstrap import standard_error
from late_flights.factory.training import candidates, comparison, estimator, selection
from late_flights.factory.training.candidates import Candidate
from late_flights.factory.training.comparison import Comparison, Evaluated
from tests.factory import toy
from tests.factory.cli_runner import run


def judged(losses, **parameters):
    family = "linear" if "penalty" in parameters else "boosting"
    return Evaluated(candidates.Candidate((family,), parameters), np.array([]), np.array(losses, dtype=float))


def test_simplest_within_a_standard_error_and_rows_of_one_id_are_one():
    random = np.random.default_rng(0)
    best = random.normal(1, 0.1, 400)
    other = best + random.normal(0.004, 0.1, 400)  # by less than its standard error, 0.005
    simple, complex_ = judged(other, penalty=1.0), judged(best, max_leaf_nodes=8)
    assert selection.simplest([complex_, simple], None) is simple
    worse = judged(best + random.normal(0.02, 0.1, 400), penalty=1.0)
    assert selection.simplest([complex_, worse], None) is complex_
    repeated, ids = np.tile(best, 30), np.tile(np.arange(400), 30)
    same = judged(np.tile(other, 30), penalty=1.0)
    assert selection.simplest([judged(repeated, max_leaf_nodes=8), same], ids) is same
    assert standard_error(same.losses - repeated, ids) == pytest.approx(standard_error(other - best))


def table(answer, problem, rows=400):
    made = toy.rows(rows, problem)
    random = np.random.default_rng(1)
    return made.with_columns(answer=pl.Series(toy.outcomes(answer(made, random), problem), dtype=made.schema["answer"]))


SHAPES = {
    "a sum": (lambda rows, random: rows["amount"].to_numpy() * 0.8 + random.normal(0, 8, rows.height), {"linear"}),
    "a product of signs": (
        lambda rows, random: (
            45 + 40 * np.sign(rows["amount"].to_numpy() - 45) * np.sign(rows["seen"].dt.weekday().to_numpy() - 4)
        ),
        {"boosting", "extra_trees"},
    ),
}


def chosen_from(rows, params, **more):
    return selection.choose(rows, params, toy.features(rows.head(0)).schema, **more)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("problem", ["classification", "regression"])
def test_family_that_fits_the_table_is_chosen(project, quick, shape, problem):
    answer, wanted = SHAPES[shape]
    choice = chosen_from(table(answer, problem), toy.params(problem))
    assert wanted & set(choice.chosen.candidate.families)
    leaderboard = choice.table()
    assert leaderboard["chosen"].sum() == 1 and leaderboard["mean"].is_sorted()


def test_the_same_rows_give_the_same_choice(project, quick):
    rows = table(SHAPES["a sum"][0], "regression", 150)
    first, second = (chosen_from(rows, toy.params("regression")).table() for _ in range(2))
    costs = ["fit_seconds", "predict_ms"]
    assert first.drop(costs).equals(second.drop(costs))


def prepared(height, answer):
    """Rows as they are prepared, in the order of time, with these answers."""
    rows = toy.rows(height, "regression")
    return toy.features(rows).with_columns(answer=answer, seen=rows["seen"], key=rows["key"])


def by_time():
    return toy.params("regression", data={"target": "answer", "time": "seen"})


def tried(rows, params):
    """The names of all candidates, of which none may fail."""
    failed = []
    choice = chosen_from(rows, params, on_failure=lambda candidate, reason: failed.append((candidate.name, reason)))
    assert not failed
    return " ".join(choice.table()["candidate"])


def positive(height):
    return pl.Series(np.exp(np.random.default_rng(0).normal(1, 0.5, height)))


@pytest.mark.parametrize("low, losses", [(0.0, ["poisson", "logarithm"]), (-2.0, []), (0.5, ["poisson", "logarithm"])])
def test_what_a_target_can_be_is_decided_by_all_rows(project, quick, low, losses):
    """And not by the newest alone, on which candidates of a split by time are measured."""
    answer = positive(300)
    answer[3] = low
    names = tried(prepared(300, answer), by_time())
    assert [name for name in ("poisson", "gamma", "logarithm") if name in names] == losses


@pytest.mark.parametrize("limits, is_tried", [({"min": 0}, False), ({"min": 0.1}, True), ({"min_exclusive": 0}, True)], ids=str)
def test_gamma_only_where_the_contract_allows_no_zero(project, monkeypatch, limits, is_tried):
    class Positive(toy.Row):
        answer = dy.Float64(**limits)

    monkeypatch.setattr(contract, "LabelledRow", Positive)
    losses = candidates.other_losses(candidates.default(), 0.5, toy.params("regression"))
    assert [each.parameters["loss"] for each in losses] == ["poisson", *(["gamma"] if is_tried else [])]


def test_rows_beyond_the_sample_count(project, quick, monkeypatch):
    monkeypatch.setattr(comparison, "MAX_ROWS", 100)
    rows = prepared(300, positive(300))
    params = toy.params("regression")
    schema = toy.features(toy.rows(1)).schema
    sampled = Comparison(rows, params, schema)
    kept = set(sampled.folds.target.tolist())
    outside = next(i for i, value in enumerate(rows["answer"]) if value not in kept)
    answer = rows["answer"].clone()
    answer[outside] = -1.0
    compared = Comparison(rows.with_columns(answer=answer), params, schema)
    assert compared.lowest == -1 and compared.folds.target.min() > 0


def test_extra_trees_have_no_more_leaves_for_more_rows(project):
    """Than were compared, on a sample of the rows."""
    (candidate, *_) = candidates.extra_trees_ones(toy.params("regression"), 0)
    random = np.random.default_rng(0)
    inputs = random.normal(size=(25_000, 3)).astype(np.float32)
    for rows in (100, 2_000, 25_000):
        made = candidate.with_parameters(trees=2).estimator("regression", pl.Schema())
        fitted = estimator.fitted(made, inputs[:rows], inputs[:rows, 0].astype(float))
        assert max(tree.get_n_leaves() for tree in fitted.estimators_) <= candidates.MOST_LEAVES


def test_what_cannot_be_fitted_is_left_out_with_a_reason(project, quick, monkeypatch):
    """Linear models and extra trees take no infinity, as of a ratio with zero; boosting does."""
    failed = {}
    rows = toy.rows(200, "regression")
    endless = rows.with_columns(amount=pl.when(pl.int_range(pl.len()) % 7 == 0).then(float("inf")).otherwise("amount"))
    schema = toy.features(rows.head(0)).schema
    prepared_rows = toy.features(endless).with_columns(answer=rows["answer"], key=rows["key"], seen=rows["seen"])
    choice = selection.choose(
        prepared_rows,
        toy.params("regression"),
        schema,
        on_failure=lambda candidate, reason: failed.setdefault(candidate.family, reason),
    )
    assert {*failed} == {"linear", "extra_trees"} and "infinity" in failed["linear"]
    assert choice.chosen.candidate.family == "boosting"
    monkeypatch.setattr(candidates, "boosting_ones", lambda params, columns: ())
    with pytest.raises(FactoryError, match=r"no candidate can be fitted .* infinity"):
        selection.choose(prepared_rows, toy.params("regression"), schema)


def test_predictions_far_from_all_values_are_left_out(project, quick, monkeypatch):
    """As those of a logarithm can be, beside which all others would look the same on the leaderboard."""
    rows = prepared(200, positive(200))
    compared = Comparison(rows, toy.params("regression"), toy.features(toy.rows(1)).schema)
    candidate = Candidate(("linear",), {"penalty": 1.0}, logarithmic=True)
    assert compared.evaluate(candidate).loss < 10
    for far in (20.0, 1000.0):  # the second one overflows
        monkeypatch.setattr(comparison.artifact, "predictor", lambda *given, far=far: lambda inputs: np.full(len(inputs), far))
        with pytest.raises(ValueError, match="far from all values"):
            compared.evaluate(candidate)


def test_time_to_predict_is_of_the_model_that_is_written(project, quick, monkeypatch):
    """And not of the predictions after each round, among which the best number is sought."""
    rows, schema = toy.rows(200, "classification"), toy.features(toy.rows(1)).schema
    compared = Comparison(rows, toy.params(), schema)
    clock = iter(np.arange(0, 10_000, 1.0))
    monkeypatch.setattr(comparison.time, "process_time", lambda: next(clock))
    monkeypatch.setattr(
        comparison.stopping,
        "staged",
        lambda fitted, rounds, params: [next(clock) for _ in range(500)] and (lambda x: np.full(len(x), 0.5)),
    )
    (first, *_) = candidates.boosting_ones(toy.params(), 4)
    assert 0 < compared.evaluate(first).predict_ms <= 1000 / len(compared.rows)


@pytest.mark.parametrize("problem", ["multiclass"])
def test_command_lists_all_and_changes_nothing_else(trained, quick):
    before = Path("params.yaml").read_bytes()
    Path("data/prepared/test.parquet").unlink()  # which nobody reads
    result = run("candidates")
    assert result.exit_code == 0, result.output
    found = pl.read_csv("reports/candidates.csv")
    assert {"candidate", "family", "chosen", "metric", "mean", "se", "fit_seconds", "predict_ms", "size_mb"} == {*found.columns}
    assert {*candidates.FAMILIES} <= {*found["family"]} and found["chosen"].sum() == 1
    assert found["metric"].unique().to_list() == ["log_loss"] and found["size_mb"].min() > 0
    assert found.row(by_predicate=pl.col("chosen"), named=True)["family"] in result.output
    assert Path("params.yaml").read_bytes() == before and "model" not in found.columns


def test_too_few_rows_leave_the_default(trained):
    rows = pl.read_parquet("data/prepared/train.parquet").head(3)
    rows.write_parquet("data/prepared/train.parquet")
    result = run("candidates")
    assert result.exit_code == 0 and "Too few training rows" in result.output
    assert not Path("reports/candidates.csv").exists()
