"""What a model's columns and scores looked like before it was promoted, for monitoring: counts by window, no rows.

It is model/profile.parquet, a row for each window, column and cell that has a count.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import dataframely as dy
import numpy as np
import polars as pl
from numpy.typing import NDArray

from ..tables.chunks import Rows, height, iter_chunks, sample
from ..validation import personal

NAME = "profile.parquet"
BINS, VALUES = 10, 100
SLACK, DIGITS = 1e-3, 1e-5  # of the range of most values, and of a value, that count as none
TIMES, MOST = 5, 0.5  # how often a value occurs that is counted, and the share of the rows that have such values
WORDS, USUAL = 20, 0.01  # of texts, the most frequent ones, down to that share of the texts
WINDOW_ROWS, WINDOWS = 200, 400
FEW_ROWS, FEW_WINDOWS = 4, 10  # of fewer rows, smaller windows: how much windows vary has to be known
FEWEST = 5  # windows; of fewer days, parts of them
SAMPLED = 100_000  # rows by which the edges are chosen
SCORE, DECISION, RESIDUAL = "_score", "_decision", "_residual"

Counts = NDArray[np.int64]
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Bins:
    """The cells in which a column's values are counted: its bins or values, then unseen values, then missing ones."""

    column: str
    kind: Literal["number", "category", "text"]
    edges: tuple[float, ...] = ()
    values: tuple[str, ...] = ()

    @property
    def cells(self) -> int:
        """How many there are."""
        return len(self.edges) + len(self.values) + 2

    def fits(self, values: pl.Series) -> bool:
        """Whether the values are of the column's kind."""
        if self.kind == "number":
            return values.dtype.is_numeric() or values.dtype.is_temporal() or values.dtype == pl.Null
        return not personal.is_hashed(values)

    def codes(self, values: pl.Series) -> Counts:
        """The cell of each value."""
        missing = self.cells - 1
        if self.kind == "number":
            numbers = _numbers(values)
            return np.where(np.isnan(numbers), missing, np.searchsorted(self.edges, numbers, side="left"))
        if self.kind == "text":
            return np.where(
                values.is_null().to_numpy(), missing, _rarest_words(values, self.values) if self.values else 0
            )
        known = {value: cell for cell, value in enumerate(self.values)}
        codes = values.cast(pl.String).replace_strict(known, default=missing - 1, return_dtype=pl.Int64)
        return np.where(values.is_null().to_numpy(), missing, codes.to_numpy())


@dataclass(frozen=True)
class Profile:
    """The counts of each column in windows of training and test rows, shape (windows, cells); of scores in test rows only.

    `residuals` are the means of outcome minus score in the windows of test rows, NaN in the others; of several classes
    the outcome is whether the most probable one is correct, and the score is its probability.
    """

    bins: list[Bins]
    windows: list[str]
    parts: list[str]
    counts: dict[str, Counts]
    residuals: Vector

    def part(self, name: str) -> NDArray[np.bool_]:
        """Which windows are of the part, `train` or `test`."""
        return np.array([part == name for part in self.parts])


def columns(schema: type[dy.Schema], *without: str) -> list[str]:
    """The columns whose values are counted: not those of one person, and not these."""
    return [name for name in schema.column_names() if name not in {*personal.columns(schema), *without}]


def bins_of(rows: Rows, names: Iterable[str], texts: Collection[str] = ()) -> list[Bins]:
    """Bins of about equal numbers of rows, with one below them and one above; of texts those that occur often, if most do.

    Of other columns of `texts`, usual words: a text is in the cell of the rarest that it has.
    """
    known = sample(rows.select(names), SAMPLED)
    bins = [_bins(known[name]) for name in names]
    return [
        replace(each, values=_usual_words(known[each.column])) if each.kind == "text" and each.column in texts else each
        for each in bins
    ]


