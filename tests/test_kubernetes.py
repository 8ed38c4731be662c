"""The manifests for Kubernetes: what every overlay and component renders to passes validators, and none of the mistakes goes unseen."""

import ast
import json
import os
import re
import shutil
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, commit, git
from workshop import Project, call, copy, installed, require, run

FOLDER = Path("deploy/kubernetes")
ENVIRONMENTS = ("dev", "test", "prod")
COMPONENTS = [
    (),
    ("prometheus",),
    ("gateway",),
    ("gateway", "challenger"),
    ("monitor",),
    ("kserve",),
    ("prometheus", "gateway", "challenger", "monitor"),
]
COMBINED = COMPONENTS[-1]
CUSTOM = ("HTTPRoute", "ServiceMonitor", "InferenceService")
NO_COMPONENTS = "components: [] # such as ../../components/prometheus"
PROJECT_SETTINGS = "configMapGenerator: [{name: project, literals: [REPOSITORY=https://example.com/team/late-flights.git]}]"
DEPLOYMENT, SERVICE = "service/deployment.yaml", "service/service.yaml"

READINESS = """\
          readinessProbe:
            httpGet: {path: /health/ready, port: http}
            periodSeconds: 3
            timeoutSeconds: 3
            failureThreshold: 2
"""

# Each mistake: file, what is replaced there, by what. `prod` stands for that overlay.
MISTAKES = {
    "misspelt key": (DEPLOYMENT, "readOnlyRootFilesystem", "readOnlyRootFilesytem"),
    "misspelt key of the overlay": ("prod", "images:", "image:"),
    "misspelt kind": ("base/captures.yaml", "PersistentVolumeClaim", "PersistentVolumClaim"),
    "image by a tag": ("prod", "digest: sha256:", "newTag: v3 # "),
    "image without digest": (DEPLOYMENT, "image: model@sha256:" + "0" * 64, "image: nginx"),
    "image called latest": ("base/score.yaml", "image: model@sha256:" + "0" * 64, "image: nginx:latest"),
    "root": (DEPLOYMENT, "runAsNonRoot: true\n        runAsUser: 10001", "runAsUser: 0"),
    "writable root": (DEPLOYMENT, "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false"),
    "capability": (DEPLOYMENT, "drop: [ALL]", "add: [NET_ADMIN]"),
    "more rights than at the start": (DEPLOYMENT, "allowPrivilegeEscalation: false", "privileged: true"),
    "no readiness probe": (DEPLOYMENT, READINESS, ""),
    "pods stopped before others are ready": (DEPLOYMENT, "maxUnavailable: 0", "maxUnavailable: 1"),
    "wrong name of a port": (SERVICE, "targetPort: http", "targetPort: web"),
    "probe of a port that is not there": (DEPLOYMENT, "/health/ready, port: http", "/health/ready, port: https"),
    "selector that selects nothing": (SERVICE, "selector: {}", "selector: {app: model}"),
    "autoscaler of another name": ("service/scaling.yaml", "kind: Deployment, name: model", "kind: Deployment, name: modell"),
    "budget that lets no pod go": ("service/disruption.yaml", "maxUnavailable: 1", "minAvailable: 2"),
    "secret in plain text": ("prod", "images:", "secretGenerator: [{name: keys, literals: [keys=abc]}]\nimages:"),
    "captures that go with their pod": (DEPLOYMENT, "persistentVolumeClaim: {claimName: captures}", "emptyDir: {}"),
    "claim that is not there": (DEPLOYMENT, "claimName: captures", "claimName: capture"),
    "no limits": (DEPLOYMENT, 'limits: {cpu: "1", memory: 2Gi}', "limits: {}"),
    "jobs that overlap": ("base/score.yaml", "  concurrencyPolicy: Forbid\n", ""),
    "network policy that selects nothing": ("service/network.yaml", "    matchLabels: {}", "    matchLabels: {app: x}"),
    "token mounted": (DEPLOYMENT, "automountServiceAccountToken: false", "automountServiceAccountToken: true"),
    "configuration that is not there": (DEPLOYMENT, "configMapRef: {name: settings}", "configMapRef: {name: setting}"),
    "setting that the service refuses": ("service/settings.env", "FACTORY_DRAIN", "FACTORY_DRIAN"),
    "less time than it takes to stop": (DEPLOYMENT, "terminationGracePeriodSeconds: 75", "terminationGracePeriodSeconds: 30"),
    "open to all without keys": ("service/settings.env", "FACTORY_KEYS=/run/secrets/factory/keys\n", ""),
    "volume that is not there": (DEPLOYMENT, "{name: tmp, mountPath: /tmp}", "{name: temp, mountPath: /tmp}"),
    "account that is not there": (DEPLOYMENT, "serviceAccountName: model", "serviceAccountName: models"),
}
# What only a deployment finds out.
UNSEEN = {
    "image of others": ("prod", "newName: registry.example.com/late-flights", "newName: docker.io/library/nginx"),
    "route that is not there": (DEPLOYMENT, "path: /health/ready", "path: /health/redy"),
}

