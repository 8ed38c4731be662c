"""What names in manifests lead nowhere, and what pods have to be: rules one by one; tests/test_kubernetes.py has whole overlays."""

from typing import Any

import pytest
from late_flights.factory.check import pods, references
from late_flights.factory.check.manifests import Manifests, matches

LABELS = {"app": "model"}
PORT = {"name": "http", "containerPort": 8000}


def resource(kind: str, name: str = "model", **spec: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name, "labels": LABELS}, "spec": spec}


def workload(kind: str = "Deployment", replicas: int = 1, **container: Any) -> dict[str, Any]:
    spec = {"containers": [{"name": "model", "ports": [PORT], **container}]}
    if kind == "InferenceService":
        return resource(kind, predictor={**spec, "minReplicas": replicas})
    template = {"metadata": {"labels": LABELS}, "spec": spec}
    return resource(kind, replicas=replicas, selector={"matchLabels": LABELS}, template=template)


SERVICE = resource("Service", ports=[{"name": "http", "port": 80}], selector=LABELS)


def found(*resources: dict[str, Any]) -> list[str]:
    return list(references.problems(Manifests(list(resources))))


@pytest.mark.parametrize(
    ("expression", "selects"),
    [
        ({"operator": "In", "values": ["model", "challenger"]}, True),
        ({"operator": "In", "values": ["challenger"]}, False),
        ({"operator": "NotIn", "values": ["challenger"]}, True),
        ({"operator": "NotIn", "values": ["model"]}, False),
        ({"operator": "Exists"}, True),
        ({"operator": "DoesNotExist"}, False),
    ],
)
def test_expressions_of_selectors(expression: dict[str, Any], selects: bool) -> None:
    selector = {"matchLabels": LABELS, "matchExpressions": [{"key": "app", **expression}]}
    assert matches(selector, LABELS) is selects
    assert matches({}, LABELS)
    assert not matches({"matchLabels": {"app": "other"}}, LABELS)


@pytest.mark.parametrize("kind", ["Deployment", "InferenceService"])
@pytest.mark.parametrize(
    ("budget", "blocks"),
    [
        ({"minAvailable": 1}, True),
        ({"minAvailable": 2}, True),
        ({"minAvailable": "100%"}, True),
        ({"maxUnavailable": 0}, True),
        ({"maxUnavailable": "0%"}, True),
        ({"maxUnavailable": 1}, False),
        ({"minAvailable": "50%"}, False),
    ],
)
def test_a_budget_has_to_let_a_pod_go(kind: str, budget: dict[str, Any], blocks: bool) -> None:
    wanted = resource("PodDisruptionBudget", selector={"matchLabels": LABELS}, **budget)
    assert bool(found(workload(kind), wanted)) is blocks
    assert bool(found(workload(kind, replicas=3), wanted)) is (blocks and budget.get("minAvailable") not in (1, 2))


def test_a_scaler_counts_the_replicas() -> None:
    target = {"kind": "Deployment", "name": "model"}
    scaler = resource("HorizontalPodAutoscaler", scaleTargetRef=target, minReplicas=2)
    budget = resource("PodDisruptionBudget", selector={"matchLabels": LABELS}, minAvailable=1)
    assert found(workload(), scaler, budget) == []


@pytest.mark.parametrize(
    ("backend", "leads_somewhere"),
    [
        ({"name": "model", "port": 80}, True),
        ({"name": "model", "port": 8000}, False),
        ({"name": "challenger", "port": 80}, False),
        ({"name": "elsewhere", "namespace": "other", "port": 80}, True),
    ],
)
def test_a_route_leads_to_a_service(backend: dict[str, Any], leads_somewhere: bool) -> None:
    route = resource("HTTPRoute", rules=[{"backendRefs": [backend]}])
    assert (found(workload(), SERVICE, route) == []) is leads_somewhere


def test_prometheus_finds_a_service_and_its_port() -> None:
    right = resource("ServiceMonitor", selector={"matchLabels": LABELS}, endpoints=[{"port": "http"}])
    assert found(workload(), SERVICE, right) == []
    assert found(workload(), SERVICE, resource("ServiceMonitor", selector={"matchLabels": LABELS}, endpoints=[{"port": "web"}]))
    assert found(workload(), SERVICE, resource("ServiceMonitor", selector={"matchLabels": {"app": "x"}}, endpoints=[]))


@pytest.mark.parametrize(
    ("reference", "problem"),
    [
        ({"name": "settings", "key": "A"}, None),
        ({"name": "settings", "key": "B"}, "ConfigMap settings has no key B"),
        ({"name": "others", "key": "A"}, "there is no ConfigMap others"),
        ({"name": "others", "key": "A", "optional": True}, None),
    ],
)
def test_a_variable_has_its_key(reference: dict[str, Any], problem: str | None) -> None:
    config = {**resource("ConfigMap", "settings"), "data": {"A": "1"}}
    variable = {"name": "V", "valueFrom": {"configMapKeyRef": reference}}
    expected = [f"Deployment model: variable V: {problem}"] if problem else []
    assert found(workload(env=[variable]), config) == expected


def test_pods_are_of_their_own_selector() -> None:
    odd = workload()
    odd["spec"]["selector"] = {"matchLabels": {"app": "x"}}
    assert found(odd) == ["Deployment model: selector: selects other pods than those of its template"]


@pytest.mark.parametrize("kind", ["Deployment", "InferenceService"])
def test_bare_pods_have_all_problems(kind: str) -> None:
    problems = list(pods.problems(Manifests([workload(kind, image="model:v1")])))
    wanted = (
        "image model:v1",
        "automountServiceAccountToken has to be false",
        "seccompProfile",
        "readOnlyRootFilesystem has to be true",
        'drop has to be ["ALL"]',
        "runs as root",
        "resources.limits.memory",
        "readinessProbe is missing",
        "maxUnavailable: 0",
    )
    for part in wanted:
        assert any(part in problem for problem in problems), part
