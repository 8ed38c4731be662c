"""Deploy a version's image to an environment: start it, test it, and go back if its scores are not as recorded."""

import os
from collections.abc import Iterator

from ..errors import FactoryError
from ..registry import trust, validity, versions
from ..registry.versions import Version
from ..release import image as images
from ..release import provenance, publish
from . import smoke_test, target
from .compose import BY_DIGEST
from .target import Environment

HOST, URL = "FACTORY_TARGET", "FACTORY_URL"


def deploy(stage: str, name: str, image: str | None = None) -> Iterator[str]:
    """Run the image in the environment, or for a dry run on this machine; yields the steps done. Raises FactoryError.

    From a registry it is named by digest, by default the one in its provenance: a tag may have come to name another.
    """
    environment = _find(stage)
    fetched = versions.fetch()
    version = versions.find(name, fetched)
    if version != fetched[-1]:
        raise FactoryError(
            f'SUPERSEDED: {fetched[-1].name} is the champion by now: to go back, run `uv run factory rollback -m "why"`'
        )
    version.check()
    if environment.host or image or environment.registry:
        image = image or provenance.published(version)
        if not BY_DIGEST.fullmatch(image):
            raise FactoryError(
                f"{image} names no image by its digest: give the NAME@sha256:… that `factory publish` printed"
            )
        signed = provenance.verify(version, image, validity.after(fetched, trust.trust()))
        yield f"{image} is the image of {version.name}, by its provenance, {signed}"
    elif not images.is_here(image := f"{images.image_name()}:{version.name}"):
        yield f"dry run: {HOST} and {publish.REGISTRY} are not set for {stage}, and there is no image here"
        return
    yield from _run(environment, version, image)


def _run(environment: Environment, version: Version, image: str) -> Iterator[str]:
    """Start the image and keep it if it scores as recorded, unless it is a dry run; else the previous image serves again."""
    place = target.of(environment)
    place.prepare(image, version)
    previous = place.running() if environment.host else None
    try:
        place.up(image)
        yield from smoke_test.check_service(place.request, version)
        place.keep(image, 100)
    except BaseException:
        if previous:
            place.up(previous)
        else:
            place.down(image)
        raise
    if environment.host:
        yield f"{image} serves at {environment.host}"
    else:
        place.down(image)
        yield f"dry run: {image} served on this machine, and was stopped"


def _find(stage: str) -> Environment:
    host, url, registry = (os.environ.get(name, "") for name in (HOST, URL, publish.REGISTRY))
    return Environment(stage, host=host, url=url, registry=registry)
