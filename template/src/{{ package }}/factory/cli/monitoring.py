"""Commands that watch a model in production."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from ..errors import CannotEvaluate, FactoryError, listed
from ..paths import REPORTS
from .main import main
from .options import AS_JSON, CAPTURES, DATE, FILE, count, load_params, places


@main.command()
@click.option("--until", type=DATE, help="The last day that counts, in UTC (default: yesterday).")
@click.option("--inbox", is_flag=True, help="First take in the outcomes in the storage's inbox.")
@click.option(
    "--environment",
    metavar="NAME",
    default="prod",
    show_default=True,
    help="Whose captures of environments.yaml to judge.",
)
@CAPTURES
@AS_JSON
def monitor(until: datetime | None, inbox: bool, environment: str, captures: tuple[str, ...], as_json: bool) -> None:
    """Judge what the model in production meets, window by window.

    Writes reports/monitor.json and, for Prometheus, monitor.prom. Exit code 0: no alert is open; 1: one is; 2: not everything could be judged.

    \b
    Example: factory monitor --captures s3://bucket/captures --until 2026-11-27
    """
    from ..monitoring import monitor, prometheus

    try:
        params, day = load_params(), until.date() if until else monitor.yesterday()
        monitor.check_begun(day)
        refused = [{"code": "OUTCOMES", "text": each} for each in _refused_outcomes(params)] if inbox else []
        report = monitor.run(params, places(captures, params, environment), day, refused)
        prometheus.write(report)
    except FactoryError as error:
        error.exit_code = CannotEvaluate.exit_code  # 1 is an alert
        raise
    click.echo(json.dumps(report, indent=2, ensure_ascii=False) if as_json else "\n".join(_lines(report)))
    raise SystemExit(monitor.exit_code(report))


def _refused_outcomes(params: Any) -> list[str]:
    """What of the inbox could not be taken in: the rest counts."""
    try:
        return _from_inbox(params)[1]
    except FactoryError as error:
        return [f"the inbox cannot be read: {error}"]


def _lines(report: dict[str, Any]) -> Iterator[str]:
    """What is open and what could not be judged; then where the rest is."""
    for tier, mark in (("alerts", "✗"), ("notices", "!")):
        yield from (f"{mark} {each['code']} {each['model']}: {each['text']}" for each in report[tier] if each["open"])
    yield from (f"! {state['code']}: {state['text']}" for state in report["states"])
    rows = sum(window["rows"] for window in report["windows"])
    windows = count(len(report["windows"]), "window")
    yield f"{windows} with {count(rows, 'row')} until {report['until']}: {REPORTS / 'monitor.json'}"


@main.command()
@click.argument("files", nargs=-1, type=FILE)
@click.option("--inbox", is_flag=True, help="Take the new files in the folder inbox/outcomes/ of the storage.")
@click.option(
    "--as-delivery",
    "delivery",
    metavar="[NAME]",
    is_flag=False,
    flag_value="",
    help="Add the rows whose outcome is known as a delivery of this name (default: captured- and the date).",
)
@click.option("--lenient", is_flag=True, help="Exit with 0 also where files are refused.")
@CAPTURES
def outcomes(
    files: tuple[Path, ...], inbox: bool, delivery: str | None, lenient: bool, captures: tuple[str, ...]
) -> None:
    """Take in what became of scored rows, which is known later.

    A file has the column of the target, and names rows by the id, or by `_request` and `_row`, the position in it. The same
    twice counts once; a contradiction is refused. With --as-delivery captured rows and their outcomes become a delivery.

    \b
    Example: factory outcomes arrived-2013-05.csv
    """
    from ..monitoring import intake

    if bool(files) + inbox > 1 or not (files or inbox or delivery is not None):
        raise click.UsageError("Name the files, or use --inbox, or --as-delivery.")
    params = load_params()
    received, refused = _from_inbox(params) if inbox else (intake.receive(files, params), [])
    for line in _received(received, places(captures, params), params) if received else ["Nothing new"] if inbox else []:
        click.echo(line)
    if delivery is not None:
        _deliver(delivery, places(captures, params), params)
    if refused and not lenient:
        raise FactoryError("; ".join(refused))
    for each in refused:
        click.echo(f"! {each}", err=True)


@main.command()
@click.argument("out", type=FILE, default="reports/dashboard.html")
def dashboard(out: Path) -> None:
    """Write the page on versions, performance, drift, services, cost.

    It needs no server and shows what is known: by `factory monitor`, the versions' tags, the deliveries, and Prometheus if
    FACTORY_PROMETHEUS has its address.
    """
    from .. import config
    from ..dashboard.dashboard import write

    for line in write(config.load(), out):
        click.echo(f"! {line}", err=True)
    click.echo(f"✓ {out}")


def _from_inbox(params: Any) -> tuple[list[Any], list[str]]:
    """What was in new files of the inbox, and why others were refused, for which nobody else's have to wait."""
    from ..data.ingest import new_files
    from ..monitoring import intake

    received, refused = list[Any](), list[str]()
    with new_files("inbox/outcomes", intake.received_files(params)) as (address, files):
        for file in files:
            try:
                received += intake.receive([file], params)
            except CannotEvaluate:
                raise
            except FactoryError as error:
                refused.append(f"{error}".replace(f"{file}", f"{address}/{file.name}"))
    return received, refused


def _received(received: Any, places: list[str], params: Any) -> Iterator[str]:
    """What was in the files, and how it fits what was captured."""
    import polars as pl

    from ..monitoring import labelled, outcomes

    for each in received:
        without = f", {count(each.unlabelled, 'row')} without one" if each.unlabelled else ""
        yield f"✓ {each.file.name}: {count(each.outcomes.height, 'outcome')}, {each.new:,} of them new{without}"
    table = pl.concat([each.outcomes for each in received], how="diagonal_relaxed")
    try:
        fit = labelled.fit(table, _captured(places), outcomes.read(params), params)
    except CannotEvaluate as error:
        yield f"! Nothing is joined yet: {error}"
        return
    yield f"of captured rows: {count(fit.known, 'outcome')}"
    if fit.before:
        what = count(fit.before, "outcome")
        yield f"! known before the request, so that they do not count: {what}; by `_request` and `_row` they would"
    if fit.contradicted:
        yield f"! contradicted by those that name the row otherwise: outcomes of {count(fit.contradicted, 'row')}, which has none"
    if fit.unknown:
        yield f"! of rows that were not captured: {count(len(fit.unknown), 'outcome')}: {listed(fit.unknown, 3)}"


def _deliver(name: str, places: list[str], params: Any) -> None:
    """Add captured rows and their outcomes as a delivery."""
    from ..monitoring import labelled, outcomes

    entry, left_out = labelled.deliver(
        name or labelled.name_of_today(), _captured(places), outcomes.read(params), params
    )
    for reason, rows in left_out.items():
        click.echo(f"! {count(rows, 'row')} left out: {reason}")
    click.echo(
        f"✓ {entry.path}: {count(int(entry.rows), 'row')}, {entry.source}"
        if entry
        else "No new rows whose outcome is known"
    )
    if entry:
        click.echo("Next: git add data && git commit, then uv run dvc repro")


def _captured(places: list[str]) -> Any:
    """All days of captures, today included. Raises CannotEvaluate."""
    from datetime import UTC, datetime

    from ..monitoring import captures

    return captures.days(places, datetime.now(UTC).date())
