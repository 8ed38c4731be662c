"""What a reader of the figures has to bear in mind: few test rows, and classes that are seldom found."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from ..paths import REPORTS
from .formatting import number, share

FEW_ROWS, FEW_CASES = 100, 20
SELDOM, NAMED = 0.5, 3
Z = 1.96  # of a 95% interval


def wilson(hits: int, rows: int) -> tuple[float, float]:
    """The 95% interval of a share (Wilson 1927), which holds for few rows, too."""
    rate, spread = hits / rows, Z**2 / rows
    middle = (rate + spread / 2) / (1 + spread)
    half = Z / (1 + spread) * math.sqrt(rate * (1 - rate) / rows + spread / (4 * rows))
    return max(0.0, middle - half), min(1.0, middle + half)


def classes(report: Mapping[str, Any], confusion: Mapping[str, Mapping[str, int]]) -> list[dict[str, Any]]:
    """The figures of each class, with how many of its rows were found; the least often found first."""
    found = []
    for name, figures in report["classes"].items():
        hits = confusion[name][name]
        interval = wilson(hits, figures["rows"]) if figures["rows"] else (None, None)
        found.append({"name": name, "hits": hits, "low": interval[0], "high": interval[1], **figures})
    return sorted(found, key=lambda row: (row["recall"] is None, row["recall"] or 0, -row["rows"]))


def cautions(details: Mapping[str, Any]) -> Iterator[str]:
    """Sentences on the figures of reports/evaluation.json."""
    rows, report, confusion = details["test_rows"], details["classification_report"], details["confusion"]
    is_number = report is None
    if rows < FEW_ROWS:
        step = "a few of them decide" if is_number else f"one more or less of them right is {share(1 / rows)}"
        yield f"the test has only {number(rows)} rows: {step}, and the real intervals are wider than those shown"
    if is_number or confusion is None:
        return
    if "classes" in report:
        yield from _of_classes(classes(report, confusion), rows)
        return
    cases = confusion["true_positive"] + confusion["false_negative"]
    fewer = min(cases, rows - cases)
    if fewer < FEW_CASES <= rows:
        kind = "true" if fewer == cases else "false"
        yield f"only {number(fewer)} of the {number(rows)} test rows are {kind}: how well it finds them is hardly known"
    if cases and confusion["true_positive"] < SELDOM * cases:
        hits = confusion["true_positive"]
        yield f"at this threshold it finds {number(hits)} of {number(cases)} true rows{_between(hits, cases)}"


def of_last_evaluation() -> list[str]:
    """Those of the figures in reports/."""
    return [*cautions(json.loads((REPORTS / "evaluation.json").read_text(encoding="utf-8")))]


def _of_classes(found: list[dict[str, Any]], rows: int) -> Iterator[str]:
    seldom = [row for row in found if row["rows"] and row["recall"] < SELDOM]
    texts = [
        f"{row['name']} in {number(row['hits'])} of {number(row['rows'])} rows{_between(row['hits'], row['rows'])}"
        for row in seldom[:NAMED]
    ]
    if texts:
        more = len(seldom) - len(texts)
        yield f"seldom found: {'; '.join(texts)}{f'; and {more} more classes' if more else ''}"
    few = [row["name"] for row in found if row["rows"] < FEW_CASES]
    if few and rows >= FEW_ROWS:
        named = ", ".join(few[:NAMED]) + (f" and {len(few) - NAMED} more" if len(few) > NAMED else "")
        yield f"of {named} the test has fewer than {FEW_CASES} rows: how well they are found is hardly known"


def _between(hits: int, rows: int) -> str:
    low, high = wilson(hits, rows)
    return f" ({share(hits / rows)}, 95% interval {share(low)} to {share(high)})"
