"""Run the `factory` command as a user does."""

from pathlib import Path

from click.testing import CliRunner, Result

from .. import cli


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli.main, [str(argument) for argument in arguments])


def refused(*arguments: str | Path) -> str:
    """The one line of the error that ends the command, without a traceback."""
    result = run(*arguments)
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit), result.exception
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    return line.removeprefix("Error: ")
