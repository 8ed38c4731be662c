"""A ledger that cannot lose a line: what is not as recorded, doubled, or gone since main or a version had it, is refused."""

from pathlib import Path

import polars as pl
import pytest
from late_flights.factory import manifest
from late_flights.factory.data import integrity, ledger
from late_flights.factory.registry import audit
from tests.factory import git_repository, toy
from tests.factory.cli_runner import run
from tests.factory.git_repository import git

from machinery.data.ledger_file import REFUSING, age, deliver, edit, ledger_refusal

FIRST, SECOND = "data/raw/first.parquet.dvc", "data/raw/second.csv.dvc"
commands = pytest.mark.parametrize("command", REFUSING, ids=" ".join)


@pytest.fixture(autouse=True)
def shared(committed, tmp_path_factory, monkeypatch):
    """The trained toy on a remote's main, and a file that could be added."""
    monkeypatch.setattr(audit, "run", lambda *command: ".dvc/cache")
    git_repository.share(tmp_path_factory.mktemp("remote"))
    toy.rows(50, first=900).write_csv("new.csv")


def remove(name):
    for path in (f"data/raw/{name}", f"data/raw/{name}.dvc"):
        Path(path).unlink()


@commands
def test_removed_record(command):
    remove("second.csv")
    git_repository.commit()
    restore = "restore it from there, or see `factory ledger --erase`"
    assert ledger_refusal(*command) == f"LEDGER: {SECOND}: is gone, but in main: {restore}"


@commands
def test_changed_record(command):
    edit("second.csv", by="Eve <eve@example.com>")
    git_repository.commit()
    assert ledger_refusal(*command) == f"LEDGER: {SECOND}: is not the record in main: restore it from there"


@commands
def test_swapped_content(command):
    """File, hash and pointer agree with one another, not with what main has."""
    path = Path("data/raw/second.csv")
    path.write_bytes(path.read_bytes().replace(b"green", b"blue", 1))
    assert ledger_refusal(*command).startswith(f"LEDGER: {path} is not what {SECOND} records (its sha256 differs)")
    edit("second.csv", sha256=manifest.file_sha256(path))
    assert ledger_refusal(*command).startswith(f"LEDGER: {SECOND}: is not the record in main")


@commands
def test_doubled_record(command):
    for ending in ("", ".dvc"):
        Path(f"data/raw/again.csv{ending}").write_bytes(Path(f"data/raw/second.csv{ending}").read_bytes())
    Path("data/raw/again.csv.dvc").write_text(Path(SECOND).read_text().replace("path: second.csv", "path: again.csv"))
    assert "second.csv doubles again.csv" in ledger_refusal(*command)


@commands
def test_pointer_without_a_record(command):
    Path("data/raw/else.csv.dvc").write_text("outs:\n- path: else.csv\n")
    assert "else.csv.dvc has no record: `uv run factory ingest data/raw/else.csv`" in ledger_refusal(*command)


def test_empty_pointer():
    Path("data/raw/new.csv").write_bytes(Path("new.csv").read_bytes())
    Path("data/raw/new.csv.dvc").touch()
    toy.rows(50, first=700).write_csv("other.csv")
    for command in (["prepare"], ["ingest", "other.csv"]):
        assert "new.csv.dvc: empty: " in ledger_refusal(*command)
    assert run("ingest", "data/raw/new.csv").exit_code == 0, "it is of a DVC that was killed"
    Path(SECOND).write_text("")
    assert f"{SECOND}: empty: " in ledger_refusal("ingest", "data/raw/new.csv"), "Git has it, which is not overwritten"


def test_wrong_number_of_rows():
    edit("second.csv", rows=299)
    git("push", "--quiet", "--force", "origin", f"{git_repository.commit()}:main")
    assert "second.csv.dvc records (300 rows, not 299): restore it" in ledger_refusal("prepare")


def test_lost_on_main_but_not_in_a_version():
    git("tag", "--annotate", "--message", "v1", "model/v1")
    remove("second.csv")
    git("push", "--quiet", "origin", f"{git_repository.commit()}:main")
    git("fetch", "--quiet")
    assert f"{SECOND}: is gone, but in model/v1: " in ledger_refusal("prepare")


def test_a_branch_may_take_back_what_main_never_had():
    git("switch", "--quiet", "--create", "mine")
    deliver("new.csv", 900)
    git_repository.commit()
    remove("new.csv")
    assert integrity.problems() == []


def test_a_branch_behind_main_lacks_nothing():
    base = git("rev-parse", "HEAD")
    deliver("new.csv", 900)
    git("push", "--quiet", "origin", f"{git_repository.commit()}:main")
    git("tag", "--annotate", "--message", "v1", "model/v1")
    git("switch", "--quiet", "--create", "behind", base)
    assert integrity.problems() == []
    remove("second.csv")
    assert [problem.partition(":")[0] for problem in integrity.problems()] == [SECOND]


def test_erased_is_not_lost():
    before = ledger.entries()
    done = run("ledger", "--erase", "data/raw/second.csv", "-m", "consent withdrawn")
    assert done.exit_code == 0 and "data/erased.csv keeps its record" in done.output, done.output
    assert not Path(SECOND).exists() and not Path("data/raw/second.csv").exists()
    [erasure] = ledger.erasures()
    assert erasure.entry == before[1] and (erasure.why, erasure.erased_by[:3]) == ("consent withdrawn", "Zoë")
    assert integrity.problems() == [] and "consent withdrawn" in run("ledger").output
    ledger.ERASED.write_text(ledger.ERASED.read_text().replace("300", "299"))
    assert f"{SECOND}: is gone" in ledger_refusal("prepare")
    ledger.ERASED.unlink()
    assert f"{SECOND}: is gone" in ledger_refusal("prepare")


def test_an_older_ledger_is_whole_too():
    age()
    remove("second.csv")
    assert ledger_refusal("prepare") == f"LEDGER: data/ledger.csv: second.csv has no pointer {SECOND}: restore it from Git"


@pytest.mark.parametrize("older", [False, True])
def test_the_ledger_of_a_commit(older):
    if older:
        age()
    entries, commit = ledger.entries(), git_repository.commit()
    deliver("new.csv", 900)
    assert ledger.entries_at(commit) == entries and len(entries) == 2
    edit("second.csv", rows=None)
    broken = git_repository.commit()
    with pytest.raises(Exception, match=rf"^LEDGER: in {broken}: {SECOND}: lacks rows"):
        ledger.entries_at(broken)


def test_two_branches_that_add_deliveries_merge():
    Path(".gitattributes").write_text("")
    git("add", "--all")
    main = git_repository.commit()
    for name, first in {"one": 900, "two": 1000}.items():
        git("switch", "--quiet", "--create", name, main)
        deliver(f"{name}.csv", first)
        git_repository.commit()
    git("merge", "--quiet", "--no-edit", "one")
    names = ["first.parquet", "second.csv", "one.csv", "two.csv"]
    assert [entry.file for entry in ledger.entries()] == names and integrity.problems() == []
    assert run("prepare").exit_code == 0
    assert pl.scan_parquet("data/prepared/*.parquet").select(pl.len()).collect().item() == 700
