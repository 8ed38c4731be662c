"""Speed and size of the service, against a constant application, MLflow and `factory score`: needs h2load (nghttp2-client)."""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from report import ROOT, report

sys.path.append(str(ROOT / "tests"))
from attack import template_at
from served import memory, processes

PORT = 8765
IN_LOOP = "c6505a4"  # the last state of this repository that scored everything in the process that listens
REQUESTS = int(os.environ.get("BENCH_REQUESTS", "100000"))
CONSTANT = """
from fastapi import FastAPI
app = FastAPI()
@app.post("/score")
async def score():
    return {"model": "v1", "scores": [{"id": "a", "score": 0.5, "decision": True}]}
"""
MLFLOW = """
import mlflow.pyfunc, polars as pl
from flights import Scorer
class Model(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        self.scorer = Scorer.load(context.artifacts["model"])
    def predict(self, context, model_input, params=None):
        return self.scorer.score(pl.from_pandas(model_input))["score"].to_numpy()
mlflow.pyfunc.save_model("mlmodel", python_model=Model(), artifacts={"model": "model"})
"""
WITHOUT_ONNX = """
import shutil
from pathlib import Path
from flights.factory import manifest
folder = Path("without-onnx")
shutil.copytree("model", folder, dirs_exist_ok=True)
facts = manifest.read_manifest(folder)
for name in ("model.onnx", "manifest.json"):
    (folder / name).unlink()
manifest.write_manifest(folder, facts)
"""
LOCAL = """
import sys, time, polars as pl
from pathlib import Path
from flights.factory.scoring import batch
from flights.factory.scoring import Scorer
scorer, source = Scorer.load("model"), Path(sys.argv[1])
def rate():
    start = time.perf_counter()
    return batch.score_file(scorer, source, Path("bench-scores.parquet")) / (time.perf_counter() - start)
rate()
print(rate())
"""
ARROW = """
import http.client, io, sys, time, polars as pl
from concurrent.futures import ThreadPoolExecutor
from flights import contract
rows = pl.read_parquet(sys.argv[1]).select(contract.Row.column_names())
def body(part):
    stream = io.BytesIO()
    part.write_ipc_stream(stream)
    return stream.getvalue()
bodies = [body(part) for part in rows.iter_slices(100_000)]
def ask(content):
    connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[2]))
    connection.request("POST", "/score", content, {"Content-Type": "application/vnd.apache.arrow.stream"})
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    return pl.read_ipc_stream(io.BytesIO(answer.read())).height
with ThreadPoolExecutor(2) as pool:
    list(pool.map(ask, bodies))
    start = time.perf_counter()
    print(sum(pool.map(ask, bodies)) / (time.perf_counter() - start))
"""


