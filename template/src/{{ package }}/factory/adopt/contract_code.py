"""A column as a line of the contract: its type, limits with room for tomorrow's rows, and how it is written."""

import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import dataframely as dy
import polars as pl

from ..validation.bounds import rounded_bound
from .profile import TEMPORAL, Column
from .target import Question
from .type_inference import NUMERIC, UNKNOWN

LONG = 8
YEARS = (1800, 2100)
LAST = 2100


@dataclass(frozen=True)
class Declared:
    """A column of the contract: the attribute's name, its type, the type's arguments as code, and a comment."""

    column: Column
    attribute: str
    kind: str
    arguments: dict[str, Any]
    categories: list[str] | None = None
    constant: str | None = None  # that holds the categories where they are many
    comment: str = ""

    @property
    def code(self) -> str:
        """The right-hand side of the line."""
        first = [self.constant or repr(self.categories)] if self.categories is not None else []
        return (
            f"dy.{self.kind}({', '.join(first + [f'{name}={_code(value)}' for name, value in self.arguments.items()])})"
        )


def declare(column: Column, taken: set[str], *, target: Question | None = None, is_key: bool = False) -> Declared:
    """The column as the contract states it; `taken` are names that cannot be given any more, a key has no categories."""
    attribute = _identifier(column.name, taken)
    taken.add(attribute)
    if target and target.problem != "regression":
        kind, arguments, categories = _classes(target)
    else:
        has_categories = column.kind == "String" and not is_key
        kind, categories = ("Enum", column.values) if has_categories else (column.kind, None)
        arguments = _limits(column, is_key) | column.spelled.options
        if metadata := _spelling(column):
            arguments["metadata"] = metadata
    nullable = {"nullable": True} if column.missing else {}
    alias = {} if attribute == column.name else {"alias": column.name}
    constant = f"{attribute.strip('_').upper()}" if categories and len(categories) > LONG else None
    return Declared(column, attribute, kind, alias | nullable | arguments, categories, constant, _seen(column))


def _classes(question: Question) -> tuple[str, dict[str, Any], list[str] | None]:
    """The target of a classification: true or false, or one of its classes."""
    if question.problem == "multiclass":
        return "Enum", {}, list(question.counts)
    if set(question.counts) == {"false", "true"} and not question.target.spelled.metadata:
        return "Bool", {}, None
    spelled = question.target.spelled
    if spelled.kind == "Bool":
        return "Bool", {"metadata": spelled.metadata}, None
    other = next(text for text in question.counts if text != question.positive)
    return "Bool", {"metadata": {"true": [question.positive], "false": [other]}}, None


def _spelling(column: Column) -> dict[str, Any]:
    """How the column alone is written; what means unknown everywhere is said elsewhere."""
    own = [text for text in column.spelled.unknown if text not in UNKNOWN]
    missing = [*column.spelled.metadata.get("missing", []), *own]
    return column.spelled.metadata | ({"missing": missing} if missing else {})


