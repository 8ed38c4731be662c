"""The page for people: whole, the same each time, and safe with whatever the data holds."""

import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from late_flights.factory.evaluation import formatting, report
from late_flights.factory.metrics import bootstrap, curves
from tests.factory import toy

from machinery.evaluation.assessment_factory import ROWS, Page, build_assessment

EVIL = '<script>alert("1")</script>'


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bootstrap, "RESAMPLES", 10)


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_is_one_small_whole_page_without_scripts_that_loads_nothing(problem):
    html = report.render(build_assessment(problem))
    page = Page(html)
    assert page.links == ["data:,"]
    assert not page.seen & {"script", "iframe", "img", "object", "embed"}
    assert not re.search(r"url\(|@import|https?://", html)
    assert len(html.encode()) < 400_000
    assert html.count("<svg") >= 5


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_is_the_same_for_the_same_assessment(problem):
    assert report.render(build_assessment(problem)) == report.render(build_assessment(problem))


def test_shows_text_of_the_user_as_text(monkeypatch):
    monkeypatch.setattr(report, "project", lambda: {"name": EVIL, "description": EVIL})
    Path("data").mkdir()
    Path("data/ledger.csv").write_text(
        "file,received,by,source,rows,sha256\n<b>.csv,2026-01-01T00:00:00+00:00,<i>Eve</i> <e@x>,<u>web</u>,300,00\n"
    )
    assessed = build_assessment(columns={f"{EVIL}<td>": [EVIL, "<b>b</b>", None] * 100}, sensitive=["group", f"{EVIL}<td>"])
    html = report.render(replace(assessed, importance=pl.DataFrame({"feature": [EVIL], "loss": [1.0]})))
    assert not Page(html).seen & {"script", "i>", "u", "b"}
    assert "&lt;script&gt;" in html


def test_takes_columns_of_every_kind():
    kinds = {
        "null": pl.Series([None] * ROWS, dtype=pl.Float64),
        "typeless": pl.Series([None] * ROWS, dtype=pl.Null),
        "constant": [7] * ROWS,
        "nan": [float("nan")] * ROWS,
        "infinite": [float("inf"), 1.0, 2.0] * 100,
        "flag": [True, False, None] * 100,
        "day": [date(2020, 1, 1) + timedelta(days=i) for i in range(ROWS)],
        "span": [timedelta(minutes=i) for i in range(ROWS)],
        "instant": [datetime(2020, 1, 1) + timedelta(hours=i) for i in range(ROWS)],
        "category": pl.Series(["u", "v", "w"] * 100, dtype=pl.Enum(["u", "v", "w"])),
        "list": [[1, 2]] * (ROWS - 1) + [[3]],
    }
    html = report.render(build_assessment(columns=kinds, time="instant"))
    Page(html)
    assert "none at all" in html
    assert "always 7" in html
    assert "2020-01-13 11:00" in html


def test_keeps_long_lists_short():
    assessed = build_assessment(columns={f"c{i}": [float(i)] * ROWS for i in range(200)})
    html = report.render(replace(assessed, importance=pl.DataFrame({"feature": [f"f{i}" for i in range(200)], "loss": 0.1})))
    assert "and 180 more" in html
    assert f"and {203 - 40} more" in html
    assert len(html.encode()) < 400_000


def test_does_without_groups_decisions_and_onnx():
    assessed = build_assessment(sensitive=[])
    bare = replace(assessed, confusion=None, manifest={**assessed.manifest, "threshold": None, "files": {"model.skops": "0"}})
    html = report.render(replace(bare, params=assessed.params.model_copy(update={"value": None})))
    Page(html)
    assert "For whom" not in html
    assert "flags" not in html.partition("<figure")[0]


def test_takes_a_target_that_is_true_or_false_and_groups_without_a_name():
    assessed = build_assessment(columns={"group": ["a", "b", None] * 100})
    rows = assessed.test.with_columns(pl.col("outcome").cast(pl.Boolean))
    html = report.render(replace(assessed, train=rows, test=rows))
    assert "Boolean" in html


def test_takes_useless_importances_and_scores():
    assessed = build_assessment("regression")
    score = np.full(ROWS, 0.5)
    flat = replace(assessed, score=score, importance=pl.DataFrame({"feature": ["x"], "loss": [0.0]}))
    Page(report.render(replace(flat, curves=curves.regression(assessed.target, score))))


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(0.5, 0.6, "clearly better than"), (0.3, 0.6, "not measurably better than"), (0.1, 0.2, "clearly worse than")],
)
def test_says_how_the_model_compares_with_the_baseline(low, high, words):
    assessed = build_assessment()
    name = assessed.params.evaluation.metric
    assessed.estimates[name] = bootstrap.Estimate((low + high) / 2, low, high, 0.4)
    assert report.verdict(assessed) == words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (2013, "2,013"),
        (1234567, "1,234,567"),
        (0.85634, "0.8563"),
        (-12.34567, "\N{MINUS SIGN}12.35"),
        (4321.9, "4,322"),
        (3.2e-7, "3.2e\N{MINUS SIGN}07"),
        (float("nan"), "unknown"),
        (True, "True"),
        (None, "None"),
        (datetime(2020, 1, 2, 3, 4, 5), "2020-01-02 03:04"),
    ],
)
def test_writes_numbers_for_people(value, text):
    assert formatting.number(value) == text


@pytest.mark.parametrize(("value", "text"), [(2013, "2013"), (-5, "\N{MINUS SIGN}5"), (12345, "12,345"), (872.5, "872.5")])
def test_writes_years_as_years(value, text):
    assert formatting.cell(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0%"), (0.0004, "< 0.1%"), (0.0994, "9.9%"), (0.0996, "10%"), (0.75, "75%"), (1.0, "100%")]
)
def test_writes_shares_as_percentages(value, text):
    assert formatting.share(value) == text


def test_writes_numbers_of_a_column_with_the_same_decimals():
    assert [formatting.number(v, like=0.5) for v in (0.5, 0.00012, -0.00001)] == ["0.5000", "0.0001", "0.0000"]


def test_rare_classes_are_shown_together():
    rows = report.classes(build_assessment("multiclass"))
    assert [row["name"] for row in rows][-1] == report.OTHERS and len(rows) == report.CONFUSION_CLASSES
    assert sum(row["rows"] for row in rows) == sum(cell["rows"] for row in rows for cell in row["taken"]) == ROWS
    assert report.classes(build_assessment()) == []
