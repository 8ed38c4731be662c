"""The guides by role, the tutorials and the how-to's work as they stand there, each in a fresh project or clone."""

import csv
import random
import re
import shutil
from collections.abc import Callable
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest
from conftest import ROOT, commit, copy_template, git
from guides import Shell, blocks, follow, guides, with_files
from workshop import run, wait

STATES = ("template", "project", "trained", "version")
TYPED = {  # by state, what brings a project from the one before to it
    "project": "uv run factory setup && git push --quiet --set-upstream origin main",
    "trained": "uv run dvc repro && git add --all && git commit -m 'Train' && uv run dvc push && git push",
    "version": "uv run factory promote -m 'The first model'",
}
GUIDES = guides()


def customers(file: Path) -> None:
    """A table that somebody may have: 2,000 customers, of whom a fifth left, as they called often and were new."""
    chance = random.Random(1)
    with file.open("w", encoding="utf-8", newline="") as table:
        rows = csv.writer(table)
        rows.writerow(["customer", "seen", "plan", "monthly", "calls", "months", "left"])
        for number in range(2000):
            calls, months, plan = chance.randrange(9), chance.randrange(60), chance.choice(["basic", "family", "business"])
            monthly = round({"basic": 19, "family": 39, "business": 79}[plan] * chance.uniform(0.8, 1.2), 2)
            left = chance.random() < 0.02 + 0.06 * calls * (months < 24) + 0.1 * (plan == "basic")
            seen = date(2026, 1, 1) + timedelta(days=number // 12)
            rows.writerow([f"c{number:05}", seen, plan, monthly, calls, months, "yes" if left else "no"])


def clone(place: Path) -> Path:
    """A clone of the template at its newest release, and a table beside it."""
    folder = place / "ai-factory"
    folder.mkdir(parents=True)
    commit(copy_template(folder), "v1000.0.0")
    customers(place / "table.csv")
    return folder


def fresh(rendered: Path, place: Path) -> Path:
    """A project that is not set up, with the files that guides name, and its Git remote."""
    project = with_files(rendered, place, "late-flights")
    git(place, "init", "--quiet", "--bare", "--initial-branch=main", "late-flights.git")
    git(project, "remote", "add", "origin", "../late-flights.git")
    return project


@pytest.fixture(scope="module")
def state(render, tmp_path_factory) -> Callable[[str, Path], Path]:
    """`state(name, place)` brings what guides of that state start from into the place: the folder to start in."""
    made: dict[str, Path] = {}

    def project(name: str) -> Path:
        if name not in made:
            before = STATES[STATES.index(name) - 1]
            place = tmp_path_factory.mktemp(name)
            folder = fresh(render(), place) if before == "template" else copied(project(before), place)
            run(folder, "bash", "-eo", "pipefail", "-c", TYPED[name])
            made[name] = folder
        return made[name]

    return lambda name, place: clone(place) if name == "template" else copied(project(name), place)


def copied(project: Path, place: Path) -> Path:
    """The project and what is beside it, in another place; its environment is made anew, as it names its folder."""
    shutil.copytree(project.parent, place, ignore=shutil.ignore_patterns(".venv"), dirs_exist_ok=True, symlinks=True)
    folder = place / project.name
    run(folder, "uv", "sync", "--quiet", "--frozen")  # the hooks of a first `git commit` need it
    return folder


def with_commands() -> set[Path]:
    """The documents that show commands to be typed, not only to be read."""
    pages = (ROOT / "docs").rglob("*.md")
    return {page for page in pages if any(kind == "bash" for kind, _ in blocks(page.read_text("utf-8")))}


def test_each_role_and_tutorial_has_commands_and_no_command_goes_untried():
    guides = {guide.file for guide in GUIDES}
    assert {*(ROOT / "docs/roles").glob("*.md"), *(ROOT / "docs/tutorials").glob("*.md")} <= with_commands() <= guides


def test_guides_are_short():
    long = {guide.name: len(guide.file.read_text("utf-8").splitlines()) for guide in GUIDES}
    assert not {name: length for name, length in long.items() if length > 150}


def test_guides_type_what_macos_has_too():
    """Its sed, date and coreutils are not GNU's; perl and shasum are the same."""
    typed = "\n".join(text for guide in GUIDES for kind, text in blocks(guide.file.read_text("utf-8")) if kind == "bash")
    assert re.findall(r"\bsed -i.*|\bdate .*-d\b.*|\b(?:sha256sum|md5sum|readlink -f|grep -P)\b.*", typed) == []


def test_commands_are_those_of_linux_and_macos():
    """GNU's sed and date have options that those of macOS lack; a block of the kind `diff` shows a change better."""
    shown = {page: page.read_text("utf-8") for page in with_commands()}
    gnu = re.compile(r"\bsed (?:-\w+ )*-\w*i\b|\bdate\b[^\n]* -d\b|\breadlink -f\b|\bgrep -\w*P\b|\bstat -c\b")
    assert not {page.name: found for page, text in shown.items() if (found := gnu.findall(text))}


def test_guides_and_pictures_ask_nobody_about_packages():
    """What OSV and the index know changes from day to day, and a test sends them no names."""
    scripts = [script for page in with_commands() for kind, script in blocks(page.read_text("utf-8")) if kind == "bash"]
    hubs = [line for script in scripts for line in script.splitlines() if "hooks/hub.py" in line]
    assert len(hubs) > 3 and not [line for line in hubs if not {"--osv=", "--index="} <= {*line.split()}]
    assert '"FLEET.csv", "hub", *OFFLINE' in (ROOT / "tools/screenshots.py").read_text("utf-8")


def test_each_guide_starts_from_a_state_that_there_is():
    assert {guide.state for guide in GUIDES} <= set(STATES)


def tried() -> list:
    long = {True: pytest.mark.nightly, False: pytest.mark.slow}
    return [pytest.param(guide, id=guide.name, marks=long[guide.nightly]) for guide in GUIDES]


@pytest.mark.parametrize("guide", tried())
def test_the_commands_of_a_guide_work_in_their_order(guide, state, tmp_path):
    with closing(Shell(state(guide.state, tmp_path / "desk"), tmp_path / "scratch")) as shell:
        follow(shell, guide.file.read_text("utf-8"))


def ended(pid: str) -> bool:
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True


@pytest.mark.parametrize(
    "page, complaint",
    {
        "```bash\ncd .. && false\n```": "failed",
        "```bash\ncd sub && name=x\n```\n```bash\necho $name in $(basename $PWD)\n```\n```text\ny in sub\n```": "y in sub is not in",
        "```bash\nsleep 600 & echo $! > pid\nexit 3\n```": "failed",
        "```bash\nread answer; echo $answer\n```": "failed",
    }.items(),
)
def test_what_does_not_work_is_noticed(tmp_path, page, complaint):
    (tmp_path / "desk/sub").mkdir(parents=True)
    with closing(Shell(tmp_path / "desk", tmp_path / "scratch")) as shell, pytest.raises(AssertionError, match=complaint):
        follow(shell, page)
    pid = tmp_path / "desk/pid"
    assert not pid.exists() or wait(lambda: ended(pid.read_text().strip()), 10)


def test_folder_variables_and_services_stay_from_block_to_block(tmp_path):
    (tmp_path / "desk/sub").mkdir(parents=True)
    with closing(Shell(tmp_path / "desk", tmp_path / "scratch")) as shell:
        follow(
            shell,
            "```bash\ncd sub && name=x\nsleep 600 &\n```\n```python\n# file.txt\na\n```\n"
            "```bash\necho $name $(cat file.txt)\nkill -0 $!\n```\n```text\nx a\n```\n```sh\nfalse\n```\n",
        )
        assert shell.folder == tmp_path / "desk/sub"
