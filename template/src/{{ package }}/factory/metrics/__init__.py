"""How good scores are, and for whom."""

from .._moved import old_names

__getattr__ = old_names(__name__)
