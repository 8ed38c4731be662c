"""Commands that the pipelines run, besides those of every day."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from .main import main
from .options import DATE, FILE


@main.command()
@click.option("--base", metavar="REF", help="Commit to compare with (default: the target of the pull request).")
def affected(base: str | None) -> None:
    """List the changed files that affect the model."""
    from .. import platforms
    from ..ci import affected

    files = affected.files_affecting_model(base)
    click.echo("\n".join(files or ["none"]) if files is not None else "no commit to compare with: every file counts")
    platform = platforms.detect()
    if platform:
        platform.set_output("model", "false" if files == [] else "true")


@main.command()
@click.argument("environment")
@click.option("--create", is_flag=True, help="Make the changes.")
def infra(environment: str, create: bool) -> None:
    """Show what infra/ would change in Azure for an environment.

    `az` must be logged in. With --create it prints the keys of the environment for environments.yaml. One without a
    `resource_group` there is left out.

    \b
    Example: factory infra test
    """
    from ..deployment import infrastructure

    found = infrastructure.describe(environment)
    if found is None:
        click.echo(f"{environment} has no resource_group in environments.yaml: nothing is planned")
    elif create:
        infrastructure.create(found)
    else:
        infrastructure.plan(found)


@main.command()
@click.option("--post", is_flag=True, help="Post it as a comment on the pull request.")
@click.option("--from", "folder", type=FILE, metavar="FOLDER", help="Report what another job left in FOLDER.")
def summary(post: bool, folder: Path | None) -> None:
    """Report the pipeline's result, also in reports/summary.md.

    Exit code 0: the model passed the gate; 1: it was rejected; 2: it could not be evaluated. With --from, which trusts
    nothing in the folder, 0: the report was made, and posted if it should be.
    """
    from ..ci import summary
    from ..errors import FactoryError

    if folder:
        _report_received(post, folder)
        return
    problems = summary.find_problems()
    report = summary.write(problems)
    if post:
        try:
            click.echo(_post(report))
        except FactoryError as error:
            click.echo(f"Not posted: {error}", err=True)
    _exit_with(problems)


def _report_received(post: bool, folder: Path) -> None:
    from ..ci import received

    report = received.report(folder)
    click.echo(_post(report) if post else report)


def _post(report: str) -> str:
    """Post the report as the pull request's comment; where it is. Raises FactoryError."""
    from ..ci import summary
    from ..workspace import pull_request

    platform = pull_request.require_platform()
    url = platform.comment(summary.MARKER, platform.render_comment(report))
    return f"See {url}" if url else "Not posted: this run belongs to no pull request"


@main.command()
def propose() -> None:
    """Open a pull request with the retrained model, or an issue.

    An issue is opened, with the reasons, where retraining failed.
    """
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
@click.option("--fetch", is_flag=True, help="Only bring what the last run kept on the branch factory/monitor.")
@click.option("--until", type=DATE, help="The day that should have been looked at, in UTC (default: yesterday).")
def alert(fetch: bool, until: datetime | None) -> None:
    """Report open alerts as an issue; retrain where it can help.

    Of what `factory monitor` has found: an issue is opened once and updated by each run. What the next run has to know is
    kept on the branch factory/monitor, with the page of `factory dashboard`.
    """
    from ..ci import alert
    from ..monitoring import monitor

    if fetch:
        click.echo(f"Fetched: {', '.join(alert.fetch()) or 'nothing, this is the first run'}")
        return
    day = until.date() if until else monitor.yesterday()
    for line in alert.alert(f"{day}"):
        click.echo(line)


def _exit_with(problems: list[Any]) -> None:
    from ..ci import summary

    for problem in problems:
        click.echo(f"✗ {problem}", err=True)
    if problems:
        raise SystemExit(summary.exit_code(problems))
    click.echo("✓ Passed the gate")
