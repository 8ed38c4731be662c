"""What a user chooses of a proposal, by options or at the prompt; refused where a column cannot be that."""

from collections.abc import Collection
from dataclasses import dataclass, field

from ..errors import FactoryError, close
from . import dates, forecasts
from .forecasts import Wishes
from .profile import Column
from .roles import GROUP, KNOWN_AHEAD, MEASURED, ColumnRole, is_free_text
from .source import KINDS
from .target import USER_CHOICE

ROLES = ("feature", "excluded", "id", "time", "sensitive", MEASURED, GROUP, KNOWN_AHEAD)
"""The roles that a user may give a column: a sensitive one is a feature whose groups are compared, a measured one none; the
last two make a forecast of the problem."""
ALIASES = {
    "out": "excluded",
    "exclude": "excluded",
    "known ahead": KNOWN_AHEAD,
    "ahead": KNOWN_AHEAD,
}  # as users type it


@dataclass(frozen=True)
class UserChoices:
    """The user's choices; `roles` are changes of the proposal."""

    target: str
    id: str | None = None
    time: str | None = None
    sensitive: tuple[str, ...] = ()
    problem: str | None = None
    roles: dict[str, str] = field(default_factory=dict)
    group: tuple[str, ...] = ()
    horizon: int | None = None
    season: int | None = None
    project: str | None = None
    """The problem of the project so far, which is taken where the table may be for it."""

    @property
    def forecasts(self) -> bool:
        """Whether they ask for a forecast, by name or by what only a forecast has."""
        special = self.group or self.horizon or self.season or {GROUP, KNOWN_AHEAD}.intersection(self.roles.values())
        return self.problem == forecasts.PROBLEM or (self.problem is None and bool(special))

    def wishes(self, columns: Collection[str]) -> Wishes:
        """What they say of a forecast. Raises FactoryError where its time is in several columns."""
        times = self.times(columns)
        if len(times) > 1 and self.forecasts:
            raise FactoryError(
                f"{', '.join(times)}: a forecast takes its time from one column, such as 2024-01-31: join them in the table"
            )
        named = [name for name, role in self.roles.items() if role == GROUP]
        others = frozenset(name for name, role in self.roles.items() if role not in (GROUP, "time"))
        groups = tuple(dict.fromkeys([*self.group, *named]))
        return Wishes(times[0] if times else None, groups, self.horizon, self.season, others)

    def times(self, columns: Collection[str]) -> list[str]:
        """The columns with the time, or its parts, in the user's order."""
        named = self.time or ""
        given = [named] if named in columns else [name.strip() for name in named.split(",") if name]
        given = [name for name in given if self.roles.get(name, "time") == "time"]
        return list(dict.fromkeys([*given, *(name for name, role in self.roles.items() if role == "time")]))


def check_names(choices: UserChoices, columns: dict[str, Column]) -> None:
    """Refuse a column that does not exist, and one with two roles."""
    times = [name for name in choices.times(columns) if name not in choices.roles]
    names = [
        name for name in (choices.target, choices.id, *times, *choices.group, *choices.sensitive) if name is not None
    ]
    for name in (*names, *choices.roles):
        if name not in columns:
            raise FactoryError(f"no column {name!r} in the table; {_hint(name, columns)}")
        if names.count(name) > 1:
            raise FactoryError(f"{name}: named twice: target, id, time, group and sensitive must be different columns")
    if choices.target in choices.roles:
        raise FactoryError(f"{choices.target}: is the target, and cannot have another role")


def _hint(name: str, columns: Collection[str]) -> str:
    """The column that was probably meant, or else those that there are."""
    if meant := close(name, columns, 0.7):
        return f"did you mean {meant}?"
    there = ", ".join(columns)
    return f"its columns: {there[:300]}{'…' * (len(there) > 300)}"


def chosen_role(column: Column, choices: UserChoices, columns: Collection[str]) -> ColumnRole | None:
    """The role that the user chose. Raises FactoryError where the column cannot have it."""
    name = column.name
    if name == choices.target:
        return ColumnRole(column, "target")
    times = choices.times(columns)
    role = choices.roles.get(name) or _named_role(name, choices, times)
    sensitive = name in choices.sensitive or role in ("sensitive", MEASURED)
    if role is None and not sensitive:
        return None
    role = "feature" if sensitive and role in (None, "sensitive") else str(role)
    _check_role(column, role, is_part=len(times) > 1, sensitive=sensitive)
    return ColumnRole(column, role, USER_CHOICE, sensitive)


def _named_role(name: str, choices: UserChoices, times: list[str]) -> str | None:
    """The role that an option of its own gives the column."""
    if name == choices.id:
        return "id"
    return "time" if name in times else GROUP if name in choices.group else None


def _check_role(column: Column, role: str, is_part: bool, sensitive: bool) -> None:
    name, gap = column.name, f"{column.missing:,} rows have no value"
    kinds = (*dates.DATES, "Int64", "String") if is_part else dates.DATES
    if role == "time" and (column.kind not in kinds or column.missing):
        raise FactoryError(f"{name}: cannot be the time: {gap if column.missing else 'no dates'}")
    if role in ("id", GROUP) and not may_be_id(column):
        use = "be the id" if role == "id" else "name a series"
        raise FactoryError(f"{name}: cannot {use}: {gap if column.missing else 'neither text nor integers'}")
    if role in ("feature", MEASURED, KNOWN_AHEAD) and column.kind not in KINDS:
        raise FactoryError(f"{name}: {column.format.note}")
    if (role in (MEASURED, KNOWN_AHEAD) or sensitive) and is_free_text(column):
        raise FactoryError(f"{name}: {column.different:,} distinct texts are too many for groups: exclude it")


def may_be_id(column: Column) -> bool:
    """Whether it can name rows, or what several of them belong to."""
    return column.kind in ("Int64", "String") and not column.missing
