"""Rebuild a working project from its Git remote and its storage alone, or with another storage in the place of a lost one."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ..errors import CannotEvaluate, FactoryError, Refused, listed
from ..paths import DVC_TMP
from ..registry import audit, versions
from ..registry.objects import Cache, kept
from ..registry.versions import Version
from ..workspace import git, hooks
from ..workspace.process import dvc

NEW = "restored"  # DVC's name of the new storage until all is in it
HERE = "the checkout"
LOCAL = Path(".dvc/config.local")


def restore(source: str = "", storage: str = "") -> Iterator[str]:
    """Fetch, verify and check out all that versions have; yields what is done. May be repeated. Raises FactoryError.

    `source` is the remote of DVC's to fetch from, by default its default one; `storage` a remote or an address that
    replaces it, once everything is there.
    """
    known = _versions()
    yield f"Git: {_count(known)}, and {git.commit()} is checked out"
    commits = {each.name: each.target for each in known if git.has(each.target)} | {HERE: f"{git.commit()}"}
    objects = len({md5 for commit in commits.values() for md5 in kept(commit).values()})
    settings = _settings()
    source = source or settings.get("core.remote", "")
    address = _address(source, settings)
    yield f"data and models: {objects} files and folders of {', '.join(commits)}, from {address}, which may take long"
    cache = _fetch(source, address, commits)
    yield "each is here, and what its MD5 says"
    dvc("checkout")
    yield "working tree"
    if storage:
        yield _replace(source, storage, settings, cache)
    yield hooks.install()
    yield _audit(known)


def next_steps() -> Iterator[str]:
    """What to do after it."""
    if git.uncommitted(".dvc/config"):
        yield 'git commit -m "Replace the storage" .dvc/config, and merge it to main'
    yield "uv run pytest"
    if known := versions.local():
        yield f"uv run factory verify {known[-1].name} --quick"
        yield "uv run factory serve"


def _versions() -> list[Version]:
    remote = git.remote_name()
    if remote is None:
        raise FactoryError("there is no Git remote to restore from: `git clone URL` makes a folder that has one")
    git.fetch_all(remote)
    return versions.fetch()


def _fetch(source: str, address: str, commits: dict[str, str]) -> Cache:
    """The cache with what the commits need. Raises CannotEvaluate naming what is then missing."""
    reason = ""
    for _ in range(2):  # what was damaged here is deleted, and fetched again
        try:
            with _pinned(source, address):
                dvc("fetch", "--all-tags", "--remote", source)
        except FactoryError as error:
            reason = f" ({error})"
        cache = Cache()
        missing = [f"{path} of {name}" for name, commit in commits.items() for path in cache.lacking(commit)]
        if not missing:
            return cache
    elsewhere = "where somebody has them, `uv run factory restore --storage URL` makes a whole storage of them"
    raise CannotEvaluate("STORAGE", f"{address} lacks {listed(missing)}{reason}: {elsewhere}")


def _replace(old: str, storage: str, settings: dict[str, str], cache: Cache) -> str:
    """Push all objects of all versions to the new storage, and name it in place of the old one. Raises FactoryError.

    What arrived is read from the storage: of a folder that it lists, DVC pushes no file again, and takes all for there.
    """
    new = storage if f"remote.{storage}.url" in settings else NEW
    with _local_settings():
        if new == NEW:
            dvc("remote", "add", "--local", "--force", NEW, storage)
        address = _address(new, _settings())
        with _pinned(new, address):
            dvc("push", "--all-tags", "--remote", new)
            behind = cache.beyond(dvc("list-url", "--recursive", f"remote://{new}/files/md5").splitlines())
    if behind:
        raise Refused("STORAGE", f"{storage} lacks {listed(behind)} of what it had before: name an empty place")
    if new != NEW:
        if old == settings.get("core.remote"):
            dvc("remote", "default", new)
    elif address != _address(old, settings):
        dvc("remote", "modify", old, "url", storage)
        if _address(old, _settings()) != address:  # this machine has its own address of the old one
            dvc("remote", "modify", "--local", "--unset", old, "url")
    return f"storage: all of it is in {storage}"


@contextmanager
def _pinned(remote: str, address: str) -> Iterator[None]:
    """The remote at the address for every commit: DVC has a tag's own config otherwise, and a path in it begins at Git's root."""
    with _local_settings():
        dvc("remote", "modify", "--local", remote, "url", address)
        yield


@contextmanager
def _local_settings() -> Iterator[None]:
    """This machine's settings of DVC, which may hold keys, are afterwards the same file again."""
    DVC_TMP.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=DVC_TMP) as folder:
        before = Path(folder, LOCAL.name)
        if LOCAL.exists():
            shutil.copy2(LOCAL, before)
        try:
            yield
        finally:
            if before.exists():
                before.replace(LOCAL)
            else:
                LOCAL.unlink(missing_ok=True)


def _settings() -> dict[str, str]:
    """DVC's settings here, with whole paths."""
    return dict(line.split("=", 1) for line in dvc("config", "--list").splitlines() if "=" in line)


def _address(remote: str, settings: dict[str, str]) -> str:
    """The address of the remote. Raises FactoryError where there is none of that name."""
    if address := settings.get(f"remote.{remote}.url"):
        return address
    names = [name.split(".")[1] for name in settings if name.startswith("remote.")]
    known = ", ".join(dict.fromkeys(names)) or "none"
    raise FactoryError(
        f"{remote or 'the storage'} is not a remote in .dvc/config, which has {known}: `uv run dvc remote add`"
    )


def _audit(known: list[Version]) -> str:
    problems = audit.audit()[1]
    if problems:
        raise Refused("AUDIT", listed(problems))
    return f"audit: {_count(known)}, data and models are what was promoted"


def _count(known: list[Version]) -> str:
    return f"{len(known)} version{'' if len(known) == 1 else 's'}"
