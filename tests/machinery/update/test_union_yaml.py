"""Workflows, compose.yaml, hooks and other YAML: both sides' keys and items, as they were written."""

import re

import pytest
from late_flights.factory.update.union import merge

WORKFLOW = """\
name: Code
on:
  push:
    branches: [main]
env:
  UV_PYTHON: "3.11" # the oldest
jobs:
  # Style and types.
  checks:
    runs-on: ubuntu-latest
    timeout-minutes: 15
    steps:
      - uses: actions/checkout@aaa # v4
      - name: Install
        run: uv sync
      - run: |
          # all of them
          uv run pytest

  tests:
    runs-on: ubuntu-latest
    steps:
    - uses: actions/checkout@aaa # v4
"""
NEWER = WORKFLOW.replace("@aaa # v4", "@bbb # v5").replace("uv sync", "uv sync --locked").replace(
    "runs-on: ubuntu-latest", "runs-on: ${{ vars.FACTORY_RUNNER || 'ubuntu-latest' }}"
)  # fmt: skip


def union(*edits, base=WORKFLOW, theirs=NEWER, path=".github/workflows/code.yaml"):
    ours = base
    for old, new in edits:
        assert old in ours
        ours = ours.replace(old, new, 1)
    return merge(path, base, ours, theirs)


@pytest.mark.parametrize(
    "edit",
    [
        ("    branches: [main]\n", "    branches: [main, 'release/*']\n"),
        ("    branches: [main]\n", "    branches:\n      - main\n      - dev # ours\n"),
        ("on:\n", "on:\n  # by hand\n  workflow_dispatch:\n"),
        ('"3.11" # the oldest', '"3.12" # ours'),
        ("env:\n", "env:\n  TZ: Europe/Berlin\n"),
        ("timeout-minutes: 15", "timeout-minutes: 60"),
        ("      - name: Install\n", "      # ours\n      - name: Own\n        run: |\n          # x\n\n          echo ours\n      - name: Install\n"),
        ("          uv run pytest\n", "          uv run pytest\n      - run: echo last\n"),
        ("          uv run pytest\n", "          uv run pytest -x\n"),
        ("    steps:\n    - uses", "    needs: checks\n    steps:\n    - uses"),
        ("    steps:\n    - uses: actions/checkout@aaa # v4\n", "    steps:\n    - uses: actions/checkout@aaa # v4\n      with: {depth: 0}\n"),
        ("  tests:\n", "  own:\n    runs-on: [self-hosted, gpu]\n    steps:\n      - run: |\n          nvidia-smi\n\n  tests:\n"),
    ],
)  # fmt: skip
def test_each_line_of_an_edit_is_in_the_release_as_it_was_written(edit):
    merged = union(edit)
    old, new = (part.replace("@aaa # v4", "@bbb # v5") for part in edit)
    assert new in merged.text
    assert merged.text == NEWER.replace(old, new, 1)
    assert not merged.notes


def test_the_projects_value_takes_its_place_in_the_releases():
    merged = union(("runs-on: ubuntu-latest", "runs-on: ubuntu-24.04"))
    assert merged.text == NEWER.replace("ubuntu-latest", "ubuntu-24.04", 1)
    assert len(merged.notes) == 1 and "your ubuntu-24.04" in merged.notes[0]


def test_a_value_that_has_no_place_in_the_releases_stays_and_is_told():
    merged = union(("runs-on: ubuntu-latest", "runs-on: [self-hosted, gpu]"))
    assert "  checks:\n    runs-on: [self-hosted, gpu]\n" in merged.text
    assert [note.partition(":")[0] for note in merged.notes] == ["jobs.checks.runs-on"]


def test_the_releases_pin_of_an_action_wins_and_is_told():
    merged = union(("@aaa # v4", "@ccc # v4.1"))
    assert merged.text == NEWER
    assert merged.notes == ["jobs.checks.steps.uses: the release's actions/checkout@bbb replaces your actions/checkout@ccc"]


