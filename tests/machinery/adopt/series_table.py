"""Sales of four series, day by day, and what is proposed of such a table."""

from datetime import date

import numpy as np
import polars as pl

from machinery.adopt.adopt_table import propose

DAYS = pl.date_range(date(2023, 1, 2), date(2024, 3, 31), "1d", eager=True)
WEEK = np.array([1, 1, 1, 1.2, 1.6, 2, 0.3])
LEVELS = {("a", "x1"): 20, ("a", "x2"): 5, ("b", "x1"): 40, ("b", "x2"): 9}
CITIES = {"a": "Rome", "b": "Oslo"}


def series(shop, item, level):
    random = np.random.default_rng(level)
    rows = len(DAYS)
    promoted = random.random(rows) < 0.1
    sold = random.poisson(level * WEEK[np.arange(rows) % 7])
    columns = {"day": DAYS, "shop": shop, "item": item, "city": CITIES[shop], "sold": sold}
    return pl.DataFrame(columns | {"price": np.where(promoted, 4.5, 5.0), "weekday": np.arange(rows) % 7 + 1})


SALES = pl.concat(series(*names, level) for names, level in LEVELS.items())


def forecast(table=SALES, target="sold", **choices):
    return propose(table, target, problem="forecasting", **choices)


def roles(proposal):
    return {role.name: role.role for role in proposal.roles}
