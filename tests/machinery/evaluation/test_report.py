"""The page for people: whole, the same each time, and safe with whatever the data holds."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from late_flights.factory.evaluation import report
from late_flights.factory.metrics import bootstrap, curves
from tests.factory import toy

from machinery.evaluation.assessment_factory import EVIL, ROWS, Page, build_assessment, render

pytestmark = pytest.mark.usefixtures("no_project")
CLOSED = "</body></html>"


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_is_one_small_whole_page_that_loads_nothing_but_the_gates_result(problem):
    html = render(build_assessment(problem))
    page = Page(html)
    assert page.links == ["data:,", "gate.js"]
    assert not page.seen & {"iframe", "img", "object", "embed"}
    assert not re.search(r"url\(|@import|https?://", html)
    assert len(html.encode()) < 400_000
    assert html.count("<svg") >= 5


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_head_identifies_the_model(problem):
    assessed = build_assessment(problem, time="seen", columns={"seen": [datetime(2020, 1, 1)] * ROWS})
    Path("data").mkdir()
    Path("data/ledger.csv").write_text(
        "file,received,by,source,rows,sha256\nfirst.csv,2026-01-01T00:00:00+00:00,Eve,web,300,00\n"
    )
    head = " ".join(" ".join(Page(render(assessed, uncommitted=True).partition("<main>")[0] + CLOSED).text).split()).replace(
        " ,", ","
    )
    assert "Estimator DummyClassifier" in head and "Model 444444444444" in head and "Evaluated 2026-01-02 03:04 UTC" in head
    assert "Commit cccccccccccc, with uncommitted changes" in head and f"Target outcome, {problem}" in head
    assert "Deliveries 1, the latest first.csv" in head
    assert "Training rows 300, 2020-01-01 00:00 to 2020-02-01" in head and "Test rows 300, 2020-01-01 00:00 to" in head
    assert "Gate no result for this model" in head


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_sections_have_the_names_of_the_field(problem):
    headings = Page(render(build_assessment(problem))).headings
    curves = "Errors" if problem == "regression" else "Calibration and curves"
    decided = [] if problem == "regression" else ["Confusion matrix"]
    start = ["Metrics", "Gate", *decided, curves, "Performance by group", "Feature importance", "Worst predictions"]
    assert headings == [*start, "Data", "Doubtful values", "Target by feature", "Columns that go together", "Model"]


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_every_figure_has_a_text_alternative(problem):
    images = Page(render(build_assessment(problem))).images
    drawn = [image for image in images if image.get("role") == "img"]
    assert len(drawn) == {"classification": 5, "multiclass": 4, "regression": 4}[problem]
    assert all(re.search(r"\d", image["aria-label"] or "") for image in drawn)
    assert all(image.get("aria-hidden") == "true" for image in images if image not in drawn)


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_is_the_same_for_the_same_assessment(problem):
    assert render(build_assessment(problem)) == render(build_assessment(problem))


def test_shows_text_of_the_user_as_text(monkeypatch):
    monkeypatch.setattr(report, "project", lambda: {"name": EVIL, "description": EVIL})
    Path("data").mkdir()
    Path("data/ledger.csv").write_text(
        "file,received,by,source,rows,sha256\n<b>.csv,2026-01-01T00:00:00+00:00,<i>Eve</i> <e@x>,<u>web</u>,300,00\n"
    )
    assessed = build_assessment(columns={f"{EVIL}<td>": [EVIL, "<b>b</b>", None] * 100}, sensitive=["group", f"{EVIL}<td>"])
    html = render(replace(assessed, importance=pl.DataFrame({"feature": [EVIL], "loss": [1.0]})))
    assert not Page(html).seen & {"i>", "u", "b"} and EVIL not in html
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
    html = render(build_assessment(columns=kinds, time="instant"))
    Page(html)
    assert "all missing" in html
    assert "always 7" in html
    assert "2020-01-13 11:00" in html


def test_the_present_is_that_of_the_run_whatever_the_clock():
    seen = [date(2026, 1, 20), *(date(2020, 1, 1) + timedelta(days=i) for i in range(1, ROWS))]
    assessed = build_assessment(columns={"seen": seen})
    ahead = "in the future"
    assert ahead in render(assessed)
    assert ahead not in render(assessed, finished="2026-01-20T03:04:05+00:00")


def test_an_id_that_repeats_explains_nothing():
    patients = [f"p{i % 30}" for i in range(ROWS)]
    assessed = build_assessment("regression", columns={"patient": patients, "ward": patients}, id="patient", repeats=True)
    found = report.quality(assessed, [], datetime(2026, 1, 1, tzinfo=UTC))["profile"]
    assert "ward" in found.by_target.strengths and "patient" not in found.by_target.strengths
    assert "ward" in found.associations.columns and "patient" not in found.associations.columns


def test_keeps_long_lists_short():
    assessed = build_assessment(columns={f"c{i}": [float(i)] * ROWS for i in range(200)})
    html = render(replace(assessed, importance=pl.DataFrame({"feature": [f"f{i}" for i in range(200)], "loss": 0.1})))
    assert "and 180 more" in html
    assert f"and {203 - 40} more" in html
    assert len(html.encode()) < 400_000


def test_does_without_groups_decisions_and_onnx():
    assessed = build_assessment(sensitive=[])
    bare = replace(assessed, confusion=None, manifest={**assessed.manifest, "threshold": None, "files": {"model.skops": "0"}})
    html = render(replace(bare, params=assessed.params.model_copy(update={"value": None})))
    Page(html)
    assert not {"Performance by group", "Confusion matrix"} & set(Page(html).headings)


def test_takes_a_target_that_is_true_or_false_and_groups_without_a_name():
    assessed = build_assessment(columns={"group": ["a", "b", None] * 100})
    rows = assessed.test.with_columns(pl.col("outcome").cast(pl.Boolean))
    html = render(replace(assessed, train=rows, test=rows))
    assert "Boolean" in html


def test_takes_useless_importances_and_scores():
    assessed = build_assessment("regression")
    score = np.full(ROWS, 0.5)
    flat = replace(assessed, score=score, importance=pl.DataFrame({"feature": ["x"], "loss": [0.0]}))
    Page(render(replace(flat, curves=curves.regression(assessed.target, score))))


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(0.5, 0.6, "clearly better than"), (0.3, 0.6, "not measurably better than"), (0.1, 0.2, "clearly worse than")],
)
def test_says_how_the_model_compares_with_the_baseline(low, high, words):
    assessed = build_assessment()
    name = assessed.params.evaluation.metric
    assessed.estimates[name] = bootstrap.Estimate((low + high) / 2, low, high, 0.4)
    assert report.verdict(assessed) == words
