"""How people edit a project, and how to tell whether an edit is still there."""

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .reading import facts, text

ANSWERS, PYPROJECT = ".copier-answers.yml", "pyproject.toml"
EVERY = "0.1.0 0.2.0 flat now"  # the last commit before the restructure, the working tree
OLD = "0.1.0 0.2.0 flat"
Act = Callable[[Path], object]
Check = Callable[[Path], bool]


class Unsuitable(Exception):
    """The project has not what the edit would change."""


@dataclass(frozen=True)
class Kind:
    """`name` says what somebody does to the file `path`; a report of it names the file, and in a shared file the `word`."""

    name: str
    path: str
    edit: Act
    kept: Check
    origins: str = EVERY
    word: str = ""
    runs: bool = True  # whether a project with it can be trained and promoted


def write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, "utf-8")


def _existing(path: Path) -> str:
    if not path.is_file():
        raise Unsuitable(path)
    return text(path)


def _replace(path: Path, pattern: str, new: Callable[[re.Match[str]], str]) -> None:
    old = _existing(path)
    changed = re.sub(pattern, new, old, count=1, flags=re.MULTILINE)
    if changed == old:
        raise Unsuitable(f"{path}: {pattern}")
    write(path, changed)


def says(path: str, *lines: str) -> Check:
    """Each line is there, wherever."""

    def kept(project: Path) -> bool:
        found = {line.strip() for line in text(project / path).splitlines()}
        return all(line.strip() in found for line in lines if line.strip())

    return kept


def contains(path: str, part: str) -> Check:
    return lambda project: part in text(project / path)


def lacks(path: str, part: str) -> Check:
    return lambda project: part not in text(project / path)


def holds(path: str, *wanted: tuple[str, str]) -> Check:
    return lambda project: set(wanted) <= facts(project / path)


def lines(name: str, path: str, new: str, after: str = "", *, top: bool = False, **more) -> Kind:
    """New lines at the end of a file, at its top, or after the line that matches."""

    def edit(project: Path) -> None:
        old = _existing(project / path)
        if after:
            _replace(project / path, rf"^.*{after}.*\n", lambda match: f"{match[0]}{new}\n")
        else:
            write(project / path, f"{new}\n{old}" if top else f"{old.rstrip()}\n{new}\n")

    return Kind(name, path, edit, more.pop("kept", says(path, *new.splitlines())), **more)


def change(name: str, path: str, pattern: str, new: str, kept: Check, **more) -> Kind:
    """The first match of a pattern becomes `new`."""
    return Kind(name, path, lambda project: _replace(project / path, pattern, lambda match: match.expand(new)), kept, **more)


def own(name: str, path: str, content: str, **more) -> Kind:
    """A file where the project has none."""

    def edit(project: Path) -> None:
        if (project / path).exists():
            raise Unsuitable(path)
        write(project / path, content)

    return Kind(name, path, edit, lambda project: text(project / path) == content, **more)


def rewritten(name: str, path: str, content: str, **more) -> Kind:
    def edit(project: Path) -> None:
        _existing(project / path)
        write(project / path, content)

    return Kind(name, path, edit, lambda project: text(project / path) == content.replace("\r\n", "\n"), **more)


def deleted(name: str, path: str, **more) -> Kind:
    def edit(project: Path) -> None:
        _existing(project / path)
        (project / path).unlink()

    return Kind(name, path, edit, lambda project: not (project / path).exists(), **more)


def moved(name: str, path: str, to: str, **more) -> Kind:
    def edit(project: Path) -> None:
        _existing(project / path)
        (project / to).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(project / path, project / to)

    return Kind(name, path, edit, lambda project: (project / to).exists() and not (project / path).exists(), **more)


def command(name: str, path: str, *words: str, kept: Check, **more) -> Kind:
    def edit(project: Path) -> None:
        if subprocess.run(words, cwd=project, stdin=subprocess.DEVNULL, capture_output=True).returncode:
            raise Unsuitable(name)

    return Kind(name, path, edit, kept, **more)


def uv_add(name: str, requirement: str, where: str, *options: str, **more) -> Kind:
    """As people do: uv sorts, and lays the list out anew."""
    kept = holds(PYPROJECT, (where, requirement))
    return command(name, PYPROJECT, "uv", "add", "--frozen", *options, requirement, kept=kept, word=_package(requirement), **more)


