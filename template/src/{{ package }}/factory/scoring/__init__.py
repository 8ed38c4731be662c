"""Rows in, scores out: the one definition that training, batch, service and monitoring share."""

from .._moved import old_names
from .scorer import Scorer

__all__ = ["Scorer"]

__getattr__ = old_names(__name__)
