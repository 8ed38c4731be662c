"""Every way to score gives the same scores, with your contract, features and model."""

import shutil

import numpy as np
import polars as pl
import pytest

from .. import artifact, contract, errors, features, manifest, parity, paths, rules, train
from .. import scorer as scoring


def test_scores_are_those_of_training(scorer, estimator, labelled, rows):
    predict = artifact.predictor(estimator, len(scorer.manifest["classes"] or []))
    expected = predict(scorer.inputs(labelled))
    scores = scorer.predict_with_ids(rows)[1]
    assert parity.largest(expected, scores, scorer.manifest["threshold"]) <= parity.TOLERANCE


def test_scoring_needs_no_target_and_ignores_it(scorer, labelled, rows, params):
    features_of_both = (
        features.features(rules.validate(table, schema))
        for table, schema in ((labelled, contract.LabelledRow), (rows, contract.Row))
    )
    first, second = features_of_both
    assert first.equals(second)
    other = labelled.with_columns(pl.col(params.data.target).reverse())
    assert scorer.score(labelled).equals(scorer.score(rows)) and scorer.score(other).equals(scorer.score(rows))


def test_one_row_scores_as_it_does_among_many(scorer, rows):
    together = scorer.score(rows.head(50))
    alone = pl.concat([scorer.score(rows[i]) for i in range(50)])
    numbers = pl.selectors.float()  # the score, and ends of intervals, which may be small differences of large scores
    assert together.select(~numbers).equals(alone.select(~numbers))
    first, second = (scores.select(numbers).to_numpy() for scores in (together, alone))
    np.testing.assert_allclose(first, second, rtol=1e-6, atol=1e-6 * max(1.0, np.nanmax(np.abs(first))))


def test_order_of_rows_is_kept(scorer, rows):
    backwards = scorer.score(rows.reverse())
    assert backwards.reverse().equals(scorer.score(rows))


def test_text_scores_like_types(scorer, rows):
    plain = [
        name for name, column in contract.Row.columns().items() if not column.metadata
    ]  # others state how they are written
    assert scorer.score(rows.with_columns(pl.col(plain).cast(pl.String))).equals(scorer.score(rows))


def test_result_has_id_score_and_decision(scorer, rows, params):
    scores = scorer.score(rows)
    ids = [params.data.id] if params.data.id else []
    assert scores.columns[: len(ids) + 1] == [*ids, "score"] and scores.select(ids).equals(rows.select(ids))
    assert scores["score"].dtype == pl.Float64 and scores["score"].is_finite().all()
    threshold = scorer.manifest["threshold"]
    if threshold is not None:
        assert scores["score"].is_between(0, 1).all()
        assert scores["decision"].equals((scores["score"] >= threshold).alias("decision"))


def test_no_rows_no_scores(scorer, rows):
    assert scorer.score(rows.clear()).schema == scorer.score(rows).schema
    assert scorer.score(rows.clear()).is_empty()


def test_row_beyond_the_contract_is_refused(scorer, rows):
    with pytest.raises(errors.ContractViolation, match="column missing"):
        scorer.score(rows.drop(rows.columns[-1]))
    with pytest.raises(errors.ContractViolation, match="surplus: column not in the contract"):
        scorer.score(rows.with_columns(surplus=1))


@pytest.mark.parametrize("height", [1, 2, None], ids=["one row", "two", "all"])
def test_row_that_breaks_a_rule_is_refused(scorer, rows, height):
    required = next(name for name, column in contract.Row.columns().items() if not column.nullable)
    broken = rows.head(height or rows.height).with_columns(pl.lit(None, rows.schema[required]).alias(required))
    with pytest.raises(errors.ContractViolation) as refusal:
        scorer.score(broken)
    (violation,) = (each for each in refusal.value.violations if each.subject == required)
    assert (violation.row, violation.count, violation.total) == (0, broken.height, broken.height)


@pytest.mark.parametrize("change", [reversed, lambda known: [*known, ("new", {"type": "Int8"})]], ids=["order", "new"])
def test_model_that_learned_from_other_features_is_refused(stages, scorer, tmp_path, change):
    folder = shutil.copytree(stages / paths.MODEL, tmp_path / "model")
    (folder / "manifest.json").unlink()
    facts = {**scorer.manifest, "features": dict(change([*scorer.manifest["features"].items()]))}
    manifest.write_manifest(folder, facts)
    with pytest.raises(errors.ArtifactError, match="no longer give the features"):
        scoring.Scorer.load(folder)


def test_features_are_numbers_or_categories(labelled):
    train.check_numeric(features.features(labelled))
