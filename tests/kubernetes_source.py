"""The servers of Kubernetes, of which Debian has the source alone: compiled once, into the folder that KUBERNETES_CACHE names."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

VERSION = "1.20.2"
SERVERS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet")
TOOLS = ("etcd", "kubectl", "socat")  # of which bookworm has no etcd, and a kubectl that knows no components
PACKAGES = ("golang-1.19-go", "golang-1.19-src", "etcd-server/trixie", "kubectl/trixie", "socat/bookworm")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
SUITES = ("deb {} bookworm main", "deb-src {} bookworm main", "deb {} trixie main")
# What may not start a container that is less likely to be killed than itself, such as another container, can be a node, too.
UNPRIVILEGED = ("pkg/kubelet/dockershim/docker_sandbox.go", "defaultSandboxOOMAdj int = -998", "defaultSandboxOOMAdj int = 0")
SCHEMAS = "zz_generated.openapi"  # which the source leaves to be generated
TAG = "// +k8s:openapi-gen="


def binaries() -> Path:
    """The folder of the servers, compiled if they are not there yet; the test is skipped where that is impossible."""
    cache = Path(os.environ.get("KUBERNETES_CACHE", Path(tempfile.gettempdir(), f"kubernetes-{VERSION}")))
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not all((cache / "bin" / name).exists() for name in (*SERVERS, *TOOLS)):
            with tempfile.TemporaryDirectory(dir=cache) as folder:
                build(Path(folder), cache / "bin")
    return cache / "bin"


def build(folder: Path, place: Path) -> None:
    """Compile the servers in the folder, which takes 4 GB and some minutes."""
    download(folder)
    for package in (folder / "packages").glob("*.deb"):
        do(folder, "dpkg-deb", "--extract", package, "root")
    code, root = folder / "go/src/k8s.io/kubernetes", folder / "root/usr"
    code.parent.mkdir(parents=True)
    [description] = (folder / "packages").glob("*.dsc")
    do(folder, "dpkg-source", "--no-check", "--extract", description, code)
    file, old, new = UNPRIVILEGED
    text = (code / file).read_text()
    assert old in text
    (code / file).write_text(text.replace(old, new))
    go, places = root / "lib/go-1.19", {"GOCACHE": folder / "cache", "GOPATH": folder / "go"}
    env = {"GOROOT": f"{go}", "GO111MODULE": "off", "CGO_ENABLED": "0", **{name: f"{path}" for name, path in places.items()}}
    do(code, go / "bin/go", "build", "-o", folder / "generate", "./vendor/k8s.io/kube-openapi/cmd/openapi-gen", **env)
    schemas(code, folder, **env, PATH=f"{go}/bin:{os.environ['PATH']}")
    stamp = f"-s -w -X k8s.io/kubernetes/vendor/k8s.io/component-base/version.gitVersion=v{VERSION}"
    do(code, go / "bin/go", "build", "-ldflags", stamp, "-o", f"{folder}/bin/", *(f"./cmd/{name}" for name in SERVERS), **env)
    for name in TOOLS:
        shutil.copy(root / "bin" / name, folder / "bin")
    shutil.rmtree(place, ignore_errors=True)
    (folder / "bin").rename(place)


def schemas(code: Path, folder: Path, **env: str) -> None:
    """Generate the schemas of all that the API knows."""
    files = [file for top in ("pkg", "staging/src") for file in (code / top).rglob("*.go") if TAG in file.read_text()]
    folders = {file.parent.relative_to(code).as_posix().replace("staging/src/", "vendor/") for file in files}
    types = sorted(f"k8s.io/kubernetes/{name}" for name in folders if "sample" not in name and "code-generator" not in name)
    header = "vendor/k8s.io/code-generator/hack/boilerplate.go.txt"
    options = ("-p", "k8s.io/kubernetes/pkg/generated/openapi", "-O", SCHEMAS, "-h", header, "-r", folder / "violations")
    do(code, folder / "generate", "-i", ",".join(types), *options, "--output-base", folder / "go/src", **env)


def download(folder: Path) -> None:
    """Fetch the packages, with lists of their own: the machine's may lack a suite, or sources."""
    for part in ("lists/partial", "archives/partial", "packages"):
        (folder / part).mkdir(parents=True)
    source = f"[signed-by={KEYRING}] {mirror()}"
    (folder / "sources.list").write_text("".join(f"{suite.format(source)}\n" for suite in SUITES))
    own = {"Dir::Etc::sourcelist": folder / "sources.list", "Dir::Etc::sourceparts": "-", "APT::Sandbox::User": "root"}
    own |= {"Dir::State::lists": folder / "lists", "Dir::Cache": folder}
    apt = ("apt-get", "-qq", *(f"-o{name}={value}" for name, value in own.items()))
    for command in (["update"], ["download", *PACKAGES], ["--download-only", "source", "kubernetes"]):
        try:
            do(folder / "packages", *apt, *command)
        except (AssertionError, OSError) as error:
            pytest.skip(f"cannot fetch the source of Kubernetes {VERSION} from Debian: {error}")


def mirror() -> str:
    """Where this machine gets Debian's packages."""
    lines = [
        line.split()
        for file in Path("/etc/apt").glob("sources.list*/**/*")
        if file.is_file()
        for line in file.read_text().splitlines()
    ]
    words = [word.rstrip("/") for line in lines if line and line[0] in ("deb", "URIs:") for word in line]
    found = [word for word in words if word.endswith("/debian")]
    return found[0] if found else pytest.skip(f"no mirror of Debian in /etc/apt, for the source of Kubernetes {VERSION}")


def do(folder: Path, *command: object, **env: str) -> None:
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=folder, env={**os.environ, **env}, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(words)[:200]}: {done.stdout[-1000:]}{done.stderr[-2000:]}"
