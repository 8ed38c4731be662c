"""Commands of pipelines, besides those of every day."""

from typing import Any

import click

from .main import main


@main.command()
@click.option("--base", metavar="REF", help="Commit to compare with; by default where the pull request goes.")
def affected(base: str | None) -> None:
    """Say which files of this change can change the model."""
    from .. import platforms
    from ..ci import affected

    files = affected.files_affecting_model(base)
    click.echo("\n".join(files or ["nothing"]) if files is not None else "there is nothing to compare with: all")
    platform = platforms.detect()
    if platform:
        platform.set_output("model", "false" if files == [] else "true")


@main.command()
@click.option("--post", is_flag=True, help="Make it the pull request's comment.")
def summary(post: bool) -> None:
    """Say how it stands with the challenger, also in reports/summary.md; exit code 1 is a refusal, 2 no verdict."""
    from ..ci import propose, summary
    from ..errors import FactoryError

    problems = summary.find_problems()
    report = summary.write(problems)
    if post:
        try:
            platform = propose.require_platform()
            url = platform.comment(summary.MARKER, platform.render_comment(report))
            click.echo(f"See {url}" if url else "This run is for no pull request")
        except FactoryError as error:
            click.echo(f"Not posted: {error}", err=True)
    _exit_with(problems)


@main.command()
def propose() -> None:
    """Open a pull request with what a retraining made, or an issue with the reasons why it made nothing."""
    from ..ci import propose, summary
    from ..errors import FactoryError

    problems = summary.find_problems()
    try:
        click.echo(propose.propose_retraining(problems))
    except FactoryError as error:
        if not problems:
            raise
        click.echo(f"Not posted: {error}", err=True)
    _exit_with(problems)


@main.command()
@click.option("--template", metavar="URL", help="Where the template is now, if it has moved.")
@click.option("--release", metavar="X.Y.Z", help="Which release; by default the newest.")
@click.option(
    "--propose", "proposing", is_flag=True, help="Open a pull request with it, a draft where a person is needed."
)
def update(template: str | None, release: str | None, proposing: bool) -> None:
    """Bring in the template's improvements; exit code 2 is conflicts, 3 files kept that the template no longer has."""
    from ..ci import propose, template_update

    result = template_update.update(template, release)
    click.echo("\n".join(result.lines()))
    if proposing and result.before != result.after:
        click.echo(f"See {propose.propose_update(result)}")
    raise SystemExit(result.exit_code)


def _exit_with(problems: list[Any]) -> None:
    from ..ci import summary

    for problem in problems:
        click.echo(f"✗ {problem}", err=True)
    if problems:
        raise SystemExit(summary.exit_code(problems))
    click.echo("✓ The challenger passes")
