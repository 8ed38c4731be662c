"""The manifests and `factory deploy` on a real cluster: rollouts under load, rollbacks, and what may go wrong on the way."""

import hashlib
import json
import re
import shutil
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cluster as clusters
import pytest
import test_container
import yaml
from cluster import Cluster
from hosted import running_registry
from workshop import Governed, first_version, free_port, wait

pytestmark = pytest.mark.nightly
engine, rows = test_container.engine, test_container.rows
SPACE, KEY = "gate-test", "secret"
CLAIMS = ("captures", "batch")
# What Kubernetes 1.20 knows by an older name.
OLDER = {"autoscaling/v2": "autoscaling/v2beta2", "policy/v1": "policy/v1beta1", "batch/v1": "batch/v1beta1"}


@dataclass
class Release:
    """A version's image, named by digest, and what `factory score` gives for the rows."""

    name: str
    image: str
    scores: list[float]


class Shipped(Governed):
    """A project whose versions have images in a registry."""

    def release(self, name: str, registry: str) -> Release:
        self.done("factory", "build", name)
        image = re.findall(r"\S+@sha256:\w+", self.done("factory", "publish", name, FACTORY_REGISTRY=registry))[0]
        self.done("factory", "score", "reports/gate.rows.parquet", "reports/gate.scores.parquet")
        script = "import polars as pl; print(pl.read_parquet('reports/gate.scores.parquet')['score'].to_list())"
        return Release(name, image, json.loads(self.done("python", "-c", script)))

    @property
    def overlay(self) -> Path:
        return self.folder / "deploy/kubernetes/overlays/test"

    def choose(self, image: str) -> None:
        """Write the image into the overlay, as `factory deploy` does."""
        name, _, digest = image.partition("@")
        file = self.overlay / "kustomization.yaml"
        text = re.sub(r"newName: \S+", f"newName: {name}", file.read_text())
        file.write_text(re.sub(r"digest: \S+", f"digest: {digest}", text))

    def older(self) -> None:
        """Write the manifests as the cluster's version knows them."""
        for file in (self.folder / "deploy/kubernetes").rglob("*.yaml"):
            text = file.read_text()
            for new, old in OLDER.items():
                text = text.replace(f"apiVersion: {new}\n", f"apiVersion: {old}\n")
            file.write_text(text)


@pytest.fixture(scope="module")
def registry(engine) -> Iterator[str]:
    with running_registry() as address:
        yield address


@pytest.fixture(scope="module")
def cluster(engine, registry, tmp_path_factory) -> Iterator[Cluster]:
    """It ends before the registry, which removes the images that its pods use."""
    with clusters.running(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def project(registry, template, tmp_path_factory) -> Shipped:
    made = first_version(template, tmp_path_factory.mktemp("shipped"), "Gate", target="kubernetes")
    project = Shipped(made.folder, made.bin)
    project.older()
    return project


@pytest.fixture(scope="module")
def first(project, rows, registry) -> Release:
    return project.release("v1", registry)


@pytest.fixture(scope="module")
def second(project, rows, registry, first) -> Release:
    project.set("max_iter: 60", "max_iter: 62")
    project.train("Train longer")
    project.done("factory", "promote", "-m", "the second")
    return project.release("v2", registry)


@pytest.fixture(scope="module")
def space(cluster, tmp_path_factory) -> Path:
    """The namespace with what people bring: keys, and volumes, whose folders are in this one."""
    folder = tmp_path_factory.mktemp("volumes")
    cluster.kubectl("create", "namespace", SPACE)
    keys = f"ann {hashlib.sha256(KEY.encode()).hexdigest()}"
    cluster.kubectl("create", "secret", "generic", "keys", f"--namespace={SPACE}", f"--from-literal=keys={keys}")
    for claim in CLAIMS:
        (folder / claim).mkdir()
        cluster.kubectl("apply", "--filename=-", stdin=json.dumps(volume(claim, folder / claim)))
    return folder


def volume(claim: str, folder: Path) -> dict:
    """A disk of the node, whose files belong to root until the pods' group gets them."""
    node = {"key": "kubernetes.io/hostname", "operator": "In", "values": [clusters.NODE]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": claim},
        "spec": {
            "capacity": {"storage": "20Gi"},
            "accessModes": ["ReadWriteMany"],
            "claimRef": {"namespace": SPACE, "name": claim},
            "local": {"path": str(folder)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [node]}]}},
        },
    }


