"""What runs a version's image in an environment: a Docker host, a Kubernetes cluster or an Azure ML endpoint."""

from typing import Protocol

from ..environments import Environment
from ..errors import FactoryError
from ..registry.versions import Version


class Observed(Protocol):
    """A place where a version serves, as far as it can be looked at. What fails raises FactoryError, in one line."""

    def running(self) -> str | None:
        """The image that serves, as `up` takes it; None where none does."""

    def request(self, path: str, body: bytes) -> bytes:
        """The response of the image that was started, before its callers' requests depend on it where that can be."""


class Target(Observed, Protocol):
    """A place to deploy to; `prepare` comes first. What fails raises FactoryError, with a reason code, in one line."""

    def prepare(self, image: str, version: Version) -> None:
        """Check that the image can be had and is the version's; nothing that serves is changed."""

    def up(self, image: str) -> None:
        """Start the image and wait until it is ready; where it does not get so, the previous one goes on serving."""

    def keep(self, image: str, traffic: int) -> None:
        """Give the image, which has passed, that percentage of the requests."""

    def down(self, image: str) -> None:
        """Stop the image."""


def of(environment: Environment) -> Target:
    """The target of the environment. Raises FactoryError where what it needs is missing."""
    if environment.target == "kubernetes":
        from .kubernetes import Cluster

        return Cluster(environment)
    if environment.target == "azureml":
        from .azureml import Endpoint

        return Endpoint(environment)
    from .compose import Host

    return Host(environment)


def observed(environment: Environment) -> Observed:
    """The environment to look at, though it may be that nothing here can deploy to it. Raises FactoryError."""
    if is_proposed(environment):
        from .gitops import Main

        return Main(environment)
    if is_dry_run(environment):
        raise FactoryError(f"{environment.name} has no `host` in environments.yaml")
    return of(environment)


def is_proposed(environment: Environment) -> bool:
    """Whether its changes are proposed to main, and something else brings them to the cluster."""
    return environment.target == "kubernetes" and not environment.context


def is_dry_run(environment: Environment) -> bool:
    """Whether there is no host to deploy to, so that the image is tried on this machine."""
    return environment.target == "compose" and not environment.host
