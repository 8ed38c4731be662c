"""The session of Spark, and its failures in one line."""

import json
import os
import re
import shutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ... import PACKAGE
from ...errors import FactoryError, Refused
from .task import REFUSED, readable

SETTINGS = {"spark.sql.session.timeZone": "UTC", "spark.sql.caseSensitive": "true"}
"""By which Spark leaves times and names as they are."""
SUBMITTED = "PYSPARK_GATEWAY_PORT"
"""What spark-submit sets; the platform then decides about logs."""

INSTALL = "`uv add --optional spark 'pyspark[sql]>=4,<5'`"
REASONS = re.compile(r"^(?:: |Caused by: )[\w.$]+(?:Exception|Error): (.+)$", re.MULTILINE)


def start() -> Any:
    """A session of the platform's Spark, or of one on this machine, with settings of its own. Raises FactoryError."""
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")  # which is not used
    try:
        from pyspark.sql import SparkSession
    except ModuleNotFoundError as error:
        raise FactoryError(
            f"pyspark is not installed: run {INSTALL}, and this command by `uv run --extra spark`"
        ) from error
    if SparkSession.getActiveSession() is None and SUBMITTED not in os.environ:
        _check_java()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # python3 may be another one
    builder = SparkSession.builder.appName(PACKAGE)
    if SUBMITTED not in os.environ:
        builder = builder.config("spark.log.level", "OFF")  # what goes wrong is one line
    with in_one_line():
        session = builder.getOrCreate().newSession()
        for name, value in SETTINGS.items():
            session.conf.set(name, value)
    return session


@contextmanager
def in_one_line() -> Iterator[None]:
    """Turn Spark's errors into FactoryError, and what a task refused into what it was there."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError) as error:
        raise explained(str(error)) from error


def explained(text: str) -> FactoryError:
    """The error, from Spark's message with the tracebacks of Python and Java."""
    if REFUSED in text:
        [code, message], _ = json.JSONDecoder().raw_decode(text.partition(REFUSED)[2])
        return Refused(code, message.removeprefix(f"{code}: ")) if code else FactoryError(message)
    if "PYTHON_VERSION_MISMATCH" in text:
        return _parity(text, "[PYTHON_VERSION_MISMATCH] ")
    if "ModuleNotFoundError: " in text:
        return _parity(text, "ModuleNotFoundError: ")
    if "ExecutorLostFailure" in text:
        reason = text.partition("Reason: ")[2].partition("\n")[0]
        return Refused("EXECUTOR_LOST", f"executors were lost again and again, for lack of memory perhaps: {reason}")
    reasons = REASONS.findall(text) or [text.strip().partition("\n")[0]]
    if unread := re.search(r"while reading file (.+?)\. ", text):
        return Refused("UNREADABLE", f"{readable(unread[1])}: {reasons[-1]}")
    return FactoryError(f"Spark: {': '.join(dict.fromkeys((reasons[0], reasons[-1])))}")


def _parity(text: str, before: str) -> Refused:
    reason = text.partition(before)[2].partition("\n")[0]
    return Refused(
        "PARITY", f"a worker cannot run this: {reason}: install there what the driver has, see docs/engines.md"
    )


def _check_java() -> None:
    home = os.environ.get("JAVA_HOME")
    if not (Path(home, "bin/java").is_file() if home else shutil.which("java")):
        where = f"in JAVA_HOME, {home}" if home else "on this machine"
        raise FactoryError(f"Spark needs Java, and there is none {where}: install a JRE of version 17 or newer")
