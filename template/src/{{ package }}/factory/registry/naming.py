"""Names that a policy may have a rule for: of the project, branches, images, environments and deliveries."""

from collections.abc import Iterator

from .. import PACKAGE, environments
from ..data import ledger
from ..environments import Environment
from ..workspace import git
from ..workspace.process import run

MACHINES = (
    "cherry-pick-",
    "dependabot/",
    "factory/",
    "gh-readonly-queue/",
    "pre-commit-ci-",
    "renovate/",
    "revert-",
)
"""How the branches of pipelines, bots and platforms begin, which have names of their own."""
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


def _experiments(branches: list[str]) -> Iterator[Name]:
    main = _main()
    return (("experiment", name) for name in branches if name != main and not name.startswith(MACHINES))


def _main() -> str:
    return git.main()[0].removeprefix(f"{git.remote_name()}/")
