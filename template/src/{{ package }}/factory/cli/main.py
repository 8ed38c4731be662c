"""The `factory` command itself: its help in groups, its suggestions, and its errors in one line."""

import difflib
import os
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from .. import PACKAGE, errors, interruption, paths
from ..errors import FactoryError
from . import log

# read when scikit-learn is imported: its threads spin while they wait, which costs minutes where processors are shared;
# those that never spin take five times as long on an idle machine
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

GROUPS = {
    "data": "Data",
    "model": "Model",
    "versions": "Versions",
    "verification": "Verification",
    "release": "Serving",
    "monitoring": "Monitoring",
    "ci": "Pipelines",
    "project": "Project",
}
"""The headings of `factory --help`, by the module that holds the commands."""

SYNONYMS = {
    "factory setup": "init install start",
    "factory restore": "recover rebuild disaster backup",
    "factory update": "upgrade",
    "factory adopt": "new create import",
    "factory profile": "eda explore look",
    "factory check": "lint format hooks",
    "factory doctor": "diagnose health protect security",
    "factory ingest": "add load upload delivery",
    "factory outcomes": "labels label feedback",
    "factory dashboard": "page ui web",
    "factory contract": "schema validate diff",
    "factory erase": "forget delete remove gdpr",
    "factory prepare": "split preprocess process",
    "factory train": "fit learn",
    "factory evaluate": "eval test report metrics",
    "factory candidates": "automl leaderboard families algorithms",
    "factory tune": "optimize optimise hpo search sweep",
    "factory score": "predict infer inference batch",
    "factory compare": "gate challenge",
    "factory promote": "register approve",
    "factory rollback": "revert undo demote",
    "factory models": "list ls versions registry history",
    "factory trace": "lineage show inspect describe",
    "factory audit": "fsck",
    "factory verify": "prove attest",
    "factory serve": "server api run-server",
    "factory key": "token",
    "factory export": "onnx convert",
    "factory pin": "digest",
    "factory build": "image docker package",
    "factory publish": "release",
    "factory reason": "code why error",
    "factory cost": "price money energy time eta",
    "factory status": "overview state info",
    "factory summary": "result",
    "factory infra": "bicep terraform provision",
    "factory propose": "pr mr",
    "dvc pull": "pull fetch download",
    "dvc push": "push",
    "dvc repro": "run repro pipeline retrain",
}
"""By command, what people used to other tools type for it."""

INSTALLED_BY = (
    {"optuna": " --group tune"}
    | dict.fromkeys(("adbc_driver_postgresql", "duckdb", "nanoarrow"), " --group factory-sql")
    | dict.fromkeys(("fastapi", "httptools", "prometheus_client", "starlette", "uvicorn"), " --extra serve")
)
"""The option that installs a library which `uv sync` alone does not."""


class Factory(click.Group):
    """Prints user errors as one line, not as a traceback."""

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Take it with the whole of its first line, which click would cut off."""
        cmd.short_help = (cmd.help or "").partition("\n")[0]
        super().add_command(cmd, name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands by group, each group in the order in which its commands are mostly used."""
        width = max(map(len, self.commands))
        for module, title in GROUPS.items():
            group = [name for name, command in self.commands.items() if _module(command) == module]
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), self.commands[name].short_help or "") for name in group])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or suggest the one that was probably meant."""
        name = args[0]
        if name not in self.commands and not name.startswith("-") and not ctx.resilient_parsing:
            close = difflib.get_close_matches(name, self.commands, n=2)
            meant = [command for command, words in SYNONYMS.items() if name.lower() in words.split()]
            suggestion = " or ".join(f"`{command}`" for command in meant or [f"factory {word}" for word in close])
            ctx.fail(f"No such command {name!r}{f': did you mean {suggestion}?' if suggestion else '.'}")
        return super().resolve_command(ctx, args)

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Parse the options of `factory` itself."""
        log.protect()
        with _usage_in_one_line():
            return super().make_context(*args, **extra)

    def invoke(self, context: click.Context) -> Any:
        """Run the command; FactoryError ends it with its exit code, OSError with 1."""
        try:
            with _usage_in_one_line(context):
                result = super().invoke(context)
        except (click.ClickException, click.exceptions.Exit, SystemExit):
            raise
        except BaseException as error:
            interruption.ignore()
            if reason := interruption.message(error):
                raise click.ClickException(f"{context.invoked_subcommand}: {reason}") from error
            if not isinstance(error, Exception):
                raise
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
        if isinstance(error, MemoryError):
            detail = f" ({error})" if f"{error}" else ""
            raise click.ClickException(
                f"{context.invoked_subcommand}: out of memory{detail}; what was there is unchanged: use fewer rows, or a machine with more"
            ) from error
        if place := _place_in_own_code(error):
            raise click.ClickException(f"{place}: {type(error).__name__}: {_first_line(error)}") from error


