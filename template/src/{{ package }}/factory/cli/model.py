"""Commands that train, measure and use the model."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from .. import interruption, paths
from . import trial_tables
from .main import main
from .options import FILE, MODEL, load_params


@main.command()
def train() -> None:
    """Fit the model and write it to model/.

    A stage of `dvc repro`: data/prepared/train.parquet → model/
    """
    from .. import manifest
    from ..paths import MODEL, TRAINING
    from ..training import train

    params = load_params()
    click.echo("Training on data/prepared/train.parquet")
    train.run(params)
    model = manifest.read_manifest(MODEL)
    for line in _training_lines(model, params.evaluation.metric):
        click.echo(f"  {line}")
    cost = json.loads(TRAINING.read_text(encoding="utf-8"))
    click.echo(f"✓ {MODEL}/ in {cost['seconds']:.1f} s, {cost['peak_memory_mb']:.0f} MB of memory")


@main.command()
def evaluate() -> None:
    """Measure the model on the test rows and write the reports.

    A stage of `dvc repro`: model/ and data/prepared/test.parquet → reports/
    """
    from ..evaluation import evaluate
    from ..evaluation.formatting import number
    from ..paths import REPORTS

    params = load_params()
    click.echo("Evaluating model/ on the test rows")
    evaluate.run(params)
    results = json.loads((REPORTS / "evaluation.json").read_text(encoding="utf-8"))
    for name, metric in sorted(results["metrics"].items(), key=lambda item: item[0] != params.evaluation.metric):
        value, low, high, baseline = (number(metric[key]) for key in ("value", "low", "high", "baseline"))
        click.echo(f"  {name:20} {value:>7}   95% interval {low} to {high}, baseline {baseline}")
    click.echo(f"✓ {results['test_rows']:,} test rows; report: {REPORTS}/report.html")


@main.command()
@click.option("--write", is_flag=True, help="Write the chosen one to model.py and to the section model of params.yaml.")
@click.option("--force", is_flag=True, help="Replace a model.py that somebody has edited.")
def candidates(write: bool, force: bool) -> None:
    """Compare models of several families and choose one.

    Linear models, boosting, extra trees and blends of them, by cross-validation on the training rows, which keeps
    groups and time. The simplest is chosen that is not worse than the best by more than one standard error. The test
    rows are never read. All are listed in reports/candidates.csv, which the report shows as long as the model is the
    one written from it. Without --write, nothing else changes.
    """
    from ..evaluation import leaderboard
    from ..evaluation.formatting import number
    from ..paths import CANDIDATES
    from ..training import model_code, selection
    from ..workspace import ruff

    params = load_params()
    if write and not force and not model_code.is_generated(model_code.PATH.read_text(encoding="utf-8")):
        raise click.UsageError("model.py has been edited, and --write would replace it: commit it, and add --force.")
    if write:
        ruff.check_installed()
    choice = selection.run(
        params,
        lambda each, metric: click.echo(f"  {metric} {number(each.figure(metric)):>7}  {each.candidate.name}"),
        lambda candidate, reason: click.echo(f"  left out  {candidate.name}: {reason}"),
    )
    if choice is None:
        click.echo("Too few training rows to compare candidates: the default is chosen")
    else:
        click.echo(f"{trial_tables.of_candidates(choice)}\nAll candidates: {CANDIDATES}")
    if write:
        selection.write(choice.chosen.candidate if choice else selection.default(params))
        leaderboard.mark(load_params())
        click.echo("✓ The chosen model is in model.py and params.yaml. Next: uv run dvc repro")


@main.command()
@click.option("--trials", type=click.IntRange(min=2), default=30, show_default=True, help="Number of trials.")
def tune(trials: int) -> None:
    """Search for better parameters and write the best to params.yaml.

    The ranges are SPACE in model.py; what counts is the validation figure of the main metric, as `factory train`
    reports it. The test rows are never read.
    """
    from ..evaluation import tuning
    from ..evaluation.formatting import number
    from ..training import parameters, tune

    params = load_params()
    bar: Any
    with click.progressbar(length=trials, label="Trials", item_show_func=lambda text: text) as bar:
        result = tune.tune(params, trials, lambda result: bar.update(1, f"best {number(result.best.figure)}"))
    tuning.save(result.table(), result.metric)
    click.echo(trial_tables.of_trials(result))
    name, now, best = result.metric.name, result.now, result.best
    pruned = f"; {result.pruned} of {trials} trials pruned" if result.pruned else ""
    click.echo(f"\nValidation {name}: {number(now.figure)} now, {number(best.figure)} at best{pruned}")
    click.echo(f"All trials: {tuning.CSV}, {tuning.PLOT}")
    if best is now:
        click.echo("No better parameters found: params.yaml is unchanged")
        return
    parameters.write(best.parameters)
    click.echo("The best parameters are in params.yaml. Next: uv run dvc repro")


@main.command()
@click.argument("source", metavar="IN")
@click.argument("destination", metavar="OUT")
@click.option("--model", default=str(paths.MODEL), show_default=True, help="Folder of the model; its URL, with Spark.")
@click.option(
    "--signers",
    type=FILE,
    default=lambda: os.environ.get("FACTORY_SIGNERS"),  # click's envvar takes an empty one for none
    metavar="FILE",
    help="Who may have signed the model (default: FACTORY_SIGNERS).",
)
@click.option(
    "--engine",
    type=click.Choice(["local", "spark"]),
    default="local",
    show_default=True,
    help="What scores: this machine, or the workers of Spark.",
)
@click.option("--reject", metavar="FOLDER", help="Set rows that violate the contract aside in this folder.")
@click.option(
    "--resume",
    is_flag=True,
    help="Go on where an interrupted run of the same rows and model ended; on this machine that is always so.",
)
@click.option("--jobs", type=click.IntRange(min=1), help="Processors to use on this machine (default: all).")
@click.option(
    "--origin",
    metavar="TIME",
    help="Of a forecast, the time after which it begins (default: the newest with a known target).",
)
def score(
    source: str,
    destination: str,
    model: str,
    signers: Path | None,
    engine: str,
    reject: str | None,
    resume: bool,
    jobs: int | None,
    origin: str | None,
) -> None:
    """Predict for each row of a file, or of many, as CSV or Parquet.

    IN is a file, a folder, a glob in quotes, or the URL of one. OUT is a file, or a folder with a file for each of IN.

    Every row is validated against the contract; if one violates it, nothing is written, unless --reject sets such rows aside
    with their reasons. With --signers, a file of allowed signers as Git has it, the model must be signed by one of them.

    With `--engine spark`, IN is a folder, a glob or a URL of Parquet or CSV files, and OUT a new folder: docs/engines.md.

    A model of forecasts reads the history of its series from IN, and beyond the origin what is known ahead, and writes the
    steps after it to the file OUT.

    \b
    Example: factory score flights.csv scores.parquet
             factory score "inbox/*.parquet" scores --reject rejected
    """
    interruption.expect()
    if engine == "spark":
        from ..scoring.spark import job

        if jobs or origin:
            raise click.UsageError("--jobs and --origin are for this machine: with Spark the cluster decides.")
        click.echo("\n".join(job.score(source, destination, model, signers, reject, resume).lines(destination, reject)))
        return
    outcome = _score_here(
        source, Path(destination), Path(model), signers, Path(reject) if reject else None, jobs, origin
    )
    click.echo("\n".join(outcome.lines(destination, reject)))


def _score_here(
    source: str,
    destination: Path,
    model: Path,
    signers: Path | None,
    reject: Path | None,
    jobs: int | None,
    origin: str | None,
) -> Any:
    from ..errors import FactoryError
    from ..scoring import batch, forecasts, places, workers
    from ..scoring.scorer import Scorer
    from ..tables import chunks, sources

    found = sources.find(source)
    places.check(source, found, destination, reject)
    task = workers.Task(Scorer.load(model, signers), workers.scores, bool(reject), jobs or chunks.processors(), model)
    forecasting = bool(task.scorer.manifest.get("forecast"))
    if origin and not forecasting:
        raise FactoryError("--origin is for forecasts, and this model makes none: leave it out")
    if reject and forecasting:
        raise FactoryError("--reject would tear holes into series: correct the rows, or take them out of the files")
    rows = {each: each.count() for each in found}
    length = sum(rows.values()) * (2 if forecasting else 1)  # which are read first, and then forecast
    with click.progressbar(length=length, label="Forecasting" if forecasting else "Scoring") as bar:
        if forecasting:
            return forecasts.score(found, destination, task, origin, bar.update)
        return batch.score(rows, destination, task, reject, bar.update)


@main.command()
@click.argument("source", metavar="IN", type=FILE)
@click.argument("destination", metavar="[OUT]", type=FILE, required=False)
@click.option("--row", "number", type=click.IntRange(min=1), default=1, show_default=True, help="The row to show.")
@MODEL
def explain(source: Path, destination: Path | None, number: int, model: Path) -> None:
    """Show what each feature adds to the score of a row.

    Of a forecast, IN is a history, and the rows are those that factory score writes.

    The contributions add up to the difference from the score of a typical row: medians, and the most frequent categories of
    the training rows. They are averaged over many orders of the features; ± is their standard error. With OUT, a CSV or Parquet
    file, they are written for all rows of IN instead.

    \b
    Example: factory explain flights.csv --row 3
    """
    from .. import tables
    from ..errors import FactoryError
    from ..scoring import batch, explain, histories
    from ..scoring.scorer import Scorer

    scorer = Scorer.load(model)
    forecasting = bool(scorer.manifest.get("forecast"))
    if destination and forecasting:
        raise FactoryError("of a forecast one row is explained at a time: leave out OUT, and name its --row")
    if destination:
        with click.progressbar(length=tables.count(source), label="Explaining") as bar:
            rows = batch.score_file(scorer, source, destination, bar.update, explain.with_contributions)
        click.echo(f"✓ {rows:,} rows explained: {destination}")
        return
    with tables.reading(source):
        table = tables.scan(source)
        row = (scorer.horizon(table.collect()).lazy() if forecasting else table).slice(number - 1, 1).collect()
    if row.is_empty():
        raise FactoryError(f"{source}: {'its forecast ' * forecasting}has no row {number:,}")
    keys = histories.shown_keys(scorer.manifest) if forecasting else []
    named = "".join(f", {name} {row[name][0]}" for name in keys)
    click.echo(_explanation_table(explain.explain(scorer, row), f"Row {number}{named}"))


def _explanation_table(explanation: Any, row: str) -> str:
    from tabulate import tabulate

    from ..evaluation.formatting import number as formatted

    score, typical = (formatted(values[0]) for values in (explanation.score, explanation.typical))
    lines = [(name, f"{added:+.3g}", f"± {error:.1g}") for name, added, error in explanation.ranked(0)]
    table = tabulate(lines, headers=["feature", "adds", ""], disable_numparse=True)
    return f"{row}: score {score}; a typical row has {typical}\n{table}"


def _training_lines(model: dict[str, Any], name: str) -> Iterator[str]:
    from ..evaluation.formatting import number

    validation, rows, features = model["validation"], model["data"]["rows"], len(model["features"])
    fits = 1 + (validation["folds"] if validation else 0)
    yield f"{model['estimator']['class']}: {rows:,} rows, {features:,} features, {fits} fits"
    if validation is None:
        yield "no validation figures: too few rows"
    elif name in validation["metrics"]:
        value, low, high = (number(validation["metrics"][name][key]) for key in ("value", "low", "high"))
        spread = "95% interval" if validation["folds"] == 1 else f"{validation['folds']} folds:"
        yield f"validation {name} {value}, {spread} {low} to {high}, on {validation['rows']:,} rows"
    if model["threshold"] is not None:
        of = (
            f" of the {decision['rows']:,} highest of {decision['of']:,}" if (decision := model.get("decision")) else ""
        )
        yield f"threshold{of} {number(model['threshold'])}, from the validation rows"
    if reason := model["onnx"]["reason"]:
        yield f"no model.onnx, so scikit-learn scores, which takes longer: {reason}"
