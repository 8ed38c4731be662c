"""How the values of a delivery differ from the contract, all of it in one go, and what change would admit them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import dataframely as dy
import polars as pl

from ...errors import Violation
from ...validation import bounds
from ...validation.parsing import try_cast
from ...validation.rules import rules, violation
from . import similarity
from .patch import ContractEditor

DIRECTIONS = {"min": ("below", "down to"), "max": ("above", "up to")}
LIMITS = ("min", "max", "min_exclusive", "max_exclusive", "min_length", "max_length")
MANY, FEW = 20, 3
DECIDE = "that a person has to decide"


@dataclass(frozen=True)
class Difference:
    """What differs, in words, and the change of the contract that admits it, where one can be proposed."""

    subject: str  # a column, or a rule
    message: str
    edit: Callable[[ContractEditor], None] | None = None


@dataclass
class Values:
    """A delivery's values in the contract's types as far as they go, with earlier ones to compare with."""

    rows: pl.DataFrame
    schema: type[dy.Schema]
    earlier: pl.DataFrame | None
    required: set[str]  # columns that params.yaml needs in every row
    cast: pl.DataFrame = field(init=False)
    losses: dict[str, Violation] = field(init=False)
    in_other_units: set[str] = field(default_factory=set)  # and reported to be so

    def __post_init__(self) -> None:
        self.cast, losses = try_cast(self.rows, self.schema)
        self.losses = {loss.subject: loss for loss in losses}

    def differences(self) -> Iterator[Difference]:
        """Types, categories, missing values, limits, then the rules between columns."""
        for name, loss in self.losses.items():
            yield from self._categories(name) if self.cast.schema[name] == pl.Enum else [self._type(name, loss)]
        for name in self.cast.columns:
            yield from self._nulls(name)
        for rule, expression in rules(self.schema).items():
            column, _, kind = rule.rpartition("|")
            if kind != "nullability" and set(expression.meta.root_names()) <= set(self.cast.columns):
                yield from self._rule(rule, expression, column, kind)

    def _type(self, name: str, loss: Violation) -> Difference:
        for wider in bounds.wider_types(self.cast[name]):
            cast, losses = try_cast(self.rows.select(name), self._retyped(name, getattr(dy, wider)))
            if not losses:
                self.cast = self.cast.with_columns(cast[name])
                unit = self._unit_change(name)
                self.in_other_units |= {name} if unit else set()
                edit = None if unit else partial(ContractEditor.retype, column=name, name=wider)
                return Difference(name, f"{loss}{unit or f'; {wider} holds all of them'}", edit)
        texts = self._unread(name).drop_nulls().unique().sort().to_list()
        unknown = 0 < len(texts) <= FEW and not any(letter.isdigit() for text in texts for letter in text)
        words = " or ".join(map(repr, texts))
        return Difference(name, f"{loss}{f'; if {words} means unknown, name it in MISSING' if unknown else ''}")

    def _categories(self, name: str) -> Iterator[Difference]:
        known = list(self.cast.schema[name].categories)  # type: ignore[attr-defined]
        unread = self._unread(name)
        counts = unread.drop_nulls().value_counts()
        new = counts.sort("count", name, descending=[True, False]).rows()
        if len(new) > max(MANY, len(known)):
            yield Difference(name, f"{self.losses[name]}: {len(new)} new values: looks like something else than {name}")
            return
        for value, count in new:
            close = similarity.similar_category(value, known)
            message = (
                f"{name}: new value {value!r} in {count} of {self.rows.height} rows{f', {close}' if close else ''}"
            )
            yield Difference(name, message, partial(ContractEditor.categories, column=name, values=[value]))
        wider = pl.Enum([*known, *(value for value, _ in new)])
        self.cast = self.cast.with_columns(pl.coalesce(pl.col(name).cast(wider), unread.cast(wider)))

    def _nulls(self, name: str) -> Iterator[Difference]:
        column = self.schema.columns()[name]
        unread = name in self.losses and self.cast.schema[name] == column.dtype
        count = (self.rows if unread else self.cast)[name].null_count()
        if not count or column.nullable:
            return
        message = f"{name}: {count} of {self.rows.height} rows are empty, none may be"
        if name in self.required or getattr(column, "primary_key", False):
            yield Difference(name, f"{message}: each row needs it")
        else:
            yield Difference(name, message, partial(ContractEditor.nullable, column=name))

    def _rule(self, rule: str, expression: pl.Expr, column: str, kind: str) -> Iterator[Difference]:
        try:
            bad = self.cast.filter(~expression)
        except pl.exceptions.PolarsError as error:
            yield Difference(column or rule, f"{rule}: cannot be judged: {str(error).partition(chr(10))[0]}")
            return
        if kind in LIMITS:
            values = bad[column].filter(bad[column].is_finite()) if bad.schema[column].is_float() else bad[column]
            yield from [self._limit(values, kind)] if len(values) and column not in self.in_other_units else []
        elif bad.height:
            yield Difference(column or rule, f"{violation(self.cast, rule, self.schema)}: {DECIDE}")

    def _limit(self, bad: pl.Series, kind: str) -> Difference:
        name, limit = bad.name, getattr(self.schema.columns()[bad.name], kind)
        where, to = DIRECTIONS[kind[:3]]
        sizes = bad.str.len_bytes() if bad.dtype == pl.String else bad.list.len() if bad.dtype.is_nested() else bad
        extreme = sizes.max() if kind.startswith("max") else sizes.min()
        message = f"{name}: {len(bad)} of {self.rows.height} rows {where} {kind} {limit}, {to} {extreme!s}"
        bound = bounds.rounded_bound(extreme, kind, sizes.dtype if sizes is bad else pl.Int64())
        edit = partial(ContractEditor.limit, column=name, kind=kind, value=bound) if bound is not None else None
        return Difference(name, message + (self._unit_change(name) or ""), edit)

    def _unit_change(self, column: str) -> str | None:
        """The other unit that the values look to be in, as the end of a message."""
        if self.earlier is None or column not in self.earlier.columns or not self.cast.schema[column].is_numeric():
            return None
        unit = similarity.unit_change(self.earlier[column], self.cast[column])
        return f"; {unit}: mend the delivery rather than the contract" if unit else None

    def _unread(self, name: str) -> pl.Series:
        """The texts of the values that cannot be of the column's type, null elsewhere."""
        text = try_cast(self.rows.select(pl.col(name).cast(pl.String)), self._retyped(name, dy.String))[0]
        stripped = pl.col(name).str.strip_chars().replace("", None)
        return text.select(pl.when(self.cast[name].is_null()).then(stripped).alias(name))[name]

    def _retyped(self, name: str, kind: type[dy.Column]) -> type[dy.Schema]:
        """A contract of that column alone, of another type."""
        metadata = self.schema.columns()[name].metadata
        return type("One", (dy.Schema,), {"one": kind(nullable=True, alias=name, metadata=metadata)})
