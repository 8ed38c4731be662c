"""Where projects are: the platform of each, what it is asked with, and Git's environment for strangers."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from factory import platforms
from factory.errors import FactoryError
from factory.platforms.base import TOKEN, Platform
from strangers import LOCAL, SETTINGS, SILENT

GIT = SETTINGS | {
    "core.autocrlf": "false",
    "commit.gpgSign": "false",
    "core.bigFileThreshold": "512m",  # what is larger is not merged by lines
    "core.attributesFile": os.devnull,
    "core.excludesFile": os.devnull,
    "core.symlinks": "false",  # a link is a file that holds its target, and nothing is read or written through it
    "filter.lfs.process": "",
    "filter.lfs.required": "false",
    "filter.lfs.smudge": "",
    "push.gpgSign": "false",
}
OURS = "factory@localhost"
IDENTITY = {
    f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in (("NAME", "AI Factory"), ("EMAIL", OURS))
}
"""That of the projects' own pipelines, so that each replaces what the other has proposed."""


@dataclass(frozen=True)
class Servers:
    """By address the kind of each server, and the token for it where there is one."""

    kinds: Mapping[str, str]
    tokens: Mapping[str, str]

    @classmethod
    def of(
        cls, kinds: Mapping[str, str], urls: Iterable[str], template: Iterable[str] = (), env: Mapping[str, str] = os.environ
    ) -> "Servers":
        """FACTORY_TOKEN_ and the server's name has its token; FACTORY_TOKEN where all projects are at one server."""
        used, more = ({server for url in each if (server := platforms.server_of(url, kinds))} for each in (urls, template))
        only = env.get(TOKEN) if len(used) == 1 else None
        tokens = {server: env.get(variable(server)) or (only if server in used else None) for server in used | more}
        return cls(kinds, {server: token for server, token in tokens.items() if token})

    def platform(self, url: str) -> Platform | None:
        """The project's platform, if its server is one that has a token."""
        token = self.token(url)
        return platforms.of_address(url, {TOKEN: token}, self.kinds) if token else None

    def token(self, url: str) -> str | None:
        """The token for the project's server."""
        return self.tokens.get(platforms.server_of(url, self.kinds) or "")

    def check(self, urls: Iterable[str]) -> None:
        """Refuse to propose where a pull request could not be opened. Raises FactoryError."""
        for url in urls:
            server = platforms.server_of(url, self.kinds)
            if server and server not in self.tokens:
                raise FactoryError(
                    f"{variable(server)} is not set: it must be a token that may push to {server} and open pull requests"
                )

    def environment(self, url: str) -> dict[str, str]:
        """Git's environment for this project, with its server's token and no other."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name not in LOCAL and name not in MARKERS and not name.startswith(TOKEN)
        }
        ssh = f"{inherited.get('GIT_SSH_COMMAND', 'ssh')} -oBatchMode=yes"
        env = platforms.with_git_config(GIT, inherited | SILENT | IDENTITY | {"GIT_SSH_COMMAND": ssh})
        env.pop("GIT_NO_LAZY_FETCH", None)  # files of older commits come when they are asked for
        platform = self.platform(url)
        return platforms.with_login(platform, env) if platform else env


MARKERS = {platform.env_marker for platform in platforms.PLATFORMS}
"""By which code of the factory would take the pipeline that this runs in for the project's own."""


def variable(server: str) -> str:
    """The environment variable with the server's token."""
    return f"{TOKEN}_{re.sub(r'[^A-Z0-9]', '_', server.partition('://')[2].upper())}"
