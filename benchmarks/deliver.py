"""Run in a project whose package is `adopted`: which deliveries a contract accepts that adoption wrote.

`deliver.py FOLDER` reads each NAME.json there, which names a table and its target. Ten deliveries, cut in time or at random,
are validated against the contract of the whole table; the last, or half of them at random, against that of the earlier rows; all but a few
rows against that of these few; and one delivery with each defect. Writes NAME.deliveries.
"""

import gzip
import importlib
import json
import shutil
import sys
from collections.abc import Iterator
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl

PARTS = 10
UNITS = (100, 2.54, 0.4536)
CODES = 10  # different numbers at most
SMALL = 300  # rows
TRIED = 12  # defects of each table, so that wide ones count no more than others
PLACEHOLDERS = ("1900-01-01", "9999-12-31")
VISIBLE = 0.1
"""By how much a share of values has to change before a swapped column or a shifted code counts as a defect."""
Defects = Iterator[tuple[str, str, pl.DataFrame]]
File = tuple[str, bytes]


def main(folder: Path) -> None:
    """Try each table; one that cannot be adopted has an error."""
    for path in sorted(folder.glob("*.json")):
        case = json.loads(path.read_text("utf-8"))
        try:
            facts = _tried(Path(case["table"]), case["target"])
        except Exception as error:  # noqa: BLE001  the others are tried all the same
            facts = {"error": f"{type(error).__name__}: {error}"}
        path.with_suffix(".deliveries").write_text(json.dumps(facts), "utf-8")
        print(f"delivered: {path.stem}", flush=True)


