"""An update of the project to a newer release of the template, and what the project has of its release."""

from .._moved import old_names

__getattr__ = old_names(__name__)
