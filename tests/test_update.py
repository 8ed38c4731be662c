"""`copier update` brings what the template owns and leaves alone what the user owns, from every release, without a conflict."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Collection
from pathlib import Path

import copier
import pytest
import yaml
from conftest import CONFIG, COPIER, FLAT, ROOT, commit, git, history
from packaging.version import Version

YOURS = r"src/x/[^/]+\.py|tests/(?!__init__\.py)[^/]+\.py|notebooks/.*|docs/.*|data/.*"
SEEDS = (
    r"README\.md|AGENTS\.md|CLAUDE\.md|\.pre-commit-config\.yaml|SECURITY\.md|params\.yaml|dvc\.yaml|"
    r"\.github/(CODEOWNERS|actions/login/.*|dependabot\.yml|workflows/schedule-.*)"
)
PIPELINES = r"\.github/|\.gitlab|azure-pipelines|renovate\.json"
ANSWERS = ".copier-answers.yml"
SHIMS = {f"src/x/factory/{name}" for name in CONFIG["shims"]["default"].split()}


def files(project: Path) -> dict[str, bytes]:
    found = {file.relative_to(project).as_posix(): file.read_bytes() for file in project.rglob("*") if file.is_file()}
    return {name: content for name, content in found.items() if not name.startswith(".git/")}


def edit(file: Path, old: str, new: str) -> None:
    """Replace `old`, or with an empty `old` append."""
    text = file.read_text("utf-8") if file.exists() else ""
    assert old in text, f"{file}: the test is out of date"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text.replace(old, new, 1) if old else text + new, "utf-8")


def next_release(template: Path) -> None:
    """Everything that a release may do."""
    [factory] = template.glob("template/src/*/factory")
    edit(factory / "errors.py", "", "\n\nclass Extra(FactoryError):\n    pass\n")
    edit(factory / "extra.py", "", '"""A module that came later."""\n')
    (factory / "metrics/curves.py").unlink()
    (factory / "metrics/threshold.py").rename(factory / "metrics/cutoff.py")
    edit(template / "template/tests/factory/modules.py.jinja", "", "from x.factory import extra\n")
    edit(template / "template/pyproject.toml.jinja", '    "numpy>', '    "msgspec>=0.20",\n    "numpy>')
    edit(template / "template/pyproject.toml.jinja", '    "ruff>', '    "pyroma>=5",\n    "ruff>')
    edit(template / "template/pyproject.toml.jinja", "[[tool.mypy", '[tool.extra]\nowner = "template"\n\n[[tool.mypy')
    edit(template / "template/.gitignore.jinja", ".DS_Store\n", ".DS_Store\n/extra/\n")
    seeds = ("README.md.jinja", "AGENTS.md.jinja", ".pre-commit-config.yaml", "params.yaml.jinja", "dvc.yaml.jinja")
    for owned in ("src/{{ package }}/features.py", "docs/data.md", *seeds):
        edit(template / "template" / owned, "", "# what old projects never see\n")
    edit(template / "copier.yml", "license:\n", "team:\n  type: str\n  help: Which team?\n  default: none\n\nlicense:\n")
    edit(template / "includes/rules.jinja", "'license', 'target'] -%}", "'team', 'license', 'target'] -%}")
    edit(template / "template/team.txt.jinja", "", "{{ team }}\n")


@pytest.fixture(scope="module")
def releases(template, tmp_path_factory) -> Path:
    """The template's repository with release 1.0.0, the working tree, and a made-up 1.1.0."""
    folder = tmp_path_factory.mktemp("releases") / "template"
    shutil.copytree(template, folder)
    commit(folder, "0.9.0")
    commit(folder, "1.0.0")
    next_release(folder)
    commit(folder, "1.1.0")
    return folder


@pytest.fixture(scope="module")
def projects(releases, tmp_path_factory) -> dict[str, Path]:
    """An old and a fresh project, both as they were rendered."""
    folders = {ref: tmp_path_factory.mktemp("projects") / ref for ref in ("1.0.0", "1.1.0")}
    for ref, folder in folders.items():
        copier.run_copy(str(releases), folder, {"project_name": "x"}, vcs_ref=ref, defaults=True, quiet=True)
        commit(folder)
    return folders


