"""Check organisation.yaml by making a project, and show what a new one gets.

python tools/fork.py (needs Copier)
"""

import contextlib
import io
import sys
import tempfile
from pathlib import Path

import copier
import yaml
from copier.errors import CopierError
from jinja2 import TemplateError

ROOT = Path(__file__).parents[1]
sys.path += [str(ROOT / "hooks"), *map(str, ROOT.glob("template/src/*"))]

from factory import environments, policy
from factory.errors import FactoryError
from organisation import FILE, Defaults, load, logo_url


def check() -> list[str]:
    """What a new project gets, a line each. Raises FactoryError naming what is wrong."""
    organisation = load(ROOT)
    logo_url(organisation, ROOT)
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder, "project")
        try:
            with contextlib.redirect_stderr(io.StringIO()):
                copier.run_copy(str(ROOT), project, {"project_name": "Example"}, vcs_ref="HEAD", defaults=True, quiet=True)
        except (CopierError, TemplateError, ValueError) as error:
            raise FactoryError(f"{FILE}: {' '.join(str(error).split())}") from error
        answers = yaml.safe_load((project / ".copier-answers.yml").read_text("utf-8"))
        shown = {name: value for name, value in answers.items() if name in Defaults.model_fields}
        shown["registry"] = environments.shared(project / environments.FILE, {}).registry
        for key, value in policy.load(project / policy.FILE):
            shown |= {f"policy.{key}": organisation.policy[key]} if key in organisation.policy and value is not None else {}
    return [f"{name}: {value}" for name, value in shown.items()]


if __name__ == "__main__":
    try:
        print("\n".join(check()))
    except FactoryError as error:
        sys.exit(f"✗ {error}")
