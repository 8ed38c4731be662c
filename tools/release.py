"""Release what is committed: heading of the changelog, commit, tag and notes. `nox -s release -- X.Y.Z`.

Nothing is changed where a check fails; nothing is pushed.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml
from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).parents[1]
CHANGELOG = ROOT / "CHANGELOG.md"
NEXT = "## Next\n"
[CHANGES] = ROOT.glob("template/src/*/factory/changes.yaml")
sys.path += [str(ROOT / "tests"), str(ROOT / "tools")]

import manifest
from words import findings


def main() -> str | None:
    version = sys.argv[1] if len(sys.argv) == 2 else ""
    text = CHANGELOG.read_text("utf-8")
    if problems := [*about_version(version, text), *about_state(), *about_notes(version, notes(text))]:
        return "\n".join(f"✗ {problem}" for problem in problems)
    before = git("rev-parse", "HEAD").strip()
    CHANGELOG.write_text(text.replace(NEXT, f"## {version}\n", 1), "utf-8")
    try:
        git("commit", "--quiet", "--all", f"--message=Release {version}")
        git("tag", "--annotate", "--cleanup=verbatim", f"--message={version}\n\n{notes(text)}", f"v{version}")
    except subprocess.CalledProcessError as error:
        git("reset", "--quiet", "--hard", before)
        return f"✗ nothing is released: git {error.cmd[1]} failed"
    print(f"{notes(text)}\n\n✓ Released {version}; next: git push origin HEAD v{version}")
    return None


def about_version(version: str, text: str) -> Iterator[str]:
    """A normal PEP 440 version, newer than each heading and tag."""
    try:
        if str(Version(version)) != version:
            yield f"{version} is {Version(version)} in the normal form of PEP 440: write that"
        older = [*headings(text), *map(Version, git("tag", "--list", "v[0-9]*").split())]
        yield from [f"{version} is not newer than {max(older)}"] if older and Version(version) <= max(older) else []
    except InvalidVersion as error:
        yield f"{error}: name the release as X.Y.Z"


def about_state() -> Iterator[str]:
    """Everything is committed, and what is generated is current."""
    if changed := git("status", "--porcelain"):
        yield f"not committed: {', '.join(line[3:] for line in changed.splitlines())}"
    if manifest.MANIFEST.read_text("utf-8") != manifest.text():
        yield f"{manifest.MANIFEST.relative_to(ROOT)} is not current: python tools/manifest.py"


def about_notes(version: str, notes: str) -> Iterator[str]:
    """Each "You must" names the changes.yaml's change that checks it, and each new change is named by one."""
    if not notes:
        yield f"{CHANGELOG.name} has no text below `{NEXT.strip()}`"
    last = max(headings(CHANGELOG.read_text("utf-8")), default=Version("0"))
    changes = {release: set(entries) for release, entries in yaml.safe_load(CHANGES.read_text("utf-8")).items()}
    new = {release: ids for release, ids in changes.items() if Version(release) > last}
    yield from (
        f"{CHANGES.name}: {release} is not {version}" for release in new if release != re.match(r"[\d.]*", version)[0].rstrip(".")
    )
    duties = [paragraph for paragraph in re.split(r"\n\n|\n(?=- )", notes) if re.match(r"(- )?You must\b", paragraph)]
    named = [set(re.findall(r"`([a-z-]+)`", duty)) & set().union(*new.values()) for duty in duties]
    for duty, ids in zip(duties, named, strict=True):
        if not ids:
            yield f"{CHANGELOG.name}: `{' '.join(duty.split()[:8])} …` names no change of {CHANGES.name}, in backticks"
    for id in sorted(set().union(*new.values()) - set().union(*named)):
        yield f'{CHANGELOG.name}: no "You must" names `{id}` of {CHANGES.name}'
    yield from (f"{CHANGELOG.name}: write {better!r} for {word!r}" for word, better in findings(notes))


def headings(text: str) -> list[Version]:
    """The releases of the changelog."""
    return [Version(name) for name in re.findall(r"^## v?(\d\S*)", text, re.MULTILINE)]


def notes(text: str) -> str:
    """What the changelog has below the heading of the next release."""
    return text.partition(f"\n{NEXT}")[2].partition("\n## ")[0].strip()


def git(*command: str) -> str:
    return subprocess.run(["git", *command], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
