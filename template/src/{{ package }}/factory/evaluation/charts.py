"""The figures of the report."""

from collections.abc import Callable, Iterator

import numpy as np
import polars as pl

from ..metrics.definitions import Vector, top_class
from . import forecast_charts
from .assessment import Assessment
from .svg import Axis, Chart, Figure, Legend

BINS = 40
PAD = 0.04  # of the axis, beyond the outermost value
COLOURS = ("other", "model")  # the last ones, of fewer
REFERENCE = "reference"


def figures(assessment: Assessment) -> list[Figure]:
    """The figures that fit the problem."""
    return FIGURES[assessment.params.problem](assessment)


def classification(a: Assessment) -> list[Figure]:
    """Scores by outcome, calibration, precision against recall, ROC and, where decisions have a value, utility."""
    positive, threshold = a.target > 0, a.manifest["threshold"]
    share = float(positive.mean())
    scores, legend = histograms({"false": a.score[~positive], "true": a.score[positive]}, "score", (0.0, 1.0))
    recall, precision = _percent("recall"), _percent("precision")
    pr = line(Chart(recall, precision).line([0, 1], [share, share], REFERENCE), a.curves["precision_recall"])
    roc = line(_diagonal("false positive rate", "true positive rate"), a.curves["roc"])
    vertical = dot = ""
    if threshold is not None and a.confusion is not None:
        vertical, dot = "The vertical line is the threshold.", "The dot is the threshold in use."
        scores.vertical(threshold)
        true_rate, right, false_rate = _operating_point(a.confusion)
        pr.dot(true_rate, right)
        roc.dot(false_rate, true_rate)
    drawn = [
        Figure("Scores by outcome", f"Scores of the true and of the false rows. {vertical}", scores.svg(), legend),
        _calibration(a, "Observed rate by predicted probability, in tenths of the rows. Dashed: equal."),
        Figure("Precision and recall", f"Dashed: the precision of predicting true for every row. {dot}", pr.svg()),
        Figure("ROC curve", f"Dashed: scores at random. {dot}", roc.svg()),
    ]
    return [*drawn, *_of_decisions(a)]


def multiclass(a: Assessment) -> list[Figure]:
    """Probability by outcome, calibration, accuracy of the most confident rows and of the top k classes."""
    right, confidence = top_class(a.target, a.score)
    accuracy, top_k = float(right.mean()), a.curves["top_k"]
    values = {"wrong": confidence[right == 0], "right": confidence[right == 1]}
    scores, legend = histograms(values, "probability of the predicted class", (0.0, 1.0))
    coverage = Chart(_percent("most confident rows"), _percent("accuracy"))
    coverage.line([0, 1], [accuracy, accuracy], REFERENCE)
    drawn = [
        Figure(
            "Confidence by outcome", "Probabilities of the right and of the wrong predictions.", scores.svg(), legend
        ),
        _calibration(a, "Accuracy by probability of the predicted class, in tenths of the rows. Dashed: equal."),
        Figure(
            "Accuracy of the most confident rows", "Dashed: of all rows.", line(coverage, a.curves["coverage"]).svg()
        ),
    ]
    if top_k.height == 2:  # of which the second always holds the true class
        return drawn
    chart = line(Chart(Axis("k", 1, top_k.height, whole=True), _percent("top-k accuracy")), top_k, points=True)
    return [*drawn, Figure("Top-k accuracy", "How often the true class is among the k most probable.", chart.svg())]


def regression(a: Assessment) -> list[Figure]:
    """Observed against predicted values, both distributions, errors, and how many rows are within an error."""
    tenths, errors, steps = a.curves["predicted_observed"], a.score - a.target, np.linspace(0, 0.99, 100)
    predicted, low, high = (tenths[name].to_list() for name in ("predicted", "low", "high"))
    y = _axis("observed", [*low, *high, *tenths["observed"], predicted[0], predicted[-1]])
    means = Chart(_axis("predicted", predicted), y).band(predicted, low, high)
    means.line(predicted[:: len(predicted) - 1 or 1], predicted[:: len(predicted) - 1 or 1], REFERENCE)
    line(means, tenths.select("predicted", "observed"), points=True)
    both, legend = histograms(
        {"observed": a.target, "predicted": a.score}, "value", central_range(np.append(a.target, a.score))
    )
    each, _ = histograms({"errors": errors}, "predicted minus observed", central_range(errors))
    sizes = np.quantile(np.abs(errors), steps)
    within = Chart(_axis("absolute error", [0.0, float(sizes[-1])]), _percent("share of rows"))
    within.line(sizes.tolist(), steps.tolist())
    return [
        Figure("Predicted and observed", "Means of tenths of the rows. Band: 80% of the observed values.", means.svg()),
        Figure("Distributions", "Predicted and observed values. The outermost 1% are pooled.", both.svg(), legend),
        Figure("Errors", "Left of the line: too low. The outermost 1% are pooled.", each.vertical(0).svg()),
        Figure("Absolute errors", "Share of the rows whose error is at most this large.", within.svg()),
    ]


