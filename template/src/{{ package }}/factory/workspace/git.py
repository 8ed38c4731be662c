"""Git: the repository here, its tags, and its remote."""

import os
import tempfile
from collections.abc import Collection
from pathlib import Path

from .. import platforms
from ..errors import FactoryError
from . import signing
from .process import require, run

MAIN = "main", "master"  # where a remote does not say which is its default branch
READ_ONLY = {"GIT_OPTIONAL_LOCKS": "0"}  # what only looks writes no index, which a full disk would stop


def author() -> str:
    """The author of commits here, as `Name <address>`. Raises FactoryError where Git has none."""
    try:
        return run("git", "var", "GIT_AUTHOR_IDENT").rpartition(" ")[0].rpartition(" ")[0]
    except FactoryError as error:
        require("git")
        raise FactoryError(
            'Git does not know who you are: git config --global user.name "…" and user.email "…"'
        ) from error


def committer(commit: str | None = None) -> str:
    """The address of the committer: of this commit, or of the next one. Raises FactoryError."""
    if commit:
        return run("git", "show", "--no-patch", "--format=%ce", commit)
    return run("git", "var", "GIT_COMMITTER_IDENT").rpartition("<")[2].partition(">")[0]


def commit() -> str | None:
    """The commit that is checked out, or None before the first."""
    return _query("rev-parse", "--verify", "HEAD")


def uncommitted(*paths: str) -> bool:
    """Whether tracked files under the paths differ from the commit."""
    return bool(_status("--untracked-files=no", "--", *paths))


def hooks_folder() -> str | None:
    """The folder from which Git takes hooks, in place of the repository's own."""
    return _query("config", "--get", "core.hooksPath")


def init() -> None:
    """Make the current folder a repository, or complete what is there of one."""
    if commit() is None:
        for lock in Path(".git").rglob("*.lock"):
            lock.unlink(missing_ok=True)  # of a Git that was killed; before the first commit nobody else is at work
    run("git", "init", "--initial-branch=main")


def commit_all(message: str, *options: str) -> None:
    """Commit everything that is not ignored."""
    run("git", "add", "--all")
    run("git", "commit", "--no-verify", *options, "--message", message)


def commit_only(message: str, paths: Collection[Path]) -> None:
    """Commit these files, if there are any."""
    if paths:
        names = "\0".join(map(str, paths))
        options = ("--no-verify", "--only", "--pathspec-from-file=-", "--pathspec-file-nul")
        run(
            "git",
            "commit",
            *options,
            "--message",
            message,
            stdin=names,
            env=os.environ | {"GIT_LITERAL_PATHSPECS": "1"},
        )


def staged() -> list[Path]:
    """Files of which the next commit has another version, or none."""
    names = run("git", "diff", "--cached", "--no-renames", "--relative", "--name-only", "-z")
    return [Path(name) for name in names.split("\0")[:-1]]


def branch() -> str | None:
    """The branch that is checked out, or None where a commit is."""
    return _query("symbolic-ref", "--quiet", "--short", "HEAD")


def changes(*paths: str) -> list[str]:
    """Files under the paths that differ from the commit or are not in it, as Git prints them."""
    return _status("--", *paths).splitlines()


def listed(*paths: str) -> set[Path]:
    """What is tracked under the paths, or is new and not ignored; relative to the current folder."""
    names = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *paths, strip=False)
    return set(map(Path, names.split("\0")[:-1]))


def files(*paths: str) -> list[Path]:
    """The files among these."""
    return sorted(path for path in listed(*paths) if path.is_file())


def has(commit: str) -> bool:
    """Whether the commit is in this clone."""
    return _query("cat-file", "-e", f"{commit}^{{commit}}") is not None


def show(commit: str, path: str) -> str | None:
    """The content of the file in the commit, or None if it is not in it."""
    return _query("show", f"{commit}:{path}", strip=False)


def is_shallow() -> bool:
    """Whether the history here is cut off."""
    return run("git", "rev-parse", "--is-shallow-repository") == "true"


