"""How the challenger stands after a pipeline: what went wrong, and a report of it in Markdown that a platform renders."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .. import errors, manifest, platforms
from ..errors import FactoryError, Failure
from ..gate import compare
from ..paths import REPORTS
from ..workspace.process import dvc

REPORT = REPORTS / "summary.md"
MARKER = "<!-- factory: the challenger -->"


@dataclass(frozen=True)
class Problem:
    """Why a challenger goes no further; `inconclusive` where something was missing to judge by."""

    code: str
    message: str
    inconclusive: bool = True

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def find_problems() -> list[Problem]:
    """What keeps the challenger from its verdict, or of the verdict what it fails; nothing if all is well."""
    failure = errors.last_failure()
    if failure and failure.command == "ingest":
        return [Problem(failure.code, failure.message, inconclusive=failure.code != "CONTRACT")]
    try:
        outdated = json.loads(dvc("status", "--json"))
    except (FactoryError, ValueError) as error:
        return [Problem("PIPELINE_INVALID", str(error))]
    if outdated:
        return [_missing_data(outdated) or _failed_stage(outdated, failure)]
    result = _gate_result()
    if result:
        return [_refusal(check) for check in result["checks"] if not check["passed"]]
    if failure and failure.command == "compare":
        return [Problem(failure.code, failure.message)]
    return [Problem("VERDICT_MISSING", "the gate has not judged this model: run `uv run factory compare`")]


def exit_code(problems: list[Problem]) -> int:
    """0 where all is well, 2 where something was missing to judge by, 1 for a refusal."""
    return 2 if any(problem.inconclusive for problem in problems) else 1 if problems else 0


def write(problems: list[Problem]) -> str:
    """The report in Markdown, also in reports/summary.md and on the page of this run."""
    platform = platforms.detect()
    codes = ", ".join(dict.fromkeys(problem.code for problem in problems))
    parts = [MARKER, f"## {f'The challenger goes no further: {codes}' if problems else 'The challenger passes'}"]
    parts += ["\n".join(f"- `{problem.code}` {problem.message}" for problem in problems)] if problems else []
    parts += _details(f"origin/{platform.target_branch or platform.branch}" if platform else "main")
    report = "\n\n".join(parts) + "\n"
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(report, encoding="utf-8")
    if platform:
        platform.job_summary(report)
    return report


def _details(main: str) -> Iterator[str]:
    """Of a model that was judged: the gate's page, and figures beside those on main."""
    if _gate_result() is None:
        return
    yield compare.MARKDOWN.read_text(encoding="utf-8").partition("\n")[2].strip()
    try:
        yield f"### Against {main}\n\n{dvc('metrics', 'diff', '--all', '--md', main)}"
    except FactoryError:
        yield f"{main} has no figures to compare with."


def _missing_data(outdated: dict[str, Any]) -> Problem | None:
    """Deliveries that are not here, or not as they were delivered."""
    files = sorted(name.removesuffix(".dvc") for name in outdated if name.endswith(".dvc"))
    missing = [name for name in files if not Path(name).exists()]
    if missing:
        reason = _storage_reason(missing)
        return Problem("STORAGE", f"{missing[0]} and all in all {len(missing)} files are not here: {reason}")
    if files:
        return Problem(
            "DATA_CHANGED", f"{files[0]} is not what was delivered: `git status`, and `uv run dvc checkout --force`"
        )
    return None


def _failed_stage(outdated: dict[str, Any], failure: Failure | None) -> Problem:
    """The stage that failed, and why, if it is known."""
    if failure and failure.command in outdated:
        message = f"{failure.command}: {failure.message}"
        return Problem(failure.code, message, inconclusive=failure.code != "CONTRACT")
    lost = _dvc_error("fetch", "--run-cache") if platforms.detect() else ""  # then `dvc pull` let no stage begin
    if lost:
        return Problem("STORAGE", f"what stages made cannot be fetched; if lost, `dvc repro -f` and `dvc push`: {lost}")
    stages = list(yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))["stages"])
    order = {name: index for index, name in enumerate(stages)}
    name = min(outdated, key=lambda name: order.get(name.partition("@")[0], len(order)))  # last: of another dvc.yaml
    code = re.sub(r"\W+", "_", name).upper()
    return Problem(f"{code}_FAILED", f"{name} did not come to its end: see its log above")


def _storage_reason(files: list[str]) -> str:
    """Why DVC cannot bring the files."""
    error, platform = _dvc_error("pull", *files), platforms.detect()
    if not error:
        lost = [name for name in files if not Path(name).exists()]
        return f"the storage has lost {lost[0]}" if lost else "they could be fetched now, so run this again"
    fork = "; a pull request from a fork is given no credentials: push its branch to this repository"
    return f"{error}{fork if platform and platform.target_branch else ''}"


def _dvc_error(*command: str) -> str:
    try:
        dvc(*command)
        return ""
    except FactoryError as error:
        return str(error)


def _gate_result() -> Any:
    """The gate's verdict on the model that is here, if there is one."""
    try:
        result = json.loads(compare.JSON.read_text(encoding="utf-8"))
        return result if result["model"] == manifest.model_id() else None
    except (OSError, ValueError, TypeError, KeyError):  # none, or half of one
        return None


def _refusal(check: dict[str, Any]) -> Problem:
    figure = "" if check["figure"] is None else f" {check['figure']:.4g}"
    note = f" ({check['note']})" if check["note"] else ""
    return Problem(check["code"], f"{check['what']}{figure}, wanted {check['limit']}{note}", inconclusive=False)
