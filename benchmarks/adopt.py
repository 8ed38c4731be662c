"""Adopt public tables with only the target named, and compare with what a careful person would do: `nox -s adopt`.

Two projects take turns; `nox -s adopt -- penguins wage` runs these two tables, --quick without DVC and the project's own checks,
--faults sows faults instead (see seeded.py), --deliveries tries the contracts (see deliveries.py), and --automl compares the first
model with FLAML and AutoGluon (see automl.py). Results go to docs/your-data.md; a failure anywhere fails the session.
"""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import automl
import deliveries
import seeded
from adoption import ROOT, Adopted, adopt, quick, start
from public import TABLES, Public
from report import block, write

DOCUMENT = ROOT / "docs/your-data.md"
SHOWN = "wage"
HEAD = ("table", "rows, columns", "target", "split (a person's)", "leaks left out", "missed", "left out besides")
FIGURES = ("metric", "certified", "ours", "reference", "linear", "gate")
PROBLEMS = {"classification": "binary", "multiclass": "multiclass", "regression": "regression"}
ENOUGH = 0.9
"""The share of tables whose model has to be as good as the reference."""


def main(scratch: Path, *names: str) -> str | None:
    """Run all tables, or those named; the failures as text."""
    options, names = {name for name in names if name[:2] == "--"}, tuple(name for name in names if name[:2] != "--")
    projects = [scratch / str(number) / "adopted" for number in range(1 if options or len(names) == 1 else 2)]
    if failures := [text for project in projects if (text := start(project))]:
        return failures[0]
    if "--faults" in options:
        return seeded.main(projects[0], *names)
    if "--deliveries" in options:
        return deliveries.main(projects[0], *names)
    if unknown := [name for name in names if name not in TABLES]:
        return f"no table {', '.join(unknown)}; there are {', '.join(TABLES)}"
    if "--automl" in options:
        return automl.main(projects[0], options, *names)
    done = []
    for result in (_quick if "--quick" in options else _thorough)(names or tuple(TABLES), projects):
        done.append(result)
        _record(result, TABLES[result.name])
    failures = [f"{result.name}: {what}\n{output}" for result in done for what, output in result.failed.items()]
    return "\n\n".join([*failures, *_too_few_near([result.facts for result in done if result.facts])]) or None


def _quick(names: tuple[str, ...], projects: list[Path]) -> Iterator[Adopted]:
    folder = projects[0].parent / "quick"
    folder.mkdir(exist_ok=True)
    return quick({name: (_written(name, folder), TABLES[name]) for name in names}, projects[0])


def _thorough(names: tuple[str, ...], projects: list[Path]) -> Iterator[Adopted]:
    free: SimpleQueue[Path] = SimpleQueue()
    for project in projects:
        free.put(project)

    def one(name: str) -> Adopted:
        project = free.get()
        try:
            return adopt(name, _written(name, project.parent), TABLES[name], project)
        finally:
            free.put(project)

    with ThreadPoolExecutor(len(projects)) as pool:
        yield from pool.map(one, names)


def _written(name: str, folder: Path) -> Path:
    table = folder / f"{name.replace(' ', '-')}{TABLES[name].ending}"
    TABLES[name].write(table)
    return table


def _too_few_near(facts: list[dict[str, Any]]) -> list[str]:
    """What is to be told where too many models are worse than the reference."""
    far = [f"{fact['ours']:.4g} against {fact['reference']:.4g}" for fact in facts if not fact["near"]]
    return [f"{len(far)} of {len(facts)} worse than the reference: {far}"] if len(far) > (1 - ENOUGH) * len(facts) else []


def _record(result: Adopted, public: Public) -> None:
    """Write the table's row, and the output of the one that is shown, into the document."""
    if result.facts:
        lines = _recorded() | {result.name: f"| {' | '.join(_row(result, public))} |"}
        head = (*HEAD, *FIGURES)
        table = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}", *(lines[name] for name in TABLES if name in lines)]
        write(DOCUMENT, "tables", table)
    if result.name == SHOWN and not result.failed and result.output:
        write(DOCUMENT, "adoption", ["```", *_shown(result.output["adoption"]), "```"])
        write(DOCUMENT, "promotion", ["```", *result.output["promotion"].splitlines(), "```"])


def _row(result: Adopted, public: Public) -> list[str]:
    """The table's row in the document."""
    facts = result.facts
    listed = [", ".join(facts[what]) or "none" for what in ("found", "missed", "besides")]
    figures = [f"{facts[who]:.3g}" for who in ("certified", "ours", "reference", "linear")]
    persons = {"groups": public.groups, "order": f"blocks of {public.order}", "time": ", ".join(public.time), "rows": ""}
    return [
        f"{result.name}, {public.package}",
        f"{facts['rows']:,}, {facts['columns']}",
        f"{public.target}: {PROBLEMS[facts['problem']]}",
        f"{facts['split']} ({' '.join((public.split, persons[public.split])).strip()})",
        *listed,
        facts["metric"],
        *figures,
        ", ".join(dict.fromkeys(facts["refused"])) or "passes",
    ]


def _shown(output: str) -> list[str]:
    """The output of `factory adopt`."""
    return output.strip().splitlines()


def _recorded() -> dict[str, str]:
    """The rows that the document has, by the table's name."""
    lines = block("tables").search(DOCUMENT.read_text("utf-8"))[0].splitlines()
    columns = len(HEAD) + len(FIGURES)
    return {line[2:].partition(",")[0]: line for line in lines if line.startswith("| ") and line.count("|") == columns + 1}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), *sys.argv[2:]))
