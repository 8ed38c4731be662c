"""What people edit in files that they share with the template never adjoins what a release changes: Copier alone merges it."""

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import copier
import pytest
from conftest import ROOT, commit, git, history

PYPROJECT, GITIGNORE = "pyproject.toml", ".gitignore"
MARKER = "# The lines above are the template's: an update may change them.\n"
ADDED = {
    "a dependency": ["httpx>=0.28"],
    "the first of the alphabet": ["anyio>=4"],
    "a higher bound of the template's": ["polars>=2.1"],
    "to development": ["--dev", "syrupy>=5"],
    "to training": ["--group=train", "lightgbm>=4"],
    "to the checks": ["--group=lint", "pandas-stubs>=3"],
    "a group of its own": ["--group=mine", "mkdocs>=1.6"],
    "to the service": ["--optional=serve", "orjson>=3"],
    "an extra of its own": ["--optional=mine", "orjson>=3"],
    "a package from a folder": ["--editable", "./own"],
}
TYPED = {
    "a table at the top": (r"\A", "[tool.first]\nkey = 1\n\n"),
    "a table at the end": (r"\Z", "\n[tool.last]\nkey = 1\n"),
    "a table of uv's": (r"^(?=\[\[tool\.mypy)", '[[tool.uv.index]]\nname = "own"\nurl = "https://example.com/simple"\n\n'),
    "another date": (r"^exclude-newer = .*", 'exclude-newer = "2026-11-25T00:00:00Z"'),
    "no date": (r"^exclude-newer = .*\n", ""),
    "the first setting of uv": (r"^(?<=\[tool\.uv\]\n)", 'override-dependencies = ["certifi>=2024"]\n'),
    "the last setting of uv": (r"^(exclude-newer = .*\n)", r"\1exclude-newer-package = { certifi = false }\n"),
    "a constraint": (r"^(    # yours: other constraints\n)", r'\1    "urllib3>=2",\n'),
    "a file kept out of the wheel": (r"^(    # yours: what else a wheel .*\n)", r'\1    "notes.md",\n'),
    "another package in the wheel": (r"^(\[tool\.uv\.build-backend\]\n)", r'\1module-name = ["x", "y"]\n'),
    "its version": (r'^version = "0\.1\.0"', 'version = "2.0.0"'),
    "its newest Python": (r'^requires-python = ">=3\.11"', 'requires-python = ">=3.11,<3.14"'),
    "authors": (r"^(\[project\]\n)", r'\1authors = [{ name = "Zoë" }]\n'),
    "a command": (r'^(factory = ".*\n)', r'\1report = "x.report:main"\n'),
    "shorter lines": (r"^line-length = 120", "line-length = 100"),
    "more rules": (r'^(extend-select = \["B", )', r'\1"N", '),
    "no strictness": (r"^strict = true", "strict = false"),
    "a library without types": (r'^(module = \["mlflow\.\*", )', r'\1"shap.*", '),
    "branches": (r"^(\[tool\.coverage\.run\]\n)", r"\1branch = true\n"),
}
IGNORED = {"at the top": (r"\A", "/first/\n"), "at the end": (r"\Z", "/last/\n")}


def replace(pattern: str, new: str, text: str) -> str:
    changed = re.sub(pattern, new, text, count=1, flags=re.MULTILINE)
    assert changed != text, f"{pattern}: the test is out of date"
    return changed


def next_release(text: str) -> str:
    """Each list of the template's part of pyproject.toml changes at its top, at its end and in each bound; new ones come after them."""
    part, marker, rest = text.partition(MARKER)
    part = re.sub(r"([<>]=?)(\d)", r"\g<1>1\2", part)
    part = re.sub(r" = \[\n", ' = [\n    "first",\n', part)
    part, lists = re.subn(r"(,\n)((\n    # yours.*\n)?\]\n)", r'\1    "last",\n\2', part)
    assert lists == 7
    for before, new in (("\n# yours: `uv add --optional", 'factory-new = ["new"]\n'), ("\n# ----", 'factory-newer = ["new"]\n')):
        part = replace(before, f"{new}{before}", part)
    return replace(r"^(?=\[project\.optional)", "[tool.new]\nkey = 1\n\n", part) + marker + rest


def next_ignored(text: str) -> str:
    """Each paragraph of the template's part changes at its top and at its end."""
    part, marker, rest = text.partition("\n# ----")
    return re.sub(r"(^#.*\n)((?:.+\n)*.+)", r"\1/newer/\n\2\n/newest/", part, flags=re.MULTILINE) + marker + rest


@pytest.fixture(scope="module")
def fresh(template, tmp_path_factory) -> dict[str, Path]:
    """Projects of the shared files alone, of release 1.0.0 and of 1.1.0, which changes what releases may change there."""
    place = tmp_path_factory.mktemp("zones")
    source = place / "template"
    shutil.copytree(template / "includes", source / "includes")
    shutil.copy(template / "copier.yml", source)
    (source / "template").mkdir()
    for name in (f"{PYPROJECT}.jinja", f"{GITIGNORE}.jinja", "{{ _copier_conf.answers_file }}.jinja"):
        shutil.copy(template / "template" / name, source / "template")
    commit(source, "1.0.0")
    for name, change in ((PYPROJECT, next_release), (GITIGNORE, next_ignored)):
        file = source / f"template/{name}.jinja"
        file.write_text(change(file.read_text("utf-8")), "utf-8")
    commit(source, "1.1.0")
    for release in ("1.0.0", "1.1.0"):
        copier.run_copy(str(source), place / release, {"project_name": "x"}, vcs_ref=release, defaults=True, quiet=True)
        commit(place / release)
    return {release: place / release for release in ("1.0.0", "1.1.0")}