# Prints by version what kubernetes-validate refuses in the files, and the kinds that it does not know.
VALIDATE = """
import json, sys, yaml
import kubernetes_validate as validator

known = validator.utils.all_versions()
resources = {json.dumps(each): each for file in sys.argv[1:] for each in yaml.load_all(open(file), yaml.CSafeLoader)}
found = {}
for version in (known[0], known[len(known) // 2], known[-1]):
    problems = found[version] = []
    for resource in resources.values():
        try:
            validator.validate(resource, version, strict=True)
        except validator.SchemaNotFoundError:
            problems.append(resource["kind"])
        except validator.ValidationError as error:
            problems.append(f"{resource['kind']} {[*error.path]}: {error.message}")
print(json.dumps(found))
"""
# Prints what `factory check` finds in the manifests of each folder.
CHECK = """
import json, os, sys
from late_flights.factory.check import overlays

found = {}
for folder in sys.argv[1:]:
    os.chdir(folder)
    found[folder] = overlays.check("").output
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def project(render) -> Path:
    return render(target="kubernetes")


def manifests(project: Path, folder: Path) -> Path:
    return copy(project / FOLDER, folder / FOLDER)


def with_components(folder: Path, environment: str, names: tuple[str, ...]) -> Path:
    """The overlay, with these components and what they need."""
    overlay = folder / "overlays" / environment
    file = overlay / "kustomization.yaml"
    text = file.read_text()
    assert NO_COMPONENTS in text
    paths = ", ".join(f"../../components/{name}" for name in names)
    settings = f"\n{PROJECT_SETTINGS}" if "monitor" in names else ""
    file.write_text(text.replace(NO_COMPONENTS, f"components: [{paths}]{settings}"))
    return overlay


def rendered(overlay: Path) -> str:
    return run(overlay, require("kubectl"), "kustomize", ".")


@pytest.fixture(scope="module")
def everything(project, tmp_path_factory) -> dict[tuple[str, tuple[str, ...]], str]:
    """What each overlay renders to with each choice of components."""
    found = {}
    for environment in ENVIRONMENTS:
        for names in COMPONENTS:
            folder = manifests(project, tmp_path_factory.mktemp("choice"))
            found[environment, names] = rendered(with_components(folder, environment, names))
    return found


def resources(text: str) -> dict[tuple[str, str], dict]:
    return {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(text)}


def test_all_is_in_the_environments_namespace_and_of_this_project(everything):
    for (environment, _), text in everything.items():
        for resource in resources(text).values():
            assert resource["metadata"]["namespace"] == f"late-flights-{environment}"
            assert resource["metadata"]["labels"]["app.kubernetes.io/part-of"] == "late-flights"


def test_selectors_are_of_this_project_so_that_projects_may_share_a_namespace(everything):
    own = {"app.kubernetes.io/part-of": "late-flights"}
    for text in everything.values():
        for (kind, _), resource in resources(text).items():
            selector = {"Service": "selector", "NetworkPolicy": "podSelector"}.get(kind, "selector")
            if kind in ("Deployment", "NetworkPolicy", "PodDisruptionBudget"):
                assert own.items() <= resource["spec"][selector]["matchLabels"].items()
            if kind == "Service":
                assert own.items() <= resource["spec"][selector].items()


def test_probes_ask_the_services_own_routes(project, everything):
    routes = "".join(file.read_text() for file in project.glob("src/*/factory/serving/*.py"))
    pod = resources(everything["prod", ()])["Deployment", "model"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert f'"{container[probe]["httpGet"]["path"]}"' in routes
    assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"


def test_one_image_by_digest_reaches_service_and_jobs(project, tmp_path):
    folder = manifests(project, tmp_path)
    file = folder / "overlays/prod/kustomization.yaml"
    image = f"ghcr.io/team/churn@sha256:{'a' * 64}"
    file.write_text(
        file.read_text().replace("0" * 64, "a" * 64).replace("registry.example.com/late-flights", "ghcr.io/team/churn")
    )
    assert set(re.findall(r"image: (.*)", rendered(file.parent))) == {image}


def test_the_challenger_is_another_image_and_gets_its_share(project, tmp_path):
    folder = manifests(project, tmp_path)
    overlay = with_components(folder, "prod", ("gateway", "challenger"))
    file = overlay / "kustomization.yaml"
    entry = f"  - {{name: challenger, newName: ghcr.io/team/churn, digest: sha256:{'b' * 64}}}\n"
    file.write_text(file.read_text().replace("images:\n", f"images:\n{entry}"))
    found = resources(rendered(overlay))
    (container,) = found["Deployment", "model-challenger"]["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"ghcr.io/team/churn@sha256:{'b' * 64}"
    (rule,) = found["HTTPRoute", "model"]["spec"]["rules"]
    assert {each["name"]: each["weight"] for each in rule["backendRefs"]} == {"model": 90, "model-challenger": 10}
    labels = found["Deployment", "model-challenger"]["spec"]["template"]["metadata"]["labels"]
    assert found["Service", "model-challenger"]["spec"]["selector"].items() <= labels.items()
    assert not found["Service", "model"]["spec"]["selector"].items() <= labels.items()


def test_kserve_runs_the_very_pods(everything):
    plain, kserve = (resources(everything["prod", names]) for names in ((), ("kserve",)))
    pod = plain["Deployment", "model"]["spec"]["template"]
    service = kserve["InferenceService", "model"]
    predictor = {key: value for key, value in service["spec"]["predictor"].items() if key in pod["spec"]}
    predictor["containers"] = [{**predictor["containers"][0], "name": "model"}]
    for constraint in pod["spec"]["topologySpreadConstraints"]:
        del constraint["labelSelector"]["matchLabels"]["app.kubernetes.io/part-of"]
    assert predictor == pod["spec"]
    assert pod["metadata"]["labels"].items() <= service["metadata"]["labels"].items()
    assert not {kind for kind, _ in kserve} & {"Deployment", "Service", "HorizontalPodAutoscaler"}


def test_an_overlay_is_the_users(template, project, tmp_path):
    """An update leaves it alone; what it builds on is the template's."""
    listed = (project / next((project / "src").iterdir()) / "factory/MANIFEST").read_text()
    assert "deploy/kubernetes/service/deployment.yaml kubernetes" in listed
    assert "deploy/kubernetes/overlays" not in listed


