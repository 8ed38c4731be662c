"""The model's versions and runs: who made them, why, what the gate found, and what they cost."""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import manifest
from ..config import Monitor
from ..evaluation.svg import Figure
from ..metrics.definitions import Metric
from ..paths import REPORTS
from ..registry import versions
from ..registry.validity import TOLERATED, Version
from ..workspace import commits
from .charts import Series, figure

RUN, GATE, LIVE = (REPORTS / name for name in ("run.json", "gate.json", "gate.live.json"))
MARKED = 40  # versions that have a point each
JOULES = 3_600_000  # in a kilowatt-hour

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Cost:
    """What a run has used; energy and money where params.yaml has what they follow from."""

    seconds: float
    cpu_seconds: float
    peak_memory_mb: float
    kwh: float | None
    money: float | None


@dataclass(frozen=True)
class Total:
    """What runs cost together; energy and money are of those of which they are known, None where of none."""

    count: int
    seconds: float
    cpu_seconds: float
    kwh: float | None
    money: float | None


@dataclass(frozen=True)
class Made:
    """A version, what of its record can be believed, and the run that trained its model."""

    version: Version
    record: Json
    run: Json

    @property
    def name(self) -> str:
        return self.version.name

    @property
    def action(self) -> str:
        """How it became a version."""
        if not self.record:
            return ""
        return "promoted" if self.record["action"] == "promote" else f"rolled back to v{self.record['serves']}"

    @property
    def verdict(self) -> str:
        """What the gate found, and what people accepted nevertheless."""
        gate = self.record.get("gate")
        if not gate:
            return ""
        judged = sum(check.get("judged", True) for check in gate["checks"])
        accepted = [
            f"{what} accepted: {gate[key]}"
            for key, what in (("accepted", "contract change"), ("accepted_limits", "weaker limits"))
            if gate.get(key)
        ]
        return "; ".join(
            [
                f"passed {judged} {'check' if judged == 1 else 'checks'} against {gate.get('against', 'unknown')}",
                *accepted,
            ]
        )

    @property
    def approvals(self) -> str:
        return ", ".join(f"{approval['by']} ({approval['how']})" for approval in self.record.get("approvals", []))


def read() -> list[Made]:
    """The versions in this clone, oldest first."""
    known = versions.local()
    runs = commits.contents([f"{version.target}:{RUN.as_posix()}" for version in known])
    return [Made(version, _record(version), _json(run)) for version, run in zip(known, runs, strict=True)]


def here() -> Json:
    """The record of the run here."""
    return _json(RUN.read_bytes() if RUN.exists() else None)


def verdict(file: Path) -> Json:
    """The gate's result in the file, if it is of the model here."""
    result = _json(file.read_bytes() if file.exists() else None)
    with suppress(OSError):
        return result if result.get("model") == manifest.model_id() else {}
    return {}


def measured(made: Sequence[Made], metric: Metric, floor: float | None) -> Figure | None:
    """The main metric on the test rows of each version; a line joins those of the same test rows."""
    records = {each.version.number: each.record for each in made if metric.name in each.record.get("metrics", {})}
    series = []
    for group in versions.by_test_rows([each.version for each in made]):
        numbers = [version.number for version in group if version.number in records]
        values = [records[number]["metrics"][metric.name] for number in numbers]
        series += [Series(numbers, values, points=len(made) <= MARKED)] if numbers else []
    text = "On the test rows of its own time; a line joins versions with the same test rows, which alone compare."
    text += " Dashed: the gate's floor." if floor is not None else ""
    return figure(f"Test {metric.label}", text, "version", metric.label, series, limit=floor, days=False)


def cost(run: Json, prices: Monitor) -> Cost | None:
    """What the run has used; None where it is not recorded."""
    used = run.get("cost")
    try:
        seconds, cpu = float(used["seconds"]), float(used["cpu_seconds"])  # type: ignore[index]
        memory = float(used["peak_memory_mb"])  # type: ignore[index]
        metered = None if used.get("kwh") is None else float(used["kwh"])  # type: ignore[index, union-attr]
    except (KeyError, TypeError, ValueError):
        return None
    kwh = energy(cpu, prices) if metered is None else metered
    return Cost(seconds, cpu, memory, kwh, money(seconds / 3600, prices.price_per_hour, kwh, prices.price_per_kwh))


def energy(cpu_seconds: float, prices: Monitor) -> float | None:
    """Kilowatt-hours, if params.yaml has the power of a processor core."""
    return None if prices.watts is None else cpu_seconds * prices.watts / JOULES


def money(hours: float, per_hour: float | None, kwh: float | None, per_kwh: float | None) -> float | None:
    """What a machine's time and energy cost, as far as they have prices; None where neither has."""
    amounts = (hours, per_hour), (kwh, per_kwh)
    paid = [amount * price for amount, price in amounts if amount is not None and price is not None]
    return sum(paid) if paid else None


def total(costs: Iterable[Cost | None]) -> Total:
    """What the runs cost together of which it is recorded."""
    known = [cost for cost in costs if cost]
    kwh, paid = ([value for cost in known if (value := getattr(cost, name)) is not None] for name in ("kwh", "money"))
    seconds, cpu = sum(cost.seconds for cost in known), sum(cost.cpu_seconds for cost in known)
    return Total(len(known), seconds, cpu, sum(kwh) if kwh else None, sum(paid) if paid else None)


def _record(version: Version) -> Json:
    readable = not version.problem or version.problem.code in TOLERATED
    return version.record or {} if readable else {}


def _json(content: bytes | None) -> Json:
    try:
        found = json.loads(content or b"{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
