"""The components, pipelines and jobs of Azure ML: whether each input and output that one names is there."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

from ..deployment.azure_cli import FOLDER

EXPRESSION = re.compile(r"\$\{\{\s*([\w.-]+)\s*\}\}")
GIVEN = "name", "default_datastore", "creation_context.trigger_time"
"""What Azure ML itself fills in."""
ENDS = "inputs", "outputs"


@dataclass(frozen=True)
class Component:
    """What a component, a pipeline, a job or a step declares, and the component that it is made of."""

    content: Mapping[str, Any]
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    steps: Mapping[str, "Component"]

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self:
        steps = {name: cls.of(mapping(step)) for name, step in mapping(content.get("jobs")).items()}
        inputs, outputs = (mapping(content.get(end)) for end in ENDS)
        return cls(content, inputs, outputs, steps)

    def base(self) -> "Component | str | None":
        """What it is made of, if that is here; why it is not, where it should be."""
        named = self.content.get("component")
        if isinstance(named, Mapping):
            return Component.of(named)
        if not isinstance(named, str) or named.startswith("azureml:"):
            return None
        try:
            return Component.of(read(FOLDER / named.removeprefix("file:")))
        except (OSError, ValueError, yaml.YAMLError):
            return f"component: {named}: no such file, or it cannot be read"

    def optional(self, name: str) -> bool:
        declared = mapping(self.inputs[name])
        return bool(declared.get("optional")) or "default" in declared


def read(file: Path) -> Mapping[str, Any]:
    """The mapping in the file. Raises OSError, ValueError and yaml.YAMLError."""
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    if not isinstance(content, Mapping):
        raise yaml.YAMLError("not a mapping of keys to values")
    return content


def mapping(value: Any) -> Mapping[str, Any]:
    """The value where it is a mapping, else none."""
    return value if isinstance(value, Mapping) else {}


def dangling(component: Component, runs: bool = False) -> Iterator[str]:
    """What it names and nobody declares; and where it runs as it is, what it needs and does not get."""
    yield from _against_base(component, "", runs)
    for name in _expressions(component.content.get("command")):
        end, _, rest = name.partition(".")
        if end not in ENDS or rest not in getattr(component, end):
            yield f"command: {_shown(name)}: no such {end.removesuffix('s')}"
    for name, step in component.steps.items():
        yield from _against_base(step, f"jobs.{name}.", runs=True)
        for end in ENDS:
            for used in _expressions(getattr(step, end)):
                if not _leads_somewhere(component, name, used, end):
                    yield f"jobs.{name}.{end}: {_shown(used)} leads nowhere"


def _against_base(component: Component, where: str, runs: bool) -> Iterator[str]:
    base = component.base()
    if isinstance(base, str):
        yield f"{where}{base}"
    if not isinstance(base, Component):
        return
    for end in ENDS:
        for name in getattr(component, end):
            if name not in getattr(base, end):
                yield f"{where}{end}.{name}: {component.content['component']} has no such {end.removesuffix('s')}"
    for name in base.inputs if runs else ():
        if name not in component.inputs and not base.optional(name):
            yield f"{where}inputs: {name}, which {component.content['component']} needs, is missing"


def _leads_somewhere(pipeline: Component, step: str, used: str, end: str) -> bool:
    match used.split("."):
        case ["parent", "inputs", name]:
            return end == "inputs" and name in pipeline.inputs
        case ["parent", "outputs", name]:
            return end == "outputs" and name in pipeline.outputs
        case ["parent", "jobs", other, "outputs", name] if other in pipeline.steps and other != step:
            base = pipeline.steps[other].base()
            return end == "inputs" and name in (
                base.outputs if isinstance(base, Component) else pipeline.steps[other].outputs
            )
    return used in GIVEN


def _expressions(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for part in value.values():
            yield from _expressions(part)
    elif isinstance(value, str):
        yield from EXPRESSION.findall(value)


def _shown(name: str) -> str:
    return f"${{{{{name}}}}}"
