"""Deploy a version's image to a Docker host: start it, test it, and go back if its scores are not as recorded."""

import base64
import json
import os
import re
import socket
from collections.abc import Iterator

from ..errors import FactoryError
from ..registry import trust, validity, versions
from ..registry.versions import Version
from ..workspace.process import run
from . import provenance, publish, serve, smoke_test
from .image import REVISION, find_engine, image_labels, image_name

TARGET, URL, SERVICE = "FACTORY_TARGET", "FACTORY_URL", "model"
LOCAL_ENGINE = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")
BY_DIGEST = re.compile(r"\w[^\s@]*@sha256:[0-9a-f]{64}")
REQUEST_SCRIPT = f"""
import base64, os, sys, urllib.request
body = base64.b64decode(sys.stdin.read())
headers = {{"Content-Type": "{smoke_test.ARROW}"}}
if os.environ["KEY"]:
    headers["Authorization"] = "Bearer " + os.environ["KEY"]
request = urllib.request.Request("http://127.0.0.1:8000" + sys.argv[1], body or None, headers)
print(base64.b64encode(urllib.request.urlopen(request, timeout={smoke_test.TIMEOUT_SECONDS}).read()).decode())
"""


def deploy(stage: str, name: str, image: str | None = None) -> Iterator[str]:
    """Run the image at FACTORY_TARGET, or for a dry run on this machine; yields the steps done. Raises FactoryError.

    From a registry it is named by digest, by default the one in its provenance: a tag may have come to name another.
    """
    fetched = versions.fetch()
    version, target = versions.find(name, fetched), os.environ.get(TARGET)
    if version != fetched[-1]:
        raise FactoryError(
            f'SUPERSEDED: {fetched[-1].name} is the champion by now: to go back, run `uv run factory rollback -m "why"`'
        )
    version.check()
    host = Host(f"{image_name()}-{stage}", target)
    if target or image or os.environ.get(publish.REGISTRY):
        image = image or provenance.published(version)
        if not BY_DIGEST.fullmatch(image):
            raise FactoryError(
                f"{image} names no image by its digest: give the NAME@sha256:… that `factory publish` printed"
            )
        signed = provenance.verify(version, image, validity.after(fetched, trust.trust()))
        host.pull(image)
        yield f"{image} is the image of {version.name}, by its provenance, {signed}"
    elif not host.has(image := f"{image_name()}:{version.name}"):
        yield f"dry run: {TARGET} and {publish.REGISTRY} are not set for {stage}, and there is no image here"
        return
    host.check_labels(image, version)
    previous = host.running() if target else None
    try:
        host.up(image)
        url = os.environ.get(URL)
        yield from smoke_test.check_service(smoke_test.http_client(url) if url else host.request, version)
    except BaseException:
        if previous:
            host.up(previous)
        else:
            host.down(image)
        raise
    if not target:
        host.down(image)
    yield f"{image} serves at {target}" if target else f"dry run: {image} served on this machine, and was stopped"


class Host:
    """A Docker engine, on this machine or another, and the service of one stage on it."""

    def __init__(self, project: str, target: str | None) -> None:
        self.engine, self.project = find_engine(), project
        self.down_options = () if target else ("--volumes",)  # a dry run leaves nothing
        env = {name: value for name, value in os.environ.items() if not (target and name in LOCAL_ENGINE)}
        self.env = env | ({"DOCKER_HOST": target} if target else {"PORT": str(_free_port())})

    def has(self, image: str) -> bool:
        """Whether the image is here."""
        return bool(self._run("images", "--quiet", image))

    def pull(self, image: str) -> None:
        """Pull the image by its digest. Raises FactoryError."""
        publish.login(self.engine, image.partition("@")[0])
        self._run("pull", "--quiet", image)

    def check_labels(self, image: str, version: Version) -> None:
        """Check the image's labels against the version's commit, data and model. Raises FactoryError."""
        labels = self._labels(image)
        for label, value in image_labels(version, image_name()).items():
            if labels.get(label) != value:
                raise FactoryError(
                    f"IMAGE_FOREIGN: {image} is not the image of {version.name}: its label {label} is {labels.get(label)}"
                )

    def running(self) -> str | None:
        """The id of the image that serves the stage, if one does."""
        return self._container('{{.Label "com.docker.compose.image"}}')

    def request(self, path: str, body: bytes) -> bytes:
        """The service's response on the host itself, as its port may be closed to others. Raises FactoryError."""
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
        self._compose(image, "up", "--quiet-pull", "--detach", "--wait", SERVICE, **env)

    def down(self, image: str) -> None:
        """Stop the service."""
        self._compose(image, "down", *self.down_options)

    def _container(self, form: str) -> str | None:
        labels = {"project": self.project, "service": SERVICE}
        filters = [f"--filter=label=com.docker.compose.{name}={value}" for name, value in labels.items()]
        return next(iter(self._run("ps", *filters, f"--format={form}").splitlines()), None)

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
