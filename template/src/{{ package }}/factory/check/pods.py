"""What pods have to be: of an image by its digest, without rights, replaced without a lost request, with captures that outlive them."""

import json
from collections.abc import Iterator
from itertools import chain
from pathlib import PurePosixPath
from typing import Any

from ..deployment import overlay
from ..errors import FactoryError
from ..serving import settings
from .manifests import PREDICTOR, Manifests, Pods, at, name

SERVICES = ("Deployment", "StatefulSet", PREDICTOR)
POD = {"automountServiceAccountToken": False, "securityContext.seccompProfile.type": "RuntimeDefault"}
CONTAINER = {
    "securityContext.allowPrivilegeEscalation": False,
    "securityContext.readOnlyRootFilesystem": True,
    "securityContext.capabilities.drop": ["ALL"],
}
"""What has to be set, since the default is weaker."""
WRITES = 20  # seconds in which a service that stops writes what it still has to capture


def problems(manifests: Manifests) -> Iterator[str]:
    """One for each thing that is not as it has to be."""
    for secret in manifests.of("Secret"):
        yield f"{name(secret)}: a secret in Git: revoke it, and let the cluster or its key vault have it"
    for job in manifests.of("CronJob"):
        if at(job, "spec.concurrencyPolicy") not in ("Forbid", "Replace"):
            yield f"{name(job)}: two runs could work at once: `concurrencyPolicy: Forbid`"
    for pods in manifests.pods:
        rules = (_images(pods), _rights(pods), _resources(pods), _service(pods, manifests))
        yield from (f"{pods}: {problem}" for problem in chain.from_iterable(rules))


def without_image(manifests: Manifests) -> bool:
    """Whether an image is still the one that no registry has."""
    return any(
        each.get("image", "").endswith(f"@{overlay.NONE_YET}") for pods in manifests.pods for each in pods.containers
    )


def _images(pods: Pods) -> Iterator[str]:
    for container in pods.containers:
        if not overlay.IMAGE.fullmatch(image := container.get("image", "")):
            yield f"image {image}: may be another one tomorrow: name it by its digest"


def _rights(pods: Pods) -> Iterator[str]:
    for path, wanted in POD.items():
        if at(pods.spec, path) != wanted:
            yield f"{path} has to be {json.dumps(wanted)}"
    for container in pods.containers:
        for path, wanted in CONTAINER.items():
            if at(container, path) != wanted:
                yield f"{container['name']}: {path} has to be {json.dumps(wanted)}"
        context = {**at(pods.spec, "securityContext", {}), **at(container, "securityContext", {})}
        if not context.get("runAsNonRoot") or context.get("runAsUser") == 0:
            yield f"{container['name']}: runs as root: `runAsNonRoot: true` and another user"
        if context.get("privileged") or at(context, "capabilities.add"):
            yield f"{container['name']}: has rights that it does not need: privileged, or capabilities"


def _resources(pods: Pods) -> Iterator[str]:
    for container in pods.containers:
        for each in ("requests", "limits"):
            if not at(container, f"resources.{each}.memory"):
                yield f"{container['name']}: resources.{each}.memory is missing: it may take its neighbours' memory"


def _service(pods: Pods, manifests: Manifests) -> Iterator[str]:
    """What holds of pods that answer requests."""
    if pods.owner["kind"] not in SERVICES:
        return
    strategy = at(
        pods.owner, "spec.predictor.deploymentStrategy" if pods.owner["kind"] == PREDICTOR else "spec.strategy", {}
    )
    if at(strategy, "rollingUpdate.maxUnavailable") not in (0, "0%") and pods.owner["kind"] != "StatefulSet":
        yield "an update stops pods before others are ready: `rollingUpdate: {maxUnavailable: 0}`"
    for container in at(pods.spec, "containers", []):
        for probe in ("livenessProbe", "readinessProbe"):
            if probe not in container:
                yield f"{container['name']}: {probe} is missing"
        variables = _variables(container, manifests)
        if any(key.startswith(settings.PREFIX) for key in variables):
            yield from (f"{container['name']}: {problem}" for problem in _settings(variables, container, pods))


def _settings(variables: dict[str, str], container: dict[str, Any], pods: Pods) -> Iterator[str]:
    """What is wrong with the service's settings, and what does not fit them."""
    try:
        given = settings.load(variables)
        given.check_host("0.0.0.0")
    except FactoryError as error:
        yield f"{error}"
        return
    grace, least = at(pods.spec, "terminationGracePeriodSeconds", 30), given.drain + given.seconds + WRITES
    if grace < least:
        yield f"terminationGracePeriodSeconds {grace} is less than {least:g}: FACTORY_DRAIN, FACTORY_SECONDS and {WRITES}"
    if given.capture and "persistentVolumeClaim" not in (_volume(f"{given.capture}", container, pods) or {}):
        yield f"{given.capture}: captures would go with their pod: mount a persistentVolumeClaim there"
    if given.keys and not _volume(f"{given.keys}", container, pods):
        yield f"{given.keys}: no volume is mounted there, so there are no keys"


def _volume(path: str, container: dict[str, Any], pods: Pods) -> dict[str, Any] | None:
    """The volume in which the path is."""
    mounts = [
        each for each in at(container, "volumeMounts", []) if PurePosixPath(path).is_relative_to(each["mountPath"])
    ]
    return pods.volumes.get(max(mounts, key=lambda each: len(each["mountPath"]))["name"]) if mounts else None


def _variables(container: dict[str, Any], manifests: Manifests) -> dict[str, str]:
    """The environment variables whose values are in the manifests."""
    found = dict[str, str]()
    for source in at(container, "envFrom", []):
        config = manifests.find("ConfigMap", at(source, "configMapRef.name", ""))
        found |= at(config, "data", {})
    return found | {each["name"]: each["value"] for each in at(container, "env", []) if "value" in each}
