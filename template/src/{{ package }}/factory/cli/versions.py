"""Commands for the model's versions, the newest of which is the champion."""

import json
from typing import Any

import click

from .main import main
from .options import ACCEPT, ACCEPT_LIMITS, AS_JSON, CAPTURES, WHY, load_params, places


@main.command()
@ACCEPT
@ACCEPT_LIMITS
@click.option("--require-champion", is_flag=True, help="Fail while no model has been promoted.")
@click.option("--offline", is_flag=True, help="Fetch no versions: those that are here count, as in a fresh clone.")
@click.option("--live", is_flag=True, help="Compare on captured rows that both have scored, and by their outcomes.")
@CAPTURES
def compare(
    accepted: str | None,
    accepted_limits: str | None,
    require_champion: bool,
    offline: bool,
    live: bool,
    captures: tuple[str, ...],
) -> None:
    """Compare the current model with the champion: the gate.

    Exit code 0: passed; 1: rejected, with the codes of the checks that failed; 2: could not be evaluated.
    """
    from ..gate import compare
    from ..registry import versions

    if live:
        return _compare_live(offline, captures)
    compare.delete_reports()
    params = load_params()
    previous = versions.local(promoting=True) if offline else versions.fetch(promoting=True)
    result = compare.compare(params, previous, accepted, accepted_limits, require_champion=require_champion)
    compare.write_reports(result)
    return _show_result(result)


@main.command()
@WHY
@ACCEPT
@ACCEPT_LIMITS
def promote(why: str, accepted: str | None, accepted_limits: str | None) -> None:
    """Make this commit's model the next version if it passes the gate.

    First commit everything, run `dvc push`, and push to main. The version is the Git tag model/vN, pushed to the remote.

    \b
    Example: factory promote -m "retrained with May's flights"
    """
    from ..gate import promote

    params = load_params()
    version, result = promote.promote(params, why, accepted, accepted_limits, places((), params))
    _show_result(result)
    if version:
        if version.facts["approvals"]:
            click.echo(f"✓ Approved {_approved(version.facts)}")
        click.echo(f"✓ model/{version.name} is the champion ({version.signature})")


@main.command()
@WHY
@click.option("--to", metavar="vN", help="The version to return to (default: the previous champion).")
@click.option("--deploy", "environment", metavar="ENVIRONMENT", help="Also run its earlier image there, by its digest.")
def rollback(why: str, to: str | None, environment: str | None) -> None:
    """Make an earlier version's model the champion again.

    It becomes a new version; no tag is moved or deleted. With --deploy nothing is built: the image of then is verified, started
    and tested, and no version is made where that image or its proofs are missing.

    \b
    Example: factory rollback -m "v3 misses evening flights" --deploy prod
    """
    if environment:
        from ..deployment import rollback

        for line in rollback.rollback(why, to, environment):
            click.echo(f"✓ {line}")
        return
    from ..gate import promote

    version = promote.rollback(why, to)
    champion = f"model/{version.name} is the champion, with the model of v{version.facts['serves']}"
    click.echo(f"✓ {champion} ({version.signature})")


@main.command()
@AS_JSON
def models(as_json: bool) -> None:
    """List the model's versions; * marks the champion."""
    from .. import config
    from ..registry import versions

    local = versions.local()
    if as_json:
        rows = [{**(version.record or {}), **_state(version, _is_champion(version, local))} for version in local]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    if not local:
        click.echo("No version yet. The first: uv run factory promote -m WHY")
        return
    from tabulate import tabulate

    metric = config.load().evaluation.metric
    rows = [_table_row(version, _is_champion(version, local), metric) for version in local]
    click.echo(tabulate(rows, headers="keys", disable_numparse=True))
    groups = [", ".join(version.name for version in group) for group in versions.by_test_rows(local)]
    if len(groups) > 1:
        click.echo(f"\nMeasured on different test rows, so not comparable: {' | '.join(groups)}")
        click.echo("`uv run factory compare` measures the current model and the champion on the same rows.")


@main.command()
@click.argument("version", metavar="vN")
@AS_JSON
def trace(version: str, as_json: bool) -> None:
    """Show a version's lineage: code, data, parameters, people.

    With --json all of it: each delivery, every parameter, each check of the gate.
    """
    from ..registry import lineage, versions

    facts = lineage.trace(versions.find(version, versions.local()))
    if as_json:
        click.echo(json.dumps(facts, indent=2, ensure_ascii=False))
    else:
        show_lineage(facts)


@main.command()
def audit() -> None:
    """Verify every version: gate result, tag, commit, artifacts."""
    from ..registry import audit

    versions, problems = audit.audit()
    for problem in problems:
        click.echo(f"✗ {problem}")
    if problems:
        raise SystemExit(1)
    states: dict[str, list[str]] = {}
    for version in versions:
        states.setdefault(version.signature.state, []).append(version.name)
    signatures = "; ".join(f"{state}: {', '.join(names)}" for state, names in states.items())
    click.echo(
        f"✓ {len(versions)} {'version' if len(versions) == 1 else 'versions'} verified{signatures and f'; {signatures}'}"
    )


