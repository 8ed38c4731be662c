"""The ML Test Score, by breaking what each test guards."""

from .._moved import old_names

__getattr__ = old_names(__name__)
