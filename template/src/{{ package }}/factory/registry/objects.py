"""What DVC keeps for a commit: the object of each delivery, output and model, and whether the cache here has it."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from ..data import ledger
from ..paths import PREPARED, RAW
from ..workspace import git
from ..workspace.process import dvc, run

FOLDER = ".dir"


class Cache:
    """DVC's cache here. What is damaged in it is deleted, so that the next fetch brings it again."""

    def __init__(self) -> None:
        self.folder = Path(dvc("cache", "dir"), "files/md5")
        self.checked = dict[str, bool]()

    def lacking(self, commit: str) -> Iterator[str]:
        """Files of the commit whose object is not here, or is not what it is called, but for what was erased since."""
        erased = _erased(commit)
        for path, md5 in kept(commit).items():
            if path not in erased:
                yield from (name for name in self._lacking(path, md5) if not (erased and _is_prepared(name)))

    def beyond(self, listed: Iterable[str]) -> list[str]:
        """The objects here that are not among these, by their paths below a storage's files/md5."""
        there = set(listed)
        return [place for md5 in self.checked if (place := f"{md5[:2]}/{md5[2:]}") not in there and self._has(md5)]

    def _lacking(self, path: str, md5: str) -> Iterator[str]:
        if not self._has(md5):
            yield path
        elif md5.endswith(FOLDER):
            for entry in json.loads(self._place(md5).read_bytes()):
                if not self._has(entry["md5"]):
                    yield f"{path}/{entry['relpath']}"

    def _has(self, md5: str) -> bool:
        if not self.checked.get(md5):
            place = self._place(md5)
            self.checked[md5] = place.is_file() and _md5(place) == md5.removesuffix(FOLDER)
            if not self.checked[md5]:
                place.unlink(missing_ok=True)
        return self.checked[md5]

    def _place(self, md5: str) -> Path:
        return self.folder / md5[:2] / md5[2:]


@cache
def kept(commit: str) -> dict[str, str]:
    """By path, the MD5 of each file and folder that DVC keeps for the commit."""
    names = run("git", "ls-tree", "-r", "-z", "--name-only", commit).split("\0")
    pointers = [PurePosixPath(name) for name in names if name.endswith(".dvc")]
    outs = [(pointer.parent / out["path"], out) for pointer in pointers for out in _outs(commit, f"{pointer}")]
    stages = (_read(commit, "dvc.lock").get("stages") or {}).values()
    outs += [(PurePosixPath(out["path"]), out) for stage in stages for out in stage.get("outs", ())]
    tracked = {place for name in names for place in (name, *map(str, PurePosixPath(name).parents))}
    return {f"{path}": out["md5"] for path, out in outs if "md5" in out and f"{path}" not in tracked}


def _erased(commit: str) -> list[str]:
    """The deliveries of the commit that were erased since: their objects may be gone."""
    erased = {erasure.sha256 for erasure in ledger.erasures()}
    pointers = [f"{path}.dvc" for path in kept(commit) if PurePosixPath(path).is_relative_to(RAW)] if erased else []
    return [
        name.removesuffix(".dvc")
        for name in pointers
        if (_read(commit, name).get("meta") or {}).get("sha256") in erased
    ]


def _is_prepared(path: str) -> bool:
    return PurePosixPath(path).is_relative_to(PREPARED)


def _outs(commit: str, pointer: str) -> list[dict[str, Any]]:
    return list(_read(commit, pointer).get("outs") or [])


def _read(commit: str, path: str) -> dict[str, Any]:
    """The YAML of the file in the commit; empty where it has none."""
    return dict(yaml.load(git.show(commit, path) or "", getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {})


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
