"""What is doubtful about a proposal, as questions: the most serious first."""

from collections.abc import Callable, Iterator

from ..errors import listed
from ..evaluation.formatting import share
from ..leakage.finding import Finding
from . import categories, doubts_of_series
from .doubts_of_people import personal, persons, stand_ins, texts, unequal
from .proposal import Proposal
from .questions import SHOWN, Question, to_type
from .target import MAX_CODES, USER_CHOICE, YES

TEXT, FIX = "text: ", ": fix it?"
MAYBE_LATER = ("alone predicts", "never before")
"""The beginnings of reasons to exclude a column that a person may know better."""


def questions(proposal: Proposal) -> list[Question]:
    """All that the user has not answered by a role for each of the columns."""
    answered = {role.name for role in proposal.roles if role.why == USER_CHOICE}
    return [q for source in SOURCES for q in source(proposal) if not (q.columns and answered.issuperset(q.columns))]


def contested(proposal: Proposal) -> list[Finding]:
    """Findings in spite of which the user lets the model use a column."""
    chosen = {role.name for role in proposal.with_role("feature") if role.why == USER_CHOICE}
    return [finding for finding in proposal.findings if finding.refuses and chosen.intersection(finding.columns)]


def leaks(proposal: Proposal) -> Iterator[Question]:
    """What the searches for leaks have found."""
    roles = {role.name: role.role for role in proposal.roles}
    for finding in proposal.findings:
        columns = finding.columns
        if not columns:
            effect = "the gate will refuse the model" if finding.refuses else "no: the split is kept"
            taken, otherwise = f"{effect}. {finding.remedy}", ""
        elif "id" in map(roles.get, columns):
            taken = f"yes: {', '.join(columns)} is the id, and all rows of one are in the same part of the split"
            otherwise = f"{to_type(columns, 'excluded')}, and the gate asks why"
        elif finding.kind == "group" and not finding.refuses:
            taken, otherwise = "no: the newest rows test the model, also of those it knows", to_type(columns, "id")
        elif "feature" in map(roles.get, columns):
            taken = "the gate will refuse the model" if finding.refuses else "yes"
            otherwise = to_type(columns, "excluded")
        else:
            taken, otherwise = "no: excluded", f"{to_type(columns, 'feature')}, and the gate asks why"
        yield Question(columns, finding.evidence, finding.question, taken, otherwise)


def exclusions(proposal: Proposal) -> Iterator[Question]:
    """Columns excluded for a reason that a person may know better."""
    found = {name for finding in proposal.findings for name in finding.columns}
    excluded = {role.name: role.why for role in proposal.with_role("excluded") if role.name not in found}
    later = {name: why.partition(": ")[0] for name, why in excluded.items() if why.startswith(MAYBE_LATER)}
    if later:
        question = f"Is it known when {proposal.target.name} is to be predicted?"
        otherwise = f"{to_type(tuple(later), 'feature')}, and the gate asks why"
        yield Question(tuple(later), _each(later), question, "no: excluded", otherwise)
    texts = {name: why.removeprefix(TEXT).partition(": ")[0] for name, why in excluded.items() if why.startswith(TEXT)}
    if texts:
        otherwise = "correct it in the table, and start again"
        yield Question(tuple(texts), _each(texts), "Is that a mistake?", "yes: excluded", otherwise)


def implausible(proposal: Proposal) -> Iterator[Question]:
    """Values that cannot be, or stand for unknown ones."""
    used = {role.name for role in proposal.used}
    for each in proposal.implausible:
        if each.column in used and each.kind != "outlier":
            taken = "no: they are used as they are"
            otherwise = "correct the table, or set its limits or `missing` in contract.py afterwards"
            yield Question((each.column,), f"{each}", "Is that a mistake?", taken, otherwise)


def formats(proposal: Proposal) -> Iterator[Question]:
    """Values that may mean something else."""
    unclear = [role for role in proposal.used if role.column.format.note]
    if unclear:
        names = tuple(role.name for role in unclear)
        why = {role.name: role.column.format.note.removesuffix(FIX) for role in unclear}
        otherwise = f"{to_type(names, 'excluded')}, or correct contract.py afterwards"
        yield Question(names, _each(why), "Are they read as they are meant?", "yes", otherwise)


def nearly_equal(proposal: Proposal) -> Iterator[Question]:
    """Categories that may be typing errors of others."""
    for role in proposal.used:
        counts = categories.counts(role.column.sample) if role.column.values else {}
        pairs = [
            f"{rare!r} ({_rows(counts[rare])}) looks like {usual!r} ({_rows(counts[usual])})"
            for rare, usual in categories.nearly_equal(counts)
        ]
        if pairs:
            doubt = f"{role.name}: {listed(pairs, SHOWN)}"
            taken = "no: each is a category of its own"
            yield Question(
                (role.name,), doubt, "Is that a typing error?", taken, "correct it in the table, and start again"
            )


def outcome(proposal: Proposal) -> Iterator[Question]:
    """The problem, and the class that is to be found, where the table leaves them open."""
    target = proposal.target
    if target.positive and target.positive.lower() not in YES:
        count, part = target.counts[target.positive], target.share_positive or 0
        evidence = (
            f"{target.name} = {target.positive} is the rarer value: {count:,} of {target.rows:,} rows, {share(part)}"
        )
        question, otherwise = "Is it what the model should find?", "change `true` in contract.py afterwards"
        yield Question((), evidence, question, "yes", otherwise)
    few = not target.is_forecast and target.column.kind == "Int64" and target.column.different <= MAX_CODES
    if few and target.problem != "classification" and target.why != USER_CHOICE:
        other = "regression" if target.problem == "multiclass" else "multiclass"
        evidence = f"{target.name} has {target.column.different} different whole numbers"
        question = "Are they classes?" if other == "regression" else "Are they amounts?"
        yield Question((), evidence, question, f"yes: {target.problem}", f"start again with --problem {other}")


def _each(evidence: dict[str, str]) -> str:
    """The evidence of each column, or of the only one."""
    return listed([f"{name}: {text}" for name, text in evidence.items()], SHOWN)


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"


SOURCES: tuple[Callable[[Proposal], Iterator[Question]], ...] = (
    doubts_of_series.purpose,
    leaks,
    doubts_of_series.known_ahead,
    unequal,
    stand_ins,
    exclusions,
    persons,
    personal,
    texts,
    doubts_of_series.times,
    doubts_of_series.values,
    implausible,
    formats,
    nearly_equal,
    outcome,
)
"""A new kind of doubt is a function here."""
