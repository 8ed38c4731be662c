"""How well a version does on captured rows: with outcomes as measured, without them as its own scores would have it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from ... import contract
from ..config import Params
from ..evaluation.formatting import share
from ..metrics import bootstrap, definitions
from ..metrics.bootstrap import Ids, Interval
from ..metrics.definitions import Vector
from ..metrics.forecasts import blocks
from ..metrics.scaled import scaled
from ..scoring import predictions
from .outcomes import OUTCOME

COVERAGE, HALF = 0.8, 0.5  # from which share of labelled rows on a window is judged; below which a note is shown
MIN_ROWS = 20  # labelled, as in the gate's test
INTERVAL_ROWS = 2_000  # of which the intervals of a window are
DRAWS, DRAWN_ROWS = 10, 20_000
STEP, SCALE = "step", "scale"  # columns of a forecast's rows
PARTS = 6  # into which a horizon is divided at most
ESTIMATED = "valid only while score and outcome belong together"
"""The condition of every estimate: one without outcomes cannot see that the same features have come to mean something else."""


@dataclass(frozen=True)
class Performance:
    """A window's labelled rows and their share, whether it is due to be judged, and then the main metric and the bias.

    The bias is the mean of outcome minus score; of several classes the outcome is whether the most probable one is correct, and
    the score is its probability. Of forecasts, `steps` is the metric by steps of the horizon, such as `1 to 6`.
    """

    rows: int
    coverage: float
    due: bool
    metric: Interval | None = None
    bias: Interval | None = None
    estimated: float | None = None
    note: str = ""
    steps: dict[str, float] | None = None

    def to_json(self) -> dict[str, Any]:
        """The same for reports/monitor.json."""
        return asdict(self)


def part(joined: pl.DataFrame, params: Params) -> pl.DataFrame:
    """What the performance on captured rows needs of them, once their outcomes are joined."""
    scores = [name for name in joined.columns if name == "_score" or name.startswith(f"_{predictions.PROBABILITY}")]
    id = [pl.col(params.data.id).cast(pl.String).alias("_id")] if params.data.id in joined.columns else []
    kept = [*params.forecast.keys, STEP, SCALE] if params.forecast else []
    own = [name for name in kept if name in joined.columns]
    return joined.select(OUTCOME, *(pl.col(name).alias(name[1:]) for name in scores), *id, *own)


def measure(parts: Sequence[pl.DataFrame], last: date, until: date, params: Params) -> Performance:
    """The performance on the rows of a window, of which the last day is given; `until` is the last day that counts."""
    if not parts:
        return Performance(0, 0.0, False)
    rows = pl.concat(parts, how="diagonal")
    if any(name.startswith(predictions.PROBABILITY) for name in rows.columns) != (params.problem == "multiclass"):
        return Performance(0, 0.0, False, note="the model predicts another target than params.yaml names")
    labelled = rows.drop_nulls(OUTCOME)
    coverage = labelled.height / rows.height if rows.height else 0.0
    due = coverage >= COVERAGE or (until - last).days >= params.monitor.label_days
    metric, bias = _measured(labelled, params) if due else (None, None)
    few = due and labelled.height and coverage < HALF
    note = f"only {share(coverage)} of the rows have an outcome, which may be others than the rest" if few else ""
    steps = _by_step(labelled, params) if due and STEP in labelled.columns else None
    return Performance(labelled.height, coverage, due, metric, bias, _estimated(rows, params), note, steps)


def arrays(labelled: pl.DataFrame, params: Params) -> tuple[Vector, Vector, Ids]:
    """Outcomes and scores of rows that have an outcome, and which of them share an id where that repeats."""
    outcome, ids = labelled[OUTCOME].to_physical().cast(pl.Float64).to_numpy(), None
    if params.forecast:
        unknown = pl.repeat(None, labelled.height, dtype=pl.Float64, eager=True)
        outcome = scaled(outcome, labelled.get_column(SCALE, default=unknown))
        if {*params.forecast.keys} <= {*labelled.columns}:
            ids = blocks(labelled, params.forecast)
    if "_id" in labelled.columns and labelled["_id"].is_duplicated().any():
        ids = labelled["_id"].fill_null("").rank("dense").to_numpy().astype(np.int64)
    return outcome, scores(labelled, params), ids


def scores(rows: pl.DataFrame, params: Params) -> Vector:
    """The scores, in the order of the contract's classes where there are several."""
    return predictions.from_frame(
        rows, {"classes": definitions.classes_of(contract.LabelledRow.create_empty(), params)}
    )


def _measured(labelled: pl.DataFrame, params: Params) -> tuple[Interval | None, Interval | None]:
    outcome, score, ids = arrays(labelled, params)
    if len(outcome) < MIN_ROWS:
        return None, None
    metric = definitions.main_metric(params)
    varies = np.ptp(outcome) > 0
    interval = bootstrap.interval(metric, outcome, score, ids, INTERVAL_ROWS) if varies else None
    right, probability = definitions.top_class(outcome, score)
    return interval, _mean(right - probability, ids)


def _by_step(labelled: pl.DataFrame, params: Params) -> dict[str, float]:
    """The main metric of the rows of each part of the horizon that has enough of them."""
    assert params.forecast is not None
    metric, width = definitions.main_metric(params), -(-params.forecast.horizon // PARTS)
    figures = {}
    for first in range(1, params.forecast.horizon + 1, width):
        last = min(first + width - 1, params.forecast.horizon)
        rows = labelled.filter(pl.col(STEP).is_between(first, last))
        if rows.height >= MIN_ROWS:
            outcome, score, _ = arrays(rows, params)
            figures[f"{first} to {last}" if last > first else f"{first}"] = metric(outcome, score)
    return figures


def _mean(values: Vector, ids: Ids) -> Interval:
    """The mean, and its 95% interval."""
    mean, error = float(values.mean()), 1.96 * bootstrap.standard_error(values, ids)
    return Interval(mean, mean - error, mean + error)


def _estimated(rows: pl.DataFrame, params: Params) -> float | None:
    """The main metric to be expected if outcomes came as often as the scores say (confidence-based estimation)."""
    if params.is_number or rows.is_empty():
        return None
    score = scores(rows.gather_every(-(-rows.height // DRAWN_ROWS)), params)
    metric, generator = definitions.main_metric(params), np.random.default_rng(0)
    drawn = (_draw(score, generator.random(len(score))) for _ in range(DRAWS))
    figures = [metric(outcome, score) for outcome in drawn if np.ptp(outcome) > 0]
    return float(np.mean(figures)) if figures else None


def _draw(score: Vector, random: Vector) -> Vector:
    """An outcome of each row, by its probabilities."""
    if score.ndim == 1:
        return (random < score).astype(np.float64)
    classes: Vector = (random[:, None] > score.cumsum(axis=1)[:, :-1]).sum(axis=1).astype(np.float64)
    return classes
