"""Serve the champion with the code, the environment and the model of its own commit."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from .. import PACKAGE
from ..errors import FactoryError
from ..paths import MODEL
from ..registry import champion, versions
from ..scoring import artifact
from ..serving import settings
from ..workspace import git
from ..workspace.process import run

SETTING = re.compile(r"^    ([a-z_]+): \w", re.MULTILINE)  # as the class Settings declares it
PACKAGES = "serving", "service"  # the second up to release 0.2.0


def serve(host: str, port: int) -> NoReturn:
    """Become the service of the champion. Raises FactoryError and CannotEvaluate."""
    service = settings.load()
    service.check_host(host)
    if service.signers:
        raise FactoryError(
            "FACTORY_SIGNERS is for a folder, `factory serve --model FOLDER`: the champion's signature is its tag's"
        )
    local = versions.local()
    if not local:
        raise FactoryError(
            'no model has been promoted yet: run `uv run factory promote -m "why"`, or `uv run factory serve --model model`'
        )
    version = local[-1]
    folder = champion.checkout(version)
    if not any([*folder.glob(f"src/*/factory/{package}")] for package in PACKAGES):
        raise FactoryError(f"the commit of {version.name} has no service yet: promote a model of a newer commit")
    artifact.write_version(folder / MODEL, version.name, version.commit)
    env = {name: value for name, value in os.environ.items() if name not in champion.NOT_ITS_OWN}
    paths = {name: value for name, value in service if isinstance(value, Path)}
    env |= {f"{settings.PREFIX}{name.upper()}": str(path.absolute()) for name, path in paths.items()}
    for name in unknown(version.commit, service.model_fields_set):
        variable = f"{settings.PREFIX}{name.upper()}"
        if variable != settings.OPEN:
            raise FactoryError(
                f"{variable}: {version.name} is served by the code of its own commit, which does not have this setting yet: "
                "promote a version of a newer commit, or do not set it"
            )
        env.pop(variable)
    sync = ("sync", "--quiet", "--frozen", "--no-default-groups", "--extra", "serve")
    run(env.get("UV", "uv"), *sync, cwd=folder, env=env)
    os.chdir(folder)
    program, address = str(Path(".venv/bin/factory").absolute()), ("--host", host, "--port", str(port))
    # replaces this process, so that signals reach the service
    os.execve(program, (program, "serve", "--model", str(MODEL), *address), env)


def unknown(commit: str, names: Iterable[str]) -> list[str]:
    """Those of the settings that the service of the commit refuses, as one of up to release 0.3.0 does `open`.

    A commit that is not in this clone is taken for a new one.
    """
    code = "".join(git.show(commit, f"src/{PACKAGE}/factory/{package}/settings.py") or "" for package in PACKAGES)
    return sorted({*names}.difference(SETTING.findall(code))) if git.has(commit) else []
