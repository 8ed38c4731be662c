"""Rows in, scores out: the one implementation that training, batch scoring and service share."""

from typing import TYPE_CHECKING, Any

from .._moved import old_names

if TYPE_CHECKING:
    from .scorer import Scorer

__all__ = ["Scorer"]


def __getattr__(name: str) -> Any:
    if name in __all__:  # loaded lazily: code that only handles model files needs neither contract nor features
        from .scorer import Scorer

        return Scorer
    return old_names(__name__, stacklevel=3)(name)
