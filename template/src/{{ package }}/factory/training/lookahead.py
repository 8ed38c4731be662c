"""A forecast's training rows hold what will be known in service: nothing from after their origin, and of other series nothing."""

import polars as pl

from ... import contract
from ..config import Params
from ..data import observations
from ..errors import Refused
from ..forecasting import examples, grid
from ..forecasting.rows import is_known_ahead
from ..forecasting.settings import Settings
from ..tables.chunks import Rows, collect
from ..validation.definition import delivered
from . import isolation
from .isolated_process import compute
from .origins import Origin, difference, sampled

OTHERS = "of a series depends on the other series, of which nothing is known in service"


def check_lookahead(train: Rows, params: Params) -> None:
    """Refuse history() and features() that know more than the rows that they are given. Raises Refused."""
    settings, origins = observations.settings(params), sampled(train, params)
    problem = next(filter(None, (_problem(each, train, settings) for each in origins)), None)
    if problem := problem or isolation.problem(origins, settings):
        remedy = (
            "deliver the total of all as a column of Observation, null where the target is, and use its past"
            if problem.endswith(OTHERS)
            else "compute features from the rows alone, as nothing else is there in service; what is known beforehand can be "
            "delivered as a column of Observation that is known ahead"
        )
        raise Refused("LEAKAGE", f"features.py: {problem}: {remedy}")


def _problem(origin: Origin, train: Rows, settings: Settings) -> str | None:
    """What is another where all that came after the origin is overwritten and shuffled, or where a series is alone."""
    other = _overwritten(origin, settings)
    if name := difference(origin.seen, compute(other, settings, origin.time)):
        return f"{name} depends on what came after the origin"
    table = grid.numbered(other, settings)
    made = examples.build(table, settings, [grid.position(table, settings, origin.time)])
    learned = collect(train.filter(pl.col("origin") == origin.time))
    if name := _difference(learned, made, settings):
        return f"{name} of the training rows depends on what came after the origin"
    if name := _difference(learned, origin.seen, settings):
        return f"{name} {OTHERS}"
    return None


def _difference(learned: pl.DataFrame, others: pl.DataFrame, settings: Settings) -> str | None:
    """The first column that differs in the rows that both have."""
    names, keys = contract.Row.column_names(), [*settings.groups, "step"]
    ours, theirs = learned.join(others, on=keys, how="semi"), others.join(learned, on=keys, how="semi")
    return difference(ours.select(names).sort(keys), theirs.select(names).sort(keys))


def _overwritten(origin: Origin, settings: Settings) -> pl.DataFrame:
    later, columns = pl.col(settings.time) > origin.time, delivered().columns().items()
    unknown = (name for name, column in columns if name not in settings.keys and not is_known_ahead(column))
    other = (pl.when(later).then(pl.col(name).shuffle(seed=0)).otherwise(pl.col(name)) for name in unknown)
    return origin.observations.with_columns(other).sample(fraction=1, shuffle=True, seed=0)
