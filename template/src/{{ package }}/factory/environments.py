"""environments.yaml: where the model runs, as data that `deploy`, `publish`, `monitor` and the pipelines read alike.

The text below each key is its reference: from it and the types come `environments.schema.json`, for editors, and docs/environments.md.
"""

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import field_validator, model_validator

from . import sections
from .errors import FactoryError
from .sections import Section

FILE = Path("environments.yaml")

Name = Literal["dev", "test", "prod"]
NAMES: tuple[Name, ...] = ("dev", "test", "prod")
STAGES = {"test": "staging", "prod": "production"}
ALIASES = {stage: name for name, stage in STAGES.items()}
ALL, TRIAL = "all", "trial"
HOST, URL, REGISTRY = "FACTORY_TARGET", "FACTORY_URL", "FACTORY_REGISTRY"
VARIABLES = {HOST: "host", URL: "url", REGISTRY: "registry"}
"""By variable, the key in whose place it is: a pipeline that sets one has the last word."""
SECRETS = {
    r"://[^/@\s:]*:[^/@\s]+@": "a password in an address",
    r"[?&;]sig=": "the signature of a shared access link",
    r"(?i)\b(AccountKey|SharedAccessKey|password|passwd|secret|token)\s*[=:]": "a password or key",
    r"\bA(KIA|SIA)[0-9A-Z]{16}\b": "an access key of AWS",
    r"\b(gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{20,})": "an access token",
    r"\beyJ[\w-]{8,}\.[\w-]{8,}": "a signed token",
    r"-----BEGIN": "a private key",
}
"""What looks like a secret, whichever key has it."""


class Settings(Section):
    """The keys of an environment."""

    target: Literal["compose", "kubernetes", "azureml"] = "compose"
    """What runs the image: `compose` on a Docker host, a `kubernetes` cluster, or an online endpoint of `azureml`."""
    host: str = ""
    """For compose: the Docker host, such as `ssh://deploy@test.example.com`. Without it a deployment is a dry run on this
    machine. `FACTORY_TARGET` has the last word."""
    url: str = ""
    """The service's address for its callers, where the smoke test calls it; without it, it is called from within.
    `FACTORY_URL` has the last word."""
    registry: str = ""
    """Where images go, such as `ghcr.io/team/churn`; without it, a temporary registry on this machine. `FACTORY_REGISTRY`
    has the last word."""
    storage: str = ""
    """The name of the DVC remote with data and models, from which `factory restore --environment` fetches; without it, the
    default one."""
    captures: list[str] = []
    """Folders and URLs of what the service captures, for `factory monitor`; without them, `monitor.captures` of
    params.yaml."""
    context: str = ""
    """For kubernetes: the context of kubectl. Without it nothing here reaches the cluster: `factory deploy` proposes the
    overlay's change as a pull request, for Argo CD or Flux to read."""
    namespace: str = ""
    """For kubernetes: the namespace; without it, the overlay's."""
    subscription: str = ""
    """For azureml and `factory infra`: the id of the Azure subscription; without it, the one that `az` is logged in to."""
    resource_group: str = ""
    """For azureml and `factory infra`: the resource group."""
    workspace: str = ""
    """For azureml: the workspace."""
    endpoint: str = ""
    """For azureml: the name of the online endpoint."""
    identity: str = ""
    """The client id as which a job with a federated token logs in to Azure, where `AZURE_CLIENT_ID` is not set: no secret. On
    GitHub and Azure DevOps, the login of the pipeline has done that before."""
    approvers: list[str] = []
    """Who approves a deployment, as the platform names them: `factory doctor` compares them with the protection of the
    platform's environment, which is what asks them."""
    after: Name | Literal[""] = ""
    """The environment in which an image, by its digest, has to have run and passed before it comes here."""

    @field_validator("*")
    @classmethod
    def check_secrets(cls, value: Any) -> Any:
        """Refuse what looks like a secret, without repeating it."""
        for text in value if isinstance(value, list) else [value]:
            for pattern, what in SECRETS.items():
                if re.search(pattern, text):
                    raise ValueError(f"holds {what}: revoke it, and leave secrets to the platform or a key vault")
        return value


class Environments(Section):
    """All of environments.yaml."""

    all: Settings = Settings()
    """What the environments share; each may state another value."""
    dev: Settings = Settings()
    """Where the team tries things."""
    test: Settings = Settings()
    """Where a version runs first; pipelines and platforms call it `staging`."""
    prod: Settings = Settings()
    """Where its callers are; pipelines and platforms call it `production`."""

    @field_validator("*", mode="before")
    @classmethod
    def check_empty(cls, value: Any) -> Any:
        """Read a key without a value as one without settings."""
        return {} if value is None else value

    @model_validator(mode="after")
    def check_order(self) -> Self:
        """Refuse environments that wait for each other."""
        for name in NAMES:
            seen, here = list[str](), f"{name}"
            while here:
                if here in seen:
                    raise ValueError(f"{' after '.join([*seen, here])}: no image could ever come first")
                seen.append(here)
                here = self.settings(here)["after"]
        return self

    def settings(self, name: str) -> dict[str, Any]:
        """The settings of the environment, with those of all where it has none of its own."""
        own, shared = getattr(self, name), self.all
        return {**shared.model_dump(), **own.model_dump(include=own.model_fields_set)}


class Environment(Settings):
    """One environment, with all its settings."""

    name: str

    @property
    def stage(self) -> str:
        """Its name on platforms, where approvals hang on it, and on Docker hosts."""
        return STAGES.get(self.name, self.name)


def load(path: Path = FILE) -> dict[str, Environment]:
    """The environments as the file has them, by name; none without a file. Raises FactoryError naming each wrong key."""
    if not path.exists():
        return {}
    file = _read(path)
    return {name: Environment(name=name, **file.settings(name)) for name in NAMES}


def find(name: str, path: Path = FILE, variables: Mapping[str, str] = os.environ) -> Environment:
    """The environment of that name, or of its older name on platforms; variables that are set replace its keys.

    `trial` is a dry run on this machine. Without a file, or where it has no setting, any name may be used, and the variables
    alone count. Raises FactoryError.
    """
    known, name = load(path), ALIASES.get(name, name)
    if name == TRIAL:  # whatever host and address are set
        return Environment(name=TRIAL, registry=shared(path, variables).registry)
    is_used = any(each != Environment(name=each.name) for each in known.values())
    if name == ALL or (is_used and name not in known):
        close = difflib.get_close_matches(name, [*NAMES, *ALIASES, TRIAL], n=1)
        meant = f"did you mean {close[0]}?" if close else f"the environments are {', '.join(NAMES)}"
        raise FactoryError(f"ENVIRONMENT: {name} is not an environment of {path}: {meant}")
    return _with(variables, known.get(name, Environment(name=name)))


def shared(path: Path = FILE, variables: Mapping[str, str] = os.environ) -> Environment:
    """What the environments share, which is nothing to deploy to; variables that are set replace its keys. Raises FactoryError."""
    return _with(variables, Environment(name=ALL, **_read(path).settings(ALL) if path.exists() else {}))


def _with(variables: Mapping[str, str], environment: Environment) -> Environment:
    set_here = {key: value for variable, key in VARIABLES.items() if (value := variables.get(variable))}
    return environment.model_copy(update=set_here)


def _read(path: Path) -> Environments:
    return sections.read(path, lambda content: Environments.model_validate({} if content is None else content))
