"""Release what is committed: heading of the changelog, commit, tag and notes. `nox -s release -- X.Y.Z`.

An organisation's fork releases X.Y.Z+acme.1 from a release that it has merged: its own notes are in CHANGELOG.acme.md, so that
CHANGELOG.md is upstream's alone. Nothing is changed where a check fails; nothing is pushed.
"""

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml
from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).parents[1]
UPSTREAM = ROOT / "CHANGELOG.md"
NEXT = "## Next\n"
[CHANGES] = ROOT.glob("template/src/*/factory/changes.yaml")
sys.path += [str(ROOT / "tests"), str(ROOT / "tools")]

import fork
import manifest
from factory.errors import FactoryError
from organisation import FILE, Organisation, load
from words import findings


def main() -> str | None:
    version = sys.argv[1] if len(sys.argv) == 2 else ""
    try:
        problems = [*about_version(version), *about_state(), *about_label(version), *about_notes(version)] or [*about_projects()]
    except InvalidVersion as error:
        problems = [f"{error}: name the release as X.Y.Z"]
    if problems:
        return "\n".join(f"✗ {problem}" for problem in problems)
    changelog, before = changelog_of(version), git("rev-parse", "HEAD").strip()
    text = notes_of(version)
    if NEXT in read(changelog):
        changelog.write_text(read(changelog).replace(NEXT, f"## {version}\n", 1), "utf-8")
    try:
        git("commit", "--quiet", "--all", "--allow-empty", f"--message=Release {version}")
        git("tag", "--annotate", "--cleanup=verbatim", f"--message={version}\n\n{text}", f"v{version}")
    except subprocess.CalledProcessError as error:
        git("reset", "--quiet", "--hard", before)
        return f"✗ nothing is released: git {error.cmd[1]} failed"
    print(f"{text}\n\n✓ Released {version}; next: git push origin HEAD v{version}")
    return None


def about_version(version: str) -> Iterator[str]:
    """A normal PEP 440 version, newer than each heading and tag."""
    new = Version(version)
    if str(new) != version:
        yield f"{version} is {new} in the normal form of PEP 440: write that"
    if new.local and not re.fullmatch(r"[a-z][a-z0-9]*\.[0-9]+", new.local):
        yield f"{version}: label a fork's release like {new.public}+acme.1"
    newest = max([*headings(read(UPSTREAM)), *tags()], default=Version("0.dev0"))
    if new <= newest:
        past = (
            f", whose tag leads projects past your {FILE}: delete it, also where it was pushed"
            if new.local and not newest.local
            else ""
        )
        yield f"{version} is not newer than {newest}{past}"


def about_label(version: str) -> Iterator[str]:
    """A fork's release has a label, and is of a release that it has merged."""
    new, upstream = Version(version), read(UPSTREAM)
    newest = max(headings(upstream), default=Version("0"))
    try:
        is_fork = bool(load().name)
    except FactoryError as error:
        yield str(error)
        return
    if bool(new.local) != is_fork:
        yield f"{version}: a label such as +acme.1 is for a fork, which {FILE} names, and a fork's releases have one"
    elif new.local and (Version(new.public) != newest or notes(upstream)):
        yield f"{version}: {UPSTREAM.name} is of {newest}{' and later' * bool(notes(upstream))}: merge a release, and name it by that"


def about_projects() -> Iterator[str]:
    """What organisation.yaml sets makes a project."""
    try:
        if load() != Organisation():
            fork.check()
    except FactoryError as error:
        yield str(error)


def about_state() -> Iterator[str]:
    """Everything is committed, and what is generated is current."""
    if changed := git("status", "--porcelain"):
        yield f"not committed: {', '.join(line[3:] for line in changed.splitlines())}"
    if manifest.MANIFEST.read_text("utf-8") != manifest.text():
        yield f"{manifest.MANIFEST.relative_to(ROOT)} is not current: python tools/manifest.py"


def about_notes(version: str) -> Iterator[str]:
    """There are notes, of which upstream's name the changes of changes.yaml that check what users must do."""
    changelog = changelog_of(version)
    if not notes_of(version):
        yield f"{changelog.name} has no text below `{NEXT.strip()}`"
    if changelog == UPSTREAM:
        yield from about_duties(version, notes_of(version))
        yield from (f"{UPSTREAM.name}: write {better!r} for {word!r}" for word, better in findings(notes_of(version)))


def about_duties(version: str, notes: str) -> Iterator[str]:
    """Each "You must" names the changes.yaml's change that checks it, and each new change is named by one."""
    last = max(headings(read(UPSTREAM)), default=Version("0"))
    changes = {release: set(entries) for release, entries in yaml.safe_load(CHANGES.read_text("utf-8")).items()}
    new = {release: ids for release, ids in changes.items() if Version(release) > last}
    yield from (
        f"{CHANGES.name}: {release} is not {version}" for release in new if release != re.match(r"[\d.]*", version)[0].rstrip(".")
    )
    duties = [paragraph for paragraph in re.split(r"\n\n|\n(?=- )", notes) if re.match(r"(- )?You must\b", paragraph)]
    named = [set(re.findall(r"`([a-z-]+)`", duty)) & set().union(*new.values()) for duty in duties]
    for duty, ids in zip(duties, named, strict=True):
        if not ids:
            yield f"{UPSTREAM.name}: `{' '.join(duty.split()[:8])} …` names no change of {CHANGES.name}, in backticks"
    for id in sorted(set().union(*new.values()) - set().union(*named)):
        yield f'{UPSTREAM.name}: no "You must" names `{id}` of {CHANGES.name}'


def changelog_of(version: str) -> Path:
    """The file with the release's own notes: a fork's is by its label."""
    label = Version(version).local
    return ROOT / f"CHANGELOG.{label.partition('.')[0]}.md" if label else UPSTREAM


def notes_of(version: str) -> str:
    """What projects get: the release's own notes, and in a fork those of the releases that came by a merge."""
    new, own = Version(version), notes(read(changelog_of(version)))
    if not new.local:
        return own
    last = max((Version(tag.public) for tag in tags() if tag.local), default=None)
    merged = [each for each in headings(read(UPSTREAM)) if (each > last if last else each == Version(new.public))]
    theirs = [f"## {each}\n\n" + notes(read(UPSTREAM), f"## {each}\n") for each in merged]
    return "\n\n".join(filter(None, [own, *theirs]))


def headings(text: str) -> list[Version]:
    """The releases of the changelog."""
    return [Version(name) for name in re.findall(r"^## v?(\d\S*)", text, re.MULTILINE)]


def notes(text: str, heading: str = NEXT) -> str:
    """What the changelog has below the heading, by default that of the next release."""
    return text.partition(f"\n{heading}")[2].partition("\n## ")[0].strip()


def read(changelog: Path) -> str:
    return changelog.read_text("utf-8") if changelog.exists() else ""


def tags() -> Iterator[Version]:
    """The releases that have a tag; another tag is none for Copier either."""
    for tag in git("tag", "--list", "v[0-9]*").split():
        with contextlib.suppress(InvalidVersion):
            yield Version(tag)


def git(*command: str) -> str:
    return subprocess.run(["git", *command], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
