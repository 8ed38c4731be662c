"""One person's rows leave captures and training data, and all else goes on as before."""

import hashlib
import json
import stat
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
import yaml
from late_flights import contract
from late_flights.factory import manifest, tables
from late_flights.factory.data import erasure, ingest, integrity, ledger
from late_flights.factory.registry import audit, versions
from late_flights.factory.verification import data
from late_flights.factory.workspace import process
from tests.factory import git_repository, toy
from tests.factory.cli_runner import refused, run
from tests.factory.git_repository import git

from machinery.data.ledger_file import age
from machinery.tables import excel_files

KEPT = Path("data/prepared/captures")  # which Git ignores
CACHE = Path(".dvc/tmp/cache")  # which Git ignores as well
FIRST, SECOND = Path("data/raw/first.parquet"), Path("data/raw/second.csv")
NOW = datetime(2026, 11, 29)


@pytest.fixture(autouse=True)
def shared(committed, tmp_path_factory, monkeypatch):
    """The trained toy with a version, on a remote's main; DVC only says where its cache is."""
    monkeypatch.setattr(erasure, "run", lambda *command: process.run(*command) if command[0] == "git" else "")
    monkeypatch.setattr(erasure, "dvc", lambda *command: str(CACHE))
    monkeypatch.setattr(audit, "run", lambda *command: str(CACHE))
    git_repository.share(tmp_path_factory.mktemp("remote"))
    versions.publish(git("rev-parse", "HEAD"), git_repository.RECORD | {"model": manifest.model_id()}, "promoted", [])


def erase(*arguments, why="asked for"):
    result = run("erase", *arguments, "-m", why, "--yes")
    assert result.exit_code == 0, result.output
    return result.stdout


def capture(name, *rows):
    """A file of captures: each row an id, a request and the client's name for it."""
    ids, requests, named = zip(*rows, strict=True)
    table = pl.DataFrame({"key": ids, "amount": [0.1] * len(rows), "_request": requests, "_client_request": named, "_at": NOW})
    file = KEPT / "2026-11-29" / f"{name}.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    table.write_parquet(file)
    return file


def test_a_row_leaves_its_delivery_and_nothing_else_changes():
    before, [first, second] = tables.read(SECOND), ledger.entries()
    assert run("erase", "--id", "k417").stdout == (
        "captures: 0 rows in 0 files\ndata/raw/second.csv: 1 of 300 rows\nv1 learned from these deliveries\n"
        'Nothing is erased yet: the same with --yes and -m "why" does it\n'
    )
    assert ledger.entries() == [first, second] and not git("status", "--porcelain")
    assert "- git add data && git commit, uv run dvc repro" in erase("--id", "k417")
    assert tables.read(SECOND).equals(before.filter(pl.col("key") != "k417"))
    new = replace(second, rows="299", sha256=manifest.file_sha256(SECOND))
    assert ledger.entries() == [first, new]
    [erased] = ledger.erasures()
    assert erased.entry == second and (erased.why, erased.erased_by[:3]) == ("asked for", "Zoë")
    assert integrity.problems() == [] and run("prepare").exit_code == 0
    assert "k417" not in pl.read_parquet("data/prepared/*.parquet")["key"]
    git_repository.commit()
    assert integrity.problems() == [], "also beside a version and main, which have the old record"
    assert data._erased("model/v1^{commit}", git_repository.commit()) == ["second.csv"]
    assert "k417" not in ledger.ERASED.read_text() + Path(f"{SECOND}.dvc").read_text()


def test_what_was_erased_before_was_learned_from_too():
    erase("--id", "k417")
    git_repository.commit()
    assert "v1 learned from these deliveries" in run("erase", "--id", "k418").stdout
    erase("--id", "k418")
    assert [entry.rows for entry in ledger.entries()] == ["300", "298"] and integrity.problems() == []
    nothing = "captures: 0 rows in 0 files\ntraining data: no such rows\nNothing to erase\n"
    assert run("erase", "--id", "k418").stdout == erase("--id", "k418") == nothing


def test_parquet_and_all_rows_of_an_id(monkeypatch):
    monkeypatch.setattr(ingest, "_check_ids", lambda *arguments: None)
    tables.read(FIRST)[7:9].write_csv("again.csv")
    assert run("ingest", "again.csv").exit_code == 0
    before = tables.read(FIRST)
    erase("--id", "k7")
    erase("--id", "k8")
    assert tables.read(FIRST).equals(before.filter(~pl.col("key").is_in(["k7", "k8"])))
    assert [entry.file for entry in ledger.entries()] == ["first.parquet", "second.csv"], "no row is left of the third"
    assert not Path("data/raw/again.csv").exists() and not Path("data/raw/again.csv.dvc").exists()
    assert [each.file for each in ledger.erasures()] == ["first.parquet", "again.csv", "first.parquet", "again.csv"]
    assert integrity.problems() == []


