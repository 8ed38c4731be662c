"""What an adoption replaces: never what is kept nowhere else, and all of it or nothing."""

from pathlib import Path

import polars as pl
import pytest
from late_flights.factory import errors
from late_flights.factory.adopt import source, transaction
from late_flights.factory.cli.main import recover_adoption
from late_flights.factory.data import ledger
from late_flights.factory.paths import ADOPTION, RAW
from tests.factory import git_repository

OLD = {"a/one.txt": "1", "a/b/two.txt": "2", "three.txt": "3"}
PATHS = [Path("a"), Path("three.txt"), Path("four.txt")]


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    git_repository.environment(monkeypatch)
    for name, text in OLD.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")


def contents():
    files = [path for path in Path().rglob("*.txt") if ".dvc" not in path.parts]
    return {path.as_posix(): path.read_text(encoding="utf-8") for path in files}


def replace():
    Path("a").mkdir()
    for name in ("a/new.txt", "three.txt", "four.txt"):
        Path(name).write_text("new", encoding="utf-8")


def test_replaced_as_a_whole():
    with transaction.exclusive(), transaction.replacing(PATHS):
        replace()
    assert contents() == {"a/new.txt": "new", "three.txt": "new", "four.txt": "new"}
    assert not ADOPTION.exists()


@pytest.mark.parametrize("fault", [errors.FactoryError("no"), OSError("full"), KeyboardInterrupt(), SystemExit(1)])
def test_put_back_after_a_fault(fault):
    with pytest.raises(type(fault)), transaction.exclusive(), transaction.replacing(PATHS):
        replace()
        raise fault
    assert contents() == OLD


@pytest.mark.parametrize("moved", [0, 1, 2, 3])
def test_put_back_by_the_next_command_after_a_kill(moved, monkeypatch, capsys):
    """Killed after so many files were moved aside, the last time after others had taken their places."""

    class Killed(BaseException):
        pass

    with monkeypatch.context() as patch, pytest.raises(Killed), transaction.exclusive():
        patch.setattr(transaction, "_restore", lambda: None)
        with transaction.replacing(PATHS[:moved]):
            if moved == len(PATHS):
                replace()
            raise Killed
    recover_adoption()
    assert contents() == OLD and capsys.readouterr().err
    recover_adoption()
    assert capsys.readouterr().err == ""


def test_one_at_a_time():
    with transaction.exclusive(), transaction.replacing(PATHS):
        replace()
        recover_adoption()
        assert contents()["three.txt"] == "new"
        with pytest.raises(errors.FactoryError, match="is running in this project"), transaction.exclusive():
            pass


@pytest.fixture
def ready():
    """A project that was set up, of which all is in Git."""
    RAW.mkdir(parents=True)
    ledger.LEDGER.write_text(ledger.to_csv([], ledger.Entry), encoding="utf-8")
    for name in ("README.md", "reports/old.md"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text("mine", encoding="utf-8")
    git_repository.start()
    git_repository.commit()


@pytest.mark.usefixtures("ready")
def test_what_is_not_in_git_is_not_replaced():
    transaction.check_can_replace(force=False)
    for name in ("README.md", "reports/notes.md"):
        Path(name).write_text("changed", encoding="utf-8")
        with pytest.raises(errors.FactoryError, match=rf"^{name} would be replaced"):
            transaction.check_can_replace(force=False)
        transaction.check_can_replace(force=True)
        git_repository.commit()


@pytest.mark.usefixtures("ready")
def test_what_is_no_delivery_is_not_lost():
    stray = RAW / "mine.csv"
    pl.DataFrame({"x": [1]}).write_csv(stray)
    for force in (False, True):
        with pytest.raises(errors.FactoryError, match=r"mine\.csv: not a delivery"):
            transaction.check_can_replace(force=force)
    with pytest.raises(errors.FactoryError, match=r"mine\.csv: is inside"), source.files(stray):
        pass
