"""What was last found by `factory readiness`, and what `factory doctor` finds now."""

import json
from datetime import UTC, datetime
from typing import Any

from ..check import doctor
from ..errors import CannotEvaluate
from ..readiness import answers, score
from ..workspace import commits, git
from .parts import MANY, Finding, Readiness
from .reasons import Reasons, long, short

REPORT = score.FILES[0]


def readiness(reasons: Reasons) -> Readiness | None:
    """The ML Test Score, with what is missing."""
    return reasons.of("readiness", _readiness)


def questions(reasons: Reasons) -> list[str] | None:
    """The questions to people that nobody has answered by yes, or too long ago."""
    return reasons.of(
        "questions", lambda: [each.question.key for each in answers.assess() if each.state != "met"][:MANY]
    )


def findings(reasons: Reasons) -> list[Finding]:
    """What each check of `factory doctor` finds."""
    found = reasons.listed("doctor", lambda: [*doctor.diagnose()], MANY)
    return [
        Finding(name=each.name, problems=[long(problem) for problem in each.problems[:MANY]], fails=each.fails)
        for each in found
    ]


def _readiness() -> Readiness:
    if not REPORT.exists():
        raise CannotEvaluate(
            "NOT_RUN", "readiness was not assessed: `uv run factory readiness`, and commit reports/readiness.json"
        )
    report: dict[str, Any] = json.loads(REPORT.read_text(encoding="utf-8"))
    expired = [title for title, answer in answers.newest(answers.read_all()).items() if not answer.holds]
    return Readiness(
        score=report["score"],
        level=long(report["level"]),
        groups={short(name): points for name, points in report["groups"].items()},
        missing=[short(each["test"]) for each in report["tests"] if not each["score"]][:MANY],
        expired=[short(title) for title in expired][:MANY],
        at=_written(),
    )


def _written() -> datetime:
    """When the report was written: as Git knows it, unless it differs from the commit's."""
    committed = None if git.uncommitted(str(REPORT)) else commits.last_changed(str(REPORT))
    return datetime.fromisoformat(committed) if committed else datetime.fromtimestamp(REPORT.stat().st_mtime, UTC)
