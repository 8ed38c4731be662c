"""An online endpoint of Azure ML: each image is a deployment of its own, which gets requests once it has passed."""

import json
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from ..environments import Environment
from ..errors import FactoryError
from ..registry.versions import Version
from ..release import model_folder, serve
from ..release.image import digest
from . import azure_cli, smoke_test
from .azure_cli import FOLDER, NAME

AUDIENCE = "https://ml.azure.com"
OPEN = "FACTORY_OPEN"
IMAGE = "image"
"""The tag with the image of a deployment; those without it are somebody else's."""


class Endpoint:
    """The endpoint of an environment. What is created is named by version and digest, and carries both as tags."""

    def __init__(self, environment: Environment) -> None:
        for field in ("resource_group", "workspace"):
            if not getattr(environment, field):
                raise FactoryError(
                    f"WORKSPACE_UNKNOWN: environments.yaml has no {field} for {environment.name}: add it"
                )
        azure_cli.log_in(environment.identity)
        options = {"resource-group": environment.resource_group, "workspace-name": environment.workspace}
        options |= {"subscription": environment.subscription} if environment.subscription else {}
        self.options = [part for name, value in options.items() for part in (f"--{name}", value)]
        self.name = environment.endpoint or f"{_read('endpoint.yml')['name']}-{environment.name}"
        self.deployment = self.started = ""
        self.exists = False
        self.client: smoke_test.Request | None = None
        self.before: dict[str, int] = {}  # traffic that `keep` has changed

    def prepare(self, image: str, version: Version) -> None:
        """Look whether az, its extension and the workspace are there; the provenance states whose image it is."""
        if not NAME.fullmatch(self.name):
            raise FactoryError(
                f"ENDPOINT_NAME: {self.name} must have 3 to 32 letters, digits and single dashes: set `endpoint` in environments.yaml"
            )
        self.version = version
        azure_cli.call("account", "show")
        self._ml("online-endpoint", "list")

    def running(self) -> str | None:
        """The image with the most traffic; of a deployment that others have made, its name."""
        live = self._traffic()
        images = {found["name"]: _image(found) for found in self._deployments()}
        return images.get(max(live, key=lambda name: live[name])) if live else None

    def up(self, image: str) -> None:
        """Create the image's deployment, unless there is one, and remove another that this run has started."""
        found = next((found for found in self._deployments() if _image(found) == image), None)
        if found and found["provisioning_state"] != "Succeeded" and not self._traffic().get(found["name"]):
            self._remove(found["name"], wait=True)
            found = None
        self.deployment = found["name"] if found else f"{self.version.name}-{_short(image)}"
        self.client = None
        if self.started not in ("", self.deployment):
            self._take_back()
        if not found:
            self._create(image)

    def request(self, path: str, body: bytes) -> bytes:
        """The response of the deployment that was started, whatever its traffic, or of what serves. Raises FactoryError."""
        self.client = self.client or self._new_client()
        return self.client(path, body)

    def keep(self, image: str, traffic: int) -> None:
        """Give the deployment its percentage, and the rest to those that have some; with all of it, remove what is unused."""
        self.before = before = self._traffic()
        others = {name: share for name, share in before.items() if name != self.deployment}
        if traffic < 100 and not others:
            raise FactoryError(
                f"TRAFFIC: {traffic} percent cannot be given while nothing else serves: deploy it without"
            )
        shares = _scaled(others, 100 - traffic) | {self.deployment: traffic}
        mirrored = (self._endpoint() or {}).get("mirror_traffic") or {}
        if traffic and mirrored.get(self.deployment):
            self._update("--mirror-traffic", {self.deployment: 0})
        if shares != before | {self.deployment: before.get(self.deployment, 0)}:
            self._update("--traffic", shares)
        self.started = ""
        if traffic == 100:
            self._follow_up(image, {*before, *mirrored, self.deployment})

    def _follow_up(self, image: str, kept: Collection[str]) -> None:
        """Let jobs score with the image that serves, and remove what is unused; that either fails takes nothing back."""
        try:
            version = f"{self.version.name}-{_short(image)}-{time.strftime('%Y%m%d%H%M%S', time.gmtime())}"
            self._ml_create("environment", "environment.yml", version=version, image=image, tags=self._tags(image))
            for found in self._deployments():
                if IMAGE in found.get("tags", {}) and found["name"] not in kept:
                    self._remove(found["name"])
        except FactoryError as error:
            print(f"{image} serves, but jobs may still score with the previous one: {error}", file=sys.stderr)

    def down(self, image: str) -> None:
        """Remove the image's deployment, unless it gets requests."""
        for found in self._deployments():
            if _image(found) == image and not self._traffic().get(found["name"]):
                self._remove(found["name"])

    def _tags(self, image: str) -> dict[str, str]:
        tags = {key: str(self.version.facts[key]) for key in ("commit", "data", "model")}
        return tags | {"version": self.version.name, IMAGE: image}

    def _create(self, image: str) -> None:
        if not self._endpoint():
            self._ml_create("online-endpoint", "endpoint.yml", name=self.name)
        self._register_model(self._tags(image))
        variables = dict(_read("deployment.yml").get("environment_variables") or {})
        if serve.unknown(self.version.commit, ["open"]):
            variables.pop(OPEN, None)
        changes = {
            "name": self.deployment,
            "endpoint_name": self.name,
            "environment": {"image": image, "inference_config": _read("environment.yml").get("inference_config")},
            "environment_variables": variables,
            "tags": self._tags(image),
        }
        self.started = self.deployment
        print(f"creating {self.deployment} at {self.name}, which takes Azure ML 5 to 20 minutes", file=sys.stderr)
        self._ml_create("online-deployment", "deployment.yml", failed="DEPLOYMENT_FAILED", **changes)

    def _register_model(self, tags: Mapping[str, str]) -> None:
        """Create the asset, unless that version is there: it cannot be changed. Raises FactoryError."""
        name, version = _read("model.yml")["name"], self.version.name
        try:
            found = self._ml("model", "show", "--name", name, "--version", version)
        except FactoryError:
            with tempfile.TemporaryDirectory() as folder:
                model_folder.write(self.version, model := Path(folder, "model"))
                self._ml_create("model", "model.yml", version=version, path=str(model), tags=tags)
            return
        if (found.get("tags") or {}).get("model") != tags["model"]:
            raise FactoryError(
                f"ASSET_FOREIGN: {name}:{version} in the workspace is another model: rename it in model.yml"
            )

    def _take_back(self) -> None:
        if self._traffic().get(self.started):  # az failed, and Azure ML had done it
            self._update("--traffic", self.before | {self.started: 0})
        self._remove(self.started)

    def _remove(self, deployment: str, wait: bool = False) -> None:
        """Remove the deployment; that it is left over must not hide why."""
        options = ("--yes",) if wait else ("--yes", "--no-wait")
        try:
            self._ml("online-deployment", "delete", "--name", deployment, *self._at(), *options)
        except FactoryError as error:
            print(f"{deployment} at {self.name} is not removed: {error}", file=sys.stderr)

    def _new_client(self) -> smoke_test.Request:
        endpoint = self._endpoint() or {}
        base = urlsplit(endpoint.get("scoring_uri", ""))
        headers = {"Authorization": f"Bearer {self._token(endpoint.get('auth_mode', ''))}"}
        headers |= {"azureml-model-deployment": self.deployment} if self.deployment else {}
        return smoke_test.http_client(f"{base.scheme}://{base.netloc}", headers)

    def _token(self, mode: str) -> str:
        if mode == "aad_token":
            return str(azure_cli.call("account", "get-access-token", "--resource", AUDIENCE)["accessToken"])
        found = self._ml("online-endpoint", "get-credentials", "--name", self.name)
        return str(found.get("primaryKey") or found.get("accessToken"))

    def _endpoint(self) -> Any:
        return next((found for found in self._ml("online-endpoint", "list") if found["name"] == self.name), None)

    def _traffic(self) -> dict[str, int]:
        live = (self._endpoint() or {}).get("traffic") or {}
        return {name: int(share) for name, share in live.items() if share}

    def _deployments(self) -> list[dict[str, Any]]:
        self.exists = self.exists or self._endpoint() is not None
        return self._ml("online-deployment", "list", *self._at()) if self.exists else []

    def _update(self, option: str, shares: Mapping[str, int]) -> None:
        percent = " ".join(f"{name}={share}" for name, share in shares.items())
        self._ml("online-endpoint", "update", "--name", self.name, option, percent)

    def _at(self) -> tuple[str, str]:
        return "--endpoint-name", self.name

    def _ml_create(self, kind: str, file: str, failed: str = "AZ_FAILED", **changes: Any) -> None:
        with _changed(file, changes) as path:
            self._ml(kind, "create", "--file", path, failed=failed)

    def _ml(self, *command: str, failed: str = "AZ_FAILED") -> Any:
        return azure_cli.call("ml", *command, *self.options, failed=failed)


def _read(file: str) -> dict[str, Any]:
    path = FOLDER / file
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise FactoryError(f"{path}: cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict) or "name" not in content:
        raise FactoryError(f"{path}: has no name: run `uv run factory check`")
    return content


@contextmanager
def _changed(file: str, changes: Mapping[str, Any]) -> Iterator[str]:
    """A copy of the file with the changes, as JSON, which is YAML that no reader takes for numbers or dates."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, file)
        path.write_text(json.dumps(_read(file) | dict(changes)), encoding="utf-8")
        yield str(path)


def _image(deployment: Mapping[str, Any]) -> str:
    return str((deployment.get("tags") or {}).get(IMAGE) or deployment["name"])


def _scaled(shares: Mapping[str, int], percent: int) -> dict[str, int]:
    """The shares in their proportions, of that sum."""
    total = sum(shares.values())
    scaled = {name: share * percent // total for name, share in shares.items()}
    if shares:
        scaled[max(shares, key=lambda name: shares[name])] += percent - sum(scaled.values())
    return scaled


def _short(image: str) -> str:
    return digest(image).removeprefix("sha256:")[:8]
