"""Two organisations' forks of the template: what one lets pass the other refuses, and a change of its policy takes effect by an update."""

import shutil

import pytest
from conftest import commit, git
from workshop import Governed, first_version

pytestmark = pytest.mark.nightly


def fork(template, folder, policy: str, release: str):
    """The organisation's repository of the template, with its own policy in that release."""
    if not folder.exists():
        shutil.copytree(template, folder)
    (folder / "organisation.yaml").write_text(f"name: Acme\npolicy: {{{policy}}}\n", "utf-8")
    commit(folder, release)
    return folder


def challenger(project: Governed) -> bytes:
    """More trees, by a wider margin."""
    project.set("max_iter: 60", "max_iter: 100")
    project.set("  margin: 0.01", "  margin: 0.02")
    project.train("More trees, a wider margin")
    git(project.folder, "push", "--quiet", "origin", "main")
    return project.model()


def promote(project: Governed) -> tuple[int, str, str]:
    return project.run("factory", "promote", "-m", "more trees", "--accept-weaker-limits", "measured on more flights")


def test_policy_of_an_organisation_decides(template, tmp_path):
    forks = {
        "lenient": fork(template, tmp_path / "lenient", "gate: {margin: {max: 0.05}}", "1.0.0"),
        "strict": fork(template, tmp_path / "strict", "gate: {margin: {max: 0.01}}", "1.0.0"),
    }
    lenient, strict = (first_version(place, tmp_path / f"{name} project", "Flights") for name, place in forks.items())
    assert challenger(lenient) == challenger(strict)

    code, out, err = promote(lenient)
    assert code == 0 and "model/v2 is the champion" in out, err
    code, out, err = promote(strict)
    assert code == 1 and "✗ Rejected: POLICY\n" in err
    assert "gate.margin is 0.02, and must be at most 0.01 by the policy of the working tree" in err

    fork(template, forks["lenient"], "gate: {margin: {max: 0.015}}", "1.1.0")
    assert "updated from 1.0.0 to 1.1.0" in lenient.done("factory", "update")
    shown = lenient.run("factory", "check", "policy.yaml", "params.yaml")[1]
    assert "POLICY: gate.margin is 0.02, and must be at most 0.015" in shown and "✓ template: as in release 1.1.0" in shown
    lenient.set("random_state: 0", "random_state: 1")  # another model with the same scores
    lenient.train("Update, and train again")
    git(lenient.folder, "push", "--quiet", "origin", "main")
    code, out, err = promote(lenient)
    assert code == 1 and "gate.margin is 0.02, and must be at most 0.015 by the policy of the working tree" in err
    lenient.set("  margin: 0.02", "  margin: 0.015")
    lenient.train("Keep to the policy")
    git(lenient.folder, "push", "--quiet", "origin", "main")
    assert "model/v3 is the champion" in lenient.done("factory", "promote", "-m", "within the policy")
