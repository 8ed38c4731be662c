"""Write the reference of params.yaml from the model that validates it: a schema for editors, and docs/params.md.

python tools/reference.py (needs pydantic and PyYAML, which come with Copier)
"""

import ast
import json
import re
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

TEMPLATE = Path(__file__).parents[1] / "template"
PACKAGE = TEMPLATE / "src/{{ package }}"
sys.path.insert(0, str(PACKAGE))

from factory import config

SCHEMA, PAGE = PACKAGE / "factory/params.schema.json", TEMPLATE / "docs/params.md"
CONDITIONS = {  # what the validators of config.py add to the types
    "Data": {
        "if": {"required": ["repeats"], "properties": {"repeats": {"const": True}}},
        "then": {"required": ["id"], "properties": {"id": {"type": "string"}}},
    },
    "Params": {
        "if": {"required": ["value"], "properties": {"value": {"type": "object"}}},
        "then": {"properties": {"problem": {"const": "classification"}}},
    },
}
START = """\
# params.yaml

Every parameter of the project, read once and checked key by key: an unknown key, or one of another type, stops `factory` with a line that
names it. A stage of `dvc repro` runs again if a section that it depends on has changed (`params:` in `dvc.yaml`); the section `gate` only
matters to `factory compare` and `factory promote`. Editors that know YAML language servers complete the keys and show the texts below, by the
first line of the file:

```
# yaml-language-server: $schema=src/<package>/factory/params.schema.json
```

For one run, without editing the file: `uv run dvc exp run -S model.max_iter=300`.
"""


def main() -> None:
    schema = build()
    SCHEMA.write_text(text(schema), "utf-8")
    PAGE.write_text(page(schema), "utf-8")


def build() -> dict[str, Any]:
    """The JSON schema of params.yaml, each key described by the text below it in config.py."""
    schema = config.Params.model_json_schema()
    sections = {**schema["$defs"], "Params": schema}
    for name, texts in descriptions():
        section = sections.get(name, {})
        section.pop("title", None)
        for key, field in section.get("properties", {}).items():
            field.pop("title", None)
            if key in texts:
                field["description"] = texts[key]
        section.update(CONDITIONS.get(name, {}))
        if "description" in section:
            section["description"] = oneline(section["description"])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "params.yaml", **schema}


def descriptions() -> Iterator[tuple[str, dict[str, str]]]:
    """By class of config.py, the text below each field."""
    for node in ast.parse(Path(config.__file__).read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef):
            texts = {}
            for field, text in pairwise(node.body):
                if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
                    texts[field.target.id] = oneline(ast.literal_eval(text.value))
            yield node.name, texts


def oneline(text: str) -> str:
    return " ".join(text.split())


def text(schema: dict[str, Any]) -> str:
    """The schema as a file with a line for each key of params.yaml."""
    lines = json.dumps(schema, indent=1, ensure_ascii=False)
    return re.sub(r"\n(?: {5,}| {4}(?=[]}]))", " ", lines) + "\n"


def page(schema: dict[str, Any]) -> str:
    """docs/params.md: the keys at the top of the file, then a table of each section."""
    parts = [START]
    for key, field in schema["properties"].items():
        [name] = [ref.rpartition("/")[2] for ref in references(field)] or [None]
        parts.append(f"## {key}\n\n{(schema['$defs'][name] if name else field)['description']}\n")
        if name:
            section = schema["$defs"][name]
            rows = (row(key, field, section.get("required", [])) for key, field in section["properties"].items())
            parts.append("\n".join(["| key | type | default | what it is |", "| --- | --- | --- | --- |", *rows]) + "\n")
    return "\n".join(parts)


def references(field: dict[str, Any]) -> list[str]:
    return [option["$ref"] for option in (field, *field.get("anyOf", ())) if "$ref" in option]


def row(key: str, field: dict[str, Any], required: list[str]) -> str:
    default = "required" if key in required else "none" if field["default"] is None else f"`{json.dumps(field['default'])}`"
    return f"| `{key}` | {kind(field)} | {default} | {field['description']} |"


def kind(field: dict[str, Any]) -> str:
    """The type in words, with its bounds."""
    field = next((option for option in field.get("anyOf", ()) if option["type"] != "null"), field)
    words = {
        "string": "text",
        "number": "number",
        "integer": "whole number",
        "boolean": "true or false",
        "array": "list of texts",
    }
    bounds = {"exclusiveMinimum": "above", "minimum": "from", "exclusiveMaximum": "below"}
    limits = [f"{word} {field[name]:g}" for name, word in bounds.items() if name in field]
    return " ".join([words[field["type"]], " and ".join(limits)]).strip()


if __name__ == "__main__":
    main()
