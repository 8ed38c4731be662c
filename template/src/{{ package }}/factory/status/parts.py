"""The parts of a status: what is known of a project's template, model, data and costs.

The text below each key is its reference, as in model.py.
"""

from datetime import UTC, date, datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

LONG, SHORT, MANY = 400, 120, 50
PACKAGES = 1_000

Text = Annotated[str, Field(max_length=LONG)]
Name = Annotated[str, Field(max_length=SHORT)]
Texts = Annotated[list[Text], Field(max_length=MANY)]
Names = Annotated[list[Name], Field(max_length=MANY)]
Commit = Annotated[str, Field(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Moment = Annotated[AwareDatetime, Field(ge=datetime(2000, 1, 1, tzinfo=UTC), lt=datetime(9000, 1, 1, tzinfo=UTC))]
Amount = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0, lt=2**63)]
Share = Annotated[float, Field(ge=0, le=1)]


class Part(BaseModel):
    """Every key is there; None is what is not known. Keys of later releases are ignored."""

    model_config = ConfigDict(strict=True, frozen=True, allow_inf_nan=False)


class Template(Part):
    """The release of the template that the project is of."""

    source: Text | None
    """Where the template is."""
    release: Name | None
    """The release."""
    newest: Name | None
    """The newest release there."""
    behind: Count | None
    """How many releases are newer."""


class Card(Part):
    """What docs/model-card.yaml states."""

    purpose: Text | None
    """What the model is for."""
    risk: Literal["low", "high"] | None
    """The risk."""
    data_class: Name | None
    """The class of its data, one of the policy's."""
    retention: Text | None
    """How long its data is kept."""


class Contract(Part):
    """The contract of the data."""

    changed: date | None
    """When contract.py was last changed in a commit."""
    sha256: Sha256
    """Its sha256."""


class Metric(Part):
    """The main metric on the test rows."""

    name: Name
    """Its name."""
    value: float
    """Its value."""
    low: float | None
    """The lower end of its 95% interval."""
    high: float | None
    """The upper end."""
    floor: float | None
    """The gate's floor, in params.yaml."""


class Champion(Part):
    """The newest version, which is to be served."""

    version: Name
    """Its name: v3."""
    commit: Commit
    """The commit that it is of."""
    model: Name
    """The sha256 of its manifest."""
    since: Moment
    """When it was made."""
    action: Name
    """How: promote, or rollback."""
    by: Name
    """Who made it."""
    metric: Metric | None
    """The main metric on the test rows of its time."""


class Gate(Part):
    """The gate's last verdict."""

    passed: bool
    """Whether the model passed."""
    codes: Names
    """The checks that refused it."""
    against: Name
    """What it was compared with."""
    at: Moment | None
    """When."""


class Alert(Part):
    """What is beyond its limit now."""

    code: Name
    """What was judged: SCORE_DRIFT, BIAS, METRIC_FLOOR …"""
    column: Name
    """Of which column; empty where it is of none."""
    since: date
    """The first day."""


class Monitor(Part):
    """What monitoring has found."""

    until: date
    """The last day that was judged."""
    drift: Literal["quiet", "open", "unknown"]
    """Whether an alert is open; unknown where not everything could be judged."""
    alerts: Annotated[list[Alert], Field(max_length=MANY)]
    """The alerts that are open."""
    states: Names
    """Codes of what could not be read or judged."""
    outcomes: Share | None
    """The share of rows with an outcome, in the newest window that has any."""


class Readiness(Part):
    """The ML Test Score, as `factory readiness` last found it."""

    score: Amount
    """The lowest of the groups."""
    level: Text
    """Its meaning."""
    groups: Annotated[dict[Name, Amount], Field(max_length=MANY)]
    """The sum of each group."""
    missing: Names
    """The criteria that are not met."""
    expired: Names
    """The criteria that were met by hand, too long ago."""
    at: Moment | None
    """When it was found."""


class Finding(Part):
    """What `factory doctor` looked at."""

    name: Name
    """Which of its checks."""
    problems: Texts
    """What it found missing; nothing where all is well."""
    fails: bool
    """Whether the policy forbids it."""


class Runs(Part):
    """What training and evaluation cost, of the versions of the month."""

    count: Count
    """How many runs."""
    seconds: Amount
    """Their duration."""
    cpu_seconds: Amount
    """Time of the processors."""
    kwh: Amount | None
    """Energy, in kilowatt-hours."""
    money: Amount | None
    """By the prices of params.yaml."""


class Serving(Part):
    """What the services cost, as Prometheus knows it."""

    cpu_seconds: Amount
    """Time of the processors."""
    kwh: Amount | None
    """Energy, in kilowatt-hours."""
    money: Amount | None
    """By the prices of params.yaml."""


class Cost(Part):
    """What a month cost."""

    currency: Name
    """What amounts are in."""
    month: Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]
    """The month: 2026-11."""
    runs: Runs
    """Training and evaluation."""
    serving: Serving | None
    """The services."""


class Deployment(Part):
    """What an environment last got."""

    environment: Name
    """Its name."""
    version: Name
    """The version."""
    image: Text
    """The image's address."""
    digest: Name | None
    """The image's digest."""
    at: Moment
    """When."""
    by: Name
    """Who deployed it."""


class Delivery(Part):
    """A delivery of data, as the ledger has it."""

    name: Name
    """Its file."""
    sha256: Sha256 | None
    """Its sha256, by which projects that share it are found."""
    rows: Count
    """Its rows."""
    received: date | None
    """The day on which it came."""


class Dependencies(Part):
    """The packages that the model runs with."""

    source: Literal["sbom", "lock"]
    """What they are read from: the image's bill of materials, or uv.lock."""
    packages: Annotated[dict[Name, Name], Field(max_length=PACKAGES)]
    """Versions by name."""
