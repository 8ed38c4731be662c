"""The branches factory/status of all projects, fetched beside one another, and why some could not be."""

import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from urllib.parse import urlsplit

from factory.status.model import BRANCH
from origins import Origin

from .model import State
from .repository import ACCEPTED, MAX_FETCHED, TOO_LARGE, FetchError, Repository

SILENT_HOST = 5
"""After so many timeouts of a server that has answered nothing yet, its other projects are not waited for."""


@dataclass(frozen=True)
class Problem:
    """Why a project's branch could not be fetched: the state that it is in, a code, and what it means."""

    state: State
    code: str
    text: str

    def __str__(self) -> str:
        return f"{self.code}: {self.text}"


REASONS: tuple[tuple[str, State, str, str], ...] = (
    (r"No space left|Disk quota|Read-only file system", State.UNREACHABLE, "NO_SPACE", "the hub cannot write what it fetches: see the disk of --cache"),
    (r"couldn't find remote ref", State.MISSING, "NO_BRANCH", f"the repository has no branch {BRANCH}: no pipeline has pushed a status, or it is not a project of the factory"),
    (r"non-commit object|cannot update ref", State.FOREIGN, "NO_COMMIT", "the branch is at something that is not a commit"),
    (r"shallow (roots|update)", State.MALFORMED, "SHALLOW", "the repository there is a shallow clone, whose history has been cut"),
    (r"fsck|[Ii]nvalid (object|index-pack)|unpack-objects|index-pack|bad (object|tree)|error in object|inflate|did not send all|mismatched algorithms", State.MALFORMED, "BROKEN_OBJECTS", "Git refuses the objects on the branch"),
    (r"transport '' not allowed|'' is not a git command|remote helper", State.UNREACHABLE, "PROTOCOL", "only https, http, ssh, file and folders are read"),
    (r"redirect|error: 30\d", State.UNREACHABLE, "REDIRECTED", "the server names another address: write that into FLEET.csv if it is trusted"),
    (r"Host key verification", State.UNREACHABLE, "HOST_KEY", "the server's SSH key is not among the known hosts: compare it, and add it there"),
    (r"[Uu]sername|[Pp]assword|Authentication failed|[Pp]ermission denied|error: 40[13]", State.UNREACHABLE, "NO_ACCESS", "the server wants a login, and the hub has none that it accepts"),
    (r"dubious ownership", State.UNREACHABLE, "NOT_OWNED", "the folder belongs to another user, whom Git's setting safe.directory does not trust"),
    (r"not appear to be a git repository|not found|does not exist|No such file|error: 404|not a git repository", State.UNREACHABLE, "NOT_FOUND", "there is no repository at this address, or the hub may not see it"),
    (r"resolve host|Failed to connect|Could not connect|Connection|No route|[Tt]imed out|unreachable|SSL|certificate", State.UNREACHABLE, "NO_CONNECTION", "the server cannot be reached"),
)  # fmt: skip
"""By the words of Git's error, in the order in which they decide."""


def gather(repository: Repository, origins: Sequence[Origin], jobs: int, timeout: float) -> dict[str, str | Problem]:
    """Fetch every project's branch; by the key of its origin the branch's commit, or why there is none."""
    known, hosts = repository.refs(ACCEPTED), Hosts()
    found: dict[str, str | Problem] = {}
    with ThreadPoolExecutor(jobs) as pool:
        try:
            waiting = {
                pool.submit(_fetch, repository, origin, known.get(origin.key), timeout, hosts): origin for origin in origins
            }
            for count, done in enumerate(as_completed(waiting), 1):
                found[waiting[done].key] = done.result()
                if count % 100 == 0 or count == len(origins):
                    print(f"asked {count:,} of {len(origins):,} projects{_problems(found)}", file=sys.stderr, flush=True)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            repository.fetches.stop()
            raise
    return found


def _problems(found: Mapping[str, str | Problem]) -> str:
    states = Counter(each.state for each in found.values() if isinstance(each, Problem))
    missing, others = states.pop(State.MISSING, 0), states.total()
    has = "has" if missing == 1 else "have"
    parts = [f"{missing:,} {has} no status yet"] * bool(missing) + [f"{others:,} could not be read"] * bool(others)
    return f": {', '.join(parts)}" if parts else ""


class Hosts:
    """Which servers have answered, and how often others have not."""

    def __init__(self) -> None:
        self.answered: set[str] = set()
        self.silent: Counter[str] = Counter()

    def is_silent(self, host: str) -> bool:
        return bool(host) and host not in self.answered and self.silent[host] >= SILENT_HOST


def _fetch(repository: Repository, origin: Origin, known: str | None, timeout: float, hosts: Hosts) -> str | Problem:
    host = _host(origin.url)
    if hosts.is_silent(host):
        return Problem(
            State.UNREACHABLE,
            "NOT_ASKED",
            f"the server {host} gave no answer about {SILENT_HOST} other projects, and has not answered since",
        )
    try:
        tip = repository.fetch(origin.url, origin.key, known, timeout)
    except TimeoutError:
        hosts.silent[host] += 1
        return Problem(State.UNREACHABLE, "TIMEOUT", f"no answer, or not a whole one, in {timeout:g} s")
    except FetchError as error:
        hosts.answered.add(host)
        return explain(str(error), origin)
    hosts.answered.add(host)
    return tip


def explain(error: str, origin: Origin) -> Problem:
    """What Git's error means. Of other errors the first fatal line is shown, without the secrets of the URL."""
    if error == TOO_LARGE:
        return Problem(
            State.MALFORMED, "TOO_LARGE", f"the branch has more than {MAX_FETCHED // 1024**2} MB that the hub does not know"
        )
    own = "\n".join(line for line in error.splitlines() if not line.startswith("remote: "))
    words = re.sub(r"'[^'\n]*'", "''", own.replace(origin.url, ""))  # names may have any word
    for pattern, state, code, text in REASONS:
        if re.search(pattern, words):
            return Problem(state, code, text)
    lines = own.replace(origin.url, origin.address).splitlines() or ["no reason given"]
    first = next((line for line in lines if line.startswith(("fatal: ", "error: "))), lines[-1])
    line = re.sub(r"(?<=://)[^/@\s]*@", "", first)
    return Problem(State.UNREACHABLE, "FETCH_FAILED", "".join(each if each.isprintable() else " " for each in line[:300]))


def _host(url: str) -> str:
    """The server, or "" of a folder."""
    if "://" in url:
        return urlsplit(url).netloc.rpartition("@")[2]
    return "" if url.startswith(("/", ".")) else url.partition(":")[0].rpartition("@")[2]
