"""Push a version's image to a registry, with a statement of its provenance."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .. import environments, platforms
from ..errors import FactoryError
from ..registry import naming, trust, validity, versions
from ..workspace.process import run
from . import provenance, sbom
from .image import find_engine, image_name

REGISTRY = environments.REGISTRY
LOCAL_REGISTRY = "registry:3.0.0"
TIMEOUT_SECONDS = 30


def publish(name: str, environment: str = "") -> tuple[str, Path, str]:
    """Push the image that `factory build` made; its name by digest, its provenance, and who signed that. Raises FactoryError."""
    known = versions.fetch()
    version, engine = versions.find(name, known), find_engine()
    version.check()
    address = _address(environment)
    trusted = validity.after(known, trust.trust())
    trusted.policies.check_names([naming.of_image(address)])
    with _registry(engine, image_name(), address) as registry:
        tag = f"{registry}:{version.name}"
        run(engine, "tag", sbom.image_id(version), tag)  # whatever somebody may have tagged since
        _push(engine, tag, TIMEOUT_SECONDS if not address else 0)
        image = by_digest(engine, tag)
        if not address:
            run(engine, "rmi", tag)  # nobody could pull it again
    signed = provenance.write(version, image, trusted)
    if (platform := platforms.detect()) and address:
        platform.set_output("image", image)
    return image, provenance.path_of(version), signed


def login(engine: str, registry: str) -> None:
    """Log in to the platform's own registry; other registries are the team's to log in to. Raises FactoryError."""
    platform = platforms.detect()
    credentials = platform.registry_login(registry) if platform else None
    if credentials:
        user, password = credentials
        run(engine, "login", registry.partition("/")[0], "--username", user, "--password-stdin", stdin=password)


def by_digest(engine: str, tag: str) -> str:
    """The image's name by digest, which no later push changes. Raises FactoryError."""
    registry = tag.rpartition(":")[0].removeprefix("docker.io/")  # which Docker leaves out
    names = run(engine, "inspect", "--format={{range .RepoDigests}}{{println .}}{{end}}", tag).splitlines()
    for name in names:
        if name.removeprefix("docker.io/").startswith(f"{registry}@"):
            return name
    raise FactoryError(f"{registry} reported no digest for {tag}: push it again")


def _address(environment: str) -> str:
    """The environment's registry, or the one that all share. Raises FactoryError where only some have one."""
    if environment:
        return environments.find(environment).registry
    address, known = environments.shared().registry, environments.load()
    own = [name for name, each in known.items() if each.registry]
    if own and not address:
        raise FactoryError(
            f"REGISTRY: {environments.FILE} has one for {', '.join(own)} and none for all: add --environment {own[-1]}"
        )
    return address


@contextmanager
def _registry(engine: str, name: str, address: str) -> Iterator[str]:
    """The registry at the address, or without one a temporary one on this machine."""
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


def _push(engine: str, tag: str, patience: float) -> None:
    """Push; retry for so many seconds, while the temporary registry is starting."""
    end = time.monotonic() + patience
    while True:
        try:
            run(engine, "push", "--quiet", tag)
            return
        except FactoryError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)
