"""Settings of the service: environment variables FACTORY_*, each with a default."""

import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from ..errors import FactoryError
from ..variables import VARIABLES

PREFIX = "FACTORY_"
OPEN = f"{PREFIX}OPEN"
PROTECTIONS = (
    "signers",
    "keys",
    "rate",
    "admin",
    "cert",
    "cert_key",
    "capture_without",
    "capture_hashed",
)  # whose default protects less
HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
DAY = 86_400  # seconds
MIN_RATE, MAX_RATE = 0.001, 1_000_000
JSON_MB = 4  # of JSON, whose parsing takes twenty times its size in memory


class Settings(BaseModel, extra="forbid", frozen=True, allow_inf_nan=False):
    """Limits on requests, authentication, a challenger, and the capture of requests."""

    open: bool = Field(False, description="anybody may call the service, also from other machines")
    body_mb: float = Field(64, ge=0.001, le=100_000, description="body of a request, in MB")
    bodies_mb: float | None = Field(
        None,
        ge=0.001,
        le=10_000_000,
        description="bodies of all concurrent requests; by default an eighth of the memory, but at most 1000",
    )
    rows: int = Field(1_000_000, gt=0, le=1_000_000_000, description="rows in a request")
    seconds: float = Field(
        30, ge=0.1, le=DAY, description="for a request, from its header to the last byte of the response"
    )
    header_seconds: float = Field(10, ge=0.1, le=DAY, description="for a request's header")
    concurrency: int = Field(64, gt=0, le=1_000_000, description="concurrent requests")
    caller_concurrency: int | None = Field(
        None,
        gt=0,
        le=1_000_000,
        description="the same of one caller; by default FACTORY_CONCURRENCY, with FACTORY_KEYS three quarters of it",
    )
    rate: float | None = Field(None, ge=MIN_RATE, le=MAX_RATE, description="requests a second of one caller")
    connections: int = Field(1000, gt=0, le=1_000_000, description="open connections")
    workers: int | None = Field(
        None, gt=0, le=1000, description="processes for each model; by default one more than processors"
    )
    worker_mb: float | None = Field(
        None, ge=300, le=10_000_000, description="memory that one of them may allocate; by default any"
    )
    drain: float = Field(5, ge=0, le=DAY, description="seconds of service after SIGTERM")
    reload: float = Field(2, ge=0.01, le=DAY, description="seconds between checks for a new model and new keys")

    cert: Path | None = Field(
        None, description="file of the certificate, for HTTPS, with those between it and its root"
    )
    cert_key: Path | None = Field(None, description="file of the certificate's key")
    admin: str = Field("open", description="who may read metrics and documentation: open, key, or only those of a port")
    access_log: bool = Field(True, description="a line of JSON on standard output for each response")

    signers: Path | None = Field(
        None, description="file of allowed signers: a model is served only if one of them signed it"
    )
    keys: Path | None = Field(
        None, description="file of callers and the sha256 of their keys: lines from `factory key`"
    )
    caller_header: str = Field("X-Caller", description="header with the caller's name, where FACTORY_KEYS is not set")
    callers: int = Field(
        50, gt=0, le=1_000_000, description="callers that have metrics of their own; the rest share one"
    )

    challenger: Path | None = Field(None, description="folder of a second model")
    share: float = Field(0, ge=0, le=1, description="share of callers that get the challenger")
    shadow: bool = Field(False, description="the challenger scores every row too, only for the capture")

    capture: Path | None = Field(None, description="folder for captured requests and scores")
    capture_rows: int = Field(20_000, gt=0, le=1_000_000_000, description="rows in a file")
    capture_seconds: float = Field(
        60, ge=0.01, le=DAY, description="after which a file is written even if it is not full"
    )
    capture_days: float = Field(30, ge=0.01, le=36_500, description="after which a file is deleted")
    capture_without: str = Field("", description="columns to omit, separated by commas")
    capture_hashed: str = Field("", description="columns to replace by their sha256")

    @field_validator("caller_header")
    @classmethod
    def _check_header(cls, name: str) -> str:
        if not HEADER.fullmatch(name):
            raise ValueError("not the name of a header: use letters, digits and dashes")
        return name

    @field_validator("admin")
    @classmethod
    def _check_admin(cls, place: str) -> str:
        if place not in ("open", "key") and not (re.fullmatch(r"[1-9]\d{0,4}", place) and int(place) < 2**16):
            raise ValueError("neither open nor key nor the number of a port")
        return place

    @property
    def admin_port(self) -> int | None:
        """The port that alone serves metrics and documentation."""
        return int(self.admin) if self.admin.isdecimal() else None

    @model_validator(mode="after")
    def _check_combinations(self) -> Self:
        if (self.share or self.shadow) and self.challenger is None:
            raise ValueError("FACTORY_SHARE and FACTORY_SHADOW need FACTORY_CHALLENGER, the folder of a second model")
        if self.challenger and not (self.share or self.shadow):
            raise ValueError("FACTORY_CHALLENGER has no effect without FACTORY_SHARE or FACTORY_SHADOW")
        if self.admin == "key" and self.keys is None:
            raise ValueError("FACTORY_ADMIN=key needs FACTORY_KEYS, the file of keys")
        if (self.cert is None) != (self.cert_key is None):
            raise ValueError("FACTORY_CERT and FACTORY_CERT_KEY need each other")
        if self.shadow and self.capture is None:
            raise ValueError("FACTORY_SHADOW needs FACTORY_CAPTURE, the folder for its scores")
        return self

    def check_host(self, host: str) -> None:
        """Refuse to listen where other machines could call the service without a key. Raises FactoryError."""
        if not (self.keys or self.open or _is_loopback(host)):
            raise FactoryError(
                f"--host {host}: other machines could call the service without a key: set FACTORY_KEYS to a file of keys "
                "(`uv run factory key NAME`), or FACTORY_OPEN=true if anybody may"
            )


def load(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings in the environment. Raises FactoryError that names the wrong variable."""
    _check_secrets(environment)
    values = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(PREFIX) and name not in VARIABLES
    }
    values = {name: value for name, value in values.items() if value or name not in Settings.model_fields}
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = "".join(f"{PREFIX}{str(part).upper()}: " for part in first["loc"])
        reason = "no such setting" if first["type"] == "extra_forbidden" else first["msg"].removeprefix("Value error, ")
        raise FactoryError(f"{name}{reason}") from error


def _check_secrets(environment: Mapping[str, str]) -> None:
    """Refuse what looks like a protection and is none: one that is empty, as unresolved variables are, or misspelt."""
    for name in (f"{PREFIX}{protection.upper()}" for protection in PROTECTIONS):
        if name in environment and not environment[name].strip():
            raise FactoryError(f"{name}: is set, and empty: give it a value, or do not set it")
    if f"{PREFIX}KEY" in environment and f"{PREFIX}KEYS" not in environment:
        raise FactoryError(
            "FACTORY_KEY: is the key of one caller: name the file of keys in FACTORY_KEYS, or do not set it"
        )


def _is_loopback(host: str) -> bool:
    try:
        return host.lower() == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:  # another name, or none, which stands for all addresses
        return False
