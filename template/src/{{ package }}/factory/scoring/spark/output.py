"""A folder that appears complete: written beside its place and renamed, or on an object store ended by Spark's own marker."""

import uuid
from itertools import permutations
from typing import Any
from urllib.parse import quote

from ... import interruption
from ...errors import FactoryError
from .hadoop_internals import Place

DONE = "_SUCCESS"
"""The empty file that Spark writes when a folder is complete."""
PART = "_input"
COMMITTED = {"mapreduce.fileoutputcommitter.marksuccessfuljobs": "true"}


class Output:
    """A folder of Parquet files that does not exist yet.

    One with an `identity` is written part by part, each a folder `_input=NAME`; it stays where it is when
    the run is interrupted, and a run of the same identity finds the parts that are complete.
    """

    def __init__(self, spark: Any, name: str, identity: str | None = None) -> None:
        self._spark, self._place = spark, Place(spark, name)
        aside = self._place.beside(f".{self._place.last}.{identity or uuid.uuid4().hex[:12]}.tmp")
        self._renamed = self._place.renames_at_once
        self.staging = aside if self._renamed else name
        self._begun = Place(spark, f"{self.staging}/_begun-{identity}") if identity else None
        self.check_is_new()

    def write(self, rows: Any, part: str = "") -> None:
        """Write the rows, of that part of the input, unless they are there."""
        if self._begun:
            self._begun.touch()
        folder = f"{self.staging}/{PART}={quote(part, safe='')}" if part else self.staging
        if not (part and Place(self._spark, f"{folder}/{DONE}").exists):
            rows.write.options(**COMMITTED).mode("overwrite").parquet(folder)

    def read(self) -> Any:
        """The rows that are there."""
        return self._spark.read.option("recursiveFileLookup", "true").parquet(self.staging)

    def publish(self) -> None:
        """Give it its name. Raises FactoryError."""
        Place(self._spark, f"{self.staging}/{DONE}").touch()
        if self._begun:
            self._begun.delete()
        if self._renamed:
            self.check_is_new()  # or it would be moved into a folder that has come meanwhile
            if not Place(self._spark, self.staging).rename(self._place.name):
                raise FactoryError(f"{self._place.name}: {self.staging} could not be renamed")

    def withdraw(self) -> None:
        """Take the name back."""
        if self._renamed:
            Place(self._spark, self._place.name).rename(self.staging)
        Place(self._spark, f"{self.staging}/{DONE}").delete()
        if self._begun:
            self._begun.touch()

    def discard(self) -> None:
        """Delete what was written, unless a later run may go on with it."""
        if not self._begun:
            Place(self._spark, self.staging).delete()

    def check_is_new(self) -> None:
        """Refuse what exists. Raises FactoryError."""
        begun = not self._renamed and self._begun and self._begun.exists
        if self._place.exists and not begun:
            raise FactoryError(f"{self._place.name} exists already: name a new folder for it")


def check_apart(spark: Any, *names: str) -> None:
    """Refuse a folder within another one. Raises FactoryError."""
    for one, other in permutations(names, 2):
        if f"{Place(spark, one).url}/".startswith(f"{Place(spark, other).url}/"):
            raise FactoryError(f"{one}: is {other}, or in it: name another folder")


def publish(outputs: list[Output]) -> None:
    """Give all of them their names, or none. Raises FactoryError."""
    published: list[Output] = []
    try:
        for output in outputs:
            output.publish()
            published.append(output)
        interruption.complete()
    except BaseException:
        interruption.ignore()
        for output in published:
            output.withdraw()
        raise