def _tried(table: Path, target: str) -> dict[str, Any]:
    rows = pl.read_csv(table, infer_schema=False)
    proposal, params = _adopt(table, target)
    order = _order(rows, proposal)
    parts = [rows[np.sort(places)] for places in np.array_split(order, PARTS)]
    honest = [message for part in parts if (message := _refusal(part, table, params))]
    bad = [*_spread([*_defects(parts[4], proposal)]), *_undated(parts[4], proposal), *_truncated(parts[4])]
    found = [[kind, column, _refusal(content, table, params) is not None] for kind, column, content in bad]
    cut = len(order) * (PARTS - 1) // PARTS if proposal.time else len(order) // 2
    later = _later(rows, table, target, np.split(order, [cut]), 1 if proposal.time else PARTS // 2)
    few = np.split(np.random.default_rng(1).permutation(rows.height), [SMALL])
    large = _later(rows, table, target, few, 1)
    return {"honest": [len(parts), honest], "later": later, "large": large, "defects": found, "time": list(proposal.time)}


def _later(rows: pl.DataFrame, table: Path, target: str, places: list[np.ndarray], number: int) -> list[Any]:
    """Of so many deliveries of the later rows the number, and why the contract of the earlier refuses some."""
    earlier = table.with_name("earlier.csv")
    rows[np.sort(places[0])].write_csv(earlier)
    params = _adopt(earlier, target)[1]
    parts = [rows[np.sort(part)] for part in np.array_split(places[1], number)]
    return [number, [message for part in parts if (message := _refusal(part, table, params))]]


def _spread(defects: list[Any]) -> list[Any]:
    """Of too many every so many."""
    return [defects[place * len(defects) // TRIED] for place in range(TRIED)] if len(defects) > TRIED else defects


def _adopt(table: Path, target: str) -> tuple[Any, Any]:
    """The proposal that --yes accepts, and the parameters; its contract replaces the project's."""
    from adopted import contract
    from adopted.factory import config
    from adopted.factory.adopt import defaults, profile, proposal, render, source

    rows = source.one_table([table])
    proposed = proposal.propose(profile.profile(rows), rows, proposal.UserChoices(target))
    with TemporaryDirectory() as folder:
        for file in render.write(proposed, defaults.BaselineResult(), Path(folder)):
            shutil.copyfile(Path(folder) / file, file)
    for name in [name for name in vars(contract) if not name.startswith("__")]:
        delattr(contract, name)
    importlib.reload(contract)
    return proposed, config.load()


def _refusal(delivery: pl.DataFrame | File, table: Path, params: Any) -> str | None:
    """Why the delivery is refused, or None."""
    from adopted.factory.data import prepare
    from adopted.factory.errors import FactoryError

    ending, content = (".csv", delivery.write_csv().encode()) if isinstance(delivery, pl.DataFrame) else delivery
    path = table.with_name(f"delivery{ending}")
    path.write_bytes(content)
    try:
        with TemporaryDirectory() as folder:
            prepare.load_validated(path, params, Path(folder, "rows"))
    except FactoryError as error:
        return str(error).partition(f"{path.name}: ")[2]
    return None


def _order(rows: pl.DataFrame, proposal: Any) -> np.ndarray:
    """The rows in the order of their time, or at random."""
    from adopted.factory.adopt import profile

    if not proposal.time:
        return np.random.default_rng(0).permutation(rows.height)
    columns = {role.name: role.column for role in proposal.roles if role.name in proposal.time}
    times = profile.values(rows.lazy(), columns).collect()
    return times.with_row_index("\n").sort(*proposal.time, "\n")["\n"].to_numpy()


def _defects(delivery: pl.DataFrame, proposal: Any) -> Defects:
    used = [role for role in proposal.used if role.role in ("feature", "target")]
    for role in used:
        if role.column.kind in ("Int64", "Float64") and role.column.different > CODES:
            yield from _other_units(delivery, role)
        elif role.column.different > 1:
            yield from _rotated(delivery, role)
    for one, other in pairwise(used):
        if one.column.kind == other.column.kind and "target" not in (one.role, other.role):
            swapped = delivery.with_columns(delivery[other.name].alias(one.name), delivery[one.name].alias(other.name))
            if _is_visible(delivery[one.name], delivery[other.name]):
                yield "swapped column", f"{one.name}, {other.name}", swapped


def _other_units(delivery: pl.DataFrame, role: Any) -> Defects:
    numbers = delivery[role.name].str.strip_chars().cast(pl.Float64, strict=False)
    for factor in UNITS:
        other = (numbers * factor).round(4).cast(pl.String).str.replace(r"\.0$", "")
        bad = delivery.with_columns(pl.coalesce(other, delivery[role.name]).alias(role.name))
        if not bad.equals(delivery):
            yield f"unit times {factor}", role.name, bad


def _rotated(delivery: pl.DataFrame, role: Any) -> Defects:
    """Each value becomes the next one; the last the first. 0 becomes 1, and 1 becomes 0."""
    texts = delivery[role.name].str.strip_chars()
    values = sorted(set(texts.drop_nulls()) - {"", *role.column.format.missing}, key=lambda text: (len(text), text))
    if len(values) > 1:
        bad = texts.replace(dict(zip(values, values[1:] + values[:1], strict=True)))
        if _is_visible(texts, bad):
            yield "shifted codes", role.name, delivery.with_columns(bad)


def _is_visible(before: pl.Series, after: pl.Series) -> bool:
    """Whether some value, or the values below some number, have another share."""
    numbers = [each.cast(pl.Float64, strict=False) for each in (before, after)]
    if all(each.null_count() == text.null_count() for each, text in zip(numbers, (before, after), strict=True)):
        one, other = (np.sort(each.drop_nulls().to_numpy()) for each in numbers)
        points = np.concatenate([one, other])
        shares = [np.searchsorted(each, points, "right") / max(len(each), 1) for each in (one, other)]
        return bool(np.abs(shares[0] - shares[1]).max(initial=0) >= VISIBLE)
    counts = [dict(each.value_counts(normalize=True).rows()) for each in (before, after)]
    return max(abs(counts[0].get(value, 0) - counts[1].get(value, 0)) for value in {*counts[0], *counts[1]}) >= VISIBLE


def _undated(delivery: pl.DataFrame, proposal: Any) -> Defects:
    """A tenth of the dates replaced by one that stands for none."""
    for role in proposal.used:
        if role.column.kind in ("Date", "Datetime") and not role.column.format.metadata:
            for day in PLACEHOLDERS:
                texts = delivery[role.name]
                chosen = pl.int_range(pl.len()) % 10 == 0
                other = pl.when(chosen).then(day + texts.str.strip_chars().str.slice(len(day))).otherwise(texts)
                if not texts.str.contains(day).any():
                    yield f"date {day}", role.name, delivery.with_columns(other.alias(role.name))


def _truncated(delivery: pl.DataFrame) -> Iterator[tuple[str, str, File]]:
    """Without half of the last line, with and without its end, and without half of the bytes, also compressed."""
    content, parquet = delivery.write_csv().encode(), BytesIO()
    delivery.write_parquet(parquet)
    start = content.rstrip(b"\n").rfind(b"\n") + 1
    cut = content[: start + (len(content) - start) // 2]
    yield "truncated: mid-line", "", (".csv", cut)
    yield "truncated: mid-line", "", (".csv", content[: len(content) // 2].rstrip(b"\n"))
    yield "truncated: ragged last line", "", (".csv", cut + b"\n")
    for ending, packed in ((".csv.gz", gzip.compress(content)), (".parquet", parquet.getvalue())):
        yield f"truncated: {ending}", "", (ending, packed[: len(packed) // 2])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
