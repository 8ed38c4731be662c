"""How large the first model's trees are: as large as improves the predictions for unseen rows."""

import numpy as np
import polars as pl
import pytest
from late_flights import model
from late_flights.factory.adopt import defaults

from machinery.adopt.adopt_table import propose

ROWS = 600
RANDOM = np.random.default_rng(0)
COUNTRY = RANDOM.permutation(np.arange(ROWS) % 30)
SIZE = RANDOM.normal(0, 1, ROWS)
NOISE = RANDOM.normal(0, 1, ROWS)
EXPECTED = {
    "noise": (NOISE, defaults.SMALL_TREES),
    "a wave": (np.sin(20 * SIZE) + NOISE / 10, defaults.LARGE_TREES),
    "two values by chance": (NOISE > 0, defaults.SMALL_TREES),
    "a rare value": (np.arange(ROWS) < 5, defaults.SMALL_TREES),
    "three classes by chance": (np.digitize(NOISE, [-1, 1]), defaults.SMALL_TREES),
}


def parameters(target):
    table = pl.DataFrame({"country": [f"c{code}" for code in COUNTRY], "size": SIZE})
    proposal = propose(table.with_columns(target=pl.Series(target)), "target")
    features = [role.column for role in proposal.with_role("feature")]
    return defaults.parameters(features, proposal.target)


@pytest.mark.parametrize("target, expected", EXPECTED.values(), ids=EXPECTED)
def test_trees_are_large_where_that_helps(target, expected):
    assert parameters(target) == expected


def test_model_that_raises_is_left_to_the_pipeline(monkeypatch):
    def refuse(*_, **__):
        raise ValueError("no NaN, please")

    monkeypatch.setattr(model, "model", refuse)
    assert parameters(NOISE) == defaults.SMALL_TREES
