"""What is not as released is found and can be accepted; what is, whatever the line endings, is not mentioned."""

from pathlib import Path

import pytest
from late_flights.factory.errors import FactoryError
from late_flights.factory.update import vendored
from late_flights.factory.workspace.migration import SHIM

from machinery.update.vendored_project import FACTORY, MACHINERY, RELEASE, RENDERED, manifest

PATCHES = FACTORY / "PATCHES"
WORKFLOW = Path(".github/workflows/code.yaml")


def test_a_project_as_released_differs_in_nothing(vendoring):
    assert not vendored.edited()
    assert set(vendored.released()) == {Path(name.replace("<package>", "x")) for name in RELEASE}


ANSWERS = {
    "older": ("ci: github", {"b"}),
    "compose": ("ci: github\ntarget: compose\nstorage: azure", {"b"}),
    "cluster": ("ci: github\ntarget: kubernetes\nstorage: s3", {"a", "b"}),
    "cluster on Azure": ("ci: github\ntarget: kubernetes\nstorage: azure", {"a", "b", "c", "d"}),
    "Azure": ("ci: github\ntarget: azureml\nstorage: s3", {"b", "c", "d"}),
    "Azure elsewhere": ("ci: azure\ntarget: azureml\nstorage: azure", {"c"}),
}
WORDS = {"a": "kubernetes", "b": "github", "c": "kubernetes_azure azureml", "d": "github kubernetes_azure azureml"}


@pytest.mark.parametrize("answers, expected", ANSWERS.values(), ids=ANSWERS)
def test_a_release_has_files_of_platforms_and_of_targets(vendoring, answers, expected):
    lines = (f"{'1' * 64}  {name} {words}\n" for name, words in WORDS.items())
    (FACTORY / "MANIFEST").write_text("".join(lines))
    Path(".copier-answers.yml").write_text(answers)
    assert {path.name for path in vendored.released()} == expected


def is_vendored(path: Path) -> bool:
    """As `factory check` asks it."""
    return vendored.is_machinery(path) or path in vendored.released()


@pytest.mark.parametrize("name", ["Dockerfile", MACHINERY, "tests/factory/test_machinery.py", WORKFLOW])
def test_an_edit_is_found(vendoring, name):
    Path(name).write_text("mine\n")
    assert vendored.edited() == [Path(name)]


def test_what_differs_by_project_is_the_templates_and_not_compared(vendoring):
    Path(RENDERED).write_text("from y import factory\n")
    assert not vendored.edited()
    Path(RENDERED).unlink()
    assert vendored.edited() == [Path(RENDERED)]


def test_line_endings_are_no_edit(vendoring):
    MACHINERY.write_bytes(b"WHEELS = 4\r\n")
    assert not vendored.edited()


def test_what_is_missing_is_named_among_the_machinery_only(vendoring):
    for file in (MACHINERY, WORKFLOW, Path("Dockerfile")):
        file.unlink()
    assert vendored.edited() == [MACHINERY]


def test_a_foreign_file_is_named_unless_git_ignores_it(vendoring):
    foreign = FACTORY / "Zoë's own 李.py"
    foreign.touch()
    (FACTORY / "__pycache__").mkdir()
    (FACTORY / "__pycache__/x.pyc").touch()
    assert vendored.edited() == [foreign]
    assert vendored.accept() == [foreign]
    assert not vendored.edited()


def test_what_an_older_dvc_yaml_needs_is_not_foreign(vendoring):
    (FACTORY / "casts.py").write_text(f"{SHIM}\n")
    assert not vendored.edited()
    (FACTORY / "casts.py").write_text(f"{SHIM}\nprint()\n")
    assert vendored.edited() == [FACTORY / "casts.py"]


def test_a_foreign_folder_that_hides_a_module_is_named(vendoring):
    Path("elsewhere").mkdir()
    link = FACTORY / "errors"  # Python would import it in place of errors.py
    link.symlink_to(Path("elsewhere").absolute())
    assert vendored.edited() == [link]
    assert vendored.accept() == [link]
    assert not vendored.edited()


def test_what_another_platform_has_is_the_projects_own(vendoring):
    Path(".copier-answers.yml").write_text("ci: none\n")
    WORKFLOW.write_text("mine\n")
    assert not vendored.edited() and not is_vendored(WORKFLOW)


def test_whose_a_file_is(vendoring):
    assert all(is_vendored(Path(name)) for name in ("Dockerfile", MACHINERY, FACTORY / "new.py", "tests/factory/new.py"))
    assert not any(is_vendored(Path(name)) for name in ("src/x/model.py", "tests/test_model.py", "README.md"))


