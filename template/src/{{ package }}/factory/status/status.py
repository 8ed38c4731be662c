"""The status of the project here, as of now."""

from datetime import UTC, datetime

from .. import config
from ..dashboard import history
from . import assessment, costs, packages, production, project, runs, template
from .model import FORMAT, Status
from .reasons import Reasons


def read() -> Status:
    """All that can be found out, and of the rest why not. Raises FactoryError outside a project."""
    reasons, at, params = Reasons(), datetime.now(UTC).replace(microsecond=0), config.load()
    name, description = project.about()
    made = reasons.of("champion", history.read)
    owner, card = project.card(reasons)
    return Status(
        format=FORMAT,
        at=at,
        project=name,
        description=description,
        owner=owner,
        address=reasons.of("address", project.address),
        commit=reasons.of("commit", project.commit),
        template=template.template(reasons),
        card=card,
        contract=project.contract(reasons),
        champion=None if made is None else production.champion(made, params, reasons),
        gate=production.gate(made or [], reasons),
        monitor=production.monitored(reasons),
        readiness=assessment.readiness(reasons),
        questions=assessment.questions(reasons),
        doctor=assessment.findings(reasons),
        cost=reasons.of(
            "cost", lambda: costs.month(runs.read(made or [], params.monitor), params.monitor, at, reasons)
        ),
        deployments=production.deployments(made or [], reasons),
        data=project.deliveries(reasons),
        dependencies=reasons.of("dependencies", lambda: packages.dependencies(made or [])),
        unknown=reasons.unknown,
    )