STEPS = {
    "tombstone": (ledger, "erase"),
    "file": (ingest, "copy"),
    "pointer": (ledger, "record"),
    "cache": (erasure, "_cache"),
    "end": (erasure, "_discard"),
}


@pytest.mark.parametrize("module, name", STEPS.values(), ids=STEPS)
@pytest.mark.parametrize("before", [True, False])
def test_one_that_is_killed_is_completed_by_the_next(monkeypatch, module, name, before):
    original = getattr(module, name)

    def killed(*arguments):
        if erasure.STAGED.exists():
            monkeypatch.setattr(module, name, original)
            before or original(*arguments)
            raise KeyboardInterrupt
        return original(*arguments)

    capture("a", ("k417", "one", "c1"))
    rows, [first, second] = tables.read(SECOND), ledger.entries()
    monkeypatch.setattr(module, name, killed)
    assert run("erase", "--id", "k417", "--captures", KEPT, "-m", "asked for", "--yes").exit_code == 1
    assert erasure.STAGED.exists()
    done = erase("--id", "k417", "--captures", KEPT, why="another")
    assert "✓ The erasure that was interrupted is complete" in done
    assert tables.read(SECOND).equals(rows.filter(pl.col("key") != "k417"))
    assert ledger.entries() == [first, replace(second, rows="299", sha256=manifest.file_sha256(SECOND))]
    assert [(each.entry, each.why) for each in ledger.erasures()] == [(second, "asked for")]
    assert integrity.problems() == [] and not list(KEPT.glob("*/*")) and not list(Path(".dvc/tmp").glob("erase*"))


def test_one_that_is_killed_before_changes_nothing(monkeypatch):
    def killed(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(erasure, "_stored", killed)
    assert run("erase", "--id", "k417", "-m", "asked for", "--yes").exit_code == 1
    assert not git("status", "--porcelain") and integrity.problems() == [] and not list(Path(".dvc/tmp").glob("erase*"))


def test_captures_by_id():
    mixed = capture("a", ("k1", "one", "c1"), ("k2", "one", "c1"), ("k2", "two", None))
    alone = capture("b", ("k2", "three", None))
    hashed = capture("c", (hashlib.sha256(b"k2").hexdigest(), "four", None), ("k3", "five", None))
    other = capture("d", ("k3", "two", None))
    content = other.read_bytes()
    pl.read_parquet(capture("e", ("k2", "six", None))).drop("key").write_parquet(KEPT / "2026-11-29/e.parquet")
    shown = erase("--id", "k2", "--captures", KEPT)
    assert "captures: 4 rows in 3 files\n! 1 file of captures without the ids: --request finds their rows\n" in shown
    assert pl.read_parquet(mixed)["key"].to_list() == ["k1"] and pl.read_parquet(hashed)["key"].to_list() == ["k3"]
    assert not alone.exists() and other.read_bytes() == content
    assert {stat.S_IMODE(file.stat().st_mode) for file in (mixed, hashed)} == {0o600}
    assert len(list(mixed.parent.iterdir())) == 4, "nothing is left half-written"


@pytest.mark.parametrize("request_id", ["one", "c1"])
def test_captures_and_training_data_by_request(request_id):
    hashed = hashlib.sha256(b"k417").hexdigest()
    capture("a", ("k2", "one", "c1"), (hashed, "one", "c1"), ("k3", "two", None))
    capture("b", ("k417", "three", None), ("k4", "three", None))
    shown = erase("--request", request_id, "--captures", KEPT)
    assert "captures: 3 rows in 2 files\ndata/raw/first.parquet: 1 of 300 rows\ndata/raw/second.csv: 1 of 300 rows" in shown
    left = pl.read_parquet(KEPT / "*/*.parquet")["key"].to_list()
    assert sorted(left) == ["k3", "k4"] and "k417" not in tables.read(SECOND)["key"]


def test_captures_without_any_id(project):
    Path("params.yaml").write_text(toy.text(data={"target": "answer", "time": "seen"}))
    file = capture("a", ("k2", "one", "c1"), ("k3", "two", None))
    assert refused("erase", "--id", "k2").startswith("params.yaml: data.id names no column")
    assert "captures: 1 row in 1 file\ntraining data: no such rows" in erase("--request", "one", "--captures", KEPT, why="")
    assert pl.read_parquet(file)["key"].to_list() == ["k3"] and not git("status", "--porcelain", "data")


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((), "Name either --id or --request."),
        (("--id", "k1", "--request", "one"), "Name either --id or --request."),
        (("--request", "one"), "--captures FOLDER is missing, and FACTORY_CAPTURE is not set."),
        (("--id", "k1", "--captures", "nowhere"), "CAPTURE: nowhere: no such folder"),
        (("--id", "k1", "--captures", KEPT), f"CAPTURE: {KEPT}/2026-11-29/half.parquet: "),
    ],
)
def test_what_cannot_be_done_changes_nothing(arguments, message):
    (KEPT / "2026-11-29").mkdir(parents=True)
    (KEPT / "2026-11-29/half.parquet").write_bytes(b"PAR1half")
    result = run("erase", *arguments, "-m", "asked for", "--yes")
    assert result.exit_code == 2 and message in result.stderr and result.stderr.count("\n") == 1
    assert not git("status", "--porcelain")


