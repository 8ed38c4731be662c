"""The section `model` of params.yaml, written without touching comments and all else."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from ..tables import whole


def write(parameters: dict[str, Any], path: Path = Path("params.yaml"), *, alone: bool = False) -> None:
    """Put the parameters into the section; with `alone` it holds no others afterwards."""
    yaml = YAML()
    yaml.preserve_quotes, yaml.width = True, 200
    content = yaml.load(path.read_text(encoding="utf-8"))
    content["model"] = section = content.get("model") or CommentedMap()  # it may be there with nothing below
    below = section.ca.items.get(next(reversed(section), None))  # the lines up to the next section are the last one's
    if alone:
        section.clear()
        section.ca.items.clear()
    for name, value in parameters.items():
        value = _flow(value) if isinstance(value, list) else value
        if name in section or alone:
            section[name] = value
        else:
            section.insert(max(len(section) - 1, 0), name, value)
    if alone and below:
        section.ca.items[next(reversed(section))] = below
    with whole(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        yaml.dump(content, file)


def _flow(values: list[Any]) -> CommentedSeq:
    line = CommentedSeq(values)
    line.fa.set_flow_style()
    return line
