"""`factory contract --diff`: all differences between a file and the contract, and the patch that would accept it.

A column that is missing or renamed is reported alone: other files name it, and only a person knows what it has become.
"""

import ast
from collections.abc import Iterator
from functools import partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from .... import contract
from ... import tables
from ...config import Params
from ...errors import BrokenInvariant, ContractViolation, FactoryError, Violation
from ...paths import PREPARED
from ...validation.definition import delivered
from ...validation.expectations import measured
from ...validation.parsing import COLUMN_MISSING, is_ignored, try_cast
from ...validation.rules import rules
from .. import ledger, observations, prepare, since
from ..incoming import Incoming, incoming, named
from . import similarity
from .changes import DECIDE, Difference, Values
from .patch import ContractEditor, ManualEdit, unified_diff

MOST_NEW = 1_000  # columns; a file with more is another table
LEAST_READABLE = 0.9  # share of a column's values


def diff(file: Path, params: Params, sheet: str | None = None) -> tuple[list[str], str]:
    """The differences, a line each, and the patch; nothing if the file, or the sheet of the workbook, satisfies the contract."""
    with TemporaryDirectory() as folder:
        found = incoming([file], Path(folder), sheet) if sheet and file.is_file() else [Incoming(file, f"{file}")]
        if len(found) > 1:
            raise FactoryError(f"{file}: contains {len(found)} tables: unpack it first")
        with named(found):
            return _diff(found[0].file, params)


def _diff(file: Path, params: Params) -> tuple[list[str], str]:
    source, here = Path(contract.__file__).resolve(), Path.cwd().resolve()
    editor = ContractEditor(source.read_bytes(), delivered())
    lines = [
        _printable(_edited(difference, editor)) for difference in differences(tables.read(file), params, file.name)
    ]
    if not lines:
        prepare.check(file, params)
    path = source.relative_to(here) if source.is_relative_to(here) else source
    return lines, unified_diff(editor.source.content, editor.result(), path.as_posix())


def differences(rows: pl.DataFrame, params: Params, name: str) -> Iterator[Difference]:
    """All differences, column by column, then of the whole delivery."""
    schema, earlier = delivered(), _earlier_rows()
    rows = rows.drop(name for name in rows.columns if name not in schema.columns() and is_ignored(name))
    rows = since.fill(rows, since.absent(name, params))
    missing = [column for column in schema.columns() if column not in rows.columns]
    new = [column for column in rows.columns if column not in schema.columns()]
    if len(new) > MOST_NEW:
        raise FactoryError(
            f"{name}: {len(new):,} columns are not in the contract, and {len(missing):,} of it are missing"
        )
    renamed = _renamed_columns(rows.select(new), missing, earlier)
    yield from (_renamed(old, new_name, params) for old, new_name in renamed.items())
    yield from (_missing(column, params, name) for column in missing if column not in renamed)
    for column in (column for column in new if column not in renamed.values()):
        reason = f"new in {name}, not used yet"
        yield Difference(
            column,
            f"{column} is new: to use it, see docs/data.md",
            partial(ContractEditor.ignore, columns=[column], reason=reason),
        )
    required = {column for column in (params.data.target, params.data.id, *params.data.times) if column}
    rows = rows.rename({new_name: old for old, new_name in renamed.items()})
    values = Values(rows, schema, earlier, required)
    order = list(schema.columns())
    yield from sorted(
        values.differences(), key=lambda difference: (*order, difference.subject).index(difference.subject)
    )
    yield from _delivery(values.cast, params)


def _earlier_rows() -> pl.DataFrame | None:
    """Rows that were accepted before: the prepared ones, of forecasts as they were delivered, or else the newest delivery."""
    prepared = "train.parquet" if delivered() is contract.LabelledRow else observations.FILE
    paths = [PREPARED / prepared, *(entry.path for entry in reversed(ledger.entries()))]
    for path in paths:
        if path.is_file():
            return try_cast(tables.read(path), delivered())[0]
    return None


