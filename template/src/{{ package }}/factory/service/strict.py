"""JSON that every reader takes in the same way."""

import json
from collections.abc import Callable
from typing import Any

from ..errors import FactoryError


class Malformed(FactoryError):
    """The body is not what its content type says."""


def check_json(body: bytes, constant: Callable[[str], Any]) -> None:
    """Refuse what other readers of JSON take in different ways, or at which they fail. Raises Malformed."""
    try:
        json.loads(body, object_pairs_hook=_once, parse_constant=constant)
    except RecursionError as error:
        raise Malformed("not JSON that can be read: nested too deeply") from error
    except ValueError as error:
        place = f"line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else "a value"
        raise Malformed(f"not JSON: {place} cannot be read") from error


def _once(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) != len(pairs):
        raise Malformed("not JSON that can be read: a name occurs twice in an object")


def no_constant(name: str) -> None:
    """Refuse NaN and Infinity, which are no JSON."""
    raise Malformed(f"not JSON: {name} is no number")
