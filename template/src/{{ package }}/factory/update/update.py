"""Update the project to another release of the template: all of it, or nothing."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import FactoryError
from ..workspace import git, migration
from ..workspace.process import run
from . import changes, merge, preconditions, releases, vendored

ACCEPT = (
    "your edit was merged with the release's: review it, then `uv run factory check --accept {path}`, or take it back"
)
COMMIT = re.compile(r"(.+-\d+-g)?[0-9a-f]{7,40}")  # by the name that `git describe` gives it
STASHED = "what Copier's update had left is in `git stash list`: drop it once you no longer need it"


@dataclass(frozen=True)
class Update:
    """From which release to which, and what is to be done, to be known, and done."""

    before: str
    after: str
    conflicts: Mapping[str, str] = field(default_factory=dict)
    attention: Sequence[str] = ()
    done: Sequence[str] = ()
    pending: Sequence[str] = ()
    answers: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_newest(self) -> bool:
        """Whether there was nothing to update."""
        return self.before == self.after and not self.answers

    @property
    def exit_code(self) -> int:
        """0: clean; 2: conflicts; 3: something needs attention."""
        return 2 if self.conflicts else 3 if self.attention else 0

    def lines(self, with_pending: bool = True) -> list[str]:
        """The result in a line for each file, and what to do next."""
        return [
            *(f"✗ {path}: {what}" for path, what in self.conflicts.items()),
            *(f"! {line}" for line in self.attention),
            *(f"! {line}" for line in self.pending if with_pending),
            *(f"✓ {line}" for line in self.done),
            self._summary(with_pending),
        ]

    def _summary(self, with_pending: bool) -> str:
        if self.is_newest and not self.conflicts:
            if COMMIT.fullmatch(self.after):
                return (
                    f"The project is of the template's commit {self.after}, not of a release, and there is nothing newer to take: "
                    "wait for a release, or give a newer commit or a branch by --release"
                )
            return f"Release {self.after} is already the newest"
        answers = ", ".join(f"{name}={value}" for name, value in self.answers.items())
        what = f"Template updated from {self.before} to {self.after}" + (f", with {answers}" if answers else "")
        if self.before == self.after and answers:
            what = f"Answers changed: {answers}"
            if "_src_path" in self.answers:  # it looks like an edit by hand
                what += " (give --template again until a newer release has come from there)"
        first = [f"resolve the conflicts in {', '.join(self.conflicts)}"] if self.conflicts else []
        if self.attention or (self.pending and with_pending):
            first.append("do what the lines with ! say")
        then = f"{', '.join(first)}, then " if first else ""
        return f"✓ {what}; next: {then}uv sync, uv run factory check, uv run pytest, and commit"


def update(template: str | None = None, release: str | None = None, data: Mapping[str, str] | None = None) -> Update:
    """Update the project in the current folder, by default to the newest release. Raises FactoryError.

    `template` is the template's new address, if it has moved; `data` has answers that change.
    """
    answers, leftover = preconditions.check(template)
    given = dict(data or {})
    moved = {"_src_path": address(template)} if template else {}
    with releases.render(answers | moved, release, given) as rendered:
        if leftover:
            run("git", "reset", "--quiet")  # or Git would not stash
            run("git", "stash", "push", "--quiet", "--include-untracked", "--message", "what Copier's update left")
        else:
            preconditions.check_clean()  # somebody may have been at work meanwhile
        try:
            outcome = merge.merge(rendered)
            outcome.done.extend(changes.apply(rendered.before))
            _renew(outcome, rendered.new)
        except BaseException as error:
            run("git", "reset", "--quiet", "--hard")
            run("git", "clean", "--quiet", "--force", "-d")
            if leftover:
                raise FactoryError(f"{error}; {STASHED}") from error
            raise
    attention = [*(f"{path}: {what}" for path, what in outcome.attention.items()), *([STASHED] if leftover else [])]
    pending = [*migration.remaining(), *map(str, changes.pending())]
    changed = given if moved.items() <= answers.items() else given | moved
    return Update(rendered.before, rendered.after, outcome.conflicts, attention, outcome.done, pending, changed)


def address(template: str) -> str:
    """The template's address, which for a folder does not depend on the current one."""
    return str(Path(template).resolve()) if Path(template).exists() else template


def _renew(outcome: merge.Outcome, release: Path) -> None:
    """Bring the accepted edits up to date, and ask about the others that are now in a file of the release."""
    before, reported = vendored.accepted(), {Path(path) for path in (*outcome.conflicts, *outcome.attention)}
    renewed = vendored.renew(outcome.own, reported)
    candidates = {*vendored.edited()} & {*git.staged()} - reported if vendored.has_manifest() else set()
    merged = [path for path in sorted(candidates) if _is_edited(path, release / path)]
    elsewhere = {f"{path}: {merge.BOTH}" for path in (*before, *merged)}
    outcome.done = [*(line for line in outcome.done if line not in elsewhere), *renewed]
    outcome.attention |= {str(path): ACCEPT.format(path=path) for path in merged}


def _is_edited(path: Path, released: Path) -> bool:
    return released.is_file() and released.read_bytes() != path.read_bytes()


def parse_data(options: Iterable[str]) -> dict[str, str]:
    """Answers by question, from KEY=VALUE. Raises FactoryError."""
    for option in options:
        if "=" not in option:
            raise FactoryError(f"--data {option}: is not KEY=VALUE")
    return dict(option.split("=", 1) for option in options)
