"""Images by digest: asked for once, written where bots renew them, and taken by the build."""

import json
from pathlib import Path

import pytest
from late_flights.factory.check import images
from late_flights.factory.release import bases
from tests.factory import git_repository
from tests.factory.cli_runner import refused, run

from machinery.release.fake_docker import PROJECT, built, publish_version

OLD, NEW = (f"sha256:{digit * 64}" for digit in "ab")
DOCKERFILE = """\
ARG PYTHON=3.13

ARG UV=0.13.8
FROM ghcr.io/astral-sh/uv:${UV} AS uv
FROM --platform=linux/amd64 python:$PYTHON-slim AS build
ARG PYTHON=2
FROM build AS packages
FROM scratch
FROM python:${PYTHON}-slim
"""
SERVICES = f"""\
# Ours
services:
  uv:
    image: ghcr.io/astral-sh/uv:0.13.8
  prometheus:
    image: ${{PROMETHEUS_IMAGE:-prom/prometheus:v3.5.0@{OLD}}}
  postgres:
    image: "postgres:17.5"
"""


def write(dockerfile=DOCKERFILE, services=SERVICES, options="[]"):
    Path("Dockerfile").write_text(dockerfile)
    Path("pyproject.toml").write_text(f'[project]\nname = "churn"\n[tool.factory]\nbuild = {options}\n')
    Path("compose.images.yaml").write_text(services)


def digest(engine, digest=NEW, command="buildx", key="digest"):
    nested = [{key: OLD, "platform": {"architecture": "arm64"}}]
    engine.answer(command, json.dumps({"manifests": nested, key: digest}, indent=2))


def test_each_image_is_pinned_where_it_is_named(engine):
    write()
    digest(engine)
    assert run("pin").stdout.splitlines() == [
        *(
            f"✓ {name}@{NEW}"
            for name in ("ghcr.io/astral-sh/uv:0.13.8", "prom/prometheus:v3.5.0", "postgres:17.5", "python:3.13-slim")
        )
    ]
    expected = (
        SERVICES.replace(OLD, NEW).replace("uv:0.13.8", f"uv:0.13.8@{NEW}").replace("postgres:17.5", f"postgres:17.5@{NEW}")
    )
    assert Path("compose.images.yaml").read_text() == f"{expected}  python-3-13-slim:\n    image: python:3.13-slim@{NEW}\n"
    assert not bases.unpinned() and run("pin").exit_code == 0
    assert engine.calls[0] == ["buildx", "imagetools", "inspect", "--format={{json .Manifest}}", "ghcr.io/astral-sh/uv:0.13.8"]


def test_podman_asks_by_skopeo(engine):
    write(services="services: {}\n", dockerfile="FROM python:3.13-slim\n")
    (engine.folder / "docker").unlink()
    for name in ("podman", "skopeo"):
        engine.install(name)
    digest(engine, command="inspect", key="Digest")
    assert run("pin").stdout == f"✓ python:3.13-slim@{NEW}\n"
    assert engine.calls == [["inspect", "--no-tags", "docker://python:3.13-slim"]]


@pytest.mark.parametrize("answer", ["", "sha256:1234"])
def test_digest_that_cannot_be_asked_for(engine, answer):
    write()
    if answer:
        digest(engine, answer)
    else:
        engine.fail("buildx")
    message = refused("pin")
    assert message.startswith("not pinned: ghcr.io/astral-sh/uv:0.13.8 (") and "python:3.13-slim" in message
    assert Path("compose.images.yaml").read_text().startswith(SERVICES)


@pytest.mark.usefixtures("project")
def test_what_has_no_digest_is_reported():
    write()
    result = images.check([Path("Dockerfile")])
    names = "ghcr.io/astral-sh/uv:0.13.8; python:3.13-slim; postgres:17.5"
    assert result.passed and result.summary == f"not pinned by digest: {names}: run `uv run factory pin`"
    assert images.check([Path("compose.yaml")]) is None


@pytest.mark.usefixtures("project")
def test_image_that_the_project_replaces_is_its_own_to_pin():
    mirror = "registry.example.com/python:3.13-slim"
    for image, left in ((mirror, [mirror]), (f"{mirror}@{NEW}", [])):
        write("FROM python:3.13-slim\n", "", f'["--build-context=python:3.13-slim=docker-image://{image}"]')
        assert bases.unpinned() == left and not bases.build_contexts(Path())


@pytest.mark.usefixtures("project")
def test_broken_options_are_reported():
    write(options='"--pull"')
    assert not images.check([Path("Dockerfile")]).passed


@pytest.mark.usefixtures("version")
def test_build_takes_what_is_pinned_under_the_very_name(engine):
    services = "".join(
        f"  a{number}:\n    image: {name}@{NEW}\n" for number, name in enumerate(("python:3.12-slim", "postgres:17.5"))
    )
    git_repository.another_model("second")
    options = '["--build-arg=PYTHON=3.12", "--pull"]'
    pyproject = f'[project]\nname = "churn"\n[tool.factory]\nbuild = {options}\n'
    files = {"Dockerfile": DOCKERFILE, "compose.images.yaml": f"services:\n{services}", "pyproject.toml": pyproject}
    publish_version(**PROJECT | files)
    built()
    context = f"--build-context=python:3.12-slim=docker-image://python:3.12-slim@{NEW}"
    assert engine.calls[0][-4:] == [context, "--build-arg=PYTHON=3.12", "--pull", "."]
