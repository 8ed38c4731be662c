"""What decides which versions count: main's commit, with the policy and the signers there, which no branch can bring."""

from dataclasses import dataclass

from .. import policy
from ..errors import CannotEvaluate, FactoryError
from ..policy import Policies
from ..signatures import Signers
from ..workspace import git
from ..workspace.process import run
from . import tags

POLICY, ALLOWED, REVOKED, PGP = str(policy.FILE), "allowed_signers", "revoked_signers", "allowed_signers.asc"


@dataclass(frozen=True)
class Trust:
    """The branch that versions are made of, its commit, what the policies want, and who may sign."""

    branch: str
    main: str | None  # None where the remote has no such branch yet
    policies: Policies
    signers: Signers

    def check_on_main(self, commit: str) -> None:
        """Raises CannotEvaluate where the commit is not on main."""
        if self.main is None or not git.contains(self.main, commit):
            raise CannotEvaluate(
                "NOT_ON_MAIN", f"commit {commit[:8]} is not on {self.branch}: merge and push it, then run this again"
            )


def trust() -> Trust:
    """What holds now: the signers of main, as last fetched, and the policies of working tree, main and champion.

    Raises FactoryError.
    """
    branch, main = git.main()
    files = _files(main)
    policies = {"the working tree": policy.load(), branch: _policy(branch, files)}
    for tag in tags.read(tags.refs()[-1:]):
        policies[tag.name] = _policy(tag.name, _files(tag.commit))
    allowed = f"{files.get(ALLOWED, '')}\n{policies[branch].signers}"
    signers = Signers(allowed, files.get(REVOKED, ""), files.get(PGP, ""))
    return Trust(branch, main, Policies(policies), signers)


def _policy(place: str, files: dict[str, str]) -> policy.Policy:
    try:
        return policy.parse(files.get(POLICY), f"{place}:{POLICY}")
    except FactoryError as error:
        raise FactoryError(f"{error}; if a newer release wrote it, merge main") from error


def _files(commit: str | None) -> dict[str, str]:
    """Those that matter here and are in the commit. Raises FactoryError for one that cannot be read, lest it count as missing."""
    if not commit:
        return {}
    names = run(
        "git", "ls-tree", "--full-tree", "--name-only", commit, "--", POLICY, ALLOWED, REVOKED, PGP
    ).splitlines()
    return {name: run("git", "show", f"{commit}:{name}", strip=False) for name in names}
