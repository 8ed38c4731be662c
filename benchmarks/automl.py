"""The first model against what FLAML and AutoGluon find on the same prepared rows: `nox -s adopt -- --automl`.

Each table is adopted by the command; the others get the project's features of its training rows, one processor, and the
seconds below. Figures are kept in automl.json, so that `--ours` repeats only the project's own; a tool's figures of other
test rows are dropped. Tables go to docs/your-data.md.
"""

import json
import resource
import subprocess
from pathlib import Path
from statistics import geometric_mean
from typing import Any

from adoption import RESTORE, ROOT, environment
from public import TABLES
from report import write

HERE = Path(__file__).parent
FIGURES, DOCUMENT = HERE / "automl.json", ROOT / "docs/your-data.md"
COMPARED = (
    *("wage", "hitters", "students", "voters", "credit data", "forbes", "bike sharing", "computing", "attrition", "callbacks"),
    *("deliveries", "medical care", "birth weight", "sacramento"),
)
SECONDS = {"lightgbm": 60, "flaml": 90, "autogluon": 120, "best": 240}
OWN = ("ours", "plain", "linear")
NAMES = {
    "ours": "first model",
    "plain": "HistGradientBoosting",
    "linear": "linear",
    "lightgbm": "LightGBM",
    "flaml": "FLAML",
    "autogluon": "AutoGluon",
    "best": "AutoGluon, best quality",
}
MEAN, WORST, LONGEST = 0.96, 0.92, 35
"""The least of the first model's shares of the best, and the most seconds of the processor that choosing it may take."""

Figures = dict[str, dict[str, Any]]


def main(project: Path, options: set[str], *names: str) -> str | None:
    """Compare on all tables, or on those named; what falls short as text."""
    figures: Figures = json.loads(FIGURES.read_text("utf-8")) if FIGURES.exists() else {}
    for name in names or COMPARED:
        folder = project.parent / "automl" / name.replace(" ", "-")
        folder.mkdir(parents=True, exist_ok=True)
        facts = _adopted(name, project, folder)
        before = figures.get(name, {})
        known = before["tools"] if before.get("rows") == facts["rows"] else {}
        for tool, seconds in SECONDS.items():
            if "--ours" not in options:
                facts["tools"][tool] = _tool(folder, tool, seconds)
            elif tool in known:
                facts["tools"][tool] = known[tool]
        figures[name] = facts
        FIGURES.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n", "utf-8")
        print(f"{name:<16} {'  '.join(f'{tool} {share:.3f}' for tool, share in shares(facts).items())}", flush=True)
        write(DOCUMENT, "automl", [*summary(figures), "", *table(figures)])
    return _short(figures)


def shares(facts: dict[str, Any]) -> dict[str, float]:
    """Of each tool the best loss of all, divided by its own."""
    losses = {tool: each["loss"] for tool, each in facts["tools"].items()}
    return {tool: min(losses.values()) / losses[tool] for tool in NAMES if tool in losses}


def summary(figures: Figures) -> list[str]:
    """A line for each tool, over the tables that all of them were tried on."""
    whole = [facts for facts in figures.values() if facts["tools"].keys() == NAMES.keys()]
    lines = [
        f"| of {len(whole)} tables | geometric mean | worst | seconds of a processor, median and most | MB, median and most |",
        "| --- | --- | --- | --- | --- |",
    ]
    for tool, name in NAMES.items():
        found = [shares(facts)[tool] for facts in whole]
        ends = [_middle_and_most([facts["tools"][tool].get(what) for facts in whole]) for what in ("cpu", "size")]
        lines.append(f"| {name} | {geometric_mean(found):.3f} | {min(found):.3f} | {' | '.join(ends)} |")
    return lines


def table(figures: Figures) -> list[str]:
    """Each table's shares of the best."""
    head = ("table", "rows to train and test, features", "loss", "first model, MB", "the best", *NAMES.values())
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for name, facts in figures.items():
        found, ours = shares(facts), facts["tools"]["ours"]
        size = f"{facts['train']:,} and {facts['test']:,}, {facts['columns']}"
        model = f"{ours['model'].rpartition('.')[2]}, {ours['size']:.2g}"
        best = f"{min(each['loss'] for each in facts['tools'].values()):.4g}"
        each = [f"{found[tool]:.3f}" if tool in found else "" for tool in NAMES]
        lines.append(f"| {' | '.join((name, size, facts['metric'], model, best, *each))} |")
    return lines


def _middle_and_most(values: list[float | None]) -> str:
    known = sorted(value for value in values if value is not None)
    return f"{known[len(known) // 2]:.2g}, {known[-1]:.2g}" if known else ""


def _adopted(name: str, project: Path, folder: Path) -> dict[str, Any]:
    for command in RESTORE:
        subprocess.run(command, cwd=project, check=True, shell=True)
    path = folder / f"{name.replace(' ', '-')}{TABLES[name].ending}"
    TABLES[name].write(path)
    adopt = ["uv", "run", "factory", "adopt", str(path), "--target", TABLES[name].target, "--yes"]
    _seconds(adopt, project)
    chosen = _seconds(["uv", "run", "factory", "candidates"], project)
    script = ["uv", "run", "python", str(HERE / "prepared.py"), str(folder)]
    done = subprocess.run(script, cwd=project, env=environment(), stdout=subprocess.PIPE, check=True, text=True)
    (folder / "facts.json").write_text(done.stdout, "utf-8")
    facts: dict[str, Any] = json.loads(done.stdout)
    facts["tools"]["ours"]["cpu"] = chosen
    return facts


def _seconds(command: list[str], folder: Path) -> float:
    """What the command takes of the processors; it must succeed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, env=environment(), stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _tool(folder: Path, tool: str, seconds: int) -> dict[str, Any]:
    """The tool's figures, by the last line that it prints."""
    script = ["uv", "run", "--no-project", "--with-requirements", str(HERE / "automl.txt"), "python", str(HERE / "tools.py")]
    command = [*script, str(folder), tool, str(seconds)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _short(figures: Figures) -> str | None:
    """What the first model's figures fall short of."""
    found = {name: shares(facts)["ours"] for name, facts in figures.items()}
    mean, worst = geometric_mean(found.values()), min(found, key=lambda name: found[name])
    slow = {name: facts["tools"]["ours"]["cpu"] for name, facts in figures.items()}
    longest = max(slow, key=lambda name: slow[name])
    lines = [
        (mean < MEAN, f"geometric mean of the shares of the best: {mean:.3f}, at least {MEAN} wanted"),
        (found[worst] < WORST, f"{worst}: {found[worst]:.3f} of the best, at least {WORST} wanted"),
        (slow[longest] > LONGEST, f"{longest}: {slow[longest]:.0f} s to choose the model, at most {LONGEST} wanted"),
    ]
    return "; ".join(text for short, text in lines if short) or None
