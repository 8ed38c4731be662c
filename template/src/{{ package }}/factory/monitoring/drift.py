"""What has changed in service: the checks of each window, against the model's reference and against the windows before."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..scoring.profile import DECISION, SCORE, Bins, Counts, Profile, Vector
from . import limits
from .changes import describe
from .limits import CHANCE, TOGETHER, padded, runs
from .windows import ROWS, Window

TRAILING, GAP = 56, 3
"""With how many windows before features are compared, but for the last ones, which may have changed already."""
PATIENCE = 7  # days without enough rows
REFUSED = 0.02  # share of the rows
PSI = 0.2  # by habit

Text = Callable[[int], str]


@dataclass(frozen=True)
class Check:
    """A figure of a window and its limit.

    It is `beyond` where its tier's rule is met: of alerts, two of the last three windows, or seven together, whose figure it
    then is, with `windows` 7; of notices, three of three. Gauges never are.
    """

    tier: str
    code: str
    column: str | None
    value: float
    limit: float | None
    beyond: bool
    text: str
    windows: int = 1


Checks = Iterator[tuple[int, Check]]
"""Each with the place of its window."""


@dataclass(frozen=True)
class Series:
    """A figure of every window, NaN where it has none, its limits, and where it is beyond them: 1, or -1 on the other side."""

    values: Vector
    limits: Vector
    beyond: NDArray[np.int64]

    def at(self, place: int) -> tuple[float, float | None]:
        """The window's figure and limit."""
        limit = self.limits[place]
        return _rounded(self.values[place]), _rounded(limit) if np.isfinite(limit) else None


def judge(
    profile: Profile, windows: Sequence[Window], floor: float | None = None, higher_is_better: bool = True
) -> list[list[Check]]:
    """The checks of each window, of one model in one role and in time order: later ones are judged by those before."""
    found: list[list[Check]] = [[*_volume(window)] for window in windows]
    places = [place for place, window in enumerate(windows) if window.complete]
    complete = [windows[place] for place in places]
    for place, check in _all(profile, complete, floor, higher_is_better) if complete else ():
        found[places[place]].append(check)
    return found


def _all(profile: Profile, windows: list[Window], floor: float | None, higher_is_better: bool) -> Checks:
    yield from _refusals(windows)
    for bins in profile.bins:
        yield from (_score if bins.column in (SCORE, DECISION) else _column)(profile, bins, windows)
    yield from _bias(profile, windows)
    if floor is not None:
        yield from _metric(windows, floor, higher_is_better)


def _score(profile: Profile, bins: Bins, windows: list[Window]) -> Checks:
    test, counts = profile.counts[bins.column][profile.part("test")], _counts(bins, windows)
    pair = [_above(*limits.distances(test, counts, length)) for length in CHANCE]
    text = partial(_change, bins, windows, counts, test.sum(axis=0)[None])
    yield from _alerts("SCORE_DRIFT", bins.column, pair, text, always=True)


def _column(profile: Profile, bins: Bins, windows: list[Window]) -> Checks:
    known, counts = profile.counts[bins.column], _counts(bins, windows)
    quality = {"MISSING_VALUES": (-1, known)}
    if bins.kind == "category" or bins.values:
        quality["UNSEEN_VALUES"] = -2, known[profile.part("test")]
    for code, (cell, reference) in quality.items():
        pair = [_above(*limits.cell_shares(reference, counts, cell, length)) for length in CHANCE]
        text = partial(_change, bins, windows, counts, reference.sum(axis=0)[None], cell=cell)
        yield from _alerts(code, bins.column, pair, text)
    yield from _notices(bins, known, windows, counts)
    yield from _gauges(bins.column, known[profile.part("train")].sum(axis=0), counts)


def _notices(bins: Bins, known: Counts, windows: list[Window], counts: Counts) -> Checks:
    """Each window against those before it, at first the reference's, so that seasons are left alone."""
    line = np.concatenate([np.zeros((TRAILING + GAP, bins.cells), np.int64), known, counts])[
        -len(counts) - TRAILING - GAP :
    ]
    before = np.lib.stride_tricks.sliding_window_view(line, TRAILING, axis=0)[: len(counts)].transpose(0, 2, 1)
    series = _above(*limits.trailing_distances(before, counts))
    text = partial(_change, bins, windows, counts, before.sum(axis=1))
    for place in np.flatnonzero(_recent(series.beyond) >= 3).tolist():
        yield place, Check("notice", "FEATURE_DRIFT", bins.column, *series.at(place), True, text(place))


def _gauges(column: str, train: Counts, counts: Counts) -> Checks:
    distance, psi = limits.distance(counts, train), limits.psi(counts, train)
    for code, values in {"DISTANCE": distance, "PSI": psi, "MISSING": limits.shares(counts)[:, -1]}.items():
        for place in np.flatnonzero(np.isfinite(values)).tolist():
            limit = PSI if code == "PSI" else None
            yield place, Check("gauge", code, column, _rounded(values[place]), limit, False, "")


