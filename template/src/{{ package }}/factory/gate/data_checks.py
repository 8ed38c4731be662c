"""The gate's doubts about data and test: whether a model looks better in its test than it will be in use."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars import selectors

from ..data.split import is_by_time
from ..evaluation.formatting import number, share
from ..leakage.finding import Kind
from ..leakage.groups import encode
from ..leakage.sample import Sample
from ..leakage.search import search
from ..metrics import bootstrap
from ..metrics.definitions import METRICS, Metric, main_metric, target_of
from ..scoring.scorer import matrix
from ..training import forecast_leakage
from .copies import beyond_chance, copied_share
from .evidence import Check, Evidence, Part

MIN_ROWS, MIN_CASES, MIN_IDS, MIN_IDS_WITH_CASE = 20, 10, 6, 3
MAX_COPIES, MIN_EXCESS = 0.05, 0.7
MIN_GAP = 0.05
SKILL = {"classification": "roc_auc", "multiclass": "accuracy", "regression": "r2", "forecasting": "mase"}
MAX_CODES = 255  # categories of scikit-learn's histograms
LEAKS: dict[Kind, str] = {
    "group": "its rows are in training and test",
    "order": "neighbours are in training and test",
    "column": "alone predicts the target",
    "joint": "together predict the target",
    "value": "a value of it predicts the target",
    "missing": "that it is missing predicts the target",
    "afterwards": "may be known only afterwards",
    "derived": "follows from a column that predicts the target too well",
}


def small_test(e: Evidence) -> Iterator[Check]:
    """The test has enough rows, enough of them of other outcomes than the most frequent, and enough ids where these repeat.

    With fewer it says next to nothing: of 20 rows the 95% interval of a share is ±0.2, of 10 cases ±0.3; where a model is
    better on all of 5 ids, that may be chance (sign test); and of 2 ids with an outcome, one decides. Ids count by their
    effective number (Kish 1965), which is below 4 where one has half of the rows. For a forecast, blocks of target times are
    what ids are for others.
    """
    ids, counts = e.params.data.id if e.params.data.repeats else None, [(e.test.height, MIN_ROWS, "test rows")]
    if e.ids is not None:
        what = f"blocks of {e.params.forecast.horizon} target times, or series if more" if e.params.forecast else ids
        counts.append((round(_ids(e.ids)), MIN_IDS, f"{what}: effective number in the test"))
    if not e.params.is_number:
        _, codes = np.unique(e.target, return_inverse=True)
        rarer = codes != np.bincount(codes).argmax()
        counts.append((int(rarer.sum()), MIN_CASES, "test rows of other outcomes than the most frequent"))
        if ids:
            found = e.test.filter(rarer).n_unique(ids)
            counts.append(
                (found, MIN_IDS_WITH_CASE, f"{ids}: number in the test with other outcomes than the most frequent")
            )
    count, least, what = min(counts, key=lambda each: each[0] / each[1])
    note = ""
    if count < least:
        metric = main_metric(e.params)
        low, high = map(number, _interval(e, metric))
        note = f"{metric.label} {number(float(metric(e.target, e.challenger.score)))}, 95% interval {low} to {high}"
    yield Check("SMALL_TEST", what, count, f"≥ {least}", count >= least, note=note)


def leakage(e: Evidence) -> Iterator[Check]:
    """No leak is found in the training rows, by the features that the model sees."""
    if e.train is None:
        return
    if e.params.forecast:
        yield from _leakage_of_forecast(e, e.train)
        return
    doubts = search(_sample(e, e.train), _entities(e, e.train), refusals_only=True)
    found = [each for each in doubts if each.refuses]
    for each in found:
        what, note = f"{each.subject}: {LEAKS[each.kind]}", f"{each.evidence}; {each.question} {each.remedy}"
        yield Check("LEAKAGE", what, each.figure, f"≤ {each.limit:g}", False, note=note, subject=each.subject)
    if not found:
        yield Check("LEAKAGE", "leaks found in the training rows", 0, "0", True)


def duplicates(e: Evidence) -> Iterator[Check]:
    """Few test rows are copies of training rows; rows of a few values may coincide by chance."""
    if e.train is None or e.tested is None or e.tested.features.width < 2:
        return
    if e.params.forecast:  # whose rows overlap, as one time is forecast from several origins
        return
    parts = e.train, e.tested, e.params.data.target
    figure = copied_share(*parts)
    excess = beyond_chance(*parts) if figure > MAX_COPIES else 0.0
    what, copied = "test rows with features and target of a training row", excess > MIN_EXCESS
    note = f"of those alike in half of the features, {share(excess)} are copies" if copied else ""
    if figure > MAX_COPIES and not copied:
        note = "rows of few values, which coincide by chance"
    yield Check("DUPLICATES", what, figure, f"≤ {share(MAX_COPIES)}", not copied, note=note, unit="share")


def train_test_gap(e: Evidence) -> Iterator[Check]:
    """The test shows the model neither far better nor far worse than the validation on training rows did.

    Far worse is to have less than half of the skill left, far better to lack less than half of what is missing to
    perfection, where the intervals do not overlap; a quarter where the test is of newer rows, as times differ. Skill is
    counted from what chance gives: by measures that depend on no unit, and little on rates. Of a forecast it is the scaled
    error that may be four times as large, or a quarter.
    """
    metric = METRICS[e.params.problem][SKILL[e.params.problem]]
    known = (e.validation or {}).get("metrics", {}).get(metric.name)
    what = f"{metric.label} in the test, against the validation"
    if known is None:
        yield Check("TRAIN_TEST_GAP", what, None, "", True, note="the model was not validated", judged=False)
        return
    figure, (least, most) = float(metric(e.target, e.challenger.score)), _expected(e, known["value"])
    note = f"validation {number(known['value'])}, {number(known['low'])} to {number(known['high'])}"
    check = Check("TRAIN_TEST_GAP", what, figure, f"{number(least)} to {number(most)}", True, note=note)
    if not least <= figure <= most:
        low, high = _interval(e, metric)
        beyond = (known["high"] - known["low"]) / 2  # a new part is outside of five others' range in one of three cases
        passed = low <= known["high"] + beyond and known["low"] - beyond <= high
        check = replace(check, passed=passed, low=low, high=high)
    yield check


CHECKS = (small_test, leakage, duplicates, train_test_gap)


def _sample(e: Evidence, part: Part) -> Sample:
    """The training rows as the searches for leaks want them."""
    data, values = e.params.data, matrix(part.features).astype(np.float64)
    values[~np.isfinite(values)] = np.nan
    types = part.features.schema.items()
    labels = {name: dtype.categories.to_list() for name, dtype in types if isinstance(dtype, pl.Enum)}
    return Sample(
        e.params.problem,
        data.target,
        target_of(part.rows, e.params),
        dict(zip(part.features.columns, values.T, strict=True)),
        frozenset(name for name, known in labels.items() if len(known) < MAX_CODES),
        encode(part.rows[data.id]) if data.id and data.repeats else None,
        is_by_time(data),
        labels,
    )


def _entities(e: Evidence, part: Part) -> Mapping[str, pl.Series]:
    """The columns that may name what several rows belong to."""
    kept = {e.params.data.target, *([e.params.data.id] if e.params.data.repeats else [])}
    columns = part.rows.select(selectors.string() | selectors.integer() | selectors.float() | selectors.enum())
    return {name: columns[name] for name in columns.columns if name not in kept}


def _leakage_of_forecast(e: Evidence, train: Part) -> Iterator[Check]:
    """Of a forecast: targets of the training are older than the test, and no feature knows them beforehand."""
    time, first = e.params.data.times[0], e.test["origin"].min()
    later = train.rows.filter(pl.col(time) > first).height
    what = "training rows whose target is not known at the first origin of the test"
    yield Check("LEAKAGE", what, later, "0", later == 0, subject=time)
    leaks = forecast_leakage.find(train.rows, train.features, e.params)
    for leak in leaks:
        what = f"{leak.subject}: {'predict' if len(leak.columns) > 1 else 'predicts'} the target"
        limit = f"≤ {forecast_leakage.LIMIT:g}"
        yield Check("LEAKAGE", what, leak.figure, limit, False, note=leak.evidence, subject=leak.subject)
    if not leaks:
        yield Check("LEAKAGE", "leaks found in the training rows", 0, "0", True)


def _expected(e: Evidence, validated: float) -> tuple[float, float]:
    """From where to where the measure of skill in the test may be."""
    kept, chance = 0.25 if is_by_time(e.params.data) else 0.5, _chance(e)
    if e.params.forecast:
        return kept * validated, validated / kept
    most = max(validated + MIN_GAP, 1 - kept * (1 - validated))
    return min(validated - MIN_GAP, chance + kept * (validated - chance)), min(most, 1.0)


def _chance(e: Evidence) -> float:
    """What a model without skill has."""
    if e.params.problem == "multiclass":
        return float(np.unique(e.target, return_counts=True)[1].max() / len(e.target))
    return 0.0 if e.params.is_number else 0.5


def _ids(ids: NDArray[np.int64]) -> float:
    """The effective number of ids (Kish 1965)."""
    sizes = np.unique(ids, return_counts=True)[1].astype(np.float64)
    return float(sizes.sum() ** 2 / (sizes**2).sum())


def _interval(e: Evidence, metric: Metric) -> tuple[float, float]:
    """The ends of the metric's 95% interval."""
    found = bootstrap.interval(metric, e.target, e.challenger.score, e.ids)
    return found.low, found.high
