"""The whole loop: a service, a client that asks for other rows, an alert, an issue, a retraining, a person, a new version."""

import json
import re
import signal
import threading
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import azure_pipeline
import pytest
import yaml
from conftest import ROOT, git
from hosted import NEWEST, Hosted, champion, hosted, machine
from machinery.ci.fake_platforms import FakePlatform, environment, fake_platform
from test_alerting import DASHBOARD, DEPLOY
from workshop import free_port, ready, require, serving, tool, wait

pytestmark = pytest.mark.nightly
DAY_OF_ROWS = """
import sys, polars as pl
source, number, target = sys.argv[1:]
table = pl.read_parquet(source)
late = table.slice(900).filter(pl.col("departure_delay") > 8)
day = [*table.head(900).iter_slices(300), *late.iter_slices(320)][int(number)]
day.write_parquet(target)
"""  # three of all flights, and then of those alone that left late


class Receiver(BaseHTTPRequestHandler):
    """Whoever Alertmanager tells."""

    told: ClassVar[list[dict]] = []

    def do_POST(self) -> None:
        self.told.extend(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["alerts"])
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def receiver() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@contextmanager
def watching(folder: Path, reports: Path, model: int) -> Iterator[str]:
    """Prometheus, Alertmanager and the node exporter by the files of the project, but for addresses and waiting; Prometheus' address."""
    folder.mkdir()
    prometheus, alertmanager, exporter = (free_port() for _ in range(3))
    config = yaml.safe_load((DEPLOY / "prometheus.yaml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(DEPLOY / "rules.yaml")]
    text = yaml.safe_dump(config).replace("alertmanager:9093", f"127.0.0.1:{alertmanager}")
    text = text.replace("model:8000", f"127.0.0.1:{model}").replace("node-exporter:9100", f"127.0.0.1:{exporter}")
    (folder / "prometheus.yaml").write_text(text)
    with ExitStack() as stack:
        told = yaml.safe_load((DEPLOY / "alertmanager.yaml").read_text())
        told["route"] |= {"group_wait": "1s", "group_interval": "1s"}
        told["receivers"][0]["webhook_configs"] = [{"url": stack.enter_context(receiver())}]
        (folder / "alertmanager.yaml").write_text(yaml.safe_dump(told))
        compose = yaml.safe_load((ROOT / "template/compose.yaml").read_text())["services"]
        collectors = [option for option in compose["node-exporter"]["command"] if "directory" not in option]
        commands = {
            exporter: ["prometheus-node-exporter", *collectors, f"--collector.textfile.directory={reports}"],
            alertmanager: [
                "prometheus-alertmanager",
                "--config.file=alertmanager.yaml",
                "--storage.path=alerts",
                "--cluster.listen-address=",
            ],
            prometheus: ["prometheus", "--config.file=prometheus.yaml", "--storage.tsdb.path=metrics"],
        }
        for port, (name, *options) in commands.items():
            place = folder / name
            place.mkdir()
            for file in folder.glob("*.yaml"):
                (place / file.name).write_text(file.read_text())
            stack.enter_context(serving(port, require(name), *options, f"--web.listen-address=127.0.0.1:{port}", folder=place))
        yield f"http://127.0.0.1:{prometheus}"


def asked(prometheus: str, query: str) -> list[dict]:
    """What Prometheus answers."""
    with urllib.request.urlopen(f"{prometheus}/api/v1/query?{urllib.parse.urlencode({'query': query})}", timeout=10) as answer:
        content = json.load(answer)
    assert content["status"] == "success", content
    return content["data"]["result"]


class Loop:
    """A project in service, its client, and the nights on which it is monitored."""

    def __init__(self, project: Hosted, platform: FakePlatform, captures: Path) -> None:
        self.project, self.captures, self.incoming, self.port = project, captures, captures.parent / "incoming", free_port()
        self.env = environment(platform, "azure") | {"FACTORY_CAPTURE": str(captures)}
        self.first = datetime.now(UTC).date() - timedelta(days=30)
        self.sent = 0

    @contextmanager
    def serving(self) -> Iterator[None]:
        """The champion, which the project's own command serves."""
        options = {"FACTORY_CAPTURE": str(self.incoming), "FACTORY_CAPTURE_SECONDS": "1"}
        service = self.project.start("factory", "serve", "--port", str(self.port), **options)
        try:
            assert wait(lambda: ready(self.port) or service.poll() is not None, 180) and service.poll() is None
            yield
        finally:
            service.send_signal(signal.SIGTERM)
            service.communicate(timeout=60)

    def day(self) -> date:
        """The next day of requests; their outcomes are in the inbox by the next morning."""
        day, rows = self.first + timedelta(days=self.sent), self.incoming.parent / "rows.parquet"
        source = self.project.storage.parent / NEWEST
        self.project.done("python", "-c", DAY_OF_ROWS, str(source), str(self.sent), str(rows))
        outcomes = self.project.storage / f"inbox/outcomes/{self.sent}.csv"
        places = map(str, (rows, self.incoming, self.captures, day, outcomes))
        self.project.done("python", str(ROOT / "tests/shop.py"), str(self.port), *places)
        self.sent += 1
        return day

    def night(self, day: date) -> int:
        """The steps of the pipeline, for that day; the exit code of `factory monitor`."""
        self.project.done("factory", "alert", "--fetch", **self.env)
        code, out, err = self.project.run("factory", "monitor", "--inbox", "--until", str(day), **self.env)
        assert "until" in out and not err, out + err
        self.project.done("factory", "dashboard", **self.env)
        self.project.done("factory", "alert", "--until", str(day), **self.env)
        return code

    @property
    def report(self) -> dict:
        return json.loads((self.project.folder / "reports/monitor.json").read_text())

    def open(self) -> set[str]:
        return {each["code"] for each in self.report["alerts"] if each["open"]}


@pytest.fixture
def loop(template, tmp_path) -> Iterator[tuple[Loop, FakePlatform]]:
    with machine(tmp_path / "bin") as bin, pytest.MonkeyPatch.context() as patch, fake_platform() as platform:
        (bin / "pipx").symlink_to(tool(tmp_path, "pipx", "pipx"))
        patch.setenv("PIPX_HOME", str(tmp_path / "pipx"))
        patch.setenv("PIPX_BIN_DIR", str(tmp_path / "pipx/bin"))
        project = hosted(template, tmp_path / "project", "azure")
        champion(project)
        yield Loop(project, platform, tmp_path / "captures"), platform


def test_from_drift_to_a_new_version(loop, tmp_path):
    loop, platform = loop
    project, told = loop.project, Receiver.told
    fired: Callable[[str], bool] = lambda status: any(
        (each["labels"]["alertname"], each["status"]) == ("ModelAlert", status) for each in told
    )
    with loop.serving():
        assert [loop.night(loop.day()) for _ in range(3)] == [0, 0, 0] and not loop.open(), loop.report
        with watching(tmp_path / "watching", project.folder / "reports", loop.port) as prometheus:
            for _ in range(2):
                last = loop.day()
                found = loop.night(last)
            assert found == 1 and loop.open() == {"SCORE_DRIFT"}, loop.report
            assert wait(lambda: fired("firing"), 30), told
            assert len(platform.issues) == 1 and "SCORE_DRIFT" in platform.issues[0]["text"]
            assert platform.started == ["retrain of main"]
            assert not platform.pull_requests and git(project.remote, "tag") == "model/v1"

            values = environment(platform, "azure") | {"FACTORY_CAPTURE": str(loop.captures)}
            token = values.pop("FACTORY_TOKEN")
            ref = values.pop("BUILD_SOURCEBRANCH")
            values |= project.environment
            done = azure_pipeline.run("retrain", project.remote, ref, tmp_path / "retrain", token=token, **values)
            assert done.passed, done.log
            [proposed] = platform.pull_requests
            assert proposed["branch"] == "factory/retrain" and "## Passed the gate" in proposed["text"]
            assert "captured-" in git(project.remote, "ls-tree", "--name-only", "factory/retrain:data/raw/")
            loop.night(last)
            assert platform.started == ["retrain of main"] and git(project.remote, "tag") == "model/v1"

            git(project.folder, "fetch", "--quiet", "origin")
            git(project.folder, "merge", "--quiet", "--no-edit", "origin/factory/retrain")
            git(project.folder, "push", "--quiet", "origin", "main")
            project.done("dvc", "pull", "--quiet")
            project.done("factory", "promote", "-m", "it knows late departures")
    with loop.serving(), watching(tmp_path / "later", project.folder / "reports", loop.port) as prometheus:
        told.clear()
        assert [loop.night(loop.day()) for _ in range(2)][-1] == 0 and not loop.open(), loop.report
        assert loop.report["champion"] == "v2" and platform.started == ["retrain of main"]
        [issue] = platform.issues
        assert "Nothing is open any more" in issue["text"]
        check_every_query(prometheus)
        assert wait(lambda: fired("resolved"), 60), told
        assert not asked(prometheus, 'ALERTS{alertname="ModelAlert"}')
    page = (project.folder / "reports/dashboard.html").read_text()
    assert all(word in page for word in ("v1", "v2", "SCORE_DRIFT", "it knows late departures"))
    assert git(project.remote, "show", "factory/monitor:index.html") == page.strip()


def check_every_query(prometheus: str) -> None:
    """Each of the dashboard finds something, and each of the rules runs."""
    charts = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    queries = {target["expr"] for panel in charts for target in panel.get("targets", [])}
    rare = re.compile(r"refused_values|unseen_categories|capture_lost|factory_monitor_alert\)$|refusals:ratio")
    assert wait(lambda: asked(prometheus, "factory:requests:rate5m"), 30)
    empty = {query for query in queries if not wait(lambda query=query: asked(prometheus, query), 15)}
    assert all(rare.search(query) for query in empty), empty
    with urllib.request.urlopen(f"{prometheus}/api/v1/rules", timeout=10) as answer:
        rules = [rule for group in json.load(answer)["data"]["groups"] for rule in group["rules"]]
    assert len(rules) == 12 and {rule["health"] for rule in rules} == {"ok"}, rules
