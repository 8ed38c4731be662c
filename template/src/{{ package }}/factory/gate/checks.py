"""The gate's checks, each of one reason to refuse a challenger, and the evidence that they look at."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ..config import Params
from ..metrics import bootstrap, definitions, fairness, threshold
from ..metrics.definitions import Vector, main_metric
from ..metrics.fairness import Predictions

WARM_UP_CALLS, CALLS = 20, 200


@dataclass(frozen=True)
class Evidence:
    """What the checks look at: all on the same test rows."""

    params: Params
    test: pl.DataFrame
    target: Vector
    challenger: Predictions
    champion: Predictions | None
    baseline: float | list[float]
    latency_ms: float
    size_mb: float
    parity: float
    tolerance: float
    contract_changed: bool
    accepted: str | None = None

    @property
    def reference(self) -> Vector:
        """The champion's scores, or before there is one the trivial baseline's."""
        return self.champion.score if self.champion else np.full_like(self.challenger.score, self.baseline)


@dataclass(frozen=True)
class Check:
    """The result of one check: `figure` against `limit`, with its 95 % interval where it has one."""

    code: str
    what: str
    figure: float | None
    limit: str
    passed: bool
    low: float | None = None
    high: float | None = None
    note: str = ""


def latency(call: Callable[[], object]) -> float:
    """Median milliseconds of a call."""
    times = []
    for _ in range(WARM_UP_CALLS + CALLS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return float(np.median(times[WARM_UP_CALLS:]) * 1000)


def megabytes(folder: Path) -> float:
    """Size of the folder's files."""
    return sum(file.stat().st_size for file in folder.iterdir()) / 1e6


def run_checks(evidence: Evidence) -> list[Check]:
    """Every check, in the order in which people ask."""
    not_finite = int((~np.isfinite(evidence.challenger.score)).sum())
    if not_finite:  # no metric is defined for these
        return [Check("FINITE", "scores that are no number", not_finite, "0", False)]
    return [result for check in CHECKS for result in check(evidence)]


def floor(e: Evidence) -> Iterator[Check]:
    """The main metric reaches its fixed limit."""
    name, limit = e.params.evaluation.metric, e.params.gate.floor
    figure = _metric(e, e.challenger.score, slice(None))
    if limit is None:
        yield Check("FLOOR", name, figure, "gate.floor in params.yaml", False, note="not set")
    elif main_metric(e.params).higher_is_better:
        yield Check("FLOOR", name, figure, f"≥ {limit:g}", figure >= limit)
    else:
        yield Check("FLOOR", name, figure, f"≤ {limit:g}", figure <= limit)


def better_than_baseline(e: Evidence) -> Iterator[Check]:
    """The whole interval of the improvement over the trivial baseline is above zero."""
    trivial = np.full_like(e.challenger.score, e.baseline)
    gain = bootstrap.improvement(main_metric(e.params), e.target, e.challenger.score, trivial)
    what = f"{e.params.evaluation.metric} over the baseline"
    yield Check("BASELINE", what, gain.value, "interval > 0", gain.low > 0, gain.low, gain.high)


def not_worse_than_champion(e: Evidence) -> Iterator[Check]:
    """Non-inferiority: the interval of the improvement stays above minus the margin (Piaggio et al. 2012, JAMA 308).

    The interval is of a paired bootstrap at 95 %, so a worse challenger passes in at most one of forty cases.
    """
    if e.champion:
        name, metric = e.params.evaluation.metric, main_metric(e.params)
        gain = bootstrap.improvement(metric, e.target, e.challenger.score, e.champion.score)
        limit = -e.params.gate.margin * abs(_metric(e, e.champion.score, slice(None)))
        what = f"{name} over the champion"
        yield Check("CHAMPION", what, gain.value, f"interval ≥ {limit:.4f}", gain.low >= limit, gain.low, gain.high)


