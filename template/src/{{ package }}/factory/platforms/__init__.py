"""The CI platforms that pipelines run on. To add one, write a module with a subclass of Platform and list it in PLATFORMS."""

import base64
import os
import re
from collections.abc import Mapping
from urllib.parse import quote

from .azure import Azure
from .base import TOKEN, Platform
from .github import GitHub
from .gitlab import GitLab

PLATFORMS: tuple[type[Platform], ...] = (
    GitHub,
    GitLab,
    Azure,
)
SERVICES: dict[str, tuple[type[Platform], dict[str, str]]] = {
    r"[@/]github\.com[:/](?P<name>[^/]+/[^/]+)$": (
        GitHub,
        {"GITHUB_API_URL": "https://api.github.com", "GITHUB_REPOSITORY": "{name}"},
    ),
    r"[@/]gitlab\.com[:/](?P<name>.+)$": (
        GitLab,
        {"CI_API_V4_URL": "https://gitlab.com/api/v4", "CI_PROJECT_ID": "{id}"},
    ),
    r"dev\.azure\.com[:/](v3/)?(?P<organisation>[^/]+)/(?P<project>[^/]+)/(_git/)?(?P<name>[^/]+)$": (
        Azure,
        {
            "SYSTEM_COLLECTIONURI": "https://dev.azure.com/{organisation}/",
            "SYSTEM_TEAMPROJECTID": "{project}",
            "BUILD_REPOSITORY_ID": "{name}",
        },
    ),
}
"""By what is in a remote's address, the platform, and what its pipelines would know of the project."""


def detect(environment: Mapping[str, str] = os.environ) -> Platform | None:
    """The platform of this pipeline, if it is one."""
    return next((platform(environment) for platform in PLATFORMS if environment.get(platform.env_marker)), None)


def of_address(address: str | None, environment: Mapping[str, str] = os.environ) -> Platform | None:
    """The platform of a remote's address, if it is at one of the public services."""
    for pattern, (platform, variables) in SERVICES.items():
        if match := re.search(pattern, (address or "").rstrip("/").removesuffix(".git")):
            parts = match.groupdict() | {"id": quote(match["name"], safe="")}
            return platform({**environment, **{name: value.format(**parts) for name, value in variables.items()}})
    return None


def git_env(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment in which Git can log in to the platform, with the token in no command line and no file."""
    platform = detect(environment)
    if platform is None or not environment.get(TOKEN):
        return dict(environment)
    secret = base64.b64encode(f"{platform.git_user}:{platform.token}".encode()).decode()
    key = f"http.{platform.server_url.rstrip('/')}/.extraheader"
    return with_git_config({key: f"Authorization: Basic {secret}"}, environment)


def with_git_config(settings: Mapping[str, str], environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment in which Git has these settings, whatever its files say."""
    env, count = dict(environment), int(environment.get("GIT_CONFIG_COUNT", 0))
    for number, (key, value) in enumerate(settings.items(), count):
        env |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return env | {"GIT_CONFIG_COUNT": str(count + len(settings))}
