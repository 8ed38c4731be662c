"""The bytes of model.skops, the same for the same estimator.

All that is relied on of skops' file format without being promised is in this module: the members of the archive and
the nodes of its schema.json may change with any minor release, hence the upper bound in pyproject.toml.
"""

import json
from io import BytesIO
from typing import Any
from zipfile import ZipFile, ZipInfo

import skops.io

SCHEMA = "schema.json"


def to_skops(estimator: Any) -> bytes:
    """What skops writes, with memory addresses, random names, times and the number of threads replaced."""
    source, target = ZipFile(BytesIO(skops.io.dumps(estimator))), BytesIO()
    arrays = [name for name in source.namelist() if name != SCHEMA]
    names = {name: f"{i}.{name.rpartition('.')[2]}" for i, name in enumerate(arrays)}
    ids: dict[int, int] = {}

    def normalized(node: dict[str, Any]) -> dict[str, Any]:
        if node.get("__loader__") == "JsonNode":
            node.pop("__id__", None)
        elif isinstance(node.get("__id__"), int):
            node["__id__"] = ids.setdefault(node["__id__"], len(ids) + 1)
        if {"n_threads", "missing_values_bin_idx_"} <= node.keys():  # of scikit-learn's bin mapper
            node["n_threads"]["content"] = "1"
        if isinstance(node.get("file"), str):
            node["file"] = names.get(node["file"], node["file"])
        return node

    schema = json.loads(source.read(SCHEMA), object_hook=normalized)
    with ZipFile(target, "w") as file:
        for name in arrays:
            file.writestr(_entry(names[name]), source.read(name))
        file.writestr(_entry(SCHEMA), json.dumps(schema, indent=1))
    return target.getvalue()


def _entry(name: str) -> ZipInfo:
    """A member of the archive, without the time and the system that it was written on."""
    entry = ZipInfo(name)
    entry.create_system = 3
    return entry