class Service:
    """The Service of the namespace, reached through the API server, which picks a ready pod for each request."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.url = f"{cluster.url}/api/v1/namespaces/{SPACE}/services/http:model:http/proxy"

    def ask(self, path: str, body: object = None) -> tuple[int, bytes]:
        headers = {"authorization": "Bearer admin", "content-type": "application/json", "x-api-key": KEY}
        request = urllib.request.Request(f"{self.url}{path}", None if body is None else json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=30, context=ssl._create_unverified_context()) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def scores(self, rows: list[dict]) -> list[float]:
        status, answer = self.ask("/score", rows)
        assert status == 200, answer
        return [row["score"] for row in json.loads(answer)["scores"]]

    @contextmanager
    def load(self, rows: list[dict]) -> Iterator[Counter]:
        """How many answers of each version four callers get while the block runs, and what fails."""
        ended, seen = threading.Event(), Counter()

        def call() -> None:
            while not ended.is_set():
                try:
                    status, answer = self.ask("/score", rows)
                    seen[json.loads(answer)["model"] if status == 200 else f"{status}: {answer[:200]}"] += 1
                except OSError as error:
                    seen[repr(error)] += 1

        callers = [threading.Thread(target=call) for _ in range(4)]
        for caller in callers:
            caller.start()
        try:
            yield seen
        finally:
            ended.set()
            for caller in callers:
                caller.join()

    def kubectl(self, *command: str, stdin: str | None = None) -> str:
        return self.cluster.kubectl(f"--namespace={SPACE}", *command, stdin=stdin)

    def pods(self) -> list[str]:
        """Their names, also of those that are being ended."""
        return self.kubectl("get", "pods", "--selector=app.kubernetes.io/component=model", "--output=name").split()

    def images(self) -> list[str]:
        """Those of the service and of the scoring once a day."""
        found = json.loads(self.kubectl("get", "deployments,cronjobs", "--output=json"))["items"]
        return re.findall(r"\S+@sha256:\w+", json.dumps([each["spec"] for each in found]))

    def revision(self) -> str:
        """The number of the Deployment's state, which any change raises."""
        return self.kubectl("get", "deployment/model", "--output=jsonpath={.metadata.generation}")

    def rolled_out(self) -> None:
        self.kubectl("rollout", "status", "deployment/model", "--timeout=170s")


@pytest.fixture(scope="module")
def service(cluster, project, first, space) -> Service:
    """The first version, applied and ready."""
    service = Service(cluster)
    project.choose(first.image)
    began = time.monotonic()
    service.kubectl("apply", f"--kustomize={project.overlay}")
    service.rolled_out()
    assert wait(lambda: len(service.pods()) == 2, 60)  # as the autoscaler wants, without any metrics
    service.rolled_out()
    print(f"\nready {time.monotonic() - began:.0f} s after kubectl apply")
    return service


def test_service_scores_as_factory_score(service, first, rows):
    assert service.scores(rows) == first.scores
    for pod in service.pods():
        address = service.kubectl("get", pod, "--output=jsonpath={.status.podIP}")
        status, answer = test_container.fetch(f"http://{address}:8000/score", rows, **{"x-api-key": KEY})
        assert status == 200 and [row["score"] for row in json.loads(answer)["scores"]] == first.scores


def test_pods_have_no_rights_and_capture_into_the_claim(service, space):
    process = service.kubectl(
        "exec", "deployment/model", "--", "sh", "-c", "id -u; grep -E '^(CapBnd|NoNewPrivs|Seccomp):' /proc/self/status"
    )
    assert process.split() == ["10001", "CapBnd:", "0" * 16, "NoNewPrivs:", "1", "Seccomp:", "2"]
    refused = service.cluster.call(f"--namespace={SPACE}", "exec", "deployment/model", "--", "touch", "/app/x")
    assert "Read-only file system" in refused.stderr
    assert service.kubectl("exec", "deployment/model", "--", "ls", "/run/secrets") == "factory"  # and no account's token
    assert wait(lambda: list((space / "captures").rglob("*.parquet")), 60)


def test_job_of_the_cron_job_scores_the_file(service, project, first, space):
    shutil.copy(project.folder / "reports/gate.rows.parquet", space / "batch/in.parquet")
    cron = json.loads(service.kubectl("get", "cronjob", "score", "--output=json"))
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "nightly"}, "spec": cron["spec"]["jobTemplate"]["spec"]}
    service.kubectl("create", "--filename=-", stdin=json.dumps(job))
    service.kubectl("wait", "--for=condition=Complete", "job/nightly", "--timeout=120s")
    script = f"import polars as pl; print(pl.read_parquet({str(space / 'batch/nightly.parquet')!r})['score'].to_list())"
    assert json.loads(project.done("python", "-c", script)) == first.scores