def test_reason_is_asked_for_and_must_not_hold_the_id():
    assert refused("erase", "--id", "k41", "--yes").startswith("WHY_MISSING: ")
    assert refused("erase", "--id", "k41", "-m", "k41 asked for it", "--yes").startswith("-m: has the id in it")
    assert not git("status", "--porcelain")
    erase("--id", "k41", why="k410")


def test_delivery_that_would_violate_the_contract(monkeypatch):
    monkeypatch.setattr(contract, "DELIVERY", {"300 rows": pl.len() >= 300})
    assert refused("erase", "--id", "k417", "-m", "asked for", "--yes") == (
        "data/raw/second.csv without these rows: not so: 300 rows: change contract.py first"
    )
    assert not git("status", "--porcelain")


def test_excel_and_an_older_ledger_are_refused():
    rows = toy.rows(5, first=900).with_columns(pl.col("seen").dt.to_string("iso:strict"), pl.col("kind").cast(str))
    Path("more.xlsx").write_bytes(excel_files.workbook([rows.columns, *map(list, rows.rows())]))
    assert run("ingest", "more.xlsx").exit_code == 0
    assert refused("erase", "--id", "k901") == (
        "data/raw/more.xlsx: rows cannot be taken out of an Excel file: `uv run factory ledger --erase more.xlsx`, "
        "and ingest a table without them"
    )
    age()
    assert refused("erase", "--id", "k417") == "second.csv is in data/ledger.csv: `uv run factory setup` first"


def put(content):
    """An object in DVC's cache: its md5, and its path there."""
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    path = CACHE / "files/md5" / md5[:2] / md5[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return md5, path


def prepared(**files):
    """Prepared rows in DVC's cache, and a commit whose dvc.lock names them; the paths of the files."""
    objects = {name: put(Path(file).read_bytes()) for name, file in files.items()}
    listed = [{"relpath": f"{name}.parquet", "md5": md5} for name, (md5, _) in objects.items()]
    folder, path = put(json.dumps(listed).encode())
    path.rename(f"{path}.dir")
    out = {"path": "data/prepared", "md5": f"{folder}.dir"}
    git_repository.commit(**{"dvc.lock": yaml.safe_dump({"stages": {"prepare": {"outs": [out]}}})})
    return {name: path for name, (_, path) in objects.items()}


def test_what_dvc_keeps_of_the_rows():
    delivery, path = put(SECOND.read_bytes())
    pointer = Path(f"{SECOND}.dvc")
    pointer.write_text(pointer.read_text().replace("path: second.csv", f"path: second.csv\n  md5: {delivery}"))
    earlier = prepared(train="data/prepared/train.parquet", test="data/prepared/test.parquet")
    key = pl.read_parquet("data/prepared/test.parquet")["key"][0]
    for broken in ("<<<<<<< HEAD\nstages: [", "", "- a list\n"):
        git_repository.commit(**{"dvc.lock": broken})
    git_repository.commit(**{"dvc.lock": f"stages: {{prepare: {{outs: [{{path: data/prepared, md5: {'0' * 32}.dir}}]}}}}"})
    shown = erase("--id", key)
    gone = sorted(str(each.relative_to(CACHE)) for each in (path, earlier["test"]))
    assert f"delete these files from each storage (`uv run dvc remote list`):\n  {gone[0]}\n  {gone[1]}\n- 1 folder" in shown
    assert "- 1 folder of prepared rows not here: `uv run dvc fetch --all-commits prepare`, then this again" in shown
    assert not path.exists() and not earlier["test"].exists() and earlier["train"].exists()
