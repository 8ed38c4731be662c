"""Write factory/MANIFEST: what `factory check` in a project compares the template's plain files with.

python tools/manifest.py (needs Jinja, pathspec and PyYAML, which come with Copier)
"""

import sys
from pathlib import Path

import yaml
from jinja2 import Environment
from pathspec import GitIgnoreSpec

ROOT = Path(__file__).parents[1]
TEMPLATE = ROOT / "template"
FACTORY = TEMPLATE / "src/{{ package }}/factory"
MANIFEST = FACTORY / "MANIFEST"
sys.path.insert(0, str(FACTORY.parent))

from factory.update.vendored import digest


def main() -> None:
    MANIFEST.write_text(text(), "utf-8")


def text() -> str:
    """A line for each file: SHA-256, path, and the answers to `ci` with which a project has it, if not with all."""
    config = yaml.safe_load((ROOT / "copier.yml").read_text("utf-8"))
    left_out = {ci: excluded(config, ci) for ci in config["ci"]["choices"].values()}
    lines = ["# The template's files in this release: SHA-256, path, and on which platforms a project has the file.\n"]
    for file in plain(config):
        path = file.relative_to(TEMPLATE).as_posix()
        places = [ci for ci, spec in left_out.items() if not spec.match_file(path)]
        if places:
            named = "" if len(places) == len(left_out) else f" {' '.join(places)}"
            lines.append(f"{digest(file.read_bytes())}  {path.replace('{{ package }}', '<package>')}{named}\n")
    return "".join(lines)


def plain(config: dict) -> list[Path]:
    """Files that are the same in every project and that are not seeds."""
    seeds = GitIgnoreSpec.from_lines(config["_skip_if_exists"])
    files = (file for file in TEMPLATE.rglob("*") if file.is_file() and file.suffix != ".jinja" and file != MANIFEST)
    return sorted(file for file in files if not seeds.match_file(file.relative_to(TEMPLATE)))


def excluded(config: dict, ci: str) -> GitIgnoreSpec:
    """What an update leaves alone, and what a project on another platform does not have."""
    answers = {"_copier_operation": "update", "ci": ci, "problem": "", "shims": ""}
    lines = (Environment().from_string(line).render(answers) for line in config["_exclude"])
    return GitIgnoreSpec.from_lines("\n".join(lines).splitlines())


if __name__ == "__main__":
    main()
