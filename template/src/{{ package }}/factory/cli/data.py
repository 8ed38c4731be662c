"""Commands for the project's data."""

import signal
from pathlib import Path
from typing import Any

import click

from .main import main
from .options import FILE


@main.command()
@click.argument("files", nargs=-1, type=FILE)
@click.option("--inbox", is_flag=True, help="Those in the storage's folder inbox/ that are new.")
@click.option("--source", help="Where the data comes from; by default the path.")
def ingest(files: tuple[Path, ...], inbox: bool, source: str | None) -> None:
    """Enter files as new deliveries, if they keep the contract."""
    from .. import config
    from ..data import ingest

    if inbox == bool(files):
        raise click.UsageError("name files, or say --inbox")
    params = config.load()
    entries = ingest.ingest_inbox(params) if inbox else ingest.ingest(list(files), params, source)
    for entry in entries:
        click.echo(f"✓ {entry.path}: {int(entry.rows):,} rows")
    click.echo("Next: git add data && git commit, then uv run dvc repro" if entries else "Nothing new")


@main.command()
@click.option("--diff", "file", type=FILE, required=True, help="The delivery to compare with the contract.")
def contract(file: Path) -> None:
    """Say how a file differs from the contract, and what change of contract.py would admit it; exit code 1 if it does."""
    from .. import config
    from ..data.contract_diff import diff

    lines, change = diff.diff(file, config.load())
    if not lines:
        click.echo(f"✓ {file} keeps the contract")
        return
    click.echo("\n".join(f"✗ {line}" for line in lines))  # which no header of a patch begins with
    click.echo(f"\n{change}" if change else "\nNo change of contract.py to propose", nl=not change)
    raise SystemExit(1)


@main.command()
@click.argument("table", type=FILE)
@click.option("--target", required=True, metavar="COLUMN", help="What the model is to tell.")
@click.option("--id", metavar="COLUMN", help="Names the row, or what several rows are about.")
@click.option("--time", metavar="COLUMN", help="Tells new rows from old: the newest are the test.")
@click.option("--sensitive", multiple=True, metavar="COLUMN", help="Groups that the gate compares; may be said again.")
@click.option(
    "--problem",
    type=click.Choice(["classification", "multiclass", "regression"]),
    help="If it is not as the target looks.",
)
@click.option("--yes", is_flag=True, help="Take the proposal as it is.")
@click.option("--force", is_flag=True, help="Also in place of your own data, once all is in Git.")
def adopt(table: Path, target: str, yes: bool, force: bool, **options: Any) -> None:
    """Put a table of yours, or a folder of them, in place of the sample: data, contract, features, tests and model."""
    from ..adopt import adopt, proposal, review

    for name in {"SIGHUP", "SIGTERM"} & set(dir(signal)):  # all is put back, as after Ctrl-C
        signal.signal(getattr(signal, name), signal.default_int_handler)
    choices = proposal.UserChoices(target, **options)
    for line in adopt.adopt(table, choices, review.accept if yes else review.review, force=force):
        click.echo(line)


@main.command()
def prepare() -> None:
    """Stage: check the deliveries and split them."""
    from .. import config
    from ..data import prepare

    prepare.run(config.load())
