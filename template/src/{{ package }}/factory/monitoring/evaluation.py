"""Captures, references and outcomes put together: windows, their checks, and what could not be judged."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from itertools import groupby, pairwise
from typing import Any

import polars as pl

from ..config import Params
from ..errors import CannotEvaluate, listed
from ..metrics import definitions
from ..registry import versions
from ..registry.versions import Version
from ..scoring.profile import Profile
from . import captures, deliveries, drift, incidents, outcomes, references
from .captures import Day, Key, Problem
from .series import Series
from .windows import Window

WEEK = timedelta(days=7)
MOST = 400  # windows of a model and role that are kept
CHAMPION = "champion"
Json = dict[str, Any]


def evaluate(params: Params, places: Sequence[str], until: date, earlier: list[Json]) -> Json:
    """The parts of the report that depend on evidence, with what is kept of earlier windows. Raises CannotEvaluate."""
    files = captures.find(places)
    evaluation = _Evaluation(params, until, earlier)
    for day in captures.read(files, until):
        evaluation.add(day)
    windows = evaluation.windows()
    judged = [window for window in windows if window["to"] <= f"{until}"]
    newest = _newest(judged)
    champions = {each["model"] for each in newest if each["role"] == CHAMPION}
    problems = [
        *evaluation.problems,
        *evaluation.unreferenced(newest),
        *_future(files),
        *_silence(judged, until, files),
    ]
    problems += _no_longer_captured(newest, judged)
    problems += [] if evaluation.labels.is_empty else _unjudged(judged, params.monitor.label_days, until)
    return {
        "champion": evaluation.versions[-1].name if evaluation.versions else None,
        "champion_names": _names(evaluation.versions),
        "windows": windows,
        "alerts": [
            each.to_json() for each in [*incidents.find(judged, "alert", champions), *deliveries.incidents(until)]
        ],
        "notices": [each.to_json() for each in incidents.find(judged, "notice", champions)],
        "states": _states(problems),
    }


def _names(known: Sequence[Version]) -> list[str]:
    """How services may call the champion: after a rollback, its image still has the name of the version it was built as."""
    models = {version.name: (version.record or {}).get("model") for version in known}
    return [name for name, model in models.items() if model and model == models[known[-1].name]]


class _Evaluation:
    """The windows that are computed again, beside earlier ones."""

    def __init__(self, params: Params, until: date, earlier: list[Json]) -> None:
        self.versions, self.problems = versions.local(), list[Problem]()
        self._params, self._until, self._earlier = params, until, earlier
        self._later = [each for each in earlier if each["to"] > f"{until}"]
        self._series = dict[Key, Series]()
        self._missing = dict[str, Problem]()
        try:
            self.labels = outcomes.read(params)
        except CannotEvaluate as error:  # of an outcome file, without which the rest can be judged
            self.labels = outcomes.Outcomes([], params)
            self.problems.append(Problem(error.code, error.reason))

    def add(self, day: Day) -> None:
        """Add a later day, but for models of which a window goes on after all days that count."""
        lasting = day.date <= self._until - WEEK  # what nobody can set right any more is reported for so long
        self.problems += [each for each in day.problems if each.code == "DAMAGED" or not lasting]
        for key in sorted({*day.tables, *day.refused}):
            rows, refused = day.tables.get(key), day.refused.get(key, Counter())
            if not any(_key(each) == key and each["from"] <= f"{day.date}" <= each["to"] for each in self._later):
                if key not in self._series:
                    spans, reference = _spans(self._earlier, key), self._reference(key[0])
                    self._series[key] = Series(key, reference, self._params, self._until, spans)
                try:
                    self._series[key].add(day.date, None if rows is None else self.labels.join(rows), refused)
                except pl.exceptions.PolarsError as error:
                    reason = " ".join(str(error).split())[:200]
                    self.problems.append(Problem("SCHEMA", f"{key[0]} on {day.date}: cannot be counted: {reason}"))

    def unreferenced(self, newest: list[Json]) -> list[Problem]:
        """Why models that are in service are not compared with anything."""
        return [
            self._missing[model] for model in dict.fromkeys(each["model"] for each in newest) if model in self._missing
        ]

    def _reference(self, model: str) -> Profile | None:
        try:
            return references.read(model, self.versions)
        except CannotEvaluate as error:
            self._missing[model] = Problem(error.code, error.reason)
            return None

    def windows(self) -> list[Json]:
        """All windows, judged; an earlier one stays where it has more than can be read now."""
        for series in self._series.values():
            series.close()
        new = [window for series in self._series.values() for window in series.windows]
        stay = [each for each in self._earlier if all(_has_less(other, each) for other in new if _overlap(each, other))]
        windows = [*stay, *(each for each in new if not any(_overlap(each, other) for other in stay))]
        windows.sort(key=lambda each: (*_key(each), each["from"]))
        groups = {key: [*group][-MOST:] for key, group in groupby(windows, _key)}
        for key, series in self._series.items():
            self._judge(series, groups.get(key, []))
        return [window for group in groups.values() for window in group]

    def _judge(self, series: Series, windows: list[Json]) -> None:
        """Give the windows their checks, by those before them."""
        windows = [each for each in windows if each["to"] <= f"{self._until}"]
        if series.reference:
            known = [window_of(each) for each in windows]
            floor, higher = self._params.gate.floor, definitions.main_metric(self._params).higher_is_better
            for window, checks in zip(windows, drift.judge(series.reference, known, floor, higher), strict=True):
                window["checks"] = [asdict(check) for check in checks]


def window_of(known: Json) -> Window:
    """The window as the report has it. Raises KeyError, TypeError and ValueError."""
    return Window.from_json({**known, "first": known["from"], "last": known["to"]})


def _newest(windows: list[Json]) -> list[Json]:
    """The windows of the last day on which there are any, of each role: of several models where these serve side by side."""
    last = dict[str, str]()
    for each in windows:
        last[each["role"]] = max(each["to"], last.get(each["role"], ""))
    return [each for each in windows if each["to"] == last[each["role"]]]


def _no_longer_captured(newest: list[Json], windows: list[Json]) -> Iterator[Problem]:
    """Columns that cannot be judged any more, though they were."""
    for window in newest:
        judged = [set(each["counts"]) - {*each["unjudged"]} for each in windows if _key(each) == _key(window)]
        if gone := sorted({*window["unjudged"]} & set[str]().union(*judged)):
            why = "not captured any more, or of other types, and so not judged"
            yield Problem("SCHEMA", f"{window['model']} from {window['from']}: {listed(gone)}: {why}")


def _key(window: Json) -> Key:
    return window["model"], window["role"]


def _overlap(one: Json, other: Json) -> bool:
    return _key(one) == _key(other) and bool(one["from"] <= other["to"] and other["from"] <= one["to"])


def _has_less(one: Json, other: Json) -> bool:
    """Whether it is of the other's days, but rows, the reference or outcomes can no longer be read."""
    within = other["from"] <= one["from"] and one["to"] <= other["to"]
    return bool(within and _known(one) < _known(other))


