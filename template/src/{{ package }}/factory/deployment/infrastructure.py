"""What an environment needs in Azure, as infra/ describes it: `az` plans and makes it."""

import os
import shutil
import subprocess
from pathlib import Path

from .. import environments
from ..environments import Environment
from ..errors import FactoryError

FOLDER = Path("infra")
NAME = "infra"
"""Of the deployment, whose outputs are the keys in environments.yaml."""
PLAN = ("what-if", "--validation-level", "ProviderNoRbac")
"""Whoever plans may only read; other levels ask for the rights to write."""
CREATE = ("create", "--query", "properties.outputs.environment.value", "--output", "yaml")


LOGIN = ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE")
"""Of a job whose platform only gave it a token: `az` logs in with it, as Azure's libraries do."""


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
    _log_in()
    place = ["--name", NAME, "--resource-group", environment.resource_group]
    place += ["--subscription", environment.subscription] if environment.subscription else []
    parameters = ["--parameters", str(_parameters(environment))]
    _az("INFRA_FAILED", "deployment", "group", action, *place, *parameters, *options)


def _log_in() -> None:
    client, tenant, file = map(os.environ.get, LOGIN)
    if client and tenant and file and Path(file).is_file():
        who = ["--service-principal", "--username", client, "--tenant", tenant]
        _az("AZ_LOGIN", "login", *who, "--federated-token", Path(file).read_text(encoding="utf-8"), "--output", "none")


def _az(failed: str, *command: str) -> None:
    if not shutil.which("az"):
        raise FactoryError(
            "AZ_MISSING: az, the command line of Azure, is not on PATH: install it, see aka.ms/azure-cli"
        )
    code = subprocess.run(["az", *command], stdin=subprocess.DEVNULL, check=False).returncode
    if code:
        what = " ".join(part for part in command[:3] if not part.startswith("-"))
        raise FactoryError(f"{failed}: `az {what}` ended with exit code {code}: its reason is above")
