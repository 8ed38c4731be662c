"""What every platform can do for a pipeline, and which one this is."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

from ..errors import FactoryError

TOKEN = "FACTORY_TOKEN"


class Forge(ABC):
    """A platform, as the environment of a run describes it."""

    variable: ClassVar[str]  # set on this platform alone
    user: ClassVar[str]  # whom Git signs in, with the token
    most: ClassVar[int]  # letters of a comment
    draws: ClassVar[bool] = True  # Mermaid charts

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.env = environment

    @property
    def token(self) -> str:
        """What signs in. Raises FactoryError."""
        if not self.env.get(TOKEN):
            raise FactoryError(f"{TOKEN} is not set: it must hold a token that may write comments, issues and branches")
        return self.env[TOKEN]

    @property
    @abstractmethod
    def server(self) -> str:
        """The address below which Git finds repositories."""

    @property
    @abstractmethod
    def run(self) -> str:
        """The address of this run."""

    @property
    @abstractmethod
    def target(self) -> str | None:
        """The branch into which this run's pull request goes, None if it is for none."""

    @property
    @abstractmethod
    def branch(self) -> str:
        """The branch of which this run is."""

    @cached_property
    @abstractmethod
    def api(self) -> Any:
        """The platform's interface."""

    @abstractmethod
    def comment(self, marker: str, text: str) -> str | None:
        """Make the text the pull request's one comment that begins with the marker; its address. Raises FactoryError."""

    @abstractmethod
    def propose(self, branch: str, base: str, title: str, text: str, draft: bool) -> str:
        """Open or update the branch's pull request; its address. Raises FactoryError."""

    @abstractmethod
    def issue(self, marker: str, title: str, text: str) -> str:
        """Open or update the one open issue that begins with the marker; its address. Raises FactoryError."""

    def output(self, name: str, value: str) -> None:  # noqa: B027  not everywhere can a job hand on what it found
        """Hand a value to the jobs that wait for this one."""

    def show(self, text: str) -> None:  # noqa: B027
        """Put the text on the run's own page, where it has one."""

    def registry(self, address: str) -> tuple[str, str] | None:
        """User and password of the image registry, if it is the platform's own."""
        return None
