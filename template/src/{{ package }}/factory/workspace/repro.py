"""`dvc repro` that ends with the process that started it: `python -m` of this module."""

import os
import sys

from dvc.cli import main  # type: ignore[import-untyped]

from .stage import die_with

if __name__ == "__main__":
    die_with(os.getppid())
    sys.exit(main(["repro"]))
