"""The commands around the model and its versions."""

import json
import sys
from pathlib import Path
from typing import Any

import click

FILE = click.Path(path_type=Path)
MODEL = click.option("--model", type=FILE, default=Path("model"), show_default=True, help="Folder of the model.")
WHY = click.option("-m", "--message", "why", default="", help="Why; it stays with the version.")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="For machines.")
ACCEPT = click.option(
    "--accept-contract-change", "accepted", metavar="WHY", help="Let contract.py differ from the champion's."
)


@click.command()
@ACCEPT
@click.option("--require-champion", is_flag=True, help="Refuse while no model has been promoted.")
def compare(accepted: str | None, require_champion: bool) -> None:
    """Judge the model here against the champion; exit code 1 is a refusal."""
    from .. import config
    from ..gate import compare
    from ..registry import versions

    compare.delete_reports()
    result = compare.compare(config.load(), versions.fetch(), accepted, require_champion=require_champion)
    compare.write_reports(result)
    _show(result)


@click.command()
@WHY
@ACCEPT
def promote(why: str, accepted: str | None) -> None:
    """Make the model of this commit the next version, if the gate lets it."""
    from .. import config
    from ..gate import promote

    version, result = promote.promote(config.load(), why, accepted)
    _show(result)
    if version:
        click.echo(f"✓ model/{version.name} is the champion")


@click.command()
@WHY
@click.option("--to", metavar="vN", help="Which version; by default what served before.")
def rollback(why: str, to: str | None) -> None:
    """Make an earlier version's model the champion again, as a new version."""
    from ..gate import promote

    version = promote.rollback(why, to)
    click.echo(f"✓ model/{version.name} is the champion, the model of v{version.facts['serves']}")


@click.command()
@AS_JSON
def models(as_json: bool) -> None:
    """List the versions of the model."""
    from .. import config
    from ..registry import versions

    known = versions.local()
    if as_json:
        listed = [
            {"name": version.name, "champion": version is known[-1], **(version.record or {})} for version in known
        ]
        click.echo(json.dumps(listed, indent=2, ensure_ascii=False))
        return
    from tabulate import tabulate

    metric = config.load().evaluation.metric
    click.echo(tabulate([_line(version, version is known[-1], metric) for version in known], headers="keys"))


@click.command()
def audit() -> None:
    """Check every version: verdict, tag, commit, artefacts."""
    from ..registry import audit

    known, problems = audit.audit()
    for problem in problems:
        click.echo(f"✗ {problem}")
    if problems:
        raise SystemExit(1)
    click.echo(f"✓ {len(known)} versions are what they were")


@click.command()
@click.argument("version", metavar="vN")
@AS_JSON
def trace(version: str, as_json: bool) -> None:
    """Tell what a version was made of: code, data, people, parameters, environment."""
    from ..registry import lineage, versions

    found = lineage.trace(versions.find(version, versions.local()))
    click.echo(json.dumps(found, indent=2, ensure_ascii=False) if as_json else "\n".join(lineage.to_lines(found)))


@click.command()
@click.option("--min", "least", type=float, help="Fail below this score.")
@AS_JSON
def readiness(least: float | None, as_json: bool) -> None:
    """Score the project by the ML Test Score: break what its tests guard, and see them notice."""
    from .. import config
    from ..readiness import ml_test_score, score

    quiet = not sys.stderr.isatty()
    with click.progressbar(ml_test_score.CLAIMS, label="Breaking things", file=sys.stderr, hidden=quiet) as bar:
        found = list(score.assess(config.load(), bar))
    reached = score.write(found)
    click.echo(score.FILES[0].read_text(encoding="utf-8") if as_json else score.table(found))
    if least is not None and reached < least:
        raise click.ClickException(f"the score is {reached:g}, less than {least:g}")


def _show(result: Any) -> None:
    click.echo(f"Model {result.model[:12]} against {result.reference}\n\n{result.table()}\n")
    if not result.passed:
        raise click.ClickException(f"refused: {', '.join(result.refusals)}")
    click.echo("The gate lets it pass")


def _line(version: Any, champion: bool, metric: str) -> dict[str, Any]:
    record = version.record or {"why": "no valid record: run `factory audit`"}
    return {
        "": "*" if champion else "",
        "version": version.name,
        "at": record.get("at", "")[:16],
        "what": f"{record.get('action', '')} v{record['serves']}" if "serves" in record else "",
        "by": record.get("by", "").partition(" <")[0],
        metric: record.get("metrics", {}).get(metric),
        "rows": record.get("rows"),
        "data": record.get("data", "")[:8],
        "model": record.get("model", "")[:8],
        "why": record["why"],
    }


ALL = (compare, promote, rollback, models, audit, trace, readiness)