def _compare_live(offline: bool, captures: tuple[str, ...]) -> None:
    from datetime import UTC, datetime

    from ..gate import compare, live
    from ..registry import versions

    compare.LIVE.unlink(missing_ok=True)
    params = load_params()
    previous = versions.local() if offline else versions.fetch()
    result = live.judge(params, previous, places(captures, params), datetime.now(UTC).date())
    compare.write_live(result)
    _show_result(result)


def _show_result(result: Any) -> None:
    click.echo(f"{result.subject}\n\n{result.table()}\n")
    if result.acceptance:
        click.echo(f"{result.acceptance}\n")
    if not result.passed:
        click.echo("\n".join([f"✗ {result.verdict}", *result.reasons]), err=True)
        raise SystemExit(1)
    click.echo(f"✓ {result.verdict}")


def show_lineage(facts: dict[str, Any]) -> None:
    """Show what a version was made of, in ten lines."""
    for name, text in _lineage(facts).items():
        click.echo(f"{name:<12}{text}")


def _lineage(facts: dict[str, Any]) -> dict[str, str]:
    from ..evaluation.formatting import number

    version, code, run, gate = (facts[name] for name in ("version", "code", "run", "gate"))
    judged = sum(check.get("judged", True) for check in gate["checks"])
    estimator = (run.get("estimator") or {}).get("class", "").rpartition(".")[2]
    arguments = ", ".join(f"{name} {value}" for name, value in facts["parameters"].get("model", {}).items())
    return {
        "version": f"v{version['version']}, {_action(version)} {version['at'][:16].replace('T', ' ')} by {version['by']}",
        "signature": f"signed by {version['signer']}" if version["signer"] else version["signature"],
        **({"approved": _approved(version)} if version["approvals"] else {}),
        "why": version["why"],
        "commit": f"{code['commit'][:8]} {code['subject']} ({code['author']}, {code['at'][:10]})",
        "data": f"{len(facts['data'])} deliveries{_deliverers(facts['data'])}, sha256 of the training rows {run['data']['train'][:12]}",
        "rows": f"{number(run['data']['rows'])} training rows{_span(run['data'])}",
        "estimator": f"{estimator or 'of model.py'}, {arguments or 'no arguments'}",
        "metrics": ", ".join(
            f"{name} {number(value)}" for name, value in facts["metrics"].items() if not name.startswith("error_q")
        ),
        "gate": f"passed {judged} checks against {gate['against']}{_weaker(gate)}",
        "packages": f"{facts['environment']['packages']}, sha256 of uv.lock {facts['environment']['uv.lock'][:12]}",
        "model": f"sha256 of its manifest {version['model'][:12]}",
    }


def _deliverers(deliveries: list[dict[str, Any]]) -> str:
    from ..errors import listed

    names = sorted({each["by"] for each in deliveries} - {""})
    return f" by {listed(names, 3)}" if names else ""


def _approved(record: dict[str, Any]) -> str:
    each = (f"by {approval['by']} ({approval['how']} {approval['id'][:12]})" for approval in record["approvals"])
    return ", ".join(each)


def _weaker(gate: dict[str, Any]) -> str:
    why = gate.get("accepted_limits")
    return f"; weaker limits accepted: {why}" if why else ""


def _action(record: dict[str, Any]) -> str:
    return "promoted" if record["action"] == "promote" else f"rolled back to v{record['serves']}"


def _is_champion(version: Any, versions: list[Any]) -> bool:
    return version is versions[-1] and not version.problem


def _state(version: Any, champion: bool) -> dict[str, Any]:
    problem, signature = version.problem, version.signature
    state = {"name": version.name, "champion": champion, "signature": signature.state, "signer": signature.signer}
    return state | ({"problem": str(problem)} if problem else {})


def _span(data: dict[str, Any]) -> str:
    part = data.get("parts", {}).get("train", {})
    return f", {part['from'][:10]} to {part['to'][:10]}" if part.get("from") else ""


def _table_row(version: Any, champion: bool, metric: str) -> dict[str, Any]:
    from ..evaluation.formatting import number
    from ..registry.validity import TOLERATED

    readable = not version.problem or version.problem.code in TOLERATED
    record = version.record if readable else {}
    return {
        "": "*" if champion else "",
        "version": version.name,
        "at": record.get("at", "")[:16].replace("T", " "),
        "action": _action(record) if "serves" in record else "",
        "by": record.get("by", "").partition(" <")[0],
        "signature": version.signature.signer or version.signature.state,
        metric: number(record.get("metrics", {}).get(metric, "")),
        "rows": number(record.get("rows", "")),
        "data": record.get("data", "")[:8],
        "model": record.get("model", "")[:8],
        "why": f"{version.problem.code}: run `uv run factory audit`" if version.problem else record["why"],
    }
