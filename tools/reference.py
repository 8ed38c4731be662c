"""Write the references of params.yaml, policy.yaml, environments.yaml and status.json from the models that validate them.

Each has a schema; what people write has a page as well.

python tools/reference.py (needs pydantic and PyYAML, which come with Copier)
"""

import ast
import json
import re
import runpy
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

TEMPLATE = Path(__file__).parents[1] / "template"
PACKAGE = TEMPLATE / "src/{{ package }}"
sys.path.insert(0, str(PACKAGE))

from factory import config, decision, environments, policy
from factory.status import model as status
from factory.status import parts

OF_CLASSIFICATION = "value", "decision"
CONDITIONS = {  # what the validators of config.py add to the types
    "Data": {
        "if": {"required": ["repeats"], "properties": {"repeats": {"const": True}}},
        "then": {"required": ["id"], "properties": {"id": {"type": "string"}}},
    },
    "Decision": {
        "oneOf": [
            {
                "required": ["top_k"],
                "properties": {"top_k": {"type": "integer"}, "budget": {"type": "null"}, "cost": {"type": "null"}},
            },
            {
                "required": ["budget", "cost"],
                "properties": {"top_k": {"type": "null"}, "budget": {"type": "number"}, "cost": {"type": "number"}},
            },
        ]
    },
    "Params": {
        "allOf": [
            {
                "if": {"anyOf": [{"required": [name], "properties": {name: {"type": "object"}}} for name in OF_CLASSIFICATION]},
                "then": {"properties": {"problem": {"const": "classification"}}},
            },
            {
                "if": {"properties": {"problem": {"const": "forecasting"}}},
                "then": {"required": ["forecast"], "properties": {"forecast": {"type": "object"}}},
                "else": {"properties": {"forecast": {"type": "null"}}},
            },
        ],
    },
}
PARAMS = """\
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
POLICY = """\
# policy.yaml

What the organisation asks of every project: bounds on `params.yaml`, and what a version needs before it counts. The file is the template's.
An organisation sets its keys in `organisation.yaml` of its fork of the template and makes a release, which `uv run factory update` brings to
every project. A project that edits the file itself is reported by `uv run factory check`, as with any file
of the template's, until it accepts the edit: `uv run factory check --accept policy.yaml`. Without the file, the defaults hold.

**The strictest of three decides**: the policy of the working tree, that of main, and that of the champion's commit. Each of them has to hold,
so a branch that loosens its policy gains nothing, and a policy that the organisation has loosened holds from the version after the next.
What breaks a policy is refused with the code `POLICY`, the key, its bound and whose policy it is. `uv run factory check` checks the working
tree, also before each commit.

An editor that knows YAML language servers completes the keys and shows the texts below if this is the file's first line:

```
# yaml-language-server: $schema=src/<package>/factory/policy.schema.json
```
"""

ENVIRONMENTS = """\
# environments.yaml

Where the model runs, as data: `dev`, `test` and `prod`, with what they share under `all`. `factory deploy`, `factory publish`,
`factory monitor` and the pipelines read it, whatever the infrastructure. It is yours, written once. An unknown key, or a value of another
type, stops them with a line that names it.

```
all: {registry: ghcr.io/team/churn}
test: {host: "ssh://deploy@test.example.com", url: "https://test.example.com"}
prod: {host: "ssh://deploy@example.com", url: "https://example.com", captures: ["s3://churn/captures"], approvers: [ann]}
```

- **Names.** Platforms and their pipelines call `test` staging and `prod` production: approvals hang on these names, so they stay.
  `uv run factory deploy test v3` and `uv run factory deploy staging v3` are the same. `trial` is a dry run on this machine.
- **Variables have the last word.** A pipeline or shell that sets `FACTORY_TARGET`, `FACTORY_URL` or `FACTORY_REGISTRY` replaces `host`,
  `url` or `registry`. A project without the file, or with an empty one, works by these variables alone.
- **No secret belongs here.** What looks like one is refused: passwords in addresses, shared access signatures, keys, tokens. `FACTORY_KEY`,
  logins and signing keys stay secrets of the platform or of a key vault. The ids here (`identity`, `subscription`) open nothing by themselves.
- **What `uv run factory doctor` finds**, under `environments`: a secret; a `prod` that nobody approves, that is in the same place as `test`, or
  that takes what never ran in test; a remote that DVC does not know; an address without https; approvers other than those whom the platform
  asks, if it has a token; an environment that runs another version than the champion's, or an overlay with another image than was deployed
  last. With `doctor: [environments]` in policy.yaml its exit code is then 1.
- **Another target**: `uv run factory update --data target=kubernetes` (or `azureml`) brings its files, each with a page beside it, and leaves
  this file alone: set `target` under `all`, and `after: test` for `prod`.

