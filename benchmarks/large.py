"""A table of many rows or columns, from CSV to a trained and evaluated model: `nox -s bench -- large`, or `large 10000000 30`.

A million rows of 30 columns where no numbers are given; with `proposal` after them, no further than what adoption proposes.
"""

import subprocess
import sys
import time
from pathlib import Path

from report import report

ROOT = Path(__file__).parents[1]
GIVEN = [int(given) for given in sys.argv[2:] if given.isdigit()]
ROWS, COLUMNS = (GIVEN + [1_000_000, 30][len(GIVEN) :])[:2]
MADE = """
import sys
import numpy as np
import polars as pl
from datetime import datetime, timedelta

rows, columns, random = int(sys.argv[1]), int(sys.argv[2]), np.random.default_rng(0)
number = {f"measure_{i}": random.normal(10 * i, 3, rows).round(4) for i in range(1, columns - 10)}
whole = {f"count_{i}": random.integers(0, 50 * i, rows) for i in range(1, 6)}
kind = {f"kind_{i}": random.choice([f"{chr(97 + k)}{i}" for k in range(4 * i)], rows) for i in range(1, 4)}
start = datetime(2020, 1, 1)
table = pl.DataFrame({"key": [f"r{i:07}" for i in range(rows)], "at": [start + timedelta(minutes=i) for i in range(rows)], **number, **whole, **kind})
gaps = random.random(rows) < 0.1
table = table.with_columns(pl.when(~pl.Series(gaps)).then(pl.col(f"measure_{i}")).alias(f"measure_{i}") for i in range(1, 6))
effect = number["measure_7"] - number["measure_9"] + whole["count_2"] / 10 + random.normal(0, 5, rows)
table = table.with_columns(answer=pl.Series(effect > np.median(effect)))
table.write_csv(sys.argv[3])
table.write_parquet(sys.argv[4])
"""
PROPOSED = """
import sys
from pathlib import Path
from large.factory import tables
from large.factory.adopt import profile, proposal

rows = tables.scan(Path(sys.argv[1]))
columns = profile.profile(rows)
proposal.propose(columns, rows, proposal.UserChoices(target="answer"))
"""
PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_maxrss / 1000, used.ru_utime + used.ru_stime)
"""


def seconds(*command: str, cwd: Path) -> float:
    """Wall time of a command that must succeed, with what it says."""
    start = time.perf_counter()
    subprocess.run(command, cwd=cwd, check=True)
    return time.perf_counter() - start


def measured(*command: str, cwd: Path) -> tuple[float, float, float]:
    """Wall time of a command that must succeed, its seconds of the processors, and the most megabytes of any of its processes."""
    start = time.perf_counter()
    output = subprocess.run((sys.executable, "-c", PEAK, *command), cwd=cwd, check=True, stdout=subprocess.PIPE, text=True).stdout
    peak, used = map(float, output.splitlines()[-1].split())
    return time.perf_counter() - start, used, peak


def main() -> None:
    scratch, limited = Path(sys.argv[1]), ROWS * COLUMNS <= 30_000_000
    project, table, parquet = scratch / "large", scratch / "large.csv", scratch / "large.parquet"
    new = (sys.executable, str(ROOT / "hooks/new.py"), str(project), "--defaults", "--vcs-ref=HEAD", "-d", "project_name=Large")
    seconds(*new, cwd=scratch)
    python = str(project / ".venv/bin/python")
    seconds(python, "-c", MADE, str(ROWS), str(COLUMNS), str(table), str(parquet), cwd=scratch)
    report(f"{ROWS:,} rows of {COLUMNS:,} columns, in Parquet", f"{parquet.stat().st_size / 1e6:.0f} MB")
    steps = {"CSV to a proposal, with the start of Python": (python, "-c", PROPOSED, str(table))}
    if "proposal" not in sys.argv:
        steps["CSV to an evaluated model"] = ("uv", "run", "factory", "adopt", str(table), "--target", "answer", "--yes")
    for what, command in steps.items():
        took, used, peak = measured(*command, cwd=project)
        report(what, f"{took:.0f} s", "<= 60 s" if limited else "")
        report("  seconds of the processors", f"{used:.0f} s")
        report("  peak memory of any process", f"{peak:.0f} MB", "<= 800 MB" if limited else "")


main()
