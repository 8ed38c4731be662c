"""A Docker host, this machine or another, on which Compose runs the service of one environment."""

import base64
import json
import os
import socket

from ..environments import Environment
from ..errors import FactoryError
from ..registry.versions import Version
from ..release import publish, serve
from ..release.image import BY_DIGEST, REVISION, find_engine, image_labels, image_name
from ..workspace.process import run
from . import smoke_test

SERVICE = "model"
LOCAL_ENGINE = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")
REQUEST_SCRIPT = f"""
import base64, os, sys, urllib.request
body = base64.b64decode(sys.stdin.read())
headers = {{"Content-Type": "{smoke_test.ARROW}"}}
if os.environ["KEY"]:
    headers["Authorization"] = "Bearer " + os.environ["KEY"]
request = urllib.request.Request("http://127.0.0.1:8000" + sys.argv[1], body or None, headers)
print(base64.b64encode(urllib.request.urlopen(request, timeout={smoke_test.TIMEOUT_SECONDS}).read()).decode())
"""


class Host:
    """A Docker engine, on this machine for a dry run or on another one, and the environment's service on it."""

    def __init__(self, environment: Environment) -> None:
        host = environment.host
        self.url = environment.url if host else ""  # where something else serves
        self.engine, self.project = find_engine(), f"{image_name()}-{environment.stage}"
        self.down_options = () if host else ("--volumes",)  # a dry run leaves nothing
        env = {name: value for name, value in os.environ.items() if not (host and name in LOCAL_ENGINE)}
        self.env = env | ({"DOCKER_HOST": host} if host else {"PORT": str(_free_port())})

    def prepare(self, image: str, version: Version) -> None:
        """Pull the image, unless it is one of this machine, and check its labels against the version. Raises FactoryError."""
        if BY_DIGEST.fullmatch(image):
            publish.login(self.engine, image.partition("@")[0])
            self._pull(image)
        labels = self._labels(image)
        for label, value in image_labels(version, image_name()).items():
            if labels.get(label) != value:
                raise FactoryError(
                    f"IMAGE_FOREIGN: {image} is not the image of {version.name}: its label {label} is {labels.get(label)}"
                )

    def running(self) -> str | None:
        """The image that serves the environment, by the digest that it was started by, if one does."""
        return self._container("{{.Image}}")

    def request(self, path: str, body: bytes) -> bytes:
        """The response as callers get it, else on the host itself, as its port may be closed to others. Raises FactoryError."""
        if self.url:
            return smoke_test.http_client(self.url)(path, body)
        container = f"{self._container('{{.ID}}')}"
        command = ("exec", "--interactive", "--env", "KEY", container, "python", "-c", REQUEST_SCRIPT, path)
        env = self.env | {"KEY": os.environ.get(smoke_test.KEY, "")}
        try:
            return base64.b64decode(run(self.engine, *command, env=env, stdin=base64.b64encode(body).decode()))
        except FactoryError as error:
            raise FactoryError(f"NOT_READY: {path}: {str(error).rpartition(' failed: ')[2]}") from error

    def up(self, image: str) -> None:
        """Start the image and wait until it is healthy. Raises FactoryError."""
        commit = self._labels(image).get(REVISION)
        env = {} if commit and not serve.unknown(commit, ["open"]) else {"OPEN": ""}
        try:
            self._compose(image, "up", "--quiet-pull", "--detach", "--wait", SERVICE, **env)
        except FactoryError as error:
            raise FactoryError(f"NOT_READY: {image}: {str(error).rpartition(' failed: ')[2]}") from error

    def keep(self, image: str, traffic: int) -> None:
        """Nothing is left to do: the one service gets all requests."""

    def down(self, image: str) -> None:
        """Stop the service."""
        self._compose(image, "down", *self.down_options)

    def _pull(self, image: str) -> None:
        try:
            self._run("pull", "--quiet", image)
        except FactoryError as error:
            self._check_reachable()
            raise FactoryError(f"IMAGE_PULL: {error}") from error

    def _check_reachable(self) -> None:
        try:
            self._run("version")
        except FactoryError as error:
            raise FactoryError(f"HOST_UNREACHABLE: {self.env.get('DOCKER_HOST', 'this machine')}: {error}") from error

    def _container(self, form: str) -> str | None:
        labels = {"project": self.project, "service": SERVICE}
        filters = [f"--filter=label=com.docker.compose.{name}={value}" for name, value in labels.items()]
        return next(iter(self._run("ps", "--no-trunc", *filters, f"--format={form}").splitlines()), None)

    def _compose(self, image: str, *command: str, **env: str) -> None:
        options = ("--progress", "quiet", "--project-name", self.project)
        run(self.engine, "compose", *options, *command, env=self.env | {"IMAGE": image} | env)

    def _labels(self, image: str) -> dict[str, str]:
        return json.loads(self._run("inspect", "--format={{json .Config.Labels}}", image)) or {}

    def _run(self, *command: str) -> str:
        return run(self.engine, *command, env=self.env)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
