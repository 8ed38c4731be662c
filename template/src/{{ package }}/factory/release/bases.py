"""The images that Dockerfile and Compose start from, by digest, in a file that Dependabot and Renovate keep fresh."""

import json
import re
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import FactoryError
from ..workspace.process import run

FILE, DOCKERFILE = Path("compose.images.yaml"), Path("Dockerfile")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
LINE = re.compile(r"""^(\s+image:\s+["']?(?:\$\{\w+:-)?)([^\s@}"'$]+)(@sha256:[0-9a-f]{64})?""", re.MULTILINE)
ARG = re.compile(r"^ARG (\w+)=(\S+)", re.MULTILINE)
FROM = re.compile(r"^FROM (?:--platform=\S+ )?(\S+)(?: AS (\S+))?", re.MULTILINE | re.IGNORECASE)
BUILD_ARG = re.compile(r"--build-arg=(\w+)=(.*)")
OWN_CONTEXT = re.compile(r"--build-context=([^=]+)=docker-image://(\S+)")


def build_contexts(folder: Path) -> list[str]:
    """The options by which a build takes each of the Dockerfile's images by its digest, if it has one."""
    digests = _digests(folder)
    return [
        f"--build-context={name}=docker-image://{name}{digests[name]}"
        for name in _dockerfile_images(folder)
        if digests.get(name)
    ]


def own_options(folder: Path) -> list[str]:
    """What the project adds to the command that builds its image. Raises FactoryError."""
    options = pyproject(folder).get("tool", {}).get("factory", {}).get("build", [])
    if isinstance(options, list) and all(str(option).startswith("--") for option in options):
        return options
    raise FactoryError('pyproject.toml: `build` below [tool.factory] is a list such as ["--build-arg=PYTHON=3.12"]')


def pyproject(folder: Path) -> dict[str, Any]:
    """The folder's pyproject.toml."""
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


def unpinned(folder: Path = Path()) -> list[str]:
    """The images that are named without a digest."""
    digests = _digests(folder)
    digests |= {image: image.partition("@")[2] for image in _own(OWN_CONTEXT, folder).values()}
    return [name for name in dict.fromkeys([*_dockerfile_images(folder), *digests]) if not digests.get(name)]


def pin(engine: str) -> tuple[list[str], dict[str, str]]:
    """Write down the digest that each image has now in its registry: those images, and why others have none."""
    text = FILE.read_text(encoding="utf-8") if FILE.exists() else "services:\n"
    for name in _dockerfile_images(Path()):
        if name not in _digests(Path()):
            text = f"{text.rstrip()}\n  {re.sub('[^a-z0-9]+', '-', name)}:\n    image: {name}\n"
    digests, problems = {}, {}
    for name in dict.fromkeys(line[2] for line in LINE.finditer(text)):
        try:
            digests[name] = f"@{_ask(engine, name)}"
        except FactoryError as error:
            problems[name] = str(error)
    renewed = LINE.sub(lambda line: f"{line[1]}{line[2]}{digests.get(line[2], line[3] or '')}", text)
    FILE.write_text(renewed, encoding="utf-8")
    return [name + digest for name, digest in digests.items()], problems


def _ask(engine: str, name: str) -> str:
    docker = ("docker", "buildx", "imagetools", "inspect", "--format={{json .Manifest}}", name)
    podman = ("skopeo", "inspect", "--no-tags", f"docker://{name}")
    answer = run(*(docker if engine == "docker" else podman))
    with suppress(ValueError, KeyError):
        digest = str(json.loads(answer)["digest" if engine == "docker" else "Digest"])
        if DIGEST.fullmatch(digest):
            return digest
    raise FactoryError(f"{engine} answered without a digest: {answer[:80]!r}")


def _digests(folder: Path) -> dict[str, str]:
    """By image of the file its digest, which may be empty."""
    file = folder / FILE
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return {line[2]: line[3] or "" for line in LINE.finditer(text)}


def _dockerfile_images(folder: Path) -> list[str]:
    """The images that the Dockerfile starts from, with the project's arguments, but for those that it replaces itself."""
    dockerfile = folder / DOCKERFILE
    text = dockerfile.read_text(encoding="utf-8") if dockerfile.exists() else ""
    before_stages = re.split("^FROM ", text, maxsplit=1, flags=re.MULTILINE)[0]
    arguments = dict(ARG.findall(before_stages)) | _own(BUILD_ARG, folder)
    stages = FROM.findall(text)
    names = [re.sub(r"\$\{?(\w+)\}?", lambda name: arguments.get(name[1], ""), image) for image, _ in stages]
    others = {"scratch", *(stage for _, stage in stages), *_own(OWN_CONTEXT, folder)}
    return [name for name in dict.fromkeys(names) if name not in others]


def _own(form: re.Pattern[str], folder: Path) -> dict[str, str]:
    """Name and value in the project's options of this form."""
    return {match[1]: match[2] for option in own_options(folder) if (match := form.fullmatch(option))}
