"""Forecasts of public series against AutoETS, AutoARIMA and LightGBM: `nox -s bench -- forecasts`, or `forecasts SET…`.

Each set is adopted by the command in a project, whose pipeline runs; all forecast from the same origins, of the newest fifth of the
stamps. Figures are kept in forecasts.json, so that `--ours` repeats only the project's own, and
`--references` the others. The table goes to docs/benchmarks.md.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import polars as pl
from adoption import RESTORE, environment, start
from report import write
from series import SETS, Series

HERE = Path(__file__).parent
FIGURES, DOCUMENT = HERE / "forecasts.json", HERE.parent / "docs/benchmarks.md"
NAIVE, OURS = "seasonal naive", "ours"
REFERENCES = ("AutoETS", "AutoARIMA", "LightGBM")
TOOLS = (OURS, *REFERENCES, NAIVE)
ONLY = {"--ours": (OURS,), "--references": (*REFERENCES, NAIVE)}
BEHIND = 0.03
"""How much less skill than the best of the references ours may have, on the median of the sets."""
COVERED = 0.85, 0.95
"""The shares of the targets within the intervals of 90 % between which they are honest."""

Figures = dict[str, dict[str, dict[str, float]]]
"""By set and tool."""


def main(scratch: Path, options: set[str], *names: str) -> str | None:
    """Compare on all sets, or on those named; what falls short as text."""
    project = scratch / "forecasts/project"
    if "--references" not in options and not project.exists() and (failure := start(project)):
        return failure
    figures: Figures = json.loads(FIGURES.read_text("utf-8")) if FIGURES.exists() else {}
    for name in names or SETS:
        folder = scratch / "forecasts" / name
        folder.mkdir(parents=True, exist_ok=True)
        figures[name] = figures.get(name, {}) | dict(_measured(name, folder, project, options))
        FIGURES.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n", "utf-8")
        shown = (f"{tool} {found['mase']:.3f}" for tool, found in figures[name].items())
        print(f"{name:<12} MASE: {', '.join(shown)}", flush=True)
        write(DOCUMENT, "forecasts", table(figures))
    return _short(figures)


def skill(figures: dict[str, dict[str, float]], tool: str) -> float:
    """By which share the scaled error is less than that of seasonal naive."""
    return 1 - figures[tool]["mase"] / figures[NAIVE]["mase"]


def best(figures: dict[str, dict[str, float]]) -> float:
    """The most skill of the references."""
    return max(skill(figures, tool) for tool in REFERENCES)


def table(figures: Figures) -> list[str]:
    """A line for each set, in the order of series.toml, and the medians."""
    known = {name: figures[name] for name in SETS if figures.get(name, {}).keys() >= {*REFERENCES, NAIVE}}
    compared = TOOLS[:-1]
    head = ("set", "series, step, season, horizon", *(f"{tool}: skill, coverage" for tool in compared), f"MASE of {NAIVE}")
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for name, found in known.items():
        each, naive = SETS[name], found[NAIVE]
        size = f"{naive['series']:.0f}, {each.every}, {each.season}, {each.horizon}"
        cells = [_cell([found], tool) for tool in compared]
        lines.append(f"| {name}: {each.about} | {size} | {' | '.join(cells)} | {naive['mase']:.3f} |")
    middle = " | ".join(_cell([*known.values()], tool) for tool in compared)
    used = [[found[tool]["cpu"] for found in known.values() if tool in found] for tool in compared]
    seconds = " | ".join(f"{median(each):.0f}" if each else "" for each in used)
    lines.append(f"| **median** | {len(known)} sets | {middle} | |")
    return [*lines, f"| seconds of the processor, median | | {seconds} | |"]


def _cell(sets: list[dict[str, dict[str, float]]], tool: str) -> str:
    """The median skill and coverage of the sets that have the tool's figures."""
    known = [found for found in sets if tool in found]
    if not known:
        return ""
    return f"{median(skill(found, tool) for found in known):+.3f}, {median(found[tool]['coverage'] for found in known):.0%}"


