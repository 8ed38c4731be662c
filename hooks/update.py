# /// script
# requires-python = ">=3.11"
# dependencies = ["pyyaml>=6.0", "uv>=0.9"]
# ///
"""Update a project to the newest release, as its own `factory update` does, whatever release it is of.

Exit code 0: clean; 1: failed, nothing was changed; 2: conflicts to resolve; 3: files were kept that the template no longer has.
"""

import argparse
import os
import sys
from pathlib import Path

[SOURCE] = (Path(__file__).resolve().parents[1] / "template/src").iterdir()
sys.path.insert(0, str(SOURCE))

from factory.ci import template_update
from factory.errors import FactoryError


def main() -> int | str:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project", type=Path, help="folder of the project")
    parser.add_argument("--template", metavar="URL", help="where the template is now, if it has moved")
    parser.add_argument("--release", metavar="X.Y.Z", help="which release (default: the newest)")
    args = parser.parse_args()
    try:
        os.chdir(args.project)
        done = template_update.update(args.template, args.release)
    except (FactoryError, OSError) as error:
        return f"update.py: {error}"
    print("\n".join(done.lines()))
    return done.exit_code


if __name__ == "__main__":
    sys.exit(main())
