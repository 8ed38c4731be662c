"""The format of status.json, which pipelines push to the branch factory/status, and hubs of the organisation read.

The text below each key is its reference: from it and the types, here and in parts.py, comes `status.schema.json`. Nothing but
pydantic is needed for both.

**Format 1 only ever gains keys, all of which may be null, and none of its values gets another meaning.** A hub so reads projects of
all releases: keys that it does not know are ignored, and those that a project did not write yet are null, with that reason.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import from_json, to_json

from ..errors import CannotEvaluate
from .parts import (
    LONG,
    MANY,
    SHORT,
    Card,
    Champion,
    Commit,
    Contract,
    Cost,
    Count,
    Delivery,
    Dependencies,
    Deployment,
    Finding,
    Gate,
    Moment,
    Monitor,
    Names,
    Part,
    Readiness,
    Template,
    Text,
)

FORMAT: Literal[1] = 1
NAME, BRANCH = "status.json", "factory/status"
MAX_BYTES = 1_000_000
"""No status is larger: what is, need not be read."""
NOT_WRITTEN = "NOT_WRITTEN: the project is of a release that did not write this yet"


class Status(Part):
    """The state of a project, as of one moment."""

    format: Literal[1]
    """The format's number."""
    at: Moment
    """When this was written."""
    project: Annotated[str, Field(min_length=1, max_length=SHORT)]
    """The project's name."""
    description: Text
    """What it is, as pyproject.toml describes it."""
    owner: Text
    """Who owns the model, as the model card states; empty where nobody does."""
    address: Text | None
    """Where its repository is, without secrets."""
    commit: Commit | None
    """The commit that this was written from."""
    template: Template
    """The release of the template that the project is of."""
    card: Card
    """What the model card states."""
    contract: Contract | None
    """The contract of the data."""
    champion: Champion | None
    """The newest version, which is to be served."""
    gate: Gate | None
    """The gate's last verdict."""
    monitor: Monitor | None
    """What monitoring has found."""
    readiness: Readiness | None
    """The ML Test Score."""
    questions: Names | None
    """Questions to people, by `factory readiness --questions`, that are open, have expired, or are answered by no."""
    doctor: Annotated[list[Finding], Field(max_length=MANY)]
    """What `factory doctor` looked at."""
    cost: Cost | None
    """What this month cost, so far."""
    deployments: Annotated[list[Deployment], Field(max_length=MANY)]
    """What each environment last got."""
    data: Annotated[list[Delivery], Field(max_length=MANY)]
    """The newest deliveries."""
    dependencies: Dependencies | None
    """The packages that the model runs with."""
    unknown: Annotated[dict[Text, Text], Field(max_length=2 * MANY)]
    """By key, such as `template.newest`, why it is null, or a list lacks something: a code, and what it means."""

    def why(self, key: str) -> str:
        """Why the key is not known, without the code."""
        code, _, text = self.unknown.get(key, "").partition(": ")
        return text or code or "not known"

    @model_validator(mode="after")
    def check_unknown(self) -> Self:
        """Refuse what is not known for no reason, of which nobody could show anything."""
        for key in nulls(self):
            if key not in self.unknown:
                raise ValueError(f"{key} is null, and unknown does not have why")
        return self


def parse(content: bytes) -> Status:
    """The status that somebody wrote. Raises CannotEvaluate with TOO_LARGE, OTHER_FORMAT or MALFORMED."""
    if len(content) > MAX_BYTES:
        raise CannotEvaluate("TOO_LARGE", f"{NAME}: has more than {MAX_BYTES:,} bytes")
    try:
        number = _Numbered.model_validate_json(content).format
        if number != FORMAT:
            raise CannotEvaluate("OTHER_FORMAT", f"{NAME}: is of format {number}, and this release reads {FORMAT}")
        return _read(content)
    except ValidationError as error:
        raise CannotEvaluate("MALFORMED", f"{NAME}: {_first(error)}") from error


def nulls(part: Part, path: str = "") -> Iterator[str]:
    """The keys of what is None, once each; those within lists by the list's key."""
    found = dict.fromkeys(key for name, value in part for key in _nulls(value, f"{path}{name}"))
    yield from found


def _read(content: bytes) -> Status:
    """The status, whatever release wrote it. Raises ValidationError."""
    try:
        return Status.model_validate_json(content)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        missing = [each["loc"] for each in found if each["type"] == "missing"]
        if len(missing) < len(found) or ("unknown",) in missing:  # what is wrong otherwise has no place to put nulls
            raise
        try:
            return Status.model_validate_json(_with_nulls(content, missing))
        except ValidationError:  # of a key that may not be null
            raise error from None


def _with_nulls(content: bytes, missing: Sequence[tuple[int | str, ...]]) -> bytes:
    """The document with null where a key lacks that a later release than its own has added, and the reason."""
    document = from_json(content)
    for place in missing:
        part = document
        for key in place[:-1]:
            part = part[key]
        part[place[-1]] = None
        document["unknown"].setdefault(".".join(key for key in place if isinstance(key, str)), NOT_WRITTEN)
    return to_json(document)


class _Numbered(Part):
    format: Count


def _nulls(value: object, path: str) -> Iterator[str]:
    if value is None:
        yield path
    elif isinstance(value, Part):
        yield from nulls(value, f"{path}.")
    elif isinstance(value, list):
        for each in value:
            yield from _nulls(each, path)


def _first(error: ValidationError) -> str:
    """The first thing that is wrong, and where, on one line that is not long: keys may be anything.

    That a key is missing comes last, since a release that did not have it yet is read.
    """
    found = error.errors(include_url=False, include_input=False, include_context=False)
    first = next((each for each in found if each["type"] != "missing"), found[0])
    text = ": ".join(filter(None, (".".join(map(str, first["loc"])), first["msg"])))
    return "".join(letter if letter.isprintable() else " " for letter in text[:LONG])
