"""The organisation's projects, as FLEET.csv lists them: where each is, whose it is, and how much depends on it."""

import csv
import io
import os
import re
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

[SOURCE] = (Path(__file__).resolve().parents[1] / "template/src").iterdir()
sys.path.insert(0, str(SOURCE))

from factory.errors import FactoryError, close, listed
from factory.status.releases import git_address

REQUIRED, OPTIONAL = ("url", "team", "criticality"), ("name", "branch", "wave")
NAME = re.compile(r"\w[\w .+-]{0,98}(?<![ .])")  # which can name a file anywhere
BRANCH = re.compile(r"(?![-/.])(?!.*(\.\.|//|@\{|/\.|\.lock(/|$)))[^\s~^:?*\[\\\x00-\x1f\x7f]+(?<![/.])")
HAS_SCHEME = re.compile(r"[\w+.-]+:(:|//)|[^/\\]{2,}:")  # https://…, ext::…, host:path; not C:\…
ADDRESS = re.compile(r"(?:\w+://)?(?:[^@/]+@)?([^@/:]+)(?::\d+(?=/))?[:/]/*(.+)")
ON_A_WEBSITE = re.compile(r"(?:https?://(?:[^/@]*@)?([^/]+)|ssh://git@([^/:]+)(?::\d+)?|git@([^/:]+):)/*(.+)", re.IGNORECASE)

BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters by Unicode's classes that nobody sees."""


class Criticality(StrEnum):
    """How much depends on a project."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True)
class Origin:
    """A line of FLEET.csv. `url` may have a secret, which `address` has not."""

    url: str
    team: str
    criticality: Criticality
    name: str
    branch: str | None  # None: the remote's HEAD
    wave: str
    line: int

    @cached_property
    def address(self) -> str:
        """The URL for people to read, without password, user and parameters of HTTP."""
        if not re.match(r"https?://", self.url, re.IGNORECASE):
            return re.sub(r"(?<=://)([^/@:]*):[^/@]*@", r"\1@", self.url)
        parts = urlsplit(self.url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))

    @cached_property
    def key(self) -> str:
        """What stands for the project in names of refs and files: nobody outside can choose it."""
        return sha256(_same(self.address).encode()).hexdigest()[:20]


def read(path: Path) -> tuple[Origin, ...]:
    """The lines of FLEET.csv. Raises FactoryError, which names each line that cannot be read."""
    try:
        lines = [*io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")]
    except UnicodeDecodeError as error:
        raise FactoryError(f"{path}: is not UTF-8: save it as CSV UTF-8") from error
    except OSError as error:
        raise FactoryError(f"{path}: {error.strerror or error}") from error
    first = next((line for line in lines if line.strip()), "")
    rows = csv.reader(lines, delimiter=max(",;\t", key=first.count), strict=True)
    problems: list[str] = []
    try:
        header = [cell.strip().casefold() for cell in next(filter(any, rows), [])]
        _check_header(path, header)
        origins = list(_origins(path, header, rows, problems))
    except csv.Error as error:
        raise FactoryError(f"{path}: line {rows.line_num}: {error}") from error
    problems += _repeated(origins)
    if problems:
        raise FactoryError(f"{path}: {listed(problems)}")
    if not origins:
        raise FactoryError(f"{path}: has no project below its header")
    return tuple(origins)


def place(address: str) -> str:
    """Server and path, which addresses of one repository have in common."""
    address = git_address(address).removeprefix("file://").rstrip("/").removesuffix(".git")
    match = ADDRESS.fullmatch(address)
    return f"{match[1]}/{match[2]}".casefold() if match else address


def _check_header(path: Path, header: list[str]) -> None:
    """Other columns are the organisation's own, unless one is probably a known one misspelt."""
    wanted = [*REQUIRED, *OPTIONAL]
    for column in header:
        meant = close(column, wanted)
        if header.count(column) > 1 and column in wanted:
            raise FactoryError(f"{path}: line 1: there are two columns {column}")
        if meant and column not in wanted and meant not in header:
            raise FactoryError(f"{path}: line 1, {column}: is not a known column: did you mean {meant}?")
    if missing := [column for column in REQUIRED if column not in header]:
        raise FactoryError(f"{path}: line 1: column {missing[0]} is missing: the columns are {', '.join(wanted)}")


