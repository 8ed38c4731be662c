"""Two models, each a folder: the one that is claimed and the one that the pipeline makes of the same commit."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .. import manifest
from ..errors import Refused, listed
from ..paths import PREPARED
from .closeness import NEARLY, nearly_equal

CODE = "NOT_REPRODUCED"
TOLERANCE = 1e-9  # of figures in the manifest, relative: last digits
UNCOMPARED = {"files", "sha256", "versions"}
"""Facts that follow from the files, or name the environment."""


def compare(claimed: Path, made: Path, kernels: str = "") -> str:
    """In words how equal the models are. Raises Refused where they are not.

    `kernels` says in words that the processor's BLAS kernel is not known to have been the same for both: then numbers
    may differ by little.
    """
    ours, theirs = manifest.read_manifest(claimed), manifest.read_manifest(made)
    if manifest.model_id(claimed) == manifest.model_id(made):
        return "the same to the byte"
    _check_prepared(ours, theirs)
    differing = _differing_files(ours["files"], theirs["files"])
    near = bool(kernels and differing) and all(nearly_equal(claimed / name, made / name) for name in differing)
    versions = list(differences(ours.get("versions"), theirs.get("versions"), "versions"))
    if differing and not near:
        raise _refused(" and ".join(differing), [*versions, kernels])
    figures = list(differences(_facts(ours), _facts(theirs), tolerance=NEARLY if near else TOLERANCE))
    if figures:
        raise _refused(manifest.NAME, [*figures[:3], *versions, kernels])
    if near:
        return f"equal scores, other bytes: no number differs by more than {NEARLY:g}, {kernels}"
    return f"the same to the byte but for {manifest.NAME}: {'; '.join(versions) or 'last digits of figures'}"


def differences(ours: Any, theirs: Any, at: str = "", tolerance: float = TOLERANCE) -> Iterator[str]:
    """Where the values differ, and how; figures by more than the tolerance."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in sorted(ours.keys() | theirs.keys()):
            yield from differences(ours.get(name), theirs.get(name), f"{at}.{name}".lstrip("."), tolerance)
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for i, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from differences(one, other, f"{at}[{i}]", tolerance)
    elif isinstance(ours, float) and isinstance(theirs, float):
        if not math.isclose(ours, theirs, rel_tol=tolerance, abs_tol=tolerance):
            yield f"{at} is {ours:.6g}, made again {theirs:.6g}"
    elif ours != theirs:
        yield f"{at} is {ours}, made again {theirs}"


def _check_prepared(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Raises Refused where the models were made of, or measured on, other rows."""
    claimed, made = (data if isinstance(data := each.get("data"), dict) else {} for each in (ours, theirs))
    parts = [part for part in ("train", "test") if claimed.get(part) != made.get(part)]
    if parts:
        figures = differences(claimed.get("parts"), made.get("parts"))
        versions = differences(ours.get("versions"), theirs.get("versions"), "versions")
        raise Refused(
            CODE,
            f"the {' and '.join(parts)} rows in {PREPARED} are not those that the stage prepare makes of the deliveries"
            f" ({listed([*figures, *versions]) or 'as many, but others'}), so model and metrics are of other data: run "
            "`uv run dvc repro --force --no-run-cache`, commit, and promote what that gives",
        )


def _differing_files(ours: dict[str, str], theirs: dict[str, str]) -> list[str]:
    return [name for name in sorted(ours.keys() | theirs.keys()) if ours.get(name) != theirs.get(name)]


def _facts(content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name not in UNCOMPARED}


def _refused(what: str, reasons: list[str]) -> Refused:
    return Refused(CODE, f"the same inputs give another {what}: {'; '.join(filter(None, reasons))}".removesuffix(": "))
