"""Why the pods of a Deployment do not get ready, in one line with a reason code."""

from collections.abc import Iterable, Mapping
from typing import Any

Json = Mapping[str, Any]
WAITING = {
    "ErrImagePull": "IMAGE_PULL",
    "ImagePullBackOff": "IMAGE_PULL",
    "InvalidImageName": "IMAGE_PULL",
    "ErrImageNeverPull": "IMAGE_PULL",
    "CrashLoopBackOff": "CRASH_LOOP",
    "RunContainerError": "CRASH_LOOP",
    "CreateContainerConfigError": "POD_CONFIG",
    "CreateContainerError": "POD_CONFIG",
}
"""By what Kubernetes has as the reason of a container that waits."""


def reason(deployment: Json, pods: Iterable[Json]) -> str:
    """The first reason that is known for the pods, the worst of the Deployment otherwise."""
    found = sorted(filter(None, map(_of_pod, pods)), key=lambda each: each.startswith("NOT_READY"))
    return found[0] if found else _of_deployment(deployment)


def _of_pod(pod: Json) -> str:
    name, status = pod["metadata"]["name"], pod.get("status", {})
    for container in (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())):
        waiting = container.get("state", {}).get("waiting", {})
        ended = container.get("state", {}).get("terminated") or container.get("lastState", {}).get("terminated") or {}
        code = WAITING.get(waiting.get("reason", ""))
        if ended and (code == "CRASH_LOOP" or (not code and not container.get("ready"))):
            return f"CRASH_LOOP: pod {name} ended with exit code {ended.get('exitCode')} ({ended.get('reason')})"
        if code:
            return f"{code}: pod {name}: {_line(waiting.get('message') or waiting['reason'])}"
    for condition in status.get("conditions", ()):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return f"UNSCHEDULABLE: pod {name}: {_line(condition.get('message', ''))}"
    ready = [each["status"] for each in status.get("conditions", ()) if each["type"] == "Ready"]
    if ready == ["True"]:
        return ""
    phase = status.get("phase", "Pending")
    return f"NOT_READY: pod {name} is {phase} and not ready: see `kubectl describe pod {name}`"


def _of_deployment(deployment: Json) -> str:
    conditions = {each["type"]: each for each in deployment.get("status", {}).get("conditions", ())}
    if (failure := conditions.get("ReplicaFailure", {})).get("status") == "True":
        return f"NO_PODS: {_line(failure.get('message', ''))}"
    return f"NOT_READY: {_line(conditions.get('Progressing', {}).get('message', 'it has no pod yet'))}"


def _line(text: str) -> str:
    return " ".join(text.split())[:300]
