"""Build the documentation site: docs/, and the documents of a project, with every link checked. `nox -s site` runs this.

python tools/site.py [FOLDER] (./site by default; needs zensical)
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from jinja2 import Environment, StrictUndefined

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))

import diagrams

ELSEWHERE = {"CHANGELOG.md": "changes.md", "CONTRIBUTING.md": "contributing.md"}
SAMPLE = {"package": "late_flights", "slug": "late-flights"}
LINK = re.compile(
    r"^```.*?^```|(?<!!)\[((?:[^][]|\[[^]]*\])*)\]\((?![\w+.-]+:|#)([^)#\s]+)(#[^)\s]*)?\)|`[^`\n]+`", re.MULTILINE | re.DOTALL
)
"""A link, or code in which there is none."""


def main(folder: str = "site") -> int | str:
    if Path(folder).exists() and not (Path(folder) / "404.html").exists():
        return f"{folder}: holds no site that could be replaced: name another folder"
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        try:
            stage(place)
        except ValueError as error:
            return str(error)
        code = build(place)
        if not code:
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(place / "site", folder)
    return code


def build(place: Path) -> int:
    """Make the site in `place/site`; a link that leads nowhere fails it."""
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    return subprocess.run(command, cwd=place, env=os.environ | {"NO_COLOR": "1"}).returncode


def stage(place: Path) -> None:
    """Write the site's sources there, in which links lead to pages. Raises ValueError if a diagram has no picture."""
    shutil.copy(ROOT / "mkdocs.yml", place)
    shutil.copytree(ROOT / "docs", place / "docs", ignore=shutil.ignore_patterns("*.md"))
    known, jinja = pages(), Environment(undefined=StrictUndefined, keep_trailing_newline=True)
    for source, page in known.items():
        text = source.read_text("utf-8")
        if source.suffix == ".jinja":
            text = jinja.from_string(text).render(SAMPLE)
        (place / "docs" / page).parent.mkdir(parents=True, exist_ok=True)
        (place / "docs" / page).write_text(adapted(diagrams.shown(source, text), source, known), "utf-8")


def pages() -> dict[Path, Path]:
    """By document of the repository, its page."""
    documents = {source: source.relative_to(ROOT / "docs") for source in (ROOT / "docs").rglob("*.md")}
    project = [source for source in (ROOT / "template/docs").iterdir() if ".md" in source.suffixes]
    documents |= {source: Path("project", source.name.removesuffix(".jinja")) for source in project}
    return documents | {ROOT / source: Path(page) for source, page in ELSEWHERE.items()}


def adapted(text: str, source: Path, known: dict[Path, Path]) -> str:
    """The text with links to pages; other files of the repository are named without one, a file that is missing stays an error."""

    def link(match: re.Match[str]) -> str:
        words, path, anchor = match.groups("")
        if not path:
            return match[0]
        file = Path(os.path.normpath(source.parent / path))
        page = known.get(file) or known.get(file.with_name(f"{file.name}.jinja"))
        if page:
            return f"[{words}]({os.path.relpath(page, known[source].parent)}{anchor})"
        return words if file.exists() and not file.is_relative_to(ROOT / "docs") else match[0]

    return LINK.sub(link, text)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
