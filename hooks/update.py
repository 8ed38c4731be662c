# /// script
# requires-python = ">=3.11"
# dependencies = ["pydantic>=2.10", "pyyaml>=6.0", "ruamel-yaml>=0.18", "uv>=0.9"]
# ///
"""Update a project as its own `factory update` does, whatever release it is of, even where its pyproject.toml has conflicts.

Exit code 0: clean; 1: failed, nothing was changed; 2: conflicts to resolve; 3: something else needs attention, such as a
file that was kept though the template no longer has it.
"""

import argparse
import os
import sys
from pathlib import Path

[SOURCE] = (Path(__file__).resolve().parents[1] / "template/src").iterdir()
sys.path.insert(0, str(SOURCE))

from factory.errors import FactoryError
from factory.update import update


def main() -> int | str:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project", type=Path, help="folder of the project")
    parser.add_argument("--template", metavar="URL", type=update.address, help="where the template is now, if it has moved")
    parser.add_argument("--release", metavar="X.Y.Z", help="which release (default: the newest)")
    parser.add_argument("--data", metavar="KEY=VALUE", action="append", default=[], help="change an answer")
    args = parser.parse_args()
    try:
        os.chdir(args.project)
        done = update.update(args.template, args.release, update.parse_data(args.data))
    except (FactoryError, OSError) as error:
        return f"update.py: {error}"
    print("\n".join(done.lines()))
    return done.exit_code


if __name__ == "__main__":
    sys.exit(main())
