"""Commands for the project's data."""

import json
import os
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from .. import interruption
from . import erasures
from .main import main
from .options import AS_JSON, FILE, FROM, GROUP, HORIZON, QUERY, SEASON, SHEET, table_of

SOURCE_WIDTH = 40  # so that a line of the ledger fits into a terminal


@main.command()
@click.argument("files", nargs=-1, type=FILE)
@click.option("--inbox", is_flag=True, help="Add the new files in the folder inbox/ of the storage.")
@QUERY
@FROM
@SHEET
@click.option("--source", metavar="TEXT", help="Where the data comes from (default: the file's path, or the query).")
def ingest(
    files: tuple[Path, ...], inbox: bool, query: Path | None, url: str | None, sheet: str | None, source: str | None
) -> None:
    """Validate files against the contract and add them as deliveries.

    Reads CSV, Parquet, workbooks and JSON Lines, also compressed, and folders of them. A file that violates the contract
    is refused and changes nothing. The rows of a query become a Parquet file, which records the query, the time and the server.

    \b
    Example: factory ingest flights-2013-05.csv --source "operations, by mail"
    """
    interruption.expect()
    from .. import config
    from ..data import ingest

    if [inbox, bool(files), query is not None].count(True) != 1:
        raise click.UsageError("Name the files, or use --inbox or --query.")
    params = config.load()
    if query:
        with table_of(None, query, url) as table:
            entries = ingest.ingest([table], params, source, diff=f"--query {shlex.quote(f'{query}')}")
    else:
        entries = ingest.ingest_inbox(params) if inbox else ingest.ingest([*files], params, source, sheet=sheet)
    for entry in entries:
        click.echo(f"✓ {entry.path}: {int(entry.rows):,} rows")
    click.echo("Next: git add data && git commit, then uv run dvc repro" if entries else "Nothing new")


@main.command()
@click.option("--erase", "name", metavar="NAME", help="Delete this delivery here; its record stays, with the reason.")
@click.option("-m", "--message", "why", default="", metavar="WHY", help="The reason for which it is erased.")
@AS_JSON
def ledger(name: str | None, why: str, as_json: bool) -> None:
    """List the deliveries: who added them, when, from where.

    Names, sources and hashes are shortened; --json has all of them.

    \b
    Example: factory ledger --erase flights-2013-05.csv -m "consent withdrawn"
    """
    from tabulate import tabulate

    from ..data import integrity, ledger

    if name:
        entry = integrity.erase(name, why)
        click.echo(f"✓ {entry.path} is erased here; {ledger.ERASED} keeps its record")
        click.echo("! DVC's cache and storage keep the content of earlier commits until you delete it there")
        click.echo("Next: git add data && git commit, then uv run dvc repro")
        return
    deliveries, erased = ledger.entries(), ledger.erasures()
    if as_json:
        tables = {"deliveries": [*map(asdict, deliveries)], "erased": [*map(asdict, erased)]}
        click.echo(json.dumps(tables, indent=2, ensure_ascii=False))
        return
    shown = [asdict(entry) | _shortened(entry) for entry in deliveries]
    click.echo(tabulate(shown, headers="keys", disable_numparse=True) or "No delivery yet")
    for erasure in erased:
        click.echo(f"erased {erasure.erased[:10]} by {erasure.erased_by}: {erasure.file}: {erasure.why}")


