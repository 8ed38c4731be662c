"""`dvc repro`, with its options, that ends with the process that started it: `python -m` of this module."""

import os
import sys

from dvc.cli import main  # type: ignore[import-untyped]

from .stage import exit_with_parent

if __name__ == "__main__":
    exit_with_parent(os.getppid())
    sys.exit(main(["repro", *sys.argv[1:]]))
