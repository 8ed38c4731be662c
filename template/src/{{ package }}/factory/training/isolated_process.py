"""A process in which features are computed of what they are given alone: files, network and programs are out of reach.

python -m PACKAGE.factory.training.isolated_process FOLDER DAYS PROJECT, whose clock is ahead by so many days
"""

import datetime as clock
import json
import os
import site
import sys
import sysconfig
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import Any

import polars as pl

from ..errors import FactoryError
from ..forecasting.settings import Settings

SETTINGS, ORIGINS, ERROR = "settings.json", "origins.parquet", "error"
SYSTEM = ("/dev", "/etc", "/proc", "/sys", "/usr", "/System", "/Library")
"""Where libraries look for what they need, such as time zones."""
UNREACHABLE = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "sqlite3.connect")
"""Events of Python (PEP 578) by which data could come from elsewhere."""


class OutOfReach(FileNotFoundError):
    """What a model in service has not, either."""


def compute(observations: pl.DataFrame, settings: Settings, origin: Any) -> pl.DataFrame:
    """The rows of the horizon after the origin, and behind them their features."""
    from ..forecasting import examples
    from ..scoring.feature_table import features

    rows = examples.at(observations, settings, origin)
    table: pl.DataFrame = features(rows)
    return rows.hstack(table.rename(lambda name: f"{name} of features()"))


def main() -> None:
    """Compute the tables in the folder, in their order, or write why that fails."""
    folder, days = Path(sys.argv[1]), int(sys.argv[2])
    settings = Settings(**json.loads((folder / SETTINGS).read_text(encoding="utf-8")))
    origins = pl.read_parquet(folder / ORIGINS).to_series().to_list()
    parts = [pl.read_parquet(folder / f"{number}.parquet") for number in range(len(origins))]
    import dataframely  # noqa: F401  # whose libraries are loaded before nothing can be

    with (folder / ERROR).open("w", encoding="utf-8") as error:
        shift_clock(timedelta(days=days))
        isolate(Path.cwd(), Path(sys.argv[3]))
        try:
            for number, (part, origin) in enumerate(zip(parts, origins, strict=True)):
                compute(part, settings, origin).write_parquet(folder / f"{number}.{days}.parquet")
        except Exception as problem:  # noqa: BLE001  # of the user's code, of any kind
            known = isinstance(problem, (OutOfReach, FactoryError))
            error.write(f"{problem}" if known else f"{type(problem).__name__}: {problem}")


def isolate(copy: Path, project: Path) -> None:
    """From now on, files are read only from the copy of the project and where packages are installed."""
    packages = (sys.base_prefix, *site.getsitepackages(), sysconfig.get_path("stdlib"), *sys.path, *SYSTEM)
    inside, outside = _places(copy, sys.prefix), _places(project)
    allowed = _places(*filter(None, packages))

    def check(source: Any) -> None:
        for each in source if isinstance(source, (list, tuple)) else [source]:
            if isinstance(each, (str, bytes, os.PathLike)):
                path = os.path.realpath(os.fsdecode(each))
                if not _is_in(path, inside) and (_is_in(path, outside) or not _is_in(path, allowed)):
                    raise OutOfReach(f"it reads {os.fsdecode(each)}")

    def watch(event: str, args: tuple[Any, ...]) -> None:
        if event in ("open", "os.listdir", "os.scandir"):
            check(args[0])
        elif event.startswith(UNREACHABLE):
            raise OutOfReach(f"it needs {event.replace('.', ' ')}")

    for name in dir(pl):
        if name.startswith(("read_", "scan_")):  # which Python does not see
            setattr(pl, name, _checked(getattr(pl, name), check))
    sys.addaudithook(watch)


def _places(*paths: Any) -> tuple[str, ...]:
    found = {place for path in paths for place in (Path(path).absolute(), Path(path).resolve())}
    return tuple(f"{place}/" for place in found)


def _is_in(path: str, places: tuple[str, ...]) -> bool:
    return f"{path}/".startswith(places)


def _checked(function: Callable[..., Any], check: Callable[[Any], None]) -> Callable[..., Any]:
    @wraps(function)
    def read(*args: Any, **named: Any) -> Any:
        for source in (*args[:1], *named.values()):
            check(source)
        return function(*args, **named)

    return read


class _Like(type):
    """A class whose instances are those of the class that it stands in for."""

    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, cls.__mro__[1])


class _Datetime(datetime, metaclass=_Like):
    """Today is later."""

    ahead = timedelta()

    def __new__(cls, *parts: Any, **named: Any) -> Any:
        return datetime(*parts, **named)

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return datetime.now(tz) + cls.ahead

    @classmethod
    def utcnow(cls) -> Any:
        return cls.now(UTC).replace(tzinfo=None)

    @classmethod
    def today(cls) -> Any:
        return cls.now()


class _Date(date, metaclass=_Like):
    """Today is later."""

    def __new__(cls, *parts: Any, **named: Any) -> Any:
        return date(*parts, **named)

    @classmethod
    def today(cls) -> Any:
        return _Datetime.now().date()


def shift_clock(by: timedelta) -> None:
    """Have modules that are imported from now on see a later date."""
    pl.DataFrame({"moment": [datetime.min], "day": [date.min]})  # polars looks the classes up when it first meets them
    seconds, nanoseconds = time.time, time.time_ns
    _Datetime.ahead = by
    clock.datetime, clock.date = _Datetime, _Date  # type: ignore[misc]
    time.time = lambda: seconds() + by.total_seconds()
    time.time_ns = lambda: nanoseconds() + int(by.total_seconds()) * 10**9


if __name__ == "__main__":
    main()
