"""`factory score --engine spark`: the same scorer in every task, and an output that is complete or not there."""

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl

from .... import contract
from ... import interruption, manifest
from ...errors import FactoryError
from .. import histories
from ..outcome import Outcome
from ..rejected import REASON
from ..scorer import Scorer
from . import session, source
from .output import Output, check_apart, publish
from .task import FILE, Task, code, storable, versions

SEPARATOR = "; "


def score(
    rows: str,
    destination: str,
    model: str,
    signers: Path | None = None,
    rejects: str | None = None,
    resume: bool = False,
) -> Outcome:
    """Score all rows of a path or URL into a new folder of Parquet files.

    With `rejects`, rows that violate the contract go to that folder. With `resume`, each file or folder in the source
    is committed on its own, and a run that was interrupted goes on behind those that are. Raises FactoryError.
    """
    histories.check_rows_are_scored("a forecast needs each series as a whole: score its history without Spark")
    spark = session.start()
    with session.in_one_line():
        scorer, task = _prepared(spark, model, signers, rejects is not None)
        read = source.find(spark, rows)
        identity = _identity(task, read) if resume else None
        names = [name for name in (rejects, destination) if name]
        check_apart(spark, *names)
        outputs = [Output(spark, name, identity) for name in names]
        try:
            for part, table in (read.parts() if resume else {"": read.rows()}).items():
                _write(table, part, outputs, task, scorer)
            outcome = _outcome(rows, outputs)
            publish(outputs)
        except BaseException:
            interruption.ignore()
            for output in outputs:
                output.discard()
            raise
    return outcome


def _prepared(spark: Any, model: str, signers: Path | None, reject: bool) -> tuple[Scorer, Task]:
    """The scorer, and the task with the very bytes that were verified."""
    files = _content(spark, model)
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            Path(folder, name).write_bytes(content)
        scorer = Scorer.load(folder, signers)
    if not scorer.manifest["id"]:
        raise FactoryError(
            "the rows have no id, and Spark does not keep their order: score them without --engine spark"
        )
    if scorer.manifest.get("decision"):
        raise FactoryError(
            "the decision is about the highest scores of all rows, and Spark scores them in parts: score them without "
            "--engine spark, or remove decision from params.yaml and train the model again"
        )
    return scorer, Task(files, versions(), code(), reject)


def _content(spark: Any, model: str) -> dict[str, bytes]:
    folder = Path(model)
    if folder.is_dir() or "://" not in model:
        manifest.read_manifest(folder)  # whose messages name the folder
        return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    rows = spark.read.format("binaryFile").load(model).select("path", "content").collect()
    return {row[0].rpartition("/")[2]: bytes(row[1]) for row in rows}


def _write(table: Any, part: str, outputs: list[Output], task: Task, scorer: Scorer) -> None:
    *rejects, scores = outputs
    for output in rejects:
        schema = table.drop(FILE).schema.add(REASON, "string").add(FILE, "string")
        output.write(table.mapInArrow(task.rejected, schema), part)
    empty = storable(scorer.score(contract.Row.create_empty())).to_arrow(compat_level=pl.CompatLevel.oldest())
    scores.write(table.mapInArrow(task.scores, table.sparkSession.createDataFrame(empty).schema), part)


def _outcome(rows: str, outputs: list[Output]) -> Outcome:
    from pyspark.sql import functions as f

    *rejects, scores = outputs
    scored, reasons, rejected = scores.read().count(), Counter[str](), 0
    for output in rejects:
        bad = output.read()
        rejected = bad.count()
        each = bad.select(f.explode(f.split(REASON, SEPARATOR)).alias(REASON)).groupBy(REASON).count()
        reasons.update({row[0]: row[1] for row in each.collect()})
    if not scored + rejected:
        raise FactoryError(f"{rows}: no rows")
    return Outcome(scored, rejected, reasons)


def _identity(task: Task, read: source.Source) -> str:
    """What the result depends on; whatever differs in it, an earlier run does not count."""
    model = [(name, manifest.sha256(content)) for name, content in sorted(task.model.items())]
    facts = (model, task.versions, sorted(task.code.items()), task.reject, read.files)
    return manifest.sha256(repr(facts).encode())[:12]
