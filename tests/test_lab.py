"""What `nox -s lab` asserts of many projects, of a few; and that what people fear most comes through an update."""

import shutil

import pytest
from lab import catalogue, releases
from lab.__main__ import faults
from lab.edits import lines
from lab.kinds_of_platform import FACTORY, HOT_FIX
from lab.trial import attempt, base, trial, work

COLLISION = lines("a hot fix where the release changes the same", f"{FACTORY}/{releases.CHANGED}", HOT_FIX)
FEARED = {
    "0.2.0": ["a hot fix in the errors", "its own exclude-newer", "a raised lower bound"],
    "now": [
        COLLISION.name,
        "a hot fix in the metrics",
        "a bot's bump of an action",
        "its own exclude-newer",
        "a raised bound of the template's by uv add",
    ],
}
KEPT = {"its own exclude-newer", "a raised lower bound", "a raised bound of the template's by uv add"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    (folder / "bases").mkdir()
    releases.repository(folder)
    return folder


@pytest.mark.parametrize(("origin", "projects"), [("0.2.0", 2), ("now", 1)])
def test_edits_survive_and_releases_arrive(folder, origin, projects):
    outcomes = [outcome for number in range(projects) for outcome in trial(folder, origin, number, "fast", 30)]
    assert faults(outcomes) == []


@pytest.mark.parametrize("origin", FEARED)
def test_what_is_feared_is_clean_or_reported(folder, origin):
    project = folder / "projects" / f"feared-{origin}"
    shutil.copytree(base(folder, origin, 0), project)
    kinds = [kind for kind in [*catalogue.KINDS, COLLISION] if kind.name in FEARED[origin]]
    assert {kind.name for kind in work(project, kinds, len(kinds))} == {*FEARED[origin]}
    for outcome in attempt(folder, origin, 99, project, kinds):
        assert (outcome.lost, outcome.undelivered, outcome.parses) == ([], [], True), outcome
        assert {*FEARED[origin]} & KEPT <= {*outcome.kept}, outcome


def test_every_kind_has_an_origin_and_a_name_of_its_own():
    names = [(kind.name, origin) for kind in catalogue.KINDS for origin in kind.origins.split()]
    assert len({kind.name for kind in catalogue.KINDS}) >= 80 and len(names) == len({*names})
    assert {origin for _, origin in names} == {*releases.TAGS}
