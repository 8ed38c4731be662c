"""A real cluster on loopback: etcd, the API server, its controllers, the scheduler, and a node on the Docker engine.

It is of Kubernetes 1.20, so it lacks autoscaling/v2, policy/v1 and the CronJob of batch/v1, and nothing enforces its policies
of the network.
"""

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes_source import binaries
from workshop import end, free_port, require, wait

NODE = "127.0.0.1"
USERS = "admin,admin,1,system:masters\nstranger,stranger,2\n"  # token, name, number, groups
PAUSE = """
FROM debian:bookworm-slim
CMD ["sh", "-c", "trap 'exit 0' TERM; sleep infinity & wait"]
"""


class Cluster:
    """A cluster that runs, and how commands reach it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.store = folder, free_port(), f"http://127.0.0.1:{free_port()}"
        self.url = f"https://127.0.0.1:{self.port}"
        self.config = self.user("admin")

    def user(self, name: str, context: str = "admin", url: str = "") -> Path:
        """A kubeconfig with the user as the context."""
        server = url or self.url
        clusters = [{"name": "it", "cluster": {"server": server, "insecure-skip-tls-verify": True}}]
        contexts = [{"name": context, "context": {"cluster": "it", "user": name}}]
        config = {"clusters": clusters, "contexts": contexts, "users": [{"name": name, "user": {"token": name}}]}
        path = self.folder / f"{name}-{context}-{server.rpartition(':')[2]}.json"
        path.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": context, **config}))
        return path

    def call(self, *command: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        kubectl = ("kubectl", f"--kubeconfig={self.config}", *command)
        return subprocess.run(kubectl, input=stdin, capture_output=True, text=True, timeout=180)

    def kubectl(self, *command: str, stdin: str | None = None) -> str:
        """What kubectl prints; it must succeed."""
        done = self.call(*command, stdin=stdin)
        assert done.returncode == 0, f"kubectl {' '.join(command)}: {done.stdout[-1000:]}{done.stderr[-2000:]}"
        return done.stdout.strip()

    def log(self, server: str) -> str:
        return (self.folder / f"{server}.log").read_text()[-3000:]


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """A cluster with one node, whose name is its address; all ends with the block, and with it all pods."""
    if os.geteuid():
        pytest.skip("only root may start a node")
    if containers():
        pytest.skip("another node runs on this Docker engine, and each would end the other's pods")
    place, build = binaries(), ("docker", "build", "--quiet", "--tag=pause:local", "-")
    subprocess.run(build, input=PAUSE, text=True, check=True, capture_output=True)
    cluster = Cluster(folder)
    with contextlib.ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{place}:{os.environ['PATH']}")
        for command in (etcd(cluster), api_server(cluster)):
            stack.enter_context(server(cluster, *command))
        assert wait(lambda: cluster.call("get", "--raw=/readyz").returncode == 0, 90), cluster.log("kube-apiserver")
        stack.callback(clear, cluster)
        for command in (controllers(cluster), scheduler(cluster), kubelet(cluster)):
            stack.enter_context(server(cluster, *command))
        ready = ("wait", "--for=condition=Ready", f"node/{NODE}")
        if not wait(lambda: cluster.call(*ready).returncode == 0, 90):
            pytest.skip(f"a node of Kubernetes 1.20 does not get ready on this engine: {cluster.log('kubelet')[-300:]}")
        yield cluster


@contextlib.contextmanager
def server(cluster: Cluster, name: str, *options: str) -> Iterator[None]:
    """One of the cluster's processes, ended by its own number."""
    with (cluster.folder / f"{name}.log").open("w") as file:
        process = subprocess.Popen([name, *options], stdin=subprocess.DEVNULL, stdout=file, stderr=file)
    try:
        yield
    finally:
        end(process, 20)


def etcd(cluster: Cluster) -> tuple[str, ...]:
    peers = f"http://127.0.0.1:{free_port()}"
    urls = {"listen-client-urls": cluster.store, "advertise-client-urls": cluster.store, "listen-peer-urls": peers}
    urls |= {"initial-advertise-peer-urls": peers, "initial-cluster": f"default={peers}"}
    return ("etcd", f"--data-dir={cluster.folder}/etcd", "--unsafe-no-fsync", *(f"--{name}={url}" for name, url in urls.items()))


def api_server(cluster: Cluster) -> tuple[str, ...]:
    key = cluster.folder / "accounts.key"
    subprocess.run([require("openssl"), "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    (cluster.folder / "users.csv").write_text(USERS)
    return (
        "kube-apiserver",
        f"--etcd-servers={cluster.store}",
        "--bind-address=127.0.0.1",
        f"--secure-port={cluster.port}",
        "--insecure-port=0",
        f"--cert-dir={cluster.folder}/certificates",
        f"--token-auth-file={cluster.folder}/users.csv",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--service-cluster-ip-range=10.96.0.0/24",
        "--endpoint-reconciler-type=none",
        "--kubelet-preferred-address-types=InternalIP",
    )


def controllers(cluster: Cluster) -> tuple[str, ...]:
    key = f"--service-account-private-key-file={cluster.folder}/accounts.key"
    return "kube-controller-manager", *client(cluster), key


def scheduler(cluster: Cluster) -> tuple[str, ...]:
    return "kube-scheduler", *client(cluster)


def client(cluster: Cluster) -> tuple[str, ...]:
    return f"--kubeconfig={cluster.config}", "--leader-elect=false", "--port=0", "--secure-port=0"


def kubelet(cluster: Cluster) -> tuple[str, ...]:
    settings = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": "127.0.0.1",
        "port": free_port(),
        "healthzPort": 0,
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "cgroupsPerQOS": False,
        "enforceNodeAllocatable": [],
        "evictionHard": {"memory.available": "0%"},
        "failSwapOn": False,
        "hairpinMode": "none",
        "imageGCHighThresholdPercent": 100,  # the images are not the cluster's alone
        "maxOpenFiles": 20_000,
        "oomScoreAdj": 0,
    }
    (cluster.folder / "kubelet.json").write_text(json.dumps(settings))
    return (
        "kubelet",
        f"--config={cluster.folder}/kubelet.json",
        f"--kubeconfig={cluster.config}",
        f"--root-dir={cluster.folder}/node",
        f"--cert-dir={cluster.folder}/node-certificates",
        f"--hostname-override={NODE}",
        f"--docker-endpoint={os.environ.get('DOCKER_HOST', 'unix:///var/run/docker.sock')}",
        "--pod-infra-container-image=pause:local",
    )


def clear(cluster: Cluster) -> None:
    """Remove what the node, which has ended, leaves on the engine and among the mounts."""
    if found := containers():
        subprocess.run(["docker", "rm", "--force", "--volumes", *found], check=True, capture_output=True)
    for mount in [line.split()[1] for line in reversed(Path("/proc/mounts").read_text().splitlines())]:
        if mount.startswith(f"{cluster.folder}/node"):
            subprocess.run(["umount", mount], check=True)


def containers() -> list[str]:
    """Those of pods."""
    command = ("docker", "ps", "--all", "--quiet", "--filter=label=io.kubernetes.pod.uid")
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
