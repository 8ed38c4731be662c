"""What the pages for people have in common: a frame with their style, page.html, which loads nothing, and how figures are written."""

import json
from functools import cache
from importlib import metadata, resources
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined, Template

from .. import PACKAGE
from .formatting import cell, number, share

FRAME, PARTS = "page.html", "parts.html"
"""What pages extend, and what they include."""


def render(template: str, **values: Any) -> str:
    """The page that the template makes of the values; it extends the frame."""
    return _compiled(template).render(**values)


def project() -> dict[str, str]:
    """Name and description of the installed distribution, which is called like the package."""
    try:
        distribution = metadata.metadata(PACKAGE)
    except metadata.PackageNotFoundError:
        return {"name": PACKAGE, "description": ""}
    name = distribution["Name"].replace("-", " ").capitalize()
    return {"name": name, "description": distribution["Summary"] or ""}


def organisation() -> dict[str, str]:
    """Name and logo of the organisation whose fork of the template the project is made of; empty where it has none."""
    file = resources.files(__package__).joinpath("organisation.json")
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def resource(name: str) -> str:
    """The text of a file beside this module."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


@cache
def _compiled(template: str) -> Template:
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=DictLoader({FRAME: resource(FRAME), PARTS: resource(f"profiling/{PARTS}")}),
    )
    environment.globals["organisation"] = organisation()
    environment.filters |= {"number": number, "cell": cell, "share": share}
    return environment.from_string(template)
