"""What decides which versions count: main's commit, with the policy and the signers there, which no branch can bring."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cache
from typing import Self

from .. import policy
from ..errors import CannotEvaluate, FactoryError
from ..policy import Policies
from ..signatures import Signers
from ..workspace import commits, git
from ..workspace.process import run, run_bytes

FILES = POLICY, ALLOWED, REVOKED, PGP = str(policy.FILE), "allowed_signers", "revoked_signers", "allowed_signers.asc"
_READ: dict[str, dict[str, str]] = {}  # by commit, what `read_ahead` has found


@dataclass(frozen=True)
class Trust:
    """The branch that versions are made of, its commit, what the policies here and there want, and who may sign."""

    branch: str
    main: str | None  # None where the remote has no such branch yet
    policies: Policies
    signers: Signers

    def beside(self, name: str, commit: str) -> Self:
        """The same with the policy of the commit, too, which has that name."""
        return replace(self, policies=Policies({**self.policies.by_place, name: policy_of(name, commit)}))

    def check_on_main(self, commit: str) -> None:
        """Raises CannotEvaluate where the commit is not on main."""
        if self.main is None or not git.contains(self.main, commit):
            raise CannotEvaluate(
                "NOT_ON_MAIN", f"commit {commit[:8]} is not on {self.branch}: merge and push it, then run this again"
            )


def trust() -> Trust:
    """What holds now: the signers of main, as last fetched, and the policies of working tree and main.

    That of the champion comes beside them once it is known which version counts: `validity.after`. Raises FactoryError.
    """
    branch, main = git.main()
    files = _files(main)
    policies = {"the working tree": policy.load(), branch: _policy(branch, files)}
    allowed = f"{files.get(ALLOWED, '')}\n{policies[branch].signers}"
    signers = Signers(allowed, files.get(REVOKED, ""), files.get(PGP, ""))
    return Trust(branch, main, Policies(policies), signers)


@cache
def policy_of(name: str, commit: str) -> policy.Policy:
    """The policy in the commit, which has that name. Raises FactoryError."""
    return _policy(name, _files(commit))


def read_ahead(names: Collection[str]) -> None:
    """Read what matters here of many commits in two calls of Git, not two for each; what fails is left to be read alone."""
    trees = zip(names, commits.contents([f"{name}^{{tree}}" for name in names]), strict=True)
    listed = {name: [file for file in FILES if f" {file}\0".encode() in tree] for name, tree in trees if tree}
    wanted = [(name, file) for name, files in listed.items() for file in files]
    found = dict(zip(wanted, commits.contents([f"{name}:{file}" for name, file in wanted]), strict=True))
    for name, files in listed.items():
        texts = {file: content.decode(errors="replace") for file in files if (content := found[name, file]) is not None}
        if len(texts) == len(files):
            _READ[name] = texts


def _policy(place: str, files: dict[str, str]) -> policy.Policy:
    try:
        return policy.parse(files.get(POLICY), f"{place}:{POLICY}")
    except FactoryError as error:
        raise FactoryError(f"{error}; if a newer release wrote it, merge main") from error


def _files(commit: str | None) -> dict[str, str]:
    """Those that matter here and are in the commit. Raises FactoryError for one that cannot be read, lest it count as missing."""
    if not commit or commit in _READ:
        return _READ.get(commit or "", {})
    names = run("git", "ls-tree", "--full-tree", "--name-only", commit, "--", *FILES).splitlines()
    return {name: run_bytes("git", "show", f"{commit}:{name}").decode(errors="replace") for name in names}