What to do when something goes wrong is in the [runbook](runbook.md).

Editors that know YAML language servers complete the keys and show the texts below, by the first line of the file.
"""


@dataclass(frozen=True)
class Reference:
    """A file: the module with its model, the text at the head of its page, which it may lack, and another module with parts."""

    module: ModuleType
    model: str
    start: str = ""
    parts: ModuleType | None = None

    @property
    def name(self) -> str:
        return self.model.lower()

    @property
    def schema(self) -> Path:
        return Path(self.module.__file__).with_name(f"{self.name}.schema.json")

    @property
    def page(self) -> Path:
        return TEMPLATE / f"docs/{self.name}.md"

    def build(self) -> dict[str, Any]:
        """The JSON schema of the file, each key described by the text below it in the module."""
        schema = getattr(self.module, self.model).model_json_schema()
        sections = {**schema["$defs"], self.model: schema}
        for name, texts in [*descriptions(self.module), *(descriptions(self.parts) if self.parts else ())]:
            section = sections.get(name, {})
            section.pop("title", None)
            for key, field in section.get("properties", {}).items():
                field.pop("title", None)
                if "$ref" in field:
                    field.pop("default", None)  # the section's keys have their own
                if key in texts:
                    field["description"] = texts[key]
            section.update(CONDITIONS.get(name, {}))
            if "description" in section:
                section["description"] = oneline(section["description"])
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": f"{self.name}.{'yaml' if self.start else 'json'}",
            **schema,
        }


REFERENCES = (
    Reference(config, "Params", PARAMS, decision),
    Reference(policy, "Policy", POLICY),
    Reference(environments, "Environments", ENVIRONMENTS),
    Reference(status, "Status", parts=parts),
)


def main() -> None:
    for reference in REFERENCES:
        schema = reference.build()
        reference.schema.write_text(text(schema), "utf-8")
        if reference.start:
            reference.page.write_text(page(schema, reference.start), "utf-8")
    runpy.run_path(str(Path(__file__).with_name("reference_pages.py")))["write"]()


def descriptions(module: ModuleType) -> Iterator[tuple[str, dict[str, str]]]:
    """By class of the module, the text below each field."""
    for node in ast.parse(Path(module.__file__).read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef):
            texts = {}
            for field, text in pairwise(node.body):
                if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
                    texts[field.target.id] = oneline(ast.literal_eval(text.value))
            yield node.name, texts


def oneline(text: str) -> str:
    return " ".join(text.split())


def text(schema: dict[str, Any]) -> str:
    """The schema as a file with a line for each key of the settings."""
    lines = json.dumps(schema, indent=1, ensure_ascii=False)
    return re.sub(r"\n(?: {5,}| {4}(?=[]}]))", " ", lines) + "\n"


def page(schema: dict[str, Any], start: str) -> str:
    """The start, then the keys at the top of the file, with a table of each section where it first is."""
    parts, shown = [start], dict[str, str]()
    for key, field in schema["properties"].items():
        [name] = [ref.rpartition("/")[2] for ref in references(field)] or [None]
        section = schema["$defs"][name] if name else {}
        parts.append(f"## {key}\n\n{field.get('description') or section['description']}{stated_default(field)}\n")
        if name in shown:
            parts[-1] = parts[-1].rstrip() + f" Its keys are those of `{shown[name]}`.\n"
        elif name:
            parts.append(table(section, schema["$defs"]) + "\n")
            shown[name] = key
    return "\n".join(parts)


def stated_default(field: dict[str, Any]) -> str:
    """The default of a key that is no section, where it has one that says something."""
    default = None if references(field) else field.get("default")
    return f" Default: `{plain(default)}`." if default else ""


def plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value).replace('"', "")


def table(section: dict[str, Any], sections: dict[str, Any]) -> str:
    """The section's keys; where each has the same keys in turn, those."""
    nested = {ref for field in section["properties"].values() for ref in references(field)}
    note = ""
    if len(nested) == 1:
        note = f"Limits: {', '.join(f'`{key}`' for key in section['properties'])}. Of each:\n\n"
        section = sections[nested.pop().rpartition("/")[2]]
    rows = (row(key, field, section.get("required", [])) for key, field in section["properties"].items())
    return note + "\n".join(["| key | type | default | what it is |", "| --- | --- | --- | --- |", *rows])


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
        "object": "texts by name",
    }
    bounds = {"exclusiveMinimum": "above", "minimum": "from", "exclusiveMaximum": "below"}
    limits = [f"{word} {field[name]:g}" for name, word in bounds.items() if name in field]
    return " ".join([words[field["type"]], " and ".join(limits)]).strip()


if __name__ == "__main__":
    main()
