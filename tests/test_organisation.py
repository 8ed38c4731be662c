"""An organisation's fork changes organisation.yaml alone: it goes on merging releases, gives its own, and its settings reach projects."""

import base64
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import copier
import pytest
import yaml
from conftest import ROOT, commit, git
from test_manifest import edited

sys.path.append(str(ROOT / "hooks"))
import organisation

SETTINGS = """\
name: Acme & Sons
logo: acme.svg
site: https://guides.acme.example
registry: registry.acme.example/ml/{slug}
defaults:
  owner: Data Science
  storage: s3
  storage_url: s3://acme-ml/{slug}
  ci: gitlab
  license: Apache-2.0
  target: kubernetes
policy:
  approvals: {low: 1, high: 2}
  names: {delivery: "[a-z]{2,9}-\\\\d{4}\\\\.parquet", project: "acme_.+"}
  signers: |
    ann@acme.example ssh-ed25519 AAAA
"""
LOGO = '<svg xmlns="http://www.w3.org/2000/svg"><style>.a{fill:#e00}</style><text class="a">Ä</text></svg>\n'
NEUTRAL = '\nname: "" #'
TOOLS = ("tools", "tests/words.py", "docs")


def put(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text("utf-8")
    assert old in text, name
    (folder / name).write_text(text.replace(old, new, 1), "utf-8")


def python(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-B", *command], cwd=folder, capture_output=True, text=True)


def release(folder: Path, version: str) -> str:
    done = python(folder, "tools/release.py", version)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def upstream(template, tmp_path_factory) -> Path:
    """A repository of the template that is about to release 8.0.0."""
    folder = tmp_path_factory.mktemp("upstream") / "template"
    shutil.copytree(template, folder)
    for name in TOOLS:
        source, ignore = ROOT / name, shutil.ignore_patterns("__pycache__", ".*_cache")
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copytree(source, folder / name, ignore=ignore) if source.is_dir() else shutil.copy(source, folder / name)
    (folder / "organisation.yaml").write_text(shipped(), "utf-8")
    (folder / "CHANGELOG.md").write_text("# Changelog\n\n## Next\n\nYou get the eighth.\n", "utf-8")
    (folder / "template/src/{{ package }}/factory/changes.yaml").write_text("{}\n", "utf-8")
    assert python(folder, "tools/manifest.py").returncode == 0
    commit(folder)
    release(folder, "8.0.0")
    return folder


def shipped() -> str:
    """organisation.yaml as the template ships it, also where these tests run in a fork."""
    first = git(ROOT, "log", "--diff-filter=A", "--reverse", "--format=%H", "--", "organisation.yaml").split()
    return git(ROOT, "show", f"{first[0]}:organisation.yaml") + "\n" if first else (ROOT / "organisation.yaml").read_text("utf-8")


def next_release(folder: Path, version: str, number: int) -> None:
    """A release that touches what releases touch: policy, questions, machinery, manifest, documents and changelog."""
    put(folder, "template/policy.yaml.jinja", "public: low", f"class{number}: high, public: low")
    put(folder, "template/policy.yaml.jinja", " a version counts", f" ({number}) a version counts")
    put(folder, "copier.yml", " or team owns", f" ({number}) or team owns")
    put(folder, "template/policy.yaml.jinja", "What the organisation asks", f"({number}) What the organisation asks")
    put(folder, "template/docs/policy.md", "# policy.yaml\n", f"# policy.yaml\n\nOf {version}.\n")
    put(folder, "docs/structure.md", "\n", f"\n\nOf {version}.\n")
    put(folder, "template/Dockerfile", "\n", f"\n# {version}\n")
    put(folder, "CHANGELOG.md", "# Changelog\n", f"# Changelog\n\n## Next\n\nYou get number {number}.\n")
    assert python(folder, "tools/manifest.py").returncode == 0
    commit(folder)
    release(folder, version)


def merge(fork: Path, tag: str) -> None:
    """As docs/adopt-the-standard.md has it."""
    git(fork, "fetch", "--quiet", "--no-tags", "upstream", "tag", tag)
    git(fork, "merge", "--quiet", "--no-edit", tag)


@pytest.fixture(scope="module")
def forked(upstream, tmp_path_factory) -> Path:
    """A fork of 8.0.0 that has released 8.0.0+acme.1."""
    folder = tmp_path_factory.mktemp("fork") / "template"
    git(folder.parent, "clone", "--quiet", "--origin=upstream", str(upstream), folder.name)
    (folder / "organisation.yaml").write_text(SETTINGS, "utf-8")
    (folder / "acme.svg").write_text(LOGO, "utf-8")
    (folder / "CHANGELOG.acme.md").write_text("# Acme\n\n## Next\n\nYou get our policy.\n", "utf-8")
    commit(folder)
    assert release(folder, "8.0.0+acme.1").startswith("You get our policy.\n\n## 8.0.0\n\nYou get the eighth.\n\n✓ Released")
    return folder


@pytest.fixture
def fork(forked, tmp_path) -> Path:
    return shutil.copytree(forked, tmp_path / "fork")


def organised(project: Path, approvals: str = '{"low": 1, "high": 2}') -> None:
    """Policy, defaults, registry, storage and logo of the project are the organisation's, and nothing differs from the release."""
    answers = yaml.safe_load((project / ".copier-answers.yml").read_text("utf-8"))
    wanted = {"owner": "Data Science", "storage": "s3", "storage_url": "s3://acme-ml/acme-x"}
    wanted |= {"ci": "gitlab", "license": "Apache-2.0", "target": "kubernetes"}
    assert wanted.items() <= answers.items()
    assert "url = s3://acme-ml/acme-x\n" in (project / ".dvc/config").read_text("utf-8")
    environments = yaml.safe_load((project / "environments.yaml").read_text("utf-8"))
    assert environments["all"]["registry"] == "registry.acme.example/ml/acme-x"
    text = (project / "policy.yaml").read_text("utf-8")
    assert f"approvals: {approvals} #" in text
    policy = yaml.safe_load(text)
    assert policy["names"] == {"delivery": r"[a-z]{2,9}-\d{4}\.parquet", "project": "acme_.+"}
    assert policy["signers"] == "ann@acme.example ssh-ed25519 AAAA\n" and policy["live"] == "optional"
    shown = json.loads((project / "src/acme_x/factory/evaluation/organisation.json").read_text("utf-8"))
    assert shown["name"] == "Acme & Sons"
    assert base64.b64decode(shown["logo"].removeprefix("data:image/svg+xml;base64,")).decode() == LOGO
    assert edited(project, "acme_x") == []
    assert "(https://guides.acme.example)" in (project / "README.md").read_text("utf-8")


def update(project: Path) -> str:
    done = subprocess.run(["uv", "run", "--quiet", str(ROOT / "hooks/update.py"), str(project)], capture_output=True, text=True)
    assert done.returncode == 0, done
    commit(project)
    return done.stdout


@pytest.mark.slow
def test_a_fork_merges_two_releases_without_conflict_and_its_projects_get_both(upstream, fork, tmp_path):
    project = tmp_path / "project"
    copier.run_copy(str(fork), project, {"project_name": "Acme x"}, defaults=True, quiet=True)
    commit(project)
    organised(project)
    for number, version in ((9, "8.1.0"), (10, "8.2.0")):
        next_release(upstream, version, number)
        merge(fork, f"v{version}")
        assert release(fork, f"{version}+acme.1").startswith(f"## {version}\n\nYou get number {number}.\n\n✓ Released")
        assert f"to v{version}+acme.1;" in update(project)
        organised(project)
        policy = (project / "policy.yaml").read_text("utf-8")
        assert f"class{number}: high" in policy and f"({number}) a version counts" in policy and f"({number}) What the" in policy
        assert f"# {version}\n" in (project / "Dockerfile").read_text("utf-8")
    changed = git(fork, "diff", "--name-only", "v8.2.0", "HEAD").splitlines()
    assert changed == ["CHANGELOG.acme.md", "acme.svg", "organisation.yaml"]

    put(fork, "organisation.yaml", "low: 1", "low: 2")
    put(fork, "CHANGELOG.acme.md", "# Acme\n", "# Acme\n\n## Next\n\nTwo approve.\n")
    commit(fork)
    assert release(fork, "8.2.0+acme.2").startswith("Two approve.\n\n✓ Released")
    assert "from v8.2.0+acme.1 to v8.2.0+acme.2;" in update(project)
    organised(project, '{"low": 2, "high": 2}')
    with (project / "policy.yaml").open("a") as file:
        file.write("live: required\n")
    assert edited(project, "acme_x") == ["policy.yaml"]


def test_a_tag_of_upstream_would_lead_projects_past_the_policy(fork):
    git(fork, "tag", "v8.1.0")
    git(fork, "tag", "v9-of-our-own")
    done = python(fork, "tools/release.py", "8.0.0+acme.2")
    assert done.returncode == 1 and "8.0.0+acme.2 is not newer than 8.1.0, whose tag leads projects past your" in done.stderr, (
        done
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name:", "organisation.yaml: name: Input should be a valid string"),
        ("defualts: {}", "organisation.yaml: defualts: unknown key, did you mean defaults?"),
        ("name: 'a", "organisation.yaml, line 1: not YAML: "),
        ("name: '{{ x }}'", "organisation.yaml: has '{{', which Copier reads as its own"),
        ("policy: {approvals: {lov: 1}}", "organisation.yaml: policy: approvals.lov: unknown key, did you mean low?"),
        ("policy: {names: {image: '['}}", "organisation.yaml: policy: names.image: Input should be a valid regular expression"),
        ("registry: acme.example/{name}", "organisation.yaml: registry: only {slug} is replaced"),
        ("site: javascript:alert(1)", "organisation.yaml: site: "),
        ("logo: ../acme.svg", "../acme.svg is not an SVG file of this repository"),
        ("logo: acme.png", "acme.png is not an SVG file of this repository"),
        ("logo: own.svg", "own.svg has more than 100000 bytes, or {{, {% or {#"),
    ],
)
def test_what_is_wrong_is_named_in_a_line(tmp_path, text, message):
    (tmp_path / "organisation.yaml").write_text(text, "utf-8")
    (tmp_path / "own.svg").write_text("<svg><style>{{fill:red}}</style></svg>", "utf-8")
    with pytest.raises(organisation.FactoryError) as refusal:
        organisation.logo_url(organisation.load(tmp_path), tmp_path)
    assert message in str(refusal.value) and "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("version", "name", "old", "new", "message"),
    [
        ("8.0.1", "organisation.yaml", "", "", "a label such as +acme.1 is for a fork"),
        ("8.0.0+acme.2", "organisation.yaml", "name: Acme & Sons\n", "", "a label such as +acme.1 is for a fork"),
        ("8.0.0+acme.2", "CHANGELOG.acme.md", "", "", "CHANGELOG.acme.md has no text below `## Next`"),
        ("8.0.0+acme.1", "CHANGELOG.acme.md", "", "", "8.0.0+acme.1 is not newer than 8.0.0+acme.1"),
        ("8.1.0+acme.1", "CHANGELOG.acme.md", "", "", "CHANGELOG.md is of 8.0.0: merge a release, and name it by that"),
        (
            "8.0.0+acme.2",
            "CHANGELOG.md",
            "# Changelog\n",
            "# Changelog\n\n## Next\n\nMore.\n",
            "CHANGELOG.md is of 8.0.0 and later",
        ),
        ("8.0.0+2", "CHANGELOG.acme.md", "", "", "8.0.0+2: label a fork's release like 8.0.0+acme.1"),
        ("8.0.0+acme.2", "organisation.yaml", "storage: s3\n", "storage: floppy\n", "Invalid choice for 'storage'"),
    ],
)
def test_what_would_break_projects_is_not_released(fork, version, name, old, new, message):
    put(fork, name, old, new)
    if name != "CHANGELOG.acme.md":
        put(fork, "CHANGELOG.acme.md", "# Acme\n", "# Acme\n\n## Next\n\nYou get more.\n")
    commit(fork)
    done = python(fork, "tools/release.py", version)
    assert done.returncode == 1 and message in done.stderr, done
    assert re.fullmatch(r"(✗ .+\n)+", done.stderr) and git(fork, "status", "--porcelain") == ""


