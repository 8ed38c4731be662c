"""Report what is wrong with the manifests of Kubernetes: as kustomize renders each overlay, by schema, names and what pods have to be."""

import importlib
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

from ..deployment import overlay
from ..errors import FactoryError, listed
from . import pods, references
from .checks import Result
from .manifests import Manifests, name, render

NAME, TOOL, KUBECTL = "kubernetes", "kubernetes-validate", "kubectl"
FOLDER = overlay.FOLDER.parent
OWN_GROUPS = ("networking.k8s.io", "rbac.authorization.k8s.io", "storage.k8s.io")
"""Groups of Kubernetes itself whose names have a point, as those of other resources have, whose schemas only the cluster has."""


def concerns(files: Collection[Path]) -> bool:
    """Whether one of the files is a part of the manifests."""
    return any(file.is_relative_to(FOLDER) for file in files)


def check(missing: str) -> Result:
    """The result; `missing` is why the validator is, if it is."""
    kubectl = shutil.which(KUBECTL)
    if not kubectl:
        return Result(NAME, True, f"{FOLDER} was not checked: {KUBECTL} is not installed")
    try:
        importlib.invalidate_caches()  # it may have been installed since
        importlib.import_module(TOOL.replace("-", "_"))
    except ImportError:
        return Result(NAME, False, f"{TOOL} is not installed: {missing}, or --skip {NAME}")
    found, waiting = list[str](), list[str]()
    for folder in sorted(file.parent for file in overlay.FOLDER.glob(f"*/{overlay.FILE}")):
        try:
            manifests = render(kubectl, folder)
        except FactoryError as error:
            found.append(f"{folder}: {error}")
            continue
        found += [f"{folder}: {problem}" for problem in _problems(manifests)]
        if pods.without_image(manifests):
            waiting.append(folder.name)
    return Result(NAME, not found, f"no image yet: {listed(waiting)}" if waiting else "", "\n".join(found))


def _problems(manifests: Manifests) -> Iterator[str]:
    """What the schema refuses; what only other rules do, where it refuses nothing."""
    violations = list(_violations(manifests))
    yield from violations or (*references.problems(manifests), *pods.problems(manifests))


def _violations(manifests: Manifests) -> Iterator[str]:
    """What the newest schemas that are known refuse, unknown keys included."""
    validator = importlib.import_module(TOOL.replace("-", "_"))
    newest = validator.latest_version()
    for resource in manifests.resources:
        try:
            validator.validate(resource, newest, strict=True)
        except validator.ValidationError as error:
            yield f"{name(resource)}: {'.'.join(map(str, error.path))}: {error.message}"
        except validator.SchemaNotFoundError:
            group = resource["apiVersion"].rpartition("/")[0]
            if "." not in group or group in OWN_GROUPS:
                yield f"{name(resource)}: Kubernetes {newest} has no such kind in {resource['apiVersion']}"
