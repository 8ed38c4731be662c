"""A request that the service answered, answered again: by the version that did, from what was captured."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from .. import config
from ..data.captures import IDS, complete
from ..errors import CannotEvaluate, Refused, listed
from ..registry import champion, versions
from ..registry.versions import Version
from .comparison import CODE

SHOWN = 10  # rows
ANSWER = ("_request", "_at", "_model", "_role")  # which together name one answer: clients may give an id twice
CAPTURED = (*ANSWER, "_caller", "_score", "_decision")


@dataclass(frozen=True)
class Answer:
    """The rows of one request and the scores that the version gave them, as captured."""

    request: str
    version: Version
    captured: pl.DataFrame

    @property
    def rows(self) -> pl.DataFrame:
        """What was asked: the columns of the contract."""
        return self.captured.select(column for column in self.captured.columns if not column.startswith("_"))

    def check(self) -> None:
        """Score the rows again. Raises Refused where a bit differs, and CannotEvaluate."""
        again = champion.scores(self.version, complete(self.rows, config.load().data.id))
        names = [name for name in again.columns if f"_{name}" in self.captured.columns]
        different = [name for name in names if not _identical(self.captured[f"_{name}"], again[name])]
        if different:
            raise Refused(
                CODE,
                f"{self.version.name} gives other values of {listed(different)} than were captured: the capture was "
                "edited, or another processor rounds the last digits otherwise",
            )

    def lines(self) -> Iterator[str]:
        """The request and its rows in words; callers chose the text, which is quoted."""
        first, table = self.captured.row(0, named=True), self.captured
        count = f"{table.height:,} {'row' if table.height == 1 else 'rows'}"
        asked = f"{first['_at']:%Y-%m-%d %H:%M:%S} UTC, by {_quoted(first['_caller'])}"
        yield f"request {_quoted(self.request)}: {count}, {asked}, answered by {self.version.name}"
        for row in table.head(SHOWN).iter_rows(named=True):
            given = ", ".join(f"{name} {_quoted(value)}" for name, value in row.items() if not name.startswith("_"))
            decision = "" if row["_decision"] is None else f", decision {_quoted(row['_decision'])}"
            yield f"  {given}: score {row['_score']!r}{decision}"
        if table.height > SHOWN:
            yield f"  and {table.height - SHOWN:,} more"


def find(request: str, folder: Path) -> list[Answer]:
    """The answers to the request of that id in the folder of captures. Raises CannotEvaluate where there are none."""
    try:
        tables = [_read(file).filter(*_wanted(request)) for file in _files(request, folder)]
        parts = [part for table in tables if table.select(CAPTURED).height for part in table.partition_by(ANSWER)]
    except (OSError, pl.exceptions.PolarsError) as error:
        raise CannotEvaluate("CAPTURE", f"{folder}: {' '.join(str(error).split())}") from error
    if not parts:
        raise CannotEvaluate(
            "CAPTURE", f"{folder} has no request {request}: captures are written, and later deleted, after a time"
        )
    known = versions.fetch()
    return [Answer(request, _version(part["_model"][0], known), part) for part in parts]


def _wanted(request: str) -> tuple[pl.Expr, pl.Expr]:
    """Not what a model in the shadow of another one has scored, together with other requests."""
    return pl.any_horizontal(pl.col(IDS) == request), pl.col("_role") != "shadow"


def _read(file: str) -> pl.DataFrame:
    return pl.concat([pl.DataFrame(schema={IDS[1]: pl.String}), pl.read_parquet(file)], how="diagonal")


def _files(request: str, folder: Path) -> list[str]:
    """The files with the request; their other columns differ from version to version."""
    files = sorted(folder.glob("*/*.parquet"))
    if not files:
        return []
    schema = dict.fromkeys((*IDS, "_role"), pl.String)
    scan = pl.scan_parquet(
        files, glob=False, schema=schema, extra_columns="ignore", missing_columns="insert", include_file_paths="_file"
    )
    names: list[str] = scan.filter(*_wanted(request)).select("_file").collect()["_file"].unique().sort().to_list()
    return names


def _version(name: str, known: list[Version]) -> Version:
    """The version of that name, or the newest with a model whose hash begins so, as services without a version say."""
    for version in reversed(known):
        if name == version.name or (not version.problem and version.facts["model"][:12] == name):
            return version
    raise CannotEvaluate("CAPTURE", f"the request was answered by {name}, which is not a version here")


def _identical(ours: pl.Series, theirs: pl.Series) -> bool:
    """Whether the values are equal, of floating-point numbers every bit."""
    if ours.dtype == pl.Float64 == theirs.dtype:
        return np.array_equal(ours.to_numpy().view(np.int64), theirs.to_numpy().view(np.int64))
    return ours.dtype == theirs.dtype and bool(ours.eq_missing(theirs).all())


def _quoted(value: Any) -> str:
    return repr(value) if isinstance(value, str) else str(value)
