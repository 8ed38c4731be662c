"""Why the pods of a Deployment do not get ready, in one line with a reason code."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

Json = Mapping[str, Any]
Look = Callable[[Json], str]
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


def reason(deployment: Json, pods: Iterable[Json], last_log: Look, last_failure: Look) -> str:
    """The reason of the pod that has the clearest, the Deployment's where there is no pod.

    `last_log` and `last_failure` find a pod's last line of log, and its last event of that kind.
    """
    found = [each for pod in pods if (each := _of_pod(pod, last_log, last_failure))]
    return min(found, key=lambda each: each.startswith("NOT_READY")) if found else _of_deployment(deployment)


def _of_pod(pod: Json, last_log: Look, last_failure: Look) -> str:
    name, status = pod["metadata"]["name"], pod.get("status", {})
    for container in (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())):
        waiting = container.get("state", {}).get("waiting", {})
        ended = container.get("state", {}).get("terminated") or container.get("lastState", {}).get("terminated")
        code = WAITING.get(waiting.get("reason", ""))
        if ended and (code == "CRASH_LOOP" or not (code or container.get("ready"))):
            log = _line(last_log(pod))
            return f"CRASH_LOOP: pod {name} ended with exit code {ended.get('exitCode')} ({ended.get('reason')}): {log}"
        if code:
            failure = last_failure(pod) if code == "IMAGE_PULL" else ""
            return f"{code}: pod {name}: {_line(failure or waiting.get('message') or waiting['reason'])}"
    conditions = {each["type"]: each for each in status.get("conditions", ())}
    if (scheduled := conditions.get("PodScheduled", {})).get("status") == "False":
        return f"UNSCHEDULABLE: pod {name}: {_line(scheduled.get('message', ''))}"
    if conditions.get("Ready", {}).get("status") == "True":
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
