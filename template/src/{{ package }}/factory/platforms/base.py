"""What a CI platform must provide: who this run is, and comments, pull requests and issues with the results."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

from ..errors import FactoryError

TOKEN = "FACTORY_TOKEN"


class Platform(ABC):
    """A platform, as the environment of a run describes it."""

    env_marker: ClassVar[str]  # a variable that is set on this platform alone
    git_user: ClassVar[str]  # whom Git signs in, with the token
    max_comment: ClassVar[int]  # characters

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
    def server_url(self) -> str:
        """The address below which Git finds repositories."""

    @property
    @abstractmethod
    def run_url(self) -> str:
        """The address of this run."""

    @property
    @abstractmethod
    def target_branch(self) -> str | None:
        """The branch into which this run's pull request goes, None if it is for none."""

    @property
    @abstractmethod
    def branch(self) -> str:
        """The branch of this run."""

    @cached_property
    @abstractmethod
    def api(self) -> Any:
        """The platform's REST client."""

    @abstractmethod
    def comment(self, marker: str, text: str) -> str | None:
        """Make the text the pull request's one comment that begins with the marker; its address. Raises FactoryError."""

    @abstractmethod
    def open_pull_request(self, branch: str, base: str, title: str, text: str, draft: bool) -> str:
        """Open or update the branch's pull request; its address. Raises FactoryError."""

    @abstractmethod
    def open_issue(self, marker: str, title: str, text: str) -> str:
        """Open or update the one open issue that begins with the marker; its address. Raises FactoryError."""

    def render_comment(self, report: str) -> str:
        """The Markdown as this platform shows it: no longer than it takes, and where the plots and the rest are."""
        rest = f"\n\nThe whole report with its plots, reports/report.html, is kept with [this run]({self.run_url}).\n"
        return report.rstrip()[: self.max_comment - len(rest)] + rest

    def set_output(self, name: str, value: str) -> None:  # noqa: B027  not everywhere can a job hand on what it found
        """Hand a value to the jobs that wait for this one."""

    def job_summary(self, report: str) -> None:  # noqa: B027
        """Put the Markdown on the run's own page, where it has one."""

    def registry_login(self, address: str) -> tuple[str, str] | None:
        """User and password of the image registry, if it is the platform's own."""
        return None
