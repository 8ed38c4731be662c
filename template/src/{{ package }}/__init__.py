"""The model's package; an application that embeds the model needs only `Scorer`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .factory.scoring import Scorer

__all__ = ["Scorer"]


def __getattr__(name: str) -> Any:
    if name in __all__:  # loaded on demand: most commands do without it
        from .factory.scoring import Scorer

        return Scorer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