FIGURES: dict[str, Callable[[Assessment], list[Figure]]] = {
    "classification": classification,
    "multiclass": multiclass,
    "regression": regression,
    "forecasting": lambda a: [*forecast_charts.figures(a), *regression(a)],
}


def line(chart: Chart, curve: pl.DataFrame, *, points: bool = False) -> Chart:
    """The chart with a line through the curve's two columns."""
    x, y = curve.get_columns()
    return chart.line(x.to_list(), y.to_list(), points=points)


def histograms(values: dict[str, Vector], title: str, ends: tuple[float, float]) -> tuple[Chart, Legend]:
    """The share of the values at each place between the ends, where those beyond are pooled; and each name's colour."""
    edges = np.linspace(*ends, BINS + 1)
    shares = {name: np.histogram(np.clip(v, *ends), edges)[0] / max(len(v), 1) for name, v in values.items()}
    top = max(float(heights.max()) for heights in shares.values()) * (1 + PAD)
    chart = Chart(Axis(title, *ends), Axis("share of rows", high=top or 1.0, percent=True))
    legend = tuple(zip(values, COLOURS[-len(values) :], strict=True))
    for name, colour in legend:
        chart.steps(edges.tolist(), shares[name].tolist(), name, colour)
    return chart, legend if len(legend) > 1 else ()


def central_range(values: Vector) -> tuple[float, float]:
    """Between which values all but the outermost 1% lie."""
    low, high = np.quantile(values, [0.005, 0.995]).tolist()
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def _calibration(a: Assessment, caption: str) -> Figure:
    observed = "accuracy" if a.params.problem == "multiclass" else "observed"
    chart = line(_diagonal("predicted", observed), a.curves["calibration"].select("predicted", "observed"), points=True)
    return Figure("Calibration", caption, chart.svg())


def _of_decisions(a: Assessment) -> Iterator[Figure]:
    """What decisions find and earn, by the threshold or the number of rows."""
    if "utility" in a.curves:
        yield _utility(a)
    if not a.params.decision:
        return
    share, line_there = a.params.decision.share, "The vertical line is the number of rows that are acted on."
    gains = _diagonal("rows acted on, highest scores first", "true rows found")
    found = f"Share of the true rows among the highest scores. Dashed: rows at random. {line_there}"
    yield Figure("Cumulative gains", found, line(gains, a.curves["gains"]).vertical(share).svg())
    if (curve := a.curves.get("value")) is not None:
        chart = Chart(_percent("rows acted on, highest scores first"), _axis("value per row", curve["value"].to_list()))
        chart.line([0, 1], [curve["value"][0], curve["value"][-1]], REFERENCE)
        caption = f"What acting on the highest scores earns, by the values in params.yaml. Dashed: rows at random. {line_there}"
        yield Figure("Value by rows acted on", caption, line(chart, curve).vertical(share).svg())


def _utility(a: Assessment) -> Figure:
    curve = a.curves["utility"]
    chart = line(Chart(Axis("threshold"), _axis("utility per row", curve["utility"].to_list())), curve)
    if a.manifest["threshold"] is not None:
        chart.vertical(a.manifest["threshold"])
    caption = "Mean utility of a decision, by the values in params.yaml. The vertical line is the threshold in use."
    return Figure("Utility by threshold", caption, chart.svg())


def _percent(title: str) -> Axis:
    return Axis(title, percent=True)


def _axis(title: str, values: list[float]) -> Axis:
    """From the lowest to the highest value, and a little more."""
    low, high = min(values), max(values)
    pad = PAD * (high - low) or 0.5
    return Axis(title, low - pad, high + pad)


def _diagonal(x: str, y: str) -> Chart:
    return Chart(_percent(x), _percent(y)).line([0, 1], [0, 1], REFERENCE)


def _operating_point(confusion: dict[str, int]) -> tuple[float, float, float]:
    """True positive rate, precision and false positive rate."""
    hit, alarm = confusion["true_positive"], confusion["false_positive"]
    positive, negative = hit + confusion["false_negative"], alarm + confusion["true_negative"]
    return hit / max(positive, 1), hit / max(hit + alarm, 1), alarm / max(negative, 1)