def test_a_default_changes_no_project_that_is_older_than_its_question(upstream, fork, tmp_path):
    project = tmp_path / "project [1]"
    copier.run_copy(
        str(upstream), project, {"project_name": "Acme x", "ci": "github"}, vcs_ref="v8.0.0", defaults=True, quiet=True
    )
    answers = project / ".copier-answers.yml"
    answers.write_text(re.sub(r"target: .*\n|_src_path: .*\n", "", answers.read_text("utf-8")) + f"_src_path: {fork}\n", "utf-8")
    commit(project)
    copier.run_update(project, defaults=True, overwrite=True, quiet=True, vcs_ref="v8.0.0+acme.1")
    assert yaml.safe_load(answers.read_text("utf-8"))["target"] == "compose"


def test_a_default_of_the_storage_is_of_that_storage_alone(fork, tmp_path):
    data = {"project_name": "Acme x", "storage": "azure"}
    copier.run_copy(str(fork), tmp_path / "x", data, defaults=True, quiet=True)
    assert yaml.safe_load((tmp_path / "x/.copier-answers.yml").read_text("utf-8"))["storage_url"] == "azure://acme-x-data"


def test_a_readme_leads_to_guides_only_where_an_organisation_has_them(render):
    site = yaml.safe_load((ROOT / "organisation.yaml").read_text("utf-8"))["site"]
    [start] = re.findall(r"^You need .*", (render() / "README.md").read_text("utf-8"), re.MULTILINE)
    assert start.endswith(f"[guides]({site})." if site else "explains the terms.")


def test_no_release_changes_organisation_yaml():
    """Or it would conflict in each fork; in a fork, it is the fork's."""
    text = (ROOT / "organisation.yaml").read_text("utf-8")
    assert text == shipped() or NEUTRAL not in text


def test_the_repository_releases_by_its_own_organisation_yaml():
    done = python(ROOT, "tools/fork.py")
    assert (done.returncode, done.stderr) == (0, "") and "storage: " in done.stdout, done
