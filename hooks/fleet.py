# /// script
# requires-python = ">=3.11"
# dependencies = ["packaging>=24", "pydantic>=2.10", "pyyaml>=6.0", "requests>=2.32", "ruamel-yaml>=0.18", "tabulate>=0.9", "uv>=0.9"]
# ///
"""Bring a release of the template to the projects of FLEET.csv, by waves: canaries, a share of the fleet, the rest.

Without --apply nothing is pushed: each update is tried in a clone, and the report says what would happen. With it, each project
of the first wave gets the release as a pull request of the branch factory/template-update, and each wave that follows as soon
as the one before is settled. Run it again, by hand or each hour, until it ends with 0: it asks the remotes and goes on.
Beside the file of --state, which it writes, is the same as Markdown for people.

Tokens, to push and to open pull requests: FACTORY_TOKEN_ and the server's name, as in FACTORY_TOKEN_GITHUB_COM, or
FACTORY_TOKEN where all projects are at one server. A project that is a folder, or at a server without pull requests,
gets the branch only.

Exit code 0: every wave is settled (of a dry run: would be); 1: failed; 2: stopped, as too many failed or a person is needed;
3: goes on, run it again.
"""

import argparse
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

import origins  # first, as it finds factory
from factory.errors import FactoryError
from factory.platforms import KINDS, PUBLIC
from factory.update.update import address
from files import replace
from origins import Origin
from waves import plan, record, report, templates
from waves.model import Entry, public
from waves.rollout import Limits, Rollout
from waves.servers import Servers

ROOT = Path(__file__).resolve().parents[1]


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise FactoryError(f"{message}; see --help")  # the exit code 2 has a meaning here


def arguments() -> argparse.Namespace:
    layout = {"description": __doc__, "formatter_class": argparse.RawDescriptionHelpFormatter}
    parser = Parser(**layout)
    update = parser.add_subparsers(required=True, metavar="update").add_parser("update", **layout)
    update.add_argument(
        "fleet", type=Path, metavar="FLEET.csv", help="columns url, team, criticality; name, branch, wave if you like"
    )
    update.add_argument("--release", required=True, metavar="X.Y.Z", help="the template's release")
    update.add_argument("--apply", action="store_true", help="push, and open pull requests")
    update.add_argument("--state", type=Path, metavar="FILE", help="what is remembered (default: fleet-X.Y.Z.json)")
    update.add_argument("--template", action="append", metavar="URL", help="address that projects have for it; repeatable")
    update.add_argument(
        "--server", action="append", default=[], metavar="URL=KIND", help=f"a server of your own: {', '.join(KINDS)}"
    )
    update.add_argument(
        "--handled", action="append", default=[], metavar="NAME", help="somebody takes care of it: go on; repeatable"
    )
    update.add_argument("--share", type=share, default=0.25, help="of the second wave (default: %(default)s)")
    update.add_argument(
        "--stop-above", type=share, default=0.1, metavar="SHARE", help="of a wave that may fail (default: %(default)s)"
    )
    update.add_argument("--rate", type=positive, metavar="N", help="proposals in an hour, at most")
    update.add_argument(
        "--grace", type=positive, default=15, metavar="MINUTES", help="for pipelines to begin (default: %(default)s)"
    )
    update.add_argument("--jobs", type=positive, default=2, metavar="N", help="projects at once (default: %(default)s)")
    update.add_argument("--timeout", type=positive, default=600, metavar="SECONDS", help="for one update (default: %(default)s)")
    return parser.parse_args()


def share(text: str) -> float:
    if not 0 <= float(text) <= 1:
        raise argparse.ArgumentTypeError("must be from 0 to 1")
    return float(text)


def positive(text: str) -> int:
    if int(text) <= 0:
        raise argparse.ArgumentTypeError("must be above 0")
    return int(text)


def servers(options: list[str]) -> Mapping[str, str]:
    """Servers by address, those of everybody and those that are given. Raises FactoryError."""
    given = {}
    for option in options:
        url, _, kind = option.rpartition("=")
        if kind not in KINDS or not url.startswith(("https://", "http://")):
            raise FactoryError(f"--server {option}: is not an address and a kind, such as https://git.example.com=gitlab")
        if url.startswith("http://") and urlsplit(url).hostname not in ("127.0.0.1", "localhost", "::1"):
            raise FactoryError(f"--server {option}: would send the token in clear: give its https address")
        given[url.rstrip("/")] = kind
    return {**PUBLIC, **given}


def own_address() -> str:
    """Where this repository comes from, or where it is."""
    done = subprocess.run(["git", "-C", ROOT, "remote", "get-url", "origin"], capture_output=True, text=True)
    return done.stdout.strip() or str(ROOT)


def main() -> int | str:
    # ended politely, also with its terminal, it ends what is running
    for name in {"SIGHUP", "SIGTERM"} & set(dir(signal)):
        if signal.getsignal(getattr(signal, name)) is not signal.SIG_IGN:  # as by nohup
            signal.signal(getattr(signal, name), signal.default_int_handler)
    try:
        args = arguments()
        state = args.state or Path(f"fleet-{args.release}.json")
        with record.locked(state):
            return update(args, state)
    except KeyboardInterrupt:
        return "fleet.py: interrupted: run it again to go on"
    except FactoryError as error:
        return f"fleet.py: {public(str(error))}"
    except OSError as error:
        return f"fleet.py: {f'{error.filename}: ' if error.filename else ''}{error.strerror or error}"


def update(args: argparse.Namespace, state: Path) -> int:
    fleet, planned = read(args.fleet, args.share)
    addresses = [address(each) for each in args.template or [own_address()]]
    known = Servers.of(servers(args.server), [origin.url for origin in fleet], addresses)
    if args.apply:
        known.check(origin.url for origin in fleet)
    remembered = record.read(state, args.release)
    scratch = Path(f"{state}.work").absolute()
    shutil.rmtree(scratch, ignore_errors=True)  # of an update that was ended
    scratch.mkdir(parents=True, exist_ok=True)  # where something of one that was killed still writes
    limits = Limits(args.stop_above, args.rate, args.jobs, args.timeout, timedelta(minutes=args.grace))
    try:
        template = templates.opened(addresses, known.environment(addresses[0]), scratch, args.release, args.timeout)
        save = (lambda: remembered.write(state)) if args.apply else (lambda: None)
        going = Rollout(remembered, limits, known, template, scratch, args.apply, save)
        going.enter(fleet, planned, args.handled)
        going.run(fleet)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return show(remembered, [remembered.entries[origin.key] for origin in fleet], state, args.apply)


def read(path: Path, share: float) -> tuple[Sequence[Origin], dict[str, int]]:
    """The projects, and the wave of each by its key. Raises FactoryError."""
    fleet = origins.read(path)
    try:
        return fleet, plan.waves(fleet, share)
    except FactoryError as error:
        raise FactoryError(f"{path}: {error}") from error


def show(remembered: record.Record, entries: list[Entry], state: Path, applied: bool) -> int:
    """Write and print what became of it; the exit code."""
    page = state.with_suffix(".md" if applied else ".dry-run.md")
    replace(page, report.write(remembered.release, entries, remembered.stopped, applied))
    if not applied:
        remembered.write(state.with_suffix(".dry-run.json"))
    print(f"{report.summary(entries, remembered.stopped, applied)}; see {page}")
    if not remembered.stopped:
        return 0
    return 3 if remembered.waits else 2


if __name__ == "__main__":
    sys.exit(main())
