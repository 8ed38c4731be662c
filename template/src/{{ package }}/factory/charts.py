"""The curves as SVG, free of the user's text and coloured by the page's own CSS variables."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import vl_convert

from .assessment import Assessment
from .metrics import Vector

BINS = 40
MUTED = {"labelColor": "var(--muted)", "titleColor": "var(--muted)", "titleFontWeight": "normal", "titlePadding": 8}
STYLE = {
    "aria": False,
    "background": None,
    "font": "system-ui",
    "view": {"stroke": None},
    "axis": {"domain": False, "ticks": False, "gridColor": "var(--grid)", "labelPadding": 6, "tickCount": 5} | MUTED,
    "axisX": {"labelFlush": False, "labelFontSize": 13, "titleFontSize": 13},
    "axisY": {"minExtent": 38, "labelFontSize": 13, "titleFontSize": 13},
    "legend": {"orient": "top", "title": None, "labelColor": "var(--ink)", "labelFontSize": 13, "symbolSize": 120},
}
Spec = dict[str, Any]
PLAIN: Spec = {"type": "quantitative"}
CORE: Spec = PLAIN | {"scale": {"zero": False, "nice": False}, "axis": {"grid": False}}
SHARE: Spec = PLAIN | {"axis": {"format": "~%"}, "stack": None, "title": "share of rows"}
UNIT: Spec = SHARE | {"scale": {"domain": [0, 1]}}


@dataclass(frozen=True)
class Figure:
    """A drawing, what it is, and how to read it."""

    title: str
    caption: str
    svg: str


def figures(assessment: Assessment) -> list[Figure]:
    """The drawings that fit the problem."""
    return classification(assessment) if assessment.params.problem == "classification" else regression(assessment)


def classification(assessment: Assessment) -> list[Figure]:
    """Scores by outcome, calibration, precision against recall, ROC."""
    curves, score, threshold = assessment.curves, assessment.score, assessment.manifest["threshold"]
    positive = assessment.target > 0
    share = float(positive.mean())
    scores = [_histograms({"false": score[~positive], "true": score[positive]}, (0.0, 1.0))]
    calibration = [_guide((0, 0), (1, 1)), _line(curves["calibration"], "predicted", "observed", point=True)]
    pr = [_guide((0, share), (1, share)), _line(curves["precision_recall"], "recall", "precision")]
    roc = [_guide((0, 0), (1, 1)), _line(curves["roc"], "false_positive_rate", "true_positive_rate")]
    line = dot = ""
    if threshold is not None and assessment.confusion is not None:
        line, dot = "The upright line is the threshold.", "The dot is the threshold in use."
        recall, precision, false_rate = _operating_point(assessment.confusion)
        scores, pr = [*scores, _upright(min(threshold, 1.0))], [*pr, _dot(recall, precision)]
        roc = [*roc, _dot(false_rate, recall)]
    by_outcome = _svg(scores, CORE | {"title": "score"}, SHARE)
    calibrated = _svg(calibration, UNIT | {"title": "predicted"}, UNIT | {"title": "observed"})
    precise = _svg(pr, UNIT | {"title": "recall"}, UNIT | {"title": "precision"})
    operating = _svg(roc, UNIT | {"title": "false rows flagged"}, UNIT | {"title": "true rows found"})
    return [
        Figure("Scores by outcome", f"Share of the true and of the false rows at each score. {line}", by_outcome),
        Figure("Calibration", "How often it was true where the model gave that probability.", calibrated),
        Figure("Precision against recall", f"How many flags are right, by share of true rows found. {dot}", precise),
        Figure("ROC", f"Share of the true rows found, by share of the false rows flagged. {dot}", operating),
    ]


def regression(assessment: Assessment) -> list[Figure]:
    """Observed against predicted, both distributions, errors, and how many rows lie within an error."""
    target, score, tenths = assessment.target, assessment.score, assessment.curves["predicted_observed"]
    errors, steps = score - target, np.linspace(0, 0.99, 100)
    ends = [(end, end) for end in tenths["predicted"].to_numpy()[[0, -1]].tolist()]
    means = [_band(tenths), _guide(*ends), _line(tenths, "predicted", "observed", point=True)]
    both = _histograms({"observed": target, "predicted": score}, _core(np.append(target, score)))
    each = [_histograms({"error": errors}, _core(errors)), _upright(0)]
    sizes = _line(pl.DataFrame({"size": np.quantile(np.abs(errors), steps), "share": steps}), "size", "share")
    against = _svg(means, PLAIN | {"title": "predicted"}, PLAIN | {"title": "observed"})
    spread = _svg([both], CORE | {"title": "value"}, SHARE)
    wrong = _svg(each, CORE | {"title": "error"}, SHARE)
    within = _svg([sizes], PLAIN | {"title": "size of the error"}, SHARE)
    return [
        Figure("Observed against predicted", "By tenths of the rows: the mean, and where 80 % of them lie.", against),
        Figure("Distributions", "Share of the rows at each value. The outermost 1 % are pooled.", spread),
        Figure("Errors", "Prediction minus observation: left of the line it was too low.", wrong),
        Figure("Size of the errors", "Share of the rows whose error, either way, is at most this.", within),
    ]


def _svg(layers: list[Spec], x: Spec, y: Spec) -> str:
    spec = {"layer": layers, "encoding": {"x": x, "y": y}, "width": 400, "height": 260, "config": STYLE}
    drawn = re.sub(r' (?:class|role|aria-[a-z]+|pointer-events|xmlns\S*)="[^"]*"', "", vl_convert.vegalite_to_svg(spec))
    drawn = re.sub(r"(\d\.\d\d)\d+(?=[^<>]*>)", r"\1", drawn)
    return re.sub(r'<svg .*?(viewBox="[^"]*")[^>]*', r'<svg \1 aria-hidden="true"', drawn, count=1)


def _layer(frame: pl.DataFrame, mark: Spec, x: str = "x", y: str = "y", **encoding: Spec) -> Spec:
    encoding |= {"x": {"field": x}, "y": {"field": y}}
    return {"data": {"values": frame.to_dicts()}, "mark": mark, "encoding": encoding}


def _histograms(values: dict[str, Vector], ends: tuple[float, float]) -> Spec:
    edges = np.linspace(*ends, BINS + 1)
    shares = {key: np.histogram(np.clip(v, *ends), edges)[0] / max(len(v), 1) for key, v in values.items()}
    frames = [pl.DataFrame({"x": edges, "y": [*share, share[-1]], "of": key}) for key, share in shares.items()]
    colours = ["var(--other)", "var(--model)"][-len(values) :]
    legend = {"field": "of", "scale": {"domain": list(values), "range": colours}}
    mark = {"type": "area", "interpolate": "step-after", "fillOpacity": 0.25, "line": {"strokeWidth": 1.5}}
    return _layer(pl.concat(frames), mark, color=legend if len(values) > 1 else {"value": colours[0]})


def _line(frame: pl.DataFrame, x: str, y: str, *, point: bool = False) -> Spec:
    mark = {"type": "line", "color": "var(--model)", "strokeWidth": 2}
    return _layer(frame, mark | ({"point": {"size": 45, "color": "var(--model)"}} if point else {}), x, y)


def _band(tenths: pl.DataFrame) -> Spec:
    mark = {"type": "area", "color": "var(--model)", "opacity": 0.2}
    return _layer(tenths, mark, "predicted", "low", y2={"field": "high"})


def _guide(*points: tuple[float, float]) -> Spec:
    mark = {"type": "line", "color": "var(--muted)", "strokeDash": [4, 4], "strokeWidth": 1}
    return _layer(pl.DataFrame(points, schema={"x": pl.Float64, "y": pl.Float64}, orient="row"), mark)


def _upright(x: float) -> Spec:
    rule = {"type": "rule", "color": "var(--ink)", "strokeWidth": 1.5}
    return {"data": {"values": [{"x": x}]}, "mark": rule, "encoding": {"x": {"field": "x"}, "y": None}}


def _dot(x: float, y: float) -> Spec:
    mark = {"type": "circle", "size": 110, "opacity": 1, "color": "var(--ink)"}
    return _layer(pl.DataFrame({"x": [x], "y": [y]}), mark)


def _core(values: Vector) -> tuple[float, float]:
    low, high = np.quantile(values, [0.005, 0.995]).tolist()
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def _operating_point(confusion: dict[str, int]) -> tuple[float, float, float]:
    hit, alarm = confusion["true_positive"], confusion["false_positive"]
    positive, negative = hit + confusion["false_negative"], alarm + confusion["true_negative"]
    return hit / max(positive, 1), hit / max(hit + alarm, 1), alarm / max(negative, 1)
