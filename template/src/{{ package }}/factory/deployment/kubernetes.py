"""A Kubernetes cluster that kubectl reaches: the overlay is applied with the image's digest, and taken back by its revision."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ..environments import Environment
from ..errors import FactoryError
from ..registry.versions import Version
from . import overlay, pods, smoke_test
from .kubectl import TIMEOUT_SECONDS, Kubectl

FOLDER = overlay.FOLDER.parent
ANY_IMAGE = f"any@sha256:{'f' * 64}"  # to find the Deployment by, before there is one
REVISION = "deployment.kubernetes.io/revision"
CONFIGURATION = "kubectl.kubernetes.io/last-applied-configuration"
DEADLINE_SECONDS = 600  # Kubernetes' own default


@dataclass(frozen=True)
class Service:
    """The Deployment that serves the model, and what it is applied with."""

    manifests: str
    name: str
    options: tuple[str, ...]  # with the namespace; none for that of the context
    container: str
    port: int
    deadline: int
    selector: str

    @property
    def target(self) -> str:
        """What kubectl takes as its name."""
        return f"deployment/{self.name}"


class Cluster:
    """The environment's Deployment, in the cluster of its context."""

    def __init__(self, environment: Environment) -> None:
        self._environment, self._kubectl = environment, Kubectl(environment.context)
        self._before, self._previous = "", ""  # the revision that was there, and its image
        self._applied: str | None = None  # the revision that this has made
        self._configured: list[str] = []  # what had been applied to all that the overlay has

    def prepare(self, image: str, version: Version) -> None:
        """Check that the cluster answers and that the overlay can be rendered. Raises FactoryError."""
        self._kubectl.run("get", "--raw=/readyz", f"--request-timeout={TIMEOUT_SECONDS}s")  # others fail less clearly
        self._service(image)

    def running(self) -> str | None:
        """The image of the Deployment, if one of its pods is available. Raises FactoryError."""
        service = self._service()
        live = self._live(service)
        self._before, self._previous = _revision(live), _image(live, service)
        return self._previous if live.get("status", {}).get("availableReplicas") else None

    def up(self, image: str) -> None:
        """Apply the overlay and wait until its pods are ready; else undo it. Raises FactoryError."""
        if self._applied is not None and image == self._previous:
            return self._undo()
        service = self._service(image)
        self._configured = [*self._configurations(service)]
        try:
            self._apply(service)
        finally:
            self._applied = _revision(self._live(service))
        if not self._wait(service):
            reason = self._reason(service, image)
            try:
                self._undo()
            except FactoryError as error:
                raise FactoryError(f"{reason}; and to go back failed: {error}") from error
            raise FactoryError(f"{reason}; {image} does not serve")
        return None

    def request(self, path: str, body: bytes) -> bytes:
        """The response as callers get it, else of a pod, through the cluster's API. Raises FactoryError."""
        if url := self._environment.url:
            return smoke_test.http_client(url)(path, body)
        service = self._service()
        with self._kubectl.forward(service.target, service.port, *service.options) as port:
            return smoke_test.http_client(f"http://127.0.0.1:{port}")(path, body)

    def keep(self, image: str, traffic: int) -> None:
        """Nothing is left to do: the Service has the new pods alone."""

    def down(self, image: str) -> None:
        """Return to the revision that was there; without one the Deployment goes, claims and all else stay. Raises FactoryError."""
        if self._before or self._previous:
            return self._undo()
        service = self._service()
        self._kubectl.run("delete", "--ignore-not-found", service.target, *service.options)
        return None

    def _service(self, image: str = ANY_IMAGE) -> Service:
        """The Deployment as it would be with the image. Raises FactoryError."""
        own = overlay.path(self._environment.name)
        with tempfile.TemporaryDirectory() as temporary:
            copy = Path(temporary, FOLDER.name)
            shutil.copytree(FOLDER, copy)
            file = copy / own.relative_to(FOLDER)
            overlay.write(file, image)
            try:
                manifests = self._kubectl.run("kustomize", str(file.parent))
            except FactoryError as error:
                raise FactoryError(str(error).replace(str(copy), str(FOLDER))) from error
        return _find(manifests, image, self._environment)

    def _live(self, service: Service) -> Mapping[str, Any]:
        return self._kubectl.get(service.target, *service.options) or {}

    def _apply(self, service: Service) -> None:
        """Apply all or, where the cluster would refuse a part, nothing. Raises FactoryError."""
        namespace = self._environment.namespace
        command = ("apply", "--filename=-", *([f"--namespace={namespace}"] if namespace else []))
        if not any(
            each["kind"] == "Namespace" for each in _objects(service.manifests)
        ):  # else nothing can be tried in it
            self._kubectl.run(*command, "--dry-run=server", stdin=service.manifests)
        self._kubectl.run(*command, stdin=service.manifests)

    def _configurations(self, service: Service) -> Iterator[str]:
        found = self._kubectl.get("--filename=-", stdin=service.manifests) or {}
        for each in found.get("items", [found] if found else []):
            configuration = each["metadata"].get("annotations", {}).get(CONFIGURATION)
            if configuration and (
                each["kind"] != "Deployment" or self._previous in configuration
            ):  # not one undone by hand
                yield configuration

    def _wait(self, service: Service) -> bool:
        timeout = f"--timeout={service.deadline + TIMEOUT_SECONDS}s"
        return self._kubectl.wait("rollout", "status", service.target, *service.options, timeout)

    def _reason(self, service: Service, image: str) -> str:
        found = self._kubectl.get("pods", f"--selector={service.selector}", *service.options) or {"items": []}
        new = [pod for pod in found["items"] if image in {each["image"] for each in pod["spec"]["containers"]}]
        return pods.reason(self._live(service), new, self._last_log, self._last_failure)

    def _last_log(self, pod: Mapping[str, Any]) -> str:
        command = ("logs", pod["metadata"]["name"], f"--namespace={pod['metadata']['namespace']}", "--tail=1")
        for option in ("--previous=true", "--previous=false"):
            with suppress(FactoryError):
                return self._kubectl.run(*command, option)
        return ""

    def _last_failure(self, pod: Mapping[str, Any]) -> str:
        """What its events have of it longer than its status, such as why an image could not be pulled."""
        chosen = f"--field-selector=involvedObject.name={pod['metadata']['name']},reason=Failed"
        with suppress(FactoryError):
            events = self._kubectl.get("events", chosen, f"--namespace={pod['metadata']['namespace']}") or {"items": []}
            return next((each["message"] for each in events["items"] if "ull" in each["message"]), "")
        return ""

    def _undo(self) -> None:
        """Return to the revision that was there, once, and not where somebody else has deployed since. Raises FactoryError.

        Its pods first, then what else has the image, such as the job that scores each night.
        """
        before, self._before = self._before, ""
        service = self._service()
        if not before or _revision(self._live(service)) != self._applied:
            return
        if before != self._applied:
            self._kubectl.run("rollout", "undo", service.target, *service.options, f"--to-revision={before}")
        if self._configured:
            items = f'{{"apiVersion": "v1", "kind": "List", "items": [{", ".join(self._configured)}]}}'
            self._kubectl.run("apply", "--filename=-", stdin=items)
        if before != self._applied and not self._wait(service):
            raise FactoryError(f"NOT_READY: the pods of revision {before} do not get ready again either")


