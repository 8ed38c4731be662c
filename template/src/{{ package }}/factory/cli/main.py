"""The `factory` command itself, how its errors are shown, and the command that is about the project as a whole."""

import os
from typing import Any

import click

from .. import PACKAGE, errors, paths
from ..errors import FactoryError

# read when scikit-learn is imported: its threads spin while they wait, which costs minutes where processors are shared;
# those that never spin take five times as long on an idle machine
os.environ.setdefault("GOMP_SPINCOUNT", "1000")


class Factory(click.Group):
    """Prints user errors as one line, not as a traceback."""

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
            self._show_error(context, error)
            raise
        errors.clear_failure(f"{context.invoked_subcommand}")
        return result

    def _show_error(self, context: click.Context, error: Exception) -> None:
        if isinstance(error, FactoryError):
            click.echo(f"Error: {error}", err=True)
            context.exit(error.exit_code)
        if isinstance(error, OSError):
            file = error.filename2 or error.filename
            prefix = f"{file}: " if file else ""
            raise click.ClickException(f"{prefix}{error.strerror or error}") from error
        if isinstance(error, ImportError):
            raise click.ClickException(_not_installed(error)) from error


def _not_installed(error: ImportError) -> str:
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
    recover_adoption()


def recover_adoption() -> None:
    """Put back what an adoption that was killed had moved aside."""
    if paths.ADOPTION.exists():  # asked first, since what puts it back is not installed where models only score
        from ..adopt import transaction

        if transaction.recover():
            click.echo("Note: an adoption was killed; all is again as it was before", err=True)


@main.command()
def setup() -> None:
    """Make a fresh copy work: Git, sample data, first commit, hooks."""
    from .. import config
    from ..adopt import setup
    from ..workspace import migration

    for step in setup.setup(config.load()):
        click.echo(f"✓ {step}")
    for line in migration.remaining():
        click.echo(f"! {line}")
    click.echo("Next: uv run dvc repro")