@main.command()
@click.option("--id", "id", metavar="ID", help="Rows with this id, in the column data.id of params.yaml.")
@click.option(
    "--request", metavar="ID", help="The rows of this captured request, and all others with an id that is in it."
)
@click.option(
    "--captures",
    multiple=True,
    type=FILE,
    help="Folder of captures; repeatable (default: FACTORY_CAPTURE).",
)
@click.option("-m", "--message", "why", default="", metavar="WHY", help="The reason, without the id: Git keeps it.")
@click.option("--yes", is_flag=True, help="Erase; otherwise only show what would be erased.")
def erase(id: str | None, request: str | None, captures: tuple[Path, ...], why: str, yes: bool) -> None:
    """Erase a person's rows in captures, outcomes and training data.

    Each delivery with such rows is replaced by one without; the record of the old one moves to data/erased.csv. Shows which
    versions learned from it, and what remains to be done. If it is interrupted, run it again.

    \b
    Example: factory erase --id C1234 --captures captures -m "request 17" --yes
    """
    from .. import config
    from ..data import captures as captured
    from ..data import erasure, ingest

    if (id is None) == (request is None):
        raise click.UsageError("Name either --id or --request.")
    captures = captures or _captures()
    if request and not captures:
        raise click.UsageError("--captures FOLDER is missing, and FACTORY_CAPTURE is not set.")
    params = config.load()
    with ingest.lock():
        if yes and (interrupted := erasure.finish()):
            click.echo("✓ The erasure that was interrupted is complete")
            erasures.show_rest(interrupted)
        kept = [folder for folder in [Path(params.monitor.outcomes)] if folder.is_dir()]
        files, halves = captured.files(captures), captured.half_written([*captures, *kept])
        name = erasure.id_column(params, id)
        ids = {id} if id else captured.ids_in(f"{request}", files, name)
        found = captured.find(files, name, ids, request)
        outcomes = captured.outcomes_of(found, captured.files(kept), name, ids, request)
        with erasure.staged(ids, params) as plan:
            erasures.show_found(plan, found, outcomes, halves, captured.lacking(files, name) if id else 0)
            if not (plan.replacements or plan.objects or found or outcomes or halves):
                return click.echo("Nothing to erase")
            if not yes:
                return click.echo('Nothing is erased yet: the same with --yes and -m "why" does it')
            erasure.check_why(why, plan, ids)
            erasure.commit(plan, why)
        captured.remove_all([*outcomes, *found], halves)  # found last, since by them the outcomes are found
    click.echo("✓ These rows are erased from captures, outcomes, deliveries, prepared rows and DVC's cache here")
    return erasures.show_rest(plan)


def _captures() -> tuple[Path, ...]:
    """The service's folder of captures, which click would split at each colon."""
    folder = os.environ.get("FACTORY_CAPTURE")
    return (Path(folder),) if folder else ()


def _shortened(entry: Any) -> dict[str, str]:
    source = entry.source
    return {
        "received": entry.received[:16].replace("T", " "),
        "by": entry.by.partition(" <")[0],
        "source": source if len(source) <= SOURCE_WIDTH else f"{source[: SOURCE_WIDTH - 1]}…",
        "sha256": entry.sha256[:8],
    }


@main.command()
@click.option("--diff", "file", type=FILE, help="The file to compare with the contract.")
@QUERY
@FROM
@SHEET
@click.option("--dictionary", is_flag=True, help="Write docs/data-dictionary.md: what each column is, for people.")
def contract(file: Path | None, query: Path | None, url: str | None, sheet: str | None, dictionary: bool) -> None:
    """Compare a file with the contract; propose a patch to accept it.

    Or write docs/data-dictionary.md, from the contract, with --dictionary. Exits with code 1 if the file violates the
    contract. To apply the patch that is printed, pipe it into `git apply`.

    \b
    Example: factory contract --diff flights-2013-05.csv
    """
    from .. import config
    from ..data.contract_diff import diff
    from ..evaluation import dictionary as page
    from ..paths import DICTIONARY

    if [file is not None, query is not None, dictionary].count(True) != 1:
        raise click.UsageError("Name either --diff, --query or --dictionary.")
    params = config.load()
    if dictionary:
        page.write(params)
        return click.echo(f"✓ {DICTIONARY}")
    with table_of(file, query, url) as table:
        lines, change = diff.diff(table, params, sheet)
    if not lines:
        return click.echo(f"✓ {query or file} satisfies the contract")
    click.echo("\n".join(f"✗ {line}" for line in lines))  # which no header of a patch begins with
    click.echo(f"\n{change}" if change else "\nNo patch of contract.py to propose", nl=not change)
    raise SystemExit(1)


