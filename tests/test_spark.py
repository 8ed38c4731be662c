"""The job that `factory export spark` writes, on a real Spark: two workers of one core, in an environment of their own."""

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from workshop import call, gate, interpreter, require, run, wait

ROWS = """
import sys, pathlib
import polars as pl

raw, place = map(pathlib.Path, sys.argv[1:])
rows = pl.concat([pl.read_parquet(file) for file in sorted(raw.glob("*.parquet"))]).drop("late")
for month in range(16):
    (place / f"rows/month={month}").mkdir(parents=True)
    rows.write_parquet(place / f"rows/month={month}/flights.parquet")
pl.concat([rows] * 16).write_parquet(place / "rows.parquet")
broken = rows[:300].with_columns(distance=pl.when(pl.int_range(pl.len()) == 7).then(9000).otherwise("distance").cast(pl.Int16))
(place / "broken").mkdir()
rows[300:500].write_csv(place / "broken/Zoë 1.csv")
broken.write_csv(place / "broken/Zoë 李 50%20.csv")
pl.concat([rows[300:500], broken.filter(pl.int_range(pl.len()) != 7)]).write_parquet(place / "valid.parquet")
"""
SHA = """
import sys, hashlib, pathlib, polars as pl
place = pathlib.Path(sys.argv[1])
scores = pl.read_parquet(place if place.is_file() else place / "**/*.parquet", hive_partitioning=False)
print(scores.height, scores.columns, hashlib.sha256(scores.sort(pl.all()).write_csv().encode()).hexdigest())
"""
REASONS = "import sys, polars as pl; print(*pl.read_parquet(sys.argv[1] + '/*.parquet').select('distance', '_reason', '_file').row(0), sep='|')"
TWO_WORKERS = ("--master", "local-cluster[2,1,1024]", "--conf", "spark.executor.memory=512m", "--conf", "spark.ui.enabled=false")
MANY_TASKS = ("--conf", "spark.sql.files.maxPartitionBytes=300k", "--conf", "spark.sql.files.openCostInBytes=0")


