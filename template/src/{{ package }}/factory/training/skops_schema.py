"""The bytes of model.skops, the same for the same estimator.

All that is relied on of skops without being promised is in this module: the members of the archive and the nodes of its
schema.json, and what it imports, may change with any minor release, hence the upper bound in pyproject.toml.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import isabstract, isclass
from io import BytesIO
from typing import Any
from zipfile import ZipFile, ZipInfo

import sklearn.utils
from sklearn.base import BaseEstimator

SCHEMA = "schema.json"


def to_skops(estimator: Any) -> bytes:
    """What skops writes, with memory addresses, random names, times and the number of threads replaced."""
    with _quick_import():
        import skops.io
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


@contextmanager
def _quick_import() -> Iterator[None]:
    """In a stage's own process, let skops trust the estimators that are loaded: to list all, it would import all of them."""
    original = sklearn.utils.all_estimators
    if "DVC_STAGE" in os.environ:
        sklearn.utils.all_estimators = _loaded_estimators
    try:
        yield
    finally:
        sklearn.utils.all_estimators = original


def _loaded_estimators() -> list[tuple[str, type]]:
    """Name and class of each public estimator of scikit-learn that has been imported."""
    modules = [module for name, module in sys.modules.items() if name.startswith("sklearn.") and "._" not in name]
    classes = {(name, value) for module in modules for name, value in vars(module).items() if isclass(value)}
    return [(n, c) for n, c in classes if issubclass(c, BaseEstimator) and not (n.startswith("_") or isabstract(c))]


def _entry(name: str) -> ZipInfo:
    """A member of the archive, without the time and the system that it was written on."""
    entry = ZipInfo(name)
    entry.create_system = 3
    return entry
