"""One incident for what stays beyond its limit, and evidence for retraining where outcomes give reason to hope."""

from itertools import product

import pytest
from late_flights.factory.monitoring import incidents

from machinery.monitoring.reports import check, window


def days(code, states, column=None, model="v1", **options):
    """A window for each letter: x is beyond, o is not, and . was not judged."""
    found = {"x": True, "o": False}
    each = [[check(code, found[state], column)] if state in found else [] for state in states]
    return [window(f"2026-05-{day:02}", *checks, model=model, **options) for day, checks in enumerate(each, 1)]


def spans(windows, tier="alert", champion="v1"):
    found = incidents.find(windows, tier, {champion})
    return [(each.code, each.first[8:], each.last[8:], each.open) for each in found]


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ("oooo", []),
        ("oxxo", [("02", "03", False)]),
        ("oxxx", [("02", "04", True)]),
        ("xoxx", [("03", "04", True), ("01", "01", False)]),
        ("xx..", [("01", "02", True)]),  # outcomes come late: what was seen last holds
        ("x.x.o", [("01", "03", False)]),
    ],
)
def test_an_incident_lasts_while_windows_that_were_judged_follow_each_other(states, expected):
    assert [each[1:] for each in spans(days("BIAS", states))] == expected


def test_what_is_listed_only_where_it_is_exceeded_ends_without_it():
    assert spans(days("MISSING_VALUES", "xx.x", "distance")) == [
        ("MISSING_VALUES", "04", "04", True),
        ("MISSING_VALUES", "01", "02", False),
    ]


def test_a_window_that_is_not_complete_ends_nothing():
    windows = days("MISSING_VALUES", "xx.", "distance")
    windows[-1]["complete"] = False
    assert spans(windows) == [("MISSING_VALUES", "01", "02", True)]


@pytest.mark.parametrize("reason", [{"reference": False}, {"unjudged": ["distance"]}])
def test_a_window_that_was_not_judged_ends_nothing(reason):
    windows = [*days("MISSING_VALUES", "xx", "distance"), window("2026-05-03") | reason]
    assert spans(windows) == [("MISSING_VALUES", "01", "02", True)]


def test_columns_models_roles_and_tiers_are_kept_apart():
    windows = [*days("MISSING_VALUES", "x", "a"), *days("MISSING_VALUES", "x", "b", model="v2", role="challenger")]
    windows[0]["checks"].append(check("FEATURE_DRIFT", column="a", tier="notice"))
    keys = {each.key for each in incidents.find(windows, "alert", {"v1"})}
    assert keys == {"v1 MISSING_VALUES a 2026-05-01", "v2 MISSING_VALUES b 2026-05-01"}
    assert [each.code for each in incidents.find(windows, "notice", {"v1"})] == ["FEATURE_DRIFT"]


def test_what_a_model_had_is_over_once_another_serves():
    assert [each[3] for each in spans(days("BIAS", "xx"), champion="v2")] == [False]
    assert [each[3] for each in spans(days("BIAS", "xx", role="challenger"), champion="v2")] == [True]
    later = window("2026-06-01", model="v2")
    assert [each[3] for each in spans([*days("BIAS", "xx", role="challenger"), later], champion="v2")] == [False]


def test_it_says_what_and_since_when_in_the_keys_of_the_file():
    [found] = incidents.find([window("2026-05-03", check("SCORE_DRIFT", column="_score", text="scores x1.6"))], "alert", {"v1"})
    assert found.to_json() == {
        "key": "v1 SCORE_DRIFT _score 2026-05-03",
        "model": "v1",
        "code": "SCORE_DRIFT",
        "column": "_score",
        "from": "2026-05-03",
        "to": "2026-05-03",
        "open": True,
        "text": "scores x1.6 from 3 May",
        "retrain": False,
    }


CODES = ("MISSING_VALUES", "UNSEEN_VALUES", "REFUSALS", "TOO_LITTLE_DATA", "SCORE_DRIFT", "BIAS", "METRIC_FLOOR")


@pytest.mark.parametrize(("code", "labelled"), [*product(CODES, (0, 250))])
def test_evidence_is_outcomes_or_other_scores_with_outcomes_and_never_a_defect_of_the_data(code, labelled):
    [found] = incidents.find(days(code, "xx", labelled=labelled), "alert", {"v1"})
    assert found.retrain is (code in ("BIAS", "METRIC_FLOOR") or (code == "SCORE_DRIFT" and labelled > 0))


def test_no_evidence_are_notices_challengers_and_what_is_over():
    assert not [each for each in incidents.find(days("BIAS", "xxo"), "alert", {"v1"}) if each.retrain]
    assert not [each for each in incidents.find(days("BIAS", "xx", role="challenger"), "alert", {"v2"}) if each.retrain]
    notice = window("2026-05-01", check("BIAS", tier="notice"))
    assert not [each for each in incidents.find([notice], "notice", {"v1"}) if each.retrain]


def test_outcomes_from_before_the_drift_are_nothing_new_to_learn_from():
    windows = [*days("SCORE_DRIFT", "o", labelled=250), window("2026-05-02", check("SCORE_DRIFT", column=None))]
    assert [each.retrain for each in incidents.find(windows, "alert", {"v1"})] == [False]
