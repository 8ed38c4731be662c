"""`nox -s lab`: projects of past releases and of the working tree, each with some thirty edits, updated and judged."""

import argparse
import shutil
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from . import releases
from .catalogue import KINDS
from .going_on import goes_on
from .trial import Outcome, trial

ORIGINS = {"0.1.0": "0.1.0", "0.2.0": "0.2.0", "flat": "before the restructure", "now": "the working tree"}
WRONG = {"lost": "lost silently", "undelivered": "undelivered and unreported", "answers": "an answer that changed"}
COPIERS = {"a hot fix of a module that moves", "no SECURITY.md", "no file for Claude", "no schedule"}


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="nox -s lab --", description=__doc__)
    parser.add_argument("folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--origin", action="append", choices=ORIGINS, help="of which release the projects are (default: of all)")
    parser.add_argument("--projects", type=int, default=25, help="of each origin (25)")
    parser.add_argument("--edits", type=int, default=30, help="of each project, three more or less (30)")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time (2)")
    return parser.parse_args(arguments)


def progress(outcome: Outcome) -> str:
    found = f"code {outcome.code}, {len(outcome.kept)} kept, {len(outcome.reported)} reported"
    wrong = {
        "FAILED": outcome.output.splitlines()[-1:] if outcome.failed else [],
        "conflicts": outcome.conflicts,
        "LOST": outcome.lost,
        "UNDELIVERED": outcome.undelivered,
        "ANSWERS": outcome.answers,
        "DOES NOT PARSE": [] if outcome.parses else ["pyproject.toml"],
    }
    problems = "".join(f"; {name}: {', '.join(items)}" for name, items in wrong.items() if items)
    return f"{outcome.title}: {found}{problems}"


def log(outcome: Outcome) -> str:
    parts = {"edits": "\n".join(outcome.edits), "output": outcome.output, "hunks": outcome.hunks}
    return "\n".join([f"=== {progress(outcome)}", *(f"--- {name}\n{text}" for name, text in parts.items() if text), ""])


def experiment(args: argparse.Namespace) -> list[Outcome]:
    outcomes: list[Outcome] = []
    with ProcessPoolExecutor(args.jobs) as pool, (args.folder / "lab.log").open("w") as file:
        numbers = [(origin, number) for number in range(args.projects) for origin in args.origin or ORIGINS]
        started = [pool.submit(trial, args.folder, *each, args.seed, args.edits) for each in numbers]
        for done in as_completed(started):
            for outcome in done.result():
                print(progress(outcome), flush=True)
                file.write(log(outcome))
                file.flush()
                outcomes.append(outcome)
    return outcomes


def table(outcomes: list[Outcome]) -> str:
    rows = ["| origin | way | projects | without a conflict | files in conflict | edits | kept | reported | lost | undelivered |"]
    rows.append("| --- | --- |" + " ---: |" * 8)
    for origin, way in sorted({(outcome.origin, outcome.way) for outcome in outcomes}):
        these = [outcome for outcome in outcomes if (outcome.origin, outcome.way) == (origin, way)]
        counts = [len(these), sum(not outcome.conflicts and not outcome.failed for outcome in these)]
        parts = ("conflicts", "edits", "kept", "reported", "lost", "undelivered")
        counts += [sum(len(getattr(outcome, part)) for outcome in these) for part in parts]
        rows.append(f"| {ORIGINS[origin]} | {way} | {' | '.join(map(str, counts))} |")
    return "\n".join(rows)


def faults(outcomes: list[Outcome]) -> list[str]:
    """What may not be."""
    found = [f"{outcome.title}: the update failed" for outcome in outcomes if outcome.failed]
    found += [f"{outcome.title}: pyproject.toml does not parse" for outcome in outcomes if not outcome.parses]
    for part, what in WRONG.items():
        for outcome in outcomes:
            items = [item for item in getattr(outcome, part) if not _copier_cannot(outcome.way, part, item)]
            found += [f"{outcome.title}: {what}: {item}" for item in items]
    for origin, way in sorted({(outcome.origin, outcome.way) for outcome in outcomes}):
        these = [outcome for outcome in outcomes if (outcome.origin, outcome.way) == (origin, way)]
        conflicts = sum(bool(outcome.conflicts) for outcome in these)
        if conflicts > len(these) * (0.04 if origin == "now" else 0.2):
            found.append(f"{ORIGINS[origin]} by {way}: {conflicts} of {len(these)} projects have conflicts")
    return found


def _copier_cannot(way: str, part: str, item: str) -> bool:
    """Copier alone says nothing of what did not arrive, deletes an edited file that the release drops, restores seeds."""
    return way == "copier update" and (part == "undelivered" or item in COPIERS)


def working(folder: Path, outcomes: list[Outcome]) -> list[str]:
    """Two projects of each origin go on after the update; what keeps them from it."""
    wrong, chosen = [], []
    for origin in dict.fromkeys(outcome.origin for outcome in outcomes):
        ways = sorted({outcome.way for outcome in outcomes if outcome.origin == origin}) * 2
        for way in ways[:2]:
            used = [outcome.number for outcome in chosen if outcome.origin == origin]
            able = [it for it in outcomes if (it.origin, it.way) == (origin, way) and it.runs and it.number not in used]
            chosen += able[:1]
            wrong += [] if able else [f"{ORIGINS[origin]} by {way}: no project without a conflict to go on with"]
    for outcome in chosen:
        problem = goes_on(folder / "work" / f"{outcome.origin}-{outcome.number}", outcome.project)
        print(f"{outcome.title} goes on: {problem or 'yes'}", flush=True)
        wrong += [f"{outcome.title} does not go on: {problem}"] if problem else []
    return wrong


def main() -> int:
    args = parse(sys.argv[1:])
    for part in ("template", "bases", "projects", "fresh", "work", *releases.TAGS.values(), releases.NEXT):
        shutil.rmtree(args.folder / part, ignore_errors=True)
    (args.folder / "bases").mkdir(parents=True)
    releases.repository(args.folder)
    outcomes = experiment(args)
    wrong = [*faults(outcomes), *working(args.folder, outcomes)]
    unused = {kind.name for kind in KINDS} - {name for outcome in outcomes for name in outcome.edits}
    print(table(outcomes), f"Kinds of edits: {len(KINDS)}, in no project: {', '.join(sorted(unused)) or 'none'}")
    print(*wrong, f"Log: {args.folder / 'lab.log'}", sep="\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