@pytest.fixture
def old(projects, tmp_path) -> Path:
    folder = tmp_path / "Zoë 李 x" / "project"
    shutil.copytree(projects["1.0.0"], folder)
    return folder


def update(project: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """As people call it, without a terminal; what it changed is committed."""
    command = [*COPIER, "update", "--defaults", *options]
    done = subprocess.run(command, cwd=project, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode == 0:
        commit(project)
    return done


def assert_updated(project: Path, before: dict[str, bytes], fresh: Path, shims: Collection[str] = ()) -> None:
    """What is the user's is as before, the rest as in a fresh project, but for what both may edit and shims."""
    after, wanted = files(project), files(fresh)
    mine = {name for name in before.keys() | after.keys() | wanted.keys() if re.fullmatch(YOURS, name)}
    mine |= {name for name in before if re.fullmatch(SEEDS, name)}  # a seed that is new comes with an update
    assert {name: after.get(name) for name in mine} == {name: before.get(name) for name in mine}
    assert after.keys() - mine == wanted.keys() - mine | {*shims}
    assert {name for name in wanted.keys() - mine if after[name] != wanted[name]} <= {ANSWERS}
    answers = [{**yaml.safe_load(content[ANSWERS]), "_commit": 0, "_src_path": 0} for content in (after, wanted)]
    assert answers[0] == answers[1]


def test_an_untouched_project_becomes_a_fresh_one(old, projects):
    before = files(old)
    done = update(old)
    assert done.returncode == 0, done.stderr
    assert_updated(old, before, projects["1.1.0"])


def test_an_update_to_the_same_release_changes_nothing(projects, tmp_path):
    project = tmp_path / "project"
    shutil.copytree(projects["1.1.0"], project)
    before = files(project)
    assert update(project).returncode == 0
    assert files(project) == before


def test_what_the_user_did_survives(old, projects):
    [contract] = old.glob("src/*/contract.py")
    for name in ("__init__.py", "contract.py", "features.py", "model.py", "weather.py", "rain/gauge.py"):
        edit(contract.parent / name, "", "# my own line\n")
    for name in ("tests/test_mine.py", "docs/mine.md", "docs/data.md", "notebooks/mine.ipynb", ".github/workflows/mine.yml"):
        edit(old / name, "", "# my own line\n")
    (old / "README.md").write_text("# Rewritten\n")
    edit(old / "params.yaml", "test: 0.2", "test: 0.3")
    edit(old / "dvc.yaml", "", "  own:\n    cmd: echo mine\n")
    edit(old / ".gitignore", "", "/secret/\n")
    edit(old / ".pre-commit-config.yaml", "", "  - repo: https://example.com/mine\n    rev: v1\n    hooks: [{id: mine}]\n")
    edit(old / "pyproject.toml", '["x[factory]"]', '["pandas>=3", "x[factory]"]')
    edit(old / "pyproject.toml", '"factory-lint" }]', '"factory-lint" }, "syrupy>=5"]')
    edit(old / "pyproject.toml", 'version = "0.1.0"', 'version = "2.0.0"')
    edit(old / "pyproject.toml", "", "\n[tool.mine]\nkey = 1\n")
    edit(old / "tests/__init__.py", "import contract, features, model", "import contract, features, model, weather")
    for name in ("data/raw/flights-late-2013-01.parquet", "docs/experiments.md"):
        (old / name).unlink()
    commit(old)
    before = files(old)

    done = update(old)

    assert done.returncode == 0, done.stderr
    after, fresh = files(old), files(projects["1.1.0"])
    shared = {"pyproject.toml", ".gitignore", "tests/__init__.py", ANSWERS}
    mine = {name for name in before if before[name] != files(projects["1.0.0"]).get(name)} - shared
    assert len(mine) == 15
    assert {name: after.get(name) for name in mine} == {name: before[name] for name in mine}
    assert not after.keys() & {"data/raw/flights-late-2013-01.parquet", "docs/experiments.md"}
    assert not [name for name in after if name.endswith((".rej", ".orig"))]
    assert not [name for name, content in after.items() if re.search(rb"^(<<<<<<<|=======|>>>>>>>)", content, re.MULTILINE)]
    for name in shared - {ANSWERS}:  # each side's lines are all there, the template's in a fresh project's order
        kept = iter(after[name].decode().splitlines())
        edited = ("dependencies", "lint", "version", "from x import contract")
        assert all(line in kept for line in fresh[name].decode().splitlines() if not line.startswith(edited)), name
        assert set(before[name].splitlines()) <= set(after[name].splitlines()), name
    assert b'"2.0.0"' in after["pyproject.toml"]
    machine = {name for name in fresh if re.match(r"src/x/factory/|tests/factory/|team\.txt|LICENSE", name)}
    assert {name: after.get(name) for name in machine} == {name: fresh[name] for name in machine}
    assert not SHIMS & after.keys()
    assert not {"src/x/factory/metrics/curves.py", "src/x/factory/metrics/threshold.py"} & after.keys()


@pytest.mark.parametrize(("url", "expected"), [("s3://bucket/x", "s3://bucket/x"), (None, "s3://x-data")])
def test_storage_can_be_changed(old, url, expected):
    before = files(old)
    done = update(old, "--vcs-ref=:current:", "--data=storage=s3", *([f"--data=storage_url={url}"] if url else []))
    assert done.returncode == 0, done.stderr
    after = files(old)
    assert {name for name in after if after[name] != before[name]} == {ANSWERS, ".dvc/config", "pyproject.toml"}
    assert f"url = {expected}\n" in after[".dvc/config"].decode()
    assert b"dvc[s3]" in after["pyproject.toml"]


@pytest.mark.parametrize("options", [[], ["--vcs-ref=9.9.9"]], ids=["no template", "no such release"])
def test_a_failed_update_changes_nothing(old, releases, options):
    before = files(old)
    hidden = releases.with_name("hidden")
    if not options:
        releases.rename(hidden)
    try:
        assert update(old, *options).returncode != 0
    finally:
        if hidden.exists():
            hidden.rename(releases)
    assert files(old) == before
    assert git(old, "status", "--porcelain") == ""


def needs(project: Path) -> dict[str, list[str]]:
    """What of the factory each stage depends on."""
    stages = yaml.safe_load((project / "dvc.yaml").read_text("utf-8"))["stages"]
    every = {name: [place.replace("${package}", "src/x") for place in stage["deps"]] for name, stage in stages.items()}
    return {name: [place for place in places if "/factory/" in place] for name, places in every.items()}


@pytest.mark.parametrize("problem", ["classification", pytest.param("regression", marks=pytest.mark.nightly)])
@pytest.mark.parametrize("version", history() or [pytest.param("", marks=pytest.mark.skip("no release in the history"))])
def test_every_release_updates_to_the_newest(past, tmp_path, version, problem):
    old, fresh = tmp_path / "old", tmp_path / "fresh"
    answers = {"project_name": "x", "problem": problem}
    copier.run_copy(str(past), old, answers, vcs_ref=version, defaults=True, quiet=True)
    answers["ci"] = yaml.safe_load((old / ANSWERS).read_text("utf-8")).get("ci", "none")
    copier.run_copy(str(past), fresh, answers, vcs_ref="1000.0.0", defaults=True, quiet=True)
    commit(old)
    before = files(old)
    done = update(old)
    assert done.returncode == 0, done.stderr
    assert "uv run factory setup" in done.stderr
    with_files = Version(version) < Version("0.3.0")  # in dvc.yaml, instead of folders
    assert_updated(old, before, fresh, SHIMS if with_files else ())
    assert not [place for places in needs(old).values() for place in places if not (old / place).exists()]

    done = safely(old)

    assert (done.returncode, done.stderr) == (0, ""), done
    assert ("dvc.yaml: the stages now name the folders of factory/" in done.stdout) == with_files
    assert needs(old) == needs(fresh)
    assert_updated(old, before | {"dvc.yaml": files(old)["dvc.yaml"]}, fresh)


def pipelines(project: Path) -> set[str]:
    return {name for name in files(project) if re.match(PIPELINES, name)}


@pytest.mark.parametrize("options", [[], ["--data=license=MIT"]], ids=str)
def test_a_project_that_began_before_the_pipelines_gets_them_when_it_asks(past, tmp_path, options):
    project = tmp_path / "project"
    copier.run_copy(str(past), project, {"project_name": "x"}, vcs_ref="0.1.0", defaults=True, quiet=True)
    edit(project / ".github/workflows/mine.yaml", "", "# my own line\n")
    commit(project)
    assert update(project, *options).returncode == 0
    assert pipelines(project) == {".github/workflows/mine.yaml"}
    done = update(project, "--data=ci=github")
    assert done.returncode == 0, done.stderr
    assert {".github/workflows/code.yaml", ".github/workflows/mine.yaml"} < pipelines(project)


def test_pipelines_are_of_one_platform_and_stay(projects, old):
    edit(old / ".github/CODEOWNERS", "", "/src/ @example/team\n")
    edit(old / ".github/actions/login/action.yaml", "", "# my own line\n")
    edit(old / ".github/workflows/mine.yaml", "", "# my own line\n")
    commit(old)
    before = files(old)
    assert update(old).returncode == 0
    assert {name for name in pipelines(old) if not name.startswith(".github/")} == set()
    assert pipelines(old) == pipelines(projects["1.1.0"]) | {".github/workflows/mine.yaml"}
    assert {name: files(old)[name] for name in pipelines(old)} == {name: before[name] for name in pipelines(old)}


def test_no_release_runs_code():
    for sha in [*history().values(), None]:
        config = git(ROOT, "show", f"{sha}:copier.yml") if sha else (ROOT / "copier.yml").read_text("utf-8")
        assert not {"_tasks", "_migrations", "_jinja_extensions"} & yaml.safe_load(config).keys()


def safely(project: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """By the hook around Copier."""
    command = ["uv", "run", "--quiet", "--script", str(ROOT / "hooks/update.py"), str(project), *options]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)


def test_safe_update_is_an_update(old, projects):
    before = files(old)
    done = safely(old)
    assert (done.returncode, done.stderr) == (0, ""), done
    assert "from 1.0.0 to 1.1.0" in done.stdout
    assert_updated(old, before, projects["1.1.0"])
    commit(old)
    assert safely(old).stdout == "Release 1.1.0 is already the newest\n"
    assert git(old, "status", "--porcelain") == ""


@pytest.mark.parametrize("tagged", [True, False])
def test_a_project_of_a_commit_is_not_called_a_release(releases, tmp_path, tagged):
    template, project = shutil.copytree(releases, tmp_path / "template"), tmp_path / "project"
    edit(template / "template/team.txt.jinja", "", "later\n")
    commit(template)
    if not tagged:
        git(template, "tag", "--delete", *git(template, "tag").split())
    copier.run_copy(str(template), project, {"project_name": "x"}, vcs_ref="HEAD", defaults=True, quiet=True)
    commit(project)
    done = safely(project)
    if tagged:
        assert done.returncode == 1 and "1.1.0 is older than this project's commit 1.1.0-1-g" in done.stderr
    else:
        assert done.returncode == 0 and "The project is of the template's commit " in done.stdout
    assert "a newer commit or a branch by --release" in done.stdout + done.stderr


def test_edited_file_that_the_template_dropped_is_kept(old):
    edit(old / "src/x/factory/metrics/curves.py", "", "# mine\n")
    commit(old)
    done = safely(old)
    assert done.returncode == 3, done
    assert "! src/x/factory/metrics/curves.py: kept, as it was edited since generation" in done.stdout
    assert (old / "src/x/factory/metrics/curves.py").read_text("utf-8").endswith("# mine\n")


def test_an_edit_goes_where_the_file_has_moved(old):
    edit(old / "src/x/factory/metrics/threshold.py", "", "# mine\n")
    commit(old)
    done = safely(old)
    assert done.returncode == 3, done
    assert "✓ src/x/factory/metrics/threshold.py: your changes are in the file that the release moved it to\n" in done.stdout
    assert "! src/x/factory/metrics/cutoff.py: your edit was merged with the release's: review it, then " in done.stdout
    assert (old / "src/x/factory/metrics/cutoff.py").read_text("utf-8").endswith("# mine\n")
    assert not (old / "src/x/factory/metrics/threshold.py").exists()


def test_an_edit_of_a_module_that_became_a_package_is_made_there_or_kept_as_a_patch(past, tmp_path):
    project = tmp_path / "project"
    copier.run_copy(str(past), project, {"project_name": "x"}, vcs_ref=FLAT, defaults=True, quiet=True)
    factory = project / "src/x/factory"
    edited = {"gate.py": "gate/checks.py", "metrics.py": "metrics/definitions.py", "service/rows.py": "serving/parsing.py"}
    for name in edited:
        edit(factory / name, "", "# mine\n")
    edit(project / "dvc.yaml", "", "  own:\n    cmd: echo\n    deps: [src/x/factory/charts.py]\n")
    commit(project)
    done = safely(project)
    for name, place in edited.items():
        file, patch = factory / place, factory / f"{place}.patch"
        assert f" src/x/factory/{name}: has moved to src/x/factory/{place}, which " in done.stdout
        assert file.read_text("utf-8").endswith("# mine\n") != (patch.exists() and "\n+# mine\n" in patch.read_text("utf-8"))
        assert "<<<<<<<" not in file.read_text("utf-8")
    assert done.returncode == 3, done
    assert "! dvc.yaml: replace factory/charts.py by factory/evaluation/charts.py, its new place\n" in done.stdout
    assert SHIMS & files(project).keys() == {"src/x/factory/charts.py"}
    commit(project)
    assert safely(project).returncode == 0


def test_machinery_has_no_conflict(old, projects):
    name = "src/x/factory/errors.py"
    edit(old / name, "", "\n\nclass Mine(FactoryError):\n    pass\n")
    commit(old)
    done = safely(old)
    assert done.returncode == 3, done
    assert f"! {name}: is as released, because your fix conflicts with it; your fix is in {name}.patch: " in done.stdout
    assert files(old)[name] == files(projects["1.1.0"])[name]
    git(old, "checkout", "HEAD~0", "--", name)
    git(old, "apply", "--reverse", f"{name}.patch")
    assert files(old)[name] == files(projects["1.0.0"])[name]


def spoil_answers(project: Path, template: Path) -> None:
    edit(project / ANSWERS, "_src_path: ", "_src_path: /elsewhere")
    commit(project)


def spoil_tree(project: Path, template: Path) -> None:
    edit(project / "README.md", "", "not committed\n")


def spoil_commit(project: Path, template: Path) -> None:
    edit(project / ANSWERS, "_commit:", "_commitment:")
    commit(project)


def spoil_repository(project: Path, template: Path) -> None:
    shutil.rmtree(project / ".git")


def spoil_history(project: Path, template: Path) -> None:
    commit(project)
    full = project.with_name("full")
    shutil.move(project / ".git", full)
    git(project, "clone", "--quiet", "--bare", "--depth=1", full.as_uri(), ".git")
    git(project, "config", "core.bare", "false")
    git(project, "reset", "--quiet")


def spoil_branch(project: Path, template: Path) -> None:
    git(project, "branch", "other")
    edit(project / "README.md", "", "mine\n")
    commit(project)
    git(project, "checkout", "--quiet", "other")
    edit(project / "README.md", "", "theirs\n")
    commit(project)
    git(project, "merge", "--quiet", "--no-commit", "--strategy=ours", "@{-1}")


def spoil_name(project: Path, template: Path) -> None:
    edit(project / ANSWERS, "project_name: x", "project_name: another")
    commit(project)


SPOILED = {
    "another template": (spoil_answers, "if it has moved, add --template"),
    "not committed": (spoil_tree, "commit or stash"),
    "no release": (spoil_commit, "does not name the template and its release"),
    "no repository": (spoil_repository, "there is no Git repository here"),
    "no history": (spoil_history, "`git fetch --unshallow`"),
    "a merge": (spoil_branch, "in the middle of a merge"),
    "another package": (spoil_name, "project_name: the package would be src/another, and this project's is src/x"),
}


@pytest.mark.parametrize(("spoil", "message"), SPOILED.values(), ids=SPOILED)
def test_safe_update_refuses_in_one_line_and_changes_nothing(old, releases, spoil, message):
    spoil(old, releases)
    before = files(old)
    status = git(old, "status", "--porcelain") if (old / ".git").exists() else None
    done = safely(old)
    assert done.returncode == 1 and message in done.stderr and done.stderr.count("\n") == 1, done
    assert files(old) == before and (status is None or git(old, "status", "--porcelain") == status)


REFUSED = {
    "an older release": (["--release=0.9.0"], "0.9.0 is older than this project's release 1.0.0"),
    "no such release": (["--release=9.9.9"], "release 9.9.9 cannot be had from"),
    "no such answer": (["--data=ci=elsewhere"], "Invalid choice for 'ci'"),
    "an answer that does not fit another": (["--data=storage=s3"], "give another by --data storage_url=…"),
}


@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_asked_for_is_refused_in_one_line_and_changes_nothing(old, releases, options, message):
    before = files(old)
    done = safely(old, *options)
    assert done.returncode == 1 and message in done.stderr and done.stderr.count("\n") == 1, done
    assert files(old) == before and git(old, "status", "--porcelain") == ""


def test_templates_clone_without_the_projects_release_is_named(old, releases):
    clone = old.parent / "clone"
    git(releases, "clone", "--quiet", "--depth=1", "--branch=1.1.0", releases.as_uri(), str(clone))
    edit(old / ANSWERS, str(releases), str(clone))
    commit(old)
    done = safely(old, f"--template={clone}")
    assert done.returncode == 1 and "release 1.0.0 cannot be had from" in done.stderr and done.stderr.count("\n") == 1, done


def test_missing_template_is_named_and_nothing_changes(old, releases):
    before, hidden = files(old), releases.with_name("hidden")
    releases.rename(hidden)
    try:
        done = safely(old)
    finally:
        hidden.rename(releases)
    assert done.returncode == 1 and str(releases) in done.stderr and done.stderr.count("\n") == 1, done
    assert files(old) == before and git(old, "status", "--porcelain") == ""


def test_settings_of_git_change_nothing(old, projects, monkeypatch, tmp_path):
    settings = {"status.showUntrackedFiles": "all", "core.autocrlf": "true", "core.excludesFile": tmp_path / "ignores"}
    settings |= {"core.hooksPath": tmp_path / "hooks", "commit.gpgSign": "true", "gpg.program": "false"}
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks/post-checkout").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "hooks/post-checkout").chmod(0o755)
    (tmp_path / "ignores").write_text("*\n")
    for key, value in settings.items():
        git(tmp_path, "config", "--file", str(tmp_path / "settings"), key, str(value))
    before = files(old)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "settings"))
    done = safely(old)
    assert (done.returncode, done.stderr) == (0, ""), done
    assert_updated(old, before, projects["1.1.0"])


