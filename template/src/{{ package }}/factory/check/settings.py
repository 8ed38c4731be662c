"""Check params.yaml, the model card and names by the policy here, before main and the gate do."""

from .. import config, policy
from ..errors import FactoryError
from ..evaluation import card_input
from ..policy import Policies
from ..registry import naming
from .checks import Result

NAME = "policy"


def check() -> Result | None:
    """The result, or None where there is no policy.yaml."""
    if not policy.FILE.exists():
        return None
    try:
        here = Policies({str(policy.FILE): policy.load()})
        names = (*naming.of_project(), *naming.of_surroundings())
        problems = here.problems(config.load(), card_input.load().tags, names)
    except FactoryError as error:
        return Result(NAME, False, str(error))
    return Result(NAME, not problems, output="\n".join(f"POLICY: {problem}" for problem in problems))