def _origins(path: Path, header: list[str], rows: Iterator[list[str]], problems: list[str]) -> Iterator[Origin]:
    for row in rows:
        if not any(cell.strip() for cell in row):
            continue
        line = rows.line_num  # type: ignore[attr-defined]
        if len(row) != len(header):
            problems.append(f"line {line}: has {len(row)} cells, and the header {len(header)}")
            continue
        cells = dict.fromkeys(OPTIONAL, "") | {column: cell.strip() for column, cell in zip(header, row, strict=True)}
        cells["criticality"] = cells["criticality"].casefold()
        cells["name"] = unicodedata.normalize("NFC", cells["name"] or _last_part(cells["url"]))
        found = [*_problems(cells)]
        problems += [f"line {line}, {problem}" for problem in found]
        if not found:
            yield Origin(
                url=_absolute(cells["url"], path),
                team=cells["team"],
                criticality=Criticality(cells["criticality"]),
                name=cells["name"],
                branch=cells["branch"] or None,
                wave=cells["wave"].casefold(),
                line=line,
            )


def _problems(cells: dict[str, str]) -> Iterator[str]:
    for column in REQUIRED:
        if not cells[column]:
            yield f"{column}: is empty"
    for column, cell in cells.items():
        if not cell.isprintable() or len(cell) > 1000 or not BLANK.isdisjoint(cell):
            yield f"{column}: has characters that cannot be seen, or more than 1,000"
    if cells["url"].startswith("-"):
        yield "url: begins with -"
    try:
        urlsplit(cells["url"])
    except ValueError as error:
        yield f"url: cannot be read: {error}"
    if cells["criticality"] and cells["criticality"] not in [*Criticality]:
        yield f"criticality: {cells['criticality']!r} is not one of {', '.join(Criticality)}"
    if cells["url"] and not NAME.fullmatch(cells["name"]):
        yield f"name: {cells['name'][:100]!r} must be letters, digits and any of . _ + - with spaces between, 100 at most"
    if cells["branch"] and not BRANCH.fullmatch(cells["branch"]):
        yield f"branch: {cells['branch'][:100]!r} cannot be the name of a branch"


def _repeated(origins: list[Origin]) -> Iterator[str]:
    """One project twice, or two of the same name, also on a disk that does not distinguish a from A."""
    for what, value in (("url", _repository), ("name", lambda each: each.name.casefold())):
        seen: dict[str, Origin] = {}
        for origin in origins:
            first = seen.setdefault(value(origin), origin)
            if first is not origin:
                remedy = "" if what == "url" else ": give one of them another in the column name"
                yield f"line {origin.line}, {what}: is that of line {first.line}{remedy}"


def _repository(origin: Origin) -> str:
    """What URLs of one repository have in common: on a website, by HTTP and as the user git, which are one there."""
    found = ON_A_WEBSITE.fullmatch(origin.url)
    if not found:
        return _same(origin.address.removeprefix("file://"))
    *servers, path = found.groups()
    return f"{''.join(filter(None, servers)).casefold().removesuffix(':443')}/{_same(path)}"


def _last_part(url: str) -> str:
    last = re.split(r"[/\\:]", _same(url.partition("?")[0]))[-1]
    return unquote(last).strip()


def _same(url: str) -> str:
    """The URL without what addresses of one repository may differ in."""
    return url.rstrip("/").removesuffix(".git").rstrip("/")


def _absolute(url: str, path: Path) -> str:
    """A folder is meant from where the list is."""
    if HAS_SCHEME.match(url):
        return url
    return str(path.resolve().parent / os.path.expanduser(url))  # noqa: PTH111 # pathlib fails where it knows no such home
