"""`factory score`: a file of rows in, a whole file of scores out, or none."""

import gzip
import os
import time
from pathlib import Path

import polars as pl
import pytest
from late_flights.factory import tables
from late_flights.factory.scoring import batch, scorer, staged
from late_flights.factory.tables import chunks
from tests.factory import toy
from tests.factory.cli_runner import refused, run

from machinery.tables import excel_files

pytestmark = pytest.mark.usefixtures("trained")
ROWS = toy.rows(500, first=9000)


def left_over():
    return sorted(path.name for path in Path().iterdir() if path.name.startswith((".s", "scores")))


def scored(source, destination):
    tables.sink(ROWS.lazy(), Path(source))
    assert run("score", source, destination).exit_code == 0
    return pl.read_csv(destination) if destination.endswith(".csv") else pl.read_parquet(destination)


@pytest.mark.parametrize("problem", toy.LABELLED)
@pytest.mark.parametrize("source", ["rows.csv", "rows.parquet"])
@pytest.mark.parametrize("destination", ["scores.csv", "scores.parquet"])
def test_formats_give_the_same_scores(source, destination):
    expected = scorer.Scorer.load().score(ROWS)
    assert scored(source, destination).equals(expected)
    assert left_over() == [destination]


def test_batches_are_scored_in_the_order_of_the_rows():
    many = pl.concat([toy.rows(1000, first=1000 * i) for i in range(40)])
    many.write_parquet("rows.parquet", row_group_size=777)
    sizes = []
    assert batch.score_file(scorer.Scorer.load(), Path("rows.parquet"), Path("scores.parquet"), sizes.append) == 40_000
    assert sum(sizes) == 40_000
    assert pl.read_parquet("scores.parquet")["key"].equals(many["key"])


def test_earlier_scores_are_replaced():
    Path("scores.csv").write_text("old")
    assert scored("rows.csv", "scores.csv").height == ROWS.height


REFUSED = {
    "missing file": ("gone.csv", "scores.csv", "gone.csv: no such file"),
    "no rows": ("empty.csv", "scores.csv", "empty.csv: no rows"),
    "truncated": ("cut.csv", "scores.csv", "cut.csv: the last line has no newline"),
    "truncated parquet": ("cut.parquet", "scores.csv", "cut.parquet: damaged, or not a table"),
    "bad row": ("bad.parquet", "scores.csv", "bad.parquet: amount: above max 100, 1 of 500 rows, first in data row 500, e.g. "),
    "other kind of source": ("params.yaml", "scores.csv", "params.yaml: unsupported file type"),
    "other kind of destination": ("rows.csv", "scores.xlsx", "scores.xlsx: unsupported file type"),
    "missing folder": ("rows.csv", "gone/scores.csv", "gone: no such folder"),
    "destination is the source": ("rows.csv", "rows.csv", "rows.csv: is the input file"),
    "destination is the source by another name": ("rows.csv", "data/../rows.csv", "is the input file"),
    "destination is a folder": ("rows.csv", "folder.csv", "folder.csv: Is a directory"),
}


