"""What manifests name and do not have: configuration, claims, ports, and what selectors select."""

from collections.abc import Iterator
from typing import Any

from .manifests import Manifests, Pods, Resource, at, matches, name


def problems(manifests: Manifests) -> Iterator[str]:
    """One for each name that leads nowhere."""
    for pods in manifests.pods:
        yield from (f"{pods}: {problem}" for problem in _of_pods(pods, manifests))
    for resource in manifests.resources:
        if look := CHECKS.get(resource["kind"]):
            yield from (f"{name(resource)}: {problem}" for problem in look(resource, manifests))


def _of_pods(pods: Pods, manifests: Manifests) -> Iterator[str]:
    account = at(pods.spec, "serviceAccountName")
    if account and not manifests.find("ServiceAccount", account):
        yield f"serviceAccountName {account}: there is no such account"
    for volume in pods.volumes.values():
        claim = at(volume, "persistentVolumeClaim.claimName")
        if claim and not manifests.find("PersistentVolumeClaim", claim):
            yield f"volume {volume['name']}: there is no claim {claim}"
        yield from _config(at(volume, "configMap"), f"volume {volume['name']}", manifests)
    for container in pods.containers:
        yield from _of_container(container, pods, manifests)
    for constraint in at(pods.spec, "topologySpreadConstraints", []):
        if not matches(constraint.get("labelSelector"), pods.labels):
            yield f"topologySpreadConstraints by {constraint['topologyKey']}: selects other pods than these"


def _of_container(container: dict[str, Any], pods: Pods, manifests: Manifests) -> Iterator[str]:
    for mount in at(container, "volumeMounts", []):
        if mount["name"] not in pods.volumes:
            yield f"volumeMounts of {container['name']}: there is no volume {mount['name']}"
    for source in at(container, "envFrom", []):
        yield from _config(at(source, "configMapRef"), f"envFrom of {container['name']}", manifests)
    for variable in at(container, "env", []):
        yield from _config(at(variable, "valueFrom.configMapKeyRef"), f"variable {variable['name']}", manifests)
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        port = at(container, f"{probe}.httpGet.port")
        if isinstance(port, str) and port not in {each.get("name") for each in at(container, "ports", [])}:
            yield f"{probe} of {container['name']}: there is no port {port}"


def _config(reference: Any, where: str, manifests: Manifests) -> Iterator[str]:
    if not reference or reference.get("optional"):
        return
    found = manifests.find("ConfigMap", reference.get("name"))
    if not found:
        yield f"{where}: there is no ConfigMap {reference.get('name')}"
    elif "key" in reference and reference["key"] not in at(found, "data", {}):
        yield f"{where}: ConfigMap {reference['name']} has no key {reference['key']}"


def _workload(resource: Resource, manifests: Manifests) -> Iterator[str]:
    own = next(pods for pods in manifests.pods if pods.owner is resource)
    if not matches(at(resource, "spec.selector"), own.labels):
        yield "selector: selects other pods than those of its template"


def _service(resource: Resource, manifests: Manifests) -> Iterator[str]:
    selected = manifests.selected({"matchLabels": at(resource, "spec.selector", {})})
    if not selected:
        yield "selector: selects no pods"
    for port in at(resource, "spec.ports", []):
        for pods in selected:
            if isinstance(wanted := port.get("targetPort"), str) and wanted not in pods.ports:
                yield f"targetPort {wanted}: {pods} has no such port"


def _network_policy(resource: Resource, manifests: Manifests) -> Iterator[str]:
    selected = manifests.selected(at(resource, "spec.podSelector"))
    if not selected:
        yield "podSelector: selects no pods"
    for rule in at(resource, "spec.ingress", []):
        for port in (each.get("port") for each in at(rule, "ports", [])):
            if isinstance(port, str) and not any(port in pods.ports for pods in selected):
                yield f"port {port}: its pods have no such port"


def _budget(resource: Resource, manifests: Manifests) -> Iterator[str]:
    selected = manifests.selected(at(resource, "spec.selector"))
    if not selected:
        yield "selector: selects no pods"
    if at(resource, "spec.maxUnavailable") in (0, "0%") or at(resource, "spec.minAvailable") == "100%":
        yield "lets no pod go: its nodes could not be drained"
    least = at(resource, "spec.minAvailable", 0)
    for pods in selected:
        if isinstance(least, int) and least >= (count := _replicas(pods.owner, manifests)):
            yield f"minAvailable {least} of {count} lets no pod of {pods} go: its nodes could not be drained"


def _replicas(resource: Resource, manifests: Manifests) -> int:
    """How many pods there are at least, where nothing else counts them: any number."""
    for scaler in manifests.of("HorizontalPodAutoscaler"):
        target = at(scaler, "spec.scaleTargetRef")
        if (target["kind"], target["name"]) == (resource["kind"], at(resource, "metadata.name")):
            return int(at(scaler, "spec.minReplicas", 1))
    return int(at(resource, "spec.predictor.minReplicas", at(resource, "spec.replicas", 1)))


def _autoscaler(resource: Resource, manifests: Manifests) -> Iterator[str]:
    target = at(resource, "spec.scaleTargetRef")
    if not manifests.find(target["kind"], target["name"]):
        yield f"scaleTargetRef: there is no {target['kind']} {target['name']}"


def _route(resource: Resource, manifests: Manifests) -> Iterator[str]:
    for rule in at(resource, "spec.rules", []):
        for backend in at(rule, "backendRefs", []):
            if backend.get("kind", "Service") == "Service" and "namespace" not in backend:
                service = manifests.find("Service", backend["name"])
                if not service or backend.get("port") not in [each["port"] for each in at(service, "spec.ports", [])]:
                    yield f"backendRefs: there is no Service {backend['name']} with port {backend.get('port')}"


def _service_monitor(resource: Resource, manifests: Manifests) -> Iterator[str]:
    selector = at(resource, "spec.selector")
    found = [each for each in manifests.of("Service") if matches(selector, at(each, "metadata.labels", {}))]
    if not found:
        yield "selector: selects no Service"
    for endpoint in at(resource, "spec.endpoints", []):
        for service in found:
            if endpoint.get("port") not in [each.get("name") for each in at(service, "spec.ports", [])]:
                yield f"endpoints: {name(service)} has no port {endpoint.get('port')}"


CHECKS = {
    "Deployment": _workload,
    "StatefulSet": _workload,
    "DaemonSet": _workload,
    "Service": _service,
    "NetworkPolicy": _network_policy,
    "PodDisruptionBudget": _budget,
    "HorizontalPodAutoscaler": _autoscaler,
    "HTTPRoute": _route,
    "ServiceMonitor": _service_monitor,
}
