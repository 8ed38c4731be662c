"""What the monitor says of quiet and of changed days, beside what others say: `nox -s drift`, into docs/drift.md.

Days are put in any order, so that the quiet ones belong together; the last part keeps the calendar's.
"""

import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from report import ROOT, write
from scipy import stats
from streams import CHANGES, TABLES, Model

DOCUMENT = ROOT / "docs/drift.md"
ROWS = (100, 1000, 10_000)  # a day
REFERENCE, SMALL_REFERENCE = 60, 20  # windows
TRAINED, TESTED, QUIET, BEFORE = 120, 60, 60, 20  # days; of the quiet ones those before a change
ORDERS = range(100, 112)  # seeds; the limits were set with those below 20
BEARABLE = 2  # incidents in 100 quiet days
FINE = 200  # cells of the distributions that a KS test compares
HEAD = ("table", "rows a day", "reference", "alerts", "PSI > 0.2", "KS, BH 5%", *CHANGES)

Counts = dict[str, np.ndarray]


def main(scratch: Path, *names: str) -> str | None:
    """Measure all tables, or those named; where there are too many alerts, as text."""
    _project(scratch)
    cells, missed = [], []
    for name in names or TABLES:
        days = Days.of(name)
        for rows, windows in [*((rows, REFERENCE) for rows in ROWS), (1000, SMALL_REFERENCE)]:
            result = measured(days, rows, windows)
            cells.append(result.cells(name, rows, windows))
            if result.rate > BEARABLE:
                missed.append(f"{name}, {rows} rows, {windows} windows: {result.rate:.1f} alerts")
            print(" | ".join(cells[-1]), flush=True)
    write(DOCUMENT, "drift", table(HEAD, cells))
    year = [calendar(name) for name in names or TABLES if name != "diamonds"]
    write(DOCUMENT, "calendar", table(("table", "rows a day", "days", "notices", "alerts", "of which codes"), year))
    print(*(" | ".join(row) for row in year), sep="\n")
    return "\n".join(missed) or None


def table(head: tuple[str, ...], rows: list[list[str]]) -> list[str]:
    """As Markdown."""
    return [f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows]]


