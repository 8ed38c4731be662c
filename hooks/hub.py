# /// script
# requires-python = ">=3.11"
# dependencies = ["jinja2>=3.1", "packaging>=24.2", "pydantic>=2.10", "pyyaml>=6.0", "requests>=2.32"]
# ///
"""Gather the statuses of an organisation's projects into pages: who owns what, how far behind, what must be done.

FLEET.csv has a line for each project: url (of Git, or a folder), team, criticality (low, medium, high, critical), and, where
wanted, name, branch and wave. Fetched is the branch factory/status alone, which pipelines push; no code of a project is run.
Git logs in as it does for you. What is known stays in the repository of --cache: keep it between runs.
"""

import argparse
import signal
import sys
from collections import Counter
from datetime import UTC, date, datetime, time
from pathlib import Path

import organisation
import origins
from factory.errors import FactoryError
from files import locked
from findings import advisories, dependencies, osv, withdrawn
from inventory import gathering, model, record, repository, states
from inventory.releases import Releases
from pages.write import Hub


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fleet", type=Path, metavar="FLEET.csv", help="the list of projects")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder for inventory.json and the pages, which are replaced")
    parser.add_argument(
        "--at", type=moment, metavar="DATE", help="as it stood at the end of that day (UTC), from the statuses' history"
    )
    parser.add_argument("--cache", type=Path, metavar="DIR", help="repository that keeps what is known (default: OUT.git)")
    parser.add_argument("--jobs", type=positive, default=8, metavar="N", help="projects asked at once (default: 8)")
    parser.add_argument("--timeout", type=positive, default=20, metavar="S", help="seconds until one is given up (default: 20)")
    parser.add_argument(
        "--osv",
        metavar="URL",
        default=advisories.API,
        help="where vulnerabilities are asked for, by names and versions of packages",
    )
    parser.add_argument(
        "--index", metavar="URL", default=withdrawn.default(), help="where withdrawn releases are (default: uv's)"
    )
    parser.add_argument(
        "--advisories", type=Path, metavar="FILE", help="OSV's records of PyPI (all.zip, or JSON), in place of --osv"
    )
    return parser.parse_args()


def moment(text: str) -> datetime:
    try:
        end = datetime.combine(date.fromisoformat(text), time.max, UTC)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date like 2026-03-31") from error
    now = datetime.now(UTC)
    if end.date() > now.date():
        raise argparse.ArgumentTypeError(f"{text} is yet to come")
    return min(end, now)


def positive(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 3600")
    return int(text)


def run(args: argparse.Namespace) -> model.Inventory:
    """Gather, and write what was found. Raises FactoryError."""
    fleet, out = origins.read(args.fleet), args.out.resolve()
    records = osv.read(args.advisories) if args.advisories else None
    ours = organisation.load()
    out.mkdir(parents=True, exist_ok=True)
    with (
        locked(out / ".lock", f"{out / '.lock'}: {repository.BUSY}"),
        repository.opened(args.cache or out.with_name(f"{out.name}.git")) as opened,
    ):
        fetched = gathering.gather(opened, fleet, args.jobs, args.timeout)
        history = states.accept(opened, fetched)
        found = states.inventory(
            opened,
            history,
            fleet,
            fetched,
            Releases(Path(__file__).resolve().parents[1]),
            args.at or datetime.now(UTC),
            live=args.at is None,
        )
        record.write(found, out / "inventory.json")
        checked = dependencies.check(found.projects, args.osv, args.index, records)
        Hub(found, checked, ours, organisation.logo_url(ours)).write(out)
    for what, why in checked.not_asked.items():
        print(f"{what} were not asked: {why}", file=sys.stderr)
    return found


def main() -> int | str:
    # killed politely, it ends the fetches that are running
    for name in {"SIGHUP", "SIGTERM"} & set(dir(signal)):
        if signal.getsignal(getattr(signal, name)) is not signal.SIG_IGN:  # as by nohup
            signal.signal(getattr(signal, name), signal.default_int_handler)
    try:
        args = arguments()
        found = run(args)
    except KeyboardInterrupt:
        return "hub.py: interrupted"
    except FactoryError as error:
        return f"hub.py: {error}"
    except OSError as error:
        return f"hub.py: {f'{error.filename}: ' if error.filename else ''}{error.strerror or error}"
    counts = Counter(project.state for project in found.projects)
    shares = ", ".join(f"{counts[state]:,} {state}" for state in model.State if counts[state])
    print(f"{args.out / 'index.html'}: {len(found.projects):,} projects: {shares}")
    if counts[model.State.MISSING]:
        print("a project reports by its nightly pipeline, or by `uv run factory status --push` there", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
