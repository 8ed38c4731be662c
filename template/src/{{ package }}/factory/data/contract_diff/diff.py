"""Who names a column: params.yaml, your modules and your tests."""

import ast
from collections.abc import Iterator
from functools import partial
from itertools import product
from pathlib import Path

import polars as pl

from .... import contract
from ... import tables
from ...config import Params
from ...errors import ContractViolation
from ...paths import PREPARED
from ...validation.parsing import try_cast
from ...validation.rules import rules
from .. import ledger, prepare
from . import similarity
from .changes import DECIDE, Difference, Values
from .patch import Amendment, ByHand, unified


def by_params(params: Params) -> set[str]:
    """The columns that params.yaml names."""
    data = params.data
    named = (data.target, data.id, data.time, *data.sensitive, *params.evaluation.slices)
    return {column for column in named if column}


def by_code(column: str) -> list[str]:
    """Your files, but for contract.py, that name the column."""
    package = Path(contract.__file__).parent
    files = [file for file in package.glob("*.py") if file.name != "contract.py"]
    return sorted(file.name for file in (*files, *Path("tests").glob("*.py")) if _names(file, column))


def told(files: list[str]) -> str:
    """The files as the subject of a clause."""
    return f"{' and '.join(files)} {'use' if files[1:] else 'uses'}"


def _names(file: Path, column: str) -> bool:
    try:
        nodes = ast.walk(ast.parse(file.read_bytes()))
    except (SyntaxError, OSError):
        return False
    return any(isinstance(node, ast.Constant) and node.value == column for node in nodes)


READABLE = 0.9


def diff(file: Path, params: Params) -> tuple[list[str], str]:
    """What differs, a line each, and the change of contract.py; nothing if the file keeps the contract."""
    source, here = Path(contract.__file__).resolve(), Path.cwd().resolve()
    amendment = Amendment(source.read_bytes(), contract.LabelledRow)
    found = list(differences(tables.read(file), params, file.name))
    lines = [_plain(_proposed(difference, amendment)) for difference in found]
    if not lines:
        prepare.check(file, params)
    place = source.relative_to(here) if source.is_relative_to(here) else source
    return lines, unified(amendment.source.content, amendment.result(), place.as_posix())


def differences(rows: pl.DataFrame, params: Params, name: str) -> Iterator[Difference]:
    """All that differs, column by column, then over the whole delivery."""
    schema, known = contract.LabelledRow, earlier()
    rows = rows.drop(getattr(contract, "IGNORED", {}), strict=False)
    missing = [column for column in schema.columns() if column not in rows.columns]
    new = [column for column in rows.columns if column not in schema.columns()]
    renamed = _renamed(rows.select(new), missing, known)
    for old, name_now in renamed.items():
        words = f"{old} is missing, {name_now} is new and looks like it: renamed?"
        users = by_code(old) + ["params.yaml"] * (old in by_params(params))
        words += f" {told(users)} the old name: to rename it in the delivery is simpler" if users else ""
        yield Difference(old, words, partial(Amendment.rename, column=old, new=name_now))
    yield from (_missing(column, params) for column in missing if column not in renamed)
    for column in (column for column in new if column not in renamed.values()):
        reason = f"new in {name}, not used yet"
        yield Difference(column, f"{column} is new", partial(Amendment.ignore, columns=[column], reason=reason))
    firm = {column for column in (params.data.target, params.data.id, params.data.time) if column}
    values = Values(rows.rename({now: old for old, now in renamed.items()}), schema, known, firm)
    order = list(schema.columns())
    yield from sorted(values.differences(), key=lambda found: (*order, found.column).index(found.column))
    yield from _whole(values.cast, params)


def earlier() -> pl.DataFrame | None:
    """Rows that were accepted before: what the model learned from, else the newest delivery."""
    places = [PREPARED / "train.parquet", *(entry.path for entry in reversed(ledger.entries()))]
    for place in places:
        if place.is_file():
            return try_cast(tables.read(place), contract.LabelledRow)[0]
    return None


def _renamed(new: pl.DataFrame, missing: list[str], known: pl.DataFrame | None) -> dict[str, str]:
    """For each missing column the new one that looks like it, the likeliest pairs first."""
    pairs = [(_likeness(new[now], old, known), old, now) for old, now in product(missing, new.columns)]
    found: dict[str, str] = {}
    for likely, old, now in sorted(pairs, reverse=True):
        if likely and old not in found and now not in found.values():
            found[old] = now
    return found


def _likeness(values: pl.Series, column: str, known: pl.DataFrame | None) -> float:
    """How likely the values are those of that column, from 0 to 2; 0 is not."""
    cast, problems = try_cast(values.alias(column).to_frame(), contract.LabelledRow)
    readable = 1 - (cast[column].null_count() - values.null_count()) / max(len(values), 1)
    if readable < READABLE or any(problem.row is None for problem in problems):
        return 0
    earlier = known[column] if known is not None and column in known.columns else None
    return similarity.renamed(column, earlier, cast[column].alias(values.name))


def _missing(column: str, params: Params) -> Difference:
    readers = [name for name, rule in rules(contract.LabelledRow).items() if _reads(rule, column, name)]
    readers += [name for name, invariant in contract.DELIVERY.items() if column in invariant.meta.root_names()]
    if readers:
        return Difference(column, f"{column} is missing; contract.py reads it: {', '.join(readers)}: {DECIDE}")
    if column in by_params(params):
        return Difference(column, f"{column} is missing; params.yaml names it: {DECIDE}")
    users = by_code(column)
    words = f"; {told(users)} it: without it, change that too" if users else ""
    return Difference(column, f"{column} is missing{words}", partial(Amendment.remove, column=column))


def _reads(rule: pl.Expr, column: str, name: str) -> bool:
    return column in rule.meta.root_names() and not name.startswith(f"{column}|")


def _whole(cast: pl.DataFrame, params: Params) -> Iterator[Difference]:
    for name, invariant in contract.DELIVERY.items():
        try:
            if cast.select(invariant).item() is not True:
                yield Difference(name, f"not so: {name}: {DECIDE}")
        except pl.exceptions.ColumnNotFoundError:
            continue
        except (pl.exceptions.PolarsError, ValueError) as error:
            yield Difference(name, f"{name}: cannot be judged: {error}")
    if params.data.time and params.data.time in cast.columns:
        try:
            prepare.refuse_future(cast[params.data.time])
        except ContractViolation as error:
            yield Difference(params.data.time, f"{error}")


def _proposed(difference: Difference, amendment: Amendment) -> str:
    try:
        if difference.edit:
            difference.edit(amendment)
    except ByHand as change:
        return f"{difference.words}; contract.py is to be changed by hand: {change}"
    return difference.words


def _plain(line: str) -> str:
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in line)
