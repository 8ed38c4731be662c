"""The `factory` command."""

import os
from pathlib import Path
from typing import Any

import click

from .. import PACKAGE, errors
from ..errors import FactoryError
from . import ci, data, release
from . import model as commands
from .model import FILE, MODEL

# read when scikit-learn is imported: its threads spin while they wait, which costs minutes where processors are shared;
# those that never spin take five times as long on an idle machine
os.environ.setdefault("GOMP_SPINCOUNT", "1000")


class Factory(click.Group):
    """Prints what a user can mend as one line, not as a traceback."""

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Take it with the whole of its first line, which click would cut off."""
        cmd.short_help = (cmd.help or "").partition("\n")[0]
        super().add_command(cmd, name)

    def invoke(self, context: click.Context) -> Any:
        """Run the command; FactoryError ends it with its exit code, OSError with 1."""
        try:
            result = super().invoke(context)
        except (click.ClickException, click.exceptions.Exit):
            raise
        except Exception as error:
            errors.record_failure(f"{context.invoked_subcommand}", error)
            self._tell(context, error)
            raise
        errors.clear_failure(f"{context.invoked_subcommand}")
        return result

    def _tell(self, context: click.Context, error: Exception) -> None:
        if isinstance(error, FactoryError):
            click.echo(f"Error: {error}", err=True)
            context.exit(error.exit_code)
        if isinstance(error, OSError):
            place = error.filename2 or error.filename
            place = f"{place}: " if place else ""
            raise click.ClickException(f"{place}{error.strerror or error}") from error
        if isinstance(error, ImportError):
            raise click.ClickException(_missing(error)) from error


def _missing(error: ImportError) -> str:
    """What to do about a module that is not installed. Raises the error where that is not the matter."""
    own = f"{PACKAGE}.factory"
    missing = isinstance(error, ModuleNotFoundError)
    if error.name == own or (missing and f"{error.name}".startswith(f"{own}.")):
        return "only scoring is installed here: run this command in the project's own environment"
    if missing:
        return f"{error.name} is not installed: run `uv sync`, with `--extra serve` for the service"
    raise error


@click.group(cls=Factory)
def main() -> None:
    """From data to a model that can be trusted."""
    data.resume()


for command in (*commands.ALL, *data.ALL, *release.ALL, *ci.ALL):
    main.add_command(command)


@main.command()
def setup() -> None:
    """Make a fresh copy work: Git, sample data, first commit, hooks."""
    from .. import config
    from ..adopt import setup

    for step in setup.setup(config.load()):
        click.echo(f"✓ {step}")
    click.echo("Next: uv run dvc repro")


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
def prepare() -> None:
    """Stage: check the deliveries and split them."""
    from .. import config
    from ..data import prepare

    prepare.run(config.load())


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
