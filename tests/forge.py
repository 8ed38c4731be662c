"""The platforms in memory that the machinery is tested against, for pipelines that run whole."""

from machinery.ci.fake_environments import TOKEN, environment
from machinery.ci.fake_platforms import Hub, running

__all__ = ["TOKEN", "Hub", "environment", "running"]
