"""`factory score` of many tables: into one file, or into a folder, which is complete or not there."""

import json
import os
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from late_flights.factory.scoring import batch, scorer, staged, workers
from late_flights.factory.tables import chunks, sources
from tests.factory import toy
from tests.factory.cli_runner import refused, run

from machinery.scoring import toy_in_workers

pytestmark = pytest.mark.usefixtures("trained")
FILES = {"b.csv": toy.rows(300, first=9300), "a/part-0.parquet": toy.rows(300, first=9000), "c.jsonl": toy.rows(50, first=9600)}


@pytest.fixture(autouse=True)
def inbox(trained):
    Path("in/a").mkdir(parents=True)
    FILES["b.csv"].write_csv("in/b.csv")
    FILES["a/part-0.parquet"].write_parquet("in/a/part-0.parquet")
    FILES["c.jsonl"].write_ndjson("in/c.jsonl")
    Path("in/_SUCCESS").touch()


def broken(name, *, rows=(7, 8)):
    """Spoil some rows of a file."""
    table = FILES[name].drop("answer").with_columns(amount=pl.col("amount").cast(pl.String))
    bad = pl.int_range(pl.len()).is_in(rows)
    table = table.with_columns(pl.when(bad).then(pl.lit("100.5")).otherwise("amount").alias("amount"))
    table.write_csv(f"in/{name}") if name.endswith("csv") else table.write_parquet(f"in/{name}")


def left_over():
    return sorted(path.name for path in Path().iterdir() if path.name.startswith((".out", ".bad", "out", "bad")))


def score(*arguments):
    result = run("score", *arguments)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_one_file_has_the_rows_in_the_order_of_the_names(suffix):
    score("in", f"out{suffix}")
    rows = pl.concat(FILES[name] for name in ("a/part-0.parquet", "b.csv", "c.jsonl"))
    read = pl.read_csv if suffix == ".csv" else pl.read_parquet
    assert read(f"out{suffix}").equals(scorer.Scorer.load().score(rows))
    assert left_over() == [f"out{suffix}"]


