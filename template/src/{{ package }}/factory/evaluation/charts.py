"""The figures of the report, drawn as SVG: free of the user's text, coloured by the page's own CSS variables."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import vl_convert

from ..metrics.definitions import Vector, top_class
from .assessment import Assessment

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
QUANTITATIVE: Spec = {"type": "quantitative"}
FITTED: Spec = QUANTITATIVE | {"scale": {"zero": False, "nice": False}, "axis": {"grid": False}}
SHARE: Spec = QUANTITATIVE | {"axis": {"format": "~%"}, "stack": None, "title": "share of rows"}
UNIT: Spec = SHARE | {"scale": {"domain": [0, 1]}}


@dataclass(frozen=True)
class Figure:
    """A drawing, what it is, and how to read it."""

    title: str
    caption: str
    svg: str


def figures(assessment: Assessment) -> list[Figure]:
    """The drawings that fit the problem."""
    return FIGURES[assessment.params.problem](assessment)


def classification(assessment: Assessment) -> list[Figure]:
    """Scores by outcome, calibration, precision against recall, ROC."""
    curves, score, threshold = assessment.curves, assessment.score, assessment.manifest["threshold"]
    positive = assessment.target > 0
    share = float(positive.mean())
    scores = [histograms({"false": score[~positive], "true": score[positive]}, (0.0, 1.0))]
    calibration = [reference_line((0, 0), (1, 1)), line(curves["calibration"], "predicted", "observed", point=True)]
    pr = [reference_line((0, share), (1, share)), line(curves["precision_recall"], "recall", "precision")]
    roc = [reference_line((0, 0), (1, 1)), line(curves["roc"], "false_positive_rate", "true_positive_rate")]
    upper = point = ""
    if threshold is not None and assessment.confusion is not None:
        upper, point = "The upright line is the threshold.", "The dot is the threshold in use."
        recall, precision, false_rate = _operating_point(assessment.confusion)
        scores, pr = [*scores, vertical_line(min(threshold, 1.0))], [*pr, dot(recall, precision)]
        roc = [*roc, dot(false_rate, recall)]
    by_outcome = svg(scores, FITTED | {"title": "score"}, SHARE)
    calibrated = svg(calibration, UNIT | {"title": "predicted"}, UNIT | {"title": "observed"})
    precise = svg(pr, UNIT | {"title": "recall"}, UNIT | {"title": "precision"})
    operating = svg(roc, UNIT | {"title": "false rows flagged"}, UNIT | {"title": "true rows found"})
    return [
        Figure("Scores by outcome", f"Share of the true and of the false rows at each score. {upper}", by_outcome),
        Figure("Calibration", "How often it was true where the model gave that probability.", calibrated),
        Figure("Precision against recall", f"How many flags are right, by share of true rows found. {point}", precise),
        Figure("ROC", f"Share of the true rows found, by share of the false rows flagged. {point}", operating),
    ]


def multiclass(assessment: Assessment) -> list[Figure]:
    """Certainty by outcome, calibration, how many are right among the surest rows and within the first guesses."""
    curves, (right, confidence) = assessment.curves, top_class(assessment.target, assessment.score)
    share = float(right.mean())
    both = histograms({"wrong": confidence[right == 0], "right": confidence[right == 1]}, (0.0, 1.0))
    certain = svg([both], FITTED | {"title": "probability"}, SHARE)
    calibration = [reference_line((0, 0), (1, 1)), line(curves["calibration"], "predicted", "observed", point=True)]
    calibrated = svg(calibration, UNIT | {"title": "predicted"}, UNIT | {"title": "right"})
    coverage = [reference_line((0, share), (1, share)), line(curves["coverage"], "rows", "right")]
    covered = svg(coverage, UNIT | {"title": "surest rows"}, UNIT | {"title": "right"})
    within = line(curves["guesses"], "guesses", "right", point=True)
    axis = {"axis": {"values": curves["guesses"]["guesses"].to_list(), "format": "d"}, "title": "guesses"}
    guessed = svg([within], FITTED | axis, UNIT | {"title": "right"})
    figures = [
        Figure("How sure it is", "Share of the right and of the wrong decisions at each probability.", certain),
        Figure("Calibration", "How often it was right where it gave its decision that probability.", calibrated),
        Figure("Only where it is sure", "Share that is right, if it decides on its surest rows alone.", covered),
    ]
    if curves["guesses"].height == 2:  # of which the second always has it
        return figures
    return [
        *figures,
        Figure("Within so many guesses", "Share of the rows whose class is among the most probable ones.", guessed),
    ]


def regression(assessment: Assessment) -> list[Figure]:
    """Observed against predicted, both distributions, errors, and how many rows lie within an error."""
    target, score, tenths = assessment.target, assessment.score, assessment.curves["predicted_observed"]
    errors, steps = score - target, np.linspace(0, 0.99, 100)
    ends = [(end, end) for end in tenths["predicted"].to_numpy()[[0, -1]].tolist()]
    means = [band(tenths), reference_line(*ends), line(tenths, "predicted", "observed", point=True)]
    both = histograms({"observed": target, "predicted": score}, central_range(np.append(target, score)))
    each = [histograms({"error": errors}, central_range(errors)), vertical_line(0)]
    sizes = line(pl.DataFrame({"size": np.quantile(np.abs(errors), steps), "share": steps}), "size", "share")
    against = svg(means, QUANTITATIVE | {"title": "predicted"}, QUANTITATIVE | {"title": "observed"})
    spread = svg([both], FITTED | {"title": "value"}, SHARE)
    wrong = svg(each, FITTED | {"title": "error"}, SHARE)
    within = svg([sizes], QUANTITATIVE | {"title": "size of the error"}, SHARE)
    return [
        Figure("Observed against predicted", "By tenths of the rows: the mean, and where 80 % of them lie.", against),
        Figure("Distributions", "Share of the rows at each value. The outermost 1 % are pooled.", spread),
        Figure("Errors", "Prediction minus observation: left of the line it was too low.", wrong),
        Figure("Size of the errors", "Share of the rows whose error, either way, is at most this.", within),
    ]


FIGURES = {"classification": classification, "multiclass": multiclass, "regression": regression}


def svg(layers: list[Spec], x: Spec, y: Spec) -> str:
    """The layers as one drawing, without its own colours, classes and sizes."""
    spec = {"layer": layers, "encoding": {"x": x, "y": y}, "width": 400, "height": 260, "config": STYLE}
    image = re.sub(r' (?:class|role|aria-[a-z]+|pointer-events|xmlns\S*)="[^"]*"', "", vl_convert.vegalite_to_svg(spec))
    image = re.sub(r"(\d\.\d\d)\d+(?=[^<>]*>)", r"\1", image)
    return re.sub(r'<svg .*?(viewBox="[^"]*")[^>]*', r'<svg \1 aria-hidden="true"', image, count=1)


def layer(frame: pl.DataFrame, mark: Spec, x: str = "x", y: str = "y", **encoding: Spec) -> Spec:
    """One mark for each row of the frame, or one through all."""
    encoding |= {"x": {"field": x}, "y": {"field": y}}
    return {"data": {"values": frame.to_dicts()}, "mark": mark, "encoding": encoding}


def histograms(values: dict[str, Vector], ends: tuple[float, float]) -> Spec:
    """The share of the values at each place between the ends; what lies beyond is pooled there."""
    edges = np.linspace(*ends, BINS + 1)
    shares = {key: np.histogram(np.clip(v, *ends), edges)[0] / max(len(v), 1) for key, v in values.items()}
    frames = [pl.DataFrame({"x": edges, "y": [*share, share[-1]], "of": key}) for key, share in shares.items()]
    colours = ["var(--other)", "var(--model)"][-len(values) :]
    legend = {"field": "of", "scale": {"domain": list(values), "range": colours}}
    mark = {"type": "area", "interpolate": "step-after", "fillOpacity": 0.25, "line": {"strokeWidth": 1.5}}
    return layer(pl.concat(frames), mark, color=legend if len(values) > 1 else {"value": colours[0]})


def line(frame: pl.DataFrame, x: str, y: str, *, point: bool = False) -> Spec:
    """A line through the frame's rows."""
    mark = {"type": "line", "color": "var(--model)", "strokeWidth": 2}
    return layer(frame, mark | ({"point": {"size": 45, "color": "var(--model)"}} if point else {}), x, y)


