"""Which side of a split a row is on: by its time, by its id, or by all that it holds."""

from collections.abc import Iterable, Iterator
from hashlib import sha256

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars import selectors

from ..config import Data, Params
from ..errors import FactoryError
from ..tables.chunks import Frame, Rows, column, filter_rows, iter_chunks


def split(rows: Frame, params: Params, salt: str = "") -> tuple[Frame, Frame]:
    """Training and test rows, as `sides` chooses them; rows without an outcome, filter_rows the contract allows any, are on neither.

    Raises FactoryError filter_rows an id stands twice or a side has nothing to learn or to test.
    """
    if params.data.id:
        _check_ids(column(rows, params.data.id), params.data)
    target = column(rows, params.data.target)
    if target.has_nulls():
        rows, target = rows.drop_nulls(params.data.target), target.drop_nulls()
    _check_target(target, params.problem)
    if params.data.time and (gaps := column(rows, params.data.time).null_count()):
        raise FactoryError(f"{params.data.time}: {gaps} rows have no time")
    is_test = test_side(rows, params, salt)
    for name, side in {"train": ~is_test, "test": is_test}.items():
        if target.filter(side).n_unique() < 2:
            raise FactoryError(
                f"the {name} rows ({side.sum()}) hold fewer than two values of {params.data.target}: "
                "bring more data, or change split.test in params.yaml"
            )
    return filter_rows(rows, ~is_test), filter_rows(rows, is_test)


def _check_target(target: pl.Series, problem: str) -> None:
    wanted = {
        "classification": "true and false, or 1 and 0",
        "multiclass": "one of several classes, dy.Enum",
        "regression": "numbers",
    }[problem]
    if problem == "multiclass":
        fits = isinstance(target.dtype, pl.Enum) and len(target.dtype.categories) > 1
    else:
        fits = target.dtype.is_numeric() or target.dtype == pl.Boolean
    if not fits or (problem == "classification" and not target.cast(pl.Float64).is_in([0.0, 1.0]).all()):
        raise FactoryError(f"{target.name}: the target of a {problem} is {wanted}: change contract.py or params.yaml")


def _check_ids(ids: pl.Series, data: Data) -> None:
    if ids.has_nulls() and (data.repeats or not data.time):
        raise FactoryError(f"{ids.name}: {ids.null_count()} rows have no id")
    twice = ids.filter(ids.is_duplicated())
    if len(twice) and not data.repeats:
        raise FactoryError(
            f"{ids.name}: {len(twice)} rows share their id with another, e.g. {twice[0]!r}: "
            "remove the repeats from the deliveries, or say `repeats: true` below data in params.yaml"
        )


def test_side(rows: Rows, params: Params, salt: str = "") -> pl.Series:
    """True for the rows of the test: the newest, or filter_rows ids repeat or there is no time, a hash's choice.

    Rows of one id are on one side, and without an id those that differ in the target at most. `salt`
    makes another choice among rows that were chosen already.
    """
    data, share = params.data, params.split.test
    if data.time and not data.repeats:
        times = column(rows, data.time)
        return times > times.quantile(1 - share, "lower")
    if data.id:
        ids = column(rows, data.id).cast(pl.String)
        distinct = ids.unique()
        chosen = distinct.filter(pl.Series(_positions(distinct, salt) < share))
        return ids.is_in(chosen.implode())
    return pl.Series(_positions(_contents(rows.drop(data.target)), salt) < share)


def _contents(rows: Rows) -> Iterator[str]:
    text = rows.with_columns(selectors.binary().bin.encode("hex"))
    for part in iter_chunks(text):
        yield from part.write_ndjson().removesuffix("\n").split("\n")


def _positions(keys: Iterable[str], salt: str) -> NDArray[np.float64]:
    """Numbers from 0 to 1 that depend on the key alone, on every machine and in every version."""
    heads = b"".join(sha256((salt + key).encode()).digest()[:4] for key in keys)
    return np.frombuffer(heads, ">u4") / 0xFFFFFFFF
