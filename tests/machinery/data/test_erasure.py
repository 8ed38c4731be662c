"""One person's rows leave captures and training data, and all else goes on as before."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
import yaml
from late_flights import contract
from late_flights.factory import manifest, tables
from late_flights.factory.data import erasure, ingest, integrity, ledger
from late_flights.factory.verification import data
from tests.factory import git_repository, toy
from tests.factory.cli_runner import refused, run
from tests.factory.git_repository import git

from machinery.data.erasing import CACHE, KEPT, capture, erase
from machinery.data.ledger_file import age
from machinery.tables import excel_files

FIRST, SECOND = Path("data/raw/first.parquet"), Path("data/raw/second.csv")
pytestmark = pytest.mark.usefixtures("erasable")


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
    unfinished = git("status", "--porcelain")
    assert refused("erase", "--id", "k1") == "an erasure was interrupted, and comes first: the same with --yes completes it"
    assert git("status", "--porcelain") == unfinished, "a preview completes nothing"
    done = erase("--id", "k417", "--captures", KEPT, why="another")
    assert "✓ The erasure that was interrupted is complete" in done
    assert tables.read(SECOND).equals(rows.filter(pl.col("key") != "k417"))
    assert ledger.entries() == [first, replace(second, rows="299", sha256=manifest.file_sha256(SECOND))]
    assert [(each.entry, each.why) for each in ledger.erasures()] == [(second, "asked for")]
    assert integrity.problems() == [] and not list(KEPT.glob("*/*")) and not list(Path(".dvc/tmp").glob("erase*"))


def test_one_that_is_killed_is_completed_only_where_its_deliveries_are(monkeypatch):
    def killed(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "erase", killed)
        assert run("erase", "--id", "k417", "-m", "asked for", "--yes").exit_code == 1
    staged = sorted(erasure.STAGED.iterdir())
    ledger.record(replace(ledger.entries()[1], received="2026-01-01T00:00:00+00:00"))
    content = SECOND.read_bytes()
    assert refused("erase", "--id", "k1", "-m", "asked for", "--yes") == (
        "an erasure of second.csv was interrupted on another branch: complete it there, or delete .dvc/tmp/erase/"
    )
    assert SECOND.read_bytes() == content and not ledger.ERASED.exists() and sorted(erasure.STAGED.iterdir()) == staged


def test_folder_that_cannot_be_deleted_is_named(monkeypatch):
    def fails(path):
        raise OSError(13, "Permission denied")

    erasure.STAGING.mkdir(parents=True)
    monkeypatch.setattr(erasure.shutil, "rmtree", fails)
    assert refused("erase", "--id", "k1") == ".dvc/tmp/erase.tmp: delete it, which fails here: Permission denied"


def test_copy_that_still_has_the_rows_is_refused(monkeypatch):
    original = tables.copy_without
    monkeypatch.setattr(tables, "copy_without", lambda path, rows, copy: original(path, rows.shift(1, fill_value=False), copy))
    assert refused("erase", "--id", "k417").startswith("data/raw/second.csv: its rows cannot be taken out one by one: ")
    assert not git("status", "--porcelain")


def test_one_that_is_killed_before_changes_nothing(monkeypatch):
    def killed(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(erasure, "_stored", killed)
    assert run("erase", "--id", "k417", "-m", "asked for", "--yes").exit_code == 1
    assert not git("status", "--porcelain") and integrity.problems() == [] and not list(Path(".dvc/tmp").glob("erase*"))


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
    missing = "stages: {{prepare: {{outs: [{{path: data/prepared, md5: {}.dir}}]}}}}"
    git_repository.commit(**{"dvc.lock": missing.format("0" * 32)})
    git("checkout", "-q", "-b", "side")
    git_repository.commit(**{"dvc.lock": missing.format("1" * 32)})
    git("checkout", "-q", "-")
    git("merge", "-q", "-s", "ours", "side", "-m", "nothing of it")
    git("branch", "-q", "-D", "side")
    shown = erase("--id", key)
    gone = sorted(str(each.relative_to(CACHE)) for each in (path, earlier["test"]))
    assert f"delete these files from each storage (`uv run dvc remote list`):\n  {gone[0]}\n  {gone[1]}\n- 2 folders" in shown
    assert "- 2 folders of prepared rows not here: `uv run dvc fetch --all-commits prepare`, then this again" in shown
    assert not path.exists() and not earlier["test"].exists() and earlier["train"].exists()
