"""`factory profile`: what a table holds, in the terminal and as a page."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from .. import tables
from ..data.incoming import incoming, named
from ..errors import FactoryError
from ..evaluation import column_profile
from ..evaluation.formatting import number, share
from ..evaluation.profiling import pages
from ..evaluation.profiling.observations import Profile, profile
from ..evaluation.profiling.view import View
from . import column_list, personal, review, source
from . import profile as contents
from .choices import UserChoices, check_names
from .profile import Column
from .roles import NUMBER_OF_ROW, ColumnRole, infer_role
from .source import KINDS

LINES, COLUMNS = 20, 60  # in the terminal
STRONGEST = 5
NOUNS = {
    "Int64": "number",
    "Float64": "number",
    "Bool": "yes/no column",
    "Date": "date",
    "Datetime": "time",
    "Time": "time",
    "String": "text",
}


@dataclass(frozen=True)
class Exploration:
    """A table's columns, their roles as an adoption would infer them, and its profile."""

    name: str
    columns: dict[str, Column]
    roles: list[ColumnRole]
    target: str | None
    profile: Profile

    def page(self) -> str:
        """The whole profile as a page."""
        columns = [_row(role, self) for role in self.roles]
        if len(columns) > pages.SHOWN["columns"]:
            columns.sort(key=lambda row: "look" not in row["roles"])
        return pages.render(self.name, self.profile, columns, self.target, _kinds(self.columns))

    def summary(self, more: str) -> str:
        """The profile for a terminal; `more` is where the rest is."""
        view, seen = self.profile.view, self.profile.observations
        cells = max(view.height * len(self.columns), 1)
        head = (
            f"{self.name}: {view.height:,} rows, {len(self.columns):,} columns ({_kinds(self.columns)}), "
            f"{share(sum(view.missing.values()) / cells)} of the values missing"
        )
        lines = [each.text for each in seen[:LINES]]
        lines += [f"and {len(seen) - LINES} more: {more}"] if len(seen) > LINES else []
        found = review.bullets("Look at first:", lines) if lines else "Nothing is conspicuous about this table."
        return "\n\n".join(filter(None, [head, found, self._strongest(), self._table(more)]))

    def _strongest(self) -> str:
        if not (outcomes := self.profile.by_target):
            return ""
        strongest = [f"{name} {value:.2f}" for name, value in list(outcomes.strengths.items())[:STRONGEST] if value > 0]
        alone = f"{self.target} follows from one column alone, from 0 to 1: {', '.join(strongest)}"
        return alone if strongest else f"{self.target} follows from no column alone"

    def _table(self, more: str) -> str:
        looked = {name for each in self.profile.observations for name in each.columns}
        ordered = sorted(self.roles, key=lambda role: role.name not in looked)
        shown = ordered[:COLUMNS] if len(ordered) > COLUMNS else self.roles
        listed = column_list.contents((role.column for role in shown), self.profile.view.hidden)
        rest = f"\n{len(ordered) - len(shown):,} more columns: {more}" if len(ordered) > len(shown) else ""
        return listed + rest


def explore(table: Path, target: str | None = None, sheet: str | None = None) -> Exploration:
    """Read all rows, of a workbook those of the sheet, and profile them. Raises FactoryError."""
    if not table.exists():
        raise FactoryError(f"{table}: no such file or folder")
    with TemporaryDirectory() as folder:
        found = incoming([table], Path(folder), sheet)
        with named(found), tables.reading(table):
            return _explored(source.one_table([each.file for each in found]), table, target)


def _explored(rows: pl.LazyFrame, table: Path, target: str | None) -> Exploration:
    columns = contents.profile(rows)
    if not columns or not next(iter(columns.values())).rows:
        raise FactoryError(f"{table}: no rows")
    if target:
        check_names(UserChoices(target), columns)
    roles: list[ColumnRole] = []
    for column in columns.values():
        roles.append(ColumnRole(column, "target") if column.name == target else infer_role(column, roles))
    return Exploration(table.name, columns, roles, target, profile(view(rows, columns, roles), target))


def view(rows: pl.LazyFrame, columns: dict[str, Column], roles: Iterable[ColumnRole] = ()) -> View:
    """The table as the profile looks at it."""
    readable = [column for column in columns.values() if column.kind in KINDS]
    return View(
        rows=contents.values(rows, columns),
        height=next(iter(columns.values())).rows,
        sample=pl.DataFrame([column.sample for column in readable]),
        ends={column.name: _ends(column) for column in readable},
        hidden=frozenset(column.name for column in readable if personal.kind(column)),
        keys=frozenset(role.name for role in roles if role.role == "id" or role.why == NUMBER_OF_ROW),
        missing={column.name: column.missing for column in readable},
    )


def _ends(column: Column) -> tuple[Any, Any]:
    """The least and the greatest value; of texts only where all are the same."""
    if column.low is None and column.different == 1:
        first = column.sample.drop_nulls().first()
        return first, first
    return column.low, column.high


def _row(role: ColumnRole, explored: Exploration) -> dict[str, Any]:
    """What the page shows of a column."""
    column, view = role.column, explored.profile.view
    hidden = column.name in view.hidden
    kept = column.sample if column.kind in KINDS else pl.Series(column.name, [], pl.Null)
    drawn = column_profile.profile(kept, kept.clear(), hidden=hidden)
    summary = drawn["summary"]
    if summary["kind"] == "range":
        summary |= {"low": column.low, "high": column.high}
    looked = any(column.name in each.columns for each in explored.profile.observations)
    named = [name for name in (role.role,) if name in ("id", "time", "target")]
    note = "personal data" if hidden else column.format.note if column.kind not in KINDS else ""
    return {
        "name": column.name,
        "type": column_list.kind_name(column),
        "roles": named + ["look"] * looked,
        "missing": column.share_missing,
        "different": column.different,
        "summary": summary,
        "note": note,
        "distributions": drawn["distributions"],
    }


def _kinds(columns: dict[str, Column]) -> str:
    counts = Counter(NOUNS.get(column.kind, "other") for column in columns.values())
    return ", ".join(f"{number(count)} {noun}{'s' * (count > 1)}" for noun, count in counts.most_common())
