"""The summary that another job left, which ran the code of a pull request: it may say anything, and nothing of it is trusted."""

import math
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from ..errors import CannotEvaluate
from ..gate.evidence import Check
from ..gate.result import CHALLENGER, VALIDATION, GateResult
from ..metrics.definitions import AT_K, METRICS
from . import summary
from .summary import Problem

MAX_BYTES = 1_000_000
LIMITS = ConfigDict(str_max_length=10_000)
NOTE = "These are the figures that the pull request's own code gives: `factory promote` measures again, on main.\n"

Figure = Annotated[float, BeforeValidator(lambda value: math.nan if value is None else value)]


class Gate(BaseModel):
    """What is shown of reports/gate.json."""

    model_config = LIMITS
    model: str
    against: str
    accepted_limits: str | None = None
    rows: int = Field(0, ge=0, le=10**12)
    problem: str = ""
    metrics: dict[str, dict[str, Figure]] = {}
    checks: list[Check] = Field(min_length=1)

    def result(self) -> GateResult:
        """The gate's result, with the metrics that are known here."""
        reference = "champion" if any("champion" in each for each in self.metrics.values()) else "baseline"
        metrics = {
            name: {who: each[who] for who in (CHALLENGER, reference, VALIDATION) if who in each}
            for name in (*METRICS.get(self.problem, ()), *AT_K)
            if {CHALLENGER, reference} <= (each := self.metrics.get(name, {})).keys()
        }
        subject = (self.model, self.against, None, self.checks, None, self.rows, self.problem)
        return GateResult(*subject, metrics, self.accepted_limits)


class Summary(BaseModel):
    """reports/summary.json: the gate's result, or why there is none."""

    model_config = LIMITS
    problems: list[Problem]
    gate: Gate | None


def report(folder: Path) -> str:
    """The report in Markdown, made here of what the folder's summary.json says. Raises CannotEvaluate."""
    path = folder / summary.JSON.name
    try:
        if folder.is_symlink() or path.is_symlink() or not path.is_file():
            raise ValueError("is missing, or a link")
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"has more than {MAX_BYTES:,} bytes")
        received = Summary.model_validate_json(path.read_bytes())
        if not (received.gate or received.problems):
            raise ValueError("has no result")
    except ValueError as error:  # of pydantic's, which repeats what it read, only that there is one
        reason = "is not what `factory summary` writes" if isinstance(error, ValidationError) else error
        raise CannotEvaluate("SUMMARY_INVALID", f"{path} {reason}: see the log of the job that wrote it") from error
    page = received.gate.result().markdown() if received.gate else None
    return f"{summary.render(received.problems, page)}\n{NOTE}"
