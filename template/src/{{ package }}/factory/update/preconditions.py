"""What must hold before an update, each refused in one line while nothing has changed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from .. import policy
from ..errors import FactoryError
from ..policy import Policies
from ..workspace import git
from ..workspace.process import run

ANSWERS = ".copier-answers.yml"
MOST = 10_000  # answers, and parts of them
UNDER_WAY = {
    "MERGE_HEAD": "merge",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "BISECT_LOG": "bisect",
}
"""By the file that Git keeps meanwhile, what it is in the middle of."""


def check(template: str | None) -> tuple[dict[str, Any], bool]:
    """The answers of the last commit, and whether an update by Copier alone left conflicts. Raises FactoryError.

    `template` is the address that a person gives in place of the recorded one, which is then not checked.
    """
    git.changes()  # fails where there is no repository
    if git.commit() is None:
        raise FactoryError("nothing is committed yet: commit the project, then update")
    answers = parse(git.show("HEAD", f"./{ANSWERS}"))
    _check_operations()
    conflicts = bool(git.unmerged()) and _is_updated(answers)
    if not conflicts:
        check_clean()
    _check_overlooked()
    if git.is_shallow():
        raise FactoryError(
            "the history, which has the release that the project began with, is not here: `git fetch --unshallow`"
        )
    if not template:
        check_template(answers["_src_path"])
    return answers, conflicts


def check_clean() -> None:
    """Refuse what an update that fails would take back with its own changes. Raises FactoryError."""
    if git.changes():
        raise FactoryError("there are uncommitted changes: commit or stash them, then update")


def parse(text: str | None) -> dict[str, Any]:
    """The answers in Copier's file. Raises FactoryError unless they name the template and its release, and are not too many."""
    try:
        answers: dict[str, Any] = yaml.safe_load(text or "")
        if not _is_small(answers):
            raise FactoryError(f"{ANSWERS}: holds more than {MOST:,} values once its aliases are written out")
        if all(isinstance(answers[name], str) for name in ("_src_path", "_commit")):
            return answers
    except (yaml.YAMLError, ValueError, RecursionError, KeyError, TypeError):
        pass
    raise FactoryError(f"{ANSWERS}: does not name the template and its release (_src_path, _commit)")


def _is_small(answers: object) -> bool:
    """Whether there are few with each alias written out, of which a few lines can make thousands of millions."""
    waiting = [answers]
    for _ in range(MOST):
        if not waiting:
            return True
        value = waiting.pop()
        waiting += (
            [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else []
        )
    return False


def answers_of_release(answers: dict[str, Any]) -> dict[str, Any]:
    """The answers with which the files of the project's release were made, even if somebody has edited them since."""
    then = _last_updated()
    return then if then["_commit"] == answers["_commit"] else answers


def check_template(source: str) -> None:
    """Refuse another template than that of the project's beginning and of main, unless main's policy lists it.

    A branch may have changed the address, and one without a common history brings a beginning of its own: each counts.
    """
    place, main = git.main()
    policies = Policies(
        {str(policy.FILE): policy.load(), place: policy.parse(main and git.show(main, f"./{policy.FILE}"), place)}
    )
    known = {f"commit {commit[:8]}": _source(commit) for commit in git.adding(ANSWERS)}
    for where, address in (known | ({place: _source(main)} if main else {})).items():
        if source not in (address, *policies.templates):
            raise FactoryError(
                f"{ANSWERS}: the template is {source} here, and {address or 'missing'} in {where}: if it has moved, "
                f"add --template {source}, or list it under `templates` in {policy.FILE} on {place}"
            )
    is_relative = ":" not in source and not source.startswith(("/", "\\", "~"))
    if is_relative and not Path(source).exists():
        raise FactoryError(
            f"{ANSWERS}: the recorded address {source} is relative, and there is no Git repository there: "
            "give its place by --template"
        )


def check_answers(wanted: Mapping[str, Any], after: Mapping[str, Any], given: Mapping[str, str]) -> None:
    """Refuse to replace an answer that the newer template does not accept. Raises FactoryError."""
    for name, answer in wanted.items():
        if not name.startswith("_") and name not in given and after.get(name, answer) != answer:
            raise FactoryError(
                f"{name}: the newer template does not accept the answer {answer!r}: give another by --data {name}=…"
            )


def check_package(rendered: Path) -> None:
    """Refuse a name of the project that makes another package, away from the person's code. Raises FactoryError."""
    there, here = (
        sorted(path.parent.relative_to(folder).as_posix() for path in folder.glob("src/*/factory"))
        for folder in (rendered, Path())
    )
    if not {*there} <= {*here}:
        raise FactoryError(
            f"project_name: the package would be {', '.join(there)}, and this project's is {', '.join(here) or 'none'}: "
            "keep the name as it was, or move the package first"
        )


def _check_operations() -> None:
    for file, what in UNDER_WAY.items():
        if _git_file(file).exists():
            raise FactoryError(f"Git is in the middle of a {what}: finish or abort it (see `git status`), then update")
    if git.unmerged() and _git_file("MERGE_MSG").exists():
        raise FactoryError(
            "the last update's conflicts are not resolved: edit the marked lines and commit, or undo it by `git reset --hard`"
        )


def _check_overlooked() -> None:
    """Refuse changes of which Git says nothing, and which it would take back with those of an update that fails."""
    for line in run("git", "ls-files", "-v", ":/").splitlines():
        if line[0].islower():
            raise FactoryError(
                f"{line[2:]}: is marked as unchanged: `git update-index --no-assume-unchanged` it, then update"
            )


def _git_file(name: str) -> Path:
    return Path(run("git", "rev-parse", "--git-path", name))


def _source(commit: str) -> str | None:
    """The template's address in the commit."""
    try:
        return str(parse(git.show(commit, f"./{ANSWERS}"))["_src_path"])
    except FactoryError:
        return None


def _last_updated() -> dict[str, Any]:
    """The answers in the commit that brought the project's release."""
    last = run("git", "log", "--max-count=1", "--format=%H", "-G^_commit:", "--", ANSWERS)
    return parse(git.show(last, f"./{ANSWERS}"))


def _is_updated(answers: Mapping[str, Any]) -> bool:
    """Whether the files are of another release than the last commit."""
    try:
        return bool(parse(Path(ANSWERS).read_text(encoding="utf-8"))["_commit"] != answers["_commit"])
    except (OSError, ValueError, FactoryError):
        return False
