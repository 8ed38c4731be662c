"""A ledger from which somebody takes a line, or in which one is false."""

import hashlib

import pytest
from attack import Target
from conftest import git

FIRST, LAST = ("flights-late-2013-01.parquet", "flights-late-2013-04.parquet")
COMMANDS = [("factory", "prepare"), ("factory", "audit")]
commands = pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
HALVE = "import polars as pl, sys; rows = pl.read_parquet(sys.argv[1]); rows.head(rows.height // 2).write_parquet(sys.argv[1])"
DELIVER = (
    "import polars as pl, sys; name, mark, rows = sys.argv[1], sys.argv[2], pl.read_parquet(sys.argv[3]); "
    "rows.with_columns(pl.col('flight').str.replace('-2013', mark)).write_parquet(name)"
)


def edit(target: Target, name: str, old: str, new: str) -> None:
    """Change the delivery's record."""
    if target.before:
        ledger = target.folder / "data/ledger.csv"
        lines = ledger.read_text("utf-8").splitlines(keepends=True)
        ledger.write_text("".join(line.replace(old, new) if line.startswith(name) else line for line in lines), "utf-8")
    else:
        target.edit(f"data/raw/{name}.dvc", old, new)


def remove(target: Target, name: str) -> None:
    """Delete the delivery, its pointer and its record."""
    for ending in ("", ".dvc"):
        (target.folder / f"data/raw/{name}{ending}").unlink()
    if target.before:
        ledger = target.folder / "data/ledger.csv"
        lines = ledger.read_text("utf-8").splitlines(keepends=True)
        ledger.write_text("".join(line for line in lines if not line.startswith(name)), "utf-8")


def sha256(target: Target, name: str) -> str:
    return hashlib.sha256((target.folder / "data/raw" / name).read_bytes()).hexdigest()


def deliver(target: Target, name: str, mark: str) -> None:
    target.done("python", "-c", DELIVER, name, mark, f"data/raw/{LAST}")
    target.done("factory", "ingest", name)
    (target.folder / name).unlink()


@commands
@pytest.mark.parametrize("pushed", [False, True], ids=["on a branch", "on main"])
def test_removed(target, command, pushed):
    """By one who can push to main, too: v1 has the line."""
    remove(target, FIRST)
    if pushed:
        target.save("Nothing to see here")
    target.refused("LEDGER", *command)


@commands
def test_who_delivered_it_is_changed(target, command):
    edit(target, FIRST, "test@example.com", "somebody@example.com")
    target.refused("LEDGER", *command)


@commands
def test_another_content(target, command):
    """The file, its pointer and its record agree."""
    before = sha256(target, FIRST)
    (target.folder / f"data/raw/{FIRST}").chmod(0o644)
    target.done("python", "-c", HALVE, f"data/raw/{FIRST}")
    edit(target, FIRST, before, sha256(target, FIRST))
    target.done("dvc", "commit", "--quiet", "--force", f"data/raw/{FIRST}.dvc")
    target.refused("LEDGER", *command)


def test_another_content_than_recorded(target):
    (target.folder / f"data/raw/{FIRST}").chmod(0o644)
    target.done("python", "-c", HALVE, f"data/raw/{FIRST}")
    target.refused("LEDGER", "factory", "audit")


def test_doubled(target):
    for ending in ("", ".dvc"):
        text = (target.folder / f"data/raw/{FIRST}{ending}").read_bytes()
        (target.folder / f"data/raw/again.parquet{ending}").write_bytes(text.replace(FIRST.encode(), b"again.parquet"))
    if target.before:
        ledger = target.folder / "data/ledger.csv"
        [line] = [line for line in ledger.read_text("utf-8").splitlines() if line.startswith(FIRST)]
        ledger.write_text(ledger.read_text("utf-8") + line.replace(FIRST, "again.parquet") + "\n", "utf-8")
    target.refused("LEDGER", "factory", "audit")


def test_cut(target):
    """Half of what is recorded of a delivery that main has."""
    edit(target, FIRST, "sample that came with the project", "")
    target.refused("LEDGER", "factory", "prepare")


def test_wrong_number_of_rows(target):
    """In the commit that brings the delivery: nobody has another record of it."""
    deliver(target, "may.parquet", "-2014")
    edit(target, "may.parquet", "5513", "9513")
    target.refused("LEDGER", "factory", "prepare")


def test_pointer_without_a_line(target):
    target.done("python", "-c", DELIVER, "data/raw/may.parquet", "-2014", f"data/raw/{LAST}")
    target.done("dvc", "add", "--quiet", "data/raw/may.parquet")
    target.refused("LEDGER", "factory", "prepare")


def test_two_branches_with_a_delivery_each(target):
    """They merge without a conflict where merge drivers are ignored."""
    (target.folder / ".gitattributes").write_text("", "utf-8")
    target.save("No merge drivers")
    for name, mark in {"may": "-2014", "june": "-2015"}.items():
        git(target.folder, "switch", "--quiet", "--create", name, "main")
        deliver(target, f"{name}.parquet", mark)
        git(target.folder, "add", "data")
        git(target.folder, "commit", "--quiet", "--no-verify", "--message", name)
    code, out, _ = target.run("git", "merge", "--quiet", "--no-edit", "may")
    if target.before:
        assert code and "CONFLICT" in out
    else:
        assert code == 0, out
        target.done("dvc", "checkout", "--quiet")
        target.done("factory", "prepare")
        assert target.ledger()[-2:] == ["may.parquet", "june.parquet"]
