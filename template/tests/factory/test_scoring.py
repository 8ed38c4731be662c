"""One definition of features and scores, whoever asks: your contract, features and model."""

import math

import numpy as np
import polars as pl
import pytest
import skops.io
from threadpoolctl import threadpool_limits

from .. import (
    artifact,
    contract,
    errors,
    estimators,
    features,
    model,
    onnx_features,
    predictions,
    rules,
    skops_schema,
    train,
)
from .. import scorer as scoring


def matrix(rows):
    return scoring.matrix(features.features(rows))


@pytest.fixture(scope="module")
def facts(labelled, params):
    return {
        "target": params.data.target,
        "id": params.data.id,
        "features": scoring.describe(features.features(labelled.head(0))),
        "threshold": 0.5 if params.problem == "classification" else None,
        "classes": train.classes_of(labelled, params),
    }


@pytest.fixture(scope="module")
def estimator(labelled, params):
    return train.fit(labelled, params)


@pytest.fixture(scope="module")
def folder(estimator, facts, labelled, rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("scoring") / "model"
    graph = onnx_features.feature_graph(rows, features.features, contract.Row)
    estimators.save(folder, estimator, facts, matrix(labelled), graph)
    return folder


@pytest.fixture(scope="module")
def scorer(folder):
    return scoring.Scorer.load(folder)


@pytest.fixture(scope="module")
def rows(labelled, params):
    return labelled.drop(params.data.target)


def test_scores_are_those_of_training(scorer, estimator, labelled, rows):
    expected = artifact.predictor(estimator, len(scorer.manifest["classes"] or []))(matrix(labelled))
    found = scorer.predict_with_ids(rows)[1]
    np.testing.assert_allclose(found, expected, rtol=estimators.TOLERANCE, atol=estimators.TOLERANCE)


def test_threads_do_not_change_the_bytes(labelled, params):
    rows = pl.concat([labelled] * 20)  # enough for scikit-learn to work in parallel
    found = set()
    for threads in (1, 2):
        with threadpool_limits(threads):
            found.add(skops_schema.to_skops(train.fit(rows, params)))
    assert len(found) == 1


def test_onnx_and_skops_agree(folder, labelled):
    loaded = skops.io.load(folder / "model.skops", trusted=model.TRUSTED_TYPES)
    whole = artifact.load(folder)
    expected = artifact.predictor(loaded, len(whole.manifest["classes"] or []))(matrix(labelled))
    found = whole.predict(matrix(labelled))
    np.testing.assert_allclose(found, expected, rtol=estimators.TOLERANCE, atol=estimators.TOLERANCE)


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
    exact = [name for name in together.columns if name != "score" and not name.startswith(predictions.PROBABILITY)]
    assert together.select(exact).equals(alone.select(exact))
    np.testing.assert_allclose(together["score"], alone["score"], rtol=1e-6, atol=1e-6)


def test_order_of_rows_is_kept(scorer, rows):
    backwards = scorer.score(rows.reverse())
    assert backwards.reverse().equals(scorer.score(rows))


def test_text_scores_like_types(scorer, rows):
    assert scorer.score(rows.cast(pl.String)).equals(scorer.score(rows))


def test_result_has_id_score_and_decision(scorer, rows, params):
    scores = scorer.score(rows)
    ids = [params.data.id] if params.data.id else []
    assert scores.columns[: len(ids) + 1] == [*ids, "score"] and scores.select(ids).equals(rows.select(ids))
    assert scores["score"].dtype == pl.Float64 and scores["score"].is_finite().all()
    if params.problem == "classification":
        assert scores["score"].is_between(0, 1).all()
        assert scores["decision"].equals((scores["score"] >= 0.5).alias("decision"))


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
    with pytest.raises(
        errors.ContractViolation, match=f"{required}: nullability, {broken.height} of {broken.height} rows"
    ):
        scorer.score(broken)


def test_model_that_learned_from_other_features_is_refused(estimator, facts, labelled, tmp_path):
    changed = {**facts, "features": dict(reversed([*facts["features"].items(), ("new", {"type": "Int8"})]))}
    estimators.save(tmp_path / "model", estimator, changed, matrix(labelled))
    with pytest.raises(errors.ArtifactError, match="no longer make the features that the model learned from"):
        scoring.Scorer.load(tmp_path / "model")


def test_features_are_numbers_or_categories(labelled):
    train.check_numeric(features.features(labelled))


def test_matrix_holds_codes_and_nan():
    kinds = pl.Series("kind", ["b", None], dtype=pl.Enum(["a", "b"]))
    values = scoring.matrix(pl.DataFrame([kinds, pl.Series("yes", [True, None]), pl.Series("n", [7, None])]))
    assert values.dtype == np.float32 and values.flags.c_contiguous
    assert values[0].tolist() == [1, 1, 7] and all(map(math.isnan, values[1]))
