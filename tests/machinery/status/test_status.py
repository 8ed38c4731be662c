"""`factory status`: what is known of a project, why the rest is not, and the branch that keeps it."""

import json
import socket
import time
from datetime import date
from pathlib import Path

import pytest
from late_flights.factory.ci import propose
from late_flights.factory.deployment import records
from late_flights.factory.errors import FactoryError
from late_flights.factory.readiness.questions import QUESTIONS
from late_flights.factory.status import branch, model, status, template
from late_flights.factory.status.reasons import Reasons
from late_flights.factory.status.steps import steps
from tests.factory import git_repository
from tests.factory.cli_runner import refused, run
from tests.factory.git_repository import git

from machinery.status.conftest import ADDRESS

SBOM = {
    "components": [
        {"name": "numpy", "version": "2.3.1", "purl": "pkg:pypi/numpy@2.3.1"},
        {"name": "libc6", "version": "2.41", "purl": "pkg:deb/debian/libc6@2.41"},
        {"name": "churn", "version": "0.1"},
    ]
}


def deploy(environment="prod", version="v3", image=f"r.example.com/churn@sha256:{'a' * 64}"):
    """Record a deployment on the branch, with the image's bill of materials."""
    at = "2025-01-21T05:00:00+00:00"
    about = {"model": "m", "by": "Zoë <zoe@example.com>", "run": None, "seconds": 1.0, "commit": "c", "at": at}
    record = about | {"environment": environment, "version": version, "built": version, "image": image}
    files = {f"{environment}.{version}.json": json.dumps(record), f"{version}.cdx.json": json.dumps(SBOM)}
    for name, content in files.items():
        Path("..", name).write_text(content, encoding="utf-8")
    records.BRANCH.put({name: Path("..", name) for name in files}, add=True)


def test_of_a_project_that_just_began_every_key_has_its_reason(bare):
    found = status.read()
    assert model.parse(branch.to_json(found).encode()) == found
    codes = {key: why.partition(":")[0] for key, why in found.unknown.items()}
    assert codes["champion"] == "NO_VERSION" and codes["monitor"] == "NOT_RUN" and codes["commit"] == "NO_COMMIT"
    assert codes["address"] == "NO_REMOTE" and codes["card.purpose"] == "NOT_STATED" and codes["readiness"] == "NOT_RUN"
    assert found.project == "late_flights" and found.owner == "" and found.data == []


def test_what_is_known(project):
    deploy()
    found = status.read()
    assert (found.project, found.description, found.owner) == ("churn", "Who leaves", "Team Insight")
    assert found.commit == git("rev-parse", "HEAD") and found.address.endswith("/remote")
    assert found.card.model_dump() == {
        "purpose": "ring those who would leave",
        "risk": "high",
        "data_class": None,
        "retention": None,
    }
    assert found.champion.version == "v3" and found.champion.by == "Zoë 李" and found.champion.metric.name == "roc_auc"
    assert found.gate.passed and found.gate.against == "the champion v2"
    assert found.monitor.drift == "open" and [alert.code for alert in found.monitor.alerts] == ["SCORE_DRIFT"]
    assert found.monitor.outcomes == 0.34 and found.monitor.until == date(2025, 1, 21)
    assert (found.readiness.score, found.readiness.missing) == (3.5, ["A"])
    assert [(each.name, each.rows, f"{each.received}") for each in found.data] == [("may.parquet", 400, "2025-01-20")]
    [deployed] = found.deployments
    assert (deployed.environment, deployed.version, deployed.digest) == ("prod", "v3", f"sha256:{'a' * 64}")
    assert found.dependencies.source == "sbom" and found.dependencies.packages == {"numpy": "2.3.1"}


def test_questions_that_are_open(project):
    day = f"{date.today()}"
    answer = {"by": "Ann", "day": day, "found": "40 a second"}
    answers = [{"question": "load", **answer}, {"question": "risk", "met": False, **answer}]
    Path("docs/readiness.yaml").write_text(json.dumps(answers).replace(f'"{day}"', day))
    assert status.read().questions == [each.key for each in QUESTIONS if each.key != "load"]


def test_packages_without_an_image_are_those_that_the_model_needs(project):
    git("tag", "--delete", "model/v1", "model/v2", "model/v3")
    found = status.read().dependencies
    assert found.source == "lock" and found.packages == {"numpy": "2.10.0", "blas": "1.0", "uvicorn": "0.40"}


def test_the_last_verdict_is_a_refusal_here(project):
    Path("reports/gate.json").write_text(json.dumps(refusal()))
    gate = status.read().gate
    assert not gate.passed and gate.codes == ["FLOOR", "SLICE"] and f"{gate.at:%Y-%m-%d}" == "2025-02-01"


