"""The gate: checks of a challenger, its comparison with the champion, promotion and rollback."""

from .._moved import old_names

__getattr__ = old_names(__name__)