def _renamed_columns(new: pl.DataFrame, missing: list[str], earlier: pl.DataFrame | None) -> dict[str, str]:
    """For each missing column the new one that looks like it; the most likely pairs first."""
    pairs = [(_rename_score(new[name], old, earlier), old, name) for old, name in product(missing, new.columns)]
    renamed: dict[str, str] = {}
    for score, old, name in sorted(pairs, reverse=True):
        if score and old not in renamed and name not in renamed.values():
            renamed[old] = name
    return renamed


def _rename_score(values: pl.Series, column: str, earlier: pl.DataFrame | None) -> float:
    """How likely the values are those of that column, from 0, not at all, to 2."""
    cast, losses = try_cast(values.alias(column).to_frame(), delivered())
    readable = 1 - (cast[column].null_count() - values.null_count()) / max(len(values), 1)
    if readable < LEAST_READABLE or any(loss.row is None for loss in losses):
        return 0
    before = earlier[column] if earlier is not None and column in earlier.columns else None
    return similarity.rename_score(column, before, cast[column].alias(values.name))


def _renamed(old: str, new: str, params: Params) -> Difference:
    message = f"{old} is missing, and {new} is new and looks like it: was it renamed? Rename it in the delivery, or in"
    return Difference(old, f"{message} {_files_naming(old, params)}")


def _missing(column: str, params: Params, name: str) -> Difference:
    readers = [label for label, rule in rules(delivered()).items() if _reads(rule, column, label)]
    readers += [label for label, invariant in contract.DELIVERY.items() if column in invariant.meta.root_names()]
    if readers:
        return Difference(column, f"{column} is missing; contract.py reads it: {', '.join(readers)}: {DECIDE}")
    if column in params.columns:
        return Difference(column, f"{column} is missing; params.yaml names it: {DECIDE}")
    message = f"{column} is missing: add it to the delivery, or remove it from {_files_naming(column, params)}"
    return Difference(column, f"{message}{since.hint([Violation(column, COLUMN_MISSING)], name)}")


def _reads(rule: pl.Expr, column: str, name: str) -> bool:
    return column in rule.meta.root_names() and not name.startswith(f"{column}|")


def _files_naming(column: str, params: Params) -> str:
    """contract.py, and those of the user's other modules, tests and params.yaml that name the column."""
    modules = [file for file in Path(contract.__file__).parent.glob("*.py") if file.name != "contract.py"]
    files = sorted(file.name for file in (*modules, *Path("tests").glob("*.py")) if _names(file, column))
    return ", ".join(["contract.py", *files, *(["params.yaml"] if column in params.columns else [])])


def _names(file: Path, column: str) -> bool:
    try:
        nodes = ast.walk(ast.parse(file.read_bytes()))
    except (SyntaxError, OSError):
        return False
    return any(isinstance(node, ast.Constant) and node.value == column for node in nodes)


def _delivery(cast: pl.DataFrame, params: Params) -> Iterator[Difference]:
    """The invariants that the whole delivery violates."""
    for name, invariant in contract.DELIVERY.items():
        try:
            if cast.select(invariant).item() is not True:
                yield Difference(name, f"{BrokenInvariant(name, measured(invariant, cast))}: {DECIDE}")
        except pl.exceptions.ColumnNotFoundError:
            continue
        except (pl.exceptions.PolarsError, ValueError) as error:
            yield Difference(name, f"{name}: cannot be evaluated: {error}")
    if params.data.time and {*params.data.times} <= {*cast.columns}:
        try:
            prepare.check_times(cast, params.data)
        except ContractViolation as error:
            yield Difference(", ".join(params.data.times), f"{error}")


def _edited(difference: Difference, editor: ContractEditor) -> str:
    """Make the change, if there is one; the message, with the change if a person has to make it."""
    try:
        if difference.edit:
            difference.edit(editor)
    except ManualEdit as change:
        return f"{difference.message}; change contract.py by hand: {change}"
    return difference.message


def _printable(line: str) -> str:
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in line)