def _measured(name: str, folder: Path, project: Path, options: set[str]) -> Iterator[tuple[str, dict[str, float]]]:
    rows, series = SETS[name].observations(), SETS[name]
    rows.write_parquet(folder / "observations.parquet")
    origins = series.tested(rows)
    facts = {"every": series.every, "season": series.season, "horizon": series.horizon, "origins": list(map(str, origins))}
    (folder / "settings.json").write_text(json.dumps(facts), "utf-8")
    for tool in [tool for option, tools in ONLY.items() if option in options for tool in tools] or TOOLS:
        made = folder / f"{tool.replace(' ', '-')}.parquet"
        used = _ours(name, folder, project, made) if tool == OURS else _reference(folder, made, tool)
        found = errors(pl.read_parquet(made), rows, series) | {"cpu": used}
        yield tool, {what: float(f"{value:.5g}") for what, value in found.items()}


def errors(made: pl.DataFrame, rows: pl.DataFrame, series: Series) -> dict[str, float]:
    """MASE over the series, each scaled by seasonal naive up to the first origin; the rest over all forecasts."""
    made = made.with_columns(pl.col("time", "origin").cast(pl.Datetime("us")))
    scored = made.join(rows, on=["series", "time"]).join(_scales(rows, series), on="series")
    error, covered = (pl.col("value") - pl.col("score")).abs(), pl.col("value").is_between("low", "high")
    by_series = scored.group_by("series").agg(error.mean() / pl.col("scale").first())
    return {
        "mase": by_series["value"].mean(),
        "mae": scored.select(error.mean()).item(),
        "coverage": scored.select(covered.mean()).item(),
        "width": scored.select(((pl.col("high") - pl.col("low")) / pl.col("scale")).mean()).item(),
        "series": by_series.height,
        "forecasts": scored.height,
    }


def _scales(rows: pl.DataFrame, series: Series) -> pl.DataFrame:
    known = rows.filter(pl.col("time") <= series.tested(rows)[0])
    step, unit = int(series.every[0]), series.every[1:]
    later = f"{step * series.season * 3}mo" if unit == "q" else f"{step * series.season}{unit}"
    before = known.select("series", pl.col("time").dt.offset_by(later), before="value")
    differences = known.join(before, on=["series", "time"]).group_by("series")
    scales = differences.agg(scale=(pl.col("value") - pl.col("before")).abs().mean())
    return scales.filter(pl.col("scale") > 0)


def _reference(folder: Path, made: Path, tool: str) -> float:
    script = [sys.executable, "-W", "ignore", str(HERE / "forecasters.py")]
    command = [*script, str(folder / "observations.parquet"), str(folder / "settings.json"), str(made), tool]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return float(json.loads(done.stdout.splitlines()[-1])["cpu"])


def _ours(name: str, folder: Path, project: Path, made: Path) -> float:
    """The seconds in which the project adopts the set, trains and forecasts."""
    for command in RESTORE:
        subprocess.run(command, cwd=project, check=True, shell=True)
    series, table = SETS[name], folder / f"{name}.csv"
    pl.read_parquet(folder / "observations.parquet").write_csv(table)
    shape = ["--time", "time", "--group", "series", "--horizon", str(series.horizon), "--season", str(series.season)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for command in (
        ["factory", "adopt", str(table), "--target", "value", "--problem", "forecasting", *shape, "--yes", "--force"],
        ["dvc", "repro"],
        ["python", str(HERE / "forecast_ours.py"), str(folder), str(made)],
    ):
        with (folder / "log.txt").open("a", encoding="utf-8") as log:
            subprocess.run(["uv", "run", *command], cwd=project, env=environment(), stdout=log, stderr=log, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _short(figures: Figures) -> str | None:
    """What ours falls short of."""
    known = [found for found in figures.values() if found.keys() >= set(TOOLS)]
    if not known:
        return None
    lost = median(best(found) - skill(found, OURS) for found in known)
    covered = median(found[OURS]["coverage"] for found in known)
    lines = [
        (lost > BEHIND, f"{lost:.3f} less skill than the best of the references on the median, at most {BEHIND} wanted"),
        (not COVERED[0] <= covered <= COVERED[1], f"{covered:.0%} within the intervals of 90 % on the median"),
    ]
    return "; ".join(text for is_short, text in lines if is_short) or None


if __name__ == "__main__":
    words = sys.argv[2:]
    sys.exit(main(Path(sys.argv[1]), {w for w in words if w.startswith("--")}, *(w for w in words if not w.startswith("--"))))
