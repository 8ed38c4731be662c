"""The model's package; an application that embeds the model needs `Scorer` alone."""

from .factory.scoring import Scorer

__all__ = ["Scorer"]
