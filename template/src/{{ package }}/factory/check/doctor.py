"""What of a project's protections is missing: on the platform, in Git, and in the storage. Only looks."""

import configparser
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .. import platforms, policy
from ..errors import FactoryError
from ..platforms.base import TOKEN, Platform
from ..registry import naming, validity, versions
from ..registry.tags import PREFIX
from ..registry.trust import Trust, trust
from ..signatures import lines
from ..update import vendored
from ..workspace import git, owners, signing
from . import surroundings

SECRETS = ("password", "secret", "token", "account_key", "connection_string")
"""What names of settings say that hold one."""
MOVE = "`uv run factory restore --storage URL` moves and checks all that is in it"
MOST = 5  # names that are shown: a rule that is new may break many


@dataclass(frozen=True)
class Finding:
    """What a check found missing; nothing where all is well."""

    name: policy.Finding
    problems: list[str]
    fails: bool = False  # the policy says that this must not be


def diagnose() -> Iterator[Finding]:
    """What each check finds. Raises FactoryError."""
    known = trust()
    known = validity.after(versions.local(known), known)
    for name, check in CHECKS.items():
        problems = list(_problems(check, known))
        yield Finding(name, problems, bool(problems) and name in known.policies.doctor)


def _problems(check: Callable[[Trust], Iterator[str]], known: Trust) -> Iterator[str]:
    try:
        yield from check(known)
    except (FactoryError, configparser.Error) as error:  # what cannot be found out may be missing
        yield f"cannot be found out: {' '.join(str(error).split())}"


def remote(known: Trust) -> Iterator[str]:
    """Versions are the remote's: without it nobody else has them."""
    if git.remote_name() is None:
        yield "there is no Git remote: `git remote add origin URL`, and push main and tags"
    elif known.main is None:
        yield f"{known.branch} is not here: push main, or `git fetch`"


def signatures(known: Trust) -> Iterator[str]:
    """Who may make a version."""
    if not known.policies.signatures_required:
        yield "are optional: whoever can push makes versions; `signatures: required` in policy.yaml asks for them"
    allowed = [line for line in lines(known.signers.allowed) if line.strip() and not line.startswith("#")]
    if not (allowed or known.signers.pgp):
        yield f"nobody may sign: add a line to allowed_signers on {known.branch}"
    if not signing.can_sign():
        yield signing.WITHOUT_KEY


def owned(known: Trust) -> Iterator[str]:
    """Who reviews what decides on versions; Azure keeps that itself."""
    ci = vendored.answers().get("ci", "")
    without = owners.unowned(ci) if ci in owners.FILES else []
    if without:
        rest = f" and {len(without) - 3} more" if len(without) > 3 else ""
        yield f"{owners.FILES[ci]}: {', '.join(without[:3])}{rest} without a reviewer: `uv run factory setup --owners @your-organisation/your-team`"


def storage(known: Trust) -> Iterator[str]:
    """Whether others reach the data and the models, and no file in Git holds a secret."""
    config = configparser.ConfigParser(interpolation=None, strict=False)
    config.read(".dvc/config", encoding="utf-8")
    for section in config.sections():
        for setting in config[section]:
            if any(word in setting for word in SECRETS):
                yield f".dvc/config: {setting} is a secret in Git: revoke it, and set it by `uv run dvc remote modify --local`"
    config.read(".dvc/config.local", encoding="utf-8")
    name = config.get("core", "remote", fallback=None)
    url = config.get(f"'remote \"{name}\"'", "url", fallback="")
    if not url:
        yield "there is none: `uv run dvc remote add --default storage URL`"
    elif "://" not in url:
        yield f"{os.path.normpath(url)} is a folder of this machine, which nobody else has: {MOVE}"


def branch(known: Trust) -> Iterator[str]:
    """Whether the platform lets main change only by reviewed pull requests."""
    yield from _unprotected("branch", known)


def tags(known: Trust) -> Iterator[str]:
    """Whether the platform keeps versions where they are."""
    yield from _unprotected("tags", known)


def environments(known: Trust) -> Iterator[str]:
    """What is wrong with environments.yaml, or unlike it on the platform and where versions were deployed."""
    yield from surroundings.problems(known, _platform)


def names(known: Trust) -> Iterator[str]:
    """Names that break a rule of the policy, also of what was made before there was one."""
    reasons = [("version", str(version.facts["why"])) for version in versions.local(known) if not version.problem]
    wrong = known.policies.wrong_names(
        (*naming.of_project(), *naming.of_surroundings(), *naming.of_history(), *reasons)
    )
    yield from [*wrong][:MOST]
    if len(wrong) > MOST:
        yield f"and {len(wrong) - MOST} more"


def _unprotected(name: policy.Finding, known: Trust) -> Iterator[str]:
    main = known.branch.removeprefix(f"{git.remote_name()}/")
    missing = _platform().unprotected(main, f"{PREFIX}1")
    yield from (problem for finding, problem in missing if finding == name)


def _platform() -> Platform:
    """That of this pipeline, else the remote's. Raises FactoryError."""
    address = git.remote_address()
    platform = platforms.detect() or platforms.of_address(address)
    if platform is None:
        alone = f"{address}: only GitHub, GitLab and Azure DevOps protect branches; ask a server of your own in its pipeline"
        raise FactoryError(alone if address else "there is no Git remote")
    if not platform.env.get(TOKEN):
        raise FactoryError(f"set {TOKEN} to a token that may read the repository's settings")
    return platform


CHECKS: dict[policy.Finding, Callable[[Trust], Iterator[str]]] = {
    "remote": remote,
    "signatures": signatures,
    "owners": owned,
    "branch": branch,
    "tags": tags,
    "storage": storage,
    "environments": environments,
    "names": names,
}
