"""What the next better model would cost, and what it would be worth: as far as earlier ones show."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any

from ..config import Params
from ..dashboard.history import Made, Total
from ..errors import CannotEvaluate
from .runs import Run, total

Json = dict[str, Any]
MONTH = 30  # days
GAIN = "VALUE", "value per decision, gain over the champion"
"""Code and name of the gate's check that measured what decisions by a model are worth more than by the one before."""


@dataclass(frozen=True)
class Improvement:
    """A version that followed another: what its decisions are worth more on the same rows, and what all runs for it cost."""

    version: str
    gain: float  # per decision, in the unit of `value`
    low: float
    high: float
    cost: Total


@dataclass(frozen=True)
class Worth:
    """What the next improvement would be worth in a month, and cost, if it were like the median of earlier ones.

    The worth is in the unit of `value`, and between the least and the most of earlier ones.
    """

    improvements: Sequence[Improvement]
    rows_per_month: float
    worth: float
    least: float
    most: float
    cost: float
    months: float | None  # until the worth has paid the cost; None where it never will


def by_version(made: Sequence[Made], runs: Sequence[Run]) -> dict[str, Total]:
    """What all runs cost until each version was promoted, since the one before; and under "" those after the last."""
    promoted = {each.name: each.record["at"] for each in made if each.record.get("action") == "promote"}
    ends = [*((name, datetime.fromisoformat(at)) for name, at in promoted.items()), ("", None)]
    found, rest = dict[str, Total](), [*runs]
    for name, end in ends:
        own = [run for run in rest if end is None or run.finished <= end]
        found[name] = total(own)
        rest = [run for run in rest if run not in own]
    return found


def worth(made: Sequence[Made], costs: dict[str, Total], params: Params, report: Callable[[], Json]) -> Worth:
    """What the next one is worth by earlier ones. Raises CannotEvaluate with what is missing."""
    if params.value is None:
        raise CannotEvaluate("NO_VALUE", "params.yaml has no `value`, so what a decision is worth is not known")
    found = improvements(made, costs)
    if not found:
        raise CannotEvaluate("NO_IMPROVEMENT", "no version was compared with a champion by what decisions are worth")
    rows = rows_per_month(report())
    money = [each.cost.money for each in found if each.cost.money is not None]
    if not money:
        raise CannotEvaluate(
            "NO_PRICE", "params.yaml has no `price_per_hour` under monitor, or no run recorded its time"
        )
    monthly = [each.gain * rows for each in found]
    usual, cost, price = median(monthly), median(money), params.monitor.price_per_value
    months = cost / (usual * price) if price is not None and usual > 0 else None
    return Worth(found, rows, usual, min(monthly), max(monthly), cost, months)


def improvements(made: Sequence[Made], costs: dict[str, Total]) -> list[Improvement]:
    """The versions of which the gate measured what they are worth more."""
    return [
        Improvement(each.name, float(check["figure"]), float(check["low"]), float(check["high"]), costs[each.name])
        for each in made
        if each.name in costs
        for check in each.record.get("gate", {}).get("checks", ())
        if (check.get("code"), check.get("what")) == GAIN
        and None not in (check.get(key) for key in ("figure", "low", "high"))
    ]


def rows_per_month(report: Json) -> float:
    """How many rows the champion scores in a month, by the windows that reach into the last. Raises CannotEvaluate."""
    until = date.fromisoformat(report["until"])
    since = until - timedelta(days=MONTH - 1)
    windows = [each for each in report["windows"] if each["role"] == "champion" and each["to"] >= f"{since}"]
    if not windows:
        raise CannotEvaluate("NO_ROWS", f"no rows were captured since {since}")
    first = min(date.fromisoformat(each["from"]) for each in windows)
    rows = sum(each["rows"] for each in windows)
    return float(rows) * MONTH / ((until - first).days + 1)
