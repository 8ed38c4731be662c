"""pyproject.toml: what people changed in that of an older release, carried into that of a newer one."""

import tomllib

import pytest
from late_flights.factory.update.union import merge

from machinery.update.pyprojects import NEW, OLD


def union(*edits, base=OLD, theirs=NEW):
    ours = base
    for old, new in edits:
        assert old in ours
        ours = ours.replace(old, new, 1)
    return merge("pyproject.toml", base, ours, theirs)


def without_comment(text):
    return "\n".join(line.partition(" #")[0] for line in text.splitlines())


def test_a_project_that_nobody_edited_is_as_the_release():
    assert union() == merge("pyproject.toml", OLD, OLD, NEW)
    assert union(("0.1.0", "1.4.0")).text == NEW.replace("0.1.0", "1.4.0")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('  "click>=8.3",', '  "anyio>=4",\n  "click>=8.3",', '    "late-flights[factory]",\n    "anyio>=4",\n]'),
        ('  "polars>=2.1",\n', '  "polars>=2.1",\n  "tenacity>=9"\n', '    "late-flights[factory]",\n    "tenacity>=9",\n]'),
        ('"numpy>=2.1",', '"numpy>=2.3", # a fault of 2.2', '    "late-flights[factory]",\n    "numpy>=2.3", # a fault of 2.2\n]'),
        ('"onnx>=1.20",', '# for our GPUs\n  "onnx>=1.20",', '{ include-group = "factory-train" },\n    # for our GPUs\n    "onnx>=1.20",'),
        ('"mlflow-skinny>=3.10"', '"mlflow-skinny>=3.10", "boto3>=1"', 'mlflow = ["late-flights[factory-mlflow]", "boto3>=1"]'),
        ('mlflow = ["mlf', 'plots = ["matplotlib"]\nmlflow = ["mlf', 'plots = ["matplotlib"]'),
        ('[project.scripts]\n', '[project.scripts]\nreport = "late_flights.report:main"\n', 'report = "late_flights.report:main"'),
        ('version = "0.1.0"', 'version = "0.1.0"\nauthors = [{ name = "Zoë" }] # us', 'authors = [{ name = "Zoë" }] # us'),
        ("line-length = 120", "line-length = 100 # as elsewhere", "line-length = 100 # as elsewhere"),
        ('"B", "D101", "I"]', '"B", "D101", "I", "N"]', 'extend-select = ["B", "I", "UP", "N"]'),
        ('"tests/**" = ["D101"]', '"tests/**" = ["D101", "S101"]', '[tool.ruff.lint.per-file-ignores]\n"tests/**" = ["S101"]'),
        ('["mlflow.*", "skops.*"]', '["mlflow.*", "shap.*", "skops.*"]', '["mlflow.*", "shap.*", "skops.*", "threadpoolctl.*"]'),
        ("[tool.ruff.lint]", "# Ours are stricter.\n[tool.ruff.lint]", "# Ours are stricter.\n[tool.ruff.lint]"),
    ],
)  # fmt: skip
def test_an_edit_has_its_place_in_the_new_layout(old, new, expected):
    merged = union((old, new))
    assert expected in merged.text
    assert merged.text.count("late-flights[factory]") == 1
    assert '"click>=8.3",\n  "numpy' in merged.text.partition("# yours")[2]


TABLE = "# Ours.\n[tool.own]\nx = { y = 1 } # kept\n"


@pytest.mark.parametrize(
    "edit",
    [
        ("[build-system]", f"{TABLE}\n[build-system]"),
        ("[project.scripts]", f"{TABLE}\n[project.scripts]"),
        ("[tool.hatch", f"{TABLE}\n[tool.hatch"),
        ("[tool.ruff]", f"{TABLE}\n[tool.ruff]"),
        ("tables of your own here.\n", f"tables of your own here.\n{TABLE}"),
        ("tables of your own here.\n", f"tables of your own here.\n\n{TABLE}"),
    ],
)
def test_an_own_table_is_below_the_marker_with_its_comments(edit):
    merged = union(edit)
    mine = merged.text.partition("# Yours from here")[2]
    assert TABLE in mine
    assert "lines above are" not in merged.text and "lines below are" not in merged.text
    assert union(edit, ("0.1.0", "0.2.0")).text.count("# Ours.") == 1
    assert not merged.notes


def test_own_groups_indexes_and_sources_are_carried():
    docs = 'docs = ["mkdocs>=1.6"]\n'
    more = '\n[[tool.uv.index]]\nname = "corp"\nurl = "https://pypi.example.com"\n\n[tool.uv.sources]\nlib = { index = "corp" }\n'
    merged = union(
        ("\n# The lines above are yours", f"{docs}\n# The lines above are yours"), ("own here.\n", f"own here.\n{more}")
    )
    assert docs in merged.text and merged.text.endswith(more)


def test_what_the_project_removed_stays_removed_or_is_told():
    merged = union(('  "numpy>=2.1",\n', ""), ('  "altair>=6.0",\n', ""), ('"D101", "I"', '"D101"'))
    assert 'extend-select = ["B", "UP"]' in merged.text
    assert merged.notes == [
        'dependency-groups.dev: altair>=6.0: you removed it; the release\'s own dependencies have "altair>=6.0"',
        'project.dependencies: numpy>=2.1: you removed it; the release\'s own dependencies have "numpy>=2.1"',
    ]


def test_settings_of_uv_are_the_projects():
    merged = union(("2026-11-20T", "2026-11-25T"), ("[tool.uv]\n", '[tool.uv]\nrequired-version = ">=0.10"\n'))
    assert 'exclude-newer = "2026-11-25T00:00:00Z"' in merged.text and 'required-version = ">=0.10"' in merged.text
    assert sorted(note.partition(":")[0] for note in merged.notes) == ["tool.uv.exclude-newer", "tool.uv.required-version"]


