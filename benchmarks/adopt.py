"""Public tables, each adopted by a project of its own with nothing but the target named: `nox -s adopt`.

Two projects side by side; `nox -s adopt -- penguins wage` runs these, and --quick only the tests that each adoption writes. What comes out is written into docs/your-data.md,
and whatever fails in any project makes the session fail.
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
SAID = ("✓", "- ", "Look first", "Next: read")
HEAD = ("table", "rows, columns", "told", "metric", "baseline", "plain", "ours", "left out", "green")
PROBLEMS = {"classification": "yes or no", "multiclass": "classes", "regression": "number"}


def main(scratch: Path, *names: str) -> str | None:
    """Run the tables, or those that are named; the failures in words."""
    quick, names = "--quick" in names, tuple(name for name in names if name != "--quick")
    unknown = [name for name in names if name not in TABLES]
    if unknown:
        return f"no table is called {', '.join(unknown)}; there are {', '.join(TABLES)}"
    chosen = {name: TABLES[name]() for name in names or TABLES}
    with ThreadPoolExecutor(2) as pool:
        done = pool.map(lambda name: _one(scratch / name, name, chosen[name], quick), chosen)
        failures = [text for found, path in done for text in _entered(found, chosen[found.name], path)]
    return "\n\n".join(failures) or None


def _one(folder: Path, name: str, public: Public, quick: bool) -> tuple[Adopted, Path]:
    """The table, written to a file and adopted."""
    folder.mkdir()
    table = folder / f"{name}{public.suffix}"
    public.write(table)
    return adopt(name, table, public.target, folder, quick=quick), table


def _entered(found: Adopted, public: Public, table: Path) -> list[str]:
    """The failures, after the document has the figures."""
    if found.facts:
        lines = _recorded() | {found.name: f"| {' | '.join(_row(found, public, table))} |"}
        rule = f"|{' --- |' * len(HEAD)}"
        write(DOCUMENT, "tables", [f"| {' | '.join(HEAD)} |", rule, *(lines[name] for name in TABLES if name in lines)])
    if found.name == SHOWN and not found.failed:
        write(DOCUMENT, "adoption", ["```", *_shown(found.said["adoption"]), "```"])
        write(DOCUMENT, "promotion", ["```", *found.said["promotion"].splitlines(), "```"])
    return [f"{found.name}: {what}\n{said}" for what, said in found.failed.items()]


def _row(found: Adopted, public: Public, table: Path) -> list[str]:
    """The table's line in the document."""
    facts, rows = found.facts, _rows(table)
    tests = re.search(r"(\d+) passed", found.said.get("tests", ""))
    green = f"not {', '.join(found.failed)}" if found.failed else f"all, {int(tests[1]):,} tests"
    if not facts["better"]["ours"]:
        green += "; the gate refuses it"
    return [
        f"{found.name}, {public.package}, `{''.join(table.suffixes)}`",
        f"{rows.height:,}, {rows.width}",
        f"{public.target}: {PROBLEMS[facts['problem']]}",
        facts["metric"],
        *(f"{facts[who]:.3g}" for who in ("baseline", "plain", "ours")),
        ", ".join(facts["out"]) or "nothing",
        green,
    ]


def _rows(table: Path) -> pl.DataFrame:
    kind = table.suffixes[0]
    if kind == ".parquet":
        return pl.read_parquet(table)
    if kind == ".jsonl":
        return pl.read_ndjson(table, infer_schema_length=None)
    return pl.read_csv(table, separator="\t" if kind == ".tsv" else ",", infer_schema=False)


def _shown(said: str) -> list[str]:
    """What the command says, without what DVC does in between; a line of the proposal no longer than the page."""
    table, _, rest = said.partition("column ")[2].partition("\n\n")
    told = [line for line in rest.splitlines() if line.startswith(SAID)]
    return [*f"column {table}".splitlines(), "", *told]


def _recorded() -> dict[str, str]:
    """The lines of the tables that the document has, by their names."""
    lines = block("tables").search(DOCUMENT.read_text("utf-8"))[0].splitlines()
    return {line[2:].partition(",")[0]: line for line in lines if line.startswith("| ")}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), *sys.argv[2:]))
