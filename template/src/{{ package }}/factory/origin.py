"""What the factory asks of the Git repository that people share, signed in where a pipeline asks."""

from . import forge
from .errors import FactoryError
from .shell import run


def name() -> str | None:
    """Where versions are shared: origin, or the only remote. Raises FactoryError where that is not clear."""
    names = run("git", "remote").splitlines()
    if "origin" in names or not names:
        return "origin" if names else None
    if len(names) > 1:
        raise FactoryError(f"which of the remotes {', '.join(names)} holds the versions? call it origin")
    return names[0]


def head(remote: str, branch: str) -> str | None:
    """The commit of the remote's branch, brought here, or None if there is no such branch."""
    listed = _talk("ls-remote", "--heads", remote, f"refs/heads/{branch}")
    if not listed:
        return None
    commit = listed.split()[0]
    _talk("fetch", "--quiet", "--no-tags", remote, commit)
    return commit


def tags(remote: str, pattern: str) -> dict[str, str]:
    """Name and object of the remote's tags."""
    lines = _talk("ls-remote", "--refs", remote, f"refs/tags/{pattern}").splitlines()
    return {ref.removeprefix("refs/tags/"): found for found, ref in (line.split("\t") for line in lines)}


def fetch_tags(remote: str, prefix: str) -> None:
    """Bring the remote's tags; one that is here already as another object is an error."""
    _talk("fetch", "--quiet", "--no-tags", remote, f"refs/tags/{prefix}*:refs/tags/{prefix}*")


def push(remote: str, refspec: str, replaces: str | None = None) -> None:
    """Hand a ref to the remote, which moves one only from the commit that is to be replaced; "" is none."""
    lease = () if replaces is None else (f"--force-with-lease={refspec.partition(':')[2]}:{replaces}",)
    _talk("push", "--quiet", *lease, remote, refspec)


def _talk(*command: str) -> str:
    return run("git", *command, env=forge.signed_in())