def test_only_projects_in_kubernetes_have_them(render):
    assert not (render() / FOLDER).exists()
    assert "kubernetes-validate>" not in (render() / "pyproject.toml").read_text()


@pytest.mark.slow
def test_validators_pass(everything, tmp_path):
    """In each of the oldest, a middle and the newest version of Kubernetes; other kinds by the schemas of those who made them."""
    files = []
    for number, text in enumerate(everything.values()):
        files.append(tmp_path / f"{number}.yaml")
        files[-1].write_text(text)
    command = ("uv", "run", "--quiet", "--no-project", "--with=kubernetes-validate", "python", "-c", VALIDATE)
    found = json.loads(run(tmp_path, *command, *map(str, files)).splitlines()[-1])
    assert len(found) == 3
    for problems in found.values():
        assert not [problem for problem in problems if problem not in CUSTOM]
        assert set(problems) == set(CUSTOM)


@pytest.mark.slow
def test_custom_resources_are_as_their_makers_want_them(project, everything, tmp_path):
    packages = ("@kubernetes-models/gateway-api@2.0.0", "@kubernetes-models/prometheus-operator@6.0.0")
    run(tmp_path, require("npm"), "install", "--silent", "--ignore-scripts", "--prefix", str(tmp_path), *packages)
    found = resources(everything["prod", COMBINED])
    check = ("node", str(ROOT / "tests/custom_resources.cjs"), str(tmp_path))
    found["PrometheusRule", "model"] = prometheus_rule(project)
    for kind, key in (("HTTPRoute", "rules"), ("ServiceMonitor", "endpoints"), ("PrometheusRule", "groups")):
        file = tmp_path / f"{kind}.json"
        file.write_text(json.dumps(found[kind, "model"]))
        run(tmp_path, *check, str(file))
        file.write_text(json.dumps(found[kind, "model"]).replace(f'"{key}": [', f'"{key}": [3, '))
        assert call(tmp_path, *check, str(file)).returncode == 1
    predictor = resources(everything["prod", ("kserve",)])["InferenceService", "model"]["spec"]["predictor"]
    assert predictor.keys() <= keys_of_a_predictor(tmp_path)


