"""Rows in, scores out: the one definition that training, batch, service and monitoring share."""

from .scorer import Scorer

__all__ = ["Scorer"]
