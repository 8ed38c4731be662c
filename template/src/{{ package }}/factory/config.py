"""params.yaml, the only configuration, read once and checked key by key."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .errors import FactoryError

Share = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
Parsed = TypeVar("Parsed")


class Section(BaseModel):
    """Unknown keys and other types than the stated are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Data(Section):
    """The columns that play a role; `repeats` says that an id may have several rows."""

    target: str
    id: str | None = None
    repeats: bool = False
    time: str | None = None
    sensitive: list[str] = []

    @model_validator(mode="after")
    def check_repeats(self) -> Self:
        """Refuse repeats of nothing."""
        if self.repeats and self.id is None:
            raise ValueError("repeats says that an id may have several rows: name the column in id")
        return self


class Split(Section):
    """The share of rows held back for the test: the newest, or by a hash of the id or of the whole row."""

    test: Share = 0.2


class Evaluation(Section):
    """What the report shows: the metric that counts most, and the columns to slice by."""

    metric: str
    slices: list[str] = []


class Value(Section):
    """What each outcome of a decision is worth; the threshold is chosen to earn most."""

    true_positive: float = 0
    false_positive: float = 0
    true_negative: float = 0
    false_negative: float = 0


class Gate(Section):
    """The gate's limits for a challenger; shares are of the figure that it is compared with."""

    floor: float | None = None
    margin: Share = 0.01
    value_margin: Share = 0.05
    slice_margin: Share = 0.1
    calibration: Positive = 0.1
    selection_gap: Share = 0.5
    error_gap: Positive = 0.5
    group_rows: Annotated[int, Field(ge=2)] = 100
    latency_ms: Positive = 5
    size_mb: Positive = 20


class Params(Section):
    """All of params.yaml."""

    problem: Literal["classification", "multiclass", "regression"]
    data: Data
    split: Split = Split()
    model: dict[str, Any] = {}
    evaluation: Evaluation
    value: Value | None = None
    gate: Gate = Gate()

    @property
    def columns(self) -> list[str]:
        """The columns that params.yaml names."""
        data = self.data
        named = (data.target, data.id, data.time, *data.sensitive, *self.evaluation.slices)
        return [column for column in named if column is not None]

    @property
    def group_columns(self) -> list[str]:
        """The columns whose groups are looked at one by one, sensitive ones first."""
        return list(dict.fromkeys([*self.data.sensitive, *self.evaluation.slices]))

    @model_validator(mode="after")
    def check_value(self) -> Self:
        """Refuse prices of outcomes where nothing is decided."""
        if self.value and self.problem != "classification":
            raise ValueError("value belongs to a classification: remove it")
        return self


def load(path: Path = Path("params.yaml")) -> Params:
    """The parameters. Raises FactoryError naming each key that is unknown, missing or ill-typed."""
    try:
        return read(path, Params.model_validate)
    except FileNotFoundError as error:
        raise FactoryError(f"{path} is not here: run factory in the project's own folder") from error


def read(path: Path, parse: Callable[[Any], Parsed]) -> Parsed:
    """The YAML in the file, parsed. Raises FactoryError naming each key that is wrong."""
    try:
        return parse(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, e['loc'])) or 'the file'}: {e['msg']}" for e in error.errors())
        raise FactoryError(f"{path}: {'; '.join(problems)}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise FactoryError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
