"""The result of a pipeline: what went wrong, and a report in Markdown for the pull request or issue."""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from .. import errors, manifest, platforms
from ..errors import FactoryError, Failure
from ..evaluation import markdown
from ..gate import compare
from ..gate.evidence import Check
from ..gate.result import sentence
from ..paths import REPORTS
from ..workspace.process import dvc

REPORT, JSON = REPORTS / "summary.md", REPORTS / "summary.json"
MARKER = "<!-- factory: the challenger -->"


@dataclass(frozen=True)
class Problem:
    """Why the pipeline stopped; `inconclusive` where the model could not be evaluated."""

    code: str
    message: str
    inconclusive: bool = True

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def find_problems() -> list[Problem]:
    """Why there is no result of the gate, or which of its checks reject the model; none if it passed."""
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
        return _refusals(result)
    if failure and failure.command in ("reproduce", "compare"):
        return [Problem(failure.code, failure.message, inconclusive=failure.code != "NOT_REPRODUCED")]
    return [Problem("VERDICT_MISSING", "no gate result for this model: run `uv run factory compare`")]


def exit_code(problems: list[Problem]) -> int:
    """0 if all is well, 1 for a rejection, 2 if the model could not be evaluated."""
    return 2 if any(problem.inconclusive for problem in problems) else 1 if problems else 0


def write(problems: list[Problem]) -> str:
    """The report in Markdown, also in reports/summary.md and on this run's page; what it says, in reports/summary.json."""
    result = _gate_result()
    gate = result if result and problems == _refusals(result) else None
    REPORT.parent.mkdir(exist_ok=True)
    manifest.dump({"problems": [asdict(problem) for problem in problems], "gate": gate}, JSON)
    report = render(problems, compare.MARKDOWN.read_text(encoding="utf-8") if gate else None)
    REPORT.write_text(report, encoding="utf-8")
    platform = platforms.detect()
    if platform:
        platform.job_summary(report)
    return report


def render(problems: list[Problem], page: str | None) -> str:
    """The report in Markdown: the gate's page, where there is one."""
    lines = (f"- {markdown.code(each.code)} {markdown.text(each.message)}" for each in problems)
    return f"{MARKER}\n\n" + (page or "\n".join([f"## {markdown.text(headline(problems))}\n", *lines, ""]))


def headline(problems: list[Problem]) -> str:
    """The result in one line."""
    if not problems:
        return "Passed the gate"
    codes = ", ".join(dict.fromkeys(problem.code for problem in problems))
    return f"{'Could not be evaluated' if exit_code(problems) == 2 else 'Rejected'}: {codes}"


def _missing_data(outdated: dict[str, Any]) -> Problem | None:
    """Deliveries that are missing, or no longer as they were delivered."""
    files = sorted(name.removesuffix(".dvc") for name in outdated if name.endswith(".dvc"))
    missing = [name for name in files if not Path(name).exists()]
    if missing:
        reason = _storage_reason(missing)
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        return Problem("STORAGE", f"missing: {missing[0]}{more}: {reason}")
    if files:
        return Problem(
            "DATA_CHANGED", f"{files[0]} was changed after its delivery: restore it with `uv run dvc checkout --force`"
        )
    return None


def _failed_stage(outdated: dict[str, Any], failure: Failure | None) -> Problem:
    """The stage that failed, and why, where that is known."""
    if failure and failure.command in outdated:
        message = f"stage {failure.command} failed: {failure.message}"
        return Problem(failure.code, message, inconclusive=failure.code != "CONTRACT")
    lost = _dvc_error("fetch", "--run-cache") if platforms.detect() else ""  # then `dvc pull` failed before any stage
    if lost:
        return Problem(
            "STORAGE",
            f"outputs of stages cannot be fetched: {lost}; if they are lost, `uv run dvc repro --force` and `uv run dvc push`",
        )
    stages = list(yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))["stages"])
    order = {name: index for index, name in enumerate(stages)}
    name = min(outdated, key=lambda name: order.get(name.partition("@")[0], len(order)))  # last: of another dvc.yaml
    code = re.sub(r"\W+", "_", name).upper()
    return Problem(f"{code}_FAILED", f"stage {name} failed: see its log in this run")


def _storage_reason(files: list[str]) -> str:
    """Why DVC cannot fetch the files."""
    error, platform = _dvc_error("pull", *files), platforms.detect()
    if not error:
        lost = [name for name in files if not Path(name).exists()]
        return f"the storage no longer has {lost[0]}" if lost else "fetched by now: run this again"
    fork = "; a pull request from a fork has no credentials: push its branch to this repository"
    return f"{error}{fork if platform and platform.target_branch else ''}"


def _dvc_error(*command: str) -> str:
    try:
        dvc(*command)
        return ""
    except FactoryError as error:
        return str(error)


def _gate_result() -> Any:
    """The gate's result for the current model, if there is one."""
    try:
        result = json.loads(compare.JSON.read_text(encoding="utf-8"))
        return result if result["model"] == manifest.model_id() else None
    except (OSError, ValueError, TypeError, KeyError):  # no file, or half of one
        return None


def _refusals(result: Any) -> list[Problem]:
    checks = [Check(**check) for check in result["checks"]]
    return [Problem(check.code, sentence(check), inconclusive=False) for check in checks if not check.passed]