def _project(scratch: Path) -> None:
    """Make a project whose package this process can import."""
    shutil.rmtree(scratch, ignore_errors=True)
    for part in ("includes", "licenses", "template"):
        shutil.copytree(ROOT / part, scratch / "template" / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(ROOT / "copier.yml", scratch / "template")
    command = ["copier", "copy", "--quiet", "--defaults", "-d", "project_name=Flights", scratch / "template", scratch / "project"]
    subprocess.run(command, check=True)
    sys.path.insert(0, str(scratch / "project/src"))


@dataclass
class Days:
    """The counts of each day of a table that was not trained on, as they are and after each change."""

    bins: list[Any]
    counts: dict[str | None, Counts]
    fine: dict[str | None, Counts]
    residuals: dict[str | None, np.ndarray]

    def __post_init__(self) -> None:
        """By how much days really differ: a small one is not like its few rows, but those are by chance."""
        self.real, quiet = {}, self.counts[None]
        for name, cells in quiet.items():
            rows, usual = cells.sum(axis=1, keepdims=True), cells.sum(axis=0) / cells.sum()
            square = ((cells / rows - usual) ** 2)[:, usual > 0] / usual[usual > 0]
            self.real[name] = np.sqrt(max(0, 1 - ((usual > 0).sum() - 1) * (1 / rows).sum() / max(square.sum(), 1e-9)))
        mean, deviation = self.residuals[None]
        rows = quiet["_score"].sum(axis=1)
        self.real["_residual"] = np.sqrt(max(0, 1 - (deviation**2 / rows).mean() / mean.var()))

    @classmethod
    def of(cls, name: str, in_order: bool = False) -> "Days":
        """Of the table by this name."""
        from flights.factory.scoring import profile

        table, rows = TABLES[name], TABLES[name].load()
        days = rows["day"].unique().sort().to_list()
        order = days if in_order else np.random.default_rng(1).permutation(days).tolist()
        kept = order if in_order else order[TRAINED:]
        train, others = (rows.filter(pl.col("day").is_in(part)) for part in (order[:TRAINED], kept))
        model, names = Model(table, train), [name for name in rows.columns if name not in ("day", "truth")]
        quiet = model.scored(others)
        scores = [name for name in ("_score", "_decision") if name in quiet.columns]
        bins = [*profile.bins_of(train, names), *profile.bins_of(quiet, scores)]
        fine = [_finer(each, quiet[each.column]) for each in bins if each.kind == "number"]
        counts, finer, residuals = {}, {}, {}
        random = np.random.default_rng(2)
        for change in (None,) if in_order else (None, *CHANGES):
            changed = model.scored(table.changes[change](others, random)) if change else quiet
            places = {day: place for place, day in enumerate(kept)}
            day = changed["day"].replace_strict(places, return_dtype=pl.Int64).to_numpy()
            counts[change] = profile.count(changed, bins, day, len(places))
            finer[change] = profile.count(changed, fine, day, len(places))
            sums = [np.bincount(day, changed["_residual"].to_numpy() ** power) for power in (0, 1, 2)]
            mean = sums[1] / sums[0]
            residuals[change] = np.array([mean, np.sqrt(np.maximum(sums[2] / sums[0] - mean**2, 0))])
        return cls(bins, counts, finer, residuals)

    def drawn(
        self, change: str | None, days: np.ndarray, rows: int, random: np.random.Generator
    ) -> tuple[Counts, Counts, np.ndarray]:
        """So many rows of each of the days, drawn: counts, finer ones, and mean residuals."""

        def draw(name: str, counts: np.ndarray) -> np.ndarray:
            usual, own = counts.sum(axis=0) / counts.sum(), counts[days] / counts[days].sum(axis=1, keepdims=True)
            return random.multinomial(rows, usual + self.real[name] * (own - usual))

        mean, deviation = self.residuals[change]
        known = {name: draw(name, cells) for name, cells in self.counts[change].items()}
        fine = {name: draw(name, cells) for name, cells in self.fine[change].items()}
        means = mean.mean() + self.real["_residual"] * (mean[days] - mean.mean())
        return known, fine, random.normal(means, deviation[days] / np.sqrt(rows))


def _finer(bins: Any, values: pl.Series) -> Any:
    numbers = values.cast(pl.Float64).drop_nulls().to_numpy()
    return replace(bins, edges=tuple(np.unique(np.quantile(numbers, np.linspace(0, 1, FINE + 1)[1:-1], method="lower")).tolist()))


@dataclass
class Result:
    """Incidents on quiet days, windows on which others alarm, and after how many days changes are found."""

    days: int = 0
    incidents: int = 0
    windows: int = 0
    psi: int = 0
    ks: int = 0
    delays: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    notices: Counter[str] = field(default_factory=Counter)

    def cells(self, name: str, rows: int, windows: int) -> list[str]:
        """A line of the table."""
        others = [f"{share / self.windows:.0%}" for share in (self.psi, self.ks)]
        return [name, f"{rows:,}", f"{windows}", f"{self.rate:.1f}", *others, *map(self._found, CHANGES)]

    @property
    def rate(self) -> float:
        """Incidents in 100 days."""
        return 100 * self.incidents / self.days

    def _found(self, change: str) -> str:
        delays = np.array(self.delays[change])
        found = delays[np.isfinite(delays)]
        notice = " n" if self.notices[change] > len(found) / 2 else ""
        return f"{len(found) / len(delays):.0%}, {np.median(found):.0f} d{notice}" if len(found) else "0%"


def measured(days: Days, rows: int, windows: int) -> Result:
    """What is found in streams of days in other orders."""
    result, merged = Result(), -(-200 // rows)
    for seed in ORDERS:
        random = np.random.default_rng(seed)
        order = random.permutation(days.counts[None]["_score"].shape[0])[: windows * merged + QUIET]
        known, live = order[: windows * merged], order[windows * merged :]
        reference = tuple(_merged(part, merged) for part in days.drawn(None, known, rows, random))
        profile = _profile(days.bins, reference[0], reference[2])
        quiet = days.drawn(None, live, rows, random)
        usual = met(profile, quiet, rows)
        result.days += QUIET
        result.incidents += sum(starts(places) for (tier, *_), places in usual.items() if tier == "alert")
        psi, ks = others(reference, tuple(_merged(part, merged) for part in quiet), days.bins)
        result.windows, result.psi, result.ks = result.windows + len(psi), result.psi + psi.sum(), result.ks + ks.sum()
        for change in CHANGES:
            after = days.drawn(change, live[BEFORE:], rows, random)
            both = tuple(_joined(one, other) for one, other in zip(quiet, after, strict=True))
            new = met(profile, both, rows)
            found = [(_first(places & ~usual.get(key, np.zeros(QUIET, bool))), key[0]) for key, places in new.items()]
            first, tier = min(found, default=(np.inf, ""))
            result.delays[change].append(first)
            result.notices[change] += tier == "notice"
    return result


def met(profile: Any, stream: tuple[Counts, Counts, np.ndarray], rows: int) -> dict[tuple[str, str, str | None], np.ndarray]:
    """Of each tier, code and column, on which days the rule is met."""
    from flights.factory.monitoring import drift, windows

    first, found = date(2026, 1, 1), defaultdict(lambda: np.zeros(len(stream[2]), bool))
    days = [first + timedelta(days=place) for place in range(len(stream[2]))]
    counts = [{name: cells[place] for name, cells in stream[0].items()} for place in range(len(days))]
    live = windows.merge(windows.Window(day, day, rows, own) for day, own in zip(days, counts, strict=True))
    spans = [slice((each.first - first).days, (each.last - first).days + 1) for each in live]
    live = [replace(each, bias=float(stream[2][span].mean()), labelled=each.rows) for each, span in zip(live, spans, strict=True)]
    for checks, span in zip(drift.judge(profile, live), spans, strict=True):
        for check in checks:
            if check.beyond:  # known when the window's last day is over
                found[check.tier, check.code, check.column][span.stop - 1 :][: span.stop - span.start] = True
    return found


def starts(places: np.ndarray) -> int:
    """How many incidents: runs of days."""
    return int((places & ~np.append(False, places[:-1])).sum())


def others(reference: tuple, stream: tuple, bins: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Of each window, whether PSI is above 0.2 for some column, and whether KS or chi-square tests of rows find one."""
    from flights.factory.monitoring.limits import psi, shares

    (known, fine, _), (counts, finer, _) = reference, stream
    above = np.array([psi(counts[each.column], known[each.column].sum(axis=0)) for each in bins]) > 0.2
    chances = []
    for each in bins:
        own, total = (finer, fine) if each.kind == "number" else (counts, known)
        own, total = own[each.column], total[each.column].sum(axis=0)
        if each.kind == "number":
            rows = 1 / (1 / np.maximum(own[:, :-1].sum(axis=1), 1) + 1 / total[:-1].sum())
            apart = np.abs(np.cumsum(shares(own[:, :-1]), axis=1) - np.cumsum(shares(total[:-1]))).max(axis=1)
            chances.append(stats.kstwobign.sf(np.nan_to_num(apart) * np.sqrt(rows)))
        else:
            usual, expected = total > 0, own.sum(axis=1, keepdims=True) * shares(total)
            square = ((own - expected)[:, usual] ** 2 / expected[:, usual]).sum(axis=1)
            chances.append(np.where(own[:, ~usual].any(axis=1), 0, stats.chi2.sf(square, max(usual.sum() - 1, 1))))
    ordered = np.sort(chances, axis=0)
    return above.any(axis=0), (ordered <= 0.05 * np.arange(1, len(bins) + 1)[:, None] / len(bins)).any(axis=0)


def calendar(name: str) -> list[str]:
    """A year as it was: trained on its first months, tested on the next two, then in service with all rows of each day."""
    days = Days.of(name, in_order=True)
    counts, residuals = days.counts[None], days.residuals[None][0]
    size, known = round(counts["_score"].sum() / len(residuals)), TRAINED + TESTED
    merged = -(-200 // size)
    reference = (_merged({column: cells[:known] for column, cells in counts.items()}, merged), _merged(residuals[:known], merged))
    stream = {column: cells[known:] for column, cells in counts.items()}, {}, residuals[known:]
    found = met(_profile(days.bins, *reference, trained=TRAINED // merged), stream, size)
    of = {tier: {key: starts(places) for key, places in found.items() if key[0] == tier} for tier in ("notice", "alert")}
    rates = [f"{100 * sum(of[tier].values()) / len(stream[2]):.1f}" for tier in of]
    codes = [
        f"{code} {column or ''}".strip() + f" {number}" for (_, code, column), number in sorted(of["alert"].items(), key=str)
    ]
    return [name, f"{size}", f"{len(stream[2])}", *rates, ", ".join(codes)]


def _profile(bins: list[Any], counts: Counts, residuals: np.ndarray, trained: int = 0) -> Any:
    from flights.factory.scoring.profile import Profile

    windows, counts, residuals = len(residuals), dict(counts), residuals.copy()
    residuals[:trained] = np.nan
    for column in [column for column in counts if column.startswith("_")]:  # of scores in the test alone
        counts[column] = np.where(np.arange(windows)[:, None] < trained, 0, counts[column])
    parts = ["train"] * trained + ["test"] * (windows - trained)
    return Profile(bins, [f"{place}" for place in range(windows)], parts, counts, residuals)


def _merged(part: Any, days: int) -> Any:
    """Of so many days at a time: the sums of counts, the means of residuals."""
    if isinstance(part, dict):
        return {
            name: cells[: len(cells) // days * days].reshape(-1, days, cells.shape[1]).sum(axis=1) for name, cells in part.items()
        }
    return part[: len(part) // days * days].reshape(-1, days).mean(axis=1)


def _joined(one: Any, other: Any) -> Any:
    if isinstance(one, dict):
        return {name: np.concatenate([one[name][:BEFORE], other[name]]) for name in one}
    return np.concatenate([one[:BEFORE], other])


def _first(places: np.ndarray) -> float:
    """The first of the days after the change."""
    found = np.flatnonzero(places[BEFORE:])
    return float(found[0] + 1) if len(found) else np.inf


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), *sys.argv[2:]))
