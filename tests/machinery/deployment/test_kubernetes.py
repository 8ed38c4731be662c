"""A version on a Kubernetes cluster: applied by its digest, and undone where its pods do not get ready."""

import time

import pytest
from late_flights.factory.deployment import smoke_test
from late_flights.factory.registry import versions
from tests.factory.cli_runner import refused, run

from machinery.deployment.conftest import release
from machinery.deployment.environment_files import IMAGE, OVERLAY, kubernetes, write_overlay
from machinery.deployment.fake_kubectl import FakeKubectl

OLD = IMAGE.replace("1" * 64, "9" * 64)
CONTEXT = "prod-cluster"
NOISE = 'E1129 22:29:53.6 memcache.go:265] "Unhandled Error" err="dial tcp 127.0.0.1:1: connect: connection refused"'
POD = {
    "IMAGE_PULL": {"containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling"}}}]},
    "CRASH_LOOP": {
        "containerStatuses": [
            {
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
            }
        ]
    },
    "POD_CONFIG": {
        "containerStatuses": [
            {"state": {"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "keys" not found'}}}
        ]
    },
    "UNSCHEDULABLE": {"conditions": [{"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available: cpu"}]},
    "NOT_READY": {"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]},
}


@pytest.fixture
def cluster(released, monkeypatch):
    """A cluster where an older image serves, and an overlay of which nothing else is changed."""
    kubernetes(CONTEXT)
    write_overlay()
    fake = FakeKubectl(released.folder, CONTEXT)
    fake.set(revisions={"1": OLD}, serving=OLD)
    return fake


def deploy(*options):
    result = run("deploy", "prod", "v1", *options)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_digest_is_applied_and_the_overlay_here_stays(cluster):
    before = OVERLAY.read_bytes()
    assert f"✓ {IMAGE} serves at {CONTEXT}, healthy after" in deploy()
    assert cluster.serving == IMAGE and OVERLAY.read_bytes() == before
    assert cluster.calls.index("get") < cluster.calls.index("apply")


def test_why_is_in_the_log_and_in_the_events(cluster):
    cluster.set(broken=[IMAGE], pod=POD["CRASH_LOOP"])
    crashed = "ended with exit code 137 (OOMKilled): Error: FACTORY_X: no such setting"
    assert refused("deploy", "prod", "v1") == f"CRASH_LOOP: pod model-7 {crashed}; {IMAGE} does not serve"
    cluster.set(pod=POD["IMAGE_PULL"])
    assert "IMAGE_PULL: pod model-7: Failed to pull image: manifest unknown; " in refused("deploy", "prod", "v1")


def test_image_that_does_not_get_ready_is_undone(cluster):
    cluster.set(broken=[IMAGE])
    for code, status in POD.items():
        cluster.set(pod=status)
        line = refused("deploy", "prod", "v1")
        assert line.startswith(f"{code}: pod model-7") and line.endswith(f"{IMAGE} does not serve")
        assert cluster.serving == OLD
    assert cluster.changes()[:3] == ["apply", "apply", "rollout undo deployment/model"]


def test_what_else_has_the_image_goes_back_with_the_pods(cluster):
    deploy()
    before = cluster.objects
    assert before["CronJob"]["image"] == IMAGE
    newer = IMAGE.replace("1" * 64, "4" * 64)
    release(versions.local()[-1], newer)
    cluster.set(broken=[newer], pod=POD["IMAGE_PULL"])
    assert refused("deploy", "prod", "v1").startswith("IMAGE_PULL: ")
    assert cluster.objects == before and cluster.serving == IMAGE


def test_way_back_that_fails_too_is_part_of_the_error(cluster):
    cluster.set(broken=[IMAGE, OLD], pod=POD["IMAGE_PULL"])
    line = refused("deploy", "prod", "v1")
    assert line.startswith("IMAGE_PULL: ") and "; and to go back failed: NOT_READY: the pods of revision 1 do not" in line


def test_image_that_does_not_score_as_recorded_is_undone(cluster, monkeypatch):
    def differing(request, version):
        raise smoke_test.FactoryError("SCORES_DIFFER: by much")
        yield

    monkeypatch.setattr(smoke_test, "check_service", differing)
    assert refused("deploy", "prod", "v1") == "SCORES_DIFFER: by much"
    assert cluster.serving == OLD and cluster.changes()[-1] == "rollout undo deployment/model"


def test_first_image_that_does_not_get_ready_leaves_none(cluster):
    cluster.set(revisions={}, serving=None, broken=[IMAGE], pod=POD["IMAGE_PULL"])
    assert refused("deploy", "prod", "v1").startswith("IMAGE_PULL: ")
    assert cluster.serving is None and cluster.changes()[-1] == "delete deployment/model"


def test_what_somebody_else_deployed_meanwhile_is_left(cluster, monkeypatch):
    another = IMAGE.replace("1" * 64, "5" * 64)

    def overtaken(request, version):
        cluster.set(revisions={"1": OLD, "2": IMAGE, "3": another}, serving=another)
        raise smoke_test.FactoryError("WRONG_VERSION: it serves v5, not v1")
        yield

    monkeypatch.setattr(smoke_test, "check_service", overtaken)
    assert refused("deploy", "prod", "v1").startswith("WRONG_VERSION: ")
    assert cluster.serving == another and "rollout undo deployment/model" not in cluster.calls


@pytest.mark.parametrize(
    ("command", "text", "code"),
    [
        (
            "--raw",
            f"{NOISE}\nThe connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?",
            "CLUSTER_UNREACHABLE",
        ),
        (
            "dry-run",
            'Error from server (NotFound): error when creating "STDIN": namespaces "churn-prod" not found',
            "NAMESPACE_MISSING",
        ),
        (
            "deployment/model",
            'Error from server (Forbidden): deployments.apps "model" is forbidden: User "ann" cannot get resource',
            "FORBIDDEN",
        ),
        ("dry-run", 'Error from server (BadRequest): strict decoding error: unknown field "spec.replica"', "OVERLAY"),
        ("dry-run", "Error from server (InternalError): an error on the server", "KUBECTL"),
    ],
)
def test_cluster_that_refuses_keeps_what_serves(cluster, command, text, code):
    cluster.set(fail={command: text})
    line = refused("deploy", "prod", "v1")
    assert line.startswith(f"{code}: kubectl ") and line.endswith(text.splitlines()[-1])
    assert cluster.serving == OLD and not [call for call in cluster.changes() if "rollout" in call]


def test_context_that_is_unknown(cluster):
    cluster.set(fail={"--raw": 'error: context "prod-cluster" does not exist'})
    assert refused("deploy", "prod", "v1").startswith("CONTEXT_UNKNOWN: kubectl get, context prod-cluster: ")
    kubernetes("nope")
    assert refused("deploy", "prod", "v1").startswith("CONTEXT_UNKNOWN: kubectl get, context nope: ")


def test_kubectl_is_missing(cluster):
    (cluster.folder / "kubectl").unlink()
    assert refused("deploy", "prod", "v1").startswith("KUBECTL_MISSING: kubectl is not installed")


def test_overlay_with_a_misspelt_key(cluster):
    OVERLAY.write_text(OVERLAY.read_text() + "patchs: []\n")
    line = refused("deploy", "prod", "v1")
    assert line.startswith("OVERLAY: ") and 'unknown field "patchs"' in line and not cluster.changes()


def test_overlay_of_another_namespace(cluster):
    kubernetes(CONTEXT, namespace="elsewhere")
    assert refused("deploy", "prod", "v1").startswith("OVERLAY: deploy/kubernetes/overlays/prod/kustomization.yaml has namespace")
    assert not cluster.changes()


def test_service_is_asked_through_the_api(cluster, monkeypatch):
    asked = []
    monkeypatch.setattr(smoke_test, "http_client", lambda url: lambda path, body: asked.append(url + path) or b"")
    monkeypatch.setattr(smoke_test, "check_service", lambda request, version: iter([str(request("/version", b""))]))
    cluster.set(port=4242)
    deploy()
    assert asked == ["http://127.0.0.1:4242/version"]
    monkeypatch.setattr(smoke_test, "http_client", unreachable)
    assert refused("deploy", "prod", "v1").startswith(
        "NOT_READY: no response E1129 23:24:01.2 portforward.go:424] error forwarding"
    )
    cluster.set(fail={"port-forward": "error: unable to forward port because pod is not running"})
    assert refused("deploy", "prod", "v1").startswith("KUBECTL: kubectl port-forward, context prod-cluster: error: unable to")


def unreachable(url):
    def request(path, body):
        time.sleep(0.2)  # while kubectl prints why
        raise smoke_test.FactoryError("NOT_READY: no response")

    return request


def test_traffic_is_not_divided(cluster):
    assert refused("deploy", "prod", "v1", "--traffic", "10").startswith("--traffic is for azureml: kubernetes gives")
