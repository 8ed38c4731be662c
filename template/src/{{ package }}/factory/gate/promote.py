"""Promotion and rollback: a commit's model becomes a version, after the gate and, where risk is high, an approval."""

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import click

from .. import manifest
from ..config import Params
from ..errors import CannotEvaluate, FactoryError
from ..evaluation import card_input
from ..paths import REPORTS
from ..registry import champion, versions
from ..registry.trust import Trust, trust
from ..registry.validity import after
from ..registry.versions import Version
from ..workspace import git
from ..workspace.process import run
from . import approval, compare, live
from .result import GateResult

COMMIT = 'git add --all && git commit -m "Train the model"'
PUSH = "uv run dvc push"


def promote(
    params: Params,
    why: str,
    accepted: str | None = None,
    accepted_limits: str | None = None,
    captures: Sequence[str] = (),
) -> tuple[Version | None, GateResult]:
    """Make the commit's model the next version if it passes the gate; no version where it fails.

    By a policy it has to pass on live rows as well, which are in the places of captures. Raises FactoryError.
    """
    check_why(why)
    commit = check_ready()
    previous = versions.fetch(promoting=True)
    trusted = after(previous, trust())
    trusted.policies.check_names([("version", why)])
    trusted.check_on_main(commit)
    model = manifest.model_id()
    if previous and previous[-1].facts["model"] == model:
        raise FactoryError(_already(previous[-1], trusted))
    _show_vouched(previous, trusted)
    approvals = approval.check(commit, model, previous, trusted)
    result = compare.compare(params, previous, accepted, accepted_limits)
    if previous and trusted.policies.live_required:
        result = live.judged_too(result, params, previous, captures)
    compare.write_reports(result)
    if not result.passed:
        return None, result
    number = previous[-1].number + 1 if previous else 1
    record = {"action": "promote", "serves": number, **_who_and_why(why), **_facts(result), "approvals": approvals}
    metric = params.evaluation.metric
    judged = sum(check.judged for check in result.checks)
    headline = f"promoted, {metric} {record['metrics'][metric]:.4f}, gate passed with {judged} checks"
    if result.accepted_limits:
        headline += ", weaker limits accepted"
    version = versions.publish(commit, record, headline, previous)
    compare.write_reports(replace(result, version=version.name))
    return version, result


def rollback(why: str, to: str | None = None) -> Version:
    """Make the next version of an earlier one's commit and model. Raises FactoryError."""
    check_why(why)
    previous, trusted = versions.fetch(promoting=True), trust()
    trusted.policies.check_names([("version", why)])
    target = rollback_target(to, previous)
    if target.facts["model"] == previous[-1].facts["model"] and not _wants_signature(previous[-1], trusted):
        raise FactoryError(f"the model of {target.name} is already the champion")
    trusted.check_on_main(target.commit)
    _show_vouched(previous, trusted)
    champion.check_loads(target)
    inherited = {
        "model",
        "data",
        "test",
        "rows",
        "metrics",
        "tags",
        "gate",
        "serves",
        "approvals",
    } & target.facts.keys()
    record = {"action": "rollback", **_who_and_why(why), **{name: target.facts[name] for name in inherited}}
    return versions.publish(target.commit, record, f"rolled back to v{target.facts['serves']}", previous)


def rollback_target(to: str | None, previous: list[Version]) -> Version:
    """The version of that name, else the champion before the current one was promoted. Raises FactoryError."""
    return versions.find(to, previous) if to else _previous_champion(previous)


def check_why(why: str) -> None:
    """Refuse to make a version without a reason. Raises FactoryError."""
    if not why.strip():
        raise FactoryError('WHY_MISSING: a version keeps the reason why it was made: add -m "why"')


def check_ready() -> str:
    """The commit, once all that a version needs is in it and pushed. Raises FactoryError."""
    if git.branch() is None:
        raise FactoryError("HEAD is detached: check out a branch (`git switch main`), versions are made of its commits")
    commit = git.commit()
    if commit is None:
        raise FactoryError("there is no commit yet: run `uv run factory setup`")
    has_remote = bool(run(sys.executable, "-m", "dvc", "remote", "list"))
    share = f"{COMMIT} && {PUSH}" if has_remote else COMMIT
    changes = git.changes()
    if changes:
        count = "1 file is" if len(changes) == 1 else f"{len(changes)} files are"
        raise FactoryError(f"{count} not committed, e.g. {changes[0].split(maxsplit=1)[-1]}: run `{share}`")
    if not git.show(commit, "dvc.lock"):
        raise FactoryError(f"there is no dvc.lock: run `uv run dvc repro && {share}`")
    stale = _dvc("status")
    if stale:
        raise FactoryError(f"out of date: {', '.join(sorted(stale))}: run `uv run dvc repro && {share}`")
    unpushed = _dvc("status", "--cloud") if has_remote else {}
    if unpushed:
        raise FactoryError(f"not in DVC's remote: {', '.join(sorted(unpushed))}: run `{PUSH}`")
    return commit


def _dvc(*command: str) -> Any:
    try:
        return json.loads(run(sys.executable, "-m", "dvc", *command, "--json"))
    except FactoryError as error:
        raise CannotEvaluate("STORAGE", str(error)) from error


def _show_vouched(previous: list[Version], trusted: Trust) -> None:
    """Say what will count by the next version's signature, while there is time to stop."""
    if names := [version.name for version in versions.vouched_for(previous, trusted)]:
        click.echo(
            f"! Your signature also vouches for {', '.join(names)}, which nobody who may sign has signed", err=True
        )


def _already(champion: Version, trusted: Trust) -> str:
    """Why its model cannot be promoted, and what can be done."""
    if _wants_signature(champion, trusted):
        sign = f'uv run factory rollback --to {champion.name} -m "signed"'
        return f"this model is {champion.name}'s, which nobody who may sign has signed: sign it again by `{sign}`"
    return f"this model is already the champion, {champion.name}"


def _wants_signature(champion: Version, trusted: Trust) -> bool:
    """Whether it counts only once the next version, be it of the same model, vouches for it."""
    return trusted.policies.signatures_required and not champion.signature.signer


def _previous_champion(previous: list[Version]) -> Version:
    """The champion before the current one was promoted."""
    serves = previous[-1].facts["serves"] if previous else 0
    earlier = [version for version in previous if version.number < serves]
    if not earlier:
        raise FactoryError("there is no earlier version to roll back to")
    return earlier[-1]


def _who_and_why(why: str) -> dict[str, str]:
    return {"by": git.author(), "at": datetime.now(UTC).isoformat(timespec="seconds"), "why": why.strip()}


def _facts(result: GateResult) -> dict[str, Any]:
    run_record = json.loads((REPORTS / "run.json").read_text(encoding="utf-8"))
    kept = ("code", "what", "figure", "low", "high", "limit", "passed", "judged", "unit")
    checks = [{name: getattr(check, name) for name in kept} for check in result.checks]
    return {
        "model": result.model,
        "data": run_record["data"]["train"],
        "test": run_record["data"]["test"],
        "rows": run_record["data"]["rows"],
        "metrics": run_record["metrics"],
        "tags": card_input.load().tags,
        "gate": {
            "against": result.reference,
            "accepted": result.accepted,
            "accepted_limits": result.accepted_limits,
            "checks": checks,
        },
    }
