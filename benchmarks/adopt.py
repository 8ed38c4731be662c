"""Adopt public tables, each in a new project, with only the target named: `nox -s adopt`.

Two projects run at a time; `nox -s adopt -- penguins wage` runs these two, --quick only the tests that each adoption writes.
Results go to docs/your-data.md; a failure in any project fails the session.
"""

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
from adoption import ROOT, Adopted, adopt
from public import TABLES, Public
from report import block, write

DOCUMENT = ROOT / "docs/your-data.md"
SHOWN = "wage"
SHOWN_LINES = ("✓", "- ", "Review first", "Next: ")
HEAD = ("table", "rows, columns", "target", "metric", "baseline", "plain", "ours", "excluded", "checks")
PROBLEMS = {"classification": "binary", "multiclass": "multiclass", "regression": "regression"}


def main(scratch: Path, *names: str) -> str | None:
    """Run all tables, or those named; the failures as text."""
    quick, names = "--quick" in names, tuple(name for name in names if name != "--quick")
    unknown = [name for name in names if name not in TABLES]
    if unknown:
        return f"no table {', '.join(unknown)}; there are {', '.join(TABLES)}"
    chosen = {name: TABLES[name]() for name in names or TABLES}
    with ThreadPoolExecutor(2) as pool:
        done = pool.map(lambda name: _one(scratch / name, name, chosen[name], quick), chosen)
        failures = [text for result, path in done for text in _record(result, chosen[result.name], path)]
    return "\n\n".join(failures) or None


def _one(folder: Path, name: str, public: Public, quick: bool) -> tuple[Adopted, Path]:
    """Write the table to a file and adopt it."""
    folder.mkdir()
    table = folder / f"{name}{public.suffix}"
    public.write(table)
    return adopt(name, table, public.target, folder, quick=quick), table


def _record(result: Adopted, public: Public, table: Path) -> list[str]:
    """Write the results into the document; the failures."""
    if result.facts:
        lines = _recorded() | {result.name: f"| {' | '.join(_row(result, public, table))} |"}
        rule = f"|{' --- |' * len(HEAD)}"
        write(DOCUMENT, "tables", [f"| {' | '.join(HEAD)} |", rule, *(lines[name] for name in TABLES if name in lines)])
    if result.name == SHOWN and not result.failed:
        write(DOCUMENT, "adoption", ["```", *_shown(result.output["adoption"]), "```"])
        write(DOCUMENT, "promotion", ["```", *result.output["promotion"].splitlines(), "```"])
    return [f"{result.name}: {what}\n{output}" for what, output in result.failed.items()]


def _row(result: Adopted, public: Public, table: Path) -> list[str]:
    """The table's row in the document."""
    facts, rows = result.facts, _rows(table)
    tests = re.search(r"(\d+) passed", result.output.get("tests", ""))
    checks = f"failed: {', '.join(result.failed)}" if result.failed else f"passed, {int(tests[1]):,} tests"
    if not facts["better"]["ours"]:
        checks += "; the gate refuses the model"
    return [
        f"{result.name}, {public.package}, `{''.join(table.suffixes)}`",
        f"{rows.height:,}, {rows.width}",
        f"{public.target}: {PROBLEMS[facts['problem']]}",
        facts["metric"],
        *(f"{facts[who]:.3g}" for who in ("baseline", "plain", "ours")),
        ", ".join(facts["out"]) or "none",
        checks,
    ]


def _rows(table: Path) -> pl.DataFrame:
    kind = table.suffixes[0]
    if kind == ".parquet":
        return pl.read_parquet(table)
    if kind == ".jsonl":
        return pl.read_ndjson(table, infer_schema_length=None)
    return pl.read_csv(table, separator="\t" if kind == ".tsv" else ",", infer_schema=False)


def _shown(output: str) -> list[str]:
    """The output of the command without that of DVC."""
    table, _, rest = output.partition("column ")[2].partition("\n\n")
    lines = [line for line in rest.splitlines() if line.startswith(SHOWN_LINES)]
    return [*f"column {table}".splitlines(), "", *lines]


def _recorded() -> dict[str, str]:
    """The rows that the document has, by the table's name."""
    lines = block("tables").search(DOCUMENT.read_text("utf-8"))[0].splitlines()
    return {line[2:].partition(",")[0]: line for line in lines if line.startswith("| ")}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), *sys.argv[2:]))
