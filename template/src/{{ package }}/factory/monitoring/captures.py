"""The requests that services have captured, day by day, from folders and object storages; what cannot be used is reported.

A day's rows are in its own folder, **/2026-11-27/*.parquet, and in the next day's, as they are written a little later.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from io import BytesIO
from typing import Any, NamedTuple

import polars as pl

from ..data.captures import IDS, ONE, ROW, with_rows
from ..errors import CannotEvaluate
from ..tables.sources import without_secrets

FOLDER = re.compile(r"/(\d{4}-\d\d-\d\d)/[^/]+\.(parquet|refused\.json)$")
ONE_DAY = timedelta(days=1)
AT_ONCE = 32  # files in memory, which a storage sends side by side
NEEDED = {
    "_at": pl.Datetime,
    "_request": pl.String,
    "_caller": pl.String,
    "_role": pl.String,
    "_model": pl.String,
    "_score": pl.Float64,
}
UNREADABLE = (pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError)

Key = tuple[str, str]
"""A model's version and its role."""


class Problem(NamedTuple):
    """What is wrong with captures, DAMAGED, CLOCK or SCHEMA, and where."""

    code: str
    text: str


class File(NamedTuple):
    """A path in a file system of fsspec."""

    system: Any
    path: str


@dataclass
class Day:
    """What was captured on a day in UTC, by model and role; of shadow models, whose scores no client got, by model.

    `refused` is how many rows the contract refused, by column.
    """

    date: date
    tables: dict[Key, pl.DataFrame] = field(default_factory=dict)
    refused: dict[Key, Counter[str]] = field(default_factory=dict)
    shadow: dict[str, pl.DataFrame] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def days(places: Sequence[str], until: date, since: date = date.min) -> Iterator[Day]:
    """The days that have rows or problems, in order; no more than two are in memory. Raises CannotEvaluate.

    Rows have the columns as captured, and `_row`, their position in the request; what was captured twice counts once.
    """
    yield from read(find(places), until, since)


def find(places: Sequence[str]) -> dict[date, list[File]]:
    """The files by the day of their folder, in order. Raises CannotEvaluate where a folder or storage cannot be read."""
    found: dict[date, list[File]] = {}
    for file in (file for place in places for file in _listed(place)):
        with suppress(ValueError):  # no date
            if match := FOLDER.search(file.path):
                found.setdefault(date.fromisoformat(match[1]), []).append(file)
    return {day: sorted(found[day], key=lambda file: file.path) for day in sorted(found)}


def read(files: dict[date, list[File]], until: date, since: date = date.min) -> Iterator[Day]:
    """The days in files that were found. Raises CannotEvaluate."""
    rows: dict[date, dict[Key, list[pl.DataFrame]]] = {}
    refused: dict[date, dict[Key, Counter[str]]] = {}
    problems: dict[date, list[Problem]] = {}
    for folder in (day for day in files if since <= day <= until + ONE_DAY):
        captured = [file for file in files[folder] if file.path.endswith(".parquet")]
        if folder <= until and (counted := [file for file in files[folder] if file not in captured]):
            refused[folder] = _refused(counted, problems.setdefault(folder, []))
        for table in _read_folder(captured, folder, problems.setdefault(min(folder, until), [])):
            for (day, model, role), part in table.group_by(
                pl.col("_at").dt.date(), "_model", "_role", maintain_order=True
            ):
                if since <= day <= until:
                    rows.setdefault(day, {}).setdefault((model, role), []).append(part)
        yield from _complete(rows, refused, problems, before=folder)
    yield from _complete(rows, refused, problems, before=date.max)


def _complete(
    rows: dict[date, dict[Key, list[pl.DataFrame]]],
    refused: dict[date, dict[Key, Counter[str]]],
    problems: dict[date, list[Problem]],
    before: date,
) -> Iterator[Day]:
    """The days to which no more rows will come."""
    for day in (Day(each) for each in sorted({*rows, *refused, *problems}) if each < before):
        day.problems, day.refused = problems.pop(day.date, []), refused.pop(day.date, {})
        for (model, role), frames in sorted(rows.pop(day.date, {}).items()):
            table = _joined(frames, f"{model} on {day.date}", day.problems)
            if role == "shadow":
                day.shadow[model] = table
            else:
                day.tables[model, role] = table
        if day.tables or day.shadow or day.refused or day.problems:
            yield day