def prometheus_rule(project: Path) -> dict:
    """As the command in the page makes it of deploy/rules.yaml."""
    (command,) = re.findall(r"`(\{ printf .*) \| kubectl apply -f -`", (project / FOLDER / "README.md").read_text())
    rule = yaml.safe_load(run(project, "sh", "-c", command))
    assert rule["spec"]["groups"] == yaml.safe_load((project / "deploy/rules.yaml").read_text())["groups"][:1]
    return rule


def keys_of_a_predictor(folder: Path) -> set[str]:
    """As KServe's own package lists them."""
    run(folder, "uv", "pip", "install", "--quiet", "--no-deps", "--target", str(folder / "kserve"), "kserve")
    source = (folder / "kserve/kserve/models/v1beta1_predictor_spec.py").read_text()
    (kind,) = [each for each in ast.parse(source).body if isinstance(each, ast.ClassDef)]
    values = {each.targets[0].id: each.value for each in kind.body if isinstance(each, ast.Assign)}
    return set(ast.literal_eval(values["attribute_map"]).values())


def checkov(folder: Path) -> dict[str, set[str]]:
    """The checks that each file fails; none is left out."""
    options = ("--framework=kubernetes", "--output=json", "--quiet", "--compact")
    done = call(folder, "uvx", "--quiet", "checkov", "--directory", str(folder), *options, LOG_LEVEL="ERROR")
    report = json.loads(done.stdout[done.stdout.index("{") :])
    assert report["summary"]["parsing_errors"] == 0 and report["summary"]["passed"] > 0, done.stderr
    found: dict[str, set[str]] = {}
    for check in report["results"]["failed_checks"]:
        found.setdefault(Path(check["file_path"]).stem, set()).add(check["check_id"])
    return found


@pytest.mark.slow
def test_checkov_passes_and_sees_mistakes(everything, project, tmp_path):
    folder = tmp_path / "rendered"
    folder.mkdir()
    for names in (COMBINED, ("kserve",)):
        (folder / f"{names[0]}.yaml").write_text(everything["prod", names])
    for name in ("root", "writable root", "capability", "token mounted"):
        overlay = sown(project, tmp_path / name, *MISTAKES[name]) / "overlays/prod"
        (folder / f"{name}.yaml").write_text(rendered(overlay))
    assert checkov(folder).keys() == {"root", "writable root", "capability", "token mounted"}


