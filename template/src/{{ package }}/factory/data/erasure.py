"""One person's rows, taken out of the training data: each delivery that has some is replaced by one without them.

The new one has the name, the time and the source of the old one, whose record moves to data/erased.csv: what names a delivery,
and the order of all, stay. No id is written to what Git keeps.
"""

import json
import re
import shutil
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import yaml

from .. import manifest, tables
from ..config import Params
from ..errors import ContractViolation, FactoryError
from ..paths import DVC_TMP, PREPARED
from ..tables.chunks import column
from ..workspace import git
from ..workspace.process import dvc, run
from . import ingest, integrity, ledger, prepare
from .ledger import Entry

STAGING, STAGED = DVC_TMP / "erase.tmp", DVC_TMP / "erase"  # the latter is complete, and stays until all is done
PLAN = "plan.json"
HASH = 64  # characters of a sha256


@dataclass(frozen=True)
class Replacement:
    """A delivery and the one in its place, None if no row would remain."""

    old: Entry
    new: Entry | None

    @property
    def rows(self) -> int:
        """How many rows are taken out."""
        return int(self.old.rows) - int(self.new.rows if self.new else 0)


@dataclass(frozen=True)
class Plan:
    """What is to be done; `objects` are files with the rows in DVC's cache, `unseen` folders that are not in it here.

    Their paths are the same in DVC's storages.
    """

    replacements: list[Replacement]
    objects: list[str]
    unseen: list[str]


def id_column(params: Params, id: str | None) -> str:
    """The column of the ids; none where rows are not sought by one. Raises FactoryError."""
    if id and not params.data.id:
        raise FactoryError("params.yaml: data.id names no column: erase captured rows by --request")
    return params.data.id or ""


def check_why(why: str, plan: Plan, ids: Collection[str]) -> None:
    """Refuse a reason that is missing, or has an id in it. Raises FactoryError."""
    if plan.replacements and not why.strip():
        raise FactoryError('WHY_MISSING: the record keeps the reason why its delivery was erased: add -m "why"')
    if any(re.search(rf"(?<!\w){re.escape(id)}(?!\w)", why) for id in ids):
        raise FactoryError(
            "-m: has the id in it, which Git would keep: name the request for the erasure in another way"
        )


def belongs_to(column: pl.Series, ids: Collection[str]) -> pl.Series:
    """Which values are one of the ids, or its sha256, or the other way round."""
    texts = column.cast(pl.String)
    found = texts.is_in([*ids, *(manifest.sha256(id.encode()) for id in ids)])
    if any(len(id) == HASH for id in ids):
        hashes = texts.map_elements(lambda text: manifest.sha256(text.encode()), pl.String)
        found = found | hashes.is_in(list(ids))
    return found.fill_null(False)


@contextmanager
def staged(ids: Collection[str], params: Params) -> Iterator[Plan]:
    """The deliveries without the rows of these ids, beside the others, until the block ends; they can replace them.

    Raises FactoryError.
    """
    if STAGED.exists():
        raise FactoryError("an erasure was interrupted, and comes first: the same with --yes completes it")
    integrity.check(contents=False)
    _discard()
    STAGING.mkdir(parents=True)
    try:
        found = [each for entry in ledger.entries() if (each := _replacement(entry, ids, params))] if ids else []
        yield Plan(found, *(_stored([each.old for each in found], ids, f"{params.data.id}") if ids else ([], [])))
    finally:
        _discard()


def commit(plan: Plan, why: str) -> None:
    """Replace the deliveries by what is staged; if that is interrupted, `finish` does the rest."""
    manifest.dump({**asdict(plan), "why": why}, STAGING / PLAN)
    STAGING.replace(STAGED)
    finish()


def finish() -> Plan | None:
    """Do what was staged, or the rest of it; what that was, if there was any. Raises FactoryError."""
    if not STAGED.exists():
        return None
    plan, why = _read_plan()
    recorded = {erasure.entry for erasure in ledger.erasures()}
    _check_branch(plan, recorded)
    ledger.erase([each.old for each in plan.replacements if each.old not in recorded], git.author(), why)
    for each in plan.replacements:
        if each.new:
            ingest.copy(STAGED / each.new.file, each.new.path)
        else:
            each.old.path.unlink(missing_ok=True)
            each.old.pointer.unlink(missing_ok=True)
    for part in PREPARED.glob("*.parquet") if plan.replacements else []:
        part.unlink()
    kept = [each.new for each in plan.replacements if each.new]
    if kept:
        run(sys.executable, "-m", "dvc", "add", "--no-relink", *(str(entry.path) for entry in kept))
    for entry in kept:
        ledger.record(entry)
    cache = _cache()
    for path in plan.objects:
        (cache / path).unlink(missing_ok=True)
    _discard()
    STAGED.replace(STAGING)  # what deletes it may be interrupted
    _discard()
    return plan


def _check_branch(plan: Plan, recorded: Collection[Entry]) -> None:
    """Refuse to finish what was begun where there were other deliveries. Raises FactoryError."""
    current = {entry.received: entry for entry in ledger.entries()}
    for each in plan.replacements:
        entry = current.get(each.old.received)
        if not (entry in (each.old, each.new) if entry else each.old in recorded):
            raise FactoryError(
                f"an erasure of {each.old.file} was interrupted on another branch: complete it there, or delete {STAGED}/"
            )


