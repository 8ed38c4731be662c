"""An index of packages: its page of a name, in JSON (PEP 691) or HTML (PEP 503), with PEP 592 and PEP 792."""

import base64
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote, urlsplit

from factory.errors import FactoryError
from factory.platforms.rest import RestClient
from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename
from packaging.version import InvalidVersion, Version
from pydantic import BaseModel, Field, ValidationError

JSON = "application/vnd.pypi.simple.v1+json"
ACCEPTED = f"{JSON}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"


class File(BaseModel):
    """A file of a release; a reason, even an empty one, marks it as yanked."""

    filename: str
    yanked: bool | str = False

    @property
    def gone(self) -> bool:
        return self.yanked is not False

    @property
    def version(self) -> Version | None:
        try:
            return (parse_wheel_filename if self.filename.endswith(".whl") else parse_sdist_filename)(self.filename)[1]
        except (InvalidSdistFilename, InvalidWheelFilename, InvalidVersion):
            return None


class Marker(BaseModel):
    """The state of all releases of a name."""

    status: str = "active"
    reason: str | None = None


class Details(BaseModel):
    """The index's page of a name."""

    files: list[File]
    status: Marker = Field(default_factory=Marker, alias="project-status")


class Index:
    """An index at an address; the login in it goes into a header, as error messages show the address."""

    def __init__(self, address: str) -> None:
        parts, headers = urlsplit(address), {"Accept": ACCEPTED}
        if parts.username:
            login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
        self.client = RestClient(without_login(address), **headers)

    def details(self, name: str) -> Details | None:
        """The page of the name; None where there is none. Raises FactoryError."""
        place = f"{self.client.address}/{name}/"
        try:
            return Details.model_validate(self._content(name))
        except ValidationError as error:
            raise FactoryError(f"{place}: the response is not a page of an index, in JSON or HTML") from error
        except FactoryError as error:
            if getattr(getattr(error.__cause__, "response", None), "status_code", 0) == 404:
                return None
            raise

    def _content(self, name: str) -> Any:
        try:
            return self.client("GET", f"{name}/")
        except FactoryError as error:
            response = getattr(error.__cause__, "response", None)
            if response is None or not response.ok or "html" not in response.headers.get("Content-Type", ""):
                raise
            return Links(response.text).content


class Links(HTMLParser):
    """The page in HTML, as it would be in JSON."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.content: dict[str, Any] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "a":
            filename = unquote(urlsplit(values.get("href", "")).path.rpartition("/")[2])
            self.content.setdefault("files", []).append({"filename": filename, "yanked": values.get("data-yanked", False)})
        elif tag == "meta" and values.get("name", "").startswith("pypi:project-status"):
            key = "reason" if values["name"].endswith("-reason") else "status"
            self.content.setdefault("project-status", {})[key] = values.get("content", "")


def without_login(address: str) -> str:
    """The address for people to read."""
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
