"""Sections of YAML files that people write: read once and checked key by key."""

import difflib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from .errors import FactoryError

Parsed = TypeVar("Parsed")


class Section(BaseModel):
    """Unknown keys and other types than the stated are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class UniqueKeys(yaml.constructor.SafeConstructor):
    """A loader's part that refuses a doubled key, of which YAML's own takes the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if (name := str(key.value)) in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{name} is in it twice", key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


class _Loader(UniqueKeys, yaml.SafeLoader):
    pass


def read(path: Path, model: Callable[[Any], Parsed]) -> Parsed:
    """The YAML in the file, parsed. Raises FactoryError naming each key that is wrong."""
    try:
        return parse(path.read_text(encoding="utf-8"), str(path), model)
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise FactoryError(f"{path}, line {line}: not UTF-8: save the file in that encoding") from error


def parse(text: str, place: str, model: Callable[[Any], Parsed]) -> Parsed:
    """The YAML in the text, parsed. Raises FactoryError naming the place and each key that is wrong."""
    try:
        return model(yaml.load(text, _Loader))
    except ValidationError as error:
        raise FactoryError(f"{place}: {'; '.join(_problems(error))}") from error
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise FactoryError(f"{place}{line}: not YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise FactoryError(f"{place}: not YAML: {' '.join(str(error).split())}") from error


def _problems(error: ValidationError) -> Iterator[str]:
    root = next(section for section in Section.__subclasses__() if section.__name__ == error.title)
    for problem in error.errors():
        place = problem["loc"]
        reason = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            reason = _unknown(str(place[-1]), _section(root, place[:-1]))
        elif problem["type"] == "model_type":
            reason = "there must be lines of the form `key: value`"
        yield ": ".join(filter(None, (".".join(map(str, place)), reason)))


def _unknown(key: str, section: type[BaseModel]) -> str:
    if close := difflib.get_close_matches(key, section.model_fields, n=1):
        return f"unknown key, did you mean {close[0]}?"
    return f"unknown key; known are {', '.join(section.model_fields)}"


def _section(root: type[BaseModel], place: Iterable[int | str]) -> type[BaseModel]:
    """The class of the section there, be it optional or in a list."""
    for key in place:
        if isinstance(key, str):
            annotation = root.model_fields[key].annotation
            types = (annotation, *get_args(annotation))
            root = next(kind for kind in types if isinstance(kind, type) and issubclass(kind, BaseModel))
    return root