def _discard() -> None:
    try:
        if STAGING.exists():
            shutil.rmtree(STAGING)
    except OSError as error:
        raise FactoryError(f"{STAGING}: delete it, which fails here: {error.strerror}") from error


def _read_plan() -> tuple[Plan, str]:
    content: Any = json.loads((STAGED / PLAN).read_text(encoding="utf-8"))
    pairs = [(Entry(**each["old"]), each["new"] and Entry(**each["new"])) for each in content["replacements"]]
    return Plan([Replacement(*pair) for pair in pairs], content["objects"], content["unseen"]), content["why"]


def _replacement(entry: Entry, ids: Collection[str], params: Params) -> Replacement | None:
    """The delivery and one without the rows, which is staged, if it has some. Raises FactoryError."""
    with TemporaryDirectory(dir=STAGING) as folder:
        rows = prepare.load(entry, params, Path(folder, "rows"))
        unwanted = belongs_to(column(rows, f"{params.data.id}"), ids)
    left = int((~unwanted).sum())
    if left == len(unwanted):
        return None
    if ledger.place(entry) == ledger.LEDGER:
        raise FactoryError(f"{entry.file} is in {ledger.LEDGER}: `uv run factory setup` first")
    return Replacement(entry, _without(entry, unwanted, ids, params) if left else None)


def _without(entry: Entry, unwanted: pl.Series, ids: Collection[str], params: Params) -> Entry:
    """The record of the delivery without these rows, which is staged. Raises FactoryError."""
    staged = STAGING / entry.file
    try:
        tables.copy_without(entry.path, unwanted, staged)
        with TemporaryDirectory(dir=STAGING) as folder:
            rows = prepare.load_validated(staged, params, Path(folder, "rows"))
            left = column(rows, f"{params.data.id}")
            if len(left) != int((~unwanted).sum()) or belongs_to(left, ids).any():
                raise FactoryError(f"{entry.path}: its rows cannot be taken out one by one")
    except ContractViolation as error:
        reason = str(error).removeprefix(f"{staged}: ")
        raise ContractViolation(f"{entry.path} without these rows: {reason}: change contract.py first") from error
    except FactoryError as error:
        erase = f"uv run factory ledger --erase {entry.file}"
        raise FactoryError(f"{error}: `{erase}`, and ingest a table without them") from error
    return replace(entry, rows=str(len(left)), sha256=manifest.file_sha256(staged))


def _stored(entries: list[Entry], ids: Collection[str], name: str) -> tuple[list[str], list[str]]:
    """Where DVC's cache keeps these deliveries, earlier ones in their place, and prepared rows of the ids; what is not in it."""
    cache, objects, unseen = _cache(), set[str](), set[str]()
    current = {entry.received for entry in ledger.entries()}
    erased = [*entries, *(each.entry for each in ledger.erasures() if each.received in current)]
    for entry in erased:
        for pointer in _contents(str(entry.pointer)):
            if (pointer.get("meta") or {}).get("sha256") == entry.sha256:
                objects |= {_path(out["md5"]) for out in pointer.get("outs", []) if "md5" in out}
    for folder in {md5 for lock in _contents("dvc.lock") for md5 in _prepared(lock)}:
        try:
            files = json.loads((cache / _path(folder)).read_bytes())
            parts = [_path(file["md5"]) for file in files if file["relpath"].endswith(".parquet")]
        except FileNotFoundError:
            unseen.add(_path(folder))
        else:
            objects |= {path for path in parts if _holds(cache / path, ids, name)}
    return sorted(objects), sorted(unseen)


def _cache() -> Path:
    return Path(dvc("cache", "dir"))


def _contents(path: str) -> Iterator[dict[str, Any]]:
    """The content of the YAML file here, and in each commit that changed it."""
    commits = run("git", "log", "--all", "--full-history", "--format=%H", "--", f":(literal){path}").splitlines()
    texts = [git.show(commit, path) or "" for commit in commits]
    texts += [Path(path).read_text(encoding="utf-8")] if Path(path).exists() else []
    for text in filter(None, dict.fromkeys(texts)):
        with suppress(yaml.YAMLError):  # of a commit with a conflict in it
            content = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
            if isinstance(content, dict):
                yield content


def _prepared(lock: dict[str, Any]) -> list[str]:
    outs = lock.get("stages", {}).get("prepare", {}).get("outs", [])
    return [out["md5"] for out in outs if out.get("path") == str(PREPARED) and "md5" in out]


def _holds(path: Path, ids: Collection[str], name: str) -> bool:
    """Whether the file is there, and has rows of the ids."""
    if not path.exists():
        return False
    with path.open("rb") as file:
        rows = pl.scan_parquet(file)
        return name in rows.collect_schema() and bool(belongs_to(column(rows, name), ids).any())


def _path(md5: str) -> str:
    """Where it is in a cache or storage."""
    return f"files/md5/{md5[:2]}/{md5[2:]}"
