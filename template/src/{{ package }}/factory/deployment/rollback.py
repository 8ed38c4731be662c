"""Roll back the champion and an environment that serves it: what could stop the deployment is looked at first."""

from collections.abc import Iterator

import click

from .. import environments
from ..errors import FactoryError
from ..gate import promote
from ..registry import trust, validity, versions
from . import deploy, images, target, tested


def rollback(why: str, to: str | None, stage: str) -> Iterator[str]:
    """Make the earlier model the champion, and run its earlier image in the environment; yields the steps. Raises FactoryError.

    Nothing is built. Where the image, its proofs or the environment cannot be had, no version is made and nothing changes.
    """
    environment, known = environments.find(stage), versions.fetch(promoting=True)
    promote.check_why(why)
    earlier, trusted = promote.rollback_target(to, known), validity.after(known, trust.trust())
    image = images.choose(earlier, known, None, environment.registry, trusted)
    [*tested.check(environment, image, trusted)]
    if not target.is_proposed(environment):
        target.of(environment).prepare(image.name, image.built)
    version = promote.rollback(why, to)
    yield f"model/{version.name} is the champion, with the model of v{version.facts['serves']} ({version.signature})"
    try:
        yield from deploy.deploy(stage, version.name)
    except FactoryError:
        again = f"uv run factory deploy {stage} {version.name}"
        click.echo(f"! {version.name} is the champion, but not deployed to {environment.name}: `{again}`", err=True)
        raise
