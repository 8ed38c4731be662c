"""Extracts from a clone of Azure/bicep-types-az what `template/infra/` uses, into tests/azure_types.json:
`python tools/azure_types.py CLONE`, after a new resource type or API version there."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TYPES = ROOT / "tests/azure_types.json"
RESOURCE = re.compile(r"^resource \w+ '(Microsoft\.\S+@\S+)'", re.MULTILINE)


def used() -> set[str]:
    return {name for file in (ROOT / "template/infra").rglob("*.bicep") for name in RESOURCE.findall(file.read_text("utf-8"))}


def git(clone: str, *command: str) -> str:
    return subprocess.run(["git", "-C", clone, *command], check=True, capture_output=True, encoding="utf-8").stdout


def declared(clone: str, names: set[str]) -> Iterator[tuple[str, list[dict]]]:
    """Each name with the types of the file that declares it."""
    folders = {(name.lower().partition("/")[0], name.partition("@")[2]) for name in names}
    for path in git(clone, "ls-tree", "-r", "--name-only", "HEAD", "generated").splitlines():
        parts = path.split("/")
        if parts[-1] == "types.json" and (parts[2], parts[3]) in folders:
            types = json.loads(git(clone, "show", f"HEAD:{path}"))
            for each in types:
                if each["$type"] == "ResourceType" and each["name"] in names:
                    yield each["name"], types


class Extract:
    """Types in the order of their first use, each once, without descriptions."""

    def __init__(self) -> None:
        self.types: list[dict] = []
        self.known: dict[str, int] = {}
        self.copied: dict[tuple[int, int], int] = {}

    def reference(self, types: list[dict], number: int) -> int:
        key = (id(types), number)
        if key not in self.copied:
            self.copied[key] = len(self.types)  # before its parts, as a type may contain itself
            self.types.append({})
            self.types[self.copied[key]] = self.plain(types, types[number])
        return self.copied[key]

    def plain(self, types: list[dict], value: object) -> object:
        if isinstance(value, dict) and "$ref" in value:
            return self.reference(types, int(value["$ref"].rpartition("/")[2]))
        if isinstance(value, dict):
            return {key: self.plain(types, each) for key, each in value.items() if (key, type(each)) != ("description", str)}
        return [self.plain(types, each) for each in value] if isinstance(value, list) else value


def main(clone: str) -> None:
    extract, names = Extract(), used()
    found = {}
    keep = []  # so that ids stay unique
    for name, types in declared(clone, names):
        keep.append(types)
        [resource] = (each for each in types if each["$type"] == "ResourceType" and each["name"] == name)
        found[name] = extract.plain(types, resource["body"])
    if missing := names - found.keys():
        sys.exit(f"not in this clone: {', '.join(sorted(missing))}")
    rows = [f"  {json.dumps(each, separators=(',', ':'))}" for each in extract.types]
    names = json.dumps(dict(sorted(found.items())))
    source = git(clone, "rev-parse", "HEAD").strip()
    text = (
        f'{{"source": "Azure/bicep-types-az@{source}, MIT license, Microsoft Corporation",\n"resources": {names},\n"types": [\n'
    )
    TYPES.write_text(text + ",\n".join(rows) + "\n]}\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