@pytest.mark.parametrize("source, destination, message", REFUSED.values(), ids=REFUSED)
def test_refusal_leaves_everything_as_it_was(source, destination, message):
    ROWS.write_csv("rows.csv")
    ROWS.clear().write_csv("empty.csv")
    ROWS.with_columns(pl.when(pl.int_range(pl.len()) == 499).then(100.5).otherwise("amount").alias("amount")).write_parquet(
        "bad.parquet"
    )
    Path("cut.csv").write_bytes(Path("rows.csv").read_bytes()[:-5])
    Path("cut.parquet").write_bytes(Path("bad.parquet").read_bytes()[:-5])
    Path("folder.csv").mkdir()
    Path("scores.csv").write_text("earlier scores")
    before = Path("rows.csv").read_bytes()
    assert message in refused("score", source, destination)
    assert Path("scores.csv").read_text() == "earlier scores" and Path("rows.csv").read_bytes() == before
    assert left_over() == ["scores.csv"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
@pytest.mark.parametrize("suffix", tables.WRITTEN)
def test_full_disk_is_named_and_leaves_nothing(suffix):
    """/dev/full says "no space left on device" to every write."""
    ROWS.write_csv("rows.csv")
    scratch = Path(f".scores{suffix}.{os.getpid()}.tmp")
    scratch.mkdir()
    (scratch / f"scores{suffix}").symlink_to("/dev/full")
    message = refused("score", "rows.csv", f"scores{suffix}")
    assert message.startswith(f"scores{suffix}: ") and "o space left on device" in message
    assert left_over() == []


def test_what_a_killed_run_left_goes_after_a_day():
    for name, age in ((".scores.csv.1.tmp", 2 * staged.DAY), (".scores.csv.2.tmp", 0)):
        Path(name).mkdir()
        os.utime(name, times=(time.time() - age,) * 2)
    scored("rows.csv", "scores.csv")
    assert left_over() == [".scores.csv.2.tmp", "scores.csv"]


def test_model_in_another_folder():
    ROWS.write_csv("rows.csv")
    Path("model").rename("older")
    assert "model/manifest.json is missing: run `uv run dvc pull`" in refused("score", "rows.csv", "scores.csv")
    assert run("score", "rows.csv", "scores.csv", "--model", "older").exit_code == 0


WRITERS = {
    "rows.csv": lambda rows: rows.write_csv().encode(),
    "rows.csv.gz": lambda rows: gzip.compress(rows.write_csv().encode()),
    "rows.jsonl": lambda rows: rows.write_ndjson().encode(),
    "rows.xlsx": lambda rows: excel_files.workbook([rows.columns, *rows.rows()]),
    "rows.parquet": None,
}
SPOILT = {
    "limit": (pl.Float64, "100.5", "amount: above max 100, 300 of 6,000 rows, first in data row 5,002, e.g. amount = 100.5"),
    "type": (pl.String, "much", "amount: not Float64, 300 of 6,000 rows, first in data row 5,002, e.g. much"),
}


@pytest.mark.parametrize("command", [["score"], ["ingest"]], ids=" ".join)
@pytest.mark.parametrize("dtype, value, message", SPOILT.values(), ids=SPOILT)
@pytest.mark.parametrize("source", WRITERS)
def test_rows_are_counted_in_the_whole_file(monkeypatch, command, dtype, value, message, source):
    monkeypatch.setattr(chunks, "CHUNK", 700)
    rows = pl.concat([toy.rows(1000, first=10_000 + 1000 * i) for i in range(6)]).cast({"seen": pl.String})
    bad = pl.int_range(pl.len()).is_between(5001, 5300)
    text = pl.when(bad).then(pl.lit(value)).otherwise(pl.col("amount").cast(pl.String))
    rows = rows.with_columns(amount=text.cast(dtype))
    if source.endswith(".parquet"):
        rows.write_parquet(source, row_group_size=700)
    else:
        Path(source).write_bytes(WRITERS[source](rows.cast({"kind": pl.String})))
    refusal = refused(*command, source, *(["scores.csv"] if command == ["score"] else []))
    assert refusal.startswith(f"{source}: ") and message in refusal
    assert left_over() == [] and not Path("data/raw", source).exists()


@pytest.mark.parametrize("destination", ["scores.csv", "scores"])
@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_table_that_grows_while_it_is_scored_is_refused(monkeypatch, name, destination):
    tables.sink(ROWS.lazy(), Path(name))
    answered = batch.staged.write

    def write(*arguments, **options):
        tables.sink(toy.rows(510, first=9000).lazy(), Path(name))
        return answered(*arguments, **options)

    monkeypatch.setattr(batch.staged, "write", write)
    assert refused("score", name, destination).startswith(f"{name}: ")
    assert not Path(destination).exists()
