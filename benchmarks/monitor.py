"""A million captured rows of 16 columns, judged in a fresh project, and ten times as many days: `nox -s bench -- monitor`.

`monitor 100000000` takes so many rows in place of ten million.
"""

import subprocess
import sys
import time
from pathlib import Path

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
PEAK = "import resource, subprocess, sys; print(subprocess.run(sys.argv[1:], stdout=2).returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000)"


def main() -> None:
    scratch = Path(sys.argv[1])
    project = scratch / "watched"
    new = (sys.executable, str(ROOT / "hooks/new.py"), str(project), "--defaults", "--vcs-ref=HEAD", "-d", "project_name=Watched")
    subprocess.run(new, cwd=scratch, check=True)
    subprocess.run(("uv", "run", "dvc", "repro", "--quiet"), cwd=project, check=True)
    seconds, peak = monitored(project, ROWS // A_DAY, A_DAY)
    report(f"{ROWS:,} captured rows of 16 columns, {ROWS // A_DAY} days", f"{seconds:.1f} s", "<= 10 s")
    report("its peak memory", f"{peak:.0f} MB", "<= 1,000 MB")
    seconds, most = monitored(project, 1, ROWS)
    report("all on one day", f"{seconds:.1f} s, {most:.0f} MB", "<= 10 s, <= 1,000 MB")
    seconds, more = monitored(project, MORE // A_DAY, A_DAY)
    report(f"{MORE:,} rows, {MORE // A_DAY} days", f"{seconds:.0f} s")
    report("its peak memory, against that of a million", f"{more / peak:.2f} x", "<= 1.2 x")


def monitored(project: Path, days: int, a_day: int) -> tuple[float, float]:
    """Seconds and peak memory in MB of judging so many days."""
    python, place = str(project / ".venv/bin/python"), project / f"captures-{days}"
    subprocess.run((python, "-c", CAPTURES, str(days), str(a_day), str(place)), cwd=project, check=True)
    (project / "reports/monitor.json").unlink(missing_ok=True)
    start = time.perf_counter()
    command = (python, "-c", PEAK, str(project / ".venv/bin/factory"), "monitor", "--captures", str(place))
    code, peak = subprocess.run(command, cwd=project, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    taken = time.perf_counter() - start
    if not (project / "reports/monitor.json").exists():
        raise SystemExit(f"factory monitor ended with {code}")
    subprocess.run(("rm", "-r", str(place)), check=True)
    return taken, float(peak)


main()
