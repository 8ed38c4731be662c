"""A version's image in a registry, with the statement of where it comes from."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from .. import platforms
from ..errors import FactoryError
from ..registry import versions
from ..workspace.process import run
from . import provenance
from .image import find_engine, image_name

REGISTRY = "FACTORY_REGISTRY"
LOCAL_REGISTRY = "registry:3.0.0"
TIMEOUT_SECONDS = 30


def publish(name: str) -> tuple[str, Path]:
    """Push what `factory build` made; the image by its digest, and the statement's path. Raises FactoryError."""
    version = versions.find(name, versions.fetch())
    engine, local_name = find_engine(), image_name()
    with _registry(engine, local_name) as registry:
        tag = f"{registry}:{version.name}"
        run(engine, "tag", f"{local_name}:{version.name}", tag)
        _push(engine, tag)
        image = by_digest(engine, tag)
        if not os.environ.get(REGISTRY):
            run(engine, "rmi", tag)  # which nobody could pull again
    return image, provenance.write(version, image)


def login(engine: str, registry: str) -> None:
    """Sign in, if the registry is the platform's own; to any other the team signs in. Raises FactoryError."""
    platform = platforms.detect()
    credentials = platform.registry_login(registry) if platform else None
    if credentials:
        user, password = credentials
        run(engine, "login", registry.partition("/")[0], "--username", user, "--password-stdin", stdin=password)


def by_digest(engine: str, tag: str, env: Mapping[str, str] = os.environ) -> str:
    """The image's name in its registry that no later push can take. Raises FactoryError."""
    registry = tag.rpartition(":")[0].removeprefix("docker.io/")  # which Docker does not name
    names = run(engine, "inspect", "--format={{range .RepoDigests}}{{println .}}{{end}}", tag, env=env).splitlines()
    for name in names:
        if name.removeprefix("docker.io/").startswith(f"{registry}@"):
            return name
    raise FactoryError(f"{registry} has not said by which digest it knows {tag}")


@contextmanager
def _registry(engine: str, name: str) -> Iterator[str]:
    """The registry that is set, or one on this machine for as long as it takes."""
    address = os.environ.get(REGISTRY)
    if address:
        login(engine, address)
        yield address
        return
    image = os.environ.get("REGISTRY_IMAGE") or LOCAL_REGISTRY
    container = run(engine, "run", "--quiet", "--detach", "--publish=127.0.0.1::5000", image)
    try:
        yield f"{run(engine, 'port', container, '5000').splitlines()[0]}/{name}"
    finally:
        run(engine, "rm", "--force", "--volumes", container)


def _push(engine: str, tag: str) -> None:
    """Push, and once more where the registry is only starting."""
    end = time.monotonic() + TIMEOUT_SECONDS
    while True:
        try:
            run(engine, "push", "--quiet", tag)
            return
        except FactoryError:
            if time.monotonic() > end or os.environ.get(REGISTRY):
                raise
            time.sleep(0.5)
