"""Manifests of Kubernetes as an overlay renders them, and the pods that they describe."""

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ..errors import FactoryError

Resource = dict[str, Any]

TEMPLATES = {
    **dict.fromkeys(("Deployment", "StatefulSet", "DaemonSet", "Job"), "spec.template"),
    "CronJob": "spec.jobTemplate.spec.template",
}
PREDICTOR = "InferenceService"
LOGGED = re.compile(r"^(error: |E\d{4} .* err=)")
"""What kubectl writes before the reason."""


def at(value: Any, path: str, default: Any = None) -> Any:
    """What is there below the keys, which points separate."""
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return default if value is None else value


def name(resource: Resource) -> str:
    """How messages name it."""
    return f"{resource['kind']} {at(resource, 'metadata.name')}"


@dataclass(frozen=True)
class Pods:
    """The pods of a resource."""

    owner: Resource
    labels: dict[str, str]
    spec: dict[str, Any]

    @property
    def containers(self) -> list[dict[str, Any]]:
        return [*at(self.spec, "initContainers", []), *at(self.spec, "containers", [])]

    @property
    def ports(self) -> set[str]:
        """Their names."""
        return {str(port.get("name")) for each in self.containers for port in at(each, "ports", [])}

    @property
    def volumes(self) -> dict[str, dict[str, Any]]:
        return {volume["name"]: volume for volume in at(self.spec, "volumes", [])}

    def __str__(self) -> str:
        return name(self.owner)


class Manifests:
    """All resources of an overlay."""

    def __init__(self, resources: list[Resource]) -> None:
        self.resources = resources
        self.pods = list(_pods(resources))

    def of(self, *kinds: str) -> Iterator[Resource]:
        """Those of the kinds."""
        return (each for each in self.resources if each["kind"] in kinds)

    def find(self, kind: str, name: str) -> Resource | None:
        """The one of that name."""
        return next((each for each in self.of(kind) if at(each, "metadata.name") == name), None)

    def selected(self, selector: Any) -> list[Pods]:
        """The pods that the selector selects."""
        return [each for each in self.pods if matches(selector, each.labels)]


def matches(selector: Any, labels: Mapping[str, str]) -> bool:
    """Whether a label selector, which has all its conditions met or none, selects what has these labels."""
    equal = at(selector, "matchLabels", {}).items()
    among = {
        "In": lambda key, values: labels.get(key) in values,
        "NotIn": lambda key, values: labels.get(key) not in values,
        "Exists": lambda key, values: key in labels,
        "DoesNotExist": lambda key, values: key not in labels,
    }
    return all(labels.get(key) == value for key, value in equal) and all(
        among[each["operator"]](each["key"], each.get("values", [])) for each in at(selector, "matchExpressions", [])
    )


def render(kubectl: str, folder: Path) -> Manifests:
    """What the overlay in the folder renders to. Raises FactoryError with kustomize's own words."""
    done = subprocess.run([kubectl, "kustomize", str(folder)], capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise FactoryError(" ".join(LOGGED.sub("", done.stderr).strip('"<>\n').split()))
    return Manifests([each for each in yaml.safe_load_all(done.stdout) if each])


def _pods(resources: list[Resource]) -> Iterator[Pods]:
    for each in resources:
        if each["kind"] in TEMPLATES:
            template = at(each, TEMPLATES[each["kind"]], {})
            yield Pods(each, at(template, "metadata.labels", {}), at(template, "spec", {}))
        elif each["kind"] == PREDICTOR:  # KServe gives its pods the labels that it has itself
            yield Pods(each, at(each, "metadata.labels", {}), at(each, "spec.predictor", {}))