def test_the_last_verdict_is_that_on_the_last_retraining(project):
    Path("../gate.json").write_text(json.dumps(refusal()))
    propose.VERDICT.put({"gate.json": Path("../gate.json")})
    assert status.read().gate.codes == ["FLOOR", "SLICE"]


@pytest.mark.parametrize("changes", [{"at": "2024-01-01T00:00:00+00:00"}, {"commit": "1" * 40}, {"commit": None}])
def test_a_verdict_from_before_or_of_another_branch_is_not_the_last(project, changes):
    Path("reports/gate.json").write_text(json.dumps(refusal() | changes))
    assert status.read().gate.passed


def refusal():
    verdict = {"passed": False, "refusals": ["FLOOR", "FLOOR", "SLICE"], "against": "the champion v3"}
    return verdict | {"at": "2025-02-01T00:00:00+00:00", "commit": git("rev-parse", "HEAD")}


def test_monitoring_of_a_pipeline_counts_where_it_looked_at_a_later_day(project):
    report = json.loads(Path("reports/monitor.json").read_text())
    Path("../monitor.json").write_text(json.dumps(report | {"until": "2025-02-01", "alerts": []}))
    status.production.alert.BRANCH.put({"monitor.json": Path("../monitor.json")})
    assert f"{status.read().monitor.until}" == "2025-02-01"


@pytest.mark.parametrize(
    "file, content, key",
    [
        ("reports/monitor.json", "{", "monitor"),
        ("reports/readiness.json", '{"score": "much"}', "readiness"),
        ("reports/readiness.json", "[" * 100_000, "readiness"),
        ("docs/model-card.yaml", "[" * 10_000, "card.purpose"),
        ("reports/gate.json", "{", "gate"),
        ("docs/model-card.yaml", "risk: huge\n", "card.purpose"),
        ("data/raw/may.parquet.dvc", "outs: {}\n", "data"),
        ("uv.lock", "[", "dependencies"),
        (".copier-answers.yml", "[", "template.newest"),
    ],
)
def test_a_damaged_file_is_a_reason(project, file, content, key):
    git("tag", "--delete", "model/v3")
    Path(file).write_text(content)
    if file == "uv.lock":
        git("tag", "--delete", "model/v1", "model/v2")
        git_repository.commit()
    found = status.read()
    assert key in found.unknown and model.parse(branch.to_json(found).encode())


def test_an_invalid_version_is_no_champion(project):
    git("tag", "--force", "model/v3", "model/v3^{commit}")
    found = status.read()
    assert found.champion is None and found.unknown["champion"].startswith("VERSION_INVALID: ")
    assert str(next(steps(found))) == found.why("champion")


def test_secrets_are_no_part_of_it(project):
    git("remote", "set-url", "origin", ADDRESS)
    answers = "_src_path: https://user:token-of-42@template.example.com/t?key=of-43\n_commit: v0.3.0\n"
    Path(".copier-answers.yml").write_text(answers)
    text = branch.to_json(status.read())
    assert "https://git.example.com/team/churn.git" in text and "template.example.com" in text
    assert "token-of-42" not in text and "of-43" not in text and "zoe@example.com" not in text


def test_texts_are_on_one_line_and_bounded(project):
    Path("pyproject.toml").write_text('[project]\nname = "churn"\ndescription = """a\n\\u202eb' + "x" * 900 + '"""\n')
    found = status.read()
    assert found.description.startswith("a b") and len(found.description) == 400 and found.description.endswith("…")


# The branch


def test_the_branch_has_one_file_and_every_status_before(project):
    assert run("status", "--push").exit_code == 0
    first = kept()
    git_repository.commit()
    git("push", "--quiet", "origin", "main")
    assert json.loads(run("status", "--push", "--json").output) == kept()
    git("fetch", "--quiet", "origin", model.BRANCH)
    assert git("ls-tree", "-r", "--name-only", "FETCH_HEAD") == "status.json"
    assert git("rev-list", "--count", "FETCH_HEAD") == "2" and json.loads(git("show", "FETCH_HEAD^:status.json")) == first
    assert not git("status", "--porcelain")


def test_of_two_at_once_both_are_kept(project, monkeypatch):
    head, others = branch.BRANCH.head(), iter([branch.BRANCH])
    Path("../other.json").write_text("{}")

    def slowly(self):
        for other in others:
            other.write(*head, {"status.json": Path("../other.json")}, chain=True)
            return head
        return original(self)

    original = type(branch.BRANCH).head
    monkeypatch.setattr(type(branch.BRANCH), "head", slowly)
    branch.push()
    git("fetch", "--quiet", "origin", model.BRANCH)
    assert git("rev-list", "--count", "FETCH_HEAD") == "2" and git("show", "FETCH_HEAD^:status.json") == "{}"