def _bias(profile: Profile, windows: list[Window]) -> Checks:
    """Outcomes that are higher or lower than their scores, by more than they are in the reference's windows."""
    test = profile.part("test")
    known, rows = profile.residuals[test], profile.counts[SCORE][test].sum(axis=1).mean()
    usual, pair = known.mean(), []
    values = np.array([np.nan if window.bias is None else window.bias for window in windows])
    labelled = np.array([max(window.labelled, 1) for window in windows])
    for length in CHANCE:
        noise = np.sqrt(np.maximum(rows * length / runs(labelled, length), 1))  # of fewer rows than the reference's
        apart = padded(limits.middle(values, length) - usual, len(windows))
        series = _above(np.abs(apart), padded(limits.mean_limit(known, length) * noise, len(windows)))
        pair.append(replace(series, beyond=np.where(apart < 0, -series.beyond, series.beyond)))

    def text(place: int) -> str:
        recent = np.nanmean(values[max(0, place - 2) : place + 1])
        side = "above" if recent > 0 else "below"
        return f"outcomes are {abs(recent):.3g} {side} their scores on average, {usual:+.3g} in the test"

    yield from _alerts("BIAS", None, pair, text, always=True)


def _metric(windows: list[Window], floor: float, higher_is_better: bool) -> Checks:
    """A main metric that is worse than the gate's floor: with its interval, or in the mean of seven with theirs."""
    known = np.array([window.metric or (np.nan,) * 3 for window in windows])
    best, side = known[:, 2 if higher_is_better else 1], 1 if higher_is_better else -1
    pair = []
    for length in CHANCE:
        values = padded(runs(known[:, 0], length) / length, len(windows))
        spread = padded(np.sqrt(runs((best - known[:, 0]) ** 2, length)) / length, len(windows))
        with np.errstate(invalid="ignore"):
            worse = (side * values + spread < side * floor).astype(np.int64)
        pair.append(Series(values, np.full(len(values), floor), worse))
    yield from _alerts(
        "METRIC_FLOOR", None, pair, lambda place: f"{known[place, 0]:.3g}, {floor:g} is the floor", always=True
    )


def _refusals(windows: list[Window]) -> Checks:
    received = np.array([max(window.received, 1) for window in windows])
    for name in sorted({name for window in windows for name in window.refused}):
        share = np.array([window.refused.get(name, 0) for window in windows]) / received
        means = padded(runs(share, TOGETHER) / TOGETHER, len(share))
        pair = [_above(values, np.full(len(share), REFUSED)) for values in (share, means)]
        yield from _alerts("REFUSALS", name, pair, partial(_refusal, name, share))


def _refusal(name: str, share: Vector, place: int) -> str:
    return f"{name}: {share[place]:.1%} of the rows refused"


def _volume(window: Window) -> Iterator[Check]:
    yield Check("gauge", "ROWS", None, window.rows, None, False, "")
    if not window.complete and (window.last - window.first).days >= PATIENCE:
        text = f"{window.received} rows since {window.first}, of {ROWS} that a window takes"
        yield Check("alert", "TOO_LITTLE_DATA", None, window.received, ROWS, True, text)


def _alerts(code: str, column: str | None, pair: list[Series], text: Text, always: bool = False) -> Checks:
    """By the rule of two of three windows, or seven together; `always` also where it is not met."""
    single, together = pair
    judged = np.isfinite(single.values)
    often = (np.abs(_recent(single.beyond)) >= 2) & judged
    for place in np.flatnonzero(often | (together.beyond != 0) | (always & judged)).tolist():
        met = bool(often[place] or together.beyond[place])
        figure, windows = (together, TOGETHER) if met and not often[place] else (single, 1)
        yield place, Check("alert", code, column, *figure.at(place), met, text(place) if met else "", windows)


def _above(values: Vector, most: Vector) -> Series:
    with np.errstate(invalid="ignore"):
        return Series(values, most, (values > most).astype(np.int64))


def _recent(beyond: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of each window and the two before it, how many are beyond."""
    return np.convolve(beyond, np.ones(3, np.int64))[: len(beyond)]


def _counts(bins: Bins, windows: list[Window]) -> Counts:
    none = np.zeros(bins.cells, np.int64)  # of a column that was not captured, or is counted by another reference
    found = (window.counts.get(bins.column, none) for window in windows)
    return np.array([cells if len(cells) == bins.cells else none for cells in found])


def _change(
    bins: Bins, windows: list[Window], counts: Counts, usual: Counts, place: int, cell: int | None = None
) -> str:
    own = usual[place] if len(usual) > 1 else usual[0]
    return describe(bins, own, counts[place], windows[place].medians.get(bins.column), cell)


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
