"""organisation.yaml, the organisation's in its fork of the template: what every project of it gets.

The text below each key is its reference; docs/adopt-the-standard.md explains how a fork goes on merging.
"""

import base64
import re
import sys
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, Field, field_validator

ROOT = Path(__file__).resolve().parents[1]
FILE = "organisation.yaml"
[SOURCE] = (ROOT / "template/src").iterdir()
sys.path.insert(0, str(SOURCE))

from factory import policy, sections
from factory.errors import FactoryError

Line = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$")]
MAX_LOGO = 100_000  # bytes: it is in every report
JINJA = re.compile(r"\{[{%#]")


def _check_placeholders(value: str | None) -> str | None:
    if value and re.search(r"\{(?!slug\})", value):
        raise ValueError("only {slug} is replaced, by the project's name")
    return value


Pattern = Annotated[Line, AfterValidator(_check_placeholders)]


class Defaults(sections.Section):
    """Answers of new projects, where nobody gives another; {slug} stands for the project's name."""

    owner: Pattern | None = None
    """The person or team that owns the model."""
    storage: str | None = None
    """Where data and models are: local, s3, azure, gs or ssh."""
    storage_url: Pattern | None = None
    """The place there, such as `s3://acme-ml/{slug}`; used where the storage is the one above."""
    ci: str | None = None
    """Whose pipelines: github, gitlab, azure or none."""
    license: str | None = None
    """Of the code: proprietary, MIT, Apache-2.0 or BSD-3-Clause."""
    target: str | None = None
    """Where the model runs: compose, kubernetes or azureml."""


class ReviewDays(sections.Section):
    """After how many days without a promotion or assessment a model is due for review, by what depends on it."""

    critical: int = Field(90, ge=1)
    """Of projects that are critical in FLEET.csv."""
    high: int = Field(180, ge=1)
    """Of those that are high there, or whose card states a high risk."""
    medium: int = Field(365, ge=1)
    """Of those that are medium."""
    low: int = Field(365, ge=1)
    """Of those that are low."""


class Organisation(sections.Section):
    """All of organisation.yaml."""

    name: Line = ""
    """The organisation's. A fork with a name gives its releases a label of its own: `1.2.0+acme.1`."""
    logo: str = ""
    """An SVG file of the repository, on reports, the monitoring page and the hub."""
    site: Annotated[str, Field(pattern=r"^(https?://[^\s\"'<>]+)?$")] = ""
    """The address of the guides."""
    registry: Pattern = ""
    """Where images go: `all: {registry: …}` in environments.yaml of new projects."""
    defaults: Defaults = Defaults()
    """Answers of new projects, where nobody gives another."""
    policy: dict[str, Any] = Field(default_factory=dict)
    """Keys of policy.yaml, each in place of the template's; an update brings them to every project."""
    review_days: ReviewDays = ReviewDays()
    """After how many days a model is due for review, as the hub shows it."""

    @field_validator("policy")
    @classmethod
    def check_policy(cls, value: dict[str, Any]) -> dict[str, Any]:
        """Refuse what policy.yaml would refuse in each project."""
        policy.parse(yaml.safe_dump(value), f"{FILE}: policy")
        return value


def load(root: Path = ROOT) -> Organisation:
    """What the file holds; nothing without it. Raises FactoryError."""
    file = root / FILE
    if not file.exists():
        return Organisation()
    text = file.read_bytes().decode("utf-8", "replace")
    if found := JINJA.search(text):
        raise FactoryError(f"{FILE}: has {found[0]!r}, which Copier reads as its own: write it in another way")
    return sections.parse(text, FILE, lambda content: Organisation.model_validate(content or {}))


def logo_url(organisation: Organisation, root: Path = ROOT) -> str:
    """The logo as an address that holds all of it, or "" where there is none. Raises FactoryError."""
    if not organisation.logo:
        return ""
    file = (root / organisation.logo).resolve()
    if file.suffix != ".svg" or not file.is_relative_to(root.resolve()) or not file.is_file():
        raise FactoryError(f"{FILE}: logo: {organisation.logo} is not an SVG file of this repository")
    content = file.read_bytes()
    if len(content) > MAX_LOGO or JINJA.search(content.decode("utf-8", "replace")):
        raise FactoryError(f"{FILE}: logo: {organisation.logo} has more than {MAX_LOGO} bytes, or {{{{, {{% or {{#")
    return f"data:image/svg+xml;base64,{base64.b64encode(content).decode()}"