def _known(window: Json) -> tuple[int, bool, int]:
    return window["rows"], window["reference"], window["labelled"]


def _spans(windows: list[Json], key: Key) -> list[tuple[str, str]]:
    """The limits of the windows that are not to be cut again: all but the last, if that is incomplete."""
    own = sorted((each for each in windows if _key(each) == key), key=lambda each: str(each["from"]))
    return [(each["from"], each["to"]) for each in own if each["complete"] or each is not own[-1]]


def _future(files: dict[date, Any]) -> Iterator[Problem]:
    """Captures that a machine with a wrong clock has written."""
    if later := [f"{day}" for day in files if day > datetime.now(UTC).date()]:
        text = f"captures of days to come, {listed(later)}: set that machine's clock, and delete them, or their day will have them"
        yield Problem("CLOCK", text)


def _unjudged(windows: list[Json], label_days: int, until: date) -> Iterator[Problem]:
    """That captures went before their window was judged by outcomes; for a week, as nobody can set that right any more."""
    since, to = (f"{until - timedelta(days=label_days) - span}" for span in (WEEK, timedelta()))
    if lost := [each for each in windows if since < each["to"] <= to and not (each["outcomes"] or {}).get("due", True)]:
        text = f"captures until {lost[-1]['to']} were deleted before their outcomes were due: set FACTORY_CAPTURE_DAYS higher"
        yield Problem("UNJUDGED", f"{text} than monitor.label_days, or that lower")


def _silence(windows: list[Json], until: date, files: Iterable[date]) -> Iterator[Problem]:
    """That nothing is captured for longer than ever before, which may be a day, and at most a week."""
    spans = sorted((each["from"], each["to"]) for each in windows if each["role"] == CHAMPION)
    if not spans:
        begun = min((day for day in files if day > until), default=None)
        remedy = "name the folder of FACTORY_CAPTURE, and set that in the service"
        later = f"captures begin on {begun}, and a day is judged once it is over, by UTC"
        yield Problem("NO_DATA", f"nothing was captured until {until}: {later if begun else remedy}")
        return
    days = [(date.fromisoformat(first), date.fromisoformat(last)) for first, last in spans]
    gaps = [(after[0] - before[1]).days - 1 for before, after in pairwise(days)]
    last = max(last for _, last in days)
    if (until - last).days > min(max([1, *gaps]), WEEK.days):
        yield Problem(
            "NO_DATA", f"nothing was captured after {last}: is the service up, and does FACTORY_CAPTURE lead here?"
        )


def _states(problems: list[Problem]) -> list[dict[str, str]]:
    """One of each code."""
    texts = dict[str, list[str]]()
    for code, text in problems:
        texts.setdefault(code, []).append(text)
    return [{"code": code, "text": listed([*dict.fromkeys(texts[code])])} for code in sorted(texts)]