def _limits(column: Column, is_key: bool) -> dict[str, Any]:
    low, high = column.low, column.high
    if column.kind == "String" and is_key:
        return {"min_length": 1, "max_length": rounded_bound(2 * column.longest, "max_length", pl.String())}
    if column.kind in TEMPORAL[:2]:
        kind = date if column.kind == "Date" else datetime
        return {"min": kind(max(low.year // 10 * 10 - 10, 1), 1, 1), "max": kind(*_last(high))}
    if column.kind not in NUMERIC or low is None:
        return {}
    dtype = pl.Int64() if column.kind == "Int64" else pl.Float64()
    if is_key:
        return {"min": min(0, low)}
    if column.kind == "Int64" and column.different == 2 and (low, high) == (0, 1):
        return {"min": 0, "max": 1}
    if column.kind == "Int64" and YEARS[0] <= low and high <= YEARS[1]:
        return {"min": low // 10 * 10 - 50, "max": LAST}
    if low < 0:
        span = high - low
        return {"min": rounded_bound(low - span / 2, "min", dtype), "max": rounded_bound(high + span / 2, "max", dtype)}
    return {
        "min": rounded_bound(low / 1.5, "min", dtype) if low > high / 100 else 0,
        "max": rounded_bound(1.5 * high, "max", dtype),
    }


def _last(high: date) -> tuple[int, int, int]:
    year = max(LAST, high.year + 50)
    return (year, 1, 1) if year <= 9999 else (9999, 12, 31)


def _seen(column: Column) -> str:
    """What the limits rest on."""
    parts = []
    if column.kind in NUMERIC and column.low is not None:
        parts.append(f"seen {_short(column.low)} to {_short(column.high)}")
    elif column.kind in TEMPORAL and column.low is not None:
        parts.append(f"seen {column.low!s:.10} to {column.high!s:.10}")
    if column.missing:
        parts.append(f"{max(0.1, 100 * column.share_missing):.2g} % unknown")
    return ", ".join([*parts, *filter(None, [column.spelled.note])])


def _short(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else f"{value:.6g}"


def _identifier(name: str, taken: set[str]) -> str:
    """A name that Python takes as the attribute of a schema, like the column's own if that will do."""
    if name.isidentifier() and _is_free(name, taken):
        return name
    words = re.sub(r"\W+", "_", name).strip("_").lower()
    stem = words if words.isidentifier() else f"column_{words}".strip("_")
    return next(n for n in (stem, f"{stem}_", *(f"{stem}_{i}" for i in range(2, 10**6))) if _is_free(n, taken))


def _is_free(name: str, taken: set[str]) -> bool:
    return not (
        keyword.iskeyword(name)
        or keyword.issoftkeyword(name)
        or name[0] == "_"
        or hasattr(dy.Schema, name)
        or name in taken
    )


def _code(value: Any) -> str:
    """The value as Python writes it."""
    if isinstance(value, datetime):
        return f"datetime({value.year}, {value.month}, {value.day})"
    if isinstance(value, date):
        return f"date({value.year}, {value.month}, {value.day})"
    return repr(value)


MOST = 6


@dataclass(frozen=True)
class Rule:
    """A name, the expression that holds it, and a delivery that breaks it, both as code."""

    name: str
    code: str
    broken: str


def rules(columns: list[Declared], question: Question) -> list[Rule]:
    """Shares of what is unknown, medians where another unit would stay in the limits, and how often the target is true."""
    features = [column for column in columns if column.column is not question.target]
    return [*list(_gaps(features))[:MOST], *list(_medians(features))[:MOST], *_balance(question)]


def _gaps(columns: list[Declared]) -> Iterator[Rule]:
    """At most so many are unknown."""
    for column in sorted(columns, key=lambda c: -c.column.missing):
        limit = min(100, max(5, -(-column.column.missing * 40 // column.column.rows) * 5))
        if column.column.missing and limit < 100:
            name = column.column.name
            yield Rule(
                f"at most {limit} % of the rows lack {name}",
                f"pl.col({name!r}).is_null().mean() <= {limit / 100:g}",
                f"first({limit / 100 + 0.01:.2f}, {name!r}, None)",
            )


def _medians(columns: list[Declared]) -> Iterator[Rule]:
    """The median stays near where it was: of columns whose hundredth part no limit would refuse."""
    for column in columns:
        facts, least = column.column, column.arguments.get("min")
        median = facts.sample.median() if facts.kind in NUMERIC else None
        if not isinstance(median, float) or least is None or not 0 <= least <= median / 100:
            continue
        low, high = (float(facts.sample.quantile(share) or 0) for share in (0.05, 0.95))
        least, most = (
            rounded_bound(end, kind, pl.Float64())
            for end, kind in ((max(low, median / 10) / 2, "min"), (2 * high, "max"))
        )
        yield Rule(
            f"the median of {facts.name} is between {least} and {most}",
            f"pl.col({facts.name!r}).median().is_between({least}, {most})",
            f"first(0.6, {facts.name!r}, {int(most * 2) + 1 if facts.kind == 'Int64' else float(most * 2)})",
        )


def _balance(question: Question) -> Iterator[Rule]:
    """True is about as frequent as it was."""
    if question.problem != "classification" or question.positive is None:
        return
    share = question.counts[question.positive] / question.rows
    low, high = (
        rounded_bound(share / 2, "min", pl.Float64()),
        min(rounded_bound(2 * share, "max", pl.Float64()), rounded_bound((1 + share) / 2, "max", pl.Float64())),
    )
    name = question.target.name
    yield Rule(
        f"{name} is true in {100 * low:g} to {100 * high:g} % of the rows",
        f"pl.col({name!r}).mean().is_between({low:g}, {high:g})",
        f"first(1, {name!r}, False)",
    )
