"""What runs a version's image in an environment: a Docker host, a Kubernetes cluster or an Azure ML endpoint."""

from dataclasses import dataclass
from typing import Protocol

from ..registry.versions import Version


@dataclass(frozen=True)
class Environment:
    """Where an environment is."""

    name: str
    target: str = "compose"
    host: str = ""
    url: str = ""
    registry: str = ""
    context: str = ""
    namespace: str = ""
    subscription: str = ""
    resource_group: str = ""
    workspace: str = ""
    endpoint: str = ""

    @property
    def stage(self) -> str:
        """Its name on platforms, and on Docker hosts."""
        return {"test": "staging", "prod": "production"}.get(self.name, self.name)


class Target(Protocol):
    """A place where a version serves; `prepare` comes first. What fails raises FactoryError, with a reason code, in one line."""

    def prepare(self, image: str, version: Version) -> None:
        """Check that the image can be had and is the version's; nothing that serves is changed."""

    def running(self) -> str | None:
        """The image that serves, as `up` takes it; None where none does."""

    def up(self, image: str) -> None:
        """Start the image and wait until it is ready; where it does not get so, the previous one goes on serving."""

    def request(self, path: str, body: bytes) -> bytes:
        """The response of the image that was started, before its callers' requests depend on it where that can be."""

    def keep(self, image: str, traffic: int) -> None:
        """Give the image, which has passed, that percentage of the requests."""

    def down(self, image: str) -> None:
        """Stop the image."""


def of(environment: Environment) -> Target:
    """The target of the environment. Raises FactoryError where what it needs is missing."""
    from .compose import Host

    return Host(environment)
