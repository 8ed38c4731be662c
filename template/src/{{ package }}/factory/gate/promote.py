"""Who may say yes: a model of high risk needs a full card and the approval of a second person."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .. import manifest
from ..config import Params
from ..errors import CannotEvaluate, FactoryError
from ..evaluation import model_card
from ..paths import REPORTS
from ..registry import champion, versions
from ..registry.versions import Version
from ..workspace import git
from ..workspace.process import run
from . import compare
from .compare import Verdict


def check(model: str) -> None:
    """Refuse a model of high risk that lacks words in its card or an approval. Raises FactoryError.

    An approval counts if the last commit that entered it is by the person whom it names, and
    somebody else committed the model; `model` is the sha256 of its manifest.
    """
    said = model_card.load()
    if said.risk == "low":
        return
    if said.unsaid:
        raise FactoryError(
            f"CARD_INCOMPLETE: {model_card.SAID}: risk is high and still unsaid: {', '.join(said.unsaid)}"
        )
    author = made_by()
    entered = next(iter(git.authors_of(model, str(model_card.SAID))), None)
    for approval in said.approvals:
        if approval.model == model and entered and entered != author and f"<{entered}>" in approval.by.lower():
            return
    raise FactoryError(
        f"NOT_APPROVED: risk is high: somebody other than {author} adds to the approvals in {model_card.SAID} and commits: "
        f"{{by: Name <address>, model: {model}}}"
    )


def made_by() -> str | None:
    """Address of the author of the commit that brought the model in."""
    lock = Path("dvc.lock")
    authors = git.authors_of(versions.model_in(lock.read_text(encoding="utf-8")), str(lock))
    return authors[-1] if authors else None


def promote(params: Params, why: str, accepted: str | None = None) -> tuple[Version | None, Verdict]:
    """Make the commit's model the next version if the gate lets it; no version where it refuses. Raises FactoryError."""
    commit = ready()
    before = versions.current()
    model = manifest.model_id()
    if before and before[-1].facts["model"] == model:
        raise FactoryError(f"this model is the champion already, {before[-1].name}")
    check(model)
    verdict = compare.compare(params, before, accepted)
    compare.write(verdict)
    if not verdict.passed:
        return None, verdict
    record = {"action": "promote", "serves": (before[-1].number if before else 0) + 1, **_who(why), **_facts(verdict)}
    main = params.evaluation.metric
    headline = f"promoted, {main} {record['metrics'][main]:.4f}, gate passed with {len(verdict.checks)} checks"
    return versions.publish(commit, record, headline, before), verdict


def rollback(why: str, to: str | None = None) -> Version:
    """Make the next version of an earlier one's commit and model. Raises FactoryError."""
    before = versions.current()
    target = versions.find(to, before) if to else _one_before(before)
    if target.facts["model"] == before[-1].facts["model"]:
        raise FactoryError(f"{target.name} is the model in service already")
    champion.load(target.facts["commit"])
    inherited = ("model", "data", "rows", "metrics", "gate", "serves")
    record = {"action": "rollback", **_who(why), **{name: target.facts[name] for name in inherited}}
    return versions.publish(target.facts["commit"], record, f"rolled back to {target.name}", before)


def ready() -> str:
    """The commit, once all that a version needs is in it and pushed. Raises FactoryError."""
    if git.branch() is None:
        raise FactoryError("HEAD is detached: check out a branch, versions are made of its commits")
    commit = git.commit()
    if commit is None:
        raise FactoryError("there is no commit yet: run `factory setup`")
    changes = git.changes()
    if changes:
        raise FactoryError(
            f"{len(changes)} files are not committed, e.g. {changes[0].split(maxsplit=1)[-1]}: commit or remove them"
        )
    if not git.show(commit, "dvc.lock"):
        raise FactoryError("dvc.lock is not there: run `dvc repro` and commit what it made")
    stale = _dvc("status")
    if stale:
        raise FactoryError(f"not what the pipeline makes: {', '.join(sorted(stale))}: run `dvc repro` and commit")
    if run(sys.executable, "-m", "dvc", "remote", "list"):
        unpushed = _dvc("status", "--cloud")
        if unpushed:
            raise FactoryError(f"only on this machine: {', '.join(sorted(unpushed))}: run `dvc push`")
    return commit


def _dvc(*command: str) -> Any:
    try:
        return json.loads(run(sys.executable, "-m", "dvc", *command, "--json"))
    except FactoryError as error:
        raise CannotEvaluate("STORAGE", str(error)) from error


def _one_before(before: list[Version]) -> Version:
    """What served before the model in service was promoted."""
    serves = before[-1].facts["serves"] if before else 0
    earlier = [version for version in before if version.number < serves]
    if not earlier:
        raise FactoryError("there is no earlier version to roll back to")
    return earlier[-1]


def _who(why: str) -> dict[str, str]:
    return {"by": git.author(), "at": datetime.now(UTC).isoformat(timespec="seconds"), "why": why}


def _facts(verdict: Verdict) -> dict[str, Any]:
    run_record = json.loads((REPORTS / "run.json").read_text(encoding="utf-8"))
    checks = [
        {"code": check.code, "what": check.what, "figure": check.figure, "limit": check.limit, "passed": check.passed}
        for check in verdict.checks
    ]
    return {
        "model": verdict.model,
        "data": run_record["data"]["train"],
        "rows": run_record["data"]["rows"],
        "metrics": run_record["metrics"],
        "gate": {"against": verdict.against, "accepted": verdict.accepted, "checks": checks},
    }
