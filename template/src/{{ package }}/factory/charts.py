"""The drawings of the report, each with what it is and how to read it."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from .assessment import Assessment
from .drawing import CORE, PLAIN, SHARE, UNIT, band, core, dot, guide, histograms, line, svg, upright
from .metrics import one_score


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
    calibration = [guide((0, 0), (1, 1)), line(curves["calibration"], "predicted", "observed", point=True)]
    pr = [guide((0, share), (1, share)), line(curves["precision_recall"], "recall", "precision")]
    roc = [guide((0, 0), (1, 1)), line(curves["roc"], "false_positive_rate", "true_positive_rate")]
    upper = point = ""
    if threshold is not None and assessment.confusion is not None:
        upper, point = "The upright line is the threshold.", "The dot is the threshold in use."
        recall, precision, false_rate = _operating_point(assessment.confusion)
        scores, pr = [*scores, upright(min(threshold, 1.0))], [*pr, dot(recall, precision)]
        roc = [*roc, dot(false_rate, recall)]
    by_outcome = svg(scores, CORE | {"title": "score"}, SHARE)
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
    curves, (right, sure) = assessment.curves, one_score(assessment.target, assessment.score)
    share = float(right.mean())
    both = histograms({"wrong": sure[right == 0], "right": sure[right == 1]}, (0.0, 1.0))
    certain = svg([both], CORE | {"title": "probability"}, SHARE)
    calibration = [guide((0, 0), (1, 1)), line(curves["calibration"], "predicted", "observed", point=True)]
    calibrated = svg(calibration, UNIT | {"title": "predicted"}, UNIT | {"title": "right"})
    surest = [guide((0, share), (1, share)), line(curves["coverage"], "rows", "right")]
    covered = svg(surest, UNIT | {"title": "surest rows"}, UNIT | {"title": "right"})
    within = line(curves["guesses"], "guesses", "right", point=True)
    few = {"axis": {"values": curves["guesses"]["guesses"].to_list(), "format": "d"}, "title": "guesses"}
    guessed = svg([within], CORE | few, UNIT | {"title": "right"})
    shown = [
        Figure("How sure it is", "Share of the right and of the wrong decisions at each probability.", certain),
        Figure("Calibration", "How often it was right where it gave its decision that probability.", calibrated),
        Figure("Only where it is sure", "Share that is right, if it decides on its surest rows alone.", covered),
    ]
    if curves["guesses"].height == 2:  # of which the second always has it
        return shown
    return [
        *shown,
        Figure("Within so many guesses", "Share of the rows whose class is among the most probable ones.", guessed),
    ]


def regression(assessment: Assessment) -> list[Figure]:
    """Observed against predicted, both distributions, errors, and how many rows lie within an error."""
    target, score, tenths = assessment.target, assessment.score, assessment.curves["predicted_observed"]
    errors, steps = score - target, np.linspace(0, 0.99, 100)
    ends = [(end, end) for end in tenths["predicted"].to_numpy()[[0, -1]].tolist()]
    means = [band(tenths), guide(*ends), line(tenths, "predicted", "observed", point=True)]
    both = histograms({"observed": target, "predicted": score}, core(np.append(target, score)))
    each = [histograms({"error": errors}, core(errors)), upright(0)]
    sizes = line(pl.DataFrame({"size": np.quantile(np.abs(errors), steps), "share": steps}), "size", "share")
    against = svg(means, PLAIN | {"title": "predicted"}, PLAIN | {"title": "observed"})
    spread = svg([both], CORE | {"title": "value"}, SHARE)
    wrong = svg(each, CORE | {"title": "error"}, SHARE)
    within = svg([sizes], PLAIN | {"title": "size of the error"}, SHARE)
    return [
        Figure("Observed against predicted", "By tenths of the rows: the mean, and where 80 % of them lie.", against),
        Figure("Distributions", "Share of the rows at each value. The outermost 1 % are pooled.", spread),
        Figure("Errors", "Prediction minus observation: left of the line it was too low.", wrong),
        Figure("Size of the errors", "Share of the rows whose error, either way, is at most this.", within),
    ]


FIGURES = {"classification": classification, "multiclass": multiclass, "regression": regression}


def _operating_point(confusion: dict[str, int]) -> tuple[float, float, float]:
    hit, alarm = confusion["true_positive"], confusion["false_positive"]
    positive, negative = hit + confusion["false_negative"], alarm + confusion["true_negative"]
    return hit / max(positive, 1), hit / max(hit + alarm, 1), alarm / max(negative, 1)