def test_new_version_under_load_and_back_lose_no_request(service, project, first, second, rows):
    project.choose(second.image)
    for command, release in (
        (("apply", f"--kustomize={project.overlay}"), second),
        (("rollout", "undo", "deployment/model"), first),
    ):
        with service.load(rows[:10]) as seen:
            time.sleep(1)
            began = time.monotonic()
            service.kubectl(*command)
            service.rolled_out()
            seconds = time.monotonic() - began
            assert wait(lambda: len(service.pods()) == 2, 120)
        print(f"\n{command[0]}: {seconds:.0f} s, {sum(seen.values())} requests, {dict(seen)}")
        assert seen.keys() == {"v1", "v2"} and seen[release.name] > 50
        assert service.scores(rows) == release.scores
    project.choose(first.image)
    service.kubectl("apply", f"--kustomize={project.overlay}")  # the CronJob, which `undo` leaves


# What keeps a new version from getting ready, as a change of the Deployment, and the reason that is given.
POD = "/spec/template/spec"
UNREADY = {
    "CRASH_LOOP": (f"{POD}/containers/0/env", [{"name": "FACTORY_X", "value": "1"}]),
    "UNSCHEDULABLE": (f"{POD}/nodeSelector", {"disk": "none"}),
    "IMAGE_PULL": (f"{POD}/initContainers", [{"name": "x", "image": "127.0.0.1:1/x"}]),
}


@contextmanager
def patched(project: Shipped, path: str, value: object) -> Iterator[None]:
    """The overlay with another value in the Deployment while the block runs."""
    file = project.overlay / "kustomization.yaml"
    text = file.read_text()
    deadline = {"op": "replace", "path": "/spec/progressDeadlineSeconds", "value": 20}
    patch = json.dumps([deadline, {"op": "add", "path": path, "value": value}])
    patches = [{"target": {"kind": "Deployment", "name": "model"}, "patch": patch}]
    file.write_text(yaml.safe_dump({**yaml.safe_load(text), "patches": patches}))
    yield
    file.write_text(text)


@pytest.fixture(scope="module")
def env(cluster, project, registry) -> dict[str, str]:
    """What `factory deploy` has on people's machines and in pipelines."""
    project.edit("environments.yaml", 'context: ""', "context: admin")
    return {"KUBECONFIG": str(cluster.config), "FACTORY_KEY": KEY, "FACTORY_REGISTRY": registry}


@pytest.mark.parametrize("code", UNREADY)
def test_version_that_does_not_get_ready_is_taken_back(service, project, first, second, rows, env, code):
    pods, images = service.pods(), service.images()
    with patched(project, *UNREADY[code]), service.load(rows[:10]) as seen:
        status, _, error = project.run("factory", "deploy", "test", **env)
        assert wait(lambda: len(service.pods()) == 2, 120)
    assert status == 1 and error.splitlines()[-1].startswith(f"Error: {code}: "), error
    assert seen.keys() == {"v1"} and seen["v1"] > 50
    assert (service.pods(), service.images()) == (pods, images)


def test_misspelt_key_changes_nothing(service, project, first, env):
    before = service.revision()
    with patched(project, f"{POD}/containers/0/readinesProbe", {"periodSeconds": 1}):
        assert 'unknown field "readinesProbe"' in project.refused("factory", "deploy", "test", **env)
    assert service.revision() == before


def test_cluster_that_cannot_be_used_is_named(service, cluster, project, first, env):
    for code, config in {
        "CLUSTER_UNREACHABLE": cluster.user("admin", url=f"https://127.0.0.1:{free_port()}"),
        "CONTEXT_UNKNOWN": cluster.user("admin", context="other"),
        "FORBIDDEN": cluster.user("stranger"),
    }.items():
        assert project.refused("factory", "deploy", "test", **{**env, "KUBECONFIG": str(config)}).startswith(f"{code}: ")
    assert service.ask("/health/ready")[0] == 200


def test_deploy_and_rollback_reach_the_service_and_lose_no_request(service, project, first, second, rows, env):
    for command, release in ((["deploy", "test", "v2"], second), (["rollback", "-m", "why", "--deploy", "test"], first)):
        with service.load(rows[:10]) as seen:
            print("\n" + project.done("factory", *command, **env))
            assert wait(lambda: len(service.pods()) == 2, 120)
        print(f"{command[0]}: {dict(seen)}")
        assert seen.keys() == {"v1", "v2"} and seen[release.name] > 50
        assert service.scores(rows) == release.scores
