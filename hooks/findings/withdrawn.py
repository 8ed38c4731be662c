"""Releases that their authors or the index have withdrawn, by the index's JSON (PEP 691, with PEP 592 and PEP 792)."""

import base64
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from factory.errors import FactoryError
from factory.platforms.rest import RestClient
from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename
from packaging.version import InvalidVersion, Version
from pydantic import BaseModel, Field, ValidationError

from .packages import Package

PYPI = "https://pypi.org"
VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
JSON = "application/vnd.pypi.simple.v1+json"
AT_ONCE = 8
LONGEST = 200  # characters of a reason


@dataclass(frozen=True)
class Withdrawn:
    """A release that should not be used any longer, and why."""

    package: Package
    reason: str


class File(BaseModel):
    """A file of a release; a reason, even an empty one, marks it as yanked."""

    filename: str
    yanked: bool | str = False

    @property
    def gone(self) -> bool:
        return self.yanked is not False


class Marker(BaseModel):
    """What the index says of a project as a whole."""

    status: str = "active"
    reason: str | None = None


class Details(BaseModel):
    """The index's page of a name."""

    files: list[File]
    status: Marker = Field(default_factory=Marker, alias="project-status")


def default(environment: Mapping[str, str] = os.environ) -> str:
    """The index that uv or pip are set to, or PyPI."""
    return next(filter(None, map(environment.get, VARIABLES)), f"{PYPI}/simple")


def ask(index: str, packages: Sequence[Package]) -> tuple[list[Withdrawn], list[str]]:
    """Which releases are withdrawn, and the names that this index does not have. Raises FactoryError."""
    client, versions = _client(index), dict[str, list[str]]()
    for name, version in packages:
        versions.setdefault(name, []).append(version)
    with ThreadPoolExecutor(AT_ONCE) as threads:
        asked = dict(zip(versions, threads.map(lambda name: _details(client, name), versions), strict=True))
    found = [
        Withdrawn((name, version), " ".join(reason.split())[:LONGEST])
        for name, details in asked.items()
        for version in versions[name]
        if details is not None and (reason := _reason(details, version))
    ]
    return found, [name for name, details in asked.items() if details is None]


def without_login(address: str) -> str:
    """The address for people to read."""
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _client(index: str) -> RestClient:
    """The login goes into a header, as error messages show the address."""
    parts, headers = urlsplit(index), {"Accept": JSON}
    if parts.username:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
    return RestClient(without_login(index), **headers)


def _details(client: RestClient, name: str) -> Details | None:
    """The index's page of the name; None where it has none. Raises FactoryError."""
    try:
        details = client("GET", f"{name}/")
    except FactoryError as error:
        response = getattr(error.__cause__, "response", None)
        if response is not None and response.status_code == 404:
            return None
        raise
    try:
        return Details.model_validate(details)
    except ValidationError as error:
        raise FactoryError(f"{client.address}/{name}/: the response is not JSON as PEP 691 defines it") from error


def _reason(details: Details, version: str) -> str:
    """Why the release is withdrawn: the project is in quarantine, or each of the release's files has been yanked."""
    if details.status.status == "quarantined":
        return f"quarantined: {details.status.reason or 'no reason given'}"
    files = [file for file in details.files if _version(file.filename) == Version(version)]
    if not files or not all(file.gone for file in files):
        return ""
    return f"yanked: {next((file.yanked for file in files if isinstance(file.yanked, str)), '') or 'no reason given'}"


def _version(filename: str) -> Version | None:
    try:
        return (parse_wheel_filename if filename.endswith(".whl") else parse_sdist_filename)(filename)[1]
    except (InvalidSdistFilename, InvalidWheelFilename, InvalidVersion):
        return None
