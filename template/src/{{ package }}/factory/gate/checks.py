"""The gate's checks, each for one reason to reject a challenger."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..decision import Decision, Value
from ..evaluation.formatting import number, share
from ..metrics import bootstrap, definitions, fairness, threshold
from ..metrics.definitions import Metric, Vector, main_metric
from ..metrics.fairness import Gap
from ..metrics.forecasts import naive_forecasts
from ..scoring import interval
from . import data_checks
from .evidence import Check, Evidence, accept

MIN_GROUP = 30  # rows, of which an interval can be trusted
MAY_BE_CHANCE = "too few cases: may be chance"


def megabytes(folder: Path) -> float:
    """Size of the folder's files."""
    return sum(file.stat().st_size for file in folder.iterdir()) / 1e6


def run_checks(evidence: Evidence) -> list[Check]:
    """Every check, in the order in which people ask."""
    not_finite = int((~np.isfinite(evidence.challenger.score)).sum())
    if not_finite:  # no metric is defined for these
        return [Check("FINITE", "scores that are NaN or infinite", not_finite, "0", False)]
    results = (result for check in CHECKS for result in check(evidence))
    return list(accept(results, evidence.params.gate.accepted))


def floor(e: Evidence) -> Iterator[Check]:
    """The main metric reaches its fixed limit."""
    metric, limit = main_metric(e.params), e.params.gate.floor
    figure = _metric(e, e.challenger.score)
    if limit is None:
        note = "not set in params.yaml: no model passes without it"
        yield Check("FLOOR", metric.label, figure, "gate.floor", False, note=note)
    elif metric.higher_is_better:
        yield Check("FLOOR", metric.label, figure, f"≥ {limit:g}", figure >= limit)
    else:
        yield Check("FLOOR", metric.label, figure, f"≤ {limit:g}", figure <= limit)


def better_than_baseline(e: Evidence) -> Iterator[Check]:
    """The whole interval of the improvement over the trivial baseline is above zero."""
    for name, score in _baselines(e).items():
        gain = bootstrap.improvement(main_metric(e.params), e.target, e.challenger.score, score, e.ids)
        what = _gain(main_metric(e.params), name)
        yield Check("BASELINE", what, gain.value, "lower bound > 0", gain.low > 0, gain.low, gain.high)


def _baselines(e: Evidence) -> dict[str, Vector]:
    """The trivial baseline's scores; of forecasts the seasonal naive ones, and the best of the other naive ones."""
    if not e.params.forecast:
        return {"baseline": e.trivial}
    metric = main_metric(e.params)
    others = naive_forecasts(e.test, float(e.baseline))  # type: ignore[arg-type]
    seasonal = others.pop("seasonal_naive")
    best = max(others, key=lambda name: metric.direction * metric(e.target, others[name]))
    return {"seasonal naive forecast": seasonal, f"best simple forecast ({best})": others[best]}


def not_worse_than_champion(e: Evidence) -> Iterator[Check]:
    """Non-inferiority: the interval of the improvement stays above minus the margin (Piaggio et al. 2012, JAMA 308).

    The interval is of a paired bootstrap at 95%, so a worse challenger passes in at most one of forty cases.
    """
    metric = main_metric(e.params)
    what = _gain(metric, "champion")
    if e.champion is None:
        yield _not_judged("CHAMPION", what, "", "no champion to compare with")
        return
    gain = bootstrap.improvement(metric, e.target, e.challenger.score, e.champion.score, e.ids)
    limit = -e.params.gate.margin * abs(_metric(e, e.champion.score))
    bound = f"lower bound ≥ {number(limit)}"
    yield Check("CHAMPION", what, gain.value, bound, gain.low >= limit, gain.low, gain.high)


def business_value(e: Evidence) -> Iterator[Check]:
    """Decisions earn more than trivial ones, and no less than the champion's, but for the margin.

    Without `value`, of the highest scores more are true.
    """
    decision, value = e.params.decision, e.params.value
    what = "value per decision" if value else "precision at k"
    if decision and not value:
        value = Value(true_positive=1 / decision.share)
    if value is None:
        return
    ours = threshold.decision_values(e.target, e.challenger.decision, value)
    best, trivial = _trivial_decisions(e.target, value, decision)
    references: list[tuple[str, Vector, float | None]] = [(best, trivial, None)]
    if e.champion:
        theirs = threshold.decision_values(e.target, e.champion.decision, value)
        references.append(("the champion", theirs, -e.params.gate.value_margin * abs(float(theirs.mean()))))
    for name, theirs, limit in references:
        gain = bootstrap.difference(lambda rows, by=ours - theirs: float(by[rows].mean()), e.target, e.ids)  # type: ignore[misc]
        passed = gain.low > 0 if limit is None else gain.low >= limit
        bound = "lower bound > 0" if limit is None else f"lower bound ≥ {number(limit)}"
        yield Check("VALUE", f"{what}, gain over {name}", gain.value, bound, passed, gain.low, gain.high)


