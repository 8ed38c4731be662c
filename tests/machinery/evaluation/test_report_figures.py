"""What the report shows is what was measured."""

import re
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from late_flights.factory.evaluation import card_input, confusion, formatting, model_card, report, slices
from late_flights.factory.manifest import sha256
from late_flights.factory.metrics import bootstrap, curves, fairness, threshold
from late_flights.factory.metrics.definitions import METRICS, metrics_of
from late_flights.factory.validation import personal
from sklearn import metrics as sk
from tests.factory import toy

from machinery.evaluation.assessment_factory import CLASSES, ROWS, Page, build_assessment, build_run, render

pytestmark = pytest.mark.usefixtures("no_project")


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_training_validation_and_test_are_side_by_side(problem):
    assessed = build_assessment(problem)
    assessed.train_figures["r2" if problem == "regression" else "roc_auc"] = 0.987
    head, *rows = Page(render(assessed)).table("Metric")
    assert head == ["Metric", "Training", "Validation", "Test", "95% interval", "Baseline"]
    shown = {name: e for name, e in assessed.estimates.items() if not name.startswith("error_q")}
    for row, (name, e) in zip(rows, shown.items(), strict=True):
        figures = (assessed.train_figures[name], 0.25, e.value)
        interval = " to ".join(formatting.number(end, like=e.value) for end in (e.low, e.high))
        expected = [*(formatting.number(v, like=e.value) for v in figures), interval, formatting.number(e.baseline, like=e.value)]
        assert row[1:] == expected


def test_model_without_validation_has_no_such_column():
    assessed = build_assessment()
    del assessed.manifest["validation"]
    assert "Validation" not in Page(render(replace(assessed, train_figures={}))).table("Metric")[0]


def test_precision_recall_and_f1_are_those_of_scikit_learn():
    assessed = build_assessment()
    decided = assessed.score >= 0.5
    expected = sk.precision_recall_fscore_support(assessed.target, decided, average="binary")[:3]
    report = assessed.classification_report
    assert (report["precision"], report["recall"], report["f1"]) == pytest.approx(expected)
    shown = {row[0]: row[1] for row in Page(render(assessed)).table("Figure")}
    assert shown["Recall"] == f"{expected[1]:.4f}" and shown["Expected calibration error"] == f"{report['calibration_error']:.4f}"


def test_figures_of_each_class_are_those_of_scikit_learn():
    assessed = build_assessment("multiclass")
    decided, labels = assessed.score.argmax(axis=1), range(len(CLASSES))
    values = sk.precision_recall_fscore_support(assessed.target, decided, labels=labels, zero_division=np.nan)
    report = assessed.classification_report
    for place, figure in enumerate(("precision", "recall", "f1")):
        each = np.array([np.nan if f[figure] is None else f[figure] for f in report["classes"].values()])
        assert each == pytest.approx(np.array(values[place]), nan_ok=True)
    assert report["f1"] == pytest.approx(assessed.estimates["macro_f1"].value)
    assert report["recall"] == pytest.approx(assessed.estimates["balanced_accuracy"].value)
    *_, macro = Page(render(assessed)).table("Class")
    assert macro == [
        "macro average",
        "",
        f"{report['recall']:.4f}",
        "",
        "",
        *(f"{report[name]:.4f}" for name in ("precision", "f1")),
    ]


def test_class_that_is_never_predicted_has_no_precision():
    target, score = np.array([0.0, 1, 1, 2]), np.eye(4)[[0, 1, 1, 1]]
    report = confusion.classification_report(target, score, {"classes": list("abcd")})
    assert report["classes"]["c"] == {"rows": 1, "precision": None, "recall": 0, "f1": 0}
    assert report["classes"]["d"] == {"rows": 0, "precision": None, "recall": None, "f1": None}
    assert (report["precision"], report["recall"]) == (pytest.approx((1 + 2 / 3) / 3), pytest.approx(2 / 3))


def test_rare_classes_are_shown_together():
    rows = report.matrix(build_assessment("multiclass"))
    assert [row["name"] for row in rows][-1] == confusion.OTHERS and len(rows) == confusion.SHOWN
    assert sum(cell["rows"] for row in rows for cell in row["cells"]) == ROWS
    assert report.matrix(build_assessment()) == []


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_worst_predictions_come_with_id_and_features(problem):
    assessed = build_assessment(problem)
    head, *rows = Page(render(assessed)).table("key")
    assert head == ["key", "actual outcome", "predicted", "x", "y", "z"] and len(rows) == 3
    wrong = (
        np.abs(assessed.score - assessed.target)
        if problem != "multiclass"
        else 1 - np.array([row[int(code)] for row, code in zip(assessed.score, assessed.target, strict=True)])
    )
    assert [row[0] for row in rows] == [f"k{i}" for i in np.argsort(-wrong, kind="stable")[:3]]


