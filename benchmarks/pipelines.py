"""Minutes that the commands of each pipeline take here, with empty caches and with full ones: `nox -s bench -- pipelines`.

The commands are the same on each platform; these are Azure's, run by the interpreter of the tests.
"""

import os
import shutil
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tests"))

import azure_pipeline
from conftest import PARTS
from hosted import Hosted, champion, hosted, machine
from machinery.ci.fake_platforms import environment, fake_platform
from report import report
from workshop import call, tool

RELEASE = "refs/tags/model/v1"
PIPELINES = {"code": "change", "model": "change", "retrain": "main", "template-update": "main", "release": RELEASE}  # and of what


def main(scratch: Path) -> None:
    """Each pipeline twice: on a machine that has nothing, and on one where it has run before."""
    os.environ["UV_CACHE_DIR"] = str(scratch / "packages")
    template = scratch / "of the working tree"
    template.mkdir()
    for part in PARTS:
        shutil.copytree(ROOT / part, template / part) if (ROOT / part).is_dir() else shutil.copy(ROOT / part, template)
    with machine(scratch / "bin") as bin:
        (bin / "pipx").symlink_to(tool(scratch, "pipx", "pipx"))
        os.environ |= {"PIPX_HOME": str(scratch / "pipx"), "PIPX_BIN_DIR": str(scratch / "pipx/bin")}
        project = hosted(template, scratch, "azure", whole=True)
        champion(project)
        project.deliver()
        project.branch("change", "params.yaml", "max_iter: 200", "max_iter: 210")
        for name, ref in PIPELINES.items():
            if name == "release" and call(ROOT, "docker", "version").returncode:
                continue  # no engine answers
            figures = []
            for caches in ("empty", "full"):
                if caches == "empty":
                    shutil.rmtree(scratch / "packages")
                figures.append(minutes(project, name, ref, scratch / f"{name} {caches}"))
            report(f"pipeline {name}", "{:.1f} min, {:.1f} with caches".format(*figures))


def minutes(project: Hosted, name: str, ref: str, folder: Path) -> float:
    """From an empty folder to the end, one job after the other."""
    with fake_platform() as platform:
        values = environment(platform, "azure", ref.removeprefix("refs/tags/"), "main" if name == "model" else None)
        values["BUILD_SOURCEBRANCH"] = ref if ref.startswith("refs/") else f"refs/heads/{ref}"
        token, start = values.pop("FACTORY_TOKEN"), time.perf_counter()
        done = azure_pipeline.run(name, project.remote, values.pop("BUILD_SOURCEBRANCH"), folder, token=token, **values)
    assert done.passed, done.log[-4000:]
    return (time.perf_counter() - start) / 60


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
