"""Write factory/MANIFEST: what `factory check` in a project compares the template's plain files with.

python tools/manifest.py (needs Jinja, pathspec and PyYAML, which come with Copier)
"""

import sys
from collections.abc import Collection
from itertools import product
from pathlib import Path

import yaml
from jinja2 import Environment, FileSystemLoader, PrefixLoader
from pathspec import GitIgnoreSpec

ROOT = Path(__file__).parents[1]
TEMPLATE = ROOT / "template"
FACTORY = TEMPLATE / "src/{{ package }}/factory"
MANIFEST = FACTORY / "MANIFEST"
POLICY = "policy.yaml.jinja"
sys.path.insert(0, str(FACTORY.parent))

from factory.update.vendored import RENDERED, TESTS, digest

TARGETS = {
    "compose": {"target": "compose", "storage": ""},
    "kubernetes": {"target": "kubernetes", "storage": ""},
    "kubernetes_azure": {"target": "kubernetes", "storage": "azure"},
    "azureml": {"target": "azureml", "storage": ""},
}
"""By word in the manifest, the answers that it stands for; `storage` matters to Kubernetes alone."""
HEADER = """\
# The template's files in this release: SHA-256, path, and on which platforms or targets a project has the file, if not on all.
# `rendered`: differs by project, so it is not compared.
"""


def main() -> None:
    MANIFEST.write_text(text(), "utf-8")


def text() -> str:
    """A line for each file: SHA-256, path, and the answers to `ci` and `target` with which a project has it, if not with all."""
    config = yaml.safe_load((ROOT / "copier.yml").read_text("utf-8"))
    platforms = config["ci"]["choices"].values()
    left_out = {(ci, target): excluded(config, ci, target) for ci, target in product(platforms, TARGETS)}
    lines = [HEADER]
    for path, known in files(config).items():
        places = [place for place, spec in left_out.items() if not spec.match_file(path)]
        of_platform, of_target = ([*dict.fromkeys(part)] for part in zip(*places, strict=True)) if places else ([], [])
        assert len(places) == len(of_platform) * len(of_target), f"{path}: depends on both at once"
        if places:
            words = [*named(of_platform, platforms), *named(of_target, TARGETS)]
            lines.append("  ".join((known, " ".join((path.replace("{{ package }}", "<package>"), *words)))) + "\n")
    return "".join(lines)


def named(places: list[str], every: Collection[str]) -> list[str]:
    """Those to be named: none if the file is everywhere; what holds of a target holds of it with storage on Azure, too."""
    return (
        []
        if len(places) == len(every)
        else [place for place in places if place.partition("_")[0] not in places or "_" not in place]
    )


def files(config: dict) -> dict[str, str]:
    """The SHA-256 of each file that is the same in every project and no seed; `rendered` for others of the machinery."""
    seeds, found = GitIgnoreSpec.from_lines(config["_skip_if_exists"]), {}
    for file in sorted(file for file in TEMPLATE.rglob("*") if file.is_file() and file != MANIFEST):
        path = file.relative_to(TEMPLATE).as_posix()
        if path == POLICY:
            found[path.removesuffix(".jinja")] = digest(of_no_organisation(path).encode())
        elif file.suffix != ".jinja" and not seeds.match_file(path):
            found[path] = digest(file.read_bytes())
        elif file.is_relative_to(TEMPLATE / TESTS) or (file.is_relative_to(FACTORY) and "{%" not in file.name):
            found[path.removesuffix(".jinja")] = RENDERED
    return found


def of_no_organisation(path: str) -> str:
    """The file as it is without organisation.yaml, so that its line is the same in every fork; ORGANISATION has the other."""
    folders = {name: FileSystemLoader(ROOT / name) for name in ("includes", "template")}
    extensions = ["jinja2_ansible_filters.AnsibleCoreFiltersExtension"]  # as Copier has them
    jinja = Environment(loader=PrefixLoader(folders), extensions=extensions, keep_trailing_newline=True)
    return jinja.get_template(f"template/{path}").render()


def excluded(config: dict, ci: str, target: str) -> GitIgnoreSpec:
    """What an update leaves alone, and what a project on another platform or with another target does not have."""
    answers = {"_copier_operation": "update", "ci": ci, "problem": "", "shims": "", **TARGETS[target]}
    lines = (Environment().from_string(line).render(answers) for line in config["_exclude"])
    return GitIgnoreSpec.from_lines("\n".join(lines).splitlines())


if __name__ == "__main__":
    main()
