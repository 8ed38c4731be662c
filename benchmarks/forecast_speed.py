"""`factory score` of 10,000 series, and a forecast of one by the service, on two processors: `nox -s bench -- forecast_speed`."""

import http.client
import shutil
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

from bench import seconds, template
from report import report
from serving import PORT, memory, processes, serving

SERIES, STAMPS, REQUESTS = 10_000, 1_000, 200
PACKAGE = Path("src/flights")
ANY_SERIES = {
    "contract.py": ('dy.Enum(["EWR", "JFK", "LGA"])', "dy.String(min_length=1)"),
    "features.py": ('        "airport",\n', ""),
}
"""The sample's project, for series of any name: the file, what is in it, and what takes its place."""
MADE = """
import sys
import polars as pl
series, stamps, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
sample = pl.read_parquet("data/raw/*.parquet").filter(pl.col("airport") == "JFK").sort("hour").drop("airport")
known, ahead = sample[:stamps], sample[stamps : stamps + 24]
rows = pl.concat([known, ahead.with_columns(pl.lit(None).cast(sample.schema[name]).alias(name) for name in sample.columns[-3:])])
names = pl.DataFrame({"airport": [f"series {number:06}" for number in range(series)]})
many = rows.lazy().join(names.lazy(), how="cross")  # hour by hour, as they come in
many = many.with_columns(pl.col("departures") + (pl.col("airport").hash() % 7).cast(sample.schema["departures"])).select("airport", *sample.columns)
(many.sink_parquet if path.endswith(".parquet") else many.collect().write_csv)(path)
"""
AS_JSON = """
import sys
import polars as pl
rows = pl.read_csv(sys.argv[1], try_parse_dates=True)
sys.stdout.write(rows.with_columns(pl.col("hour").dt.to_string("iso:strict")).write_json())
"""


def project(scratch: Path) -> Path:
    """A forecasting project for series of any name, with a model."""
    place = scratch / "flights"
    options = ("--defaults", "-d", "project_name=Flights", "-d", "problem=forecasting")
    seconds("copier", "copy", *options, str(template(scratch)), str(place))
    for name, (old, new) in ANY_SERIES.items():
        text = (place / PACKAGE / name).read_text("utf-8")
        assert old in text, name
        (place / PACKAGE / name).write_text(text.replace(old, new), "utf-8")
    seconds("uv", "run", "factory", "setup", cwd=place)
    seconds("uv", "run", "dvc", "repro", "train", cwd=place)
    return place


def measured(command: list[str], cwd: Path) -> tuple[float, float]:
    """Wall time of a command that must succeed, and the most MB of memory of all its processes together."""
    began, most = time.perf_counter(), [0.0]
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL)

    def watch() -> None:
        while process.poll() is None:
            most.append(sum(memory(each, "VmRSS") for each in processes(process.pid)))
            time.sleep(0.05)

    watcher = threading.Thread(target=watch)
    watcher.start()
    status = process.wait()
    watcher.join()
    if status:
        raise SystemExit(f"{' '.join(command)}: failed")
    return time.perf_counter() - began, max(most)


def bench_batch(place: Path, scratch: Path) -> None:
    """All series, hour by hour, in Parquet and in CSV."""
    for kind in ("parquet", "csv"):
        path = scratch / f"history.{kind}"
        seconds(str(place / ".venv/bin/python"), "-c", MADE, str(SERIES), str(STAMPS), str(path), cwd=place)
        command = [str(place / ".venv/bin/factory"), "score", str(path), str(scratch / f"forecasts-{kind}.parquet")]
        took, most = measured(command, place)
        what = f"factory score, {SERIES:,} series of {STAMPS:,} hours, 24 steps, {kind}"
        report(what, f"{took:.0f} s", "<= 180 s")
        report("  its memory, of all processes", f"{most:,.0f} MB", "<= 2,000 MB")
    same = subprocess.run(["cmp", *sorted(map(str, scratch.glob("forecasts-*.parquet")))], check=False).returncode == 0
    report("  the same bytes from both", str(same), "True")


def bench_request(place: Path, scratch: Path) -> None:
    """One series of 1,000 hours, and the same in JSON and in CSV."""
    path, factory = scratch / "one.csv", str(place / ".venv/bin/factory")
    seconds(str(place / ".venv/bin/python"), "-c", MADE, "1", str(STAMPS), str(path), cwd=place)
    made = subprocess.run([str(place / ".venv/bin/python"), "-c", AS_JSON, str(path)], check=True, capture_output=True)
    bodies = {"application/json": made.stdout, "text/csv": path.read_bytes()}
    with serving(
        place, factory, "serve", "--model", "model", "--port", str(PORT), ready="/health/ready", FACTORY_ACCESS_LOG="false"
    ):
        for kind, body in bodies.items():
            times = [asked(kind, body) for _ in range(REQUESTS)]
            what = f"POST /forecast, {STAMPS:,} hours of one series, {kind}"
            report(what, f"{1000 * statistics.median(times):.1f} ms", "<= 20 ms")
            report("  99 % of the requests", f"{1000 * statistics.quantiles(times, n=100)[-1]:.1f} ms")


def asked(kind: str, body: bytes) -> float:
    """Seconds of one request, which has to succeed."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT)
    began = time.perf_counter()
    connection.request("POST", "/forecast", body, {"Content-Type": kind})
    response = connection.getresponse()
    content = response.read()
    took = time.perf_counter() - began
    assert response.status == 200, content
    connection.close()
    return took


def main() -> None:
    """Both, in a folder that is made anew."""
    scratch = Path(sys.argv[1]).resolve()
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    place = project(scratch)
    bench_request(place, scratch)
    bench_batch(place, scratch)


if __name__ == "__main__":
    main()
