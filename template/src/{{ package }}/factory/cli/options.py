"""Arguments and options that several commands share."""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import paths

if TYPE_CHECKING:
    from ..config import Params


class Number(click.FloatRange):
    """A number in a range, in which nan would be, as no comparison with it holds."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number. Raises click's error where it is none."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


FILE = click.Path(path_type=Path)
DATE = click.DateTime(["%Y-%m-%d"])
MODEL = click.option("--model", type=FILE, default=paths.MODEL, show_default=True, help="Folder of the model.")
WHY = click.option("-m", "--message", "why", default="", metavar="WHY", help="The reason, recorded with the version.")
CAPTURES = click.option(
    "--captures",
    multiple=True,
    metavar="PLACE",
    help="Folder or URL of captures; repeatable (default: FACTORY_CAPTURE, the environment's, or monitor.captures of params.yaml).",
)
QUERY = click.option(
    "--query", type=FILE, metavar="FILE.sql", help="Read the rows of this query from the database, in place of a file."
)
FROM = click.option(
    "--from",
    "url",
    metavar="URL",
    envvar="FACTORY_DATABASE",
    help="Database: postgresql://USER@HOST/NAME, sqlite:///FILE or duckdb:///FILE (default: FACTORY_DATABASE).",
)
SHEET = click.option(
    "--sheet", metavar="NAME", help="Sheet of the workbook (default: SHEET of contract.py, or the only one with rows)."
)
GROUP = click.option(
    "--group", multiple=True, metavar="COLUMN", help="For a forecast: column that names a series, alone or with others."
)
HORIZON = click.option(
    "--horizon", type=click.IntRange(1, 1000), metavar="STEPS", help="For a forecast: how many steps ahead."
)
SEASON = click.option(
    "--season",
    type=click.IntRange(1),
    metavar="STEPS",
    help="For a forecast: steps after which series repeat; 1: never.",
)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
ACCEPT = click.option(
    "--accept-contract-change",
    "accepted",
    metavar="WHY",
    help="Accept that contract.py differs from the champion's, for this reason.",
)
ACCEPT_LIMITS = click.option(
    "--accept-weaker-limits",
    "accepted_limits",
    metavar="WHY",
    help="Accept limits, or a risk in the model card, that are weaker than main's or the champion's, for this reason.",
)


def load_params() -> "Params":
    """params.yaml, once it is certain that contract.py has the columns it names. Raises FactoryError."""
    from .. import config
    from ..data import prepare

    params = config.load()
    prepare.check_columns(params)
    return params


@contextmanager
def table_of(file: Path | None, query: Path | None, url: str | None) -> Iterator[Path]:
    """The file, or the rows of the query in one that is there until the block ends. Raises FactoryError."""
    from ..data import query as queries

    if (file is None) == (query is None):
        raise click.UsageError("Name either a file or --query.")
    if file:
        yield file
    elif not url:
        raise click.UsageError("--from URL is missing, and FACTORY_DATABASE is not set.")
    elif query:
        with queries.fetched(query, url) as table:
            yield table


def places(given: tuple[str, ...], params: "Params", environment: str = "prod") -> list[str]:
    """The folders and URLs of captures: those that were named, the service's folder, the environment's, or those of params.yaml.

    Raises FactoryError where environments.yaml does not know the environment.
    """
    from .. import environments

    if given:
        return list(given)
    of_environment = environments.find(environment).captures
    own = os.environ.get("FACTORY_CAPTURE")
    return [own] if own else of_environment or params.monitor.places


def count(number: int, noun: str) -> str:
    """So many of them, in words."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