def _find(manifests: str, image: str, environment: Environment) -> Service:
    """The Deployment with the image. Raises FactoryError."""
    for each in _objects(manifests):
        if each["kind"] == "Deployment" and (container := _container(each, image)):
            own = each["metadata"].get("namespace", "")
            namespace = own or environment.namespace
            if environment.namespace not in ("", namespace):
                raise FactoryError(
                    f"OVERLAY: {overlay.path(environment.name)} has namespace {own}, and environments.yaml "
                    f"{environment.namespace} for {environment.name}: give both the same"
                )
            spec = each["spec"]
            return Service(
                manifests=manifests,
                name=each["metadata"]["name"],
                options=(f"--namespace={namespace}",) if namespace else (),
                container=container["name"],
                port=container["ports"][0]["containerPort"],
                deadline=spec.get("progressDeadlineSeconds", DEADLINE_SECONDS),
                selector=",".join(f"{name}={value}" for name, value in spec["selector"]["matchLabels"].items()),
            )
    raise FactoryError(
        f"OVERLAY: the overlay of {environment.name} has no Deployment with the image: leave `context` empty"
    )


def _objects(manifests: str) -> Iterator[dict[str, Any]]:
    return (each for each in yaml.safe_load_all(manifests) if each)


def _container(deployment: Mapping[str, Any], image: str) -> Mapping[str, Any] | None:
    containers = deployment["spec"]["template"]["spec"]["containers"]
    return next((each for each in containers if each["image"] == image), None)


def _revision(live: Mapping[str, Any]) -> str:
    return str(live["metadata"].get("annotations", {}).get(REVISION, "")) if live else ""


def _image(live: Mapping[str, Any], service: Service) -> str:
    containers = live["spec"]["template"]["spec"]["containers"] if live else ()
    return next((str(each["image"]) for each in containers if each["name"] == service.container), "")
