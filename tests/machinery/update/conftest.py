"""Fixtures of more than one module."""

from machinery.update.made_up_releases import old_project, release  # noqa: F401
