"""Rows in, scores out: the one definition that training, batch, service and monitoring share."""

from typing import TYPE_CHECKING, Any

from .._moved import old_names

if TYPE_CHECKING:
    from .scorer import Scorer

__all__ = ["Scorer"]


def __getattr__(name: str) -> Any:
    if name in __all__:  # loaded when asked for: what only handles model files needs neither contract nor features
        from .scorer import Scorer

        return Scorer
    return old_names(__name__, stacklevel=3)(name)
