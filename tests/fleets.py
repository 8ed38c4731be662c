"""Made-up fleets: a small template with two releases, and projects of the first in bare repositories."""

import csv
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path

import yaml
from conftest import ROOT, commit, git

BRANCH = "factory/template-update"
FLEET, CHILD = ROOT / "hooks/fleet.py", ROOT / "hooks/waves/child.py"
LINES = "".join(f"line {number}\n" for number in range(20))
FACTORY = "src/x/factory"
OLD = {
    "Dockerfile": LINES,
    "pyproject.toml": '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.11"\n',
    f"{FACTORY}/__init__.py": "",
    f"{FACTORY}/errors.py": LINES,
}
NEW = OLD | {
    "Dockerfile": LINES.replace("line 3\n", "line three\n"),
    "pyproject.toml": OLD["pyproject.toml"] + "\n[tool.extra]\nkey = 1\n",
    f"{FACTORY}/extra.py": "EXTRA = 1\n",
}


def template(folder: Path) -> Path:
    """A repository with the releases v1.0.0 and v1.1.0."""
    for tag, files in (("v1.0.0", OLD), ("v1.1.0", NEW)):
        released = [name for name in files if name.startswith(FACTORY)]
        lines = [f"{sha256(files[name].encode()).hexdigest()}  {name}\n" for name in released]
        write(folder / "template", files | {f"{FACTORY}/MANIFEST": "".join(lines)})
        answers = "{{ _copier_conf.answers_file }}.jinja"
        write(folder / "template", {answers: "{{ _copier_answers|to_nice_yaml }}"})
        write(folder, {"copier.yml": "_subdirectory: template\n_templates_suffix: .jinja\nproject_name: {type: str}\n"})
        commit(folder, tag)
    return folder


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")


class Fleet:
    """The template, FLEET.csv and the projects beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.template = folder, template(folder / "template")
        self.lines: list[dict[str, str]] = []

    @property
    def state(self) -> Path:
        return self.folder / "state.json"

    def add(self, name: str, wave: str = "", files: Mapping[str, str] | None = None, main: str = "main", **line: str) -> Path:
        """A project, with what its people have changed."""
        work, bare = self.folder / "work" / name, self.bare(name)
        [first] = git(self.template, "rev-list", "--max-parents=0", "HEAD").splitlines()
        git(self.folder, "init", "--quiet", f"--initial-branch={main}", str(work))
        git(self.template, f"--work-tree={work}", "restore", f"--source={first}", "--", "template")
        for path in [*(work / "template").iterdir()]:
            path.rename(work / path.name)
        (work / "template").rmdir()
        (work / "{{ _copier_conf.answers_file }}.jinja").unlink()
        answers = {"_commit": "v1.0.0", "_src_path": str(self.template), "project_name": name}
        write(work, {".copier-answers.yml": yaml.safe_dump(answers)})
        commit(work)
        if files:
            write(work, files)
            commit(work)
        git(self.folder, "clone", "--quiet", "--bare", str(work), str(bare))
        self.line(name, wave=wave, **line)
        return bare

    def line(self, name: str, **cells: str) -> None:
        """A line of FLEET.csv."""
        defaults = {"url": f"{name}.git", "team": "a", "criticality": "low", "name": name, "branch": "", "wave": ""}
        self.lines.append(defaults | cells)

    def bare(self, name: str) -> Path:
        return self.folder / f"{name}.git"

    def command(self, *options: str, release: str = "1.1.0", apply: bool = True) -> list[str]:
        with (self.folder / "FLEET.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(self.lines[0]))
            writer.writeheader()
            writer.writerows(self.lines)
        chosen = ["--apply"] if apply else []
        where = [f"--state={self.state}", f"--template={self.template}"]
        return [
            sys.executable,
            str(FLEET),
            "update",
            str(self.folder / "FLEET.csv"),
            f"--release={release}",
            *where,
            *chosen,
            *options,
        ]

    def run(self, *options: str, env: Mapping[str, str] | None = None, **how: object) -> subprocess.CompletedProcess[str]:
        command = self.command(*options, **how)
        env = {**os.environ, **(env or {})}
        return subprocess.run(command, env=env, cwd=self.folder, capture_output=True, text=True)

    def proposal(self, name: str) -> str | None:
        """The commit that is proposed to a project."""
        return git(self.bare(name), "for-each-ref", "--format=%(objectname)", f"refs/heads/{BRANCH}") or None

    def merge(self, name: str, main: str = "main") -> None:
        git(self.bare(name), "update-ref", f"refs/heads/{main}", f"refs/heads/{BRANCH}")

    def push(self, name: str, branch: str, files: Mapping[str, str]) -> None:
        """Somebody commits to the branch."""
        work = self.folder / "work" / name
        git(work, "fetch", "--quiet", str(self.bare(name)), branch)
        git(work, "checkout", "--quiet", "--detach", "FETCH_HEAD")
        write(work, files)
        commit(work)
        git(work, "push", "--quiet", str(self.bare(name)), f"HEAD:refs/heads/{branch}")


def names(entries: Iterable[Mapping[str, str]], state: str) -> set[str]:
    return {entry["name"] for entry in entries if entry["state"] == state}
