"""Deliveries from the storage: what is new, all of it or nothing."""

import shutil
from pathlib import Path

import pytest
from late_flights.factory import errors
from late_flights.factory.data import ingest, ledger
from tests.factory import toy
from tests.factory.cli_runner import refused, run

DOWNLOADED = Path(".dvc/tmp/inbox")


@pytest.fixture
def storage(project, monkeypatch, tmp_path_factory):
    """The folder inbox/ of the storage, as DVC shows it."""
    folder = tmp_path_factory.mktemp("storage") / "inbox"

    def dvc(command, *rest):
        if command == "list-url":
            if not folder.exists():
                raise errors.FactoryError(f"`dvc list-url` failed: The path '{rest[0]}' does not exist")
            return "\n".join(path.name for path in folder.iterdir())
        if command == "get-url":
            path = folder / rest[0].rpartition("/")[2]
            (shutil.copytree if path.is_dir() else shutil.copyfile)(path, rest[1])
        return "storage"

    monkeypatch.setattr(ingest, "dvc", dvc)
    return folder


def fill(folder, **tables):
    folder.mkdir(exist_ok=True)
    for name, rows in tables.items():
        rows.write_parquet(folder / f"{name}.parquet")


@pytest.mark.usefixtures("storage")
def test_no_inbox_is_nothing_new():
    result = run("ingest", "--inbox")
    assert (result.exit_code, result.output) == (0, "Nothing new\n")


def test_what_is_new_is_entered_once(storage):
    fill(storage, a=toy.rows(50), b=toy.rows(50, first=50))
    (storage / "READ ME").touch()
    assert run("ingest", "--inbox").exit_code == 0
    assert [entry.file for entry in ledger.entries()] == ["a.parquet", "b.parquet"]
    assert {entry.source for entry in ledger.entries()} == {"remote://storage/inbox"}
    assert run("ingest", "--inbox").output == "Nothing new\n"
    fill(storage, c=toy.rows(50, first=100))
    assert "c.parquet: 50 rows" in run("ingest", "--inbox").output
    assert not DOWNLOADED.exists()


def test_what_looks_like_a_delivery_is_not_passed_over(storage):
    fill(storage, a=toy.rows(50))
    (storage / "b.CSV").touch()
    assert refused("ingest", "--inbox").startswith(".dvc/tmp/inbox/b.CSV: no header")
    (storage / "b.CSV").unlink()
    (storage / "parts.parquet").mkdir()
    assert refused("ingest", "--inbox").startswith("remote://storage/inbox/parts.parquet is a folder")
    assert not ledger.entries() and not DOWNLOADED.exists()


def test_one_bad_file_keeps_all_out(storage):
    fill(storage, a=toy.rows(50), b=toy.rows(50, first=50).drop("gap"))
    refusal = refused("ingest", "--inbox")
    assert refusal.startswith(".dvc/tmp/inbox/b.parquet: gap: column missing")
    assert refusal.endswith("; see `dvc get-url remote://storage/inbox/b.parquet && factory contract --diff b.parquet`")
    assert not ledger.entries() and not DOWNLOADED.exists()


def test_storage_that_fails_is_no_empty_inbox(storage, monkeypatch):
    def dvc(command, *rest):
        raise errors.FactoryError("`dvc list-url` failed: no credentials")

    monkeypatch.setattr(ingest, "dvc", dvc)
    assert refused("ingest", "--inbox") == "`dvc list-url` failed: no credentials"


@pytest.mark.parametrize("arguments", [[], ["--inbox", "a.csv"]], ids=["neither", "both"])
@pytest.mark.usefixtures("project")
def test_files_or_the_inbox(arguments):
    result = run("ingest", *arguments)
    assert result.exit_code == 2 and "--inbox" in result.stderr


@pytest.mark.usefixtures("storage")
def test_leftovers_of_a_killed_run_are_not_entered():
    DOWNLOADED.mkdir(parents=True)
    toy.rows(50).write_parquet(DOWNLOADED / "old.parquet")
    assert run("ingest", "--inbox").output == "Nothing new\n" and not DOWNLOADED.exists()
