"""Whether an image may come to an environment: it has been verified, and has run in the environment before."""

from collections.abc import Iterator

from .. import environments
from ..environments import Environment
from ..errors import FactoryError, Refused
from ..registry.trust import Trust
from ..release import provenance
from ..release.image import digest
from . import records, smoke_test, target
from .images import Image


def check(environment: Environment, image: Image, trusted: Trust) -> Iterator[str]:
    """Check it for an environment with `after`; yields the evidence. Raises Refused."""
    if not environment.after:
        return
    name, after = image.built.name, environment.after
    if not provenance.is_verified(image.built):
        raise Refused(
            "UNVERIFIED",
            f"the provenance of {name} has no verification: run `uv run factory verify {name}` before `factory publish`",
        )
    for place in (after, environment.name):  # where it ran itself, it may come back
        for record in records.read(place, trusted):
            if digest(record.image) == image.digest:
                yield f"{name} passed in {place} on {record.at}, as {record.by} recorded"
                return
    yield _ask(environments.load()[after], image)


def _ask(environment: Environment, image: Image) -> str:
    """That the environment runs the image now, and how it answers: evidence where there is no record. Raises Refused."""
    name = image.built.name
    try:
        place = target.observed(environment)
        running = place.running() or "nothing"
        if digest(running) != image.digest:
            raise FactoryError(f"{environment.name} runs {running}")
        answers = [*smoke_test.check_service(place.request, image.built)]
    except FactoryError as error:
        advice = f"run `uv run factory deploy {environment.name} {name}` first"
        raise Refused(
            "UNTESTED", f"{image.name} has no record of {environment.name} that counts, and {error}: {advice}"
        ) from error
    return f"{environment.name} runs {name}: {'; '.join(answers)}"