@dataclass
class Cluster:
    """The exported job, rows, and the environment of driver and workers, which knows of no project."""

    folder: Path
    bin: Path
    env: dict[str, str]

    def submit(self, *arguments: str, conf: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        command = (self.bin / "spark-submit", *TWO_WORKERS, *conf, "job/score_job.py", *arguments, "--model", "job/model")
        with (self.folder / "submit.log").open("w") as log:
            return subprocess.Popen(
                command, cwd=self.folder, env=os.environ | self.env, stdout=log, stderr=log, start_new_session=True
            )

    def score(self, *arguments: str, **env: str) -> tuple[int, str, str]:
        command = (str(self.bin / "factory"), "score", "--engine", "spark", "--model", "job/model", *arguments)
        done = call(self.folder, *command, **self.env | env)
        return done.returncode, done.stdout, done.stderr

    def refused(self, *arguments: str, **env: str) -> str:
        """The last line, in which the command fails; whatever Spark logs before it, it is no traceback."""
        code, _, err = self.score(*arguments, **env)
        assert code == 1 and "Traceback" not in err, err
        return err.splitlines()[-1].removeprefix("Error: ")

    def sha(self, place: str) -> str:
        return run(self.folder, str(self.bin / "python"), "-c", SHA, place).strip()

    def executors(self, job: subprocess.Popen[str]) -> list[int]:
        """The worker processes of the job, which run in its session."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if (
                    os.getsid(int(process.name)) == job.pid
                    and "CoarseGrainedExecutorBackend" in (process / "cmdline").read_text()
                ):
                    found.append(int(process.name))
            except OSError:
                continue
        return found

    def log(self) -> str:
        return (self.folder / "submit.log").read_text()

    def committed(self) -> list[Path]:
        """What tasks have completed of an output that does not appear yet."""
        return list(self.folder.glob(".scores.*.tmp/_temporary/0/task_*"))

    def hidden(self) -> list[str]:
        return [path.name for path in self.folder.glob(".*.tmp")]

    def worker(self, name: str, path: Path) -> str:
        """A Python for workers that finds other packages first."""
        script = self.folder / name
        script.write_text(f'#!/bin/sh\nPYTHONPATH="{path}:$PYTHONPATH" exec "{self.bin}/python" "$@"\n')
        script.chmod(0o755)
        return str(script)


@pytest.fixture(scope="module")
def cluster(template, tmp_path_factory) -> Cluster:
    require("java")
    project, folder = gate(template, tmp_path_factory), tmp_path_factory.mktemp("spark")
    printed = project.done("factory", "export", "spark", str(folder / "job"))
    assert printed.startswith("✓ v1: ") and "spark-submit --master yarn" in printed
    [wheel] = (folder / "job").glob("*.whl")
    run(folder, "uv", "venv", "--quiet", f"--python={project.bin / 'python'}", "env")
    pins = ("-r", "job/requirements.txt")
    run(folder, "uv", "pip", "install", "--quiet", "--python=env", str(wheel), *pins, "pyspark[sql]>=4,<5", "pandas<3")
    run(folder, str(folder / "env/bin/python"), "-c", ROWS, str(project.folder / "data/raw"), str(folder))
    for name in ("rows", "valid"):
        project.done("factory", "score", str(folder / f"{name}.parquet"), str(folder / f"local-{name}.parquet"))
    return Cluster(folder, folder / "env/bin", {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": str(folder / "env/bin/python")})


@pytest.mark.slow
@pytest.mark.parametrize("killed", [False, True], ids=["all alive", "one killed"])
def test_two_workers_give_the_scores_of_one_machine(cluster, killed):
    shutil.rmtree(cluster.folder / "scores", ignore_errors=True)
    job = cluster.submit("rows", "scores", conf=MANY_TASKS)
    try:
        if killed:
            assert wait(lambda: cluster.committed() and len(cluster.executors(job)) == 2, 300)
            assert not (cluster.folder / "scores").exists()
            os.kill(cluster.executors(job)[0], signal.SIGKILL)
        assert job.wait(600) == 0, cluster.log()[-3000:]
    finally:
        job.kill()
    assert ("exited with code 137" in cluster.log()) == killed
    assert cluster.sha("scores") == cluster.sha("local-rows.parquet") and not cluster.hidden()


@pytest.mark.slow
def test_a_broken_row_ends_the_job_or_is_set_aside(cluster):
    broken = f"{cluster.folder}/broken/Zoë 李 50%20.csv"
    message = cluster.refused("broken", "good")
    assert message.startswith(f"{broken}: ") and "distance: above max 6000, 1 of 300 rows, e.g. distance = 9000" in message
    assert not (cluster.folder / "good").exists() and not cluster.hidden()

    code, out, err = cluster.score("broken", "good", "--reject", "bad")
    assert code == 0, err
    assert out.startswith("✓ 499 rows scored: good\n✓ 1 rows rejected: bad: ") and "distance: above max 6000 1" in out
    assert cluster.sha("good") == cluster.sha("local-valid.parquet")
    distance, reason, file = run(cluster.folder, str(cluster.bin / "python"), "-c", REASONS, "bad").strip().split("|")
    assert (distance, file) == ("9000", broken) and "distance: above max 6000" in reason

    before = sorted((cluster.folder / "good").iterdir())
    assert cluster.refused("broken", "good") == "good exists already: name a new folder for it"
    assert sorted((cluster.folder / "good").iterdir()) == before


@pytest.mark.slow
@pytest.mark.parametrize("other", ["polars", "features.py"])
def test_workers_with_something_else_are_refused(cluster, other):
    place = cluster.folder / f"with {other}"
    if other == "polars":
        (place / "polars-9.9.9.dist-info").mkdir(parents=True)
        (place / "polars-9.9.9.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: polars\nVersion: 9.9.9\n")
    else:
        [factory] = cluster.folder.glob("env/lib/*/site-packages/*/factory")
        package = shutil.copytree(factory.parent, place / factory.parent.name)
        with (package / "features.py").open("a") as file:
            file.write("# another\n")
    expected = {"polars": "polars 9.9.9, not 2.", "features.py": "another features.py"}[other]
    message = cluster.refused("valid.parquet", "never", PYSPARK_PYTHON=cluster.worker(f"worker-{other}", place))
    assert message.startswith("PARITY: the worker on ") and expected in message
    assert not (cluster.folder / "never").exists() and not cluster.hidden()


@pytest.mark.nightly
def test_an_interrupted_run_goes_on_behind_what_is_committed(cluster):
    parts = ".resumed.*.tmp/_input=*/_SUCCESS"
    job = cluster.submit("rows", "resumed", "--resume")
    try:
        assert wait(lambda: len(list(cluster.folder.glob(parts))) >= 3, 300), cluster.log()[-3000:]
    finally:
        job.kill()
        job.wait()
    committed = {path.parent.name: path.stat().st_mtime_ns for path in cluster.folder.glob(parts)}
    assert len(committed) < 16 and not (cluster.folder / "resumed").exists()

    job = cluster.submit("rows", "resumed", "--resume")
    assert job.wait(600) == 0, cluster.log()[-3000:]
    now = {path.parent.name: path.stat().st_mtime_ns for path in cluster.folder.glob("resumed/_input=*/_SUCCESS")}
    assert len(now) == 16 and committed.items() <= now.items()
    assert cluster.sha("resumed") == cluster.sha("local-rows.parquet") and not cluster.hidden()


@pytest.mark.nightly
@pytest.mark.parametrize("version, reason", [("", "No module named"), ("3.13", "Python in worker has different version: 3.13")])
def test_workers_without_the_wheel_or_with_another_python_are_refused(cluster, version, reason):
    python = interpreter(version) if version else str(cluster.bin / "python")
    run(cluster.folder, "uv", "venv", "--quiet", f"--python={python}", f"bare{version}")
    run(cluster.folder, "uv", "pip", "install", "--quiet", f"--python=bare{version}", "pyspark[sql]>=4,<5", "pandas<3")
    bare = str(cluster.folder / f"bare{version}/bin/python")
    message = cluster.refused("valid.parquet", "never", PYSPARK_PYTHON=bare, PYSPARK_DRIVER_PYTHON=str(cluster.bin / "python"))
    assert message.startswith("PARITY: a worker cannot run this: ") and reason in message
    assert not (cluster.folder / "never").exists() and not cluster.hidden()


@pytest.mark.nightly
def test_what_cannot_be_read_is_named_and_leaves_no_output(cluster):
    place = cluster.folder / "damaged"
    shutil.copytree(cluster.folder / "rows/month=1", place)
    content = (place / "flights.parquet").read_bytes()
    (place / "other.parquet").write_bytes(content[:4] + bytes(5000) + content[5004:])
    message = cluster.refused("damaged", "never")
    assert message.startswith(f"UNREADABLE: {place}/other.parquet: ")
    assert not (cluster.folder / "never").exists() and not cluster.hidden()


@pytest.mark.nightly
def test_an_object_store_has_the_output_in_its_place(cluster):
    """Files of this machine, as if they could not be renamed."""
    [factory] = cluster.folder.glob("env/lib/*/site-packages/*/factory")
    package = f"{factory.parent.name}.factory"
    script = f"from {package}.scoring.spark import hadoop_internals as files\nfiles.RENAMES_AT_ONCE = ()\n"
    script += f"from {package}.cli import main\n"
    script += "main(['score', '--engine', 'spark', '--model', 'job/model', 'valid.parquet', 'stored'])"
    assert "✓ 499 rows scored" in run(cluster.folder, str(cluster.bin / "python"), "-c", script, **cluster.env)
    assert cluster.sha("stored") == cluster.sha("local-valid.parquet") and (cluster.folder / "stored/_SUCCESS").exists()
