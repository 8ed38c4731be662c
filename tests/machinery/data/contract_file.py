"""The toy's contract as a file of its own, which can be changed and read again."""

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from late_flights import contract
from late_flights.factory.data.contract_diff import diff
from late_flights.factory.workspace import process
from tests.factory import toy
from tests.factory.cli_runner import run

FILE = Path("src/toy/contract.py")
HEAD = '''"""What a valid row is."""

from datetime import datetime as moment

import dataframely as dy
import polars as pl

START = moment(2020, 1, 1)
KINDS = ["red", "green", "blue"]
SIZES = [
    "små 😀",
    "large",  # of all
]

'''
ROWS = """
class Row(dy.Schema):
    key = dy.String(regex=r"^k\\d+$", max_length=5)
    seen = dy.Datetime(min=START, max=moment(2040, 1, 1))
    kind = dy.Enum(KINDS)
    amount = dy.Float64(min=0, max=100, metadata={"unit": "€", "of": ["ä", "😀"]})  # as paid
    gap = dy.Int16(nullable=True, min=-10, max=10)
    size = dy.Enum(SIZES, alias="the 'size' 😀", description="of the item"); "a string"

    @dy.rule()
    def red_is_small(cls) -> pl.Expr:
        return (pl.col("kind") != "red") | (pl.col("amount") < 90)


class LabelledRow(Row):
    answer = dy.Bool()


DELIVERY = {"gap is mostly known": pl.col("gap").is_null().mean() < 0.5}
"""
SIZE = "the 'size' 😀"


def write(patch: pytest.MonkeyPatch, text: str = HEAD + ROWS) -> None:
    """Make this the project's contract."""
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(text, encoding="utf-8", newline="")
    reload(patch)


def reload(patch: pytest.MonkeyPatch) -> None:
    """Take the contract as the file has it now."""
    names = runpy.run_path(str(FILE), run_name="toy_contract")
    for name in ("Row", "LabelledRow", "DELIVERY", "IGNORED", "MISSING", "SINCE"):
        patch.delattr(contract, name, raising=False)
        if name in names:
            patch.setattr(contract, name, names[name], raising=False)
    patch.setattr(contract, "__file__", str(FILE.absolute()))


@pytest.fixture
def accepted(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A toy project with a contract of its own and a delivery that keeps it."""
    write(monkeypatch)
    delivery(400, first=1000).write_parquet("first.parquet")
    assert run("ingest", "first.parquet").exit_code == 0


def some(column: str, value: Any, rows: int = 3) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """A change of that column in the first rows."""
    first = pl.int_range(pl.len()) < rows
    return lambda table: table.with_columns(pl.when(first).then(value).otherwise(column).alias(column))


def delivery(height: int = 100, first: int = 0) -> pl.DataFrame:
    """Rows that keep the contract, all of them text but for their numbers."""
    rows = toy.rows(height, first=first).cast({"kind": pl.String})
    sizes = pl.Series(SIZE, ["large", "små 😀"] * (height // 2))
    return rows.with_columns(sizes).select(*rows.columns[:-1], SIZE, "answer")


def differences(name: str) -> list[str]:
    """What the command reports of the file, which differs."""
    result = run("contract", "--diff", name)
    assert isinstance(result.exception, SystemExit) and result.exit_code == 1, result.exception
    lines, _, change = result.stdout.partition("\n\n")
    Path("change.diff").write_text(result.stdout if change.startswith("--- ") else "", encoding="utf-8", newline="")
    assert all(line.startswith("✗ ") for line in lines.splitlines())
    return [line.removeprefix("✗ ") for line in lines.splitlines()]


def apply_diff(patch: pytest.MonkeyPatch, *command: str) -> None:
    """Change the contract as the last diff says."""
    process.run(*(command or ("git", "apply", "change.diff")))
    reload(patch)


def is_valid(name: str) -> bool:
    """Whether the file keeps the contract as it is now."""
    return run("contract", "--diff", name).exit_code == 0 and not diff.diff(Path(name), toy.params())[0]
