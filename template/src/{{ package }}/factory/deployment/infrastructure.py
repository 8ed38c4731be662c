"""What an environment needs in Azure, as infra/ describes it: `az` plans and makes it."""

from pathlib import Path

from .. import environments
from ..environments import Environment
from ..errors import FactoryError
from . import azure_cli

FOLDER = Path("infra")
NAME = "infra"
"""Of the deployment, whose outputs are the keys in environments.yaml."""
PLAN = ("what-if", "--validation-level", "ProviderNoRbac")
"""Whoever plans may only read; other levels ask for the rights to write."""
CREATE = ("create", "--query", "properties.outputs.environment.value", "--output", "yaml")


def describe(name: str) -> Environment | None:
    """The environment; None where environments.yaml names no resource group for it. Raises FactoryError."""
    environment = environments.find(name)
    if not _parameters(environment).is_file():
        raise FactoryError(
            f"INFRA_MISSING: {_parameters(environment)} does not exist: {environment.name} has no infrastructure here"
        )
    return environment if environment.resource_group else None


def plan(environment: Environment) -> None:
    """Show what would change. Raises FactoryError."""
    _deployment(environment, *PLAN)


def create(environment: Environment) -> None:
    """Make what is missing and change what differs; what infra/ does not name stays. Raises FactoryError."""
    _deployment(environment, *CREATE)


def _parameters(environment: Environment) -> Path:
    return FOLDER / f"{environment.name}.bicepparam"


def _deployment(environment: Environment, action: str, *options: str) -> None:
    """Run `az`, whose output is its own."""
    azure_cli.log_in()  # `identity` deploys, and may neither plan nor apply
    place = ["--name", NAME, "--resource-group", environment.resource_group]
    place += ["--subscription", environment.subscription] if environment.subscription else []
    parameters = ["--parameters", str(_parameters(environment))]
    azure_cli.show("deployment", "group", action, *place, *parameters, *options, failed="INFRA_FAILED")