def _package(requirement: str) -> str:
    return re.split(r"[^\w-]", requirement)[0]


def _table(lines: list[str], table: str) -> tuple[int, int]:
    """The lines below a table's heading."""
    if f"[{table}]" not in lines:
        raise Unsuitable(table)
    start = lines.index(f"[{table}]") + 1
    ends = [number for number in range(start, len(lines)) if lines[number].startswith("[")]
    return start, min([*ends, len(lines)])


def _add_item(project: Path, table: str, key: str, item: str, place: str) -> None:
    found = _existing(project / PYPROJECT).splitlines()
    start, end = _table(found, table)
    first = next((number for number in range(start, end) if re.match(rf'"?{re.escape(key)}"? = \[', found[number])), None)
    if first is None:
        found.insert(start, f"{key} = [{item}]")
    elif re.search(end_of_list := r",?\s*\](\s*#.*)?$", found[first]):
        found[first] = re.sub(end_of_list, lambda match: f", {item}]{match[1] or ''}", found[first]).replace("[, ", "[")
    else:
        last = next(number for number in range(first, end) if found[number].startswith("]"))
        found.insert({"top": first + 1, "middle": (first + last + 1) // 2 + 1, "end": last}[place], f"  {item},")
    write(project / PYPROJECT, "\n".join(found) + "\n")


LISTS = {
    "dependencies": ("project", "dependencies"),
    "extra": ("project.optional-dependencies",),
    "group": ("dependency-groups",),
}


def by_hand(name: str, requirement: str, where: str, place: str, **more) -> Kind:
    """A dependency typed into a list: `dependencies`, `extra.NAME` or `group.NAME`."""
    kind, _, key = where.partition(".")
    table, key = (*LISTS[kind], key)[:2]
    item = f'"{requirement}"' if '"' not in requirement else f"'{requirement}'"
    kept = holds(PYPROJECT, (where, requirement))
    return Kind(
        name, PYPROJECT, lambda project: _add_item(project, table, key, item, place), kept, word=_package(requirement), **more
    )


def extended(name: str, table: str, key: str, value: str, place: str = "end", **more) -> Kind:
    """An item in a list of a tool's table."""
    kept = holds(PYPROJECT, (f"{table}.{key}", value))
    return Kind(name, PYPROJECT, lambda project: _add_item(project, table, key, f'"{value}"', place), kept, word=value, **more)


def setting(name: str, table: str, key: str, value: str, expected: str = "", **more) -> Kind:
    """A key of a table, changed or added."""

    def edit(project: Path) -> None:
        found = _existing(project / PYPROJECT).splitlines()
        start, end = _table(found, table)
        at = next((number for number in range(start, end) if found[number].startswith(f"{key} = ")), None)
        if at is not None and not found[at].rstrip().endswith(("[", "{")):
            found[at] = f"{key} = {value}"
        elif at is None:
            found.insert(start, f"{key} = {value}")
        else:
            raise Unsuitable(key)
        write(project / PYPROJECT, "\n".join(found) + "\n")

    kept = holds(PYPROJECT, (f"{table}.{key}".replace('"', ""), expected or value.strip('"')))
    return Kind(name, PYPROJECT, edit, kept, word=key, **more)


def table(name: str, heading: str, body: str, *expected: tuple[str, str], before: str = "", top: bool = False, **more) -> Kind:
    """A table of one's own: at the end, at the top, or before another."""
    new = f"[{heading}]\n{body}\n"

    def edit(project: Path) -> None:
        old = _existing(project / PYPROJECT)
        if before:
            _replace(project / PYPROJECT, rf"^\[{re.escape(before)}\]$", lambda match: f"{new}\n{match[0]}")
        else:
            write(project / PYPROJECT, f"{new}\n{old}" if top else f"{old.rstrip()}\n\n{new}")

    return Kind(name, PYPROJECT, edit, holds(PYPROJECT, *expected), word=heading.strip("[]"), **more)


def bounded(name: str, package: str, pattern: str, new: str, spec: str, **more) -> Kind:
    """The bound of a package of the template, changed; kept if it holds wherever the package is asked for."""

    def kept(project: Path) -> bool:
        return any(_package(value) == package and spec in value for _, value in facts(project / PYPROJECT))

    return change(name, PYPROJECT, pattern, new, kept, word=package, **more)