def test_a_folder_has_a_file_for_each():
    assert "✓ 650 rows scored: out" in score("in", "out")
    written = sorted(path.relative_to("out").as_posix() for path in Path("out").rglob("*") if path.is_file())
    assert written == ["_SUCCESS", "a/part-0.parquet", "b.csv", "c.jsonl.parquet"]
    expected = scorer.Scorer.load().score(FILES["a/part-0.parquet"])
    assert pl.read_parquet("out/a/part-0.parquet").equals(expected)
    facts = [json.loads(line) for line in Path("out/_SUCCESS").read_text().splitlines()]
    assert [(each["name"], each["rows"]) for each in facts] == [
        ("a/part-0.parquet", 300),
        ("b.csv", 300),
        ("c.jsonl.parquet", 50),
    ]
    assert left_over() == ["out"]


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("out", ["out", "out.csv", "out.parquet"])
def test_bytes_do_not_depend_on_the_number_of_jobs(out, jobs, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK", 70)
    score("in", out, "--jobs", "2")
    score("in", f"other-{out}", "--jobs", str(jobs))
    files = [Path(out)] if Path(out).is_file() else [path for path in Path(out).rglob("*.*") if path.is_file()]
    assert files and all(file.read_bytes() == Path(f"other-{file}").read_bytes() for file in files)


def test_a_broken_row_ends_the_run_and_names_rule_file_and_row():
    broken("b.csv")
    message = refused("score", "in", "out")
    assert message.startswith("in/b.csv: amount: above max 100, 2 of 300 rows, first in data row 8")
    assert left_over() == [".out.incomplete"]
    assert refused("score", "in", "out.csv") == message
    assert left_over() == [".out.incomplete"]


def test_an_interrupted_run_goes_on_with_what_is_new():
    broken("b.csv")
    refused("score", "in", "out")
    first = Path(".out.incomplete/a/part-0.parquet")
    before = first.stat().st_mtime_ns
    FILES["b.csv"].write_csv("in/b.csv")
    assert "✓ 650 rows scored: out" in score("in", "out")
    assert Path("out/a/part-0.parquet").stat().st_mtime_ns == before
    assert pl.read_csv("out/b.csv").height == 300 and left_over() == ["out"]


@pytest.mark.parametrize("change", ["input", "input is gone", "polars", "cut journal", "rejects"])
def test_what_is_no_longer_the_same_is_scored_again(change, monkeypatch):
    broken("b.csv")
    refused("score", "in", "out")
    first, options = Path(".out.incomplete/a/part-0.parquet"), []
    before = first.stat().st_mtime_ns
    if change == "input":
        FILES["c.jsonl"].write_parquet("in/a/part-0.parquet")
    elif change == "input is gone":
        Path("in/a/part-0.parquet").unlink()
    elif change == "polars":
        monkeypatch.setattr(batch.pl, "__version__", "0")
    elif change == "cut journal":
        journal = Path(".out.incomplete/_journal.jsonl")
        journal.write_text(journal.read_text()[:-9])
    else:
        options = ["--reject", "bad"]
    FILES["b.csv"].write_csv("in/b.csv")
    score("in", "out", *options)
    if change == "input is gone":
        assert not Path("out/a").is_dir() or not list(Path("out/a").iterdir())
    else:
        rows = 50 if change == "input" else 300
        assert pl.read_parquet("out/a/part-0.parquet").height == rows
        assert Path("out/a/part-0.parquet").stat().st_mtime_ns != before
    assert left_over() == ["out"]


def test_rejected_rows_are_set_aside_with_their_reasons():
    broken("b.csv")
    broken("a/part-0.parquet", rows=[299])
    output = score("in", "out", "--reject", "bad")
    assert "✓ 647 rows scored: out" in output and "✓ 3 rows rejected: bad: amount: above max 100 3" in output
    assert pl.read_csv("bad/b.csv")["_reason"].to_list() == ["amount: above max 100"] * 2
    assert pl.read_parquet("bad/a/part-0.parquet")["key"].to_list() == ["k9299"]
    assert {path.name for path in Path("bad").iterdir()} == {"a", "b.csv"}
    assert pl.read_csv("out/b.csv").height == 298
    score("in", "out.csv", "--reject", "bad2")
    assert pl.read_csv("out.csv").height == 647 and Path("bad2/b.csv").read_bytes() == Path("bad/b.csv").read_bytes()


def test_what_was_rejected_before_an_interruption_is_there_after_it():
    broken("a/part-0.parquet", rows=[1])
    good = Path("in/c.jsonl").read_bytes()
    Path("in/c.jsonl").write_text('{"key": 1}\n')
    assert "in/c.jsonl: " in refused("score", "in", "out", "--reject", "bad")
    Path("in/c.jsonl").write_bytes(good)
    assert "✓ 1 rows rejected" in score("in", "out", "--reject", "bad")
    assert pl.read_parquet("bad/a/part-0.parquet").height == 1 and left_over() == ["bad", "out"]


def test_nothing_rejected_leaves_no_folder():
    assert "✓ 0 rows rejected: nothing is written to bad" in score("in", "out", "--reject", "bad")
    assert left_over() == ["out"]


REFUSED = {
    "folder is not empty": ("in", "full", [], "full: exists"),
    "in the input": ("in", "in/out", [], "in/out: is in the folder of the input"),
    "file in the input": ("in", "in/out.csv", [], "in/out.csv: is in the folder of the input"),
    "around the input": ("in/b.csv", "in", [], "in: the input is in it"),
    "matched by the glob": ("*.csv", "old.csv", [], "old.csv: is the input file"),
    "rejects in the input": ("in", "out", ["--reject", "in/bad"], "in/bad: is in the folder of the input"),
    "rejects are not empty": ("in", "out", ["--reject", "full"], "full: exists"),
    "rejects are the scores": ("in", "out", ["--reject", "out"], "out: is where the scores go"),
    "other kind": ("in", "out.xlsx", [], "out.xlsx: unsupported file type"),
    "at a URL": ("in", "s3://bucket/out", [], "scores are written to this machine"),
    "unreadable partition": ("spoilt", "out", [], "spoilt/x.parquet: damaged, or not a table"),
    "no rows": ("empty", "out", [], "empty/x.parquet: no rows"),
    "the same name": ("same", "out", [], "its scores would have the same name as those of"),
}


@pytest.mark.parametrize("source, destination, options, message", REFUSED.values(), ids=REFUSED)
def test_refusal_writes_nothing(source, destination, options, message):
    for folder in ("full", "spoilt", "empty", "same"):
        Path(folder).mkdir()
    Path("full/x").touch()
    Path("spoilt/x.parquet").write_bytes(b"PAR1")
    FILES["b.csv"].clear().write_parquet("empty/x.parquet")
    FILES["b.csv"].write_csv("old.csv")
    FILES["b.csv"].write_ndjson("same/x.jsonl")
    FILES["b.csv"].write_parquet("same/x.jsonl.parquet")
    assert message in refused("score", source, destination, *options)
    assert [name for name in left_over() if not name.endswith(".incomplete")] == []


def test_empty_parts_are_no_mistake():
    FILES["b.csv"].clear().write_parquet("in/a/part-1.parquet")
    score("in", "out")
    assert pl.read_parquet("out/a/part-1.parquet").schema == pl.read_parquet("out/a/part-0.parquet").schema


def test_two_runs_do_not_write_the_same_folder():
    with staged.folder(Path("out"), "x"):
        assert "out: another run is writing it" in refused("score", "in", "out")


def in_processes(monkeypatch, answer, destination="out.parquet"):
    """Score by processes, however little there is to score."""
    for name, value in {"PAYS": 0, "PIECE": 200}.items():
        monkeypatch.setattr(workers, name, value)
    found = {source: source.count() for source in sources.find("in")}
    task = workers.Task(scorer.Scorer.load(), answer, False, 2, Path("model"))
    return batch.score(found, Path(destination), task)


def test_processes_give_the_same_scores_and_have_one_thread(monkeypatch):
    score("in", "out.csv", "--jobs", "1")
    in_processes(monkeypatch, toy_in_workers.scores_in_worker)
    assert pl.read_parquet("out.parquet").equals(pl.read_csv("out.csv"))
    made = Counter(Path("workers").read_text().split())
    assert made.pop(str(os.getpid())) == 2  # no rows, for the schema, and the first ones, for the time
    assert made.total() == 4  # two pieces of one file
    assert "POLARS_MAX_THREADS" not in os.environ


def test_a_broken_row_in_a_process_is_named(monkeypatch):
    broken("b.csv", rows=[250])
    with pytest.raises(Exception, match=r"in/b.csv: amount: above max 100, 1 of 300 rows, first in data row 251"):
        in_processes(monkeypatch, toy_in_workers.scores_in_worker)
    assert left_over() == []


@pytest.mark.parametrize("destination", ["out", "out.csv"])
def test_a_killed_process_ends_the_run_in_one_line(monkeypatch, destination):
    with pytest.raises(Exception, match=r"^WORKER_KILLED: a process that scored was killed") as error:
        in_processes(monkeypatch, toy_in_workers.killed, destination)
    assert error.value.exit_code == 2 and not Path(destination).exists()
