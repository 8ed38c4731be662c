"""The role of each column in a forecast: what names the series and the time, what is known ahead, and what only has a past."""

from collections.abc import Iterator
from dataclasses import replace

from ..errors import FactoryError
from ..forecasting.rows import COMPUTED
from .forecasts import AHEAD, CALENDAR, STATIC, Forecast
from .roles import GROUP, KNOWN_AHEAD, OF_A_PERSON, ColumnRole, is_free_text
from .target import USER_CHOICE

NAMES_SERIES = "names a series"
ONLY_PAST = "known only for the past"


def of_forecast(roles: list[ColumnRole], forecast: Forecast, target: str) -> list[ColumnRole]:
    """The roles, as a forecast has them. Raises FactoryError where a column has a name that its rows need."""
    if names := [*taken(forecast), *({target} & {*COMPUTED})]:
        raise FactoryError(f"{names[0]}: rows of a forecast get a column of that name: rename it in the table")
    if free := [
        role.name for role in roles if role.why == USER_CHOICE and role.role == "feature" and is_free_text(role.column)
    ]:
        raise FactoryError(f"{free[0]}: the past of free text is not used in a forecast: exclude it")
    return [_role(role, forecast, target) for role in roles]


def taken(forecast: Forecast) -> list[str]:
    """The columns that have a name of what is computed for a forecast."""
    return [name for name in (*forecast.series.groups, forecast.series.time, *forecast.others) if name in COMPUTED]


def doubtful(roles: list[ColumnRole], forecast: Forecast) -> list[ColumnRole]:
    """The columns known ahead that say more than the series and the calendar do."""
    certain = {name for name, kind in forecast.others.items() if kind in (STATIC, CALENDAR)}
    return [role for role in roles if role.role == KNOWN_AHEAD and role.name not in certain]


def asked(roles: list[ColumnRole]) -> Iterator[ColumnRole]:
    """The columns of which only a person can say whether they are known ahead."""
    yield from (role for role in roles if role.why == ONLY_PAST)


def _role(role: ColumnRole, forecast: Forecast, target: str) -> ColumnRole:
    name, series = role.name, forecast.series
    if name == series.time:
        return replace(role, role="time", why=f"of the observations, {series.step.every} apart")
    if name in series.groups:
        personal = f"; {role.why}" if OF_A_PERSON in role.why else ""
        return replace(role, role=GROUP, why=NAMES_SERIES + personal)
    is_chosen = role.why == USER_CHOICE and not role.sensitive
    if is_chosen or role.role not in ("id", "time", "feature"):
        return role
    if role.role != "feature":
        why = "identifies the row" if role.role == "id" else f"another time than {series.time}"
        return replace(role, role="excluded", why=why)
    reason = AHEAD.get(forecast.others.get(name, ""))
    if reason is None and role.why == USER_CHOICE:
        raise FactoryError(
            f"{name}: groups are compared in rows of a forecast, which have what is known ahead: --role {name}={KNOWN_AHEAD} if it is"
        )
    if reason is None:
        return replace(role, why=ONLY_PAST, sensitive=False)
    return replace(role, role=KNOWN_AHEAD, why=reason.format(target=target))