def test_conflicts_of_copier_are_undone_by_one_command(old, projects):
    edit(old / "pyproject.toml", 'version = "0.1.0"', 'version = "0.1.0" # mine')
    edit(old / "src/x/factory/errors.py", "", "\n\nclass Mine(FactoryError):\n    pass\n")
    commit(old)
    command = [*COPIER, "update", "--defaults"]
    done = subprocess.run(command, cwd=old, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert (
        done.returncode == 0
        and f"uv run hooks/update.py {shlex.quote(str(old.resolve()))}\n" in done.stderr
        and "<<<<<<<" in git(old, "diff")
    ), done
    (old / "pyproject.toml").write_text("<<<<<<<\n")  # with which neither uv nor the project's own command starts
    done = safely(old)
    assert done.returncode == 3 and "git stash list" in done.stdout, done
    assert 'version = "0.1.0" # mine' in (old / "pyproject.toml").read_text("utf-8")
    assert files(old)["src/x/factory/errors.py"] == files(projects["1.1.0"])["src/x/factory/errors.py"]
    assert "<<<<<<<" in git(old, "show", "stash@{0}:src/x/factory/errors.py")


@pytest.mark.parametrize("by_hand", [False, True], ids=["by --data", "by hand"])
def test_an_answer_can_be_changed(old, by_hand):
    if by_hand:
        edit(old / ANSWERS, "license: proprietary", "license: MIT")
        commit(old)
    done = safely(old, *([] if by_hand else ["--data=license=MIT", "--data=storage=s3", "--data=storage_url=s3://bucket"]))
    assert done.returncode == 0, done
    assert "Permission is hereby granted" in (old / "LICENSE").read_text("utf-8")
    assert ("s3://bucket" in (old / ".dvc/config").read_text("utf-8")) != by_hand
    assert yaml.safe_load((old / ANSWERS).read_text("utf-8"))["license"] == "MIT"


def test_another_platform_leaves_edited_pipelines(old):
    edit(old / ".github/workflows/code.yaml", "", "# mine\n")
    edit(old / ".github/CODEOWNERS", "", "* @example/team\n")
    commit(old)
    done = safely(old, "--data=ci=gitlab")
    assert done.returncode == 3 and "! .github/workflows/code.yaml: kept, as it was edited since generation" in done.stdout, done
    assert (old / ".github/workflows/code.yaml").read_text("utf-8").endswith("# mine\n")
    assert (old / ".gitlab-ci.yml").exists() and not (old / ".github/workflows/model.yaml").exists()
    assert (old / ".github/CODEOWNERS").read_text("utf-8").endswith("* @example/team\n")


def test_template_that_moved_is_named(old, releases):
    moved = shutil.copytree(releases, old.parent / "moved")
    edit(old / ANSWERS, str(releases), str(moved))
    commit(old)
    assert safely(old).returncode == 1
    assert safely(old, f"--template={moved}").returncode == 0
    commit(old)
    assert safely(old).returncode == 1  # until the policy lists it
    edit(old / "policy.yaml", "templates: []", f'templates: ["{moved}"]')
    commit(old)
    assert safely(old).stdout == "Release 1.1.0 is already the newest\n"


def test_template_that_moved_is_recorded(old, releases, monkeypatch):
    moved = shutil.copytree(releases, old.parent / "moved")
    monkeypatch.chdir(old.parent)
    done = safely(old, "--template=moved")
    assert done.returncode == 0 and f"to 1.1.0, with _src_path={moved}; next" in done.stdout, done
    assert yaml.safe_load((old / ANSWERS).read_text("utf-8"))["_src_path"] == str(moved)


def test_answer_that_the_template_no_longer_takes_is_not_replaced(old, releases):
    newer = shutil.copytree(releases, old.parent / "newer")
    edit(newer / "copier.yml", "default('license', 'proprietary')", "default('license', 'MIT')")
    text = (newer / "copier.yml").read_text("utf-8")
    (newer / "copier.yml").write_text(re.sub(r'\n    "Only us \(proprietary.*', "", text), "utf-8")
    edit(newer / "copier.yml", "'proprietary, MIT", "'MIT")
    commit(newer, "1.2.0")
    edit(old / ANSWERS, str(releases), str(newer))
    commit(old)
    before = files(old)
    done = safely(old, f"--template={newer}")
    assert done.returncode == 1, done
    assert files(old) == before and git(old, "status", "--porcelain") == ""
