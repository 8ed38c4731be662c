"""The trials of `factory tune` as a table and a picture."""

import polars as pl

from ..metrics.definitions import Metric
from ..paths import REPORTS
from .svg import Axis, Chart

CSV, PLOT = REPORTS / "tuning.csv", REPORTS / "tuning.svg"
PAD = 0.05  # of the axis, beyond the outermost value
STYLE = """
svg { background: #fff; font: 13px system-ui, sans-serif; } text { fill: #5d6167; } .middle { text-anchor: middle; }
.end { text-anchor: end; } .grid { stroke: #e3e3df; } .line { fill: none; stroke: #1f5fbf; stroke-width: 2; }
.dot { fill: #1f5fbf; } .pruned { fill: #a2a7ae; }
"""


def save(trials: pl.DataFrame, metric: Metric) -> None:
    """Write reports/tuning.csv and reports/tuning.svg."""
    REPORTS.mkdir(exist_ok=True)
    trials.write_csv(CSV)
    PLOT.write_text(picture(trials, metric), encoding="utf-8")


def picture(trials: pl.DataFrame, metric: Metric) -> str:
    """Each trial, those that were pruned in grey, and a line through the best until then."""
    numbers, figures, complete = trials["trial"], trials[metric.name], trials["state"] == "complete"
    low, high = float(figures.min()), float(figures.max())  # type: ignore[arg-type]
    pad = PAD * ((high - low) or abs(high) or 1)
    best = trials.filter(complete)[metric.name]
    best = best.cum_max() if metric.higher_is_better else best.cum_min()
    chart = Chart(
        Axis("trial (grey: pruned)", -0.5, max(len(trials), 4) - 0.5),
        Axis(f"{metric.label}, validation", low - pad, high + pad),
    )
    chart.line(numbers.filter(complete).to_list(), best.to_list())
    for number, figure, whole in zip(numbers, figures, complete, strict=True):
        chart.dot(number, figure, "dot" if whole else "pruned")
    opening, rest = chart.svg().split(">", 1)
    return f'{opening} xmlns="http://www.w3.org/2000/svg"><style>{STYLE}</style>{rest}\n'
