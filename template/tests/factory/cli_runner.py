"""Run the `factory` command as a user does."""

import signal
from pathlib import Path

from click.testing import CliRunner, Result

from .. import cli


def run(*arguments: str | Path) -> Result:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        return CliRunner().invoke(cli.main, [str(argument) for argument in arguments])
    finally:  # a command takes them until its process ends, which here is that of pytest
        for number, handler in handlers.items():
            signal.signal(number, handler)


def refused(*arguments: str | Path) -> str:
    """The one line of the error that ends the command, without a traceback."""
    result = run(*arguments)
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit), result.exception
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    return line.removeprefix("Error: ")