def test_comments_beside_a_value_that_both_sides_changed():
    release = NEWER.replace("# the oldest", "# the oldest that works")
    assert union(("# the oldest", "# the oldest, really"), theirs=release).text == release.replace("works", "works, really")
    merged = union(("# the oldest", "# ours"), theirs=release)
    assert '"3.11" # ours\n' in merged.text and "# the oldest that works" in merged.notes[0]


@pytest.mark.parametrize(
    ("edit", "release"),
    [
        (("timeout-minutes: 15", "timeout-minutes: 30"), ("timeout-minutes: 15", "timeout-minutes: 150")),
        (("run: uv sync", "run: uv sync --frozen"), ("", "")),
        (("      - name: Install\n        run: uv sync\n", "      - name: Install\n        if: always()\n        run: uv sync\n"), ("      - name: Install\n        run: uv sync --locked\n", "")),
        (("timeout-minutes: 15", "timeout-minutes: 15\n    env: {A: 1}"), ("timeout-minutes: 15", "timeout-minutes: 15\n    env: {A: 2}")),
        (("      - name: Install\n        run: uv sync\n      - run: |\n          # all of them\n          uv run pytest\n", "      - run: |\n          # all of them\n          uv run pytest\n      - name: Install\n        run: uv sync\n"), ("", "")),
    ],
)  # fmt: skip
def test_changes_that_contradict_each_other_have_no_union(edit, release):
    assert union(edit, theirs=NEWER.replace(*release)) is None


def test_what_the_project_removed_stays_removed():
    merged = union(("      - name: Install\n        run: uv sync\n", ""))
    assert "uv sync" not in merged.text
    assert merged.notes == ["jobs.checks.steps: Install: you removed it, and the release changed it: it stays removed"]


@pytest.mark.parametrize(
    ("edit", "release"),
    [
        (('"3.11" # the oldest', '"3.12"'), ('"3.11" # the oldest', "${{ vars.FACTORY_PYTHON || '3.13' }}")),
        (("branches: [main]", "branches: [main, dev]"), ("branches: [main]", 'branches: ["${{ vars.FACTORY_BRANCH }}"]')),
        (("timeout-minutes: 15", "timeout-minutes: 15\n    pool: own"), ("timeout-minutes: 15", "timeout-minutes: 15\n    pool: $(FACTORY_POOL)")),
    ],
)  # fmt: skip
def test_a_value_stays_where_the_release_leaves_it_to_a_variable(edit, release):
    merged = union(edit, theirs=NEWER.replace(*release))
    assert edit[1] in merged.text and "FACTORY_R" in merged.text
    assert len(merged.notes) == 1 and re.search(r"(vars\.|\$\()FACTORY", merged.notes[0])


SCHEDULE = "on:\n  schedule:\n    - cron: '1 2 * * *'\n  push:\n"


def test_items_of_one_key_are_known_by_it():
    ours, theirs = SCHEDULE.replace("'1 2", "'5 6"), SCHEDULE.replace("  schedule:\n", "  schedule:\n    # in UTC\n")
    assert merge("a.yaml", SCHEDULE, ours, theirs).text == theirs.replace("'1 2", "'5 6")


def test_what_a_release_moved_elsewhere_stays_and_is_told_if_the_project_changed_it():
    merged = merge("a.yaml", SCHEDULE, SCHEDULE.replace("'1 2", "'5 6"), "on:\n  push:\n  workflow_call:\n")
    assert merged.text == "on:\n  schedule:\n    - cron: '5 6 * * *'\n  push:\n  workflow_call:\n"
    assert merged.notes == ["on.schedule: the release no longer has it; it stays, as you changed it"]


HOOKS = """\
# Run by uv.
repos:
  - repo: local
    hooks:
      - id: ruff
        entry: ruff check
        language: system
      - id: mypy
        entry: mypy
        language: system

# The lines above are the template's: an update may change them.
# The lines below are yours: add repositories with hooks of your own.
"""
ONE_HOOK = """\
repos:
  - repo: local
    hooks:
      - id: factory
        entry: uv run factory check
        language: system

# yours: add repositories with hooks of your own
"""


