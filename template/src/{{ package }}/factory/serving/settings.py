"""Settings of the service: environment variables FACTORY_*, each with a default."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import BaseModel, Field, ValidationError, model_validator

from ..errors import FactoryError

PREFIX = "FACTORY_"
PIPELINE_VARIABLES = {
    f"{PREFIX}{name}" for name in ("KEY", "REGISTRY", "TARGET", "TEST_ROWS", "TOKEN", "URL", "WORK_ITEM")
}
JSON_MB = 4  # of JSON: reading takes twenty times its size in memory


class Settings(BaseModel, extra="forbid", frozen=True, allow_inf_nan=False):
    """What a request may take, who may ask, which models answer, and what is kept of it."""

    body_mb: float = Field(64, gt=0)
    bodies_mb: float = Field(1000, gt=0, description="bodies of all requests together")
    rows: int = Field(1_000_000, gt=0)
    seconds: float = Field(30, gt=0, description="for a whole request, from its header to the last byte of the answer")
    header_seconds: float = Field(10, gt=0)
    concurrency: int = Field(64, gt=0, description="requests at work or waiting")
    caller_concurrency: int | None = Field(None, gt=0, description="those of one caller; by default as many as of all")
    connections: int = Field(1000, gt=0)
    drain: float = Field(5, ge=0, description="seconds between SIGTERM and the end of listening")
    reload: float = Field(2, gt=0, description="seconds between looks for another model in the folder")

    keys: Path | None = Field(None, description="file of callers and the sha256 of their keys, as `factory key` prints")
    caller_header: str = Field("X-Caller", description="where a caller names itself if there are no keys")
    callers: int = Field(50, gt=0, description="names that metrics tell apart; the others are counted together")

    challenger: Path | None = Field(None, description="folder of a second model")
    share: float = Field(0, ge=0, le=1, description="of the callers whom the challenger answers")
    shadow: bool = Field(False, description="the challenger scores every row too, for the capture alone")

    capture: Path | None = Field(None, description="folder for what was asked and answered")
    capture_rows: int = Field(20_000, gt=0, description="rows in a file")
    capture_seconds: float = Field(60, gt=0, description="until a file is written though it is not full")
    capture_days: float = Field(30, gt=0, le=36_500, description="until a file is deleted")
    capture_without: str = Field("", description="columns to leave out, separated by commas")
    capture_hashed: str = Field("", description="columns of which the sha256 is kept")

    @model_validator(mode="after")
    def _check_combinations(self) -> Self:
        if (self.share or self.shadow) and self.challenger is None:
            raise ValueError("FACTORY_SHARE and FACTORY_SHADOW need FACTORY_CHALLENGER, the folder of a second model")
        if self.challenger and not (self.share or self.shadow):
            raise ValueError("FACTORY_CHALLENGER does nothing without FACTORY_SHARE or FACTORY_SHADOW")
        if self.shadow and self.capture is None:
            raise ValueError("FACTORY_SHADOW needs FACTORY_CAPTURE, where its scores would be kept")
        return self


def load(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings in the environment. Raises FactoryError naming the variable that is wrong."""
    values = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(PREFIX) and value and name not in PIPELINE_VARIABLES
    }
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = "".join(f"{PREFIX}{str(part).upper()}: " for part in first["loc"])
        reason = "no such setting" if first["type"] == "extra_forbidden" else first["msg"].removeprefix("Value error, ")
        raise FactoryError(f"{name}{reason}") from error
