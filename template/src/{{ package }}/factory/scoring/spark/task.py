"""What a task of Spark does on a worker: compare the worker with the driver, load the model, score or reject its rows.

Its functions reach a worker by their names, so that it needs the project's wheel, and import polars only once it may take a single
thread: Spark starts a task for each core.
"""

import json
import os
import platform
import re
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from ... import PACKAGE
from ...errors import CannotEvaluate, ContractViolation, FactoryError, listed
from ...manifest import file_sha256

if TYPE_CHECKING:
    import polars as pl

    from ..scorer import Scorer

FILE = "_file"
"""The column that names the file of a row."""
LIBRARIES = ("dataframely", "numpy", "onnxruntime", "polars", "scikit-learn", "skops")
REFUSED = "refused by the task: "
"""What a message of Spark has before the code and text of a FactoryError, as JSON."""
ROOT = Path(__file__).parents[3]

Batches = Iterator[Any]  # of pyarrow's RecordBatch


@dataclass(frozen=True)
class Task:
    """What the driver hands over: the files of a verified model, and what the driver itself runs.

    The model travels with the task, so that no worker can have another one, or none.
    """

    model: dict[str, bytes]
    versions: dict[str, str]
    code: dict[str, str]
    reject: bool

    def scores(self, batches: Batches) -> Batches:
        """The scores of the rows; with `reject`, of those that satisfy the contract."""
        return self._answered(batches, lambda scorer, rows, file: scorer.score(self._valid(scorer, rows)))

    def rejected(self, batches: Batches) -> Batches:
        """The rows that violate the contract, as they were read, with the reasons and the file."""
        return self._answered(batches, _rejected)

    def _answered(self, batches: Batches, answer: "Callable[[Scorer, pl.DataFrame, str], pl.DataFrame]") -> Batches:
        os.environ["POLARS_MAX_THREADS"] = "1"
        try:
            self._check_versions()
            scorer = self._load()
            self._check_code()
            for batch in batches:
                for file, rows in _by_file(batch):
                    with _naming(file):
                        answered = answer(scorer, rows, file)
                    yield from _to_arrow(answered)
        except FactoryError as error:
            raise RuntimeError(REFUSED + json.dumps([getattr(error, "code", ""), str(error)])) from None

    def _load(self) -> "Scorer":
        from ..scorer import Scorer

        with tempfile.TemporaryDirectory() as folder:
            for name, content in self.model.items():
                Path(folder, name).write_bytes(content)
            return Scorer.load(folder)

    def _valid(self, scorer: "Scorer", rows: "pl.DataFrame") -> "pl.DataFrame":
        if not self.reject:
            return rows
        from ..rejected import divide

        return divide(rows, scorer.manifest["target"]).valid

    def _check_versions(self) -> None:
        here = versions()
        _refuse(
            [
                f"{name} {here.get(name)}, not {wanted}"
                for name, wanted in self.versions.items()
                if here.get(name) != wanted
            ]
        )

    def _check_code(self) -> None:
        here = {path: file_sha256(ROOT / path) for path in _imported()}
        _refuse([f"another {path}" for path in sorted(here) if self.code.get(path) != here[path]])


def versions() -> dict[str, str]:
    """The versions on which scores depend."""
    found = {name: _version(name) for name in LIBRARIES}
    return {"Python": ".".join(platform.python_version_tuple()[:2]), **found}


def code() -> dict[str, str]:
    """The sha256 of each module of the package."""
    return {path.relative_to(ROOT).as_posix(): file_sha256(path) for path in ROOT.rglob("*.py")}


def readable(url: str) -> str:
    """The URL of a file without what Spark adds: a path, if it is on this machine."""
    return re.sub("^file:/+", "/", unquote(url))


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _imported() -> set[str]:
    """The modules of the package that this process has imported, as paths in it."""
    files = [
        Path(str(module.__file__))
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] == PACKAGE and getattr(module, "__file__", None)
    ]
    return {file.relative_to(ROOT).as_posix() for file in files if file.is_relative_to(ROOT)}


def _refuse(differences: list[str]) -> None:
    if differences:
        raise CannotEvaluate(
            "PARITY",
            f"the worker on {socket.gethostname()} has {listed(differences)}: install there what the driver has, see docs/engines.md",
        )


def _by_file(batch: Any) -> "Iterator[tuple[str, pl.DataFrame]]":
    import polars as pl

    from ... import tables

    rows = pl.DataFrame(batch)
    for part in rows.partition_by(FILE, maintain_order=True):
        file, values = readable(part.item(0, FILE)), part.drop(FILE)
        if tables.suffix(file).startswith(".csv") and _has_replaced(values):
            raise FactoryError(f"{file}: not UTF-8: convert it first")
        yield file, _with_zones(values)


def _has_replaced(text: "pl.DataFrame") -> bool:
    """Whether Spark has met bytes that are not UTF-8, for which it puts a character of its own."""
    return any(column.str.contains("\ufffd", literal=True).any() for column in text)


def _with_zones(rows: "pl.DataFrame") -> "pl.DataFrame":
    """The rows with the contract's time zones, where Spark knows the moment alone."""
    import polars as pl

    from .... import contract

    wanted = {name: getattr(column.dtype, "time_zone", None) for name, column in contract.Row.columns().items()}
    zones = {name: getattr(dtype, "time_zone", None) and wanted.get(name) for name, dtype in rows.schema.items()}
    return rows.with_columns(pl.col(name).dt.convert_time_zone(zone) for name, zone in zones.items() if zone)


@contextmanager
def _naming(file: str) -> Iterator[None]:
    """Put the name of the file into a violation; a batch does not know the number of a row."""
    try:
        yield
    except ContractViolation as error:
        violations = [replace(violation, row=None) for violation in error.violations]
        raise ContractViolation(f"{file}: {ContractViolation(violations) if violations else error}") from error


def _rejected(scorer: "Scorer", rows: "pl.DataFrame", file: str) -> "pl.DataFrame":
    import polars as pl

    from ..rejected import divide

    return divide(rows, scorer.manifest["target"]).rejected.with_columns(pl.lit(file).alias(FILE))


def _to_arrow(table: "pl.DataFrame") -> Batches:
    import polars as pl

    return iter(storable(table).to_arrow(compat_level=pl.CompatLevel.oldest()).to_batches())


def storable(table: "pl.DataFrame") -> "pl.DataFrame":
    """The table in types that Spark has: categories are text, integers are signed, and times are in microseconds."""
    import polars as pl
    from polars import selectors as of

    signed: dict[Any, Any] = {
        pl.UInt8: pl.Int16,
        pl.UInt16: pl.Int32,
        pl.UInt32: pl.Int64,
        pl.UInt64: pl.Decimal(20, 0),
    }
    return table.with_columns(
        of.enum().cast(pl.String),
        of.categorical().cast(pl.String),
        of.datetime().dt.cast_time_unit("us"),
        *(of.by_dtype(kind).cast(to) for kind, to in signed.items()),
    )
