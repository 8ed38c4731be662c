"""The bill of a project: its runs, versions, the month's serving, what the next improvement costs, and the time left."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tabulate import tabulate

from ..config import Monitor, Params
from ..dashboard import history
from ..dashboard.history import Total
from ..evaluation.formatting import number, span
from . import costs, forecast, improvement, production, runs
from .costs import Used
from .forecast import Forecast
from .improvement import Worth
from .reasons import Reasons
from .runs import Run

SHOWN = 20  # runs
HEADERS = ("run", "what", "ended, UTC", "time", "CPU", "memory, MB", "Wh")


@dataclass(frozen=True)
class Bill:
    """What is known; of the rest, in `unknown`, why not."""

    prices: Monitor
    month: str
    runs: list[Run]
    versions: dict[str, Total]
    serving: Used | None
    worth: Worth | None
    forecast: Forecast | None
    unknown: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """All of it, for machines."""
        used = self.serving
        serving = used and {**asdict(used), "kwh": used.kwh(self.prices), "money": used.money(self.prices)}
        return {
            "currency": self.prices.currency,
            "runs": [asdict(run) | {"finished": run.finished.isoformat()} for run in self.runs],
            "versions": {name or "not promoted": asdict(each) for name, each in self.versions.items()},
            "serving": {"month": self.month, **serving} if serving else None,
            "next_improvement": asdict(self.worth) if self.worth else None,
            "forecast": {**asdict(self.forecast), "ends": f"{self.forecast.ends:%Y-%m-%dT%H:%M:%S+00:00}"}
            if self.forecast
            else None,
            "unknown": self.unknown,
        }

    def lines(self) -> Iterator[str]:
        """For a terminal: the newest runs, then each of the others in a line or two."""
        money = self.prices.currency or "money"
        rows = [_row(run) for run in self.runs[-SHOWN:]]
        if rows:
            yield tabulate(rows, (*HEADERS, money), disable_numparse=True)
            yield ""
        hidden = len(self.runs) - len(rows)
        yield f"{len(self.runs)} {'run' if len(self.runs) == 1 else 'runs'}" + (
            f", of which the newest {SHOWN} are shown" if hidden else ""
        )
        yield from (
            f"{name or 'not promoted'}: {_total(each, money)}" for name, each in self.versions.items() if each.count
        )
        yield from _serving(self, money)
        yield from _worth(self, money)
        yield from _forecast(self)


def read(params: Params, month: date) -> Bill:
    """The bill, with the serving of that month. Raises FactoryError outside a project."""
    made, reasons = history.read(), Reasons()
    found = runs.read(made, params.monitor)
    versions = improvement.by_version(made, found)
    first, last = datetime(month.year, month.month, 1, tzinfo=UTC), monthrange(month.year, month.month)[1]
    until = min(first + timedelta(days=last), datetime.now(UTC))
    serving = reasons.of("serving", lambda: costs.serving(first, until))
    worth = reasons.of("next_improvement", lambda: improvement.worth(made, versions, params, production.report))
    time_left = reasons.of("forecast", forecast.forecast)
    return Bill(params.monitor, f"{first:%Y-%m}", found, versions, serving, worth, time_left, reasons.unknown)


def _row(run: Run) -> list[str]:
    name, ended = ("-" if run.kind == "here" else run.name), f"{run.finished:%Y-%m-%d %H:%M}"
    if run.cost is None:
        return [name, run.kind, ended, "not recorded", *[""] * 4]
    cost = run.cost
    watt_hours = None if cost.kwh is None else cost.kwh * 1000
    figures = [
        number(cost.peak_memory_mb),
        *("-" if each is None else number(each) for each in (watt_hours, cost.money)),
    ]
    return [name, run.kind, ended, span(cost.seconds), span(cost.cpu_seconds), *figures]


def _total(cost: Total, currency: str) -> str:
    runs = f"{cost.count} {'run' if cost.count == 1 else 'runs'}, {span(cost.seconds)}, {span(cost.cpu_seconds)} of CPU"
    return runs + _more(cost.kwh, cost.money, currency)


def _serving(bill: Bill, currency: str) -> Iterator[str]:
    used = bill.serving
    if used is None:
        yield f"Serving in {bill.month}: not known, {bill.unknown['serving']}"
        return
    more = _more(used.kwh(bill.prices), used.money(bill.prices), currency)
    yield f"Serving in {bill.month}: {number(used.hours)} hours of services, {span(used.cpu_seconds)} of CPU{more}"


def _worth(bill: Bill, currency: str) -> Iterator[str]:
    found = bill.worth
    if found is None:
        yield f"The next improvement: not known, {bill.unknown['next_improvement']}"
        return
    for each in found.improvements:
        interval = f"{number(each.low)} to {number(each.high)}"
        yield f"{each.version} gained {number(each.gain)} per decision ({interval}){_more(None, each.cost.money, currency)}"
    spread = f" ({number(found.least)} to {number(found.most)})" if len(found.improvements) > 1 else ""
    yield (
        f"The next improvement, if it is like the median of these: {number(found.worth)}{spread} a month in the unit of `value`, "
        f"by {number(found.rows_per_month)} rows, for {number(found.cost)} {currency} of runs; people's time is not in it."
    )
    if found.months is not None:
        yield f"It pays for its runs in {span(found.months * 30 * 86_400)}."
    elif found.worth <= 0:
        yield "It would not pay: the earlier ones gained nothing."
    else:
        yield "Whether it pays is not known: params.yaml has no `price_per_value` under monitor."


def _forecast(bill: Bill) -> Iterator[str]:
    found = bill.forecast
    if found is None:
        if not bill.unknown["forecast"].startswith("NOT_RUNNING"):
            yield f"Time left: not known, {bill.unknown['forecast']}"
        return
    late = ", longer than the last time" if found.late else ""
    yield f"Running: {found.stage} for {span(found.elapsed)}{late}; about {span(found.left)} left, until {found.ends:%H:%M} UTC"


def _more(kwh: float | None, money: float | None, currency: str) -> str:
    energy = "" if kwh is None else f", {number(kwh * 1000)} Wh"
    return energy + ("" if money is None else f", {number(money)} {currency}")
