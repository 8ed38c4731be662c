"""What documents show, done as it stands there: commands typed, changes applied, output compared."""

import os
import re
import select
import signal
import subprocess
from pathlib import Path
from typing import NamedTuple

from conftest import ROOT, git
from workshop import copy, run, wait

BLOCK = re.compile(r"^```(bash|diff|python|text)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILES = """
import polars as pl
rows = pl.read_parquet("data/raw/*-2013-04.parquet").with_columns(pl.col("scheduled_departure").dt.offset_by("1mo"))
day = pl.col("scheduled_departure").dt.strftime("%Y%m%d")
rows = rows.with_columns(flight=pl.col("flight").str.head(-8) + day).unique("flight", keep="first", maintain_order=True)
rows.head(100).write_csv("new-rows.csv")
rows.write_csv("next-month.csv")
rows.with_columns(passengers=pl.col("seats") - 1).write_csv("with-passengers.csv")
rows.with_columns(distance=-pl.col("distance")).write_csv("broken.csv")
"""
OF_FORECASTS = """
import polars as pl
rows = pl.read_parquet("data/raw/*-2013-04.parquet")
rows.with_columns(pl.col("hour").dt.offset_by("1mo")).write_csv("next-month.csv")
"""
START = re.compile(r"^<!-- starts from: (\w+)( nightly)? -->$", re.MULTILINE)


class Guide(NamedTuple):
    """A document whose commands work in their order, from a state: of the template's clone, or of a project."""

    file: Path
    state: str
    nightly: bool

    @property
    def name(self) -> str:
        return self.file.relative_to(ROOT / "docs").with_suffix("").as_posix()


def guides() -> list[Guide]:
    """The documents that say where they start."""
    found = {file: START.search(file.read_text("utf-8")) for file in sorted((ROOT / "docs").rglob("*.md"))}
    return [Guide(file, start[1], bool(start[2])) for file, start in found.items() if start]


def with_files(rendered: Path, place: Path, name: str = "project", script: str = FILES) -> Path:
    """A fresh project, and the files that the documents name, which Git leaves alone."""
    project = copy(rendered, place / name)
    git(project, "init", "--quiet", "--initial-branch=main")
    run(project, "uv", "run", "python", "-c", script)
    (project / ".git/info/exclude").write_text("/*.csv\n", "utf-8")
    return project


def blocks(text: str) -> list[tuple[str, str]]:
    """The fenced blocks, each with its language."""
    return BLOCK.findall(text)


def change(project: Path, diff: str) -> None:
    """Apply each `@@ file @@`: lines that begin with + replace those that begin with -, and the others stay."""
    for hunk in re.split(r"^@@ ", diff, flags=re.MULTILINE)[1:]:
        file, _, lines = hunk.partition(" @@\n")
        before, after = ("\n".join(line[1:] for line in lines.splitlines() if line[:1] != sign) for sign in "+-")
        text = (project / file).read_text("utf-8")
        assert text.count(before) == 1, hunk
        (project / file).write_text(text.replace(before, after), "utf-8")


def write(project: Path, module: str) -> None:
    """The first line says where the others go."""
    where, _, code = module.partition("\n")
    file = project / where.split()[-1]
    file.write_text((file.read_text("utf-8") + "\n\n" if "at the end of" in where else "") + code, "utf-8")


def seen(output: str, expected: str) -> None:
    """Each line of what is expected is in the output; an ellipsis stands for anything."""
    for line in expected.splitlines():
        pattern = r"\s+".join(map(re.escape, line.split())).replace("…", ".*")
        assert re.search(pattern, output), f"{line} is not in:\n{output}"


class Shell:
    """A terminal: the folder, variables and services stay from one block of commands to the next."""

    def __init__(self, folder: Path, scratch: Path, **env: str) -> None:
        self.folder, self._scratch = folder, scratch
        scratch.mkdir()
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "start_new_session": True}
        self._bash = subprocess.Popen(["bash", "-eo", "pipefail"], cwd=folder, env=os.environ | env, **pipes)

    @property
    def output(self) -> str:
        log = self._scratch / "output"
        return log.read_text("utf-8", "replace") if log.exists() else ""

    def type(self, script: str, seconds: float = 600) -> None:
        """Type the lines, up to the first that fails, which is an error."""
        (self._scratch / "block").write_text(script, "utf-8")
        block = f"source '{self._scratch}/block' </dev/null >>'{self._scratch}/output' 2>&1; pwd\n"
        self._bash.stdin.write(block.encode())
        self._bash.stdin.flush()
        answered, _, _ = select.select([self._bash.stdout], [], [], seconds)
        folder = self._bash.stdout.readline().decode().rstrip("\n") if answered else ""
        assert folder, f"{script}\n{'failed' if answered else f'takes more than {seconds} s'}:\n{self.output[-6000:]}"
        self.folder = Path(folder)

    def close(self) -> None:
        """End it, and what it has left running: a service has the time to answer what it was asked."""
        os.killpg(self._bash.pid, signal.SIGTERM)
        self._bash.wait(10)
        if not wait(lambda: not self._left_over(), 20):
            os.killpg(self._bash.pid, signal.SIGKILL)

    def _left_over(self) -> bool:
        try:
            os.killpg(self._bash.pid, 0)
        except ProcessLookupError:
            return False
        return True


def follow(shell: Shell, text: str) -> None:
    """Do what the blocks of the document show, in their order."""
    for kind, block in blocks(text):
        match kind:
            case "bash":
                shell.type(block)
            case "diff":
                change(shell.folder, block)
            case "python":
                write(shell.folder, block)
            case "text":
                seen(shell.output, block)
