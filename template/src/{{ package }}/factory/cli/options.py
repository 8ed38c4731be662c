"""Arguments and options that several commands share."""

import math
import os
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