def test_what_is_not_on_main_is_not_pushed(project):
    git("switch", "--quiet", "--create", "trial")
    git_repository.commit()
    result = run("status", "--push")
    assert result.exit_code == 2 and result.stderr.startswith("Error: NOT_ON_MAIN: ")
    git("switch", "--quiet", "main")
    Path("params.yaml").write_text(Path("params.yaml").read_text() + "\n")
    assert "uncommitted changes" in refused("status", "--push")


def test_without_a_remote_nothing_is_pushed(bare):
    git_repository.commit()
    assert "there is no Git remote" in refused("status", "--push")


def kept():
    git("fetch", "--quiet", "origin", model.BRANCH)
    return json.loads(git("show", "FETCH_HEAD:status.json"))


# The template's releases


@pytest.fixture
def releases(tmp_path):
    """The template's repository, with these releases."""
    git("init", "--quiet", "--bare", str(tmp_path / "template"))
    commit = git_repository.commit()
    tags = [f"{commit}:refs/tags/{tag}" for tag in ("v0.9.0", "0.10.0", "v0.10.1", "v0.11.0rc1", "latest")]
    git("push", "--quiet", str(tmp_path / "template"), *tags)
    return tmp_path / "template"


@pytest.mark.parametrize(
    "release, newest, behind",
    [("v0.9.0", "0.10.1", 2), ("0.10.1", "0.10.1", 0), ("v0.10.1rc1", "0.10.1", 1), ("v0.12.0", "0.12.0", 0)],
)
def test_releases_that_are_newer(bare, releases, release, newest, behind):
    Path(".copier-answers.yml").write_text(f"_src_path: {releases}\n_commit: {release}\n")
    found = template.template(Reasons())
    assert (found.newest, found.behind) == (newest, behind)


@pytest.mark.parametrize("release, behind", [("v0.9.0", 3), ("v0.9.0+acme.1", 2), ("v0.10.1+acme.1", 1), ("v0.10.1+acme.2", 0)])
def test_releases_of_a_fork_count_once(bare, releases, release, behind):
    git(
        "push",
        "--quiet",
        str(releases),
        *(f"HEAD:refs/tags/v{own}" for own in ("0.9.0+acme.1", "0.10.1+acme.1", "0.10.1+acme.2")),
    )
    git("push", "--quiet", str(releases), "--delete", "0.10.0")
    Path(".copier-answers.yml").write_text(f"_src_path: {releases}\n_commit: {release}\n")
    found = template.template(Reasons())
    assert (found.newest, found.behind) == ("0.10.1+acme.2", behind)


@pytest.mark.parametrize(
    "source, release, code",
    [
        ("{releases}", "v0.9.0-3-g1a2b3c4", "NO_RELEASE"),
        ("{releases}/no", "v0.9.0", "UNREACHABLE"),
        ("ext::touch ran", "v0.9.0", "UNREACHABLE"),
        ("--upload-pack=touch ran", "v0.9.0", "UNREACHABLE"),
    ],
)
def test_releases_that_cannot_be_known(bare, releases, source, release, code):
    Path(".copier-answers.yml").write_text(f"_src_path: {json.dumps(source.format(releases=releases))}\n_commit: {release}\n")
    reasons = Reasons()
    assert template.template(reasons).behind is None and reasons.unknown["template.behind"].startswith(code)
    assert not Path("ran").exists()


def test_a_template_that_never_answers(bare, monkeypatch):
    monkeypatch.setattr(template, "SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/t"
        Path(".copier-answers.yml").write_text(f"_src_path: {address}\n_commit: v0.9.0\n")
        begun, reasons = time.monotonic(), Reasons()
        template.template(reasons)
        assert "no answer within 0.5 seconds" in reasons.unknown["template.newest"] and time.monotonic() - begun < 20


# For people


def test_summary_is_short_and_begins_with_what_is_urgent(project):
    deploy(version="v2")
    result = run("status")
    lines = result.output.splitlines()
    assert result.exit_code == 0 and lines[0].startswith(f"churn at {git('rev-parse', '--short=8', 'HEAD')}")
    assert "  champion    v3 by Zoë 李, " in result.output and "prod v2 " in result.output
    begin = lines.index("Next:")
    assert begin < 15 and len(lines) - begin - 1 == len([*steps(status.read())])
    assert lines[begin + 1].startswith("  1. SCORE_DRIFT of _score since 2025-01-18: ")
    assert any("prod runs v2, and v3 is the champion" in line for line in lines[begin:])


def test_elsewhere_it_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FactoryError):
        status.read()