def test_worst_predictions_without_an_id_begin_with_the_outcome():
    head, *rows = Page(render(build_assessment("regression", id=None))).table("actual outcome")
    assert head == ["actual outcome", "predicted", "x", "y", "z"] and len(rows) == 3


def test_worst_predictions_where_the_id_is_the_only_feature():
    importance = pl.DataFrame({"feature": ["key"], "loss": [0.1]})
    head, *rows = Page(render(replace(build_assessment(), importance=importance))).table("key")
    assert head == ["key", "actual outcome", "predicted"] and len(rows) == 3


def test_personal_data_is_not_shown(monkeypatch):
    monkeypatch.setattr(personal, "columns", lambda _: ["key", "x"])
    importance = pl.DataFrame({"feature": ["x", "y"], "loss": [0.2, 0.1]})
    assessed = replace(build_assessment(), importance=importance)
    html = render(assessed)
    head, *rows = Page(html).table("key")
    assert head == ["key", "actual outcome", "predicted", "y"]
    worst = int(np.abs(assessed.score - assessed.target).argmax())
    assert rows[0][0] == f"sha256 {sha256(assessed.test['key'][worst].encode())[:12]}"
    assert not re.search(r">k\d+<", html)


def test_worst_predictions_can_be_left_out():
    assessed = build_assessment()
    evaluation = assessed.params.evaluation.model_copy(update={"worst_rows": 0})
    html = render(replace(assessed, params=assessed.params.model_copy(update={"evaluation": evaluation})))
    assert "Worst predictions" not in html and '<th scope="row">k' not in html


def test_groups_are_in_the_gates_order_and_with_their_intervals():
    assessed = build_assessment()
    metric = assessed.params.evaluation.metric
    trivial = np.full_like(assessed.score, assessed.manifest["baseline"])
    args = (METRICS["classification"][metric], assessed.target, assessed.score, trivial, 1)
    measured, _ = fairness.group_metrics(assessed.test, "group", *args)
    rows = Page(render(assessed)).table("Group")[1:]
    assert [row[0] for row in rows] == [group.group for group in measured]
    assert [row[5] for row in rows] == [formatting.share(group.gain) for group in measured]
    for group in assessed.slices.to_dicts():
        assert group["low"] <= group[metric] <= group["high"] and group["bias_low"] < group["bias"] < group["bias_high"]


def test_group_called_missing_is_not_the_missing_one():
    assessed = build_assessment("regression", columns={"group": ["missing"] * 200 + [None] * 100})
    found = slices.slices(assessed.test, assessed.target, assessed.score, 0.5, assessed.params)
    means = {100: assessed.target[200:].mean(), 200: assessed.target[:200].mean()}
    assert dict(found.select("rows", "mean_target").rows()) == pytest.approx(means)


def test_group_called_missing_of_the_same_size_is_not_the_missing_one():
    assessed = build_assessment("regression", columns={"group": ["missing"] * 150 + [None] * 150})
    found = slices.slices(assessed.test, assessed.target, assessed.score, 0.5, assessed.params)
    means = [assessed.target[:150].mean(), assessed.target[150:].mean()]
    assert sorted(found["mean_target"]) == pytest.approx(sorted(means)) and means[0] != means[1]


def test_intervals_are_measured_for_the_groups_that_are_listed():
    assessed = build_assessment("regression", columns={"many": [i % 20 for i in range(ROWS)]})
    params = assessed.params.model_copy(update={"evaluation": assessed.params.evaluation.model_copy(update={"slices": ["many"]})})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, "MIN_ROWS", 10)
        found = slices.slices(assessed.test, assessed.target, assessed.score, 0.5, params)
    known = found.filter(column="many")["low"].is_not_null()
    assert known.to_list() == [True] * slices.WITH_INTERVAL + [False] * (20 - slices.WITH_INTERVAL)
    page = Page(render(replace(assessed, params=params, slices=found)))
    assert sum(rows[0][:1] == ["Group"] and len(rows) == 1 + slices.WITH_INTERVAL for rows in page.tables) == 1
    model_card.render(model_card.build_card(replace(assessed, slices=found), card_input.ModelCardInput(), build_run(assessed)))


