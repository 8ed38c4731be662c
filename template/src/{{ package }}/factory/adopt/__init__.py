"""A table of one's own in the place of the sample: read, proposed, written as code, and run."""

from . import (
    adoption,
    advice,
    context,
    declare,
    first,
    profile,
    proposal,
    readable,
    rules,
    show,
    sources,
    spelling,
)

__all__ = [
    "adoption",
    "advice",
    "capacity",
    "context",
    "declare",
    "first",
    "profile",
    "proposal",
    "readable",
    "rules",
    "show",
    "sources",
    "spelling",
]
