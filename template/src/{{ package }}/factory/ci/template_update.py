"""Update the template without losing work: edited files that Copier would delete are kept, a failed update is undone."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from .. import platforms
from ..errors import FactoryError
from ..workspace import git, migration
from ..workspace.process import run

ANSWERS = ".copier-answers.yml"
COPIER = ("--from", "copier>=9.18", "copier")
WAIT = timedelta(days=7)  # as for other packages: by then broken releases are usually withdrawn
WHOLE_FILES = "--context-lines=100000"  # with fewer, an edit among similar lines can land in another block


@dataclass(frozen=True)
class Update:
    """From which release to which, the files that need attention, and what was migrated and what remains to be."""

    before: str
    after: str
    conflicts: list[str]
    kept: list[str]
    migrated: Sequence[str] = ()
    remaining: Sequence[str] = ()

    @property
    def exit_code(self) -> int:
        """0: clean; 2: conflicts; 3: files were kept that the template no longer has."""
        return 2 if self.conflicts else 3 if self.kept else 0

    def lines(self) -> list[str]:
        """The result in a line for each file, and what to do next."""
        newest = f"Release {self.after} is already the newest"
        updated = f"✓ Template updated from {self.before} to {self.after}; next: uv sync, uv run pytest, then commit"
        return [
            *(f"✗ {path}: conflict: edit the marked lines" for path in self.conflicts),
            *(f"! {path}: kept, as it was edited since generation; {_fate(path)}" for path in self.kept),
            *(f"! {line}" for line in self.remaining),
            *(f"✓ {line}" for line in self.migrated),
            newest if self.before == self.after else updated,
        ]


def update(template: str | None = None, release: str | None = None) -> Update:
    """Update the project in the current folder, by default to the newest release. Raises FactoryError.

    `template` is the template's new address, if it has moved.
    """
    if git.changes():
        raise FactoryError("there are uncommitted changes: commit or stash them, then update")
    before = _parse_answers(Path(ANSWERS).read_text(encoding="utf-8") if Path(ANSWERS).exists() else None)
    _check_template(before["_src_path"], template)
    try:
        edited = _edited_files(before)
        _copier("update", WHOLE_FILES, "--defaults", *(("--vcs-ref", release) if release else ()))
        kept = [path for path in edited if not Path(path).exists() or migration.new_place(path)]
        for path in kept:
            run("git", "checkout", "--quiet", "HEAD", "--", path)
        after = _parse_answers(Path(ANSWERS).read_text(encoding="utf-8"))
        _check_answers(before, after)
        migrated = migration.migrate()
    except BaseException:
        run("git", "reset", "--quiet", "--hard")
        run("git", "clean", "--quiet", "--force", "-d")
        raise
    conflicts = _git_lines("diff", "--name-only", "--diff-filter=U")
    return Update(before["_commit"], after["_commit"], conflicts, kept, migrated, migration.remaining())


def _fate(path: str) -> str:
    place = migration.new_place(path)
    return f"it has no effect any more: its content moved to {place}" if place else "the template no longer has it"


def _parse_answers(text: str | None) -> dict[str, Any]:
    try:
        answers: dict[str, Any] = yaml.safe_load(text or "")
        if all(isinstance(answers[name], str) for name in ("_src_path", "_commit")):
            return answers
    except (yaml.YAMLError, KeyError, TypeError):
        pass
    raise FactoryError(f"{ANSWERS}: does not name the template and its release (_src_path, _commit)")


def _check_template(source: str, expected: str | None) -> None:
    """Refuse a template other than the one the project was generated from, or the one that is named."""
    added = run("git", "log", "--diff-filter=A", "--format=%H", "--", ANSWERS).splitlines()[-1:]
    original = expected or _parse_answers(git.show(added[0], ANSWERS) if added else None)["_src_path"]
    if source != original:
        raise FactoryError(
            f"{ANSWERS}: this project's template is {original}, not {source}: if it has moved, add --template {source}"
        )


def _check_answers(before: dict[str, Any], after: dict[str, Any]) -> None:
    for name, answer in before.items():
        if not name.startswith("_") and after.get(name) != answer:
            raise FactoryError(
                f"{name}: the newer template does not accept the answer {answer!r}: answer again with `copier update`"
            )


def _edited_files(answers: dict[str, Any]) -> list[str]:
    """Files that were edited since generation."""
    tracked = _git_lines("ls-files")
    with tempfile.TemporaryDirectory() as folder:
        answers_file = Path(folder, "answers.yaml")
        answers_file.write_text(
            yaml.safe_dump({name: value for name, value in answers.items() if name[0] != "_"}), encoding="utf-8"
        )
        rendered = Path(folder, "rendered")
        options = ("--defaults", "--data-file", str(answers_file), "--vcs-ref", answers["_commit"])
        _copier("copy", *options, answers["_src_path"], str(rendered))
        return [path for path in tracked if _content(rendered / path) not in (None, _content(Path(path)))]


def _git_lines(*command: str) -> list[str]:
    return run("git", "-c", "core.quotePath=false", *command).splitlines()


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _copier(*arguments: str) -> None:
    age = f"--exclude-newer={datetime.now(UTC) - WAIT:%Y-%m-%d}"  # `uv tool` ignores the one in pyproject.toml
    command = (os.environ.get("UV", "uv"), "tool", "run", "--quiet", age, *COPIER, arguments[0], "--quiet")
    try:
        run(*command, *arguments[1:], env=platforms.git_env())
    except FactoryError as error:
        raise FactoryError(
            f"the update failed, nothing was changed: {str(error).rpartition(' failed: ')[2]}"
        ) from error
