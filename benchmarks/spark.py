"""Scoring on Spark, on one core and on two with a worker each, a million and ten million rows: `nox -s bench -- spark`, or
`spark PROJECT ROWS`.

A project that is given needs a model, and pyspark in its environment. The figures are of one run. Scoring alone is the
time from the first start of a task of the stage that scores to its last end, by Spark's event log: without the start of Java and
of the workers.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from report import report

ROOT = Path(__file__).parents[1]
ALONE = "import os, sys; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); os.execv(sys.argv[1], sys.argv[1:])"
ROWS = int(sys.argv[3]) if sys.argv[3:] else 1_000_000
EVENTS = ("--conf", "spark.eventLog.enabled=true", "--conf", "spark.eventLog.compress=false")
SUBMIT = ("--conf", "spark.executor.memory=512m", "--conf", "spark.ui.enabled=false", *EVENTS)
SPLIT = ("--conf", "spark.sql.files.openCostInBytes=0", "--conf", "spark.sql.files.maxPartitionBytes=2m")
MADE = """
import sys, polars as pl
from pathlib import Path

rows, place = int(sys.argv[1]), Path(sys.argv[2])
table = pl.concat([pl.read_parquet(file) for file in sorted(Path("data/raw").glob("*.parquet"))])
table = table.drop(sys.argv[3])
place.mkdir()
for number in range(16):
    pl.concat([table] * (rows // 16 // table.height + 1))[: rows // 16].write_parquet(place / f"{number}.parquet")
"""


def prepared(scratch: Path) -> Path:
    """A project with a model, and pyspark."""
    if sys.argv[2:]:
        return Path(sys.argv[2])
    project = scratch / "spark"
    new = (sys.executable, str(ROOT / "hooks/new.py"), str(project), "--defaults", "--vcs-ref=HEAD", "-d", "project_name=Spark")
    subprocess.run(new, cwd=scratch, check=True)
    for command in ("factory setup", "dvc repro"):
        subprocess.run(("uv", "run", "--quiet", *command.split()), cwd=project, check=True)
    subprocess.run(("uv", "add", "--quiet", "--optional=spark", "pyspark[sql]>=4,<5"), cwd=project, check=True)
    subprocess.run(("uv", "sync", "--quiet", "--extra=spark"), cwd=project, check=True)
    return project


def resident(pid: int) -> int:
    """MB of memory of a process and all that it has started."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        started = [child for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]
    except OSError:
        return 0  # it has ended
    own = int(status.partition("VmRSS:")[2].split()[0]) // 1024 if "VmRSS:" in status else 0
    return own + sum(resident(int(child)) for child in {*children, *started})


def largest_executor(job: subprocess.Popen[bytes]) -> int:
    """MB of the executor, its Python included, that had most while the job ran."""
    most = 0
    while job.poll() is None:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                own = os.getsid(int(process.name)) == job.pid
                if own and "CoarseGrainedExecutorBackend" in (process / "cmdline").read_text():
                    most = max(most, resident(int(process.name)))
            except OSError:
                continue
        time.sleep(0.5)
    return most


def scoring_seconds(log: Path) -> float:
    """From the first start to the last end of a task of the stage that ran longest, which is the one that scores."""
    [file] = log.rglob("events_*")
    tasks: dict[int, list[tuple[int, int]]] = {}
    for line in file.read_text().splitlines():
        event = json.loads(line)
        if event["Event"] == "SparkListenerTaskEnd":
            tasks.setdefault(event["Stage ID"], []).append((event["Task Info"]["Launch Time"], event["Task Info"]["Finish Time"]))
    return max(max(end for _, end in each) - min(start for start, _ in each) for each in tasks.values()) / 1000


def scored(project: Path, scratch: Path, name: str, workers: int) -> tuple[float, int]:
    """Seconds of scoring alone, and MB of the largest executor; one worker has one core, for Java and for Python."""
    log = scratch / f"log-{name}-{workers}"
    log.mkdir()
    bin = project / ".venv/bin"
    master = ("--master", f"local-cluster[{workers},1,1024]", "--conf", f"spark.eventLog.dir=file://{log}")
    command = (
        *((bin / "python", "-c", ALONE) if workers == 1 else ()),
        bin / "spark-submit",
        *master,
        *SUBMIT,
        *SPLIT,
        scratch / "job.py",
        scratch / name,
        scratch / f"scores-{name}-{workers}",
    )
    env = os.environ | {"PYSPARK_PYTHON": str(bin / "python"), "SPARK_LOCAL_IP": "127.0.0.1"}
    with (scratch / "submit.log").open("wb") as output:
        job = subprocess.Popen(command, cwd=project, env=env, stdout=output, stderr=output, start_new_session=True)
        memory = largest_executor(job)
    if job.returncode:
        sys.exit((scratch / "submit.log").read_text()[-2000:])
    return scoring_seconds(log), memory


def main() -> None:
    scratch = Path(sys.argv[1]).resolve()
    project = prepared(scratch).resolve()
    python = str(project / ".venv/bin/python")
    [package] = [path.parent.name for path in project.glob("src/*/factory")]
    job = subprocess.check_output((python, "-c", f"from {package}.factory.formats import spark; print(spark.JOB)"), text=True)
    (scratch / "job.py").write_text(job)
    target = json.loads((project / "model/manifest.json").read_text("utf-8"))["target"]
    for name, rows in (("once", ROWS), ("tenfold", 10 * ROWS)):
        subprocess.run((python, "-c", MADE, str(rows), str(scratch / name), target), cwd=project, check=True)
    _, memory = scored(project, scratch, "once", 2)
    one, other = scored(project, scratch, "tenfold", 1)  # of few rows most is the start of Python in each worker
    two, most = scored(project, scratch, "tenfold", 2)
    report(f"largest executor with its Python, {ROWS:,} rows", f"{memory} MB", "<= 1024 MB")
    report(f"largest executor with its Python, {10 * ROWS:,} rows", f"{max(other, most)} MB", "<= 1024 MB")
    report("scoring alone, one core", f"{one:.1f} s", "")
    report("scoring alone, two cores, with a worker each", f"{two:.1f} s", "")
    report("speed-up per core", f"{one / two / 2:.2f}", ">= 0.8")


main()
