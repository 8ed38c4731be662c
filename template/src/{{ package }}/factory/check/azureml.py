"""Check the files of deploy/azureml for what Azure ML's own tools notice only at work, or not at all."""

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from ..deployment.azure_cli import FOLDER
from ..deployment.azure_cli import NAME as SERVED
from ..errors import FactoryError
from ..release.image import BY_DIGEST
from ..serving import settings
from . import cron
from .checks import Result
from .wiring import Component, dangling, mapping, read

NAME = "azureml"
SCHEMA = re.compile(r"https://azuremlschemas\.azureedge\.net/latest/(\w+)\.schema\.json")
OF_COMPONENT = re.compile(r"[a-z][a-z0-9_]{0,254}")
TAGGED = re.compile(r"\w[^\s@]*:(?!latest$)[\w.-]+")
SIZE = re.compile(r"standard_[a-z]+\d+[a-z\d_-]*", re.IGNORECASE)
COMPUTE = re.compile(r"azureml:[A-Za-z]([A-Za-z0-9-]{1,30})[A-Za-z0-9]|serverless")
MOST_MIRRORED = 50  # percent


def check(files: Collection[Path]) -> Result | None:
    """The result for the whole folder, or None where none of the files is in it."""
    if not any(file.parent == FOLDER and file.suffix == ".yml" for file in files):
        return None
    problems = [f"{file}: {problem}" for file in sorted(FOLDER.glob("*.yml")) for problem in _problems(file)]
    return Result(NAME, not problems, output="\n".join(problems))


def _problems(file: Path) -> Iterator[str]:
    try:
        content = read(file)
    except (OSError, ValueError, yaml.YAMLError) as error:
        yield f"cannot be read: {' '.join(str(error).split())}"
        return
    schema = SCHEMA.fullmatch(str(content.get("$schema")))
    if not schema or schema[1] not in KINDS:
        yield f"$schema: {content.get('$schema')}: expected is that of one of {', '.join(KINDS)}"
        return
    yield from KINDS[schema[1]](content)
    compute = str(mapping(content.get("settings")).get("default_compute", "serverless"))
    if not COMPUTE.fullmatch(compute):
        yield f"settings.default_compute: {compute}: expected is azureml:NAME with a name of 3 to 32 letters, digits and dashes"


def _served(content: Mapping[str, Any]) -> Iterator[str]:
    for key in ("name", "endpoint_name"):
        if key in content and not SERVED.fullmatch(str(content[key])):
            yield (
                f"{key}: {content[key]}: must begin with a letter, and have 3 to 32 letters, digits and single dashes"
            )


def _endpoint(content: Mapping[str, Any]) -> Iterator[str]:
    yield from _served(content)
    live, mirrored = (mapping(content.get(key)) for key in ("traffic", "mirror_traffic"))
    if not all(share in range(101) for share in live.values()) or sum(live.values()) not in (0, 100):
        yield "traffic: must be whole percentages, which are 100 in all, or 0"
    if len(mirrored) > 1 or not all(share in range(MOST_MIRRORED + 1) for share in mirrored.values()):
        yield f"mirror_traffic: at most {MOST_MIRRORED} percent can be mirrored, to one deployment"
    for name in mirrored:
        if live.get(name):
            yield f"mirror_traffic: {name} has traffic already"


def _deployment(content: Mapping[str, Any]) -> Iterator[str]:
    yield from _served(content)
    yield from _image(mapping(content.get("environment")), BY_DIGEST, "by its digest, NAME@sha256:…")
    size, count = content.get("instance_type"), content.get("instance_count")
    if not SIZE.fullmatch(str(size)):
        yield f"instance_type: {size}: expected is the size of a machine, such as Standard_DS3_v2"
    if not isinstance(count, int) or count < 1:
        yield f"instance_count: {count}: must be at least 1"
    try:
        variables = mapping(content.get("environment_variables"))
        settings.load({name: str(value) for name, value in variables.items()}).check_host("0.0.0.0")
    except FactoryError as error:
        yield f"environment_variables: {str(error).removeprefix('--host 0.0.0.0: ')}"


def _image(environment: Mapping[str, Any], form: re.Pattern[str], expected: str) -> Iterator[str]:
    if "image" in environment and not form.fullmatch(str(environment["image"])):
        yield f"image: {environment['image']}: name it {expected}"


def _environment(content: Mapping[str, Any]) -> Iterator[str]:
    yield from _image(content, BY_DIGEST, "by its digest, NAME@sha256:…")


def _component(content: Mapping[str, Any]) -> Iterator[str]:
    if not OF_COMPONENT.fullmatch(str(content.get("name"))):
        yield f"name: {content.get('name')}: must begin with a small letter, and have small letters, digits and _"
    yield from _image(mapping(content.get("environment")), TAGGED, "with its version, or by its digest")
    yield from dangling(Component.of(content))


def _job(content: Mapping[str, Any]) -> Iterator[str]:
    yield from dangling(Component.of(content), runs=True)


def _schedule(content: Mapping[str, Any]) -> Iterator[str]:
    trigger = mapping(content.get("trigger"))
    if trigger.get("type") == "cron":
        yield from (f"trigger.expression: {problem}" for problem in cron.problems(str(trigger.get("expression"))))
    job = content.get("create_job")
    if isinstance(job, str) and not job.startswith("azureml:") and not (FOLDER / job).is_file():
        yield f"create_job: {job}: no such file"


def _batch(content: Mapping[str, Any]) -> Iterator[str]:
    yield from _served(content)
    yield from dangling(Component.of(content))


KINDS = {
    "managedOnlineEndpoint": _endpoint,
    "managedOnlineDeployment": _deployment,
    "environment": _environment,
    "model": lambda content: iter(()),
    "commandComponent": _component,
    "pipelineComponent": _component,
    "pipelineJob": _job,
    "schedule": _schedule,
    "batchEndpoint": _served,
    "pipelineComponentBatchDeployment": _batch,
}