def _trivial_decisions(target: Vector, value: Value, decision: Decision | None) -> tuple[str, Vector]:
    """Name of the trivial decisions that earn most, and what each earns: all the same, or so many rows at random."""
    no, yes = (threshold.decision_values(target, np.full(len(target), acts), value) for acts in (False, True))
    trivial = {'always "no"': no, 'always "yes"': yes}
    if decision:
        trivial = {"no rows": no, "as many rows at random": decision.share * yes + (1 - decision.share) * no}
    return max(trivial.items(), key=lambda each: float(each[1].mean()))


def slices(e: Evidence) -> Iterator[Check]:
    """In no large enough group is the metric worse than the champion's, or the baseline's, by more than the slice margin."""
    metric, minimum = main_metric(e.params), e.params.gate.group_rows
    limit = f"≥ {share(-e.params.gate.slice_margin)}"
    for column in e.params.group_columns:
        what = f"{column}: smallest relative {_gain(metric, e.reference_name, short=True)}"
        measured, skipped = fairness.group_metrics(
            e.test, column, metric, e.target, e.challenger.score, e.reference, minimum
        )
        small = _skipped(skipped, f"fewer than {minimum} rows, or a single outcome")
        if not measured:
            yield _not_judged("SLICE", what, limit, small)
            continue
        worst = measured[0]
        figures = f"{metric.label} {number(worst.value)}, {e.reference_name} {number(worst.reference)}"
        note = "; ".join(filter(None, (f"{worst.group} (n {number(worst.rows)}): {figures}", small)))
        passed = worst.gain >= -e.params.gate.slice_margin
        yield Check("SLICE", what, worst.gain, limit, passed, note=note, unit="share")


def calibration(e: Evidence) -> Iterator[Check]:
    """The expected calibration error over tenths of the scores; of a regression the bias, in standard deviations."""
    if e.params.is_number:
        what = "bias in standard deviations of the target"
        figure = float(abs((e.challenger.score - e.target).mean()) / e.target.std())
    else:
        what = "expected calibration error"
        figure = definitions.calibration_error(*definitions.top_class(e.target, e.challenger.score))
    limit = e.params.gate.calibration
    yield Check("CALIBRATION", what, figure, f"≤ {limit:g}", figure <= limit)


def coverage(e: Evidence) -> Iterator[Check]:
    """As many targets of a number are in their interval as it promises, but for a gap or chance; of a forecast, not more."""
    if not e.params.is_number:
        return
    if e.interval is None:
        yield _not_judged("COVERAGE", "targets within their interval", "", "the model has no intervals")
        return
    level, gate = e.interval["level"], e.params.gate
    low, high = interval.bounds(e.challenger.score, e.interval, e.test)
    within = (low <= e.target) & (e.target <= high)
    found = bootstrap.difference(lambda rows: float(within[rows].mean()), e.target, e.ids)
    limit = level - (gate.forecast_coverage_gap if e.params.forecast else gate.coverage_gap)
    what, bound = f"targets within their {share(level)} interval", f"upper bound ≥ {share(limit)}"
    passed = found.high >= limit
    yield Check("COVERAGE", what, found.value, bound, passed, found.low, found.high, unit="share")
    if e.params.forecast:
        most = level + gate.forecast_coverage_gap
        inside = (low < e.target) & (e.target < high)  # at an end are targets, such as 0, for which none is narrower
        found = bootstrap.difference(lambda rows: float(inside[rows].mean()), e.target, e.ids)
        what, bound = f"targets between the ends of their {share(level)} interval", f"lower bound ≤ {share(most)}"
        note = "without those at an end, such as 0"
        yield Check("COVERAGE", what, found.value, bound, found.low <= most, found.low, found.high, note, "share")


