"""A status for a terminal: what is in some twelve lines, and what has to be done, the first thing first."""

from collections.abc import Iterator
from datetime import datetime

from ..evaluation.formatting import number, share, span
from .model import Status
from .steps import steps


def lines(status: Status) -> Iterator[str]:
    """A line for each part, then the steps."""
    commit = f" at {status.commit[:8]}" if status.commit else ""
    yield f"{status.project}{commit}, {status.at:%Y-%m-%d %H:%M} UTC"
    for name, text in _parts(status).items():
        yield f"  {name:<12}{text}"
    todo = [*steps(status)]
    yield "Next:" if todo else "Nothing has to be done."
    yield from (f"  {place}. {step}" for place, step in enumerate(todo, 1))


def _parts(status: Status) -> dict[str, str]:
    card, contract = status.card, status.contract
    changed = contract and (contract.changed or status.why("contract.changed"))
    return {
        "template": _template(status),
        "owner": f"{status.owner or 'nobody'}; risk {card.risk or 'not stated'}, data {card.data_class or 'of no class'}",
        "contract": f"changed {changed}" if changed else status.why("contract"),
        "champion": _champion(status),
        "gate": _gate(status),
        "monitor": _monitor(status),
        "readiness": _readiness(status),
        "doctor": _doctor(status),
        "cost": _cost(status),
        "deployed": _deployments(status),
        "data": _data(status),
        "packages": _packages(status),
    }


def _template(status: Status) -> str:
    template = status.template
    if template.behind is None:
        why = status.why("template.behind")
        return why if template.release and template.release in why else f"{template.release or 'of no release'}; {why}"
    behind = f"{template.behind} behind {template.newest}" if template.behind else "the newest"
    return f"{template.release}, {behind}"


def _champion(status: Status) -> str:
    champion = status.champion
    if champion is None:
        return status.why("champion")
    text = f"{champion.version} by {champion.by}, {_ago(champion.since, status.at)}"
    if (metric := champion.metric) is None:
        return f"{text}; {status.why('champion.metric')}"
    known = metric.low is not None and metric.high is not None
    interval = f" ({number(metric.low)} to {number(metric.high)})" if known else ""
    floor = "" if metric.floor is None else f", floor {number(metric.floor)}"
    return f"{text}: {metric.name} {number(metric.value)}{interval}{floor}"


def _gate(status: Status) -> str:
    gate = status.gate
    if gate is None:
        return status.why("gate")
    against = gate.against.partition(" (")[0]  # without why, which may have changed since
    verdict = "passed" if gate.passed else f"refused: {', '.join(gate.codes)}"
    return f"{verdict}, against {against or 'an unknown model'}" + (f", {_ago(gate.at, status.at)}" if gate.at else "")


def _monitor(status: Status) -> str:
    found = status.monitor
    if found is None:
        return status.why("monitor")
    alerts = ", ".join(filter(None, (" ".join(filter(None, (each.code, each.column))) for each in found.alerts)))
    outcomes = "no outcomes" if found.outcomes is None else f"outcomes of {share(found.outcomes)} of the rows"
    what = {"quiet": "nothing is open", "open": f"open: {alerts}", "unknown": f"incomplete: {', '.join(found.states)}"}
    return f"{what[found.drift]} until {found.until}; {outcomes}"


def _readiness(status: Status) -> str:
    found = status.readiness
    if found is None:
        return status.why("readiness")
    return f"{number(found.score)}, {found.level}; {len(found.missing)} missing, {len(found.expired)} expired"


def _doctor(status: Status) -> str:
    found = [each.name for each in status.doctor if each.problems]
    if not status.doctor:
        return status.why("doctor")
    return f"{len(status.doctor) - len(found)} of {len(status.doctor)} are well" + (
        f"; see {', '.join(found)}" if found else ""
    )


def _cost(status: Status) -> str:
    cost = status.cost
    if cost is None:
        return status.why("cost")
    runs, served = cost.runs, cost.serving
    parts = [f"{runs.count} {'run' if runs.count == 1 else 'runs'} in {cost.month}, {span(runs.seconds)}"]
    parts += [] if runs.money is None else [f"{number(runs.money)} {cost.currency}".strip()]
    parts += [] if served is None else [f"serving {span(served.cpu_seconds)} of CPU"]
    parts += [] if served is None or served.money is None else [f"{number(served.money)} {cost.currency}".strip()]
    return ", ".join(parts)


def _deployments(status: Status) -> str:
    found = [f"{each.environment} {each.version} {_ago(each.at, status.at)}" for each in status.deployments]
    nowhere = status.why("deployments") if "deployments" in status.unknown else "nowhere, as far as is recorded"
    return ", ".join(found) or nowhere


def _data(status: Status) -> str:
    if not status.data:
        return status.why("data") if "data" in status.unknown else "no delivery"
    newest = status.data[-1]
    count = f"{len(status.data)} {'delivery' if len(status.data) == 1 else 'deliveries'}"
    rows = sum(each.rows for each in status.data)
    return f"{count}, {number(rows)} rows; the newest {newest.name}" + (
        f" of {newest.received}" if newest.received else ""
    )


def _packages(status: Status) -> str:
    found = status.dependencies
    if found is None:
        return status.why("dependencies")
    return f"{len(found.packages)}, of {'the image' if found.source == 'sbom' else 'uv.lock'}"


def _ago(at: datetime, now: datetime) -> str:
    days = (now.date() - at.date()).days
    return (
        "today" if days == 0 else "yesterday" if days == 1 else f"{days} days ago" if days > 0 else f"on {at:%Y-%m-%d}"
    )