def sown(project: Path, folder: Path, file: str, old: str, new: str) -> Path:
    """The manifests with one mistake."""
    place = manifests(project, folder)
    target = place / ("overlays/prod/kustomization.yaml" if file == "prod" else file)
    text = target.read_text()
    assert old in text, f"{file} has no {old}"
    target.write_text(text.replace(old, new, 1))
    for environment in ("dev", "test"):
        shutil.rmtree(place / "overlays" / environment)
    return place


@pytest.fixture(scope="module")
def environment(template, tmp_path_factory) -> Project:
    """A project in Kubernetes with its environment."""
    return installed(template, tmp_path_factory.mktemp("kubernetes"), "Late flights", Project, target="kubernetes")


@pytest.mark.slow
def test_the_job_that_monitors_clones_the_project_and_runs_there(environment, everything, tmp_path):
    """Its own commands, in a folder in place of the claim: without captures it has nothing to judge, and its report stays."""
    commit(environment.folder)
    git(tmp_path, "clone", "--quiet", "--bare", str(environment.folder), "remote.git")
    work, captures = tmp_path / "work", tmp_path / "captures"
    work.mkdir()
    captures.mkdir()
    job = resources(everything["prod", COMBINED])["CronJob", "monitor"]
    spec = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (clone,), (monitor,) = spec["initContainers"], spec["containers"]
    variables = {each["name"]: each["value"].replace("/clone", f"{work}") for each in monitor["env"]}
    variables |= {"REPOSITORY": f"{tmp_path / 'remote.git'}", "UV_CACHE_DIR": os.environ["UV_CACHE_DIR"]}
    for _ in range(2):  # the second night there is a clone already
        run(work, *clone["command"], **variables)
        place = Path(monitor["workingDir"].replace("/clone", f"{work}"))
        done = call(place, *(each.replace("/captures", f"{captures}") for each in monitor["command"]), **variables)
        assert (done.returncode, "NO_DATA" in done.stdout) == (2, True), done.stderr
        assert (place / "reports/monitor.json").exists()
        assert git(place, "status", "--porcelain") == ""


@pytest.mark.slow
def test_a_project_sees_each_mistake(environment, project, tmp_path):
    run(environment.folder, "uv", "sync", "--quiet", "--inexact", "--group", "lint")
    every = {**MISTAKES, **UNSEEN}
    folders = {name: sown(project, tmp_path / f"{number}", *every[name]).parents[1] for number, name in enumerate(every)}
    python = (str(environment.bin / "python"), "-c", CHECK)
    found = json.loads(environment.done(*python, *map(str, folders.values())).splitlines()[-1])
    unseen = {name for name, folder in folders.items() if not found[str(folder)]}
    assert unseen == UNSEEN.keys(), found
    for problem in "\n".join(filter(None, found.values())).splitlines():
        assert problem.startswith("deploy/kubernetes/overlays/prod: ")


@pytest.mark.slow
def test_the_check_of_a_project(environment, project, tmp_path):
    """It passes before the first deployment and with all components, names the overlay with a mistake, and needs kubectl."""
    folder = environment.folder
    check = (str(environment.bin / "factory"), "check", "--skip", "template", str(FOLDER))
    commit(folder)
    assert "✓ kubernetes: no image yet: dev; prod; test" in environment.done(*check)
    file = with_components(folder / FOLDER, "prod", COMBINED) / "kustomization.yaml"
    text = file.read_text()
    assert "✓ kubernetes" in environment.done(*check)
    file.write_text(text.replace("digest: sha256:", "newTag: v3 # "))
    code, out, _ = environment.run(*check)
    assert code == 1
    assert "✗ kubernetes" in out
    assert "overlays/prod: Deployment model: image registry.example.com/late-flights:v3" in out
    assert "overlays/dev" not in out
    without = os.pathsep.join(each for each in os.environ["PATH"].split(os.pathsep) if not Path(each, "kubectl").exists())
    (tmp_path / "bin").mkdir()
    for name in ("git", "uv"):
        (tmp_path / "bin" / name).symlink_to(require(name))
    out = environment.done(*check, PATH=f"{environment.bin}:{tmp_path / 'bin'}:{without}")
    assert "✓ kubernetes: deploy/kubernetes was not checked: kubectl is not installed" in out
