"""Predictions of several classes, as columns and as records."""

import numpy as np
import polars as pl
from late_flights.factory.scoring import predictions

SCORE = np.random.default_rng(0).dirichlet(np.ones(4), 500)
MANIFEST = {"classes": ["a", "b", "score", ""], "threshold": None}


def test_columns_and_records_hold_the_scores():
    table = pl.DataFrame(predictions.to_columns(SCORE, MANIFEST))
    assert table.columns == ["score", "decision", "probability_a", "probability_b", "probability_score", "probability_"]
    assert table["decision"].to_list() == [MANIFEST["classes"][place] for place in SCORE.argmax(axis=1)]
    assert np.array_equal(predictions.from_frame(table, MANIFEST), SCORE)
    records = list(predictions.to_records(SCORE, MANIFEST))
    assert [record["decision"] for record in records] == table["decision"].to_list()
    assert [list(record["probabilities"].values()) for record in records] == SCORE.tolist()


def test_class_that_the_other_model_did_not_know_has_no_probability():
    table = pl.DataFrame(predictions.to_columns(SCORE, MANIFEST))
    scores = predictions.from_frame(table, MANIFEST | {"classes": ["new", "a"]})
    assert np.array_equal(scores, np.column_stack([np.zeros(500), SCORE[:, 0]]))


def test_intervals_of_forecasts_are_those_of_their_rows():
    known = {"level": 0.9, "low": [-1.0, -2.0], "high": [1.0, 3.0], "scale": 0.1, "still": [0.0, 0.0], "least": None}
    manifest = {"threshold": None, "forecast": {}, "interval": known}
    rows = pl.DataFrame({"step": [1, 2], "scale": [1.0, 10.0]})
    table = pl.DataFrame(predictions.to_columns(np.array([5.0, 5.0]), manifest, rows))
    assert table.rows() == [(5, 4, 6), (5, -15, 35)]
    assert list(predictions.to_records(np.array([5.0, 5.0]), manifest, rows)) == table.to_dicts()
