"""A million captured rows of 16 columns, judged in a fresh project, and ten times as many days: `nox -s bench -- monitor`.

`monitor 100000000` takes so many rows in place of ten million.
"""

import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from report import report

ROOT = Path(__file__).parents[1]
ROWS, A_DAY = 1_000_000, 100_000
MORE = int(sys.argv[2]) if sys.argv[2:] else 10 * ROWS
CAPTURES = """
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
import numpy as np
import polars as pl
from watched.factory.scoring.artifact import read_version
from watched import Scorer, contract

days, a_day, place = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
known = pl.concat([pl.read_parquet(f"data/prepared/{part}.parquet") for part in ("train", "test")]).select(contract.Row.column_names())
rows = pl.concat([known] * -(-a_day // known.height)).head(a_day)
scores = Scorer.load("model").score(rows)
number = np.arange(a_day)
version, start = read_version(Path("model"))["version"], datetime(2020, 1, 1, tzinfo=timezone.utc)
rows = rows.with_columns(
    scores["score"].alias("_score"), scores["decision"].alias("_decision"), _row=pl.Series(number % 10, dtype=pl.UInt32),
    _caller=pl.lit("shop"), _role=pl.lit("champion"), _model=pl.lit(version), _client_request=pl.lit(None, pl.String),
)
for day in range(days):
    at = start + timedelta(days=day)
    seconds = pl.Series(number // 10 * 10 * 86_000 // a_day, dtype=pl.Int64)
    table = rows.with_columns(_at=pl.lit(at) + pl.duration(seconds=seconds), _request=pl.format("{}{}", pl.lit(f"{day:024}"), pl.Series(number // 10).cast(pl.String).str.zfill(8)))
    folder = place / f"{at:%Y-%m-%d}"
    folder.mkdir(parents=True)
    for first in range(0, a_day, 20_000):
        table[first : first + 20_000].write_parquet(folder / f"{first:09}-1.parquet")
"""
USED = """
import resource, subprocess, sys
code, used = subprocess.run(sys.argv[1:], stdout=2).returncode, resource.getrusage(resource.RUSAGE_CHILDREN)
print(code, used.ru_maxrss / 1000, used.ru_utime + used.ru_stime)
"""


def main() -> None:
    scratch = Path(sys.argv[1])
    project = scratch / "watched"
    new = (sys.executable, str(ROOT / "hooks/new.py"), str(project), "--defaults", "--vcs-ref=HEAD", "-d", "project_name=Watched")
    subprocess.run(new, cwd=scratch, check=True)
    subprocess.run(("uv", "run", "dvc", "repro", "--quiet"), cwd=project, check=True)
    few, single = monitored(project, ROWS // A_DAY, A_DAY), monitored(project, 1, ROWS)
    many = monitored(project, MORE // A_DAY, A_DAY)
    report(f"{ROWS:,} captured rows of 16 columns, {ROWS // A_DAY} days", f"{few.seconds:.1f} s", "<= 10 s")
    report("of which on processors", f"{few.cpu:.1f} s", "other work on the machine changes this little")
    report("its peak memory", f"{few.memory:.0f} MB", "<= 1,000 MB")
    report("all on one day", f"{single.seconds:.1f} s, {single.cpu:.1f} s, {single.memory:.0f} MB", "the same")
    report(f"{MORE:,} rows, {MORE // A_DAY} days", f"{many.seconds:.0f} s, {many.cpu:.0f} s", "")
    report("its peak memory, against that of a million", f"{many.memory / few.memory:.2f} x", "<= 1.2 x")


class Used(NamedTuple):
    """Seconds, seconds of processors, and peak memory in MB."""

    seconds: float
    cpu: float
    memory: float


def monitored(project: Path, days: int, a_day: int) -> Used:
    """What it takes to judge so many days."""
    python, place = str(project / ".venv/bin/python"), project / f"captures-{days}"
    subprocess.run((python, "-c", CAPTURES, str(days), str(a_day), str(place)), cwd=project, check=True)
    (project / "reports/monitor.json").unlink(missing_ok=True)
    start = time.perf_counter()
    command = (python, "-c", USED, str(project / ".venv/bin/factory"), "monitor", "--captures", str(place))
    code, peak, cpu = subprocess.run(command, cwd=project, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    taken = time.perf_counter() - start
    if not (project / "reports/monitor.json").exists():
        raise SystemExit(f"factory monitor ended with {code}")
    subprocess.run(("rm", "-r", str(place)), check=True)
    return Used(taken, float(cpu), float(peak))


main()