class UsageLine(click.ClickException):
    """A wrong call, with where to read about the right one."""

    exit_code = click.UsageError.exit_code


@contextmanager
def _usage_in_one_line(context: click.Context | None = None) -> Iterator[None]:
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        command = f"factory {context.invoked_subcommand}" if context and context.invoked_subcommand else "factory"
        raise UsageLine(f"{' '.join(error.format_message().split())} See `{command} --help`") from error


def _place_in_own_code(error: Exception) -> str | None:
    """File and line of contract.py, features.py or model.py, if the error was raised there or by a library called from there."""
    folder = Path(__file__).parents[2]
    if isinstance(error, SyntaxError) and Path(error.filename or "").parent == folder:
        return f"{Path(error.filename or '').name}, line {error.lineno}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if folder in Path(frame.filename).parents]
    if frames and Path(frames[-1].filename).parent == folder:
        return f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}"
    return None


def _first_line(error: Exception) -> str:
    """The first line of the message; a SyntaxError's without the place."""
    return str(getattr(error, "msg", None) or error).partition("\n")[0]


def _module(command: click.Command) -> str:
    """The module of cli/ that the command is in."""
    return str(command.callback.__module__).rpartition(".")[2]


def _not_installed(error: ImportError) -> str:
    """What to do about a module that is not installed. Raises the error where that is not its cause."""
    own = f"{PACKAGE}.factory"
    missing = isinstance(error, ModuleNotFoundError)
    if error.name == own or (missing and f"{error.name}".startswith(f"{own}.")):
        return "only scoring is installed here: run this command in the project's own environment"
    if missing:
        option = INSTALLED_BY.get(f"{error.name}".partition(".")[0], "")
        return f"{error.name} is not installed: run `uv sync{option}`"
    raise error


def _show_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Show what is installed; the template's release only in a project, since a wheel does not hold it."""
    if not wanted or context.resilient_parsing:
        return
    import platform
    from importlib import metadata

    try:
        project = metadata.version(PACKAGE)
    except metadata.PackageNotFoundError:
        project = "(not installed)"
    answers = Path(__file__).parents[4] / ".copier-answers.yml"
    release = re.search(r"^_commit: (\S+)", answers.read_text("utf-8"), re.MULTILINE) if answers.exists() else None
    template = [f"template {release[1]}"] if release else []
    click.echo(", ".join([f"{PACKAGE} {project}", *template, f"Python {platform.python_version()}"]))
    context.exit()


@click.group(
    cls=Factory,
    epilog="Every day: ingest FILE, dvc repro, git commit, dvc push, promote -m WHY",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the versions of the project, the template and Python.",
)
def main() -> None:
    """Data, training, evaluation, versions and serving of this project's model."""
    recover_adoption()


def recover_adoption() -> None:
    """Roll back an adoption that was killed."""
    if paths.ADOPTION.exists():  # looked at first, since adopt/ is not installed where models only score
        from ..adopt import transaction

        if transaction.recover():
            click.echo("Note: an interrupted adoption was rolled back", err=True)
