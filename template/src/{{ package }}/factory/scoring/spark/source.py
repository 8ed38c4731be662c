"""The rows to score, as Spark reads them: one format, the same columns in every file, text where CSV has nothing else."""

import io
import re
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from ... import tables
from ...errors import FactoryError, listed
from ...tables import csv
from .hadoop_internals import Place
from .task import FILE, readable

FORMATS = {".parquet": "parquet", ".csv": "csv", ".csv.gz": "csv"}
WHOLE = {"ignoreCorruptFiles": "false", "ignoreMissingFiles": "false"}
AS_TEXT = {  # as polars reads it; what is damaged is an error
    "header": "true",
    "inferSchema": "false",
    "enforceSchema": "false",
    "mode": "FAILFAST",
    "escape": '"',
    "unescapedQuoteHandling": "RAISE_ERROR",
}
READERS = 16  # files whose columns are looked at at a time
GLOB = re.compile(r"([\\*?{}\[\]])")


@dataclass(frozen=True)
class File:
    """A file of the source: its URL, and what changes with its content."""

    url: str
    size: int
    modified: str


@dataclass(frozen=True)
class Source:
    """The files of a path or URL, which may be a folder or a glob."""

    spark: Any
    name: str
    files: list[File]

    def parts(self) -> dict[str, Any]:
        """The rows of each file or folder directly in the source, by its name."""
        folder = GLOB.split(self.name)[0].rpartition("/")[0] or "." if GLOB.search(self.name) else self.name
        start = len(Place(self.spark, folder).url) + 1
        found: dict[str, list[str]] = defaultdict(list)
        for file in self.files:
            found[(file.url[start:] or file.url.rpartition("/")[2]).partition("/")[0]].append(_literal(file.url))
        return {part: self._read(paths) for part, paths in sorted(found.items())}

    def rows(self) -> Any:
        """All rows."""
        return self._read([_literal(file.url) for file in self.files])

    def _read(self, paths: list[str]) -> Any:
        from pyspark.sql import functions

        form = _format(self.files)
        options = WHOLE | (AS_TEXT | {"sep": self._delimiter(paths)} if form == "csv" else {})
        rows = self.spark.read.options(**options).format(form).load(paths)
        return rows.select("*", functions.col("_metadata.file_path").alias(FILE))

    def _delimiter(self, paths: list[str]) -> str:
        [header] = self.spark.read.options(**WHOLE).text(paths[:1]).head(1) or [[""]]
        return csv.delimiter(io.BytesIO(header[0].encode()))


def find(spark: Any, name: str) -> Source:
    """The tables there, once it is certain that they are of one format with the same columns. Raises FactoryError."""
    from pyspark.errors import AnalysisException

    try:
        found = spark.read.option("recursiveFileLookup", "true").format("binaryFile").load(name)
        rows = found.select("path", "length", "modificationTime").collect()
    except AnalysisException as error:
        if error.getCondition() != "PATH_NOT_FOUND":
            raise
        raise FactoryError(f"{name}: no such file or folder") from error
    every = (File(url, size, str(modified)) for url, size, modified in rows if tables.suffix(url))
    files = sorted(every, key=lambda file: file.url)
    if not files:
        raise FactoryError(f"{name}: no tables in it")
    if _format(files) == "parquet":
        _check_columns(spark, files)
    return Source(spark, name, files)


def _format(files: list[File]) -> str:
    formats = {FORMATS.get(tables.suffix(file.url), ""): file.url for file in files}
    if "" in formats:
        raise FactoryError(f"{readable(formats[''])}: unsupported file type, use {' or '.join(FORMATS)} with Spark")
    if len(formats) > 1:
        raise FactoryError(
            f"{' and '.join(map(readable, formats.values()))} are of different formats: score them one after the other"
        )
    return next(iter(formats))


def _check_columns(spark: Any, files: list[File]) -> None:
    """Refuse files that differ in columns or types: Spark would fill what is missing with null, and drop what is new."""
    first, *others = files
    with ThreadPoolExecutor(READERS) as pool:
        read = partial(_columns, spark)
        expected, *found = pool.map(read, files) if others else [{}]
    for file, columns in zip(others, found, strict=True):
        different = sorted(dict(expected.items() ^ columns.items()))
        if different:
            raise FactoryError(
                f"{readable(file.url)}: other columns or types than in {readable(first.url)}: {listed(different)}"
            )


def _columns(spark: Any, file: File) -> dict[str, str]:
    fields = spark.read.parquet(_literal(file.url)).schema.fields
    return {field.name: field.dataType.simpleString() for field in fields}


def _literal(url: str) -> str:
    """The URL as a glob that stands for itself."""
    return GLOB.sub(r"\\\1", url)
