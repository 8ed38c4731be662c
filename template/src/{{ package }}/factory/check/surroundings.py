"""What is wrong with environments.yaml, and what is otherwise than it says: on the platform, and where versions run."""

import configparser
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import urlsplit

from .. import environments
from ..deployment import overlay, records
from ..environments import FILE, Environment
from ..errors import FactoryError
from ..platforms.base import Platform
from ..registry import versions
from ..registry.trust import Trust

LOOPBACK = ("localhost", "127.0.0.1", "::1")
KEYS = {
    "compose": ("host",),
    "kubernetes": ("context", "namespace"),
    "azureml": ("subscription", "resource_group", "workspace", "endpoint"),
}
"""By target, the settings that name the place of an environment."""


def problems(known: Trust, platform: Callable[[], Platform]) -> Iterator[str]:
    """Each in a line. `platform` gives the one to ask for approvers, and raises FactoryError where it cannot be asked."""
    try:
        found = environments.load()
    except FactoryError as error:
        yield f"{error}"
        return
    used = {name: environment for name, environment in found.items() if any(_place(environment))}
    yield from _of_prod(used)
    for environment in found.values():
        yield from _addresses(environment)
    for environment in used.values():
        yield from _or_not_known(_drift, environment, known)
        if environment.approvers:
            yield from _or_not_known(_approvers, environment, platform)


def _of_prod(used: Mapping[str, Environment]) -> Iterator[str]:
    prod, test = used.get("prod"), used.get("test")
    if prod is None:
        return
    if not prod.approvers:
        yield f"{FILE}: prod has no approvers: whoever can start the pipeline deploys there"
    if prod.target != "compose" and not prod.after:
        yield f"{FILE}: prod takes images that ran nowhere before: `after: test`"
    if test and (test.target, _place(test)) == (prod.target, _place(prod)):
        same = ", ".join(f"{key} {value}" for key, value in zip(KEYS[prod.target], _place(prod), strict=True) if value)
        yield f"{FILE}: prod and test are in one place ({same}): what is tried in test replaces what serves"


def _addresses(environment: Environment) -> Iterator[str]:
    url = urlsplit(environment.url)
    if environment.url and url.scheme != "https" and url.hostname not in LOOPBACK:
        yield f"{FILE}: {environment.name}.url is {environment.url}: without https, keys and rows can be read on the way"
    if environment.storage and environment.storage not in (known := _remotes()):
        named = ", ".join(known) or "none"
        yield f"{FILE}: {environment.name}.storage is {environment.storage}, and .dvc/config has {named}: `uv run dvc remote add`"


def _drift(environment: Environment, known: Trust) -> Iterator[str]:
    """What runs there, by the last record and the overlay, against the champion."""
    recorded, valid = (
        records.read(environment.name, known),
        [each for each in versions.local(known) if not each.problem],
    )
    if recorded and valid and recorded[-1].version != valid[-1].name:
        last = recorded[-1]
        yield (
            f"{environment.name} runs {last.version} since {last.at[:16]}, and {valid[-1].name} is the champion: "
            f"`uv run factory deploy {environment.name}`"
        )
    if environment.target == "kubernetes" and (image := overlay.read(overlay.path(environment.name))):
        if not recorded:
            yield f"{overlay.path(environment.name)} has {image}, of which no deployment is recorded"
        elif image != recorded[-1].image:
            yield f"{overlay.path(environment.name)} has {image}, and what was deployed last is {recorded[-1].image}"


def _approvers(environment: Environment, platform: Callable[[], Platform]) -> Iterator[str]:
    asked = {_plain(name) for name in platform().approvers(environment.stage)}
    wanted = {_plain(name) for name in environment.approvers}
    if asked != wanted:
        who = f"asks {', '.join(sorted(asked))}" if asked else "asks nobody"
        yield (
            f"the platform {who} before a deployment to {environment.stage}, and {FILE} has "
            f"{', '.join(sorted(wanted))} for {environment.name}"
        )


def _or_not_known(check: Callable[..., Iterator[str]], environment: Environment, source: object) -> Iterator[str]:
    try:
        yield from check(environment, source)
    except FactoryError as error:
        yield f"{environment.name}: cannot be found out: {' '.join(str(error).split())}"


def _place(environment: Environment) -> tuple[str, ...]:
    return tuple(getattr(environment, key) for key in KEYS[environment.target])


def _plain(name: str) -> str:
    """A person's or team's name, however it is written: a team's with its organisation or without."""
    return name.removeprefix("@").rpartition("/")[2].lower()


def _remotes() -> list[str]:
    config = configparser.ConfigParser(interpolation=None, strict=False)
    config.read([".dvc/config", ".dvc/config.local"], encoding="utf-8")
    return [
        section.strip("'").removeprefix("remote ").strip('"') for section in config.sections() if "remote " in section
    ]