@contextmanager
def serving(project: Path, *command: str, ready: str, **env: str) -> Iterator[tuple[int, float]]:
    """The process of a server and its seconds to ready; it is ended with the block."""
    start = time.perf_counter()
    server = subprocess.Popen(command, cwd=project, env=os.environ | env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not _answers(ready):
            assert server.poll() is None and time.perf_counter() - start < 120, command
            time.sleep(0.02)
        yield server.pid, time.perf_counter() - start
    finally:
        server.terminate()
        server.wait(30)


def _answers(path: str) -> bool:
    try:
        return bool(urllib.request.urlopen(f"http://127.0.0.1:{PORT}{path}", timeout=2).status == 200)
    except OSError:
        return False


def load(body: Path, path: str, *options: str) -> tuple[float, list[float]]:
    """Requests per second of 16 connections, and the seconds of each request."""
    log = body.with_suffix(".log")
    log.unlink(missing_ok=True)
    command = ("h2load", "--h1", "-t1", "-c16", "-d", str(body), "-H", "content-type: application/json", f"--log-file={log}")
    done = subprocess.run([*command, *options, f"http://127.0.0.1:{PORT}{path}"], check=True, capture_output=True, text=True)
    assert re.search(r"\b0 4xx, 0 5xx", done.stdout), done.stdout
    rate = re.search(r"([\d.]+) req/s", done.stdout)
    assert rate, done.stdout
    return float(rate[1]), [int(line.split("\t")[2]) / 1e6 for line in log.read_text().splitlines()]


def p99(body: Path, path: str, rate: float) -> float:
    """Seconds that 99 % of the requests stay below at that rate."""
    _, times = load(body, path, "-D5", f"--rps={rate / 16:.0f}")
    return statistics.quantiles(times, n=100)[-1]


def held(pid: int) -> str:
    """MB of memory in use by the process, and by each that it started."""
    return " + ".join(f"{memory(each, 'VmRSS'):.0f}" for each in processes(pid)) + " MB"


def bench_without_onnx(project: Path, scratch: Path) -> None:
    """One row and a model without ONNX, in another process now, against the state that scored it in the loop; in turn."""
    earlier = scratch / "in-loop"
    template_at(IN_LOOP, scratch / "in-loop-template")
    copy = ("copier", "copy", "--quiet", "--defaults", "-d", "project_name=Flights")
    subprocess.run([*copy, str(scratch / "in-loop-template"), str(earlier)], check=True)
    subprocess.run(["uv", "sync", "--quiet"], cwd=earlier, check=True)
    subprocess.run([str(project / ".venv/bin/python"), "-c", WITHOUT_ONNX], cwd=project, check=True)
    shutil.copytree(project / "without-onnx", earlier / "without-onnx")
    rates = dict.fromkeys((project, earlier), 0.0)
    for folder in (project, earlier) * 3:
        command = (str(folder / ".venv/bin/factory"), "serve", "--model", "without-onnx", "--port", str(PORT))
        with serving(folder, *command, ready="/health/ready"):
            rates[folder] = max(rates[folder], load(scratch / "one.json", "/score", "-D4")[0])
    ratio = rates[project] / rates[earlier]
    report("service, one row without ONNX, against that in the loop", f"{ratio:.2f} x", f">= 0.5 x ({rates[project]:.0f}/s)")


def bench(project: Path, table: Path, scratch: Path) -> None:
    """All of it, for a trained project called flights."""
    service = (str(project / ".venv/bin/factory"), "serve", "--model", "model", "--port", str(PORT))
    body = scratch / "one.json"
    with serving(project, *service, ready="/health/ready"):
        document = json.load(urllib.request.urlopen(f"http://127.0.0.1:{PORT}/openapi.json"))
    record = document["components"]["schemas"]["Record"]["examples"][0]
    body.write_text(json.dumps(record))
    rate = bench_row(project, service, body)
    with serving(project, *service, ready="/health/ready") as (pid, _):
        bench_memory(pid, body)
        bench_arrow(project, table)
    bench_without_onnx(project, scratch)
    bench_mlflow(project, scratch, record, rate)


def bench_row(project: Path, service: tuple[str, ...], body: Path) -> float:
    """One row, in turn with the constant application; returns the requests per second."""
    (body.parent / "constant.py").write_text(CONSTANT)
    uvicorn = (str(project / ".venv/bin/uvicorn"), "--app-dir", str(body.parent), "constant:app")
    rates, times, starts = {"/docs": 0.0, "/health/ready": 0.0}, {}, []
    for _ in range(3):
        for command, ready in (((*uvicorn, "--port", str(PORT), "--no-access-log"), "/docs"), (service, "/health/ready")):
            with serving(project, *command, ready=ready) as (_, seconds):
                starts.append(seconds)
                rates[ready] = max(rates[ready], load(body, "/score", "-D4")[0])
                times[ready] = p99(body, "/score", rates[ready] / 2)
    (constant, ours), (slowest, slower) = rates.values(), times.values()
    report("service, one row, against a constant FastAPI application", f"{ours / constant:.2f} x", f">= 0.4 x ({ours:.0f}/s)")
    report("its p99 at half load, against that application's", f"{slower / slowest:.1f} x", f"<= 3 x ({1000 * slower:.1f} ms)")
    report("service, cold start to ready", f"{statistics.median(starts[1::2]):.2f} s", "<= 1 s")
    return ours


def bench_memory(pid: int, body: Path) -> None:
    """What the service and its workers hold, and whether that grows."""
    load(body, "/score", f"-n{REQUESTS // 10}")
    before = held(pid)
    load(body, "/score", f"-n{REQUESTS}")
    report(
        "service, resident memory, and its workers'",
        before,
        f"<= 200 MB + a worker (after {REQUESTS:,} more requests {held(pid)})",
    )


def bench_arrow(project: Path, table: Path) -> None:
    """Rows of tables that two callers send, against those of a file."""
    inside = [str(project / ".venv/bin/python"), "-c"]
    arrow = float(subprocess.check_output([*inside, ARROW, str(table), str(PORT)], cwd=project))
    local = float(subprocess.check_output([*inside, LOCAL, str(table)], cwd=project))
    report("service, Arrow, against factory score", f"{arrow / local:.2f} x", f">= 0.8 x ({arrow:,.0f} rows/s)")


def bench_mlflow(project: Path, scratch: Path, record: dict[str, object], service: float) -> None:
    """The same model behind `mlflow models serve`, in an environment of its own."""
    venv = scratch / "mlflow"
    subprocess.run(["uv", "venv", "--quiet", "--clear", str(venv)], check=True)
    wanted = ["mlflow>=3.10", "pyarrow", "-e", str(project)]
    subprocess.run(["uv", "pip", "install", "--quiet", "--python", str(venv / "bin/python"), *wanted], check=True)
    shutil.rmtree(project / "mlmodel", ignore_errors=True)
    subprocess.run([str(venv / "bin/python"), "-c", MLFLOW], cwd=project, check=True, capture_output=True)
    body = scratch / "mlflow.json"
    body.write_text(json.dumps({"dataframe_records": [record]}))
    command = (str(venv / "bin/mlflow"), "models", "serve", "-m", "mlmodel", "--env-manager", "local", "-p", str(PORT))
    env = {"PATH": f"{venv / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    with serving(project, *command, ready="/ping", **env):
        rate = max(load(body, "/invocations", "-D4")[0] for _ in range(2))
    report("service, one row, against mlflow models serve", f"{service / rate:.0f} x", f">= 50 x ({rate:.0f}/s)")


if __name__ == "__main__":
    bench(*(Path(argument).resolve() for argument in sys.argv[1:]))
