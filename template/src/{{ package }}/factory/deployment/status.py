"""What an environment runs, against what was recorded when it was last deployed to."""

from .. import environments
from ..errors import CannotEvaluate, Refused
from ..registry import trust, validity, versions
from ..release.image import digest
from . import records, target


def check(stage: str) -> str:
    """What runs, if it is what was recorded. Raises Refused with DRIFTED."""
    environment = environments.find(stage)
    found = records.read(environment.name, validity.after(versions.fetch(), trust.trust()))
    if not found:
        advice = (
            f"deploy to it by `uv run factory deploy {stage}`; Argo CD and Flux compare what they deploy themselves"
        )
        raise CannotEvaluate("NOT_RECORDED", f"{records.BRANCH.name} has no record of {environment.name}: {advice}")
    last, running = found[-1], target.observed(environment).running()
    recorded = f"{last.image}, which {last.by} deployed on {last.at}"
    if digest(running or "") != digest(last.image):
        advice = f"find out who changed it, then run `uv run factory deploy {stage}`"
        raise Refused("DRIFTED", f"{environment.name} runs {running or 'nothing'}, not {recorded}: {advice}")
    return f"{environment.name} runs {recorded}"
