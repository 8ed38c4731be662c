"""The model's package; an application that embeds the model needs `Scorer` alone."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .factory.scoring import Scorer

__all__ = ["Scorer"]


def __getattr__(name: str) -> Any:
    if name in __all__:  # loaded when asked for: the command line mostly does without
        from .factory.scoring import Scorer

        return Scorer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
