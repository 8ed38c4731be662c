"""What a month has cost: the runs that ended in it, and the services as Prometheus knows them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from ..config import Monitor
from ..dashboard import history, operations
from ..errors import CannotEvaluate
from .parts import Cost, Runs, Serving
from .reasons import Reasons, short
from .runs import Run, total


@dataclass(frozen=True)
class Used:
    """What all services together have used."""

    cpu_seconds: float
    hours: float  # of all instances

    def kwh(self, prices: Monitor) -> float | None:
        """Energy, if params.yaml has the power of a processor core."""
        return history.energy(self.cpu_seconds, prices)

    def money(self, prices: Monitor) -> float | None:
        """What that costs, as far as params.yaml has prices."""
        return history.money(self.hours, prices.price_per_service_hour, self.kwh(prices), prices.price_per_kwh)


def month(runs: Iterable[Run], prices: Monitor, at: datetime, reasons: Reasons) -> Cost:
    """What the month of that moment has cost until then."""
    first = datetime(at.year, at.month, 1, tzinfo=UTC)
    shown = Runs(**vars(total(run for run in runs if run.finished >= first)))
    used = reasons.of("cost.serving", lambda: serving(first, at))
    services = Serving(cpu_seconds=used.cpu_seconds, kwh=used.kwh(prices), money=used.money(prices)) if used else None
    for part, values, price in (("runs", shown, "price_per_hour"), ("serving", services, "price_per_service_hour")):
        for key, value in values or ():
            if value is None:
                reasons.add(f"cost.{part}.{key}", *_unknown(key, price, shown.count if part == "runs" else 1))
    return Cost(currency=short(prices.currency), month=f"{first:%Y-%m}", runs=shown, serving=services)


def serving(since: datetime, until: datetime) -> Used:
    """What the services have used since then. Raises CannotEvaluate."""
    server = operations.address()
    if server is None:
        raise CannotEvaluate("NO_PROMETHEUS", f"{operations.ADDRESS} does not name the server that knows the services")
    return Used(**operations.use(server, since, until))


def _unknown(key: str, price: str, count: int) -> tuple[str, str]:
    """Why an amount is not known."""
    if not count:
        return "NO_RUN", "no run of this month is recorded"
    name = "watts" if key == "kwh" else price
    return "NO_PRICE", f"params.yaml has no {name} under monitor"
