"""Checks of made-up windows: quiet ones stay quiet, each change is found by its code, what cannot be judged is not."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from late_flights.factory.monitoring import drift
from late_flights.factory.monitoring.windows import Window, merge
from late_flights.factory.scoring.profile import SCORE, Bins, Profile

NUMBER, PLACE = (
    Bins("number", "number", edges=(1.0, 2.0, 3.0)),
    Bins("place", "category", values=("a", "b")),
)
BINS = [NUMBER, PLACE, Bins(SCORE, "number", edges=(0.2, 0.5, 0.8))]
QUIET = {"number": [25, 25, 25, 23, 2], "place": [60, 40, 0, 0], SCORE: [40, 30, 20, 10, 0]}
FIRST = date(2026, 1, 1)


def counts(generator: np.random.Generator, rows: int, **changed: list[int]) -> dict[str, np.ndarray]:
    """Of one window: rows drawn from the shares, which vary from day to day."""
    shares = {name: generator.dirichlet(np.array(cells) * 5 + 0.01) for name, cells in (QUIET | changed).items()}
    return {name: generator.multinomial(rows, share) for name, share in shares.items()}


def reference(windows: int = 40, rows: int = 500) -> Profile:
    generator = np.random.default_rng(0)
    known = [counts(generator, rows) for _ in range(windows)]
    stacked = {each.column: np.array([window[each.column] for window in known]) for each in BINS}
    names, half = [f"{place}" for place in range(windows)], windows // 2
    residuals = np.r_[np.full(half, np.nan), generator.normal(0, 0.01, windows - half)]
    return Profile(BINS, names, ["train"] * half + ["test"] * (windows - half), stacked, residuals)


def service(days: int = 30, rows: int = 500, since: int = 15, more: dict | None = None, **changed: list[int]) -> list[Window]:
    """Windows of one day each; from a day on the columns are changed, and `more` is of the windows."""
    generator, found = np.random.default_rng(1), []
    for place in range(days):
        day, new = FIRST + timedelta(days=place), place >= since
        window = Window(day, day, rows, counts(generator, rows, **(changed if new else {})))
        usual = {"bias": generator.normal(0, 0.01), "labelled": rows}
        found.append(replace(window, **usual | ((more or {}) if new else {})))
    return found


def first(windows: list[Window], code: str, profile: Profile | None = None, **options: float | bool) -> tuple[int, drift.Check]:
    """The place of the first window for which the rule of the code is met."""
    checks = drift.judge(profile or reference(), windows, **options)
    return next((place, check) for place, each in enumerate(checks) for check in each if check.code == code and check.beyond)


@pytest.mark.parametrize("rows", [100, 500, 20_000])
@pytest.mark.parametrize("windows", [12, 40, 200])
def test_quiet_days_are_quiet(rows, windows):
    checks = drift.judge(reference(windows), service(60, rows))
    assert [check for each in checks for check in each if check.beyond] == []


@pytest.mark.parametrize(
    ("code", "column", "changed", "text"),
    [
        ("SCORE_DRIFT", SCORE, {SCORE: [10, 20, 30, 40, 0]}, "score: values ×2.4"),  # noqa: RUF001
        ("MISSING_VALUES", "number", {"number": [20, 20, 20, 20, 20]}, "number: missing"),
        ("UNSEEN_VALUES", "place", {"place": [50, 40, 10, 0]}, "place: other values"),
        ("FEATURE_DRIFT", "place", {"place": [20, 80, 0, 0]}, "place: 'b' 40"),
        ("FEATURE_DRIFT", "number", {"number": [0, 0, 0, 98, 2]}, "number: values ×3.5"),  # noqa: RUF001
    ],
)
def test_change_is_found_within_days(code, column, changed, text):
    more = {"medians": {"number": 7.0, SCORE: 0.7}}
    place, check = first(service(more=more, **changed), code)
    assert 15 < place <= 18 and check.column == column
    assert check.text.startswith(text) and check.limit is not None and check.value > check.limit


@pytest.mark.parametrize("days", range(9))
def test_few_windows_are_judged(days):
    more = {"metric": (0.5, 0.4, 0.6), "refused": {"place": 50}}
    checks = drift.judge(reference(), service(days, since=0, more=more, place=[20, 20, 60, 0]), floor=0.7)
    met = {check.code for check in checks[-1] if check.beyond and check.tier == "alert"} if days else set()
    assert met == ({"METRIC_FLOOR", "REFUSALS", "UNSEEN_VALUES"} if days > 1 else set())


def test_windows_without_outcomes_are_not_judged_by_others():
    """The newest are not due yet: they neither begin an alert nor make one of seven of which few are known."""
    windows = [replace(window, bias=0.05 * (place - 24) if place < 27 else None) for place, window in enumerate(service())]
    quiet = [replace(window, bias=0.0) if place < 22 else window for place, window in enumerate(windows)]
    checks = drift.judge(reference(), quiet)
    assert not any(check.code == "BIAS" for each in checks[27:] for check in each)


def test_bias_on_either_side_is_no_alert():
    windows = [replace(window, bias={0: 0.1, 1: -0.1}.get(place % 7, 0.0)) for place, window in enumerate(service())]
    biases = [check for each in drift.judge(reference(), windows) for check in each if check.code == "BIAS"]
    assert biases[1].value > biases[1].limit and not any(check.beyond for check in biases)


def test_one_odd_window_is_no_alert():
    windows = service(since=99)
    windows[10] = replace(windows[10], counts=service(1, since=0, **{SCORE: [0, 0, 0, 100, 0]})[0].counts)
    scores = [check for each in drift.judge(reference(), windows) for check in each if check.code == "SCORE_DRIFT"]
    assert len(scores) == 30 and sum(check.value > check.limit for check in scores) == 1
    assert not any(check.beyond for check in scores)


def test_small_change_is_found_in_seven_windows_together():
    windows = service(more={"bias": 0.025})
    place, check = first(windows, "BIAS")
    assert 15 < place < 25 and check.windows == drift.TOGETHER
    assert check.text.startswith("outcomes are 0.025") and " above their scores" in check.text


@pytest.mark.parametrize(
    ("higher", "metric", "met"), [(True, 0.5, True), (True, 0.9, False), (False, 0.9, True), (False, 0.5, False)]
)
def test_metric_is_held_against_the_floor(higher, metric, met):
    windows = service(more={"metric": (metric, metric - 0.05, metric + 0.05)})
    checks = drift.judge(reference(), windows, floor=0.7, higher_is_better=higher)
    assert [check.beyond for check in checks[-1] if check.code == "METRIC_FLOOR"] == [met]
    assert not any(check.code == "METRIC_FLOOR" for check in checks[0])


def test_refused_rows_are_told_by_field():
    place, check = first(service(more={"refused": {"distance": 50}}), "REFUSALS")
    assert place == 16 and check.text == "distance: 9.1% of the rows refused"


def test_column_that_was_not_captured_is_not_judged():
    windows = service()
    without = [replace(window, counts={SCORE: window.counts[SCORE]}) for window in windows]
    assert {check.column for each in drift.judge(reference(), without) for check in each} == {SCORE, None}


def test_constant_and_empty_columns_are_quiet():
    flat = {"number": [0, 0, 0, 0, 100], "place": [100, 0, 0, 0]}
    known = reference()
    cells = {name: np.tile(np.array(shares) * 5, (40, 1)) for name, shares in flat.items()}
    profile = replace(known, counts=known.counts | cells)
    windows = [replace(window, counts=window.counts | {name: rows[0] for name, rows in cells.items()}) for window in service()]
    assert not any(check.beyond for each in drift.judge(profile, windows) for check in each)


def test_reference_of_few_windows_gives_gauges_alone():
    checks = drift.judge(reference(4), service(**{SCORE: [0, 0, 0, 100, 0]}))
    assert not any(check.beyond for each in checks for check in each if check.code == "SCORE_DRIFT")
    assert {check.code for check in checks[-1] if check.tier == "gauge"} == {"ROWS", "DISTANCE", "PSI", "MISSING"}


def test_gauges_are_never_beyond():
    checks = drift.judge(reference(), service(place=[0, 0, 100, 0]))
    psi = [check for each in checks for check in each if check.code == "PSI" and check.column == "place"]
    assert max(check.value for check in psi) > drift.PSI and not any(check.beyond for check in psi)


def test_too_few_rows_are_told_after_a_week():
    days = [Window(FIRST + timedelta(days=place), FIRST + timedelta(days=place), 5, {}) for place in range(9)]
    assert not any(check.beyond for check in drift.judge(reference(), merge(days[:7]))[-1])
    (check,) = [check for check in drift.judge(reference(), merge(days))[-1] if check.beyond]
    assert (check.code, check.text) == ("TOO_LITTLE_DATA", "45 rows since 2026-01-01, of 200 that a window takes")


def test_same_windows_give_the_same_checks():
    assert drift.judge(reference(), service()) == drift.judge(reference(), service())


def test_later_windows_change_nothing_before():
    windows = service(**{SCORE: [10, 20, 30, 40, 0]})
    assert drift.judge(reference(), windows[:20]) == drift.judge(reference(), windows)[:20]