@main.command()
@click.argument("table", type=FILE, required=False)
@QUERY
@FROM
@SHEET
@click.option("--target", metavar="COLUMN", help="Also show how this column differs by the values of the others.")
@click.option("--out", type=FILE, metavar="PAGE", help="Write a page with everything, such as profile.html.")
def profile(
    table: Path | None, query: Path | None, url: str | None, sheet: str | None, target: str | None, out: Path | None
) -> None:
    """Look at a table: missing, impossible and redundant values.

    TABLE is a file, or a folder of files with the same columns; or name a query. Nothing is changed. Values of
    personal data are not shown.

    \b
    Example: factory profile customers.csv --target churned --out profile.html
    """
    from .. import tables
    from ..adopt import exploration

    if out and (out.is_dir() or not out.parent.is_dir()):  # which would be noticed after minutes
        raise click.UsageError(f"--out {out}: {'a folder' if out.is_dir() else f'no folder {out.parent}'}.")
    with table_of(table, query, url) as path:
        explored = exploration.explore(path, target, sheet)
    if out:
        with tables.private(out) as page:
            page.write_text(explored.page(), encoding="utf-8")
    click.echo(explored.summary(f"{out}" if out else "--out profile.html shows them"))
    if out:
        click.echo(f"\n✓ {out}")


@main.command()
@click.argument("table", type=FILE, required=False)
@QUERY
@FROM
@click.option("--target", required=True, metavar="COLUMN", help="Column to predict.")
@click.option("--id", metavar="COLUMN", help="Identifier of the row, or of the entity that several rows belong to.")
@click.option(
    "--time", metavar="COLUMN", help="Timestamp, or its parts: YEAR,MONTH,DAY; the newest rows become the test set."
)
@click.option("--sensitive", multiple=True, metavar="COLUMN", help="Column whose groups the gate compares; repeatable.")
@click.option(
    "--problem",
    type=click.Choice(["classification", "multiclass", "regression", "forecasting"]),
    help="Override the problem type that is inferred from the target.",
)
@click.option(
    "--role",
    "answers",
    multiple=True,
    metavar="COLUMN=ROLE",
    help="Role of a column, as at the prompt: feature, excluded, id, time, sensitive, measured, group or known-ahead; repeatable.",
)
@GROUP
@HORIZON
@SEASON
@SHEET
@click.option("--yes", is_flag=True, help="Accept the proposal without review: every doubt is settled cautiously.")
@click.option("--force", is_flag=True, help="Replace your own data too; it has to be committed in Git.")
def adopt(
    table: Path | None, query: Path | None, url: str | None, sheet: str | None, yes: bool, force: bool, **options: Any
) -> None:
    """Replace the sample with your own table, and train on it.

    TABLE is a file, or a folder of files with the same columns; or name a query. Asks about what is doubtful, and
    proposes a role and a type for each column; then writes contract.py, features.py, params.yaml and their tests,
    runs the pipeline, and says whether the gate would pass the model. Any failure restores what was there; a refusal
    by the gate is none.

    \b
    Example: factory adopt customers.csv --target churned --id customer --time signed_up
    Example: factory adopt sales.csv --target sold --problem forecasting --group shop --horizon 14
    """
    interruption.expect()
    from ..adopt import adopt, review, transaction
    from ..adopt.choices import UserChoices

    answers = options.pop("answers")
    choices = UserChoices(**options)
    for answer in answers:
        choices = review.with_answer(choices, answer)
    transaction.check_can_replace(force)  # before a query that may take long
    with table_of(table, query, url) as path:
        for line in adopt.adopt(path, choices, review.accept if yes else review.review, force=force, sheet=sheet):
            click.echo(line)


@main.command()
def prepare() -> None:
    """Validate all deliveries and split them into train and test rows.

    A stage of `dvc repro`: data/raw/ → data/prepared/
    """
    from .. import config, tables
    from ..data import prepare
    from ..paths import PREPARED, RAW

    params = config.load()
    click.echo(f"Validating the deliveries in {RAW}/")
    prepare.run(params)
    train, test = (tables.count(PREPARED / f"{name}.parquet") for name in ("train", "test"))
    click.echo(f"✓ {train:,} training rows and {test:,} test rows in {PREPARED}/")
