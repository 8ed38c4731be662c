"""The CI platforms that pipelines run on. To add one, write a module with a subclass of Platform and list it in PLATFORMS."""

import base64
import os
import re
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from .azure import Azure
from .base import TOKEN, Platform
from .github import GitHub
from .gitlab import GitLab

PLATFORMS: tuple[type[Platform], ...] = (
    GitHub,
    GitLab,
    Azure,
)
PUBLIC = {"https://github.com": "github", "https://gitlab.com": "gitlab", "https://dev.azure.com": "azure"}
"""By address the servers that everybody knows, each with its kind."""

KINDS: dict[str, tuple[type[Platform], str, dict[str, str]]] = {
    "github": (
        GitHub,
        r"(?P<name>[^/]+/[^/]+)",
        {"GITHUB_API_URL": "{server}/api/v3", "GITHUB_REPOSITORY": "{name}", "GITHUB_SERVER_URL": "{server}"},
    ),
    "gitlab": (
        GitLab,
        r"(?P<name>.+)",
        {"CI_API_V4_URL": "{server}/api/v4", "CI_PROJECT_ID": "{id}", "CI_SERVER_URL": "{server}"},
    ),
    "azure": (
        Azure,
        r"(v3/)?(?P<organisation>[^/]+)/(?P<project>[^/]+)/(_git/)?(?P<name>[^/]+)",
        {
            "SYSTEM_COLLECTIONURI": "{server}/{organisation}/",
            "SYSTEM_TEAMPROJECTID": "{project}",
            "BUILD_REPOSITORY_ID": "{name}",
            "BUILD_REPOSITORY_URI": "{server}/{organisation}/{project}/_git/{name}",
        },
    ),
}
"""By kind of server, the platform, the path of a project there, and what its pipelines would know of the project."""


def detect(environment: Mapping[str, str] = os.environ) -> Platform | None:
    """The platform of this pipeline, if it is one."""
    return next((platform(environment) for platform in PLATFORMS if environment.get(platform.env_marker)), None)


def server_of(address: str | None, servers: Mapping[str, str] = PUBLIC) -> str | None:
    """Which of the servers, by address with their kinds, a remote's address is at."""
    return next((server for server, kind in servers.items() if _path(address, server, kind)), None)


def of_address(
    address: str | None, environment: Mapping[str, str] = os.environ, servers: Mapping[str, str] = PUBLIC
) -> Platform | None:
    """The platform of a remote's address, if it is at one of the servers."""
    server = server_of(address, servers)
    if server is None:
        return None
    platform, _, variables = KINDS[servers[server]]
    match = _path(address, server, servers[server])
    parts = {"server": server, **(match.groupdict() if match else {})}
    parts["id"] = quote(parts["name"], safe="")
    known = {name: value.format(**parts) for name, value in variables.items()}
    if server == "https://github.com":
        known["GITHUB_API_URL"] = "https://api.github.com"
    return platform({**environment, **known})


def _path(address: str | None, server: str, kind: str) -> re.Match[str] | None:
    """The project's path at the server, if its address names that server and nothing before it."""
    there = urlsplit(server)
    given = re.sub(r"^(?:[^@/:]+@)?([^@/:]{2,}):(?!//)/*", r"ssh://\1/", address or "")  # host:path
    here = urlsplit(given)
    if here.scheme in ("http", "https"):
        found = here.netloc.rpartition("@")[2].casefold() == there.netloc.casefold()
    else:
        found = here.scheme == "ssh" and here.hostname in (there.hostname, f"ssh.{there.hostname}")
    if not found:
        return None
    path = here.path.strip("/").removesuffix(".git").removeprefix(f"{there.path.strip('/')}/")
    return re.fullmatch(KINDS[kind][1], path)


def git_env(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment in which Git can log in to the platform, with the token in no command line and no file."""
    platform = detect(environment)
    return with_login(platform, environment) if platform else dict(environment)


def with_login(platform: Platform, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment in which Git has the platform's token, if there is one, at that server alone."""
    if not platform.env.get(TOKEN):
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
