"""How a delivery differs from the contract, and the change of contract.py that would admit it."""

from . import amend, differs, likeness, source

__all__ = ["amend", "differs", "likeness", "source"]
