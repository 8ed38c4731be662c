"""What a CI platform provides: facts about this run, and comments, pull requests and issues."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

from ..errors import FactoryError

TOKEN = "FACTORY_TOKEN"


class LimitError(FactoryError):
    """The platform answers no more for a while."""


@dataclass(frozen=True)
class Review:
    """A pull request's approval: its id, and the name by which the platform knows who gave it."""

    id: str
    by: str
    at: str
    url: str


@dataclass(frozen=True)
class PullRequest:
    """A pull request of a branch: open, merged, or closed without; and the branch's commit in it."""

    number: int
    state: Literal["open", "merged", "closed"]
    title: str
    draft: bool
    commit: str
    url: str


Checks = Literal["green", "red", "pending", "none"]


class Platform(ABC):
    """A platform, as described by the environment of a run."""

    env_marker: ClassVar[str]  # a variable that only this platform sets
    git_user: ClassVar[str]  # the user whose password is the token
    max_comment: ClassVar[int]  # characters

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.env = environment

    @property
    def token(self) -> str:
        """The token to log in with. Raises FactoryError."""
        if not self.env.get(TOKEN):
            raise FactoryError(
                f"{TOKEN} is not set: it must be a token with rights to write comments, issues and branches"
            )
        return self.env[TOKEN]

    @property
    @abstractmethod
    def server_url(self) -> str:
        """The address of the server with the repositories."""

    @property
    @abstractmethod
    def run_url(self) -> str:
        """The address of this run."""

    @property
    @abstractmethod
    def target_branch(self) -> str | None:
        """The target branch of this run's pull request, None if it has none."""

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
        """Write or update the pull request's comment that begins with the marker; its address. Raises FactoryError."""

    @abstractmethod
    def open_pull_request(self, branch: str, base: str, title: str, text: str, draft: bool) -> str:
        """Open or update the branch's pull request; its address. Raises FactoryError."""

    @abstractmethod
    def is_proposed(self, branch: str, base: str) -> bool:
        """Whether a pull request of the branch is open. Raises FactoryError."""

    @abstractmethod
    def pull_request(self, branch: str) -> PullRequest | None:
        """The newest pull request of the branch, whatever became of it. Raises FactoryError."""

    @abstractmethod
    def checks(self, request: PullRequest) -> Checks:
        """What the pipelines of the pull request's commit have found; none where there is no pipeline. Raises FactoryError."""

    @abstractmethod
    def open_issue(self, marker: str, title: str, text: str, only_update: bool = False) -> str | None:
        """Open or update the issue that begins with the marker; its address. Raises FactoryError.

        With `only_update` none is opened: there is no address where there is none to update.
        """

    @abstractmethod
    def start_retraining(self) -> None:
        """Start the pipeline `retrain` of this branch. Raises FactoryError."""

    @abstractmethod
    def reviews(self, commit: str) -> list[Review]:
        """Approvals, as it was merged, of the default branch's pull request that brought the commit. Raises FactoryError.

        Not by who opened it or pushed to it: the platform knows them, whatever the commits say. None where it does not
        know who pushed, as of a fork's branch.
        """

    @abstractmethod
    def unprotected(self, branch: str, tag: str) -> Iterator[tuple[str, str]]:
        """What the platform lets people do to the branch and to such tags that it should not. Raises FactoryError.

        Each with the name that `factory doctor` has for it, branch or tags.
        """

    @abstractmethod
    def approvers(self, environment: str) -> set[str]:
        """Who has to approve on the platform before a job of its environment of that name runs. Raises FactoryError."""

    def render_comment(self, report: str) -> str:
        """The Markdown, cut to the platform's limit, with a link to the run."""
        rest = f"\n\nLogs, and the report with plots (`reports/report.html` in the artifacts): [this run]({self.run_url})\n"
        return cut(report.rstrip(), self.max_comment - len(rest)) + rest

    def set_output(self, name: str, value: str) -> None:  # noqa: B027  some platforms have none
        """Set an output for the jobs that depend on this one."""

    def job_summary(self, report: str) -> None:  # noqa: B027
        """Show the Markdown on the run's page, where there is one."""

    def registry_login(self, address: str) -> tuple[str, str] | None:
        """User and password of the image registry, if it is the platform's own."""
        return None


NO_REVIEW = "branch", "a change of main needs nobody's review"
NO_OWNERS = "branch", "a change of what has an owner does not need the owner's review"
PUSHED = "branch", "main can be pushed to, without a pull request"
FORCED = "branch", "main can be replaced by a forced push"
UNCHECKED = "branch", "a change can be merged though its pipeline fails"
MOVED = "tags", "a version's tag can be moved or deleted"


def cut(page: str, most: int) -> str:
    """As many whole lines of the Markdown as have room: half a line might end within a code span."""
    return page if len(page) <= most else page[:most].rpartition("\n")[0]


def combined(results: Iterable[Checks]) -> Checks:
    """What several pipelines have found: red as soon as one is."""
    found = {*results} - {"none"}
    return next((each for each in ORDER if each in found), "none")


ORDER: tuple[Checks, ...] = ("red", "pending", "green")
