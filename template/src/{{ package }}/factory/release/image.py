"""The image of a version, built from its commit and model, whatever is in the working tree."""

import os
import re
import shutil
import tempfile
from pathlib import Path

from .. import manifest
from ..errors import FactoryError
from ..paths import MODEL
from ..registry import champion, naming, trust
from ..registry.versions import Version
from ..workspace import git
from ..workspace.process import run, show
from . import bases, model_folder, sbom

ISOLATED_RUN = ("run", "--rm", "--network=none", "--read-only", "--cap-drop=ALL")
BY_DIGEST = re.compile(r"\w[^\s@]*@sha256:[0-9a-f]{64}")
REVISION = "org.opencontainers.image.revision"
NO_ESTIMATOR = "--prune scikit-learn --prune skops"


def build(name: str | None = None) -> tuple[str, Path]:
    """Build a version's image, by default the champion's; its tag and bill of materials. Raises FactoryError."""
    trust.trust().policies.check_names(naming.of_surroundings())  # before minutes of work that nobody may publish
    engine, version = find_engine(), model_folder.choose(name)
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder, "context")
        _write_context(version, context)
        name = image_name(context)
        command = (engine, "build", f"--iidfile={folder}/image", *_options(version, name, context), ".")
        # Podman leaves a HEALTHCHECK out of any other format
        show(*command, cwd=context, env=os.environ | {"DOCKER_BUILDKIT": "1", "BUILDAH_FORMAT": "docker"})
        image = Path(folder, "image").read_text(encoding="utf-8")
    _run_python(engine, image, champion.LOAD)
    inventory = _run_python(engine, image, sbom.INVENTORY_SCRIPT)
    tag = f"{name}:{version.name}"
    path = sbom.write(inventory, tag, image, version)
    run(engine, "tag", image, tag)
    return tag, path


def find_engine() -> str:
    """Docker or Podman. Raises FactoryError where there is neither."""
    for name in ("docker", "podman"):
        if shutil.which(name):
            return name
    raise FactoryError("neither docker nor podman is on PATH: install one of them")


def is_here(image: str) -> bool:
    """Whether the engine on this machine has the image. Raises FactoryError."""
    return bool(run(find_engine(), "images", "--quiet", image))


def image_name(folder: Path = Path()) -> str:
    """The project's name, as an image's name."""
    return str(bases.pyproject(folder)["project"]["name"]).lower()


def digest(name: str) -> str:
    """The digest in the name of an image, which no copy of it changes."""
    return name.rpartition("@")[2]


def image_labels(version: Version, name: str) -> dict[str, str]:
    """The labels that name the version in an image."""
    return {
        "org.opencontainers.image.title": name,
        "org.opencontainers.image.version": version.name,
        REVISION: version.commit,
        "factory.data": version.facts["data"],
        "factory.model": version.facts["model"],
    }


def _write_context(version: Version, context: Path) -> None:
    """Write the verified files that the image is built from."""
    if git.show(version.commit, "Dockerfile") is None:
        raise FactoryError(f"the commit of {version.name} has no Dockerfile yet: promote a model of a newer commit")
    git.export(version.commit, context)
    model_folder.write(version, context / MODEL)


def _options(version: Version, name: str, context: Path) -> list[str]:
    options = [f"--label={label}={value}" for label, value in image_labels(version, name).items()]
    if "model.onnx" in manifest.read_manifest(context / MODEL)["files"]:
        options.append(f"--build-arg=PRUNE={NO_ESTIMATOR}")
    return [*options, *bases.build_contexts(context), *bases.own_options(context)]


def _run_python(engine: str, image: str, script: str) -> str:
    try:
        return run(engine, *ISOLATED_RUN, image, "python", "-c", script)
    except FactoryError as error:
        reason = str(error).rpartition(" failed: ")[2]
        raise FactoryError(f"image failed its load test and was not tagged: {reason}") from error