@pytest.mark.parametrize(
    "edits",
    [
        [('requires = ["hatchling"]', 'requires = ["hatchling", "hatch-vcs"]')],
        [('version = "0.1.0"', 'dynamic = ["version"]'), ("own here.\n", 'own here.\n[tool.hatch.version]\nsource = "vcs"\n')],
    ],
)
def test_a_build_system_that_the_project_needs_stays(edits):
    merged = union(*edits)
    assert 'build-backend = "hatchling.build"' in merged.text and "uv_build" not in merged.text
    assert "uv_build" in merged.notes[0] and merged.notes[0].startswith("build-system: yours stays")


def test_what_the_project_says_of_itself_stays():
    merged = union(('version = "0.1.0"', 'version = "1.4.0"'), theirs=NEW.replace('version = "0.1.0"', 'version = "0.3.0"'))
    assert merged.text == NEW.replace("0.1.0", "1.4.0")
    assert merged.notes == ['project.version: yours stays; the release has "0.3.0"']


def test_the_dependencies_on_itself_follow_the_projects_name():
    merged = union(('name = "late-flights"', 'name = "acme-flights"'))
    assert merged.text == NEW.replace('"late-flights', '"acme-flights')


def test_what_a_release_adds_to_a_table_that_the_project_removed_comes():
    table = '[project.optional-dependencies]\nmlflow = ["mlflow-skinny>=3.10"]\n'
    merged = union((table, ""))
    assert '"late-flights[factory-mlflow]"' not in merged.text
    assert "factory-mlflow" in merged.text and "[project.optional-dependencies]" in merged.text
    assert [note.partition(": ")[0] for note in merged.notes][-1] == "project.optional-dependencies.mlflow"


def test_quotes_and_spaces_of_the_project_are_no_changes():
    ours = OLD.replace('"', "'").replace(" = ", "=").replace("[ ", "[").replace("0.1.0", "0.2.0")
    merged = merge("pyproject.toml", OLD, ours, NEW)
    assert tomllib.loads(merged.text) == tomllib.loads(NEW.replace("0.1.0", "0.2.0"))
    assert "layout" in merged.notes[0]


def test_what_was_added_to_a_table_that_the_release_removed_stays_and_is_told():
    merged = union(('["src/late_flights"]', '["src/late_flights", "src/reports"]'))
    assert '\n[tool.hatch.build.targets.wheel]\npackages = ["src/reports"]\n' in merged.text
    assert [note.partition(":")[0] for note in merged.notes] == ["tool.hatch.build.targets.wheel"]
    commented = union(("[tool.hatch", "# Only the package.\n[tool.hatch"))
    assert "# Only the package." not in commented.text and "# Only the package." in commented.notes[0]


def test_both_bounds_of_a_package_hold():
    merged = union(('"numpy>=2.1"', '"numpy>=2.2"'), base=NEW, theirs=NEW.replace('"numpy>=2.1"', '"numpy>=2.3"'))
    assert '  "numpy>=2.2",\n  "numpy>=2.3",\n' in merged.text
    assert "numpy>=2.2" in merged.notes[0]
    both = union(('"onnx>=1.20"', '"onnx>=1.20", "x>=1"'), base=NEW, theirs=NEW.replace('"onnx>=1.20"', '"onnx>=1.20", "x>=2"'))
    assert '["dvc>=3.67", "onnx>=1.20", "x>=2", "x>=1"]' in both.text


def test_lists_laid_out_anew_are_told():
    merged = merge(
        "pyproject.toml", OLD, OLD.replace('\n  "', '\n      "').replace('"polars>=2.1",', '"polars>=2.1",\n      "x>=1",'), NEW
    )
    assert '\n      "late-flights[factory]",\n      "x>=1",\n' in merged.text
    assert "layout" in merged.notes[0]


@pytest.mark.parametrize(
    ("edit", "release"),
    [
        (("line-length = 120", "line-length = 100"), ("line-length = 120", "line-length = 130")),
        (("[tool.ruff]\nline-length", "[tool.ruff]\nlint.select = []\nline-length"), ("", "")),
    ],
)
def test_changes_that_contradict_each_other_have_no_union(edit, release):
    assert union(edit, theirs=NEW.replace(*release)) is None


def test_tables_of_one_item_of_a_list_stay_with_it():
    base = '[[tool.x]]\nname = "a"\n\n[tool.x.sub]\nk = 1\n\n[[tool.x]]\nname = "b"\n\n[tool.x.sub]\nk = 2\n'
    merged = merge(
        "a.toml", base, base.replace("k = 1", "k = 3"), "[tool.y]\nz = 1\n\n" + base.replace('name = "b"', 'name = "b"\nl = 1')
    )
    assert tomllib.loads(merged.text)["tool"] == {
        "y": {"z": 1},
        "x": [{"name": "a", "sub": {"k": 3}}, {"name": "b", "l": 1, "sub": {"k": 2}}],
    }


@pytest.mark.parametrize(
    "value", ['"""a\n[b]\n# c\n"""', "'''\n\"x\" = '\n'''", '"a # b"', "'#'", "[ # c\n  1, # d\n\n  # e\n]", '{ a = [1, "]"] }']
)
def test_any_value_is_carried_as_it_was_written(value):
    text = f'x = 1\n"a.b".c = {value} # own\n'
    merged = merge("a.toml", "x = 1\n", text, "y = 2\nx = 1\n")
    assert merged.text == f"y = 2\n{text}"
