"""Sow a fault into ordinary tables, and see whether adoption or the gate refuses it: `nox -s adopt -- --faults`.

Each is tried twice: as `factory adopt --yes` takes the table, and with a person who puts back what adoption left out. The
tables without a fault have to pass. Names of faults or tables choose; results go to docs/your-data.md.
"""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cases
import numpy as np
import polars as pl
from faults import FAULTS, Fault
from public import TABLES, Public
from report import ROOT, write

DOCUMENT = ROOT / "docs/your-data.md"
ROWS = 3000
UNFIT = ("iris", "tips", "wine")  # fewer than 300 rows
MOST_TEXTS = 200  # of a category; a column of more cannot be put back
NEW = {"LEAKAGE", "DUPLICATES", "SMALL_TEST", "TRAIN_TEST_GAP"}
"""No table without a fault may be refused with these; it may be unfair, or have nothing to learn."""
Facts = dict[str, Any]
Found = dict[str, list[Facts]]
AGAIN = " against adoption"
HEAD = ("fault", "table", "refused with", "as adopted by `--yes`", "against a person who puts it back")


def main(project: Path, *names: str) -> str | None:
    """Try all, or those named; what was not refused, or wrongly, as text."""
    folder = project.parent / "faults"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    sown = {name: _sow(name, folder) for name in FAULTS if not names or name in names}
    clean = [name for name, table in TABLES.items() if table.plain and name not in UNFIT and (not names or name in names)]
    for name, fault in sown.items():
        _case(folder, name, fault.rows, target=fault.target)
        if fault.columns:
            _case(folder, name + AGAIN, fault.rows, target=fault.target, **_overruling(fault))
    for name in clean:
        _case(folder, name, _rows(TABLES[name], folder), target=TABLES[name].target)
    found = {name: facts for name, *facts in cases.judge(project, folder)}
    lines = [[name, FAULTS[name][1], *_outcomes(name, fault, found)] for name, fault in sown.items()]
    wrong = {name: codes for name in clean if (codes := _wrongly_refused(*found[name]))}
    if not names:
        _record(lines, len(clean), wrong)
    missed = [line[0] for line in lines if "✗" in f"{line}"]
    for line in lines:
        print(*line, sep=" | ")
    print(f"{len(clean)} tables without a fault, refused: {wrong or 'none'}")
    too_many = len(missed) * 20 > len(lines) or len(wrong) > 1
    return f"not refused: {', '.join(missed)}; wrongly refused: {', '.join(wrong)}" if too_many else None


def _sow(name: str, folder: Path) -> Fault:
    make, table = FAULTS[name]
    public = TABLES[table]
    return make(_rows(public, folder).drop_nulls(public.target), public.target, np.random.default_rng(0))


def _rows(public: Public, folder: Path) -> pl.DataFrame:
    """At most ROWS of the table, in their order."""
    path = folder / f"table{public.ending}"
    public.write(path)
    kind = path.suffixes[0]
    if kind == ".parquet":
        rows = pl.read_parquet(path)
    elif kind == ".jsonl":
        rows = pl.read_ndjson(path, infer_schema_length=None)
    else:
        tab = "\t" if kind == ".tsv" else ","
        rows = pl.read_csv(path, separator=tab, infer_schema_length=None, null_values=["", "NA"])
    path.unlink()
    rows = rows.rename({name: "number" for name in rows.columns if not name})
    return rows.gather(np.sort(np.random.default_rng(0).permutation(rows.height)[:ROWS]))


def _case(folder: Path, name: str, rows: pl.DataFrame, **choices: Any) -> None:
    rows.write_csv(folder / f"{name}.csv")
    cases.write(folder / f"{name}.csv", name, choices)


def _overruling(fault: Fault) -> dict[str, Any]:
    """What a person answers who wants all columns as features, but for texts that cannot be one; or only names whom to protect."""
    if "LEAKAGE" not in fault.codes:
        return {"sensitive": fault.columns[:1]}
    return {"roles": {name: "excluded" if _is_free_text(fault.rows[name]) else "feature" for name in fault.columns}}


def _is_free_text(values: pl.Series) -> bool:
    texts = values.drop_nulls()
    return (
        texts.dtype == pl.String and texts.n_unique() > MOST_TEXTS and texts.str.to_date("%Y-%m-%d", strict=False).is_null().any()
    )


def _outcomes(name: str, fault: Fault, found: Found) -> Iterator[str]:
    """Which codes may refuse it, and how it ended both times."""
    yield " or ".join(sorted(fault.codes))
    yield _ended(fault, *found[name], again=False)
    yield _ended(fault, *found[name + AGAIN], again=True) if fault.columns else "the same"


def _ended(fault: Fault, proposed: Facts, judged: Facts, *, again: bool) -> str:
    """What was left out or made the group, or the code of the refusal; with a cross where the fault is in a model that passes."""
    if error := proposed.get("error") or judged.get("error"):
        told = "leakage" in error or "LEAKAGE" not in fault.codes
        return f"{'✓' if told else '✗'} not trained: {': '.join(error.split(': ')[1:3])}"
    refused = judged["refused"]
    if right := fault.codes & set(refused):
        return f"✓ {', '.join(sorted(right))}"
    if proposed["repeats"] and fault.together(proposed["id"]):
        return f"✓ split by {proposed['id']}"
    if "LEAKAGE" in fault.codes and fault.columns and not again and set(fault.columns) <= set(proposed["excluded"]):
        return f"✓ left out: {', '.join(fault.columns)}"
    return f"✗ {', '.join(refused) or 'passes'}"


def _wrongly_refused(proposed: Facts, judged: Facts) -> str:
    """The refusals that no table without a fault deserves, or the error."""
    if error := proposed.get("error") or judged.get("error"):
        return error
    return "; ".join(f"{code}: {' / '.join(what)}" for code, what in judged["refused"].items() if code in NEW)


def _record(lines: list[list[str]], clean: int, wrong: dict[str, str]) -> None:
    rule = f"|{' --- |' * len(HEAD)}"
    caught = sum("✗" not in "".join(line) for line in lines)
    named = ", ".join(f"{name} ({': '.join(codes.split(': ')[:2])})" for name, codes in wrong.items()) or "none"
    table = [f"| {' | '.join(cells)} |" for cells in (HEAD, *lines)]
    counts = (
        f"{caught} of {len(lines)} faults were found both times. Of {clean} tables without a fault, refused by mistake: {named}."
    )
    write(DOCUMENT, "faults", [table[0], rule, *table[1:], "", counts])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), *sys.argv[2:]))
