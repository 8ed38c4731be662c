"""The platform in memory that projects test against, for pipelines that run whole."""

import sys

from conftest import ROOT

sys.path.append(str(ROOT / "template/tests"))

from factory.hub import Hub, running
from factory.platforms import TOKEN, environment

__all__ = ["TOKEN", "Hub", "environment", "running"]
