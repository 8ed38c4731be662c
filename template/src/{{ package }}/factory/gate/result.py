"""The gate's result as people read it: verdict first, then each check, in the terminal and in Markdown."""

import textwrap
from dataclasses import dataclass, field

from tabulate import tabulate

from .. import codes
from ..config import ACCEPTABLE
from ..evaluation import markdown
from ..evaluation.formatting import number, share
from ..metrics.definitions import Metric, named
from .evidence import Check

WIDTH = 96  # of the terminal's table
HEADERS = ("", "code", "check", "measured", "limit", "details")
CHALLENGER, VALIDATION = "challenger", "validation"


@dataclass(frozen=True)
class GateResult:
    """The checks of a model, named by the sha256 of its manifest and its version, and what it was compared with.

    `accepted` is why another contract is accepted, `accepted_limits` why weaker limits are. `rows` is the number of rows, of which `kind`; `metrics` has, by name, this model's figure on them and the reference's, and this
    model's on the validation rows.
    """

    model: str
    reference: str
    accepted: str | None
    checks: list[Check]
    version: str | None = None
    rows: int = 0
    problem: str = ""
    metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    accepted_limits: str | None = None
    kind: str = "test rows"

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)

    @property
    def refusals(self) -> list[str]:
        return [check.code for check in self.checks if not check.passed]

    @property
    def verdict(self) -> str:
        """The result in one line."""
        return "Passed the gate" if self.passed else f"Rejected: {', '.join(dict.fromkeys(self.refusals))}"

    @property
    def reasons(self) -> list[str]:
        """A line for each check that rejects the model."""
        return [f"{check.code}: {sentence(check)}" for check in self.checks if not check.passed]

    @property
    def subject(self) -> str:
        """Which model was compared with what."""
        return f"Model {self.model[:12]} against {self.reference}, on {number(self.rows)} {self.kind}"

    @property
    def acceptance(self) -> str:
        """That and why weaker limits are accepted, where they are."""
        return f"Weaker limits accepted: {' '.join(self.accepted_limits.split())}" if self.accepted_limits else ""

    def cells(self) -> list[list[str]]:
        """The checks as rows of text."""
        return [_row(check) for check in self.checks]

    def table(self) -> str:
        """The checks for a terminal, details below their check."""
        rows = [cells[:-1] for cells in self.cells()]
        head, rule, *lines = tabulate(rows, HEADERS[:-1], tablefmt="simple", disable_numparse=True).splitlines()
        indent = " " * rule.index(" -", rule.index(" -") + 1)
        text = [head, rule]
        for line, check in zip(lines, self.checks, strict=True):
            details = textwrap.wrap(_details(check), WIDTH, initial_indent=f"{indent} ", subsequent_indent=f"{indent} ")
            text += [line, *details]
        return "\n".join(text)

    def markdown(self) -> str:
        """The page for a pull request: verdict, reasons, metrics, checks."""
        reasons = [(check.code, sentence(check)) for check in self.checks if not check.passed]
        listed = "\n".join(f"- **{markdown.text(code)}**: {markdown.text(reason)}" for code, reason in reasons)
        verdict, *others = map(markdown.text, (self.verdict, f"{self.subject}.", self.acceptance))
        head = (f"## {verdict}", *others, listed)
        parts = (*head, self._metrics_table(), self.checks_table())
        return "\n\n".join(filter(None, parts)) + "\n"

    def checks_table(self) -> str:
        """The checks in Markdown, without a column for the codes, which are long: a comment is narrow."""
        rows = []
        for cells in self.cells():
            mark, code, what, *figures, details = cells
            unbroken = (figure.replace(" ", "\N{NO-BREAK SPACE}") for figure in figures)
            rows.append([mark, f"`{code}` {what}", *unbroken, details])
        return markdown.table(rows, ("", *HEADERS[2:]))

    def _metrics_table(self) -> str:
        if not self.metrics:
            return ""
        first = next(iter(self.metrics.values()))
        reference = next(name for name in first if name not in (CHALLENGER, VALIDATION))
        headers = ["metric", "test: this model", f"test: {reference}", "difference", "validation: this model"]
        rows = [
            _metric_row(named(self.problem, name), each[CHALLENGER], each[reference], each.get(VALIDATION))
            for name, each in self.metrics.items()
        ]
        return markdown.table(rows, headers)


def sentence(check: Check) -> str:
    """What was measured, what is required, and what to do next."""
    details = _details(check).partition("; ")[0]  # the rest is about groups that are too small
    measured = f"{check.what} {_measured(check)}, required {check.limit}{details and f' ({details})'}"
    reason = codes.find(check.code)
    step = reason.remedy if reason else "see docs/gate.md"
    if check.code in ACCEPTABLE:
        step += f"; or state why it is right, in params.yaml under gate.accepted: `{check.key}: why`"
    return f"{measured if _measured(check) else f'{check.what} {details}'}. Next: {step}"


def _row(check: Check) -> list[str]:
    mark = "-" if not check.judged else "✓" if check.passed else "✗"
    cells = (mark, check.code, check.what, _measured(check), check.limit, _details(check))
    return [" ".join(cell.split()) for cell in cells]  # a group's name may have several lines


def _measured(check: Check) -> str:
    if not check.judged:
        return "not judged"
    if check.figure is None:
        return ""
    return share(check.figure) if check.unit == "share" else f"{number(check.figure)} {check.unit}".strip()


def _details(check: Check) -> str:
    known = check.low is not None and check.high is not None
    interval = f"95% interval {number(check.low)} to {number(check.high)}" if known else ""
    return "; ".join(filter(None, (interval, " ".join(check.note.split()))))


def _metric_row(metric: Metric, ours: float, theirs: float, validation: float | None) -> list[str]:
    difference = ours - theirs
    better = ", better" if metric.direction * difference > 0 else ", worse" if difference else ""
    sign = "+" if difference > 0 else ""
    known = "" if validation is None else number(validation)
    return [metric.label, number(ours), number(theirs), f"{sign}{number(difference)}{better}", known]