def test_an_accepted_edit_is_listed_and_no_other(vendoring):
    MACHINERY.write_text("WHEELS = 5\n")
    Path("Dockerfile").unlink()
    WORKFLOW.write_text("mine\n")
    assert vendored.accept([MACHINERY]) == [MACHINERY]
    assert vendored.edited() == [WORKFLOW]
    assert [line for line in PATCHES.read_text().splitlines() if line[0] != "#"] == [
        f"{vendored.digest(MACHINERY.read_bytes())}  {MACHINERY}"
    ]
    assert vendored.accept() == [WORKFLOW] and not vendored.edited()


def test_another_edit_of_an_accepted_file_is_found(vendoring):
    MACHINERY.write_text("WHEELS = 5\n")
    vendored.accept()
    MACHINERY.write_text("WHEELS = 6\n")
    assert vendored.edited() == [MACHINERY]


def test_a_missing_file_can_be_accepted_and_its_return_is_no_edit(vendoring):
    MACHINERY.unlink()
    assert vendored.accept() == [MACHINERY] and not vendored.edited()
    MACHINERY.write_text("WHEELS = 4\n")
    assert not vendored.edited()


def test_a_file_of_ones_own_may_change_at_any_time(vendoring):
    Path("Dockerfile").write_text("FROM mine\n")
    assert vendored.accept([Path("Dockerfile")], own=True) == [Path("Dockerfile")]
    Path("Dockerfile").write_text("FROM another\n")
    assert not vendored.edited() and not vendored.accept()
    assert vendored.accepted() == {Path("Dockerfile"): vendored.OWN}


def test_what_an_update_finds_to_be_ones_own_may_change_from_then_on(vendoring):
    Path("Dockerfile").write_text("FROM mine\n")
    MACHINERY.write_text("not accepted\n")
    assert not vendored.renew([Path("Dockerfile"), Path("README.md")])
    assert vendored.accepted() == {Path("Dockerfile"): vendored.OWN} and vendored.edited() == [MACHINERY]


def test_an_update_to_a_release_without_a_manifest(vendoring):
    (FACTORY / "MANIFEST").unlink()
    assert not vendored.renew()


def test_an_edit_that_the_next_release_contains_is_no_longer_listed(vendoring):
    MACHINERY.write_text("WHEELS = 5\n")
    vendored.accept()
    fixed = RELEASE | {"src/<package>/factory/machinery.py": "WHEELS = 5\n"}
    (FACTORY / "MANIFEST").write_text(manifest(fixed))
    assert vendored.renew() == [f"{MACHINERY}: the release has your fix, so it is no longer listed in {PATCHES}"]
    assert not PATCHES.exists() and not vendored.renew()


def test_of_what_an_update_reports_otherwise_nothing_is_said(vendoring):
    PATCHES.write_text(f"{'1' * 64}  {MACHINERY}\n")
    assert not vendored.renew(reported=[MACHINERY]) and not PATCHES.exists()


def test_why_an_edit_is_no_longer_listed(vendoring):
    Path("Dockerfile").unlink()
    PATCHES.write_text(f"missing  {MACHINERY}\n{'1' * 64}  Dockerfile\n{'1' * 64}  .gitlab-ci.yml\n")
    assert vendored.renew() == [
        f".gitlab-ci.yml: it is no longer the template's, so it is no longer listed in {PATCHES}",
        f"Dockerfile: it no longer differs, so it is no longer listed in {PATCHES}",
        f"{MACHINERY}: it no longer differs, so it is no longer listed in {PATCHES}",
    ]


def test_an_edit_that_an_update_merged_is_renewed_and_reported(vendoring):
    MACHINERY.write_text("WHEELS = 5\n")
    vendored.accept()
    MACHINERY.write_text("WHEELS = 5\nDOORS = 2\n")
    Path("Dockerfile").write_text("not accepted\n")
    assert vendored.renew() == [f"{MACHINERY}: your edit was merged with the release's: review it"]
    assert vendored.edited() == [Path("Dockerfile")]


@pytest.mark.parametrize("line", ["<<<<<<< HEAD", f"{'0' * 63}  Dockerfile", f"{'0' * 64}"])
@pytest.mark.parametrize("name", ["MANIFEST", "PATCHES"])
def test_a_line_that_cannot_be_read_is_named(vendoring, name, line):
    (FACTORY / name).write_text(f"# x\n\n{line}\n")
    with pytest.raises(FactoryError, match=rf"^src/x/factory/{name}:3: is not a SHA-256 and a path: restore"):
        vendored.edited()


def test_a_missing_manifest_is_named(vendoring):
    (FACTORY / "MANIFEST").unlink()
    with pytest.raises(FactoryError, match=r"^src/x/factory/MANIFEST is missing: restore it"):
        vendored.edited()


def test_answers_that_cannot_be_read_are_named(vendoring):
    Path(".copier-answers.yml").write_text("- no answers\n")
    with pytest.raises(FactoryError, match=r"^.copier-answers.yml: cannot be read"):
        vendored.edited()


def test_elsewhere_than_in_a_project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FactoryError, match=r"^src/\*/factory is missing: run factory in the project's own folder$"):
        vendored.edited()
