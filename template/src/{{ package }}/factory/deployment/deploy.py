"""Deploy a version's image to an environment: start it, test it, and go back if its scores are not as recorded."""

import time
from collections.abc import Iterator, Sequence

import click

from .. import environments
from ..environments import HOST, REGISTRY, Environment
from ..errors import FactoryError
from ..registry import naming, trust, validity, versions
from ..registry.versions import Version
from ..release import image as local
from . import gitops, images, records, smoke_test, target, tested
from .images import Image

ALL = 100  # percent of the requests


def deploy(stage: str, name: str | None = None, image: str | None = None, traffic: int = ALL) -> Iterator[str]:
    """Run the image in the environment, or for a dry run on this machine; yields the steps done. Raises FactoryError.

    From a registry it is named by digest, by default the one in its provenance: a tag may have come to name another.
    """
    start, environment, known = time.monotonic(), environments.find(stage), versions.fetch()
    version = champion(name, known)
    if traffic != ALL and environment.target != "azureml":
        raise FactoryError(f"--traffic is for azureml: {environment.target} gives all requests to one version")
    if target.is_dry_run(environment) and not (image or environment.registry):
        yield from _dry_run(environment, version, stage)
        return
    trusted = validity.after(known, trust.trust())
    trusted.policies.check_names(naming.of_environment(environment))
    chosen = images.choose(version, known, image, environment.registry, trusted)
    trusted.policies.check_names([naming.of_image(chosen.name)])
    yield f"{chosen.name} is the image of {chosen.built.name}, by its provenance, {chosen.signed}"
    yield from tested.check(environment, chosen, trusted)
    if target.is_proposed(environment):
        yield _propose(environment, version, chosen)
        return
    yield from _run(environment, chosen.built, chosen.name, traffic)
    if not target.is_dry_run(environment):
        seconds = time.monotonic() - start
        share = "serves" if traffic == ALL else f"gets {traffic} percent of the requests"
        yield f"{chosen.name} {share} at {_place(environment)}, healthy after {seconds:.1f} s"
        record = records.of(environment.name, version, chosen.built, chosen.name, seconds)
        _record(chosen.built, record if traffic == ALL else None)


def champion(name: str | None, known: Sequence[Version]) -> Version:
    """The champion, if it has that name. Raises FactoryError."""
    if not known:
        raise FactoryError('no model has been promoted yet: run `uv run factory promote -m "why"`')
    version = versions.find(name or known[-1].name, [*known])
    if version != known[-1]:
        raise FactoryError(
            f'SUPERSEDED: {known[-1].name} is the champion by now: to go back, run `uv run factory rollback -m "why"`'
        )
    version.check()
    return version


def _dry_run(environment: Environment, version: Version, stage: str) -> Iterator[str]:
    image = f"{local.image_name()}:{version.name}"
    if local.is_here(image):
        yield from _run(environment, version, image, ALL)
    else:
        yield f"dry run: {HOST} and {REGISTRY} are not set for {stage}, and there is no image here"


def _run(environment: Environment, version: Version, image: str, traffic: int) -> Iterator[str]:
    """Start the image and keep it if it scores as recorded, unless it is a dry run; else the previous one serves again."""
    place, dry = target.of(environment), target.is_dry_run(environment)
    place.prepare(image, version)
    previous = None if dry else place.running()
    if traffic != ALL and not previous:
        raise FactoryError(f"TRAFFIC: {traffic} percent cannot be given while nothing else serves: deploy it without")
    try:
        place.up(image)
        yield from smoke_test.check_service(place.request, version)
        place.keep(image, traffic)
    except BaseException as error:
        try:
            place.up(previous) if previous else place.down(image)
        except FactoryError as another:
            raise FactoryError(f"{error}; and to go back failed: {another}") from error
        raise
    if dry:
        place.down(image)
        yield f"dry run: {image} served on this machine, and was stopped"


def _propose(environment: Environment, version: Version, image: Image) -> str:
    title = f"Deploy {version.name} to {environment.name}"
    place = gitops.Main(environment)
    text = f"{title}: {image.name}, built as {image.built.name}. The overlay's image is all that changes.\n"
    line = place.propose(image.name, title, text)
    _record(image.built)
    return line


def _record(built: Version, record: records.Record | None = None) -> None:
    """Record it where that can be: what serves is not stopped because it cannot."""
    try:
        records.keep(built, record)
    except FactoryError as error:
        click.echo(f"! Not recorded on the branch {records.BRANCH.name}: {error}", err=True)


def _place(environment: Environment) -> str:
    return environment.host or environment.url or environment.context or environment.name