@pytest.mark.parametrize(
    ("problem", "shift", "words"),
    [
        ("classification", 0.2, r"Scores for group=a are \d+ percentage points too high"),
        ("regression", -0.5, "Predictions for group=a are 0.\\d+ too low"),
    ],
)
def test_says_which_group_is_systematically_off(problem, shift, words):
    assessed = build_assessment(problem)
    fair = np.full(ROWS, assessed.target.mean())
    mine = (assessed.test["group"] == "a").to_numpy()
    tilted = np.where(mine, assessed.target[mine].mean() + shift, fair)
    for score, expected in ((np.where(mine, assessed.target[mine].mean(), fair), False), (tilted, True)):
        found = slices.slices(assessed.test, assessed.target, score, 0.5, assessed.params)
        sentences = slices.deviations(found, assessed.params)
        assert any(re.match(words, sentence) for sentence in sentences) == expected
    assert re.search(words, render(replace(assessed, slices=found)))


def test_rows_of_one_case_are_not_counted_as_many():
    """All rows of a case are off alike, each case by chance: their mean is as uncertain as that of the cases."""
    random = np.random.default_rng(0)
    wrong = {True: 0, False: 0}
    for _ in range(200):
        ids = np.repeat(np.arange(8), 20)
        differences = random.normal(size=8)[ids] + random.normal(0, 0.1, size=len(ids))
        for by_case in wrong:
            found = slices._bias(differences, ids if by_case else None, 0.975)
            wrong[by_case] += not found["bias_low"] <= 0 <= found["bias_high"]
    assert wrong[True] <= 20 and wrong[False] > 100
    assert slices._bias(differences, np.zeros(160), 0.975)["bias_low"] is None, "of one case nothing is known"
    assessed = build_assessment(
        "regression", columns={"key": ["a"] * 150 + ["b"] * 150, "group": ["a"] * 150 + ["b"] * 150}, repeats=True
    )
    assert assessed.slices["bias_low"].is_null().all() and not slices.deviations(assessed.slices, assessed.params)


@pytest.mark.parametrize("problem", toy.LABELLED)
def test_curve_of_utility_is_there_where_decisions_have_a_value(problem):
    assert ("Utility by threshold" in render(build_assessment(problem))) == (problem == "classification")


def test_utility_by_threshold_is_that_of_the_decisions():
    assessed = build_assessment()
    curve, value = assessed.curves["utility"], assessed.params.value
    for limit, utility in curve.sample(20, seed=0).rows():
        earned = threshold.decision_values(assessed.target, assessed.score >= limit, value).mean()
        assert earned == pytest.approx(utility)
    assert curve["threshold"][0] == 0 and curve["threshold"][-1] == 1 and curve["threshold"].is_sorted()


def acting_on_a_tenth(**value):
    """The assessment of a model that acts on the tenth of the rows with the highest scores."""
    assessed, decision = build_assessment(), toy.params(decision={"top_k": 20, "of": 200}).decision
    params = assessed.params.model_copy(update={"decision": decision, **value})
    facts = assessed.manifest | {"decision": decision.facts, "threshold": 0.8}
    target, score = assessed.target, assessed.score
    return replace(
        assessed,
        params=params,
        manifest=facts,
        estimates=bootstrap.estimates(metrics_of(params), target, score, 0.4),
        confusion=confusion.confusion(target, score, facts),
        classification_report=confusion.classification_report(target, score, facts),
        curves={name: curve for name, curve in assessed.curves.items() if name != "utility"}
        | curves.of_decisions(target, score, params),
    )


def test_report_of_the_highest_scores():
    assessed = acting_on_a_tenth()
    html = render(assessed)
    page, text = Page(html), " ".join(" ".join(Page(html).text).split())
    above = formatting.share(float((assessed.score >= 0.8).mean()))
    assert "The highest scores are predicted true, 20 of 200 rows: 30 of the test rows." in text
    assert f"Single rows are from a score of 0.8 on, which {above} of the test rows reach." in text
    assert "Cumulative gains" in html and "Value by rows acted on" in html and "Utility by threshold" not in html
    top = np.argsort(-assessed.score)[:30]
    shown = {row[0]: row[1] for row in page.table("Decisions")[1:]}
    true = assessed.target.sum()
    assert [*shown] == ["this model", "at random", "perfect ranking", "nothing"]
    totals = (sum(2 if each else -1 for each in assessed.target[top]), 30 * (3 * true / ROWS - 1), 60, 0)
    assert [*shown.values()] == [formatting.number(float(total)) for total in totals]
    assert f"{assessed.target[top].mean():.4f}" in html and "lift at k" in html.lower()


def test_report_of_the_highest_scores_without_values():
    html = render(acting_on_a_tenth(value=None))
    assert "Cumulative gains" in html and "Value by rows acted on" not in html and "value at k" not in html.lower()


def test_model_card_has_the_number_of_rows_acted_on():
    assessed = acting_on_a_tenth()
    page = model_card.render(model_card.build_card(assessed, card_input.ModelCardInput(), build_run(assessed)))
    assert "- Decisions: the 20 highest scores of 200 rows; of single rows, those that reach the threshold\n" in page