def first(path: str) -> str | None:
    """The file's content in the commit that first added it, or None if there is no such commit."""
    added = (_query("log", "--diff-filter=A", "--format=%H", "--", path) or "").splitlines()
    return show(added[-1], f"./{path}") if added else None


def adding(path: str) -> list[str]:
    """The commits that added the file, newest first, also those of branches that were merged."""
    return (_query("log", "--full-history", "--diff-filter=A", "--format=%H", "--", path) or "").splitlines()


def differing(before: str, after: str) -> set[str]:
    """Files of the current folder in which the commits differ; of a renamed one both names."""
    return set(run("git", "diff", "--no-renames", "--relative", "--name-only", "-z", before, after).split("\0")[:-1])


def unmerged() -> dict[str, dict[int, str]]:
    """Files with conflicts: by path, what Git has of it: 1 of the common version, 2 of the project, 3 of the other."""
    found: dict[str, dict[int, str]] = {}
    for entry in run("git", "ls-files", "--unmerged", "-z").split("\0")[:-1]:
        about, _, path = entry.partition("\t")
        _, blob, stage = about.split()
        found.setdefault(path, {})[int(stage)] = blob
    return found


def altered_since(commit: str, *paths: str) -> bool:
    """Whether files of the commit under the paths are other ones here, or gone; no where the commit is not here."""
    options = ("--no-ext-diff", "--no-renames", "--diff-filter=a", "--name-only")
    return bool(_query("diff", *options, commit, "--", *paths))


def merge_base(one: str, other: str) -> str | None:
    """The last commit that both have, or None where none is known."""
    return _query("merge-base", one, other)


def export(commit: str, folder: Path) -> None:
    """Write the files of the commit into the folder."""
    with tempfile.TemporaryDirectory() as temporary:
        env = os.environ | {"GIT_INDEX_FILE": f"{temporary}/index"}
        run("git", "read-tree", commit, env=env)
        run("git", "checkout-index", "--all", f"--prefix={folder}/", env=env)


def tags(pattern: str) -> list[tuple[str, str, str]]:
    """Name, object and its type of each tag; the type of an annotated one is "tag"."""
    form = "--format=%(refname:strip=2) %(objectname) %(objecttype)"
    lines = run("git", "for-each-ref", form, f"refs/tags/{pattern}").splitlines()
    return [(name, tag, kind) for name, tag, kind in map(str.split, lines)]


def tag_object(name: str) -> str | None:
    """The object that the tag names, or None."""
    return _query("rev-parse", "--verify", "--quiet", f"refs/tags/{name}")


def make_tag(name: str, commit: str, message: str, *, sign: bool) -> str:
    """An annotated tag's object that no ref names yet. Raises FactoryError."""
    content = (
        f"object {commit}\ntype commit\ntag {name}\ntagger {run('git', 'var', 'GIT_COMMITTER_IDENT')}\n\n{message}"
    )
    return run("git", "mktag", stdin=content + (signing.sign(content.encode(), "git") if sign else ""))


def create_ref(name: str, target: str) -> None:
    """Create the ref, if there is none of that name."""
    run("git", "update-ref", name, target, "0" * len(target))


def changed_since(base: str) -> list[str]:
    """Files that differ between this commit and where its branch left the base; of a renamed one both names."""
    return run("git", "diff", "--no-renames", "--name-only", f"{base}...HEAD").splitlines()


def remote_name() -> str | None:
    """The remote that holds the versions: origin, or the only one. Raises FactoryError if there are several others."""
    names = run("git", "remote").splitlines()
    if "origin" in names or not names:
        return "origin" if names else None
    if len(names) > 1:
        raise FactoryError(
            f"which of the remotes {', '.join(names)} holds the versions? Rename it: git remote rename NAME origin"
        )
    return names[0]


def remote_address() -> str | None:
    """The address of the remote that holds the versions."""
    remote = remote_name()
    return _query("remote", "get-url", remote) if remote else None