def test_hooks_of_the_project_stay_as_they_are():
    own = "  - repo: https://example.com/hooks\n    rev: v1 # ours\n    hooks: [{id: own}]\n"
    merged = union(
        ("        entry: mypy\n", "        entry: mypy\n        exclude: ^legacy/\n"),
        ("of your own.\n", f"of your own.\n{own}"),
        base=HOOKS,
        theirs=ONE_HOOK,
        path=".pre-commit-config.yaml",
    )
    assert own in merged.text
    assert "- id: mypy\n        entry: mypy\n        exclude: ^legacy/\n" in merged.text
    assert "- id: ruff" not in merged.text and "lines below" not in merged.text
    assert merged.notes == ["repos.hooks: mypy: the release no longer has it; it stays, as you changed it"]


def test_a_hook_comes_where_another_goes():
    own = "      - id: own\n        entry: own\n        language: system\n"
    first = "      - id: ruff\n        entry: ruff check\n        language: system\n"
    merged = merge(".pre-commit-config.yaml", HOOKS, HOOKS.replace(first, own), ONE_HOOK)
    assert own in merged.text and "ruff" not in merged.text


def test_items_keep_their_anchors_and_odd_layout():
    base = "x: &x\n    a: 1\n    list:\n    - one\nuse:\n    <<: *x\nlast: end\n"
    ours = base.replace("- one\n", "- one\n    - 'two' # ours\n").replace(
        "<<: *x", "<<: *x\n    own: >-\n      folded\n      text"
    )
    merged = merge(
        "values.yaml", base, ours, base.replace("a: 1", "a: 2").replace("    list:\n    - one\n", "    list:\n      - one\n")
    )
    assert merged.text == (
        "x: &x\n    a: 2\n    list:\n    - one\n    - 'two' # ours\nuse:\n    <<: *x\n    own: >-\n      folded\n      text\nlast: end\n"
    )


@pytest.mark.parametrize("text", ["a: 1\n---\nb: 2\n", "? [a]\n: 1\n", "just words\n", "{a: 1}\n"])
def test_a_file_of_another_form_has_no_union(text):
    assert merge("a.yaml", "x: 1\n", text, "x: 1\ny: 2\n") is None


def test_a_list_at_the_root_is_known_by_its_items():
    base = "- id: a\n  x: 1\n- id: b\n  x: 1\n"
    assert (
        merge("a.yaml", base, base.replace("a\n  x: 1", "a\n  x: 2"), base + "- id: c\n").text
        == base.replace("a\n  x: 1", "a\n  x: 2") + "- id: c\n"
    )
    assert merge("a.yaml", base, base.replace("b\n  x: 1", "b\n  x: 2"), "- id: a\n  x: 1\n") is None
    assert merge("a.yaml", base, base.replace("b\n  x: 1", "b\n  x: 2"), base.replace("b\n  x: 1", "b\n  x: 3")) is None


@pytest.mark.parametrize("name", ["job", "deployment", "stage", "if", "package-ecosystem", "uses"])
def test_items_are_known_by_what_platforms_call_them(name):
    base = f"list:\n  - {name}: a\n    x: 1\n    y: 1\n  - {name}: b\n    x: 1\n"
    merged = merge("a.yaml", base, base.replace("x: 1", "x: 2", 1), base.replace("y: 1", "y: 3"))
    assert merged.text == base.replace("x: 1", "x: 2", 1).replace("y: 1", "y: 3")


def test_tags_of_gitlab_are_understood():
    base = "test:\n  script:\n    - !reference [.setup, script]\n    - pytest\n"
    merged = merge(".gitlab-ci.yml", base, f"{base}\npages:\n  script: [echo ours]\n", base.replace("pytest", "uv run pytest"))
    assert merged.text == base.replace("pytest", "uv run pytest") + "\npages:\n  script: [echo ours]\n"
