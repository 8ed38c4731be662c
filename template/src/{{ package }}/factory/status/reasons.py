"""What could be found out, and of the rest why not: a status has no blanks."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

from pydantic import ValidationError

from ..errors import CannotEvaluate, FactoryError, Refused
from ..tables.sources import without_secrets
from .parts import LONG, SHORT

Found = TypeVar("Found")
Item = TypeVar("Item")
UNREADABLE = "UNREADABLE"
FAILURES = (FactoryError, OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""Of code that reads what anybody may have written."""


class Reasons:
    """By key of the status, why it is null, or a list lacks something."""

    def __init__(self) -> None:
        self.unknown: dict[str, str] = {}

    def of(self, key: str, look: Callable[[], Found]) -> Found | None:
        """What `look` finds; None where it cannot, for the reason that is kept."""
        try:
            return look()
        except FAILURES as error:
            self.add(key, code(error), reason(error))
            return None

    def listed(self, key: str, look: Callable[[], list[Found]], most: int) -> list[Found]:
        """What `look` lists; of what is too much the last, and nothing where it cannot."""
        found = self.of(key, look) or []
        if len(found) > most:
            self.add(key, "SHORTENED", f"the last {most} of {len(found)}")
        return found[-most:]

    def each(self, key: str, look: Callable[[Item], Found], items: Iterable[Item]) -> list[Found]:
        """What `look` makes of each item, without those of which it cannot."""
        made = (self.of(key, partial(look, item)) for item in items)
        return [each for each in made if each is not None]

    def add(self, key: str, code: str, reason: str) -> None:
        """Keep why the key is not known."""
        self.unknown[key] = long(f"{code}: {reason}")


def code(error: Exception) -> str:
    """The code of an error, for machines."""
    return error.code if isinstance(error, CannotEvaluate | Refused) else UNREADABLE


def reason(error: Exception) -> str:
    """What an error says, without its code."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    text = str(error) if isinstance(error, FactoryError | OSError) else f"{type(error).__name__}: {error}"
    return text.removeprefix(f"{code(error)}: ")


def long(text: str) -> str:
    """The text as a status may have it: on one line, bounded, and without what opens anything."""
    return _cut(text, LONG)


def short(text: str) -> str:
    """The same for a name."""
    return _cut(text, SHORT)


def person(author: str) -> str:
    """The name of who did something, of `Name <address>`: the address is nobody's business elsewhere."""
    return short(author.partition(" <")[0])


def _cut(text: str, most: int) -> str:
    line = " ".join("".join(each if each.isprintable() else " " for each in without_secrets(text)).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
