"""The diagrams in the documents, as pictures: GitHub draws them itself, the site shows these, so that it loads no library.

tools/screenshots.py draws them. Each picture is named by the text that it is of: a diagram that has changed has none.
"""

import hashlib
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs/diagrams"
BLOCK = re.compile(r"^```mermaid\n(.*?)^```", re.MULTILINE | re.DOTALL)
TITLE = re.compile(r"^\s*accTitle: *(.+)$", re.MULTILINE)
LIBRARY = "mermaid@11"
THEMES = {"light": "neutral", "dark": "dark"}
PAGE = """<!doctype html><meta charset="utf-8"><div id="drawn"></div><script src="{library}"></script><script>
mermaid.initialize({{startOnLoad: false, theme: "{theme}", htmlLabels: false, flowchart: {{htmlLabels: false}}, fontFamily: "sans-serif"}});
mermaid.render("diagram", {text}).then((made) => {{ document.getElementById("drawn").innerHTML = made.svg; }});
</script>"""


def picture(text: str, theme: str) -> Path:
    return FOLDER / f"{hashlib.sha256(text.encode()).hexdigest()[:12]}-{theme}.svg"


def texts() -> Iterator[str]:
    """The diagrams of all documents of the site, also of a project's."""
    for document in sorted([*(ROOT / "docs").rglob("*.md"), *(ROOT / "template/docs").glob("*.md*")]):
        yield from BLOCK.findall(document.read_text("utf-8"))


def shown(text: str, document: Path) -> str:
    """The text of the document with pictures in place of diagrams. Raises ValueError where one was not drawn."""

    def image(match: re.Match[str]) -> str:
        made = [picture(match[1], theme) for theme in THEMES]
        title = TITLE.search(match[1])
        if not title or not all(file.exists() for file in made):
            missing = (
                "run `nox -s screenshots` and commit docs/diagrams" if title else "give it a line accTitle, for who cannot see it"
            )
            raise ValueError(f"{document}: a diagram has no {'picture' if title else 'title'}: {missing}")
        paths = (os.path.relpath(file, document.parent) for file in made)
        return "\n".join(f"![{title[1]}]({path}#only-{theme})" for path, theme in zip(paths, THEMES, strict=True))

    return BLOCK.sub(image, text)


def draw(browser: str) -> None:
    """Draw those that have no picture, and delete pictures of none. Needs npm, which brings mermaid, and Chromium."""
    wanted = {picture(text, theme): (text, theme) for text in texts() for theme in THEMES}
    for file in set(FOLDER.glob("*.svg")) - wanted.keys():
        file.unlink()
    missing = {file: what for file, what in wanted.items() if not file.exists()}
    if not missing:
        return
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "install", "--silent", "--ignore-scripts", f"--prefix={folder}", LIBRARY], check=True)
        for file, (text, theme) in missing.items():
            file.write_text(drawn(browser, Path(folder), text, theme), "utf-8")
            print(file.relative_to(ROOT))


def drawn(browser: str, folder: Path, text: str, theme: str) -> str:
    page, library = folder / "page.html", folder / "node_modules/mermaid/dist/mermaid.min.js"
    page.write_text(PAGE.format(library=library.as_uri(), theme=THEMES[theme], text=json.dumps(text)), "utf-8")
    options = ["--headless", "--no-sandbox", f"--user-data-dir={folder}/profile", "--virtual-time-budget=20000", "--dump-dom"]
    done = subprocess.run([browser, *options, page.as_uri()], check=True, capture_output=True, text=True)
    svg = re.search(r'<div id="drawn">(<svg.*?</svg>)</div>', done.stdout, re.DOTALL)
    if not svg:
        raise ValueError(f"mermaid cannot draw:\n{text}")
    return svg[1].replace("<br>", "<br/>") + "\n"
