"""Whether a contract that adoption wrote keeps honest deliveries and refuses those with a defect: `nox -s adopt -- --deliveries`.

Tables of so many rows as ROWS says and at most COLUMNS columns, or those named; deliver.py, which runs in the project, says how. Results
go to docs/your-data.md.
"""

import json
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
from public import TABLES
from report import ROOT, write

DOCUMENT = ROOT / "docs/your-data.md"
DELIVER = Path(__file__).with_name("deliver.py")
ROWS, COLUMNS = range(2_000, 20_001), 32
MOST_HONEST, LEAST_DEFECTS = 0.02, 0.95
HONEST = {
    "honest": "honest, a tenth of the table adopted",
    "later": "honest, rows after or beside those adopted",
    "large": "honest, all other rows after 300 at random",
}
HEAD = ("deliveries", "number", "refused", "refused of them")


def main(project: Path, *names: str) -> str | None:
    """Try all, or those named; the rates that are not as they have to be, as text."""
    folder = project.parent / "deliveries"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in names or TABLES:
        table = folder / f"{name}.csv"
        rows, columns = _write(name, table)
        if names or (rows in ROWS and columns <= COLUMNS):
            case = {"table": str(table), "target": TABLES[name].target}
            table.with_suffix(".json").write_text(json.dumps(case), "utf-8")
    subprocess.run(["uv", "run", "--quiet", "python", DELIVER, folder], cwd=project, check=True)
    found = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.deliveries"))}
    for name, facts in found.items():
        print(name, facts.get("error") or [message for kind in HONEST for message in facts[kind][1]], sep=": ")
    known = {name: facts for name, facts in found.items() if "error" not in facts}
    lines, wrong = _rates(known)
    print(*lines, sep="\n")
    if not names:
        write(DOCUMENT, "deliveries", [f"Of {len(known)} tables:", "", *lines])
    return "; ".join(wrong) or None


def _write(name: str, table: Path) -> tuple[int, int]:
    """Write the table as CSV, its names as they are; the numbers of its rows and columns."""
    path = table.with_name(f"shipped{TABLES[name].ending}")
    TABLES[name].write(path)
    kind = path.suffixes[0]
    if kind == ".parquet":
        rows = pl.read_parquet(path)
    elif kind == ".jsonl":
        rows = pl.read_ndjson(path, infer_schema_length=None)
    else:
        rows = pl.read_csv(path, separator="\t" if kind == ".tsv" else ",", infer_schema=False)
    rows.rename({column: "number" for column in rows.columns if not column}).write_csv(table)
    return rows.shape


def _rates(found: dict[str, dict[str, Any]]) -> tuple[list[str], list[str]]:
    """The table in the document, and the rates that are not as they have to be."""
    tried: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for facts in found.values():
        for name, what in HONEST.items():
            tried[what] += facts[name][0]
            refused[what] += len(facts[name][1])
        for kind, _, is_refused in facts["defects"]:
            tried[kind] += 1
            refused[kind] += is_refused
    defects = [kind for kind in tried if not kind.startswith("honest")]
    tried["all defects"], refused["all defects"] = (sum(count[kind] for kind in defects) for count in (tried, refused))
    rates = {kind: refused[kind] / number for kind, number in tried.items()}
    lines = [f"| {kind} | {tried[kind]:,} | {refused[kind]:,} | {rate:.1%} |" for kind, rate in rates.items()]
    wrong = [f"{kind}: {rate:.1%} refused" for kind, rate in rates.items() if kind.startswith("honest") and rate > MOST_HONEST]
    if rates["all defects"] < LEAST_DEFECTS:
        wrong.append(f"defects: {rates['all defects']:.1%} refused")
    return [f"| {' | '.join(HEAD)} |", f"|{' --- |' * len(HEAD)}", *lines], wrong
