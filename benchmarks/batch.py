"""`factory score` of a folder on two processors against one, its memory, and that of `factory prepare`: `nox -s bench -- batch`.

`batch 10000000` also prepares ten million rows more, which takes minutes.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from bench import seconds, template, trained
from report import report

ALONE = "import os, sys; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); os.execv(sys.argv[1], sys.argv[1:])"
PART, MILLION = 250_000, 1_000_000
MADE = """
import sys
from pathlib import Path
import polars as pl

parts, rows, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
sample = pl.concat(map(pl.read_parquet, sorted(Path("data/raw").glob("flights-*.parquet"))))
folder.mkdir()
for part in range(parts):
    table = pl.concat([sample] * (rows // sample.height + 1)).head(rows)
    number = pl.lit(folder.name.rpartition('-')[2]) + pl.int_range(part * rows, (part + 1) * rows).cast(pl.String).str.zfill(10)
    table.with_columns(number.alias("flight")).write_parquet(folder / f"{folder.name}-{part:05}.parquet")
"""


def measured(*command: str, cwd: Path) -> tuple[float, float]:
    """Wall time of a command that must succeed, and the most MB of any of its processes."""
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL)
    status, usage = os.wait4(process.pid, 0)[1:]
    if status:
        raise SystemExit(f"{' '.join(command)}: failed")
    return time.perf_counter() - began, usage.ru_maxrss / 1000


def bench_score(project: Path, scratch: Path) -> None:
    """A folder of 1 and of 10 million rows."""
    factory, python = (str(project / ".venv/bin" / name) for name in ("factory", "python"))
    for parts, name in ((4, "small"), (40, "large")):
        seconds(python, "-c", MADE, str(parts), str(PART), str(scratch / name), cwd=project)
    command = (factory, "score", str(scratch / "large"))
    one, _ = measured(python, "-c", ALONE, *command, str(scratch / "one"), cwd=project)
    two, memory = measured(*command, str(scratch / "two"), "--jobs=2", cwd=project)
    _, less = measured(factory, "score", str(scratch / "small"), str(scratch / "few"), "--jobs=2", cwd=project)
    same = subprocess.run(["diff", "-r", scratch / "one", scratch / "two"], check=False).returncode == 0
    report("factory score of a folder, 10 million rows, 2 processors against 1", f"{one / two:.2f} x", ">= 1.8 x")
    report("  its peak memory, of any process", f"{memory:.0f} MB", "< 1,000 MB")
    report("  against that of 1 million rows", f"{memory / less:.2f} x", "about 1 x")
    report("  the same bytes", str(same), "True")


def bench_prepare(project: Path, scratch: Path, rows: int) -> None:
    """`factory prepare` with so many rows more, in deliveries of a million."""
    made, parts = scratch / f"deliveries-{rows}", max(1, rows // MILLION)
    seconds(str(project / ".venv/bin/python"), "-c", MADE, str(parts), str(rows // parts), str(made), cwd=project)
    factory = str(project / ".venv/bin/factory")
    seconds(factory, "ingest", *map(str, sorted(made.iterdir())), "--source", "made up", cwd=project)
    took, memory = measured(factory, "prepare", cwd=project)
    report(f"factory prepare, {rows:,} rows in {parts} deliveries", f"{took:.0f} s, {memory:.0f} MB", "< 2,000 MB")


def main() -> None:
    """All of it, in a folder that is made anew."""
    scratch = Path(sys.argv[1]).resolve()
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    project = trained(scratch, template(scratch))
    bench_score(project, scratch)
    for rows in (MILLION, *map(int, sys.argv[2:])):
        bench_prepare(project, scratch, rows)


if __name__ == "__main__":
    main()
