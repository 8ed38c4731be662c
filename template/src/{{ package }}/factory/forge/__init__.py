"""The platform on which a pipeline runs: GitHub, GitLab or Azure DevOps."""

from .forge import TOKEN, Forge, here, signed_in

__all__ = ["TOKEN", "Forge", "here", "signed_in"]
