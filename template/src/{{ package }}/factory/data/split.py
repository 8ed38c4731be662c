"""The one split into training and test rows: by time, by a hash of the id, or by a hash of the whole row."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from hashlib import sha256

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars import selectors

from ..config import Data, Params
from ..errors import FactoryError
from ..tables.chunks import Frame, Rows, collect, column, filter_rows, iter_chunks
from .row_time import times

MAX_TEST_SHARE = 0.5
LEAST_VALUES = 2
"""A part with fewer distinct values of the target cannot be trained or tested on."""


def split(rows: Frame, params: Params, salt: str = "") -> tuple[Frame, Frame]:
    """Training and test rows; rows without a value of the target, if the contract allows any, are in neither.

    Raises FactoryError where an id stands twice or a part has nothing to learn or to test.
    """
    if params.data.id:
        _check_ids(rows, params.data.id, params.data)
    target = column(rows, params.data.target)
    if target.has_nulls():
        rows, target = rows.drop_nulls(params.data.target), target.drop_nulls()
    _check_target(target, params.problem)
    if params.data.time and (gaps := (time := times(rows, params.data)).null_count()):
        raise FactoryError(f"{time.name}: {gaps:,} rows have no time: remove them, or make the column not nullable")
    is_test = is_test_row(rows, params, salt)
    if params.data.repeats:
        _check_share(
            column(rows, str(params.data.id)), np.count_nonzero(is_test) / max(len(is_test), 1), params.split.test
        )
    for name, mask in {"train": ~is_test, "test": is_test}.items():
        if target.filter(mask).n_unique() < LEAST_VALUES:
            raise FactoryError(
                f"the {mask.sum():,} {name} rows have fewer than two distinct values of {params.data.target}: "
                "add data, or change split.test in params.yaml"
            )
    return filter_rows(rows, ~is_test), filter_rows(rows, is_test)


def is_test_row(rows: Rows, params: Params, salt: str = "") -> pl.Series:
    """True for the test rows: the newest, or, where ids repeat or there is no time, those chosen by a hash.

    Rows of one id are in one part, and without an id those that differ in the target at most. `salt`
    makes another choice among rows that were chosen already.
    """
    data, share = params.data, params.split.test
    if data.time and is_by_time(data):
        time = times(rows, data)
        newest = is_newest(time, share)
        return newest if newest.any() or not salt else time == time.max()  # of the few times that are left, one
    if data.id:
        ids = column(rows, data.id).cast(pl.String)
        distinct = ids.unique()
        chosen = distinct.filter(pl.Series(_positions(distinct, salt) < share))
        return ids.is_in(chosen.implode())
    return pl.Series(_positions(_contents(rows.drop(data.target)), salt) < share)


def is_by_time(data: Data) -> bool:
    """Whether the newest rows are the test; where ids repeat, whole ids are."""
    return data.time is not None and not data.repeats


def share_of_ids(ids: pl.Series, wanted: float) -> float:
    """The `split.test` by which whole ids in the test have about that share of the rows: the share itself if it does.

    Raises FactoryError where none does.
    """
    counts = ids.cast(pl.String).alias("id").value_counts(name="rows")
    positions, rows = _positions(counts["id"], ""), counts["rows"].to_numpy()
    places = np.argsort(positions)
    ends = np.concatenate([[0.0], positions[places], [1.0]])
    shares = np.concatenate([[0], np.cumsum(rows[places])]) / len(ids)  # of the first ids
    if _fits(shares[np.count_nonzero(positions < wanted)], wanted):
        return wanted
    best = int(np.abs(shares - wanted).argmin())
    if not _fits(shares[best], wanted):
        raise FactoryError(
            f"{ids.name}: {len(counts):,} ids, the largest with {rows.max() / len(ids):.0%} of the rows: no split "
            f"by whole ids has about {wanted:.0%} of the rows in the test: choose another id, or add rows of others"
        )
    middle = (ends[best] + ends[best + 1]) / 2
    return next(
        short for digits in range(2, 17) if ends[best] < (short := round(float(middle), digits)) <= ends[best + 1]
    )


def folds(rows: pl.DataFrame, params: Params, count: int, salt: str) -> pl.Series:
    """The fold of each row, from 0 on, chosen by a hash; rows of one id, or of equal content without one, share it."""
    data = params.data
    keys = rows[data.id].cast(pl.String) if data.id else _contents(rows.drop(data.target))
    return pl.Series(_positions(keys, salt) * count).cast(pl.Int32).clip(0, count - 1)


def is_newest(time: pl.Series, share: float) -> pl.Series:
    """True for that share of the rows, the newest; rows of the same time stay together."""
    return time > time.quantile(1 - share, "lower")


def is_future(time: pl.Series) -> pl.Series:
    """True for times in the future, by more than a day, because of time zones."""
    return time.cast(pl.Datetime) > datetime.now() + timedelta(days=1)


def _check_target(target: pl.Series, problem: str) -> None:
    expected = {
        "classification": "true and false, or 1 and 0",
        "multiclass": "one of several classes, dy.Enum",
        "regression": "numbers",
    }[problem]
    if problem == "multiclass":
        fits = isinstance(target.dtype, pl.Enum) and len(target.dtype.categories) > 1
    else:
        fits = target.dtype.is_numeric() or target.dtype == pl.Boolean
    if not fits or (problem == "classification" and not target.cast(pl.Float64).is_in([0.0, 1.0]).all()):
        raise FactoryError(
            f"{target.name}: the target of a {problem} problem has to be {expected}: change contract.py or params.yaml"
        )


def _check_share(ids: pl.Series, found: float, wanted: float) -> None:
    """Refuse a test of no rows, or of most, where few ids or large ones make the hash's choice a poor one."""
    if not 0 < found <= max(MAX_TEST_SHARE, 2 * wanted):
        better = share_of_ids(ids, wanted)
        raise FactoryError(
            f"{ids.name}: the test would have {found:.0%} of the rows, since those of an id stay together: set split.test to "
            f"{better:g} in params.yaml, by which it has about {wanted:.0%}"
        )