def band(tenths: pl.DataFrame) -> Spec:
    """The area between `low` and `high`."""
    mark = {"type": "area", "color": "var(--model)", "opacity": 0.2}
    return layer(tenths, mark, "predicted", "low", y2={"field": "high"})


def reference_line(*points: tuple[float, float]) -> Spec:
    """A faint line to compare with."""
    mark = {"type": "line", "color": "var(--muted)", "strokeDash": [4, 4], "strokeWidth": 1}
    return layer(pl.DataFrame(points, schema={"x": pl.Float64, "y": pl.Float64}, orient="row"), mark)


def vertical_line(x: float) -> Spec:
    """A line from bottom to top."""
    rule = {"type": "rule", "color": "var(--ink)", "strokeWidth": 1.5}
    return {"data": {"values": [{"x": x}]}, "mark": rule, "encoding": {"x": {"field": "x"}, "y": None}}


def dot(x: float, y: float) -> Spec:
    """A single point."""
    mark = {"type": "circle", "size": 110, "opacity": 1, "color": "var(--ink)"}
    return layer(pl.DataFrame({"x": [x], "y": [y]}), mark)


def central_range(values: Vector) -> tuple[float, float]:
    """Between which values all but the outermost 1 % lie."""
    low, high = np.quantile(values, [0.005, 0.995]).tolist()
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def _operating_point(confusion: dict[str, int]) -> tuple[float, float, float]:
    hit, alarm = confusion["true_positive"], confusion["false_positive"]
    positive, negative = hit + confusion["false_negative"], alarm + confusion["true_negative"]
    return hit / max(positive, 1), hit / max(hit + alarm, 1), alarm / max(negative, 1)
