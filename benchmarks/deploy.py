"""Back to an earlier image on the local engine, by `factory rollback --deploy`: `nox -s bench -- deploy`, with an engine that answers."""

import os
import re
import shutil
import statistics
import sys
import time
from pathlib import Path

from report import ROOT, report

sys.path.append(str(ROOT / "tests"))
from conftest import copy_template
from hosted import running_registry
from workshop import first_version, free_port

RUNS = 4


def main() -> None:
    folder = Path(sys.argv[1]) / "deploy"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "template").mkdir(parents=True)
    project = first_version(copy_template(folder / "template"), folder, "Gate")
    with running_registry() as address:
        host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
        env = {"FACTORY_TARGET": host, "FACTORY_REGISTRY": address, "PORT": str(free_port())}
        project.done("factory", "build", "v1")
        project.done("factory", "publish", "v1", **env)
        try:
            project.done("factory", "deploy", "prod", "v1", **env)
            project.set("max_iter: 60", "max_iter: 62")
            project.train("Train longer")
            project.done("factory", "promote", "-m", "the second")
            for command in (
                ("build", "v2"),
                (
                    "publish",
                    "v2",
                ),
                ("deploy", "prod", "v2"),
            ):
                project.done("factory", *command, **env)
            figures = []
            for number in range(RUNS):
                began = time.perf_counter()
                to = ("--to", f"v{1 + number % 2}", "-m", "why", "--deploy", "prod")
                output = project.done("factory", "rollback", *to, **env)
                [healthy] = re.findall(r"healthy after ([\d.]+) s", output)
                figures.append((float(healthy), time.perf_counter() - began))
        finally:
            compose = ("docker", "compose", "--project-name=gate-production", "down", "--volumes")
            project.done(*compose, IMAGE="none", **env)
    healthy, whole = zip(*figures, strict=True)
    report(f"an earlier digest back to healthy, median of {RUNS}", f"{statistics.median(healthy):.1f} s", "<= 30 s")
    report("the slowest of them", f"{max(healthy):.1f} s", "<= 30 s")
    report("the whole command, with the version and its checks", f"{statistics.median(whole):.1f} s")


main()