def _fits(share: float, wanted: float) -> bool:
    """Whether it is from half to twice the one wanted."""
    return bool(wanted / 2 <= share <= 2 * wanted)


def _check_ids(rows: Rows, name: str, data: Data) -> None:
    gaps = int(collect(rows.select(pl.col(name).null_count())).item())
    if gaps and (data.repeats or not data.time):
        raise FactoryError(f"{name}: {gaps:,} rows have no id: remove them, or make the column not nullable")
    if data.repeats or not _may_repeat(rows, name):
        return
    ids = column(rows, name)
    repeated = ids.filter(ids.is_duplicated())
    if len(repeated):
        raise FactoryError(
            f"{name}: {len(repeated):,} rows share their id with another, e.g. {repeated[0]!r}: "
            "remove the duplicates from the deliveries, or set `data.repeats: true` in params.yaml"
        )


def _may_repeat(rows: Rows, name: str) -> bool:
    """Whether two values have the same hash, of which each takes 8 bytes, while a table of texts takes a hundred."""
    hashes = collect(rows.select(pl.col(name).hash())).to_series().sort()
    return bool((hashes[1:] == hashes[:-1]).any())


def _contents(rows: Rows) -> Iterator[str]:
    text = rows.with_columns(selectors.binary().bin.encode("hex"))
    for chunk in iter_chunks(text):
        yield from chunk.write_ndjson().removesuffix("\n").split("\n")


def _positions(keys: Iterable[str], salt: str) -> NDArray[np.float64]:
    """Numbers from 0 to 1 that depend on the key alone, on any machine and in any version."""
    heads = b"".join(sha256((salt + key).encode()).digest()[:4] for key in keys)
    return np.frombuffer(heads, ">u4") / 0xFFFFFFFF
