"""Commands for the model: how it is made and used, and which version is the champion."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from .main import main
from .options import ACCEPT, AS_JSON, FILE, MODEL, WHY


@main.command()
def train() -> None:
    """Stage: fit the model and write it down."""
    from .. import config
    from ..training import train

    train.run(config.load())


@main.command()
def evaluate() -> None:
    """Stage: measure the model and write the reports."""
    from .. import config
    from ..evaluation import evaluate

    evaluate.run(config.load())


@main.command()
@click.option("--trials", type=click.IntRange(min=2), default=30, show_default=True, help="How many to try.")
def tune(trials: int) -> None:
    """Search for better parameters and write the best to params.yaml."""
    from .. import config
    from ..training import tune

    params = config.load()
    name, best = params.evaluation.metric, [float("nan")]
    bar: Any
    with click.progressbar(length=trials, label="Trials", item_show_func=lambda _: f"{name} {best[0]:.4f}") as bar:

        def on_trial(value: float) -> None:
            best[0] = value
            bar.update(1)

        result = tune.tune(params, trials, on_trial)
    click.echo(
        f"{name} over the folds: {result.now:.4f} now, {result.best:.4f} at best; {result.pruned} trials given up"
    )
    if result.best == result.now:
        click.echo("params.yaml stays as it is")
        return
    tune.write(result.parameters)
    click.echo("params.yaml holds the best; next: uv run dvc repro")


@main.command()
@click.argument("source", metavar="IN", type=FILE)
@click.argument("destination", metavar="OUT", type=FILE)
@MODEL
def score(source: Path, destination: Path, model: Path) -> None:
    """Score the rows of a table, into CSV or Parquet."""
    from .. import tables
    from ..scoring import batch
    from ..scoring.scorer import Scorer

    scorer = Scorer.load(model)
    with click.progressbar(length=tables.count(source), label="Scoring") as bar:
        rows = batch.score_file(scorer, source, destination, bar.update)
    click.echo(f"{rows:,} rows scored into {destination}")


@main.command()
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
    _show_result(result)


@main.command()
@WHY
@ACCEPT
def promote(why: str, accepted: str | None) -> None:
    """Make the model of this commit the next version, if the gate lets it."""
    from .. import config
    from ..gate import promote

    version, result = promote.promote(config.load(), why, accepted)
    _show_result(result)
    if version:
        click.echo(f"✓ model/{version.name} is the champion")


@main.command()
@WHY
@click.option("--to", metavar="vN", help="Which version; by default what served before.")
def rollback(why: str, to: str | None) -> None:
    """Make an earlier version's model the champion again, as a new version."""
    from ..gate import promote

    version = promote.rollback(why, to)
    click.echo(f"✓ model/{version.name} is the champion, the model of v{version.facts['serves']}")


@main.command()
@AS_JSON
def models(as_json: bool) -> None:
    """List the versions of the model."""
    from .. import config
    from ..registry import versions

    local = versions.local()
    if as_json:
        rows = [{"name": version.name, "champion": version is local[-1], **(version.record or {})} for version in local]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    from tabulate import tabulate

    metric = config.load().evaluation.metric
    click.echo(tabulate([_table_row(version, version is local[-1], metric) for version in local], headers="keys"))


@main.command()
def audit() -> None:
    """Check every version: verdict, tag, commit, artefacts."""
    from ..registry import audit

    versions, problems = audit.audit()
    for problem in problems:
        click.echo(f"✗ {problem}")
    if problems:
        raise SystemExit(1)
    click.echo(f"✓ {len(versions)} versions are what they were")


@main.command()
@click.argument("version", metavar="vN")
@AS_JSON
def trace(version: str, as_json: bool) -> None:
    """Tell what a version was made of: code, data, people, parameters, environment."""
    from ..registry import lineage, versions

    facts = lineage.trace(versions.find(version, versions.local()))
    click.echo(json.dumps(facts, indent=2, ensure_ascii=False) if as_json else "\n".join(lineage.to_lines(facts)))


@main.command()
@click.option("--min", "minimum", type=float, help="Fail below this score.")
@AS_JSON
def readiness(minimum: float | None, as_json: bool) -> None:
    """Score the project by the ML Test Score: break what its tests guard, and see them notice."""
    from .. import config
    from ..readiness import ml_test_score, score

    quiet = not sys.stderr.isatty()
    with click.progressbar(ml_test_score.CRITERIA, label="Breaking things", file=sys.stderr, hidden=quiet) as bar:
        scores = list(score.assess(config.load(), bar))
    total = score.write(scores)
    click.echo(score.FILES[0].read_text(encoding="utf-8") if as_json else score.table(scores))
    if minimum is not None and total < minimum:
        raise click.ClickException(f"the score is {total:g}, less than {minimum:g}")


def _show_result(result: Any) -> None:
    click.echo(f"Model {result.model[:12]} against {result.reference}\n\n{result.table()}\n")
    if not result.passed:
        raise click.ClickException(f"refused: {', '.join(result.refusals)}")
    click.echo("The gate lets it pass")


def _table_row(version: Any, champion: bool, metric: str) -> dict[str, Any]:
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
