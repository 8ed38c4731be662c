"""What the templates need of a forecast: what history() computes of each series, and the features of its rows."""

from collections.abc import Iterator
from typing import Any

from ..forecasting.rows import COMPUTED
from . import dates
from .contract_code import ColumnCode
from .forecasts import Forecast
from .profile import Column
from .proposal import Proposal
from .roles import KNOWN_AHEAD, MAX_CATEGORIES
from .type_inference import NUMERIC

MORE_SEASONS = 2  # of the past than the horizon needs
MOST_DAYS = 3
RECENT = "tail(RECENT).mean()"
DAY = 1440  # in minutes


def context(proposal: Proposal, codes: list[ColumnCode]) -> dict[str, Any]:
    """The variables of the templates; empty for another problem."""
    forecast = proposal.forecast if proposal.target.is_forecast else None
    if forecast is None:
        return {"forecast": None}
    groups = [role.column for role in proposal.roles if role.name in forecast.series.groups]
    time = next(role.column for role in proposal.roles if role.name == forecast.series.time)
    calendar = list(dates.features(time.name, time.kind, time.sample))
    names = _History(proposal, {code.column.name: code for code in codes})
    return {
        "forecast": forecast,
        "groups": [column.name for column in groups],
        "group": _one_or_all([column.name for column in groups]),
        "series_time": next(code for code in codes if code.column.name == forecast.series.time),
        "every": _step(forecast, 1),
        "horizon": "".join(map(str, _step(forecast, forecast.horizon))),
        "two_names": _two(groups[0]) if groups else [],
        "seasons": _multiples(forecast, forecast.season, -(-forecast.horizon // forecast.season) + MORE_SEASONS),
        "days": _multiples(forecast, days, MOST_DAYS) if (days := _day(forecast)) < forecast.season else [],
        "recent": recent(forecast),
        "usual": names.free("usual"),
        "before": names.free("season_before"),
        "daily": names.free("usual_of_days"),
        "past": (past := list(names.past())),
        "level": next(
            each["name"] for each in past if each["code"] == RECENT and each["column"] == proposal.target.name
        ),
        "known_groups": {c.name: list(_few(c)) for c in groups if c.different <= MAX_CATEGORIES},
        "constants": {c.name: f"{names.codes[c.name].attribute.strip('_').upper()}_NAMES" for c in groups},
        "group_code": {c.name: f"pl.col({c.name!r})" + ".cast(pl.String)" * (c.kind != "String") for c in groups},
        "calendar": calendar,
        "time_features": {feature["function"] for feature in calendar},
        "ahead": [role.name for role in proposal.with_role(KNOWN_AHEAD)],
        "levels": [name for name in COMPUTED if name not in ("origin", "step")],
    }


def recent(forecast: Forecast) -> int:
    """How many of the newest values show the level of a series: no more than are forecast, and no more than a season."""
    return max(2, min(forecast.season if forecast.season > 1 else forecast.horizon, forecast.horizon))


class _History:
    """The columns that history() returns, by names that no other column has."""

    def __init__(self, proposal: Proposal, codes: dict[str, ColumnCode]) -> None:
        self._proposal, self.codes = proposal, codes
        self._taken = {*COMPUTED, *codes}

    def free(self, name: str) -> str:
        """The name, or one like it."""
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name

    def past(self) -> Iterator[dict[str, str]]:
        """Name and expression of what the newest rows show of the target and of columns that are not known ahead."""
        target, forecast = self._proposal.target.name, self._proposal.forecast
        season = forecast.season if forecast else 1
        yield self._of(target, "previous", "drop_nulls().get(-2, null_on_oob=True)")
        if forecast and season not in (1, recent(forecast)):
            yield self._of(target, "season", f"tail({season}).mean()")
        if season > 1:
            yield self._of(target, "earlier", f"tail({2 * season}).head({season}).mean()")
        names = [target, *(role.name for role in self._proposal.with_role("feature"))]
        for name in names:
            code = self.codes[name]
            if code.column.kind in (*NUMERIC, "Bool"):
                yield self._of(name, "recent", RECENT)
            elif code.categories is not None:
                yield self._of(name, "last", "drop_nulls().last()")

    def _of(self, column: str, what: str, code: str) -> dict[str, str]:
        return {"name": self.free(f"{what}_{self.codes[column].attribute}"), "column": column, "code": code}


def _one_or_all(names: list[str]) -> str | list[str] | None:
    return names[0] if len(names) == 1 else names or None


def _step(forecast: Forecast, steps: int) -> tuple[int, str]:
    """So many steps, as a number of a unit of polars."""
    size, unit = forecast.series.step.unit
    return forecast.series.step.count // size * steps, unit


def _multiples(forecast: Forecast, steps: int, count: int) -> list[str]:
    """So many multiples of so many steps, as polars writes them; none of a single one, a single one repeats nothing."""
    times = (_step(forecast, number * steps) for number in range(1, count + 1)) if steps > 1 else ()
    return [f"{size}{unit}" for size, unit in times]


def _day(forecast: Forecast) -> int:
    """The steps of a day, where they are shorter than one."""
    step = forecast.series.step
    return DAY // step.count if not step.months and DAY % step.count == 0 else 1


def _two(column: Column) -> list[Any]:
    """Two names of series, in order."""
    return column.sample.drop_nulls().unique().sort().head(2).to_list()


def _few(column: Column) -> Iterator[str]:
    yield from sorted(f"{value}" for value in column.sample.drop_nulls().unique())