def remote_head(remote: str, branch: str) -> str | None:
    """The commit of the remote's branch, fetched, or None if there is no such branch."""
    heads = _with_credentials("ls-remote", "--heads", remote, f"refs/heads/{branch}")
    if not heads:
        return None
    commit = heads.split()[0]
    _with_credentials("fetch", "--quiet", "--no-tags", remote, commit)
    return commit


def remote_tags(remote: str, pattern: str) -> dict[str, str]:
    """The remote's tags, by name their object."""
    lines = _with_credentials("ls-remote", "--refs", remote, f"refs/tags/{pattern}").splitlines()
    return {ref.removeprefix("refs/tags/"): tag for tag, ref in (line.split("\t") for line in lines)}


def fetch_tags(remote: str, prefix: str) -> None:
    """Fetch the remote's tags; it is an error if one is another object here, unless it is one that a CI checkout has cut."""
    cut = {name for name, _, kind in tags(f"{prefix}*") if kind == "commit"}
    replaced = cut & remote_tags(remote, f"{prefix}*").keys() if cut else ()
    refs = [*(f"+refs/tags/{name}:refs/tags/{name}" for name in replaced), f"refs/tags/{prefix}*:refs/tags/{prefix}*"]
    _with_credentials("fetch", "--quiet", "--no-tags", remote, *refs)


def fetch_all(remote: str) -> None:
    """Fetch every branch of the remote with its whole history, also into a clone that was made without. Raises FactoryError."""
    whole = ("--unshallow",) if is_shallow() else ()
    _with_credentials("fetch", "--quiet", "--no-tags", *whole, remote, f"+refs/heads/*:refs/remotes/{remote}/*")


def main() -> tuple[str, str | None]:
    """Name and commit of the branch that versions are made of: the remote's, as last fetched; no commit where it has none.

    Without a remote it is main, or the branch here.
    """
    remote = remote_name()
    refs = [f"refs/remotes/{remote}/{name}" for name in ("HEAD", *MAIN)] if remote else ["refs/heads/main", "HEAD"]
    for ref in refs:
        found = _query("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        if found:
            return run("git", "rev-parse", "--abbrev-ref", ref), found
    return f"{remote}/main" if remote else "main", None


def fetch_main(remote: str) -> None:
    """Fetch the remote's default branch. Raises FactoryError where the remote cannot be reached."""
    wanted = ["HEAD", *(f"refs/heads/{name}" for name in MAIN)]
    lines = [line.split("\t") for line in _with_credentials("ls-remote", "--symref", remote, *wanted).splitlines()]
    default = [value.removeprefix("ref: ") for value, name in lines if name == "HEAD" and value.startswith("ref: ")]
    branches = [*default, *(name for _, name in lines if name in wanted[1:])]
    if branches:
        here = branches[0].replace("refs/heads/", f"refs/remotes/{remote}/", 1)
        _with_credentials("fetch", "--quiet", "--no-tags", remote, f"+{branches[0]}:{here}")
        run("git", "symbolic-ref", f"refs/remotes/{remote}/HEAD", here)


def contains(branch: str, commit: str) -> bool:
    """Whether the commit is the branch's, or one before it."""
    return _query("merge-base", "--is-ancestor", commit, branch) is not None


def push(remote: str, refspec: str, replaces: str | None = None) -> None:
    """Push a ref; an existing one is moved only if it is still at the commit `replaces`, where "" is none."""
    lease = () if replaces is None else (f"--force-with-lease={refspec.partition(':')[2]}:{replaces}",)
    _with_credentials("push", "--quiet", *lease, remote, refspec)


def _status(*options: str) -> str:
    return run("git", "status", "--porcelain", *options, env=os.environ | READ_ONLY)


def _query(*arguments: str, strip: bool = True) -> str | None:
    """The output of Git, or None if it fails."""
    try:
        return run("git", *arguments, strip=strip)
    except FactoryError:
        require("git")
        return None


def _with_credentials(*command: str) -> str:
    return run("git", *command, env=platforms.git_env())
