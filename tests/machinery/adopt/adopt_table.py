"""A table with one column of each kind, what is proposed of it, and the modules that are written."""

import importlib.util
from datetime import date, timedelta

import numpy as np
import polars as pl
from late_flights.factory.adopt import profile, proposal, transaction

ROWS = 400
RANDOM = np.random.default_rng(0)
SIZE = RANDOM.normal(100, 20, ROWS).round(1)
TABLE = pl.DataFrame(
    {
        "Unnamed: 0": range(ROWS),
        "customer_id": [f"c{7 * i}" for i in range(ROWS)],
        "seen": [date(2024, 1, 1) + timedelta(days=i // 2) for i in range(ROWS)],
        "closed": [date(2024, 1, 3) + timedelta(days=i // 2 + i % 5) for i in range(ROWS)],
        "size": SIZE,
        "size_again": SIZE,
        "colour": ["red", "green", "blue", "green"] * (ROWS // 4),
        "sex": ["f", "m"] * (ROWS // 2),
        "age": RANDOM.integers(18, 80, ROWS),
        "note": [f"called at {i}" for i in range(ROWS)],
        "version": ["1"] * ROWS,
        "nothing": pl.Series([None] * ROWS, dtype=pl.String),
        "price": (SIZE + RANDOM.normal(0, 10, ROWS)).round(2),
        "price_with_tax": None,
    }
).with_columns(price_with_tax=pl.col("price") * 1.2)


def propose(table=TABLE, target="price", **choices):
    return proposal.propose(profile.profile(table.lazy()), table.lazy(), proposal.UserChoices(target, **choices))


def module(folder, name):
    spec = importlib.util.spec_from_file_location(f"late_flights.adopted_{name}", folder / transaction.SOURCE / f"{name}.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded
