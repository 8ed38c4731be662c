"""Curves as Mermaid charts, which the comments of GitHub and GitLab draw."""

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml

from .. import errors, manifest, platforms
from ..errors import FactoryError, Failure
from ..gate import compare
from ..paths import REPORTS
from ..workspace import git
from ..workspace.process import dvc

STEPS = 21
COLORS = "#0969da", "#8c959f"  # seen on white and on black


def chart(name: str, curves: list[pl.DataFrame]) -> str:
    """One or two curves in a chart, the first in blue on top of the second in grey; columns x, which must rise, and y."""
    label_x, label_y = (column.replace("_", " ") for column in curves[0].columns[:2])
    found = [curve.to_numpy() for curve in curves]
    low, high = min(curve[0, 0] for curve in found), max(curve[-1, 0] for curve in found)
    places = np.linspace(low, high, STEPS)
    lines = [np.interp(places, curve[:, 0], curve[:, 1]) for curve in found]
    palette = ", ".join(COLORS[: len(lines)][::-1])
    return "\n".join(
        [
            "```mermaid",
            f'%%{{init: {{"themeVariables": {{"xyChart": {{"plotColorPalette": "{palette}"}}}}}}}}%%',
            "xychart-beta",
            f'  title "{name.replace("_", " ")}"',
            f'  x-axis "{label_x}" {low:.4g} --> {high:.4g}',
            f'  y-axis "{label_y}" {min(line.min() for line in lines):.4g} --> {max(line.max() for line in lines):.4g}',
            *(f"  line [{', '.join(f'{value:.4g}' for value in line)}]" for line in lines[::-1]),
            "```",
        ]
    )


PAGE = REPORTS / "summary.md"
PLOTS = REPORTS / "plots"
MARKER = "<!-- factory: the challenger -->"


@dataclass(frozen=True)
class Problem:
    """Why a challenger goes no further; `undecided` where something was missing to judge by."""

    code: str
    words: str
    undecided: bool = True

    def __str__(self) -> str:
        return f"{self.code}: {self.words}"


def problems() -> list[Problem]:
    """What keeps the challenger from its verdict, or of the verdict what it fails; nothing if all is well."""
    failed = errors.last_failure()
    if failed and failed.command == "ingest":
        return [Problem(failed.code, failed.message, undecided=failed.code != "CONTRACT")]
    try:
        behind = json.loads(dvc("status", "--json"))
    except (FactoryError, ValueError) as error:
        return [Problem("PIPELINE_INVALID", str(error))]
    if behind:
        return [_unmade(behind, failed)]
    verdict = _verdict()
    if verdict:
        return [_refusal(check) for check in verdict["checks"] if not check["passed"]]
    if failed and failed.command == "compare":
        return [Problem(failed.code, failed.message)]
    return [Problem("VERDICT_MISSING", "the gate has not judged this model: run `uv run factory compare`")]


def exit_code(found: list[Problem]) -> int:
    """0 where all is well, 2 where something was missing to judge by, 1 for a refusal."""
    return 2 if any(problem.undecided for problem in found) else 1 if found else 0


def write(found: list[Problem]) -> str:
    """The summary as Markdown, also in reports/summary.md."""
    here = platforms.here()
    codes = ", ".join(dict.fromkeys(problem.code for problem in found))
    parts = [MARKER, f"## {f'The challenger goes no further: {codes}' if found else 'The challenger passes'}"]
    parts += ["\n".join(f"- `{problem.code}` {problem.words}" for problem in found)] if found else []
    parts += _made(f"origin/{here.target or here.branch}" if here else "main", draws=here is None or here.draws)
    parts += [f"The whole report, reports/report.html, is kept with [this run]({here.run})."] if here else []
    text = "\n\n".join(parts) + "\n"
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(text, encoding="utf-8")
    if here is None:
        return text
    here.show(text)
    return text[: here.most]


def _made(main: str, draws: bool) -> Iterator[str]:
    """What there is to see of a model that was made and judged: the gate's page, and figures beside those on main."""
    if _verdict() is None:
        return
    yield compare.MARKDOWN.read_text(encoding="utf-8").partition("\n")[2].strip()
    try:
        yield f"### Against {main}\n\n{dvc('metrics', 'diff', '--all', '--md', main)}"
    except FactoryError:
        yield f"{main} has no figures to compare with."
    if draws:
        charts = [chart(path.stem, list(_curves(path, main))) for path in sorted(PLOTS.glob("*.csv"))]
        opened = f"<details><summary>Plots: blue is this model, grey {main}</summary>"
        yield "\n\n".join([opened, *charts, "</details>"])


def _curves(path: Path, main: str) -> Iterator[pl.DataFrame]:
    texts = path.read_text(encoding="utf-8"), git.show(main, path.as_posix())
    for text in dict.fromkeys(texts):
        if text:
            yield pl.read_csv(io.StringIO(text)).select(pl.exclude("tenth"))


def _unmade(behind: dict[str, Any], failed: Failure | None) -> Problem:
    """Which stage failed, if the data is here."""
    files = sorted(name.removesuffix(".dvc") for name in behind if name.endswith(".dvc"))
    missing = [name for name in files if not Path(name).exists()]
    if missing:
        return Problem("STORAGE", f"{missing[0]} and all in all {len(missing)} files are not here: {_why(missing)}")
    if files:
        return Problem(
            "DATA_CHANGED", f"{files[0]} is not what was delivered: `git status`, and `uv run dvc checkout --force`"
        )
    stages = yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))["stages"]
    if failed and failed.command in behind:
        return Problem(failed.code, f"{failed.command}: {failed.message}", undecided=failed.code != "CONTRACT")
    lost = _complaint("fetch", "--run-cache") if platforms.here() else ""  # then `dvc pull` let no stage begin
    if lost:
        return Problem("STORAGE", f"what stages made cannot be fetched; if lost, `dvc repro -f` and `dvc push`: {lost}")
    order = {name: place for place, name in enumerate(stages)}
    name = min(behind, key=lambda name: order.get(name.partition("@")[0], len(order)))  # last: of a dvc.yaml elsewhere
    code = re.sub(r"\W+", "_", name).upper()
    return Problem(f"{code}_FAILED", f"{name} did not come to its end: see its log above")


def _why(files: list[str]) -> str:
    said, here = _complaint("pull", *files), platforms.here()
    if not said:
        lost = [name for name in files if not Path(name).exists()]
        return f"the storage has lost {lost[0]}" if lost else "they could be fetched now, so run this again"
    fork = "; a pull request from a fork is given no credentials: push its branch to this repository"
    return f"{said}{fork if here and here.target else ''}"


def _complaint(*command: str) -> str:
    try:
        dvc(*command)
        return ""
    except FactoryError as error:
        return str(error)


def _verdict() -> Any:
    """The gate's verdict on the model that is here, if there is one."""
    try:
        verdict = json.loads(compare.JSON.read_text(encoding="utf-8"))
        return verdict if verdict["model"] == manifest.model_id() else None
    except (OSError, ValueError, TypeError, KeyError):  # none, or half of one
        return None


def _refusal(check: dict[str, Any]) -> Problem:
    figure = "" if check["figure"] is None else f" {check['figure']:.4g}"
    note = f" ({check['note']})" if check["note"] else ""
    return Problem(check["code"], f"{check['what']}{figure}, wanted {check['limit']}{note}", undecided=False)
