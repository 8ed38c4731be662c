"""The deliveries, with who added them, when and from where: data/ledger.csv, one line for each."""

import csv
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from ..errors import FactoryError
from ..paths import RAW

LEDGER = Path("data/ledger.csv")


@dataclass(frozen=True)
class Entry:
    """One delivery; `received` is an ISO 8601 time in UTC, `source` is where it came from."""

    file: str
    received: str
    by: str
    source: str
    rows: str
    sha256: str

    @property
    def path(self) -> Path:
        return RAW / self.file


COLUMNS = [field.name for field in fields(Entry)]


def entries() -> list[Entry]:
    """All deliveries in the order in which they were added. Raises FactoryError if malformed."""
    if not LEDGER.exists():
        return []
    with LEDGER.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        try:
            header, *deliveries = [Entry(*row) for row in reader if row]
            if header != Entry(*COLUMNS):
                raise ValueError(header)
        except (TypeError, ValueError, csv.Error) as error:
            raise FactoryError(f"{LEDGER}: line {reader.line_num} is not a delivery: restore it from Git") from error
    return deliveries


def append(deliveries: list[Entry]) -> None:
    """Append deliveries in one write."""
    write([*entries(), *deliveries])


def write(deliveries: list[Entry], path: Path = LEDGER) -> None:
    """Write a ledger of the deliveries atomically."""
    temporary = path.with_suffix(".tmp")
    with temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(entry) for entry in deliveries)
    temporary.replace(path)