@pytest.fixture
def project(fresh, tmp_path) -> Path:
    return shutil.copytree(fresh["1.0.0"], tmp_path / "project")


def leaves(value: object, *where: str) -> Iterator[tuple[str, ...]]:
    """Each value and where it is; the order of a list is nobody's."""
    if isinstance(value, dict) and value:
        for key, each in value.items():
            yield from leaves(each, *where, key)
    elif isinstance(value, list):
        for each in value:
            yield from leaves(each, *where, "[]")
    else:
        yield *where, repr(value)


def content(folder: Path) -> dict[str, set[object]]:
    parsed = tomllib.loads((folder / PYPROJECT).read_text("utf-8"))
    return {PYPROJECT: {*leaves(parsed)}, GITIGNORE: {*(folder / GITIGNORE).read_text("utf-8").splitlines()}}


def assert_merged(project: Path, fresh: dict[str, Path], **answers: str) -> None:
    """Copier alone brings the release; what was added, changed and removed before is as it was."""
    commit(project)
    before = content(project)
    copier.run_update(project, answers, defaults=True, overwrite=True, quiet=True)
    assert git(project, "diff", "--diff-filter=U") == ""
    after, old, new = content(project), content(fresh["1.0.0"]), content(fresh["1.1.0"])
    assert before != old
    for name in (PYPROJECT, GITIGNORE):
        assert after[name] == new[name] - (old[name] - before[name]) | (before[name] - old[name]), name


def add(project: Path, *words: str) -> None:
    subprocess.run(["uv", "add", "--frozen", "--quiet", *words], cwd=project, check=True, capture_output=True)


def package(project: Path) -> None:
    (project / "own").mkdir()
    (project / "own/pyproject.toml").write_text('[project]\nname = "own"\nversion = "1"\n')


def rewrite(file: Path, pattern: str, new: str) -> None:
    file.write_text(replace(pattern, new, file.read_text("utf-8")), "utf-8")


@pytest.mark.parametrize("words", ADDED.values(), ids=ADDED)
def test_a_package_that_uv_adds(project, fresh, words):
    package(project)
    add(project, *words)
    assert_merged(project, fresh)


@pytest.mark.parametrize(("pattern", "new"), TYPED.values(), ids=TYPED)
def test_what_people_write_into_pyproject(project, fresh, pattern, new):
    rewrite(project / PYPROJECT, pattern, new)
    assert_merged(project, fresh)


@pytest.mark.parametrize(("pattern", "new"), IGNORED.values(), ids=IGNORED)
def test_what_people_ignore(project, fresh, pattern, new):
    rewrite(project / GITIGNORE, pattern, new)
    assert_merged(project, fresh)


def test_all_of_it_at_once(project, fresh):
    package(project)
    for words in ADDED.values():
        add(project, *words)
    for name in TYPED.keys() - {"no date", "another date"}:
        rewrite(project / PYPROJECT, *TYPED[name])
    assert_merged(project, fresh)


def test_a_new_description_does_not_meet_a_new_version(project):
    rewrite(project / PYPROJECT, *TYPED["its version"])
    commit(project)
    copier.run_update(project, {"description": "Other"}, defaults=True, overwrite=True, quiet=True)
    found = tomllib.loads((project / PYPROJECT).read_text("utf-8"))["project"]
    assert (found["version"], found["description"]) == ("2.0.0", "Other")


def test_no_release_changes_what_people_own():
    """All below the marker is as in the first release that has it so; people have edited it since."""
    path = f"template/{PYPROJECT}.jinja"
    texts = [(ROOT / path).read_text("utf-8"), *(git(ROOT, "show", f"{sha}:{path}") + "\n" for sha in history().values())]
    assert len({text.partition(MARKER)[2] for text in texts if "\nfactory-train = [" in text}) == 1


def packages(requirements: list[str]) -> set[str]:
    return {each[: re.search(r"[^\w-]", each).start()] for each in requirements}


def test_a_wheel_carries_the_bounds_of_private_interfaces(fresh):
    """uv's constraints are not part of it."""
    extras = tomllib.loads((fresh["1.0.0"] / PYPROJECT).read_text("utf-8"))["project"]["optional-dependencies"]
    bounded = packages([each for each in extras["factory"] + extras["factory-serve"] if "<" in each])
    assert bounded == {"dataframely", "polars", "scikit-learn", "skops", "uvicorn"}


def test_each_package_has_a_bound_at_its_next_breaking_version(fresh):
    """But for types, which change no result."""
    parsed = tomllib.loads((fresh["1.0.0"] / PYPROJECT).read_text("utf-8"))
    lists = [*parsed["project"]["optional-dependencies"].values(), *parsed["dependency-groups"].values()]
    named = [each for group in lists for each in group if isinstance(each, str) and not each.startswith(("x[", "types-"))]
    assert packages(named) == packages(
        [each for each in [*named, *parsed["tool"]["uv"]["constraint-dependencies"]] if "<" in each]
    )
