"""Names that a policy may have a rule for: of the project, branches, images, environments and deliveries."""

from collections.abc import Iterator

from .. import PACKAGE, environments
from ..data import ledger
from ..environments import Environment
from ..errors import FactoryError
from ..policy import Policies
from ..workspace import git
from ..workspace.process import run

MACHINES = ("factory/", "dependabot/", "renovate/")
"""How the branches of pipelines and bots begin, which have names of their own."""
PLACES = ("namespace", "endpoint", "workspace", "resource_group")

Name = tuple[str, str | None]
"""The kind, as in the policy, and the name, if there is one."""


def of_project() -> Iterator[Name]:
    """The project's, and the branch's that is checked out."""
    yield "project", PACKAGE
    branch = git.branch()
    yield "branch", branch
    yield from _experiments([branch] if branch else [])


def of_surroundings() -> Iterator[Name]:
    """Of images and environments, as environments.yaml has them. Raises FactoryError."""
    known = [environments.shared(variables={}), *environments.load().values()]
    yield from dict.fromkeys(name for each in known for name in (of_image(each.registry), *of_environment(each)))


def of_image(image: str) -> Name:
    """The image's, without tag and digest."""
    folder, slash, name = image.partition("@")[0].rpartition("/")
    return "image", f"{folder}{slash}{name.partition(':')[0]}"


def of_environment(environment: Environment) -> Iterator[Name]:
    """What it is called where it runs."""
    return (("environment", getattr(environment, place)) for place in PLACES)


def of_history() -> Iterator[Name]:
    """Of all deliveries and branches, also of the remote's, as last fetched."""
    yield from (("delivery", entry.file) for entry in ledger.entries())
    remote = git.remote_name()
    listed = run("git", "for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads", f"refs/remotes/{remote}")
    branches = {name.removeprefix(f"{remote}/") for name in listed.splitlines()} - {"HEAD", remote}
    yield from _experiments(sorted(filter(None, branches)))


def check_baseline(policies: Policies) -> None:
    """Refuse to make a version on a branch of experiments, where a policy has such. Raises FactoryError."""
    branch, main = git.branch(), _main()
    places = [place for place, policy in policies.by_place.items() if policy.names.experiment]
    if places and branch != main:
        raise FactoryError(
            f"POLICY: versions are made on {main}, and {branch} is a branch of experiments "
            f"by the policy of {' and '.join(places)}: merge it first"
        )


def _experiments(branches: list[str]) -> Iterator[Name]:
    main = _main()
    return (("experiment", name) for name in branches if name != main and not name.startswith(MACHINES))


def _main() -> str:
    return git.main()[0].removeprefix(f"{git.remote_name()}/")
