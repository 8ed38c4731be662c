"""What the tests of deployment share: a version whose image is released, and an engine that only notes."""

import json
from pathlib import Path
from typing import Any

import pytest
from late_flights.factory import environments, manifest
from late_flights.factory.deployment import azureml, smoke_test
from late_flights.factory.registry import trust
from late_flights.factory.registry.versions import Version
from late_flights.factory.release import image, model_folder, provenance, sbom, serve
from tests.factory import git_repository

from machinery.deployment.environment_files import IMAGE
from machinery.deployment.fake_az import PLACE, FakeAz, write_files
from machinery.release.fake_docker import INVENTORY, FakeEngine


@pytest.fixture
def released(engine: FakeEngine, version: Version, monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """An engine that has the version's image, with its provenance here; the service is as it should be."""
    for name in (environments.REGISTRY, environments.HOST, environments.URL):
        monkeypatch.delenv(name, raising=False)
    engine.answer("images", "1234")
    release(version, IMAGE)
    engine.answer("inspect", json.dumps(image.image_labels(version, "churn")))
    passed: Any = lambda request, version: iter([getattr(request, "__name__", "")])
    monkeypatch.setattr(smoke_test, "check_service", passed)
    return engine


def release(version: Version, name: str) -> None:
    """Write the version's bill of materials and provenance, as publishing its image does."""
    sbom.write(json.dumps(INVENTORY), f"churn:{version.name}", "sha256:1234", version)
    provenance.write(version, name, trust.trust())


def verify(version: Version, name: str = IMAGE) -> None:
    """Write what `factory verify` finds of the version, and its provenance with that."""
    path = provenance.verification_of(version)
    path.parent.mkdir(parents=True, exist_ok=True)
    manifest.dump({"passed": True, "commit": version.commit, "model": version.facts["model"]}, path)
    release(version, name)


@pytest.fixture
def az(project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> FakeAz:
    """Azure, and az as the only program on PATH; the service is as it should be."""
    write_files()
    passed: Any = lambda request, version: iter(["passed"])
    monkeypatch.setattr(smoke_test, "check_service", passed)
    az = FakeAz(tmp_path_factory.mktemp("bin"))
    monkeypatch.setenv("PATH", str(az.folder))
    return az


@pytest.fixture
def unversioned(monkeypatch: pytest.MonkeyPatch) -> Version:
    """A version that no repository has."""
    write: Any = lambda version, folder: folder.mkdir()
    unknown: Any = lambda commit, names: []
    monkeypatch.setattr(model_folder, "write", write)
    monkeypatch.setattr(serve, "unknown", unknown)
    return Version(1, "model/v1", "3" * 40, git_repository.RECORD | {"commit": "3" * 40})


@pytest.fixture
def endpoint(az: FakeAz, unversioned: Version) -> azureml.Endpoint:
    """The endpoint of prod, which is not there yet."""
    endpoint = azureml.Endpoint(PLACE)
    endpoint.prepare(IMAGE, unversioned)
    return endpoint