def _joined(frames: list[pl.DataFrame], what: str, problems: list[Problem]) -> pl.DataFrame:
    """One table of the columns that all have with the same type: others would seem to have missing values. Each row is in it once."""
    schemas = [set(frame.schema.items()) for frame in frames]
    shared, known = set.intersection(*schemas), {name for schema in schemas for name, _ in schema}
    if different := sorted(name for name in known - {name for name, _ in shared} if not name.startswith("_")):
        problems.append(Problem("SCHEMA", f"{what}: {', '.join(different)}: not in all captures, or of several types"))
    kept = [name for name, kind in frames[0].schema.items() if (name, kind) in shared]
    table = pl.concat(frame.select(kept) for frame in frames)
    first = table.select(pl.struct(*ONE, ROW).is_first_distinct()).to_series()
    return table if first.all() else table.filter(first)  # which copies it


def _refused(files: list[File], problems: list[Problem]) -> dict[Key, Counter[str]]:
    """How many rows were refused, by model, role and column."""
    found = dict[Key, Counter[str]]()
    for path, content in _contents(files):
        try:
            for each in json.loads(content):
                found.setdefault((f"{each['model']}", f"{each['role']}"), Counter()).update(Counter(each["columns"]))
        except (ValueError, TypeError, KeyError) as error:
            problems.append(Problem("DAMAGED", f"{without_secrets(path)}: {' '.join(str(error).split())[:200]}"))
    return found


def _read_folder(files: list[File], folder: date, problems: list[Problem]) -> Iterator[pl.DataFrame]:
    """The rows in a day's folder that are of that day or the one before, file by file."""
    for path, content in _contents(files):
        try:
            table = _normal(pl.read_parquet(BytesIO(content)))
        except UNREADABLE as error:
            problems.append(Problem("DAMAGED", f"{without_secrets(path)}: {' '.join(str(error).split())[:200]}"))
            continue
        day = pl.col("_at").dt.date()
        near = table.filter(day.is_between(folder - ONE_DAY, folder))
        if strange := table.height - near.height:
            text = f"{without_secrets(path)}: {strange:,} rows are not of the day on which they were written: set that machine's clock"
            problems.append(Problem("CLOCK", text))
        yield near


def _normal(table: pl.DataFrame) -> pl.DataFrame:
    """The captured rows with times in UTC, with the columns that older captures lack, and without explanations.

    Raises ValueError.
    """
    if missing := [name for name, kind in NEEDED.items() if table.schema.get(name) != kind]:
        raise ValueError(f"not a capture: {', '.join(missing)} missing, or of another type")
    if any(table[name].null_count() for name in NEEDED):
        raise ValueError(f"not a capture: rows without {', '.join(NEEDED)}")
    at = pl.col("_at") if getattr(table.schema["_at"], "time_zone", None) else pl.col("_at").dt.replace_time_zone("UTC")
    table = table.drop("_explanation", strict=False).with_columns(
        at.dt.convert_time_zone("UTC").dt.cast_time_unit("us")
    )
    if IDS[1] not in table.columns:
        table = table.with_columns(pl.lit(None, pl.String).alias(IDS[1]))
    return with_rows(table).cast({IDS[1]: pl.String, ROW: pl.UInt32})  # as other programs may have written them


def _contents(files: list[File]) -> Iterator[tuple[str, bytes]]:
    """Paths and contents of the files that are still there. Raises CannotEvaluate where one cannot be read."""
    for system in dict.fromkeys(file.system for file in files):
        paths = [file.path for file in files if file.system == system]
        for start in range(0, len(paths), AT_ONCE):
            some = paths[start : start + AT_ONCE]
            for path, content in zip(some, system.cat_ranges(some, None, None), strict=True):
                if isinstance(content, bytes):
                    yield path, content
                elif not isinstance(content, FileNotFoundError):  # deleted since, as its time was over
                    raise _unreachable(path, content)


def _listed(place: str) -> list[File]:
    """All files in the place. Raises CannotEvaluate."""
    from fsspec.core import url_to_fs  # type: ignore[import-untyped]

    try:
        system, root = url_to_fs(place)
        if not system.exists(root):
            raise FileNotFoundError("no such folder, or it is empty")
        options = {"on_error": "raise"} if "file" in system.protocol else {}  # or folders of others would seem empty
        return [File(system, path) for path in system.find(root, **options)]
    except ImportError as error:
        reason = f"{error}: uv add --dev dvc[s3], dvc[azure] or dvc[gs]"
        raise CannotEvaluate("UNREACHABLE", f"{without_secrets(place)}: {reason}") from error
    except Exception as error:  # each storage raises its own
        raise _unreachable(place, error) from error


def _unreachable(place: str, error: Exception) -> CannotEvaluate:
    reason = " ".join(str(error).split()) or type(error).__name__
    return CannotEvaluate("UNREACHABLE", without_secrets(f"{place}: its captures cannot be read: {reason}"))
