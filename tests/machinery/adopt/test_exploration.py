"""`factory profile`: what it prints, its page, and what it refuses."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from late_flights.factory import tables
from late_flights.factory.adopt import exploration
from tests.factory.cli_runner import refused, run
from tests.factory.conftest import ROOT

from machinery.evaluation.assessment_factory import EVIL, Page
from machinery.tables import excel_files

ROWS = 600
RANDOM = np.random.default_rng(0)


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    size = RANDOM.uniform(20, 150, ROWS).round(4)
    columns = {
        "id": [f"f{i}" for i in range(ROWS)],
        "size": [0, *size[1:]],
        "day": [f"{1 + i % 28:02}.03.2024" for i in range(ROWS)],
        EVIL: RANDOM.choice(["<b>", "y"], ROWS),
        "mail": [f"someone{i}@example.com" for i in range(ROWS)],
        "rent": (20 * size).round(2),
    }
    pl.DataFrame(columns, strict=False).write_csv("flats.csv")
    return tmp_path / "flats.csv"


def test_the_summary_begins_with_what_is_doubtful(table):
    result = run("profile", table, "--target", "rent")
    assert result.exit_code == 0, result.output
    head, _, title, first, *_ = result.stdout.splitlines()
    assert head == "flats.csv: 600 rows, 6 columns (3 texts, 2 numbers, 1 date), 0% of the values missing"
    assert (title, first) == ("Look at first:", "- size: 1 of 600 values is 0, which no size is")
    assert "rent follows from one column alone, from 0 to 1: size 0." in result.stdout
    assert re.search(r"^day +date +28 +2024-03-01 to 2024-03-28$", result.stdout, re.MULTILINE)
    assert "someone" not in result.stdout and "personal data" in result.stdout


def test_the_page_loads_nothing_and_shows_no_personal_value(table):
    assert run("profile", table, "--target", "rent", "--out", "page.html").stdout.endswith("✓ page.html\n")
    html = (table.parent / "page.html").read_text("utf-8")
    page = Page(html)
    assert not [link for link in page.links if not link.startswith("data:")] and "script" not in page.seen
    assert page.headings == [
        "Look at first",
        "Target",
        "Columns",
        "Doubtful values",
        "Target by feature",
        "Columns that go together",
    ]
    assert "someone" not in html and EVIL not in html
    assert exploration.explore(table, "rent").page() == html


def test_git_leaves_out_the_page_and_all_kinds_of_tables(table):
    names = ["page.html", *(f"rows{suffix}" for suffix in tables.SUFFIXES), "shop.db", "shop.sqlite3", "shop.duckdb"]
    for name in names:
        Path(name).touch()
    shutil.copy(ROOT / ".gitignore", ".")
    for command in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *command], check=True)
    assert subprocess.run(["git", "ls-files"], check=True, capture_output=True, text=True).stdout == ".gitignore\n"


def test_the_page_replaces_another_whole_and_its_folder_is_looked_for_first(table, monkeypatch):
    for place, problem in (("none/page.html", "no folder none"), (".", "a folder")):
        early = run("profile", "missing.csv", "--out", place)
        assert early.exit_code == 2 and problem in early.output
    place = Path("page.html")
    place.write_text("before")
    monkeypatch.setattr(exploration.Exploration, "page", lambda self: "\udc80")  # which cannot be written
    assert run("profile", table, "--out", place).exit_code != 0
    assert place.read_text() == "before" and {file.name for file in Path().iterdir()} == {"page.html", "flats.csv"}


def test_of_a_table_larger_than_the_sample_the_page_states_it(table, monkeypatch):
    monkeypatch.setattr("late_flights.factory.adopt.profile.SAMPLE_ROWS", 100)
    assert "of a sample of 100" in exploration.explore(table).page()


def test_a_sheet_of_a_workbook(table):
    sheets = ([[name], *([i] for i in range(60))] for name in ("one", "other"))
    Path("book.xlsx").write_bytes(excel_files.workbook(*sheets))
    assert [*exploration.explore(Path("book.xlsx"), sheet="Sheet2").columns] == ["other"]
    assert "Sheet1; Sheet2" in refused("profile", "book.xlsx")


def test_a_delivery_of_the_project(table):
    Path("data/raw").mkdir(parents=True)
    table.rename("data/raw/flats.csv")
    assert exploration.explore(Path("data/raw")).profile.view.height == ROWS


def test_without_a_target_nothing_is_shown_of_one(table):
    assert "Target" not in Page(exploration.explore(table).page()).headings


def test_many_columns_are_all_named_on_the_page(tmp_path):
    wide = pl.DataFrame({f"c{i:03}": RANDOM.normal(size=60) for i in range(400)}).with_columns(age=pl.Series([150] + [50] * 59))
    wide.write_parquet(tmp_path / "wide.parquet")
    explored = exploration.explore(tmp_path / "wide.parquet")
    html = explored.page()
    assert all(f"<code>c{i:03}</code>" in html for i in range(400))
    assert html.index("<code>age</code>") < html.index("<code>c000</code>")
    shown = explored.summary("there")
    assert "341 more columns: there" in shown and shown.index("\nage ") < shown.index("\nc000 ")


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["flats.csv", "--target", "rents"], "no column 'rents' in the table; did you mean rent?"),
        (["none.csv"], "none.csv: no such file or folder"),
        (["empty.csv"], "empty.csv: no rows"),
    ],
)
def test_what_cannot_be_profiled_is_one_line(table, arguments, message):
    (table.parent / "empty.csv").write_text("a,b\n", encoding="utf-8")
    assert refused("profile", *arguments) == message
