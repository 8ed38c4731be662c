"""Files wherever Spark reaches them: Hadoop's FileSystem, for which PySpark has no public name."""

from typing import Any

RENAMES_AT_ONCE = ("abfs", "abfss", "file", "hdfs", "viewfs")
"""Schemes of file systems that rename a folder in one step; object stores copy its files one by one."""


class Place:
    """A file or folder, by its path or URL."""

    def __init__(self, spark: Any, name: str) -> None:
        context = spark.sparkContext
        self._context, self._path = context, context._jvm.org.apache.hadoop.fs.Path(name)
        self._files = self._path.getFileSystem(context._jsc.hadoopConfiguration())
        self.name = name

    @property
    def exists(self) -> bool:
        """Whether there is one."""
        return bool(self._files.exists(self._path))

    @property
    def renames_at_once(self) -> bool:
        """Whether a folder there can be renamed in one step."""
        return self._files.getUri().getScheme() in RENAMES_AT_ONCE

    @property
    def url(self) -> str:
        """The path with scheme and folder."""
        return str(self._files.makeQualified(self._path).toString())

    def beside(self, name: str) -> str:
        """The path of that name in the same folder."""
        return str(self._context._jvm.org.apache.hadoop.fs.Path(self._path.getParent() or self._path, name).toString())

    @property
    def last(self) -> str:
        """The last part of the path."""
        return str(self._path.getName())

    def rename(self, name: str) -> bool:
        """Rename it; whether that was possible."""
        return bool(self._files.rename(self._path, self._context._jvm.org.apache.hadoop.fs.Path(name)))

    def delete(self) -> None:
        """Delete it with all that is in it."""
        self._files.delete(self._path, True)

    def touch(self) -> None:
        """Make an empty file."""
        self._files.create(self._path, True).close()