def count(
    rows: pl.DataFrame, bins: Sequence[Bins], window: Counts | None = None, windows: int = 1
) -> dict[str, Counts]:
    """Of each column that the rows have, how many values are in each window and cell; all rows are in the first by default.

    Not of one that has values of another kind, such as hashes.
    """
    window = np.zeros(rows.height, np.int64) if window is None else window
    counts = {}
    for each in bins:
        if each.column in rows.columns and each.fits(rows[each.column]):
            flat = np.bincount(window * each.cells + each.codes(rows[each.column]), minlength=windows * each.cells)
            counts[each.column] = flat.reshape(windows, each.cells)
    return counts


def windows_of(times: pl.Series | None, rows: int) -> tuple[Counts, list[str]]:
    """The window of each row, and where each begins: days, merged until they have enough rows; without times, blocks of rows."""
    least = max(FEW_ROWS, min(WINDOW_ROWS, rows // FEW_WINDOWS), -(-rows // WINDOWS))
    if times is not None and times.dtype.is_temporal():
        window, names = _merged_days(times, least)
        if len(names) >= FEWEST:
            return window, names
    blocks = max(1, rows // least)
    return np.arange(rows) * blocks // max(rows, 1), [f"{block}" for block in range(blocks)]


def _merged_days(times: pl.Series, least: int) -> tuple[Counts, list[str]]:
    days = times.cast(pl.Date).to_physical().fill_null(0).to_numpy()
    distinct, codes, sizes = np.unique(days, return_inverse=True, return_counts=True)
    merged, starts, filled = np.zeros(len(distinct), np.int64), [0], 0
    for place, size in enumerate(sizes):
        if filled >= least and sizes[place:].sum() >= least:
            starts.append(place)
            filled = 0
        filled += size
        merged[place] = len(starts) - 1
    return merged[codes], pl.Series(distinct[starts].astype(np.int32)).cast(pl.Date).cast(pl.String).to_list()


def counted(rows: Rows, bins: Sequence[Bins], times: pl.Series | None) -> tuple[list[str], dict[str, Counts], Counts]:
    """The windows of the rows, their counts, and the window of each row; in constant memory but for the last."""
    window, names = windows_of(times, height(rows))
    counts = {each.column: np.zeros((len(names), each.cells), np.int64) for each in bins}
    start = 0
    for chunk in iter_chunks(rows):
        part = count(chunk, bins, window[start : start + chunk.height], len(names))
        for name, cells in part.items():
            counts[name] += cells
        start += chunk.height
    return names, counts, window


def to_bytes(profile: Profile) -> bytes:
    """The file: the same for the same profile."""
    frames = [_frame(profile, each) for each in profile.bins]
    residuals = {"column": RESIDUAL, "window": profile.windows, "part": profile.parts, "low": profile.residuals}
    frames.append(pl.DataFrame(residuals, schema_overrides={"low": pl.Float64}))
    target = BytesIO()
    pl.concat(frames, how="diagonal").write_parquet(target, compression="zstd", statistics=False)
    return target.getvalue()


def read(folder: Path) -> Profile | None:
    """The profile of the model in the folder; None where it was trained before there was one."""
    path = folder / NAME
    if not path.exists():
        return None
    table = pl.read_parquet(path)
    ends = table.filter(pl.col("column") == RESIDUAL)
    windows = {name: place for place, name in enumerate(zip(ends["part"], ends["window"], strict=True))}
    bins, counts = [], {}
    for rows in table.filter(pl.col("column") != RESIDUAL).partition_by("column", maintain_order=True):
        each = _bins_of_file(rows)
        cells = np.zeros((len(windows), each.cells), np.int64)
        known = rows.filter(pl.col("count").is_not_null())
        places = [windows[name] for name in zip(known["part"], known["window"], strict=True)]
        cells[places, known["cell"].to_numpy()] = known["count"].to_numpy()
        bins.append(each)
        counts[each.column] = cells
    return Profile(bins, ends["window"].to_list(), ends["part"].to_list(), counts, ends["low"].to_numpy())


def _frame(profile: Profile, bins: Bins) -> pl.DataFrame:
    """A row for each cell, with its upper edge or its value, and one for each count that is not zero."""
    cells = range(bins.cells)
    legend: dict[str, Any] = {"column": bins.column, "kind": bins.kind, "cell": list(cells)}
    legend["low"] = [bins.edges[cell] if cell < len(bins.edges) else None for cell in cells]
    legend["value"] = [bins.values[cell] if cell < len(bins.values) else None for cell in cells]
    schema = {"low": pl.Float64, "value": pl.String}
    counts = profile.counts[bins.column]
    windows, found = np.nonzero(counts)
    data = {
        "column": bins.column,
        "kind": bins.kind,
        "cell": found,
        "window": [profile.windows[place] for place in windows],
        "part": [profile.parts[place] for place in windows],
        "count": counts[windows, found],
    }
    return pl.concat([pl.DataFrame(legend, schema_overrides=schema), pl.DataFrame(data)], how="diagonal")


def _bins_of_file(rows: pl.DataFrame) -> Bins:
    legend = rows.filter(pl.col("count").is_null()).sort("cell")
    edges, values = legend["low"].drop_nulls().to_list(), legend["value"].drop_nulls().to_list()
    return Bins(rows["column"][0], rows["kind"][0], tuple(edges), tuple(values))


def _bins(values: pl.Series) -> Bins:
    if values.dtype.is_numeric() or values.dtype.is_temporal():
        numbers = _numbers(values)
        return Bins(values.name, "number", edges=_edges(numbers[np.isfinite(numbers)]))
    counts = values.cast(pl.String).drop_nulls().alias("value").value_counts()
    often = counts if values.dtype in (pl.Boolean, pl.Enum) else counts.filter(pl.col("count") >= TIMES)
    known = often.sort(["count", "value"], descending=[True, False]).head(VALUES)
    if int(known["count"].sum()) < MOST * int(counts["count"].sum()):
        return Bins(values.name, "text")
    return Bins(values.name, "category", values=tuple(known["value"].sort()))


def _words(texts: pl.Series) -> pl.DataFrame:
    """The different words of each text, by its place."""
    words = texts.cast(pl.String).str.to_lowercase().str.extract_all(r"\w+").list.unique()
    return pl.DataFrame({"place": pl.int_range(len(texts), eager=True), "word": words}).explode("word").drop_nulls()


def _usual_words(texts: pl.Series) -> tuple[str, ...]:
    """Words of many texts, the most frequent first: none that few people have written."""
    counts = (
        _words(texts)["word"].alias("word").value_counts().filter(pl.col("count") >= max(TIMES, USUAL * len(texts)))
    )
    return tuple(counts.sort("count", "word", descending=[True, False])["word"].head(WORDS))


def _rarest_words(texts: pl.Series, usual: tuple[str, ...]) -> Counts:
    """Of each text the place of the rarest usual word that it has; behind the last where it has none."""
    ranks = {word: place for place, word in enumerate(usual)}
    found = _words(texts).with_columns(pl.col("word").replace_strict(ranks, default=None, return_dtype=pl.Int64))
    rarest = found.group_by("place").agg(pl.col("word").max()).drop_nulls()
    cells = np.full(len(texts), len(usual), np.int64)
    cells[rarest["place"].to_numpy()] = rarest["word"].to_numpy()
    return cells


def _edges(known: Vector) -> tuple[float, ...]:
    """Between values that occur: by ONNX or on another processor, the same score may differ in its last digits."""
    if not len(known):
        return ()
    lowest, *cuts, highest = np.quantile(known, np.linspace(0, 1, BINS + 1), method="lower").tolist()
    distinct, edges = np.unique(known), {lowest - _slack(lowest, cuts), highest + _slack(highest, cuts)}
    for cut in cuts:
        above = int(np.searchsorted(distinct, cut + _slack(cut, cuts), side="right"))
        if above < len(distinct):
            edges.add(float(distinct[above - 1 : above + 1].mean()))
    return tuple(sorted(edges))


def _slack(value: float, cuts: list[float]) -> float:
    """By how much values of about this size may differ and be the same."""
    return max(SLACK * (cuts[-1] - cuts[0]), DIGITS * abs(value), float(np.finfo(np.float32).tiny))


def _numbers(values: pl.Series) -> Vector:
    return values.to_physical().cast(pl.Float64).to_numpy()
