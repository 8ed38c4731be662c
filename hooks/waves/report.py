"""The report of a fleet's update, in Markdown."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from factory.evaluation import markdown

from .model import BAD, MEANINGS, Entry, State
from .plan import NAMES

DONE = {State.MERGED, State.CURRENT}


def write(release: str, entries: Sequence[Entry], stopped: str | None, applied: bool) -> str:
    """What happened, or without `applied` what would."""
    kind = "" if applied else ", dry run: nothing was pushed"
    lines = [f"# Update of the fleet to {markdown.text(release)}{kind}", "", _verdict(entries, stopped, applied), ""]
    lines += [markdown.table(_counts(entries), ["state", *NAMES, "meaning"]), ""]
    for title, chosen in _sections(entries):
        if chosen:
            lines += [f"## {title}", ""]
            for entry in chosen:
                lines += _project(entry)
            lines.append("")
    late = [each for each in entries if each.state not in DONE | BAD | {State.WAITING, State.READY}]
    if late:
        rows = [(each.name, each.team, each.criticality, each.state, (each.at or "")[:10], _place(each)) for each in late]
        lines += ["## Not merged", "", markdown.table(rows, ["project", "team", "criticality", "state", "since", "where"]), ""]
    return "\n".join(lines)


def summary(entries: Sequence[Entry], stopped: str | None, applied: bool) -> str:
    """The same in a line."""
    counts = Counter(each.state for each in entries)
    return f"{_verdict(entries, stopped, applied)} {', '.join(f'{counts[state]} {state}' for state in State if counts[state])}"


def _verdict(entries: Sequence[Entry], stopped: str | None, applied: bool) -> str:
    if stopped:
        return f"{'Stopped' if applied else 'Would stop'} at {markdown.text(stopped)}."
    left = sum(each.state not in DONE for each in entries)
    if not applied:
        return f"{left} of {len(entries)} projects would get a proposal." if left else "Every project has the release."
    return (
        f"Every wave is settled; {left} of {len(entries)} projects have not merged." if left else "Every project has the release."
    )


def _counts(entries: Iterable[Entry]) -> Iterator[list[object]]:
    counts = Counter((each.state, each.wave) for each in entries)
    for state in State:
        row = [counts[state, wave] for wave in range(len(NAMES))]
        if any(row):
            yield [state, *row, MEANINGS[state]]


def _sections(entries: Sequence[Entry]) -> Iterator[tuple[str, list[Entry]]]:
    yield "A person is needed", [each for each in entries if each.state is State.PERSON]
    yield "Failed", [each for each in entries if each.state in BAD]
    listed = [each for each in entries if each.conflicts or each.attention or each.pending]
    yield "Kept files and checklists", [each for each in listed if each.state is not State.PERSON and each.state not in DONE]


def _project(entry: Entry) -> Iterator[str]:
    yield f"- **{markdown.text(entry.name)}** ({markdown.text(entry.team)}): {markdown.text(entry.reason or entry.state)} {_place(entry)}"
    for path, what in entry.conflicts.items():
        yield f"  - ✗ {markdown.text(f'{path}: {what}')}"
    for line in entry.attention:
        yield f"  - ! {markdown.text(line)}"
    for line in entry.pending:
        yield f"  - [ ] {markdown.text(line)}"


def _place(entry: Entry) -> str:
    return f"<{entry.url}>" if entry.url else markdown.code(entry.address)
