"""The champion as a service: with the code, the environment and the model of its own commit."""

import os
from pathlib import Path
from typing import NoReturn

from ..errors import FactoryError
from ..paths import MODEL
from ..registry import champion, versions
from ..scoring import artifact
from ..serving import settings
from ..workspace.process import run


def serve(host: str, port: int) -> NoReturn:
    """Become the service of the champion. Raises FactoryError and CannotEvaluate."""
    chosen = settings.load()
    known = versions.local()
    if not known:
        raise FactoryError("there is no version yet: `uv run factory promote`, or `uv run factory serve --model model`")
    version = known[-1]
    folder = champion.checkout(version.commit)
    if not any(folder.glob("src/*/factory/service")):
        raise FactoryError(f"{version.name} is of a time before the service: promote a model of a commit that has it")
    artifact.write_version(folder / MODEL, version.name, version.commit)
    env = {name: value for name, value in os.environ.items() if name not in champion.PROJECT_ENV}
    places = {name: value for name, value in chosen if isinstance(value, Path)}
    env |= {f"{settings.PREFIX}{name.upper()}": str(value.resolve()) for name, value in places.items()}
    run(
        env.get("UV", "uv"),
        "sync",
        "--quiet",
        "--frozen",
        "--no-default-groups",
        "--extra",
        "serve",
        cwd=folder,
        env=env,
    )
    os.chdir(folder)
    command = (
        str(Path(".venv/bin/factory").absolute()),
        "serve",
        "--model",
        str(MODEL),
        "--host",
        host,
        "--port",
        str(port),
    )
    os.execve(command[0], command, env)  # takes this process's place, so that signals reach it
