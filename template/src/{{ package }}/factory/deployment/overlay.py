"""The image in an environment's overlay for Kubernetes, read and written in place: comments and form stay."""

import os
import re
from pathlib import Path
from typing import Any

import yaml

from .. import sections
from ..errors import FactoryError

FOLDER = Path("deploy/kubernetes/overlays")
FILE, ENTRY = "kustomization.yaml", "model"
IMAGE = re.compile(r"(?P<newName>[\w./:-]+)@(?P<digest>sha256:[0-9a-f]{64})")
NONE_YET = f"sha256:{'0' * 64}"
KEYS = ("newName", "digest")
QUOTES = ("'", '"')


def path(environment: str) -> Path:
    """The file that has the environment's image. Raises FactoryError where there is none."""
    file = FOLDER / environment / FILE
    if not file.is_file():
        raise FactoryError(f"OVERLAY: {file}: no such file: restore it from Git, or make it from another environment's")
    return file


def read(file: Path) -> str | None:
    """The image by its digest, or None where nothing was deployed yet. Raises FactoryError."""
    name, digest = (value.value for value in _nodes(_text(file), file).values())
    if not IMAGE.fullmatch(image := f"{name}@{digest}"):
        raise _malformed(file, f"{image} names no image by its digest: `newName: NAME` and `digest: sha256:…`")
    return None if digest == NONE_YET else image


def write(file: Path, image: str) -> None:
    """Put the image in the place of the one there; every other byte stays. Raises FactoryError, and then nothing is written."""
    given = IMAGE.fullmatch(image)
    if not given or given["digest"] == NONE_YET:
        raise FactoryError(f"OVERLAY: {image} names no image by its digest: give NAME@sha256:…")
    before = after = _text(file)
    for key, node in sorted(_nodes(before, file).items(), key=lambda each: -each[1].start_mark.index):
        quote = node.style if node.style in QUOTES else ""
        after = f"{after[: node.start_mark.index]}{quote}{given[key]}{quote}{after[node.end_mark.index :]}"
    expected = _data(before, file)
    next(entry for entry in expected["images"] if entry["name"] == ENTRY).update(given.groupdict())
    if _data(after, file) != expected:
        raise _malformed(file, f"write {' and '.join(KEYS)} of {ENTRY} in one line each, without anchors")
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(after.encode())
        temporary.chmod(file.stat().st_mode)
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


def _nodes(text: str, file: Path) -> dict[str, yaml.ScalarNode]:
    """The values of the image's keys, with their places in the text."""
    _data(text, file)  # refuses what the next line would raise on
    images = _values(yaml.compose(text)).get("images")
    entries = [_values(entry) for entry in images.value] if isinstance(images, yaml.SequenceNode) else []
    own = [entry for entry in entries if "name" in entry and entry["name"].value == ENTRY]
    if len(own) != 1:
        raise _malformed(file, f"`images` has {len(own)} entries with `name: {ENTRY}` instead of one")
    if "newTag" in own[0]:
        raise _malformed(file, f"newTag {own[0]['newTag'].value}: a tag may come to name another image: write `digest`")
    found = {key: node for key in KEYS if isinstance(node := own[0].get(key), yaml.ScalarNode)}
    if missing := [key for key in KEYS if key not in found]:
        raise _malformed(file, f"`images` has no {' and no '.join(missing)} for {ENTRY}")
    return found


def _values(node: yaml.Node | None) -> dict[str, yaml.Node]:
    return {key.value: value for key, value in node.value} if isinstance(node, yaml.MappingNode) else {}


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise _malformed(file, f"cannot be read: {error}") from error


def _data(text: str, file: Path) -> Any:
    return sections.parse(text, str(file), lambda content: content)


def _malformed(file: Path, problem: str) -> FactoryError:
    return FactoryError(f"OVERLAY: {file}: {problem}")
