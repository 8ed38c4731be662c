"""Build the documentation site: docs/, and the documents of a project, with every link checked. `nox -s site` runs this.

python tools/site.py [FOLDER] (./site by default; needs zensical)
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from jinja2 import Environment, StrictUndefined

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "hooks")]

import diagrams
import organisation
from organisation import Organisation

ELSEWHERE = {"CHANGELOG.md": "changes.md", "CONTRIBUTING.md": "contributing.md"}
SAMPLE = {"package": "late_flights", "slug": "late-flights", "problem": "classification"}
LINK = re.compile(
    r"^```.*?^```|(!?)\[((?:[^][]|\[[^]]*\])*)\]\((?![\w+.-]+:|#)([^)#\s]+)(#[^)\s]*)?\)|`[^`\n]+`", re.MULTILINE | re.DOTALL
)
"""A link, or code in which there is none."""


def main(folder: str = "site") -> int | str:
    if Path(folder).exists() and not (Path(folder) / "404.html").exists():
        return f"{folder}: holds no site that could be replaced: name another folder"
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        try:
            stage(place)
        except (ValueError, organisation.FactoryError) as error:
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


def stage(place: Path, own: Organisation | None = None) -> None:
    """Write the site's sources there, in which links lead to pages. Raises ValueError if a diagram has no picture.

    Name, logo and address are those of organisation.yaml, where it has them. Raises FactoryError where it is wrong.
    """
    own = own or organisation.load(ROOT)
    (place / "mkdocs.yml").write_text(settings((ROOT / "mkdocs.yml").read_text("utf-8"), own), "utf-8")
    shutil.copytree(ROOT / "docs", place / "docs", ignore=shutil.ignore_patterns("*.md"))
    if organisation.logo_url(own, ROOT):
        shutil.copy(ROOT / own.logo, place / "docs/logo.svg")
    known, jinja = pages(), Environment(undefined=StrictUndefined, keep_trailing_newline=True)
    for source, page in known.items():
        text = source.read_text("utf-8")
        if source.suffix == ".jinja":
            text = jinja.from_string(text).render(SAMPLE)
        (place / "docs" / page).parent.mkdir(parents=True, exist_ok=True)
        (place / "docs" / page).write_text(adapted(diagrams.shown(text, source), source, known), "utf-8")


def settings(text: str, own: Organisation) -> str:
    """mkdocs.yml as the organisation has it."""
    if own.name:
        text = re.sub(
            "^site_name: .*", lambda _: f"site_name: {json.dumps(f'AI Factory of {own.name}')}", text, flags=re.MULTILINE
        )
    if own.logo:
        text = text.replace("\ntheme:\n", "\ntheme:\n  logo: logo.svg\n  favicon: logo.svg\n")
    return text + (f"site_url: {json.dumps(own.site)}\n" if own.site else "")


def pages() -> dict[Path, Path]:
    """By document of the repository, its page."""
    documents = {source: source.relative_to(ROOT / "docs") for source in (ROOT / "docs").rglob("*.md")}
    project = [source for source in (ROOT / "template/docs").iterdir() if ".md" in source.suffixes]
    documents |= {source: Path("project", source.name.removesuffix(".jinja")) for source in project}
    return documents | {ROOT / source: Path(page) for source, page in ELSEWHERE.items()}


def adapted(text: str, source: Path, known: dict[Path, Path]) -> str:
    """The text with links to pages; other files of the repository are named without one, a file that is missing stays an error.

    Raises ValueError where a picture is missing, or not in docs/.
    """
    docs, place = ROOT / "docs", known[source].parent

    def link(match: re.Match[str]) -> str:
        mark, words, path, anchor = match.groups("")
        if not path:
            return match[0]
        file = Path(os.path.normpath(source.parent / path))
        page = known.get(file) or known.get(file.with_name(f"{file.name}.jinja"))
        if mark and not (file.is_file() and file.is_relative_to(docs)):
            raise ValueError(f"{source.relative_to(ROOT)}: {path} is not a picture in docs/")
        if page or mark:
            return f"{mark}[{words}]({os.path.relpath(page or file.relative_to(docs), place)}{anchor})"
        return words if file.exists() and not file.is_relative_to(docs) else match[0]

    return LINK.sub(link, text)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