def business_value(e: Evidence) -> Iterator[Check]:
    """Decisions earn more than the best of always and never, and no less than the champion's, but for its margin."""
    value = e.params.value
    if value is None:
        return
    ours = threshold.decision_values(e.target, e.challenger.decision, value)
    constant = (threshold.decision_values(e.target, np.full(len(e.target), acts), value) for acts in (False, True))
    trivial = max(constant, key=np.mean)
    references: list[tuple[str, Vector, float | None]] = [("the best constant decision", trivial, None)]
    if e.champion:
        theirs = threshold.decision_values(e.target, e.champion.decision, value)
        references.append(("the champion", theirs, -e.params.gate.value_margin * abs(float(theirs.mean()))))
    for name, theirs, limit in references:
        gain = bootstrap.difference(lambda rows, by=ours - theirs: float(by[rows].mean()), e.target)  # type: ignore[misc]
        passed = gain.low > 0 if limit is None else gain.low >= limit
        bound = "interval > 0" if limit is None else f"interval ≥ {limit:.4f}"
        yield Check("VALUE", f"value of a decision over {name}", gain.value, bound, passed, gain.low, gain.high)


def slices(e: Evidence) -> Iterator[Check]:
    """No large enough group is served worse than by the champion, or the baseline, but for the slices' margin."""
    for column in e.params.group_columns:
        changes, skipped = [], 0
        for value, rows in fairness.groups(e.test, column):
            if rows.sum() < e.params.gate.group_rows or np.ptp(e.target[rows]) == 0:
                skipped += 1
                continue
            ours, theirs = _metric(e, e.challenger.score, rows), _metric(e, e.reference, rows)
            sign = main_metric(e.params).direction
            changes.append((sign * (ours - theirs) / max(abs(theirs), 1e-9), str(value)))
        worst, value = min(changes, default=(None, "no group is large enough"))
        limit = -e.params.gate.slice_margin
        note = f"{value}; {skipped} groups too small or of one outcome" if skipped else value
        yield Check("SLICE", f"worst {column}", worst, f"≥ {limit:g}", worst is None or worst >= limit, note=note)


def calibration(e: Evidence) -> Iterator[Check]:
    """Scores are probabilities, or unbiased: expected calibration error over tenths, or the bias as a share of the spread."""
    if e.params.problem == "regression":
        figure = float(abs((e.challenger.score - e.target).mean()) / e.target.std())
    else:
        figure = definitions.calibration_error(*definitions.top_class(e.target, e.challenger.score))
    limit = e.params.gate.calibration
    yield Check("CALIBRATION", "calibration error", figure, f"≤ {limit:g}", figure <= limit)


def group_fairness(e: Evidence) -> Iterator[Check]:
    """Groups of each sensitive column are chosen, and misjudged, at rates that differ no more than allowed."""
    limits = {"selection": e.params.gate.selection_gap, "error": e.params.gate.error_gap}
    for column in e.params.data.sensitive:
        gaps = fairness.gaps(e.test[column], e.target, e.challenger, e.params.gate.group_rows)
        for kind, gap in gaps.items():
            limit = limits[kind]
            passed = gap.value is None or gap.value <= limit
            what = f"gap in {kind} rate by {column}"
            yield Check(f"FAIRNESS_{kind.upper()}", what, gap.value, f"≤ {limit:g}", passed, note=gap.note)


def footprint(e: Evidence) -> Iterator[Check]:
    """The artefact alone: time of one row, size of its files, and ONNX against scikit-learn."""
    limits = e.params.gate
    yield Check(
        "LATENCY", "ms a row, median", e.latency_ms, f"≤ {limits.latency_ms:g}", e.latency_ms <= limits.latency_ms
    )
    yield Check("SIZE", "MB on disk", e.size_mb, f"≤ {limits.size_mb:g}", e.size_mb <= limits.size_mb)
    yield Check("PARITY", "ONNX against scikit-learn", e.parity, f"≤ {e.tolerance:g}", e.parity <= e.tolerance)


def contract_unchanged(e: Evidence) -> Iterator[Check]:
    """Rows that were valid for the champion still are, or the change is named on purpose."""
    if e.champion:
        note = f"accepted: {e.accepted}" if e.contract_changed and e.accepted else ""
        note = note or ("contract.py differs: --accept-contract-change says why" if e.contract_changed else "")
        passed = not e.contract_changed or bool(e.accepted)
        yield Check("CONTRACT", "contract as the champion's", None, "unchanged", passed, note=note)


CHECKS = (
    floor,
    better_than_baseline,
    not_worse_than_champion,
    business_value,
    slices,
    group_fairness,
    calibration,
    footprint,
    contract_unchanged,
)


def _metric(e: Evidence, score: Vector, rows: Any) -> float:
    return float(main_metric(e.params)(e.target[rows], score[rows]))
