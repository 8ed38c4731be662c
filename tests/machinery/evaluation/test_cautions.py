"""What a reader of the report has to bear in mind is stated: few test rows, classes that are seldom found; and the candidates."""

from pathlib import Path

import numpy as np
import pytest
from late_flights import contract
from late_flights.factory import manifest
from late_flights.factory.evaluation import cautions, confusion, leaderboard
from late_flights.factory.paths import CANDIDATES
from scipy.stats import binomtest

from machinery.evaluation.assessment_factory import CLASSES, Page, build_assessment, render

pytestmark = pytest.mark.usefixtures("no_project")
CHANGES = {"parameters": {"depth": 4}, "code": {"model.py": "0" * 64}}
CLEAN = """\
candidate,family,chosen,metric,mean,se,fit_seconds,predict_ms,size_mb
boosting,trees,false,mae,0.5,0.01,2.0,0.01,0.6
<b>linear</b>,linear,true,mae,0.505,0.01,0.1,0.001,0.01
"""


def of_classes(counts):
    """The details of an evaluation with these rows by true class, down, and predicted class."""
    names = ["rare", "often", "usual"][: len(counts)]
    target = np.repeat(np.arange(len(counts)), [sum(row) for row in counts])
    score = np.vstack([np.eye(len(counts))[place] for row in counts for place, n in enumerate(row) for _ in range(n)])
    facts = {"classes": names, "threshold": None}
    report = confusion.classification_report(target, score, facts)
    return {"test_rows": len(target), "confusion": confusion.confusion(target, score, facts), "classification_report": report}


def of_two(hits, cases, rows, alarms=0):
    counts = {"true_positive": hits, "false_negative": cases - hits, "false_positive": alarms}
    counts["true_negative"] = rows - cases - alarms
    return {"test_rows": rows, "confusion": counts, "classification_report": {"recall": hits / cases}}


@pytest.mark.parametrize("hits, rows", [(0, 5), (20, 52), (16, 16), (999, 1000)])
def test_the_interval_of_a_share_is_wilsons(hits, rows):
    expected = binomtest(hits, rows).proportion_ci(method="wilson")
    assert cautions.wilson(hits, rows) == pytest.approx((expected.low, expected.high), abs=1e-4)


def test_a_class_found_20_of_52_times_is_named_with_its_interval():
    details = of_classes([[20, 30, 2], [5, 400, 5], [0, 10, 390]])
    assert [*cautions.cautions(details)] == ["seldom found: rare in 20 of 52 rows (38%, 95% interval 26% to 52%)"]
    first, *others = cautions.classes(details["classification_report"], details["confusion"])
    assert (first["name"], first["hits"], first["rows"]) == ("rare", 20, 52)
    assert [row["recall"] for row in others] == sorted(row["recall"] for row in others)


def test_classes_of_few_test_rows_are_named():
    assert "of rare the test has fewer than 20 rows" in next(cautions.cautions(of_classes([[5, 0, 0], [0, 100, 0], [0, 0, 100]])))


@pytest.mark.parametrize(
    "details, expected",
    [
        (of_two(30, 40, 1000), []),
        (of_two(20, 52, 1000), ["at this threshold it finds 20 of 52 true rows (38%, 95% interval 26% to 52%)"]),
        (of_two(5, 6, 500), ["only 6 of the 500 test rows are true: how well it finds them is hardly known"]),
        (of_two(490, 495, 500), ["only 5 of the 500 test rows are false: how well it finds them is hardly known"]),
        (
            of_two(7, 8, 16),
            [
                "the test has only 16 rows: one more or less of them right is 6.2%, and the real intervals are wider than those shown"
            ],
        ),
        (
            {"test_rows": 16, "confusion": None, "classification_report": None},
            ["the test has only 16 rows: a few of them decide, and the real intervals are wider than those shown"],
        ),
        ({"test_rows": 1000, "confusion": None, "classification_report": None}, []),
        ({"test_rows": 1000, "confusion": None, "classification_report": {"calibration_error": 0.1}}, []),
    ],
)
def test_few_rows_and_few_cases_are_stated(details, expected):
    assert [*cautions.cautions(details)] == expected


def test_the_report_has_the_figures_of_every_class_and_the_cautions_at_its_head():
    html = render(build_assessment("multiclass"))
    _, *rows, _ = Page(html).table("Class")
    assert {row[0] for row in rows} == {*CLASSES} and all(" of " in row[1] for row in rows)
    recalls = [float(row[2]) for row in rows if row[2] != "undefined"]
    assert recalls == sorted(recalls)
    assert html.index("Seldom found: ") < html.index("<main>")


def listed(text):
    """An assessment of the model that was chosen from this list."""
    assessed = build_assessment("regression")
    assessed.params.model.update(assessed.manifest["parameters"])
    CANDIDATES.parent.mkdir()
    CANDIDATES.write_text(text, encoding="utf-8")
    leaderboard.mark(assessed.params)
    assessed.manifest["code"]["model.py"] = manifest.file_sha256(Path(contract.__file__).with_name("model.py"))
    return assessed


def test_the_leaderboard_is_of_the_model_that_was_trained():
    assessed = listed(CLEAN)
    assert leaderboard.leaderboard("regression", assessed.manifest)
    tuned, edited = ({**assessed.manifest, name: {**assessed.manifest[name], **new}} for name, new in CHANGES.items())
    assert leaderboard.leaderboard("regression", tuned) is None
    assert leaderboard.leaderboard("regression", edited) is None
    CANDIDATES.write_text(CLEAN, encoding="utf-8")  # compared again, but not written
    assert "Candidates" not in Page(render(assessed)).headings


def test_a_leaderboard_of_an_unknown_metric_is_left_out():
    assessed = listed(CLEAN.replace("mae", "luck"))
    assert leaderboard.leaderboard("regression", assessed.manifest) is None


def test_the_leaderboard_shows_what_was_compared_and_chosen():
    assessed = listed(CLEAN)
    html = render(assessed)
    head, best, chosen = Page(html).table("Candidate")
    assert head[:3] == ["Candidate", "Mean absolute error", "Standarderror"] and len(head) == 7
    assert best[:3] == ["boostingbest", "0.5000", "0.0100"]
    assert chosen[0] == "<b>linear</b>chosen" and "<b>linear" not in html
    assert "Candidates" in Page(html).headings and leaderboard.leaderboard("classification", assessed.manifest) is None


@pytest.mark.parametrize("text", ["", "candidate\n", "candidate,mean\na,1\n", "a,b\n1\n1,2,3\n", CLEAN], ids=range(5))
def test_a_leaderboard_that_cannot_be_read_is_left_out(text):
    assessed = build_assessment("regression")
    CANDIDATES.parent.mkdir()
    CANDIDATES.write_text(text, encoding="utf-8")
    assert leaderboard.leaderboard("regression", assessed.manifest) is None
