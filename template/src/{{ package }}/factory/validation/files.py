"""Cast tables larger than memory batch by batch into files, and count violations over all rows."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import dataframely as dy
import polars as pl

from .. import tables
from ..errors import ContractViolation, Violation
from .parsing import cast

Violations = dict[tuple[str, str], Violation]


def cast_to_files(batches: Iterable[pl.DataFrame], schema: type[dy.Schema], folder: Path) -> pl.LazyFrame:
    """The rows in the contract's types, in files in a new folder; no rule is checked. Raises ContractViolation."""
    folder.mkdir(parents=True)
    files: list[Path] = []
    violations: Violations = {}
    height = 0
    for rows in batches:
        try:
            typed = cast(rows, schema)
            files.append(folder / f"{len(files)}.parquet")
            with tables.writing(files[-1]):
                typed.write_parquet(files[-1], compression="lz4")
        except ContractViolation as error:
            violations = _merged(violations, error.violations, height)
        height += rows.height
    if violations:
        raise ContractViolation([replace(each, total=each.total and height) for each in violations.values()])
    return pl.scan_parquet(files, glob=False)  # the folder is named after a file of the user's


def _merged(earlier: Violations, found: Sequence[Violation], height: int) -> Violations:
    """The earlier violations together with those of a batch, before which there are `height` rows."""
    merged = dict(earlier)
    for each in found:
        key = each.subject, each.problem
        if key in merged:
            merged[key] = replace(merged[key], count=merged[key].count + each.count)
        else:
            merged[key] = replace(each, row=None if each.row is None else each.row + height)
    return merged