def group_fairness(e: Evidence) -> Iterator[Check]:
    """Selection rates and error rates of a sensitive column's groups differ no more than allowed.

    A rate below four fifths of another's is evidence of adverse impact where the difference is significant (Uniform
    Guidelines on Employee Selection Procedures, 29 CFR 1607.4 D). Neither that nor a gap between error rates is refused
    where it may be chance; a gap between selection rates, or between errors of a regression, is.
    """
    gate, minimum = e.params.gate, e.params.gate.group_rows
    for column in e.params.data.sensitive:
        gaps, skipped = fairness.gaps(e.test[column], e.target, e.challenger, minimum)
        small = _skipped(skipped, f"fewer than {minimum} rows")
        for kind, gap in gaps.items():
            limit = gate.selection_gap if kind == "selection" else gate.error_gap
            code, bound = f"FAIRNESS_{kind.upper()}", f"≤ {limit:g}"
            if gap is None:
                note = "; ".join(filter(None, ("fewer than two groups to compare", small)))
                yield replace(_not_judged(code, f"{column}: gap in {kind} rate", bound, note), subject=column)
                continue
            what = f"{column}: gap in {gap.rate}{' (equalized odds)' if gap.rate in ('TPR', 'FPR') else ''}"
            by_chance = kind == "error" and e.challenger.decision is not None and not gap.beyond_chance
            doubt = MAY_BE_CHANCE if by_chance and gap.value > limit else ""
            note = "; ".join(filter(None, (_describe(gap, with_ratio=kind == "selection"), doubt, small)))
            yield Check(code, what, gap.value, bound, gap.value <= limit or by_chance, note=note, subject=column)
        yield from _selection_ratio(e, column)


def _selection_ratio(e: Evidence, column: str) -> Iterator[Check]:
    """The lowest ratio, if there is a limit and somebody is selected; also of fewer rows, as it has an interval."""
    limit = e.params.gate.selection_ratio
    gap = fairness.selection_ratio(e.test[column], e.challenger, min(e.params.gate.group_rows, MIN_GROUP))
    if limit is None or gap is None or gap.ratio is None:
        return
    (low, high), fair = gap.ratio_interval, gap.ratio >= limit
    note = "; ".join(filter(None, (_describe(gap), "" if fair or gap.beyond_chance else MAY_BE_CHANCE)))
    what, passed = f"{column}: ratio of {gap.rate}", fair or not gap.beyond_chance
    yield Check("FAIRNESS_SELECTION", what, gap.ratio, f"≥ {limit:g}", passed, low, high, note, subject=column)


def footprint(e: Evidence) -> Iterator[Check]:
    """The model alone: time for one row, size of its files, and ONNX against scikit-learn."""
    time_limit, size_limit = e.params.gate.latency_ms, e.params.gate.size_mb
    yield Check(
        "LATENCY", "median time per row", e.latency_ms, f"≤ {time_limit:g} ms", e.latency_ms <= time_limit, unit="ms"
    )
    yield Check("SIZE", "size of model/", e.size_mb, f"≤ {size_limit:g} MB", e.size_mb <= size_limit, unit="MB")
    what, limit = "difference of ONNX from scikit-learn, in standard deviations", f"≤ {number(e.tolerance)}"
    if e.parity is None:
        yield _not_judged("PARITY", what, limit, "the model has no ONNX file")
    else:
        yield Check("PARITY", what, e.parity, limit, e.parity <= e.tolerance)


def contract_unchanged(e: Evidence) -> Iterator[Check]:
    """The contract is the champion's, or somebody gave a reason for the change."""
    what = "contract.py"
    if e.champion is None:
        yield _not_judged("CONTRACT", what, "", "no champion to compare with")
        return
    note = f"accepted: {e.accepted}" if e.accepted else "differs from the champion's"
    passed = not e.contract_changed or bool(e.accepted)
    yield Check("CONTRACT", what, None, "unchanged", passed, note=note if e.contract_changed else "")


CHECKS = (
    floor,
    better_than_baseline,
    not_worse_than_champion,
    business_value,
    slices,
    group_fairness,
    calibration,
    coverage,
    *data_checks.CHECKS,
    footprint,
    contract_unchanged,
)


def _not_judged(code: str, what: str, limit: str, why: str) -> Check:
    return Check(code, what, None, limit, True, note=why, judged=False)


def _gain(metric: Metric, reference: str, *, short: bool = False) -> str:
    """In words what is better than the reference where the figure is positive."""
    direction = f"gain over the {reference}" if metric.higher_is_better else f"reduction against the {reference}"
    return direction if short else f"{metric.label}, {direction}"


def _skipped(count: int, why: str) -> str:
    return f"{count} {'group' if count == 1 else 'groups'} not judged: {why}" if count else ""


def _describe(gap: Gap, *, with_ratio: bool = False) -> str:
    (low, n_low, lowest, _), (high, n_high, highest, _) = gap.lowest, gap.highest
    text = f"{gap.rate} {lowest:.2f} ({low}, n {number(n_low)}) against {highest:.2f} ({high}, n {number(n_high)})"
    return f"{text}, ratio {gap.ratio:.2f}" if with_ratio and gap.ratio is not None else text


def _metric(e: Evidence, score: Vector) -> float:
    return float(main_metric(e.params)(e.target, score))
