"""JSON lines: whether each line is one flat object without duplicate names."""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from ..errors import FactoryError
from .csv import HEAD, check_is_text


def check(file: BinaryIO, name: object) -> None:
    """Refuse a file that is damaged, or has lines other than flat objects. Raises FactoryError with its name."""
    file.seek(0)
    check_is_text(file.read(HEAD), name)
    file.seek(0)
    records = 0
    for number, line in enumerate(file, 1):
        if line.strip():
            records += 1
            try:
                record = json.loads(line, object_pairs_hook=_record, parse_constant=_refuse_constant)
            except _InvalidRecord as error:
                raise FactoryError(f"{name}: line {number}: {error}") from error
            except (ValueError, RecursionError) as error:
                raise FactoryError(f"{name}: line {number} is not JSON: each line must be one object") from error
            if not isinstance(record, dict):
                raise FactoryError(f"{name}: line {number} is not an object: each line must be one, {{…}}")
    if not records:
        raise FactoryError(f"{name}: no rows")


def records(file: BinaryIO) -> Iterator[bytes]:
    """Each row of a file without damage, as it is."""
    file.seek(0)
    return (line for line in file if line.strip())


class _InvalidRecord(Exception):
    """What is wrong with a record."""


def _record(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        names = [key for key, _ in pairs]
        raise _InvalidRecord(f"duplicate column: {', '.join(sorted({key for key in names if names.count(key) > 1}))}")
    for key, value in pairs:
        if isinstance(value, dict | list):
            raise _InvalidRecord(f"{key}: nested value: make it separate columns")
    return record


def _refuse_constant(constant: str) -> None:
    raise _InvalidRecord(f"{constant} is not JSON: write null")
