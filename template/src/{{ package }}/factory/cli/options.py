"""Arguments and options that several commands share."""

from pathlib import Path

import click

from .. import paths

FILE = click.Path(path_type=Path)
MODEL = click.option("--model", type=FILE, default=paths.MODEL, show_default=True, help="Folder of the model.")
WHY = click.option("-m", "--message", "why", default="", metavar="WHY", help="The reason, recorded with the version.")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
ACCEPT = click.option(
    "--accept-contract-change",
    "accepted",
    metavar="WHY",
    help="Accept that contract.py differs from the champion's, for this reason.",
)
