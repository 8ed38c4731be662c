"""The types of Azure's resources, as Bicep's own compiler reads them: tests/azure_types.json, an extract by tools/azure_types.py."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

CONTENT = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
TYPES, RESOURCES = CONTENT["types"], CONTENT["resources"]
REQUIRED, READ_ONLY, KNOWN_AT_START = 1, 2, 8
KINDS = {
    "StringType": "string",
    "StringLiteralType": "string",
    "IntegerType": "int",
    "BooleanType": "bool",
    "ObjectType": "object",
    "DiscriminatedObjectType": "object",
    "ArrayType": "array",
}
Type = int


def kinds(type_: Type) -> set[str]:
    """What may stand there; nothing means anything."""
    content = TYPES[type_]
    if content["$type"] == "UnionType":
        return {kind for each in content["elements"] for kind in kinds(each)}
    return {KINDS[content["$type"]]} if content["$type"] in KINDS else set()


def literals(type_: Type) -> set[str]:
    """The strings that may stand there, where Azure names them; also where it says that others may come."""
    content = TYPES[type_]
    if content["$type"] == "UnionType":
        return {text for each in content["elements"] for text in literals(each)}
    return {content["value"]} if content["$type"] == "StringLiteralType" else set()


def properties(type_: Type, tag: str = "") -> dict[str, dict] | None:
    """The properties of an object, with those of the kind that its tag names; None for a map."""
    content = TYPES[type_]
    if content["$type"] == "DiscriminatedObjectType":
        kind = content["elements"].get(tag)
        return {**content["baseProperties"], **((properties(kind) or {}) if kind is not None else {})}
    if content["$type"] != "ObjectType" or (content.get("additionalProperties") is not None and not content.get("properties")):
        return None
    return content.get("properties") or {}


def tag(type_: Type) -> str:
    """The property whose value decides which others there are."""
    return TYPES[type_].get("discriminator", "")


def wrong_text(type_: Type, text: str) -> Iterator[str]:
    """What is wrong with a string there."""
    content = TYPES[type_]
    known = literals(type_)
    if known and text not in known:
        yield f"'{text}' is not one of {', '.join(sorted(known))}"
    if not content.get("minLength", 0) <= len(text) <= content.get("maxLength", len(text)):
        yield f"'{text}' is too short or too long"
    if "pattern" in content and not re.search(content["pattern"], text):
        yield f"'{text}' does not match {content['pattern']}"


def wrong_number(type_: Type, number: int) -> Iterator[str]:
    """What is wrong with a number there."""
    content = TYPES[type_]
    if not content.get("minValue", number) <= number <= content.get("maxValue", number):
        yield f"{number} is too small or too large"
