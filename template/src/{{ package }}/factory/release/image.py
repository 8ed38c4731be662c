"""The image of a version: of its own commit and model, whatever is in the working tree."""

import os
import shutil
import tempfile
import tomllib
from pathlib import Path

from .. import manifest
from ..errors import FactoryError
from ..paths import MODEL
from ..registry import champion, versions
from ..registry.versions import Version
from ..scoring import artifact
from ..workspace import git
from ..workspace.process import run, show
from . import sbom

ALONE = ("run", "--rm", "--network=none", "--read-only", "--cap-drop=ALL")
NO_ESTIMATOR = "--prune scikit-learn --prune skops"


def build(name: str | None = None) -> tuple[str, Path]:
    """Make a version's image, by default the champion's; its tag, and the list of what is in it. Raises FactoryError."""
    engine = find_engine()
    known = versions.fetch()
    if not known:
        raise FactoryError("nothing has been promoted yet: run `uv run factory promote`")
    version = versions.find(name, known) if name else known[-1]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "context")
        _gather(version, folder)
        name = slug(folder)
        command = (engine, "build", f"--iidfile={place}/image", *_options(version, name, folder), ".")
        # Podman leaves a HEALTHCHECK out of any other format
        show(*command, cwd=folder, env=os.environ | {"DOCKER_BUILDKIT": "1", "BUILDAH_FORMAT": "docker"})
        image = Path(place, "image").read_text(encoding="utf-8")
    _python(engine, image, champion.LOAD)
    listed = _python(engine, image, sbom.INVENTORY)
    tag = f"{name}:{version.name}"
    path = sbom.write(listed, tag, image, version)
    run(engine, "tag", image, tag)
    return tag, path


def find_engine() -> str:
    """Docker or Podman. Raises FactoryError where there is neither."""
    for name in ("docker", "podman"):
        if shutil.which(name):
            return name
    raise FactoryError("neither docker nor podman is installed, or on PATH")


def _gather(version: Version, folder: Path) -> None:
    """Put into the folder what the image is made of, verified."""
    if git.show(version.commit, "Dockerfile") is None:
        raise FactoryError(
            f"{version.name} is of a time before the Dockerfile: promote a model of a commit that has it"
        )
    model = champion.checkout(version.commit) / MODEL
    manifest.read_manifest(model)
    if manifest.file_sha256(model / "manifest.json") != version.facts["model"]:
        raise FactoryError(f"{model} is not the model that became {version.name}: delete it and build again")
    git.export(version.commit, folder)
    shutil.copytree(model, folder / MODEL)
    artifact.write_version(folder / MODEL, version.name, version.commit)


def slug(folder: Path = Path()) -> str:
    """The project's name, as images are called."""
    content = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    return str(content["project"]["name"]).lower()


def labels(version: Version, name: str) -> dict[str, str]:
    """What an image says of the version in it."""
    return {
        "org.opencontainers.image.title": name,
        "org.opencontainers.image.version": version.name,
        "org.opencontainers.image.revision": version.commit,
        "factory.data": version.facts["data"],
        "factory.model": version.facts["model"],
    }


def _options(version: Version, name: str, folder: Path) -> list[str]:
    options = [f"--label={label}={value}" for label, value in labels(version, name).items()]
    if "model.onnx" in manifest.read_manifest(folder / MODEL)["files"]:
        options.append(f"--build-arg=PRUNE={NO_ESTIMATOR}")
    return options


def _python(engine: str, image: str, script: str) -> str:
    try:
        return run(engine, *ALONE, image, "python", "-c", script)
    except FactoryError as error:
        said = str(error).rpartition(" failed: ")[2]
        raise FactoryError(f"the image does not work, and so gets no name: {said}") from error
