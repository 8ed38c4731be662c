"""What a challenger must show before it reaches users."""

from .._moved import old_names

__getattr__ = old_names(__name__)
