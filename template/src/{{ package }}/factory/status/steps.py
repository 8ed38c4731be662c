"""What a status asks to be done, the most urgent first; for the project's own people, and for whoever looks after many."""

from collections.abc import Iterator

from .model import Status

OVERDUE = 3  # days after which monitoring, which runs every night, has stopped


def steps(status: Status) -> Iterator[str]:
    """Each step in a line."""
    yield from _model(status)
    yield from _monitoring(status)
    yield from (f"{each.name}: {each.problems[0]}" for each in status.doctor if each.fails)
    yield from _deployments(status)
    yield from _owners(status)
    yield from _template(status)
    yield from _readiness(status)


def _model(status: Status) -> Iterator[str]:
    if status.champion is None:
        yield status.why("champion")
    if status.gate and not status.gate.passed:
        yield f"the gate refused the model ({', '.join(status.gate.codes)}): see `uv run factory compare`"


def _monitoring(status: Status) -> Iterator[str]:
    if status.monitor is None:
        if status.deployments:
            yield f"monitor what is deployed: {status.why('monitor')}"
        return
    for alert in status.monitor.alerts:
        of = f" of {alert.column}" if alert.column else ""
        yield f"{alert.code}{of} since {alert.since}: see `uv run factory monitor` and docs/monitoring.md"
    if status.monitor.states:
        yield f"monitoring is incomplete: {', '.join(status.monitor.states)}"
    if (status.at.date() - status.monitor.until).days > OVERDUE:
        yield f"monitoring last looked at {status.monitor.until}: start its pipeline again"


def _deployments(status: Status) -> Iterator[str]:
    champion = status.champion and status.champion.version
    for each in status.deployments:
        if champion and each.version != champion:
            yield f"{each.environment} runs {each.version}, and {champion} is the champion: `uv run factory deploy {each.environment}`"


def _owners(status: Status) -> Iterator[str]:
    if not status.owner:
        yield "nobody owns the model: state the owner in docs/model-card.yaml"
    if missing := [name for name, value in status.card if value is None]:
        yield f"state {', '.join(missing)} in docs/model-card.yaml"


def _template(status: Status) -> Iterator[str]:
    if status.template.behind:
        releases = "release" if status.template.behind == 1 else "releases"
        yield f"the template is {status.template.behind} {releases} newer, {status.template.newest}: `uv run factory update`"


def _readiness(status: Status) -> Iterator[str]:
    if status.readiness is None:
        yield status.why("readiness")
        return
    if status.readiness.expired:
        yield f"look again at {', '.join(status.readiness.expired)}, and renew docs/readiness.yaml"
    if status.readiness.missing:
        yield f"{len(status.readiness.missing)} tests of readiness are missing, first: {status.readiness.missing[0]}"
