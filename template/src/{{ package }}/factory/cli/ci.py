"""The commands that pipelines need besides those of every day."""

from typing import Any

import click

from .release import publish


@click.command()
@click.option("--base", metavar="REF", help="Commit to compare with; by default where the pull request goes.")
def affected(base: str | None) -> None:
    """Say which files of this change can change the model."""
    from .. import platforms
    from ..ci import affected

    found = affected.affected(base)
    click.echo("\n".join(found or ["nothing"]) if found is not None else "there is nothing to compare with: all")
    here = platforms.here()
    if here:
        here.output("model", "false" if found == [] else "true")


@click.command()
@click.option("--post", is_flag=True, help="Make it the pull request's comment.")
def summary(post: bool) -> None:
    """Say how it stands with the challenger, also in reports/summary.md; exit code 1 is a refusal, 2 no verdict."""
    from ..ci import propose, summary
    from ..errors import FactoryError

    found = summary.problems()
    text = summary.write(found)
    if post:
        try:
            place = propose.platform().comment(summary.MARKER, text)
            click.echo(f"See {place}" if place else "This run is for no pull request")
        except FactoryError as error:
            click.echo(f"Not posted: {error}", err=True)
    _end(found)


@click.command()
def propose() -> None:
    """Open a pull request with what a retraining made, or an issue with the reasons why it made nothing."""
    from ..ci import propose, summary
    from ..errors import FactoryError

    found = summary.problems()
    try:
        click.echo(propose.retrained(found))
    except FactoryError as error:
        if not found:
            raise
        click.echo(f"Not posted: {error}", err=True)
    _end(found)


@click.command()
@click.option("--template", metavar="URL", help="Where the template is now, if it has moved.")
@click.option("--release", metavar="X.Y.Z", help="Which release; by default the newest.")
@click.option(
    "--propose", "proposing", is_flag=True, help="Open a pull request with it, a draft where a person is needed."
)
def update(template: str | None, release: str | None, proposing: bool) -> None:
    """Bring in the template's improvements; exit code 2 is conflicts, 3 files kept that the template no longer has."""
    from ..ci import propose, template_update

    done = template_update.update(template, release)
    click.echo("\n".join(done.lines()))
    if proposing and done.before != done.after:
        click.echo(f"See {propose.updated(done)}")
    raise SystemExit(done.exit_code)


@click.command("deploy")
@click.argument("stage", metavar="STAGE")
@click.argument("version", metavar="vN")
def roll_out(stage: str, version: str) -> None:
    """Run a version's image at FACTORY_TARGET, a Docker host, and see there that it scores as recorded."""
    from ..release import deploy

    for line in deploy.rollout(stage, version):
        click.echo(f"✓ {line}")


def _end(found: list[Any]) -> None:
    from ..ci import summary

    for problem in found:
        click.echo(f"✗ {problem}", err=True)
    if found:
        raise SystemExit(summary.exit_code(found))
    click.echo("✓ The challenger passes")


ALL = (affected, summary, propose, update, publish, roll_out)
