"""Known vulnerabilities of packages: asked of OSV's API, or looked up in its records, without the network."""

import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from factory.errors import FactoryError
from factory.platforms.rest import RestClient

from .osv import Record
from .packages import Package

API = "https://api.osv.dev"
BATCH = 1000  # queries in a request, the most that the API takes
PAGES = 20  # of the vulnerabilities of one package
AT_ONCE = 8
LONGEST = 200  # characters of a summary
IDENTIFIER = re.compile(r"[A-Z][A-Za-z0-9]*-[\w:.-]{1,60}", re.ASCII)


@dataclass(frozen=True)
class Advisory:
    """A vulnerability of a package's release, by all its identifiers, and the releases that fix it."""

    package: Package
    ids: tuple[str, ...]
    summary: str
    fixed: tuple[str, ...]


def ask(address: str, packages: Sequence[Package]) -> list[Advisory]:
    """What OSV's API knows of the packages. Raises FactoryError."""
    client = RestClient(address)
    try:
        found = [pair for start in range(0, len(packages), BATCH) for pair in _query(client, packages[start : start + BATCH])]
        ids = sorted({each for _, each in found})
        with ThreadPoolExecutor(AT_ONCE) as threads:
            answers = threads.map(lambda each: Record.model_validate(client("GET", f"v1/vulns/{each}")), ids)
            records = dict(zip(ids, answers, strict=True))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise FactoryError(f"{address}: the response is not what OSV's API documents: {type(error).__name__}") from error
    return _merged((package, records[each]) for package, each in found)


def look_up(records: Iterable[Record], packages: Sequence[Package]) -> list[Advisory]:
    """What the records have on the packages."""
    by_name: dict[str, list[Record]] = {}
    for record in records:
        for name in {each.name for each in record.affected or ()} if not record.withdrawn else ():
            by_name.setdefault(name, []).append(record)
    return _merged((package, each) for package in packages for each in by_name.get(package[0], ()) if each.affects(package))


def _query(client: RestClient, packages: Sequence[Package]) -> Iterator[tuple[Package, str]]:
    """Packages and the identifiers of what is known of them, of all pages."""
    asked = [(package, "") for package in packages]
    for _ in range(PAGES):
        if not asked:
            return
        results = client("POST", "v1/querybatch", {"queries": [_question(*each) for each in asked]})["results"]
        pages = [(package, result or {}) for (package, _), result in zip(asked, results, strict=True)]
        for package, page in pages:
            yield from ((package, vuln["id"]) for vuln in page.get("vulns", []) if IDENTIFIER.fullmatch(vuln["id"]))
        asked = [(package, token) for package, page in pages if (token := page.get("next_page_token"))]


def _question(package: Package, token: str) -> dict[str, Any]:
    name, version = package
    question = {"package": {"ecosystem": "PyPI", "name": name}, "version": version}
    return question | {"page_token": token} if token else question


def _merged(found: Iterable[tuple[Package, Record]]) -> list[Advisory]:
    """One advisory for the records of a package that share an identifier, as several databases have the same vulnerability."""
    groups: dict[Package, list[tuple[set[str], list[Record]]]] = {}
    for package, record in found:
        ids, records, others = {record.id, *(record.aliases or ())}, [record], []
        for known, held in groups.get(package, []):
            if known & ids:
                ids, records = ids | known, [*held, *records]
            else:
                others.append((known, held))
        groups[package] = [*others, (ids, records)]
    merged = [_advisory(package, *group) for package, parts in groups.items() for group in parts]
    return sorted(merged, key=lambda each: (each.package, each.ids))


def _advisory(package: Package, ids: set[str], records: Sequence[Record]) -> Advisory:
    summary = next((text for record in records if (text := record.summary or record.details)), "")
    fixed = sorted({version for record in records for version in record.fixed(package)})
    known = tuple(sorted(each for each in ids if IDENTIFIER.fullmatch(each)))
    return Advisory(package, known, " ".join(summary.split())[:LONGEST], tuple(map(str, fixed)))
